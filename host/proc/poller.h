/* poller.h - the master's loop: descriptors and times, by poll(2)
 *
 * The master forks, and libuv's signal handling does not survive a fork in
 * both halves. This loop is nothing but memory: a child simply forgets it.
 */
#ifndef PATCHBAY_PROC_POLLER_H
#define PATCHBAY_PROC_POLLER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A descriptor that is waited for. Owned by the caller. */
struct watch {
    int fd;
    short events; /* may be changed at any time; 0 waits for errors only */
    void (*ready)(struct watch *watch, short revents);
    void *arg;
};

/* Something that is due at a time of clock_now_ms. Owned by the caller. */
struct alarm_clock {
    uint64_t at_ms;
    void (*ring)(struct alarm_clock *alarm);
    void *arg;
    struct alarm_clock *next; /* the rest is the poller's */
    bool set;
};

/* A zeroed struct is an empty poller. */
struct poller {
    struct watch **watches; /* NULL: removed since the last turn */
    struct pollfd *polls;
    size_t count;
    size_t cap;
    struct alarm_clock *alarms;
};

/* 0, or -1 when out of memory. */
int poller_add(struct poller *poller, struct watch *watch);
/* May be called from any callback. A watch that was not added is ignored. */
void poller_remove(struct poller *poller, struct watch *watch);

/* Sets or moves it; it rings once. */
void poller_set_alarm(struct poller *poller, struct alarm_clock *alarm,
                      uint64_t at_ms);
void poller_clear_alarm(struct poller *poller, struct alarm_clock *alarm);

/* Waits until something happens and calls whom it concerns. 0, or -1 with
 * errno set. */
int poller_turn(struct poller *poller);
void poller_finish(struct poller *poller);

#endif
