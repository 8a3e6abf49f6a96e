/* test_workers.c - one route in several workers, which crash and lose things */
#include "puppet.h"

static int subscribe(bay_conn *conn)
{
    return bay_subscribe(conn, "news");
}

static int publish(bay_conn *conn, const bay_message *msg)
{
    return bay_publish(bay_conn_route(conn), "news", msg->kind, msg->data,
                       msg->len, bay_conn_id(conn));
}

static int listens(bay_route *route)
{
    return bay_listen(route, "news");
}

static void hears_notice(bay_route *route, const bay_notice *notice)
{
    puppet_hears("%d:%s:%s ", bay_route_worker(route), notice->data,
                 notice->local ? "local" : "away");
}

static void publishes_across(void **state)
{
    bay_test *test;
    bay_peer *a, *b, *c;

    (void)state;
    puppet.start = listens;
    puppet.notice = hears_notice;
    puppet.open = subscribe;
    puppet.message = publish;
    test = bay_test_new(&puppet_plugin, NULL);
    BAY_EXPECT_EQUAL(bay_test_add_worker(test), 1);
    BAY_EXPECT_EQUAL(bay_test_add_worker(test), 2);
    a = puppet_connect(test);
    b = puppet_connect_to(test, 1);
    c = puppet_connect_to(test, 2);
    bay_peer_text(b, "hello");
    BAY_EXPECT_TEXT(a, "hello");
    BAY_EXPECT_SILENT(b);
    BAY_EXPECT_TEXT(c, "hello");
    BAY_EXPECT_STRING(puppet_heard(),
                      "1:hello:local 0:hello:away 2:hello:away ");

    bay_test_lose(test, 1, 1);
    bay_peer_text(b, "lost");
    bay_peer_text(b, "found");
    BAY_EXPECT_TEXT(a, "found");
    BAY_EXPECT_TEXT(c, "found");
    bay_test_free(test);
}

static int tells_history(bay_conn *conn)
{
    int status = bay_subscribe(conn, "news");

    return status == BAY_OK ? bay_history(conn, "news", 2) : status;
}

/* A crash takes nothing away that was published, nor do letters that are lost. */
static void keeps_history(void **state)
{
    bay_test *test;
    bay_peer *a, *b, *c;

    (void)state;
    puppet.open = tells_history;
    puppet.message = publish;
    test = bay_test_new(&puppet_plugin, "history = 10");
    BAY_EXPECT_EQUAL(bay_test_add_worker(test), 1);
    a = puppet_connect(test);
    b = puppet_connect_to(test, 1);
    bay_peer_text(b, "one");
    bay_test_lose(test, 1, 1);
    bay_peer_text(b, "two");
    bay_peer_text(b, "three");
    BAY_EXPECT_TEXT(a, "one");
    BAY_EXPECT_TEXT(a, "two");
    BAY_EXPECT_TEXT(a, "three");
    bay_test_crash_worker(test, 1);
    c = puppet_connect(test);
    BAY_EXPECT_TEXT(c, "two");
    BAY_EXPECT_TEXT(c, "three");
    BAY_EXPECT_SILENT(c);
    bay_test_free(test);
}

static int send_to_id(bay_conn *conn, const bay_message *msg)
{
    bay_id id = strtoull(msg->data, NULL, 10);
    int status =
        bay_send_to(bay_conn_route(conn), id, BAY_TEXT, msg->data, msg->len);

    return status == BAY_ENOTFOUND ? 4404 : status;
}

static int close_by_id(bay_conn *conn, const bay_message *msg)
{
    return bay_close_id(bay_conn_route(conn), strtoull(msg->data, NULL, 10),
                        4001, "away");
}

static void reaches_one(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);
    bay_peer *a, *b;
    char id[24];

    (void)state;
    bay_test_add_worker(test);
    a = puppet_connect(test);
    b = puppet_connect_to(test, 1);
    BAY_EXPECT(bay_peer_id(a) != bay_peer_id(b));
    snprintf(id, sizeof id, "%llu", (unsigned long long)bay_peer_id(b));
    puppet.message = send_to_id;
    bay_peer_text(a, id);
    BAY_EXPECT_TEXT(b, id);
    puppet.message = close_by_id;
    puppet.close = puppet_hears_close;
    bay_peer_text(a, id);
    BAY_EXPECT_CLOSED(b, 4001);
    BAY_EXPECT_STRING(bay_peer_reason(b), "away");
    BAY_EXPECT_STRING(puppet_heard(), "close:4001:away ");
    bay_test_crash_worker(test, 1);
    puppet.message = send_to_id;
    bay_peer_text(a, id);
    BAY_EXPECT_CLOSED(a, 4404);
    bay_test_free(test);
}

static int allocates(bay_conn *conn)
{
    *(void **)bay_conn_data(conn) = malloc(10);
    return 0;
}

static void frees(bay_conn *conn, int code, const char *reason)
{
    (void)code;
    (void)reason;
    puppet_hears("close ");
    free(*(void **)bay_conn_data(conn));
    bay_publish(bay_conn_route(conn), "news", BAY_TEXT, "gone", 4, 0);
}

static void hears_stop(bay_route *route)
{
    puppet_hears("stop%d ", bay_route_worker(route));
}

/* What the dead worker's plugin holds is freed at the end, and nobody hears. */
static void crashes(void **state)
{
    bay_test *test;
    bay_peer *a, *b, *again;

    (void)state;
    puppet.start = listens;
    puppet.notice = hears_notice;
    puppet.open = allocates;
    puppet.close = frees;
    puppet.stop = hears_stop;
    test = bay_test_new(&puppet_plugin, NULL);
    bay_test_add_worker(test);
    a = puppet_connect(test);
    b = puppet_connect_to(test, 1);
    bay_test_crash_worker(test, 1);
    BAY_EXPECT_CLOSED(b, BAY_CLOSE_ABNORMAL);
    BAY_EXPECT_OPEN(a);
    BAY_EXPECT_STRING(puppet_heard(), "");
    BAY_EXPECT(bay_test_route(test, 1) == NULL);
    BAY_EXPECT_EQUAL(bay_test_restart_worker(test, 1), BAY_OK);
    BAY_EXPECT_EQUAL(bay_test_restart_worker(test, 1), BAY_ESTATE);
    again = puppet_connect_to(test, 1);
    BAY_EXPECT_STATUS(again, 101);
    BAY_EXPECT(bay_peer_id(again) != bay_peer_id(b));
    bay_peer_leave(a, 1000, NULL);
    BAY_EXPECT_STRING(puppet_heard(), "close 0:gone:local 1:gone:away ");
    BAY_EXPECT_EQUAL(bay_test_free(test), 0);
    BAY_EXPECT_STRING(puppet_heard(),
                      "close 1:gone:local 0:gone:away stop0 stop1 close "
                      "1:gone:local stop1 ");
}

static void counts_connections_of_all(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, "connections = 2");
    bay_peer *first;

    (void)state;
    bay_test_add_worker(test);
    first = puppet_connect(test);
    BAY_EXPECT_STATUS(puppet_connect_to(test, 1), 101);
    BAY_EXPECT_STATUS(puppet_connect_to(test, 1), 503);
    bay_peer_leave(first, 1000, NULL);
    BAY_EXPECT_STATUS(puppet_connect_to(test, 1), 101);
    bay_test_free(test);
}

static void is_for_one_worker(void **state)
{
    bay_plugin single = puppet_plugin;
    bay_test *test;

    (void)state;
    single.flags = BAY_SINGLE_WORKER;
    test = bay_test_new(&single, NULL);
    BAY_EXPECT_EQUAL(bay_test_add_worker(test), BAY_ESTATE);
    BAY_EXPECT(strstr(bay_test_why(), "BAY_SINGLE_WORKER") != NULL);
    bay_test_free(test);
}

static int starts_in_first(bay_route *route)
{
    *(int *)bay_route_data(route) = 7 + bay_route_worker(route);
    return bay_route_worker(route) == 0 ? BAY_OK : BAY_ENOMEM;
}

static void start_fails_in_second(void **state)
{
    bay_test *test;

    (void)state;
    puppet.start = starts_in_first;
    test = bay_test_new(&puppet_plugin, NULL);
    BAY_EXPECT(bay_test_add_worker(test) < 0);
    BAY_EXPECT(strstr(bay_test_why(), "out of memory") != NULL);
    BAY_EXPECT_EQUAL(*(int *)bay_route_data(bay_test_route(test, 0)), 7);
    BAY_EXPECT(bay_test_route(test, 1) == NULL);
    BAY_EXPECT_STATUS(puppet_connect(test), 101);
    bay_test_free(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PUPPET_TEST(publishes_across),
        PUPPET_TEST(keeps_history),
        PUPPET_TEST(reaches_one),
        PUPPET_TEST(crashes),
        PUPPET_TEST(counts_connections_of_all),
        PUPPET_TEST(is_for_one_worker),
        PUPPET_TEST(start_fails_in_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
