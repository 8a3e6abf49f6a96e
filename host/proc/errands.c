/* errands.c - a worker's end of its channel to the master */
#include "proc/errands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"

#define READ_SIZE 4096

struct out {
    uv_write_t request;
    struct buf buf;
};

static void sent(uv_write_t *request, int status)
{
    struct out *out = request->data;

    (void)status; /* a master that is gone shows as the end of what we read */
    buf_free(&out->buf);
    free(out);
}

/* Sends the text in buf as a line and takes its memory. */
static void send_line(struct errands *errands, struct buf *buf)
{
    struct out *out = calloc(1, sizeof *out);
    uv_buf_t data;

    buf_add(buf, "\n", 1);
    if (out == NULL || buf->failed) {
        log_error("out of memory: cannot answer the master");
        buf_free(buf);
        free(out);
        return;
    }
    out->buf = *buf;
    out->request.data = out;
    data = uv_buf_init(out->buf.data, (unsigned)out->buf.len);
    if (uv_write(&out->request, (uv_stream_t *)&errands->pipe, &data, 1, sent) <
        0) {
        sent(&out->request, 0);
    }
}

void errands_say(struct errands *errands, json_t *message)
{
    char *text = json_dumps(message, JSON_COMPACT);
    struct buf buf = { 0 };

    if (text == NULL) {
        buf.failed = true;
    } else {
        buf_adds(&buf, text);
    }
    free(text);
    json_decref(message);
    send_line(errands, &buf);
}

static void begin_answer(struct buf *buf, const json_t *order, bool ok)
{
    buf_addf(buf, "{\"id\":%" JSON_INTEGER_FORMAT ",\"ok\":%s",
             json_integer_value(json_object_get(order, "id")),
             ok ? "true" : "false");
}

static const char *text_of(const json_t *order, const char *key)
{
    const char *text = json_string_value(json_object_get(order, key));

    return text != NULL ? text : "";
}

struct listing {
    struct buf *buf;
    uint64_t now_ms;
    json_int_t left;
    uint64_t total;
};

static uint64_t age(const struct listing *listing, uint64_t then_ms)
{
    return listing->now_ms > then_ms ? listing->now_ms - then_ms : 0;
}

static void add_text(struct buf *buf, const char *key, const char *text)
{
    buf_addf(buf, ",\"%s\":", key);
    buf_add_json(buf, text != NULL ? text : "",
                 text != NULL ? strlen(text) : 0);
}

static void list_one(void *arg, const struct conn_info *info)
{
    struct listing *listing = arg;
    struct buf *buf = listing->buf;

    if (listing->left-- <= 0) {
        listing->total++;
        return;
    }
    /* As a string: it does not fit into the numbers of JavaScript. */
    buf_addf(buf, "%s{\"id\":\"%" PRIu64 "\"", listing->total++ > 0 ? "," : "",
             info->id);
    add_text(buf, "route", info->route);
    add_text(buf, "remote", info->remote);
    add_text(buf, "path", info->path);
    add_text(buf, "subprotocol", info->subprotocol);
    buf_addf(buf, ",\"age_ms\":%" PRIu64,
             age(listing, info->facts.connected_ms));
    if (info->facts.last_message_ms != 0) {
        buf_addf(buf, ",\"last_message_ms\":%" PRIu64,
                 age(listing, info->facts.last_message_ms));
    }
    buf_addf(buf,
             ",\"messages_in\":%" PRIu64 ",\"messages_out\":%" PRIu64
             ",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64
             ",\"queue\":%zu}",
             info->facts.messages_in, info->facts.messages_out,
             info->facts.bytes_in, info->facts.bytes_out, info->facts.backlog);
}

static void do_conns(struct errands *errands, const json_t *order)
{
    struct buf buf = { 0 };
    struct listing listing = {
        .buf = &buf,
        .now_ms = errands->now_ms(errands->arg),
        .left = json_integer_value(json_object_get(order, "limit")),
    };

    begin_answer(&buf, order, true);
    buf_adds(&buf, ",\"conns\":[");
    core_each_connection(errands->core, list_one, &listing);
    buf_addf(&buf, "],\"total\":%" PRIu64 "}", listing.total);
    send_line(errands, &buf);
}

static void do_kick(struct errands *errands, const json_t *order)
{
    struct buf buf = { 0 };
    bay_id id = strtoull(text_of(order, "conn"), NULL, 10);
    bool done = core_kick(errands->core, id, BAY_CLOSE_POLICY,
                          "closed by the operator");

    begin_answer(&buf, order, done);
    buf_adds(&buf, "}");
    send_line(errands, &buf);
}

static void do_log(struct errands *errands, const json_t *order)
{
    enum log_level level = log_level_parse(text_of(order, "level"));
    struct buf buf = { 0 };

    if (level != 0) {
        log_set_level(level);
    }
    begin_answer(&buf, order, level != 0);
    buf_adds(&buf, "}");
    send_line(errands, &buf);
}

static void do_reopen(struct errands *errands, const json_t *order)
{
    const struct conf *conf = errands->conf;

    (void)order;
    if (log_open(conf->log_file, conf->log_format, log_get_level()) < 0) {
        log_error("cannot open the log %s again: %s", conf->log_file,
                  strerror(errno));
    }
    errands->reopened(errands->arg);
}

static void do_drain(struct errands *errands, const json_t *order)
{
    errands->drain(
        errands->arg, (int)json_integer_value(json_object_get(order, "code")),
        text_of(order, "reason"),
        (uint64_t)json_integer_value(json_object_get(order, "limit_ms")),
        (uint64_t)json_integer_value(json_object_get(order, "linger_ms")));
}

static void do_quit(struct errands *errands, const json_t *order)
{
    (void)order;
    errands->quit(errands->arg);
}

static void do_prepare(struct errands *errands, const json_t *order)
{
    errands->prepare(errands->arg, order);
}

static void do_commit(struct errands *errands, const json_t *order)
{
    errands->commit(errands->arg, order);
}

static void do_abort(struct errands *errands, const json_t *order)
{
    (void)order;
    errands->abort(errands->arg);
}

static void do_serve(struct errands *errands, const json_t *order)
{
    (void)order;
    errands->serve(errands->arg);
}

static void do_bans(struct errands *errands, const json_t *order)
{
    (void)order;
    errands->bans(errands->arg);
}

static const struct {
    const char *name;
    void (*run)(struct errands *errands, const json_t *order);
} table[] = {
    { "conns", do_conns },     { "kick", do_kick },     { "log", do_log },
    { "reopen", do_reopen },   { "drain", do_drain },   { "quit", do_quit },
    { "prepare", do_prepare }, { "commit", do_commit }, { "abort", do_abort },
    { "serve", do_serve },     { "bans", do_bans },
};

static void run(struct errands *errands, const char *text, size_t len)
{
    json_t *order = json_loadb(text, len, 0, NULL);
    const char *name = text_of(order, "do");
    bool known = false;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].name, name) == 0) {
            table[i].run(errands, order);
            known = true;
        }
    }
    if (!known) {
        log_error("the master asks for what this worker does not know: %.*s",
                  (int)len, text);
    }
    json_decref(order);
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    struct errands *errands = handle->data;

    (void)suggested;
    room->base = buf_reserve(&errands->in, READ_SIZE);
    room->len = room->base != NULL ? READ_SIZE : 0;
}

static void read_some(uv_stream_t *stream, ssize_t got, const uv_buf_t *room)
{
    struct errands *errands = stream->data;
    char *end;

    (void)room;
    if (got < 0) {
        if (got != UV_ENOBUFS) {
            uv_read_stop(stream);
            errands->orphaned(errands->arg);
        }
        return;
    }
    errands->in.len += (size_t)got;
    while (errands->in.len > 0 &&
           (end = memchr(errands->in.data, '\n', errands->in.len)) != NULL) {
        size_t len = (size_t)(end - errands->in.data);

        run(errands, errands->in.data, len);
        buf_consume(&errands->in, len + 1);
    }
}

int errands_open(struct errands *errands, uv_loop_t *loop, int fd)
{
    uv_pipe_init(loop, &errands->pipe, 0);
    errands->pipe.data = errands;
    if (uv_pipe_open(&errands->pipe, fd) < 0 ||
        uv_read_start((uv_stream_t *)&errands->pipe, give_room, read_some) <
            0) {
        return -1;
    }
    return 0;
}

void errands_tell(int fd, const char *event, const char *why)
{
    struct buf buf = { 0 };

    buf_addf(&buf, "{\"event\":\"%s\"", event);
    if (why != NULL) {
        add_text(&buf, "why", why);
    }
    buf_adds(&buf, "}\n");
    if (!buf.failed) {
        /* It fits: nothing was sent before. If the master has gone there is
         * no one to tell. */
        (void)send(fd, buf.data, buf.len, MSG_NOSIGNAL);
    }
    buf_free(&buf);
}

void errands_close(struct errands *errands)
{
    if (errands->pipe.type == UV_NAMED_PIPE &&
        !uv_is_closing((uv_handle_t *)&errands->pipe)) {
        uv_close((uv_handle_t *)&errands->pipe, NULL);
    }
}

void errands_finish(struct errands *errands)
{
    buf_free(&errands->in);
}
