/* fuzz_records.c - what a forked child says, in which a plugin's code ran */
#include "fuzz.h"

/* The file itself: what it does with bytes is not in its header. */
#include "plugin/child.c" // NOLINT

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct child child = { .fd = -1 };
    struct child_record record;
    struct child_end end;
    size_t at = 0, before = 0;
    size_t cut = 1 + fuzz_hash(data, len) % 64;

    while (len > 0 && !child.done) {
        size_t part = cut < len ? cut : len;

        buf_add(&child.said, data, part);
        data += part;
        len -= part;
        is_whole(&child);
        fuzz_check(child.whole <= child.said.len);
    }
    end = judge(&child, false, 0);
    fuzz_check(end.how >= CHILD_DONE && end.how <= CHILD_FAILED);
    while (child_next(&child.said, &at, &record)) {
        fuzz_check(at > before && at <= child.said.len);
        fuzz_check(record.tag >= 0);
        fuzz_check(record.len == 0 || (record.data >= child.said.data &&
                                       record.data + record.len <=
                                           child.said.data + child.said.len));
        before = at;
    }
    buf_free(&child.said);
    return 0;
}
