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
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/altstack.h"
#include "base/fnv.h"
#include "proc/remains.h"
#include "proc/warden.h"

#define GUARD_S 5 /* the handler itself must not hang */

static const int fatal[] = { SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                             SIGABRT, SIGTRAP, SIGSYS };

#define FATAL_COUNT (sizeof fatal / sizeof fatal[0])

static struct {
    pid_t pid; /* the worker; a child that a plugin forked is another */
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
    }
    die_of(number, info, thread);
}

void lastwords_prepare(const struct board *board, unsigned worker)
{
    struct sigaction action = { .sa_sigaction = handle,
                                .sa_flags = SA_SIGINFO | SA_ONSTACK };

    self.pid = getpid();
    self.stats = board_stats(board, worker);
    self.remains = board_remains(board, worker);
    self.seed = board->seed;
    self.core = NULL;
    self.warden = NULL;
    atomic_store(&speaker, 0);
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

void lastwords_ward(struct warden *warden)
{
    self.warden = warden;
}

void lastwords_of(struct core *core)
{
    self.core = core;
}
