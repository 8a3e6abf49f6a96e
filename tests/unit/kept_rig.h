/* kept_rig.h - a core whose bus keeps what is published, as Redis does
 *
 * What it is asked waits for kept_answer: the topic "t" has the messages "m1" to
 * "mHEAD" of epoch 7, of which the first ones may be gone.
 */
#ifndef PATCHBAY_TESTS_KEPT_RIG_H
#define PATCHBAY_TESTS_KEPT_RIG_H

#include "core/bus.h"
#include "core_rig.h"

#define KEPT_EPOCH 7

struct asked {
    char topic[16];
    struct query query;
};

static struct {
    struct asked asked[1024]; /* not answered yet */
    size_t count, total;
    uint64_t floor; /* the ticket of who asks where a topic stands; 0: nobody */
    uint64_t first, head; /* offsets of those that are kept */
    unsigned page;        /* messages in an answer */
    size_t len;           /* of a message; 0: just its name */
    int status;           /* what replay and append return */
    unsigned appended;
} kept;

static int kept_interest(void *self, const char *route, const char *topic,
                         bool on)
{
    (void)self;
    (void)route;
    (void)topic;
    (void)on;
    return 0;
}

static int kept_publish(void *self, const char *route, const char *topic,
                        bay_kind kind, const void *data, size_t len,
                        bay_id except)
{
    (void)self;
    (void)route;
    (void)topic;
    (void)kind;
    (void)data;
    (void)len;
    (void)except;
    return 0;
}

static void kept_flush(void *self)
{
    (void)self;
}

static int kept_append(void *self, const char *route, const char *topic,
                       const struct keep *keep, bay_kind kind, const void *data,
                       size_t len, bay_id except)
{
    (void)self;
    (void)route;
    (void)topic;
    (void)keep;
    (void)kind;
    (void)data;
    (void)len;
    (void)except;
    kept.appended++;
    return kept.status;
}

static int kept_replay(void *self, const char *route, const char *topic,
                       const struct query *query)
{
    struct asked *asked = &kept.asked[kept.count];

    (void)self;
    assert_string_equal(route, "one");
    if (kept.status != 0) {
        return kept.status;
    }
    if (query->max == 0 && query->keep.count == 0) {
        kept.floor = query->ticket;
        return 0;
    }
    assert_true(kept.count < 1024);
    snprintf(asked->topic, sizeof asked->topic, "%s", topic);
    asked->query = *query;
    kept.count++;
    kept.total++;
    return 0;
}

static const struct bus kept_bus = { .interest = kept_interest,
                                     .publish = kept_publish,
                                     .flush = kept_flush,
                                     .append = kept_append,
                                     .replay = kept_replay,
                                     .settles = true };

static inline struct kept kept_message(uint64_t offset)
{
    static char text[1 << 16];
    struct kept message = { .at = { KEPT_EPOCH, offset },
                            .kind = BAY_TEXT,
                            .publisher = (bay_id)9 << 56,
                            .data = text };
    int name = snprintf(text, sizeof text, "m%llu", (unsigned long long)offset);

    message.len = (size_t)name;
    if (kept.len > message.len) {
        memset(text + name, '.', kept.len - message.len);
        message.len = kept.len;
        text[kept.len] = '\0';
    }
    return message;
}

/* One message as it comes from the bus when it is kept. */
static inline void kept_push(const char *topic, uint64_t offset)
{
    struct kept message = kept_message(offset);

    core_bus_kept(rig.core, "one", topic, &message);
    core_turn(rig.core);
}

static inline void kept_answer_as(size_t which, enum replay result,
                                  uint64_t first, uint64_t last)
{
    struct query query = kept.asked[which].query;
    static struct kept messages[256];
    static char *texts[256];
    size_t count = 0;

    kept.count--;
    memmove(&kept.asked[which], &kept.asked[which + 1],
            (kept.count - which) * sizeof kept.asked[0]);
    for (uint64_t at = first; at <= last && first > 0; at++, count++) {
        assert_true(count < 256);
        messages[count] = kept_message(at);
        texts[count] = malloc(messages[count].len + 1);
        memcpy(texts[count], messages[count].data, messages[count].len + 1);
        messages[count].data = texts[count];
    }
    core_bus_replayed(rig.core, query.ticket, result, messages, count,
                      (struct position){ KEPT_EPOCH, kept.head });
    while (count > 0) {
        free(texts[--count]);
    }
    core_turn(rig.core);
}

/* Answers the first question as Redis would. */
static inline void kept_answer(void)
{
    const struct query *query = &kept.asked[0].query;
    bool known = query->after.epoch == KEPT_EPOCH;
    uint64_t first = kept.first, last;
    enum replay result = REPLAY_WHOLE;

    assert_true(kept.count > 0);
    if (known) {
        result = query->after.offset + 1 < first ? REPLAY_TOO_LATE : result;
        first = query->after.offset >= first ? query->after.offset + 1 : first;
    } else {
        result = query->after.epoch == 0 ? result : REPLAY_TOO_LATE;
        if (kept.head - first + 1 > query->max) {
            first = kept.head - query->max + 1;
        }
    }
    last =
        first + kept.page - 1 < kept.head ? first + kept.page - 1 : kept.head;
    if (kept.len > 0 && last >= first &&
        query->bytes < (last - first + 1) * kept.len) {
        uint64_t count = query->bytes / kept.len;

        last = first + (count > 0 ? count - 1 : 0);
    }
    kept_answer_as(0, result, first, last);
}

/* Where the topic stands, when the worker began to want it. */
static inline void kept_answer_floor(enum replay result)
{
    const struct position head = { KEPT_EPOCH, kept.head };
    uint64_t ticket = kept.floor;

    assert_true(ticket != 0);
    kept.floor = 0;
    core_bus_replayed(rig.core, ticket, result, NULL, 0, head);
}

static inline void kept_answer_all(void)
{
    while (kept.count > 0) {
        kept_answer();
    }
}

/* ---- a plugin whose clients are in a topic ------------------------------ */

static int kept_open(bay_conn *conn)
{
    const char *history = bay_conn_query(conn, "history");
    const char *topic = bay_conn_query(conn, "topic");
    int status = bay_subscribe(conn, topic != NULL ? topic : "t");

    return status == BAY_OK && history != NULL
               ? bay_history(conn, "t", (unsigned)atoi(history))
               : status;
}

static int kept_said(bay_conn *conn, const bay_message *msg)
{
    return bay_publish(bay_conn_route(conn), "t", msg->kind, msg->data,
                       msg->len, 0);
}

static const bay_plugin kept_plugin = { BAY_INIT, .name = "kept",
                                        .open = kept_open,
                                        .message = kept_said };

static inline void kept_connect(struct peer *peer, const char *query,
                                const char *offered)
{
    char list[96] = ""; /* ends with an empty string */
    int status;

    snprintf(list, sizeof list - 1, "%s", query);
    for (char *end = strchr(list, '&'); end != NULL; end = strchr(end, '&')) {
        *end++ = '\0';
    }
    assert_true(rig_ask(peer, "/a", list, offered, &status));
    conn_open(peer->conn);
    core_turn(rig.core);
}

/* "m1" and so on: those that came. */
static inline void kept_expect(struct peer *peer, uint64_t first, uint64_t last)
{
    struct buf data = { 0 };
    char text[32];

    for (uint64_t at = first; at <= last; at++) {
        snprintf(text, sizeof text, "m%llu", (unsigned long long)at);
        assert_int_equal(rig_frame(peer, &data), OPCODE_TEXT);
        assert_int_equal(strncmp(data.data, text, strlen(text)), 0);
        assert_true(data.len == (kept.len > 0 ? kept.len : strlen(text)));
    }
}

/* To a client that can resume: its line, without the key. */
static inline void kept_expect_line(struct peer *peer, char what,
                                    const char *rest)
{
    struct buf data = { 0 };

    assert_int_equal(rig_frame(peer, &data), OPCODE_TEXT);
    assert_int_equal(data.data[0], what);
    assert_true(data.len > 19);
    assert_string_equal(data.data + 19, rest);
}

static inline int kept_setup(void **state)
{
    (void)state;
    memset(&kept, 0, sizeof kept);
    kept.first = 1;
    kept.page = 10;
    rig_init();
    rig.core->setup.bus = &kept_bus;
    rig.core->setup.node = 1;
    rig_route("/a", &kept_plugin);
    rig.routes[0].history = 1000;
    core_find_route(rig.core, "/a")->route->keep =
        (struct keep){ .count = 1000, .age_ms = 5000 };
    return 0;
}

#define KEPT_TEST(f) \
    cmocka_unit_test_setup_teardown(f, kept_setup, rig_teardown)

#endif
