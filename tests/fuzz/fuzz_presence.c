/* fuzz_presence.c - what other workers tell of members */
#include "fuzz.h"

#include "core/presence_wire.h"

static bool has_entries(enum presence_type type)
{
    return type == PRESENCE_SNAP || type == PRESENCE_JOIN ||
           type == PRESENCE_UPDATE;
}

/* What was read, written again, is what came. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    void *bytes = fuzz_copy(data, len);
    struct presence_frame frame;
    struct buf again = { 0 };

    if (presence_wire_read(&frame, bytes, len) == NULL) {
        presence_wire_begin(&again, &frame);
        if (has_entries(frame.type)) {
            struct member_facts facts;
            size_t entries = 0;

            while (presence_wire_next(&frame, &facts)) {
                size_t before = again.len;

                presence_wire_add(&again, &facts);
                fuzz_check(again.len - before ==
                           presence_wire_entry_size(&facts));
                entries++;
            }
            fuzz_check(frame.entries_len == 0);
            fuzz_check(frame.type == PRESENCE_SNAP || entries == 1);
        }
        fuzz_check(!again.failed && again.len == len);
        fuzz_check(memcmp(again.data, bytes, len) == 0);
    }
    buf_free(&again);
    free(bytes);
    return 0;
}
