/* talk.h - what a member may ask for: to say something, to see who is here */
#ifndef CHAT_TALK_H
#define CHAT_TALK_H

#include <jansson.h>
#include <patchbay.h>

#include "chat.h"

/* One request of one member. Borrows everything. */
struct talk {
    bay_conn *conn;
    bay_route *route;
    const struct chat *chat;
    struct room *room;
    const struct person *from;
    json_t *json; /* what it sent; NULL: not JSON */
};

/* Does what the type of the JSON says, or says why not. 0, or what the message
 * hook is to return. */
int talk_obey(const struct talk *talk);

/* Answers with an error, under the name the client gave its request. */
int talk_complain(const struct talk *talk, const char *code, const char *text);

#endif
