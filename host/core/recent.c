/* recent.c - the last messages a worker's hooks were given, for crash reports
 */
#include "core/recent.h"

#include <string.h>

/* A compiler that sees the bound makes of memcpy a string move, which takes
 * longer to begin than this takes for a short message. */
static void copy(unsigned char *to, const unsigned char *from, size_t len)
{
    if (len >= 16) {
        size_t at = 0;

        for (; at + 16 < len; at += 16) {
            memcpy(to + at, from + at, 16);
        }
        memcpy(to + len - 16, from + len - 16, 16);
    } else if (len >= 8) {
        memcpy(to, from, 8);
        memcpy(to + len - 8, from + len - 8, 8);
    } else if (len >= 4) {
        memcpy(to, from, 4);
        memcpy(to + len - 4, from + len - 4, 4);
    } else {
        for (size_t i = 0; i < len; i++) {
            to[i] = from[i];
        }
    }
}

void recent_add(struct recent *recent, uint64_t at_ms, bay_id conn,
                const bay_message *message)
{
    struct recent_message *entry =
        &recent->list[recent->count % RECENT_MESSAGES];

    entry->at_ms = at_ms;
    entry->conn = conn;
    entry->len = message->len;
    entry->kind = (uint32_t)message->kind;
    entry->fin = message->fin;
    copy(entry->data, (const unsigned char *)message->data,
         message->len < RECENT_BYTES ? message->len : RECENT_BYTES);
    recent->count++;
}

void recent_forget(struct recent *recent)
{
    memset(recent, 0, sizeof *recent);
}
