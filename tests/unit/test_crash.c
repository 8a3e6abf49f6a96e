/* test_crash.c - the end of a worker, and its report */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proc/crash.h"

/* As waitpid gives them (glibc's bits/waitstatus.h). */
#define KILLED_BY(signal) (signal)
#define EXITED_WITH(code) ((code) << 8)

static struct board *board;
static struct worker_stats *stats;
static struct crash crash;

static int make(void **state)
{
    struct remains *remains;

    (void)state;
    board = board_create(2, 3);
    board_name(board, 1, "lobby", "chat");
    stats = board_stats(board, 1);
    remains = board_remains(board, 1);
    atomic_store(&stats->now.hook, HOOK_MESSAGE);
    atomic_store(&stats->now.route, 1);
    stat_set(&stats->now.conn, 77);
    atomic_store(&stats->last_words.signal, SIGSEGV);
    stat_set(&stats->last_words.address, 0x10);
    remains->at_ms = 5000;
    remains->has_witness = 1;
    remains->witness = (struct witness){ .plugin = "chat",
                                         .version = "1.0\x1b[2J",
                                         .code = "00112233",
                                         .file = "/p/chat.so",
                                         .conn = 77,
                                         .remote = "::1",
                                         .path = "/lobby",
                                         .connected_ms = 3500,
                                         .messages_in = 3 };
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    board_destroy(board);
    return 0;
}

static char *report(const char *hang)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    crash_take(&crash, board, 1, 123, "worker 1 fell", hang);
    crash_write(&crash, "/nonexistent", out);
    fclose(out);
    return text;
}

static void add(uint64_t conn, const char *data, size_t len)
{
    const bay_message message = {
        .data = data, .len = len, .kind = BAY_TEXT, .fin = true
    };

    recent_add(&board_remains(board, 1)->recent, 4990, conn, &message);
}

static void has_the_facts(void **state)
{
    char *text = report(NULL);

    (void)state;
    assert_non_null(strstr(text, "\nwhat         worker 1 fell\n"));
    assert_non_null(strstr(text, "\nreason       crash\n"));
    assert_non_null(
        strstr(text, "\nsignal       11 (Segmentation fault), address 0x10"));
    assert_non_null(strstr(text, "\nplugin       chat 1.0\\x1b[2J\n"));
    assert_non_null(strstr(text, "\nfile         /p/chat.so, hash 00112233\n"));
    assert_non_null(strstr(text, "\nroute        lobby\nhook         message"));
    assert_non_null(strstr(text, "\nconnection   77\npeer         ::1\n"));
    assert_non_null(strstr(text, "\nopen for     1500 ms\n"));
    assert_non_null(strstr(text, "\nreceived     3 messages, 0 bytes\n"));
    assert_non_null(strstr(text, "(none are kept)"));
    assert_non_null(strstr(text, "(the worker left none)"));
    assert_null(strchr(text, '\x1b'));
    free(text);
}

static void has_messages_of_the_connection(void **state)
{
    char large[RECENT_BYTES + 9];
    char *text;

    (void)state;
    memset(large, 'y', sizeof large);
    add(77, "a\x1b[31m\"\n\xff", 9);
    add(78, "of another", 10);
    add(77, large, sizeof large);
    text = report("it slept");
    assert_non_null(strstr(text, "\nreason       it slept\n"));
    assert_non_null(strstr(text, "\n10 ms before, text, 9 bytes: "
                                 "\"a\\x1b[31m\\\"\\x0a\\xff\"\n"));
    assert_non_null(strstr(text, "10 ms before, text, 521 bytes: \"yyy"));
    assert_non_null(strstr(text, "yyy\" ...\n"));
    assert_null(strstr(text, "another"));
    free(text);
}

/* Whatever the worker has written into its part of the board. */
static void believes_nothing(void **state)
{
    (void)state;
    memset(stats, 0xff, sizeof *stats);
    memset(board_remains(board, 1), 0xff, sizeof(struct remains));
    free(report(NULL));
}

static void is_one_or_not(void **state)
{
    (void)state;
    assert_true(crash_is_one(board, 1, KILLED_BY(SIGSEGV)));
    assert_true(crash_is_one(board, 0, KILLED_BY(SIGABRT)));
    assert_false(crash_is_one(board, 1, KILLED_BY(SIGKILL)));
    assert_true(crash_is_one(board, 1, KILLED_BY(SIGTERM)));
    assert_false(crash_is_one(board, 0, KILLED_BY(SIGTERM)));
    assert_true(crash_is_one(board, 1, EXITED_WITH(0)));
    assert_false(crash_is_one(board, 0, EXITED_WITH(1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(has_the_facts, make, unmake),
        cmocka_unit_test_setup_teardown(has_messages_of_the_connection, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(believes_nothing, make, unmake),
        cmocka_unit_test_setup_teardown(is_one_or_not, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
