/* test_limits.c - a limit that is reached is counted, and said now and then */
#include "core_script.h"

#include "caught_log.h"
#include "core/addresses.h"
#include "core/limits.h"

static uint64_t reached(enum limit limit)
{
    return stat_get(&rig.stats->routes[0].limits[limit]);
}

static void each_has_a_name(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LIMIT_COUNT; i++) {
        assert_non_null(limit_name(i));
        for (unsigned k = 0; k < i; k++) {
            assert_string_not_equal(limit_name(i), limit_name(k));
        }
    }
}

/* At level info: the first of many, and how many there were meanwhile. */
static void told_now_and_then(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    caught_log_begin();
    log_set_level(LOG_LEVEL_INFO);
    for (int i = 0; i < 6; i++) {
        conn_over(peer.conn, LIMIT_SEND_QUEUE, "a message was dropped");
    }
    conn_over(peer.conn, LIMIT_RATE, "paused"); /* another has its own time */
    assert_int_equal(caught_log_count("limit send_queue"), 1);
    assert_non_null(strstr(caught_log(), "[one/script] #"));
    assert_int_equal(caught_log_count("limit rate: paused\n"), 1);
    rig.now_ms += SELDOM_MS;
    conn_over(peer.conn, LIMIT_SEND_QUEUE, "a message was dropped");
    assert_int_equal(caught_log_count("dropped; 5 times more since this"), 1);
    assert_int_equal(reached(LIMIT_SEND_QUEUE), 7);
    assert_int_equal(reached(LIMIT_RATE), 1);
    caught_log_end();
    rig_leave(&peer);
    script_heard();
}

/* At level debug each is. */
static void told_to_who_wants_all(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    caught_log_begin();
    conn_over(peer.conn, LIMIT_IDLE, "x");
    conn_over(peer.conn, LIMIT_IDLE, "x");
    assert_int_equal(caught_log_count("limit idle: x\n"), 2);
    assert_int_equal(caught_log_count(" info "), 1);
    assert_int_equal(caught_log_count(" debug "), 1);
    caught_log_end();
    rig_leave(&peer);
    script_heard();
}

static void closes(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    conn_exceed(peer.conn, LIMIT_RATE, BAY_CLOSE_POLICY, "too fast");
    core_turn(rig.core);
    rig_expect_close(&peer, 1008);
    rig_leave(&peer);
    assert_string_equal(script_heard(),
                        "start handshake open close:1008:too fast ");
    assert_int_equal(reached(LIMIT_RATE), 1);
    assert_int_equal(stat_get(&rig.stats->routes[0].protocol_errors), 0);
}

static void a_full_route(void **state)
{
    struct peer peers[3];
    int status;

    (void)state;
    rig_route("/a", &script_plugin)->limits.connections = 2;
    rig_connect(&peers[0], "/a");
    rig_connect(&peers[1], "/a");
    caught_log_begin();
    assert_false(rig_ask(&peers[2], "/a", NULL, NULL, &status));
    assert_int_equal(status, 503);
    assert_int_equal(reached(LIMIT_CONNECTIONS), 1);
    assert_int_equal(
        caught_log_count("[one/script] 127.0.0.1: limit connections: the "
                         "route is full, refused with 503\n"),
        1);
    assert_int_equal(caught_log_count(" warn "), 1);
    caught_log_end();
    rig_leave(&peers[0]);
    assert_true(rig_ask(&peers[2], "/a", NULL, NULL, &status));
    rig_leave(&peers[1]);
    rig_leave(&peers[2]);
    script_heard();
}

static uint64_t count_address(void *arg, uint64_t key)
{
    return address_count(arg, key);
}

static bool ask_from(struct peer *peer, const char *remote, int *status)
{
    struct request request = {
        .method = "GET", .remote = remote, .path = "/a", .body = { .data = "" }
    };
    const char *why;

    memset(peer, 0, sizeof *peer);
    peer->conn = conn_create(core_find_route(rig.core, "/a"), &request, NULL,
                             peer, status, &why);
    request_finish(&request);
    return peer->conn != NULL;
}

static void many_of_one_address(void **state)
{
    struct addresses addresses = {
        calloc(ADDRESS_CELLS, sizeof(struct address_cell)), 7
    };
    struct peer peers[6];
    int status;

    (void)state;
    rig.core->setup.addresses = &addresses;
    rig.core->setup.count_address = count_address;
    rig.core->setup.count_arg = &addresses;
    rig_route("/a", &script_plugin)->limits.per_address = 2;
    assert_true(ask_from(&peers[0], "192.0.2.1", &status));
    assert_true(ask_from(&peers[1], "192.0.2.1", &status));
    assert_false(ask_from(&peers[2], "192.0.2.1", &status));
    assert_int_equal(status, 429);
    assert_int_equal(reached(LIMIT_ADDRESS), 1);
    assert_int_equal(stat_get(&rig.stats->routes[0].refused), 1);
    assert_true(ask_from(&peers[2], "192.0.2.2", &status));
    for (int i = 3; i < 6; i++) { /* they have none */
        assert_true(ask_from(&peers[i], "unix", &status));
    }
    rig_leave(&peers[0]);
    assert_true(ask_from(&peers[0], "192.0.2.1", &status));
    script.handshake_result = 403; /* who is refused is not counted */
    rig_leave(&peers[1]);
    assert_false(ask_from(&peers[1], "192.0.2.1", &status));
    script.handshake_result = 0;
    assert_true(ask_from(&peers[1], "192.0.2.1", &status));
    for (int i = 0; i < 6; i++) {
        rig_leave(&peers[i]);
    }
    for (size_t i = 0; i < ADDRESS_CELLS; i++) {
        assert_int_equal(stat_get(&addresses.cells[i].value), 0);
    }
    free(addresses.cells);
    script_heard();
}

/* A table that is full: who comes then is let in, and that is told. */
static void more_addresses_than_can_be_counted(void **state)
{
    struct addresses addresses = {
        calloc(ADDRESS_CELLS, sizeof(struct address_cell)), 7
    };
    struct peer peers[4];
    int status;

    (void)state;
    rig.core->setup.addresses = &addresses;
    rig.core->setup.count_address = count_address;
    rig.core->setup.count_arg = &addresses;
    rig_route("/a", &script_plugin)->limits.per_address = 1;
    assert_true(ask_from(&peers[0], "192.0.2.1", &status));
    assert_int_equal(reached(LIMIT_ADDRESSES), 0);
    for (size_t i = 0; i < ADDRESS_CELLS; i++) {
        if (stat_get(&addresses.cells[i].value) == 0) {
            stat_set(&addresses.cells[i].key, 2); /* of no address */
            stat_set(&addresses.cells[i].value, 1);
        }
    }
    caught_log_begin();
    log_set_level(LOG_LEVEL_INFO);
    for (int i = 1; i < 4; i++) {
        assert_true(ask_from(&peers[i], "192.0.2.2", &status));
    }
    assert_int_equal(reached(LIMIT_ADDRESSES), 3);
    assert_int_equal(caught_log_count("192.0.2.2: limit addresses: too many "
                                      "to count, let in"),
                     1);
    caught_log_end();
    for (int i = 0; i < 4; i++) {
        rig_leave(&peers[i]);
    }
    free(addresses.cells);
    script_heard();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(each_has_a_name),
        SCRIPT_TEST(told_now_and_then),
        SCRIPT_TEST(told_to_who_wants_all),
        SCRIPT_TEST(closes),
        SCRIPT_TEST(a_full_route),
        SCRIPT_TEST(many_of_one_address),
        SCRIPT_TEST(more_addresses_than_can_be_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
