/* test.c - one route in its workers, from start to stop */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/archive.h"
#include "core/conn.h"
#include "kit.h"

struct kit kit = { .print_level = BAY_WARN };

void kit_why(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(kit.why, sizeof kit.why, format, args);
    va_end(args);
}

const char *bay_test_why(void)
{
    return kit.why;
}

/* ---- begin ------------------------------------------------------------- */

static struct kit_worker *add_place(bay_test *test, int machine)
{
    struct kit_worker *worker = kit_alloc(sizeof *worker);

    worker->test = test;
    worker->machine = machine;
    for (int i = 0; i < test->worker_count; i++) {
        worker->place += test->workers[i]->machine == machine;
    }
    worker->number = test->worker_count;
    worker->alarm_ms = UINT64_MAX;
    test->workers[test->worker_count++] = worker;
    return worker;
}

static void drop_test(bay_test *test)
{
    struct bay_test **at = &kit.tests;

    while (*at != NULL && *at != test) {
        at = &(*at)->next;
    }
    if (*at == test) {
        *at = test->next;
    }
    for (int i = 0; i < test->worker_count; i++) {
        free(test->workers[i]);
    }
    while (test->peers != NULL) {
        struct bay_peer *peer = test->peers;

        test->peers = peer->next;
        kit_peer_free(peer);
    }
    kit_setting_unref(test->setting);
    archive_destroy(test->archive);
    for (int i = 0; i < test->machine_count; i++) {
        kit_drop_waiting(&test->machines[i]);
    }
    kit_drop_late(test);
    kit_log_free(test);
    kit_free_requests(test);
    free(test->options);
    free(test->name);
    free(test->body_data);
    free(test->answer);
    free(test);
}

/* Takes the reference of the caller. */
static bay_test *create(struct kit_code *code, const char *options)
{
    struct kit_complaint *list;
    char plugin[CONF_MAX_NAME + 1];
    bay_test *test;

    if (code == NULL) {
        return NULL;
    }
    test = kit_alloc(sizeof *test);
    test->peers_end = &test->peers;
    test->letters_end = &test->letters;
    test->machine_count = 1;
    test->machines[0].waiting_end = &test->machines[0].waiting;
    test->now_ms = 1000000;
    snprintf(plugin, sizeof plugin, "%s", code->plugin.name);
    test->name = kit_copy(plugin);
    test->options = kit_copy(options);
    test->fail_call = kit.next_fail_call;
    test->fail_in = kit.next_fail_in;
    test->fail_error = kit.next_fail_error;
    kit.next_fail_in = 0;
    kit_log_begin();
    test->next = kit.tests;
    kit.tests = test;
    test->setting = kit_setting_create(code, options, NULL);
    kit_code_unref(code);
    if (test->setting == NULL ||
        kit_worker_start(add_place(test, 0)) != BAY_OK) {
        list = test->complaints;
        drop_test(test);
        kit_report_last(plugin, list);
        return NULL;
    }
    return test;
}

bay_test *kit_test_create(const bay_plugin *plugin, const char *options)
{
    kit_why("%s", "");
    return create(kit_code_link(plugin), options);
}

static bay_test *or_fail(bay_test *test)
{
    if (test == NULL) {
        kit_fail("the test does not start: %s", kit.why);
    }
    return test;
}

bay_test *bay_test_new(const bay_plugin *plugin, const char *options)
{
    return or_fail(kit_test_create(plugin, options));
}

bay_test *bay_test_load(const char *so_path, const char *options)
{
    kit_why("%s", "");
    return or_fail(create(kit_code_load(so_path), options));
}

/* ---- end --------------------------------------------------------------- */

/* Closes what is connected, and cuts off what does not listen. */
static void close_peers(bay_test *test)
{
    for (int i = 0; i < test->worker_count; i++) {
        struct core *core = test->workers[i]->core;

        if (core != NULL) {
            kit.running = test;
            core_drain(core, BAY_CLOSE_GOING_AWAY, "the test is over", 0);
        }
    }
    kit_settle(test);
    kit.running = test;
    for (struct bay_peer *peer = test->peers; peer != NULL; peer = peer->next) {
        kit_peer_end(peer, BAY_CLOSE_ABNORMAL);
    }
    kit_settle(test);
}

static void stop_worker(struct kit_worker *worker)
{
    if (worker->core != NULL) {
        kit.running = worker->test;
        core_cancel_jobs(worker->core);
        core_turn(worker->core);
        kit_check_claims(worker);
        kit_worker_end(worker);
    }
}

/* An assertion that failed inside a hook left it by longjmp. */
static void recover(bay_test *test)
{
    test->in_work = false;
    for (int i = 0; i < test->worker_count; i++) {
        struct core *core = test->workers[i]->core;

        if (core != NULL) {
            core->in_hook = false;
            core->in_turn = false;
        }
    }
}

static void finish(bay_test *test)
{
    recover(test);
    close_peers(test);
    for (int i = 0; i < test->worker_count; i++) {
        stop_worker(test->workers[i]);
    }
    while (test->ghosts != NULL) {
        struct kit_worker *ghost = test->ghosts;

        test->ghosts = ghost->next;
        kit_ghost_end(ghost);
    }
    kit_check_wants(test);
}

int bay_test_free(bay_test *test)
{
    struct kit_complaint *list;
    char name[CONF_MAX_NAME + 1];
    int complaints;

    if (test == NULL) {
        return 0;
    }
    finish(test);
    complaints = bay_test_complaints(test);
    snprintf(name, sizeof name, "%s", test->name);
    list = test->complaints;
    test->complaints = NULL;
    drop_test(test);
    kit_report_last(name, list);
    return complaints;
}

/* ---- workers ----------------------------------------------------------- */

/* One more worker of a machine. */
int kit_start_next(bay_test *test, int machine)
{
    struct kit_worker *worker = add_place(test, machine);
    int status = kit_worker_start(worker);

    if (status != BAY_OK) {
        test->worker_count--;
        free(worker);
    }
    return status;
}

int bay_test_add_worker(bay_test *test)
{
    int status;

    kit_why("%s", "");
    if (test == NULL || test->worker_count == CONF_MAX_WORKERS) {
        kit_why("there is no place for another worker");
        return BAY_EFULL;
    }
    if ((test->setting->code->plugin.flags & BAY_SINGLE_WORKER) != 0) {
        kit_why("the plugin has BAY_SINGLE_WORKER: it runs in one worker only");
        return BAY_ESTATE;
    }
    status = kit_start_next(test, 0);
    return status < 0 ? status : test->worker_count - 1;
}

void kit_crash(struct kit_worker *worker)
{
    struct bay_test *test = worker->test;
    struct kit_worker *next;

    worker->dead = true;
    for (struct bay_peer *peer = test->peers; peer != NULL; peer = peer->next) {
        if (peer->worker == worker && peer->conn != NULL) {
            peer->conn = NULL;
            peer->closed =
                peer->closed == 0 ? BAY_CLOSE_ABNORMAL : peer->closed;
        }
    }
    kit_bus_forget(worker);
    kit_drop_claims(worker);
    next = kit_alloc(sizeof *next);
    next->test = test;
    next->number = worker->number;
    next->machine = worker->machine;
    next->place = worker->place;
    next->incarnation = worker->incarnation;
    next->alarm_ms = UINT64_MAX;
    test->workers[worker->number] = next;
    worker->next = test->ghosts;
    test->ghosts = worker;
}

void bay_test_crash_worker(bay_test *test, int number)
{
    struct kit_worker *worker =
        test != NULL ? kit_worker_at(test, number) : NULL;

    if (worker == NULL) {
        return;
    }
    kit_crash(worker);
    kit.running = test;
    kit_part(test->workers[number]);
    kit_settle(test);
}

int bay_test_restart_worker(bay_test *test, int number)
{
    kit_why("%s", "");
    if (test == NULL || number < 0 || number >= test->worker_count) {
        kit_why("there never was a worker %d", number);
        return BAY_EINVAL;
    }
    if (test->workers[number]->core != NULL) {
        kit_why("worker %d runs", number);
        return BAY_ESTATE;
    }
    return kit_worker_start(test->workers[number]);
}

void bay_test_lose(bay_test *test, int worker, int messages)
{
    if (test != NULL && kit_worker_at(test, worker) != NULL) {
        test->workers[worker]->lose = messages;
    }
}

const bay_route *bay_test_route(const bay_test *test, int worker)
{
    const struct instance *instance =
        test != NULL && worker >= 0 && worker < test->worker_count
            ? kit_instance(test->workers[worker])
            : NULL;

    return instance != NULL ? &instance->handle : NULL;
}
