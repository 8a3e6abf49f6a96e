/* test_parser.c - frames of a client, cut at every byte, and every fault */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/parser.h"

/* What came of a stream, in one line. */
struct story {
    char text[4096];
    size_t len;
    bool deflate;
};

__attribute__((format(printf, 2, 3))) static void tell(struct story *story,
                                                       const char *format, ...)
{
    va_list args;

    va_start(args, format);
    story->len +=
        (size_t)vsnprintf(story->text + story->len,
                          sizeof story->text - story->len, format, args);
    va_end(args);
}

static void tell_part(struct story *story, const struct part *part)
{
    switch (part->kind) {
    case PART_DATA:
        tell(story, "%s%s%s%s", part->first ? "[" : "",
             part->first && part->deflated ? "z" : "",
             part->first ? (part->binary ? "b:" : "t:") : "", "");
        tell(story, "%.*s", (int)part->len, (const char *)part->data);
        tell(story, "%s", part->last ? "]" : "");
        break;
    case PART_PING:
        tell(story, "ping(%.*s)", (int)part->len, (const char *)part->data);
        break;
    case PART_PONG:
        tell(story, "pong(%.*s)", (int)part->len, (const char *)part->data);
        break;
    case PART_CLOSE: tell(story, "close(%zu)", part->len); break;
    case PART_FAULT: tell(story, "!%s", part->why); break;
    case PART_NONE: break;
    }
}

/* Feeds the bytes in pieces of that size. */
static void parse(struct story *story, const void *bytes, size_t len,
                  size_t piece)
{
    struct parser parser = { .allow_deflate = story->deflate };

    story->len = 0;
    story->text[0] = '\0';
    for (size_t at = 0; at < len; at += piece) {
        size_t n = len - at < piece ? len - at : piece, used = 0;
        unsigned char *copy = malloc(n); /* so that ASan sees its ends */

        memcpy(copy, (const unsigned char *)bytes + at, n);
        for (;;) {
            struct part part;

            used += parser_next(&parser, copy + used, n - used, &part);
            assert_true(used <= n);
            tell_part(story, &part);
            if (part.kind == PART_NONE) {
                break;
            }
        }
        assert_int_equal(used, n);
        free(copy);
    }
}

/* A frame with a mask that is not zero. */
static size_t put(unsigned char *out, int first, const char *payload)
{
    static const unsigned char mask[] = { 0xa1, 0x02, 0x7c, 0xff };
    size_t len = strlen(payload), head = len < 126 ? 2 : 4;

    out[0] = (unsigned char)first;
    if (len < 126) {
        out[1] = (unsigned char)(0x80 | len);
    } else {
        out[1] = 0xfe;
        out[2] = (unsigned char)(len >> 8);
        out[3] = (unsigned char)len;
    }
    memcpy(out + head, mask, 4);
    for (size_t i = 0; i < len; i++) {
        out[head + 4 + i] = (unsigned char)payload[i] ^ mask[i & 3];
    }
    return head + 4 + len;
}

static void whatever_the_pieces(void **state)
{
    static char longer[301];
    unsigned char bytes[1000];
    struct story story = { .deflate = true };
    char expected[1000];
    size_t len = 0;

    (void)state;
    memset(longer, 'x', 300);
    len += put(bytes + len, 0x81, "hello");
    len += put(bytes + len, 0x89, "are you there?");
    len += put(bytes + len, 0x02, "one ");
    len += put(bytes + len, 0x8a, "");
    len += put(bytes + len, 0x00, "");
    len += put(bytes + len, 0x89, "2");
    len += put(bytes + len, 0x80, "two");
    len += put(bytes + len, 0x81, "");
    len += put(bytes + len, 0xc1, "squeezed");
    len += put(bytes + len, 0x42, "in ");
    len += put(bytes + len, 0x80, "two");
    len += put(bytes + len, 0x82, longer);
    len += put(bytes + len, 0x88, "\x03\xe8why");
    snprintf(expected, sizeof expected,
             "[t:hello]ping(are you there?)[b:one pong()ping(2)two][t:]"
             "[zt:squeezed][zb:in two][b:%s]close(5)",
             longer);
    for (size_t piece = 1; piece <= len; piece++) {
        parse(&story, bytes, len, piece);
        assert_string_equal(story.text, expected);
    }
}

/* Word by word and byte by byte, from each place in the mask. */
static void unmasks(void **state)
{
    unsigned char bytes[200], payload[129];
    struct story story = { 0 };

    (void)state;
    for (size_t len = 0; len < sizeof payload - 1; len++) {
        char expected[200];
        size_t size;

        for (size_t i = 0; i < len; i++) {
            payload[i] = (unsigned char)('a' + i % 26);
        }
        payload[len] = '\0';
        size = put(bytes, 0x82, (const char *)payload);
        snprintf(expected, sizeof expected, "[b:%s]", (const char *)payload);
        for (size_t piece = 1; piece <= 17; piece++) {
            parse(&story, bytes, size, piece);
            assert_string_equal(story.text, expected);
        }
    }
}

static void lengths(void **state)
{
    static const struct {
        uint64_t len;
        const char *head;
        size_t size;
    } cases[] = {
        { 65535, "\x82\xfe\xff\xff\0\0\0\0x", 9 },
        { 65536, "\x82\xff\0\0\0\0\0\x01\0\0\0\0\0\0x", 15 },
        { INT64_MAX, "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0x", 15 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct parser parser = { 0 };
        unsigned char bytes[20];
        struct part part;

        memcpy(bytes, cases[i].head, cases[i].size);
        assert_int_equal(parser_next(&parser, bytes, cases[i].size, &part),
                         cases[i].size);
        assert_int_equal(part.kind, PART_DATA);
        assert_int_equal(part.len, 1);
        assert_true(part.rest == cases[i].len - 1);
        assert_true(part.first);
        assert_false(part.last);
    }
}

static void faults(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *story;
        bool deflate;
    } cases[] = {
#define BYTES(text) text, sizeof text - 1
        { BYTES("\xa1\x80"), "!reserved bits are set", false },
        { BYTES("\x91\x80"), "!reserved bits are set", true },
        { BYTES("\xc1\x80"), "!RSV1 is set", false },
        { BYTES("\xc9\x80"), "!RSV1 is set", true },
        { BYTES("\xc8\x80"), "!RSV1 is set", true },
        { BYTES("\x41\x81\0\0\0\0x\xc0\x80"), "[zt:x!RSV1 is set", true },
        { BYTES("\x83\x80"), "!unknown opcode", false },
        { BYTES("\x87\x80"), "!unknown opcode", false },
        { BYTES("\x8b\x80"), "!unknown opcode", false },
        { BYTES("\x8f\x80"), "!unknown opcode", false },
        { BYTES("\x81\x00"), "!frame is not masked", false },
        { BYTES("\x89\x05"), "!frame is not masked", false },
        { BYTES("\x09\x80"), "!control frame in fragments", false },
        { BYTES("\x89\xfe"), "!control frame is too long", false },
        { BYTES("\x88\xff"), "!control frame is too long", false },
        { BYTES("\x80\x80"), "!nothing to continue", false },
        { BYTES("\x01\x80\0\0\0\0\x81\x80"), "[t:!message within a message",
          false },
        { BYTES("\x82\xfe\x00\x7d\0\0\0\0"),
          "!length is not in its shortest form", false },
        { BYTES("\x82\xff\0\0\0\0\0\0\xff\xff\0\0\0\0"),
          "!length is not in its shortest form", false },
        { BYTES("\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0"),
          "!length is not in its shortest form", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char bytes[60];
        struct story story = { .deflate = cases[i].deflate };
        size_t len = cases[i].len;

        memcpy(bytes, cases[i].bytes, len);
        for (size_t piece = 1; piece <= len; piece++) {
            parse(&story, bytes, len, piece); /* as soon as it is there */
            assert_string_equal(story.text, cases[i].story);
        }
        /* and nothing that follows is looked at */
        len += put(bytes + len, 0x81, "behind");
        parse(&story, bytes, len, len);
        assert_string_equal(story.text, cases[i].story);
        parse(&story, bytes, len, 1);
        assert_string_equal(story.text, cases[i].story);
    }
}

/* What is announced is told, once, so that it can be refused. */
static void a_head_alone(void **state)
{
    struct parser parser = { 0 };
    unsigned char bytes[] = "\x81\x85\0\0\0\0";
    struct part part;

    (void)state;
    assert_int_equal(parser_next(&parser, bytes, 6, &part), 6);
    assert_int_equal(part.kind, PART_DATA);
    assert_true(part.first);
    assert_false(part.last);
    assert_int_equal(part.len, 0);
    assert_int_equal(part.rest, 5);
    assert_int_equal(parser_next(&parser, bytes, 0, &part), 0);
    assert_int_equal(part.kind, PART_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_the_pieces),
        cmocka_unit_test(unmasks),
        cmocka_unit_test(lengths),
        cmocka_unit_test(faults),
        cmocka_unit_test(a_head_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
