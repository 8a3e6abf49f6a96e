/* id.h - how a bay_id is made: node, worker, incarnation, serial number */
#ifndef PATCHBAY_CORE_ID_H
#define PATCHBAY_CORE_ID_H

#include <stdint.h>

#include <patchbay.h>

/*
 * | node 8 | worker 8 | incarnation 16 | serial 32 |
 *
 * incarnation counts the processes that had this worker's place, so that an id
 * is not used again after a crash. The first connection of a server is 1.
 */
static inline bay_id id_make(unsigned node, unsigned worker,
                             unsigned incarnation, uint32_t serial)
{
    return (uint64_t)(node & 0xffu) << 56 | (uint64_t)(worker & 0xffu) << 48 |
           (uint64_t)(incarnation & 0xffffu) << 32 | serial;
}

static inline unsigned id_node(bay_id id)
{
    return (unsigned)(id >> 56);
}

static inline unsigned id_worker(bay_id id)
{
    return (unsigned)(id >> 48) & 0xffu;
}

static inline unsigned id_incarnation(bay_id id)
{
    return (unsigned)(id >> 32) & 0xffffu;
}

#endif
