/* redis_greeting.c - is it a Redis that we can use? from its first answers */
#include "bus/redis_greeting.h"

#include <stdio.h>
#include <string.h>

#define CLUSTER_SENTENCE                                                   \
    "it is a node of a Redis Cluster, which patchbay does not work with: " \
    "use a Redis by itself"
#define SENTINEL_SENTENCE                                              \
    "it is a Redis Sentinel, which patchbay does not work with: name " \
    "the Redis itself"
#define REPLICA_SENTENCE                                              \
    "it is a replica, which takes no writes: name the Redis it is a " \
    "replica of"

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static const struct {
    const char *error;
    enum cluster_state state;
} fatal[] = {
    { "NOAUTH", CLUSTER_REFUSED },  { "MOVED ", CLUSTER_UNFIT },
    { "ASK ", CLUSTER_UNFIT },      { "CLUSTERDOWN", CLUSTER_UNFIT },
    { "CROSSSLOT", CLUSTER_UNFIT }, { "READONLY", CLUSTER_UNFIT },
    { "LOADING", CLUSTER_AWAY },    { "MASTERDOWN", CLUSTER_UNFIT },
    { "UNKILLABLE", CLUSTER_AWAY },
};

bool greeting_is_fatal(const char *error, enum cluster_state *state)
{
    size_t i;

    for (i = 0; i < sizeof fatal / sizeof fatal[0]; i++) {
        if (begins(error, fatal[i].error)) {
            *state = fatal[i].state;
            return true;
        }
    }
    return false;
}

static int refuse(enum cluster_state what, enum cluster_state *state, char *why,
                  size_t why_size, const char *text, const char *more)
{
    *state = what;
    snprintf(why, why_size, "%s%s%s", text, *more ? ": " : "", more);
    return -1;
}

/* The value of a line "name:value" of INFO; "" if there is none. */
static void find(const char *info, const char *name, char *out, size_t size)
{
    size_t len = strlen(name);
    const char *line = info;

    out[0] = '\0';
    while (line) {
        if (strncmp(line, name, len) == 0 && line[len] == ':') {
            line += len + 1;
            len = strcspn(line, "\r\n");
            snprintf(out, size, "%.*s", (int)(len < size ? len : size - 1),
                     line);
            return;
        }
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
}

static int check_info(const char *info, char run_id[GREETING_RUN_ID],
                      enum cluster_state *state, char *why, size_t why_size)
{
    char value[32];

    find(info, "run_id", run_id, GREETING_RUN_ID);
    find(info, "redis_mode", value, sizeof value);
    if (strcmp(value, "cluster") == 0) {
        return refuse(CLUSTER_UNFIT, state, why, why_size, CLUSTER_SENTENCE,
                      "");
    }
    if (strcmp(value, "sentinel") == 0) {
        return refuse(CLUSTER_UNFIT, state, why, why_size, SENTINEL_SENTENCE,
                      "");
    }
    find(info, "role", value, sizeof value);
    if (strcmp(value, "slave") == 0 || strcmp(value, "replica") == 0) {
        return refuse(CLUSTER_UNFIT, state, why, why_size, REPLICA_SENTENCE,
                      "");
    }
    find(info, "loading", value, sizeof value);
    if (strcmp(value, "1") == 0) {
        return refuse(CLUSTER_AWAY, state, why, why_size,
                      "it is still reading its data", "");
    }
    return 0;
}

int greeting_check(enum greeting_step step, const redisReply *reply,
                   char run_id[GREETING_RUN_ID], enum cluster_state *state,
                   char *why, size_t why_size)
{
    bool error = reply->type == REDIS_REPLY_ERROR;

    if (error && begins(reply->str, "NOAUTH")) {
        return refuse(CLUSTER_REFUSED, state, why, why_size,
                      "it wants a password, and [cluster] url has none", "");
    }
    if (error && greeting_is_fatal(reply->str, state)) {
        return refuse(*state, state, why, why_size, "it cannot be used",
                      reply->str);
    }
    switch (step) {
    case GREETING_AUTH:
        return error ? refuse(CLUSTER_REFUSED, state, why, why_size,
                              "it does not take the user and password of "
                              "[cluster] url",
                              reply->str)
                     : 0;
    case GREETING_INFO:
        /* A user may not be allowed to ask: then nothing is known. */
        run_id[0] = '\0';
        return reply->type == REDIS_REPLY_STRING
                   ? check_info(reply->str, run_id, state, why, why_size)
                   : 0;
    case GREETING_SELECT:
        return error ? refuse(CLUSTER_UNFIT, state, why, why_size,
                              "it does not give the database of [cluster] url",
                              reply->str)
                     : 0;
    case GREETING_LAST: return 0;
    }
    return 0;
}
