/* member.c - one client of a crowd, of patchbay's hub.c or of socket.io */
#include "member.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Before a text of socket.io; behind it there are two bytes. */
static const char event_head[] = "42[\"m\",\"";
enum { EVENT_TAIL = 2 };

static int fail(const struct member *member, const char *what)
{
    fprintf(stderr, "crowd: client %d: %s\n", member->number, what);
    return -1;
}

/* ---- to the server ------------------------------------------------------ */

static int send_frame(struct member *member, int opcode, const char *data,
                      size_t len)
{
    static const unsigned char mask[4] = { 0x3c, 0xa5, 0x71, 0x0e };
    unsigned char frame[MEMBER_COMMAND + 14];
    size_t head = frame_header(frame, opcode, len, mask);

    for (size_t i = 0; i < len; i++) {
        frame[head + i] = (unsigned char)data[i] ^ mask[i & 3];
    }
    ssize_t sent =
        send(member->fd, frame, head + len, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent != (ssize_t)(head + len)) {
        return fail(member,
                    sent < 0 ? strerror(errno) : "the socket takes no more");
    }
    return 0;
}

static int say_text(struct member *member, const char *text)
{
    return send_frame(member, OP_TEXT, text, strlen(text));
}

int member_say(struct member *member, char command, const char *one,
               const char *two)
{
    const char *format = member->socketio ? two   ? "42[\"%c\",\"%s\",\"%s\"]"
                                            : one ? "42[\"%c\",\"%s\"]"
                                                  : "42[\"%c\"]"
                         : two            ? "%c %s %s"
                         : one            ? "%c %s"
                                          : "%c";
    char text[MEMBER_COMMAND];
    int len = snprintf(text, sizeof text, format, command, one, two);

    if (len < 0 || (size_t)len >= sizeof text) {
        return fail(member, "a command that is too long");
    }
    return send_frame(member, OP_TEXT, text, (size_t)len);
}

/* ---- from the server ---------------------------------------------------- */

static int on_event(struct member *member, uint64_t len, member_text *on_text,
                    void *arg)
{
    size_t head = sizeof event_head - 1, tail = EVENT_TAIL;
    size_t kept = len < MEMBER_KEPT ? (size_t)len : MEMBER_KEPT;

    if (len == 1 && member->text[0] == '2') {
        return say_text(member, "3"); /* a ping of Engine.IO */
    }
    if (kept < head + tail || memcmp(member->text, event_head, head) != 0) {
        return fail(member, "an event that nobody asked for");
    }
    kept -= head + (len == kept ? tail : 0);
    return on_text(arg, member, member->text + head, kept, len - head - tail);
}

/* A frame has come to its end. */
static int on_frame(struct member *member, member_text *on_text, void *arg)
{
    uint64_t len = member->len;
    unsigned char first = member->head[0];

    member->head_len = 0;
    if (first == (0x80 | OP_PING)) {
        member->len = 0;
        return send_frame(member, OP_PONG, member->text, len);
    }
    if (first == (0x80 | OP_CLOSE)) {
        fprintf(stderr, "crowd: close code %d\n",
                len >= 2 ? (unsigned char)member->text[0] << 8 |
                               (unsigned char)member->text[1]
                         : 0);
        return fail(member, "the server closed");
    }
    if ((first & 0x0f) != OP_TEXT && (first & 0x0f) != 0) {
        return fail(member, "a frame of another kind");
    }
    if (!(first & 0x80)) {
        return 0; /* the next fragment goes behind it */
    }
    member->len = 0;
    if (member->socketio) {
        return on_event(member, len, on_text, arg);
    }
    return on_text(arg, member, member->text,
                   len < MEMBER_KEPT ? (size_t)len : MEMBER_KEPT, len);
}

static size_t head_size(const struct member *member)
{
    int length = member->head_len < 2 ? 0 : member->head[1];

    return 2 + (length == 126 ? 2u : length == 127 ? 8u : 0u);
}

/* A head is whole: how long its payload is. */
static void on_head(struct member *member)
{
    member->left = member->head[1];
    if (member->left >= 126) {
        member->left = 0;
        for (size_t i = 2; i < member->head_len; i++) {
            member->left = member->left << 8 | member->head[i];
        }
    }
}

/* Bytes of the payload; what is not looked at is only counted. */
static size_t take_payload(struct member *member, const char *data, size_t len)
{
    size_t part = len < member->left ? len : (size_t)member->left;

    if (member->len < MEMBER_KEPT) {
        size_t room = MEMBER_KEPT - (size_t)member->len;

        memcpy(member->text + member->len, data, part < room ? part : room);
    }
    member->len += part;
    member->left -= part;
    return part;
}

static int take(struct member *member, const char *data, size_t len,
                member_text *on_text, void *arg)
{
    size_t at = 0;

    while (at < len) {
        while (member->head_len < head_size(member) && at < len) {
            member->head[member->head_len++] = (unsigned char)data[at++];
            if (member->head_len == head_size(member)) {
                on_head(member);
            }
        }
        if (member->head_len < head_size(member)) {
            return 0;
        }
        at += take_payload(member, data + at, len - at);
        if (member->left == 0 && on_frame(member, on_text, arg) < 0) {
            return -1;
        }
    }
    return 0;
}

int member_receive(struct member *member, member_text *on_text, void *arg)
{
    static char data[CLIENT_READ];
    ssize_t got = recv(member->fd, data, sizeof data, MSG_DONTWAIT);

    if (got > 0) {
        return take(member, data, (size_t)got, on_text, arg);
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    return fail(member, got < 0 ? strerror(errno) : "connection lost");
}

/* ---- opening ------------------------------------------------------------ */

struct opening {
    char data[4096];
    size_t len;
};

/* More bytes of an opening. */
static int more(struct member *member, struct opening *opening)
{
    size_t room = sizeof opening->data - opening->len;
    ssize_t got =
        room ? recv(member->fd, opening->data + opening->len, room, 0) : 0;

    if (got <= 0) {
        return fail(member,
                    got < 0 ? strerror(errno) : "it was not let in to the end");
    }
    opening->len += (size_t)got;
    return 0;
}

static void used(struct opening *opening, size_t len)
{
    opening->len -= len;
    memmove(opening->data, opening->data + len, opening->len);
}

/* Waits for a short text that begins so. */
static int expect(struct member *member, struct opening *opening,
                  const char *prefix)
{
    size_t len = strlen(prefix), head, payload;

    for (;;) {
        const unsigned char *data = (const unsigned char *)opening->data;

        head = opening->len < 2 ? 2 : data[1] == 126 ? 4 : 2;
        payload = opening->len < head ? 0
                  : head == 4         ? (size_t)data[2] << 8 | data[3]
                                      : data[1];
        if (opening->len >= head && opening->len >= head + payload) {
            break;
        }
        if (more(member, opening) < 0) {
            return -1;
        }
    }
    if (payload < len || memcmp(opening->data + head, prefix, len) != 0) {
        return fail(member, "the server does not speak socket.io");
    }
    used(opening, head + payload);
    return 0;
}

static int enter(struct member *member, const struct upgrade *upgrade)
{
    struct opening opening = { .len = 0 };
    int head = 0;

    if (send(member->fd, upgrade->request, upgrade->request_len,
             MSG_NOSIGNAL) != (ssize_t)upgrade->request_len) {
        return fail(member, strerror(errno));
    }
    while (head == 0) {
        if (more(member, &opening) < 0) {
            return -1;
        }
        head = upgrade_check(upgrade, opening.data, opening.len);
    }
    if (head < 0) {
        return -1;
    }
    used(&opening, (size_t)head);
    if (member->socketio &&
        (expect(member, &opening, "0{") < 0 || say_text(member, "40") < 0 ||
         expect(member, &opening, "40{") < 0)) {
        return -1;
    }
    return opening.len ? fail(member, "more than was asked for") : 0;
}

int member_open(struct member *member, const struct upgrade *upgrade, int port,
                int number, bool socketio)
{
    memset(member, 0, sizeof *member);
    member->number = number;
    member->socketio = socketio;
    member->fd = client_connect(port);
    if (member->fd >= 0 && enter(member, upgrade) < 0) {
        member_close(member);
    }
    return member->fd < 0 ? -1 : 0;
}

void member_close(struct member *member)
{
    if (member->fd >= 0) {
        close(member->fd);
        member->fd = -1;
    }
}
