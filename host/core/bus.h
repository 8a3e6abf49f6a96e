/* bus.h - how core reaches the other workers, and they it
 *
 * A filling of this table carries messages between workers: bus/local.c on one
 * machine. With one worker there is none, and core_setup.bus is NULL. Routes
 * are named, since workers may number them differently after a reload.
 * Delivery is at most once, in order per sender.
 */
#ifndef PATCHBAY_CORE_BUS_H
#define PATCHBAY_CORE_BUS_H

#include <stdbool.h>
#include <stddef.h>

#include <patchbay.h>

struct core;

struct bus {
    /* This worker begins or ends to want what is published to a topic. */
    int (*interest)(void *self, const char *route, const char *topic, bool on);

    /* To every other worker that is interested. 0, or BAY_EFULL if it could
     * not be queued for one of them (which is counted). */
    int (*publish)(void *self, const char *route, const char *topic,
                   bay_kind kind, const void *data, size_t len, bay_id except);

    /* To the worker a bay_id belongs to. BAY_ENOTFOUND if there is none such,
     * BAY_EFULL as above. */
    int (*send_to)(void *self, const char *route, bay_id id, bay_kind kind,
                   const void *data, size_t len);
    int (*close_id)(void *self, const char *route, bay_id id, int code,
                    const char *reason);

    /* Writes what was queued since the last call. core_turn calls it before it
     * flushes the clients' queues: a sibling knows of a subscription before
     * the client can tell anyone of it. */
    void (*flush)(void *self);
};

/* What the bus calls in core when something came in. Unknown routes, topics
 * and connections are ignored. Data is borrowed for the call; a 0 byte
 * follows it, as in bay_message. */
void core_bus_publish(struct core *core, const char *route, const char *topic,
                      bay_kind kind, const void *data, size_t len,
                      bay_id except);
void core_bus_send(struct core *core, const char *route, bay_id id,
                   bay_kind kind, const void *data, size_t len);
void core_bus_close(struct core *core, const char *route, bay_id id, int code,
                    const char *reason);

/* Calls back for each interest this worker has: for a sibling that is new. */
void core_bus_each_interest(struct core *core,
                            void (*each)(void *arg, const char *route,
                                         const char *topic),
                            void *arg);

#endif
