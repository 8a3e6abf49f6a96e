/* redis_script.h - a script that Redis runs: loaded once, called by its hash */
#ifndef PATCHBAY_BUS_REDIS_SCRIPT_H
#define PATCHBAY_BUS_REDIS_SCRIPT_H

#include <stdbool.h>

#include "bus/redis_link.h"

#define REDIS_SCRIPT_HASH 48

/* A zeroed struct with a text is not loaded. */
struct redis_script {
    const char *text;
    char hash[REDIS_SCRIPT_HASH]; /* "": not loaded */
};

/* Two scripts of history. What each takes stands in redis_script.c. */
extern const char redis_script_append[];
extern const char redis_script_replay[];

/* Has Redis load it; answer is called with its hash, for redis_script_loaded,
 * and with arg. */
int redis_script_load(struct redis_link *link,
                      const struct redis_script *script, redis_answer *answer,
                      void *arg);

/* Takes the answer. false: it was not loaded. */
bool redis_script_loaded(struct redis_script *script, const redisReply *reply);

#endif
