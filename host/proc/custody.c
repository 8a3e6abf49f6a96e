/* custody.c - what is the host's in a worker, and no plugin may touch */
#include "proc/custody.h"

#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* What the host, the library or the C library rely on. Not SIGCHLD: who starts
 * programs has a use for it, and the host has none in a worker. */
static const int watched[] = { SIGTERM, SIGINT,  SIGHUP, SIGUSR1, SIGPIPE,
                               SIGXFSZ, SIGSEGV, SIGBUS, SIGFPE,  SIGILL,
                               SIGABRT, SIGTRAP, SIGSYS };

_Static_assert(sizeof watched / sizeof watched[0] == CUSTODY_SIGNALS,
               "a place for each");

/* Whose signal ends a process that does not expect it. */
static const struct {
    __itimer_which_t which;
    int number;
} timers[] = {
    { ITIMER_REAL, SIGALRM },
    { ITIMER_VIRTUAL, SIGVTALRM },
    { ITIMER_PROF, SIGPROF },
};

#define TIMERS (sizeof timers / sizeof timers[0])

static const char *const kind_names[] = {
    [CUSTODY_LOOP] = "the event loop",
    [CUSTODY_CHANNEL] = "the channel to the master",
    [CUSTODY_BUS] = "the bus",
    [CUSTODY_LISTENER] = "a socket that listens",
    [CUSTODY_LOG] = "the log",
};

/* ---- descriptors ------------------------------------------------------- */

void custody_keep(struct custody *custody, int fd, enum custody_kind kind)
{
    struct stat is;

    if (fd >= 0 && custody->fd_count < CUSTODY_FDS && fstat(fd, &is) == 0) {
        custody->fds[custody->fd_count++] =
            (struct custody_fd){ kind, fd, is.st_dev, is.st_ino };
    }
    if (kind == CUSTODY_LOOP) {
        snprintf(custody->loop_link, sizeof custody->loop_link,
                 "/proc/self/fd/%d", fd);
    }
}

void custody_drop(struct custody *custody, enum custody_kind kind)
{
    size_t left = 0;

    for (size_t i = 0; i < custody->fd_count; i++) {
        if (custody->fds[i].kind != kind) {
            custody->fds[left++] = custody->fds[i];
        }
    }
    custody->fd_count = left;
}

/* All that epoll, eventfd and their like make is of one inode. To wait by it
 * would tell, too, but might take an event from the loop. Without /proc it is
 * taken for what it was. */
static bool is_epoll(const struct custody *custody)
{
    static const char epoll[] = "anon_inode:[eventpoll]";
    char what[sizeof epoll];
    ssize_t len = readlink(custody->loop_link, what, sizeof what);

    return len < 0 || (len == sizeof epoll - 1 &&
                       memcmp(what, epoll, sizeof epoll - 1) == 0);
}

static bool is_same(const struct custody *custody,
                    const struct custody_fd *kept)
{
    struct stat is;

    return fstat(kept->fd, &is) == 0 && is.st_dev == kept->device &&
           is.st_ino == kept->inode &&
           (kept->kind != CUSTODY_LOOP || is_epoll(custody));
}

bool custody_lost(const struct custody *custody, int fd)
{
    for (size_t i = 0; i < custody->fd_count; i++) {
        if (custody->fds[i].fd == fd) {
            return !is_same(custody, &custody->fds[i]);
        }
    }
    return false;
}

bool custody_broken(const struct custody *custody)
{
    for (size_t i = 0; i < custody->fd_count; i++) {
        if (!is_same(custody, &custody->fds[i])) {
            return true;
        }
    }
    return false;
}

static void add(struct buf *found, const char *what)
{
    buf_adds(found, found->len > 0 ? ", " : "");
    buf_adds(found, what);
}

static bool check_fds(const struct custody *custody, struct buf *found)
{
    bool told[sizeof kind_names / sizeof kind_names[0]] = { false };
    bool whole = true;

    for (size_t i = 0; i < custody->fd_count; i++) {
        const struct custody_fd *kept = &custody->fds[i];

        if (is_same(custody, kept)) {
            continue;
        }
        whole = false;
        if (!told[kept->kind]) {
            told[kept->kind] = true;
            add(found, kind_names[kept->kind]);
        }
    }
    return whole;
}

/* ---- signals ----------------------------------------------------------- */

static bool same_set(const sigset_t *a, const sigset_t *b)
{
    for (int number = 1; number < NSIG; number++) {
        if (sigismember(a, number) != sigismember(b, number)) {
            return false;
        }
    }
    return true;
}

/* The C library adds one of its own as soon as an action is set. */
#define FLAGS                                                             \
    (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | \
     SA_NODEFER | (int)SA_RESETHAND)

/* sa_handler and sa_sigaction are one place in memory. */
static bool same_action(const struct sigaction *a, const struct sigaction *b)
{
    return a->sa_handler == b->sa_handler &&
           ((a->sa_flags ^ b->sa_flags) & FLAGS) == 0 &&
           same_set(&a->sa_mask, &b->sa_mask);
}

static void check_actions(const struct custody *custody, struct buf *found)
{
    char what[64];

    for (size_t i = 0; i < CUSTODY_SIGNALS; i++) {
        const struct sigaction *kept = &custody->actions[i];
        struct sigaction now;

        if (sigaction(watched[i], NULL, &now) != 0 || same_action(&now, kept)) {
            continue;
        }
        (void)sigaction(watched[i], kept, NULL);
        snprintf(what, sizeof what, "the handler of SIG%s",
                 sigabbrev_np(watched[i]));
        add(found, what);
    }
}

static void check_mask(const struct custody *custody, struct buf *found)
{
    sigset_t now;

    pthread_sigmask(SIG_SETMASK, NULL, &now);
    if (!same_set(&now, &custody->mask)) {
        pthread_sigmask(SIG_SETMASK, &custody->mask, NULL);
        add(found, "the signal mask");
    }
}

/* ---- timers ------------------------------------------------------------ */

static volatile sig_atomic_t rang; /* since the last look */

static void hear_timer(int number)
{
    (void)number;
    rang = 1;
}

/* A plugin that has a handler of its own knows what it does. false: it has. */
static bool catch_timer(int number)
{
    struct sigaction action = { .sa_flags = SA_RESTART };
    struct sigaction now;

    if (sigaction(number, NULL, &now) != 0 ||
        (now.sa_handler != SIG_DFL && now.sa_handler != hear_timer)) {
        return false;
    }
    action.sa_handler = hear_timer;
    sigemptyset(&action.sa_mask);
    return sigaction(number, &action, NULL) == 0;
}

static void check_timers(struct buf *found)
{
    const struct itimerval none = { { 0, 0 }, { 0, 0 } };
    bool set = rang != 0;

    rang = 0;
    for (size_t i = 0; i < TIMERS; i++) {
        struct itimerval now;

        if (catch_timer(timers[i].number) &&
            getitimer(timers[i].which, &now) == 0 &&
            (now.it_value.tv_sec != 0 || now.it_value.tv_usec != 0)) {
            (void)setitimer(timers[i].which, &none, NULL);
            set = true;
        }
    }
    if (set) {
        add(found, "a timer that would end the process (alarm, setitimer)");
    }
}

/* ---- the rest ---------------------------------------------------------- */

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The descriptor might have been closed with the others. */
static bool has_folder(const struct custody *custody)
{
    struct stat is;

    return custody->has_folder && fstat(custody->folder, &is) == 0 &&
           same_file(&is, &custody->folder_is);
}

static void check_folder(const struct custody *custody, struct buf *found)
{
    struct stat is;

    if (has_folder(custody) &&
        (stat(".", &is) != 0 || !same_file(&is, &custody->folder_is)) &&
        fchdir(custody->folder) == 0) {
        add(found, "the working directory");
    }
}

/* umask(2) only tells what it was when it changes it: another thread could
 * make a file meanwhile. */
static bool read_umask(mode_t *out)
{
    char text[512];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    const char *line;
    unsigned mode;

    if (fd >= 0) {
        close(fd);
    }
    if (len <= 0) {
        return false;
    }
    text[len] = 0;
    line = strstr(text, "\nUmask:");
    if (line == NULL || sscanf(line, "\nUmask: %o", &mode) != 1) {
        return false;
    }
    *out = (mode_t)mode;
    return true;
}

static void check_umask(const struct custody *custody, struct buf *found)
{
    mode_t now;

    if (custody->has_umask && read_umask(&now) && now != custody->umask) {
        umask(custody->umask);
        add(found, "the umask");
    }
}

/* The process's, or a thread's own in its place. */
static void check_locale(const struct custody *custody, struct buf *found)
{
    const char *locale = setlocale(LC_ALL, NULL);
    bool same = uselocale((locale_t)0) == LC_GLOBAL_LOCALE;

    if (!same) {
        uselocale(LC_GLOBAL_LOCALE);
    }
    if (custody->locale[0] != 0 && locale != NULL &&
        strcmp(locale, custody->locale) != 0) {
        same = false;
        (void)setlocale(LC_ALL, custody->locale);
    }
    if (!same) {
        add(found, "the locale");
    }
}

/* ---- from outside ------------------------------------------------------ */

void custody_begin(struct custody *custody)
{
    const char *locale = setlocale(LC_ALL, NULL);

    for (size_t i = 0; i < CUSTODY_SIGNALS; i++) {
        (void)sigaction(watched[i], NULL, &custody->actions[i]);
    }
    rang = 0;
    for (size_t i = 0; i < TIMERS; i++) {
        (void)catch_timer(timers[i].number);
    }
    pthread_sigmask(SIG_SETMASK, NULL, &custody->mask);
    custody->has_umask = read_umask(&custody->umask);
    custody->folder = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    custody->has_folder = custody->folder >= 0 &&
                          fstat(custody->folder, &custody->folder_is) == 0;
    if (locale != NULL && strlen(locale) < sizeof custody->locale) {
        strcpy(custody->locale, locale);
    }
    custody->begun = true;
}

bool custody_check(struct custody *custody, struct buf *found)
{
    bool whole = check_fds(custody, found);

    if (custody->begun) {
        check_mask(custody, found);
        check_actions(custody, found);
        check_timers(found);
        check_folder(custody, found);
        check_umask(custody, found);
        check_locale(custody, found);
    }
    return whole;
}

void custody_end(struct custody *custody)
{
    if (has_folder(custody)) {
        close(custody->folder);
    }
    *custody = (struct custody){ 0 };
}
