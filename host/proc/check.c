/* check.c - a configuration file and its plugins, checked as a whole */
#include "proc/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/trust.h"
#include "net/tls.h"
#include "plugin/probe.h"
#include "proc/reason.h"

#define READ_SIZE 4096
#define TEXT_MAX  ((size_t)1 << 20)
#define LIMIT_MS  60000
#define BURY_MS   2000

/* Says that the check went through to its end; and before it, instead of
 * problems, that addresses follow: structs as they are, each with its text. */
#define END_MARK   "\001"
#define FOUND_MARK '\002'

struct check {
    struct poller *poller;
    struct watch watch; /* the child's words */
    struct alarm_clock limit;
    struct buf text;
    pid_t pid;
    void (*done)(void *arg, const char *problems,
                 const struct check_found *found);
    void *arg;
};

/* Who writes it decides which plugins are run. Its owner was chosen by whoever
 * named it to us. */
static void check_file(const struct conf *conf, struct problems *problems)
{
    struct trust trust;
    char why[REASON_SIZE];

    trust_init(&trust);
    trust_add_owner(&trust, conf->file);
    if (trust_check(&trust, conf->file, why, sizeof why) < 0) {
        problems_add(problems, conf->file, 0, NULL, NULL, "%s", why);
    }
}

struct conf *check_load(const char *file, struct problems *problems)
{
    struct conf *conf = conf_read(file, problems);

    if (conf == NULL) {
        return NULL;
    }
    /* Not only if it has no errors: all that is wrong is said in one go. */
    check_file(conf, problems);
    tls_check_all(conf, problems);
    (void)probe_check(conf, NULL, problems);
    if (problems->count + problems->lost > 0) {
        conf_free(conf);
        return NULL;
    }
    return conf;
}

size_t check_count_plugins(const struct conf *conf)
{
    size_t count = 0;

    for (size_t i = 0; i < conf->route_count; i++) {
        size_t k = 0;

        while (strcmp(conf->routes[k].plugin, conf->routes[i].plugin) != 0) {
            k++;
        }
        count += k == i;
    }
    return count;
}

static void put_found(const struct conf *conf, FILE *out)
{
    putc(FOUND_MARK, out);
    for (size_t i = 0; i < conf->listen_count; i++) {
        fwrite(&conf->listen[i], sizeof conf->listen[i], 1, out);
        fwrite(conf->listen[i].text, strlen(conf->listen[i].text) + 1, 1, out);
    }
}

/* The child is a fork of this very program, and no plugin runs in it. */
static int take_found(struct check_found *found, char *at, char *end)
{
    while (at < end && found->listen_count < CONF_MAX_LISTEN) {
        struct conf_listen *listen = &found->listen[found->listen_count++];

        if ((size_t)(end - at) <= sizeof *listen) {
            return -1;
        }
        memcpy(listen, at, sizeof *listen);
        at += sizeof *listen;
        listen->text = at;
        at = memchr(at, 0, (size_t)(end - at));
        if (at++ == NULL) {
            return -1;
        }
    }
    return at == end ? 0 : -1;
}

/* In a process group of its own, so that it can be ended together with the
 * probes it has forked. */
_Noreturn static void be_child(const char *file, int fd)
{
    struct problems problems = { 0 };
    FILE *out = fdopen(fd, "w");
    struct conf *conf;
    sigset_t none;

    setpgid(0, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    if (out != NULL) {
        conf = check_load(file, &problems);
        if (conf != NULL) {
            put_found(conf, out);
        }
        problems_print(&problems, out);
        problems_free(&problems);
        fputs(END_MARK, out);
        fclose(out);
    }
    _exit(0);
}

/* With its probes, before anybody is told: who is told may end the host. What
 * the kernel holds, such as for a disk that is gone, is left to die alone; and
 * the master, which looks for dead workers, may have been faster. */
static void bury(const struct check *check)
{
    const struct timespec moment = { .tv_nsec = 1000000 };
    uint64_t limit = clock_now_ms() + BURY_MS;

    kill(-check->pid, SIGKILL);
    while (waitpid(check->pid, NULL, WNOHANG) == 0 && clock_now_ms() < limit) {
        nanosleep(&moment, NULL);
    }
}

static void free_check(struct check *check)
{
    poller_remove(check->poller, &check->watch);
    poller_clear_alarm(check->poller, &check->limit);
    close(check->watch.fd);
    buf_free(&check->text);
    free(check);
}

static void finish(struct check *check, const char *problems,
                   const struct check_found *found)
{
    bury(check);
    check->done(check->arg, problems, found);
    free_check(check);
}

static void heard_all(struct check *check)
{
    struct buf *text = &check->text;
    struct check_found found = { .listen_count = 0 };
    bool good = false;

    if (!text->failed && text->len > 1 &&
        text->data[text->len - 1] == END_MARK[0]) {
        text->data[text->len - 1] = 0;
        if (text->data[0] != FOUND_MARK) {
            finish(check, text->data, NULL);
            return;
        }
        good =
            take_found(&found, text->data + 1, text->data + text->len - 1) == 0;
    }
    finish(check, good ? NULL : "the check itself broke off\n", &found);
}

static void ready(struct watch *watch, short revents)
{
    struct check *check = watch->arg;
    char *room = check->text.len < TEXT_MAX
                     ? buf_reserve(&check->text, READ_SIZE)
                     : NULL;
    ssize_t got = room != NULL ? read(watch->fd, room, READ_SIZE) : 0;

    (void)revents;
    if (got > 0) {
        check->text.len += (size_t)got;
        check->text.data[check->text.len] = 0;
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        heard_all(check);
    }
}

static void overdue(struct alarm_clock *alarm)
{
    struct check *check = alarm->arg;

    finish(check, "the check did not end within a minute\n", NULL);
}

struct check *check_start(struct poller *poller, const char *file,
                          void (*in_child)(void *arg),
                          void (*done)(void *arg, const char *problems,
                                       const struct check_found *found),
                          void *arg)
{
    struct check *check = calloc(1, sizeof *check);
    int ends[2];

    if (check == NULL || pipe2(ends, O_CLOEXEC) < 0) {
        free(check);
        return NULL;
    }
    check->poller = poller;
    check->done = done;
    check->arg = arg;
    check->watch = (struct watch){
        .fd = ends[0], .events = POLLIN, .ready = ready, .arg = check
    };
    check->limit.ring = overdue;
    check->limit.arg = check;
    fflush(NULL);
    check->pid = fork();
    if (check->pid == 0) {
        close(ends[0]);
        in_child(arg);
        be_child(file, ends[1]);
    }
    close(ends[1]);
    if (check->pid < 0 || poller_add(poller, &check->watch) < 0) {
        free_check(check);
        return NULL;
    }
    setpgid(check->pid, check->pid); /* whoever of us comes first */
    poller_set_alarm(poller, &check->limit, clock_now_ms() + LIMIT_MS);
    return check;
}

void check_cancel(struct check *check)
{
    if (check != NULL) {
        bury(check);
        free_check(check);
    }
}
