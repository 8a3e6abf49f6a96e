/* head.c - the head of a request, read strictly (RFC 9112) */
#include "net/head.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define METHOD_MAX 24 /* longer ones are not known, whatever they say */

/* The number that a macro stands for, as text. */
#define TEXT(number)  AS_TEXT(number)
#define AS_TEXT(text) #text

struct span {
    char *at;
    size_t len;
};

/* A list as libwebsockets can read it: which headers hold one. */
static const char *const lists[] = {
    "connection",
    "sec-websocket-extensions",
    "sec-websocket-protocol",
};

static const char *const methods[] = {
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS",
};

/* RFC 9110 section 5.6.2. */
static bool is_token_char(char c)
{
    return isalnum((unsigned char)c) ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

static size_t token_length(struct span text)
{
    size_t len = 0;

    while (len < text.len && is_token_char(text.at[len])) {
        len++;
    }
    return len;
}

static bool span_is(struct span text, const char *word)
{
    return strlen(word) == text.len && memcmp(text.at, word, text.len) == 0;
}

static bool span_is_name(struct span text, const char *name)
{
    return strlen(name) == text.len &&
           strncasecmp(text.at, name, text.len) == 0;
}

static struct span behind(struct span text, size_t count)
{
    return (struct span){ text.at + count, text.len - count };
}

static struct span trim(struct span text)
{
    while (text.len > 0 && is_blank(text.at[0])) {
        text = behind(text, 1);
    }
    while (text.len > 0 && is_blank(text.at[text.len - 1])) {
        text.len--;
    }
    return text;
}

static void refuse(struct head *head, int status, const char *why)
{
    if (head->status == 0) {
        head->status = status;
        head->why = why;
    }
}

/* Line ends before the request line are passed over (section 2.2). */
static size_t empty_lines(const char *data, size_t len)
{
    size_t at = 0;

    while (at < len && (data[at] == '\n' || (data[at] == '\r' && at + 1 < len &&
                                             data[at + 1] == '\n'))) {
        at++;
    }
    return at;
}

size_t head_end(const char *data, size_t len)
{
    size_t at = empty_lines(data, len);
    const char *end;

    while ((end = memchr(data + at, '\n', len - at)) != NULL) {
        size_t line = (size_t)(end - data) - at;

        if (line == 0 || (line == 1 && data[at] == '\r')) {
            return (size_t)(end - data) + 1;
        }
        at += line + 1;
    }
    return 0;
}

bool head_may_come(const char *data, size_t len)
{
    size_t at = empty_lines(data, len);
    struct span rest = { NULL, len - at };
    size_t token = 0;

    while (token < rest.len && is_token_char(data[at + token])) {
        token++;
    }
    return token < METHOD_MAX &&
           (token == rest.len || data[at + token] == '\r' ||
            (token > 0 && data[at + token] == ' '));
}

/* ---- the request line (section 3) --------------------------------------- */

static void check_method(struct head *head, struct span method)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (span_is(method, methods[i])) {
            return;
        }
    }
    if (span_is(method, "CONNECT")) {
        refuse(head, 405, "CONNECT is for proxies");
    } else {
        refuse(head, 501, "the method is not known");
    }
}

static void check_target(struct head *head, struct span target)
{
    for (size_t i = 0; i < target.len; i++) {
        struct span rest = behind(target, i);

        if (is_control(rest.at[0]) || is_blank(rest.at[0])) {
            refuse(head, 400, "a character in the URL that may not be there");
        } else if (rest.at[0] == '%' &&
                   (rest.len < 3 || !isxdigit((unsigned char)rest.at[1]) ||
                    !isxdigit((unsigned char)rest.at[2]) ||
                    memcmp(rest.at, "%00", 3) == 0)) {
            refuse(head, 400, "an escape in the URL that is none, or a NUL");
        }
    }
}

static void check_version(struct head *head, struct span version)
{
    if (span_is(version, "HTTP/1.1") || span_is(version, "HTTP/1.0")) {
        return;
    }
    if (version.len == 8 && memcmp(version.at, "HTTP/", 5) == 0 &&
        isdigit((unsigned char)version.at[5]) && version.at[6] == '.' &&
        isdigit((unsigned char)version.at[7])) {
        refuse(head, 505, "the version of HTTP must be 1.1 or 1.0");
    } else {
        refuse(head, 400, "the request line does not end in a version of HTTP");
    }
}

static void check_start(struct head *head, struct span line)
{
    struct span method = { line.at, token_length(line) }, target;
    char *blank;

    if (method.len == 0 || method.len == line.len ||
        line.at[method.len] != ' ') {
        refuse(head, 400, "this is no request line");
        return;
    }
    line = behind(line, method.len + 1);
    blank = memchr(line.at, ' ', line.len);
    target = (struct span){ line.at, blank != NULL ? (size_t)(blank - line.at)
                                                   : line.len };
    if (blank == NULL || target.len == 0) {
        refuse(head, 400, "the request line has no version of HTTP");
        return;
    }
    check_target(head, target);
    check_version(head, behind(line, target.len + 1));
    check_method(head, method);
}

/* ---- headers (section 5) ------------------------------------------------ */

/* What one pass over the headers has found. */
struct found {
    bool newer; /* HTTP/1.1, if the request line is good at all */
    unsigned hosts;
    unsigned lengths;
    unsigned fields;
    bool encoded; /* has Transfer-Encoding */
};

static void read_length(struct head *head, struct found *found,
                        struct span value)
{
    found->lengths++;
    head->opaque =
        head->opaque || found->lengths > 1 || value.len == 0 || value.len > 18;
    for (size_t i = 0; i < value.len && !head->opaque; i++) {
        if (!isdigit((unsigned char)value.at[i])) {
            head->opaque = true;
        } else {
            head->body = head->body * 10 + (uint64_t)(value.at[i] - '0');
        }
    }
}

static bool list_has(struct span list, const char *name)
{
    while (list.len > 0) {
        char *comma = memchr(list.at, ',', list.len);
        size_t len = comma != NULL ? (size_t)(comma - list.at) : list.len;

        if (span_is_name(trim((struct span){ list.at, len }), name)) {
            return true;
        }
        list = behind(list, comma != NULL ? len + 1 : len);
    }
    return false;
}

/* Copies a list without its empty elements, and the blanks around the others,
 * to where it begins, or before. Commas in quotes are part of their element. */
static char *tidy_list(char *out, struct span list)
{
    bool first = true;

    while (list.len > 0) {
        size_t len = 0;
        bool quoted = false;
        struct span word;

        while (len < list.len && (quoted || list.at[len] != ',')) {
            if (quoted && list.at[len] == '\\' && len + 1 < list.len) {
                len++;
            } else if (list.at[len] == '"') {
                quoted = !quoted;
            }
            len++;
        }
        word = trim((struct span){ list.at, len });
        list = behind(list, len < list.len ? len + 1 : len);
        if (word.len > 0) {
            if (!first) {
                *out++ = ',';
            }
            memmove(out, word.at, word.len);
            out += word.len;
            first = false;
        }
    }
    return out;
}

static bool is_list(struct span name)
{
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (span_is_name(name, lists[i])) {
            return true;
        }
    }
    return false;
}

/* What of a header is to be seen of libwebsockets, written from out on, which
 * is not behind it; returns its end. */
static char *tidy(struct head *head, struct found *found, char *out,
                  struct span name, struct span value)
{
    static const char websocket[] = "websocket";
    char *start = out;
    bool list = is_list(name);

    if (span_is_name(name, "upgrade")) {
        if (head->websocket || !list_has(value, websocket)) {
            return out; /* an upgrade may be ignored (RFC 9110 7.8) */
        }
        head->websocket = true;
    } else if (span_is_name(name, "host")) {
        found->hosts++;
    } else if (span_is_name(name, "content-length")) {
        read_length(head, found, value);
    } else if (span_is_name(name, "transfer-encoding")) {
        found->encoded = true;
    }
    memmove(out, name.at, name.len);
    out += name.len;
    *out++ = ':';
    if (name.at[name.len + 1] == ' ') {
        *out++ = ' '; /* cookies are told by it (headers.c) */
    }
    if (list) {
        char *end = tidy_list(out, value);

        return end == out ? start : end;
    }
    if (span_is_name(name, "upgrade")) {
        memcpy(out, websocket, sizeof websocket - 1);
        return out + sizeof websocket - 1;
    }
    memmove(out, value.at, value.len);
    return out + value.len;
}

static char *read_header(struct head *head, struct found *found, char *out,
                         struct span line)
{
    struct span name = { line.at, token_length(line) };

    if (is_blank(line.at[0])) {
        refuse(head, 400, "a header is folded");
    } else if (name.len == 0 || name.len == line.len ||
               line.at[name.len] != ':') {
        refuse(head, 400, "a header without a name and a colon");
    }
    for (size_t i = 0; i < line.len; i++) {
        if (is_control(line.at[i])) {
            refuse(head, 400, "a control character in a header");
        }
    }
    return head->status != 0
               ? out
               : tidy(head, found, out, name, trim(behind(line, name.len + 1)));
}

static unsigned count_parameters(struct span line)
{
    char *at = memchr(line.at, '?', line.len);
    unsigned count = at != NULL;

    for (; at != NULL && at < line.at + line.len; at++) {
        count += *at == '&';
    }
    return count;
}

static void check_whole(struct head *head, const struct found *found)
{
    if (found->fields > HEAD_FIELDS_MAX) {
        refuse(head, 431,
               "more than " TEXT(HEAD_FIELDS_MAX) " headers and parameters");
    }
    if (found->hosts > 1) {
        refuse(head, 400, "more than one Host");
    }
    if (found->hosts == 0 && found->newer) {
        refuse(head, 400, "a request of HTTP/1.1 needs a Host"); /* 3.2 */
    }
    if (head->websocket && (found->encoded || head->opaque || head->body > 0)) {
        refuse(head, 400, "a WebSocket handshake has no body");
    }
    head->opaque = head->opaque || found->encoded;
}

void head_read(struct head *head, char *data, size_t len)
{
    struct found found = { 0 };
    size_t at = empty_lines(data, len);
    char *out = data;
    bool start = true;

    *head = (struct head){ 0 };
    while (at < len && head->status == 0) {
        char *end = memchr(data + at, '\n', len - at);
        size_t next = end != NULL ? (size_t)(end - data) + 1 : len;
        struct span line = { data + at, next - at - (end != NULL) };
        char *from = out;

        if (line.len > 0 && line.at[line.len - 1] == '\r') {
            line.len--;
        }
        at = next;
        if (start) {
            start = false;
            check_start(head, line);
            found.newer = line.len > 0 && line.at[line.len - 1] == '1';
            found.fields = count_parameters(line);
            memmove(out, line.at, line.len);
            out += line.len;
        } else if (line.len > 0) {
            found.fields++;
            out = read_header(head, &found, out, line);
            if (out == from) {
                continue; /* it is left out */
            }
        }
        /* Lines that end in LF alone have no room for more. */
        if (line.at[line.len] == '\r') {
            *out++ = '\r';
        }
        *out++ = '\n';
    }
    check_whole(head, &found);
    head->len = (size_t)(out - data);
}
