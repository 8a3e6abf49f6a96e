/* crashes.c - crash reports: written by children, kept in run_dir/crashes */
#include "proc/crashes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <utlist.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "proc/crash.h"
#include "proc/crashlist.h"
#include "proc/reason.h"
#include "proc/rundir.h"
#include "proc/tally.h"

#define JOBS_MAX   8     /* at once; further crashes are not looked at */
#define LIMIT_MS   10000 /* for one: large debug information takes a second */
#define MEMORY_MAX ((rlim_t)4 << 30)
#define TEXT_MAX   ((size_t)1 << 20)
#define READ_SIZE  4096

#define END_MARK "\1"

/* Their order by name is that of time. */
#define NAME_SIZE 80

struct crash_job {
    struct crashes *crashes;
    struct crash crash;
    struct account account;
    char user[64]; /* what account points to */
    unsigned keep;
    pid_t pid;                /* 0: not begun */
    struct watch watch;       /* what the child says */
    struct alarm_clock alarm; /* to begin, or to be late */
    struct buf text;
    bool kept;
    struct crash_job *next;
    struct crash_job *prev;
};

/* ---- the folder -------------------------------------------------------- */

static int open_dir(const struct crashes *crashes, char *path, size_t size)
{
    if (rundir_path(crashes->run_dir, CRASHES_DIR, path, size) < 0) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (mkdir(path, 0700) < 0 && errno != EEXIST) {
        return -1;
    }
    return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The oldest go. */
static void make_room(const char *path, int dir, unsigned keep)
{
    struct dirent **list;
    int count = scandir(path, &list, crashlist_is_report, alphasort);

    for (int i = 0; i < count; i++) {
        if ((unsigned)(count - i) > keep) {
            unlinkat(dir, list[i]->d_name, 0);
        }
        free(list[i]);
    }
    if (count >= 0) {
        free(list);
    }
}

static void name_report(const struct crash *crash, char *name)
{
    time_t seconds = (time_t)(crash->wall_ms / 1000);
    struct tm tm;
    char when[32];

    gmtime_r(&seconds, &tm);
    strftime(when, sizeof when, "%Y-%m-%dT%H.%M.%S", &tm);
    snprintf(name, NAME_SIZE, "%s.%03u-worker%u-%d.txt", when,
             (unsigned)(crash->wall_ms % 1000), crash->worker, crash->pid);
}

static int write_file(int dir, const char *name, const char *text, size_t len)
{
    char temporary[NAME_SIZE + 8];
    FILE *file;
    bool written;
    int fd;

    snprintf(temporary, sizeof temporary, ".%s.new", name);
    fd = openat(dir, temporary,
                O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL) {
        return -1;
    }
    written = fwrite(text, 1, len, file) == len;
    written = fclose(file) == 0 && written;
    if (!written || renameat(dir, temporary, dir, name) < 0) {
        int saved = errno;

        unlinkat(dir, temporary, 0);
        errno = saved;
        return -1;
    }
    return 0;
}

/* ---- the child --------------------------------------------------------- */

static void set_limit(__rlimit_resource_t what, rlim_t limit)
{
    const struct rlimit both = { limit, limit };

    setrlimit(what, &both);
}

static void leave_master(const struct crash_job *job)
{
    struct crashes *crashes = job->crashes;
    sigset_t none;

    crashes->in_child(crashes->arg);
    for (int number = 1; number < NSIG; number++) {
        signal(number, SIG_DFL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    alarm(LIMIT_MS / 1000 + 1);
    setpriority(PRIO_PROCESS, 0, 10); /* clients go first */
    set_limit(RLIMIT_CORE, 0);
    set_limit(RLIMIT_CPU, LIMIT_MS / 1000);
#ifndef __SANITIZE_ADDRESS__
    set_limit(RLIMIT_AS, MEMORY_MAX);
#endif
}

_Noreturn static void be_child(const struct crash_job *job, int fd)
{
    FILE *out = fdopen(fd, "w");
    char why[REASON_SIZE];

    leave_master(job);
    if (out == NULL || account_become(&job->account, why, sizeof why) < 0) {
        _exit(1);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    crash_write(&job->crash, job->crashes->images_dir, out);
    fputs(END_MARK, out);
    fflush(out);
    _exit(0);
}

/* ---- the master -------------------------------------------------------- */

/* No child is left to whoever inherits the master's: it has written all, and
 * is at its end, or has to go. It may have been reaped as any other. */
static void end_child(pid_t pid)
{
    if (pid > 0 && waitpid(pid, NULL, WNOHANG) == 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
}

static void free_job(struct crash_job *job)
{
    struct crashes *crashes = job->crashes;

    if (!job->kept) {
        tally_report(crashes->tally, false);
    }
    if (job->pid != 0) {
        poller_remove(crashes->poller, &job->watch);
        close(job->watch.fd);
        end_child(job->pid);
    }
    poller_clear_alarm(crashes->poller, &job->alarm);
    DL_DELETE(crashes->jobs, job);
    crashes->job_count--;
    buf_free(&job->text);
    free(job);
}

/* A name in debug information may be any bytes. */
static void make_plain(struct buf *text)
{
    for (size_t i = 0; i < text->len; i++) {
        unsigned char c = (unsigned char)text->data[i];

        if ((c < 0x20 && c != '\n') || c >= 0x7f) {
            text->data[i] = '?';
        }
    }
}

static void keep(struct crash_job *job)
{
    struct crashes *crashes = job->crashes;
    struct crash_last *last = &crashes->last[job->crash.worker];
    char path[PATH_MAX];
    char name[NAME_SIZE];
    int dir = open_dir(crashes, path, sizeof path);
    int status = -1;

    name_report(&job->crash, name);
    make_plain(&job->text);
    if (dir >= 0) {
        make_room(path, dir, job->keep - 1);
        status = write_file(dir, name, job->text.data, job->text.len);
    }
    if (status < 0) {
        log_error("cannot write a crash report in %s/%s: %s", crashes->run_dir,
                  CRASHES_DIR, reason_errno(errno));
    } else {
        job->kept = true;
        tally_report(crashes->tally, true);
        log_info("worker %u (pid %d): the crash report is %s/%s",
                 job->crash.worker, job->crash.pid, path, name);
        if (last->wall_ms == job->crash.wall_ms) {
            snprintf(last->file, sizeof last->file, "%.*s/%s",
                     (int)(sizeof last->file - sizeof name - 2), path, name);
        }
    }
    if (dir >= 0) {
        close(dir);
    }
}

static void over(struct crash_job *job, const char *broken)
{
    struct buf *text = &job->text;

    if (text->len > 0 && text->data[text->len - 1] == END_MARK[0]) {
        text->len--;
    } else {
        buf_addf(text, "\n(The report breaks off: %s.)\n", broken);
    }
    if (!text->failed) {
        keep(job);
    }
    free_job(job);
}

static void heard(struct watch *watch, short revents)
{
    struct crash_job *job = watch->arg;
    char *room =
        job->text.len < TEXT_MAX ? buf_reserve(&job->text, READ_SIZE) : NULL;
    ssize_t got = room != NULL ? read(watch->fd, room, READ_SIZE) : 0;

    (void)revents;
    if (got > 0) {
        job->text.len += (size_t)got;
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        over(job, "who wrote it has crashed");
    }
}

static void late(struct crash_job *job)
{
    over(job, "it took too long");
}

static void begin(struct crash_job *job)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        log_error("no crash report: %s", reason_errno(errno));
        free_job(job);
        return;
    }
    fflush(NULL);
    job->pid = fork();
    if (job->pid == 0) {
        close(ends[0]);
        be_child(job, ends[1]);
    }
    close(ends[1]);
    job->watch.fd = ends[0];
    if (job->pid < 0 || poller_add(job->crashes->poller, &job->watch) < 0) {
        log_error("no crash report: %s", reason_errno(errno));
        free_job(job);
        return;
    }
    poller_set_alarm(job->crashes->poller, &job->alarm,
                     clock_now_ms() + LIMIT_MS);
}

static void ring(struct alarm_clock *alarm)
{
    struct crash_job *job = alarm->arg;

    if (job->pid == 0) {
        begin(job);
    } else {
        late(job);
    }
}

static struct crash_job *create_job(struct crashes *crashes, unsigned keep_most,
                                    const struct account *account)
{
    struct crash_job *job =
        crashes->job_count < JOBS_MAX ? calloc(1, sizeof *job) : NULL;

    if (job == NULL) {
        return NULL;
    }
    job->crashes = crashes;
    job->keep = keep_most;
    job->account = *account;
    if (account->name != NULL) {
        snprintf(job->user, sizeof job->user, "%s", account->name);
        job->account.name = job->user;
    }
    job->watch.events = POLLIN;
    job->watch.ready = heard;
    job->watch.arg = job;
    job->alarm.ring = ring;
    job->alarm.arg = job;
    DL_APPEND(crashes->jobs, job);
    crashes->job_count++;
    return job;
}

void crashes_note(struct crashes *crashes, const struct board *board,
                  unsigned worker, int pid, int status, const char *what,
                  const char *hang, unsigned keep_most,
                  const struct account *account)
{
    struct crash_last *last;
    struct crash_job *job;

    if (crashes == NULL ||
        (hang == NULL && !crash_is_one(board, worker, status))) {
        return;
    }
    if (crashes->last == NULL) {
        crashes->last = calloc(CONF_MAX_PLACES, sizeof *crashes->last);
    }
    if (crashes->last == NULL) {
        return;
    }
    last = &crashes->last[worker];
    last->wall_ms = clock_wall_ms();
    last->file[0] = 0;
    snprintf(last->what, sizeof last->what, "%s", what);
    if (keep_most == 0) {
        tally_report(crashes->tally, false);
        return;
    }
    job = create_job(crashes, keep_most, account);
    if (job == NULL) {
        log_warn("no crash report of worker %u: too many at once, or no memory",
                 worker);
        tally_report(crashes->tally, false);
        return;
    }
    crash_take(&job->crash, board, worker, pid, what, hang);
    last->wall_ms = job->crash.wall_ms;
    poller_set_alarm(crashes->poller, &job->alarm, clock_now_ms());
}

void crashes_forget(const struct crashes *crashes)
{
    for (const struct crash_job *job = crashes->jobs; job != NULL;
         job = job->next) {
        if (job->pid != 0) {
            close(job->watch.fd);
        }
    }
}

void crashes_finish(struct crashes *crashes)
{
    while (crashes->jobs != NULL) {
        free_job(crashes->jobs);
    }
    free(crashes->last);
    crashes->last = NULL;
}

const struct crash_last *crashes_last(const struct crashes *crashes,
                                      unsigned worker)
{
    return crashes->last != NULL && crashes->last[worker].wall_ms != 0
               ? &crashes->last[worker]
               : NULL;
}
