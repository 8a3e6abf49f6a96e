/* test_presence_labels.c - who has a label for itself alone */
#include "presence_rig.h"

static void test_unique(void **state)
{
    (void)state;
    come(&workers[0], 0);
    come(&workers[1], 0);
    come(&workers[1], 1);
    assert_int_equal(join(1, 1, "bob", 0), BAY_OK);
    settle();
    assert_int_equal(join(0, 0, "anna", BAY_UNIQUE), BAY_OK);
    assert_int_equal(join(1, 0, "anna", BAY_UNIQUE), BAY_OK); /* a race */
    heard[0] = '\0';
    settle();
    assert_int_equal(count(0), 2);
    assert_int_equal(count(1), 2);
    assert_non_null(strstr(heard, ":4:anna "));
    assert_null(strstr(strstr(heard, ":4:anna ") + 1, ":4:anna "));
    assert_int_equal(join(1, 1, "anna", BAY_UNIQUE), BAY_EEXISTS);
}

/* The only member of its worker loses its label: the hook is told while the
 * worker still knows who has it. Or it would take it again, and again. */
static void test_displaced(void **state)
{
    (void)state;
    again = BAY_OK;
    come(&workers[0], 0);
    come(&workers[1], 0);
    assert_int_equal(join(0, 0, "anna", BAY_UNIQUE), BAY_OK);
    assert_int_equal(join(1, 0, "anna", BAY_UNIQUE), BAY_OK);
    settle();
    assert_non_null(strstr(heard, ":4:anna "));
    assert_int_equal(again, BAY_EEXISTS);
    assert_int_equal(count(0) + count(1), 1); /* none where nobody is in */
}

/* One that others have as well is made its own by who has had it longest. */
static void test_claimed(void **state)
{
    (void)state;
    again = BAY_OK;
    come(&workers[0], 0);
    come(&workers[1], 0);
    assert_int_equal(join(0, 0, "anna", 0), BAY_OK);
    assert_int_equal(join(1, 0, "anna", BAY_UNIQUE), BAY_OK);
    settle();
    assert_null(strstr(heard, ":4:anna "));
    assert_int_equal(count(0), 2);
    assert_int_equal(join(0, 0, "anna", BAY_UNIQUE), BAY_OK);
    settle();
    assert_non_null(strstr(heard, ":4:anna "));
    assert_int_equal(again, BAY_EEXISTS);
    assert_int_equal(count(0), 1);
}

/* Not if another has it without having claimed it, nor by the later. */
static void test_not_claimed(void **state)
{
    (void)state;
    come(&workers[0], 0);
    come(&workers[1], 0);
    assert_int_equal(join(0, 0, "anna", 0), BAY_OK);
    assert_int_equal(join(1, 0, "anna", 0), BAY_OK);
    settle();
    assert_int_equal(join(0, 0, "anna", BAY_UNIQUE), BAY_EEXISTS);
    assert_int_equal(join(1, 0, "anna", BAY_UNIQUE), BAY_EEXISTS);
    assert_int_equal(count(0), 2);
}

/* What workers 0 and 2 have heard, in order; neither says what the other does
 * not. */
static void expect_heard(const char *changes)
{
    char of[2][sizeof heard] = { "", "" }, *text = heard;
    const char *word;

    while ((word = strtok_r(text, " ", &text)) != NULL) {
        if (*word == '0' || *word == '2') {
            strcat(of[*word == '2'], word + 1);
        }
    }
    assert_string_equal(of[0], changes);
    assert_string_equal(of[1], changes);
    heard[0] = '\0';
}

/* The first anna is at worker 0, and worker 2 knows of her. */
static void begin_with_anna(void)
{
    come(&workers[0], 0);
    come(&workers[1], 0);
    come(&workers[2], 0);
    assert_int_equal(join(2, 0, "bob", 0), BAY_OK);
    settle();
    assert_int_equal(join(0, 0, "anna", BAY_UNIQUE), BAY_OK);
    settle();
    heard[0] = '\0';
}

/* Takes the label in worker 1, which knows nobody yet. Worker 2 hears of that at
 * once. */
static void take_in_vain(void)
{
    assert_int_equal(join(1, 0, "anna", BAY_UNIQUE), BAY_OK);
    while (deliver_from(&workers[2], 1)) {
    }
}

static size_t listed(int worker)
{
    const bay_member *member = NULL;
    size_t annas = 0;

    while ((member = bay_member_next(route_of(&workers[worker]), "t",
                                     member)) != NULL) {
        annas += strcmp(member->label, "anna") == 0;
    }
    return annas;
}

/* Who comes by a name that is taken, to a worker that does not know yet, has to
 * go again: nobody else hears of it. */
static void test_in_vain(void **state)
{
    (void)state;
    begin_with_anna();
    take_in_vain();
    while (deliver_from(&workers[0], 1)) {
    }
    for (int i = 0; i < 3; i += 2) {
        assert_int_equal(count(i), 2);
        assert_int_equal(listed(i), 1);
        assert_int_equal(
            bay_member_find(route_of(&workers[i]), "t", "anna")->id,
            workers[0].peers[0].conn->id);
    }
    settle();
    assert_non_null(strstr(heard, "1:4:anna "));
    expect_heard("");
    assert_int_equal(count(0), 2);
}

/* It need not go, if the first does just then: by leaving, with its worker, or
 * under another name. */
static void test_not_in_vain(void **state)
{
    (void)state;
    begin_with_anna();
    take_in_vain();
    assert_int_equal(bay_leave(&workers[0].peers[0].conn->handle, "t"), BAY_OK);
    come(&workers[0], 1);
    assert_int_equal(bay_watch(route_of(&workers[0]), "t"), BAY_OK);
    settle();
    assert_null(strstr(heard, "1:4:"));
    assert_int_equal(count(2), 2);
    assert_int_equal(listed(2), 1);
    assert_non_null(strstr(heard, "2:2:anna 2:1:anna "));
}

static void test_not_in_vain_crash(void **state)
{
    (void)state;
    begin_with_anna();
    take_in_vain();
    kill_worker(&workers[0]);
    settle();
    assert_null(strstr(heard, "1:4:"));
    assert_int_equal(listed(2), 1);
    assert_non_null(strstr(heard, "2:2:anna 2:1:anna "));
}

static void test_not_in_vain_renamed(void **state)
{
    (void)state;
    begin_with_anna();
    take_in_vain();
    assert_int_equal(join(0, 0, "eve", BAY_UNIQUE), BAY_OK);
    settle();
    assert_null(strstr(heard, "1:4:"));
    assert_int_equal(count(0), 3);
    assert_int_equal(count(2), 3);
    assert_non_null(strstr(heard, "2:1:anna 2:3:eve "));
}

/* It takes another name itself, before it has heard. */
static void test_in_vain_renamed(void **state)
{
    (void)state;
    begin_with_anna();
    take_in_vain();
    assert_int_equal(join(1, 0, "eve", BAY_UNIQUE), BAY_OK);
    settle();
    assert_int_equal(count(0), 3);
    expect_heard(":1:eve");
    assert_int_equal(bay_leave(&workers[1].peers[0].conn->handle, "t"), BAY_OK);
    settle();
    expect_heard(":2:eve");
    assert_int_equal(count(0), 2);
}

/* It has gone of its own before it was told to. */
static void test_in_vain_gone(void **state)
{
    (void)state;
    begin_with_anna();
    take_in_vain();
    hang_up(&workers[1], 0);
    settle();
    expect_heard("");
    assert_int_equal(count(0), 2);
    assert_int_equal(count(2), 2);
}

/* It gives the label up: it need not go then. */
static void test_in_vain_shared(void **state)
{
    (void)state;
    begin_with_anna();
    take_in_vain();
    assert_int_equal(join(1, 0, "anna", 0), BAY_OK);
    settle();
    assert_null(strstr(heard, "1:4:"));
    expect_heard(":1:anna");
    assert_int_equal(listed(2), 2);
}

/* Who leaves hears of nobody any more, nor of who was hidden behind it. */
static void test_in_vain_unheard(void **state)
{
    (void)state;
    begin_with_anna();
    take_in_vain();
    while (deliver_from(&workers[0], 1)) {
    }
    assert_int_equal(bay_leave(&workers[0].peers[0].conn->handle, "t"), BAY_OK);
    core_turn(workers[0].core);
    assert_non_null(strstr(heard, "0:2:anna "));
    assert_null(strstr(heard, "0:1:"));
}

/* It is in a list, since what told of it was lost. */
static void test_in_vain_listed(void **state)
{
    (void)state;
    begin_with_anna();
    kill_worker(&workers[1]);
    start(&workers[1]); /* which worker 2 asks for its list */
    come(&workers[1], 0);
    assert_int_equal(join(1, 0, "anna", BAY_UNIQUE), BAY_OK);
    while (workers[2].in[1] != NULL) {
        struct letter *letter = workers[2].in[1];

        workers[2].in[1] = letter->next;
        free(letter);
    }
    while (deliver_from(&workers[1], 2)) {
    }
    assert_non_null(workers[2].in[1]);
    while (deliver_from(&workers[2], 1)) {
    }
    assert_int_equal(
        room_find(workers[2].core, core_find_names(workers[2].core, "r"), "t")
            ->members.hidden,
        1);
    assert_null(strstr(heard, "2:5:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_unique, setup, teardown),
        cmocka_unit_test_setup_teardown(test_displaced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_claimed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_claimed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_in_vain, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_in_vain, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_in_vain_crash, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_not_in_vain_renamed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_in_vain_renamed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_in_vain_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_in_vain_shared, setup, teardown),
        cmocka_unit_test_setup_teardown(test_in_vain_unheard, setup, teardown),
        cmocka_unit_test_setup_teardown(test_in_vain_listed, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
