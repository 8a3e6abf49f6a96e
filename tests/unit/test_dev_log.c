/* test_dev_log.c - a log that is shown, and of which some lines are passed on */
#include "cli/dev_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int log_in, shown, passed;

static bool is_bad(const char *line)
{
    return strncmp(line, "bad", 3) == 0;
}

static int begin(void **state)
{
    int from[2], to[2];

    (void)state;
    assert_int_equal(pipe(from), 0);
    assert_int_equal(pipe(to), 0);
    log_in = from[1];
    shown = to[0];
    passed = dev_log_start(from[0], to[1], is_bad);
    assert_true(passed >= 0);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    close(shown);
    close(passed);
    return 0;
}

static void say(const char *text)
{
    assert_int_equal(write(log_in, text, strlen(text)), (int)strlen(text));
}

/* So many bytes have to come, and be these. */
static void comes(int fd, const char *text)
{
    size_t len = strlen(text), got = 0;
    char *data = malloc(len + 1);

    while (got < len) {
        ssize_t more = read(fd, data + got, len - got);

        assert_true(more > 0);
        got += (size_t)more;
    }
    assert_memory_equal(data, text, len);
    free(data);
}

static void end(void)
{
    char byte;

    close(log_in);
    assert_int_equal(read(passed, &byte, 1), 0);
}

static void shows_all_and_passes_some_on(void **state)
{
    (void)state;
    say("good\nbad one\ngo");
    comes(shown, "good\nbad one\n");
    comes(passed, "bad one\n");
    say("od\nbad two\nno end");
    comes(shown, "good\nbad two\n");
    comes(passed, "bad two\n");
    end();
    comes(shown, "no end");
}

static void moves_no_terminal(void **state)
{
    (void)state;
    say("a\x1b[2J\tb\r\xc2\x9b\xff\xc3\xa9\nbad \x1b\n");
    comes(shown, "a\\x1b[2J\tb\\r\\x9b\\xff\xc3\xa9\nbad \\x1b\n");
    comes(passed, "bad \x1b\n");
    end();
}

/* Nobody reads what is passed on: the log goes on. */
static void waits_for_nobody(void **state)
{
    char line[1001];

    (void)state;
    memset(line, 'x', 1000);
    memcpy(line, "bad", 3);
    line[999] = '\n';
    line[1000] = '\0';
    for (int i = 0; i < 3000; i++) {
        say(line);
        comes(shown, line);
    }
    say("good\n");
    comes(shown, "good\n");
    for (int i = 0; i < 10; i++) {
        comes(passed, line);
    }
    close(log_in);
}

static void shows_a_long_line_and_passes_it_not_on(void **state)
{
    static char line[50001];

    (void)state;
    memset(line, 'y', 50000);
    memcpy(line, "bad", 3);
    say(line);
    say("\nbad too\n");
    comes(shown, line);
    comes(shown, "\nbad too\n");
    comes(passed, "bad too\n");
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shows_all_and_passes_some_on, begin,
                                        finish),
        cmocka_unit_test_setup_teardown(moves_no_terminal, begin, finish),
        cmocka_unit_test_setup_teardown(waits_for_nobody, begin, finish),
        cmocka_unit_test_setup_teardown(shows_a_long_line_and_passes_it_not_on,
                                        begin, finish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
