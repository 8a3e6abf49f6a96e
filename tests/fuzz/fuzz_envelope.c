/* fuzz_envelope.c - what comes from Redis: where it stands, and the envelope */
#include "fuzz.h"

#include "bus/envelope.h"

/* Each of its parts is in the bytes that came. */
static void check_parts(const struct envelope *envelope, const char *bytes,
                        size_t len)
{
    const char *data = envelope->data;

    fuzz_check(envelope->route >= bytes && envelope->text > envelope->route);
    fuzz_check(envelope->text + strlen(envelope->text) < bytes + len);
    fuzz_check(data >= bytes && data + envelope->len == bytes + len);
}

static void check_again(const struct envelope *envelope, const char *bytes,
                        size_t len)
{
    size_t size = envelope_size(envelope);
    char *again = malloc(size);
    struct envelope other;

    fuzz_check(size == len && again != NULL);
    envelope_encode(again, envelope);
    fuzz_check(memcmp(again + ENVELOPE_HEADER, bytes + ENVELOPE_HEADER,
                      len - ENVELOPE_HEADER) == 0);
    fuzz_check(envelope_decode(&other, again, size) == NULL);
    fuzz_check(other.type == envelope->type && other.kind == envelope->kind);
    fuzz_check(other.code == envelope->code && other.late == envelope->late);
    fuzz_check(other.from == envelope->from && other.id == envelope->id);
    fuzz_check(other.time_ms == envelope->time_ms &&
               other.group == envelope->group && other.len == envelope->len);
    envelope_set_late(again);
    fuzz_check(envelope_decode(&other, again, size) == NULL && other.late);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *bytes = fuzz_copy(data, len);
    struct position at = { 0 };
    long line = envelope_position(&at, bytes, len);
    struct envelope envelope;

    fuzz_check(line >= -1 && line <= (long)len);
    if (line >= 0) {
        char *rest = fuzz_copy(bytes + line, len - (size_t)line);

        if (envelope_decode(&envelope, rest, len - (size_t)line) == NULL) {
            check_parts(&envelope, rest, len - (size_t)line);
            check_again(&envelope, rest, len - (size_t)line);
        }
        free(rest);
    }
    free(bytes);
    return 0;
}
