/* poller.c - the master's loop: descriptors and times, by poll(2) */
#include "proc/poller.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/clock.h"

int poller_add(struct poller *poller, struct watch *watch)
{
    if (poller->count == poller->cap) {
        size_t cap = poller->cap == 0 ? 16 : poller->cap * 2;
        struct watch **watches;
        struct pollfd *polls;

        watches = reallocarray(poller->watches, cap, sizeof *watches);
        if (watches == NULL) {
            return -1;
        }
        poller->watches = watches;
        polls = reallocarray(poller->polls, cap, sizeof *polls);
        if (polls == NULL) {
            return -1;
        }
        poller->polls = polls;
        poller->cap = cap;
    }
    poller->watches[poller->count++] = watch;
    return 0;
}

void poller_remove(struct poller *poller, struct watch *watch)
{
    for (size_t i = 0; i < poller->count; i++) {
        if (poller->watches[i] == watch) {
            poller->watches[i] = NULL;
        }
    }
}

void poller_set_alarm(struct poller *poller, struct alarm_clock *alarm,
                      uint64_t at_ms)
{
    alarm->at_ms = at_ms;
    if (!alarm->set) {
        alarm->set = true;
        alarm->next = poller->alarms;
        poller->alarms = alarm;
    }
}

void poller_clear_alarm(struct poller *poller, struct alarm_clock *alarm)
{
    struct alarm_clock **at = &poller->alarms;

    while (*at != NULL && *at != alarm) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = alarm->next;
    }
    alarm->set = false;
}

static struct alarm_clock *first_alarm(const struct poller *poller)
{
    struct alarm_clock *first = poller->alarms;

    for (struct alarm_clock *a = first; a != NULL; a = a->next) {
        if (a->at_ms < first->at_ms) {
            first = a;
        }
    }
    return first;
}

/* Milliseconds for poll(2); -1: no alarm is set. */
static int time_left(const struct poller *poller)
{
    const struct alarm_clock *first = first_alarm(poller);
    uint64_t now = clock_now_ms();

    if (first == NULL) {
        return -1;
    }
    if (first->at_ms <= now) {
        return 0;
    }
    return first->at_ms - now < INT_MAX ? (int)(first->at_ms - now) : INT_MAX;
}

static void ring(struct poller *poller)
{
    uint64_t now = clock_now_ms();

    for (;;) {
        struct alarm_clock *first = first_alarm(poller);

        if (first == NULL || first->at_ms > now) {
            return;
        }
        poller_clear_alarm(poller, first);
        first->ring(first);
    }
}

static void forget_removed(struct poller *poller)
{
    size_t kept = 0;

    for (size_t i = 0; i < poller->count; i++) {
        if (poller->watches[i] != NULL) {
            poller->watches[kept++] = poller->watches[i];
        }
    }
    poller->count = kept;
}

int poller_turn(struct poller *poller)
{
    size_t count;
    int result;

    forget_removed(poller);
    count = poller->count; /* those added in a callback wait for next time */
    for (size_t i = 0; i < count; i++) {
        poller->polls[i].fd = poller->watches[i]->fd;
        poller->polls[i].events = poller->watches[i]->events;
        poller->polls[i].revents = 0;
    }
    result = poll(poller->polls, (nfds_t)count, time_left(poller));
    if (result < 0) {
        return errno == EINTR ? 0 : -1;
    }
    for (size_t i = 0; i < count; i++) {
        struct watch *watch = poller->watches[i];

        if (watch != NULL && poller->polls[i].revents != 0) {
            watch->ready(watch, poller->polls[i].revents);
        }
    }
    ring(poller);
    return 0;
}

void poller_finish(struct poller *poller)
{
    free(poller->watches);
    free(poller->polls);
    *poller = (struct poller){ 0 };
}
