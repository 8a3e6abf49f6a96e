/* everything.c - makes every host call of patchbay.h, as its client commands
 *
 * Texts are commands; one message, one command. Binary messages are echoed.
 * A command answers "COMMAND STATUS" (0 or an enum bay_error) or "COMMAND
 * VALUE", where NULL is "(null)", unless it says otherwise here.
 *
 *   echo TEXT           TEXT alone
 *   sendf               "sendf 42 -7 2.50 text %", made by bay_sendf
 *   text N, binary N    one message of N bytes: all x, or 0 1 2 ... 255 0 1 ...
 *   flood N             N messages: "flood 0", "flood 1", ...; if the queue
 *                       gets full, "drained COUNT" once they are read
 *   kind K TEXT         sends TEXT with this bay_kind, then the status
 *   fill N              binary messages of N bytes until BAY_EFULL; then, once
 *                       they are read, "drained COUNT"; "fill 0" if it never
 *                       got full
 *   backlog             bay_conn_backlog
 *   close CODE REASON   closes; answers only if that failed
 *   pause MS            "pause 0"; a timer resumes: "resumed"
 *   return N            the message hook returns N; no answer
 *   id remote path tail subprotocol
 *   query NAME
 *   header NAME         bay_conn_header now, where it has to be NULL
 *   openheader NAME     what it was in the open hook: tls-..., host, origin,
 *                       user-agent, cookie or x-test
 *   handshake           METHOD PATH REMOTE X-TEST BODY-LENGTH, as the request
 *                       was in the handshake hook
 *   early               what bay_send, bay_close and bay_req_reply returned in
 *                       the handshake hook
 *   facts               "facts connected=N last=N in=N out=N bytes_in=N
 *                       bytes_out=N backlog=N", on one line
 *   messages            how many came, counted in the connection's block
 *   opens               how many connections opened, in the route's block
 *   route               NAME PATH
 *   worker count now
 *   list                the ids of the instance's connections
 *   find ID             its remote, or (null)
 *   conf NAME           STR INT BOOL of an option: name limit verbose buffer
 *                       wait
 *   sendto ID TEXT, closeid ID CODE REASON
 *   sub T, unsub T, listen T, unlisten T
 *   pub T TEXT          to all; others T TEXT: to all but this connection
 *   join T LABEL INFO, unique T LABEL INFO, leave T, watch T, unwatch T
 *   members T           "members COUNT LABEL LABEL..."
 *   member T LABEL      "member ID LABEL LENGTH INFO JOINED"
 *   history T N         sends the last N of a topic, then the status
 *   timer KEY MS        every connection of the instance gets "fired KEY"
 *   clear KEY
 *   defer MS            the pool sleeps; then "deferred STATUS other-thread"
 *   log TEXT            at level info, with the connection
 *   logroute LEVEL TEXT
 *   strerror N
 *   anything else       "unknown COMMAND"
 *
 * Of the query: status=N refuses the handshake with N, fail=1 with an error,
 * cookie=V adds Set-Cookie: V; open=N is what the open hook returns, hello=1
 * has it send "hello ID". The 101 has X-Everything: handshake.
 * A notice goes to every connection of the instance: "notice TOPIC TEXT local
 * except ID", or "remote". So does a change of members: "presence TOPIC KIND
 * LABEL", where the label of KIND 5 (BAY_LISTED) is "-". The close hook
 * publishes "ID CODE REASON" to the topic "closes". The http hook is described
 * there.
 */
#include "everything.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const kept_headers[KEPT_HEADERS] = {
    "host",
    "origin",
    "user-agent",
    "cookie",
    "x-test",
    "tls-version",
    "tls-client-verify",
    "tls-client-subject",
    "tls-client-issuer",
    "tls-client-serial",
    "tls-client-fingerprint",
};

static int message(bay_conn *conn, const bay_message *msg)
{
    struct conn_state *state = bay_conn_data(conn);

    state->messages++;
    if (msg->kind == BAY_BINARY) {
        return bay_send_binary(conn, msg->data, msg->len);
    }
    return command_run(conn, msg->data);
}

static int handshake(bay_conn *conn, bay_request *req)
{
    struct conn_state *state = bay_conn_data(conn);
    const char *status = bay_req_query(req, "status");
    const char *cookie = bay_req_query(req, "cookie");
    const char *test = bay_req_header(req, "X-Test");
    const char *wanted = bay_req_query(req, "subject");
    const char *subject = bay_req_header(req, "TLS-Client-Subject");

    if (wanted != NULL && (subject == NULL || strcmp(subject, wanted) != 0)) {
        return 403;
    }
    snprintf(state->handshake, sizeof state->handshake, "%s %s %s %s %zu",
             bay_req_method(req), bay_req_path(req), bay_req_remote(req),
             test == NULL ? "(null)" : test, bay_req_body(req)->len);
    state->early_send = bay_send_text(conn, "early", 5);
    state->early_close = bay_close(conn, BAY_CLOSE_NORMAL, "early");
    state->early_reply = bay_req_reply(req, 200, "text/plain", "early", 5);
    if (bay_req_query(req, "fail") != NULL) {
        return BAY_ENOMEM;
    }
    if (cookie != NULL) {
        bay_req_add_header(req, "Set-Cookie", cookie);
    }
    bay_req_add_header(req, "X-Everything", "handshake");
    return status == NULL ? 0 : (int)strtol(status, NULL, 10);
}

static int opened(bay_conn *conn)
{
    struct conn_state *state = bay_conn_data(conn);
    struct route_state *shared = bay_route_data(bay_conn_route(conn));
    const char *result = bay_conn_query(conn, "open");

    shared->opens++;
    for (size_t i = 0; i < KEPT_HEADERS; i++) {
        const char *value = bay_conn_header(conn, kept_headers[i]);

        state->had[i] = value != NULL;
        snprintf(state->headers[i], sizeof state->headers[i], "%s",
                 value == NULL ? "" : value);
    }
    if (bay_conn_query(conn, "hello") != NULL) {
        bay_sendf(conn, "hello %" PRIu64, bay_conn_id(conn));
    }
    return result == NULL ? 0 : (int)strtol(result, NULL, 10);
}

static void closed(bay_conn *conn, int code, const char *reason)
{
    char text[256];

    snprintf(text, sizeof text, "%" PRIu64 " %d %s", bay_conn_id(conn), code,
             reason);
    bay_conn_log(conn, BAY_INFO, "closed %d \"%s\"", code, reason);
    bay_publish(bay_conn_route(conn), "closes", BAY_TEXT, text, strlen(text),
                0);
}

static void drained(bay_conn *conn)
{
    struct conn_state *state = bay_conn_data(conn);

    bay_sendf(conn, "drained %u", state->filled);
    state->filled = 0;
}

static void timer(bay_route *route, uint64_t key)
{
    bay_conn *conn = bay_route_find(route, ~key);

    if (conn != NULL) {
        bay_resume(conn);
        bay_sendf(conn, "resumed");
        return;
    }
    while ((conn = bay_route_next(route, conn)) != NULL) {
        bay_sendf(conn, "fired %" PRIu64, key);
    }
}

static void notice(bay_route *route, const bay_notice *given)
{
    bay_conn *conn = NULL;

    while ((conn = bay_route_next(route, conn)) != NULL) {
        bay_sendf(conn, "notice %s %s %s except %" PRIu64, given->topic,
                  given->data, given->local ? "local" : "remote",
                  given->except);
    }
}

static void presence(bay_route *route, const bay_change *change)
{
    bay_conn *conn = NULL;

    while ((conn = bay_route_next(route, conn)) != NULL) {
        bay_sendf(conn, "presence %s %d %s", change->topic, change->kind,
                  change->member == NULL ? "-" : change->member->label);
    }
}

/*
 * Answers with one line each: METHOD PATH; remote ADDRESS; query NAME, the
 * value of ?name=; header X-Test; body LENGTH; then the body. The query's
 * status=N is the status of the answer, type=T its type; fail=N is returned
 * without an answer, silent=1 returns 0 without one; twice=1 answers twice.
 */
static int http(bay_route *route, bay_request *req)
{
    const bay_message *body = bay_req_body(req);
    const char *status = bay_req_query(req, "status");
    const char *type = bay_req_query(req, "type");
    const char *fail = bay_req_query(req, "fail");
    const char *name = bay_req_query(req, "name");
    const char *test = bay_req_header(req, "x-test");
    int code = status == NULL ? 200 : (int)strtol(status, NULL, 10);
    size_t size = body->len + 8192;
    char *text = malloc(size);
    int len;

    if (text == NULL) {
        return BAY_ENOMEM;
    }
    bay_req_add_header(req, "X-Everything", "http");
    len = snprintf(text, 8192,
                   "%s %.2000s\nremote %.200s\nquery %.2000s\n"
                   "header %.2000s\nbody %zu\n",
                   bay_req_method(req), bay_req_path(req), bay_req_remote(req),
                   name == NULL ? "(null)" : name,
                   test == NULL ? "(null)" : test, body->len);
    memcpy(text + len, body->data, body->len);
    if (fail != NULL) {
        code = (int)strtol(fail, NULL, 10);
    } else if (bay_req_query(req, "silent") != NULL) {
        code = 0;
    } else {
        code = bay_req_reply(req, code, type == NULL ? "text/plain" : type,
                             text, (size_t)len + body->len);
        if (bay_req_query(req, "twice") != NULL) {
            bay_log(route, BAY_INFO, "the second answer: %d",
                    bay_req_reply(req, 200, "text/plain", "again", 5));
        }
    }
    free(text);
    return code;
}

static int start(bay_route *route)
{
    bay_log(route, BAY_INFO, "started as %s at %s", bay_conf_str(route, "name"),
            bay_route_path(route));
    return 0;
}

static void stop(bay_route *route)
{
    const struct route_state *state = bay_route_data(route);

    bay_log(route, BAY_INFO, "stopped after %u connections", state->opens);
}

static void reload(bay_route *route)
{
    bay_log(route, BAY_INFO, "reloaded as %s", bay_conf_str(route, "name"));
}

static const bay_option options[] = {
    { "name", BAY_OPT_STR, "nobody", "What to call it", 0, 0 },
    { "limit", BAY_OPT_INT, "10", "Any number", -100, 100 },
    { "verbose", BAY_OPT_BOOL, "no", "Whether to say more", 0, 0 },
    { "buffer", BAY_OPT_BYTES, "64k", "Any size", 1, 16 << 20 },
    { "wait", BAY_OPT_MS, "250ms", "Any time", 0, 3600000 },
    { NULL, BAY_OPT_END, NULL, NULL, 0, 0 },
};

static const char *const subprotocols[] = { "v2.everything", "v1.everything",
                                            NULL };

BAY_PLUGIN = { BAY_INIT,
               .name = "everything",
               .version = "1.0.0",
               .summary = "Makes every host call, on command",
               .route_size = sizeof(struct route_state),
               .conn_size = sizeof(struct conn_state),
               .options = options,
               .subprotocols = subprotocols,
               .state_version = 1,
               .start = start,
               .stop = stop,
               .reload = reload,
               .handshake = handshake,
               .open = opened,
               .message = message,
               .close = closed,
               .drained = drained,
               .timer = timer,
               .notice = notice,
               .http = http,
               .presence = presence };
