/* fuzz_parser.c - the frames of a client, taken apart in any pieces
 *
 * Whatever the bytes: the parts lie within them, their order is that of RFC
 * 6455, and other pieces give the same messages.
 */
#include "fuzz.h"

#include "net/parser.h"

struct seen {
    uint32_t hash; /* of all payload, in order */
    size_t messages;
    size_t controls;
    bool midway; /* in a message */
    bool fault;
};

static void see(struct seen *seen, const struct part *part)
{
    fuzz_check(!seen->fault || part->kind == PART_NONE);
    switch (part->kind) {
    case PART_DATA:
        fuzz_check(part->first == !seen->midway);
        fuzz_check(!part->last || part->rest == 0);
        seen->midway = !part->last;
        seen->messages += part->last;
        break;
    case PART_PING:
    case PART_PONG:
    case PART_CLOSE:
        fuzz_check(part->len <= PARSER_CONTROL_MAX);
        seen->controls++;
        break;
    case PART_FAULT:
        fuzz_check(part->why != NULL);
        seen->fault = true;
        break;
    case PART_NONE: break;
    }
    for (size_t i = 0; i < part->len; i++) {
        seen->hash = (seen->hash ^ part->data[i]) * 16777619u;
    }
}

static struct seen parse(const uint8_t *data, size_t len, bool deflate,
                         uint32_t cuts)
{
    struct parser parser = { .allow_deflate = deflate };
    struct seen seen = { 0 };

    for (size_t at = 0; at < len;) {
        size_t n = cuts == 0 ? len - at : 1 + (cuts = cuts * 75u + 74u) % 29u;
        unsigned char *piece;
        struct part part;
        size_t used = 0;

        n = n < len - at ? n : len - at;
        piece = fuzz_copy(data + at, n);
        do {
            used += parser_next(&parser, piece + used, n - used, &part);
            fuzz_check(used <= n);
            see(&seen, &part);
        } while (part.kind != PART_NONE);
        fuzz_check(used == n);
        free(piece);
        at += n;
    }
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    for (int deflate = 0; deflate < 2; deflate++) {
        struct seen whole = parse(data, len, deflate != 0, 0);
        struct seen cut =
            parse(data, len, deflate != 0, fuzz_hash(data, len) | 1u);

        fuzz_check(whole.messages == cut.messages);
        fuzz_check(whole.controls == cut.controls);
        fuzz_check(whole.fault == cut.fault);
        fuzz_check(whole.hash == cut.hash);
    }
    return 0;
}
