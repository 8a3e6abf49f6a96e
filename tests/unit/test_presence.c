/* test_presence.c - workers, a bus that loses, and who is in a topic */
#include "presence_rig.h"

static void test_join(void **state)
{
    bay_route *two = route_of(&workers[1]);
    const bay_member *member;

    (void)state;
    come(&workers[0], 0);
    assert_int_equal(bay_watch(two, "t"), BAY_OK);
    assert_int_equal(join(0, 0, "anna", 0), BAY_OK);
    assert_string_equal(heard, ""); /* not from inside a call */
    settle();
    assert_string_equal(heard, "0:1:anna 1:1:anna ");
    member = bay_member_find(two, "t", "anna");
    assert_non_null(member);
    assert_memory_equal(member->info, "x", 2);
    assert_ptr_equal(bay_member_next(two, "t", NULL), member);
    assert_null(bay_member_next(two, "t", member));
    assert_int_equal(count(2), 0); /* neither in it nor watching */

    heard[0] = '\0';
    assert_int_equal(join(0, 0, "anne", 0), BAY_OK);
    settle();
    assert_string_equal(heard, "0:3:anne 1:3:anne ");
    heard[0] = '\0';
    hang_up(&workers[0], 0);
    settle();
    assert_string_equal(heard, "0:2:anne 1:2:anne ");
    assert_int_equal(bay_unwatch(two, "t"), BAY_OK);
    assert_int_equal(bay_unwatch(two, "t"), BAY_ENOTFOUND);
    assert_null(workers[1].core->presence.rooms);
    assert_null(workers[0].core->presence.rooms);
}

/* What comes once the bus has gone from a worker that ends is answered by nobody,
 * and harms nobody. */
static void test_without_bus(void **state)
{
    (void)state;
    come(&workers[0], 0);
    assert_int_equal(join(0, 0, "anna", 0), BAY_OK);
    settle();
    assert_int_equal(bay_watch(route_of(&workers[1]), "t"), BAY_OK);
    core_set_bus(workers[0].core, NULL, NULL);
    settle();
    assert_int_equal(count(1), 0);
}

static void test_late(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        come(&workers[0], i);
        assert_int_equal(join(0, i, "same", 0), BAY_OK);
    }
    settle();
    heard[0] = '\0';
    assert_int_equal(bay_watch(route_of(&workers[3]), "t"), BAY_OK);
    settle();
    assert_string_equal(heard, "3:5:- ");
    assert_int_equal(count(3), 3);
    heard[0] = '\0';
    kill_worker(&workers[0]);
    settle();
    assert_string_equal(heard, "3:2:same 3:2:same 3:2:same ");
    assert_int_equal(count(3), 0);
}

static void test_errors(void **state)
{
    bay_conn *conn;
    char topic[16], info[1025] = "";

    (void)state;
    come(&workers[0], 0);
    conn = &workers[0].peers[0].conn->handle;
    assert_int_equal(bay_join(conn, "", "a", NULL, 0, 0), BAY_EINVAL);
    assert_int_equal(bay_join(conn, "\x01t", "a", NULL, 0, 0), BAY_EINVAL);
    assert_int_equal(bay_join(conn, "t", "a\n", NULL, 0, 0), BAY_EINVAL);
    assert_int_equal(bay_join(conn, "t", NULL, NULL, 0, 0), BAY_EINVAL);
    assert_int_equal(bay_join(conn, "t", "a", NULL, 0, 2), BAY_EINVAL);
    assert_int_equal(bay_join(conn, "t", "a", info, 1025, 0), BAY_ETOOBIG);
    assert_int_equal(bay_leave(conn, "t"), BAY_ENOTFOUND);
    for (int i = 0; i < 64; i++) {
        snprintf(topic, sizeof topic, "t%d", i);
        assert_int_equal(bay_join(conn, topic, "a", NULL, 0, 0), BAY_OK);
    }
    assert_int_equal(bay_join(conn, "t", "a", NULL, 0, 0), BAY_EFULL);
    assert_int_equal(stat_get(&workers[0].stats->presence_refused), 1);
    assert_int_equal(bay_leave(conn, "t5"), BAY_OK);
    assert_int_equal(bay_join(conn, "t", "a", NULL, 0, 0), BAY_OK);
}

/* A worker that knows as many as it may: neither its own nor others' are
 * added. */
static void test_full(void **state)
{
    (void)state;
    come(&workers[0], 0);
    come(&workers[0], 1);
    come(&workers[1], 0);
    workers[0].core->presence.max = 1;
    assert_int_equal(join(0, 0, "anna", 0), BAY_OK);
    assert_int_equal(join(0, 1, "bob", 0), BAY_EFULL);
    assert_int_equal(stat_get(&workers[0].stats->presence_refused), 1);
    assert_int_equal(join(1, 0, "cid", 0), BAY_OK);
    settle();
    assert_int_equal(count(0), 1);
    assert_int_equal(count(1), 2);
    assert_true(stat_get(&workers[0].stats->presence_refused) >= 2);
    workers[0].core->presence.max = 10;
    assert_int_equal(join(0, 1, "bob", 0), BAY_OK);
}

/* Beyond a bound they are one. */
static void test_many(void **state)
{
    (void)state;
    come(&workers[0], 0);
    for (int i = 0; i < 6000; i++) {
        assert_int_equal(join(0, 0, i % 2 ? "a" : "b", 0), BAY_OK);
    }
    core_turn(workers[0].core);
    settle();
    assert_int_equal(workers[0].core->presence.waiting, 0);
    assert_int_equal(core_find_name(workers[0].core, "r")->changes, 0);
    heard[0] = '\0';
    assert_int_equal(bay_leave(&workers[0].peers[0].conn->handle, "t"), 0);
    settle();
    assert_string_equal(heard, "0:2:a ");
}

static void compare(void)
{
    size_t all = 0;

    for (int i = 0; i < WORKERS; i++) {
        for (int k = 0; k < CLIENTS; k++) {
            all += workers[i].joined[k];
        }
    }
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(count(i), all);
        for (int k = 0; k < WORKERS; k++) {
            const struct route *route = core_find_names(workers[i].core, "r");
            const struct room *room = room_find(workers[i].core, route, "t");

            for (int c = 0; c < CLIENTS; c++) {
                const struct conn *conn = workers[k].peers[c].conn;

                if (conn != NULL) {
                    assert_true((members_find(&room->members, conn->id) !=
                                 NULL) == workers[k].joined[c]);
                }
            }
        }
    }
}

/* 1000 workers are killed at random, frames are refused, come in any order
 * across their publishers, and after the news of their death. */
static void test_kills(void **state)
{
    int kills = 0;

    (void)state;
    srand(11);
    while (kills < 1000) {
        struct worker *worker = &workers[rand() % WORKERS];
        int i = rand() % CLIENTS, dice = rand() % 100;
        char label[8];

        lossy = true;
        snprintf(label, sizeof label, "n%d", rand() % 9);
        if (dice < 4 && worker->core != NULL) {
            kill_worker(worker);
            kills++;
        } else if (worker->core == NULL) {
            start(worker);
        } else if (worker->peers[i].conn == NULL) {
            come(worker, i);
        } else if (dice < 40) {
            worker->joined[i] =
                join((int)worker->number, i, label, 0) == BAY_OK;
        } else if (dice < 50) {
            bay_leave(&worker->peers[i].conn->handle, "t");
            worker->joined[i] = false;
        } else if (dice < 55) {
            hang_up(worker, i);
        } else if (dice < 58) {
            advance((uint64_t)rand() % 3000);
        }
        for (int n = rand() % 6; n > 0; n--) {
            struct worker *to = &workers[rand() % WORKERS];

            if (to->core != NULL) {
                deliver_from(to, rand() % WORKERS);
            }
        }
        if (kills % 100 == 99 || kills == 1000) {
            lossy = false;
            for (int k = 0; k < WORKERS; k++) {
                if (workers[k].core == NULL) {
                    start(&workers[k]);
                }
                bay_watch(route_of(&workers[k]), "t");
            }
            settle();
            for (int k = 0; k < 5; k++) {
                advance(5000);
                settle();
            }
            compare();
            kills += kills < 1000;
            kill_worker(&workers[rand() % WORKERS]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_join, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_bus, setup, teardown),
        cmocka_unit_test_setup_teardown(test_late, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kills, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
