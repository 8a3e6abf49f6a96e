/* test_relief.c - too much waits for all clients: the slowest are given up */
#include "core_script.h"

#include "core/archive.h"
#include "core/relief.h"

#define PEERS 8
#define MANY  200

static struct peer peers[PEERS];
static char bytes[20000];

/* PEERS clients that take nothing, of a worker with room for so much. */
static void choke(size_t total)
{
    struct conf_route *route = rig_route("/a", &script_plugin);

    route->limits.send_queue = 1 << 20;
    core_set_queue_total(rig.core, total);
    for (int i = 0; i < PEERS; i++) {
        rig_connect(&peers[i], "/a");
        peers[i].room = 0;
        peers[i].conn->blocked = true;
    }
}

static void leave(void)
{
    for (int i = 0; i < PEERS; i++) {
        rig_leave(&peers[i]);
    }
    assert_int_equal(rig.core->pool.held, 0);
    script_heard();
}

static int queue(int peer, int count)
{
    int status = BAY_OK;

    while (count-- > 0) {
        status = conn_send(peers[peer].conn, BAY_BINARY, bytes, sizeof bytes);
    }
    return status;
}

static uint64_t given_up(void)
{
    return stat_get(&rig.stats->routes[0].limits[LIMIT_QUEUE_TOTAL]);
}

static void gives_up_the_longest(void **state)
{
    (void)state;
    choke(400000);
    for (int i = 1; i < PEERS; i++) {
        assert_int_equal(queue(i, 1), BAY_OK);
    }
    assert_int_equal(queue(0, 10), BAY_OK);
    assert_int_equal(given_up(), 0);
    assert_int_equal(queue(1, 3), BAY_OK); /* over it by now */
    core_turn(rig.core);
    assert_int_equal(given_up(), 1);
    assert_int_equal(peers[0].conn->state, CONN_CLOSING);
    assert_int_equal(peers[0].conn->close_code, BAY_CLOSE_TRY_LATER);
    for (int i = 1; i < PEERS; i++) {
        assert_int_equal(peers[i].conn->state, CONN_OPEN);
    }
    rig_give_room(&peers[0], SIZE_MAX); /* what waited is gone */
    peers[0].conn->blocked = false;
    conn_flush(peers[0].conn);
    rig_expect_close(&peers[0], 1013);
    leave();
}

/* Whoever asks for more may be the one. */
static void gives_up_who_sends(void **state)
{
    (void)state;
    choke(400000);
    assert_int_equal(queue(0, 18), BAY_OK);
    assert_int_equal(queue(0, 5), BAY_ECLOSED);
    assert_int_equal(given_up(), 1);
    leave();
}

static void never_holds_more(void **state)
{
    size_t most = 0;

    (void)state;
    choke(400000);
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < PEERS; i++) {
            queue(i, 1);
            most = rig.core->pool.held > most ? rig.core->pool.held : most;
        }
    }
    assert_in_range(most, 200001, 400000);
    core_turn(rig.core);
    assert_in_range(stat_get(&rig.stats->queued_bytes), 1, 400000);
    leave();
}

/* Those who read are not to pay: first what can be sent is. */
static void sends_before_it_gives_up(void **state)
{
    (void)state;
    choke(400000);
    for (int i = 0; i < PEERS; i++) {
        peers[i].room = SIZE_MAX;
        peers[i].conn->blocked = false;
        peers[i].in_one_piece = true; /* nothing is sent at once */
    }
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < PEERS; i++) {
            assert_int_equal(queue(i, 1), BAY_OK);
        }
    }
    assert_int_equal(given_up(), 0);
    core_turn(rig.core);
    leave();
}

/* What is shared is there once, however many wait for it. */
static void counts_what_is_shared_once(void **state)
{
    (void)state;
    choke(400000);
    for (int i = 0; i < PEERS; i++) {
        assert_int_equal(bay_subscribe(&peers[i].conn->handle, "t"), BAY_OK);
    }
    for (int i = 0; i < 10; i++) {
        core_publish(peers[0].conn->instance, "t", BAY_BINARY, bytes,
                     sizeof bytes, 0);
    }
    core_turn(rig.core);
    assert_in_range(rig.core->pool.held, 200000, 230000);
    assert_int_equal(given_up(), 0);
    for (int i = 0; i < 30; i++) {
        core_publish(peers[0].conn->instance, "t", BAY_BINARY, bytes,
                     sizeof bytes, 0);
        assert_true(rig.core->pool.held <= 420000);
    }
    core_turn(rig.core);
    assert_int_equal(given_up(), PEERS); /* only without all of them it goes */
    leave();
}

/* Of many with little each, no more than it takes: the Close that tells them is
 * no chunk of its own. */
static void gives_up_no_more_than_it_takes(void **state)
{
    static struct peer many[MANY];
    struct conf_route *route = rig_route("/a", &script_plugin);
    int closing = 0, open = 0;

    (void)state;
    route->limits.send_queue = 1 << 20;
    for (int i = 0; i < MANY; i++) {
        rig_connect(&many[i], "/a");
        many[i].room = 0;
        many[i].conn->blocked = true;
        assert_int_equal(conn_send(many[i].conn, BAY_BINARY, bytes, 10000),
                         BAY_OK);
    }
    core_set_queue_total(rig.core, rig.core->pool.held + 100);
    assert_int_equal(conn_send(many[0].conn, BAY_BINARY, bytes, 10000),
                     BAY_ECLOSED); /* it is among those with the most */
    for (int i = 0; i < MANY; i++) {
        closing += many[i].conn->state == CONN_CLOSING;
        open += many[i].conn->state == CONN_OPEN;
    }
    assert_int_equal(closing + open, MANY); /* and each hears of it */
    assert_in_range(closing, MANY / 2, MANY / 2 + 1);
    assert_int_equal(given_up(), closing);
    for (int i = 0; i < MANY; i++) {
        rig_leave(&many[i]);
    }
    assert_int_equal(rig.core->pool.held, 0);
    script_heard();
}

#define KEPT      60
#define KEPT_SIZE 30000u

static int publish_or_ask(bay_conn *conn, const bay_message *msg)
{
    static char text[KEPT_SIZE];
    const char *topic = msg->data + 1;

    if (msg->data[0] == 'p') {
        memset(text, topic[0], sizeof text);
        return bay_publish(bay_conn_route(conn), topic, BAY_BINARY, text,
                           sizeof text, 0);
    }
    assert_int_equal(bay_subscribe(conn, topic), BAY_OK);
    return bay_history(conn, topic, KEPT);
}

/* All that it got are whole messages of its topic: how many. */
static int only_of(struct peer *peer, char topic)
{
    struct buf data = { 0 };
    int whole = 0;

    while (peer->out.len > 0) {
        assert_int_equal(rig_frame(peer, &data), OPCODE_BINARY);
        assert_int_equal(data.len, KEPT_SIZE);
        assert_int_equal(data.data[0], topic);
        assert_int_equal(data.data[KEPT_SIZE - 1], topic);
        whole++;
    }
    return whole;
}

/* Two who get what is kept in one turn, more than may wait. */
static void while_histories_are_sent(void **state)
{
    struct conf_route *route = rig_route("/a", &script_plugin);
    struct peer first, second, publisher;

    (void)state;
    route->limits.send_queue = 1 << 20;
    rig.core->setup.archive = archive_create(16 << 20);
    assert_non_null(rig.core->setup.archive);
    rig.core->routes[0]->route->keep.count = KEPT;
    script.on_message = publish_or_ask;
    rig_connect(&publisher, "/a");
    rig_connect(&first, "/a");
    rig_connect(&second, "/a");
    for (int i = 0; i < KEPT; i++) {
        rig_say(&publisher, "pa");
        rig_say(&publisher, "pb");
    }
    core_set_queue_total(rig.core, 900000);
    first.in_one_piece = second.in_one_piece = true; /* nothing at once */
    for (int swapped = 0; swapped < 2; swapped++) {
        struct peer *x = swapped ? &second : &first;
        struct peer *y = swapped ? &first : &second;
        char ask[3] = "sa";

        bay_unsubscribe(&x->conn->handle, "a");
        bay_unsubscribe(&y->conn->handle, "b");
        conn_receive(x->conn, BAY_TEXT, true, true, ask, 2, 0);
        ask[1] = 'b';
        conn_receive(y->conn, BAY_TEXT, true, true, ask, 2, 0);
        core_turn(rig.core);
        assert_int_equal(only_of(x, 'a'), KEPT);
        assert_int_equal(only_of(y, 'b'), KEPT);
        bay_unsubscribe(&x->conn->handle, "a");
        bay_unsubscribe(&y->conn->handle, "b");
    }
    assert_int_equal(given_up(), 0);
    rig_leave(&first);
    rig_leave(&second);
    rig_leave(&publisher);
    archive_destroy(rig.core->setup.archive);
    rig.core->setup.archive = NULL;
    script_heard();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(gives_up_the_longest),
        SCRIPT_TEST(gives_up_who_sends),
        SCRIPT_TEST(never_holds_more),
        SCRIPT_TEST(sends_before_it_gives_up),
        SCRIPT_TEST(counts_what_is_shared_once),
        SCRIPT_TEST(gives_up_no_more_than_it_takes),
        SCRIPT_TEST(while_histories_are_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
