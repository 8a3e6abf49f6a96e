/* test_http.c - plain requests for the http hook */
#include "puppet.h"

static int answer(bay_route *route, bay_request *req)
{
    const bay_message *body = bay_req_body(req);
    const char *status = bay_req_query(req, "status");
    const char *cookie = bay_req_header(req, "cookie");

    (void)route;
    puppet_hears("%s %s %s %s %s", bay_req_method(req), bay_req_path(req),
                 bay_req_remote(req), cookie != NULL ? cookie : "-",
                 body->data);
    bay_req_add_header(req, "X-Seen", "yes");
    if (status != NULL) {
        return atoi(status);
    }
    return bay_req_reply(req, 201, "text/plain", "made\0!", 6);
}

static void answers(void **state)
{
    const bay_client client = { .headers = "Cookie: a=b",
                                .remote = "192.0.2.1" };
    bay_test *test = bay_test_new(&puppet_plugin, NULL);
    const bay_message *body;

    (void)state;
    puppet.http = answer;
    BAY_EXPECT_EQUAL(bay_test_body(test)->len, 0);
    BAY_EXPECT_STRING(bay_test_header(test, "x-seen"), NULL);
    BAY_EXPECT_EQUAL(
        bay_test_request(test, "POST", "/puppet", &client, "body", 4), 201);
    BAY_EXPECT_STRING(puppet_heard(), "POST /puppet 192.0.2.1 a=b body");
    body = bay_test_body(test);
    BAY_EXPECT_EQUAL(body->len, 6);
    BAY_EXPECT(memcmp(body->data, "made\0!", 7) == 0);
    BAY_EXPECT_STRING(bay_test_header(test, "CONTENT-type"), "text/plain");
    BAY_EXPECT_STRING(bay_test_header(test, "x-seen"), "yes");

    BAY_EXPECT_EQUAL(bay_test_get(test, "/puppet?status=0"), 500);
    BAY_EXPECT_EQUAL(bay_test_body(test)->len, 0);
    BAY_EXPECT_EQUAL(bay_test_get(test, "/puppet?status=404"), 404);
    BAY_EXPECT_STRING(bay_test_header(test, "x-seen"), "yes");
    BAY_EXPECT_STRING(bay_test_header(test, "content-type"), NULL);
    bay_test_free(test);
}

static void does_not_answer(void **state)
{
    bay_plugin mute = puppet_plugin;
    bay_test *test = bay_test_new(&puppet_plugin, "max_message = 4");

    (void)state;
    puppet.http = answer;
    BAY_EXPECT_EQUAL(bay_test_get(test, "/other"), 404);
    BAY_EXPECT_EQUAL(bay_test_request(test, "PUT", "/puppet", NULL, "12345", 5),
                     413);
    BAY_EXPECT_STRING(puppet_heard(), "");
    bay_test_free(test);

    mute.http = NULL;
    test = bay_test_new(&mute, NULL);
    BAY_EXPECT_EQUAL(bay_test_get(test, "/puppet"), 426);
    bay_test_free(test);
}

static int tells(bay_route *route, bay_request *req)
{
    bay_publish(route, "news", BAY_TEXT, bay_req_body(req)->data,
                bay_req_body(req)->len, 0);
    return bay_req_reply(req, 204, NULL, NULL, 0);
}

static int subscribe(bay_conn *conn)
{
    return bay_subscribe(conn, "news");
}

static void what_follows_has_happened(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);
    bay_peer *here, *there;

    (void)state;
    puppet.http = tells;
    puppet.open = subscribe;
    bay_test_add_worker(test);
    here = puppet_connect(test);
    there = puppet_connect_to(test, 1);
    BAY_EXPECT_EQUAL(
        bay_test_request(test, "POST", "/puppet", NULL, "hello", 5), 204);
    BAY_EXPECT_TEXT(here, "hello");
    BAY_EXPECT_TEXT(there, "hello");
    bay_test_free(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PUPPET_TEST(answers),
        PUPPET_TEST(does_not_answer),
        PUPPET_TEST(what_follows_has_happened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
