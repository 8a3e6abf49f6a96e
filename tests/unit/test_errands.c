/* test_errands.c - a worker's end of its channel to the master */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>

#include "base/log.h"
#include "proc/errands.h"

static uv_loop_t loop;
static struct errands errands;
static struct conf conf;
static int master;
static int quits, orphans, code, aborts, serves, banned;
static json_int_t prepared, committed;
static uint64_t limit_ms, linger_ms;
static char reason[64];
static bay_id kicked;
static unsigned open_count;

bool core_kick(struct core *core, bay_id id, int with, const char *why)
{
    (void)core;
    assert_int_equal(with, 1008);
    assert_non_null(why);
    kicked = id;
    return id == 281474976710657u;
}

void core_each_connection(struct core *core,
                          void (*each)(void *arg, const struct conn_info *info),
                          void *arg)
{
    (void)core;
    for (unsigned i = 0; i < open_count; i++) {
        struct conn_info info = {
            .id = UINT64_MAX - i,
            .route = "lobby",
            .remote = "127.0.0.1",
            .path = "/\"\xff",
            .subprotocol = NULL,
            .facts = { .connected_ms = 400, .messages_in = i },
        };

        info.facts.last_message_ms = i == 0 ? 0 : 900;
        each(arg, &info);
    }
}

static void drain(void *arg, int with, const char *why, uint64_t limit,
                  uint64_t linger)
{
    (void)arg;
    code = with;
    limit_ms = limit;
    linger_ms = linger;
    snprintf(reason, sizeof reason, "%s", why);
}

static void quit(void *arg)
{
    (void)arg;
    quits++;
}

static void bans(void *arg)
{
    (void)arg;
    banned++;
}

static unsigned reopens;

static void reopened(void *arg)
{
    (void)arg;
    reopens++;
}

static void orphaned(void *arg)
{
    (void)arg;
    orphans++;
}

static void prepare(void *arg, const json_t *order)
{
    (void)arg;
    prepared = json_integer_value(json_object_get(order, "id"));
}

static void commit(void *arg, const json_t *order)
{
    (void)arg;
    committed = json_integer_value(json_object_get(order, "id"));
}

static void give_up(void *arg)
{
    (void)arg;
    aborts++;
}

static void serve(void *arg)
{
    (void)arg;
    serves++;
}

static uint64_t now_ms(void *arg)
{
    (void)arg;
    return 1000;
}

static int make(void **state)
{
    static char log_file[] = "-";
    int ends[2];

    (void)state;
    quits = orphans = code = aborts = serves = banned = 0;
    prepared = committed = 0;
    kicked = 0;
    reopens = 0;
    conf = (struct conf){ .log_file = log_file, .log_format = LOG_FORMAT_TEXT };
    errands = (struct errands){ .conf = &conf,
                                .drain = drain,
                                .quit = quit,
                                .prepare = prepare,
                                .commit = commit,
                                .abort = give_up,
                                .bans = bans,
                                .serve = serve,
                                .reopened = reopened,
                                .orphaned = orphaned,
                                .now_ms = now_ms };
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    master = ends[0];
    return errands_open(&errands, &loop, ends[1]);
}

static int unmake(void **state)
{
    (void)state;
    errands_close(&errands);
    errands_close(&errands);
    uv_run(&loop, UV_RUN_DEFAULT);
    errands_finish(&errands);
    if (master >= 0) {
        close(master);
    }
    return uv_loop_close(&loop);
}

static void tell(const char *text)
{
    assert_int_equal(write(master, text, strlen(text)), strlen(text));
    uv_run(&loop, UV_RUN_ONCE);
}

static json_t *hear(void)
{
    static char text[65536];
    ssize_t got = recv(master, text, sizeof text, MSG_DONTWAIT);
    json_t *answer;

    assert_true(got > 0);
    assert_int_equal(text[got - 1], '\n');
    answer = json_loadb(text, (size_t)got, 0, NULL);
    assert_non_null(answer);
    return answer;
}

static void does_what_it_is_told(void **state)
{
    (void)state;
    tell("{\"do\":\"drain\",\"code\":1001,\"reason\":\"going away\","
         "\"limit_ms\":500,\"linger_ms\":7}\n{\"do\":\"qu");
    assert_int_equal(code, 1001);
    assert_int_equal(limit_ms, 500);
    assert_int_equal(linger_ms, 7);
    assert_string_equal(reason, "going away");
    assert_int_equal(quits, 0);
    tell("it\"}\n");
    assert_int_equal(quits, 1);
}

static void hands_a_reload_on(void **state)
{
    json_t *said;

    (void)state;
    tell("{\"do\":\"prepare\",\"id\":3}\n{\"do\":\"commit\",\"id\":4}\n"
         "{\"do\":\"abort\"}\n{\"do\":\"serve\"}\n"
         "{\"do\":\"bans\"}\n");
    assert_int_equal(prepared, 3);
    assert_int_equal(committed, 4);
    assert_int_equal(aborts, 1);
    assert_int_equal(serves, 1);
    assert_int_equal(banned, 1);
    errands_say(&errands, json_pack("{s:i}", "id", 4));
    uv_run(&loop, UV_RUN_NOWAIT);
    said = hear();
    assert_int_equal(json_integer_value(json_object_get(said, "id")), 4);
    json_decref(said);
}

static void lists_connections(void **state)
{
    json_t *answer, *conn;

    (void)state;
    open_count = 3;
    tell("{\"do\":\"conns\",\"limit\":2,\"id\":9}\n");
    answer = hear();
    assert_int_equal(json_integer_value(json_object_get(answer, "id")), 9);
    assert_int_equal(json_integer_value(json_object_get(answer, "total")), 3);
    assert_int_equal(json_array_size(json_object_get(answer, "conns")), 2);
    conn = json_array_get(json_object_get(answer, "conns"), 0);
    assert_string_equal(json_string_value(json_object_get(conn, "id")),
                        "18446744073709551615");
    assert_string_equal(json_string_value(json_object_get(conn, "path")),
                        "/\"\xef\xbf\xbd");
    assert_string_equal(json_string_value(json_object_get(conn, "subprotocol")),
                        "");
    assert_int_equal(json_integer_value(json_object_get(conn, "age_ms")), 600);
    assert_null(json_object_get(conn, "last_message_ms"));
    conn = json_array_get(json_object_get(answer, "conns"), 1);
    assert_int_equal(
        json_integer_value(json_object_get(conn, "last_message_ms")), 100);
    json_decref(answer);
    open_count = 0;
    tell("{\"do\":\"conns\",\"limit\":2,\"id\":10}\n");
    answer = hear();
    assert_int_equal(json_integer_value(json_object_get(answer, "total")), 0);
    json_decref(answer);
}

static void kicks(void **state)
{
    json_t *answer;

    (void)state;
    tell("{\"do\":\"kick\",\"conn\":\"281474976710657\",\"id\":1}\n");
    answer = hear();
    assert_int_equal(kicked, 281474976710657u);
    assert_true(json_is_true(json_object_get(answer, "ok")));
    json_decref(answer);
    tell("{\"do\":\"kick\",\"conn\":\"5\",\"id\":2}\n");
    answer = hear();
    assert_false(json_is_true(json_object_get(answer, "ok")));
    json_decref(answer);
}

static void sets_the_level(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_INFO);
    tell("{\"do\":\"log\",\"level\":\"error\",\"id\":1}\n");
    json_decref(hear());
    assert_int_equal(log_get_level(), LOG_LEVEL_ERROR);
    tell("{\"do\":\"reopen\"}\n");
    assert_int_equal(log_get_level(), LOG_LEVEL_ERROR);
    assert_int_equal(reopens, 1);
}

static void survives_nonsense(void **state)
{
    (void)state;
    log_set_level((enum log_level)0); /* it complains */
    tell("hello\n\n{}\n{\"do\":\"dance\"}\n{\"do\":\"quit\"}\n");
    assert_int_equal(quits, 1);
}

static void sees_the_master_go(void **state)
{
    (void)state;
    close(master);
    master = -1;
    uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(orphans, 1);
}

static void speaks_before_there_is_a_loop(void **state)
{
    int ends[2];
    json_t *event;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    close(master);
    master = ends[0];
    errands_tell(ends[1], "failed", "it is \"Monday\"\n");
    event = hear();
    assert_string_equal(json_string_value(json_object_get(event, "event")),
                        "failed");
    assert_string_equal(json_string_value(json_object_get(event, "why")),
                        "it is \"Monday\"\n");
    json_decref(event);
    errands_tell(ends[1], "ready", NULL);
    event = hear();
    assert_null(json_object_get(event, "why"));
    json_decref(event);
    close(ends[0]);
    master = -1;
    errands_tell(ends[1], "ready", NULL); /* to nobody, and no SIGPIPE */
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(does_what_it_is_told, make, unmake),
        cmocka_unit_test_setup_teardown(hands_a_reload_on, make, unmake),
        cmocka_unit_test_setup_teardown(lists_connections, make, unmake),
        cmocka_unit_test_setup_teardown(kicks, make, unmake),
        cmocka_unit_test_setup_teardown(sets_the_level, make, unmake),
        cmocka_unit_test_setup_teardown(survives_nonsense, make, unmake),
        cmocka_unit_test_setup_teardown(sees_the_master_go, make, unmake),
        cmocka_unit_test_setup_teardown(speaks_before_there_is_a_loop, make,
                                        unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
