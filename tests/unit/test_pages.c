/* test_pages.c - the host's own pages: health and metrics */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "proc/pages.h"
#include "proc/tally.h"

static struct conf_route routes[] = {
    { .name = (char[]){ "lobby" }, .plugin = (char[]){ "chat" } },
    { .name = (char[]){ "we\\ird\"\n" },
      .plugin = (char[]){ "chat" },
      .slot = 1 },
};
static const struct conf conf = { .routes = routes, .route_count = 2 };

static struct bans bans;

static int make(void **state)
{
    struct pages *pages = calloc(1, sizeof *pages);

    pages->board = board_create(2, 2);
    ((struct board *)(uintptr_t)pages->board)->bans = &bans;
    bans = (struct bans){ 0 };
    pages->conf = &conf;
    *state = pages;
    return 0;
}

static int unmake(void **state)
{
    struct pages *pages = *state;

    board_destroy((struct board *)(uintptr_t)pages->board);
    free(pages);
    return 0;
}

static void run(const struct pages *pages, unsigned worker)
{
    atomic_store(&board_slot(pages->board, worker)->state, WORKER_RUNNING);
}

static void ban(const char *plugin)
{
    stat_set(&bans.plugins[0].code, 7);
    strcpy(bans.plugins[0].plugin, plugin);
    bans.plugin_count = 1;
}

static void keeps_to_the_format(void **state);

static void expect_health(struct pages *pages, int status, const char *word,
                          int running)
{
    struct buf buf = { 0 };
    json_t *json;

    assert_int_equal(pages_health(pages, &buf), status);
    json = json_loads(buf.data, 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "status")),
                        word);
    assert_int_equal(json_integer_value(json_object_get(json, "workers")), 2);
    assert_int_equal(json_integer_value(json_object_get(json, "running")),
                     running);
    json_decref(json);
    buf_free(&buf);
}

static void tells_health(void **state)
{
    struct pages *pages = *state;

    run(pages, 0);
    expect_health(pages, 200, "degraded", 1);
    run(pages, 1);
    expect_health(pages, 200, "ok", 2);
    ban("chat");
    expect_health(pages, 200, "degraded", 2);
    board_set_draining(pages->board);
    expect_health(pages, 503, "draining", 2);
}

static void sums_metrics(void **state)
{
    struct pages *pages = *state;
    struct buf buf = { 0 };

    run(pages, 1);
    stat_set(&board_stats(pages->board, 0)->routes[0].messages_in, 40);
    stat_set(&board_stats(pages->board, 1)->routes[0].messages_in, 2);
    stat_set(&board_stats(pages->board, 0)->http_requests, 3);
    stat_set(&board_stats(pages->board, 1)->http_requests, 4);
    stat_set(&board_stats(pages->board, 1)->routes[1].connections, 5);
    stat_set(&board_stats(pages->board, 0)->routes[0].limits[LIMIT_IDLE], 6);
    pages_metrics(pages, &buf);
    assert_false(buf.failed);
    assert_non_null(strstr(
        buf.data, "\npatchbay_messages_received_total{route=\"lobby\"} 42\n"));
    assert_non_null(strstr(buf.data, "\npatchbay_http_requests_total 7\n"));
    assert_non_null(
        strstr(buf.data, "\npatchbay_plugin_quarantined{plugin=\"chat\"} 0\n"));
    assert_null(strstr(strstr(buf.data, "quarantined{") + 1, "quarantined{"));
    assert_non_null(strstr(
        buf.data, "\npatchbay_connections{route=\"we\\\\ird\\\"\\n\"} 5\n"));
    assert_non_null(strstr(buf.data, "\npatchbay_limit_reached_total{route="
                                     "\"lobby\",limit=\"idle\"} 6\n"));
    assert_non_null(
        strstr(buf.data, "\npatchbay_worker_connections{worker=\"1\"} 5\n"));
    assert_non_null(strstr(buf.data, "\npatchbay_worker_up{worker=\"0\"} 0\n"));
    assert_non_null(strstr(buf.data, "\npatchbay_worker_up{worker=\"1\"} 1\n"));
    buf_clear(&buf);
    ban("chat");
    pages_metrics(pages, &buf);
    assert_non_null(
        strstr(buf.data, "\npatchbay_plugin_quarantined{plugin=\"chat\"} 1\n"));
    buf_free(&buf);
}

static void expect_line(struct pages *pages, const char *line)
{
    struct buf buf = { 0 };
    char text[128];

    snprintf(text, sizeof text, "\npatchbay_%s\n", line);
    pages_metrics(pages, &buf);
    assert_non_null(strstr(buf.data, text));
    buf_free(&buf);
}

/* A place that nobody is to have is no worker that is missing. */
static void passes_over_a_spare_place(void **state)
{
    struct pages *pages = *state;
    struct tally *tally = tally_create();
    struct buf buf = { 0 };

    ((struct board *)(uintptr_t)pages->board)->tally = tally;
    board_spare((struct board *)(uintptr_t)pages->board, 1);
    run(pages, 0);
    stat_set(&board_stats(pages->board, 0)->resident, 4096);
    stat_set(&board_slot(pages->board, 0)->incarnation, 3);
    stat_set(&board_slot(pages->board, 0)->recycled, 2);
    tally_recycle(tally, RECYCLE_MEMORY);
    expect_line(pages, "workers 1");
    expect_line(pages, "worker_up{worker=\"0\"} 1");
    expect_line(pages, "worker_resident_bytes{worker=\"0\"} 4096");
    expect_line(pages, "worker_restarts_total{worker=\"0\"} 1");
    expect_line(pages, "workers_recycled_total{limit=\"max_memory\"} 1");
    expect_line(pages, "workers_recycled_total{limit=\"max_requests\"} 0");
    pages_metrics(pages, &buf);
    assert_null(strstr(buf.data, "worker_up{worker=\"1\"}"));
    assert_null(strstr(buf.data, "heartbeat_age_seconds{worker=\"1\"}"));
    assert_null(strstr(buf.data, "resident_bytes{worker=\"1\"}"));
    buf_clear(&buf);
    assert_int_equal(pages_health(pages, &buf), 200);
    assert_non_null(strstr(buf.data, "\"status\":\"ok\""));
    assert_non_null(strstr(buf.data, "\"workers\":1,\"running\":1,"));
    buf_free(&buf);
    keeps_to_the_format(state);
    tally_destroy(tally);
}

/* Of plugins that have routes, and of those that had. */
static void counts_crashes(void **state)
{
    struct pages *pages = *state;
    struct tally *tally = tally_create();

    expect_line(pages, "plugin_crashes_total{plugin=\"chat\"} 0");
    expect_line(pages, "hangs_total 0");
    expect_line(pages, "control_paused_total 0");
    ((struct board *)(uintptr_t)pages->board)->tally = tally;
    tally_crash(tally, "chat", false);
    tally_crash(tally, "chat", true);
    tally_crash(tally, "gone", false);
    tally_hang(tally);
    tally_report(tally, true);
    tally_report(tally, false);
    tally_control_paused(tally);
    expect_line(pages, "plugin_crashes_total{plugin=\"chat\"} 2");
    expect_line(pages, "plugin_hangs_total{plugin=\"chat\"} 1");
    expect_line(pages, "plugin_crashes_total{plugin=\"gone\"} 1");
    expect_line(pages, "hangs_total 1");
    expect_line(pages, "crash_reports_written_total 1");
    expect_line(pages, "crash_reports_suppressed_total 1");
    expect_line(pages, "control_paused_total 1");
    keeps_to_the_format(state);
    tally_destroy(tally);
}

/* NAME or NAME{label="value"}, a blank, and a number (the text exposition
 * format): the samples of a name stand together, below its HELP and TYPE. */
static void check_sample(const char *line, const char *family)
{
    size_t len = strlen(family);
    const char *at = line + len;
    char *end;

    assert_memory_equal(line, family, len);
    if (*at == '{') {
        at = strstr(at, "\"} ");
        assert_non_null(at);
        at += 2;
    }
    assert_int_equal(*at, ' ');
    assert_true(strtod(at + 1, &end) >= 0);
    assert_int_equal(*end, 0);
}

static void keeps_to_the_format(void **state)
{
    struct buf buf = { 0 };
    char family[128] = "";
    char type[16], *rest, *line;
    size_t len;
    bool typed = false, counted = false;
    int samples = 0;

    pages_metrics(*state, &buf);
    assert_int_equal(buf.data[buf.len - 1], '\n');
    for (line = strtok_r(buf.data, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            assert_true(family[0] == 0 || samples > 0);
            len = strcspn(line + 7, " ");
            snprintf(family, sizeof family, "%.*s", (int)len, line + 7);
            assert_memory_equal(family, "patchbay_", 9);
            typed = false;
            samples = 0;
        } else if (strncmp(line, "# TYPE ", 7) == 0) {
            assert_false(typed);
            assert_memory_equal(line + 7, family, strlen(family));
            assert_int_equal(sscanf(line + 7 + strlen(family), " %15s", type),
                             1);
            counted = strcmp(type, "counter") == 0;
            assert_true(counted || strcmp(type, "gauge") == 0);
            len = strlen(family);
            assert_int_equal(counted, strcmp(family + len - 6, "_total") == 0);
            typed = true;
        } else {
            assert_true(typed);
            check_sample(line, family);
            samples++;
        }
    }
    assert_true(samples > 0);
    buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_health, make, unmake),
        cmocka_unit_test_setup_teardown(sums_metrics, make, unmake),
        cmocka_unit_test_setup_teardown(passes_over_a_spare_place, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(counts_crashes, make, unmake),
        cmocka_unit_test_setup_teardown(keeps_to_the_format, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
