/* test_presence.c - workers, a bus that loses, and who is in a topic */
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

static void presence(bay_route *route, const bay_change *change)
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

static bool wants(const struct worker *to, const char *topic)
{
    const struct route *route =
        to->core != NULL ? core_find_names(to->core, "r") : NULL;

    return route != NULL && *topic == PRESENCE_MARK &&
           room_find(to->core, route, topic + 1) != NULL;
}

static int post(const struct worker *from, struct worker *to, bool private,
                bay_id id, const char *topic, const void *data, size_t len)
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

static int bus_publish(void *self, const char *route, const char *topic,
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

static int bus_send_to(void *self, const char *route, bay_id id, bay_kind kind,
                       const void *data, size_t len)
{
    struct worker *to = &workers[id_worker(id)];

    (void)route, (void)kind;
    if (to->core == NULL || presence_self(to->core) != id) {
        return BAY_ENOTFOUND;
    }
    assert_in_range(len, 1, PRESENCE_WIRE_MAX);
    return post(self, to, true, id, "", data, len);
}

static int bus_interest(void *self, const char *route, const char *topic,
                        bool on)
{
    (void)self, (void)route, (void)topic, (void)on;
    return BAY_OK;
}

static void bus_flush(void *self)
{
    (void)self;
}

static const struct bus bus = { .interest = bus_interest,
                                .publish = bus_publish,
                                .send_to = bus_send_to,
                                .flush = bus_flush };

static bay_route *route_of(const struct worker *worker)
{
    return &core_find_name(worker->core, "r")->handle;
}

static void start(struct worker *worker)
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

static void come(struct worker *worker, int i)
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

static void hang_up(struct worker *worker, int i)
{
    conn_lost(worker->peers[i].conn);
    core_turn(worker->core);
    buf_free(&worker->peers[i].out);
    worker->peers[i].conn = NULL;
    worker->joined[i] = false;
}

/* It is gone at once: nobody hears anything of it but that. Letters that it
 * sent may still be under way, and come after that. */
static void kill_worker(struct worker *worker)
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

static bool deliver_from(struct worker *to, int from)
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

static void settle(void)
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

static void advance(uint64_t ms)
{
    rig.now_ms += ms;
    for (int i = 0; i < WORKERS; i++) {
        if (workers[i].core != NULL) {
            core_tick(workers[i].core);
        }
    }
}

static int setup(void **state)
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

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < WORKERS; i++) {
        if (workers[i].core != NULL) {
            kill_worker(&workers[i]);
        }
    }
    return 0;
}

static int join(int worker, int i, const char *label, unsigned flags)
{
    return bay_join(&workers[worker].peers[i].conn->handle, "t", label, "x", 1,
                    flags);
}

static size_t count(int worker)
{
    return bay_member_count(route_of(&workers[worker]), "t");
}

static void test_join(void **state)
{
    bay_route *two = route_of(&workers[1]);
    const bay_member *member;

    (void)state;
    come(&workers[0], 0);
    assert_int_equal(bay_watch(two, "t"), BAY_OK);
    assert_int_equal(join(0, 0, "anna", 0), BAY_OK);
    assert_string_equal(heard, ""); /* not from inside a call */
    settle();
    assert_string_equal(heard, "0:1:anna 1:1:anna ");
    member = bay_member_find(two, "t", "anna");
    assert_non_null(member);
    assert_memory_equal(member->info, "x", 2);
    assert_ptr_equal(bay_member_next(two, "t", NULL), member);
    assert_null(bay_member_next(two, "t", member));
    assert_int_equal(count(2), 0); /* neither in it nor watching */

    heard[0] = '\0';
    assert_int_equal(join(0, 0, "anne", 0), BAY_OK);
    settle();
    assert_string_equal(heard, "0:3:anne 1:3:anne ");
    heard[0] = '\0';
    hang_up(&workers[0], 0);
    settle();
    assert_string_equal(heard, "0:2:anne 1:2:anne ");
    assert_int_equal(bay_unwatch(two, "t"), BAY_OK);
    assert_int_equal(bay_unwatch(two, "t"), BAY_ENOTFOUND);
    assert_null(workers[1].core->presence.rooms);
    assert_null(workers[0].core->presence.rooms);
}

/* What comes once the bus has gone from a worker that ends is answered by nobody,
 * and harms nobody. */
static void test_without_bus(void **state)
{
    (void)state;
    come(&workers[0], 0);
    assert_int_equal(join(0, 0, "anna", 0), BAY_OK);
    settle();
    assert_int_equal(bay_watch(route_of(&workers[1]), "t"), BAY_OK);
    core_set_bus(workers[0].core, NULL, NULL);
    settle();
    assert_int_equal(count(1), 0);
}

static void test_late(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        come(&workers[0], i);
        assert_int_equal(join(0, i, "same", 0), BAY_OK);
    }
    settle();
    heard[0] = '\0';
    assert_int_equal(bay_watch(route_of(&workers[3]), "t"), BAY_OK);
    settle();
    assert_string_equal(heard, "3:5:- ");
    assert_int_equal(count(3), 3);
    heard[0] = '\0';
    kill_worker(&workers[0]);
    settle();
    assert_string_equal(heard, "3:2:same 3:2:same 3:2:same ");
    assert_int_equal(count(3), 0);
}

static void test_errors(void **state)
{
    bay_conn *conn;
    char topic[16], info[1025] = "";

    (void)state;
    come(&workers[0], 0);
    conn = &workers[0].peers[0].conn->handle;
    assert_int_equal(bay_join(conn, "", "a", NULL, 0, 0), BAY_EINVAL);
    assert_int_equal(bay_join(conn, "\x01t", "a", NULL, 0, 0), BAY_EINVAL);
    assert_int_equal(bay_join(conn, "t", "a\n", NULL, 0, 0), BAY_EINVAL);
    assert_int_equal(bay_join(conn, "t", NULL, NULL, 0, 0), BAY_EINVAL);
    assert_int_equal(bay_join(conn, "t", "a", NULL, 0, 2), BAY_EINVAL);
    assert_int_equal(bay_join(conn, "t", "a", info, 1025, 0), BAY_ETOOBIG);
    assert_int_equal(bay_leave(conn, "t"), BAY_ENOTFOUND);
    for (int i = 0; i < 64; i++) {
        snprintf(topic, sizeof topic, "t%d", i);
        assert_int_equal(bay_join(conn, topic, "a", NULL, 0, 0), BAY_OK);
    }
    assert_int_equal(bay_join(conn, "t", "a", NULL, 0, 0), BAY_EFULL);
    assert_int_equal(stat_get(&workers[0].stats->presence_refused), 1);
    assert_int_equal(bay_leave(conn, "t5"), BAY_OK);
    assert_int_equal(bay_join(conn, "t", "a", NULL, 0, 0), BAY_OK);
}

/* A worker that knows as many as it may: neither its own nor others' are
 * added. */
static void test_full(void **state)
{
    (void)state;
    come(&workers[0], 0);
    come(&workers[0], 1);
    come(&workers[1], 0);
    workers[0].core->presence.max = 1;
    assert_int_equal(join(0, 0, "anna", 0), BAY_OK);
    assert_int_equal(join(0, 1, "bob", 0), BAY_EFULL);
    assert_int_equal(stat_get(&workers[0].stats->presence_refused), 1);
    assert_int_equal(join(1, 0, "cid", 0), BAY_OK);
    settle();
    assert_int_equal(count(0), 1);
    assert_int_equal(count(1), 2);
    assert_true(stat_get(&workers[0].stats->presence_refused) >= 2);
    workers[0].core->presence.max = 10;
    assert_int_equal(join(0, 1, "bob", 0), BAY_OK);
}

static void test_unique(void **state)
{
    (void)state;
    come(&workers[0], 0);
    come(&workers[1], 0);
    come(&workers[1], 1);
    assert_int_equal(join(1, 1, "bob", 0), BAY_OK);
    settle();
    assert_int_equal(join(0, 0, "anna", BAY_UNIQUE), BAY_OK);
    assert_int_equal(join(1, 0, "anna", BAY_UNIQUE), BAY_OK); /* a race */
    heard[0] = '\0';
    settle();
    assert_int_equal(count(0), 2);
    assert_int_equal(count(1), 2);
    assert_non_null(strstr(heard, ":4:anna "));
    assert_null(strstr(strstr(heard, ":4:anna ") + 1, ":4:anna "));
    assert_int_equal(join(1, 1, "anna", BAY_UNIQUE), BAY_EEXISTS);
}

/* The only member of its worker loses its label: the hook is told while the
 * worker still knows who has it. Or it would take it again, and again. */
static void test_displaced(void **state)
{
    (void)state;
    again = BAY_OK;
    come(&workers[0], 0);
    come(&workers[1], 0);
    assert_int_equal(join(0, 0, "anna", BAY_UNIQUE), BAY_OK);
    assert_int_equal(join(1, 0, "anna", BAY_UNIQUE), BAY_OK);
    settle();
    assert_non_null(strstr(heard, ":4:anna "));
    assert_int_equal(again, BAY_EEXISTS);
    assert_int_equal(count(0) + count(1), 1); /* none where nobody is in */
}

/* One that others have as well is made its own by who has had it longest. */
static void test_claimed(void **state)
{
    (void)state;
    again = BAY_OK;
    come(&workers[0], 0);
    come(&workers[1], 0);
    assert_int_equal(join(0, 0, "anna", 0), BAY_OK);
    assert_int_equal(join(1, 0, "anna", BAY_UNIQUE), BAY_OK);
    settle();
    assert_null(strstr(heard, ":4:anna "));
    assert_int_equal(count(0), 2);
    assert_int_equal(join(0, 0, "anna", BAY_UNIQUE), BAY_OK);
    settle();
    assert_non_null(strstr(heard, ":4:anna "));
    assert_int_equal(again, BAY_EEXISTS);
    assert_int_equal(count(0), 1);
}

/* Not if another has it without having claimed it, nor by the later. */
static void test_not_claimed(void **state)
{
    (void)state;
    come(&workers[0], 0);
    come(&workers[1], 0);
    assert_int_equal(join(0, 0, "anna", 0), BAY_OK);
    assert_int_equal(join(1, 0, "anna", 0), BAY_OK);
    settle();
    assert_int_equal(join(0, 0, "anna", BAY_UNIQUE), BAY_EEXISTS);
    assert_int_equal(join(1, 0, "anna", BAY_UNIQUE), BAY_EEXISTS);
    assert_int_equal(count(0), 2);
}

/* Beyond a bound they are one. */
static void test_many(void **state)
{
    (void)state;
    come(&workers[0], 0);
    for (int i = 0; i < 6000; i++) {
        assert_int_equal(join(0, 0, i % 2 ? "a" : "b", 0), BAY_OK);
    }
    core_turn(workers[0].core);
    settle();
    assert_int_equal(workers[0].core->presence.waiting, 0);
    assert_int_equal(core_find_name(workers[0].core, "r")->changes, 0);
    heard[0] = '\0';
    assert_int_equal(bay_leave(&workers[0].peers[0].conn->handle, "t"), 0);
    settle();
    assert_string_equal(heard, "0:2:a ");
}

static void compare(void)
{
    size_t all = 0;

    for (int i = 0; i < WORKERS; i++) {
        for (int k = 0; k < CLIENTS; k++) {
            all += workers[i].joined[k];
        }
    }
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(count(i), all);
        for (int k = 0; k < WORKERS; k++) {
            const struct route *route = core_find_names(workers[i].core, "r");
            const struct room *room = room_find(workers[i].core, route, "t");

            for (int c = 0; c < CLIENTS; c++) {
                const struct conn *conn = workers[k].peers[c].conn;

                if (conn != NULL) {
                    assert_true((members_find(&room->members, conn->id) !=
                                 NULL) == workers[k].joined[c]);
                }
            }
        }
    }
}

/* 1000 workers are killed at random, frames are refused, come in any order
 * across their publishers, and after the news of their death. */
static void test_kills(void **state)
{
    int kills = 0;

    (void)state;
    srand(11);
    while (kills < 1000) {
        struct worker *worker = &workers[rand() % WORKERS];
        int i = rand() % CLIENTS, dice = rand() % 100;
        char label[8];

        lossy = true;
        snprintf(label, sizeof label, "n%d", rand() % 9);
        if (dice < 4 && worker->core != NULL) {
            kill_worker(worker);
            kills++;
        } else if (worker->core == NULL) {
            start(worker);
        } else if (worker->peers[i].conn == NULL) {
            come(worker, i);
        } else if (dice < 40) {
            worker->joined[i] =
                join((int)worker->number, i, label, 0) == BAY_OK;
        } else if (dice < 50) {
            bay_leave(&worker->peers[i].conn->handle, "t");
            worker->joined[i] = false;
        } else if (dice < 55) {
            hang_up(worker, i);
        } else if (dice < 58) {
            advance((uint64_t)rand() % 3000);
        }
        for (int n = rand() % 6; n > 0; n--) {
            struct worker *to = &workers[rand() % WORKERS];

            if (to->core != NULL) {
                deliver_from(to, rand() % WORKERS);
            }
        }
        if (kills % 100 == 99 || kills == 1000) {
            lossy = false;
            for (int k = 0; k < WORKERS; k++) {
                if (workers[k].core == NULL) {
                    start(&workers[k]);
                }
                bay_watch(route_of(&workers[k]), "t");
            }
            settle();
            for (int k = 0; k < 5; k++) {
                advance(5000);
                settle();
            }
            compare();
            kills += kills < 1000;
            kill_worker(&workers[rand() % WORKERS]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_join, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_bus, setup, teardown),
        cmocka_unit_test_setup_teardown(test_late, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unique, setup, teardown),
        cmocka_unit_test_setup_teardown(test_displaced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_claimed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_claimed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kills, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
