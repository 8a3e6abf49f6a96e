/* test_topics.c - subscriptions come and go with their connections */
#include "core_script.h"

static void subscribing(void **state)
{
    struct peer a, b;
    struct topics *topics = &rig.core->topics;
    struct topic *topic;
    bool changed;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&a, "/a");
    rig_connect(&b, "/a");
    assert_int_equal(topics_subscribe(topics, a.conn, "t", &changed), BAY_OK);
    assert_true(changed);
    assert_int_equal(topics_subscribe(topics, a.conn, "t", &changed), BAY_OK);
    assert_false(changed);
    assert_int_equal(topics_subscribe(topics, b.conn, "t", &changed), BAY_OK);
    assert_false(changed);
    topic = topics_find(topics, a.conn->instance->route, "t");
    assert_int_equal(topic_count(topic), 2);
    assert_int_equal(topics_unsubscribe(topics, a.conn, "t", &changed), BAY_OK);
    assert_false(changed);
    assert_ptr_equal(topic_at(topic, 0)->conn, b.conn);
    assert_int_equal(topics_unsubscribe(topics, a.conn, "t", &changed),
                     BAY_ENOTFOUND);
    assert_int_equal(topics_unsubscribe(topics, b.conn, "t", &changed), BAY_OK);
    assert_true(changed);
    assert_null(topics_find(topics, a.conn->instance->route, "t"));
    rig_leave(&a);
    rig_leave(&b);
    script_heard();
}

static void names(void **state)
{
    char name[TOPICS_NAME_MAX + 2];

    (void)state;
    memset(name, 'n', sizeof name);
    name[TOPICS_NAME_MAX + 1] = '\0';
    assert_false(topics_name_valid(name));
    name[TOPICS_NAME_MAX] = '\0';
    assert_true(topics_name_valid(name));
    assert_false(topics_name_valid(""));
    assert_false(topics_name_valid(NULL));
}

static void routes_do_not_share(void **state)
{
    struct peer a, b;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_route("/b", &script_plugin);
    rig_connect(&a, "/a");
    rig_connect(&b, "/b");
    bay_subscribe(&a.conn->handle, "t");
    bay_subscribe(&b.conn->handle, "t");
    bay_publish(bay_conn_route(&a.conn->handle), "t", BAY_TEXT, "x", 1, 0);
    core_turn(rig.core);
    rig_expect_text(&a, "x");
    rig_expect_silence(&b);
    rig_leave(&a);
    rig_leave(&b);
    script_heard();
}

static void many(void **state)
{
    struct peer peer;
    char name[32];
    int status = BAY_OK;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    for (unsigned i = 0; i < TOPICS_SUBS_MAX; i++) {
        snprintf(name, sizeof name, "topic %u", i);
        status = bay_subscribe(&peer.conn->handle, name);
        assert_int_equal(status, BAY_OK);
    }
    assert_int_equal(bay_subscribe(&peer.conn->handle, "more"), BAY_EFULL);
    assert_int_equal(rig.core->topics.count, TOPICS_SUBS_MAX);
    rig_leave(&peer);
    assert_int_equal(rig.core->topics.count, 0);
    assert_int_equal(stat_get(&rig.stats->topics), 0);
    script_heard();
}

static void listening(void **state)
{
    struct peer peer;
    bay_route *route;
    bool changed;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    route = bay_conn_route(&peer.conn->handle);
    assert_int_equal(bay_listen(route, "t"), BAY_OK);
    assert_int_equal(bay_listen(route, "t"), BAY_OK);
    assert_int_equal(topic_listeners(topics_find(
                         &rig.core->topics, peer.conn->instance->route, "t")),
                     1);
    assert_int_equal(
        topics_subscribe(&rig.core->topics, peer.conn, "t", &changed), BAY_OK);
    assert_false(changed); /* it was wanted already */
    assert_int_equal(bay_unlisten(route, "t"), BAY_OK);
    assert_int_equal(bay_unlisten(route, "t"), BAY_ENOTFOUND);
    assert_int_equal(bay_unlisten(route, "never"), BAY_ENOTFOUND);
    rig_leave(&peer);
    script_heard();
}

/* Whoever leaves, and in whatever order, the others stay. */
static void leaving_in_any_order(void **state)
{
    enum { PEERS = 8 };
    struct peer peers[PEERS];
    unsigned seed = 42;

    (void)state;
    rig_route("/a", &script_plugin);
    for (int i = 0; i < PEERS; i++) {
        rig_connect(&peers[i], "/a");
    }
    for (int round = 0; round < 500; round++) {
        bool subscribed[PEERS];
        bay_route *route = bay_conn_route(&peers[0].conn->handle);

        for (int i = 0; i < PEERS; i++) {
            seed = seed * 1103515245u + 12345u;
            subscribed[i] = (seed >> 16) % 2 == 0;
            if (subscribed[i]) {
                bay_subscribe(&peers[i].conn->handle, "t");
            } else {
                bay_unsubscribe(&peers[i].conn->handle, "t");
            }
        }
        bay_publish(route, "t", BAY_TEXT, "x", 1, 0);
        core_turn(rig.core);
        for (int i = 0; i < PEERS; i++) {
            if (subscribed[i]) {
                rig_expect_text(&peers[i], "x");
            }
            rig_expect_silence(&peers[i]);
        }
    }
    for (int i = 0; i < PEERS; i++) {
        rig_leave(&peers[i]);
    }
    script_heard();
}

/* The limit is of those one has, not of those one ever had. */
static void coming_and_going(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    rig_connect(&peer, "/a");
    for (unsigned i = 0; i < TOPICS_SUBS_MAX + 10; i++) {
        assert_int_equal(bay_subscribe(&peer.conn->handle, "t"), BAY_OK);
        assert_int_equal(bay_unsubscribe(&peer.conn->handle, "t"), BAY_OK);
    }
    rig_leave(&peer);
    script_heard();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(subscribing),         SCRIPT_TEST(names),
        SCRIPT_TEST(routes_do_not_share), SCRIPT_TEST(many),
        SCRIPT_TEST(listening),           SCRIPT_TEST(leaving_in_any_order),
        SCRIPT_TEST(coming_and_going),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
