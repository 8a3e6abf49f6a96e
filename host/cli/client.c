/* client.c - asking the host that runs */
#include "cli/client.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "conf/ini.h"
#include "conf/schema.h"
#include "conf/text.h"
#include "proc/control.h"
#include "proc/rundir.h"
#include "proc/unix.h"

#define READ_SIZE  65536
#define PATIENCE_S 90 /* a reload's check may take a minute */

static char *folder_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    char *folder =
        slash == NULL ? strdup(".") : strndup(file, (size_t)(slash - file) + 1);
    char *real = folder == NULL ? NULL : realpath(folder, NULL);

    free(folder);
    return real;
}

/*
 * The file need not be right to stop the host that was started with it: only
 * one key of it is looked at. NULL if even that cannot be read.
 */
static char *find_run_dir(const char *file, struct problems *problems)
{
    const char *value = schema_find("server", "run_dir")->fallback;
    struct ini *ini = ini_load(file, problems);
    const struct ini_section *server;
    const struct ini_key *key;
    char *folder, *path = NULL;

    if (ini == NULL) {
        return NULL;
    }
    server = ini_find_section(ini, "server");
    key = server != NULL ? ini_find_key(server, "run_dir") : NULL;
    if (key != NULL && key->value != NULL) {
        value = key->value;
    }
    folder = folder_of(file);
    if (folder != NULL) {
        path = text_absolute(folder, value);
    }
    free(folder);
    ini_free(ini);
    return path;
}

int client_run_dir(const struct cli_call *call, char **run_dir)
{
    struct problems problems = { 0 };
    int status = CLI_DONE;

    *run_dir = find_run_dir(cli_file(call), &problems);
    if (*run_dir == NULL) {
        problems_print(&problems, stderr);
        fprintf(stderr, "patchbay: cannot tell which host is meant; name its "
                        "file with -c FILE\n");
        status = CLI_CONFIGURATION;
    }
    problems_free(&problems);
    return status;
}

static int find_socket(const struct cli_call *call, char *path, size_t size)
{
    char *run_dir;
    int status = client_run_dir(call, &run_dir);

    if (status == CLI_DONE &&
        rundir_path(run_dir, CONTROL_NAME, path, size) < 0) {
        fprintf(stderr, "patchbay: run_dir %s is too long\n", run_dir);
        status = CLI_CONFIGURATION;
    }
    free(run_dir);
    return status;
}

static int connect_host(const struct cli_call *call, int *fd)
{
    struct timeval patience = { .tv_sec = PATIENCE_S };
    char path[PATH_MAX];
    int status = find_socket(call, path, sizeof path);

    if (status != CLI_DONE) {
        return status;
    }
    *fd = unix_connect(path);
    if (*fd < 0 && (errno == ENOENT || errno == ECONNREFUSED)) {
        fprintf(stderr, "patchbay: not running: nobody answers at %s\n", path);
        return CLI_NOT_RUNNING;
    }
    if (*fd < 0) {
        fprintf(stderr, "patchbay: cannot connect to %s: %s\n", path,
                strerror(errno));
        return CLI_FAILED;
    }
    setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return CLI_DONE;
}

static int send_request(int fd, json_t *request)
{
    char *text = json_dumps(request, JSON_COMPACT);
    struct iovec parts[2] = { { .iov_base = text },
                              { .iov_base = (char[]){ '\n' }, .iov_len = 1 } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
    ssize_t sent = -1;

    json_decref(request);
    if (text != NULL) {
        parts[0].iov_len = strlen(text);
        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    }
    free(text);
    return sent > 0 ? 0 : -1;
}

/* As the socket has a limit of time, it is interrupted when the process is
 * stopped and goes on: signal(7). */
static ssize_t receive(int fd, void *room, size_t size)
{
    ssize_t got;

    do {
        got = recv(fd, room, size, 0);
    } while (got < 0 && errno == EINTR);
    return got;
}

/* One line, its end cut off. */
static int read_line(int fd, struct buf *line)
{
    char *end = NULL;

    while (end == NULL) {
        char *room = buf_reserve(line, READ_SIZE);
        ssize_t got = room != NULL ? receive(fd, room, READ_SIZE) : -1;

        if (got <= 0) {
            return -1;
        }
        end = memchr(room, '\n', (size_t)got);
        line->len += (size_t)got;
    }
    *end = 0;
    line->len = (size_t)(end - line->data);
    return 0;
}

static int judge(const struct cli_call *call, const char *line, json_t *answer)
{
    const char *error = json_string_value(json_object_get(answer, "error"));
    const char *problems =
        json_string_value(json_object_get(answer, "problems"));
    bool ok = json_is_true(json_object_get(answer, "ok"));

    if (cli_flag(call, "json")) {
        json_put(stdout, line, strlen(line));
        putchar('\n');
    } else if (!ok) {
        fprintf(stderr, "%spatchbay: %s\n", problems != NULL ? problems : "",
                error != NULL ? error : "the host's answer makes no sense");
    }
    return ok ? CLI_DONE : CLI_FAILED;
}

/* *answer may be set even if it is a refusal. */
static int converse(const struct cli_call *call, int fd, json_t *request,
                    json_t **answer)
{
    struct buf line = { 0 };
    int status;

    *answer = NULL;
    if (send_request(fd, request) < 0 || read_line(fd, &line) < 0) {
        fprintf(stderr, "patchbay: the host does not answer\n");
        status = CLI_FAILED;
    } else {
        *answer = json_loadb(line.data, line.len, 0, NULL);
        status = judge(call, line.data, *answer);
    }
    buf_free(&line);
    return status;
}

int client_ask(const struct cli_call *call, json_t *request, json_t **answer)
{
    int fd = -1;
    int status = connect_host(call, &fd);

    *answer = NULL;
    if (status != CLI_DONE) {
        json_decref(request);
        return status;
    }
    status = converse(call, fd, request, answer);
    close(fd);
    return status;
}

int client_ask_at(const char *socket, json_t *request, json_t **answer)
{
    struct timeval patience = { .tv_sec = PATIENCE_S };
    struct buf line = { 0 };
    int fd = unix_connect(socket);
    int status = CLI_NOT_RUNNING;

    *answer = NULL;
    if (fd < 0) {
        json_decref(request);
        return status;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (send_request(fd, request) == 0 && read_line(fd, &line) == 0) {
        *answer = json_loadb(line.data, line.len, 0, NULL);
    }
    status =
        json_is_true(json_object_get(*answer, "ok")) ? CLI_DONE : CLI_FAILED;
    buf_free(&line);
    close(fd);
    return status;
}

int client_ask_to_end(const struct cli_call *call, json_t *request,
                      void (*told)(const json_t *answer))
{
    static const struct timeval forever;
    json_t *answer;
    char byte;
    int fd = -1;
    int status = connect_host(call, &fd);

    if (status != CLI_DONE) {
        json_decref(request);
        return status;
    }
    status = converse(call, fd, request, &answer);
    if (status == CLI_DONE) {
        if (told != NULL && !cli_flag(call, "json")) {
            told(answer);
        }
        /* The host has limits for its end; none is needed here. */
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof forever);
        while (receive(fd, &byte, 1) > 0) {
        }
    }
    json_decref(answer);
    close(fd);
    return status;
}

void client_warn_missing(const json_t *answer)
{
    const json_t *worker;
    size_t i;

    json_array_foreach(json_object_get(answer, "missing"), i, worker)
    {
        fprintf(stderr, "patchbay: worker %d did not answer\n",
                (int)json_integer_value(worker));
    }
}
