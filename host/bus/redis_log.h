/* redis_log.h - history in Redis: messages that are kept wait here until they
 * are
 *
 * One that was given to Redis waits for the answer; if the connection is lost
 * before that, it is given again with the same number, and kept once. While
 * Redis is away messages wait, up to a number of bytes, and are kept late.
 */
#ifndef PATCHBAY_BUS_REDIS_LOG_H
#define PATCHBAY_BUS_REDIS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/seldom.h"
#include "bus/redis_script.h"
#include "core/bus.h"

struct redis_bus;
struct redis_entry;
struct redis_question;

/* A zeroed struct with a bus is empty. */
struct redis_log {
    struct redis_bus *bus;
    struct redis_script append, replay;
    struct redis_entry *entries;      /* in the order of their numbers */
    struct redis_entry *unsent;       /* the first of those Redis has not got */
    struct redis_question *questions; /* that wait for the script of replay */
    size_t bytes;
    uint64_t number; /* of the last that was sent */
    uint64_t last_kept;
    uint64_t order; /* of the last that was added */
    bool full;      /* Redis cannot keep any: one at a time is tried */
    bool reloaded;  /* append, since the last that was kept */
    struct seldom refused;
};

void redis_log_init(struct redis_log *log, struct redis_bus *bus);

/* As in struct bus. */
int redis_log_append(struct redis_log *log, const char *route,
                     const char *topic, const struct keep *keep, bay_kind kind,
                     const void *data, size_t len, bay_id except);
int redis_log_replay(struct redis_log *log, const char *route,
                     const char *topic, const struct query *query);

/* Redis takes commands. */
void redis_log_up(struct redis_log *log);

/* One of its scripts is not there, or not any more. */
void redis_log_load(struct redis_log *log, struct redis_script *script);

/* To be called now and then: whether Redis has memory again, or takes scripts. */
void redis_log_look(struct redis_log *log);

/* What waits is lost, and counted. */
void redis_log_finish(struct redis_log *log);

#endif
