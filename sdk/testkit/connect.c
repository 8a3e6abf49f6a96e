/* connect.c - a client knocks: the handshake, let in or refused */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/conn.h"
#include "kit.h"

struct kit_worker *kit_worker_at(bay_test *test, int number)
{
    if (number >= 0 && number < test->worker_count &&
        test->workers[number]->core != NULL) {
        return test->workers[number];
    }
    kit_complain(test,
                 "there is no worker %d that runs: see bay_test_add_worker",
                 number);
    return NULL;
}

static struct bay_peer *peer_create(bay_test *test, const bay_client *client)
{
    struct bay_peer *peer = kit_alloc(sizeof *peer);

    peer->test = test;
    peer->room = SIZE_MAX;
    peer->reading = true;
    peer->headers = kit_pack_headers(client->headers);
    peer->lines = kit_copy(client->headers);
    peer->offered = kit_copy(client->subprotocols);
    peer->remote = kit_copy(client->remote);
    *test->peers_end = peer;
    test->peers_end = &peer->next;
    return peer;
}

static void keep_answer(struct bay_peer *peer, const struct request *request)
{
    peer->answer = kit_pack_headers(request->headers.data);
    if (peer->conn != NULL) {
        peer->id = conn_id(peer->conn);
        peer->subprotocol = kit_copy(conn_subprotocol(peer->conn));
        peer->resumes = peer->conn->resume != NULL;
    }
}

static void shake(struct bay_peer *peer, const char *target,
                  const bay_client *client)
{
    struct request *request =
        kit_request(peer->test, "GET", target, client, NULL, 0);
    const char *offered =
        client->subprotocols != NULL
            ? client->subprotocols
            : kit_find_header(peer->headers, "Sec-WebSocket-Protocol");
    struct instance *instance =
        core_find_route(peer->worker->core, request->path);
    const char *why;

    peer->status = 404;
    if (instance != NULL) {
        kit.running = peer->test;
        peer->conn =
            conn_create(instance, request, offered, peer, &peer->status, &why);
        keep_answer(peer, request);
    }
    request_finish(request);
    kit_settle(peer->test);
}

bay_peer *bay_test_handshake(bay_test *test, const char *target,
                             const bay_client *client)
{
    static const bay_client nobody;
    struct bay_peer *peer;

    if (test == NULL) {
        return NULL;
    }
    client = client != NULL ? client : &nobody;
    peer = peer_create(test, client);
    peer->target = target != NULL ? kit_copy(target) : kit_default_path(test);
    peer->worker = kit_worker_at(test, client->worker);
    if (peer->worker == NULL) {
        kit_report_complaints(test);
        return peer;
    }
    shake(peer, target, client);
    return peer;
}

void bay_peer_open(bay_peer *peer)
{
    if (peer != NULL && peer->conn != NULL &&
        peer->conn->state == CONN_HANDSHAKE) {
        kit.running = peer->test;
        conn_open(peer->conn);
        kit_settle(peer->test);
    }
}

bay_peer *bay_test_connect_as(bay_test *test, const char *target,
                              const bay_client *client)
{
    bay_peer *peer = bay_test_handshake(test, target, client);

    bay_peer_open(peer);
    return peer;
}

bay_peer *bay_test_connect(bay_test *test, const char *target,
                           const char *headers)
{
    const bay_client client = { .headers = headers };

    return bay_test_connect_as(test, target, &client);
}
