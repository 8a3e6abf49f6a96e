/* presence_changes.c - has the presence hooks told, after the hook that runs
 *
 * Bounded: an instance that has too many changes waiting is told once, for
 * each topic, to look at the list again.
 */
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "core/hooks.h"
#include "core/presence-t.h"

#define CHANGES_MAX       4096u       /* of one instance */
#define CHANGES_BYTES_MAX (16u << 20) /* of a worker */

struct change {
    struct task task;
    struct instance *instance;
    struct room *held; /* until it has been told; may be NULL */
    size_t size;
    bay_change is;
    bay_member member;
    char topic[TOPICS_NAME_MAX + 1];
    char strings[];
};

static void change_task(struct core *core, struct task *task)
{
    struct change *change = (struct change *)task;

    core->presence.waiting -= change->size;
    change->instance->changes--;
    if (!core->stopping && !change->instance->stopped) {
        hook_presence(change->instance, &change->is);
    }
    if (change->held != NULL) {
        room_release(change->held, change->instance);
    }
    instance_drop(change->instance);
    free(change);
}

static void listed_task(struct core *core, struct task *task)
{
    struct watcher *watcher = core->presence.listed;
    struct instance *instance;
    char topic[TOPICS_NAME_MAX + 1];
    bay_change change = { .topic = topic, .kind = BAY_LISTED };

    if (watcher == NULL) {
        return;
    }
    instance = watcher->instance;
    memcpy(topic, room_topic(watcher->room),
           strlen(room_topic(watcher->room)) + 1);
    changes_forget(watcher);
    instance_hold(instance);
    if (!core->stopping && !instance->stopped) {
        hook_presence(instance, &change);
    }
    instance_drop(instance);
    if (core->presence.listed != NULL) {
        core_post(core, task);
    }
}

void changes_forget(struct watcher *watcher)
{
    if (watcher->listed) {
        watcher->listed = false;
        DL_DELETE2(watcher->room->core->presence.listed, watcher, prev_listed,
                   next_listed);
    }
}

static void list(struct watcher *watcher)
{
    struct core *core = watcher->room->core;

    if (!watcher->listed && watcher->instance->plugin.presence != NULL) {
        watcher->listed = true;
        DL_APPEND2(core->presence.listed, watcher, prev_listed, next_listed);
        core->listed_task.run = listed_task;
        core_post(core, &core->listed_task);
    }
}

static struct change *post(struct room *room, struct instance *instance,
                           bay_change_kind kind, const struct member *member)
{
    struct core *core = room->core;
    size_t strings = member->label_len + member->is.len + 2;
    size_t size = sizeof(struct change) + strings;
    struct change *change = malloc(size);

    if (change == NULL) {
        return NULL;
    }
    memset(change, 0, sizeof *change);
    change->task.run = change_task;
    change->instance = instance;
    change->size = size;
    memcpy(change->topic, room_topic(room), strlen(room_topic(room)) + 1);
    memcpy(change->strings, member->is.label, member->label_len + 1);
    memcpy(change->strings + member->label_len + 1, member->is.info,
           member->is.len + 1);
    change->member = member->is;
    change->member.label = change->strings;
    change->member.info = change->strings + member->label_len + 1;
    change->is = (bay_change){ .topic = change->topic,
                               .member = &change->member,
                               .kind = kind };
    core->presence.waiting += size;
    instance->changes++;
    instance_hold(instance);
    core_post(core, &change->task);
    return change;
}

void changes_post(struct room *room, bay_change_kind kind,
                  const struct member *member, const struct instance *except)
{
    const struct presence *presence = &room->core->presence;
    struct watcher *watcher;

    DL_FOREACH(room->watchers, watcher)
    {
        struct instance *instance = watcher->instance;

        if (instance == except || watcher->listed ||
            instance->plugin.presence == NULL) {
            continue;
        }
        if (instance->changes >= CHANGES_MAX ||
            presence->waiting >= CHANGES_BYTES_MAX ||
            post(room, instance, kind, member) == NULL) {
            list(watcher);
        }
    }
}

/* There is no more of them than there are memberships. The hook can look up who
 * has the label: without the list it could but take it again, and again. */
void changes_post_displaced(struct room *room, struct instance *instance,
                            const struct member *member)
{
    struct change *change;

    if (instance->plugin.presence == NULL) {
        return;
    }
    change = post(room, instance, BAY_DISPLACED, member);
    if (change != NULL) {
        change->held = room;
        room_hold(room, instance);
    } else {
        changes_post_listed(room);
    }
}

void changes_post_listed(struct room *room)
{
    struct watcher *watcher;

    DL_FOREACH(room->watchers, watcher)
    {
        list(watcher);
    }
}
