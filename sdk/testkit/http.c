/* http.c - plain requests, answered by the http hook */
#include <stdlib.h>
#include <string.h>

#include "core/conn.h"
#include "kit.h"

static void forget_answer(bay_test *test)
{
    free(test->body_data);
    free(test->answer);
    test->body_data = kit_alloc(1);
    test->answer = NULL;
    test->body = (bay_message){ .data = test->body_data,
                                .kind = BAY_BINARY,
                                .fin = true };
}

/* The headers hold for a refusal, too. */
static void keep_answer(bay_test *test, const struct request *request)
{
    struct buf lines = { 0 };

    if (request->replied) {
        buf_addf(&lines, "content-type: %s\r\n", request->type);
        free(test->body_data);
        test->body_data = kit_alloc(request->reply.len + 1);
        if (request->reply.len > 0) {
            memcpy(test->body_data, request->reply.data, request->reply.len);
        }
        test->body.data = test->body_data;
        test->body.len = request->reply.len;
    }
    if (request->headers.len > 0) {
        buf_add(&lines, request->headers.data, request->headers.len);
    }
    test->answer = kit_pack_headers(lines.data);
    buf_free(&lines);
}

static int ask(bay_test *test, struct kit_worker *worker,
               struct request *request)
{
    struct instance *instance = core_find_route(worker->core, request->path);
    int status;

    if (instance == NULL) {
        return 404;
    }
    if (request->body.len > instance_conf(instance)->limits.max_message) {
        return 413;
    }
    kit.running = test;
    status = request_http(instance, request);
    if (status == 0) {
        status = request->status;
    } else {
        request->replied = false;
    }
    keep_answer(test, request);
    return status;
}

int bay_test_request(bay_test *test, const char *method, const char *target,
                     const bay_client *client, const void *body, size_t len)
{
    static const bay_client nobody;
    struct kit_worker *worker;
    struct request *request;
    int status;

    if (test == NULL) {
        return 0;
    }
    client = client != NULL ? client : &nobody;
    worker = kit_worker_at(test, client->worker);
    forget_answer(test);
    if (worker == NULL) {
        kit_report_complaints(test);
        return 0;
    }
    request = kit_request(test, method, target, client, body, len);
    status = ask(test, worker, request);
    request_finish(request);
    kit_settle(test);
    return status;
}

int bay_test_get(bay_test *test, const char *target)
{
    return bay_test_request(test, "GET", target, NULL, NULL, 0);
}

const bay_message *bay_test_body(const bay_test *test)
{
    static const bay_message none = { "", 0, BAY_BINARY, true };

    return test != NULL && test->body.data != NULL ? &test->body : &none;
}

const char *bay_test_header(const bay_test *test, const char *name)
{
    return test != NULL ? kit_find_header(test->answer, name) : NULL;
}
