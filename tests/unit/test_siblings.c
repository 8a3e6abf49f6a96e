/* test_siblings.c - which workers of this machine are there, as core is told */
#include "bus/local.h"
#include "bus/sender.h"
#include "bus/siblings.h"

#include "bus_world.h"

#define LIMIT ((size_t)1 << 20)

static bay_id worker(unsigned number, unsigned incarnation)
{
    return id_make(NODE, number, incarnation, 0);
}

static void tell_core(void *core, bay_id id, bool there)
{
    core_bus_peer(core, id, there);
}

/* What was told at a place, or has not been yet. */
static bool told(const struct core *core, size_t place, bay_id id, bool there)
{
    return core->peer_count > place && core->peers[place].worker == id &&
           core->peers[place].there == there;
}

static void waits_before_it_gives_one_up(void **state)
{
    struct world *world = *state;
    struct core *core = &world->cores[0];
    struct siblings siblings;
    unsigned handles = 0;

    siblings_init(&siblings, &world->loop, &handles, tell_core, core);
    siblings_lost(&siblings, 1); /* of whom nobody knew */
    siblings_met(&siblings, worker(1, 1) + 5);
    siblings_met(&siblings, worker(1, 1) + 6);
    siblings_met(&siblings, worker(2, 1));
    assert_int_equal(core->peer_count, 2);
    assert_true(told(core, 0, worker(1, 1), true));
    assert_true(told(core, 1, worker(2, 1), true));
    /* One that connects anew, as it had a fault of its own. */
    siblings_lost(&siblings, 1);
    siblings_lost(&siblings, 2);
    siblings_met(&siblings, worker(1, 1) + 7);
    until(world, core->peer_count == 3);
    assert_true(told(core, 2, worker(2, 1), false));
    assert_false(uv_is_active((uv_handle_t *)&siblings.timer));
    /* Another in its place. */
    siblings_met(&siblings, worker(1, 2));
    assert_int_equal(core->peer_count, 5);
    assert_true(told(core, 3, worker(1, 1), false));
    assert_true(told(core, 4, worker(1, 2), true));
    siblings_lost(&siblings, 1);
    siblings_close(&siblings);
    until(world, handles == 0);
    assert_int_equal(core->peer_count, 5);
}

/* Node, number and incarnation of the first worker of a host by itself are 0. */
static void knows_the_first_of_all(void **state)
{
    struct world *world = *state;
    struct core *core = &world->cores[1];
    struct siblings siblings;
    unsigned handles = 0;

    siblings_init(&siblings, &world->loop, &handles, tell_core, core);
    siblings_met(&siblings, id_make(0, 0, 0, 0));
    assert_true(told(core, 0, 0, true));
    siblings_met(&siblings, id_make(0, 0, 0, 0));
    assert_int_equal(core->peer_count, 1);
    siblings_lost(&siblings, 0);
    until(world, told(core, 1, 0, false));
    siblings_close(&siblings);
    until(world, handles == 0);
}

static void path_fits_or_is_refused(void **state)
{
    char path[200], dir[200];

    (void)state;
    assert_int_equal(sender_path(path, sizeof path, "/run/patchbay", 12), 0);
    assert_string_equal(path, "/run/patchbay/bus.12.sock");
    assert_int_equal(sender_path(path, 10, "/run/patchbay", 12), -1);
    memset(dir, 'x', sizeof dir);
    dir[97] = '\0'; /* and /bus.0.sock make 108 with the 0 byte: sun_path */
    assert_int_equal(sender_path(path, sizeof path, dir, 0), -1);
    dir[96] = '\0';
    assert_int_equal(sender_path(path, sizeof path, dir, 0), 0);
}

static struct local_bus *start(struct world *world, unsigned number,
                               unsigned incarnation)
{
    struct local_bus_setup setup = {
        .loop = &world->loop,
        .core = &world->cores[number],
        .stats = world->stats[number],
        .node = NODE,
        .worker = number,
        .workers = 2,
        .incarnation = incarnation,
        .listen_fd = world->listen_fds[number],
        .run_dir = world->dir,
        .queue_limit = LIMIT,
    };
    struct local_bus *bus = local_bus_create(&setup);

    assert_non_null(bus);
    return bus;
}

static void buses_tell_of_each_other(void **state)
{
    struct world *world = *state;
    const struct core *core = &world->cores[0];
    struct local_bus *one = start(world, 0, 1), *other = start(world, 1, 1);

    until(world, told(core, 0, worker(1, 1), true));
    local_bus_destroy(other);
    until(world, told(core, 1, worker(1, 1), false));
    other = start(world, 1, 2);
    until(world, told(core, 2, worker(1, 2), true));
    local_bus_destroy(other);
    other = start(world, 1, 3);
    until(world, told(core, 4, worker(1, 3), true));
    assert_true(told(core, 3, worker(1, 2), false));
    local_bus_destroy(one);
    local_bus_destroy(other);
}

static void core_talks_to_a_worker(void **state)
{
    struct world *world = *state;
    const struct bus *table = local_bus_table();
    struct core *core = &world->cores[1];
    struct local_bus *one = start(world, 0, 1), *other = start(world, 1, 1);
    char topic[66] = "\x01";

    memset(topic + 1, 'x', 64);
    world_want(core, topic);
    until(world, told(&world->cores[0], 0, worker(1, 1), true) &&
                     told(core, 0, worker(0, 1), true));
    table->flush(other);
    world_settle(world);
    assert_int_equal(
        table->send_to(one, "r", worker(1, 1), BAY_BINARY, "hello", 5), 0);
    assert_int_equal(table->publish(one, "r", topic, BAY_TEXT, "all", 3, 0), 0);
    assert_int_equal(table->publish(one, "r", topic, BUS_NEWS, NULL, 0, 0), 0);
    table->flush(one);
    until(world, core->count == 3);
    assert_true(core->events[0].frame.id == worker(1, 1));
    assert_int_equal(core->events[1].frame.code, 65);
    assert_int_equal(core->events[2].frame.kind, BUS_NEWS);
    assert_int_equal(core->events[2].frame.len, 0);
    local_bus_destroy(one);
    local_bus_destroy(other);
}

int main(void)
{
#define WORLD_TEST(test) \
    cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        WORLD_TEST(knows_the_first_of_all),
        WORLD_TEST(waits_before_it_gives_one_up),
        cmocka_unit_test(path_fits_or_is_refused),
        WORLD_TEST(buses_tell_of_each_other),
        WORLD_TEST(core_talks_to_a_worker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
