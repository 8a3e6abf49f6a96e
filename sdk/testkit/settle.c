/* settle.c - runs all workers until nothing is left to do but to wait */
#include <stdlib.h>

#include "kit.h"

/* Rounds without an end in sight: something feeds itself. */
#define ROUNDS_MAX 100000

static bool turn_workers(struct bay_test *test)
{
    bool did = false;

    for (int i = 0; i < test->worker_count; i++) {
        struct kit_worker *worker = test->workers[i];

        if (worker->core != NULL) {
            worker->woken = false;
            core_turn(worker->core);
            did = did || worker->woken;
        }
    }
    return did;
}

static bool act_peers(struct bay_test *test)
{
    bool did = false;

    for (struct bay_peer *peer = test->peers; peer != NULL; peer = peer->next) {
        did = kit_peer_act(peer) || did;
    }
    return did;
}

static bool run_work(struct bay_test *test)
{
    struct kit_work **at = &test->work;
    struct kit_work *work;

    while (*at != NULL && (*at)->worker->dead) {
        at = &(*at)->next;
    }
    work = *at;
    if (work == NULL) {
        return false;
    }
    *at = work->next;
    test->in_work = true;
    job_run(work->job);
    test->in_work = false;
    job_finish(work->job, false);
    free(work);
    return true;
}

static bool in_hook(const struct bay_test *test)
{
    for (int i = 0; i < test->worker_count; i++) {
        const struct core *core = test->workers[i]->core;

        if (core != NULL && core->in_hook) {
            return true;
        }
    }
    return false;
}

static void begin(struct bay_test *test)
{
    kit.running = test;
}

static void end(struct bay_test *test)
{
    kit.running = NULL;
    kit_report_complaints(test);
}

void kit_settle(struct bay_test *test)
{
    int rounds = 0;
    bool did = true;

    if (in_hook(test)) {
        kit_complain(test,
                     "the test library was called from inside a hook, or "
                     "after a hook that was left by longjmp: see \"Turns\""
                     " in patchbay_test.h");
        return;
    }
    begin(test);
    while (did && rounds++ < ROUNDS_MAX) {
        did = turn_workers(test);
        did = kit_bus_deliver(test) || did;
        did = act_peers(test) || did;
        if (!did && !test->hold) {
            did = run_work(test);
        }
    }
    if (did) {
        kit_complain(test,
                     "this does not come to an end: after %d rounds there is "
                     "still a notice, a drained hook or deferred work to run, "
                     "as when one begets the next",
                     ROUNDS_MAX);
    }
    end(test);
}

/* ---- deferred work ----------------------------------------------------- */

void kit_drop_work(struct kit_worker *worker)
{
    struct kit_work **at = &worker->test->work;

    while (*at != NULL) {
        struct kit_work *work = *at;

        if (work->worker == worker) {
            *at = work->next;
            free(work);
        } else {
            at = &work->next;
        }
    }
}

void bay_test_hold_work(bay_test *test, bool hold)
{
    if (test != NULL) {
        test->hold = hold;
        kit_settle(test);
    }
}

bool bay_test_run_work(bay_test *test)
{
    bool ran = false;

    if (test != NULL) {
        begin(test);
        ran = run_work(test);
        end(test);
        kit_settle(test);
    }
    return ran;
}

size_t bay_test_work(const bay_test *test)
{
    size_t count = 0;

    if (test != NULL) {
        for (const struct kit_work *work = test->work; work != NULL;
             work = work->next) {
            count += !work->worker->dead;
        }
    }
    return count;
}

/* ---- time -------------------------------------------------------------- */

uint64_t bay_test_next_timer(const bay_test *test)
{
    uint64_t next = UINT64_MAX;

    if (test == NULL) {
        return next;
    }
    next = kit_machines_next(test);
    for (int i = 0; i < test->worker_count; i++) {
        const struct kit_worker *worker = test->workers[i];

        if (worker->core != NULL && worker->alarm_ms < next) {
            next = worker->alarm_ms;
        }
    }
    return next;
}

/* Whoever's alarm went off. */
static void tick(struct bay_test *test)
{
    begin(test);
    kit_machines_tick(test);
    end(test);
    kit_settle(test);
    for (int i = 0; i < test->worker_count; i++) {
        struct kit_worker *worker = test->workers[i];

        if (worker->core != NULL && worker->alarm_ms <= test->now_ms) {
            worker->alarm_ms = UINT64_MAX;
            begin(test);
            core_tick(worker->core);
            end(test);
            kit_settle(test);
        }
    }
}

void bay_test_advance(bay_test *test, uint64_t ms)
{
    uint64_t until = test != NULL ? test->now_ms + ms : 0;
    uint64_t next;

    if (test == NULL) {
        return;
    }
    while ((next = bay_test_next_timer(test)) <= until) {
        test->now_ms = next > test->now_ms ? next : test->now_ms;
        tick(test);
    }
    test->now_ms = until;
    kit_settle(test);
}

void bay_test_stall(bay_test *test, uint64_t ms)
{
    if (test != NULL) {
        test->now_ms += ms;
        bay_test_advance(test, 0);
    }
}

uint64_t bay_test_now(const bay_test *test)
{
    return test != NULL ? test->now_ms : 0;
}
