/* test_turnover.c - a reload in a worker, with the real core and plugins */
#include "core_rig.h"

#include <jansson.h>
#include <unistd.h>

#include "base/log.h"
#include "folder.h"
#include "proc/reason.h"
#include "proc/turnover.h"

#define PLUGIN(name) BUILD_DIR "/tests/plugins/" name ".so"

static uv_loop_t loop;
static struct shelf shelf;
static struct turnover turnover;
static struct conf *first;
static struct peer peer;
static json_t *said; /* the last answer; NULL: none yet */
static int prepared, committed, aborted, adopted_count;
static const struct conf *adopted_conf;

/* ---- what it works with ------------------------------------------------ */

int server_prepare(struct server *server, const struct conf *conf,
                   const struct pems *pems, char *why, size_t why_size)
{
    (void)server;
    (void)conf;
    prepared++;
    if (pems->count > 0 && strcmp(pems->texts[0].data, "bad") == 0) {
        assert_int_equal(pems->count, 2);
        assert_string_equal(pems->texts[1].data, "key");
        return reason_set(why, why_size, "no good");
    }
    return 0;
}

void server_commit(struct server *server)
{
    (void)server;
    committed++;
}

void server_abort(struct server *server)
{
    (void)server;
    aborted++;
}

void errands_say(struct errands *errands, json_t *message)
{
    (void)errands;
    json_decref(said);
    said = message;
}

static void adopted(void *arg, const struct conf *conf, const struct conf *old)
{
    assert_ptr_equal(arg, &turnover);
    assert_non_null(old->file); /* a sanitizer looks */
    adopted_conf = conf;
    adopted_count++;
}

/* ---- orders ------------------------------------------------------------ */

static char text[1024];

static void set_text(const char *more)
{
    snprintf(text, sizeof text,
             "[server]\nplugin_dir = /p\nrun_dir = /r\n"
             "[route.one]\npath = /one\nplugin = phase\n%s",
             more);
}

static struct conf *load(void)
{
    struct problems problems = { 0 };
    struct conf *conf =
        conf_load_text("/tmp/p.ini", text, strlen(text), &problems);

    assert_non_null(conf);
    return conf;
}

static void prepare(const char *file, const char *cert)
{
    json_t *order =
        json_pack("{s:s, s:i, s:s, s:s, s:[{s:i, s:s}]}", "do", "prepare", "id",
                  5, "file", "/tmp/p.ini", "text", folder_file("text"),
                  "routes", "slot", 0, "file", file);
    FILE *out = fopen(folder_file("text"), "w");

    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    if (cert != NULL) {
        json_object_set_new(order, "pems", json_pack("[s, s]", cert, "key"));
    }
    json_decref(said);
    said = NULL;
    turnover_prepare(&turnover, order);
    json_decref(order);
    while (said == NULL) {
        uv_run(&loop, UV_RUN_ONCE);
    }
    assert_int_equal(json_integer_value(json_object_get(said, "id")), 5);
}

static void commit(void)
{
    json_t *order = json_pack("{s:s, s:i}", "do", "commit", "id", 6);

    json_decref(said);
    said = NULL;
    turnover_commit(&turnover, order);
    json_decref(order);
    assert_non_null(said);
    assert_int_equal(json_integer_value(json_object_get(said, "id")), 6);
}

static bool is_ok(void)
{
    return json_is_true(json_object_get(said, "ok"));
}

static const char *why(void)
{
    const char *reason = json_string_value(json_object_get(said, "why"));

    return reason != NULL ? reason : "";
}

static void expect_answer(const char *expected)
{
    rig_say(&peer, "count");
    rig_expect_text(&peer, expected);
}

static int make(void **state)
{
    char *files[] = { (char *)(uintptr_t)PLUGIN("phase") };
    char reason[REASON_SIZE];

    if (folder_make(state) != 0 || rig_setup(state) != 0) {
        return -1;
    }
    log_set_level((enum log_level)0);
    prepared = committed = aborted = adopted_count = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    shelf = (struct shelf){ .images_dir = folder };
    turnover = (struct turnover){
        .core = rig.core, .shelf = &shelf, .arg = &turnover, .adopted = adopted
    };
    set_text("");
    first = load();
    assert_int_equal(
        turnover_begin(&turnover, &loop, first, files, reason, sizeof reason),
        0);
    rig_connect(&peer, "/one");
    expect_answer("1 1");
    return 0;
}

static int unmake(void **state)
{
    json_decref(said);
    said = NULL;
    rig_leave(&peer);
    turnover_close(&turnover);
    turnover_close(&turnover);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(rig_teardown(state), 0);
    turnover_finish(&turnover);
    assert_null(shelf.entries);
    conf_free(first);
    assert_int_equal(uv_loop_close(&loop), 0);
    return folder_remove(state);
}

/* ---- the tests --------------------------------------------------------- */

static void expect_no_beginning(const char *file, const char *expected)
{
    char *files[] = { (char *)(uintptr_t)file };
    struct turnover other = { .core = rig.core, .shelf = &shelf };
    char reason[REASON_SIZE];

    assert_int_equal(
        turnover_begin(&other, &loop, first, files, reason, sizeof reason), -1);
    assert_non_null(strstr(reason, expected));
    assert_null(other.now);
    turnover_close(&other);
    uv_run(&loop, UV_RUN_DEFAULT);
    expect_answer("1 2"); /* the one that began serves on */
}

static void keeps_nothing_of_what_cannot_begin(void **state)
{
    (void)state;
    expect_no_beginning(PLUGIN("none_such"), "none_such");
}

static void keeps_nothing_of_what_cannot_start(void **state)
{
    (void)state;
    expect_no_beginning(PLUGIN("nostart"), "start");
}

static void takes_new_code_when_told(void **state)
{
    const json_t *route;

    (void)state;
    prepare(PLUGIN("phase_2"), NULL);
    assert_true(is_ok());
    expect_answer("1 2"); /* nothing is to be seen of it yet */
    assert_int_equal(committed, 0);
    commit();
    assert_true(is_ok());
    route = json_array_get(json_object_get(said, "routes"), 0);
    assert_string_equal(json_string_value(json_object_get(route, "way")),
                        "swapped");
    assert_int_equal(json_integer_value(json_object_get(route, "kept")), 1);
    assert_int_equal(committed, 1);
    assert_int_equal(adopted_count, 1);
    assert_ptr_equal(adopted_conf, turnover.now->conf);
    expect_answer("2 3");
    /* The old image has no user any more. */
    assert_null(shelf.entries->next);
    assert_string_equal(shelf.entries->image->path, PLUGIN("phase_2"));
}

static void leaves_no_trace_of_one_that_is_aborted(void **state)
{
    (void)state;
    prepare(PLUGIN("phase_2"), NULL);
    assert_true(is_ok());
    turnover_abort(&turnover);
    assert_int_equal(aborted, 1);
    assert_null(shelf.entries->next);
    expect_answer("1 2");
    commit();
    assert_false(is_ok());
    assert_string_equal(why(), "there is nothing to commit");
    /* The master may also begin anew, without a word about the last. */
    prepare(PLUGIN("phase_2"), NULL);
    prepare(PLUGIN("phase_2"), NULL);
    assert_int_equal(aborted, 2);
    commit();
    expect_answer("2 3");
}

static void says_why_it_cannot(void **state)
{
    (void)state;
    prepare(PLUGIN("nosuch"), NULL);
    assert_false(is_ok());
    assert_non_null(strstr(why(), "nosuch.so cannot be read"));
    prepare(PLUGIN("phase_2"), "bad");
    assert_string_equal(why(), "no good");
    set_text("phase.fail_in = many\n");
    prepare(PLUGIN("phase_2"), NULL);
    assert_non_null(strstr(why(), "fail_in"));
    set_text("nonsense\n");
    prepare(PLUGIN("phase_2"), NULL);
    assert_false(is_ok());
    set_text("[route.two]\npath = /two\nplugin = phase\n");
    prepare(PLUGIN("phase_2"), NULL);
    assert_string_equal(why(), "the master's order makes no sense");
    assert_null(turnover.next);
    assert_null(shelf.entries->next);
    expect_answer("1 2");
}

/* The start hook of what is new fails: of this worker, 0. */
static void says_whose_start_hook_fails(void **state)
{
    (void)state;
    set_text("on_reload = drain\nphase.fail_in = 0\n");
    prepare(PLUGIN("phase_2"), NULL);
    assert_false(is_ok());
    assert_non_null(strstr(why(), "[route.one] plugin phase: its start hook"));
    expect_answer("1 2");
}

static void keeps_what_old_connections_need(void **state)
{
    (void)state;
    prepare(PLUGIN("phase_other"), NULL);
    commit();
    assert_non_null(shelf.entries->next);
    expect_answer("1 2");
    rig_leave(&peer);
    assert_null(shelf.entries->next);
    rig_connect(&peer, "/one");
    expect_answer("4 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_nothing_of_what_cannot_begin,
                                        make, unmake),
        cmocka_unit_test_setup_teardown(keeps_nothing_of_what_cannot_start,
                                        make, unmake),
        cmocka_unit_test_setup_teardown(takes_new_code_when_told, make, unmake),
        cmocka_unit_test_setup_teardown(leaves_no_trace_of_one_that_is_aborted,
                                        make, unmake),
        cmocka_unit_test_setup_teardown(says_why_it_cannot, make, unmake),
        cmocka_unit_test_setup_teardown(says_whose_start_hook_fails, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(keeps_what_old_connections_need, make,
                                        unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
