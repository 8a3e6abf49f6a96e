/* test_api_request.c - the calls on a request, and what an answer may hold */
#include "core_script.h"

#include "caught_log.h"

static void expect_refused(bay_request *req)
{
    assert_string_equal(core_api.req_method(req), "");
    assert_string_equal(core_api.req_remote(req), "");
    assert_string_equal(core_api.req_path(req), "");
    assert_null(core_api.req_query(req, "a"));
    assert_null(core_api.req_header(req, "a"));
    assert_non_null(core_api.req_body(req));
    assert_int_equal(core_api.req_body(req)->len, 0);
    assert_string_equal(core_api.req_body(req)->data, "");
    assert_int_equal(core_api.req_add_header(req, "A", "b"), BAY_EINVAL);
    assert_int_equal(core_api.req_reply(req, 200, NULL, NULL, 0), BAY_EINVAL);
}

static int (*in_hook)(bay_request *req);

static int run_in_hook(bay_route *route, bay_request *req)
{
    (void)route;
    return in_hook(req);
}

/* Calls the http hook with this inside; what the host would answer with. */
static int ask(int (*inside)(bay_request *req), struct request *request)
{
    *request = (struct request){
        .method = "GET", .remote = "::1", .path = "/a", .body = { .data = "" }
    };
    in_hook = inside;
    script.on_http = run_in_hook;
    return request_http(core_find_route(rig.core, "/a"), request);
}

static int do_nothing(bay_request *req)
{
    assert_null(core_api.req_query(req, NULL));
    assert_null(core_api.req_header(req, NULL));
    assert_null(bay_req_query(req, "a"));  /* there is no query */
    assert_null(bay_req_header(req, "a")); /* nor anyone to ask */
    return 404;
}

static void handles_that_are_none(void **state)
{
    struct request stale = { .handle.api = &core_api };
    struct request request;

    (void)state;
    rig_route("/a", &script_plugin);
    caught_log_begin();
    expect_refused(&stale.handle);
    assert_int_equal(caught_log_count("used a request after its hook"), 10);
    expect_refused(NULL);
    assert_int_equal(ask(do_nothing, &request), 404);
    request_finish(&request);
    expect_refused(&request.handle); /* its hook has returned */
    caught_log_end();
    script_heard();
}

/* ---- headers ----------------------------------------------------------- */

static int add_all(bay_request *req)
{
    static const char *const bad_names[] = {
        "", "a b", "a:", "a\n", "\xc3\xa4", "a(b)", "a\"", "[a]", "a/b"
    };
    static const char *const bad_values[] = { "a\r\nB: c", "\n", "\x01",
                                              "a\x7f" };
    char name[2] = "x";

    for (size_t i = 0; i < sizeof bad_names / sizeof bad_names[0]; i++) {
        assert_int_equal(bay_req_add_header(req, bad_names[i], "v"),
                         BAY_EINVAL);
    }
    for (size_t i = 0; i < sizeof bad_values / sizeof bad_values[0]; i++) {
        assert_int_equal(bay_req_add_header(req, "Name", bad_values[i]),
                         BAY_EINVAL);
    }
    assert_int_equal(bay_req_add_header(req, NULL, "v"), BAY_EINVAL);
    assert_int_equal(bay_req_add_header(req, "Name", NULL), BAY_EINVAL);
    for (const char *at = "!#$%&'*+-.^_`|~0aZ"; *at != '\0'; at++) {
        name[0] = *at;
        assert_int_equal(bay_req_add_header(req, name, "v"), BAY_OK);
    }
    assert_int_equal(bay_req_add_header(req, "Name", ""), BAY_OK);
    assert_int_equal(bay_req_add_header(req, "Name", "a\tb \xc3\xa4\""),
                     BAY_OK);
    return 404;
}

static void names_and_values(void **state)
{
    struct request request;

    (void)state;
    rig_route("/a", &script_plugin);
    assert_int_equal(ask(add_all, &request), 404);
    assert_non_null(strstr(request.headers.data,
                           "Z: v\r\nName: \r\nName: a\tb \xc3\xa4\"\r\n"));
    request_finish(&request);
    script_heard();
}

static int fill_up(bay_request *req)
{
    char value[8188];

    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    assert_int_equal(bay_req_add_header(req, "N", value), BAY_OK); /* 8192 */
    assert_int_equal(bay_req_add_header(req, "N", ""), BAY_ETOOBIG);
    return 404;
}

static void no_more_headers_than_fit(void **state)
{
    struct request request;

    (void)state;
    rig_route("/a", &script_plugin);
    assert_int_equal(ask(fill_up, &request), 404);
    assert_int_equal(request.headers.len, 8192);
    request_finish(&request);
    script_heard();
}

/* ---- answers ----------------------------------------------------------- */

static int answer_at_the_borders(bay_request *req)
{
    assert_int_equal(bay_req_reply(req, 199, NULL, NULL, 0), BAY_EINVAL);
    assert_int_equal(bay_req_reply(req, 600, NULL, NULL, 0), BAY_EINVAL);
    assert_int_equal(bay_req_reply(req, 200, NULL, NULL, 1), BAY_EINVAL);
    assert_int_equal(bay_req_reply(req, 200, "a\r\nB: c", NULL, 0), BAY_EINVAL);
    assert_int_equal(bay_req_reply(req, 599, NULL, "a\0b", 3), BAY_OK);
    assert_int_equal(bay_req_reply(req, 599, NULL, "a\0b", 3), BAY_ESTATE);
    return 0;
}

static int answer_and_fail(bay_request *req)
{
    assert_int_equal(bay_req_reply(req, 200, NULL, "never seen", 10), BAY_OK);
    return 403;
}

static void what_an_answer_may_be(void **state)
{
    struct request request;

    (void)state;
    rig_route("/a", &script_plugin);
    assert_int_equal(ask(answer_at_the_borders, &request), 0);
    assert_int_equal(request.status, 599);
    assert_string_equal(request.type, "application/octet-stream");
    assert_int_equal(request.reply.len, 3);
    assert_memory_equal(request.reply.data, "a\0b", 3);
    request_finish(&request);
    assert_int_equal(ask(answer_and_fail, &request), 403);
    request_finish(&request);
    script_heard();
}

static void no_hook_no_answer(void **state)
{
    static const bay_plugin bare = { .name = "bare" };
    struct request request = { .method = "GET", .path = "/b" };

    (void)state;
    rig_route("/b", &bare);
    assert_int_equal(request_http(core_find_route(rig.core, "/b"), &request),
                     426);
    request_finish(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(handles_that_are_none),
        SCRIPT_TEST(names_and_values),
        SCRIPT_TEST(no_more_headers_than_fit),
        SCRIPT_TEST(what_an_answer_may_be),
        SCRIPT_TEST(no_hook_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
