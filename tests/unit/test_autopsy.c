/* test_autopsy.c - from remains to a stack with names and lines */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "proc/autopsy.h"

static struct remains remains;

/* Its caller is found by its return address. */
__attribute__((noinline)) static void take_here(void)
{
    ucontext_t context;

    getcontext(&context);
    remains_take(&remains, &context);
}

static int take(void **state)
{
    (void)state;
    memset(&remains, 0, sizeof remains);
    take_here();
    return 0;
}

static char *stack_of(void)
{
    struct autopsy *autopsy = autopsy_create(&remains, "/nonexistent");
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(autopsy);
    autopsy_write_stack(autopsy, out);
    fclose(out);
    autopsy_destroy(autopsy);
    return text;
}

static void names_functions(void **state)
{
    char *text = stack_of();

    (void)state;
    assert_int_equal(strncmp(text, "#0 ", 3), 0);
    assert_non_null(strstr(text, " take_here+0x"));
    assert_non_null(strstr(text, " main+0x"));
    assert_non_null(strstr(text, "(test_autopsy+0x"));
    free(text);
}

/* A call of something that is no code: the caller is named all the same. */
static void survives_nonsense(void **state)
{
    char *text;

    (void)state;
#if defined(__x86_64__)
    {
        uint64_t caller = remains.registers[16];

        memcpy(remains.stack, &caller, sizeof caller);
    }
#elif defined(__aarch64__)
    remains.registers[30] = remains.pc;
#endif
    remains.pc = 0x1234;
    text = stack_of();
    assert_non_null(strstr(text, "0x1234 (no code there)\n"));
    assert_non_null(strstr(text, " take_here+0x"));
    free(text);
}

static void survives_any_bytes(void **state)
{
    (void)state;
    memset(remains.stack, 0x41, sizeof remains.stack);
    remains.stack_len = UINT32_MAX;
    remains.register_count = UINT32_MAX;
    free(stack_of());
    memset(remains.maps, 'x', sizeof remains.maps);
    remains.maps_len = UINT32_MAX;
    autopsy_destroy(autopsy_create(&remains, "/nonexistent"));
}

static void knows_build_ids(void **state)
{
    struct autopsy *autopsy = autopsy_create(&remains, "/nonexistent");
    char id[96];
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    (void)state;
    assert_non_null(autopsy);
    autopsy_build_id(autopsy, "libc.so", id, sizeof id);
    assert_true(strlen(id) >= 16);
    autopsy_build_id(autopsy, "no-such-file", id, sizeof id);
    assert_string_equal(id, "");
    autopsy_write_files(autopsy, out);
    fclose(out);
    assert_non_null(strstr(text, "/libc.so"));
    free(text);
    autopsy_destroy(autopsy);
}

static void needs_remains(void **state)
{
    static const struct remains none;

    (void)state;
    assert_null(autopsy_create(&none, "/nonexistent"));
    autopsy_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(names_functions, take),
        cmocka_unit_test_setup(survives_nonsense, take),
        cmocka_unit_test_setup(survives_any_bytes, take),
        cmocka_unit_test_setup(knows_build_ids, take),
        cmocka_unit_test(needs_remains),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
