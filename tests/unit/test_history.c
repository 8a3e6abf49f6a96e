/* test_history.c - topics in one order, from a bus that keeps them */
#include "core/history.h"

#include "kept_rig.h"

static void delivers_in_order(void **state)
{
    struct peer peer;

    (void)state;
    rig_connect(&peer, "/a");
    rig_say(&peer, "hi");
    assert_int_equal(kept.appended, 1);
    rig_expect_silence(&peer); /* before it has a place */
    kept_push("t", 4);
    kept_push("t", 5);
    kept_push("t", 5);
    kept_push("t", 3);
    kept_push("nobody", 9);
    kept_expect(&peer, 4, 5);
    rig_expect_silence(&peer);
    assert_int_equal(kept.total, 0);
    /* The bus is away: at once. */
    kept.status = BAY_ESTATE;
    rig_say(&peer, "alone");
    rig_expect_text(&peer, "alone");
    assert_int_equal(stat_get(&rig.stats->routes[0].unkept), 0);
    kept.status = BAY_EFULL;
    rig_say(&peer, "lost");
    rig_expect_text(&peer, "lost");
    assert_int_equal(stat_get(&rig.stats->routes[0].unkept), 1);
    rig_leave(&peer);
}

static void push_unkept(const char *text)
{
    struct kept message = { .kind = BAY_TEXT,
                            .data = text,
                            .len = strlen(text) };

    core_bus_kept(rig.core, "one", "t", &message);
    core_turn(rig.core);
}

/* One that the bus could not keep after all: it has no place. */
static void delivers_what_is_not_kept(void **state)
{
    struct peer peer;

    (void)state;
    rig_connect(&peer, "/a");
    push_unkept("first");
    rig_expect_text(&peer, "first");
    kept_push("t", 1);
    push_unkept("between");
    kept.head = 3;
    kept_push("t", 3); /* 2 is missing, all the same */
    push_unkept("meanwhile");
    kept_answer_all();
    kept_expect(&peer, 1, 1);
    rig_expect_text(&peer, "between");
    rig_expect_text(&peer, "meanwhile");
    kept_expect(&peer, 2, 3);
    rig_expect_silence(&peer);
    rig_leave(&peer);
}

/* In pages, and whatever comes meanwhile. */
static void fills_gaps(void **state)
{
    struct peer peer;
    const struct query *query = &kept.asked[0].query;

    (void)state;
    rig_connect(&peer, "/a");
    kept_push("t", 1);
    kept.head = 35;
    kept_push("t", 35);
    kept_expect(&peer, 1, 1);
    rig_expect_silence(&peer);
    assert_int_equal(kept.count, 1);
    assert_int_equal(query->after.offset, 1);
    assert_int_equal(query->keep.count, 0); /* all that is there */
    assert_true(query->bytes > 0);
    kept_push("t", ++kept.head);
    kept_answer();
    kept_expect(&peer, 2, 11);
    kept_answer_all();
    kept_expect(&peer, 12, 36);
    kept_push("t", 37);
    kept_expect(&peer, 37, 37);
    rig_expect_silence(&peer);
    assert_int_equal(kept.count, 0);
    assert_int_equal(stat_get(&rig.stats->history_missed), 0);
    /* Some of it is gone for good. */
    kept.first = 50;
    kept.head = 52;
    kept_push("t", 52);
    kept_answer_all();
    kept_expect(&peer, 50, 52);
    assert_int_equal(stat_get(&rig.stats->history_missed), 1);
    rig_leave(&peer);
}

static void asks_when_it_hears_again(void **state)
{
    struct peer peer;

    (void)state;
    rig_connect(&peer, "/a");
    kept_push("t", 1); /* does not wait for where it stands */
    kept_expect(&peer, 1, 1);
    kept_answer_floor(REPLAY_WHOLE);
    kept.head = 2;
    core_bus_settled(rig.core, "one", "t");
    kept_answer_all();
    kept_expect(&peer, 2, 2);
    /* It failed: nothing more, until it hears again. */
    kept.head = 3;
    core_bus_settled(rig.core, "one", "t");
    kept_answer_as(0, REPLAY_FAILED, 0, 0);
    assert_int_equal(kept.count, 0);
    core_bus_settled(rig.core, "one", "t");
    kept_answer_all();
    kept_expect(&peer, 3, 3);
    /* The bus hears before it can be asked; and asks, and hears meanwhile. */
    kept.head = 4;
    kept.status = BAY_ESTATE;
    core_bus_settled(rig.core, "one", "t");
    kept.status = BAY_OK;
    core_bus_back(rig.core);
    assert_int_equal(kept.count, 1);
    core_bus_settled(rig.core, "one", "t");
    kept_answer();
    assert_int_equal(kept.count, 1); /* what came between the two */
    kept_answer_all();
    kept_expect(&peer, 4, 4);
    core_bus_back(rig.core);
    assert_int_equal(kept.count, 0);
    /* Of a topic that has gone meanwhile. */
    core_bus_settled(rig.core, "one", "t");
    rig_leave(&peer);
    kept_answer_all();
}

/* Nothing was delivered yet when the bus went away. */
static void knows_where_it_began(void **state)
{
    struct peer peer;

    (void)state;
    kept.head = 5;
    rig_connect(&peer, "/a");
    kept_answer_floor(REPLAY_WHOLE);
    kept.head = 7; /* before the bus hears what is published */
    core_bus_settled(rig.core, "one", "t");
    kept_answer_all();
    kept_expect(&peer, 6, 7);
    rig_leave(&peer);
    /* It hears before the answer comes. */
    rig_connect(&peer, "/a");
    core_bus_settled(rig.core, "one", "t");
    assert_int_equal(kept.count, 0);
    kept_answer_floor(REPLAY_WHOLE);
    kept.head = 8;
    kept_answer_all();
    kept_expect(&peer, 8, 8);
    rig_leave(&peer);
    /* A message shows the gap. */
    rig_connect(&peer, "/a");
    kept_answer_floor(REPLAY_WHOLE);
    kept.head = 10;
    kept_push("t", 10);
    kept_answer_all();
    kept_expect(&peer, 9, 10);
    rig_leave(&peer);
    /* What was sent before it was said where the topic stands is in that. */
    rig_connect(&peer, "/a");
    kept.head = 12;
    kept_answer_floor(REPLAY_WHOLE);
    kept_push("t", 11);
    kept_push("t", 12);
    kept_expect(&peer, 11, 12);
    rig_leave(&peer);
    rig_connect(&peer, "/a");
    kept.head = 14;
    kept_answer_floor(REPLAY_WHOLE);
    core_bus_settled(rig.core, "one", "t");
    kept_push("t", 13); /* while it is asked what was missed */
    kept_answer_all();
    kept_expect(&peer, 13, 14);
    rig_expect_silence(&peer);
    rig_leave(&peer);
    /* It could not be said. */
    rig_connect(&peer, "/a");
    kept_answer_floor(REPLAY_FAILED);
    core_bus_back(rig.core);
    kept_answer_floor(REPLAY_WHOLE);
    kept.head = 15;
    core_bus_settled(rig.core, "one", "t");
    kept_answer_all();
    kept_expect(&peer, 15, 15);
    rig_leave(&peer);
}

/* What was delivered here at once, and is kept late: who has come since has not
 * got it. */
static void late_for_who_came_since(void **state)
{
    struct kept message = kept_message(1);
    struct peer peer;

    (void)state;
    rig_connect(&peer, "/a");
    message.late = true;
    message.publisher = presence_self(rig.core);
    message.time_ms = core_wall(rig.core) + 1000;
    core_bus_kept(rig.core, "one", "t", &message);
    core_turn(rig.core);
    rig_expect_silence(&peer);
    message = kept_message(2);
    message.late = true;
    message.publisher = presence_self(rig.core);
    message.time_ms = core_wall(rig.core) - 1000;
    core_bus_kept(rig.core, "one", "t", &message);
    core_turn(rig.core);
    kept_expect(&peer, 2, 2);
    rig_leave(&peer);
}

/* Redis has lost its newest, and gives their places again. */
static void seen_again(void **state)
{
    struct peer peer;

    (void)state;
    rig_connect(&peer, "/a");
    kept.head = 9;
    kept_answer_floor(REPLAY_WHOLE);
    kept_push("t", 10);
    kept_expect(&peer, 10, 10);
    kept.head = 7;
    core_bus_settled(rig.core, "one", "t");
    kept_answer_all();
    kept_push("t", 8);
    kept_expect(&peer, 8, 8);
    rig_leave(&peer);
}

#define MANY 300

/* No more than 256 at once, and the others behind. */
static void many_topics(void **state)
{
    static struct peer peers[MANY];
    char name[16], query[32];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        snprintf(query, sizeof query, "topic=t%d", i);
        kept_connect(&peers[i], query, NULL);
        kept_answer_floor(REPLAY_WHOLE);
        kept_push(query + 6, 1);
    }
    kept.head = 2;
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "t%d", i);
        core_bus_settled(rig.core, "one", name);
    }
    assert_int_equal(kept.count, 256);
    kept_answer_all();
    assert_int_equal(kept.total, MANY);
    for (int i = 0; i < MANY; i++) {
        kept_expect(&peers[i], 1, 2);
        rig_expect_silence(&peers[i]);
        rig_leave(&peers[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEPT_TEST(delivers_in_order),
        KEPT_TEST(delivers_what_is_not_kept),
        KEPT_TEST(fills_gaps),
        KEPT_TEST(asks_when_it_hears_again),
        KEPT_TEST(knows_where_it_began),
        KEPT_TEST(many_topics),
        KEPT_TEST(late_for_who_came_since),
        KEPT_TEST(seen_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
