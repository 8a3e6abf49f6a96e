/* recent.c - the last messages a worker's hooks were given, for crash reports
 */
#include "core/recent.h"

#include <string.h>

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
    memcpy(entry->data, message->data,
           message->len < RECENT_BYTES ? message->len : RECENT_BYTES);
    recent->count++;
}
