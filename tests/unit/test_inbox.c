/* test_inbox.c - frames put together from pieces of any size */
#include "bus/inbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bus/wire.h"

struct seen {
    const char *want; /* the stream, as it was sent */
    size_t at;
    int frames;
    int stop_after; /* 0: never */
};

static bool see(void *arg, const char *frame, size_t len)
{
    struct seen *seen = arg;

    assert_memory_equal(frame, seen->want + seen->at, len);
    seen->at += len;
    seen->frames++;
    return seen->frames != seen->stop_after;
}

/* Appends a frame of so much data to *stream. */
static void append(char **stream, size_t *len, size_t data, char fill)
{
    struct wire_frame frame = {
        .type = WIRE_SEND, .kind = 1, .route = "route", .len = data
    };
    char *bytes = malloc(data + 1);
    size_t more;

    assert_non_null(bytes);
    memset(bytes, fill, data);
    frame.data = bytes;
    more = wire_size(&frame);
    *stream = realloc(*stream, *len + more);
    assert_non_null(*stream);
    wire_encode(*stream + *len, &frame);
    *len += more;
    free(bytes);
}

/* Gives the stream to the inbox in reads of at most `most` bytes. */
static const char *feed(struct inbox *inbox, const char *stream, size_t len,
                        size_t most, struct seen *seen)
{
    size_t at = 0;

    while (at < len) {
        size_t space;
        char *to = inbox_space(inbox, &space);
        size_t n = len - at;
        const char *why;

        assert_non_null(to);
        assert_true(space > 0);
        n = n < most ? n : most;
        n = n < space ? n : space;
        memcpy(to, stream + at, n);
        at += n;
        why = inbox_take(inbox, n, see, seen);
        if (why || (seen->stop_after && seen->frames == seen->stop_after)) {
            return why;
        }
        /* Another stream reads into the same area. */
        if (to >= inbox->area && to < inbox->area + INBOX_AREA) {
            memset(inbox->area, 0x5a, (size_t)(to - inbox->area) + n);
        }
    }
    return NULL;
}

static void frames_come_out_however_they_came_in(void **state)
{
    static const size_t sizes[] = {
        0,      1, 17,    0,     5000, INBOX_AREA - 100, INBOX_AREA, 3,
        300000, 2, 70000, 70000, 9
    };
    static const size_t reads[] = { 1, 3, 19, 4096, 65536, SIZE_MAX };
    static char area[INBOX_AREA];
    const int count = sizeof sizes / sizeof sizes[0];
    char *stream = NULL;
    size_t len = 0, i;

    (void)state;
    for (i = 0; i < (size_t)count; i++) {
        append(&stream, &len, sizes[i], (char)i);
    }
    for (i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        struct inbox inbox = { .area = area, .max = WIRE_MAX };
        struct seen seen = { .want = stream };

        assert_null(feed(&inbox, stream, len, reads[i], &seen));
        assert_int_equal(seen.frames, count);
        assert_int_equal(seen.at, len);
        assert_int_equal(inbox.kept_len, 0);
        assert_in_range(inbox.kept_cap, 0, INBOX_AREA);
        inbox_finish(&inbox);
    }
    free(stream);
}

static void whole_frames_are_not_copied(void **state)
{
    static char area[INBOX_AREA];
    struct inbox inbox = { .area = area, .max = WIRE_MAX };
    struct seen seen = { 0 };
    char *stream = NULL;
    size_t len = 0;

    (void)state;
    append(&stream, &len, 1000, 'a');
    append(&stream, &len, 1000, 'b');
    seen.want = stream;
    assert_null(feed(&inbox, stream, len, SIZE_MAX, &seen));
    assert_int_equal(seen.frames, 2);
    assert_null(inbox.kept);
    inbox_finish(&inbox);
    free(stream);
}

static void a_huge_frame_gives_its_memory_back(void **state)
{
    static char area[INBOX_AREA];
    struct inbox inbox = { .area = area, .max = WIRE_MAX };
    struct seen seen = { 0 };
    char *stream = NULL;
    size_t len = 0;

    (void)state;
    append(&stream, &len, 20 << 20, 'x');
    append(&stream, &len, 10, 'y');
    seen.want = stream;
    assert_null(feed(&inbox, stream, len, 200000, &seen));
    assert_int_equal(seen.frames, 2);
    assert_in_range(inbox.kept_cap, 0, INBOX_AREA);
    inbox_finish(&inbox);
    free(stream);
}

/* What the header claims is not allocated before it is there. */
static void a_claim_costs_nothing(void **state)
{
    static char area[INBOX_AREA];
    struct inbox inbox = { .area = area, .max = WIRE_MAX };
    struct seen seen = { 0 };
    uint32_t claim = (uint32_t)WIRE_MAX;
    char stream[100000] = { 0 };

    (void)state;
    memcpy(stream, &claim, sizeof claim);
    assert_null(feed(&inbox, stream, sizeof stream, SIZE_MAX, &seen));
    assert_int_equal(seen.frames, 0);
    assert_int_equal(inbox.kept_len, sizeof stream);
    assert_in_range(inbox.kept_cap, sizeof stream, 4 * INBOX_AREA);
    inbox_finish(&inbox);

    inbox = (struct inbox){ .area = area, .max = WIRE_MAX - 1 };
    assert_non_null(feed(&inbox, stream, 4, SIZE_MAX, &seen));
    inbox_finish(&inbox);
}

static void impossible_lengths_end_the_stream(void **state)
{
    static const uint32_t lengths[] = { 0, 1, WIRE_HEADER - 1,
                                        (uint32_t)WIRE_MAX + 1, UINT32_MAX };
    static char area[INBOX_AREA];
    size_t i, split;

    (void)state;
    for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (split = 1; split < 8; split++) {
            struct inbox inbox = { .area = area, .max = WIRE_MAX };
            struct seen seen = { 0 };
            char *stream = NULL;
            size_t len = 0;

            append(&stream, &len, 10, 'a');
            append(&stream, &len, 10, 'b');
            memcpy(stream + len / 2, &lengths[i], sizeof lengths[i]);
            seen.want = stream;
            assert_non_null(feed(&inbox, stream, len, split, &seen));
            assert_int_equal(seen.frames, 1);
            inbox_finish(&inbox);
            free(stream);
        }
    }
}

static void stops_when_told(void **state)
{
    static char area[INBOX_AREA];
    struct inbox inbox = { .area = area, .max = WIRE_MAX };
    struct seen seen = { .stop_after = 2 };
    char *stream = NULL;
    size_t len = 0;
    int i;

    (void)state;
    for (i = 0; i < 5; i++) {
        append(&stream, &len, 10, 'a');
    }
    seen.want = stream;
    assert_null(feed(&inbox, stream, len, SIZE_MAX, &seen));
    assert_int_equal(seen.frames, 2);
    inbox_finish(&inbox);
    free(stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_out_however_they_came_in),
        cmocka_unit_test(whole_frames_are_not_copied),
        cmocka_unit_test(a_huge_frame_gives_its_memory_back),
        cmocka_unit_test(a_claim_costs_nothing),
        cmocka_unit_test(impossible_lengths_end_the_stream),
        cmocka_unit_test(stops_when_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
