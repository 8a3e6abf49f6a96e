/* expect.c - expectations: what came, what was wanted, and where */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kit.h"

/* Of what is printed of a message. */
#define SHOWN_MAX 300u

void kit_tell(const char *text)
{
    if (kit.report != NULL) {
        kit.report(text);
    } else {
        fprintf(stderr, "%s\n", text);
    }
}

void kit_fail(const char *format, ...)
{
    struct buf text = { 0 };
    char copy[4096]; /* the report may leave by longjmp */
    va_list args;

    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    snprintf(copy, sizeof copy, "%s", text.data);
    buf_free(&text);
    kit.failures++;
    kit_tell(copy);
}

void bay_expect_report(void (*report)(const char *text))
{
    kit.report = report;
}

int bay_expect_failures(void)
{
    return kit.failures + kit.complaints;
}

/* ---- in words ---------------------------------------------------------- */

/* Texts, one at a time: two for each failure. */
struct shown {
    char text[2048];
};

static void add(struct shown *shown, const char *text)
{
    size_t len = strlen(shown->text);

    snprintf(shown->text + len, sizeof shown->text - len, "%s", text);
}

static void show_text(struct shown *shown, const char *data, size_t len)
{
    size_t cut = len < SHOWN_MAX ? len : SHOWN_MAX;
    char part[64];

    add(shown, "\"");
    for (size_t i = 0; i < cut; i++) {
        unsigned char c = (unsigned char)data[i];

        if (c == '\n') {
            add(shown, "\\n");
        } else if (c == '"' || c == '\\') {
            snprintf(part, sizeof part, "\\%c", c);
            add(shown, part);
        } else if (c < 0x20 || c == 0x7f) {
            snprintf(part, sizeof part, "\\x%02x", c);
            add(shown, part);
        } else {
            snprintf(part, sizeof part, "%c", c);
            add(shown, part);
        }
    }
    add(shown, cut < len ? "\"..." : "\"");
    if (cut < len) {
        snprintf(part, sizeof part, " (%zu bytes)", len);
        add(shown, part);
    }
}

static void show_binary(struct shown *shown, const char *data, size_t len)
{
    size_t cut = len < 32 ? len : 32;
    char part[32];

    snprintf(part, sizeof part, "%zu bytes", len);
    add(shown, part);
    for (size_t i = 0; i < cut; i++) {
        snprintf(part, sizeof part, "%s%02x", i == 0 ? ": " : " ",
                 (unsigned char)data[i]);
        add(shown, part);
    }
    add(shown, cut < len ? " ..." : "");
}

/* What came, or that nothing did. */
static struct shown show(const bay_peer *peer, const bay_message *message)
{
    struct shown shown = { "" };
    char part[256];

    if (peer == NULL) {
        add(&shown, "there is no such peer (NULL)");
    } else if (message != NULL && message->kind == BAY_TEXT) {
        add(&shown, "the text ");
        show_text(&shown, message->data, message->len);
    } else if (message != NULL) {
        add(&shown, "the binary message of ");
        show_binary(&shown, message->data, message->len);
    } else if (peer->status != 101) {
        snprintf(part, sizeof part, "nothing: its handshake was refused (%d)",
                 peer->status);
        add(&shown, part);
    } else if (peer->closed != 0) {
        snprintf(part, sizeof part, "nothing: it was closed (%d", peer->closed);
        add(&shown, part);
        if (peer->reason[0] != '\0') {
            add(&shown, " ");
            show_text(&shown, peer->reason, strlen(peer->reason));
        }
        add(&shown, ")");
    } else {
        add(&shown, "nothing");
    }
    return shown;
}

static bool judge(const char *file, int line, const char *what, bool holds,
                  const char *got, const char *wanted)
{
    kit.expectations++;
    if (!holds) {
        kit_fail("%s:%d: %s\n    got:    %s\n    wanted: %s", file, line, what,
                 got, wanted);
    }
    return holds;
}

/* ---- the expectations -------------------------------------------------- */

bool bay_expect(const char *file, int line, const char *what, bool holds)
{
    return judge(file, line, what, holds, "false", "true");
}

bool bay_expect_equal(const char *file, int line, const char *what, int64_t got,
                      int64_t wanted)
{
    char a[32], b[32];

    snprintf(a, sizeof a, "%" PRId64, got);
    snprintf(b, sizeof b, "%" PRId64, wanted);
    return judge(file, line, what, got == wanted, a, b);
}

bool bay_expect_string(const char *file, int line, const char *what,
                       const char *got, const char *wanted)
{
    struct shown a = { "" }, b = { "" };
    bool holds = got != NULL && wanted != NULL ? strcmp(got, wanted) == 0
                                               : got == wanted;

    if (got != NULL) {
        show_text(&a, got, strlen(got));
    } else {
        add(&a, "NULL");
    }
    if (wanted != NULL) {
        show_text(&b, wanted, strlen(wanted));
    } else {
        add(&b, "NULL");
    }
    return judge(file, line, what, holds, a.text, b.text);
}

bool bay_expect_text(const char *file, int line, const char *name,
                     bay_peer *peer, const char *text)
{
    const bay_message *message = bay_peer_next(peer);
    struct shown got = show(peer, message), wanted = { "the text " };

    show_text(&wanted, text, strlen(text));
    return judge(file, line, name,
                 message != NULL && message->kind == BAY_TEXT &&
                     message->len == strlen(text) &&
                     memcmp(message->data, text, message->len) == 0,
                 got.text, wanted.text);
}

bool bay_expect_has(const char *file, int line, const char *name,
                    bay_peer *peer, const char *part)
{
    const bay_message *message = bay_peer_next(peer);
    struct shown got = show(peer, message), wanted = { "a text with " };

    show_text(&wanted, part, strlen(part));
    add(&wanted, " in it");
    return judge(file, line, name,
                 message != NULL && message->kind == BAY_TEXT &&
                     strstr(message->data, part) != NULL,
                 got.text, wanted.text);
}

bool bay_expect_binary(const char *file, int line, const char *name,
                       bay_peer *peer, const void *data, size_t len)
{
    const bay_message *message = bay_peer_next(peer);
    struct shown got = show(peer, message),
                 wanted = { "the binary message of " };

    show_binary(&wanted, data, len);
    return judge(file, line, name,
                 message != NULL && message->kind == BAY_BINARY &&
                     message->len == len &&
                     (len == 0 || memcmp(message->data, data, len) == 0),
                 got.text, wanted.text);
}

bool bay_expect_silent(const char *file, int line, const char *name,
                       bay_peer *peer)
{
    const struct kit_item *item = peer != NULL ? peer->inbox.head : NULL;
    struct shown got = show(peer, item != NULL ? &item->message : NULL);

    return judge(file, line, name, peer != NULL && item == NULL, got.text,
                 "no message");
}

bool bay_expect_status(const char *file, int line, const char *name,
                       bay_peer *peer, int status)
{
    char got[64], wanted[64];

    snprintf(got, sizeof got, "the status %d", bay_peer_status(peer));
    snprintf(wanted, sizeof wanted, "the status %d", status);
    return judge(file, line, name, bay_peer_status(peer) == status, got,
                 wanted);
}

/* Whether it is connected, in words. */
static struct shown show_end(const bay_peer *peer)
{
    struct shown shown = show(peer, NULL);

    if (peer != NULL && peer->status == 101 && peer->closed == 0) {
        snprintf(shown.text, sizeof shown.text, "it is open");
    } else if (strncmp(shown.text, "nothing: ", 9) == 0) {
        memmove(shown.text, shown.text + 9, strlen(shown.text) - 8);
    }
    return shown;
}

bool bay_expect_closed(const char *file, int line, const char *name,
                       bay_peer *peer, int code)
{
    struct shown got = show_end(peer);
    char wanted[64];

    snprintf(wanted, sizeof wanted, "it was closed (%d)", code);
    return judge(file, line, name,
                 peer != NULL && bay_peer_closed(peer) == code, got.text,
                 wanted);
}

bool bay_expect_open(const char *file, int line, const char *name,
                     bay_peer *peer)
{
    struct shown got = show_end(peer);

    return judge(file, line, name,
                 peer != NULL && peer->status == 101 && peer->closed == 0 &&
                     peer->conn != NULL,
                 got.text, "it is open");
}

bool bay_expect_log(const char *file, int line, bay_test *test,
                    const char *part)
{
    struct shown got = { "no such line" }, wanted = { "a line with " };
    const char *text;
    bool holds = false;

    while (!holds && (text = bay_test_log(test)) != NULL) {
        holds = strstr(text, part) != NULL;
        if (!holds) {
            snprintf(got.text, sizeof got.text, "no such line; the last is ");
            show_text(&got, text, strlen(text));
        }
    }
    show_text(&wanted, part, strlen(part));
    add(&wanted, " in it");
    return judge(file, line, "the log", holds, got.text, wanted.text);
}

bool bay_expect_refused(const char *file, int line, const bay_plugin *plugin,
                        const char *options, const char *part)
{
    struct shown wanted = { "refused" };
    bay_test *test = kit_test_create(plugin, options);
    bool started = test != NULL;

    bay_test_free(test);
    if (part != NULL) {
        add(&wanted, ", with ");
        show_text(&wanted, part, strlen(part));
        add(&wanted, " in its reason");
    }
    return judge(file, line, "the plugin",
                 !started && (part == NULL || strstr(kit.why, part) != NULL),
                 started ? "it started" : kit.why, wanted.text);
}

/* ---- the end ----------------------------------------------------------- */

int bay_test_summary(const char *name)
{
    int unfreed = 0;

    for (const bay_test *test = kit.tests; test != NULL; test = test->next) {
        unfreed++;
    }
    if (unfreed > 0) {
        kit_fail("%s: complaint: %d tests were not given to bay_test_free",
                 name, unfreed);
    }
    printf("%s: %d expectations", name, kit.expectations);
    if (kit.expectations == 0) {
        printf(": nothing was tested\n");
    } else if (bay_expect_failures() == 0) {
        printf(", all held\n");
    } else {
        printf("; %d failures, %d complaints\n", kit.failures, kit.complaints);
    }
    fflush(stdout);
    return kit.expectations == 0 || bay_expect_failures() > 0;
}
