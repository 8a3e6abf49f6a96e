/* kept.c - history over machines: one archive, which stands for Redis
 *
 * It has the order of all messages, and gives each to whoever is interested.
 * A machine that is cut off keeps its own back, and delivers them at once.
 */
#include <stdlib.h>
#include <string.h>

#include "core/archive.h"
#include "core/core-t.h"
#include "kit.h"

static bool is_late(const struct bay_test *test, struct position at)
{
    const struct kit_late *late = test->late;

    while (late != NULL &&
           (late->at.epoch != at.epoch || late->at.offset != at.offset)) {
        late = late->next;
    }
    return late != NULL;
}

static void note_late(struct bay_test *test, struct position at)
{
    struct kit_late *late = kit_alloc(sizeof *late);

    late->at = at;
    late->next = test->late;
    test->late = late;
}

void kit_drop_late(struct bay_test *test)
{
    while (test->late != NULL) {
        struct kit_late *late = test->late;

        test->late = late->next;
        free(late);
    }
}

/* ---- in ---------------------------------------------------------------- */

/* For all that a machine reaches, its own workers among them. */
static void give(struct kit_worker *from, const struct kit_letter *message)
{
    struct bay_test *test = from->test;

    for (int to = 0; to < test->worker_count; to++) {
        struct kit_letter *letter;

        if (kit_bus_wants(test->workers[to], message->topic) &&
            kit_reaches(from, test->workers[to])) {
            letter = kit_bus_letter(KIT_KEPT, to, message->topic, message->data,
                                    message->len);
            letter->kind = message->kind;
            letter->id = message->id;
            letter->at = message->at;
            letter->publisher = message->publisher;
            letter->time_ms = message->time_ms;
            letter->late = message->late;
            kit_bus_post(test, letter);
        }
    }
}

static int keep_one(struct kit_worker *from, const char *route,
                    struct kit_letter *message)
{
    struct bay_test *test = from->test;
    const struct kept kept = { .kind = message->kind,
                               .data = message->data,
                               .len = message->len,
                               .except = message->id,
                               .publisher = message->publisher,
                               .time_ms = message->time_ms };
    const struct keep *keep = &core_find_names(from->core, route)->keep;
    int status = test->archive != NULL
                     ? archive_append(test->archive, route, message->topic,
                                      keep, &kept, &message->at)
                     : BAY_EFULL;

    if (status == BAY_OK && message->late) {
        note_late(test, message->at);
    }
    if (status == BAY_OK) {
        give(from, message);
    }
    return status;
}

int kit_append(void *self, const char *route, const char *topic,
               const struct keep *keep, bay_kind kind, const void *data,
               size_t len, bay_id except)
{
    struct kit_worker *from = self;
    struct kit_machine *machine = &from->test->machines[from->machine];
    struct kit_letter *message;
    int status;

    (void)keep; /* that of the route */
    if (from->dead) {
        return BAY_EFULL;
    }
    message = kit_bus_letter(KIT_KEPT, from->number, topic, data, len);
    message->kind = kind;
    message->id = except;
    message->publisher = presence_self(from->core);
    message->time_ms = core_wall(from->core);
    message->late = machine->cut;
    if (!message->late) {
        status = keep_one(from, route, message);
        free(message);
        if (status == BAY_OK) {
            return status;
        }
        kit_bus_publish(from, topic, kind, data, len, except);
        return BAY_EFULL;
    }
    *machine->waiting_end = message;
    machine->waiting_end = &message->next;
    kit_bus_publish(from, topic, kind, data, len, except);
    return BAY_ESTATE;
}

void kit_keep_waiting(struct bay_test *test, int number)
{
    struct kit_machine *machine = &test->machines[number];
    const char *route = test->setting->conf->routes[0].name;

    for (struct kit_letter *message = machine->waiting; message != NULL;
         message = message->next) {
        struct kit_worker *from = test->workers[message->to];

        if (from->core != NULL &&
            presence_self(from->core) == message->publisher) {
            keep_one(from, route, message);
        }
    }
    kit_drop_waiting(machine);
}

void kit_drop_waiting(struct kit_machine *machine)
{
    while (machine->waiting != NULL) {
        struct kit_letter *message = machine->waiting;

        machine->waiting = message->next;
        free(message);
    }
    machine->waiting_end = &machine->waiting;
}

/* ---- out --------------------------------------------------------------- */

void kit_kept_deliver(struct core *core, const char *route,
                      const struct kit_letter *letter)
{
    const struct kept kept = { .at = letter->at,
                               .kind = letter->kind,
                               .data = letter->data,
                               .len = letter->len,
                               .except = letter->id,
                               .publisher = letter->publisher,
                               .time_ms = letter->time_ms,
                               .late = letter->late };

    core_bus_kept(core, route, letter->topic, &kept);
}

int kit_replay(void *self, const char *route, const char *topic,
               const struct query *query)
{
    struct kit_worker *worker = self;
    struct bay_test *test = worker->test;
    struct kit_letter *question;

    (void)route;
    if (worker->dead || test->machines[worker->machine].cut ||
        test->archive == NULL) {
        return BAY_ESTATE;
    }
    question = kit_bus_letter(KIT_REPLAY, worker->number, topic, NULL, 0);
    question->query = *query;
    kit_bus_post(test, question);
    return BAY_OK;
}

/* A page of the archive is one of the bus. */
void kit_kept_answer(struct kit_worker *worker, const char *route,
                     const struct kit_letter *question)
{
    struct bay_test *test = worker->test;
    const struct query *query = &question->query;
    const struct keep *keep = query->keep.count > 0
                                  ? &query->keep
                                  : &core_find_names(worker->core, route)->keep;
    struct batch batch = { 0 };
    enum replay result =
        archive_read(test->archive, route, question->topic, keep,
                     core_wall(worker->core), query->after, query->max, &batch);

    for (size_t i = 0; i < batch.count; i++) {
        batch.messages[i].late = is_late(test, batch.messages[i].at);
    }
    core_bus_replayed(worker->core, query->ticket, result, batch.messages,
                      batch.count, batch.head);
    batch_finish(&batch);
}
