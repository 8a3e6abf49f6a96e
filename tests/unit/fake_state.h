/* fake_state.h - what fake_api.c and fake_host.c share */
#ifndef FAKE_STATE_H
#define FAKE_STATE_H

#include <sys/queue.h>

#include "fake_host.h"

enum { TOPICS = 64, TIMERS = 8, OPTIONS = 16, QUERY = 4, TARGET_SIZE = 256 };

struct message {
    STAILQ_ENTRY(message) at;
    bay_message is;
    char data[];
};
STAILQ_HEAD(messages, message);

/* Names of topics; "" is a free place. */
struct topics {
    char names[TOPICS][65];
};

struct worker {
    bay_route handle; /* must be first */
    struct fake *fake;
    int number;
    void *data;
    struct topics listens;
    struct {
        bool set;
        uint64_t key, at_ms;
    } timers[TIMERS];
    int lose;
    bool gone;
    LIST_ENTRY(worker) at;
};

struct fake_peer {
    bay_conn handle; /* must be first */
    struct worker *worker;
    LIST_ENTRY(fake_peer) at;
    bay_id id;
    int status;
    bool open;
    int closing, closed; /* codes */
    char path[TARGET_SIZE];
    struct {
        char name[16], value[256];
    } query[QUERY];
    void *data;
    struct topics topics;
    struct messages inbox;
    struct message *last; /* given out by fake_next */
};

struct request {
    bay_request handle; /* must be first */
    const char *method;
    const struct fake_peer *peer; /* has the path and the query */
    int status;
};

struct notice {
    STAILQ_ENTRY(notice) at;
    struct worker *from, *to;
    char topic[65];
    struct message *message;
};

struct fake {
    const bay_plugin *plugin;
    const char *path;
    struct worker *workers[FAKE_WORKERS]; /* those that run */
    LIST_HEAD(, worker) all;              /* those that crashed, too */
    LIST_HEAD(, fake_peer) peers;
    STAILQ_HEAD(, notice) notices;
    uint64_t now_ms;
    bay_id last_id;
    struct {
        const char *name, *value;
    } options[OPTIONS];
    char log[1024];
    char reply[1 << 16];
};

/* The table of host calls. */
extern const bay_api fake_api;

/* A message on its way; freed with free. */
struct message *fake_copy(bay_kind kind, const void *data, size_t len);

#endif
