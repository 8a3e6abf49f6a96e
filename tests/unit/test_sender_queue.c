/* test_sender_queue.c - what waits for a sibling: its limit, and what is lost */
#include "sender_scene.h"

static void queue_has_a_limit(void **state)
{
    struct scene scene;
    char data[4000] = { 0 };
    uint64_t queued = 0, refused = 0;
    int status, turns;

    begin(&scene, state, LIMIT);
    accept_and_meet(&scene);
    /* The socket takes some, the queue up to its limit, no more. */
    while (refused < 3) {
        status = post(&scene, data, sizeof data);
        sender_flush(&scene.sender);
        if (status == 0) {
            queued++;
        } else {
            assert_int_equal(status, BAY_EFULL);
            refused++;
        }
        assert_in_range(queued, 0, 4 * LIMIT / sizeof data);
        assert_in_range(scene.sender.outbox.bytes, 0, LIMIT);
    }
    assert_true(scene.sender.outbox.bytes > LIMIT - 2 * sizeof data);
    assert_int_equal(dropped(&scene), 3);
    assert_int_equal(stat_get(&scene.world->stats[0]->bus_out), queued);
    assert_int_equal(world_logged(scene.world, "does not keep up"), 1);

    /* It reads again: all that was queued comes, and then what is new. */
    while (queued > 0) {
        struct wire_frame frame = next(&scene);

        if (frame.type) {
            assert_int_equal(frame.type, WIRE_PUBLISH);
            queued--;
        } else {
            uv_run(&scene.world->loop, UV_RUN_NOWAIT);
        }
    }
    assert_int_equal(post(&scene, data, sizeof data), 0);
    sender_flush(&scene.sender);
    expect(&scene, WIRE_PUBLISH);
    assert_int_equal(dropped(&scene), 3);

    /* And the loop sleeps again: nothing but the watchdog wakes it. */
    world_settle(scene.world);
    uv_timer_start(&scene.world->watchdog, world_on_late, 20, 0);
    for (turns = 0; !scene.world->late; turns++) {
        uv_run(&scene.world->loop, UV_RUN_ONCE);
    }
    assert_in_range(turns, 1, 3);
    end(&scene);
}

static void a_message_over_the_limit_is_refused(void **state)
{
    struct scene scene;
    char data[2000] = { 0 };

    begin(&scene, state, 1000);
    accept_and_meet(&scene);
    assert_int_equal(post(&scene, data, 2000), BAY_EFULL);
    assert_int_equal(post(&scene, data, 900), 0);
    assert_int_equal(post(&scene, data, 900), BAY_EFULL);
    end(&scene);
}

/* What is dropped with a stream that breaks is counted too. */
static void counts_what_a_broken_stream_takes_along(void **state)
{
    struct scene scene;
    int i;

    begin(&scene, state, LIMIT);
    accept_and_meet(&scene);
    for (i = 0; i < 10; i++) {
        assert_int_equal(post(&scene, "x", 1), 0);
        say_interest(&scene, "t", i % 2);
    }
    close(scene.peer);
    scene.peer = -1;
    sender_flush(&scene.sender);
    assert_int_equal(dropped(&scene), 10);
    assert_int_equal(scene.sender.outbox.bytes, 0);
    end(&scene);
}

/* A stream that breaks while it is full leaves nothing behind. */
static void a_jam_ends_with_its_stream(void **state)
{
    struct scene scene;
    char data[4000] = { 0 };

    begin(&scene, state, LIMIT);
    accept_and_meet(&scene);
    while (post(&scene, data, sizeof data) == 0) {
        sender_flush(&scene.sender);
    }
    assert_true(scene.sender.blocked);
    close(scene.peer);
    until(scene.world, (scene.peer = raw_accept(scene.world, 1)) >= 0);
    expect(&scene, WIRE_HELLO);
    expect(&scene, WIRE_RESYNC);
    expect(&scene, WIRE_SYNCED);
    assert_int_equal(post(&scene, "x", 1), 0);
    sender_flush(&scene.sender);
    assert_string_equal(next(&scene).data, "x");
    end(&scene);
}

/*
 * Interests that do not fit any more are not lost: once there is room, all of
 * them are told, as they are by then.
 */
static void interests_survive_a_jam(void **state)
{
    struct scene scene;
    struct wire_frame frame;
    char topic[32], data[4000] = { 0 };
    bool seen[300] = { false };
    int i, told = 0;

    begin(&scene, state, LIMIT);
    accept_and_meet(&scene);
    while (post(&scene, data, sizeof data) == 0) {
        sender_flush(&scene.sender);
    }
    for (i = 0; i < 300; i++) {
        snprintf(topic, sizeof topic, "%d", i);
        world_want(scene.setup.core, topic);
        say_interest(&scene, topic, true);
    }
    say_interest(&scene, "299", false);
    world_unwant(scene.setup.core, "299");
    sender_flush(&scene.sender); /* not while that much waits */
    assert_in_range(scene.sender.outbox.bytes, 0, LIMIT);

    /* Reads on to the resync, past messages and the first interests. */
    world_be_patient(scene.world);
    do {
        uv_run(&scene.world->loop, UV_RUN_NOWAIT);
        frame = next(&scene);
        assert_false(scene.world->late);
    } while (frame.type != WIRE_RESYNC);
    do {
        uv_run(&scene.world->loop, UV_RUN_NOWAIT);
        frame = next(&scene);
        assert_false(scene.world->late);
        if (frame.type == WIRE_INTEREST) {
            assert_int_equal(frame.kind, 1);
            i = atoi(frame.text);
            assert_in_range(i, 0, 298);
            told += !seen[i];
            seen[i] = true;
        }
    } while (frame.type != WIRE_SYNCED);
    assert_int_equal(told, 299);

    say_interest(&scene, "after", true);
    sender_flush(&scene.sender);
    assert_string_equal(next(&scene).text, "after");
    end(&scene);
}

/* They may be more than the limit, and must all go out. */
static void many_interests_pass_a_small_limit(void **state)
{
    enum { MANY = 10000 };
    struct scene scene;
    struct wire_frame frame;
    char topic[32];
    int i, told = 0;

    begin(&scene, state, 5000);
    for (i = 0; i < MANY; i++) {
        snprintf(topic, sizeof topic, "topic number %d", i);
        world_want(scene.setup.core, topic);
    }
    accept_hello(&scene);
    meet(&scene, 1);
    assert_int_equal(post(&scene, "x", 1), BAY_EFULL);
    expect(&scene, WIRE_RESYNC);
    world_be_patient(scene.world);
    do {
        uv_run(&scene.world->loop, UV_RUN_NOWAIT);
        frame = next(&scene);
        told += frame.type == WIRE_INTEREST;
        assert_false(scene.world->late);
    } while (frame.type != WIRE_SYNCED);
    assert_int_equal(told, MANY);
    assert_int_equal(post(&scene, "x", 1), 0);
    end(&scene);
}

int main(void)
{
#define WORLD_TEST(test) \
    cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        WORLD_TEST(queue_has_a_limit),
        WORLD_TEST(a_message_over_the_limit_is_refused),
        WORLD_TEST(counts_what_a_broken_stream_takes_along),
        WORLD_TEST(a_jam_ends_with_its_stream),
        WORLD_TEST(interests_survive_a_jam),
        WORLD_TEST(many_interests_pass_a_small_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
