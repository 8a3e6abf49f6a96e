/* test_seize.c - what is taken of a child that hears no signal */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "patience.h"
#include "proc/seize.h"

static const char mark[] = "somebody was here, deep in the stack";

/* What both see. */
static struct shared {
    atomic_uint turns;
    _Atomic uintptr_t mark_at;
} * shared;
static struct remains remains;
static pid_t child;

__attribute__((noreturn)) static void spin(void)
{
    char own[sizeof mark];

    memcpy(own, mark, sizeof own);
    atomic_store(&shared->mark_at, (uintptr_t)own);
    for (;;) {
        atomic_fetch_add(&shared->turns, 1);
    }
}

static void until_it_turns(unsigned turns)
{
    for (int i = 0; atomic_load(&shared->turns) <= turns; i++) {
        assert_true(i < (int)patience(10000));
        poll(NULL, 0, 1);
    }
}

static int begin(void **state)
{
    (void)state;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        return -1;
    }
    memset(&remains, 0, sizeof remains);
    child = fork();
    if (child == 0) {
        sigset_t all;

        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
        spin();
    }
    return child > 0 ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    return munmap(shared, sizeof *shared);
}

/* 0, or the test is left out: in a sandbox nobody may be traced. */
static void seize(void)
{
    int error = seize_remains(&remains, child);

    if (error == EPERM) {
        assert_int_equal(remains.wall_ms, 0);
        skip();
    }
    assert_int_equal(error, 0);
}

static void is_taken_and_goes_on(void **state)
{
    const unsigned char *found;
    unsigned turns;

    (void)state;
    if (under_valgrind()) {
        skip(); /* whose own stack it would be */
    }
    until_it_turns(0);
    seize();
    assert_true(remains.wall_ms > UINT64_C(1500000000000));
    assert_int_equal(remains.has_witness, 0);
    assert_true(remains.register_count > 0 && remains.pc != 0);
    assert_non_null(memmem(remains.maps, remains.maps_len, "test_seize", 10));
    assert_true(remains.stack_at >= remains.sp &&
                remains.stack_at < remains.sp + 8);
    assert_true(remains.stack_len > 0);
#ifndef __SANITIZE_ADDRESS__ /* whose stack may be elsewhere */
    found = remains.stack + (shared->mark_at - remains.stack_at);
    assert_true(found + sizeof mark <= remains.stack + remains.stack_len);
    assert_memory_equal(found, mark, sizeof mark);
#else
    (void)found;
#endif
    turns = atomic_load(&shared->turns);
    until_it_turns(turns + 1000);
}

/* Its end is for who waits for it. */
static void one_that_has_ended(void **state)
{
    siginfo_t info;
    int status;

    (void)state;
    kill(child, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    assert_int_not_equal(seize_remains(&remains, child), 0);
    assert_int_equal(remains.wall_ms, 0);
    assert_int_equal(waitpid(child, &status, WNOHANG), child);
    assert_int_equal(WTERMSIG(status), SIGKILL);
    child = 0;
}

static void one_that_is_traced_already(void **state)
{
    (void)state;
    until_it_turns(0);
    if (ptrace(PTRACE_SEIZE, child, NULL, NULL) != 0) {
        skip();
    }
    assert_int_equal(seize_remains(&remains, child), EPERM);
    assert_int_equal(remains.wall_ms, 0);
}

#define SEIZE_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SEIZE_TEST(is_taken_and_goes_on),
        SEIZE_TEST(one_that_has_ended),
        SEIZE_TEST(one_that_is_traced_already),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
