/* fuzz_bus.c - the stream of a sibling: bytes to frames to core
 *
 * First without sockets: however it is cut up, the same frames come out. Then
 * through the real bus of a worker, as a sibling that connects.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "base/log.h"
#include "bus/inbox.h"
#include "bus/local.h"
#include "bus/wire.h"
#include "core/core.h"
#include "core/id.h"

#define WORKERS 3
#define NODE    0

/* ---- bytes to frames --------------------------------------------------- */

static char area[INBOX_AREA];

struct seen {
    uint32_t hash;
    size_t count;
};

static bool each(void *arg, const char *bytes, size_t len)
{
    struct seen *seen = arg;
    char *copy = fuzz_copy(bytes, len);
    struct wire_frame frame;
    const char *why = wire_decode(&frame, copy, len);

    if (why == NULL && frame.type != WIRE_HELLO) {
        char *again;

        fuzz_check(frame.route >= copy && frame.text > frame.route);
        fuzz_check(((const char *)frame.data)[frame.len] == '\0');
        fuzz_check(wire_size(&frame) == len);
        again = malloc(len);
        wire_encode(again, &frame);
        fuzz_check(memcmp(again, copy, len) == 0);
        free(again);
    }
    seen->hash = (seen->hash ^ fuzz_hash((uint8_t *)copy, len)) * 16777619u;
    seen->count++;
    free(copy);
    return true;
}

static struct seen take(const uint8_t *data, size_t len, size_t cut)
{
    struct inbox inbox = { .area = area, .max = 1 << 20 };
    struct seen seen = { 0 };
    const char *why = NULL;

    while (len > 0 && why == NULL) {
        size_t space = 0;
        char *at = inbox_space(&inbox, &space);
        size_t part = cut < len ? cut : len;

        fuzz_check(at != NULL && space > 0);
        part = part < space ? part : space;
        memcpy(at, data, part);
        why = inbox_take(&inbox, part, each, &seen);
        memset(area, 0xa5, sizeof area); /* other streams use it, too */
        data += part;
        len -= part;
    }
    inbox_finish(&inbox);
    return seen;
}

/* ---- a worker with a bus ----------------------------------------------- */

static struct worker {
    uv_loop_t loop;
    struct core *core;
    struct worker_stats *stats;
    struct local_bus *bus;
    struct sockaddr_un addr;
    socklen_t addr_len;
} worker;

static ssize_t no_send(void *link, const struct iovec *iov, int count)
{
    (void)link;
    (void)iov;
    (void)count;
    return -1;
}

static uint64_t now_ms(void *self)
{
    (void)self;
    return uv_now(&worker.loop);
}

static void no_alarm(void *self, uint64_t at_ms)
{
    (void)self;
    (void)at_ms;
}

static void no_wake(void *self)
{
    (void)self;
}

static int start(bay_route *self)
{
    return bay_listen(self, "news");
}

static void heard(bay_route *self, const bay_notice *notice)
{
    (void)self;
    fuzz_check(notice->data[notice->len] == '\0');
    fuzz_check(strcmp(notice->topic, "news") == 0);
}

static int message(bay_conn *conn, const bay_message *msg)
{
    (void)conn;
    (void)msg;
    return 0;
}

static const bay_plugin plugin = { BAY_INIT, .name = "p", .start = start,
                                   .notice = heard, .message = message };

static struct conf_route route = { .name = (char[]){ "r" },
                                   .path = (char[]){ "/r" },
                                   .path_len = 2,
                                   .plugin = (char[]){ "p" } };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static struct transport transport = {
        .send = no_send, .now_ms = now_ms, .alarm = no_alarm, .wake = no_wake
    };
    struct core_setup setup = { .transport = &transport,
                                .node = NODE,
                                .workers = WORKERS };
    struct local_bus_setup bus = { .node = NODE,
                                   .workers = WORKERS,
                                   .run_dir = "/nonexistent",
                                   .queue_limit = 1 << 16 };
    char why[256];

    (void)argc;
    (void)argv;
    log_open("/dev/null", LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG);
    uv_loop_init(&worker.loop);
    worker.stats =
        calloc(1, sizeof *worker.stats + 4 * sizeof(struct route_stats));
    setup.stats = worker.stats;
    worker.core = core_create(&setup);

    /* An abstract name that the system chooses. */
    bus.listen_fd =
        socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    worker.addr.sun_family = AF_UNIX;
    fuzz_check(bind(bus.listen_fd, (struct sockaddr *)&worker.addr,
                    sizeof(sa_family_t)) == 0);
    worker.addr_len = sizeof worker.addr;
    getsockname(bus.listen_fd, (struct sockaddr *)&worker.addr,
                &worker.addr_len);
    fuzz_check(listen(bus.listen_fd, 16) == 0);
    bus.loop = &worker.loop;
    bus.core = worker.core;
    bus.stats = worker.stats;
    worker.bus = local_bus_create(&bus);
    fuzz_check(worker.bus != NULL);
    core_set_bus(worker.core, local_bus_table(), worker.bus);
    fuzz_check(core_add_route(
                   worker.core,
                   &(struct core_route){ .conf = &route, .plugin = &plugin },
                   why, sizeof why) == 0);
    return 0;
}

static void turn(void)
{
    for (int i = 0; i < 4; i++) {
        uv_run(&worker.loop, UV_RUN_NOWAIT);
        core_turn(worker.core);
    }
}

static int dial(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    fuzz_check(fd >= 0);
    fuzz_check(connect(fd, (struct sockaddr *)&worker.addr, worker.addr_len) ==
               0);
    return fd;
}

static void send_all(int fd, const uint8_t *data, size_t len, size_t cut)
{
    while (len > 0) {
        ssize_t sent = send(fd, data, cut < len ? cut : len, MSG_NOSIGNAL);

        if (sent < 0) {
            return; /* dropped, for what it sent */
        }
        data += sent;
        len -= (size_t)sent;
        turn();
    }
}

/* A hello of worker 1, in front of what follows. */
static void send_hello(int fd)
{
    static uint32_t stream;
    struct wire_frame hello = { .type = WIRE_HELLO,
                                .code = WIRE_VERSION,
                                .id = id_make(NODE, 1, 1, ++stream) };
    uint8_t bytes[WIRE_HEADER + 3];

    fuzz_check(wire_size(&hello) == sizeof bytes);
    wire_encode((char *)bytes, &hello);
    send_all(fd, bytes, sizeof bytes, sizeof bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint32_t hash = fuzz_hash(data, len);
    size_t cut = hash % 2 == 0 ? len + 1 : 1 + hash / 2 % 64;
    struct seen whole = take(data, len, len + 1);
    struct seen pieces = take(data, len, cut);
    int fd;

    fuzz_check(whole.count == pieces.count && whole.hash == pieces.hash);

    fd = dial();
    send_all(fd, data, len, cut);
    close(fd);
    turn();
    fd = dial();
    send_hello(fd);
    send_all(fd, data, len, cut);
    close(fd);
    turn();
    return 0;
}
