/* lastwords.c - what a worker that dies of a signal still says
 *
 * The handler may find anything broken: the heap, locks, the stack. It calls
 * what may be called in a handler, reads memory, and writes to the board. A
 * second fault in it ends the process at once, with what was written so far.
 */
#include "proc/lastwords.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/altstack.h"
#include "base/fnv.h"
#include "core/witness.h"
#include "proc/remains.h"
#include "proc/warden.h"

#define GUARD_S 5 /* the handler itself must not hang */

static const int fatal[] = { SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                             SIGABRT, SIGTRAP, SIGSYS };

#define FATAL_COUNT (sizeof fatal / sizeof fatal[0])

/* Children that plugins forked, and that came back into the host. Shared with
 * them, as the board is not. */
struct strays {
    _Atomic uint32_t count;
    _Atomic uint32_t hook; /* that the last of them was forked in */
    struct witness witness;
};

static struct {
    pid_t pid; /* the worker; a child that a plugin forked is another */
    const struct board *board;
    struct strays *strays; /* NULL: there was no memory */
    uint32_t strays_told;
    struct worker_stats *stats;
    struct remains *remains;
    uint64_t seed;
    struct core *core;
    struct warden *warden;
} self;

static _Atomic pid_t speaker; /* the thread that died first; 0: none */

static void say_message(struct last_words *words)
{
    const struct hook_now *now =
        atomic_load(&words->aside) != 0 ? &words->culprit : &self.stats->now;
    size_t len = (size_t)stat_get(&now->message_len);
    const void *data = (const void *)(uintptr_t)stat_get(&now->message);

    if (atomic_load(&now->hook) == HOOK_MESSAGE) {
        stat_set(&words->message_hash, fnv_hash(self.seed, data, len));
        stat_set(&words->message_len, len);
    }
}

/* The most certain first: whatever is next may be what ends it. */
static void speak(int number, const siginfo_t *info, const void *context,
                  pid_t thread)
{
    struct last_words *words = &self.stats->last_words;

    if (thread != self.pid) {
        core_blame_thread(self.core, &words->culprit);
        atomic_store(&words->aside, 1);
    } else if (self.warden != NULL &&
               atomic_load(&self.stats->now.hook) == HOOK_NONE) {
        warden_last_look(self.warden); /* the loop aborts without its own */
    }
    atomic_store(&words->thread, thread);
    stat_set(&words->address, info->si_code > 0 ? (uintptr_t)info->si_addr : 0);
    say_message(words);
    atomic_store(&words->signal, (uint32_t)number);
    remains_take(self.remains, context);
    if (self.core != NULL) {
        self.remains->has_witness =
            witness_tell(&self.remains->witness, self.core, thread == self.pid);
    }
}

/* An instruction that cannot be executed is tried again when the handler
 * returns, with no handler then, so that a core dump shows it; all else comes
 * again only if it is sent. */
static bool comes_again(int number, const siginfo_t *info)
{
    return info->si_code > 0 && (number == SIGSEGV || number == SIGBUS ||
                                 number == SIGFPE || number == SIGILL);
}

static void die_of(int number, const siginfo_t *info, pid_t thread)
{
    signal(number, SIG_DFL);
    if (!comes_again(number, info)) {
        syscall(SYS_tgkill, getpid(), thread, number);
    }
}

static void guard(void)
{
    sigset_t set;

    signal(SIGALRM, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    alarm(GUARD_S);
}

/*
 * A child of a plugin's fork has the loop, the sockets and the log of the
 * worker, which it must not use: it comes no further than to the counters, that
 * it does not have. What it runs in the hook before that is its own affair.
 */
static void end_stray(const siginfo_t *info)
{
    struct strays *strays = self.strays;

    if (info->si_code <= 0 || !board_holds(self.board, info->si_addr)) {
        return;
    }
    if (strays != NULL) {
        enum hook hook = HOOK_NONE;

        strays->witness.plugin[0] = '\0'; /* nor whom the last one was of */
        if (self.core != NULL &&
            witness_tell(&strays->witness, self.core, false)) {
            hook = HOOK_WORK;
        } else if (self.core != NULL &&
                   witness_tell(&strays->witness, self.core, true)) {
            hook = core_hook(self.core);
        }
        atomic_store(&strays->hook, hook);
        atomic_fetch_add(&strays->count, 1);
    }
    _exit(1);
}

static void handle(int number, siginfo_t *info, void *context)
{
    pid_t thread = (pid_t)syscall(SYS_gettid);
    pid_t first = 0;

    if (getpid() == self.pid) {
        if (atomic_compare_exchange_strong(&speaker, &first, thread)) {
            guard();
            speak(number, info, context, thread);
        } else if (first != thread) {
            for (;;) {
                pause(); /* until the other has ended us all */
            }
        }
    } else {
        end_stray(info);
    }
    die_of(number, info, thread);
}

/*
 * A thread ends the process. If it is the loop's, in a hook, the board says
 * which; another is heard here alone, unless it calls _exit(2). Version, file,
 * connection and message of the former, and the stack, go into the report.
 * true: it was another.
 */
static bool hear_exit(void)
{
    struct last_words *words;
    pid_t thread = (pid_t)syscall(SYS_gettid);
    bool in_loop = thread == self.pid;
    pid_t first = 0;
    ucontext_t context;

    if (getpid() != self.pid || self.core == NULL ||
        (in_loop && atomic_load(&self.stats->now.hook) == HOOK_NONE) ||
        !atomic_compare_exchange_strong(&speaker, &first, thread)) {
        return false;
    }
    words = &self.stats->last_words;
    if (!in_loop) {
        core_blame_thread(self.core, &words->culprit);
        atomic_store(&words->aside, 1);
    }
    atomic_store(&words->thread, thread);
    say_message(words);
    if (getcontext(&context) == 0) {
        remains_take(self.remains, &context);
    }
    self.remains->has_witness =
        witness_tell(&self.remains->witness, self.core, in_loop);
    return !in_loop;
}

/* The loop still runs: destructors must not take its libraries from it. libuv's
 * would wait for the thread that calls it. */
static void hear_plain_exit(int status, void *arg)
{
    (void)arg;
    if (hear_exit()) {
        _exit(status);
    }
}

static void hear_quick_exit(void)
{
    (void)hear_exit(); /* it runs no destructors */
}

static void hear_exits(void)
{
    static bool heard;

    if (!heard) {
        heard = true;
        (void)on_exit(hear_plain_exit, NULL);
        (void)at_quick_exit(hear_quick_exit);
    }
}

static struct strays *map_strays(void)
{
    void *memory = mmap(NULL, sizeof(struct strays), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return memory != MAP_FAILED ? memory : NULL;
}

bool lastwords_stray(struct stray *stray)
{
    uint32_t count = self.strays != NULL && self.pid == getpid()
                         ? atomic_load(&self.strays->count)
                         : 0;

    stray->count = count - self.strays_told;
    if (stray->count == 0) {
        return false;
    }
    self.strays_told = count;
    stray->hook = (enum hook)atomic_load(&self.strays->hook);
    memcpy(stray->plugin, self.strays->witness.plugin, sizeof stray->plugin);
    stray->plugin[sizeof stray->plugin - 1] = 0;
    return true;
}

void lastwords_prepare(const struct board *board, unsigned worker)
{
    struct sigaction action = { .sa_sigaction = handle,
                                .sa_flags = SA_SIGINFO | SA_ONSTACK };

    self.pid = getpid();
    self.board = board;
    self.strays = map_strays();
    self.strays_told = 0;
    self.stats = board_stats(board, worker);
    self.remains = board_remains(board, worker);
    self.seed = board->seed;
    self.core = NULL;
    self.warden = NULL;
    atomic_store(&speaker, 0);
    board_keep_from_children(board);
    hear_exits();
    altstack_have();
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < FATAL_COUNT; i++) {
        struct sigaction before;

        if (sigaction(fatal[i], NULL, &before) == 0 &&
            (before.sa_flags & SA_SIGINFO) == 0 &&
            before.sa_handler == SIG_DFL) {
            sigaction(fatal[i], &action, NULL);
        }
    }
}

bool lastwords_begun(void)
{
    return atomic_load(&speaker) != 0;
}

void lastwords_ward(struct warden *warden)
{
    self.warden = warden;
}

void lastwords_of(struct core *core)
{
    self.core = core;
}
