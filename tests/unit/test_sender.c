/* test_sender.c - the life of a stream to a sibling: hello, end, and anew */
#include <sys/resource.h>

#include "sender_scene.h"

static void says_hello_and_waits(void **state)
{
    struct scene scene;
    struct wire_frame hello;

    begin(&scene, state, LIMIT);
    world_want(scene.setup.core, "lobby");
    hello = accept_hello(&scene);
    assert_int_equal(id_node(hello.id), NODE);
    assert_int_equal(id_worker(hello.id), 0);
    assert_int_equal(id_incarnation(hello.id), 7);

    /* Nothing for one that has not said hello. */
    assert_int_equal(post(&scene, "x", 1), BAY_ENOTFOUND);
    assert_int_equal(dropped(&scene), 1);
    say_interest(&scene, "other", true);
    sender_flush(&scene.sender);
    expect_nothing(&scene);
    end(&scene);
}

static void tells_its_interests_then_changes(void **state)
{
    struct scene scene;
    struct wire_frame frame;

    begin(&scene, state, LIMIT);
    world_want(scene.setup.core, "lobby");
    accept_hello(&scene);
    meet(&scene, 1);
    expect(&scene, WIRE_RESYNC);
    frame = next(&scene);
    assert_int_equal(frame.type, WIRE_INTEREST);
    assert_int_equal(frame.kind, 1);
    assert_string_equal(frame.route, "r");
    assert_string_equal(frame.text, "lobby");
    expect(&scene, WIRE_SYNCED);

    /* Then in the order of the calls, in one write. */
    say_interest(&scene, "other", true);
    assert_int_equal(post(&scene, "x", 1), 0);
    say_interest(&scene, "other", false);
    assert_true(worker_set_has(&scene.dirty, 1));
    expect(&scene, (enum wire_type)0);
    sender_flush(&scene.sender);
    assert_false(worker_set_has(&scene.dirty, 1));
    frame = next(&scene);
    assert_int_equal(frame.type, WIRE_INTEREST);
    assert_int_equal(frame.kind, 1);
    expect(&scene, WIRE_PUBLISH);
    frame = next(&scene);
    assert_int_equal(frame.type, WIRE_INTEREST);
    assert_int_equal(frame.kind, 0);
    assert_int_equal(stat_get(&scene.world->stats[0]->bus_out), 1);
    assert_int_equal(dropped(&scene), 0);
    end(&scene);
}

static void comes_back_when_the_sibling_ends(void **state)
{
    struct scene scene;
    struct wire_frame first, second;

    begin(&scene, state, LIMIT);
    world_want(scene.setup.core, "lobby");
    first = accept_hello(&scene);
    meet(&scene, 1);
    expect(&scene, WIRE_RESYNC);
    expect(&scene, WIRE_INTEREST);
    expect(&scene, WIRE_SYNCED);

    sender_part(&scene.sender);
    close(scene.peer);
    second = accept_hello(&scene);
    assert_true(second.id > first.id);
    assert_int_equal(post(&scene, "x", 1), BAY_ENOTFOUND);
    meet(&scene, 2);
    expect(&scene, WIRE_RESYNC);
    expect(&scene, WIRE_INTEREST);
    expect(&scene, WIRE_SYNCED);
    assert_int_equal(post(&scene, "y", 1), 0);
    sender_flush(&scene.sender);
    assert_string_equal(next(&scene).data, "y");
    end(&scene);
}

/* The new process is heard of before the end of the old one is. */
static void notices_a_dead_stream_when_it_meets(void **state)
{
    struct scene scene;

    begin(&scene, state, LIMIT);
    accept_and_meet(&scene);
    assert_int_equal(post(&scene, "lost", 4), 0);
    close(scene.peer);
    meet(&scene, 2); /* no turn of the loop in between */
    assert_int_equal(dropped(&scene), 1);
    scene.peer = raw_accept(scene.world, 1);
    assert_true(scene.peer >= 0);
    expect(&scene, WIRE_HELLO);
    expect(&scene, WIRE_RESYNC);
    expect(&scene, WIRE_SYNCED);
    end(&scene);
}

/* The one that waited to be accepted has been closed by then. */
static void notices_a_stream_that_was_never_used(void **state)
{
    struct scene scene;

    begin(&scene, state, LIMIT);
    accept_hello(&scene);
    close(scene.peer);
    meet(&scene, 1);
    scene.peer = raw_accept(scene.world, 1);
    assert_true(scene.peer >= 0);
    expect(&scene, WIRE_HELLO);
    expect(&scene, WIRE_RESYNC);
    end(&scene);
}

/* A child of the old process may hold its sockets open. */
static void leaves_the_stream_of_a_predecessor(void **state)
{
    struct scene scene;
    int old;

    begin(&scene, state, LIMIT);
    accept_and_meet(&scene);
    old = scene.peer;
    meet(&scene, 2);
    assert_true(raw_ended(old));
    close(old);
    scene.peer = raw_accept(scene.world, 1);
    assert_true(scene.peer >= 0);
    expect(&scene, WIRE_HELLO);
    expect(&scene, WIRE_RESYNC);
    expect(&scene, WIRE_SYNCED);

    /* The same process on another stream: this one still serves. */
    meet(&scene, 2);
    assert_int_equal(raw_accept(scene.world, 1), -1);
    assert_int_equal(post(&scene, "x", 1), 0);
    sender_flush(&scene.sender);
    expect(&scene, WIRE_PUBLISH);
    end(&scene);
}

/* This worker was busy when the sibling died: it has connected again, to who
 * is to come, before it has read the end of what the sibling said. Its stream
 * is not told upon the word of the dead, or it would have to be given up when
 * the successor says hello, with what both say meanwhile. */
static void does_not_take_the_word_of_the_dead(void **state)
{
    struct scene scene;
    struct stream *heard;
    int ends[2];

    begin(&scene, state, LIMIT);
    accept_hello(&scene);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    heard = stream_adopt(scene.setup.loop, ends[0], NULL, &scene.handles);
    assert_non_null(heard);
    sender_meet(&scene.sender, id_make(NODE, 1, 1, 1), heard);
    expect(&scene, WIRE_RESYNC);
    expect(&scene, WIRE_SYNCED);
    assert_int_equal(write(ends[1], "unread", 6), 6);
    close(ends[1]);
    close(scene.peer);
    accept_hello(&scene); /* and no more */
    sender_part(&scene.sender);
    stream_close(heard);
    meet(&scene, 2);
    expect(&scene, WIRE_RESYNC);
    expect(&scene, WIRE_SYNCED);
    assert_int_equal(raw_accept(scene.world, 1), -1);
    end(&scene);
}

static void tries_until_there_is_a_socket(void **state)
{
    struct scene scene;
    int i;

    world_unlisten(*state, 1);
    begin(&scene, state, LIMIT);
    assert_int_equal(world_logged(scene.world, "cannot connect to worker 1"),
                     1);
    for (i = 0; i < 3; i++) { /* attempts: 10, 20, 40 ms */
        uint64_t delay = scene.sender.delay_ms;

        until(scene.world, scene.sender.delay_ms > delay);
    }
    assert_int_equal(world_logged(scene.world, "cannot connect"), 1);
    world_listen(scene.world, 1, 16);
    accept_hello(&scene);
    end(&scene);
}

/* And at once, however long it has waited, when the sibling is heard of. */
static void hurries_to_one_that_says_hello(void **state)
{
    struct scene scene;

    world_unlisten(*state, 1);
    begin(&scene, state, LIMIT);
    until(scene.world, scene.sender.delay_ms >= 100);
    world_listen(scene.world, 1, 16);
    meet(&scene, 1);
    scene.peer = raw_accept(scene.world, 1);
    assert_true(scene.peer >= 0);
    assert_false(uv_is_active((uv_handle_t *)&scene.sender.retry));
    expect(&scene, WIRE_HELLO);
    expect(&scene, WIRE_RESYNC);
    end(&scene);
}

static void backs_off_from_one_that_hangs_up(void **state)
{
    struct scene scene;
    uint64_t start, now;
    int i;

    begin(&scene, state, LIMIT);
    uv_update_time(&scene.world->loop);
    start = uv_now(&scene.world->loop);
    for (i = 0; i < 5; i++) {
        accept_hello(&scene);
        close(scene.peer);
    }
    until(scene.world, (scene.peer = raw_accept(scene.world, 1)) >= 0);
    now = uv_now(&scene.world->loop);
    assert_true(now - start >= 10 + 20 + 40 + 80 + 160);
    end(&scene);
}

static void backs_off_by_a_second_at_most(void **state)
{
    struct scene scene;

    begin(&scene, state, LIMIT);
    accept_hello(&scene);
    scene.sender.delay_ms = 640;
    close(scene.peer);
    scene.peer = -1;
    until(scene.world, !scene.sender.stream);
    assert_int_equal(uv_timer_get_due_in(&scene.sender.retry), 640);
    assert_int_equal(scene.sender.delay_ms, 1000);
    end(&scene);
}

/* It tries ever later, says so once, and connects when there are some. */
static void waits_when_descriptors_run_out(void **state)
{
    struct world *world = *state;
    const stat_value *paused = &world->stats[0]->bus_paused;
    struct scene scene;
    struct rlimit limit, low;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = (rlim_t)uv_backend_fd(&world->loop) + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    begin(&scene, state, LIMIT);
    assert_int_equal(stat_get(paused), 1);
    until(world, stat_get(paused) == 4);
    assert_true(scene.sender.delay_ms >= 80);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    accept_hello(&scene);
    assert_int_equal(world_logged(world, "Too many open files"), 1);
    end(&scene);
}

int main(void)
{
#define WORLD_TEST(test) \
    cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        WORLD_TEST(says_hello_and_waits),
        WORLD_TEST(tells_its_interests_then_changes),
        WORLD_TEST(comes_back_when_the_sibling_ends),
        WORLD_TEST(notices_a_dead_stream_when_it_meets),
        WORLD_TEST(notices_a_stream_that_was_never_used),
        WORLD_TEST(leaves_the_stream_of_a_predecessor),
        WORLD_TEST(does_not_take_the_word_of_the_dead),
        WORLD_TEST(tries_until_there_is_a_socket),
        WORLD_TEST(hurries_to_one_that_says_hello),
        WORLD_TEST(backs_off_from_one_that_hangs_up),
        WORLD_TEST(backs_off_by_a_second_at_most),
        WORLD_TEST(waits_when_descriptors_run_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
