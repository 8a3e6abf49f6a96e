/* reload.c - new code, options and routes for a core that serves */
#include "core/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "core/core-t.h"
#include "core/hooks.h"
#include "core/jobs.h"
#include "core/spread.h"

/* One route, as it is and as it is to be. */
struct entry {
    struct core_route from;    /* what is to be; unused for RELOAD_REMOVED */
    bool owned;                /* from is to be released here */
    struct instance *instance; /* that serves it now; NULL: RELOAD_ADDED */
    struct instance *made;     /* that is to serve it; NULL: instance */
    struct reload_result result;
};

struct reload {
    struct core *core;
    uint64_t job_serial; /* deferred work below that was there before */
    struct entry *entries;
    size_t count;
};

const char *reload_way_name(enum reload_way way)
{
    switch (way) {
    case RELOAD_UNCHANGED: return "unchanged";
    case RELOAD_OPTIONS: return "options";
    case RELOAD_SWAPPED: return "swapped";
    case RELOAD_MIGRATED: return "migrated";
    case RELOAD_REPLACED: return "replaced";
    case RELOAD_ADDED: return "added";
    case RELOAD_REMOVED: return "removed";
    case RELOAD_FAILED: return "failed";
    default: return "unknown";
    }
}

/* ---- which way --------------------------------------------------------- */

static bool same_code(const struct core_route *old,
                      const struct core_route *new)
{
    return old->code == NULL || new->code == NULL
               ? old->plugin == new->plugin
               : strcmp(old->code, new->code) == 0;
}

static bool has_blocks(const bay_plugin *plugin)
{
    return plugin->route_size > 0 || plugin->conn_size > 0;
}

/* The blocks can stay as they are. */
static bool same_state(const bay_plugin *old, const bay_plugin *new)
{
    if (!has_blocks(old) && !has_blocks(new)) {
        return true;
    }
    return new->state_version != 0 &&
           new->state_version == old->state_version &&new->route_size ==
               old->route_size &&new->conn_size == old->conn_size;
}

/* There is a hook for each kind of block that either has. */
static bool migrates(const bay_plugin *old, const bay_plugin *new)
{
    bool route = old->route_size > 0 || new->route_size > 0;
    bool conn = old->conn_size > 0 || new->conn_size > 0;

    return (!route || new->migrate_route != NULL) &&
           (!conn || new->migrate_conn != NULL);
}

static enum reload_way choose_way(const struct instance *instance,
                                  const struct core_route *from)
{
    const bay_plugin *old = &instance->plugin;
    const bay_plugin *new = from->plugin;

    if (!instance->silent && same_code(&instance->from, from)) {
        return options_equal(instance->options, from->options)
                   ? RELOAD_UNCHANGED
                   : RELOAD_OPTIONS;
    }
    /* What was silenced has nothing worth keeping; a message may be in the
     * middle of its pieces. */
    if (instance->silent || strcmp(old->name, new->name) != 0 ||
        ((old->flags ^ new->flags) & BAY_PIECES) != 0 ||
        from->conf->on_reload == CONF_RELOAD_DRAIN ||
        from->conf->on_reload == CONF_RELOAD_CLOSE) {
        return RELOAD_REPLACED;
    }
    if (same_state(old, new)) {
        return RELOAD_SWAPPED;
    }
    return migrates(old, new) ? RELOAD_MIGRATED : RELOAD_REPLACED;
}

/* ---- getting ready ----------------------------------------------------- */

static int name_entry(struct entry *entry, const char *route,
                      const char *plugin)
{
    entry->result.route = strdup(route);
    entry->result.plugin = strdup(plugin);
    return entry->result.route != NULL && entry->result.plugin != NULL ? 0 : -1;
}

static int make_instance(struct entry *entry, struct core *core, char *why,
                         size_t why_size)
{
    const struct conf_route *conf = entry->from.conf;
    char reason[128];

    entry->made = instance_create(core, &entry->from);
    if (entry->made == NULL) {
        snprintf(why, why_size, "out of memory");
        return -1;
    }
    entry->owned = false;
    if (instance_start(entry->made, reason, sizeof reason) != 0) {
        snprintf(why, why_size, "[route.%s] plugin %s: %s", conf->name,
                 conf->plugin, reason);
        return -1;
    }
    return 0;
}

static int prepare_entry(struct entry *entry, struct core *core, char *why,
                         size_t why_size)
{
    const struct conf_route *conf = entry->from.conf;

    if (name_entry(entry, conf->name, entry->from.plugin->name) != 0) {
        snprintf(why, why_size, "out of memory");
        return -1;
    }
    entry->instance = core_find_name(core, conf->name);
    entry->result.way = entry->instance == NULL
                            ? RELOAD_ADDED
                            : choose_way(entry->instance, &entry->from);
    if (entry->result.way == RELOAD_ADDED ||
        entry->result.way == RELOAD_REPLACED) {
        return make_instance(entry, core, why, why_size);
    }
    return 0;
}

static bool is_named(const struct reload *reload, const char *route)
{
    for (size_t i = 0; i < reload->count; i++) {
        if (strcmp(reload->entries[i].result.route, route) == 0) {
            return true;
        }
    }
    return false;
}

/* Behind the others: the routes that nobody names any more. */
static int add_removed(struct reload *reload, char *why, size_t why_size)
{
    struct core *core = reload->core;
    size_t named = reload->count;

    for (unsigned i = 0; i < core->route_count; i++) {
        struct instance *instance = core->routes[i];
        struct entry *entry = &reload->entries[named];

        if (is_named(reload, instance->route->name)) {
            continue;
        }
        entry->instance = instance;
        entry->result.way = RELOAD_REMOVED;
        named++;
        if (name_entry(entry, instance->route->name, instance->plugin_name) !=
            0) {
            snprintf(why, why_size, "out of memory");
            reload->count = named;
            return -1;
        }
    }
    reload->count = named;
    return 0;
}

static int prepare(struct reload *reload, char *why, size_t why_size)
{
    if (reload->core->draining) {
        snprintf(why, why_size, "the worker is about to end");
        return -1;
    }
    for (size_t i = 0; i < reload->count; i++) {
        if (prepare_entry(&reload->entries[i], reload->core, why, why_size) !=
            0) {
            return -1;
        }
    }
    return add_removed(reload, why, why_size);
}

struct reload *reload_create(struct core *core, const struct core_route *routes,
                             size_t count, char *why, size_t why_size)
{
    struct reload *reload = calloc(1, sizeof *reload);
    size_t most = count + core->route_count;

    if (reload != NULL) {
        reload->entries = calloc(most + 1, sizeof *reload->entries);
    }
    if (reload == NULL || reload->entries == NULL || count > CONF_MAX_ROUTES) {
        snprintf(why, why_size,
                 count > CONF_MAX_ROUTES ? "too many routes" : "out of memory");
        for (size_t i = 0; i < count; i++) {
            source_release(&routes[i]);
        }
        if (reload != NULL) {
            free(reload->entries);
        }
        free(reload);
        return NULL;
    }
    reload->core = core;
    reload->count = count;
    reload->job_serial = core->job_serial;
    for (size_t i = 0; i < count; i++) {
        reload->entries[i].from = routes[i];
        reload->entries[i].owned = true;
    }
    if (prepare(reload, why, why_size) != 0) {
        reload_abort(reload);
        return NULL;
    }
    return reload;
}

static bool changes_code(const struct entry *entry)
{
    return entry->result.way == RELOAD_SWAPPED ||
           entry->result.way == RELOAD_MIGRATED;
}

bool reload_settled(const struct reload *reload, char *why, size_t why_size)
{
    for (size_t i = 0; i < reload->count; i++) {
        const struct entry *entry = &reload->entries[i];

        if (changes_code(entry) &&
            jobs_older(entry->instance, reload->job_serial)) {
            snprintf(why, why_size,
                     "[route.%s] plugin %s is busy: work it gave to bay_defer "
                     "has not ended",
                     entry->result.route, entry->result.plugin);
            return false;
        }
    }
    return true;
}

/* ---- swapping ---------------------------------------------------------- */

/* Stops and resumes reading from all connections of an instance. */
static void freeze(struct instance *instance, bool on)
{
    struct conn *conn;

    if (instance->frozen == on) {
        return;
    }
    instance->frozen = on;
    DL_FOREACH(instance->conns, conn)
    {
        conn_update_reading(conn);
        conn_schedule(conn);
    }
}

static void fail(struct entry *entry, const char *why)
{
    entry->result.way = RELOAD_FAILED;
    snprintf(entry->result.why, sizeof entry->result.why, "%s", why);
}

/* Whether all that migrate have no deferred work; those that have are not read
 * from, so that no more is begun. */
static bool can_commit(struct reload *reload, bool force)
{
    bool can = true;

    for (size_t i = 0; i < reload->count; i++) {
        struct entry *entry = &reload->entries[i];

        if (entry->result.way != RELOAD_MIGRATED ||
            entry->instance->job_count == 0) {
            continue;
        }
        if (force) {
            fail(entry, "it always has work under way, so it keeps its old "
                        "code: end what bay_defer runs");
        } else {
            freeze(entry->instance, true);
            can = false;
        }
    }
    return can;
}

static void release_entry(struct entry *entry)
{
    if (entry->owned) {
        entry->owned = false;
        source_release(&entry->from);
    }
}

/* Takes what is new for an instance that stays. */
static int renew(struct entry *entry)
{
    if (instance_renew(entry->instance, &entry->from) != BAY_OK) {
        fail(entry, "out of memory: it stays as it was");
        return -1;
    }
    entry->owned = false;
    entry->result.kept = entry->instance->conn_count;
    return 0;
}

static void swap(struct entry *entry)
{
    if (renew(entry) == 0) {
        entry->instance->plugin = *entry->from.plugin;
        hook_reload(entry->instance);
    }
}

/* New blocks for all connections, before any is filled; NULL: no memory. */
static void **alloc_blocks(const struct instance *instance, size_t size)
{
    const struct conn *conn;
    void **blocks;
    size_t count, i;

    DL_COUNT(instance->conns, conn, count);
    blocks = calloc(count + 1, sizeof *blocks);
    for (i = 0; blocks != NULL && size > 0 && i < count; i++) {
        blocks[i] = calloc(1, size);
        if (blocks[i] == NULL) {
            while (i-- > 0) {
                free(blocks[i]);
            }
            free(blocks);
            return NULL;
        }
    }
    return blocks;
}

/* One that fails has the block as its hook left it, for the close hook. */
static void migrate_conns(struct entry *entry, const bay_plugin *old,
                          void **blocks)
{
    struct instance *instance = entry->instance;
    struct conn *conn;

    DL_FOREACH(instance->conns, conn)
    {
        void *old_data = conn->data;
        int result;

        conn->data = *blocks++;
        result = hook_migrate_conn(conn, old_data, old->conn_size,
                                   old->state_version);
        free(old_data);
        if (result != BAY_OK) {
            hook_complain(instance, conn, HOOK_MIGRATE_CONN, result);
            entry->result.closed += conn->state == CONN_OPEN;
            conn_end(conn, BAY_CLOSE_RESTART, "");
        }
    }
    if (entry->result.closed > 0) {
        snprintf(entry->result.why, sizeof entry->result.why,
                 "the migrate_conn hook failed for %zu of its connections, "
                 "which were closed",
                 entry->result.closed);
    }
}

static void free_blocks(const struct instance *instance, void **blocks)
{
    const struct conn *conn;
    void **block = blocks;

    DL_FOREACH(instance->conns, conn)
    {
        free(*block++);
    }
    free(blocks);
}

static int migrate_route(struct entry *entry, const bay_plugin *old)
{
    struct instance *instance = entry->instance;
    size_t size = instance->plugin.route_size;
    void *old_data = instance->data;
    struct options *old_options = instance->options;
    int result;

    instance->data = size > 0 ? calloc(1, size) : NULL;
    if (size > 0 && instance->data == NULL) {
        instance->data = old_data;
        return BAY_ENOMEM;
    }
    instance->options = entry->from.options;
    result = hook_migrate_route(instance, old_data, old->route_size,
                                old->state_version);
    if (result == BAY_OK && renew(entry) == 0) {
        free(old_data);
        return BAY_OK;
    }
    free(instance->data);
    instance->data = old_data;
    instance->options = old_options;
    return result != BAY_OK ? result : BAY_ENOMEM;
}

static void migrate(struct entry *entry)
{
    struct instance *instance = entry->instance;
    const bay_plugin old = instance->plugin;
    void **blocks = alloc_blocks(instance, entry->from.plugin->conn_size);
    int result;

    freeze(instance, false);
    entry->result.kept = instance->conn_count;
    if (blocks == NULL) {
        fail(entry, "out of memory: it stays as it was");
        return;
    }
    instance->plugin = *entry->from.plugin;
    result = migrate_route(entry, &old);
    if (result != BAY_OK) {
        hook_complain(instance, NULL, HOOK_MIGRATE_ROUTE, result);
        instance->plugin = old;
        free_blocks(instance, blocks);
        fail(entry, "its migrate_route hook failed, so it keeps its old code: "
                    "the log has more");
        return;
    }
    migrate_conns(entry, &old, blocks);
    free(blocks);
    entry->result.kept = instance->conn_count;
    hook_reload(instance);
}

/* The connections of an instance that ends are told to go, spread over time. */
static void send_away(struct instance *instance, uint64_t over_ms)
{
    struct core *core = instance->core;
    uint64_t now = core_now(core);
    uint64_t place = 0, total = instance->conn_count;
    struct conn *conn, *next;

    over_ms = spread_ms(total, over_ms);
    instance->leaving = true;
    DL_FOREACH_SAFE(instance->conns, conn, next)
    {
        if (conn->state != CONN_OPEN) {
            continue;
        }
        conn->drain_due_ms = now + place++ * over_ms / total;
        if (conn->drain_due_ms <= now) {
            conn_leave(conn);
        } else {
            wheel_set(&core->wheel, &conn->wheel, conn->drain_due_ms);
        }
    }
}

static void replace(struct entry *entry, uint64_t over_ms)
{
    struct instance *old = entry->instance;
    size_t open = old->conn_count;
    bool close = entry->result.way == RELOAD_REMOVED ||
                 entry->from.conf->on_reload == CONF_RELOAD_CLOSE;

    instance_retire(old);
    if (close) {
        entry->result.closed = open;
        send_away(old, over_ms);
    } else {
        entry->result.outdated = open;
    }
}

static void commit_entry(struct entry *entry, uint64_t over_ms)
{
    switch (entry->result.way) {
    case RELOAD_UNCHANGED: (void)renew(entry); break;
    case RELOAD_OPTIONS:
        if (renew(entry) == 0) {
            hook_reload(entry->instance);
        }
        break;
    case RELOAD_SWAPPED: swap(entry); break;
    case RELOAD_MIGRATED: migrate(entry); break;
    case RELOAD_REPLACED:
    case RELOAD_REMOVED: replace(entry, over_ms); break;
    case RELOAD_FAILED:
        freeze(entry->instance, false);
        entry->result.kept = entry->instance->conn_count;
        break;
    case RELOAD_ADDED:
    default: break;
    }
    release_entry(entry);
}

/* The paths may have changed, so all are put in order anew. */
static void serve_all(struct reload *reload)
{
    struct core *core = reload->core;

    core->route_count = 0;
    for (size_t i = 0; i < reload->count; i++) {
        struct entry *entry = &reload->entries[i];

        if (entry->made != NULL) {
            core_serve(core, entry->made);
        } else if (entry->result.way != RELOAD_REMOVED) {
            core_serve(core, entry->instance);
        }
    }
}

bool reload_commit(struct reload *reload, bool force, uint64_t close_over_ms)
{
    if (!can_commit(reload, force)) {
        return false;
    }
    for (size_t i = 0; i < reload->count; i++) {
        commit_entry(&reload->entries[i], close_over_ms);
    }
    serve_all(reload);
    core_turn(reload->core);
    return true;
}

size_t reload_count(const struct reload *reload)
{
    return reload->count;
}

const struct reload_result *reload_result(const struct reload *reload,
                                          size_t index)
{
    return &reload->entries[index].result;
}

void reload_free(struct reload *reload)
{
    if (reload == NULL) {
        return;
    }
    for (size_t i = 0; i < reload->count; i++) {
        release_entry(&reload->entries[i]);
        free(reload->entries[i].result.route);
        free(reload->entries[i].result.plugin);
    }
    free(reload->entries);
    free(reload);
}

void reload_abort(struct reload *reload)
{
    struct core *core;

    if (reload == NULL) {
        return;
    }
    core = reload->core;
    for (size_t i = 0; i < reload->count; i++) {
        struct entry *entry = &reload->entries[i];

        if (entry->made != NULL) {
            instance_give_up(entry->made);
        }
        if (entry->instance != NULL) {
            freeze(entry->instance, false);
        }
    }
    reload_free(reload);
    core_turn(core);
}
