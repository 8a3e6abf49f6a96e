/* misdeed.c - does what no plugin may, when told; everything else is sent back
 *
 * "exit 3", ...: what the message hook does. What begins with "crash" or
 * "poison" crashes it, whatever else it says. */
#include <patchbay.h>

#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"

static void close_listeners(void)
{
    for (int fd = 3; fd < 200; fd++) {
        socklen_t len = sizeof(int);
        int listens = 0;

        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 &&
            listens) {
            close(fd);
        }
    }
}

static void change_all(int handled)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    signal(handled, SIG_DFL);
    umask(0);
    setlocale(LC_ALL, "C.UTF-8");
    (void)!chdir("/");
}

static void *exit_by(void *arg)
{
    exit(*(int *)arg);
}

static void exit_in_thread(int number)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, exit_by, &number) == 0) {
        pthread_join(thread, NULL);
    }
}

static void exit_in_work(void *arg)
{
    (void)arg;
    exit(7);
}

/* Waits for a child that runs a program, or goes on as if it were the host. */
static void fork_child(bool program)
{
    pid_t pid = fork();

    if (pid == 0 && program) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    if (pid > 0) {
        waitpid(pid, NULL, 0);
    }
}

static void fork_in_work(void *arg)
{
    (void)arg;
    fork_child(false);
}

static int message(bay_conn *conn, const bay_message *msg)
{
    int number;

    if (strncmp(msg->data, "crash", 5) == 0 ||
        strncmp(msg->data, "poison", 6) == 0) {
        fault();
    }
    if (sscanf(msg->data, "exit %d", &number) == 1) {
        exit(number);
    }
    if (sscanf(msg->data, "_exit %d", &number) == 1) {
        _exit(number);
    }
    if (sscanf(msg->data, "quick_exit %d", &number) == 1) {
        quick_exit(number);
    }
    if (sscanf(msg->data, "thread %d", &number) == 1) {
        exit_in_thread(number);
    }
    if (strcmp(msg->data, "work") == 0) {
        return bay_defer(bay_conn_route(conn), exit_in_work, NULL, NULL);
    }
    if (strcmp(msg->data, "fork and exec") == 0) {
        fork_child(true);
    }
    if (strcmp(msg->data, "fork") == 0) {
        fork_child(false);
    }
    if (strcmp(msg->data, "fork in work") == 0) {
        return bay_defer(bay_conn_route(conn), fork_in_work, NULL, NULL);
    }
    if (sscanf(msg->data, "mask %d", &number) == 1) {
        change_all(number == 1 ? SIGPIPE : SIGTERM);
    }
    if (sscanf(msg->data, "close %d", &number) == 1) {
        for (int fd = 3; fd < number; fd++) {
            close(fd);
        }
    }
    if (sscanf(msg->data, "alarm %d", &number) == 1) {
        alarm((unsigned)number);
    }
    if (strcmp(msg->data, "alarm") == 0) {
        raise(SIGALRM);
    }
    if (strcmp(msg->data, "term") == 0) {
        signal(SIGTERM, SIG_DFL);
        raise(SIGTERM);
    }
    if (strcmp(msg->data, "unlisten") == 0) {
        close_listeners();
    }
    return bay_send(conn, msg->kind, msg->data, msg->len);
}

static int http(bay_route *route, bay_request *req)
{
    (void)route;
    return bay_req_reply(req, 200, "text/plain", "well", 4);
}

BAY_PLUGIN = { BAY_INIT, .name = "misdeed", .message = message, .http = http };
