/* chat_test_peer.h - what the tests of the chat expect a member to get */
#ifndef CHAT_TEST_PEER_H
#define CHAT_TEST_PEER_H

#include <jansson.h>

#include <patchbay_test.h>

/* The next message of peer has this type. Valid until the next call; NULL if
 * not. */
#define EXPECT_TYPE(peer, type) \
    expect_type(__FILE__, __LINE__, #peer, peer, type)

/* What is at a path inside: "from.name", "members.0.id". */
#define EXPECT_AT(json, path, text) \
    expect_at(__FILE__, __LINE__, json, path, text)
#define EXPECT_NUMBER_AT(json, path, number) \
    bay_expect_equal(__FILE__, __LINE__, path, number_at(json, path), number)
#define EXPECT_SIZE_AT(json, path, size)                      \
    bay_expect_equal(__FILE__, __LINE__, "the size of " path, \
                     size_at(json, path), size)

/* The next is {"type": "message"} with this text, an error with this code, a
 * "join" or "leave" of somebody by this name. */
#define EXPECT_SAID(peer, text) \
    EXPECT_AT(EXPECT_TYPE(peer, "message"), "text", text)
#define EXPECT_ERROR(peer, code) \
    EXPECT_AT(EXPECT_TYPE(peer, "error"), "code", code)
#define EXPECT_MOVED(peer, type, name) \
    EXPECT_AT(EXPECT_TYPE(peer, type), "member.name", name)

json_t *expect_type(const char *file, int line, const char *name,
                    bay_peer *peer, const char *type);
void expect_at(const char *file, int line, const json_t *json, const char *path,
               const char *text);

/* -1 if there is none. */
int64_t number_at(const json_t *json, const char *path);
int64_t size_at(const json_t *json, const char *path); /* of an array */

/* What EXPECT_TYPE found last, as it came. */
const char *last_text(void);

/* The id of its connection, as it stands in JSON. For one call at a time. */
const char *id_of(const bay_peer *peer);

/* Whether that is anywhere in what waits for it, which is gone then. */
bool has_got(bay_peer *peer, const char *part);

void say(bay_peer *peer, const char *text);
void tell(bay_peer *from, const char *to, const char *text);

/* Lets go of what EXPECT_TYPE returned last. */
void forget_json(void);

#endif
