/* test_redis_script.c - a Redis that forgets the script by which messages are
 * kept */
#include "bus/redis_script.h"

#include "bus/redis-t.h"
#include "redis_scene.h"

#define GONE "-NOSCRIPT No matching script. Please use EVAL.\r\n"

/* The feed hears what is said to all: the bus keeps messages from now on. */
static void listen_to_all(struct scene *scene)
{
    struct fake *fake = scene->real.fake;
    redisReply *command;

    fake_greet(fake, &scene->feed);
    command = fake_command(fake, &scene->feed);
    assert_string_equal(command->element[0]->str, "SUBSCRIBE");
    for (size_t i = 1; i < command->elements; i++) {
        fake_say(&scene->feed, "*3\r\n$9\r\nsubscribe\r\n");
        fake_bulk(&scene->feed, command->element[i]->str,
                  command->element[i]->len);
        fake_say(&scene->feed, ":1\r\n");
    }
    freeReplyObject(command);
    until(fake, real_state(&scene->real.hosts[0]) == CLUSTER_UP);
}

static void append(struct scene *scene, const char *text)
{
    static const struct keep keep = { .count = 5 };

    redis_bus_table()->append(scene->real.hosts[0].bus, "r", "t", &keep,
                              BAY_TEXT, text, strlen(text), 0);
}

/* The answer to what was asked is lost; `meanwhile` is appended, if there is one,
 * before the bus connects again. */
static void lose_answer(struct scene *scene, const char *meanwhile)
{
    struct fake *fake = scene->real.fake;

    fake_hang_up(&scene->commands);
    until(fake, real_state(&scene->real.hosts[0]) == CLUSTER_AWAY);
    if (meanwhile) {
        append(scene, meanwhile);
    }
    scene->commands = fake_accept(fake);
    fake_greet(fake, &scene->commands);
}

/* The next command, once core has had it sent, as it does in each turn. */
static redisReply *next_command(struct scene *scene)
{
    struct redis_bus *bus = scene->real.hosts[0].bus;
    redisReply *command = NULL;

    until(scene->real.fake, (redis_bus_table()->flush(bus),
                             (command = fake_next(&scene->commands)) != NULL));
    assert_int_equal(command->type, REDIS_REPLY_ARRAY);
    return command;
}

/* The number of the next message that is to be kept, which waits for an answer.
 * All else that is asked meanwhile is answered; *loads: how often the script was
 * loaded. */
static long number_of_next(struct scene *scene, unsigned *loads)
{
    for (;;) {
        redisReply *command = next_command(scene);
        const char *what = command->element[0]->str;
        long number = 0;

        if (strcmp(what, "EVALSHA") == 0) {
            number = atol(command->element[6]->str);
        } else if (strcmp(what, "SCRIPT") == 0) {
            ++*loads;
            fake_bulk(&scene->commands, SCENE_HASH, strlen(SCENE_HASH));
        } else if (strcmp(what, "EVAL") == 0) {
            fake_say(&scene->commands, "$-1\r\n");
        } else {
            assert_string_equal(what, "PUBLISH");
            fake_say(&scene->commands, ":0\r\n");
        }
        freeReplyObject(command);
        if (number > 0) {
            return number;
        }
    }
}

/* A proxy, perhaps, that asks another server each time. */
static void asks_now_and_then_one_that_forgets_at_once(void **state)
{
    struct scene *scene = *state;
    struct host *host = &scene->real.hosts[0];
    struct fake *fake = scene->real.fake;
    unsigned loads = 0;

    listen_to_all(scene);
    append(scene, "one");
    append(scene, "two");
    assert_int_equal(number_of_next(scene, &loads), 1);
    assert_int_equal(number_of_next(scene, &loads), 2);
    fake_say(&scene->commands, GONE GONE);
    assert_int_equal(number_of_next(scene, &loads), 3);
    assert_int_equal(number_of_next(scene, &loads), 4);
    assert_int_equal(loads, 1);
    assert_int_equal(host->core.count, 0);
    fake_say(&scene->commands, GONE GONE);
    until(fake, host->core.count == 2); /* they are delivered here */
    assert_int_equal(real_state(host), CLUSTER_FULL);
    assert_int_equal(fake_logged(fake, "forgets at once the scripts"), 1);
    redis_bus_table()->flush(host->bus);
    fake_expect(fake, &scene->commands, "SCRIPT LOAD");
    fake_bulk(&scene->commands, SCENE_HASH, strlen(SCENE_HASH));
    until(fake, host->bus->log.append.hash[0] != '\0');

    /* The next one is not tried, but when it is time. */
    append(scene, "three");
    assert_int_equal(
        redis_bus_table()->publish(host->bus, "r", "t", BAY_TEXT, "p", 1, 0),
        0);
    redis_bus_table()->flush(host->bus);
    fake_expect(fake, &scene->commands, "PUBLISH ");
    fake_say(&scene->commands, ":0\r\n");
    redis_log_look(&host->bus->log);
    assert_int_equal(number_of_next(scene, &loads), 5);
    fake_say(&scene->commands, ":1\r\n");
    assert_int_equal(number_of_next(scene, &loads), 6);
    assert_int_equal(number_of_next(scene, &loads), 7);
    fake_say(&scene->commands, ":1\r\n:1\r\n");
    until(fake, real_state(host) == CLUSTER_UP && !host->bus->log.entries);
    assert_int_equal(stat_get(&host->stats->cluster_late), 3);
    assert_int_equal(stat_get(&host->stats->cluster_not_sent), 0);
}

/* What became of the first is not known, since its answer was lost: by another
 * number it might be kept twice. The second was never run. */
static void keeps_the_number_of_what_may_be_kept(void **state)
{
    struct scene *scene = *state;
    struct fake *fake = scene->real.fake;
    unsigned loads = 0;

    listen_to_all(scene);
    append(scene, "one");
    assert_int_equal(number_of_next(scene, &loads), 1);
    lose_answer(scene, "two");
    assert_int_equal(number_of_next(scene, &loads), 1);
    assert_int_equal(number_of_next(scene, &loads), 2);
    loads = 0;
    fake_say(&scene->commands, GONE GONE);
    assert_int_equal(number_of_next(scene, &loads), 1);
    assert_int_equal(loads, 1);
    assert_int_equal(number_of_next(scene, &loads), 3);
    fake_say(&scene->commands, ":0\r\n:1\r\n");
    until(fake, !scene->real.hosts[0].bus->log.entries);
    assert_int_equal(stat_get(&scene->real.hosts[0].stats->cluster_late), 1);
}

/* Between the two, somebody else has loaded the script: the second is kept, and
 * by its number the first is taken for kept from then on. */
static void counts_what_was_overtaken(void **state)
{
    struct scene *scene = *state;
    struct fake *fake = scene->real.fake;
    const struct worker_stats *stats = scene->real.hosts[0].stats;
    unsigned loads = 0;

    listen_to_all(scene);
    append(scene, "one");
    append(scene, "two");
    assert_int_equal(number_of_next(scene, &loads), 1);
    assert_int_equal(number_of_next(scene, &loads), 2);
    lose_answer(scene, NULL);
    assert_int_equal(number_of_next(scene, &loads), 1);
    assert_int_equal(number_of_next(scene, &loads), 2);
    fake_say(&scene->commands, GONE ":1\r\n");
    assert_int_equal(number_of_next(scene, &loads), 1);
    fake_say(&scene->commands, ":0\r\n");
    until(fake, !scene->real.hosts[0].bus->log.entries);
    assert_int_equal(stat_get(&stats->cluster_not_sent), 1);
}

int main(void)
{
#define SCRIPT_TEST(test) \
    cmocka_unit_test_setup_teardown(test, scene_setup, scene_teardown)
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(asks_now_and_then_one_that_forgets_at_once),
        SCRIPT_TEST(counts_what_was_overtaken),
        SCRIPT_TEST(keeps_the_number_of_what_may_be_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
