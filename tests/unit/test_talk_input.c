/* test_talk_input.c - lines come whole and in order, however they are written */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/talk_input.h"

static int ends[2], wakes[2];

static void wake(void *arg)
{
    (void)arg;
    assert_int_equal(write(wakes[1], "", 1), 1);
}

static int begin(void **state)
{
    (void)state;
    return pipe(ends) | pipe(wakes);
}

static int end(void **state)
{
    (void)state;
    close(ends[0]);
    close(wakes[0]);
    close(wakes[1]);
    return 0;
}

/* Waits for the next line; NULL at the end. */
static struct talk_line *next(struct talk_input *input, const char **why)
{
    struct talk_line *line;
    bool ended;
    char byte;

    while ((line = talk_input_take(input, &ended, why)) == NULL && !ended) {
        struct pollfd ask = { .fd = wakes[0], .events = POLLIN };

        assert_int_equal(poll(&ask, 1, 20000), 1);
        assert_int_equal(read(wakes[0], &byte, 1), 1);
    }
    return line;
}

static void expect(struct talk_input *input, const char *text, size_t len)
{
    const char *why;
    struct talk_line *line = next(input, &why);

    assert_non_null(line);
    assert_int_equal(line->len, len);
    assert_memory_equal(line->data, text, len);
    memset(line->data - 16, 'x', 16); /* the room in front */
    talk_line_free(line, 16);
}

static void lines(void **state)
{
    struct talk_input *input = talk_input_start(ends[0], 16, wake, NULL);
    const char *why = "";

    (void)state;
    assert_int_equal(write(ends[1], "one\n\nth", 7), 7);
    expect(input, "one", 3);
    expect(input, "", 0);
    assert_int_equal(write(ends[1], "r\0ee\nlast", 9), 9);
    expect(input, "thr\0ee", 6);
    close(ends[1]);
    expect(input, "last", 4);
    assert_null(next(input, &why));
    assert_null(why);
    talk_input_free(input);
}

/* More than wait at once, and a line longer than any read. */
static void many_and_long(void **state)
{
    struct talk_input *input = talk_input_start(ends[0], 16, wake, NULL);
    char *text = malloc(300000);
    FILE *out = fdopen(ends[1], "w");
    const char *why;

    (void)state;
    memset(text, 'y', 300000);
    for (int i = 0; i < 3000; i++) { /* fits into the pipe */
        fprintf(out, "%d\n", i);
    }
    fflush(out);
    for (int i = 0; i < 3000; i++) {
        char wanted[16];
        int len = snprintf(wanted, sizeof wanted, "%d", i);

        expect(input, wanted, (size_t)len);
    }
    assert_int_equal(fwrite(text, 1, 300000, out), 300000);
    fclose(out);
    expect(input, text, 300000);
    assert_null(next(input, &why));
    talk_input_free(input);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines, begin, end),
        cmocka_unit_test_setup_teardown(many_and_long, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
