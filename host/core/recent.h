/* recent.h - the last messages a worker's hooks were given, for crash reports
 *
 * They lie in shared memory, where the master finds them when the worker has
 * died. One writer, the worker's loop; a reader believes nothing it finds.
 */
#ifndef PATCHBAY_CORE_RECENT_H
#define PATCHBAY_CORE_RECENT_H

#include <stdint.h>

#include <patchbay.h>

#define RECENT_MESSAGES 16
#define RECENT_BYTES    512 /* kept of each */

struct recent_message {
    uint64_t at_ms; /* clock_coarse_ms */
    bay_id conn;
    uint64_t len;
    uint32_t kind;
    uint32_t fin;
    unsigned char data[RECENT_BYTES];
    unsigned char unused[32]; /* whole cache lines: short ones are in one */
};

struct recent {
    uint32_t count; /* ever; the next goes to count % RECENT_MESSAGES */
    unsigned char unused[60];
    struct recent_message list[RECENT_MESSAGES];
};

void recent_add(struct recent *recent, uint64_t at_ms, bay_id conn,
                const bay_message *message);

/* Nothing of it is left in the memory. */
void recent_forget(struct recent *recent);

#endif
