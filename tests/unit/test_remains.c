/* test_remains.c - what is kept of a process at its fault */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <ucontext.h>

#include "base/clock.h"
#include "patience.h"
#include "proc/remains.h"

static struct remains remains;

static void are_taken(void **state)
{
    volatile uint64_t mark[2] = { UINT64_C(0x0123456789abcdef), 77 };
    ucontext_t context;
    const unsigned char *found;

    (void)state;
    getcontext(&context);
    remains_take(&remains, &context);
    assert_true(remains.wall_ms > UINT64_C(1500000000000));
    assert_true(clock_now_ms() - remains.at_ms < 60000);
    assert_true(remains.maps_len > 0);
    assert_non_null(memmem(remains.maps, remains.maps_len, "test_remains", 12));
    assert_true(remains.register_count > 0);
    assert_true(remains.stack_at >= remains.sp &&
                remains.stack_at < remains.sp + 8);
    found = remains.stack + ((uintptr_t)mark - remains.stack_at);
    assert_true(found < remains.stack + remains.stack_len);
#ifndef __SANITIZE_ADDRESS__ /* whose stack is elsewhere */
    assert_memory_equal(found, (const void *)(uintptr_t)mark, sizeof mark);
#endif
}

/* The pointer is in the guard page, or has no stack at all; but valgrind maps the
 * program so low that this is not far below it. */
static void of_a_stack_that_ran_over(void **state)
{
    ucontext_t context;

    (void)state;
    if (under_valgrind()) {
        skip();
    }
    getcontext(&context);
#if defined(__x86_64__)
    context.uc_mcontext.gregs[REG_RSP] = 64;
#elif defined(__aarch64__)
    context.uc_mcontext.sp = 64;
#endif
    memset(&remains, 0, sizeof remains);
    remains_take(&remains, &context);
    assert_int_equal(remains.sp, 64);
    assert_int_equal(remains.stack_len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(are_taken),
        cmocka_unit_test(of_a_stack_that_ran_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
