/* test_api_conn.c - the calls on a connection, at the wrong time, too */
#include "core_script.h"

#include "caught_log.h"

/* A handle that is none: what every call answers. */
static void expect_refused(bay_conn *conn)
{
    bay_facts facts;

    memset(&facts, 0xff, sizeof facts);
    assert_int_equal(core_api.send(conn, BAY_TEXT, "x", 1), BAY_EINVAL);
    assert_int_equal(core_api.close(conn, 1000, NULL), BAY_EINVAL);
    core_api.pause(conn, true);
    assert_int_equal(core_api.conn_id(conn), 0);
    assert_null(core_api.conn_data(conn));
    assert_null(core_api.conn_route(conn));
    assert_string_equal(core_api.conn_remote(conn), "");
    assert_string_equal(core_api.conn_path(conn), "");
    assert_null(core_api.conn_query(conn, "a"));
    assert_string_equal(core_api.conn_subprotocol(conn), "");
    assert_string_equal(core_api.conn_tail(conn), "");
    assert_null(core_api.conn_header(conn, "cookie"));
    assert_int_equal(core_api.conn_backlog(conn), 0);
    core_api.conn_facts(conn, &facts, sizeof facts);
    assert_int_equal(facts.connected_ms, 0);
    assert_int_equal(facts.backlog, 0);
    assert_int_equal(core_api.subscribe(conn, "t"), BAY_EINVAL);
    assert_int_equal(core_api.unsubscribe(conn, "t"), BAY_EINVAL);
}

static void handles_that_are_none(void **state)
{
    struct conn stale = { .handle.api = &core_api };
    struct peer peer;

    (void)state;
    caught_log_begin();
    expect_refused(&stale.handle);
    assert_int_equal(bay_sendf(&stale.handle, "%d", 1), BAY_EINVAL);
    assert_int_equal(caught_log_count("keep bay_id, not bay_conn"), 17);
    expect_refused(NULL);
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    /* an instance is no connection */
    expect_refused((bay_conn *)(void *)bay_conn_route(&peer.conn->handle));
    caught_log_end();
    rig_leave(&peer);
}

/* Before open and after close: what may be asked, and what cannot be done. */
static int try_in_handshake(bay_conn *conn, bay_request *req)
{
    (void)req;
    assert_int_equal(bay_send_text(conn, "x", 1), BAY_ESTATE);
    assert_int_equal(bay_close(conn, 1000, ""), BAY_ESTATE);
    assert_int_equal(bay_subscribe(conn, "t"), BAY_ESTATE);
    assert_int_equal(bay_unsubscribe(conn, "t"), BAY_ENOTFOUND);
    assert_string_equal(bay_conn_header(conn, "cookie"), "a=b");
    assert_null(bay_conn_header(conn, "none"));
    assert_null(core_api.conn_header(conn, NULL));
    assert_int_equal(bay_conn_id(conn), 1);
    *(int *)bay_conn_data(conn) = 42;
    buf_adds(&script.heard, "tried ");
    return 0;
}

static int try_in_open(bay_conn *conn)
{
    assert_string_equal(bay_conn_header(conn, "cookie"), "a=b");
    assert_int_equal(*(int *)bay_conn_data(conn), 42);
    return 0;
}

static void try_in_close(bay_conn *conn)
{
    assert_int_equal(bay_send_text(conn, "x", 1), BAY_ECLOSED);
    assert_int_equal(bay_close(conn, 1000, ""), BAY_ECLOSED);
    assert_int_equal(bay_subscribe(conn, "u"), BAY_ECLOSED);
    assert_int_equal(bay_unsubscribe(conn, "t"), BAY_OK);
    assert_null(bay_conn_header(conn, "cookie"));
    assert_string_equal(bay_conn_remote(conn), "127.0.0.1");
    assert_int_equal(*(int *)bay_conn_data(conn), 42);
    bay_pause(conn);
    bay_resume(conn);
    buf_adds(&script.heard, "tried ");
}

static void at_each_time_of_its_life(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    script.on_handshake = try_in_handshake;
    script.on_open = try_in_open;
    script.on_close = try_in_close;
    rig_connect(&peer, "/a");
    assert_int_equal(bay_subscribe(&peer.conn->handle, "t"), BAY_OK);
    rig_leave(&peer);
    assert_string_equal(script_heard(), "start handshake tried open "
                                        "close:1006: tried ");
}

/* ---- facts ------------------------------------------------------------- */

static void what_is_known(void **state)
{
    struct peer peer;
    bay_facts facts;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    bay_conn_facts(&peer.conn->handle, &facts);
    assert_int_equal(facts.connected_ms, rig.now_ms);
    assert_int_equal(facts.last_message_ms, 0);
    rig.now_ms += 50;
    rig_say(&peer, "four");
    rig_say(&peer, "");
    peer.room = 0;
    assert_int_equal(bay_send_text(&peer.conn->handle, "one", 3), BAY_OK);
    assert_int_equal(bay_send_binary(&peer.conn->handle, "sixsix", 6), BAY_OK);
    core_turn(rig.core);
    bay_conn_facts(&peer.conn->handle, &facts);
    assert_int_equal(facts.connected_ms, rig.now_ms - 50);
    assert_int_equal(facts.last_message_ms, rig.now_ms);
    assert_int_equal(facts.messages_in, 2);
    assert_int_equal(facts.bytes_in, 4);
    assert_int_equal(facts.messages_out, 2);
    assert_int_equal(facts.bytes_out, 9);
    assert_int_equal(facts.backlog, 5 + 8); /* with their heads */
    assert_int_equal(bay_conn_backlog(&peer.conn->handle), 13);
    rig_give_room(&peer, SIZE_MAX);
    assert_int_equal(bay_conn_backlog(&peer.conn->handle), 0);
    rig_leave(&peer);
    script_heard();
}

/* A plugin built with an older header has less room, with a newer one more. */
static void facts_of_another_size(void **state)
{
    struct {
        bay_facts facts;
        uint64_t more[2];
    } large;
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    rig_say(&peer, "four");
    memset(&large, 0xee, sizeof large);
    core_api.conn_facts(&peer.conn->handle, &large.facts,
                        offsetof(bay_facts, messages_in));
    assert_int_equal(large.facts.connected_ms, rig.now_ms);
    assert_int_equal(large.facts.messages_in, 0xeeeeeeeeeeeeeeee);
    core_api.conn_facts(&peer.conn->handle, &large.facts, sizeof large);
    assert_int_equal(large.facts.messages_in, 1);
    assert_int_equal(large.more[0], 0);
    assert_int_equal(large.more[1], 0);
    rig_leave(&peer);
    script_heard();
}

/* ---- small things ------------------------------------------------------ */

static void closing_without_a_reason(void **state)
{
    struct peer peer;
    struct buf data;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    assert_int_equal(bay_close(&peer.conn->handle, 4000, NULL), BAY_OK);
    core_turn(rig.core);
    assert_int_equal(rig_frame(&peer, &data), OPCODE_CLOSE);
    assert_int_equal(data.len, 2);
    rig_leave(&peer);
    assert_string_equal(script_heard(), "start handshake open close:4000: ");
}

static void topics_have_names(void **state)
{
    struct peer peer;
    char name[66];

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    memset(name, 'n', sizeof name);
    name[65] = '\0';
    assert_int_equal(bay_subscribe(&peer.conn->handle, name), BAY_EINVAL);
    name[64] = '\0';
    assert_int_equal(bay_subscribe(&peer.conn->handle, name), BAY_OK);
    assert_int_equal(bay_subscribe(&peer.conn->handle, ""), BAY_EINVAL);
    assert_int_equal(bay_subscribe(&peer.conn->handle, NULL), BAY_EINVAL);
    assert_int_equal(bay_unsubscribe(&peer.conn->handle, NULL), BAY_EINVAL);
    rig_leave(&peer);
    script_heard();
}

/* printf's results around the size of the small buffer. */
static void formatted(void **state)
{
    struct peer peer;
    struct buf got;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    for (int len = 1022; len <= 1025; len++) {
        assert_int_equal(bay_sendf(&peer.conn->handle, "%*d|", len - 1, 7),
                         BAY_OK);
        core_turn(rig.core);
        assert_int_equal(rig_frame(&peer, &got), OPCODE_TEXT);
        assert_int_equal(got.len, len);
        assert_memory_equal(got.data + len - 2, "7|", 2);
    }
    rig_leave(&peer);
    script_heard();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(handles_that_are_none),
        SCRIPT_TEST(at_each_time_of_its_life),
        SCRIPT_TEST(what_is_known),
        SCRIPT_TEST(facts_of_another_size),
        SCRIPT_TEST(closing_without_a_reason),
        SCRIPT_TEST(topics_have_names),
        SCRIPT_TEST(formatted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
