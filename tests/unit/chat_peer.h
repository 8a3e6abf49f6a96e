/* chat_peer.h - what the tests of the chat expect a member to get */
#ifndef CHAT_PEER_H
#define CHAT_PEER_H

#include <jansson.h>

#include "fake_host.h"

/* The next message of peer must have this type. Valid until the next call. */
json_t *expect(struct fake_peer *peer, const char *type);
void expect_nothing(struct fake_peer *peer);

/* The next is {"type": "message"} with this text. */
void expect_said(struct fake_peer *peer, const char *text);

/* The next is an error with this code. */
void expect_error(struct fake_peer *peer, const char *code);

/* The next is a "join" or "leave" of somebody by this name. */
void expect_moved(struct fake_peer *peer, const char *type, const char *name);

/* A string inside: path "from.name", "members.0.id". */
const char *string_at(json_t *json, const char *path);
int64_t integer_at(json_t *json, const char *path);
size_t size_at(json_t *json, const char *path); /* of an array */

/* Forgets what came, and returns how many messages that were. */
int forget(struct fake_peer *peer);

void say(struct fake_peer *peer, const char *text);
void tell(struct fake_peer *from, const struct fake_peer *to, const char *text);

#endif
