/* resume.h - the subprotocol by which clients survive the end of a connection
 *
 * What it says is in sdk/doc/resume.md: each message to the client begins with a
 * line of the host's, which tells where it stands among those of its topic; and
 * a client that comes again tells up to where it has come.
 */
#ifndef PATCHBAY_CORE_RESUME_H
#define PATCHBAY_CORE_RESUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bus.h"

/* Alone, or with a + and a subprotocol of the plugin's behind it. */
#define RESUME_SUBPROTOCOL "patchbay.resume.v1"

/* The query parameter of a client that comes again. */
#define RESUME_PARAMETER "resume"
#define RESUME_POINTS    256u /* in it, at most */

/* How far a client has come with a topic. */
struct resume_point {
    uint64_t key;
    struct position at;
};

struct resume {
    bay_id former; /* the connection it had before; 0: it is new */
    unsigned count;
    struct resume_point points[];
};

/* A topic's name as clients see it: a number. */
uint64_t resume_key(const char *topic);

/* Reads the value of the parameter, NULL for a client that has none. Returns
 * NULL and one sentence for the client (static), if it is none or there is no
 * memory. To be freed with free. */
struct resume *resume_parse(const char *text, const char **why);

/* How far it has come with a topic; false: nothing is known. */
bool resume_find(const struct resume *resume, uint64_t key,
                 struct position *at);

/* The line before a message, with its end: "m 0123456789abcdef 1f.17\n". Returns
 * its length. count: written behind the position, unless it is negative. */
#define RESUME_LINE 96u
size_t resume_line(char out[RESUME_LINE], char what, uint64_t key,
                   struct position at, long count);

/* That before a message of a topic: without a position, if it has none. */
size_t resume_message_line(char out[RESUME_LINE], uint64_t key,
                           struct position at);

/* The first line of a connection: who it is. */
size_t resume_welcome_line(char out[RESUME_LINE], bay_id id);

#endif
