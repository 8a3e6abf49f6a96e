/* real_redis.h - a redis-server of a test's own, and hosts of one worker each
 *
 * To be included by one file of a program: it defines core_bus_*, which write
 * down what they are told.
 */
#ifndef PATCHBAY_TESTS_REAL_REDIS_H
#define PATCHBAY_TESTS_REAL_REDIS_H

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "bus/redis.h"
#include "core/id.h"
#include "fake_redis.h"

#define HOSTS 2
#define TTL   1200

/* What core was told; `what` is 'p'ublished, 's'ent, 'c'losed, 'k'ept. */
struct event {
    char what;
    struct position at;
    bool late;
    bay_id id;
    char topic[80];
    char text[64];
};

struct replayed {
    uint64_t ticket;
    enum replay result;
    size_t count;
    struct position head;
    struct event first, last;
    size_t pages; /* for the test */
};

struct core {
    struct event events[4096];
    size_t count;
    struct replayed replays[16];
    size_t replay_count;
    struct {
        bay_id worker;
        bool there;
    } peers[64];
    size_t peer_count;
    size_t settled;
};

struct host {
    struct core core;
    struct worker_stats *stats;
    struct conf_cluster conf;
    struct redis_bus *bus;
};

struct real {
    struct fake *fake;
    char socket[80];
    struct redis_url url;
    pid_t pid;
    redisContext *admin;
    struct host hosts[HOSTS];
    unsigned incarnation;
};

/* ---- what core is told ------------------------------------------------- */

static inline struct event *real_note(struct core *core, char what,
                                      const char *topic, const void *data,
                                      size_t len)
{
    struct event *event = &core->events[core->count++];

    assert_true(core->count < 4096);
    *event = (struct event){ .what = what };
    snprintf(event->topic, sizeof event->topic, "%s", topic ? topic : "");
    snprintf(event->text, sizeof event->text, "%.*s",
             (int)(len < 63 ? len : 63), data ? (const char *)data : "");
    return event;
}

void core_bus_publish(struct core *core, const char *route, const char *topic,
                      bay_kind kind, const void *data, size_t len,
                      bay_id except)
{
    assert_string_equal(route, "r");
    assert_int_equal(((const char *)data)[len], 0);
    assert_int_equal(kind, BAY_TEXT);
    real_note(core, 'p', topic, data, len)->id = except;
}

void core_bus_send(struct core *core, const char *route, bay_id id,
                   bay_kind kind, const void *data, size_t len)
{
    assert_string_equal(route, "r");
    assert_int_equal(((const char *)data)[len], 0);
    assert_int_equal(kind, BAY_TEXT);
    real_note(core, 's', NULL, data, len)->id = id;
}

void core_bus_close(struct core *core, const char *route, bay_id id, int code,
                    const char *reason)
{
    assert_string_equal(route, "r");
    assert_int_equal(code, 4001);
    real_note(core, 'c', NULL, reason, reason ? strlen(reason) : 0)->id = id;
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
    assert_string_equal(route, "r");
    assert_true(*topic != '\0');
    core->settled++;
}

static inline void real_take(struct event *event, const struct kept *message)
{
    assert_int_equal(((const char *)message->data)[message->len], 0);
    event->at = message->at;
    event->late = message->late;
    event->id = message->except;
}

bool core_bus_wanted(struct core *core, const char *route, const char *topic)
{
    (void)core;
    (void)topic;
    return strcmp(route, "kept") == 0;
}

void core_bus_untold(struct core *core)
{
    (void)core;
}

void core_bus_kept(struct core *core, const char *route, const char *topic,
                   const struct kept *message)
{
    assert_string_equal(route, "r");
    real_take(real_note(core, 'k', topic, message->data, message->len),
              message);
}

void core_bus_replayed(struct core *core, uint64_t ticket, enum replay result,
                       const struct kept *messages, size_t count,
                       struct position head)
{
    struct replayed *replayed = &core->replays[core->replay_count++];

    assert_true(core->replay_count < 16);
    *replayed =
        (struct replayed){ ticket, result, count, head, { 0 }, { 0 }, 0 };
    for (size_t i = 0; i < count; i++) {
        struct event *event = i == 0 ? &replayed->first : &replayed->last;

        snprintf(event->text, sizeof event->text, "%s",
                 (const char *)messages[i].data);
        real_take(event, &messages[i]);
        assert_true(i == 0 ||
                    messages[i].at.offset > messages[i - 1].at.offset);
    }
    if (count == 1) {
        replayed->last = replayed->first;
    }
}

void core_bus_each_interest(struct core *core,
                            void (*each)(void *arg, const char *route,
                                         const char *topic),
                            void *arg)
{
    (void)core;
    (void)each;
    (void)arg;
}

/* ---- the server -------------------------------------------------------- */

static inline void real_run(struct real *real)
{
    char log[96];

    snprintf(log, sizeof log, "%.60s/redis.log", real->fake->dir);
    real->pid = fork();
    assert_true(real->pid >= 0);
    if (real->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket",
               real->socket, "--dir", real->fake->dir, "--save", "",
               "--appendonly", "yes", "--appendfsync", "always", "--logfile",
               log, (char *)NULL);
        _exit(127);
    }
    real->admin = NULL;
    for (int tries = 0; tries < 1000; tries++) {
        redisReply *reply;

        real->admin = redisConnectUnix(real->socket);
        reply = real->admin->err ? NULL : redisCommand(real->admin, "PING");
        if (reply && reply->type == REDIS_REPLY_STATUS) {
            freeReplyObject(reply);
            return;
        }
        freeReplyObject(reply);
        redisFree(real->admin);
        usleep(5000);
    }
    fail_msg("no redis-server: scripts/setup --tests installs it");
}

static inline void real_kill(struct real *real)
{
    redisFree(real->admin);
    real->admin = NULL;
    kill(real->pid, SIGKILL);
    waitpid(real->pid, NULL, 0);
}

/* Its answer as a number, or 0. */
static inline long long real_ask(struct real *real, const char *command)
{
    redisReply *reply = redisCommand(real->admin, command);
    long long number;

    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR) {
        fail_msg("%s: %s", command, reply->str);
    }
    number = reply->integer;
    freeReplyObject(reply);
    return number;
}

/* ---- the hosts --------------------------------------------------------- */

static inline uint64_t real_state(const struct host *host)
{
    return stat_get(&host->stats->cluster_state);
}

static inline void real_start_as(struct real *real, unsigned i, unsigned node)
{
    struct host *host = &real->hosts[i];
    struct redis_bus_setup setup = {
        .loop = &real->fake->loop,
        .core = &host->core,
        .stats = host->stats,
        .conf = &host->conf,
        .incarnation = ++real->incarnation,
        .token = i + 1,
        .group = i + 1,
        .master = getpid(),
    };
    char name[] = "x";

    free(host->conf.name);
    host->conf = (struct conf_cluster){ .url = real->url,
                                        .name = strdup(name),
                                        .node = node,
                                        .ttl_ms = TTL,
                                        .queue = 1 << 20 };
    host->bus = redis_bus_create(&setup);
    assert_non_null(host->bus);
}

static inline void real_start(struct real *real, unsigned i)
{
    real_start_as(real, i, i + 1);
    until(real->fake, real_state(&real->hosts[i]) == CLUSTER_UP);
}

static inline void real_stop(struct real *real, unsigned i)
{
    redis_bus_destroy(real->hosts[i].bus);
    real->hosts[i].bus = NULL;
}

static inline bay_id real_id(const struct real *real, unsigned i,
                             uint32_t serial)
{
    return id_make(real->hosts[i].conf.node, 0, i + 1, serial);
}

static inline void real_flush(struct real *real)
{
    for (unsigned i = 0; i < HOSTS; i++) {
        if (real->hosts[i].bus) {
            redis_bus_table()->flush(real->hosts[i].bus);
        }
    }
}

/* Something happens, or a while passes. */
static inline void real_settle(struct real *real)
{
    uint64_t end = uv_hrtime() + UINT64_C(20000000);

    while (uv_hrtime() < end) {
        uv_run(&real->fake->loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
}

/* Two hosts that know each other. */
static inline int real_setup(void **state)
{
    struct real *real = calloc(1, sizeof *real);
    struct buf why = { 0 };
    char text[96];

    assert_non_null(real);
    if (fake_setup((void **)&real->fake) != 0) {
        return -1;
    }
    snprintf(real->socket, sizeof real->socket, "%.60s/r", real->fake->dir);
    snprintf(text, sizeof text, "unix:%s", real->socket);
    assert_int_equal(redis_url_parse(&real->url, text, &why), 0);
    real_run(real);
    for (unsigned i = 0; i < HOSTS; i++) {
        real->hosts[i].stats = calloc(1, sizeof *real->hosts[i].stats);
        assert_non_null(real->hosts[i].stats);
        real_start(real, i);
    }
    until(real->fake, real->hosts[0].core.peer_count > 0 &&
                          real->hosts[1].core.peer_count > 0);
    *state = real;
    return 0;
}

static inline int real_teardown(void **state)
{
    struct real *real = *state;
    char command[256];

    for (unsigned i = 0; i < HOSTS; i++) {
        real_stop(real, i);
        free(real->hosts[i].stats);
        free(real->hosts[i].conf.name);
    }
    if (real->admin) {
        real_kill(real);
    }
    redis_url_free(&real->url);
    snprintf(command, sizeof command,
             "rm -rf %.60s/r %.60s/redis.log "
             "%.60s/appendonly*",
             real->fake->dir, real->fake->dir, real->fake->dir);
    assert_int_equal(system(command), 0);
    assert_int_equal(fake_teardown((void **)&real->fake), 0);
    free(real);
    return 0;
}

static inline void real_want(struct real *real, unsigned i, const char *topic)
{
    struct host *host = &real->hosts[i];
    size_t settled = host->core.settled;

    assert_int_equal(redis_bus_table()->interest(host->bus, "r", topic, true),
                     0);
    redis_bus_table()->flush(host->bus);
    until(real->fake, host->core.settled == settled + 1);
}

#endif
