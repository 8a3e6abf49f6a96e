/* test_redis_log.c - history in a Redis that is there: kept once, in order,
 * late if need be
 */
#include "bus/redis_log.h"

#include "base/clock.h"
#include "bus/envelope.h"
#include "real_redis.h"

static struct keep keep = { .count = 5, .age_ms = 60000 };

static int append_as(struct real *real, unsigned i, const char *topic,
                     const char *text)
{
    return redis_bus_table()->append(real->hosts[i].bus, "r", topic, &keep,
                                     BAY_TEXT, text, strlen(text), 42);
}

static int append(struct real *real, unsigned i, const char *text)
{
    int status = append_as(real, i, "t", text);

    real_flush(real);
    return status;
}

static bool host_waits(const struct real *real)
{
    return stat_get(&real->hosts[0].stats->cluster_late) < 3;
}

static const struct event *event(const struct real *real, unsigned i, size_t at)
{
    assert_true(real->hosts[i].core.count > at);
    return &real->hosts[i].core.events[at];
}

static void expect(const struct real *real, unsigned i, size_t at,
                   const char *text, uint64_t offset, bool late)
{
    const struct event *e = event(real, i, at);

    assert_string_equal(e->text, text);
    assert_int_equal(e->what, 'k');
    assert_int_equal(e->at.offset, offset);
    assert_int_equal(e->at.epoch != 0, offset != 0);
    assert_int_equal(e->late, late);
    assert_int_equal(e->id, 42);
    assert_string_equal(e->topic, "t");
}

/* Asks on till all pages are there: the first and the last message, how many,
 * and the result of the first page. */
static const struct replayed *replay_of(struct real *real, unsigned i,
                                        struct query query)
{
    static struct replayed all;
    struct core *core = &real->hosts[i].core;

    all = (struct replayed){ .result = 0 };
    for (;;) {
        const struct replayed *page = &core->replays[0];

        core->replay_count = 0;
        query.ticket++;
        assert_int_equal(
            redis_bus_table()->replay(real->hosts[i].bus, "r", "t", &query), 0);
        assert_int_equal(core->replay_count, 0);
        real_flush(real);
        until(real->fake, core->replay_count == 1);
        assert_int_equal(page->ticket, query.ticket);
        all.result = all.result ? all.result : page->result;
        all.first = all.count > 0 ? all.first : page->first;
        all.last = page->count > 0 ? page->last : all.last;
        all.count += page->count;
        all.pages++;
        all.head = page->head;
        if (page->count == 0 || page->last.at.offset >= page->head.offset) {
            return &all;
        }
        query.after = page->last.at;
    }
}

static const struct replayed *replay(struct real *real, unsigned i,
                                     struct position after, unsigned max)
{
    return replay_of(real, i, (struct query){ .after = after, .max = max });
}

static void keeps_and_gives_to_all(void **state)
{
    struct real *real = *state;
    struct core *core = &real->hosts[0].core;
    char text[16];

    real_want(real, 0, "t");
    real_want(real, 1, "t");
    for (int i = 1; i <= 20; i++) {
        snprintf(text, sizeof text, "m%d", i);
        assert_int_equal(append(real, (unsigned)i % 2, text), 0);
    }
    until(real->fake, core->count == 20 && real->hosts[1].core.count == 20);
    for (size_t i = 0; i < 20; i++) {
        /* In one order for all, their own among them. */
        expect(real, 0, i, event(real, 1, i)->text, i + 1, false);
        expect(real, 1, i, event(real, 0, i)->text, i + 1, false);
    }
    assert_int_equal(real_ask(real, "XLEN pb:x:hs:r:t"), 5);
    assert_true(real_ask(real, "PTTL pb:x:hs:r:t") > 50000);
    assert_true(real_ask(real, "PTTL pb:x:hm:r:t") > 86400000);
}

static void replays_what_is_behind(void **state)
{
    struct real *real = *state;
    struct position at = { 0 };
    const struct replayed *got = replay(real, 0, at, 3);

    /* Nothing yet. */
    assert_int_equal(got->result, REPLAY_WHOLE);
    assert_int_equal(got->count, 0);
    assert_int_equal(got->head.epoch, 0);
    /* Who hears where it begins can come back to it. */
    at = replay(real, 0, at, 0)->head;
    assert_true(at.epoch != 0);
    assert_int_equal(at.offset, 0);
    assert_true(replay(real, 1, at, 0)->head.epoch == at.epoch);
    real_want(real, 1, "t");
    for (int i = 0; i < 8; i++) {
        char text[2] = { (char)('a' + i), '\0' };

        append(real, 0, text);
    }
    until(real->fake, real->hosts[1].core.count == 8);
    assert_true(event(real, 1, 5)->at.epoch == at.epoch);
    at = event(real, 1, 5)->at;

    got = replay(real, 1, at, 100);
    assert_int_equal(got->result, REPLAY_WHOLE);
    assert_int_equal(got->count, 2);
    assert_string_equal(got->first.text, "g");
    assert_string_equal(got->last.text, "h");
    assert_int_equal(got->head.offset, 8);
    assert_true(got->head.epoch == at.epoch);
    assert_true(got->last.at.epoch == at.epoch);

    at.offset = 8;
    got = replay(real, 1, at, 2);
    assert_int_equal(got->result, REPLAY_WHOLE);
    assert_int_equal(got->count, 0);
    /* Some of it is not kept any more. */
    at.offset = 2;
    got = replay(real, 1, at, 100);
    assert_int_equal(got->result, REPLAY_TOO_LATE);
    assert_int_equal(got->count, 5);
    assert_string_equal(got->first.text, "d");
    at.offset = 3;
    assert_int_equal(replay(real, 1, at, 100)->result, REPLAY_WHOLE);
    /* A position that never was, or of another epoch. */
    at.offset = 9;
    got = replay(real, 1, at, 2);
    assert_int_equal(got->result, REPLAY_TOO_LATE);
    assert_int_equal(got->count, 2);
    assert_string_equal(got->last.text, "h");
    at.epoch++;
    at.offset = 8;
    assert_int_equal(replay(real, 1, at, 2)->result, REPLAY_TOO_LATE);
    /* A newcomer. */
    got = replay(real, 0, (struct position){ 0 }, 3);
    assert_int_equal(got->result, REPLAY_WHOLE);
    assert_int_equal(got->count, 3);
    assert_string_equal(got->first.text, "f");
}

/* To who was there before anything was said, all is given or nothing. */
static void replays_from_the_first(void **state)
{
    struct real *real = *state;
    const struct query query = { .max = UINT32_MAX, .whole = true };
    const struct replayed *got = replay_of(real, 0, query);

    assert_int_equal(got->result, REPLAY_WHOLE);
    assert_int_equal(got->count, 0);
    real_want(real, 0, "t");
    for (unsigned i = 1; i <= 6; i++) {
        append(real, 1, "text");
        until(real->fake, real->hosts[0].core.count == i);
        got = replay_of(real, 0, query);
        assert_int_equal(got->result, i <= 5 ? REPLAY_WHOLE : REPLAY_TOO_LATE);
        assert_int_equal(got->count, i <= 5 ? i : 5);
    }
}

/* Entries as another host would have kept them, at a time. */
static void put(struct real *real, unsigned first, unsigned last,
                uint64_t time_ms)
{
    struct envelope envelope = { .type = ENVELOPE_KEPT,
                                 .kind = BAY_TEXT,
                                 .from = real_id(real, 1, 0),
                                 .time_ms = time_ms,
                                 .id = 42,
                                 .route = "r",
                                 .text = "t" };
    char text[512], bytes[1024];

    memset(text, 'x', sizeof text);
    for (unsigned i = first; i <= last; i++) {
        text[snprintf(text, sizeof text, "m%u", i)] = ' ';
        envelope.data = text;
        envelope.len = sizeof text;
        envelope_encode(bytes, &envelope);
        redisAppendCommand(real->admin, "XADD pb:x:hs:r:t %u-0 m %b", i, bytes,
                           envelope_size(&envelope));
    }
    for (unsigned i = first; i <= last; i++) {
        redisReply *reply;

        assert_int_equal(redisGetReply(real->admin, (void **)&reply), REDIS_OK);
        assert_int_equal(reply->type, REDIS_REPLY_STRING);
        freeReplyObject(reply);
    }
    snprintf(text, sizeof text, "HSET pb:x:hm:r:t e 7 o %u", last);
    real_ask(real, text);
}

static void replays_in_pages(void **state)
{
    struct real *real = *state;
    struct query query = { .max = UINT32_MAX };
    const struct replayed *got;

    put(real, 1, 600, 1);
    got = replay_of(real, 0, query);
    assert_int_equal(got->count, 600);
    assert_int_equal(got->pages, 3);
    assert_memory_equal(got->first.text, "m1 ", 3);
    assert_memory_equal(got->last.text, "m600 ", 5);
    /* So many bytes, but at least one message. */
    query.after = (struct position){ 7, 580 };
    query.bytes = 3000;
    got = replay_of(real, 0, query);
    assert_int_equal(got->count, 20);
    assert_int_equal(got->pages, 4);
    assert_int_equal(got->result, REPLAY_WHOLE);
    query.bytes = 1;
    got = replay_of(real, 0, query);
    assert_int_equal(got->count, 20);
    assert_int_equal(got->pages, 20);
    /* The last ones. */
    query = (struct query){ .max = 300 };
    got = replay_of(real, 0, query);
    assert_int_equal(got->count, 300);
    assert_memory_equal(got->first.text, "m301 ", 5);
    /* The route keeps less than others do. */
    query.keep.count = 10;
    assert_int_equal(replay_of(real, 0, query)->count, 10);
    query.after = (struct position){ 7, 590 };
    assert_int_equal(replay_of(real, 0, query)->result, REPLAY_WHOLE);
    query.after.offset--;
    assert_int_equal(replay_of(real, 0, query)->result, REPLAY_TOO_LATE);
}

static void replays_what_is_not_too_old(void **state)
{
    struct real *real = *state;
    uint64_t now = clock_wall_ms();
    struct query query = { .max = 1000, .keep = { 1000, 3600000 } };
    const struct replayed *got;

    put(real, 1, 600, now - 2 * 3600000);
    put(real, 601, 610, now);
    got = replay_of(real, 0, query); /* two pages hold nothing for it */
    assert_int_equal(got->result, REPLAY_WHOLE);
    assert_int_equal(got->count, 10);
    assert_int_equal(got->pages, 1);
    assert_memory_equal(got->first.text, "m601 ", 5);
    query.after = (struct position){ 7, 600 };
    got = replay_of(real, 0, query);
    assert_int_equal(got->result, REPLAY_WHOLE);
    assert_int_equal(got->count, 10);
    query.after.offset = 599;
    assert_int_equal(replay_of(real, 0, query)->result, REPLAY_TOO_LATE);
    query.after.offset = 5;
    query.whole = true;
    got = replay_of(real, 0, query);
    assert_int_equal(got->result, REPLAY_TOO_LATE);
    assert_int_equal(got->count, 0);
    query.whole = false;
    got = replay_of(real, 0, query);
    assert_int_equal(got->result, REPLAY_TOO_LATE);
    assert_int_equal(got->count, 10);
    /* A worker gets all that is there. */
    query.keep = (struct keep){ 0 };
    assert_int_equal(replay_of(real, 0, query)->count, 605);
    assert_int_equal(replay_of(real, 0, query)->result, REPLAY_WHOLE);
}

static void keeps_late_what_came_while_it_was_away(void **state)
{
    struct real *real = *state;
    struct core *core = &real->hosts[1].core;
    const struct query query = { .max = 1 };
    const struct replayed *got;
    size_t count;

    real_want(real, 0, "t");
    real_want(real, 1, "t");
    append(real, 0, "before");
    until(real->fake, core->count == 1 && real->hosts[0].core.count == 1);
    real_kill(real);
    until(real->fake, real_state(&real->hosts[0]) == CLUSTER_AWAY &&
                          real_state(&real->hosts[1]) == CLUSTER_AWAY);
    assert_int_equal(append(real, 0, "one"), BAY_ESTATE);
    assert_int_equal(append(real, 0, "two"), BAY_ESTATE);
    assert_int_equal(
        redis_bus_table()->replay(real->hosts[0].bus, "r", "t", &query),
        BAY_ESTATE);
    real_run(real);
    until(real->fake, real_state(&real->hosts[0]) == CLUSTER_UP &&
                          real_state(&real->hosts[1]) == CLUSTER_UP);
    while (stat_get(&real->hosts[0].stats->cluster_late) < 2) {
        real_settle(real);
    }
    /* What was kept before one had subscribed again is for core to ask for. */
    got = replay(real, 1, event(real, 1, 0)->at, 10);
    assert_int_equal(got->result, REPLAY_WHOLE);
    assert_int_equal(got->count, 2);
    assert_string_equal(got->first.text, "one");
    assert_string_equal(got->last.text, "two");
    assert_true(got->first.late && got->last.late);
    assert_true(got->head.epoch == event(real, 1, 0)->at.epoch);
    count = core->count;
    assert_int_equal(append(real, 0, "three"), 0);
    until(real->fake, core->count == count + 1);
    expect(real, 1, count, "three", 4, false);
}

static void bounds_what_waits(void **state)
{
    struct real *real = *state;
    struct host *host = &real->hosts[0];
    char *text = calloc(1, 100001);
    int i = 0;

    assert_non_null(text);
    memset(text, 'x', 100000);
    real_kill(real);
    until(real->fake, real_state(host) == CLUSTER_AWAY);
    while (append(real, 0, text) == BAY_ESTATE) {
        assert_true(++i < 100);
    }
    assert_int_equal(i, 10);
    assert_int_equal(append(real, 0, text), BAY_EFULL);
    assert_int_equal(stat_get(&host->stats->cluster_not_sent), 2);
    free(text);
}

/* What was given to it, and was not answered, is given again: kept once. */
static void keeps_once_what_is_given_twice(void **state)
{
    struct real *real = *state;
    struct position after = { 0 };
    const struct replayed *got;

    real_want(real, 1, "t");
    assert_int_equal(append(real, 0, "kept"), 0);
    /* This loop does not run: the answer is not read before it is lost. */
    while (real_ask(real, "XLEN pb:x:hs:r:t") == 0) {
        usleep(1000);
    }
    kill(real->pid, SIGSTOP);
    assert_int_equal(append(real, 0, "not yet"), 0);
    real_kill(real);
    until(real->fake, real_state(&real->hosts[0]) == CLUSTER_AWAY);
    real_run(real);
    until(real->fake, real_state(&real->hosts[0]) == CLUSTER_UP &&
                          real_state(&real->hosts[1]) == CLUSTER_UP);
    got = replay(real, 1, after, 100);
    while (got->head.offset < 2) {
        real_settle(real);
        got = replay(real, 1, after, 100);
    }
    assert_int_equal(got->count, 2);
    assert_string_equal(got->first.text, "kept");
    assert_string_equal(got->last.text, "not yet");
    assert_false(got->last.late);
}

/* How often it said that it has no memory. */
static int refusals(struct real *real)
{
    redisReply *reply = redisCommand(real->admin, "INFO errorstats");
    const char *found;
    int count;

    assert_non_null(reply);
    found = strstr(reply->str, "errorstat_OOM:count=");
    count = found ? atoi(found + strlen("errorstat_OOM:count=")) : 0;
    freeReplyObject(reply);
    return count;
}

static void goes_on_when_redis_has_no_memory(void **state)
{
    struct real *real = *state;
    struct host *host = &real->hosts[0];
    struct core *core = &host->core, *other = &real->hosts[1].core;
    const struct replayed *got;

    real_want(real, 0, "t");
    real_want(real, 1, "t");
    real_ask(real, "CONFIG SET maxmemory 1");
    append(real, 0, "zero"); /* it may not have noticed yet */
    until(real->fake, core->count == 1);
    core->count = other->count = 0;
    append(real, 0, "one");
    append(real, 0, "two");
    until(real->fake, core->count == 2);
    expect(real, 0, 0, "one", 0, false);
    expect(real, 0, 1, "two", 0, false);
    assert_int_equal(real_state(host), CLUSTER_FULL);
    assert_int_equal(fake_logged(real->fake, "no memory left"), 1);
    assert_int_equal(append(real, 0, "three"), BAY_ESTATE);
    /* What is published needs no memory. */
    assert_int_equal(
        redis_bus_table()->publish(host->bus, "r", "t", BAY_TEXT, "p", 1, 42),
        0);
    real_flush(real);
    until(real->fake,
          other->count > 0 && other->events[other->count - 1].what == 'p');
    other->count = 0;
    while (refusals(real) < 4) { /* it is tried again, and in vain */
        real_settle(real);
    }
    real_ask(real, "CONFIG SET maxmemory 0");
    until(real->fake, real_state(host) == CLUSTER_UP && !host_waits(real));
    assert_int_equal(append(real, 0, "four"), 0);
    got = replay(real, 1, (struct position){ 0 }, 4);
    assert_string_equal(got->first.text, "one");
    assert_true(got->first.late);
    assert_string_equal(got->last.text, "four");
    assert_false(got->last.late);
    until(real->fake, other->count >= 4);
    assert_string_equal(event(real, 1, other->count - 3)->text, "two");
    assert_string_equal(event(real, 1, other->count - 2)->text, "three");
}

static void loads_its_scripts_again(void **state)
{
    struct real *real = *state;

    real_want(real, 1, "t");
    real_ask(real, "SCRIPT FLUSH");
    assert_int_equal(append(real, 0, "one"), 0);
    assert_int_equal(append(real, 0, "two"), 0);
    until(real->fake, real->hosts[1].core.count == 2);
    expect(real, 1, 0, "one", 1, false);
    expect(real, 1, 1, "two", 2, false);
    /* Each by itself, also when several have been asked for. */
    real_ask(real, "SCRIPT FLUSH");
    for (int i = 0; i < 3; i++) {
        const struct query query = { .max = 5, .ticket = (uint64_t)i };

        assert_int_equal(
            redis_bus_table()->replay(real->hosts[1].bus, "r", "t", &query), 0);
    }
    assert_int_equal(append(real, 0, "three"), 0);
    until(real->fake, real->hosts[1].core.replay_count == 3 &&
                          real->hosts[1].core.count == 3);
    for (int i = 0; i < 3; i++) {
        const struct replayed *got = &real->hosts[1].core.replays[i];

        assert_int_equal(got->result, REPLAY_WHOLE);
        assert_int_equal(got->ticket, i);
        assert_string_equal(got->first.text, "one");
    }
    assert_int_equal(replay(real, 0, (struct position){ 0 }, 5)->count, 3);
}

/* Redis does not take them for now. */
static void loads_its_scripts_later(void **state)
{
    struct real *real = *state;
    struct host *host = &real->hosts[0];
    const struct query query = { .max = 5 };

    real_want(real, 0, "t");
    real_ask(real, "SCRIPT FLUSH");
    real_ask(real, "ACL SETUSER default -script");
    assert_int_equal(append(real, 0, "one"), 0);
    until(real->fake, host->core.count == 1);
    expect(real, 0, 0, "one", 0, false);
    assert_int_equal(fake_logged(real->fake, "does not take a script: "), 1);
    assert_int_equal(redis_bus_table()->replay(host->bus, "r", "t", &query), 0);
    until(real->fake, host->core.replay_count == 1);
    assert_int_equal(host->core.replays[0].result, REPLAY_FAILED);
    assert_int_equal(redis_bus_table()->replay(host->bus, "r", "t", &query),
                     BAY_ESTATE);
    real_ask(real, "ACL SETUSER default +script");
    until(real->fake, stat_get(&host->stats->cluster_late) == 1);
    assert_int_equal(append(real, 0, "two"), 0);
    assert_string_equal(replay(real, 0, (struct position){ 0 }, 5)->last.text,
                        "two");
}

static void says_what_cannot_be_kept(void **state)
{
    struct real *real = *state;

    real_want(real, 0, "t");
    assert_int_equal(append(real, 0, "none"), 0);
    until(real->fake, real->hosts[0].core.count == 1);
    real_ask(real, "SET pb:x:hs:r:t x");
    assert_int_equal(append(real, 0, "one"), 0);
    until(real->fake, real->hosts[0].core.count == 2);
    expect(real, 0, 1, "one", 0, false);
    assert_int_equal(stat_get(&real->hosts[0].stats->cluster_not_sent), 1);
    assert_int_equal(fake_logged(real->fake, "does not keep a message: "), 1);
    real_ask(real, "DEL pb:x:hs:r:t");
    assert_int_equal(append(real, 0, "two"), 0);
    until(real->fake, real->hosts[0].core.count == 3);
    expect(real, 0, 2, "two", 2, false);
}

/* A Redis that came back with less than it had: positions are not given
 * again to other messages. */
static void begins_an_epoch_when_redis_has_lost_some(void **state)
{
    struct real *real = *state;
    struct core *core = &real->hosts[0].core;
    struct position old;

    real_want(real, 0, "t");
    append(real, 0, "one");
    append(real, 0, "two");
    append(real, 0, "three");
    until(real->fake, core->count == 3);
    old = event(real, 0, 2)->at;
    real_ask(real, "HSET pb:x:hm:r:t o 1");
    real_ask(real, "XTRIM pb:x:hs:r:t MAXLEN 1");
    append(real, 0, "four");
    until(real->fake, core->count == 4);
    assert_false(event(real, 0, 3)->at.epoch == old.epoch);
    assert_int_equal(event(real, 0, 3)->at.offset, 1);
    assert_int_equal(replay(real, 0, old, 10)->result, REPLAY_TOO_LATE);
    /* And all is gone. */
    real_ask(real, "DEL pb:x:hm:r:t pb:x:hs:r:t");
    old = event(real, 0, 3)->at;
    append(real, 0, "five");
    until(real->fake, core->count == 5);
    assert_false(event(real, 0, 4)->at.epoch == old.epoch);
}

static void passes_over_what_is_no_envelope(void **state)
{
    struct real *real = *state;
    const struct replayed *got;

    real_want(real, 0, "t");
    append(real, 0, "one");
    until(real->fake, real->hosts[0].core.count == 1);
    real_ask(real, "XADD pb:x:hs:r:t 2-0 m garbage");
    real_ask(real, "HSET pb:x:hm:r:t o 2");
    got = replay(real, 0, (struct position){ 0 }, 10);
    assert_int_equal(got->count, 1);
    assert_true(stat_get(&real->hosts[0].stats->cluster_broken) > 0);
    /* Whoever has missed it is too late. */
    got = replay(real, 0, event(real, 0, 0)->at, 10);
    assert_int_equal(got->result, REPLAY_TOO_LATE);
    assert_int_equal(got->count, 0);
    real_ask(real, "HSET pb:x:hm:r:t o x");
    got = replay(real, 0, (struct position){ 0 }, 10);
    assert_int_equal(got->result, REPLAY_FAILED);
}

int main(void)
{
#define REAL_TEST(test) \
    cmocka_unit_test_setup_teardown(test, real_setup, real_teardown)
    const struct CMUnitTest tests[] = {
        REAL_TEST(keeps_and_gives_to_all),
        REAL_TEST(replays_what_is_behind),
        REAL_TEST(replays_from_the_first),
        REAL_TEST(replays_in_pages),
        REAL_TEST(replays_what_is_not_too_old),
        REAL_TEST(keeps_late_what_came_while_it_was_away),
        REAL_TEST(bounds_what_waits),
        REAL_TEST(keeps_once_what_is_given_twice),
        REAL_TEST(goes_on_when_redis_has_no_memory),
        REAL_TEST(loads_its_scripts_again),
        REAL_TEST(loads_its_scripts_later),
        REAL_TEST(says_what_cannot_be_kept),
        REAL_TEST(begins_an_epoch_when_redis_has_lost_some),
        REAL_TEST(passes_over_what_is_no_envelope),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
