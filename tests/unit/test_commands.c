/* test_commands.c - what the master does for an operator */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "proc/breaker.h"
#include "proc/commands.h"

#define TICKET 7

static struct conf_route routes[] = { { .name = (char[]){ "lobby" },
                                        .path = (char[]){ "/chat" },
                                        .plugin = (char[]){ "chat" } } };
static struct conf conf = { .file = (char[]){ "p.ini" },
                            .routes = routes,
                            .route_count = 1 };
static struct generation now;
static struct host host;
static struct board *board;
static struct commands *commands;
static json_t *answered; /* NULL: not yet */
static bool held;
static json_t *told[2]; /* the last order of each worker */
static bool spare[2], leaving[2];
static bool down[2];
static int drains, quits;

void control_answer(struct control *control, uint64_t ticket, json_t *answer)
{
    (void)control;
    assert_int_equal(ticket, TICKET);
    assert_null(answered);
    assert_non_null(answer);
    answered = answer;
}

void control_answer_and_hold(struct control *control, uint64_t ticket,
                             json_t *answer)
{
    held = true;
    control_answer(control, ticket, answer);
}

bool crew_tell(struct crew *crew, unsigned worker, const json_t *order)
{
    (void)crew;
    if (down[worker]) {
        return false;
    }
    json_decref(told[worker]);
    told[worker] = json_deep_copy(order);
    return true;
}

void crew_adopt(struct crew *crew, const struct conf *next)
{
    (void)crew;
    (void)next;
}

int crew_starting(const struct crew *crew)
{
    (void)crew;
    return -1;
}

bool crew_is_down(const struct crew *crew, unsigned worker)
{
    (void)crew;
    return down[worker];
}

bool crew_serves(const struct crew *crew, unsigned worker)
{
    (void)crew;
    return !down[worker];
}

const char *crew_ended_by(const struct crew *crew, unsigned worker)
{
    (void)crew;
    (void)worker;
    return NULL;
}

void crew_tell_all(struct crew *crew, const char *word)
{
    (void)crew;
    (void)word;
}

bool crew_is_spare(const struct crew *crew, unsigned worker)
{
    (void)crew;
    return spare[worker];
}

bool crew_is_leaving(const struct crew *crew, unsigned worker)
{
    (void)crew;
    return leaving[worker];
}

void crew_hold(struct crew *crew)
{
    (void)crew;
}

void crew_release(struct crew *crew, bool anew)
{
    (void)crew;
    (void)anew;
}

bool crew_uses(const struct crew *crew, const char *image)
{
    (void)crew;
    (void)image;
    return false;
}

bool crew_alive(const struct crew *crew)
{
    (void)crew;
    return true;
}

void crew_drain(struct crew *crew, const struct crew_farewell *farewell)
{
    (void)crew;
    (void)farewell;
}

void crew_quit(struct crew *crew)
{
    (void)crew;
}

struct crew *crew_create(const struct crew_setup *setup)
{
    (void)setup;
    return NULL;
}

int crew_start(struct crew *crew)
{
    (void)crew;
    return -1;
}

void crew_forget(struct crew *crew)
{
    (void)crew;
}

void crew_destroy(struct crew *crew)
{
    (void)crew;
}

static void drain(void *arg)
{
    (void)arg;
    drains++;
}

static void quit(void *arg)
{
    (void)arg;
    quits++;
}

static int make(void **state)
{
    struct commands_setup setup = {
        .host = &host,
        .drain = drain,
        .quit = quit,
    };

    (void)state;
    board = board_create(2, 1);
    now = (struct generation){ .conf = &conf, .board = board };
    host = (struct host){ .now = &now,
                          .rundir = { .path = "/nonexistent", .lock_fd = -1 } };
    commands = commands_create(&setup);
    drains = quits = 0;
    spare[0] = spare[1] = leaving[0] = leaving[1] = false;
    held = down[0] = down[1] = false;
    return 0;
}

static void forget(void)
{
    json_decref(answered);
    answered = NULL;
    for (int i = 0; i < 2; i++) {
        json_decref(told[i]);
        told[i] = NULL;
    }
}

static int unmake(void **state)
{
    (void)state;
    forget();
    commands_destroy(commands);
    board_destroy(board);
    assert_null(host.poller.alarms);
    poller_finish(&host.poller);
    return 0;
}

static void ask(const char *text)
{
    json_t *request = json_loads(text, 0, NULL);

    forget();
    assert_non_null(request);
    commands_request(commands, TICKET, request);
    json_decref(request);
}

static const char *text_of(const char *key)
{
    return json_string_value(json_object_get(answered, key));
}

static void expect_refusal(const char *request, const char *error)
{
    ask(request);
    assert_true(json_is_false(json_object_get(answered, "ok")));
    assert_non_null(text_of("error"));
    assert_string_equal(text_of("error"), error);
}

static void say(unsigned worker, const char *text)
{
    json_t *answer = json_loads(text, 0, NULL);

    assert_non_null(answer);
    commands_answered(commands, worker,
                      json_integer_value(json_object_get(told[worker], "id")),
                      answer);
    json_decref(answer);
}

static void reports(void **state)
{
    (void)state;
    ask("{\"do\":\"status\"}");
    assert_true(json_is_true(json_object_get(answered, "ok")));
    assert_string_equal(text_of("file"), "p.ini");
    ask("{\"do\":\"routes\"}");
    assert_int_equal(json_array_size(json_object_get(answered, "routes")), 1);
}

static void collects_connections(void **state)
{
    (void)state;
    ask("{\"do\":\"conns\",\"limit\":2}");
    assert_null(answered);
    say(1, "{\"conns\":[{\"id\":\"3\"},{\"id\":\"4\"}],\"total\":9}");
    assert_null(answered);
    say(0, "{\"conns\":[{\"id\":\"1\"}],\"total\":1}");
    assert_int_equal(json_array_size(json_object_get(answered, "conns")), 2);
    assert_int_equal(json_integer_value(json_object_get(answered, "total")),
                     10);
    assert_int_equal(json_array_size(json_object_get(answered, "missing")), 0);
    ask("{\"do\":\"conns\"}");
    assert_int_equal(json_integer_value(json_object_get(told[0], "limit")),
                     1000);
    say(0, "{\"conns\":[],\"total\":0}");
    commands_died(commands, 1);
    assert_int_equal(json_integer_value(json_array_get(
                         json_object_get(answered, "missing"), 0)),
                     1);
    expect_refusal("{\"do\":\"conns\",\"limit\":0}",
                   "limit: a number from 1 to 100000");
    /* What no worker in its right mind would say. */
    ask("{\"do\":\"conns\"}");
    say(0, "{\"conns\":7,\"total\":9223372036854775807}");
    say(1, "{\"conns\":[],\"total\":9223372036854775807}");
    assert_int_equal(json_integer_value(json_object_get(answered, "total")), 0);
}

static void kicks_in_the_right_worker(void **state)
{
    (void)state;
    ask("{\"do\":\"kick\",\"conn\":\"281474976710657\"}");
    assert_null(told[0]);
    assert_string_equal(json_string_value(json_object_get(told[1], "conn")),
                        "281474976710657");
    say(1, "{\"ok\":true}");
    assert_true(json_is_true(json_object_get(answered, "ok")));
    ask("{\"do\":\"kick\",\"conn\":\"1\"}");
    say(0, "{\"ok\":false}");
    assert_string_equal(text_of("error"), "no such connection");
    down[0] = true;
    expect_refusal("{\"do\":\"kick\",\"conn\":\"1\"}",
                   "worker 0 did not answer in time");
    spare[0] = true; /* nobody has the place, so no connection either */
    expect_refusal("{\"do\":\"kick\",\"conn\":\"1\"}", "no such connection");
    /* Worker 9, and another node. */
    expect_refusal("{\"do\":\"kick\",\"conn\":\"2533274790395905\"}",
                   "no such connection");
    expect_refusal("{\"do\":\"kick\",\"conn\":\"72057594037927937\"}",
                   "no such connection");
}

static void lifts_a_quarantine(void **state)
{
    struct breaker *breaker = breaker_create();
    const struct breaker_rule rule = { .limit = 1, .window_ms = 1000 };
    const struct culprit culprit = { .plugin = "chat", .code = 7 };

    (void)state;
    host.breaker = breaker;
    expect_refusal("{\"do\":\"unquarantine\"}", "plugin: the name of a plugin");
    expect_refusal("{\"do\":\"unquarantine\",\"plugin\":\"chat\"}",
                   "plugin chat is not quarantined, nor is a message to it");
    assert_true(breaker_crashed(breaker, &culprit, &rule, 1000).banned);
    ask("{\"do\":\"unquarantine\",\"plugin\":\"chat\"}");
    assert_true(json_is_true(json_object_get(answered, "ok")));
    assert_false(bans_plugin(breaker_bans(breaker), 7));
    breaker_destroy(breaker);
}

static void kicks_only_what_is_an_id(void **state)
{
    static const char *const ids[] = {
        "\"\"",   "\"x\"",  "\"-1\"",
        "\" 1\"", "\"1x\"", "\"0\"",
        "1",      "null",   "\"99999999999999999999999\"",
    };
    char request[128];

    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        snprintf(request, sizeof request, "{\"do\":\"kick\",\"conn\":%s}",
                 ids[i]);
        expect_refusal(request, "conn: the id of a connection, a number");
    }
}

static void sets_the_level_everywhere(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR); /* nothing is printed */
    ask("{\"do\":\"log\",\"level\":\"warn\"}");
    assert_int_equal(log_get_level(), LOG_LEVEL_WARN);
    say(0, "{\"ok\":true}");
    say(1, "{\"ok\":true}");
    assert_string_equal(text_of("level"), "warn");
    expect_refusal("{\"do\":\"log\",\"level\":\"loud\"}",
                   "level: one of error, warn, info, debug");
    assert_int_equal(log_get_level(), LOG_LEVEL_WARN);
}

static void ends_the_host(void **state)
{
    (void)state;
    stat_set(&board_stats(board, 1)->routes[0].connections, 5);
    ask("{\"do\":\"drain\"}");
    assert_true(held);
    assert_int_equal(
        json_integer_value(json_object_get(answered, "connections")), 5);
    assert_int_equal(drains, 1);
    board_set_draining(board);
    expect_refusal("{\"do\":\"conns\"}", "the host is about to end");
    expect_refusal("{\"do\":\"reload\"}", "the host is about to end");
    ask("{\"do\":\"status\"}");
    assert_string_equal(text_of("state"), "draining");
    ask("{\"do\":\"stop\"}");
    assert_int_equal(quits, 1);
}

static void knows_its_commands(void **state)
{
    (void)state;
    expect_refusal("{\"do\":\"dance\"}", "no command \"dance\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reports, make, unmake),
        cmocka_unit_test_setup_teardown(collects_connections, make, unmake),
        cmocka_unit_test_setup_teardown(kicks_in_the_right_worker, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(lifts_a_quarantine, make, unmake),
        cmocka_unit_test_setup_teardown(kicks_only_what_is_an_id, make, unmake),
        cmocka_unit_test_setup_teardown(sets_the_level_everywhere, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(ends_the_host, make, unmake),
        cmocka_unit_test_setup_teardown(knows_its_commands, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
