/* test_report.c - the host, its workers and routes, as JSON */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <unistd.h>

#include "proc/report.h"
#include "proc/tally.h"

static struct conf_route routes[] = { { .name = (char[]){ "lobby" },
                                        .path = (char[]){ "/chat/\xff" },
                                        .plugin = (char[]){ "chat" } } };
static const struct conf conf = { .file = (char[]){ "p.ini" },
                                  .routes = routes,
                                  .route_count = 1 };
static struct board *board;
static struct crashes crashes;
static struct generation now, old;

static int make(void **state)
{
    (void)state;
    board = board_create(2, 1);
    board_name(board, 0, "lobby", "chat");
    now = (struct generation){ .conf = &conf, .board = board };
    return board != NULL ? 0 : -1;
}

static int unmake(void **state)
{
    (void)state;
    board_destroy(board);
    return 0;
}

static int64_t number_of(const json_t *object, const char *key)
{
    const json_t *number = json_object_get(object, key);

    assert_true(json_is_integer(number));
    return json_integer_value(number);
}

static void expect_text(const json_t *object, const char *key,
                        const char *expected)
{
    const char *text = json_string_value(json_object_get(object, key));

    assert_non_null(text);
    assert_string_equal(text, expected);
}

static void tells_who_is_quarantined(void **state)
{
    static struct bans bans = { .plugin_count = 1,
                                .poison_count = 2,
                                .plugins[2] = { .code = 7,
                                                .crashes = 5,
                                                .plugin = "chat",
                                                .why = "it did" } };
    json_t *status, *all;
    const json_t *one;

    (void)state;
    board->bans = &bans;
    atomic_store(&board_slot(board, 0)->state, WORKER_RUNNING);
    atomic_store(&board_slot(board, 1)->state, WORKER_RUNNING);
    status = report_status(&now, NULL, &crashes);
    expect_text(status, "state", "degraded");
    assert_int_equal(number_of(status, "refused_messages"), 2);
    one = json_object_get(status, "quarantined");
    assert_int_equal(json_array_size(one), 1);
    one = json_array_get(one, 0);
    expect_text(one, "plugin", "chat");
    expect_text(one, "why", "it did");
    assert_int_equal(number_of(one, "crashes"), 5);
    all = report_routes(board, &conf);
    one = json_array_get(json_object_get(all, "routes"), 0);
    assert_true(json_is_true(json_object_get(one, "quarantined")));
    json_decref(all);
    json_decref(status);
    bans.plugin_count = 0;
    stat_set(&bans.plugins[2].code, 0);
    status = report_status(&now, NULL, &crashes);
    expect_text(status, "state", "running");
    json_decref(status);
}

static void tells_status(void **state)
{
    struct sockaddr_in *in = (void *)&now.sockets.list[0].addr;
    json_t *status;
    const json_t *worker;

    (void)state;
    now.sockets.count = 1;
    in->sin_family = AF_INET;
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    in->sin_port = htons(9501);
    board_begin(board, 0, 77);
    stat_set(&board_stats(board, 0)->routes[0].connections, 3);
    stat_set(&board_stats(board, 0)->routes[0].outdated, 1);
    stat_set(&board_stats(board, 0)->sockets, 4);
    stat_set(&board_stats(board, 0)->misdeeds, 2);
    stat_set(&board_stats(board, 1)->routes[0].connections, 2);
    stat_set(&board_slot(board, 0)->incarnation, 6);
    atomic_store(&board_stats(board, 0)->now.hook, HOOK_MESSAGE);
    status = report_status(&now, NULL, &crashes);
    assert_true(json_is_true(json_object_get(status, "ok")));
    expect_text(status, "state", "degraded");
    expect_text(status, "file", "p.ini");
    assert_int_equal(number_of(status, "pid"), getpid());
    assert_int_equal(number_of(status, "connections"), 5);
    assert_string_equal(json_string_value(json_array_get(
                            json_object_get(status, "addresses"), 0)),
                        "127.0.0.1:9501");
    worker = json_array_get(json_object_get(status, "workers"), 0);
    assert_int_equal(number_of(worker, "worker"), 0);
    assert_int_equal(number_of(worker, "pid"), 77);
    assert_int_equal(number_of(worker, "restarts"), 6);
    assert_int_equal(number_of(worker, "connections"), 3);
    assert_int_equal(number_of(worker, "outdated"), 1);
    assert_int_equal(number_of(worker, "sockets"), 4);
    assert_int_equal(number_of(worker, "misdeeds"), 2);
    expect_text(worker, "state", "starting");
    expect_text(worker, "hook",
                "the message hook of plugin chat, [route.lobby]");
    worker = json_array_get(json_object_get(status, "workers"), 1);
    expect_text(worker, "state", "down");
    assert_null(json_object_get(worker, "uptime_ms"));
    assert_null(json_object_get(worker, "hook"));
    json_decref(status);
}

static void sums_it_up(void **state)
{
    json_t *status;

    (void)state;
    atomic_store(&board_slot(board, 0)->state, WORKER_RUNNING);
    atomic_store(&board_slot(board, 1)->state, WORKER_RUNNING);
    status = report_status(&now, NULL, &crashes);
    expect_text(status, "state", "running");
    json_decref(status);
    board_set_draining(board);
    status = report_status(&now, NULL, &crashes);
    expect_text(status, "state", "draining");
    json_decref(status);
}

static void tells_of_recycling(void **state)
{
    struct tally *tally = tally_create();
    json_t *status;
    const json_t *workers, *recycled;

    (void)state;
    board->tally = tally;
    board_spare(board, 1);
    atomic_store(&board_slot(board, 0)->state, WORKER_RUNNING);
    stat_set(&board_stats(board, 0)->resident, 4096);
    tally_recycle(tally, RECYCLE_REQUESTS);
    status = report_status(&now, NULL, &crashes);
    expect_text(status, "state", "running");
    workers = json_object_get(status, "workers");
    assert_int_equal(json_array_size(workers), 1);
    assert_int_equal(number_of(json_array_get(workers, 0), "resident"), 4096);
    recycled = json_object_get(status, "recycled");
    assert_int_equal(number_of(recycled, "max_memory"), 0);
    assert_int_equal(number_of(recycled, "max_requests"), 1);
    json_decref(status);
    board->tally = NULL;
    tally_destroy(tally);
}

static void tells_who_leaves(void **state)
{
    json_t *status;
    const json_t *leaving;

    (void)state;
    old = (struct generation){ .board = board_create(2, 1) };
    board_begin(old.board, 1, 78);
    stat_set(&board_stats(old.board, 1)->routes[0].connections, 4);
    assert_int_equal(board_succeed(board, old.board), 0);
    stat_set(&board_slot(board, 0)->incarnation, board->incarnation + 2);
    status = report_status(&now, &old, &crashes);
    leaving = json_object_get(status, "leaving");
    assert_int_equal(json_array_size(leaving), 1);
    assert_int_equal(number_of(json_array_get(leaving, 0), "pid"), 78);
    assert_int_equal(number_of(json_array_get(leaving, 0), "connections"), 4);
    assert_int_equal(number_of(status, "connections"), 4);
    assert_int_equal(
        number_of(json_array_get(json_object_get(status, "workers"), 0),
                  "restarts"),
        2);
    json_decref(status);
    board_destroy(old.board);
}

static void tells_routes(void **state)
{
    json_t *report;
    const json_t *route;

    (void)state;
    stat_set(&board_stats(board, 0)->routes[0].messages_in, 3);
    stat_set(&board_stats(board, 1)->routes[0].messages_in, 4);
    stat_set(&board_stats(board, 1)->routes[0].slow_hooks, 1);
    stat_set(&board_stats(board, 1)->routes[0].limits[LIMIT_RATE], 7);
    report = report_routes(board, &conf);
    route = json_array_get(json_object_get(report, "routes"), 0);
    expect_text(route, "route", "lobby");
    expect_text(route, "plugin", "chat");
    assert_int_equal(number_of(route, "messages_in"), 7);
    assert_int_equal(number_of(route, "slow_hooks"), 1);
    assert_int_equal(json_object_size(json_object_get(route, "limits")), 1);
    assert_int_equal(number_of(json_object_get(route, "limits"), "rate"), 7);
    /* A path that no JSON can hold is no reason to say nothing. */
    expect_text(route, "path", "(not UTF-8)");
    json_decref(report);
}

static void tells_of_the_last_crash(void **state)
{
    static struct crash_last last[CONF_MAX_WORKERS] = {
        [1] = { .wall_ms = 1, .what = "it fell", .file = "/run/x/1.txt" }
    };
    const json_t *workers, *crash;
    json_t *status;

    (void)state;
    crashes.last = last;
    status = report_status(&now, NULL, &crashes);
    crashes.last = NULL;
    workers = json_object_get(status, "workers");
    assert_null(json_object_get(json_array_get(workers, 0), "last_crash"));
    crash = json_object_get(json_array_get(workers, 1), "last_crash");
    expect_text(crash, "what", "it fell");
    expect_text(crash, "report", "/run/x/1.txt");
    assert_true(number_of(crash, "ago_ms") > 0);
    json_decref(status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_who_is_quarantined, make, unmake),
        cmocka_unit_test_setup_teardown(tells_of_the_last_crash, make, unmake),
        cmocka_unit_test_setup_teardown(tells_status, make, unmake),
        cmocka_unit_test_setup_teardown(sums_it_up, make, unmake),
        cmocka_unit_test_setup_teardown(tells_of_recycling, make, unmake),
        cmocka_unit_test_setup_teardown(tells_who_leaves, make, unmake),
        cmocka_unit_test_setup_teardown(tells_routes, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
