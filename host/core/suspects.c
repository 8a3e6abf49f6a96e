/* suspects.c - which plugins ran since somebody last asked */
#include <string.h>

#include "core/core-t.h"

/* Safe in a signal handler, as snprintf is not. */
static void add_name(char *names, size_t size, const char *name)
{
    size_t len = strlen(names);
    size_t more = strlen(name);
    bool first = len == 0;

    if (len + (first ? 0 : 2) + more + 1 > size) {
        return;
    }
    if (!first) {
        memcpy(names + len, ", ", 2);
        len += 2;
    }
    memcpy(names + len, name, more + 1);
}

static enum hook ran(const struct instance *instance)
{
    return instance->ran == HOOK_NONE && instance->job_count > 0
               ? HOOK_WORK
               : instance->ran;
}

static bool told_before(const struct core *core,
                        const struct instance *instance)
{
    for (unsigned i = 0; i < core->route_count; i++) {
        const struct instance *each = core->routes[i];

        if (each == instance) {
            return false;
        }
        if (each->code == instance->code && ran(each) != HOOK_NONE) {
            return true;
        }
    }
    for (const struct instance *each = core->retired; each != instance;
         each = each->next) {
        if (each->code == instance->code && ran(each) != HOOK_NONE) {
            return true;
        }
    }
    return false;
}

static void tell_one(const struct core *core, const struct instance *instance,
                     struct core_ran *out)
{
    if (ran(instance) == HOOK_NONE || told_before(core, instance)) {
        return;
    }
    out->plugins++;
    out->code = instance->code;
    out->route = instance->conf->slot;
    out->hook = ran(instance);
    add_name(out->names, sizeof out->names, instance->plugin_name);
}

void core_tell_ran(const struct core *core, struct core_ran *out)
{
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < core->route_count; i++) {
        tell_one(core, core->routes[i], out);
    }
    for (const struct instance *each = core->retired; each != NULL;
         each = each->next) {
        tell_one(core, each, out);
    }
    if (core->ran_gone) {
        out->plugins++;
        add_name(out->names, sizeof out->names, "one that is gone");
    }
}

enum hook core_hook(const struct core *core)
{
    return core->in_hook && core->hook_of != NULL ? core->hook_of->ran
                                                  : HOOK_NONE;
}

void core_forget_ran(struct core *core)
{
    core->ran_gone = false;
    for (unsigned i = 0; i < core->route_count; i++) {
        core->routes[i]->ran = HOOK_NONE;
    }
    for (struct instance *each = core->retired; each != NULL;
         each = each->next) {
        each->ran = HOOK_NONE;
    }
}
