/* bus.c - what workers send each other, within one process */
#include <stdlib.h>
#include <string.h>

#include "core/id.h"
#include "kit.h"

static struct kit_interest **find(struct kit_worker *worker, const char *topic)
{
    struct kit_interest **at = &worker->interests;

    while (*at != NULL && strcmp((*at)->topic, topic) != 0) {
        at = &(*at)->next;
    }
    return at;
}

static int interest(void *self, const char *route, const char *topic, bool on)
{
    struct kit_interest **at = find(self, topic);
    struct kit_interest *entry = *at;

    (void)route; /* there is but one */
    if (on && entry == NULL) {
        *at = kit_alloc(sizeof **at);
        strcpy((*at)->topic, topic); /* core has checked its length */
    } else if (!on && entry != NULL) {
        *at = entry->next;
        free(entry);
    }
    return BAY_OK;
}

static struct kit_letter *post(struct bay_test *test, enum kit_errand what,
                               int to, bay_id id, const void *data, size_t len)
{
    struct kit_letter *letter = kit_alloc(sizeof *letter + len + 1);

    letter->what = what;
    letter->to = to;
    letter->id = id;
    letter->len = len;
    if (len > 0) {
        memcpy(letter->data, data, len);
    }
    *test->letters_end = letter;
    test->letters_end = &letter->next;
    return letter;
}

static bool is_lost(struct kit_worker *worker)
{
    if (worker->dead) {
        return true;
    }
    if (worker->lose == 0) {
        return false;
    }
    worker->lose--;
    return true;
}

static bool is_wanted(const struct kit_worker *from, int to, const char *topic)
{
    return to != from->number && *find(from->test->workers[to], topic) != NULL;
}

static int publish(void *self, const char *route, const char *topic,
                   bay_kind kind, const void *data, size_t len, bay_id except)
{
    struct kit_worker *worker = self;
    struct bay_test *test = worker->test;
    bool asked = false, lost = false;

    (void)route;
    for (int to = 0; to < test->worker_count && !lost; to++) {
        struct kit_letter *letter;

        if (!is_wanted(worker, to, topic)) {
            continue;
        }
        lost = !asked && is_lost(worker);
        asked = true;
        if (!lost) {
            letter = post(test, KIT_PUBLISH, to, except, data, len);
            letter->kind = kind;
            strcpy(letter->topic, topic);
        }
    }
    return BAY_OK;
}

/* The worker an id belongs to, or -1. */
static int worker_of(const struct bay_test *test, bay_id id)
{
    int to = (int)id_worker(id);

    return id_node(id) == 0 && to < test->worker_count &&
                   test->workers[to]->core != NULL
               ? to
               : -1;
}

static int send_to(void *self, const char *route, bay_id id, bay_kind kind,
                   const void *data, size_t len)
{
    struct kit_worker *worker = self;
    int to = worker_of(worker->test, id);

    (void)route;
    if (to < 0) {
        return BAY_ENOTFOUND;
    }
    if (!is_lost(worker)) {
        post(worker->test, KIT_SEND_TO, to, id, data, len)->kind = kind;
    }
    return BAY_OK;
}

static int close_id(void *self, const char *route, bay_id id, int code,
                    const char *reason)
{
    struct kit_worker *worker = self;
    int to = worker_of(worker->test, id);

    (void)route;
    if (to < 0) {
        return BAY_ENOTFOUND;
    }
    if (!is_lost(worker)) {
        post(worker->test, KIT_CLOSE_ID, to, id, reason, strlen(reason))->code =
            code;
    }
    return BAY_OK;
}

static void flush(void *self)
{
    (void)self; /* all is there at once */
}

const struct bus kit_bus = {
    .interest = interest,
    .publish = publish,
    .send_to = send_to,
    .close_id = close_id,
    .flush = flush,
};

bool kit_bus_deliver(struct bay_test *test)
{
    struct kit_letter *letter = test->letters;
    struct core *core;

    if (letter == NULL) {
        return false;
    }
    test->letters = letter->next;
    if (test->letters == NULL) {
        test->letters_end = &test->letters;
    }
    core = test->workers[letter->to]->core;
    if (core != NULL) {
        const char *route = test->setting->conf->routes[0].name;

        switch (letter->what) {
        case KIT_PUBLISH:
            core_bus_publish(core, route, letter->topic, letter->kind,
                             letter->data, letter->len, letter->id);
            break;
        case KIT_SEND_TO:
            core_bus_send(core, route, letter->id, letter->kind, letter->data,
                          letter->len);
            break;
        case KIT_CLOSE_ID:
            core_bus_close(core, route, letter->id, letter->code, letter->data);
            break;
        }
        core_turn(core);
    }
    free(letter);
    return true;
}

/* What a worker wanted, and what was under way to it. */
void kit_bus_forget(struct kit_worker *worker)
{
    struct kit_letter **at = &worker->test->letters;

    while (worker->interests != NULL) {
        struct kit_interest *entry = worker->interests;

        worker->interests = entry->next;
        free(entry);
    }
    while (*at != NULL) {
        struct kit_letter *letter = *at;

        if (letter->to == worker->number) {
            *at = letter->next;
            free(letter);
        } else {
            at = &letter->next;
        }
    }
    worker->test->letters_end = at;
}
