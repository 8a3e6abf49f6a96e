/* api_presence.c - the host calls on who is in a topic */
#include <string.h>

#include "core/api.h"
#include "core/core-t.h"

int api_join(bay_conn *handle, const char *topic, const char *label,
             const void *info, size_t len, unsigned flags)
{
    struct conn *conn = api_checked_conn(handle);
    struct member_facts facts = {
        .flags = flags, .label = label, .info = info, .info_len = len
    };

    facts.label_len = label != NULL ? strnlen(label, BAY_LABEL_MAX + 1) : 0;
    if (conn == NULL || !topics_name_valid(topic) ||
        !members_label_valid(label, facts.label_len) ||
        (info == NULL && len > 0) || (flags & ~(unsigned)BAY_UNIQUE) != 0) {
        return BAY_EINVAL;
    }
    if (len > BAY_INFO_MAX) {
        return BAY_ETOOBIG;
    }
    if (conn->state != CONN_OPEN) {
        return conn->state == CONN_HANDSHAKE ? BAY_ESTATE : BAY_ECLOSED;
    }
    return presence_join(conn, topic, &facts);
}

int api_leave(bay_conn *handle, const char *topic)
{
    struct conn *conn = api_checked_conn(handle);

    return conn != NULL && topics_name_valid(topic)
               ? presence_leave(conn, topic)
               : BAY_EINVAL;
}

int api_watch(bay_route *handle, const char *topic, bool on)
{
    struct instance *instance = api_checked_route(handle);

    if (instance == NULL || !topics_name_valid(topic)) {
        return BAY_EINVAL;
    }
    if (!on) {
        return presence_unwatch(instance, topic);
    }
    return instance->stopped ? BAY_ESTATE : presence_watch(instance, topic);
}

/* What the instance may see: a topic that it watches or is in. */
static const struct members *members_of(const bay_route *handle,
                                        const char *topic)
{
    const struct instance *instance = api_checked_route(handle);

    return instance != NULL && topics_name_valid(topic)
               ? presence_members(instance, topic)
               : NULL;
}

const bay_member *api_member_next(const bay_route *handle, const char *topic,
                                  const bay_member *after)
{
    const struct members *members = members_of(handle, topic);
    const struct member *next = NULL;

    if (members != NULL) {
        next = after == NULL
                   ? members->first
                   : ((const struct member *)(const void *)after)->next;
    }
    while (next != NULL && next->hidden) {
        next = next->next;
    }
    return next != NULL ? &next->is : NULL;
}

const bay_member *api_member_find(const bay_route *handle, const char *topic,
                                  const char *label)
{
    const struct members *members = members_of(handle, topic);
    size_t len = label != NULL ? strnlen(label, BAY_LABEL_MAX + 1) : 0;
    const struct member *found =
        members != NULL && len > 0 && len <= BAY_LABEL_MAX
            ? members_find_label(members, label, len)
            : NULL;

    return found != NULL ? &found->is : NULL;
}

size_t api_member_count(const bay_route *handle, const char *topic)
{
    const struct members *members = members_of(handle, topic);

    return members != NULL ? members->count - members->hidden : 0;
}
