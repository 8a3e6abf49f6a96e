/* test_local.c - several workers' buses in one process, on one loop */
#include "bus/local.h"

#include "bus_world.h"

#define LIMIT ((size_t)64 << 20)

struct scene {
    struct world *world;
    struct local_bus *buses[WORKERS];
    unsigned workers;
    unsigned incarnations[WORKERS];
};

static const struct bus *table(void)
{
    return local_bus_table();
}

static void start_worker(struct scene *scene, unsigned worker, size_t limit)
{
    struct world *world = scene->world;
    struct local_bus_setup setup = {
        .loop = &world->loop,
        .core = &world->cores[worker],
        .stats = world->stats[worker],
        .node = NODE,
        .worker = worker,
        .workers = scene->workers,
        .incarnation = ++scene->incarnations[worker],
        .listen_fd = world->listen_fds[worker],
        .run_dir = world->dir,
        .queue_limit = limit,
    };

    scene->buses[worker] = local_bus_create(&setup);
    assert_non_null(scene->buses[worker]);
}

static void stop_worker(struct scene *scene, unsigned worker)
{
    local_bus_destroy(scene->buses[worker]);
    scene->buses[worker] = NULL;
}

static void begin(struct scene *scene, void **state, unsigned workers,
                  size_t limit)
{
    unsigned worker;

    memset(scene, 0, sizeof *scene);
    scene->world = *state;
    scene->workers = workers;
    for (worker = 0; worker < workers; worker++) {
        start_worker(scene, worker, limit);
    }
}

static void end(struct scene *scene)
{
    unsigned worker;

    for (worker = 0; worker < scene->workers; worker++) {
        stop_worker(scene, worker);
    }
}

static void flush(struct scene *scene)
{
    unsigned worker;

    for (worker = 0; worker < scene->workers; worker++) {
        if (scene->buses[worker]) {
            table()->flush(scene->buses[worker]);
        }
    }
}

static struct core *core(const struct scene *scene, unsigned worker)
{
    return &scene->world->cores[worker];
}

static void want(struct scene *scene, unsigned worker, const char *topic)
{
    world_want(core(scene, worker), topic);
    assert_int_equal(table()->interest(scene->buses[worker], "r", topic, true),
                     0);
}

static void unwant(struct scene *scene, unsigned worker, const char *topic)
{
    world_unwant(core(scene, worker), topic);
    assert_int_equal(table()->interest(scene->buses[worker], "r", topic, false),
                     0);
}

static int publish(struct scene *scene, unsigned worker, const char *topic,
                   const char *text)
{
    return table()->publish(scene->buses[worker], "r", topic, BAY_TEXT, text,
                            strlen(text), 0);
}

static int send_to(struct scene *scene, unsigned worker, bay_id id,
                   const char *text)
{
    return table()->send_to(scene->buses[worker], "r", id, BAY_TEXT, text,
                            strlen(text));
}

/* Everybody has heard of everybody, and of what they want. */
static void settle(struct scene *scene)
{
    flush(scene);
    world_settle(scene->world);
    flush(scene);
    world_settle(scene->world);
}

static uint64_t out(const struct scene *scene, unsigned worker)
{
    return stat_get(&scene->world->stats[worker]->bus_out);
}

static uint64_t dropped(const struct scene *scene, unsigned worker)
{
    return stat_get(&scene->world->stats[worker]->bus_dropped);
}

static void publishes_to_who_is_interested(void **state)
{
    struct scene scene;
    const struct event *event;

    begin(&scene, state, 3, LIMIT);
    want(&scene, 0, "lobby");
    want(&scene, 1, "lobby");
    want(&scene, 2, "other");
    settle(&scene);
    assert_int_equal(table()->publish(scene.buses[0], "r", "lobby", BAY_BINARY,
                                      "a\0b", 3, 42),
                     0);
    assert_int_equal(publish(&scene, 0, "nobody's", "x"), 0);
    assert_int_equal(
        table()->publish(scene.buses[0], "r2", "lobby", BAY_TEXT, "x", 1, 0),
        0);
    assert_int_equal(publish(&scene, 2, "lobby", ""), 0);
    settle(&scene);

    assert_int_equal(core(&scene, 0)->count, 1);
    assert_int_equal(core(&scene, 0)->events[0].frame.len, 0);
    assert_int_equal(core(&scene, 2)->count, 0);
    assert_int_equal(core(&scene, 1)->count, 2);
    for (event = core(&scene, 1)->events; event->frame.len == 0; event++) {
    }
    assert_int_equal(event->frame.type, WIRE_PUBLISH);
    assert_int_equal(event->frame.kind, BAY_BINARY);
    assert_int_equal(event->frame.id, 42);
    assert_int_equal(event->frame.len, 3);
    assert_memory_equal(event->data, "a\0b", 3);
    assert_int_equal(out(&scene, 0), 1);
    assert_int_equal(out(&scene, 2), 2);
    assert_int_equal(stat_get(&scene.world->stats[1]->bus_in), 2);
    end(&scene);
}

static void interest_begins_and_ends(void **state)
{
    struct scene scene;
    char text[2] = "a";

    begin(&scene, state, 2, LIMIT);
    settle(&scene);
    for (; *text <= 'e'; ++*text) {
        if (*text % 2 == 0) {
            want(&scene, 1, "t");
        }
        settle(&scene);
        assert_int_equal(publish(&scene, 0, "t", text), 0);
        settle(&scene);
        if (*text % 2 == 0) {
            unwant(&scene, 1, "t");
        }
    }
    assert_int_equal(core(&scene, 1)->count, 2);
    assert_string_equal(core(&scene, 1)->events[0].data, "b");
    assert_string_equal(core(&scene, 1)->events[1].data, "d");
    end(&scene);
}

/* A sibling that hears of an interest can answer to it: order holds across
 * interests and messages. */
static void an_interest_comes_before_what_follows_it(void **state)
{
    struct scene scene;

    begin(&scene, state, 2, LIMIT);
    want(&scene, 1, "questions");
    settle(&scene);
    want(&scene, 0, "answers");
    assert_int_equal(publish(&scene, 0, "questions", "?"), 0);
    flush(&scene);
    until(scene.world, core(&scene, 1)->count == 1);
    assert_int_equal(publish(&scene, 1, "answers", "!"), 0);
    flush(&scene);
    until(scene.world, core(&scene, 0)->count == 1);
    end(&scene);
}

static void sends_and_closes_by_id(void **state)
{
    struct scene scene;
    bay_id id = id_make(NODE, 2, 1, 9);
    const struct event *event;

    begin(&scene, state, 3, LIMIT);
    settle(&scene);
    assert_int_equal(send_to(&scene, 0, id, "psst"), 0);
    assert_int_equal(table()->close_id(scene.buses[0], "r", id, 4001, "bye"),
                     0);
    assert_int_equal(table()->close_id(scene.buses[0], "r", id, 4002, NULL), 0);
    settle(&scene);
    assert_int_equal(core(&scene, 1)->count, 0);
    assert_int_equal(core(&scene, 2)->count, 3);
    event = core(&scene, 2)->events;
    assert_int_equal(event->frame.type, WIRE_SEND);
    assert_true(event->frame.id == id);
    assert_string_equal(event->data, "psst");
    event++;
    assert_int_equal(event->frame.code, 4001);
    assert_string_equal(event->data, "bye");
    event++;
    assert_int_equal(event->frame.code, 4002);
    assert_null(event->data);

    /* Of another machine, of workers that do not exist, of this one. */
    assert_int_equal(send_to(&scene, 0, id_make(NODE + 1, 2, 1, 9), "x"),
                     BAY_ENOTFOUND);
    assert_int_equal(send_to(&scene, 0, id_make(NODE, 3, 1, 9), "x"),
                     BAY_ENOTFOUND);
    assert_int_equal(send_to(&scene, 0, id_make(NODE, 255, 1, 9), "x"),
                     BAY_ENOTFOUND);
    assert_int_equal(send_to(&scene, 0, id_make(NODE, 0, 1, 9), "x"),
                     BAY_ENOTFOUND);
    assert_int_equal(
        table()->close_id(scene.buses[0], "r", id_make(NODE, 3, 1, 9), 1000, 0),
        BAY_ENOTFOUND);
    assert_int_equal(dropped(&scene, 0), 0);
    end(&scene);
}

static void a_worker_ends_and_another_takes_its_place(void **state)
{
    struct scene scene;
    bay_id id = id_make(NODE, 1, 1, 5);

    begin(&scene, state, 3, LIMIT);
    want(&scene, 1, "lobby");
    want(&scene, 2, "lobby");
    assert_false(local_bus_knows(scene.buses[0], 1));
    settle(&scene);
    assert_true(local_bus_knows(scene.buses[0], 1));
    assert_int_equal(send_to(&scene, 0, id, "x"), 0);

    stop_worker(&scene, 1);
    world_unwant(core(&scene, 1), "lobby");
    until(scene.world, send_to(&scene, 0, id, "x") == BAY_ENOTFOUND);
    assert_false(local_bus_knows(scene.buses[0], 1));
    assert_true(local_bus_knows(scene.buses[0], 2));
    assert_true(dropped(&scene, 0) > 0);
    assert_int_equal(publish(&scene, 0, "lobby", "to one"), 0);
    settle(&scene);
    assert_int_equal(core(&scene, 2)->count, 1);

    /* Its successor knows what all want, and is known to want something. */
    world_want(core(&scene, 1), "attic");
    start_worker(&scene, 1, LIMIT);
    core(&scene, 1)->count = 0;
    until(scene.world, publish(&scene, 1, "lobby", "back") == 0 &&
                           (flush(&scene), core(&scene, 2)->count >= 2));
    until(scene.world, publish(&scene, 0, "attic", "anew") == 0 &&
                           (flush(&scene), core(&scene, 1)->count >= 1));

    until(scene.world, local_bus_knows(scene.buses[1], 0) &&
                           local_bus_knows(scene.buses[0], 1));

    /* Its predecessor's connections are gone; its own are not. */
    assert_int_equal(send_to(&scene, 0, id, "x"), BAY_ENOTFOUND);
    assert_int_equal(send_to(&scene, 0, id_make(NODE, 1, 2, 5), "x"), 0);
    end(&scene);
}

/* While a worker is replaced, over and over, the others lose nothing. */
static void replacing_one_harms_no_other(void **state)
{
    struct scene scene;
    char text[32];
    size_t sent = 0;
    int round;

    begin(&scene, state, 3, LIMIT);
    want(&scene, 2, "t");
    settle(&scene);
    for (round = 0; round < 20; round++) {
        stop_worker(&scene, 1);
        snprintf(text, sizeof text, "%zu", sent++);
        assert_int_equal(publish(&scene, 0, "t", text), 0);
        settle(&scene);
        start_worker(&scene, 1, LIMIT);
        snprintf(text, sizeof text, "%zu", sent++);
        assert_int_equal(publish(&scene, 0, "t", text), 0);
        settle(&scene);
    }
    until(scene.world, core(&scene, 2)->count == sent);
    while (sent-- > 0) {
        snprintf(text, sizeof text, "%zu", sent);
        assert_string_equal(core(&scene, 2)->events[sent].data, text);
    }
    assert_int_equal(dropped(&scene, 0), 0);
    end(&scene);
}

static void large_messages_arrive_whole(void **state)
{
    enum { SIZE = 20 << 20 };
    static const size_t around[] = { 8100,  8192,  8193, 32768,
                                     65535, 65536, 70000 };
    struct scene scene;
    char *data = malloc(SIZE);
    size_t i;

    assert_non_null(data);
    for (i = 0; i < SIZE; i++) {
        data[i] = (char)(i * 2654435761u >> 24);
    }
    begin(&scene, state, 3, LIMIT);
    want(&scene, 1, "t");
    want(&scene, 2, "t");
    settle(&scene);
    assert_int_equal(publish(&scene, 0, "t", "before"), 0);
    assert_int_equal(
        table()->publish(scene.buses[0], "r", "t", BAY_BINARY, data, SIZE, 0),
        0);
    assert_int_equal(publish(&scene, 0, "t", "after"), 0);
    flush(&scene);
    until(scene.world,
          core(&scene, 1)->count == 3 && core(&scene, 2)->count == 3);
    for (i = 1; i <= 2; i++) {
        const struct event *events = core(&scene, (unsigned)i)->events;

        assert_string_equal(events[0].data, "before");
        assert_int_equal(events[1].frame.len, SIZE);
        assert_memory_equal(events[1].data, data, SIZE);
        assert_string_equal(events[2].data, "after");
    }
    for (i = 0; i < sizeof around / sizeof around[0]; i++) {
        assert_int_equal(table()->publish(scene.buses[0], "r", "t", BAY_BINARY,
                                          data, around[i], 0),
                         0);
    }
    flush(&scene);
    until(scene.world, core(&scene, 1)->count == 3 + i);
    while (i-- > 0) {
        const struct event *event = &core(&scene, 1)->events[3 + i];

        assert_int_equal(event->frame.len, around[i]);
        assert_memory_equal(event->data, data, around[i]);
    }
    end(&scene);
    free(data);
}

static void a_worker_may_end_within_a_message(void **state)
{
    enum { SIZE = 20 << 20 };
    struct scene scene;
    char *data = calloc(1, SIZE);

    assert_non_null(data);
    begin(&scene, state, 2, LIMIT);
    want(&scene, 1, "t");
    settle(&scene);
    assert_int_equal(
        table()->publish(scene.buses[0], "r", "t", BAY_BINARY, data, SIZE, 0),
        0);
    flush(&scene);
    uv_run(&scene.world->loop, UV_RUN_NOWAIT);
    stop_worker(&scene, 0);
    assert_int_equal(dropped(&scene, 0), 1);
    settle(&scene);
    assert_int_equal(core(&scene, 1)->count, 0);

    start_worker(&scene, 0, LIMIT);
    until(scene.world, publish(&scene, 0, "t", "whole") == 0 &&
                           (flush(&scene), core(&scene, 1)->count > 0));
    assert_string_equal(core(&scene, 1)->events[0].data, "whole");
    end(&scene);
    free(data);
}

static void order_holds(void **state)
{
    enum { MESSAGES = 10000 };
    struct scene scene;
    char text[64];
    int i, round;

    begin(&scene, state, 3, LIMIT);
    want(&scene, 0, "t");
    want(&scene, 1, "t");
    settle(&scene);
    for (i = 0; i < MESSAGES; i++) {
        snprintf(text, sizeof text, "%d", i);
        assert_int_equal(publish(&scene, 2, "t", text), 0);
        assert_int_equal(send_to(&scene, 2, id_make(NODE, 1, 1, 1), text), 0);
        if (i % 100 == 0) { /* a turn of the loop */
            flush(&scene);
            uv_run(&scene.world->loop, UV_RUN_NOWAIT);
        }
    }
    flush(&scene);
    until(scene.world, core(&scene, 0)->count == MESSAGES &&
                           core(&scene, 1)->count == 2 * MESSAGES);
    for (i = 0; i < MESSAGES; i++) {
        snprintf(text, sizeof text, "%d", i);
        assert_string_equal(core(&scene, 0)->events[i].data, text);
        for (round = 0; round < 2; round++) {
            const struct event *event = &core(&scene, 1)->events[2 * i + round];

            assert_string_equal(event->data, text);
            assert_int_equal(event->frame.type,
                             round ? WIRE_SEND : WIRE_PUBLISH);
        }
    }
    end(&scene);
}

/* One that does not read costs the others nothing, and its queue is bounded. */
static void a_slow_sibling_is_dropped_for(void **state)
{
    enum { MESSAGES = 3000, SIZE = 1000, SMALL_LIMIT = 1 << 20 };
    struct scene scene;
    char data[SIZE];
    uint64_t full = 0;
    int i, slow;

    memset(data, 'x', sizeof data);
    begin(&scene, state, 2, SMALL_LIMIT);
    scene.workers = 3; /* the third is a bare socket, and never reads */
    stop_worker(&scene, 0);
    stop_worker(&scene, 1);
    start_worker(&scene, 0, SMALL_LIMIT);
    start_worker(&scene, 1, SMALL_LIMIT);
    want(&scene, 1, "t");
    slow = raw_connect(scene.world, 0);
    raw_hello(slow, 2, 1, 1);
    raw_interest(slow, "t", true);
    settle(&scene);
    for (i = 0; i < MESSAGES; i++) {
        int status = table()->publish(scene.buses[0], "r", "t", BAY_TEXT, data,
                                      sizeof data, 0);

        assert_true(status == 0 || status == BAY_EFULL);
        full += status == BAY_EFULL;
        flush(&scene);
        uv_run(&scene.world->loop, UV_RUN_NOWAIT);
    }
    until(scene.world, core(&scene, 1)->count == MESSAGES);
    assert_in_range(full, 1, MESSAGES - SMALL_LIMIT / SIZE / 2);
    assert_int_equal(dropped(&scene, 0), full);
    assert_int_equal(out(&scene, 0), 2 * MESSAGES - full);
    assert_in_range(world_logged(scene.world, "worker 2 does not keep up"), 1,
                    10);
    close(slow);
    end(&scene);
}

/* It is heard, but cannot be reached. */
static void a_message_for_one_out_of_reach_is_counted(void **state)
{
    struct scene scene;
    int fd;

    world_unlisten(*state, 1);
    begin(&scene, state, 1, LIMIT);
    stop_worker(&scene, 0);
    scene.workers = 2;
    start_worker(&scene, 0, LIMIT);
    fd = raw_connect(scene.world, 0);
    raw_hello(fd, 1, 1, 1);
    raw_interest(fd, "t", true);
    settle(&scene);
    assert_int_equal(publish(&scene, 0, "t", "x"), BAY_EFULL);
    assert_int_equal(send_to(&scene, 0, id_make(NODE, 1, 1, 1), "x"),
                     BAY_ENOTFOUND);
    assert_int_equal(dropped(&scene, 0), 2);
    assert_int_equal(out(&scene, 0), 0);
    close(fd);
    end(&scene);
}

static void what_was_said_last_is_still_sent(void **state)
{
    struct scene scene;

    begin(&scene, state, 2, LIMIT);
    want(&scene, 1, "t");
    settle(&scene);
    assert_int_equal(publish(&scene, 0, "t", "farewell"), 0);
    stop_worker(&scene, 0);
    until(scene.world, core(&scene, 1)->count == 1);
    assert_int_equal(dropped(&scene, 0), 0);
    end(&scene);
}

static void a_lone_worker_needs_no_sibling(void **state)
{
    struct scene scene;

    begin(&scene, state, 1, LIMIT);
    want(&scene, 0, "t");
    assert_int_equal(publish(&scene, 0, "t", "x"), 0);
    assert_int_equal(send_to(&scene, 0, id_make(NODE, 1, 1, 1), "x"),
                     BAY_ENOTFOUND);
    settle(&scene);
    assert_int_equal(core(&scene, 0)->count, 0);
    end(&scene);
}

static void refuses_what_no_frame_can_hold(void **state)
{
    struct scene scene;
    char name[70000];

    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    begin(&scene, state, 2, LIMIT);
    want(&scene, 1, "t");
    settle(&scene);
    assert_int_equal(table()->publish(scene.buses[0], "r", "t", BAY_TEXT, "",
                                      (size_t)2 << 30, 0),
                     BAY_ETOOBIG);
    assert_int_equal(table()->interest(scene.buses[0], "r", name, true),
                     BAY_EINVAL);
    end(&scene);
}

static void says_why_it_cannot_begin(void **state)
{
    struct world *world = *state;
    struct local_bus_setup setup = {
        .loop = &world->loop,
        .core = &world->cores[0],
        .stats = world->stats[0],
        .workers = 2,
        .listen_fd = -1,
        .run_dir = world->dir,
    };
    char path[200];

    assert_null(local_bus_create(&setup));
    assert_int_equal(world_logged(world, "cannot listen for the siblings"), 1);
    local_bus_destroy(NULL);
    assert_int_equal(local_bus_path(path, sizeof path, "/run/p", 3), 0);
    assert_string_equal(path, "/run/p/bus.3.sock");
}

int main(void)
{
#define WORLD_TEST(test) \
    cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        WORLD_TEST(publishes_to_who_is_interested),
        WORLD_TEST(interest_begins_and_ends),
        WORLD_TEST(an_interest_comes_before_what_follows_it),
        WORLD_TEST(sends_and_closes_by_id),
        WORLD_TEST(a_worker_ends_and_another_takes_its_place),
        WORLD_TEST(replacing_one_harms_no_other),
        WORLD_TEST(large_messages_arrive_whole),
        WORLD_TEST(a_worker_may_end_within_a_message),
        WORLD_TEST(order_holds),
        WORLD_TEST(a_slow_sibling_is_dropped_for),
        WORLD_TEST(a_message_for_one_out_of_reach_is_counted),
        WORLD_TEST(what_was_said_last_is_still_sent),
        WORLD_TEST(a_lone_worker_needs_no_sibling),
        WORLD_TEST(refuses_what_no_frame_can_hold),
        WORLD_TEST(says_why_it_cannot_begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
