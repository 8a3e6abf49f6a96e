/* test_local_news.c - siblings whose interests were not known are told to look
 * for what they may have missed */
#include "bus/local.h"

#include "bus_world.h"

#define LIMIT ((size_t)1 << 20)

static struct local_bus *start(struct world *world, unsigned worker,
                               size_t limit)
{
    struct local_bus_setup setup = {
        .loop = &world->loop,
        .core = &world->cores[worker],
        .stats = world->stats[worker],
        .node = NODE,
        .worker = worker,
        .workers = 2,
        .incarnation = 1,
        .listen_fd = world->listen_fds[worker],
        .run_dir = world->dir,
        .queue_limit = limit,
    };
    struct local_bus *bus = local_bus_create(&setup);

    assert_non_null(bus);
    return bus;
}

/* Each knows all that the other wants. */
static bool know(struct local_bus *one, struct local_bus *other)
{
    local_bus_table()->flush(one);
    local_bus_table()->flush(other);
    return local_bus_knows(one, 1) && local_bus_knows(other, 0);
}

static void publish_news(struct local_bus *bus)
{
    assert_int_equal(
        local_bus_table()->publish(bus, "kept", "t", BUS_NEWS, "", 0, 0), 0);
}

static bool got_news(struct local_bus *from, const struct core *core,
                     const char *where)
{
    local_bus_table()->flush(from);
    return core->count == 1 && core->events[0].frame.kind == BUS_NEWS &&
           strcmp(core->events[0].data, where) == 0;
}

static void tells_who_begins_to_want_a_topic(void **state)
{
    struct world *world = *state;
    const struct bus *table = local_bus_table();
    struct core *core = &world->cores[1];
    struct local_bus *one = start(world, 0, LIMIT),
                     *other = start(world, 1, LIMIT);

    until(world, know(one, other));
    assert_int_equal(core->count, 0); /* there was none */
    table->interest(other, "r", "not kept", true);
    table->interest(other, "kept", "gone", false);
    table->interest(other, "kept", "t", true);
    table->flush(other);
    until(world, got_news(one, core, "kept:t"));
    local_bus_destroy(one);
    local_bus_destroy(other);
}

static void tells_who_was_not_there(void **state)
{
    struct world *world = *state;
    struct core *core = &world->cores[1];
    struct local_bus *one = start(world, 0, LIMIT), *other;

    publish_news(one);
    other = start(world, 1, LIMIT);
    until(world, know(one, other));
    until(world, got_news(one, core, ":"));
    assert_int_equal(world->cores[0].count, 0);
    /* It is known now, and wants nothing. */
    publish_news(one);
    local_bus_table()->flush(one);
    world_settle(world);
    assert_int_equal(core->count, 1);
    local_bus_destroy(one);
    local_bus_destroy(other);
}

static void has_all_look_if_one_cannot_be_told(void **state)
{
    struct world *world = *state;
    struct local_bus *one = start(world, 0, 8), *other;

    publish_news(one);
    other = start(world, 1, LIMIT);
    until(world, know(one, other));
    assert_int_equal(world->cores[0].untold, 1);
    assert_int_equal(world->cores[1].count, 0);
    local_bus_destroy(one);
    local_bus_destroy(other);
}

static void say(int fd, enum wire_type type)
{
    const struct wire_frame frame = { .type = type };

    raw_send(fd, &frame);
}

/* The sibling, which wants nothing, says so on a stream of its own. */
static int introduce(struct world *world, struct local_bus *bus,
                     uint32_t stream)
{
    int fd = raw_connect(world, 0);

    raw_hello(fd, 1, 1, stream);
    say(fd, WIRE_RESYNC);
    say(fd, WIRE_SYNCED);
    until(world, local_bus_knows(bus, 1));
    return fd;
}

/* Of any topic, told to a sibling since it was counted last. */
static unsigned count_news(struct local_bus *bus, int fd)
{
    struct wire_frame frame;
    char bytes[256];
    unsigned count = 0;

    local_bus_table()->flush(bus);
    do {
        frame = raw_frame(fd, bytes, sizeof bytes);
        count += frame.type == WIRE_PUBLISH && frame.kind == BUS_NEWS &&
                 *frame.route == '\0';
    } while (frame.type != 0);
    return count;
}

/* One whose interests did not fit, for a while, tells all of them once more. */
static void tells_who_tells_its_interests_again(void **state)
{
    struct world *world = *state;
    struct local_bus *one = start(world, 0, LIMIT);
    int heard = raw_accept(world, 1), said = introduce(world, one, 1);

    say(said, WIRE_RESYNC);
    until(world, !local_bus_knows(one, 1));
    raw_interest(said, "t", true); /* no answer to each of them */
    say(said, WIRE_SYNCED);
    until(world, local_bus_knows(one, 1));
    assert_int_equal(count_news(one, heard), 1);
    close(said);
    close(heard);
    local_bus_destroy(one);
}

/* It says hello once more, or its successor does: until that is heard, what is
 * published goes by what was known of it. */
static void tells_who_says_hello_again(void **state)
{
    struct world *world = *state;
    struct local_bus *one = start(world, 0, LIMIT);
    int heard = raw_accept(world, 1), first = introduce(world, one, 1), next;

    assert_int_equal(count_news(one, heard), 0);
    publish_news(one);
    next = raw_connect(world, 0);
    raw_hello(next, 1, 1, 2);
    say(next, WIRE_RESYNC);
    until(world, !local_bus_knows(one, 1));
    say(next, WIRE_SYNCED);
    until(world, local_bus_knows(one, 1));
    assert_int_equal(count_news(one, heard), 1);
    close(next);
    close(first);
    until(world, !local_bus_knows(one, 1));
    next = introduce(world, one, 3);
    assert_int_equal(count_news(one, heard), 1);
    close(next);
    close(heard);
    local_bus_destroy(one);
}

/* What was on its way is lost, and news may be among it. */
static void has_all_look_if_a_stream_breaks(void **state)
{
    struct world *world = *state;
    struct local_bus *one = start(world, 0, LIMIT);
    int heard = raw_accept(world, 1), said = introduce(world, one, 1);

    assert_int_equal(count_news(one, heard), 0);
    close(heard);
    until(world, world->cores[0].untold == 1);
    close(said);
    local_bus_destroy(one);
}

int main(void)
{
#define NEWS_TEST(test) \
    cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        NEWS_TEST(tells_who_begins_to_want_a_topic),
        NEWS_TEST(tells_who_was_not_there),
        NEWS_TEST(has_all_look_if_one_cannot_be_told),
        NEWS_TEST(tells_who_tells_its_interests_again),
        NEWS_TEST(tells_who_says_hello_again),
        NEWS_TEST(has_all_look_if_a_stream_breaks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
