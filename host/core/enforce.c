/* enforce.c - what becomes of plugins that are banned, and of those no more */
#include <stdio.h>

#include <utlist.h>

#include "base/log.h"
#include "core/core-t.h"

static struct log_subject subject_of(const struct instance *instance)
{
    return (struct log_subject){ .route = instance->route->name,
                                 .plugin = instance->plugin_name };
}

/* No hook tells the plugin: that might be the next to crash. */
static void ban(struct instance *instance)
{
    struct log_subject subject = subject_of(instance);
    size_t open = instance->conn_count;
    struct conn *conn, *next;

    instance_silence(instance);
    instance->leaving = true; /* for those that are in their handshake */
    DL_FOREACH_SAFE(instance->conns, conn, next)
    {
        if (conn->state == CONN_OPEN) {
            conn_leave(conn);
        }
    }
    log_about(LOG_LEVEL_WARN, &subject,
              "the plugin is quarantined: %zu connections are closed, and new "
              "ones get a 503",
              open);
}

/* The blocks of an instance that is silent may be half written. */
static bool begin_anew(struct core *core, struct instance **place)
{
    struct instance *old = *place;
    struct log_subject subject = subject_of(old);
    struct instance *made = instance_create(core, &old->from);
    char why[128];

    if (made == NULL) {
        return false;
    }
    if (instance_start(made, why, sizeof why) != 0) {
        log_about(LOG_LEVEL_ERROR, &subject,
                  "the plugin cannot begin anew: %s; reload to try again", why);
        instance_silence(made);
    } else {
        log_about(LOG_LEVEL_INFO, &subject, "the plugin begins anew");
    }
    /* What both were made of is the new one's. */
    old->from.options = NULL;
    old->from.release = NULL;
    old->started = false;
    *place = made;
    instance_give_up(old);
    return true;
}

static void look_at_old_code(struct core *core)
{
    struct instance *instance;

    DL_FOREACH(core->retired, instance)
    {
        if (!instance->silent &&
            bans_plugin(core->setup.bans, instance->code)) {
            ban(instance);
        }
    }
}

bool core_enforce_bans(struct core *core)
{
    bool done = true;

    for (unsigned i = 0; i < core->route_count; i++) {
        struct instance *instance = core->routes[i];
        bool banned = bans_plugin(core->setup.bans, instance->code);

        if (banned && !instance->silent) {
            ban(instance);
        } else if (!banned && instance->silent) {
            done = instance->users == 0 && begin_anew(core, &core->routes[i]) &&
                   done;
        }
    }
    look_at_old_code(core);
    core_turn(core);
    return done;
}
