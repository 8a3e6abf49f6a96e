/* core.h - the heart of a worker: routes, connections, hooks, topics, timers
 *
 * core knows neither sockets nor processes: it is driven by a transport and
 * reaches other workers through a bus. One thread; everything that follows
 * from a call (close hooks, notices, sends) has happened when core_turn
 * returns.
 */
#ifndef PATCHBAY_CORE_CORE_H
#define PATCHBAY_CORE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <patchbay.h>

#include "conf/conf.h"
#include "core/bans.h"
#include "core/bus.h"
#include "core/recent.h"
#include "core/stats.h"
#include "core/transport.h"
#include "plugin/options.h"

struct addresses;
struct archive;
struct core;
struct conn;
struct instance;

struct core_setup {
    const struct transport *transport;
    void *transport_self;
    const struct bus *bus; /* NULL: one worker */
    void *bus_self;
    struct worker_stats *stats; /* zeroed; routes[] for every route */
    /* This and the other workers' connections to a route, for its limit; NULL:
     * this worker's count is the whole. */
    uint64_t (*count_connections)(void *arg, unsigned route_index);
    /* The same for connections by address; addresses are this worker's. NULL:
     * they are not counted. */
    uint64_t (*count_address)(void *arg, uint64_t key);
    const struct addresses *addresses;
    void *count_arg;
    struct archive *archive; /* of topics with history; NULL: nothing is kept */
    const struct bans *bans; /* what is not let in any more; NULL: nothing */
    unsigned node, worker, workers, incarnation; /* worker: as in ids */
    unsigned number; /* of the worker, as plugins are told */
    bool log_access;
    size_t queue_total; /* bytes that may wait for all clients; 0: unlimited */
    size_t receive_total; /* of messages that came in part; 0: unlimited */
    /* The table of host calls; NULL: core's own. The test library puts calls
     * that fail in between. */
    const bay_api *api;
    /* For tests: freed connections are kept to the end, so that a handle which
     * a plugin kept too long can be told; and each message lies in memory of
     * its own, so that a sanitizer sees what is read beyond it. */
    bool strict;
    bool log_trace;        /* a line for each hook, with its time */
    struct recent *recent; /* the last messages are copied here; NULL: not */
};

struct core *core_create(const struct core_setup *setup);

/* The bus needs the core and the core the bus: it may be given afterwards,
 * before the first route. No core, no matter. */
void core_set_bus(struct core *core, const struct bus *bus, void *bus_self);

/* What the instance of a route is made of. */
struct core_route {
    const struct conf_route *conf;
    const bay_plugin *plugin;
    const char *code;        /* tells versions apart: a hash of the file; NULL:
                              * plugin itself, by its address, does */
    struct options *options; /* of the route; NULL: the plugin has none */
    /* Called once, when core needs none of these any more; NULL: never. */
    void (*release)(void *arg);
    void *arg;
};

/*
 * Makes the instance of a route and calls its start hook. Takes what route
 * holds (options, and the duty to call release), whatever comes of it. 0, or
 * -1 and one sentence in why.
 */
int core_add_route(struct core *core, const struct core_route *route, char *why,
                   size_t why_size);

/*
 * Runs what is due: hooks that wait, then the send queues. The transport calls
 * it after each batch of events; calling it twice does no harm.
 */
void core_turn(struct core *core);

/* The alarm went off: timers, pings, idle connections. */
void core_tick(struct core *core);

/* Closes connections, spread over over_ms; core_connections tells how many are
 * left. No new ones are accepted. */
void core_drain(struct core *core, int code, const char *reason,
                uint64_t over_ms);

/* Changes what the setup said. */
void core_set_logging(struct core *core, bool access, bool trace);
void core_set_recent(struct core *core, struct recent *recent);

/* The bans have changed: plugins that are banned now are silenced, and their
 * connections closed with 1011; those that are no more begin anew, as soon as
 * nothing is left of their former life. To be called again from time to time:
 * false if there is still something to be done. */
bool core_enforce_bans(struct core *core);

void core_set_queue_total(struct core *core, size_t bytes);
void core_set_receive_total(struct core *core, size_t bytes);

/* The plugins that have run since core_forget_ran: their hooks, or deferred
 * work. Threads that they started by themselves are not seen. */
struct core_ran {
    unsigned plugins; /* how many, by their code */
    uint64_t code;    /* of one of them, as in bans.h */
    unsigned route;   /* its place on the board */
    enum hook hook;   /* its last one */
    char names[256];  /* "chat, echo"; cut short if there are more */
};
/* Safe in a signal handler. */
void core_tell_ran(const struct core *core, struct core_ran *ran);
/* The hook that runs, by what it leaves for that; HOOK_NONE: none. */
enum hook core_hook(const struct core *core);
void core_forget_ran(struct core *core);

/* Open connections. */
size_t core_connections(const struct core *core);

/* Closes one; for an operator. false: not here. */
bool core_kick(struct core *core, bay_id id, int code, const char *reason);

/* What an operator sees of each connection. Strings are borrowed. */
struct conn_info {
    bay_id id;
    const char *route;
    const char *remote;
    const char *path;
    const char *subprotocol;
    bool outdated; /* served by code that was replaced */
    bay_facts facts;
};
void core_each_connection(struct core *core,
                          void (*each)(void *arg, const struct conn_info *info),
                          void *arg);

/* Deferred work that is not done yet; and the end of what has not begun: its
 * done hooks run with BAY_ECANCELED in the next core_turn, and no more work is
 * taken; a core that was never made has none. */
size_t core_jobs(const struct core *core);
void core_cancel_jobs(struct core *core);

/* Looks for work that does not end; now_ms by clock_coarse_ms. To be called now
 * and then. */
void core_check_jobs(struct core *core, uint64_t now_ms);

/*
 * For a signal handler in a thread that is not the worker's own, of which the
 * board's hook_now does not tell: what runs in it. HOOK_WORK and the route, if
 * it is deferred work, else HOOK_NONE. now is zeroed.
 */
void core_blame_thread(const struct core *core, struct hook_now *now);

/* Stops the instances and frees everything. No connection and no deferred work
 * may be left. NULL is allowed. */
void core_destroy(struct core *core);

#endif
