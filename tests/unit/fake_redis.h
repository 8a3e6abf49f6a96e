/* fake_redis.h - for the tests of the bus between machines: a loop, and a Redis
 * that says what a test says
 *
 * It listens on a Unix socket. What it is sent is read command by command, and
 * each is compared with what was expected.
 */
#ifndef PATCHBAY_TESTS_FAKE_REDIS_H
#define PATCHBAY_TESTS_FAKE_REDIS_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>

#include "base/log.h"
#include "conf/redis_url.h"
#include "patience.h"

#define FAKE_PATIENCE patience(10000) /* ms */
#define FAKE_TIMEOUT  patience(400)   /* ms, of the link */

struct fake {
    char dir[64];
    char log[80];
    char url_text[96];
    struct redis_url url;
    uv_loop_t loop;
    uv_timer_t watchdog;
    bool late;
    int listen_fd;
};

/* One connection to it. */
struct fake_peer {
    int fd;
    redisReader *reader;
};

/* Runs the loop until something is so. */
#define until(fake, condition)                                             \
    do {                                                                   \
        (fake)->late = false;                                              \
        uv_timer_start(&(fake)->watchdog, fake_on_late, FAKE_PATIENCE, 0); \
        while (!(condition)) {                                             \
            if ((fake)->late) {                                            \
                fail_msg("this never came to be: %s", #condition);         \
            }                                                              \
            uv_run(&(fake)->loop, UV_RUN_ONCE);                            \
        }                                                                  \
        uv_timer_stop(&(fake)->watchdog);                                  \
    } while (0)

static inline void fake_on_late(uv_timer_t *timer)
{
    ((struct fake *)timer->data)->late = true;
}

static inline void fake_listen(struct fake *fake)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };

    snprintf(addr.sun_path, sizeof addr.sun_path, "%.60s/s", fake->dir);
    unlink(addr.sun_path);
    fake->listen_fd =
        socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fake->listen_fd >= 0);
    assert_int_equal(
        bind(fake->listen_fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(listen(fake->listen_fd, 16), 0);
}

static inline int fake_setup(void **state)
{
    struct fake *fake = calloc(1, sizeof *fake);
    struct buf why = { 0 };

    assert_non_null(fake);
    strcpy(fake->dir, "/tmp/patchbay-fake-XXXXXX");
    assert_non_null(mkdtemp(fake->dir));
    snprintf(fake->log, sizeof fake->log, "%.60s/log", fake->dir);
    assert_int_equal(log_open(fake->log, LOG_FORMAT_TEXT, LOG_LEVEL_INFO), 0);
    snprintf(fake->url_text, sizeof fake->url_text, "unix:%.60s/s", fake->dir);
    assert_int_equal(redis_url_parse(&fake->url, fake->url_text, &why), 0);
    assert_int_equal(uv_loop_init(&fake->loop), 0);
    uv_timer_init(&fake->loop, &fake->watchdog);
    fake->watchdog.data = fake;
    fake_listen(fake);
    *state = fake;
    return 0;
}

static inline int fake_teardown(void **state)
{
    struct fake *fake = *state;
    char path[80];

    uv_close((uv_handle_t *)&fake->watchdog, NULL);
    uv_run(&fake->loop, UV_RUN_NOWAIT);
    assert_int_equal(uv_loop_close(&fake->loop), 0);
    assert_int_equal(log_open("-", LOG_FORMAT_TEXT, LOG_LEVEL_INFO), 0);
    close(fake->listen_fd);
    snprintf(path, sizeof path, "%.60s/s", fake->dir);
    unlink(path);
    unlink(fake->log);
    assert_int_equal(rmdir(fake->dir), 0);
    redis_url_free(&fake->url);
    free(fake);
    return 0;
}

/* Lines of the log with this text in them. */
static inline int fake_logged(const struct fake *fake, const char *text)
{
    FILE *file = fopen(fake->log, "r");
    char line[4096];
    int count = 0;

    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        count += strstr(line, text) != NULL;
    }
    fclose(file);
    return count;
}

static inline bool fake_try_accept(struct fake *fake, struct fake_peer *peer)
{
    peer->fd =
        accept4(fake->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    peer->reader = peer->fd >= 0 ? redisReaderCreate() : NULL;
    return peer->fd >= 0;
}

static inline struct fake_peer fake_accept(struct fake *fake)
{
    struct fake_peer peer;

    until(fake, fake_try_accept(fake, &peer));
    return peer;
}

static inline void fake_hang_up(struct fake_peer *peer)
{
    close(peer->fd);
    redisReaderFree(peer->reader);
    peer->reader = NULL;
    peer->fd = -1;
}

static inline void fake_write(const struct fake_peer *peer, const void *data,
                              size_t len)
{
    assert_int_equal(send(peer->fd, data, len, MSG_NOSIGNAL), len);
}

static inline void fake_say(const struct fake_peer *peer, const char *text)
{
    fake_write(peer, text, strlen(text));
}

/* The next command, or NULL if it is not there as a whole. */
static inline redisReply *fake_next(const struct fake_peer *peer)
{
    char bytes[65536];
    void *reply = NULL;
    ssize_t n = recv(peer->fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (n > 0) {
        assert_int_equal(redisReaderFeed(peer->reader, bytes, (size_t)n), 0);
    }
    assert_int_equal(redisReaderGetReply(peer->reader, &reply), 0);
    return reply;
}

static inline redisReply *fake_command(struct fake *fake,
                                       const struct fake_peer *peer)
{
    redisReply *command = NULL;

    until(fake, (command = fake_next(peer)) != NULL);
    assert_int_equal(command->type, REDIS_REPLY_ARRAY);
    return command;
}

/* The next command is this one: its words with blanks between, as far as the
 * text goes. */
static inline void fake_expect(struct fake *fake, const struct fake_peer *peer,
                               const char *text)
{
    redisReply *command = fake_command(fake, peer);
    struct buf said = { 0 };

    for (size_t i = 0; i < command->elements; i++) {
        buf_addf(&said, "%s%s", i > 0 ? " " : "", command->element[i]->str);
    }
    if (strncmp(said.data, text, strlen(text)) != 0) {
        fail_msg("\"%s\" instead of \"%s\"", said.data, text);
    }
    buf_free(&said);
    freeReplyObject(command);
}

static inline void fake_bulk(const struct fake_peer *peer, const char *data,
                             size_t len)
{
    char head[32];

    snprintf(head, sizeof head, "$%zu\r\n", len);
    fake_say(peer, head);
    fake_write(peer, data, len);
    fake_say(peer, "\r\n");
}

#define FAKE_INFO "redis_mode:standalone\r\nrun_id:abc\r\nrole:master\r\n"

/* What a link is told at its beginning, and answers. */
static inline void fake_greet(struct fake *fake, const struct fake_peer *peer)
{
    fake_expect(fake, peer, "INFO");
    fake_bulk(peer, FAKE_INFO, strlen(FAKE_INFO));
    fake_expect(fake, peer, "CLIENT SETNAME ");
    fake_say(peer, "+OK\r\n");
}

#endif
