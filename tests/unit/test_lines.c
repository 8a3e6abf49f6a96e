/* test_lines.c - a descriptor that speaks in lines */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proc/lines.h"

struct talk {
    struct poller poller;
    struct lines lines;
    int other;
    struct buf heard; /* lines, each in brackets */
    bool gone;
    const char *why;
    bool deafen; /* after the first line */
};

static void line(struct lines *lines, char *text, size_t len)
{
    struct talk *talk = lines->arg;

    assert_int_equal(text[len], 0);
    buf_addf(&talk->heard, "[%s]", text);
    if (talk->deafen) {
        lines_deafen(lines);
    }
}

static void gone(struct lines *lines, const char *why)
{
    struct talk *talk = lines->arg;

    assert_false(talk->gone);
    talk->gone = true;
    talk->why = why;
    lines_close(lines);
}

static int make(void **state)
{
    struct talk *talk = calloc(1, sizeof *talk);
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    talk->lines = (struct lines){
        .line_max = 1000, .line = line, .gone = gone, .arg = talk
    };
    talk->other = ends[1];
    assert_int_equal(lines_open(&talk->lines, &talk->poller, ends[0]), 0);
    *state = talk;
    return 0;
}

static int unmake(void **state)
{
    struct talk *talk = *state;

    lines_close(&talk->lines);
    poller_finish(&talk->poller);
    buf_free(&talk->heard);
    if (talk->other >= 0) {
        close(talk->other);
    }
    free(talk);
    return 0;
}

static void say(struct talk *talk, const char *text)
{
    assert_int_equal(write(talk->other, text, strlen(text)), strlen(text));
    assert_int_equal(poller_turn(&talk->poller), 0);
}

static void hang_up(struct talk *talk)
{
    close(talk->other);
    talk->other = -1;
    while (!talk->gone) {
        assert_int_equal(poller_turn(&talk->poller), 0);
    }
}

static void hears_lines_in_any_pieces(void **state)
{
    struct talk *talk = *state;

    say(talk, "one\ntw");
    say(talk, "o");
    assert_string_equal(talk->heard.data, "[one]");
    say(talk, "\n\nthree\nfo");
    assert_string_equal(talk->heard.data, "[one][two][][three]");
    hang_up(talk);
    assert_null(talk->why);
    assert_string_equal(talk->heard.data, "[one][two][][three]");
}

static void hears_the_last_words_of_the_dead(void **state)
{
    struct talk *talk = *state;

    assert_int_equal(write(talk->other, "last\nwords\n", 11), 11);
    close(talk->other);
    talk->other = -1;
    lines_drain(&talk->lines);
    assert_string_equal(talk->heard.data, "[last][words]");
    assert_false(talk->gone);
}

static void takes_the_longest_line(void **state)
{
    struct talk *talk = *state;
    char text[1002];

    memset(text, 'x', sizeof text);
    text[1000] = '\n';
    text[1001] = 0;
    say(talk, text);
    assert_int_equal(talk->heard.len, 1002);
    assert_false(talk->gone);
}

static void expect_too_long(struct talk *talk)
{
    assert_true(talk->gone);
    assert_string_equal(talk->why, "line too long");
    assert_int_equal(talk->heard.len, 0);
}

static void ends_with_a_line_too_long(void **state)
{
    char text[1003];

    memset(text, 'x', sizeof text);
    text[1001] = '\n';
    text[1002] = 0;
    say(*state, text);
    expect_too_long(*state);
}

static void ends_before_the_end_of_a_line_too_long(void **state)
{
    char text[1002];

    memset(text, 'x', sizeof text);
    text[1001] = 0;
    say(*state, text);
    expect_too_long(*state);
}

static void is_deaf_when_told(void **state)
{
    struct talk *talk = *state;

    talk->deafen = true;
    say(talk, "one\ntwo\n");
    assert_int_equal(write(talk->other, "three\n", 6), 6);
    hang_up(talk);
    assert_string_equal(talk->heard.data, "[one]");
}

/* More than the socket holds: the rest goes out as the peer reads. */
static void says_much(void **state)
{
    struct talk *talk = *state;
    size_t len = 4 << 20, got = 0;
    char *text = malloc(len);
    static char part[65536];
    ssize_t n = 0;

    memset(text, 'y', len);
    assert_int_equal(lines_send(&talk->lines, text, len), 0);
    assert_true(lines_waiting(&talk->lines) > 0);
    lines_end(&talk->lines);
    while (!talk->gone) {
        while ((n = recv(talk->other, part, sizeof part, MSG_DONTWAIT)) > 0) {
            got += (size_t)n;
        }
        assert_int_equal(poller_turn(&talk->poller), 0);
    }
    while ((n = recv(talk->other, part, sizeof part, 0)) > 0) {
        got += (size_t)n;
    }
    assert_int_equal(got, len + 1);
    assert_null(talk->why);
    assert_int_equal(lines_send(&talk->lines, "x", 1), -1);
    free(text);
}

static void survives_a_peer_that_is_gone(void **state)
{
    struct talk *talk = *state;

    assert_int_equal(write(talk->other, "last\n", 5), 5);
    close(talk->other);
    talk->other = -1;
    assert_int_equal(lines_send(&talk->lines, "x", 1), 0);
    while (!talk->gone) {
        assert_int_equal(poller_turn(&talk->poller), 0);
    }
    assert_null(talk->why);
    assert_string_equal(talk->heard.data, "[last]");
}

/* The kernel says so in another way, but it is no fault either. */
static void survives_a_peer_that_did_not_listen(void **state)
{
    struct talk *talk = *state;

    assert_int_equal(lines_send(&talk->lines, "x", 1), 0);
    assert_int_equal(write(talk->other, "last\n", 5), 5);
    hang_up(talk);
    assert_null(talk->why);
    assert_string_equal(talk->heard.data, "[last]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hears_lines_in_any_pieces, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(hears_the_last_words_of_the_dead, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(takes_the_longest_line, make, unmake),
        cmocka_unit_test_setup_teardown(ends_with_a_line_too_long, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(ends_before_the_end_of_a_line_too_long,
                                        make, unmake),
        cmocka_unit_test_setup_teardown(is_deaf_when_told, make, unmake),
        cmocka_unit_test_setup_teardown(says_much, make, unmake),
        cmocka_unit_test_setup_teardown(survives_a_peer_that_is_gone, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(survives_a_peer_that_did_not_listen,
                                        make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
