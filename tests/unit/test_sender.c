/* test_sender.c - one worker sends to a sibling that is a bare socket */
#include "bus/sender.h"

#include <sys/resource.h>

#include "bus_world.h"

#define LIMIT ((size_t)1 << 20)

/* Worker 0 sends to worker 1. */
struct scene {
    struct world *world;
    struct sender_setup setup;
    struct chunk_pool pool;
    struct worker_set dirty;
    unsigned handles;
    struct sender sender;
    int peer; /* the sibling's end */
    char bytes[4096];
};

static void begin(struct scene *scene, void **state, size_t limit)
{
    struct world *world = *state;

    memset(scene, 0, sizeof *scene);
    scene->world = world;
    scene->peer = -1;
    scene->setup = (struct sender_setup){
        .loop = &world->loop,
        .core = &world->cores[0],
        .stats = world->stats[0],
        .run_dir = world->dir,
        .node = NODE,
        .worker = 0,
        .incarnation = 7,
        .queue_limit = limit,
        .pool = &scene->pool,
        .dirty = &scene->dirty,
        .handles = &scene->handles,
    };
    sender_init(&scene->sender, &scene->setup, 1);
}

static void end(struct scene *scene)
{
    sender_close(&scene->sender);
    until(scene->world, scene->handles == 0);
    sender_finish(&scene->sender);
    chunk_pool_finish(&scene->pool);
    if (scene->peer >= 0) {
        close(scene->peer);
    }
}

static struct wire_frame next(struct scene *scene)
{
    return raw_frame(scene->peer, scene->bytes, sizeof scene->bytes);
}

static void expect(struct scene *scene, enum wire_type type)
{
    assert_int_equal(next(scene).type, type);
}

static void expect_nothing(struct scene *scene)
{
    world_settle(scene->world);
    expect(scene, (enum wire_type)0);
}

/* Takes the sender's connection: it says hello, and no more. */
static struct wire_frame accept_hello(struct scene *scene)
{
    struct wire_frame frame;

    until(scene->world, (scene->peer = raw_accept(scene->world, 1)) >= 0);
    frame = next(scene);
    assert_int_equal(frame.type, WIRE_HELLO);
    assert_int_equal(frame.code, WIRE_VERSION);
    expect_nothing(scene);
    return frame;
}

/* The sibling says hello, and is told what this worker wants: nothing. */
static void meet(struct scene *scene, unsigned incarnation)
{
    sender_meet(&scene->sender, id_make(NODE, 1, incarnation, 1), NULL);
}

static void accept_and_meet(struct scene *scene)
{
    accept_hello(scene);
    meet(scene, 1);
    expect(scene, WIRE_RESYNC);
    expect(scene, WIRE_SYNCED);
}

static int post(struct scene *scene, const char *data, size_t len)
{
    struct wire_frame frame = { .type = WIRE_PUBLISH,
                                .kind = BAY_TEXT,
                                .route = "r",
                                .text = "t",
                                .data = data,
                                .len = len };
    char bytes[OUTBOX_SHARE];
    int status = sender_admit(&scene->sender, wire_size(&frame));

    if (status < 0) {
        return status;
    }
    assert_in_range(wire_size(&frame), 1, sizeof bytes);
    wire_encode(bytes, &frame);
    return sender_post(&scene->sender, bytes, wire_size(&frame), NULL);
}

static void say_interest(struct scene *scene, const char *topic, bool on)
{
    struct wire_frame frame = {
        .type = WIRE_INTEREST, .kind = on, .route = "r", .text = topic
    };
    char bytes[OUTBOX_SHARE];

    wire_encode(bytes, &frame);
    sender_interest(&scene->sender, bytes, wire_size(&frame));
}

static uint64_t dropped(const struct scene *scene)
{
    return stat_get(&scene->world->stats[0]->bus_dropped);
}

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
        WORLD_TEST(queue_has_a_limit),
        WORLD_TEST(a_message_over_the_limit_is_refused),
        WORLD_TEST(counts_what_a_broken_stream_takes_along),
        WORLD_TEST(a_jam_ends_with_its_stream),
        WORLD_TEST(interests_survive_a_jam),
        WORLD_TEST(many_interests_pass_a_small_limit),
        WORLD_TEST(waits_when_descriptors_run_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
