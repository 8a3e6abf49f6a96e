/* test_watcher.c - a file counts when it is whole, and not before */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "folder.h"
#include "proc/watcher.h"

static struct poller poller;
static struct watcher *watcher;
static struct buf told;
static struct alarm_clock bell;
static bool rung;

static void changed(void *arg, const char *path)
{
    (void)arg;
    buf_addf(&told, "changed %s;", strrchr(path, '/') + 1);
}

static void broken(void *arg, const char *path, const char *why)
{
    (void)arg;
    buf_addf(&told, "broken %s %s;", strrchr(path, '/') + 1, why);
}

static void ring(struct alarm_clock *alarm)
{
    (void)alarm;
    rung = true;
}

/* What is told until something is, at most that long. */
static const char *wait_for_news(uint64_t ms)
{
    static char text[1024];

    rung = false;
    bell = (struct alarm_clock){ .ring = ring };
    poller_set_alarm(&poller, &bell, clock_now_ms() + ms);
    while (!rung && told.len == 0) {
        assert_int_equal(poller_turn(&poller), 0);
    }
    poller_clear_alarm(&poller, &bell);
    snprintf(text, sizeof text, "%s", told.len > 0 ? told.data : "");
    buf_clear(&told);
    return text;
}

#define LONG_MS  20000
#define QUIET_MS 300

static void put(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fwrite(data, 1, size, file);
    fclose(file);
}

static struct buf plugin_bytes(void)
{
    struct buf bytes = { 0 };
    FILE *file = fopen(BUILD_DIR "/plugins/echo.so", "r");
    char *room = buf_reserve(&bytes, 1 << 20);

    assert_non_null(file);
    bytes.len = fread(room, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

static int begin(void **state)
{
    poller = (struct poller){ 0 };
    watcher = watcher_create(&poller, changed, broken, NULL);
    return watcher == NULL ? -1 : folder_make(state);
}

static int end(void **state)
{
    watcher_destroy(watcher);
    poller_finish(&poller);
    buf_free(&told);
    return folder_remove(state);
}

static void text_that_changes(void **state)
{
    const char *path = folder_file("a.ini");

    (void)state;
    put(path, "one", 3);
    assert_int_equal(watcher_add(watcher, path), 0);
    assert_int_equal(watcher_add(watcher, path), 0);
    assert_string_equal(wait_for_news(QUIET_MS), "");
    put(path, "three", 5);
    assert_string_equal(wait_for_news(LONG_MS), "changed a.ini;");
    put(folder_file("other"), "x", 1);
    assert_string_equal(wait_for_news(QUIET_MS), "");
}

static void renamed_into_place(void **state)
{
    const char *path = folder_file("a.ini");

    (void)state;
    assert_int_equal(watcher_add(watcher, path), 0); /* not there yet */
    put(folder_file("new"), "one", 3);
    assert_int_equal(rename(folder_file("new"), path), 0);
    assert_string_equal(wait_for_news(LONG_MS), "changed a.ini;");
    unlink(path);
    assert_string_equal(wait_for_news(QUIET_MS), "");
    put(path, "again", 5);
    assert_string_equal(wait_for_news(LONG_MS), "changed a.ini;");
}

static void half_a_plugin(void **state)
{
    const char *path = folder_file("p.so");
    struct buf bytes = plugin_bytes();

    (void)state;
    assert_int_equal(watcher_add(watcher, path), 0);
    put(path, bytes.data, bytes.len / 2);
    assert_non_null(strstr(wait_for_news(LONG_MS), "broken p.so "));
    chmod(path, 0600); /* the same content is told once */
    assert_string_equal(wait_for_news(QUIET_MS), "");
    put(path, "text", 4);
    assert_non_null(strstr(wait_for_news(LONG_MS), "is not a shared object"));
    put(path, "", 0);
    assert_non_null(strstr(wait_for_news(LONG_MS), "broken p.so "));
    put(path, bytes.data, bytes.len);
    assert_string_equal(wait_for_news(LONG_MS), "changed p.so;");
    buf_free(&bytes);
}

static void through_a_link(void **state)
{
    char target[300];

    (void)state;
    snprintf(target, sizeof target, "%s/x", folder_file("far"));
    assert_int_equal(mkdir(folder_file("far"), 0700), 0);
    put(target, "one", 3);
    assert_int_equal(symlink(target, folder_file("near")), 0);
    assert_int_equal(watcher_add(watcher, folder_file("near")), 0);
    put(target, "three", 5);
    assert_string_equal(wait_for_news(LONG_MS), "changed near;");
}

static void a_folder_that_comes_later(void **state)
{
    char path[300];

    (void)state;
    snprintf(path, sizeof path, "%s/x", folder_file("later"));
    assert_int_equal(watcher_add(watcher, path), 0);
    assert_int_equal(mkdir(folder_file("later"), 0700), 0);
    put(path, "one", 3);
    assert_string_equal(wait_for_news(LONG_MS), "changed x;");
    unlink(path);
    rmdir(folder_file("later"));
    assert_string_equal(wait_for_news(QUIET_MS), "");
    assert_int_equal(mkdir(folder_file("later"), 0700), 0);
    put(path, "two", 3);
    assert_string_equal(wait_for_news(LONG_MS), "changed x;");
}

static void forgiven(void **state)
{
    const char *path = folder_file("a");

    (void)state;
    assert_int_equal(watcher_add(watcher, path), 0);
    put(path, "ours", 4);
    watcher_forgive(watcher, path);
    assert_string_equal(wait_for_news(QUIET_MS), "");
    watcher_clear(watcher);
    put(path, "theirs", 6);
    assert_string_equal(wait_for_news(QUIET_MS), "");
}

static void so_many_and_no_more(void **state)
{
    char path[300];

    (void)state;
    for (int i = 0; i < WATCHER_FILES_MAX; i++) {
        snprintf(path, sizeof path, "%s%d", folder_file("f"), i);
        assert_int_equal(watcher_add(watcher, path), 0);
    }
    assert_int_equal(watcher_add(watcher, folder_file("more")), -1);
}

#define WATCHER_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WATCHER_TEST(text_that_changes),
        WATCHER_TEST(renamed_into_place),
        WATCHER_TEST(half_a_plugin),
        WATCHER_TEST(through_a_link),
        WATCHER_TEST(a_folder_that_comes_later),
        WATCHER_TEST(forgiven),
        WATCHER_TEST(so_many_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
