/* fuzz_deflate.c - compressed messages: restored within limits, there and back
 *
 * The first byte chooses the limits and the window.
 */
#include "fuzz.h"

#include "core/deflate.h"

#define MAX (1u << 20)

static struct deflate *state;

static void restore(const uint8_t *data, size_t len, size_t max, unsigned ratio)
{
    void *copy = fuzz_copy(data, len);
    const struct buf *out;

    if (inflate_message(&state, copy, len, max, ratio, &out) == INFLATED) {
        fuzz_check(out->len <= max);
        fuzz_check(ratio == 0 || out->len <= INFLATE_FREE ||
                   out->len <= len * ratio);
    }
    fuzz_check(out->len <= MAX + 1);
    free(copy);
}

static void there_and_back(const uint8_t *data, size_t len, unsigned bits)
{
    const struct buf *out;
    size_t size;
    char *sent;

    if (!deflate_message(&state, bits, data, len, &out)) {
        return;
    }
    size = out->len;
    fuzz_check(size < len);
    sent = fuzz_copy(out->data, size);
    fuzz_check(inflate_message(&state, sent, size, len, 0, &out) == INFLATED);
    fuzz_check(out->len == len && memcmp(out->data, data, len) == 0);
    free(sent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const size_t sizes[] = { 0, 1, 1000, MAX };
    static const unsigned ratios[] = { 0, 1, 10, 200 };

    if (len == 0) {
        return 0;
    }
    restore(data + 1, len - 1, sizes[data[0] & 3], ratios[data[0] >> 2 & 3]);
    if (len > 1) {
        there_and_back(data + 1, len - 1,
                       DEFLATE_BITS_MIN + (data[0] >> 4) % 7u);
    }
    return 0;
}
