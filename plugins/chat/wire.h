/* wire.h - the JSON that clients and workers read; see README.md
 *
 * Whoever gets a json_t * from here owns it; arguments marked "takes" are
 * released here, also when a call fails. NULL: out of memory.
 */
#ifndef CHAT_WIRE_H
#define CHAT_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>
#include <patchbay.h>

#include "room.h"

/* {"id": "12", "name": "ann", "since": 1764000000000} and back. The key is
 * for other workers only: with_key. */
json_t *wire_person(const struct person *person, bool with_key);
bool wire_read_person(const json_t *json, struct person *person);

/* Everybody in the room. */
json_t *wire_people(const struct room *room);

/* type: "message", or "private" with a person it is to. */
json_t *wire_message(const char *type, const char *id, int64_t time_ms,
                     const struct person *from, const struct person *to,
                     const char *text, size_t len);

/* type: "join" or "leave". */
json_t *wire_moved(const char *type, const struct person *person,
                   int64_t time_ms);

/* ref: what the client called its request, or NULL. */
json_t *wire_error(const char *code, const char *text, json_t *ref);

/* A bay_id is more than a JSON number holds for sure, hence a string. 0 if it
 * is none. */
bay_id wire_id(const json_t *json);
void wire_set_id(json_t *json, const char *key, bay_id id);

/* Takes json. The text is 0-terminated and freed by the caller. */
char *wire_dump(json_t *json, size_t *len);

/* The same, with the room's history as its last member "history". */
char *wire_dump_history(json_t *json, const struct room *room, size_t *len);

/* Takes json. What bay_send and bay_publish return, or BAY_ENOMEM. */
int wire_send(bay_conn *conn, json_t *json);
int wire_publish(bay_route *route, const char *topic, json_t *json,
                 bay_id except);

#endif
