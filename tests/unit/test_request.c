/* test_request.c - the http hook's request and its answer */
#include "core_script.h"

static const char *find_header(void *link, const char *name)
{
    (void)link;
    return strcmp(name, "X-One") == 0 ? "1" : NULL;
}

static int answer(bay_route *route, bay_request *req)
{
    (void)route;
    assert_string_equal(bay_req_method(req), "POST");
    assert_string_equal(bay_req_path(req), "/a");
    assert_string_equal(bay_req_remote(req), "::1");
    assert_string_equal(bay_req_query(req, "k"), "v");
    assert_null(bay_req_query(req, "none"));
    assert_string_equal(bay_req_header(req, "X-One"), "1");
    assert_null(bay_req_header(req, "X-Two"));
    assert_int_equal(bay_req_body(req)->len, 4);
    assert_int_equal(bay_req_add_header(req, "X-Two", "2"), BAY_OK);
    assert_int_equal(bay_req_add_header(req, "X Two", "2"), BAY_EINVAL);
    assert_int_equal(bay_req_add_header(req, "X", "a\r\nSet-Cookie: b"),
                     BAY_EINVAL);
    assert_int_equal(bay_req_reply(req, 99, NULL, "", 0), BAY_EINVAL);
    assert_int_equal(bay_req_reply(req, 200, "a/b\n", "", 0), BAY_EINVAL);
    assert_int_equal(bay_req_reply(req, 201, "text/plain", "made", 4), BAY_OK);
    assert_int_equal(bay_req_reply(req, 200, NULL, "", 0), BAY_ESTATE);
    return 0;
}

static int say_404(bay_route *route, bay_request *req)
{
    (void)route;
    (void)req;
    return 404;
}

static int say_nothing(bay_route *route, bay_request *req)
{
    (void)route;
    (void)req;
    return 0;
}

static int run_out(bay_route *route, bay_request *req)
{
    (void)route;
    (void)req;
    return BAY_ENOMEM;
}

static int too_many_headers(bay_route *route, bay_request *req)
{
    int added = 0;

    (void)route;
    while (bay_req_add_header(req, "X-Filler", "0123456789") == BAY_OK) {
        added++;
    }
    assert_in_range(added, 100, 1000);
    return 404;
}

static int ask(int (*hook)(bay_route *, bay_request *), struct request *request)
{
    *request = (struct request){ .method = "POST",
                                 .remote = "::1",
                                 .path = "/a",
                                 .query = "k=v\0",
                                 .header = find_header,
                                 .body = { .data = "body", .len = 4 } };
    script.on_http = hook;
    return request_http(core_find_route(rig.core, "/a"), request);
}

static void answers(void **state)
{
    struct request request;

    (void)state;
    rig_route("/a", &script_plugin);
    assert_int_equal(ask(answer, &request), 0);
    assert_int_equal(request.status, 201);
    assert_string_equal(request.type, "text/plain");
    assert_string_equal(request.reply.data, "made");
    assert_string_equal(request.headers.data, "X-Two: 2\r\n");
    request_finish(&request);
    assert_null(bay_req_query(&request.handle, "k")); /* after its hook */

    assert_int_equal(ask(say_404, &request), 404);
    request_finish(&request);
    assert_int_equal(ask(say_nothing, &request), 500);
    request_finish(&request);
    assert_int_equal(ask(run_out, &request), 500);
    request_finish(&request);
    assert_int_equal(ask(too_many_headers, &request), 404);
    request_finish(&request);
    script_heard();
}

static int handshake(bay_conn *conn, bay_request *req)
{
    (void)conn;
    assert_int_equal(bay_req_reply(req, 200, NULL, "", 0), BAY_ESTATE);
    assert_int_equal(bay_req_add_header(req, "Set-Cookie", "a=b"), BAY_OK);
    assert_string_equal(bay_conn_header(conn, "cookie"), "a=b");
    return 0;
}

static void no_reply_in_a_handshake(void **state)
{
    struct peer peer;

    (void)state;
    rig_route("/a", &script_plugin);
    script.on_handshake = handshake;
    rig_connect(&peer, "/a");
    rig_leave(&peer);
    script_heard();
}

static void queries(void **state)
{
    (void)state;
    assert_null(request_query_find(NULL, "a"));
    assert_null(request_query_find("\0", "a"));
    assert_string_equal(request_query_find("b=1\0a=2\0a=3\0", "a"), "2");
    assert_null(request_query_find("ab=1\0", "a"));
    assert_null(request_query_find("a=1\0", "ab"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(answers),
        SCRIPT_TEST(no_reply_in_a_handshake),
        cmocka_unit_test(queries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
