/* peer.c - one client: what it says, gets and does by itself */
#include <stdlib.h>
#include <string.h>

#include "core/conn.h"
#include "kit.h"

/* ---- what it does by itself -------------------------------------------- */

static void deliver(struct bay_peer *peer, struct kit_item *item)
{
    bool first = !peer->midway;

    peer->midway = !item->message.fin;
    conn_heard(peer->conn);
    conn_receive(peer->conn, item->message.kind, first, item->message.fin,
                 item->message.data, item->message.len, 0);
}

void kit_peer_end(struct bay_peer *peer, int code)
{
    struct conn *conn = peer->conn;

    if (conn == NULL) {
        return;
    }
    peer->conn = NULL;
    if (peer->closed == 0) {
        peer->closed = code;
    }
    kit_queue_clear(&peer->outbox);
    conn_lost(conn);
}

/* The answer to the host's Close, and the end. */
static void answer_close(struct bay_peer *peer)
{
    unsigned char code[2] = { (unsigned char)(peer->closed >> 8),
                              (unsigned char)peer->closed };

    if (!peer->sent_close) {
        conn_peer_closed(peer->conn, code,
                         peer->closed == BAY_CLOSE_NO_STATUS ? 0 : 2);
    }
    kit_peer_end(peer, peer->closed);
}

static void send_close(struct bay_peer *peer, const struct kit_item *item)
{
    char payload[2 + 124] = { (char)(item->code >> 8), (char)item->code };
    size_t len = 0;

    if (item->code != BAY_CLOSE_NO_STATUS) {
        len = item->message.len < 123 ? item->message.len : 123;
        memcpy(payload + 2, item->message.data, len);
        len += 2;
    }
    peer->sent_close = true;
    conn_peer_closed(peer->conn, payload, len);
    if (!peer->got_close) { /* it does not read, or is not open yet */
        kit_peer_end(peer, BAY_CLOSE_ABNORMAL);
    }
}

/* The next thing it sends. */
static void send_item(struct bay_peer *peer)
{
    struct kit_item *item = kit_queue_take(&peer->outbox);

    if (item->what == KIT_PIECE) {
        deliver(peer, item);
    } else if (item->what == KIT_CLOSE) {
        send_close(peer, item);
    } else {
        kit_peer_end(peer, BAY_CLOSE_ABNORMAL);
    }
    free(item);
}

static void take_rest(struct bay_peer *peer)
{
    size_t n = peer->rest.len < peer->room ? peer->rest.len : peer->room;

    kit_peer_take_bytes(peer, peer->rest.data, n);
    buf_consume(&peer->rest, n);
}

bool kit_peer_act(struct bay_peer *peer)
{
    if (peer->conn == NULL || peer->worker->dead) {
        return false;
    }
    if (peer->rest.len > 0 && peer->room > 0) {
        take_rest(peer);
        return true;
    }
    if (peer->shut) {
        kit_peer_end(peer, BAY_CLOSE_ABNORMAL);
    } else if (peer->got_close) {
        answer_close(peer);
    } else if (peer->wants_write && peer->rest.len == 0 && peer->room > 0) {
        peer->wants_write = false;
        conn_writable(peer->conn);
    } else if (peer->pong) {
        peer->pong = false;
        conn_heard(peer->conn);
    } else if (peer->reading && peer->outbox.head != NULL &&
               peer->conn->state != CONN_HANDSHAKE && !peer->unplugged) {
        send_item(peer);
    } else {
        return false;
    }
    return true;
}

void kit_peer_free(struct bay_peer *peer)
{
    kit_queue_clear(&peer->inbox);
    kit_queue_clear(&peer->outbox);
    free(peer->last);
    buf_free(&peer->wire);
    buf_free(&peer->whole);
    buf_free(&peer->rest);
    free(peer->headers);
    free(peer->answer);
    free(peer->subprotocol);
    free(peer->target);
    free(peer->lines);
    free(peer->offered);
    free(peer->remote);
    kit_resume_free(&peer->resume);
    free(peer);
}

/* ---- what it is -------------------------------------------------------- */

int bay_peer_status(const bay_peer *peer)
{
    return peer != NULL ? peer->status : 0;
}

const char *bay_peer_header(const bay_peer *peer, const char *name)
{
    return peer != NULL ? kit_find_header(peer->answer, name) : NULL;
}

const char *bay_peer_subprotocol(const bay_peer *peer)
{
    return peer != NULL && peer->subprotocol != NULL ? peer->subprotocol : "";
}

bay_id bay_peer_id(const bay_peer *peer)
{
    return peer != NULL ? peer->id : 0;
}

const bay_conn *bay_peer_conn(const bay_peer *peer)
{
    return peer != NULL && peer->conn != NULL ? &peer->conn->handle : NULL;
}

int bay_peer_closed(const bay_peer *peer)
{
    return peer != NULL ? peer->closed : 0;
}

const char *bay_peer_reason(const bay_peer *peer)
{
    return peer != NULL ? peer->reason : "";
}

/* ---- what it is told to do --------------------------------------------- */

/* Whether the client believes it is connected. */
static bool is_open(const bay_peer *peer)
{
    return peer != NULL && peer->conn != NULL && peer->closed == 0 &&
           !peer->left;
}

int bay_peer_piece(bay_peer *peer, bay_kind kind, const void *data, size_t len,
                   bool fin)
{
    if (!is_open(peer)) {
        return BAY_ECLOSED;
    }
    kit_queue_add(&peer->outbox, kit_item(kind, data, len, fin));
    kit_settle(peer->test);
    return BAY_OK;
}

int bay_peer_send(bay_peer *peer, bay_kind kind, const void *data, size_t len)
{
    return bay_peer_piece(peer, kind, data, len, true);
}

int bay_peer_text(bay_peer *peer, const char *text)
{
    return bay_peer_send(peer, BAY_TEXT, text, strlen(text));
}

int bay_peer_binary(bay_peer *peer, const void *data, size_t len)
{
    return bay_peer_send(peer, BAY_BINARY, data, len);
}

void bay_peer_leave(bay_peer *peer, int code, const char *reason)
{
    struct kit_item *item;

    if (!is_open(peer)) {
        return;
    }
    item =
        kit_item(BAY_TEXT, reason, reason != NULL ? strlen(reason) : 0, true);
    item->what = code == 0 ? KIT_GONE : KIT_CLOSE;
    item->code = code;
    peer->left = true;
    kit_queue_add(&peer->outbox, item);
    if (peer->conn->state == CONN_HANDSHAKE) { /* the 101 finds nobody */
        kit_peer_end(peer, BAY_CLOSE_ABNORMAL);
    }
    kit_settle(peer->test);
}

void bay_peer_take(bay_peer *peer, size_t bytes)
{
    if (peer != NULL) {
        peer->room = bytes;
        kit_settle(peer->test);
    }
}

void bay_peer_unplug(bay_peer *peer)
{
    if (peer != NULL) {
        peer->unplugged = true;
    }
}

/* ---- what it got ------------------------------------------------------- */

const bay_message *bay_peer_next(bay_peer *peer)
{
    if (peer == NULL) {
        return NULL;
    }
    free(peer->last);
    peer->last = kit_queue_take(&peer->inbox);
    return peer->last != NULL ? &peer->last->message : NULL;
}

size_t bay_peer_waiting(const bay_peer *peer)
{
    return peer != NULL ? peer->inbox.count : 0;
}

size_t bay_peer_forget(bay_peer *peer)
{
    size_t count = bay_peer_waiting(peer);

    if (peer != NULL) {
        kit_queue_clear(&peer->inbox);
    }
    return count;
}
