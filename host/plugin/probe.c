/* probe.c - looks at plugins in a forked child, which may crash or hang */
#include "plugin/probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/user.h"
#include "plugin/inspect.h"

#define MOST_AT_ONCE 8
#define UNKNOWN      (-1) /* status of a child that another collected */

uint64_t probe_timeout_ms = 5000;

/* One plugin, looked at for all routes that name its file. */
struct probe {
    const struct conf_route *route; /* the first of them */
    pid_t pid;
    int fd; /* what the child says: records, then the end */
    struct buf said;
    uint64_t deadline_ms;
};

/* What all of the probes share. */
struct check {
    const struct conf *conf;
    const char *copies_dir;
    struct problems *problems;
    const char *user; /* whom the children become, or NULL */
    pid_t caller;
    struct probe running[MOST_AT_ONCE];
    size_t count;
};

/*
 * What a child says: one of these and len bytes of text for each problem, then
 * one of line END, whose len is the number of problems it had no memory for. A
 * child that dies before that has not looked at everything.
 */
struct record {
    int line;
    uint32_t len;
};

#define END (-1)

/* ---- the child --------------------------------------------------------- */

static void say(int fd, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno != EINTR) {
            _exit(1);
        }
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
}

/* Routes that share a plugin share the faults of its section. */
static bool was_said(const struct problems *problems, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (problems->list[i].line == problems->list[index].line &&
            strcmp(problems->list[i].text, problems->list[index].text) == 0) {
            return true;
        }
    }
    return false;
}

static void say_all(int fd, const struct problems *problems)
{
    struct record end = { END, (uint32_t)problems->lost };

    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->list[i];
        struct record record = { problem->line,
                                 (uint32_t)strlen(problem->text) };

        if (!was_said(problems, i)) {
            say(fd, &record, sizeof record);
            say(fd, problem->text, record.len);
        }
    }
    say(fd, &end, sizeof end);
}

/* Nothing of the caller's but its memory: a handler of its own would act in
 * its name, and its descriptors lead to its clients. Plugins' output goes to
 * standard error, as standard output belongs to the caller's command. */
static void leave_caller(int *fd)
{
    struct rlimit no_core = { 0, 0 };
    struct sigaction fresh = { .sa_handler = SIG_DFL };
    sigset_t none;
    int null = open("/dev/null", O_RDONLY);

    setpgid(0, 0);
    setrlimit(RLIMIT_CORE, &no_core);
    for (int signal = 1; signal < NSIG; signal++) {
        sigaction(signal, &fresh, NULL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
    }
    dup2(STDERR_FILENO, STDOUT_FILENO);
    *fd = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
    if (*fd != 3) {
        *fd = dup3(*fd, 3, O_CLOEXEC);
    }
    close_range(4, ~0U, 0);
}

_Noreturn static void run_child(const struct check *check,
                                const struct conf_route *first, int fd)
{
    struct problems problems = { 0 };

    leave_caller(&fd);
    if (check->user != NULL && user_become(check->user) != 0) {
        inspect_complain(check->conf, first, &problems,
                         "%s cannot be looked at as user %s: %s",
                         first->plugin_file, check->user, strerror(errno));
    } else {
        /* Not before: a change of user takes it back. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != check->caller) {
            _exit(1);
        }
        inspect_plugin(check->conf, first, check->copies_dir, &problems);
    }
    say_all(fd, &problems);
    _exit(0);
}

/* ---- the caller -------------------------------------------------------- */

static void start(struct check *check, const struct conf_route *route)
{
    struct probe *probe = &check->running[check->count];
    sigset_t all;
    sigset_t before;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0) {
        inspect_complain(check->conf, route, check->problems,
                         "%s cannot be looked at: pipe: %s", route->plugin_file,
                         strerror(errno));
        return;
    }
    /* What stands in buffers would be written twice by a child that exits. */
    fflush(NULL);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    *probe = (struct probe){
        .route = route,
        .pid = fork(),
        .fd = ends[0],
        .deadline_ms = clock_now_ms() + probe_timeout_ms,
    };
    if (probe->pid == 0) {
        run_child(check, route, ends[1]);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (probe->pid < 0) {
        inspect_complain(check->conf, route, check->problems,
                         "%s cannot be looked at: fork: %s", route->plugin_file,
                         strerror(errno));
        close(ends[0]);
        return;
    }
    setpgid(probe->pid, probe->pid);
    check->count++;
}

/* Takes the problems over if the child said all there is to say. merge: only
 * then; else just tells whether it did. */
static bool read_records(const struct probe *probe, const struct check *check,
                         bool merge)
{
    const char *at = probe->said.data;
    size_t left = probe->said.len;
    struct record record;

    while (left >= sizeof record) {
        memcpy(&record, at, sizeof record);
        at += sizeof record;
        left -= sizeof record;
        if (record.line == END) {
            if (merge) {
                check->problems->lost += record.len;
            }
            return true;
        }
        if (record.len > left) {
            return false;
        }
        if (merge) {
            problems_add(check->problems, check->conf->file, record.line, NULL,
                         NULL, "%.*s", (int)record.len, at);
        }
        at += record.len;
        left -= record.len;
    }
    return false;
}

static void complain_unfinished(const struct check *check,
                                const struct probe *probe, bool late,
                                int status)
{
    const char *file = probe->route->plugin_file;
    char what[96];

    if (!late && (status == UNKNOWN || WIFEXITED(status))) {
        inspect_complain(check->conf, probe->route, check->problems,
                         "%s called exit(%d) while loading: a constructor of "
                         "it ends the process that loads it",
                         file, status == UNKNOWN ? 0 : WEXITSTATUS(status));
        return;
    }
    if (late) {
        snprintf(what, sizeof what,
                 "did not finish loading within %llu ms: a constructor hangs",
                 (unsigned long long)probe_timeout_ms);
    } else {
        const char *name = sigabbrev_np(WTERMSIG(status));

        snprintf(what, sizeof what, "crashed while loading (SIG%s)",
                 name == NULL ? "?" : name);
    }
    /* Any program that is made to load the plugin shows where it stands. */
    inspect_complain(check->conf, probe->route, check->problems,
                     "%s %s; to see where: gdb -ex 'set exec-wrapper env "
                     "LD_PRELOAD=%s' -ex run /bin/true",
                     file, what, file);
}

/* The child has said all, or will not: collects it, and whatever it started. */
static void finish(struct check *check, size_t index, bool late)
{
    struct probe *probe = &check->running[index];
    int status = UNKNOWN;

    kill(-probe->pid, SIGKILL);
    while (waitpid(probe->pid, &status, 0) < 0 && errno == EINTR) {
    }
    close(probe->fd);
    if (probe->said.failed) {
        check->problems->lost++;
    } else if (read_records(probe, check, false)) {
        read_records(probe, check, true);
    } else {
        complain_unfinished(check, probe, late, status);
    }
    buf_free(&probe->said);
    *probe = check->running[--check->count];
}

/* False: there is nothing more to come. */
static bool hear(struct probe *probe, const struct check *check)
{
    char *room = buf_reserve(&probe->said, 4096);
    ssize_t n;

    if (room == NULL) {
        return false;
    }
    n = read(probe->fd, room, 4096);
    if (n > 0) {
        probe->said.len += (size_t)n;
        return !read_records(probe, check, false);
    }
    return n < 0 && errno == EINTR;
}

/* Waits until one of the children says something or is late. */
static void wait_for_news(struct check *check)
{
    struct pollfd fds[MOST_AT_ONCE];
    uint64_t now = clock_now_ms();
    uint64_t next = UINT64_MAX;
    int ready;

    for (size_t i = 0; i < check->count; i++) {
        const struct probe *probe = &check->running[i];

        fds[i] = (struct pollfd){ .fd = probe->fd, .events = POLLIN };
        next = probe->deadline_ms < next ? probe->deadline_ms : next;
    }
    ready = poll(fds, check->count, next > now ? (int)(next - now) : 0);
    now = clock_now_ms();
    /* From the last: finish puts the last one in the place of what ends. */
    for (size_t i = check->count; i-- > 0;) {
        if (ready > 0 && fds[i].revents != 0) {
            if (!hear(&check->running[i], check)) {
                finish(check, i, false);
            }
        } else if (now >= check->running[i].deadline_ms) {
            finish(check, i, true);
        }
    }
}

/* Whether the route names a plugin that none before it did. */
static bool is_first(const struct conf *conf, size_t index)
{
    const char *file = conf->routes[index].plugin_file;

    for (size_t i = 0; file != NULL && i < index; i++) {
        const char *other = conf->routes[i].plugin_file;

        if (other != NULL && strcmp(other, file) == 0) {
            return false;
        }
    }
    return file != NULL;
}

static void check_all(struct check *check)
{
    for (size_t i = 0; i < check->conf->route_count; i++) {
        if (is_first(check->conf, i)) {
            while (check->count == MOST_AT_ONCE) {
                wait_for_news(check);
            }
            start(check, &check->conf->routes[i]);
        }
    }
    while (check->count > 0) {
        wait_for_news(check);
    }
}

static void remove_dir(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir != NULL) {
        closedir(dir);
    }
    rmdir(path);
}

static int refuse_dir(const struct check *check, const char *dir)
{
    problems_add(check->problems, check->conf->file, 0, NULL, NULL,
                 "the plugins cannot be looked at: no folder %s for their "
                 "copies: %s",
                 dir, strerror(errno));
    return -1;
}

/* Makes the folder of the copies, in which the children can write: a temporary
 * one if the caller named none. */
static int make_dir(struct check *check, struct buf *temporary)
{
    const char *parent = getenv("TMPDIR");
    uid_t uid;
    gid_t gid;

    if (check->copies_dir == NULL) {
        parent = parent == NULL || *parent == 0 ? "/tmp" : parent;
        buf_addf(temporary, "%s/patchbay-probe-XXXXXX", parent);
        if (temporary->failed || mkdtemp(temporary->data) == NULL) {
            return refuse_dir(check, parent);
        }
        check->copies_dir = temporary->data;
    } else if (mkdir(check->copies_dir, 0700) != 0) {
        /* What is wrong with it, if anything, is said when it is used. */
        return 0;
    }
    if (check->user != NULL && (user_find(check->user, &uid, &gid) != 0 ||
                                chown(check->copies_dir, uid, gid) != 0)) {
        return refuse_dir(check, check->copies_dir);
    }
    return 0;
}

size_t probe_check(const struct conf *conf, const char *copies_dir,
                   struct problems *problems)
{
    size_t before = problems->count + problems->lost;
    struct buf temporary = { 0 };
    struct check check = {
        .conf = conf,
        .copies_dir = copies_dir,
        .problems = problems,
        .user = geteuid() == 0 ? conf->user : NULL,
        .caller = getpid(),
    };

    if (make_dir(&check, &temporary) == 0) {
        check_all(&check);
    }
    if (copies_dir == NULL && check.copies_dir != NULL) {
        remove_dir(check.copies_dir);
    }
    buf_free(&temporary);
    return problems->count + problems->lost - before;
}
