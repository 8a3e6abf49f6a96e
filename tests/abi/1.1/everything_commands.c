/* everything_commands.c - the commands of `everything`, listed in its file */
#include "everything.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST_FILLING 100000

struct call {
    bay_conn *conn;
    bay_route *route;
    struct conn_state *state;
    const char *name; /* of the command */
    char *rest;       /* behind it */
};

/* Cuts the next word off. */
static const char *word(struct call *call)
{
    char *start = call->rest;
    char *end = strchr(start, ' ');

    if (end == NULL) {
        call->rest = start + strlen(start);
    } else {
        *end = 0;
        call->rest = end + 1;
    }
    return start;
}

static uint64_t number(struct call *call)
{
    return strtoull(word(call), NULL, 10);
}

static int integer(struct call *call)
{
    return (int)strtol(word(call), NULL, 10);
}

static int answer(const struct call *call, int status)
{
    return bay_sendf(call->conn, "%s %d", call->name, status);
}

static int tell(const struct call *call, const char *value)
{
    return bay_sendf(call->conn, "%s %s", call->name,
                     value == NULL ? "(null)" : value);
}

static int count(const struct call *call, uint64_t value)
{
    return bay_sendf(call->conn, "%s %" PRIu64, call->name, value);
}

static int do_echo(struct call *call)
{
    return bay_send_text(call->conn, call->rest, strlen(call->rest));
}

static int do_sendf(struct call *call)
{
    return bay_sendf(call->conn, "sendf %d %ld %.2f %s %%", 42, -7L, 2.5,
                     "text");
}

static char *block(size_t len, bool text)
{
    char *data = malloc(len + 1);

    for (size_t i = 0; data != NULL && i < len; i++) {
        data[i] = text ? 'x' : (char)(unsigned char)i;
    }
    return data;
}

static int do_text(struct call *call)
{
    size_t len = number(call);
    char *data = block(len, true);
    int status = bay_send_text(call->conn, data, len);

    free(data);
    return status == 0 ? 0 : answer(call, status);
}

static int do_binary(struct call *call)
{
    size_t len = number(call);
    char *data = block(len, false);
    int status = bay_send_binary(call->conn, data, len);

    free(data);
    return status == 0 ? 0 : answer(call, status);
}

/* Told in drained how far it got, if that is not all. */
static int do_flood(struct call *call)
{
    unsigned many = (unsigned)number(call);

    for (unsigned i = 0; i < many; i++) {
        if (bay_sendf(call->conn, "flood %u", i) != 0) {
            call->state->filled = i;
            return 0;
        }
    }
    return 0;
}

static int do_kind(struct call *call)
{
    bay_kind kind = integer(call);

    return answer(call,
                  bay_send(call->conn, kind, call->rest, strlen(call->rest)));
}

static int do_fill(struct call *call)
{
    size_t len = number(call);
    char *data = block(len, false);
    int status = 0;

    for (call->state->filled = 0; call->state->filled < MOST_FILLING;
         call->state->filled++) {
        status = bay_send_binary(call->conn, data, len);
        if (status != 0) {
            break;
        }
    }
    free(data);
    return status == BAY_EFULL ? 0 : answer(call, status);
}

static int do_backlog(struct call *call)
{
    return count(call, bay_conn_backlog(call->conn));
}

static int do_close(struct call *call)
{
    int code = integer(call);
    int status =
        bay_close(call->conn, code, *call->rest == 0 ? NULL : call->rest);

    return status == 0 ? 0 : answer(call, status);
}

/* The timer's key leads back to the connection: its id, turned over, which no
 * key of a client's resembles. */
static int do_pause(struct call *call)
{
    uint64_t ms = number(call);

    bay_pause(call->conn);
    return answer(call,
                  bay_timer_set(call->route, ~bay_conn_id(call->conn), ms));
}

static int do_return(struct call *call)
{
    return integer(call);
}

static int do_id(struct call *call)
{
    return count(call, bay_conn_id(call->conn));
}

static int do_remote(struct call *call)
{
    return tell(call, bay_conn_remote(call->conn));
}

static int do_path(struct call *call)
{
    return tell(call, bay_conn_path(call->conn));
}

static int do_tail(struct call *call)
{
    return tell(call, bay_conn_tail(call->conn));
}

static int do_subprotocol(struct call *call)
{
    return tell(call, bay_conn_subprotocol(call->conn));
}

static int do_query(struct call *call)
{
    return tell(call, bay_conn_query(call->conn, call->rest));
}

static int do_header(struct call *call)
{
    return tell(call, bay_conn_header(call->conn, call->rest));
}

static int do_openheader(struct call *call)
{
    for (size_t i = 0; i < KEPT_HEADERS; i++) {
        if (strcmp(kept_headers[i], call->rest) == 0) {
            return tell(call,
                        call->state->had[i] ? call->state->headers[i] : NULL);
        }
    }
    return answer(call, BAY_ENOTFOUND);
}

static int do_handshake(struct call *call)
{
    return tell(call, call->state->handshake);
}

static int do_early(struct call *call)
{
    return bay_sendf(call->conn, "early %d %d %d", call->state->early_send,
                     call->state->early_close, call->state->early_reply);
}

static int do_facts(struct call *call)
{
    bay_facts facts;

    bay_conn_facts(call->conn, &facts);
    return bay_sendf(call->conn,
                     "facts connected=%" PRIu64 " last=%" PRIu64 " in=%" PRIu64
                     " out=%" PRIu64 " bytes_in=%" PRIu64 " bytes_out=%" PRIu64
                     " backlog=%zu",
                     facts.connected_ms, facts.last_message_ms,
                     facts.messages_in, facts.messages_out, facts.bytes_in,
                     facts.bytes_out, facts.backlog);
}

static int do_messages(struct call *call)
{
    return count(call, call->state->messages);
}

static int do_opens(struct call *call)
{
    const struct route_state *state = bay_route_data(call->route);

    return count(call, state->opens);
}

static int do_route(struct call *call)
{
    return bay_sendf(call->conn, "route %s %s", bay_route_name(call->route),
                     bay_route_path(call->route));
}

static int do_worker(struct call *call)
{
    return answer(call, bay_route_worker(call->route));
}

static int do_count(struct call *call)
{
    return count(call, bay_route_count(call->route));
}

static int do_now(struct call *call)
{
    return count(call, bay_now_ms(call->route));
}

static int do_list(struct call *call)
{
    char all[LONGEST_COMMAND] = "";
    size_t len = 0;
    bay_conn *conn = NULL;

    while ((conn = bay_route_next(call->route, conn)) != NULL &&
           len < sizeof all - 24) {
        len += (size_t)snprintf(all + len, sizeof all - len, "%s%" PRIu64,
                                len == 0 ? "" : " ", bay_conn_id(conn));
    }
    return tell(call, all);
}

static int do_find(struct call *call)
{
    const bay_conn *conn = bay_route_find(call->route, number(call));

    return tell(call, conn == NULL ? NULL : bay_conn_remote(conn));
}

static int do_conf(struct call *call)
{
    const char *text = bay_conf_str(call->route, call->rest);

    return bay_sendf(call->conn, "conf %s %" PRId64 " %s",
                     text == NULL ? "(null)" : text,
                     bay_conf_int(call->route, call->rest),
                     bay_conf_bool(call->route, call->rest) ? "yes" : "no");
}

static int do_sendto(struct call *call)
{
    bay_id id = number(call);

    return answer(call, bay_send_to(call->route, id, BAY_TEXT, call->rest,
                                    strlen(call->rest)));
}

static int do_closeid(struct call *call)
{
    bay_id id = number(call);
    int code = integer(call);

    return answer(call, bay_close_id(call->route, id, code,
                                     *call->rest == 0 ? NULL : call->rest));
}

static int do_sub(struct call *call)
{
    return answer(call, bay_subscribe(call->conn, call->rest));
}

static int do_unsub(struct call *call)
{
    return answer(call, bay_unsubscribe(call->conn, call->rest));
}

static int do_listen(struct call *call)
{
    return answer(call, bay_listen(call->route, call->rest));
}

static int do_unlisten(struct call *call)
{
    return answer(call, bay_unlisten(call->route, call->rest));
}

static int publish(struct call *call, bay_id except)
{
    const char *topic = word(call);

    return answer(call, bay_publish(call->route, topic, BAY_TEXT, call->rest,
                                    strlen(call->rest), except));
}

static int do_pub(struct call *call)
{
    return publish(call, 0);
}

static int do_others(struct call *call)
{
    return publish(call, bay_conn_id(call->conn));
}

static int join(struct call *call, unsigned flags)
{
    const char *topic = word(call);
    const char *label = word(call);

    return answer(call, bay_join(call->conn, topic, label, call->rest,
                                 strlen(call->rest), flags));
}

static int do_join(struct call *call)
{
    return join(call, 0);
}

static int do_unique(struct call *call)
{
    return join(call, BAY_UNIQUE);
}

static int do_leave(struct call *call)
{
    return answer(call, bay_leave(call->conn, call->rest));
}

static int do_watch(struct call *call)
{
    return answer(call, bay_watch(call->route, call->rest));
}

static int do_unwatch(struct call *call)
{
    return answer(call, bay_unwatch(call->route, call->rest));
}

static int do_members(struct call *call)
{
    char all[LONGEST_COMMAND] = "";
    size_t len = 0;
    const bay_member *member = NULL;

    while ((member = bay_member_next(call->route, call->rest, member)) !=
               NULL &&
           len < sizeof all / 2) {
        len +=
            (size_t)snprintf(all + len, sizeof all - len, " %s", member->label);
    }
    return bay_sendf(call->conn, "members %zu%s",
                     bay_member_count(call->route, call->rest), all);
}

static int do_member(struct call *call)
{
    const char *topic = word(call);
    const bay_member *member = bay_member_find(call->route, topic, call->rest);

    if (member == NULL) {
        return tell(call, NULL);
    }
    return bay_sendf(call->conn, "member %" PRIu64 " %s %zu %s %" PRIu64,
                     member->id, member->label, member->len, member->info,
                     member->joined_ms);
}

static int do_history(struct call *call)
{
    const char *topic = word(call);

    return answer(call, bay_history(call->conn, topic, (unsigned)number(call)));
}

static int do_timer(struct call *call)
{
    uint64_t key = number(call);

    return answer(call, bay_timer_set(call->route, key, number(call)));
}

static int do_clear(struct call *call)
{
    return answer(call, bay_timer_clear(call->route, number(call)));
}

struct work {
    const bay_route *route;
    bay_id id;
    uint64_t ms;
    pthread_t begun_by;
    bool other_thread;
};

static void sleep_a_while(void *arg)
{
    struct work *work = arg;
    struct timespec left = { (time_t)(work->ms / 1000),
                             (long)(work->ms % 1000) * 1000000 };

    while (nanosleep(&left, &left) != 0) {
    }
    work->other_thread = !pthread_equal(pthread_self(), work->begun_by);
    bay_log(work->route, BAY_INFO, "slept %" PRIu64 " ms", work->ms);
}

static void slept(bay_route *route, void *arg, int status)
{
    struct work *work = arg;
    bay_conn *conn = bay_route_find(route, work->id);

    if (conn != NULL) {
        bay_sendf(conn, "deferred %d %s", status,
                  work->other_thread ? "other-thread" : "same-thread");
    } else {
        bay_log(route, BAY_INFO, "deferred %d, but its connection is gone",
                status);
    }
    free(work);
}

static int do_defer(struct call *call)
{
    struct work *work = malloc(sizeof *work);
    int status;

    if (work == NULL) {
        return BAY_ENOMEM;
    }
    *work = (struct work){ .route = call->route,
                           .id = bay_conn_id(call->conn),
                           .ms = number(call),
                           .begun_by = pthread_self() };
    status = bay_defer(call->route, sleep_a_while, slept, work);
    if (status != 0) {
        free(work);
    }
    return answer(call, status);
}

static int do_log(struct call *call)
{
    bay_conn_log(call->conn, BAY_INFO, "%s", call->rest);
    return answer(call, 0);
}

static int do_logroute(struct call *call)
{
    bay_level level = integer(call);

    bay_log(call->route, level, "%s", call->rest);
    return answer(call, 0);
}

static int do_strerror(struct call *call)
{
    return tell(call, bay_strerror(integer(call)));
}

static const struct command {
    const char *name;
    int (*run)(struct call *call);
} commands[] = {
    { "echo", do_echo },
    { "sendf", do_sendf },
    { "text", do_text },
    { "binary", do_binary },
    { "flood", do_flood },
    { "kind", do_kind },
    { "fill", do_fill },
    { "backlog", do_backlog },
    { "close", do_close },
    { "pause", do_pause },
    { "return", do_return },
    { "id", do_id },
    { "remote", do_remote },
    { "path", do_path },
    { "tail", do_tail },
    { "subprotocol", do_subprotocol },
    { "query", do_query },
    { "header", do_header },
    { "openheader", do_openheader },
    { "handshake", do_handshake },
    { "early", do_early },
    { "facts", do_facts },
    { "messages", do_messages },
    { "opens", do_opens },
    { "route", do_route },
    { "worker", do_worker },
    { "count", do_count },
    { "now", do_now },
    { "list", do_list },
    { "find", do_find },
    { "conf", do_conf },
    { "sendto", do_sendto },
    { "closeid", do_closeid },
    { "sub", do_sub },
    { "unsub", do_unsub },
    { "listen", do_listen },
    { "unlisten", do_unlisten },
    { "pub", do_pub },
    { "others", do_others },
    { "join", do_join },
    { "unique", do_unique },
    { "leave", do_leave },
    { "watch", do_watch },
    { "unwatch", do_unwatch },
    { "members", do_members },
    { "member", do_member },
    { "history", do_history },
    { "timer", do_timer },
    { "clear", do_clear },
    { "defer", do_defer },
    { "log", do_log },
    { "logroute", do_logroute },
    { "strerror", do_strerror },
};

int command_run(bay_conn *conn, const char *line)
{
    char text[LONGEST_COMMAND];
    struct call call = { .conn = conn,
                         .route = bay_conn_route(conn),
                         .state = bay_conn_data(conn),
                         .rest = text };

    snprintf(text, sizeof text, "%s", line);
    call.name = word(&call);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].name, call.name) == 0) {
            return commands[i].run(&call);
        }
    }
    return bay_sendf(conn, "unknown %s", call.name);
}
