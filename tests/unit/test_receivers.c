/* test_receivers.c - one worker hears siblings that are bare sockets */
#include "bus/receivers.h"

#include <sys/resource.h>

#include "bus_world.h"

/* Worker 0 receives. */
struct scene {
    struct world *world;
    struct core *core;
    struct sender_setup sender_setup;
    struct receivers_setup setup;
    struct sender senders[WORKERS];
    struct interest interest;
    struct siblings siblings;
    struct chunk_pool pool;
    struct worker_set dirty;
    unsigned handles;
    struct receivers receivers;
};

static void tell_core(void *core, bay_id worker, bool there)
{
    core_bus_peer(core, worker, there);
}

static struct scene *begin(void **state)
{
    struct world *world = *state;
    struct scene *scene = calloc(1, sizeof *scene);
    unsigned worker;

    assert_non_null(scene);
    scene->world = world;
    scene->core = &world->cores[0];
    scene->sender_setup = (struct sender_setup){
        .loop = &world->loop,
        .core = scene->core,
        .stats = world->stats[0],
        .run_dir = world->dir,
        .node = NODE,
        .incarnation = 1,
        .queue_limit = 1 << 20,
        .pool = &scene->pool,
        .dirty = &scene->dirty,
        .handles = &scene->handles,
    };
    scene->setup = (struct receivers_setup){
        .loop = &world->loop,
        .core = scene->core,
        .stats = world->stats[0],
        .node = NODE,
        .workers = WORKERS,
        .listen_fd = world->listen_fds[0],
        .run_dir = world->dir,
        .senders = scene->senders,
        .interest = &scene->interest,
        .siblings = &scene->siblings,
        .handles = &scene->handles,
    };
    siblings_init(&scene->siblings, &world->loop, &scene->handles, tell_core,
                  scene->core);
    assert_int_equal(receivers_init(&scene->receivers, &scene->setup), 0);
    for (worker = 1; worker < WORKERS; worker++) {
        sender_init(&scene->senders[worker], &scene->sender_setup, worker);
    }
    return scene;
}

static void end(struct scene *scene)
{
    unsigned worker;

    receivers_close(&scene->receivers);
    siblings_close(&scene->siblings);
    for (worker = 1; worker < WORKERS; worker++) {
        sender_close(&scene->senders[worker]);
    }
    until(scene->world, scene->handles == 0);
    for (worker = 1; worker < WORKERS; worker++) {
        sender_finish(&scene->senders[worker]);
    }
    interest_finish(&scene->interest);
    chunk_pool_finish(&scene->pool);
    free(scene);
}

static bool wants(const struct scene *scene, const char *topic, unsigned worker)
{
    const struct worker_set *set = interest_find(&scene->interest, "r", topic);

    return set && worker_set_has(set, worker);
}

static const char *last(const struct scene *scene)
{
    return scene->core->count ? scene->core->events[scene->core->count - 1].data
                              : "";
}

/* A sibling that has said hello, with an interest in its name. */
static int sibling(struct scene *scene, unsigned worker, unsigned incarnation,
                   uint32_t stream, const char *topic)
{
    int fd = raw_connect(scene->world, 0);

    raw_hello(fd, worker, incarnation, stream);
    raw_interest(fd, topic, true);
    until(scene->world, wants(scene, topic, worker));
    return fd;
}

static void hands_what_comes_to_core(void **state)
{
    struct scene *scene = begin(state);
    struct wire_frame send = { .type = WIRE_SEND,
                               .kind = BAY_BINARY,
                               .route = "r",
                               .id = 77,
                               .data = "\0\1",
                               .len = 2 };
    struct wire_frame shut = {
        .type = WIRE_CLOSE, .route = "r", .id = 78, .code = 4000
    };
    const struct event *event;
    int fd = sibling(scene, 2, 1, 1, "t");

    raw_publish(fd, "topic", "hello");
    raw_send(fd, &send);
    raw_send(fd, &shut);
    shut.text = "why";
    raw_send(fd, &shut);
    until(scene->world, scene->core->count == 4);

    event = scene->core->events;
    assert_int_equal(event->frame.type, WIRE_PUBLISH);
    assert_int_equal(event->frame.kind, BAY_TEXT);
    assert_string_equal(event->data, "hello");
    event++;
    assert_int_equal(event->frame.type, WIRE_SEND);
    assert_int_equal(event->frame.kind, BAY_BINARY);
    assert_int_equal(event->frame.id, 77);
    assert_int_equal(event->frame.len, 2);
    event++;
    assert_int_equal(event->frame.type, WIRE_CLOSE);
    assert_int_equal(event->frame.id, 78);
    assert_int_equal(event->frame.code, 4000);
    assert_null(event->data);
    event++;
    assert_string_equal(event->data, "why");
    assert_int_equal(stat_get(&scene->world->stats[0]->bus_in), 4);
    close(fd);
    end(scene);
}

static void a_frame_may_come_byte_by_byte(void **state)
{
    struct scene *scene = begin(state);
    struct wire_frame frame = { .type = WIRE_PUBLISH,
                                .kind = BAY_TEXT,
                                .route = "r",
                                .text = "t",
                                .data = "slowly",
                                .len = 6 };
    char bytes[100];
    int fd = sibling(scene, 2, 1, 1, "t");
    size_t i;

    wire_encode(bytes, &frame);
    for (i = 0; i < wire_size(&frame); i++) {
        assert_int_equal(scene->core->count, 0);
        raw_write(fd, bytes + i, 1);
        world_settle(scene->world);
    }
    until(scene->world, scene->core->count == 1);
    assert_string_equal(last(scene), "slowly");
    close(fd);
    end(scene);
}

static void learns_interests_and_forgets_them(void **state)
{
    struct scene *scene = begin(state);
    struct wire_frame resync = { .type = WIRE_RESYNC };
    struct wire_frame synced = { .type = WIRE_SYNCED };
    int one = sibling(scene, 1, 1, 1, "a");
    int two = sibling(scene, 2, 1, 1, "a");

    assert_true(scene->senders[1].there);
    raw_interest(one, "b", true);
    until(scene->world, wants(scene, "b", 1));
    raw_send(one, &resync);
    raw_interest(one, "c", true);
    raw_interest(one, "b", true);
    raw_send(one, &synced);
    until(scene->world, wants(scene, "c", 1) && !wants(scene, "a", 1));
    assert_true(wants(scene, "b", 1));
    raw_interest(one, "b", false);
    until(scene->world, !wants(scene, "b", 1));

    /* Its end takes its own along, not the other's. */
    close(one);
    until(scene->world, !wants(scene, "c", 1));
    assert_false(scene->senders[1].there);
    assert_true(wants(scene, "a", 2));
    assert_true(scene->senders[2].there);
    close(two);
    until(scene->world, interest_count(&scene->interest) == 0);
    assert_int_equal(scene->receivers.count, 0);
    end(scene);
}

/* An abrupt end, in the middle of a frame, is no fault: a process was killed.
 */
static void survives_an_end_within_a_frame(void **state)
{
    struct scene *scene = begin(state);
    uint32_t length = 50000000;
    char part[100000] = { 0 };
    int fd = sibling(scene, 1, 1, 1, "t");

    memcpy(part, &length, sizeof length);
    part[4] = WIRE_PUBLISH;
    raw_write(fd, part, sizeof part);
    close(fd);
    until(scene->world, scene->receivers.count == 0);
    assert_int_equal(scene->core->count, 0);
    assert_false(wants(scene, "t", 1));
    assert_int_equal(world_logged(scene->world, "dropped"), 0);

    fd = sibling(scene, 1, 2, 1, "t");
    raw_publish(fd, "t", "again");
    until(scene->world, scene->core->count == 1);
    close(fd);
    end(scene);
}

/* What was sent to it so is refused with one line, and it goes on. */
static void expect_dropped(struct scene *scene, int fd, const char *why)
{
    int other = sibling(scene, 3, 1, (uint32_t)fd, "other");
    size_t before = scene->core->count;

    until(scene->world, raw_ended(fd));
    assert_int_equal(world_logged(scene->world, why), 1);
    close(fd);
    raw_publish(other, "t", "I am well");
    until(scene->world, scene->core->count == before + 1);
    assert_string_equal(last(scene), "I am well");
    close(other);
    until(scene->world, scene->receivers.count == 0);
}

static void refuses_garbage(void **state)
{
    struct scene *scene = begin(state);
    int fd = raw_connect(scene->world, 0);

    raw_write(fd, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 35);
    expect_dropped(scene, fd,
                   "a worker that has not said its number sent a frame of "
                   "impossible length; its stream is dropped");
    end(scene);
}

static void refuses_garbage_of_a_sibling(void **state)
{
    struct scene *scene = begin(state);
    int fd = sibling(scene, 1, 1, 1, "t");

    raw_write(fd, "\0\0\0\0", 4);
    until(scene->world, !wants(scene, "t", 1));
    expect_dropped(scene, fd, "worker 1 sent a frame of impossible length");
    end(scene);
}

static void refuses_what_is_no_frame(void **state)
{
    struct scene *scene = begin(state);
    struct wire_frame wrong = { .type = (enum wire_type)99 };
    int fd = sibling(scene, 1, 1, 1, "t");

    raw_send(fd, &wrong);
    raw_publish(fd, "t", "not delivered");
    expect_dropped(scene, fd, "worker 1 sent a frame of unknown type");
    assert_int_equal(scene->core->count, 1);
    end(scene);
}

static void refuses_to_begin_without_a_hello(void **state)
{
    struct scene *scene = begin(state);
    int fd = raw_connect(scene->world, 0);

    raw_publish(fd, "t", "not delivered");
    expect_dropped(scene, fd, "sent a frame before the hello");
    assert_int_equal(scene->core->count, 1);
    end(scene);
}

static void refuses_a_second_hello(void **state)
{
    struct scene *scene = begin(state);
    int fd = sibling(scene, 1, 1, 1, "t");

    raw_hello(fd, 1, 1, 2);
    expect_dropped(scene, fd, "worker 1 sent a second hello");
    end(scene);
}

static void refuses_another_version(void **state)
{
    struct scene *scene = begin(state);
    struct wire_frame hello = { .type = WIRE_HELLO,
                                .code = WIRE_VERSION + 1,
                                .id = id_make(NODE, 1, 1, 1) };
    int fd = raw_connect(scene->world, 0);

    raw_send(fd, &hello);
    expect_dropped(scene, fd, "sent another version of the bus");
    assert_false(scene->senders[1].there);
    end(scene);
}

static void refuses_whoever_is_no_sibling(void **state)
{
    struct scene *scene = begin(state);
    const bay_id strangers[] = {
        id_make(NODE + 1, 1, 1, 1),   /* of another machine */
        id_make(NODE, 0, 1, 1),       /* this worker itself */
        id_make(NODE, WORKERS, 1, 1), /* more than there are */
        id_make(NODE, 255, 1, 1),
    };
    size_t i;

    for (i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        struct wire_frame hello = { .type = WIRE_HELLO,
                                    .code = WIRE_VERSION,
                                    .id = strangers[i] };
        int fd = raw_connect(scene->world, 0);

        raw_send(fd, &hello);
        until(scene->world, raw_ended(fd));
        close(fd);
    }
    assert_int_equal(world_logged(scene->world, "no sibling of this worker"),
                     4);
    end(scene);
}

/* Its successor says hello before the end of the old stream was read. */
static void a_new_stream_takes_over(void **state)
{
    struct scene *scene = begin(state);
    int old = sibling(scene, 1, 1, 1, "old");
    int fresh = sibling(scene, 1, 2, 1, "fresh");

    assert_false(wants(scene, "old", 1));
    assert_int_equal(id_incarnation(scene->senders[1].hello), 2);

    /* Its last messages are still delivered; its interests do not count. */
    raw_interest(old, "old", true);
    raw_publish(old, "t", "last words");
    until(scene->world, scene->core->count == 1);
    assert_string_equal(last(scene), "last words");
    assert_false(wants(scene, "old", 1));
    close(old);
    until(scene->world, scene->receivers.count == 1);
    assert_true(wants(scene, "fresh", 1));
    assert_true(scene->senders[1].there);

    /* The same process, on another stream: what it wanted counts until it has
     * told it all again. */
    old = fresh;
    fresh = raw_connect(scene->world, 0);
    raw_hello(fresh, 1, 2, 2);
    raw_send(fresh, &(struct wire_frame){ .type = WIRE_RESYNC });
    raw_interest(fresh, "fresher", true);
    until(scene->world, wants(scene, "fresher", 1));
    assert_true(wants(scene, "fresh", 1));
    assert_false(worker_set_has(&scene->receivers.told, 1));
    close(old);
    until(scene->world, scene->receivers.count == 1);
    assert_true(wants(scene, "fresh", 1));
    raw_send(fresh, &(struct wire_frame){ .type = WIRE_SYNCED });
    until(scene->world, !wants(scene, "fresh", 1));
    assert_true(wants(scene, "fresher", 1));
    assert_true(worker_set_has(&scene->receivers.told, 1));
    close(fresh);
    end(scene);
}

/* It was made before the current one, but its hello is read later. */
static void an_older_stream_does_not_take_over(void **state)
{
    struct scene *scene = begin(state);
    const struct {
        unsigned incarnation;
        uint32_t stream;
    } older[] = { { 5, 2 }, { 4, 9 }, { 65530, 1 } };
    int fresh = sibling(scene, 1, 5, 3, "fresh");
    size_t i;

    for (i = 0; i < 3; i++) {
        int old = raw_connect(scene->world, 0);

        raw_hello(old, 1, older[i].incarnation, older[i].stream);
        raw_interest(old, "old", true);
        raw_publish(old, "t", "late");
        until(scene->world, scene->core->count == i + 1);
        assert_false(wants(scene, "old", 1));
        assert_true(wants(scene, "fresh", 1));
        close(old);
        until(scene->world, scene->receivers.count == 1);
        assert_true(wants(scene, "fresh", 1));
        assert_int_equal(id_incarnation(scene->senders[1].hello), 5);
    }
    close(fresh);
    end(scene);
}

/* Streams that never say who they are do not add up; siblings stay. */
static void bounds_the_number_of_streams(void **state)
{
    enum { MANY = 200 };
    struct scene *scene = begin(state);
    int fd = sibling(scene, 1, 1, 1, "t");
    int silent[MANY];
    int i;

    for (i = 0; i < MANY; i++) {
        silent[i] = raw_connect(scene->world, 0);
        world_settle(scene->world);
    }
    until(scene->world, raw_ended(silent[MANY / 2]));
    assert_in_range(scene->receivers.count, 1, 50);
    assert_true(wants(scene, "t", 1));
    assert_false(raw_ended(silent[MANY - 1]));
    raw_publish(fd, "t", "still here");
    until(scene->world, scene->core->count == 1);
    for (i = 0; i < MANY; i++) {
        close(silent[i]);
    }
    close(fd);
    end(scene);
}

/* Without descriptors it waits, rather than spin, says so once, and then goes
 * on. Those that have a stream are heard meanwhile. Not so valgrind: it
 * accepts, closes what is above the limit, and says EMFILE. */
static void waits_when_descriptors_run_out(void **state)
{
    struct scene *scene;
    const stat_value *paused;
    struct rlimit limit, low;
    int fd, old;

    if (under_valgrind()) {
        skip();
    }
    scene = begin(state);
    paused = &scene->world->stats[0]->bus_paused;
    old = sibling(scene, 2, 1, 1, "t");
    world_settle(scene->world);
    fd = raw_connect(scene->world, 0);
    raw_hello(fd, 1, 1, 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = (rlim_t)fd + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    until(scene->world, uv_is_active((uv_handle_t *)&scene->receivers.pause));
    assert_false(uv_is_active((uv_handle_t *)&scene->receivers.listen));
    assert_int_equal(stat_get(paused), 1);
    until(scene->world, stat_get(paused) == 3);
    raw_publish(old, "t", "others are heard");
    until(scene->world, scene->core->count == 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    until(scene->world, scene->senders[1].there);
    assert_int_equal(world_logged(scene->world, "Too many open files"), 1);
    assert_int_equal(world_logged(scene->world, "accepts its siblings again"),
                     1);
    close(fd);
    close(old);
    end(scene);
}

/* A plugin has closed the socket in this process; the master has it yet, so
 * the loop still says that somebody waits in it. */
static void lets_go_of_a_socket_that_was_closed(void **state)
{
    struct scene *scene = begin(state);
    struct world *world = scene->world;
    int fd = sibling(scene, 2, 1, 1, "t");
    int late, kept = dup(world->listen_fds[0]);

    close(world->listen_fds[0]);
    late = raw_connect(world, 0);
    until(world, !uv_is_active((uv_handle_t *)&scene->receivers.listen));
    assert_false(uv_is_active((uv_handle_t *)&scene->receivers.pause));
    raw_publish(fd, "t", "still heard");
    until(world, scene->core->count == 1);
    assert_int_equal(dup2(kept, world->listen_fds[0]), world->listen_fds[0]);
    close(kept);
    close(late);
    close(fd);
    end(scene);
}

int main(void)
{
#define WORLD_TEST(test) \
    cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        WORLD_TEST(hands_what_comes_to_core),
        WORLD_TEST(a_frame_may_come_byte_by_byte),
        WORLD_TEST(learns_interests_and_forgets_them),
        WORLD_TEST(survives_an_end_within_a_frame),
        WORLD_TEST(refuses_garbage),
        WORLD_TEST(refuses_garbage_of_a_sibling),
        WORLD_TEST(refuses_what_is_no_frame),
        WORLD_TEST(refuses_to_begin_without_a_hello),
        WORLD_TEST(refuses_a_second_hello),
        WORLD_TEST(refuses_another_version),
        WORLD_TEST(refuses_whoever_is_no_sibling),
        WORLD_TEST(a_new_stream_takes_over),
        WORLD_TEST(an_older_stream_does_not_take_over),
        WORLD_TEST(bounds_the_number_of_streams),
        WORLD_TEST(waits_when_descriptors_run_out),
        WORLD_TEST(lets_go_of_a_socket_that_was_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
