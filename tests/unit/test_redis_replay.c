/* test_redis_replay.c - pages of history from a Redis that answers wrongly */
#include "bus/redis_replay.h"

#include "redis_scene.h"

/* Asks what is behind a position, and gets this page. */
static const struct replayed *replay(struct scene *scene, struct position after,
                                     const char *page)
{
    struct host *host = &scene->real.hosts[0];
    const struct query query = { .after = after, .max = 10 };

    host->core.replay_count = 0;
    assert_int_equal(redis_bus_table()->replay(host->bus, "r", "t", &query), 0);
    redis_bus_table()->flush(host->bus);
    fake_expect(scene->real.fake, &scene->commands,
                "EVALSHA " SCENE_HASH " 2 ");
    fake_say(&scene->commands, page);
    until(scene->real.fake, host->core.replay_count == 1);
    return &host->core.replays[0];
}

/* What it holds is before what was asked for, and there is more: as often as
 * that was asked again, the same would come. */
static void asks_once_for_a_page_that_leads_nowhere(void **state)
{
    struct scene *scene = *state;
    const struct replayed *got =
        replay(scene, (struct position){ 7, 3 },
               "*3\r\n$1\r\n7\r\n$1\r\n9\r\n"
               "*1\r\n*2\r\n$3\r\n3-0\r\n*2\r\n$1\r\nm\r\n$1\r\nx\r\n");

    assert_int_equal(got->result, REPLAY_TOO_LATE);
    assert_int_equal(got->count, 0);
    assert_int_equal(got->head.offset, 9);
    assert_int_equal(stat_get(&scene->real.hosts[0].stats->cluster_broken), 1);
}

static void takes_nothing_from_no_epoch(void **state)
{
    struct scene *scene = *state;
    const struct position nowhere = { 0 };
    const struct replayed *got =
        replay(scene, nowhere, "*3\r\n$1\r\n0\r\n$1\r\n0\r\n*0\r\n");

    assert_int_equal(got->result, REPLAY_WHOLE);
    assert_int_equal(got->count, 0);
    got = replay(scene, nowhere, "*3\r\n$1\r\n0\r\n$1\r\n9\r\n*0\r\n");
    assert_int_equal(got->result, REPLAY_FAILED);
    got = replay(scene, nowhere,
                 "*3\r\n$1\r\n0\r\n$1\r\n1\r\n*1\r\n*2\r\n$3\r\n1-0\r\n"
                 "*2\r\n$1\r\nm\r\n$0\r\n\r\n");
    assert_int_equal(got->result, REPLAY_FAILED);
}

int main(void)
{
#define REPLAY_TEST(test) \
    cmocka_unit_test_setup_teardown(test, scene_setup, scene_teardown)
    const struct CMUnitTest tests[] = {
        REPLAY_TEST(asks_once_for_a_page_that_leads_nowhere),
        REPLAY_TEST(takes_nothing_from_no_epoch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
