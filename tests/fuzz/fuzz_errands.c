/* fuzz_errands.c - what the master says to a worker: orders in lines of JSON */
#include "fuzz.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "proc/errands.h"

static uv_loop_t loop;
static struct conf conf = { .log_file = (char[]){ "/dev/null" },
                            .log_format = LOG_FORMAT_TEXT };
static struct core *core;

static void drain(void *arg, int code, const char *reason, uint64_t limit_ms,
                  uint64_t linger_ms)
{
    (void)arg;
    (void)code;
    (void)limit_ms;
    (void)linger_ms;
    fuzz_check(reason != NULL);
}

static void with_order(void *arg, const json_t *order)
{
    (void)arg;
    fuzz_check(json_is_object(order));
}

static void nothing(void *arg)
{
    (void)arg;
}

static uint64_t now_ms(void *arg)
{
    (void)arg;
    return uv_now(&loop);
}

static uint64_t core_now_ms(void *self)
{
    return now_ms(self);
}

static void no_alarm(void *self, uint64_t at_ms)
{
    (void)self;
    (void)at_ms;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static struct transport transport = { .now_ms = core_now_ms,
                                          .alarm = no_alarm,
                                          .wake = nothing };
    struct core_setup setup = { .transport = &transport, .workers = 1 };

    (void)argc;
    (void)argv;
    log_open("/dev/null", LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG);
    uv_loop_init(&loop);
    setup.stats =
        calloc(1, sizeof *setup.stats + 4 * sizeof(struct route_stats));
    core = core_create(&setup);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct errands errands = { .conf = &conf,
                               .core = core,
                               .drain = drain,
                               .quit = nothing,
                               .prepare = with_order,
                               .commit = with_order,
                               .abort = nothing,
                               .serve = nothing,
                               .bans = nothing,
                               .reopened = nothing,
                               .orphaned = nothing,
                               .now_ms = now_ms };
    uint32_t hash = fuzz_hash(data, len);
    size_t cut = hash % 2 == 0 ? len : 1 + hash / 2 % 64;
    int ends[2];

    fuzz_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    fuzz_check(errands_open(&errands, &loop, ends[1]) == 0);
    while (len > 0) {
        ssize_t sent = send(ends[0], data, cut < len ? cut : len,
                            MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent <= 0) {
            break;
        }
        data += sent;
        len -= (size_t)sent;
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    close(ends[0]);
    uv_run(&loop, UV_RUN_NOWAIT);
    errands_close(&errands);
    uv_run(&loop, UV_RUN_DEFAULT);
    errands_finish(&errands);
    return 0;
}
