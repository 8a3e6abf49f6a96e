/* core_rig.h - a core with peers instead of sockets, a clock that is told
 *
 * What core would send is kept in each peer's out; how much a peer takes is
 * its room. The clock stands still but for rig_advance.
 */
#ifndef PATCHBAY_TESTS_CORE_RIG_H
#define PATCHBAY_TESTS_CORE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/conn.h"
#include "core/core-t.h"
#include "core/core.h"

struct peer {
    struct conn *conn;
    struct buf out;  /* what it got */
    size_t room;     /* what it takes before it is full */
    size_t writes;   /* calls that took something */
    struct buf rest; /* of a frame that was taken in part */
    bool wants_write;
    bool reading;
    bool shut;
    bool holds;    /* bytes it took have still to go out */
    bool finished; /* was told that all is sent */
    bool dead;     /* sends fail */
    bool hung_up;
    bool in_one_piece; /* takes a frame in one iovec only */
};

struct rig {
    struct core *core;
    struct worker_stats *stats;
    struct conf_route routes[4];
    unsigned route_count;
    uint64_t now_ms;
    uint64_t alarm_ms;
    struct job *jobs[16];
    size_t job_count;
    int wakes;
    int alarms; /* calls of the transport's alarm */
    int ticks;
};

static struct rig rig;

static ssize_t rig_send(void *link, const struct iovec *iov, int count)
{
    struct peer *peer = link;
    size_t taken = 0;

    if (peer->dead) {
        return -1;
    }
    if (peer->rest.len > 0) {
        return 0;
    }
    for (int i = 0; i < count; i++) {
        if (peer->in_one_piece) {
            size_t at = 0;

            while (at < iov[i].iov_len) {
                at += frame_size((unsigned char *)iov[i].iov_base + at);
            }
            assert_int_equal(at, iov[i].iov_len); /* whole frames */
        }
        size_t n = iov[i].iov_len < peer->room ? iov[i].iov_len : peer->room;

        buf_add(&peer->out, iov[i].iov_base, n);
        peer->room -= n;
        taken += n;
        if (n < iov[i].iov_len) {
            break;
        }
    }
    peer->writes += taken > 0;
    return (ssize_t)taken;
}

static bool rig_gathers(void *link)
{
    return !((struct peer *)link)->in_one_piece;
}

static int rig_send_rest(void *link, const void *data, size_t len)
{
    struct peer *peer = link;

    assert_int_equal(peer->rest.len, 0);
    buf_add(&peer->rest, data, len);
    return 0;
}

static void rig_want_writable(void *link)
{
    ((struct peer *)link)->wants_write = true;
}

static void rig_set_reading(void *link, bool on)
{
    ((struct peer *)link)->reading = on;
}

static bool rig_holds(void *link)
{
    return ((struct peer *)link)->holds;
}

static void rig_end_side(void *link)
{
    ((struct peer *)link)->finished = true;
}

static void rig_shut(void *link)
{
    ((struct peer *)link)->shut = true;
}

static bool rig_hung_up(void *link)
{
    return ((struct peer *)link)->hung_up;
}

static const char *rig_header(void *link, const char *name)
{
    (void)link;
    return strcmp(name, "cookie") == 0 ? "a=b" : NULL;
}

static uint64_t rig_now_ms(void *self)
{
    return ((struct rig *)self)->now_ms;
}

static void rig_alarm(void *self, uint64_t at_ms)
{
    ((struct rig *)self)->alarm_ms = at_ms;
    ((struct rig *)self)->alarms++;
}

static void rig_wake(void *self)
{
    ((struct rig *)self)->wakes++;
}

static int rig_job_start(void *self, struct job *job)
{
    struct rig *r = self;

    if (r->job_count == 16) {
        return BAY_ENOMEM;
    }
    r->jobs[r->job_count++] = job;
    return BAY_OK;
}

static bool rig_job_cancel(void *self, struct job *job)
{
    struct rig *r = self;

    for (size_t i = 0; i < r->job_count; i++) {
        if (r->jobs[i] == job) {
            r->jobs[i] = r->jobs[--r->job_count];
            job_finish(job, true);
            return true;
        }
    }
    return false;
}

static const struct transport rig_transport = {
    .send = rig_send,
    .gathers = rig_gathers,
    .send_rest = rig_send_rest,
    .want_writable = rig_want_writable,
    .set_reading = rig_set_reading,
    .holds = rig_holds,
    .finish = rig_end_side,
    .shut = rig_shut,
    .hung_up = rig_hung_up,
    .header = rig_header,
    .now_ms = rig_now_ms,
    .alarm = rig_alarm,
    .wake = rig_wake,
    .job_start = rig_job_start,
    .job_cancel = rig_job_cancel,
};

/* Deferred work that was started, in turn. */
static inline void rig_run_jobs(void)
{
    while (rig.job_count > 0) {
        struct job *job = rig.jobs[0];

        memmove(rig.jobs, rig.jobs + 1, --rig.job_count * sizeof rig.jobs[0]);
        job_run(job);
        job_finish(job, false);
    }
    core_turn(rig.core);
}

static inline void rig_init(void)
{
    struct core_setup setup = { .transport = &rig_transport,
                                .transport_self = &rig,
                                .workers = 1 };

    memset(&rig, 0, sizeof rig);
    rig.now_ms = 1000000;
    rig.alarm_ms = UINT64_MAX;
    rig.stats = calloc(1, sizeof *rig.stats + 4 * sizeof(struct route_stats));
    setup.stats = rig.stats;
    rig.core = core_create(&setup);
    assert_non_null(rig.core);
}

/* A route with generous limits: change them before anyone connects. */
static inline struct conf_route *rig_route(const char *path,
                                           const bay_plugin *plugin)
{
    static char names[4][8] = { "one", "two", "three", "four" };
    struct conf_route *route = &rig.routes[rig.route_count];
    char why[256];

    *route = (struct conf_route){ 0 };
    route->name = names[rig.route_count];
    route->path = (char *)(uintptr_t)path;
    route->path_len = strlen(path);
    route->prefix = path[route->path_len - 1] == '*';
    route->path_len -= route->prefix;
    route->plugin = (char *)(uintptr_t)plugin->name;
    route->limits.max_message = 1 << 20;
    route->limits.fragments = 1024;
    route->limits.send_queue = 64 << 10;
    route->limits.slow_peer = CONF_SLOW_CLOSE;
    route->limits.slow_hook_ms = 1000;
    route->limits.over_rate = CONF_RATE_WAIT;
    route->slot = rig.route_count;
    assert_int_equal(
        core_add_route(rig.core,
                       &(struct core_route){ .conf = route, .plugin = plugin },
                       why, sizeof why),
        0);
    rig.route_count++;
    return route;
}

/* As a client that asks for a path; the HTTP status is in *status. */
static inline bool rig_ask(struct peer *peer, const char *path,
                           const char *query, const char *offered, int *status)
{
    struct request request = { .method = "GET",
                               .remote = "127.0.0.1",
                               .path = path,
                               .query = query,
                               .body = { .data = "" } };
    const char *why = NULL;

    memset(peer, 0, sizeof *peer);
    peer->room = SIZE_MAX;
    peer->reading = true;
    peer->conn = conn_create(core_find_route(rig.core, path), &request, offered,
                             peer, status, &why);
    request_finish(&request);
    assert_true(peer->conn != NULL || why != NULL);
    return peer->conn != NULL;
}

static inline void rig_connect(struct peer *peer, const char *path)
{
    int status;

    assert_true(rig_ask(peer, path, NULL, NULL, &status));
    conn_open(peer->conn);
    core_turn(rig.core);
}

/* The socket is gone. */
static inline void rig_leave(struct peer *peer)
{
    if (peer->conn != NULL) {
        conn_lost(peer->conn);
        core_turn(rig.core);
        peer->conn = NULL;
    }
    buf_free(&peer->out);
    buf_free(&peer->rest);
}

static inline void rig_say(struct peer *peer, const char *text)
{
    conn_receive(peer->conn, BAY_TEXT, true, true, text, strlen(text), 0);
    core_turn(rig.core);
}

/* The peer's socket takes so much more. */
static inline void rig_give_room(struct peer *peer, size_t room)
{
    peer->room = room;
    if (peer->rest.len > 0) {
        assert_true(peer->rest.len <= room);
        buf_add(&peer->out, peer->rest.data, peer->rest.len);
        peer->room -= peer->rest.len;
        buf_clear(&peer->rest);
    }
    if (peer->wants_write) {
        peer->wants_write = false;
        conn_writable(peer->conn);
        core_turn(rig.core);
    }
}

static inline void rig_advance(uint64_t ms)
{
    uint64_t end = rig.now_ms + ms;

    while (rig.alarm_ms <= end) {
        rig.now_ms = rig.alarm_ms > rig.now_ms ? rig.alarm_ms : rig.now_ms;
        rig.alarm_ms = UINT64_MAX;
        rig.ticks++;
        core_tick(rig.core);
    }
    rig.now_ms = end;
}

/* Takes the next frame a peer got: its opcode, or -1; its payload in *data. */
static inline int rig_frame(struct peer *peer, struct buf *data)
{
    static char kept[70000];
    size_t size, head;
    int opcode;

    if (peer->out.len < 2) {
        return -1;
    }
    size = frame_size((unsigned char *)peer->out.data);
    head = (unsigned char)peer->out.data[1] < 126 ? 2 : 4;
    assert_true(peer->out.len >= size);
    opcode = peer->out.data[0] & 0x0f;
    memcpy(kept, peer->out.data + head, size - head);
    kept[size - head] = '\0';
    if (data != NULL) {
        data->data = kept;
        data->len = size - head;
    }
    buf_consume(&peer->out, size);
    return opcode;
}

static inline void rig_expect_text(struct peer *peer, const char *text)
{
    struct buf data = { 0 };

    assert_int_equal(rig_frame(peer, &data), OPCODE_TEXT);
    assert_string_equal(data.data, text);
}

static inline void rig_expect_silence(const struct peer *peer)
{
    assert_int_equal(peer->out.len, 0);
}

/* A Close frame with that code; 1005: without a code. */
static inline void rig_expect_close(struct peer *peer, int code)
{
    struct buf data = { 0 };
    int got = 1005;

    assert_int_equal(rig_frame(peer, &data), OPCODE_CLOSE);
    if (data.len >= 2) {
        got = (unsigned char)data.data[0] << 8 | (unsigned char)data.data[1];
    }
    assert_int_equal(got, code);
}

/* The peer's Close. */
static inline void rig_close(struct peer *peer, int code)
{
    unsigned char payload[2] = { (unsigned char)(code >> 8),
                                 (unsigned char)code };

    conn_peer_closed(peer->conn, payload, sizeof payload);
}

static inline void rig_finish(void)
{
    core_destroy(rig.core);
    free(rig.stats);
}

static inline int rig_setup(void **state)
{
    (void)state;
    rig_init();
    return 0;
}

static inline int rig_teardown(void **state)
{
    (void)state;
    rig_finish();
    return 0;
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

#endif
