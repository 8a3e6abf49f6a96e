/* turns.h - lets the master's loop do all it can without waiting */
#ifndef PATCHBAY_TESTS_FUZZ_TURNS_H
#define PATCHBAY_TESTS_FUZZ_TURNS_H

#include "fuzz.h"

#include <poll.h>

#include "proc/poller.h"

static inline bool turns_due(const struct poller *poller)
{
    for (size_t i = 0; i < poller->count; i++) {
        struct pollfd fd = { .fd = -1 };

        if (poller->watches[i] != NULL) {
            fd.fd = poller->watches[i]->fd;
            fd.events = poller->watches[i]->events;
        }
        if (poll(&fd, 1, 0) > 0) {
            return true;
        }
    }
    return false;
}

static inline void turns(struct poller *poller)
{
    for (int i = 0; turns_due(poller); i++) {
        fuzz_check(i < 10000); /* it would spin */
        fuzz_check(poller_turn(poller) == 0);
    }
}

#endif
