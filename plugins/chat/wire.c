/* wire.c - the JSON that clients and workers read; see README.md */
#include "wire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *wire_person(const struct person *person, bool with_key)
{
    json_t *json = json_object();

    wire_set_id(json, "id", person->id);
    json_object_set_new(json, "name", json_string(person->name));
    json_object_set_new(json, "since", json_integer(person->since_ms));
    if (with_key) {
        json_object_set_new(json, "key", json_string(person->key));
    }
    return json;
}

bool wire_read_person(const json_t *json, struct person *person)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *key = json_string_value(json_object_get(json, "key"));

    *person = (struct person){
        .id = wire_id(json_object_get(json, "id")),
        .since_ms = json_integer_value(json_object_get(json, "since")),
    };
    if (person->id == 0 || name == NULL || !text_name(person->name, name)) {
        return false;
    }
    snprintf(person->key, sizeof person->key, "%s", key != NULL ? key : "");
    return true;
}

json_t *wire_people(const struct room *room)
{
    json_t *people = json_array();

    for (const struct member *member = room->members; member != NULL;
         member = member->hh.next) {
        json_array_append_new(people, wire_person(&member->is, false));
    }
    return people;
}

json_t *wire_message(const char *type, const char *id, int64_t time_ms,
                     const struct person *from, const struct person *to,
                     const char *text, size_t len)
{
    return json_pack(
        "{s:s, s:s, s:I, s:o, s:o*, s:s%}", "type", type, "id", id, "time",
        (json_int_t)time_ms, "from", wire_person(from, false), "to",
        to != NULL ? wire_person(to, false) : NULL, "text", text, len);
}

json_t *wire_moved(const char *type, const struct person *person,
                   int64_t time_ms)
{
    return json_pack("{s:s, s:o, s:I}", "type", type, "member",
                     wire_person(person, false), "time", (json_int_t)time_ms);
}

json_t *wire_error(const char *code, const char *text, json_t *ref)
{
    json_t *error = json_pack("{s:s, s:s, s:s}", "type", "error", "code", code,
                              "text", text);

    if (json_is_string(ref) || json_is_integer(ref)) {
        json_object_set(error, "ref", ref);
    }
    return error;
}

bay_id wire_id(const json_t *json)
{
    const char *text = json_string_value(json);
    char *end;
    uint64_t id;

    if (text == NULL || *text < '1' || *text > '9') {
        return 0;
    }
    errno = 0;
    id = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' ? id : 0;
}

void wire_set_id(json_t *json, const char *key, bay_id id)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, id);
    json_object_set_new(json, key, json_string(text));
}

char *wire_dump(json_t *json, size_t *len)
{
    char *text = json_dumps(json, JSON_COMPACT);

    json_decref(json);
    if (text != NULL) {
        *len = strlen(text);
    }
    return text;
}

/* Written by hand, so that nothing of what was said is parsed again for each
 * newcomer. */
char *wire_dump_history(json_t *json, const struct room *room, size_t *len)
{
    static const char label[] = ",\"history\":[";
    size_t head_len, at;
    char *head = wire_dump(json, &head_len);
    const struct line *line;
    char *text;

    if (head == NULL) {
        return NULL;
    }
    at = head_len - 1; /* without the closing brace */
    text = realloc(head, at + sizeof label + room->line_bytes +
                             room->line_count + sizeof "]}");
    if (text == NULL) {
        free(head);
        return NULL;
    }
    memcpy(text + at, label, sizeof label - 1);
    at += sizeof label - 1;
    TAILQ_FOREACH(line, &room->lines, at)
    {
        if (line != TAILQ_FIRST(&room->lines)) {
            text[at++] = ',';
        }
        memcpy(text + at, line->json, line->len);
        at += line->len;
    }
    memcpy(text + at, "]}", sizeof "]}");
    *len = at + 2;
    return text;
}

int wire_send(bay_conn *conn, json_t *json)
{
    size_t len;
    char *text = wire_dump(json, &len);
    int status = BAY_ENOMEM;

    if (text != NULL) {
        status = bay_send_text(conn, text, len);
        free(text);
    }
    return status;
}

int wire_publish(bay_route *route, const char *topic, json_t *json,
                 bay_id except)
{
    size_t len;
    char *text = wire_dump(json, &len);
    int status = BAY_ENOMEM;

    if (text != NULL) {
        status = bay_publish(route, topic, BAY_TEXT, text, len, except);
        free(text);
    }
    return status;
}
