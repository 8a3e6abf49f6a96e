/* fake_host.c - hosts one plugin in memory: workers, peers, its own clock */
#include "fake_host.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_state.h"

static void end_peer(struct fake_peer *peer, int code)
{
    if (!peer->open) {
        return;
    }
    peer->closed = code;
    memset(&peer->topics, 0, sizeof peer->topics);
    if (!peer->worker->gone && peer->worker->fake->plugin->close != NULL) {
        peer->worker->fake->plugin->close(&peer->handle, code, "");
    }
    peer->open = false;
}

static void settle(struct fake *fake)
{
    struct fake_peer *peer = LIST_FIRST(&fake->peers);
    struct notice *notice;

    while (peer != NULL || !STAILQ_EMPTY(&fake->notices)) {
        while ((notice = STAILQ_FIRST(&fake->notices)) != NULL) {
            STAILQ_REMOVE_HEAD(&fake->notices, at);
            if (!notice->to->gone) {
                bay_notice is = { .topic = notice->topic,
                                  .data = notice->message->data,
                                  .len = notice->message->is.len,
                                  .kind = notice->message->is.kind,
                                  .local = notice->from == notice->to };

                fake->plugin->notice(&notice->to->handle, &is);
            }
            free(notice->message);
            free(notice);
        }
        LIST_FOREACH(peer, &fake->peers, at)
        {
            if (peer->open && peer->closing != 0) {
                end_peer(peer, peer->closing);
                break; /* and again: others may have been closed by that */
            }
        }
    }
}

/* What a hook returned: 0, an error, or a close code. */
static void judge(struct fake_peer *peer, int result)
{
    if (result != 0 && peer->closing == 0) {
        peer->closing = result > 0 ? result : BAY_CLOSE_INTERNAL;
    }
    settle(peer->worker->fake);
}

/* ---- for the tests ----------------------------------------------------- */

struct fake *fake_create(const bay_plugin *plugin, const char *path)
{
    struct fake *fake = calloc(1, sizeof *fake);

    assert_non_null(fake);
    fake->plugin = plugin;
    fake->path = path;
    fake->now_ms = 1000000;
    LIST_INIT(&fake->peers);
    LIST_INIT(&fake->all);
    STAILQ_INIT(&fake->notices);
    return fake;
}

static void drop_messages(struct fake_peer *peer)
{
    struct message *message;

    while ((message = STAILQ_FIRST(&peer->inbox)) != NULL) {
        STAILQ_REMOVE_HEAD(&peer->inbox, at);
        free(message);
    }
    free(peer->last);
}

void fake_destroy(struct fake *fake)
{
    struct fake_peer *peer;
    struct worker *worker;

    LIST_FOREACH(peer, &fake->peers, at)
    {
        end_peer(peer, BAY_CLOSE_GOING_AWAY);
    }
    settle(fake);
    while ((peer = LIST_FIRST(&fake->peers)) != NULL) {
        LIST_REMOVE(peer, at);
        drop_messages(peer);
        free(peer->data);
        free(peer);
    }
    while ((worker = LIST_FIRST(&fake->all)) != NULL) {
        LIST_REMOVE(worker, at);
        if (fake->plugin->stop != NULL) {
            fake->plugin->stop(&worker->handle);
        }
        free(worker->data);
        free(worker);
    }
    free(fake);
}

void fake_option(struct fake *fake, const char *name, const char *value)
{
    int i = 0;

    while (fake->options[i].name != NULL &&
           strcmp(fake->options[i].name, name) != 0) {
        i++;
        assert_true(i < OPTIONS);
    }
    fake->options[i].name = name;
    fake->options[i].value = value;
}

int fake_start(struct fake *fake, int number)
{
    struct worker *worker = calloc(1, sizeof *worker);
    int status = BAY_OK;

    assert_non_null(worker);
    assert_null(fake->workers[number]);
    worker->handle.api = &fake_api;
    worker->fake = fake;
    worker->number = number;
    worker->data = calloc(1, fake->plugin->route_size + 1);
    LIST_INSERT_HEAD(&fake->all, worker, at);
    fake->workers[number] = worker;
    if (fake->plugin->start != NULL) {
        status = fake->plugin->start(&worker->handle);
    }
    settle(fake);
    return status;
}

void fake_reload(struct fake *fake, int worker)
{
    fake->plugin->reload(&fake->workers[worker]->handle);
    settle(fake);
}

void fake_crash(struct fake *fake, int number)
{
    struct fake_peer *peer;

    fake->workers[number]->gone = true;
    LIST_FOREACH(peer, &fake->peers, at)
    {
        if (peer->worker == fake->workers[number]) {
            end_peer(peer, BAY_CLOSE_ABNORMAL);
        }
    }
    fake->workers[number] = NULL;
}

void fake_lose(struct fake *fake, int worker, int messages)
{
    fake->workers[worker]->lose = messages;
}

static bool run_timer(struct worker *worker)
{
    for (int i = 0; i < TIMERS; i++) {
        if (worker->timers[i].set &&
            worker->timers[i].at_ms <= worker->fake->now_ms) {
            worker->timers[i].set = false;
            worker->fake->plugin->timer(&worker->handle, worker->timers[i].key);
            settle(worker->fake);
            return true;
        }
    }
    return false;
}

static void run_timers(struct fake *fake)
{
    for (int i = 0; i < FAKE_WORKERS; i++) {
        while (fake->workers[i] != NULL && run_timer(fake->workers[i])) {
        }
    }
}

void fake_advance(struct fake *fake, uint64_t ms)
{
    for (uint64_t end = fake->now_ms + ms; fake->now_ms < end;) {
        fake->now_ms += end - fake->now_ms < 10 ? end - fake->now_ms : 10;
        run_timers(fake);
    }
}

void fake_suspend(struct fake *fake, uint64_t ms)
{
    fake->now_ms += ms;
    run_timers(fake);
}

static void unescape(char *out, size_t size, const char *at, const char *ends)
{
    while (*at != '\0' && strchr(ends, *at) == NULL) {
        unsigned byte;

        assert_true(size-- > 1);
        if (*at == '%' && sscanf(at + 1, "%2x", &byte) == 1) {
            *out++ = (char)byte;
            at += 3;
        } else {
            *out++ = *at++;
        }
    }
    *out = '\0';
}

static struct fake_peer *make_peer(struct fake *fake, int worker,
                                   const char *target)
{
    struct fake_peer *peer = calloc(1, sizeof *peer);
    const char *query = target + strcspn(target, "?");

    assert_non_null(peer);
    peer->handle.api = &fake_api;
    peer->worker = fake->workers[worker];
    peer->id = ++fake->last_id;
    STAILQ_INIT(&peer->inbox);
    unescape(peer->path, sizeof peer->path, target, "?");
    for (int i = 0; *query != '\0'; i++) {
        const char *equals = strchr(++query, '=');

        assert_true(i < QUERY && equals != NULL);
        unescape(peer->query[i].name, sizeof peer->query[i].name, query, "=");
        unescape(peer->query[i].value, sizeof peer->query[i].value, equals + 1,
                 "&");
        query += strcspn(query, "&");
    }
    return peer;
}

struct fake_peer *fake_handshake(struct fake *fake, int worker,
                                 const char *target)
{
    struct fake_peer *peer = make_peer(fake, worker, target);
    struct request request = { .handle.api = &fake_api,
                               .method = "GET",
                               .peer = peer };

    peer->data = calloc(1, fake->plugin->conn_size + 1);
    LIST_INSERT_HEAD(&fake->peers, peer, at);
    if (fake->plugin->handshake != NULL) {
        peer->status = fake->plugin->handshake(&peer->handle, &request.handle);
    }
    if (peer->status == 0) {
        peer->status = 101;
    }
    return peer;
}

void fake_open(struct fake_peer *peer)
{
    const bay_plugin *plugin = peer->worker->fake->plugin;

    peer->open = true;
    judge(peer, plugin->open != NULL ? plugin->open(&peer->handle) : 0);
}

struct fake_peer *fake_connect(struct fake *fake, int worker,
                               const char *target)
{
    struct fake_peer *peer = fake_handshake(fake, worker, target);

    if (peer->status == 101) {
        fake_open(peer);
    }
    return peer;
}

int fake_status(const struct fake_peer *peer)
{
    return peer->status;
}

bay_id fake_id(const struct fake_peer *peer)
{
    return peer->id;
}

void fake_message(struct fake_peer *peer, bay_kind kind, const void *data,
                  size_t len)
{
    struct message *message = fake_copy(kind, data, len);

    assert_true(peer->open);
    judge(peer,
          peer->worker->fake->plugin->message(&peer->handle, &message->is));
    free(message);
}

void fake_text(struct fake_peer *peer, const char *text)
{
    fake_message(peer, BAY_TEXT, text, strlen(text));
}

void fake_leave(struct fake_peer *peer)
{
    end_peer(peer, BAY_CLOSE_GOING_AWAY);
    settle(peer->worker->fake);
}

int fake_closed(const struct fake_peer *peer)
{
    return peer->closed;
}

const bay_message *fake_next(struct fake_peer *peer)
{
    free(peer->last);
    peer->last = STAILQ_FIRST(&peer->inbox);
    if (peer->last == NULL) {
        return NULL;
    }
    STAILQ_REMOVE_HEAD(&peer->inbox, at);
    return &peer->last->is;
}

int fake_http(struct fake *fake, int worker, const char *method,
              const char *target, const char **body)
{
    struct fake_peer *peer = make_peer(fake, worker, target);
    struct request request = { .handle.api = &fake_api,
                               .method = method,
                               .peer = peer };
    int status;

    fake->reply[0] = '\0';
    status = fake->plugin->http(&peer->worker->handle, &request.handle);
    *body = fake->reply;
    free(peer);
    settle(fake);
    return status != 0 ? status : request.status;
}

const char *fake_log(const struct fake *fake)
{
    return fake->log;
}
