/* test_archive.c - messages in memory that workers share */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/archive-t.h"

static const struct keep hundred = { 100, 0 };

static struct archive *archive;
static struct batch batch;

static int set_up(void **state)
{
    (void)state;
    archive = archive_create(ARCHIVE_MIN);
    return archive == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    batch_finish(&batch);
    archive_destroy(archive);
    return 0;
}

static struct position put_of(const char *topic, const char *data, size_t len,
                              const struct keep *keep, uint64_t now, int status)
{
    struct kept message = { .kind = BAY_TEXT,
                            .data = data,
                            .len = len,
                            .except = 7,
                            .publisher = 8,
                            .time_ms = now };
    struct position at = { 0, 0 };

    assert_int_equal(archive_append(archive, "r", topic, keep, &message, &at),
                     status);
    return at;
}

static struct position put(const char *text)
{
    return put_of("t", text, strlen(text), &hundred, 1, BAY_OK);
}

static enum replay get_of(const struct keep *keep, struct position after,
                          unsigned max)
{
    return archive_read(archive, "r", "t", keep, 1, after, max, &batch);
}

static enum replay get(struct position after, unsigned max)
{
    return get_of(&hundred, after, max);
}

static void expect(size_t i, const char *text, uint64_t offset)
{
    assert_true(i < batch.count);
    assert_string_equal(batch.messages[i].data, text);
    assert_int_equal(batch.messages[i].len, strlen(text));
    assert_int_equal(batch.messages[i].at.offset, offset);
}

static void gives_what_stands_behind(void **state)
{
    struct position first = put("a");

    (void)state;
    put("b");
    put("");
    assert_true(first.offset == 1 && first.epoch != 0);
    assert_int_equal(get(first, 0), REPLAY_WHOLE);
    assert_int_equal(batch.count, 2);
    expect(0, "b", 2);
    expect(1, "", 3);
    assert_int_equal(batch.head.offset, 3);
    assert_true(batch.messages[0].except == 7 &&
                batch.messages[0].publisher == 8);
    assert_int_equal(get((struct position){ first.epoch, 3 }, 0), REPLAY_WHOLE);
    assert_int_equal(batch.count, 0);
}

static void gives_the_last(void **state)
{
    (void)state;
    put("a");
    put("b");
    put("c");
    assert_int_equal(get((struct position){ 0 }, 2), REPLAY_WHOLE);
    assert_int_equal(batch.count, 2);
    expect(0, "b", 2);
    assert_int_equal(get((struct position){ 0 }, 0), REPLAY_WHOLE);
    assert_int_equal(batch.count, 0);
    assert_int_equal(get((struct position){ 0 }, 1000), REPLAY_WHOLE);
    assert_int_equal(batch.count, 3);
}

static void tells_when_it_is_too_late(void **state)
{
    const struct keep two = { 2, 0 };
    struct position first = put_of("t", "1", 1, &two, 1, BAY_OK);

    (void)state;
    for (int i = 0; i < 3; i++) {
        put_of("t", "x", 1, &two, 1, BAY_OK);
    }
    assert_int_equal(get_of(&two, first, 1), REPLAY_TOO_LATE);
    assert_int_equal(batch.count, 1); /* the last one */
    first.offset = 2;
    assert_int_equal(get_of(&two, first, 1), REPLAY_WHOLE);
    assert_int_equal(batch.count, 2);
    first.offset = 5; /* from the future */
    assert_int_equal(get_of(&two, first, 1), REPLAY_TOO_LATE);
    first.offset = 4;
    first.epoch++;
    assert_int_equal(get_of(&two, first, 1), REPLAY_TOO_LATE);
}

/* However little of it others may read. */
static void holds_all_for_workers_to_deliver(void **state)
{
    const struct keep one = { 1, 1000 };
    struct position at = put_of("t", "x", 1, &one, 1, BAY_OK);

    (void)state;
    for (int i = 0; i < 500; i++) {
        put_of("t", "x", 1, &one, 20000, BAY_OK);
    }
    assert_int_equal(get_of(NULL, at, 0), REPLAY_WHOLE);
    assert_int_equal(batch.count, 500);
    assert_int_equal(get_of(&one, (struct position){ 0 }, 100), REPLAY_WHOLE);
    assert_int_equal(batch.count, 1);
    assert_int_equal(get_of(&one, at, 100), REPLAY_TOO_LATE);
}

static void drops_what_is_old(void **state)
{
    const struct keep second = { 100, 1000 };

    (void)state;
    put_of("t", "old", 3, &second, 5000, BAY_OK);
    put_of("t", "new", 3, &second, 5500, BAY_OK);
    archive_read(archive, "r", "t", &second, 6200, (struct position){ 0 }, 9,
                 &batch);
    assert_int_equal(batch.count, 1);
    expect(0, "new", 2);
}

static void holds_messages_of_any_size(void **state)
{
    static char data[20000];

    (void)state;
    for (size_t len = 0; len < sizeof data; len = len * 5 / 4 + 1) {
        memset(data, 'a' + (int)(len % 26), len);
        put_of("t", data, len, &hundred, 1, BAY_OK);
        assert_int_equal(get((struct position){ 0 }, 1), REPLAY_WHOLE);
        assert_int_equal(batch.messages[0].len, len);
        assert_memory_equal(batch.messages[0].data, data, len);
    }
}

static void loses_the_oldest_when_it_is_full(void **state)
{
    static char data[1000];
    const struct keep many = { 100000, 0 };
    struct archive_facts facts;
    struct position at = { 0, 0 };

    (void)state;
    for (int i = 0; i < 2000; i++) {
        at = put_of(i % 2 ? "t" : "u", data, sizeof data, &many, 1, BAY_OK);
    }
    archive_facts(archive, &facts);
    assert_true(facts.evicted > 1000 && facts.bytes <= facts.size);
    assert_int_equal(get((struct position){ at.epoch, at.offset - 1 }, 0),
                     REPLAY_WHOLE);
    assert_int_equal(batch.count, 1);
    at.offset = 1;
    assert_int_equal(get(at, 0), REPLAY_TOO_LATE);
}

/* Who was before it is too late: nobody is to miss it unawares. */
static void keeps_none_too_large_for_it(void **state)
{
    static char data[ARCHIVE_MIN / 4];
    struct position first = put("a");

    (void)state;
    put_of("t", data, sizeof data, &hundred, 1, BAY_ETOOBIG);
    assert_int_equal(get(first, 9), REPLAY_TOO_LATE);
    put("b");
    assert_int_equal(get((struct position){ first.epoch, 2 }, 9), REPLAY_WHOLE);
    expect(0, "b", 3);
    assert_int_equal(get((struct position){ 0 }, 9), REPLAY_WHOLE);
    assert_int_equal(batch.count, 2); /* the others are still there */
    assert_int_equal(get_of(NULL, first, 9), REPLAY_WHOLE);
    assert_int_equal(batch.count, 2);
    assert_int_equal(batch.messages[0].kind, 0);
}

static void has_a_place_for_new_topics_always(void **state)
{
    char topic[24];
    struct position at;

    (void)state;
    put("a");
    for (int i = 0; i < 5000; i++) {
        snprintf(topic, sizeof topic, "topic %d", i);
        put_of(topic, "x", 1, &hundred, 1, BAY_OK);
    }
    assert_int_equal(archive_head(archive, "r", topic, &at), BAY_OK);
    assert_int_equal(at.offset, 1);
    assert_int_equal(archive_head(archive, "r", "t", &at), BAY_OK);
    assert_int_equal(at.offset, 0); /* forgotten, and another epoch */
}

static void refuses_names_too_long(void **state)
{
    char name[200];
    struct position at;

    (void)state;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(archive_head(archive, "r", name, &at), BAY_EINVAL);
}

/* A child of the test, which shares the archive. */
static pid_t spawn(void (*work)(void))
{
    pid_t pid = fork();

    if (pid == 0) {
        work();
        _exit(0);
    }
    assert_true(pid > 0);
    return pid;
}

static void die_with_lock(void)
{
    struct block *block;

    archive_lock(archive);
    /* Half of a message: blocks that nothing leads to. */
    block = archive_block(archive, archive_take_block(archive));
    block->next = archive_take_block(archive);
    raise(SIGKILL);
}

static void survives_who_dies_in_it(void **state)
{
    struct archive_facts before, after;
    struct position first = put("a");
    int status;

    (void)state;
    put("b");
    archive_facts(archive, &before);
    assert_true(waitpid(spawn(die_with_lock), &status, 0) > 0);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(get(first, 9), REPLAY_WHOLE);
    expect(0, "b", 2);
    archive_facts(archive, &after);
    assert_true(after.bytes == before.bytes);
    assert_int_equal(put("c").offset, 3);
    assert_int_equal(put("d").offset, 4);
    assert_int_equal(get(first, 9), REPLAY_WHOLE);
    expect(2, "d", 4);
}

static void stop_with_lock(void)
{
    archive_lock(archive);
    raise(SIGSTOP);
    archive_unlock(archive);
}

static void waits_for_no_one_that_stands_still(void **state)
{
    struct position at;
    pid_t pid = spawn(stop_with_lock);
    int status;

    (void)state;
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_int_equal(archive_head(archive, "r", "t", &at), BAY_EFULL);
    put_of("t", "x", 1, &hundred, 1, BAY_EFULL);
    assert_int_equal(get((struct position){ 0 }, 1), REPLAY_FAILED);
    kill(pid, SIGCONT);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(put("a").offset, 1);
}

static void put_many(void)
{
    for (int i = 0; i < 100000; i++) {
        put_of("t", "0123456789", 10, &hundred, 1, BAY_OK);
    }
}

/* Children are killed while they append: what is there is whole, and in order. */
static void is_whole_whoever_is_killed(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        pid_t pid = spawn(put_many);
        int status;

        usleep(1000 + (useconds_t)(i * 137 % 3000));
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        put("mine");
        assert_int_equal(get((struct position){ 0 }, 100), REPLAY_WHOLE);
        assert_true(batch.count > 0 && batch.count <= 100);
        for (size_t m = 0; m < batch.count; m++) {
            assert_int_equal(batch.messages[m].at.offset,
                             batch.head.offset - batch.count + m + 1);
        }
        expect(batch.count - 1, "mine", batch.head.offset);
    }
}

/* As by a plugin that writes where it should not. */
static void follows_nothing_out_of_bounds(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        struct block *blocks =
            (struct block *)((char *)archive + archive->blocks_at);

        put("some text that is kept");
        srand(round);
        for (unsigned i = 0; i < 40; i++) {
            ((unsigned char *)blocks)[(size_t)rand() % (64 * BLOCK)] =
                (unsigned char)rand();
        }
        get((struct position){ 0 }, 100);
        put("more");
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(gives_what_stands_behind),
        TEST(gives_the_last),
        TEST(tells_when_it_is_too_late),
        TEST(holds_all_for_workers_to_deliver),
        TEST(drops_what_is_old),
        TEST(holds_messages_of_any_size),
        TEST(loses_the_oldest_when_it_is_full),
        TEST(keeps_none_too_large_for_it),
        TEST(has_a_place_for_new_topics_always),
        TEST(refuses_names_too_long),
        TEST(survives_who_dies_in_it),
        TEST(waits_for_no_one_that_stands_still),
        TEST(is_whole_whoever_is_killed),
        TEST(follows_nothing_out_of_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
