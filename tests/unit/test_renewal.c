/* test_renewal.c - a reload, as the master sees it through
 *
 * With a real check of real files; the workers are this test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "folder.h"
#include "proc/breaker.h"
#include "proc/renewal.h"
#include "proc/slots.h"

#define TICKET 7

static struct host host;
static struct asks asks;
static struct renewal *renewal;
static json_t *answered; /* NULL: not yet */
static json_t *told[2];  /* the last order of each worker */
static bool spare[2], leaving[2];
static bool down[2], starting;
static int released, adoptions, looks;
static const char *deed; /* of a plugin */

/* ---- the workers ------------------------------------------------------- */

bool crew_tell(struct crew *crew, unsigned worker, const json_t *order)
{
    (void)crew;
    if (down[worker]) {
        return false;
    }
    json_decref(told[worker]);
    told[worker] = json_deep_copy(order);
    return true;
}

void crew_tell_all(struct crew *crew, const char *word)
{
    json_t *order = json_pack("{s:s}", "do", word);

    (void)crew_tell(crew, 0, order);
    (void)crew_tell(crew, 1, order);
    json_decref(order);
}

int crew_starting(const struct crew *crew)
{
    (void)crew;
    looks++;
    return starting ? 1 : -1;
}

bool crew_is_down(const struct crew *crew, unsigned worker)
{
    (void)crew;
    return down[worker];
}

bool crew_serves(const struct crew *crew, unsigned worker)
{
    (void)crew;
    return !down[worker];
}

const char *crew_ended_by(const struct crew *crew, unsigned worker)
{
    (void)crew;
    (void)worker;
    return deed;
}

bool crew_is_spare(const struct crew *crew, unsigned worker)
{
    (void)crew;
    return spare[worker];
}

bool crew_is_leaving(const struct crew *crew, unsigned worker)
{
    (void)crew;
    return leaving[worker];
}

void crew_hold(struct crew *crew)
{
    (void)crew;
    released = 0;
}

void crew_release(struct crew *crew, bool anew)
{
    (void)crew;
    released = anew ? 2 : 1;
}

void crew_adopt(struct crew *crew, const struct conf *conf)
{
    (void)crew;
    assert_ptr_equal(conf, host.now->conf);
}

bool crew_uses(const struct crew *crew, const char *image)
{
    (void)crew;
    (void)image;
    return false;
}

struct crew *crew_create(const struct crew_setup *setup)
{
    (void)setup;
    return NULL;
}

int crew_start(struct crew *crew)
{
    (void)crew;
    return -1;
}

bool crew_alive(const struct crew *crew)
{
    (void)crew;
    return false;
}

void crew_drain(struct crew *crew, const struct crew_farewell *farewell)
{
    (void)crew;
    (void)farewell;
}

void crew_quit(struct crew *crew)
{
    (void)crew;
}

void crew_forget(struct crew *crew)
{
    (void)crew;
}

void crew_destroy(struct crew *crew)
{
    (void)crew;
}

static bool is_told(unsigned worker, const char *what)
{
    const char *word = json_string_value(json_object_get(told[worker], "do"));

    return word != NULL && strcmp(word, what) == 0;
}

static void say(unsigned worker, const char *text)
{
    json_t *answer = json_loads(text, 0, NULL);

    assert_non_null(answer);
    asks_answered(&asks, worker,
                  json_integer_value(json_object_get(told[worker], "id")),
                  answer);
    json_decref(answer);
}

/* ---- the master -------------------------------------------------------- */

static void in_child(void *arg)
{
    (void)arg;
}

static int can_adopt(void *arg, const struct conf *conf, char *why,
                     size_t why_size)
{
    (void)arg;
    (void)conf;
    (void)why;
    (void)why_size;
    return 0;
}

static void adopted(void *arg, const struct conf *old, bool replaced)
{
    (void)arg;
    assert_non_null(old);
    assert_false(replaced);
    adoptions++;
}

static void answer(void *arg, uint64_t ticket, json_t *what)
{
    (void)arg;
    assert_int_equal(ticket, TICKET);
    assert_null(answered);
    answered = what;
}

static void write_conf(const char *more)
{
    FILE *file = fopen(folder_file("p.ini"), "w");

    assert_non_null(file);
    fprintf(file,
            "[server]\nlisten = 127.0.0.1:1\nworkers = 2\nrun_dir = run\n"
            "plugin_dir = %s/plugins\n[route.a]\npath = /a\nplugin = echo\n%s",
            BUILD_DIR, more);
    fclose(file);
}

static int make(void **state)
{
    struct renewal_setup setup = { .host = &host,
                                   .asks = &asks,
                                   .in_child = in_child,
                                   .can_adopt = can_adopt,
                                   .adopted = adopted,
                                   .answer = answer };
    struct problems problems = { 0 };
    struct conf *conf;

    if (folder_make(state) < 0) {
        return -1;
    }
    log_set_level((enum log_level)0);
    write_conf("");
    conf = conf_load(folder_file("p.ini"), &problems);
    assert_non_null(conf);
    assert_int_equal(mkdir(folder_file("run"), 0755), 0);
    assert_int_equal(mkdir(folder_file("run/images"), 0755), 0);
    host = (struct host){ .rundir = { .path = conf->run_dir, .lock_fd = -1 } };
    strcpy(host.images_dir, folder_file("run/images"));
    host.breaker = breaker_create();
    host.now = generation_create(&host, conf, conf);
    slots_name(host.now->board, conf);
    asks_init(&asks, &host.poller);
    renewal = renewal_create(&setup);
    spare[0] = spare[1] = leaving[0] = leaving[1] = false;
    down[0] = down[1] = starting = false;
    released = adoptions = looks = 0;
    deed = NULL;
    return 0;
}

static void forget(void)
{
    json_decref(answered);
    answered = NULL;
    for (int i = 0; i < 2; i++) {
        json_decref(told[i]);
        told[i] = NULL;
    }
}

static int unmake(void **state)
{
    forget();
    renewal_destroy(renewal);
    asks_finish(&asks);
    generation_destroy(host.now);
    breaker_destroy(host.breaker);
    assert_null(host.poller.alarms);
    poller_finish(&host.poller);
    while (waitpid(-1, NULL, 0) > 0) {
    }
    return folder_remove(state);
}

static void turn_until_told(unsigned worker, const char *what)
{
    while (!is_told(worker, what) && answered == NULL) {
        assert_int_equal(poller_turn(&host.poller), 0);
    }
    assert_true(is_told(worker, what));
}

static void turn_until_answered(void)
{
    while (answered == NULL) {
        assert_int_equal(poller_turn(&host.poller), 0);
    }
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

#define COMMITTED                                                            \
    "{\"ok\":true,\"routes\":[{\"route\":\"a\",\"plugin\":\"echo\",\"way\":" \
    "\"unchanged\",\"kept\":2,\"outdated\":0,\"closed\":0,\"why\":\"\"}]}"

static void asks_all_before_it_tells_any(void **state)
{
    const json_t *order, *route;
    const struct conf *old = host.now->conf;
    struct stat info;
    const char *snapshot;

    (void)state;
    write_conf("[route.b]\npath = /b\nplugin = echo\n");
    renewal_request(renewal, TICKET);
    turn_until_told(0, "prepare");
    order = told[0];
    assert_string_equal(text_of(order, "file"), folder_file("p.ini"));
    snapshot = text_of(order, "text");
    assert_int_equal(stat(snapshot, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0400);
    assert_int_equal(json_array_size(json_object_get(order, "routes")), 2);
    route = json_array_get(json_object_get(order, "routes"), 1);
    assert_int_equal(json_integer_value(json_object_get(route, "slot")), 1);
    assert_int_equal(access(text_of(route, "file"), R_OK), 0);
    assert_string_equal(host.now->board->names[1].name, "b");
    say(0, "{\"ok\":true}");
    assert_true(is_told(0, "prepare"));
    assert_ptr_equal(host.now->conf, old);
    say(1, "{\"ok\":true}");
    assert_true(is_told(0, "commit"));
    assert_true(is_told(1, "commit"));
    assert_int_equal(host.now->conf->route_count, 2);
    assert_int_equal(host.now->conf->routes[1].slot, 1);
    assert_int_equal(adoptions, 1);
    assert_int_equal(released, 2);
    say(1, COMMITTED);
    assert_null(answered);
    say(0, COMMITTED);
    assert_true(json_is_true(json_object_get(answered, "ok")));
    assert_int_equal(json_integer_value(json_object_get(answered, "kept")), 4);
    assert_int_equal(access(folder_file("run/reload.ini"), F_OK), -1);
}

static void changes_nothing_if_one_cannot(void **state)
{
    const struct conf *old = host.now->conf;

    (void)state;
    write_conf("[route.b]\npath = /b\nplugin = chat\n");
    renewal_request(renewal, TICKET);
    turn_until_told(1, "prepare");
    say(0, "{\"ok\":true}");
    say(1, "{\"ok\":false,\"why\":\"it is Monday\"}");
    assert_true(is_told(0, "abort"));
    assert_string_equal(text_of(answered, "problems"), "it is Monday\n");
    assert_ptr_equal(host.now->conf, old);
    assert_null(host.now->next_conf);
    assert_int_equal(released, 1);
    /* Nobody needs the copies. */
    assert_int_equal(rmdir(folder_file("run/images")), 0);
}

static void asks_nobody_about_what_is_wrong(void **state)
{
    (void)state;
    write_conf("[route.b]\npath = /b\nplugin = nothing\n");
    renewal_request(renewal, TICKET);
    turn_until_answered();
    assert_non_null(strstr(text_of(answered, "problems"), "nothing.so"));
    assert_null(told[0]);
}

static void does_not_ask_the_dead(void **state)
{
    (void)state;
    down[1] = true;
    renewal_request(renewal, TICKET);
    turn_until_told(0, "prepare");
    say(0, "{\"ok\":true}");
    assert_true(is_told(0, "commit"));
    say(0, COMMITTED);
    assert_true(json_is_true(json_object_get(answered, "ok")));
}

static void ends_with_one_that_dies_meanwhile(void **state)
{
    (void)state;
    renewal_request(renewal, TICKET);
    turn_until_told(0, "prepare");
    say(0, "{\"ok\":true}");
    down[1] = true;
    renewal_died(renewal, 1);
    asks_died(&asks, 1);
    assert_true(is_told(0, "abort"));
    assert_non_null(
        strstr(text_of(answered, "error"), "worker 1 died while it got ready"));
    assert_string_equal(text_of(answered, "problems"), "");
}

/* It is not tried again: it would end the same way. */
static void ends_with_a_plugins_deed(void **state)
{
    (void)state;
    deed = "it fell in the start hook";
    renewal_request(renewal, TICKET);
    turn_until_told(0, "prepare");
    assert_ptr_not_equal(host.now->next_conf, host.now->conf);
    assert_non_null(host.now->next_conf);
    say(0, "{\"ok\":true}");
    down[1] = true;
    renewal_died(renewal, 1);
    asks_died(&asks, 1);
    assert_string_equal(text_of(answered, "error"),
                        "it fell in the start hook; its clients have to "
                        "connect again, everything else goes on as it was");
}

/* It is in force: but not all were told so by those they asked. */
static void tells_who_did_not_commit(void **state)
{
    (void)state;
    deed = "it fell in the reload hook";
    renewal_request(renewal, TICKET);
    turn_until_told(0, "prepare");
    say(0, "{\"ok\":true}");
    say(1, "{\"ok\":true}");
    say(0, COMMITTED);
    down[1] = true;
    renewal_died(renewal, 1);
    asks_died(&asks, 1);
    assert_true(json_is_false(json_object_get(answered, "ok")));
    assert_string_equal(text_of(answered, "error"),
                        "it fell in the reload hook; its clients have to "
                        "connect again, another worker begins with what is "
                        "new");
    assert_int_equal(adoptions, 1);
    assert_null(host.now->next_conf);
}

/* It is recycled: its successor is asked in its place. */
static void goes_on_without_one_that_leaves(void **state)
{
    (void)state;
    leaving[1] = true;
    renewal_request(renewal, TICKET);
    turn_until_told(0, "prepare");
    assert_null(told[1]);
    renewal_died(renewal, 1);
    asks_died(&asks, 1);
    leaving[1] = false;
    spare[1] = true;
    say(0, "{\"ok\":true}");
    assert_true(is_told(0, "commit"));
    assert_null(told[1]);
    say(0, COMMITTED);
    assert_true(json_is_true(json_object_get(answered, "ok")));
}

static void waits_for_one_that_starts(void **state)
{
    (void)state;
    starting = true;
    renewal_request(renewal, TICKET);
    while (looks == 0) {
        assert_int_equal(poller_turn(&host.poller), 0);
    }
    assert_null(told[0]);
    assert_null(answered);
    starting = false;
    turn_until_told(0, "prepare");
    say(0, "{\"ok\":true}");
    say(1, "{\"ok\":true}");
    say(0, COMMITTED);
    say(1, COMMITTED);
    assert_true(json_is_true(json_object_get(answered, "ok")));
}

/* And one more, for what changed while it went on. */
static void is_one_at_a_time(void **state)
{
    (void)state;
    renewal_request(renewal, 0);
    renewal_request(renewal, TICKET);
    assert_non_null(strstr(text_of(answered, "error"), "is under way"));
    renewal_request(renewal, 0);
    forget();
    for (int i = 0; i < 2; i++) {
        turn_until_told(0, "prepare");
        say(0, "{\"ok\":true}");
        say(1, "{\"ok\":true}");
        say(0, COMMITTED);
        say(1, COMMITTED);
        forget();
    }
    assert_int_equal(adoptions, 2);
    assert_null(host.poller.alarms);
}

static void is_given_up_at_the_end(void **state)
{
    (void)state;
    renewal_request(renewal, TICKET);
    renewal_end(renewal);
    assert_string_equal(text_of(answered, "error"), "the host is about to end");
}

static void nothing_came(void *arg, const struct ask *ask)
{
    (void)arg;
    (void)ask;
}

/* Commands that wait for a worker which hangs are no reason to stop half way. */
static void goes_through_beside_many_commands(void **state)
{
    const struct ask ask = { .done = nothing_came };

    (void)state;
    while (asks_put(&asks, 0, 0, json_pack("{s:s}", "do", "conns"), &ask)) {
    }
    renewal_request(renewal, TICKET);
    turn_until_told(1, "prepare");
    say(0, "{\"ok\":true}");
    say(1, "{\"ok\":true}");
    assert_true(is_told(0, "commit"));
    assert_int_equal(adoptions, 1);
    say(0, COMMITTED);
    say(1, COMMITTED);
    assert_true(json_is_true(json_object_get(answered, "ok")));
}

static void gives_names_back_if_it_cannot_be_written_down(void **state)
{
    (void)state;
    assert_int_equal(mkdir(folder_file("run/reload.ini"), 0755), 0);
    write_conf("[route.b]\npath = /b\nplugin = echo\n");
    board_name(host.now->board, 0, "a", "older");
    renewal_request(renewal, TICKET);
    turn_until_answered();
    assert_false(json_is_true(json_object_get(answered, "ok")));
    assert_null(told[0]);
    assert_string_equal(host.now->board->names[0].plugin, "older");
    assert_string_equal(host.now->board->names[0].before, "echo");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(asks_all_before_it_tells_any, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(changes_nothing_if_one_cannot, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(asks_nobody_about_what_is_wrong, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(does_not_ask_the_dead, make, unmake),
        cmocka_unit_test_setup_teardown(ends_with_one_that_dies_meanwhile, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(ends_with_a_plugins_deed, make, unmake),
        cmocka_unit_test_setup_teardown(tells_who_did_not_commit, make, unmake),
        cmocka_unit_test_setup_teardown(goes_on_without_one_that_leaves, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(waits_for_one_that_starts, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(is_one_at_a_time, make, unmake),
        cmocka_unit_test_setup_teardown(goes_through_beside_many_commands, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(
            gives_names_back_if_it_cannot_be_written_down, make, unmake),
        cmocka_unit_test_setup_teardown(is_given_up_at_the_end, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
