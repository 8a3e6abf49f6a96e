/*
 * mailbox.c - the same messages by polling and by push
 *
 * POST puts a message in; GET ?since=N gets all after number N, in lines, the
 * number of the latest in the first line. A WebSocket message is put in, too,
 * and goes to every other connection at once.
 */
#include <patchbay.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LETTERS = 64, LETTER_MAX = 200, NUMBER_MAX = 24 };

struct letter {
    size_t len;
    char text[LETTER_MAX];
};

struct mailbox {
    uint64_t latest; /* letters[latest % LETTERS]; they count from 1 */
    struct letter letters[LETTERS];
    char answer[NUMBER_MAX + LETTERS * (LETTER_MAX + 1)];
};

static int put(struct mailbox *box, const bay_message *msg)
{
    struct letter *letter;

    if (msg->len > LETTER_MAX || memchr(msg->data, '\n', msg->len)) {
        return BAY_EINVAL;
    }
    letter = &box->letters[++box->latest % LETTERS];
    letter->len = msg->len;
    memcpy(letter->text, msg->data, msg->len);
    return BAY_OK;
}

static size_t get(struct mailbox *box, uint64_t since)
{
    uint64_t oldest = box->latest > LETTERS ? box->latest - LETTERS : 0;
    size_t len = (size_t)snprintf(box->answer, NUMBER_MAX, "%llu\n",
                                  (unsigned long long)box->latest);

    for (uint64_t n = since > oldest ? since : oldest; n++ < box->latest;) {
        const struct letter *letter = &box->letters[n % LETTERS];

        memcpy(box->answer + len, letter->text, letter->len);
        len += letter->len;
        box->answer[len++] = '\n';
    }
    return len;
}

static int on_http(bay_route *route, bay_request *req)
{
    struct mailbox *box = bay_route_data(route);
    const char *since = bay_req_query(req, "since");

    if (strcmp(bay_req_method(req), "POST") == 0) {
        return put(box, bay_req_body(req)) < 0
                   ? 400
                   : bay_req_reply(req, 200, "text/plain", "ok\n", 3);
    }
    return bay_req_reply(req, 200, "text/plain", box->answer,
                         get(box, since ? strtoull(since, NULL, 10) : 0));
}

static int on_open(bay_conn *conn)
{
    return bay_subscribe(conn, "mail");
}

static int on_message(bay_conn *conn, const bay_message *msg)
{
    bay_route *route = bay_conn_route(conn);

    if (put(bay_route_data(route), msg) < 0) {
        return BAY_CLOSE_BAD_DATA;
    }
    return bay_publish(route, "mail", msg->kind, msg->data, msg->len,
                       bay_conn_id(conn));
}

BAY_PLUGIN = { BAY_INIT,
               .name = "mailbox",
               .route_size = sizeof(struct mailbox),
               .flags = BAY_SINGLE_WORKER,
               .open = on_open,
               .message = on_message,
               .http = on_http };
