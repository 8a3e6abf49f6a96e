/* news.h - what happens in a room, as it reaches this worker */
#ifndef CHAT_NEWS_H
#define CHAT_NEWS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <patchbay.h>

#include "room.h"

struct sibling;

/* The time in milliseconds since 1970; never the same twice, and later than
 * that of any event that came in. With the instance's id it names a message. */
int64_t news_stamp(bay_route *route);

/* To the members here but one (0: all); a message is kept for newcomers, too.
 * Borrows event. 0 or an enum bay_error. */
int news_deliver(bay_route *route, struct room *room, json_t *event,
                 bay_id except);

/* Another connection of the same person takes member's place: removes it, and
 * closes its connection if that is ours; if not, its own worker will. */
void news_replace(bay_route *route, struct room *room, struct member *member);

/* What sync.c got from a sibling. Borrows body. */

/* "event": something happened to one of its members. */
void news_event(bay_route *route, struct sibling *sibling, json_t *body);

/* "room": its members in a room, and the room's history. */
void news_room(bay_route *route, struct sibling *sibling, json_t *body);

/* Its members have left: all, or those it did not tell of in this round. */
void news_sweep(bay_route *route, struct sibling *sibling, bool all);

#endif
