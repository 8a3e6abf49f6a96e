/* bus.c - what workers send each other, on one machine and between several */
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
    struct kit_worker *worker = self;
    struct kit_interest **at = find(worker, topic);
    struct kit_interest *entry = *at;

    (void)route; /* there is but one */
    if (on && entry == NULL) {
        *at = kit_alloc(sizeof **at);
        strcpy((*at)->topic, topic); /* core has checked its length */
        kit_settles(worker, topic);
    } else if (!on && entry != NULL) {
        *at = entry->next;
        free(entry);
    }
    return BAY_OK;
}

struct kit_letter *kit_bus_letter(enum kit_errand what, int to,
                                  const char *topic, const void *data,
                                  size_t len)
{
    struct kit_letter *letter = kit_alloc(sizeof *letter + len + 1);

    letter->what = what;
    letter->to = to;
    letter->len = len;
    strcpy(letter->topic, topic); /* core has checked its length */
    if (len > 0) {
        memcpy(letter->data, data, len);
    }
    return letter;
}

void kit_bus_post(struct bay_test *test, struct kit_letter *letter)
{
    *test->letters_end = letter;
    test->letters_end = &letter->next;
}

/* What core says for itself is not: it says it again until it gets through. */
static bool is_lost(struct kit_worker *worker, bool of_core)
{
    if (worker->dead) {
        return true;
    }
    if (of_core || worker->lose == 0) {
        return false;
    }
    worker->lose--;
    return true;
}

bool kit_bus_wants(struct kit_worker *worker, const char *topic)
{
    return *find(worker, topic) != NULL;
}

int kit_bus_publish(struct kit_worker *from, const char *topic, bay_kind kind,
                    const void *data, size_t len, bay_id except)
{
    struct bay_test *test = from->test;
    bool asked = false;

    for (int to = 0; to < test->worker_count; to++) {
        struct kit_letter *letter;

        if (to == from->number || !kit_bus_wants(test->workers[to], topic) ||
            !kit_reaches(from, test->workers[to])) {
            continue;
        }
        if (!asked && is_lost(from, *topic == PRESENCE_MARK)) {
            return BAY_EFULL;
        }
        asked = true;
        letter = kit_bus_letter(KIT_PUBLISH, to, topic, data, len);
        letter->id = except;
        letter->kind = kind;
        kit_bus_post(test, letter);
    }
    return BAY_OK;
}

static int publish(void *self, const char *route, const char *topic,
                   bay_kind kind, const void *data, size_t len, bay_id except)
{
    (void)route;
    return kit_bus_publish(self, topic, kind, data, len, except);
}

/* The worker an id belongs to, as far as this one knows, or -1. */
static int worker_of(const struct kit_worker *from, bay_id id)
{
    const struct bay_test *test = from->test;

    for (int i = 0; i < test->worker_count; i++) {
        const struct kit_worker *worker = test->workers[i];

        if (worker->machine == (int)id_node(id) &&
            worker->place == (int)id_worker(id)) {
            return kit_knows(from, id, i) ? i : -1;
        }
    }
    return -1;
}

/* To one. *letter: what is on its way, NULL if it is lost. */
static int post_to(struct kit_worker *from, enum kit_errand what, bay_id id,
                   const void *data, size_t len, struct kit_letter **letter)
{
    int to = worker_of(from, id);

    *letter = NULL;
    if (to < 0) {
        return BAY_ENOTFOUND;
    }
    if (!is_lost(from, (id & UINT32_MAX) == 0) &&
        kit_reaches(from, from->test->workers[to])) {
        *letter = kit_bus_letter(what, to, "", data, len);
        (*letter)->id = id;
        kit_bus_post(from->test, *letter);
    }
    return BAY_OK;
}

static int send_to(void *self, const char *route, bay_id id, bay_kind kind,
                   const void *data, size_t len)
{
    struct kit_letter *letter;
    int status = post_to(self, KIT_SEND_TO, id, data, len, &letter);

    (void)route;
    if (letter != NULL) {
        letter->kind = kind;
    }
    return status;
}

static int close_id(void *self, const char *route, bay_id id, int code,
                    const char *reason)
{
    struct kit_letter *letter;
    int status =
        post_to(self, KIT_CLOSE_ID, id, reason, strlen(reason), &letter);

    (void)route;
    if (letter != NULL) {
        letter->code = code;
    }
    return status;
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

/* Between machines. */
const struct bus kit_far_bus = {
    .interest = interest,
    .publish = publish,
    .send_to = send_to,
    .close_id = close_id,
    .flush = flush,
    .append = kit_append,
    .replay = kit_replay,
    .settles = true,
};

static void deliver(struct kit_worker *worker, struct kit_letter *letter)
{
    const char *route = worker->test->setting->conf->routes[0].name;
    struct core *core = worker->core;

    switch (letter->what) {
    case KIT_PUBLISH:
        core_bus_publish(core, route, letter->topic, letter->kind, letter->data,
                         letter->len, letter->id);
        break;
    case KIT_SEND_TO:
        core_bus_send(core, route, letter->id, letter->kind, letter->data,
                      letter->len);
        break;
    case KIT_CLOSE_ID:
        core_bus_close(core, route, letter->id, letter->code, letter->data);
        break;
    case KIT_SETTLED: core_bus_settled(core, route, letter->topic); break;
    case KIT_KEPT: kit_kept_deliver(core, route, letter); break;
    case KIT_REPLAY: kit_kept_answer(worker, route, letter); break;
    }
    core_turn(core);
}

bool kit_bus_deliver(struct bay_test *test)
{
    struct kit_letter *letter = test->letters;

    if (letter == NULL) {
        return false;
    }
    test->letters = letter->next;
    if (test->letters == NULL) {
        test->letters_end = &test->letters;
    }
    if (test->workers[letter->to]->core != NULL) {
        deliver(test->workers[letter->to], letter);
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
