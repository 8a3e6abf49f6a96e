/* channels.c - which channels of Redis a worker is subscribed to */
#include "bus/channels.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include <patchbay.h>

#include "core/hash.h"

/* Longer than prefix, route and topic can be. */
#define NAME_MAX_LEN 512

struct channel {
    UT_hash_handle hh;
    struct channel *prev, *next; /* of those that have changed */
    bool wanted;
    bool changed;
    bool subscribed;    /* Redis was told so, on this connection */
    bool confirmed;     /* and has answered */
    uint64_t number;    /* of that subscription */
    struct position at; /* of the last message that was kept */
    const char *route, *topic;
    size_t len;
    char name[]; /* and behind its 0 byte the route's */
};

static struct channel *find(const struct channels *channels, const char *name,
                            size_t len)
{
    struct channel *channel = NULL;

    HASH_FIND(hh, channels->entries, name, len, channel);
    return channel;
}

static struct channel *add(struct channels *channels, const char *name,
                           size_t len, const char *route, size_t topic_len)
{
    size_t route_size = strlen(route) + 1;
    struct channel *channel = calloc(1, sizeof *channel + len + 1 + route_size);

    if (!channel) {
        return NULL;
    }
    memcpy(channel->name, name, len + 1);
    memcpy(channel->name + len + 1, route, route_size);
    channel->len = len;
    channel->route = channel->name + len + 1;
    channel->topic = channel->name + len - topic_len;
    HASH_ADD_KEYPTR(hh, channels->entries, channel->name, len, channel);
    if (!channel->hh.tbl) {
        free(channel);
        return NULL;
    }
    return channel;
}

static void drop(struct channels *channels, struct channel *channel)
{
    if (channel->changed) {
        DL_DELETE(channels->changed, channel);
    }
    HASH_DEL(channels->entries, channel);
    free(channel);
}

static void change(struct channels *channels, struct channel *channel)
{
    if (!channel->changed) {
        channel->changed = true;
        DL_APPEND(channels->changed, channel);
    }
}

int channels_want(struct channels *channels, const char *route,
                  const char *topic, bool on)
{
    size_t prefix_len = strlen(channels->prefix), route_len = strlen(route);
    size_t topic_len = strlen(topic);
    size_t len = prefix_len + route_len + 1 + topic_len;
    char name[NAME_MAX_LEN];
    struct channel *channel;

    if (len >= sizeof name) {
        return BAY_EINVAL;
    }
    memcpy(name, channels->prefix, prefix_len);
    memcpy(name + prefix_len, route, route_len);
    name[prefix_len + route_len] = ':';
    memcpy(name + len - topic_len, topic, topic_len + 1);
    channel = find(channels, name, len);
    if (!channel && on) {
        channel = add(channels, name, len, route, topic_len);
        if (!channel) {
            return BAY_ENOMEM;
        }
    }
    if (!channel) {
        return 0;
    }
    channel->wanted = on;
    if (!on && !channel->subscribed) {
        drop(channels, channel);
    } else {
        change(channels, channel);
    }
    return 0;
}

void channels_lost(struct channels *channels)
{
    struct channel *channel, *following;

    channels->asked = channels->answered = 0;
    HASH_ITER(hh, channels->entries, channel, following)
    {
        channel->subscribed = channel->confirmed = false;
        if (channel->wanted) {
            change(channels, channel);
        } else {
            drop(channels, channel);
        }
    }
}

/* Tells Redis of some; false: it could not be told now. */
static bool tell(struct channels *channels, const char *command,
                 struct channel *const *batch, size_t count)
{
    struct resp_arg args[CHANNELS_BATCH + 1];
    size_t i;

    args[0] = RESP_TEXT(command);
    for (i = 0; i < count; i++) {
        args[i + 1] = (struct resp_arg){ batch[i]->name, batch[i]->len };
    }
    return redis_link_command(channels->link, args, count + 1, NULL, NULL, 0,
                              NULL) == 0;
}

/* Told off and on again: what is confirmed has never been missed. */
static void change_nothing(struct channels *channels, struct channel *channel)
{
    channel->changed = false;
    DL_DELETE(channels->changed, channel);
    if (channel->confirmed) {
        /* Which may be the end of any channel. */
        channels->settled(channels->arg, channel->route, channel->topic);
    }
}

/* The next that changed in one way. */
static size_t collect(const struct channels *channels, struct channel **batch,
                      size_t max, bool on)
{
    struct channel *channel = channels->changed;
    size_t count = 0;

    while (channel && count < max && channel->wanted == on &&
           channel->subscribed != on) {
        batch[count++] = channel;
        channel = channel->next;
    }
    return count;
}

static void subscribed(struct channels *channels, struct channel *channel)
{
    channel->changed = false;
    DL_DELETE(channels->changed, channel);
    channel->subscribed = true;
    channel->confirmed = false;
    channel->number = ++channels->asked;
}

void channels_send(struct channels *channels)
{
    struct channel *batch[CHANNELS_BATCH];
    size_t i, count, room;
    bool on;

    while (channels->changed && channels->link->state == REDIS_LINK_UP) {
        on = channels->changed->wanted;
        if (on == channels->changed->subscribed) {
            change_nothing(channels, channels->changed);
            continue;
        }
        room = CHANNELS_UNDER_WAY - (channels->asked - channels->answered);
        if (room == 0) {
            return;
        }
        count = collect(channels, batch,
                        room < CHANNELS_BATCH ? room : CHANNELS_BATCH, on);
        if (!tell(channels, on ? "SUBSCRIBE" : "UNSUBSCRIBE", batch, count)) {
            return;
        }
        for (i = 0; i < count; i++) {
            if (on) {
                subscribed(channels, batch[i]);
            } else {
                drop(channels, batch[i]);
            }
        }
    }
}

void channels_confirmed(struct channels *channels, const char *name, size_t len)
{
    struct channel *channel = find(channels, name, len);

    /* Redis answers in the order of the questions. */
    channels->answered++;
    if (channel && channel->number == channels->answered) {
        channel->confirmed = true;
        if (channel->wanted) {
            channels->settled(channels->arg, channel->route, channel->topic);
        }
    }
    if (channels->answered == channels->asked ||
        channels->asked - channels->answered == CHANNELS_UNDER_WAY / 2) {
        channels_send(channels);
        redis_link_flush(channels->link);
    }
}

void channels_note(struct channels *channels, const char *name, size_t len,
                   struct position at)
{
    struct channel *channel = find(channels, name, len);

    if (channel) {
        channel->at = at;
    }
}

struct position channels_position(const struct channels *channels,
                                  const char *key, size_t len)
{
    size_t prefix_len = strlen(channels->prefix);
    char name[NAME_MAX_LEN];
    const struct channel *channel = NULL;

    if (prefix_len + len < sizeof name) {
        memcpy(name, channels->prefix, prefix_len);
        memcpy(name + prefix_len, key, len);
        channel = find(channels, name, prefix_len + len);
    }
    return channel ? channel->at : (struct position){ 0 };
}

size_t channels_count(const struct channels *channels)
{
    return HASH_COUNT(channels->entries);
}

void channels_finish(struct channels *channels)
{
    struct channel *channel, *following;

    HASH_ITER(hh, channels->entries, channel, following)
    {
        HASH_DEL(channels->entries, channel);
        free(channel);
    }
    channels->changed = NULL;
}
