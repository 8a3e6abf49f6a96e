/* redis_script.h - a script that Redis runs: loaded once, called by its hash */
#ifndef PATCHBAY_BUS_REDIS_SCRIPT_H
#define PATCHBAY_BUS_REDIS_SCRIPT_H

#include <stdbool.h>

#include "bus/redis_link.h"

#define REDIS_SCRIPT_HASH 48
#define REDIS_KEY         384

/* A zeroed struct with a text is not loaded. */
struct redis_script {
    const char *text;
    bool loading;                 /* the answer has not come yet */
    char hash[REDIS_SCRIPT_HASH]; /* "": not loaded */
};

/* Of a topic that is kept. */
struct redis_keys {
    char meta[REDIS_KEY];
    char stream[REDIS_KEY];
};

/* name: of the cluster; topic: "ROUTE:TOPIC". */
void redis_script_keys(struct redis_keys *keys, const char *name,
                       const char *topic);

/* Two scripts of history. What each takes stands in redis_script.c. */
extern const char redis_script_append[];
extern const char redis_script_replay[];

/* Has Redis load it, unless it is being loaded; answer is called with arg and
 * tag, and calls redis_script_loaded. */
void redis_script_load(struct redis_link *link, struct redis_script *script,
                       redis_answer *answer, void *arg, uint64_t tag);

/* Takes the answer; NULL: there is none. false: it was not loaded. */
bool redis_script_loaded(struct redis_script *script, const redisReply *reply);

#endif
