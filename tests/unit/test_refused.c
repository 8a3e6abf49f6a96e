/* test_refused.c - memory is refused at any place: one connection, not all
 *
 * malloc and its like are those of this file (see CMakeLists.txt). A client does
 * all that takes memory, again and again, and each time another allocation
 * fails: alone, or with all that follow.
 */
#include "core_script.h"

#include "caught_log.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool armed;
static bool for_good; /* all that follow fail, too */
static unsigned count;
static unsigned fail_at;

static bool fails(void)
{
    if (!armed) {
        return false;
    }
    count++;
    return count == fail_at || (for_good && count > fail_at);
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

/* Answers, joins a topic named like the message, and tells it. */
static int use_all(bay_conn *conn, const bay_message *msg)
{
    int status = bay_subscribe(conn, "everyone");

    if (status == BAY_OK) {
        status = bay_publish(bay_conn_route(conn), "everyone", BAY_TEXT,
                             msg->data, msg->len, 0);
    }
    if (status == BAY_OK) {
        status = bay_timer_set(bay_conn_route(conn), 7, 1000);
    }
    return status == BAY_OK ? bay_send(conn, msg->kind, msg->data, msg->len)
                            : status;
}

static int echo(bay_conn *conn, const bay_message *msg)
{
    return bay_send(conn, msg->kind, msg->data, msg->len);
}

/* Memory of the test's own is there before. */
static void prepare(struct peer *peer)
{
    buf_reserve(&peer->out, 1 << 20);
    buf_reserve(&peer->rest, 1 << 20);
}

static void pieces(struct peer *peer, size_t total, size_t size)
{
    static char bytes[30000];

    for (size_t at = 0; at < total && peer->conn != NULL; at += size) {
        conn_receive(peer->conn, BAY_BINARY, at == 0, at + size >= total, bytes,
                     size, 0);
    }
    core_turn(rig.core);
}

/* All that takes memory. */
static void visit(void)
{
    struct peer peer;
    int status;

    count = 0;
    armed = true;
    rig_ask(&peer, "/a", "x=y\0", "v1.script", &status);
    if (peer.conn != NULL) {
        armed = false;
        prepare(&peer);
        armed = true;
        conn_open(peer.conn);
        core_turn(rig.core);
        rig_say(&peer, "hello");
        pieces(&peer, 90000, 30000);
        peer.room = 10;
        rig_say(&peer, "waits");
        pieces(&peer, 60000, 30000);
        conn_end(peer.conn, BAY_CLOSE_NORMAL, "bye");
        core_turn(rig.core);
        conn_lost(peer.conn);
        core_turn(rig.core);
    } else {
        assert_int_equal(status, 503);
    }
    armed = false;
    buf_free(&peer.out);
    buf_free(&peer.rest);
}

static void run_with(bool all_that_follow)
{
    struct peer other;
    unsigned tries = 0;

    rig_route("/a", &script_plugin);
    rig_route("/b", &script_plugin);
    buf_reserve(&script.heard, 1 << 16);
    rig_connect(&other, "/b");
    prepare(&other);
    for_good = all_that_follow;
    fail_at = 1;
    do {
        assert_true(++tries < 500);
        script.on_message = use_all;
        visit();
        script.on_message = echo;
        rig_say(&other, "unharmed");
        rig_expect_text(&other, "unharmed");
        assert_int_equal(rig.core->conn_count, 1);
        buf_clear(&script.heard);
    } while (count >= fail_at++);
    assert_true(tries > 10);
    assert_true(stat_get(&rig.stats->routes[0].limits[LIMIT_MEMORY]) > 0);
    assert_int_equal(stat_get(&rig.stats->routes[1].limits[LIMIT_MEMORY]), 0);
    rig_leave(&other);
    script_heard();
}

static void one_by_one(void **state)
{
    (void)state;
    caught_log_begin();
    run_with(false);
    assert_true(caught_log_count("limit memory: ") > 0);
    caught_log_end();
}

static void and_all_that_follow(void **state)
{
    (void)state;
    caught_log_begin();
    run_with(true);
    caught_log_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(one_by_one),
        SCRIPT_TEST(and_all_that_follow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
