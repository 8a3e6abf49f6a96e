/* child.c - work in a forked child, which may crash or hang, and what it says */
#include "plugin/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/user.h"

#define READ_SIZE 4096
#define UNKNOWN   (-1) /* status of a child that another collected */

/* A record on the wire: this, and len bytes. A child that dies before its END
 * has not done all of its work. */
struct head {
    int tag;
    uint32_t len;
};

#define END     (-1)
#define NO_USER (-2) /* an errno follows */

/* ---- the child --------------------------------------------------------- */

static void write_all(int fd, const void *data, size_t len)
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

void child_say(int fd, int tag, const void *data, size_t len)
{
    struct head head = { tag, (uint32_t)len };

    write_all(fd, &head, sizeof head);
    write_all(fd, data, len);
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

_Noreturn static void run_child(const struct child_set *set,
                                const struct child_work *work, int fd)
{
    leave_caller(&fd);
    if (set->user != NULL &&
        (user_become(set->user) != 0 || user_confine() != 0)) {
        int error = errno;

        child_say(fd, NO_USER, &error, sizeof error);
    } else {
        /* Not before: a change of user takes it back. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != set->caller) {
            _exit(1);
        }
        work->run(work->arg, fd);
        child_say(fd, END, NULL, 0);
    }
    _exit(0);
}

/* ---- the caller -------------------------------------------------------- */

static void fail(const struct child_work *work, const char *what)
{
    const struct child_end end = { CHILD_FAILED, errno, what };
    const struct buf nothing = { 0 };

    work->ended(work->arg, &end, &nothing);
}

static bool read_head(const struct buf *said, size_t at, struct head *head)
{
    if (said->len - at < sizeof *head) {
        return false;
    }
    memcpy(head, said->data + at, sizeof *head);
    return head->len <= said->len - at - sizeof *head;
}

bool child_next(const struct buf *said, size_t *at, struct child_record *record)
{
    struct head head;

    if (!read_head(said, *at, &head) || head.tag < 0) {
        return false;
    }
    *record = (struct child_record){
        .tag = head.tag,
        .data = said->data + *at + sizeof head,
        .len = head.len,
    };
    *at += sizeof head + head.len;
    return true;
}

/* Whether the record that tells how it ended is there. */
static bool is_whole(struct child *child)
{
    struct head head;

    while (!child->done && read_head(&child->said, child->whole, &head)) {
        if (head.tag < 0) {
            child->done = true;
        } else {
            child->whole += sizeof head + head.len;
        }
    }
    return child->done;
}

static struct child_end judge(const struct child *child, bool late, int status)
{
    struct child_end end = { .how = CHILD_DONE };

    if (child->said.failed) {
        end = (struct child_end){ CHILD_FAILED, ENOMEM, "memory" };
    } else if (child->done) {
        const char *at = child->said.data + child->whole;
        struct head head;

        memcpy(&head, at, sizeof head);
        if (head.tag == NO_USER && head.len == sizeof end.number) {
            end.how = CHILD_FAILED;
            end.failed = "user";
            memcpy(&end.number, at + sizeof head, sizeof end.number);
        }
    } else if (late) {
        end.how = CHILD_LATE;
    } else if (status == UNKNOWN || WIFEXITED(status)) {
        end.how = CHILD_EXITED;
        end.number = status == UNKNOWN ? 0 : WEXITSTATUS(status);
    } else {
        end.how = CHILD_CRASHED;
        end.number = WTERMSIG(status);
    }
    return end;
}

/* The child has said all, or will not: collects it, and whatever it started. */
static void finish(struct child_set *set, size_t index, bool late)
{
    struct child child = set->running[index];
    struct child_end end;
    int status = UNKNOWN;

    set->running[index] = set->running[--set->count];
    kill(-child.pid, SIGKILL);
    while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
    }
    close(child.fd);
    end = judge(&child, late, status);
    child.work.ended(child.work.arg, &end, &child.said);
    buf_free(&child.said);
}

/* False: there is nothing more to come. */
static bool hear(struct child *child)
{
    char *room = buf_reserve(&child->said, READ_SIZE);
    ssize_t n;

    if (room == NULL) {
        return false;
    }
    n = read(child->fd, room, READ_SIZE);
    if (n > 0) {
        child->said.len += (size_t)n;
        return !is_whole(child);
    }
    return n < 0 && errno == EINTR;
}

/* Waits until one of the children says something or is late. */
static void wait_for_news(struct child_set *set)
{
    struct pollfd fds[CHILD_MOST];
    uint64_t now = clock_now_ms();
    uint64_t next = UINT64_MAX;
    int ready;

    for (size_t i = 0; i < set->count; i++) {
        const struct child *child = &set->running[i];

        fds[i] = (struct pollfd){ .fd = child->fd, .events = POLLIN };
        next = child->deadline_ms < next ? child->deadline_ms : next;
    }
    ready = poll(fds, set->count, next > now ? (int)(next - now) : 0);
    now = clock_now_ms();
    /* From the last: finish puts the last one in the place of what ends. */
    for (size_t i = set->count; i-- > 0;) {
        if (ready > 0 && fds[i].revents != 0) {
            if (!hear(&set->running[i])) {
                finish(set, i, false);
            }
        } else if (now >= set->running[i].deadline_ms) {
            finish(set, i, true);
        }
    }
}

void child_start(struct child_set *set, const struct child_work *work)
{
    struct child child = { .work = *work };
    sigset_t all;
    sigset_t before;
    int ends[2];

    while (set->count == CHILD_MOST) {
        wait_for_news(set);
    }
    if (pipe2(ends, O_CLOEXEC) != 0) {
        fail(work, "pipe");
        return;
    }
    set->caller = getpid();
    /* What stands in buffers would be written twice by a child that exits. */
    fflush(NULL);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    child.pid = fork();
    if (child.pid == 0) {
        run_child(set, work, ends[1]);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (child.pid < 0) {
        fail(work, "fork");
        close(ends[0]);
        close(ends[1]);
        return;
    }
    close(ends[1]);
    setpgid(child.pid, child.pid);
    child.fd = ends[0];
    child.deadline_ms = clock_now_ms() + set->timeout_ms;
    set->running[set->count++] = child;
}

void child_wait(struct child_set *set)
{
    while (set->count > 0) {
        wait_for_news(set);
    }
}
