/* test_lastwords.c - what a worker that dies of a signal still says */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fnv.h"
#include "proc/lastwords.h"

static struct board *board;
static struct worker_stats *stats; /* of worker 1 */
static struct last_words *words;

static int make(void **state)
{
    (void)state;
    board = board_create(2, 3);
    stats = board_stats(board, 1);
    words = &stats->last_words;
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    board_destroy(board);
    return 0;
}

/* As hooks.c marks it. */
static void mark(enum hook hook, const char *message, size_t len)
{
    atomic_store(&stats->now.route, 2);
    stat_set(&stats->now.conn, 77);
    stat_set(&stats->now.message, (uintptr_t)message);
    stat_set(&stats->now.message_len, len);
    atomic_store(&stats->now.hook, hook);
}

/* The sanitizers' handlers are there first, and stay: away with them. */
static void be_plain(void)
{
    static const int numbers[] = { SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                                   SIGABRT, SIGTRAP, SIGSYS };
    const struct rlimit none = { 0, 0 };

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        signal(numbers[i], SIG_DFL);
    }
    setrlimit(RLIMIT_CORE, &none);
}

/* What a worker that does this ends with. */
static int status_of(void (*deed)(void))
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        be_plain();
        lastwords_prepare(board, 1);
        deed();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static pid_t died_of(int number, void (*deed)(void))
{
    int status = status_of(deed);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), number);
    assert_int_equal(atomic_load(&words->signal), number);
    return atomic_load(&words->thread);
}

__attribute__((noinline, no_sanitize("undefined", "address"))) static void
write_to(uintptr_t address)
{
    volatile int *volatile at = (int *)address;

    *at = 1;
}

static void write_nowhere(void)
{
    mark(HOOK_MESSAGE, "a\0b", 3);
    write_to(0x1230);
}

static void says_what_it_looked_at(void **state)
{
    (void)state;
    assert_true(died_of(SIGSEGV, write_nowhere) > 0);
    assert_int_equal(stat_get(&words->address), 0x1230);
    assert_int_equal(stat_get(&words->message_len), 3);
    assert_true(stat_get(&words->message_hash) ==
                fnv_hash(board->seed, "a\0b", 3));
    assert_int_equal(atomic_load(&stats->now.hook), HOOK_MESSAGE);
    assert_int_equal(stat_get(&stats->now.conn), 77);
}

static void abort_in_a_timer(void)
{
    mark(HOOK_TIMER, "left from before", 16);
    abort();
}

static void says_no_message_in_other_hooks(void **state)
{
    (void)state;
    died_of(SIGABRT, abort_in_a_timer);
    assert_int_equal(stat_get(&words->address), 0);
    assert_int_equal(stat_get(&words->message_len), 0);
    assert_int_equal(stat_get(&words->message_hash), 0);
}

/* The message has gone: the handler faults in its turn. */
static void lose_the_message(void)
{
    mark(HOOK_MESSAGE, (const char *)0x1000, 5);
    abort();
}

static void survives_no_second_fault(void **state)
{
    int status = status_of(lose_the_message);

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
    assert_int_equal(atomic_load(&words->signal), 0);
    assert_true(atomic_load(&words->thread) > 0);
}

static void *fault(void *arg)
{
    write_to(0x10);
    return arg;
}

static void fault_in_a_thread(void)
{
    pthread_t thread;

    mark(HOOK_MESSAGE, "innocent", 8);
    if (pthread_create(&thread, NULL, fault, NULL) == 0) {
        pthread_join(thread, NULL);
    }
}

static void blames_no_hook_for_a_thread(void **state)
{
    (void)state;
    died_of(SIGSEGV, fault_in_a_thread);
    assert_int_equal(atomic_load(&stats->now.hook), HOOK_MESSAGE);
    board_settle(board, 0);
    board_settle(board, 1);
    assert_int_equal(atomic_load(&stats->now.hook), HOOK_NONE);
    assert_int_equal(stat_get(&stats->now.conn), 0);
    assert_int_equal(stat_get(&words->message_len), 0);
}

static int status_of_child(void (*deed)(void))
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        deed();
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return status;
}

static void use_the_board(void)
{
    mark(HOOK_CLOSE, "", 0);
}

static void crash_by_itself(void)
{
    write_to(0x1230);
}

/* Each _exit is another check that failed. */
static void have_children(void)
{
    struct stray stray;
    int status;

    mark(HOOK_MESSAGE, "", 0);
    status = status_of_child(use_the_board);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 1) {
        _exit(2);
    }
    if (!lastwords_stray(&stray) || stray.count != 1 ||
        stray.hook != HOOK_NONE || lastwords_stray(&stray)) {
        _exit(3);
    }
    status = status_of_child(crash_by_itself);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV ||
        lastwords_stray(&stray)) {
        _exit(4);
    }
}

static void ends_children_that_come_back(void **state)
{
    int status = status_of(have_children);

    (void)state;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(atomic_load(&stats->now.hook), HOOK_MESSAGE);
    assert_int_equal(atomic_load(&words->signal), 0);
}

static void send_trap(void)
{
    raise(SIGTRAP);
}

static void dies_of_what_is_sent(void **state)
{
    (void)state;
    died_of(SIGTRAP, send_trap);
}

static void handler_of_another(int number)
{
    _exit(number);
}

static void be_handled(void)
{
    signal(SIGFPE, handler_of_another);
    lastwords_prepare(board, 1);
    raise(SIGFPE);
}

static void leaves_other_handlers(void **state)
{
    int status = status_of(be_handled);

    (void)state;
    /* The first lastwords_prepare set one, which be_handled replaced. */
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), SIGFPE);
    assert_int_equal(atomic_load(&words->signal), 0);
}

static void fork_and_crash(void)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        write_to(0x20);
    }
    waitpid(pid, &status, 0);
    _exit(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV ? 3 : 4);
}

static void is_silent_about_its_children(void **state)
{
    int status = status_of(fork_and_crash);

    (void)state;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    assert_int_equal(atomic_load(&words->signal), 0);
}

static void are_forgotten_with_it(void **state)
{
    (void)state;
    died_of(SIGABRT, abort_in_a_timer);
    board_bury(board, 1);
    assert_int_equal(atomic_load(&words->signal), 0);
    assert_int_equal(atomic_load(&words->thread), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(says_what_it_looked_at, make, unmake),
        cmocka_unit_test_setup_teardown(says_no_message_in_other_hooks, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(survives_no_second_fault, make, unmake),
        cmocka_unit_test_setup_teardown(blames_no_hook_for_a_thread, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(ends_children_that_come_back, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(dies_of_what_is_sent, make, unmake),
        cmocka_unit_test_setup_teardown(leaves_other_handlers, make, unmake),
        cmocka_unit_test_setup_teardown(is_silent_about_its_children, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(are_forgotten_with_it, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
