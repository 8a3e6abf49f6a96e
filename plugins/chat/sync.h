/* sync.h - one chat, however many workers serve it
 *
 * Each worker knows all rooms, their members and their history. A worker tells
 * the others what happens to its own members: numbered events on the topic
 * "sync", and a beat every two seconds. One that hears of a sibling it does
 * not know, or sees by the number that it missed something, asks it for all it
 * has. One that was not heard of for seven seconds is dead, and its members
 * have left.
 *
 * Members are subscribed to their room's topic of their own worker only. What
 * comes from a sibling is first written down and then published there, so that
 * a newcomer gets each message once: in the history, or after it.
 */
#ifndef CHAT_SYNC_H
#define CHAT_SYNC_H

#include <patchbay.h>
#include <jansson.h>

#include "room.h"

/* The one timer of the plugin: sync_timer must be called when it fires. */
enum { SYNC_TIMER = 1 };

/* 0 or an enum bay_error. */
int sync_start(bay_route *route);
void sync_timer(bay_route *route);
void sync_stop(bay_route *route);

/* Something was published to a topic we listen to. */
void sync_notice(bay_route *route, const bay_notice *notice);

/*
 * Tells everybody in the room of an event ("message", "join", "leave"), in
 * this worker and in the others, and keeps it if it is a message. Takes event.
 * person: whom a join is about, who does not get it; otherwise NULL.
 */
int sync_tell(bay_route *route, struct room *room, json_t *event,
              const struct person *person);

#endif
