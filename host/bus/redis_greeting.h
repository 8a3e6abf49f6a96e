/* redis_greeting.h - is it a Redis that we can use? from its first answers */
#ifndef PATCHBAY_BUS_REDIS_GREETING_H
#define PATCHBAY_BUS_REDIS_GREETING_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/stats.h"

#define GREETING_RUN_ID 64

/* What it was asked. */
enum greeting_step {
    GREETING_AUTH = 1,
    GREETING_INFO,
    GREETING_SELECT,
    GREETING_LAST /* of no importance in itself */
};

/* 0, or -1 with what state that is and a sentence that says why. INFO tells
 * the id of this run of the server, "" if it is not to be had. */
int greeting_check(enum greeting_step step, const redisReply *reply,
                   char run_id[GREETING_RUN_ID], enum cluster_state *state,
                   char *why, size_t why_size);

/* An error at any later time: whether it is of the server as a whole, rather
 * than of the command. */
bool greeting_is_fatal(const char *error, enum cluster_state *state);

#endif
