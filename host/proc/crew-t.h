/* crew-t.h - the struct of crew, for its own files only */
#ifndef PATCHBAY_PROC_CREW_T_H
#define PATCHBAY_PROC_CREW_T_H

#include "proc/backoff.h"
#include "proc/crew.h"
#include "proc/lines.h"
#include "proc/reason.h"

/* A place on the board, and the process that has it. */
struct member {
    struct crew *crew;
    unsigned index;
    unsigned number; /* of the worker whose sockets it has */
    bool spare;      /* nobody has the place, nor is to have it */
    pid_t pid;       /* 0: none */
    struct lines channel;
    bool serving;                /* has said that it is ready */
    json_t *uses;                /* images: what it said last; NULL: nothing */
    char failure[REASON_SIZE];   /* why it could not start */
    char deed[REASON_SIZE + 64]; /* of a plugin: the end of the last; "" */
    uint64_t born_ms;
    uint64_t died_ms; /* 0: never */
    struct backoff backoff;
    struct alarm_clock respawn;
    bool due; /* to be replaced, when the crew is not held any more */
    struct alarm_clock watchdog; /* slow start, or an end that is overdue */

    /* The rest is recycle.c's. */
    struct member *succeeds; /* whose place it is to take; NULL: nobody's */
    bool waits;              /* it does not serve before it is told */
    bool leaving;            /* another has taken over */
    uint64_t served_ms;      /* since when it serves */
    uint64_t not_before_ms;  /* its turn comes later */
    uint64_t requests;       /* that it took */
    uint64_t counted;        /* board_requests, when they were counted last */
    unsigned why;            /* it is recycled: enum recycle_why */
};

#define CREW_GRACE_MS 3000 /* to end, beyond the limit of a drain */

enum phase { STARTING, SERVING, DRAINING, QUITTING };

struct crew {
    struct crew_setup setup;
    enum phase phase;
    bool told_failure;
    bool held;
    struct alarm_clock look; /* is one of them to be recycled? */
    bool told_too_low;       /* that they were soon at a limit */
    unsigned count;
    struct member members[];
};

/* Forks it. */
void crew_spawn(struct member *member);

/* Gives it the order to end, or ends it; it is killed when that takes longer. */
void crew_send_off(struct member *member, const json_t *order,
                   uint64_t limit_ms);

/* The order to drain; NULL when out of memory. */
json_t *crew_farewell_order(const struct crew_farewell *farewell);

#endif
