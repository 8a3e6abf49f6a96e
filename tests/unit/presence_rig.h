/* presence_rig.h - several workers in one process, and a bus that may lose */
#ifndef PATCHBAY_TESTS_PRESENCE_RIG_H
#define PATCHBAY_TESTS_PRESENCE_RIG_H

#include "core_rig.h"

#include "core/id.h"
#include "core/presence-t.h"

#define WORKERS 4
#define CLIENTS 6

struct letter {
    struct letter *next;
    bool private;
    bay_id id;
    size_t len;
    char topic[TOPICS_NAME_MAX + 2];
    char data[];
};

struct worker {
    struct core *core; /* NULL: dead */
    struct worker_stats *stats;
    unsigned number, incarnation;
    struct letter *in[WORKERS]; /* from each, in order */
    struct peer peers[CLIENTS];
    bool joined[CLIENTS];
};

static struct worker workers[WORKERS];
static bool lossy, deaf;
static struct conf_route conf;

static char heard[4096];

/* Who was displaced takes the label again in its hook: what that returned. */
static int again;

static inline void presence(bay_route *route, const bay_change *change)
{
    char line[160];

    snprintf(line, sizeof line, "%d:%d:%s ", bay_route_worker(route),
             change->kind, change->member ? change->member->label : "-");
    if (!deaf && strlen(heard) + strlen(line) < sizeof heard) {
        strcat(heard, line);
    }
    if (change->kind == BAY_DISPLACED) {
        bay_conn *conn = bay_route_find(route, change->member->id);

        again = bay_join(conn, change->topic, change->member->label, NULL, 0,
                         BAY_UNIQUE);
    }
}

static const bay_plugin plugin = { BAY_INIT, .name = "p",
                                   .presence = presence };

static inline bool wants(const struct worker *to, const char *topic)
{
    const struct route *route =
        to->core != NULL ? core_find_names(to->core, "r") : NULL;

    return route != NULL && *topic == PRESENCE_MARK &&
           room_find(to->core, route, topic + 1) != NULL;
}

static inline int post(const struct worker *from, struct worker *to,
                       bool private, bay_id id, const char *topic,
                       const void *data, size_t len)
{
    struct letter **at = &to->in[from->number], *letter;

    if (lossy && rand() % 4 == 0) {
        return BAY_EFULL;
    }
    letter = calloc(1, sizeof *letter + len + 1);
    assert_non_null(letter);
    letter->private = private;
    letter->id = id;
    letter->len = len;
    strcpy(letter->topic, topic);
    memcpy(letter->data, data, len);
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = letter;
    return BAY_OK;
}

static inline int bus_publish(void *self, const char *route, const char *topic,
                              bay_kind kind, const void *data, size_t len,
                              bay_id except)
{
    int status = BAY_OK;

    (void)route, (void)kind, (void)except;
    for (int i = 0; i < WORKERS; i++) {
        if (&workers[i] != self && wants(&workers[i], topic) &&
            post(self, &workers[i], false, 0, topic, data, len) != BAY_OK) {
            status = BAY_EFULL;
        }
    }
    return status;
}

static inline int bus_send_to(void *self, const char *route, bay_id id,
                              bay_kind kind, const void *data, size_t len)
{
    struct worker *to = &workers[id_worker(id)];

    (void)route, (void)kind;
    if (to->core == NULL || presence_self(to->core) != id) {
        return BAY_ENOTFOUND;
    }
    assert_in_range(len, 1, PRESENCE_WIRE_MAX);
    return post(self, to, true, id, "", data, len);
}

static inline int bus_interest(void *self, const char *route, const char *topic,
                               bool on)
{
    (void)self, (void)route, (void)topic, (void)on;
    return BAY_OK;
}

static inline void bus_flush(void *self)
{
    (void)self;
}

static const struct bus bus = { .interest = bus_interest,
                                .publish = bus_publish,
                                .send_to = bus_send_to,
                                .flush = bus_flush };

static inline bay_route *route_of(const struct worker *worker)
{
    return &core_find_name(worker->core, "r")->handle;
}

static inline void start(struct worker *worker)
{
    struct core_setup setup = { .transport = &rig_transport,
                                .transport_self = &rig,
                                .bus = &bus,
                                .bus_self = worker,
                                .worker = worker->number,
                                .number = (unsigned)worker->number,
                                .workers = WORKERS,
                                .incarnation = worker->incarnation++ };
    struct core_route route = { .conf = &conf, .plugin = &plugin };
    char why[256];

    worker->stats =
        calloc(1, sizeof *worker->stats + sizeof worker->stats->routes[0]);
    setup.stats = worker->stats;
    worker->core = core_create(&setup);
    assert_int_equal(core_add_route(worker->core, &route, why, sizeof why), 0);
    for (int i = 0; i < WORKERS; i++) {
        if (&workers[i] != worker && workers[i].core != NULL) {
            core_bus_peer(workers[i].core, presence_self(worker->core), true);
            core_bus_peer(worker->core, presence_self(workers[i].core), true);
        }
    }
}

static inline void come(struct worker *worker, int i)
{
    struct request request = { .method = "GET",
                               .remote = "127.0.0.1",
                               .path = "/",
                               .body = { .data = "" } };
    const char *why;
    int status;
    struct peer *peer = &worker->peers[i];

    memset(peer, 0, sizeof *peer);
    peer->room = SIZE_MAX;
    peer->conn = conn_create(core_find_route(worker->core, "/"), &request, NULL,
                             peer, &status, &why);
    assert_non_null(peer->conn);
    request_finish(&request);
    conn_open(peer->conn);
    core_turn(worker->core);
}

static inline void hang_up(struct worker *worker, int i)
{
    conn_lost(worker->peers[i].conn);
    core_turn(worker->core);
    buf_free(&worker->peers[i].out);
    worker->peers[i].conn = NULL;
    worker->joined[i] = false;
}

/* It is gone at once: nobody hears anything of it but that. Letters that it
 * sent may still be under way, and come after that. */
static inline void kill_worker(struct worker *worker)
{
    struct core *core = worker->core;
    bay_id id = presence_self(core);

    worker->core = NULL; /* nothing is wanted or sent to it */
    core->setup.bus = NULL;
    for (int i = 0; i < CLIENTS; i++) {
        if (worker->peers[i].conn != NULL) {
            conn_lost(worker->peers[i].conn);
            buf_free(&worker->peers[i].out);
            worker->peers[i].conn = NULL;
        }
        worker->joined[i] = false;
    }
    deaf = true; /* what this process still says, nobody hears */
    core_turn(core);
    core_destroy(core);
    deaf = false;
    free(worker->stats);
    for (int i = 0; i < WORKERS; i++) {
        while (worker->in[i] != NULL) {
            struct letter *next = worker->in[i]->next;

            free(worker->in[i]);
            worker->in[i] = next;
        }
        if (workers[i].core != NULL) {
            core_bus_peer(workers[i].core, id, false);
        }
    }
}

static inline bool deliver_from(struct worker *to, int from)
{
    struct letter *letter = to->in[from];

    if (letter == NULL) {
        return false;
    }
    to->in[from] = letter->next;
    if (letter->private) {
        core_bus_send(to->core, "r", letter->id, BAY_BINARY, letter->data,
                      letter->len);
    } else {
        core_bus_publish(to->core, "r", letter->topic, BAY_BINARY, letter->data,
                         letter->len, 0);
    }
    core_turn(to->core);
    free(letter);
    return true;
}

static inline void settle(void)
{
    bool did = true;

    while (did) {
        did = false;
        for (int to = 0; to < WORKERS; to++) {
            for (int from = 0; from < WORKERS && workers[to].core; from++) {
                did = deliver_from(&workers[to], from) || did;
            }
            if (workers[to].core != NULL) {
                core_turn(workers[to].core);
            }
        }
    }
}

static inline void advance(uint64_t ms)
{
    rig.now_ms += ms;
    for (int i = 0; i < WORKERS; i++) {
        if (workers[i].core != NULL) {
            core_tick(workers[i].core);
        }
    }
}

static inline int setup(void **state)
{
    (void)state;
    memset(&rig, 0, sizeof rig);
    memset(workers, 0, sizeof workers);
    rig.now_ms = 1000000;
    lossy = false;
    heard[0] = '\0';
    conf = (struct conf_route){ .name = (char *)(uintptr_t) "r",
                                .path = (char *)(uintptr_t) "/",
                                .path_len = 1,
                                .plugin = (char *)(uintptr_t) "p" };
    conf.limits.max_message = 1 << 20;
    conf.limits.send_queue = 64 << 10;
    conf.limits.slow_hook_ms = 10000;
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i].number = i;
        start(&workers[i]);
    }
    settle();
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < WORKERS; i++) {
        if (workers[i].core != NULL) {
            kill_worker(&workers[i]);
        }
    }
    return 0;
}

static inline int join(int worker, int i, const char *label, unsigned flags)
{
    return bay_join(&workers[worker].peers[i].conn->handle, "t", label, "x", 1,
                    flags);
}

static inline size_t count(int worker)
{
    return bay_member_count(route_of(&workers[worker]), "t");
}

#endif
