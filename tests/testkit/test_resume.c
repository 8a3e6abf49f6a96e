/* test_resume.c - clients that come back, to where they were or elsewhere */
#include "puppet.h"

static int subscribe(bay_conn *conn)
{
    int status = bay_subscribe(conn, "news");

    return status == BAY_OK ? bay_history(conn, "news", 10) : status;
}

static int publish(bay_conn *conn, const bay_message *msg)
{
    return bay_publish(bay_conn_route(conn), "news", msg->kind, msg->data,
                       msg->len, 0);
}

static bay_peer *come(bay_test *test, const char *subprotocols, int worker)
{
    const bay_client client = { .subprotocols = subprotocols,
                                .worker = worker,
                                .headers = "X-From: here\r\n" };

    return bay_test_connect_as(test, "/puppet?a=b", &client);
}

static bay_test *begin(const char *options)
{
    puppet.open = subscribe;
    puppet.message = publish;
    return bay_test_new(&puppet_plugin, options);
}

static void gets_what_it_missed(void **state)
{
    bay_test *test = begin("history = 10");
    bay_peer *ann = come(test, "patchbay.resume.v1", 0);
    bay_peer *bob = come(test, NULL, 0);
    static const char bytes[] = "\1\n\2";

    (void)state;
    BAY_EXPECT_EQUAL(bay_peer_missed(ann), 0);
    bay_peer_text(bob, "one");
    bay_peer_text(ann, "two");
    BAY_EXPECT_TEXT(ann, "one");
    bay_peer_leave(ann, 0, NULL);
    bay_peer_binary(bob, bytes, 3);
    bay_peer_text(bob, "four");
    ann = bay_peer_resume(ann, 0);
    BAY_EXPECT_EQUAL(bay_peer_missed(ann), 2); /* "two" it had got */
    BAY_EXPECT_BINARY(ann, bytes, 3);
    BAY_EXPECT_TEXT(ann, "four");
    BAY_EXPECT_SILENT(ann);
    bay_peer_text(bob, "five");
    BAY_EXPECT_TEXT(ann, "five");

    puppet.open = NULL; /* she is gone before she is asked for her place */
    ann = bay_peer_resume(ann, 0);
    puppet.open = subscribe;
    bay_peer_text(bob, "six");
    ann = bay_peer_resume(ann, 0);
    BAY_EXPECT_EQUAL(bay_peer_missed(ann), 1);
    BAY_EXPECT_TEXT(ann, "six");
    bay_test_free(test);
}

static int asks_back(bay_conn *conn, const bay_message *msg)
{
    (void)msg;
    return bay_sendf(conn, "%s %s", bay_conn_query(conn, "a"),
                     bay_conn_subprotocol(conn));
}

static int sees_header(bay_conn *conn, bay_request *req)
{
    (void)conn;
    puppet_hears("%s ", bay_req_header(req, "x-from"));
    return 0;
}

/* It goes by itself if it has not, and asks for what it asked for before. */
static void is_the_same(void **state)
{
    bay_test *test = begin("history = 10");
    bay_peer *ann, *again;

    (void)state;
    puppet.message = asks_back;
    puppet.handshake = sees_header;
    ann = come(test, "patchbay.resume.v1+v2.puppet", 0);
    bay_peer_text(ann, "?");
    BAY_EXPECT_TEXT(ann, "b v2.puppet");
    again = bay_peer_resume(ann, 0);
    BAY_EXPECT_CLOSED(ann, BAY_CLOSE_ABNORMAL);
    bay_peer_text(again, "?");
    BAY_EXPECT_TEXT(again, "b v2.puppet");
    BAY_EXPECT_EQUAL(bay_peer_missed(again), 0);
    again = bay_peer_resume(again, 0);
    BAY_EXPECT_OPEN(again);
    BAY_EXPECT_STRING(puppet_heard(), "here here here ");
    BAY_EXPECT(bay_peer_resume(NULL, 0) == NULL);
    bay_test_free(test);
}

static int joins(bay_conn *conn)
{
    int status = bay_join(conn, "news", "ann", NULL, 0, 0);

    return status == BAY_OK ? subscribe(conn) : status;
}

static int counts(bay_conn *conn, const bay_message *msg)
{
    (void)msg;
    return bay_sendf(conn, "%zu",
                     bay_member_count(bay_conn_route(conn), "news"));
}

/* The host believes that the one which is unplugged is still there. */
static void is_there_twice(void **state)
{
    bay_test *test = begin("history = 10");
    bay_peer *ann, *again, *bob;

    (void)state;
    puppet.open = joins;
    ann = come(test, "patchbay.resume.v1", 0);
    puppet.open = subscribe;
    bob = come(test, NULL, 0);
    bay_peer_unplug(ann);
    bay_peer_text(bob, "one");
    puppet.open = joins;
    again = bay_peer_resume(ann, 0);
    BAY_EXPECT_EQUAL(bay_peer_missed(again), 1);
    BAY_EXPECT_TEXT(again, "one");
    puppet.message = counts;
    bay_peer_text(again, "?");
    BAY_EXPECT_TEXT(again, "2");
    bay_test_advance(test, 120000);
    BAY_EXPECT_CLOSED(ann, BAY_CLOSE_ABNORMAL);
    bay_peer_text(again, "?");
    BAY_EXPECT_TEXT(again, "1");
    bay_test_free(test);
}

static void comes_too_late(void **state)
{
    bay_test *test = begin("history = 2");
    bay_peer *ann = come(test, "patchbay.resume.v1", 0);
    bay_peer *bob = come(test, NULL, 0);

    (void)state;
    bay_peer_text(bob, "one");
    bay_peer_leave(ann, 0, NULL);
    bay_peer_text(bob, "two");
    bay_peer_text(bob, "three");
    bay_peer_text(bob, "four");
    ann = bay_peer_resume(ann, 0);
    BAY_EXPECT_EQUAL(bay_peer_missed(ann), -1);
    bay_test_free(test);
}

static void cannot_resume(void **state)
{
    bay_test *test = begin(NULL);
    bay_peer *ann = come(test, "patchbay.resume.v1", 0);
    bay_peer *bob = come(test, NULL, 0);

    (void)state;
    bay_peer_text(bob, "one");
    BAY_EXPECT_TEXT(ann, "one");
    ann = bay_peer_resume(ann, 0);
    BAY_EXPECT_OPEN(ann);
    bay_peer_text(bob, "two");
    BAY_EXPECT_TEXT(ann, "two");
    bob = bay_peer_resume(bob, 0);
    BAY_EXPECT_OPEN(bob);
    BAY_EXPECT_EQUAL(bay_peer_missed(bob), 0);
    bay_test_free(test);
}

/* Away from a worker that died, to another machine, and after another time of
 * not being there. */
static void goes_elsewhere(void **state)
{
    bay_test *test = begin("history = 10");
    bay_peer *ann, *bob;
    int far;

    (void)state;
    BAY_EXPECT_EQUAL(bay_test_add_worker(test), 1);
    far = bay_test_add_machine(test, 1);
    ann = come(test, "patchbay.resume.v1", 1);
    bob = come(test, NULL, far);
    bay_peer_text(bob, "one");
    BAY_EXPECT_TEXT(ann, "one");
    bay_test_crash_worker(test, 1);
    BAY_EXPECT_CLOSED(ann, BAY_CLOSE_ABNORMAL);
    bay_peer_text(bob, "two");
    ann = bay_peer_resume(ann, 0);
    BAY_EXPECT_EQUAL(bay_peer_missed(ann), 1);
    BAY_EXPECT_TEXT(ann, "two");
    bay_peer_leave(ann, 0, NULL);
    bay_peer_text(bob, "three");
    ann = bay_peer_resume(ann, far);
    BAY_EXPECT_EQUAL(bay_peer_missed(ann), 1);
    BAY_EXPECT_TEXT(ann, "three");
    BAY_EXPECT_SILENT(ann);

    bay_test_cut_machine(test, far, true);
    bay_peer_text(ann, "four"); /* is kept late */
    BAY_EXPECT_TEXT(ann, "four");
    bob = come(test, NULL, 0);
    bay_peer_forget(bob);
    bay_peer_text(bob, "five");
    bay_test_cut_machine(test, far, false);
    BAY_EXPECT_TEXT(ann, "five");
    BAY_EXPECT_TEXT(bob, "five");
    BAY_EXPECT_TEXT(bob, "four");
    ann = bay_peer_resume(ann, 0);
    BAY_EXPECT_EQUAL(bay_peer_missed(ann), 0);
    BAY_EXPECT_SILENT(ann);
    bay_test_free(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PUPPET_TEST(gets_what_it_missed), PUPPET_TEST(is_the_same),
        PUPPET_TEST(is_there_twice),      PUPPET_TEST(comes_too_late),
        PUPPET_TEST(cannot_resume),       PUPPET_TEST(goes_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
