/* machine.c - several machines: who is cut off, and who knows of whom
 *
 * A worker tells others that it is there all the time; here, they know until
 * it is cut off from them or dies, and then for as long as the host would wait.
 */
#include <stdlib.h>

#include "core/id.h"
#include "core/presence.h"
#include "kit.h"

const struct bus *kit_bus_of(const struct bay_test *test)
{
    return test->machine_count > 1 ? &kit_far_bus : &kit_bus;
}

static bool is_cut(const struct kit_worker *worker)
{
    return worker->test->machines[worker->machine].cut;
}

bool kit_reaches(const struct kit_worker *a, const struct kit_worker *b)
{
    return a->machine == b->machine || (!is_cut(a) && !is_cut(b));
}

/* The worker hears from now on what is published to a topic, if it can. */
void kit_settles(struct kit_worker *worker, const char *topic)
{
    if (worker->test->machine_count > 1 && !is_cut(worker)) {
        kit_bus_post(worker->test, kit_bus_letter(KIT_SETTLED, worker->number,
                                                  topic, NULL, 0));
    }
}

/* ---- who knows of whom ------------------------------------------------- */

bool kit_knows(const struct kit_worker *worker, bay_id id, int number)
{
    const struct kit_worker *other = worker->test->workers[number];

    if (other->machine == worker->machine) {
        return other->core != NULL;
    }
    return !is_cut(worker) &&
           worker->known[number].id == (id & ~(bay_id)UINT32_MAX);
}

static void forget(struct kit_worker *worker, int number)
{
    struct kit_known *known = &worker->known[number];
    bay_id id = known->id;

    *known = (struct kit_known){ 0 };
    if (id != 0 && worker->core != NULL) {
        core_bus_peer(worker->core, id, false);
    }
}

static void learn(struct kit_worker *worker, const struct kit_worker *other)
{
    struct kit_known *known = &worker->known[other->number];
    bay_id id = presence_self(other->core);

    if (known->id != id) {
        forget(worker, other->number);
        known->id = id;
        core_bus_peer(worker->core, id, true);
    }
    known->until_ms = UINT64_MAX;
}

/* It runs, and can be heard again or for the first time. */
void kit_meet(struct kit_worker *worker)
{
    struct bay_test *test = worker->test;

    for (int i = 0; i < test->worker_count; i++) {
        struct kit_worker *other = test->workers[i];

        if (other != worker && other->core != NULL && worker->core != NULL &&
            kit_reaches(worker, other)) {
            learn(worker, other);
            learn(other, worker);
        }
    }
}

/* Nothing is heard of it any more. */
static void wait_for(struct kit_worker *worker, int number)
{
    struct kit_known *known = &worker->known[number];
    uint64_t until = worker->test->now_ms + BAY_TEST_TTL;

    if (known->until_ms > until) {
        known->until_ms = until;
    }
}

/* Its siblings see it die, and tell the others. */
void kit_part(struct kit_worker *dead)
{
    struct bay_test *test = dead->test;
    const struct kit_worker *witness = NULL;

    for (int i = 0; i < test->worker_count && witness == NULL; i++) {
        if (test->workers[i]->machine == dead->machine &&
            test->workers[i]->core != NULL) {
            witness = test->workers[i];
        }
    }
    for (int i = 0; i < test->worker_count; i++) {
        struct kit_worker *worker = test->workers[i];

        if (witness != NULL && kit_reaches(witness, worker)) {
            forget(worker, dead->number);
        } else {
            wait_for(worker, dead->number);
        }
    }
}

uint64_t kit_machines_next(const struct bay_test *test)
{
    uint64_t next = UINT64_MAX;

    for (int i = 0; i < test->worker_count; i++) {
        const struct kit_known *known = test->workers[i]->known;

        for (int k = 0; k < test->worker_count; k++) {
            if (known[k].id != 0 && known[k].until_ms < next) {
                next = known[k].until_ms;
            }
        }
    }
    return next;
}

void kit_machines_tick(struct bay_test *test)
{
    for (int i = 0; i < test->worker_count; i++) {
        for (int k = 0; k < test->worker_count; k++) {
            const struct kit_known *known = &test->workers[i]->known[k];

            if (known->id != 0 && known->until_ms <= test->now_ms) {
                forget(test->workers[i], k);
            }
        }
    }
}

/* ---- what tests do with them ------------------------------------------- */

static void cut_off(bay_test *test, int machine)
{
    test->machines[machine].cut = true;
    for (int i = 0; i < test->worker_count; i++) {
        for (int k = 0; k < test->worker_count; k++) {
            if (!kit_reaches(test->workers[i], test->workers[k])) {
                wait_for(test->workers[i], k);
            }
        }
    }
}

/* What the host does when Redis is back. */
static void join_again(bay_test *test, int machine)
{
    test->machines[machine].cut = false;
    kit_keep_waiting(test, machine);
    for (int i = 0; i < test->worker_count; i++) {
        struct kit_worker *worker = test->workers[i];

        if (worker->machine != machine) {
            continue;
        }
        for (const struct kit_interest *interest = worker->interests;
             interest != NULL; interest = interest->next) {
            kit_settles(worker, interest->topic);
        }
        kit_meet(worker);
    }
}

void bay_test_cut_machine(bay_test *test, int worker, bool cut)
{
    int machine;

    if (test == NULL || worker < 0 || worker >= test->worker_count) {
        return;
    }
    machine = test->workers[worker]->machine;
    if (test->machines[machine].cut == cut) {
        return;
    }
    kit.running = test;
    if (cut) {
        cut_off(test, machine);
    } else {
        join_again(test, machine);
    }
    kit_settle(test);
}

void bay_test_crash_machine(bay_test *test, int worker)
{
    int machine;

    if (test == NULL || worker < 0 || worker >= test->worker_count) {
        return;
    }
    machine = test->workers[worker]->machine;
    kit_drop_waiting(&test->machines[machine]);
    for (int i = 0; i < test->worker_count; i++) {
        if (test->workers[i]->machine == machine &&
            test->workers[i]->core != NULL) {
            kit_crash(test->workers[i]);
        }
    }
    kit.running = test;
    for (int i = 0; i < test->worker_count; i++) {
        if (test->workers[i]->machine == machine) {
            kit_part(test->workers[i]);
        }
    }
    kit_settle(test);
}

/* Those that run already are to reach it. */
static void set_bus(bay_test *test)
{
    for (int i = 0; i < test->worker_count; i++) {
        struct kit_worker *worker = test->workers[i];

        if (worker->core != NULL) {
            core_set_bus(worker->core, &kit_far_bus, worker);
        }
    }
}

int bay_test_add_machine(bay_test *test, int workers)
{
    struct kit_machine *machine;
    int first, status = BAY_OK;

    kit_why("%s", "");
    if (test == NULL || workers < 1 ||
        workers > CONF_MAX_WORKERS - test->worker_count) {
        kit_why("there is no place for %d more workers", workers);
        return BAY_EFULL;
    }
    if (workers > 1 &&
        (test->setting->code->plugin.flags & BAY_SINGLE_WORKER) != 0) {
        kit_why("the plugin has BAY_SINGLE_WORKER: it runs in one worker of a "
                "machine only");
        return BAY_ESTATE;
    }
    machine = &test->machines[test->machine_count++];
    machine->waiting_end = &machine->waiting;
    set_bus(test);
    first = test->worker_count;
    for (int i = 0; i < workers && status == BAY_OK; i++) {
        status = kit_start_next(test, test->machine_count - 1);
    }
    return status < 0 ? status : first;
}
