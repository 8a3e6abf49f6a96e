/* test_crashlist.c - crash reports are listed and found */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "proc/crashlist.h"

static json_t *list;
static char why[512];

static int make(void **state)
{
    list = NULL;
    return folder_make(state);
}

static int unmake(void **state)
{
    json_decref(list);
    return folder_remove(state);
}

static void put(const char *name, const char *text)
{
    char path[128];
    FILE *file;

    mkdir(folder_file("crashes"), 0700);
    snprintf(path, sizeof path, "crashes/%s", name);
    file = fopen(folder_file(path), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static size_t count(void)
{
    json_decref(list);
    list = crashlist_read(folder, why, sizeof why);
    assert_non_null(list);
    return json_array_size(list);
}

static const char *text_of(size_t i, const char *key)
{
    return json_string_value(json_object_get(json_array_get(list, i), key));
}

static json_int_t number_of(size_t i, const char *key)
{
    return json_integer_value(json_object_get(json_array_get(list, i), key));
}

static bool flag_of(size_t i, const char *key)
{
    return json_is_true(json_object_get(json_array_get(list, i), key));
}

static const char crash[] =
    "patchbay crash report\n\n"
    "time         2026-11-28T01:27:38.491Z\n"
    "host         patchbay 0.1.0, worker 1, pid 17\n"
    "what         worker 1 (pid 17) killed by signal 11\n"
    "reason       crash\n"
    "signal       11 (Segmentation fault), address 0, thread 17\n"
    "route        lobby\n"
    "hook         message\n"
    "connection   281474976710657\n"
    "plugin       chat 1.0\n"
    "plugin       other 2.0\n"
    "file         /p/chat.so, hash 00, build id none\n"
    "\nLast messages of the connection, the latest at the end:\n"
    "path         /not/of/the/head\n";

static void tell_of_their_heads(void **state)
{
    (void)state;
    put("a.txt", crash);
    assert_int_equal(count(), 1);
    assert_int_equal(number_of(0, "number"), 1);
    assert_string_equal(text_of(0, "name"), "a.txt");
    assert_string_equal(text_of(0, "file"), folder_file("crashes/a.txt"));
    assert_string_equal(text_of(0, "time"), "2026-11-28T01:27:38.491Z");
    assert_string_equal(text_of(0, "host"), "patchbay 0.1.0");
    assert_int_equal(number_of(0, "worker"), 1);
    assert_int_equal(number_of(0, "pid"), 17);
    assert_int_equal(number_of(0, "signal"), 11);
    assert_string_equal(text_of(0, "route"), "lobby");
    assert_string_equal(text_of(0, "hook"), "message");
    assert_string_equal(text_of(0, "connection"), "281474976710657");
    assert_string_equal(text_of(0, "plugin"), "chat");
    assert_string_equal(text_of(0, "version"), "1.0");
    assert_string_equal(text_of(0, "plugin_file"),
                        "/p/chat.so, hash 00, build id none");
    assert_false(flag_of(0, "hang"));
    assert_null(text_of(0, "path"));
}

static void tell_of_hangs(void **state)
{
    (void)state;
    put("a.txt", "patchbay crash report\n\n"
                 "reason       the message hook has not returned for 301 ms\n"
                 "plugin       none, as it seems");
    assert_int_equal(count(), 1);
    assert_true(flag_of(0, "hang"));
    assert_null(text_of(0, "plugin"));
}

static void begin_with_the_latest(void **state)
{
    (void)state;
    put("2026-01-01.txt", crash);
    put("2026-03-01.txt", crash);
    put("2026-02-01.txt", crash);
    put(".2026-04-01.txt.new", crash);
    put(".txt", crash);
    put("notes", crash);
    assert_int_equal(count(), 3);
    assert_string_equal(text_of(0, "name"), "2026-03-01.txt");
    assert_string_equal(text_of(2, "name"), "2026-01-01.txt");
    assert_int_equal(number_of(2, "number"), 3);
}

static const char *found(const char *wanted)
{
    return json_string_value(
        json_object_get(crashlist_find(list, wanted), "name"));
}

static void are_found(void **state)
{
    (void)state;
    put("2026-01-01.txt", crash);
    put("2026-02-01.txt", crash);
    assert_int_equal(count(), 2);
    assert_string_equal(found("1"), "2026-02-01.txt");
    assert_string_equal(found("2"), "2026-01-01.txt");
    assert_string_equal(found("2026-01-01"), "2026-01-01.txt");
    assert_string_equal(found("2026-01-01.txt"), "2026-01-01.txt");
    assert_string_equal(found("/run/x/crashes/2026-01-01.txt"),
                        "2026-01-01.txt");
    assert_null(found("0"));
    assert_null(found("3"));
    assert_null(found("99999999999999999999"));
    assert_null(found("2026-0"));
    assert_null(found(""));
    assert_null(found("-1"));
}

/* Whoever may write there may write anything. */
static void may_be_anything(void **state)
{
    char large[70000];

    (void)state;
    put("0.txt", "");
    put("1.txt", "\x7f"
                 "ELF\xff\xfe");
    put("2.txt", "patchbay crash report\n\ntime");
    put("3.txt", "patchbay crash report\n\n\n\n");
    put("4.txt",
        "patchbay crash report\n\nwhat         \xff\x1b[2J\n"
        "host         , worker -, pid\nsignal       x\nplugin       \n");
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = 0;
    memcpy(large, crash, 23);
    put("5.txt", large);
    assert_int_equal(mkfifo(folder_file("crashes/6.txt"), 0600), 0);
    assert_int_equal(mkdir(folder_file("crashes/7.txt"), 0700), 0);
    assert_int_equal(symlink("/etc/passwd", folder_file("crashes/8.txt")), 0);
    assert_int_equal(count(), 6);
    for (size_t i = 0; i < 6; i++) {
        assert_null(text_of(i, "time"));
        assert_null(text_of(i, "plugin"));
        assert_null(text_of(i, "what"));
        assert_null(json_object_get(json_array_get(list, i), "worker"));
    }
}

static void may_not_be_there(void **state)
{
    FILE *file;

    (void)state;
    assert_int_equal(count(), 0);
    assert_null(crashlist_read(folder_file("none"), why, sizeof why));
    assert_non_null(strstr(why, "cannot read "));
    assert_non_null(strstr(why, "none/crashes: no such file"));
    file = fopen(folder_file("crashes"), "w");
    fclose(file);
    assert_null(crashlist_read(folder, why, sizeof why));
    assert_non_null(strstr(why, "not a directory"));
}

static void are_read_up_to_a_limit(void **state)
{
    struct buf text = { 0 };
    char line[1024];
    FILE *file;

    (void)state;
    put("a.txt", crash);
    assert_int_equal(crashlist_text(folder_file("crashes/a.txt"), &text), 0);
    assert_int_equal(text.len, strlen(crash));
    assert_memory_equal(text.data, crash, text.len);
    buf_clear(&text);
    file = fopen(folder_file("crashes/a.txt"), "w");
    memset(line, 'x', sizeof line);
    for (int i = 0; i < 1100; i++) {
        fwrite(line, 1, sizeof line, file);
    }
    fclose(file);
    assert_int_equal(crashlist_text(folder_file("crashes/a.txt"), &text), 0);
    assert_int_equal(text.len, 1 << 20);
    assert_int_equal(crashlist_text(folder_file("no"), &text), -1);
    assert_int_equal(errno, ENOENT);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tell_of_their_heads, make, unmake),
        cmocka_unit_test_setup_teardown(tell_of_hangs, make, unmake),
        cmocka_unit_test_setup_teardown(begin_with_the_latest, make, unmake),
        cmocka_unit_test_setup_teardown(are_found, make, unmake),
        cmocka_unit_test_setup_teardown(may_be_anything, make, unmake),
        cmocka_unit_test_setup_teardown(may_not_be_there, make, unmake),
        cmocka_unit_test_setup_teardown(are_read_up_to_a_limit, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
