/* bus_world.h - for the tests of the bus: a folder of sockets, a loop, and a
 * core that writes down what it is told
 *
 * To be included by one file of a program: it defines core_bus_*.
 */
#ifndef PATCHBAY_TESTS_BUS_WORLD_H
#define PATCHBAY_TESTS_BUS_WORLD_H

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "base/log.h"
#include "bus/wire.h"
#include "core/bus.h"
#include "core/core.h"
#include "core/id.h"
#include "patience.h"

#define WORKERS   4
#define NODE      1
#define PATIENCE  patience(10000) /* ms */
#define INTERESTS 20000

/* What came in: a copy of the frame it came as. */
struct event {
    struct wire_frame frame;
    char *data; /* and a 0 byte; of BUS_NEWS "ROUTE:TOPIC" */
};

struct core {
    struct event *events;
    size_t count, cap;
    /* What it is interested in, in route "r". */
    char *topics[INTERESTS];
    size_t topic_count;
    /* Who came, and who is gone. */
    struct {
        bay_id worker;
        bool there;
    } peers[64];
    size_t peer_count;
    unsigned untold; /* news */
};

struct world {
    char dir[64];
    char log[80];
    uv_loop_t loop;
    uv_timer_t watchdog;
    bool late;
    int listen_fds[WORKERS];
    struct core cores[WORKERS];
    struct worker_stats *stats[WORKERS];
};

/* Runs the loop until something is so. */
#define until(world, condition)                                    \
    do {                                                           \
        world_be_patient(world);                                   \
        while (!(condition)) {                                     \
            if ((world)->late) {                                   \
                fail_msg("this never came to be: %s", #condition); \
            }                                                      \
            uv_run(&(world)->loop, UV_RUN_ONCE);                   \
        }                                                          \
    } while (0)

static inline void world_on_late(uv_timer_t *timer)
{
    ((struct world *)timer->data)->late = true;
}

static inline void world_be_patient(struct world *world)
{
    world->late = false;
    uv_timer_start(&world->watchdog, world_on_late, PATIENCE, 0);
}

/* Everything that can happen without waiting happens. */
static inline void world_settle(struct world *world)
{
    int i;

    for (i = 0; i < 20; i++) {
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
}

static inline void world_path(const struct world *world, unsigned worker,
                              struct sockaddr_un *addr)
{
    memset(addr, 0, sizeof *addr);
    addr->sun_family = AF_UNIX;
    snprintf(addr->sun_path, sizeof addr->sun_path, "%.60s/bus.%u.sock",
             world->dir, worker);
}

/* As the master does. */
static inline void world_listen(struct world *world, unsigned worker,
                                int backlog)
{
    struct sockaddr_un addr;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    world_path(world, worker, &addr);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(listen(fd, backlog), 0);
    world->listen_fds[worker] = fd;
}

static inline void world_unlisten(struct world *world, unsigned worker)
{
    struct sockaddr_un addr;

    world_path(world, worker, &addr);
    unlink(addr.sun_path);
    if (world->listen_fds[worker] >= 0) {
        close(world->listen_fds[worker]);
    }
    world->listen_fds[worker] = -1;
}

static inline int world_setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    unsigned worker;

    assert_non_null(world);
    strcpy(world->dir, "/tmp/patchbay-bus-XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    snprintf(world->log, sizeof world->log, "%.60s/log", world->dir);
    assert_int_equal(log_open(world->log, LOG_FORMAT_TEXT, LOG_LEVEL_INFO), 0);
    assert_int_equal(uv_loop_init(&world->loop), 0);
    uv_timer_init(&world->loop, &world->watchdog);
    world->watchdog.data = world;
    for (worker = 0; worker < WORKERS; worker++) {
        world_listen(world, worker, 128);
        world->stats[worker] = calloc(1, sizeof *world->stats[worker]);
        assert_non_null(world->stats[worker]);
    }
    *state = world;
    return 0;
}

static inline int world_teardown(void **state)
{
    struct world *world = *state;
    unsigned worker;
    size_t i;

    uv_close((uv_handle_t *)&world->watchdog, NULL);
    uv_run(&world->loop, UV_RUN_NOWAIT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    for (worker = 0; worker < WORKERS; worker++) {
        struct core *core = &world->cores[worker];

        world_unlisten(world, worker);
        for (i = 0; i < core->count; i++) {
            free(core->events[i].data);
        }
        for (i = 0; i < core->topic_count; i++) {
            free(core->topics[i]);
        }
        free(core->events);
        free(world->stats[worker]);
    }
    assert_int_equal(log_open("-", LOG_FORMAT_TEXT, LOG_LEVEL_INFO), 0);
    unlink(world->log);
    assert_int_equal(rmdir(world->dir), 0);
    free(world);
    return 0;
}

/* Lines of the log with this text in them. */
static inline int world_logged(const struct world *world, const char *text)
{
    FILE *file = fopen(world->log, "r");
    char line[4096];
    int count = 0;

    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        count += strstr(line, text) != NULL;
    }
    fclose(file);
    return count;
}

/* ---- a sibling that is a bare socket ----------------------------------- */

static inline int raw_connect(const struct world *world, unsigned worker)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un addr;

    world_path(world, worker, &addr);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    return fd;
}

/* The next connection to a worker's socket, or -1. */
static inline int raw_accept(const struct world *world, unsigned worker)
{
    return accept4(world->listen_fds[worker], NULL, NULL, SOCK_CLOEXEC);
}

static inline void raw_write(int fd, const void *data, size_t len)
{
    assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}

static inline void raw_send(int fd, const struct wire_frame *frame)
{
    size_t len = wire_size(frame);
    char *bytes = malloc(len);

    assert_non_null(bytes);
    wire_encode(bytes, frame);
    raw_write(fd, bytes, len);
    free(bytes);
}

static inline void raw_hello(int fd, unsigned worker, unsigned incarnation,
                             uint32_t stream)
{
    struct wire_frame hello = {
        .type = WIRE_HELLO,
        .code = WIRE_VERSION,
        .id = id_make(NODE, worker, incarnation, stream),
    };

    raw_send(fd, &hello);
}

static inline void raw_interest(int fd, const char *topic, bool on)
{
    struct wire_frame frame = {
        .type = WIRE_INTEREST, .kind = on, .route = "r", .text = topic
    };

    raw_send(fd, &frame);
}

static inline void raw_publish(int fd, const char *topic, const char *data)
{
    struct wire_frame frame = { .type = WIRE_PUBLISH,
                                .kind = BAY_TEXT,
                                .route = "r",
                                .text = topic,
                                .data = data,
                                .len = strlen(data) };

    raw_send(fd, &frame);
}

/* Whether the other end has closed; what waits to be read is skipped. */
static inline bool raw_ended(int fd)
{
    char bytes[4096];
    ssize_t n;

    do {
        n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    } while (n > 0);
    return n == 0 || errno != EAGAIN;
}

/* The frame that waits here, whole, its strings in `bytes`; type 0: none. */
static inline struct wire_frame raw_frame(int fd, char *bytes, size_t size)
{
    struct wire_frame frame = { 0 };
    ssize_t n = recv(fd, bytes, 4, MSG_DONTWAIT | MSG_PEEK);
    int waiting = 0;
    long len;

    if (n < 4) {
        return frame;
    }
    len = wire_length(bytes, 4);
    assert_in_range(len, WIRE_HEADER, size);
    assert_int_equal(ioctl(fd, FIONREAD, &waiting), 0);
    if (waiting < len) {
        return frame;
    }
    assert_int_equal(recv(fd, bytes, (size_t)len, MSG_WAITALL), len);
    assert_null(wire_decode(&frame, bytes, (size_t)len));
    return frame;
}

/* ---- the core ---------------------------------------------------------- */

static inline struct event *world_note(struct core *core)
{
    if (core->count == core->cap) {
        core->cap = core->cap ? core->cap * 2 : 64;
        core->events = realloc(core->events, core->cap * sizeof *core->events);
        assert_non_null(core->events);
    }
    memset(&core->events[core->count], 0, sizeof *core->events);
    return &core->events[core->count++];
}

static inline char *world_copy(const void *data, size_t len)
{
    char *copy = malloc(len + 1);

    assert_non_null(copy);
    memcpy(copy, data, len);
    copy[len] = '\0';
    return copy;
}

void core_bus_publish(struct core *core, const char *route, const char *topic,
                      bay_kind kind, const void *data, size_t len,
                      bay_id except)
{
    struct event *event = world_note(core);
    char where[256];

    assert_int_equal(((const char *)data)[len], 0);
    event->frame.type = WIRE_PUBLISH;
    event->frame.code = (int)strlen(topic);
    event->frame.kind = kind;
    event->frame.len = len;
    event->frame.id = except;
    if (kind == BUS_NEWS) {
        snprintf(where, sizeof where, "%s:%s", route, topic);
        event->data = world_copy(where, strlen(where));
    } else {
        assert_string_equal(route, "r");
        event->data = world_copy(data, len);
    }
}

void core_bus_send(struct core *core, const char *route, bay_id id,
                   bay_kind kind, const void *data, size_t len)
{
    struct event *event = world_note(core);

    assert_string_equal(route, "r");
    assert_int_equal(((const char *)data)[len], 0);
    event->frame.type = WIRE_SEND;
    event->frame.kind = kind;
    event->frame.len = len;
    event->frame.id = id;
    event->data = world_copy(data, len);
}

void core_bus_close(struct core *core, const char *route, bay_id id, int code,
                    const char *reason)
{
    struct event *event = world_note(core);

    assert_string_equal(route, "r");
    event->frame.type = WIRE_CLOSE;
    event->frame.code = code;
    event->frame.id = id;
    event->data = reason ? world_copy(reason, strlen(reason)) : NULL;
}

void core_bus_peer(struct core *core, bay_id worker, bool there)
{
    assert_true(core->peer_count < 64);
    core->peers[core->peer_count].worker = worker;
    core->peers[core->peer_count++].there = there;
}

void core_bus_back(struct core *core)
{
    (void)core;
}

void core_bus_settled(struct core *core, const char *route, const char *topic)
{
    (void)core;
    fail_msg("%s %s is settled by a bus that does not settle", route, topic);
}

bool core_bus_wanted(struct core *core, const char *route, const char *topic)
{
    (void)core;
    (void)topic;
    return strcmp(route, "kept") == 0;
}

void core_bus_untold(struct core *core)
{
    core->untold++;
}

void core_bus_kept(struct core *core, const char *route, const char *topic,
                   const struct kept *message)
{
    (void)core;
    (void)message;
    fail_msg("%s %s is kept by a bus that keeps nothing", route, topic);
}

void core_bus_replayed(struct core *core, uint64_t ticket, enum replay result,
                       const struct kept *messages, size_t count,
                       struct position head)
{
    (void)core;
    (void)ticket;
    (void)result;
    (void)messages;
    (void)count;
    (void)head;
    fail_msg("a bus that keeps nothing has replayed it");
}

void core_bus_each_interest(struct core *core,
                            void (*each)(void *arg, const char *route,
                                         const char *topic),
                            void *arg)
{
    size_t i;

    for (i = 0; i < core->topic_count; i++) {
        each(arg, "r", core->topics[i]);
    }
}

static inline void world_want(struct core *core, const char *topic)
{
    assert_true(core->topic_count < INTERESTS);
    core->topics[core->topic_count] = strdup(topic);
    assert_non_null(core->topics[core->topic_count++]);
}

static inline void world_unwant(struct core *core, const char *topic)
{
    size_t i;

    for (i = 0; i < core->topic_count; i++) {
        if (strcmp(core->topics[i], topic) == 0) {
            free(core->topics[i]);
            core->topics[i] = core->topics[--core->topic_count];
            return;
        }
    }
    fail_msg("%s is not wanted", topic);
}

#endif
