/* asks.c - questions the master has put to workers, and waits for in no hurry
 */
#include "proc/asks.h"

#include "base/clock.h"

static void free_ask(struct ask *ask)
{
    poller_clear_alarm(ask->asks->poller, &ask->alarm);
    json_decref(ask->answers);
    json_decref(ask->missing);
    ask->id = 0;
}

static void finish(struct ask *ask)
{
    for (unsigned i = 0; i < CONF_MAX_PLACES; i++) {
        if (ask->waits[i]) {
            json_array_append_new(ask->missing, json_integer((json_int_t)i));
        }
    }
    ask->done(ask->arg, ask);
    free_ask(ask);
}

static void too_late(struct alarm_clock *alarm)
{
    finish(alarm->arg);
}

static struct ask *find(struct asks *asks, json_int_t id, size_t from,
                        size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (asks->list[i].id == id) {
            return &asks->list[i];
        }
    }
    return NULL;
}

void asks_init(struct asks *asks, struct poller *poller)
{
    *asks = (struct asks){ .poller = poller };
}

bool asks_put(struct asks *asks, unsigned first, unsigned last, json_t *order,
              const struct ask *question)
{
    struct ask *ask = question->vital
                          ? find(asks, 0, ASKS_MAX, ASKS_MAX + ASKS_KEPT)
                          : find(asks, 0, 0, ASKS_MAX);

    if (ask == NULL || order == NULL) {
        json_decref(order);
        return false;
    }
    *ask = *question;
    ask->asks = asks;
    ask->id = ++asks->last_id;
    ask->answers = json_array();
    ask->missing = json_array();
    ask->alarm = (struct alarm_clock){ .ring = too_late, .arg = ask };
    json_object_set_new(order, "id", json_integer(ask->id));
    for (unsigned i = first; i <= last; i++) {
        /* Who leaves takes up nothing any more, and need not agree. */
        if (crew_is_spare(asks->crew, i) ||
            (ask->vital && crew_is_leaving(asks->crew, i))) {
            continue;
        }
        if (crew_tell(asks->crew, i, order)) {
            ask->waits[i] = true;
            ask->left++;
        } else {
            json_array_append_new(ask->missing, json_integer((json_int_t)i));
        }
    }
    json_decref(order);
    if (ask->left == 0) {
        finish(ask);
    } else {
        poller_set_alarm(asks->poller, &ask->alarm,
                         clock_now_ms() + (ask->patience_ms > 0
                                               ? ask->patience_ms
                                               : ASKS_LIMIT_MS));
    }
    return true;
}

void asks_answered(struct asks *asks, unsigned worker, json_int_t id,
                   const json_t *answer)
{
    struct ask *ask = id > 0 ? find(asks, id, 0, ASKS_MAX + ASKS_KEPT) : NULL;

    if (ask == NULL || !ask->waits[worker]) {
        return; /* it is too late */
    }
    ask->waits[worker] = false;
    json_array_append_new(ask->answers,
                          json_incref((json_t *)(uintptr_t)answer));
    if (--ask->left == 0) {
        finish(ask);
    }
}

void asks_died(struct asks *asks, unsigned worker)
{
    for (size_t i = 0; i < ASKS_MAX + ASKS_KEPT; i++) {
        struct ask *ask = &asks->list[i];

        if (ask->id != 0 && ask->waits[worker]) {
            ask->waits[worker] = false;
            json_array_append_new(ask->missing,
                                  json_integer((json_int_t)worker));
            if (--ask->left == 0) {
                finish(ask);
            }
        }
    }
}

void asks_finish(struct asks *asks)
{
    for (size_t i = 0; i < ASKS_MAX + ASKS_KEPT; i++) {
        if (asks->list[i].id != 0) {
            free_ask(&asks->list[i]);
        }
    }
}
