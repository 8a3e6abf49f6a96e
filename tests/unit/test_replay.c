/* test_replay.c - older messages from the bus: in pages, as the client reads */
#include "core/replay.h"

#include "core/resume.h"
#include "kept_rig.h"

#define RESUME_OF "resume=5,%016llx.7.%u"

static void resume_at(struct peer *peer, unsigned offset)
{
    char query[80];

    snprintf(query, sizeof query, RESUME_OF,
             (unsigned long long)resume_key("t"), offset);
    kept_connect(peer, query, RESUME_SUBPROTOCOL);
    assert_int_equal(rig_frame(peer, NULL), OPCODE_TEXT); /* welcome */
}

/* As kept_expect, to a client that can resume. */
static void expect_lined(struct peer *peer, uint64_t first, uint64_t last)
{
    char rest[64];

    for (uint64_t at = first; at <= last; at++) {
        snprintf(rest, sizeof rest, "7.%llu\nm%llu", (unsigned long long)at,
                 (unsigned long long)at);
        kept_expect_line(peer, 'm', rest);
    }
}

static void newcomers_get_the_last(void **state)
{
    struct peer peer;
    const struct query *query = &kept.asked[0].query;

    (void)state;
    kept.head = 100;
    kept_connect(&peer, "history=25", NULL);
    assert_int_equal(kept.count, 1);
    assert_int_equal(query->after.epoch, 0);
    assert_int_equal(query->max, 25);
    assert_int_equal(query->keep.count, 1000);
    assert_int_equal(query->keep.age_ms, 5000);
    assert_false(query->whole);
    /* About as much as half of its queue takes. */
    assert_true(query->bytes > 30000 && query->bytes <= 32768);
    kept_answer();
    kept_expect(&peer, 76, 85);
    assert_int_equal(query->after.offset, 85);
    kept_answer_all();
    kept_expect(&peer, 86, 100);
    rig_expect_silence(&peer);
    assert_int_equal(kept.total, 3);
    rig_leave(&peer);
}

/* What comes meanwhile is in a later page, or behind the last. */
static void nothing_twice_and_nothing_lost(void **state)
{
    struct peer peer;

    (void)state;
    kept.head = 25;
    kept_connect(&peer, "history=20", NULL);
    kept_push("t", ++kept.head);
    kept_answer(); /* 7 to 16 */
    kept_push("t", ++kept.head);
    kept_answer(); /* 17 to 26 */
    kept_answer_as(0, REPLAY_WHOLE, 27, 27);
    kept_push("t", 27); /* late on the feed */
    kept_push("t", ++kept.head);
    kept_expect(&peer, 7, 28);
    rig_expect_silence(&peer);
    /* The answer is of a moment before what came while it was waited for. */
    rig_leave(&peer);
    kept_connect(&peer, "history=2", NULL);
    kept_push("t", 29);
    kept_push("t", 30);
    kept_answer();
    kept_expect(&peer, 27, 30);
    kept.head = 31;
    kept_push("t", 31);
    kept_expect(&peer, 31, 31);
    rig_expect_silence(&peer);
    assert_int_equal(kept.count, 0);
    rig_leave(&peer);
}

/* It is asked for what it takes, and for no more before it has read. */
static void waits_for_a_slow_client(void **state)
{
    struct peer peer;
    size_t asked;

    (void)state;
    kept.head = 100;
    kept.len = 3000;
    kept.page = 256;
    rig_connect(&peer, "/a");
    peer.room = 0;
    bay_history(&peer.conn->handle, "t", 100);
    kept_answer_all();
    asked = kept.total;
    assert_true(asked <= 2);
    kept_push("t", 100); /* is among those it gets later */
    rig_give_room(&peer, 1000);
    assert_int_equal(kept.total, asked);
    for (int i = 0; i < 100 && kept.total < 50; i++) {
        rig_give_room(&peer, 16000);
        kept_answer_all();
        assert_true(peer.conn->sendq.bytes <= 40000);
    }
    rig_give_room(&peer, SIZE_MAX);
    kept_answer_all();
    rig_give_room(&peer, SIZE_MAX);
    kept_expect(&peer, 1, 100);
    rig_expect_silence(&peer);
    /* Nothing was asked for again: of 300 KB, pages of 8 KB at least. */
    assert_true(kept.total < 40);
    rig_leave(&peer);
}

static void resumes(void **state)
{
    struct peer peer;

    (void)state;
    kept.head = 30;
    resume_at(&peer, 4);
    assert_true(kept.asked[0].query.whole);
    assert_int_equal(kept.asked[0].query.after.offset, 4);
    kept_answer_all();
    expect_lined(&peer, 5, 30);
    kept_expect_line(&peer, 'r', "7.30 26\n");
    kept_push("t", 31);
    expect_lined(&peer, 31, 31);
    rig_leave(&peer);
}

/* It was there when nothing had been said. */
static void resumes_from_nothing(void **state)
{
    char query[80];
    struct peer peer;

    (void)state;
    snprintf(query, sizeof query, "resume=5,%016llx.0.0",
             (unsigned long long)resume_key("t"));
    kept.head = 3;
    kept_connect(&peer, query, RESUME_SUBPROTOCOL);
    assert_int_equal(rig_frame(&peer, NULL), OPCODE_TEXT); /* welcome */
    assert_true(kept.asked[0].query.whole);
    assert_int_equal(kept.asked[0].query.after.epoch, 0);
    assert_true(kept.asked[0].query.max >= 3);
    kept_answer();
    expect_lined(&peer, 1, 3);
    kept_expect_line(&peer, 'r', "7.3 3\n");
    rig_leave(&peer);
}

static void is_too_late(void **state)
{
    struct peer peer;

    (void)state;
    kept.head = 30;
    kept.first = 10;
    resume_at(&peer, 4);
    kept_push("t", 31); /* it is not to miss this as well */
    kept_answer();
    expect_lined(&peer, 31, 31);
    kept_expect_line(&peer, 'x', "7.30\n");
    rig_expect_silence(&peer);
    rig_leave(&peer);
    /* In a later page: what was first in it has grown too old. */
    kept.first = 1;
    kept.head = 31;
    resume_at(&peer, 4);
    kept_answer();
    expect_lined(&peer, 5, 14);
    kept_answer_as(0, REPLAY_TOO_LATE, 0, 0);
    kept_expect_line(&peer, 'x', "7.31\n");
    rig_leave(&peer);
}

/* While the bus cannot tell nobody hears that it is too late. */
static void waits_for_the_bus(void **state)
{
    struct peer peer;

    (void)state;
    kept.head = 6;
    kept.status = BAY_ESTATE;
    resume_at(&peer, 4);
    rig_expect_silence(&peer);
    core_bus_settled(rig.core, "one", "t"); /* not quite */
    rig_expect_silence(&peer);
    kept.status = BAY_OK;
    core_bus_settled(rig.core, "one", "t");
    kept_answer_all();
    expect_lined(&peer, 5, 6);
    kept_expect_line(&peer, 'r', "7.6 2\n");
    rig_leave(&peer);
    /* It goes away with the question; what comes shows that it is back. */
    resume_at(&peer, 4);
    kept_answer_as(0, REPLAY_FAILED, 0, 0);
    rig_expect_silence(&peer);
    kept.head = 7;
    kept_push("t", 7);
    kept_answer_all();
    expect_lined(&peer, 5, 7);
    kept_expect_line(&peer, 'r', "7.7 3\n");
    rig_leave(&peer);
}

#define MANY 300

#define PARKED 600

/* More than may ask at once wait for the bus, in two topics: what comes when it
 * is back does not queue them anew. */
static void many_parked(void **state)
{
    static struct peer peers[PARKED];
    char query[80];

    (void)state;
    kept.head = 3;
    kept.status = BAY_ESTATE;
    for (int i = 0; i < PARKED; i++) {
        const char *topic = i % 2 ? "t" : "u";

        snprintf(query, sizeof query, "resume=1,%016llx.7.1&topic=%s",
                 (unsigned long long)resume_key(topic), topic);
        kept_connect(&peers[i], query, RESUME_SUBPROTOCOL);
        assert_int_equal(rig_frame(&peers[i], NULL), OPCODE_TEXT);
    }
    kept.status = BAY_OK;
    core_bus_settled(rig.core, "one", "t");
    core_bus_settled(rig.core, "one", "u");
    kept_push("t", 4);
    kept_push("u", 4);
    core_bus_settled(rig.core, "one", "t");
    rig_leave(&peers[PARKED - 1]);
    rig_leave(&peers[PARKED - 4]);
    kept.head = 4;
    kept_answer_all();
    for (int i = 0; i < PARKED; i++) {
        if (i != PARKED - 1 && i != PARKED - 4) {
            for (int n = 0; n < 4; n++) { /* three messages, and "r" */
                assert_int_equal(rig_frame(&peers[i], NULL), OPCODE_TEXT);
            }
            rig_expect_silence(&peers[i]);
            rig_leave(&peers[i]);
        }
    }
}

/* No more than 256 ask at once; the others wait, and are not told that it is
 * too late. */
static void many_at_once(void **state)
{
    static struct peer peers[MANY];

    (void)state;
    kept.head = 3;
    for (int i = 0; i < MANY; i++) {
        resume_at(&peers[i], 1);
    }
    assert_int_equal(kept.count, 256);
    rig_leave(&peers[0]); /* one that asks, and one that waits */
    rig_leave(&peers[290]);
    kept_answer_all();
    assert_int_equal(kept.total, MANY - 1);
    for (int i = 1; i < MANY; i++) {
        if (i != 290) {
            expect_lined(&peers[i], 2, 3);
            kept_expect_line(&peers[i], 'r', "7.3 2\n");
            rig_leave(&peers[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEPT_TEST(newcomers_get_the_last),
        KEPT_TEST(nothing_twice_and_nothing_lost),
        KEPT_TEST(waits_for_a_slow_client),
        KEPT_TEST(resumes),
        KEPT_TEST(resumes_from_nothing),
        KEPT_TEST(is_too_late),
        KEPT_TEST(waits_for_the_bus),
        KEPT_TEST(many_at_once),
        KEPT_TEST(many_parked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
