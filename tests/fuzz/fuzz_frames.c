/* fuzz_frames.c - what a client sends after a handshake: frames, or none
 *
 * To an echo, which gets whole messages, and a plugin that gets them in pieces;
 * what begins with a compressed frame, also to an echo with which that was
 * agreed on. Whatever comes in, what goes out is made of correct frames.
 */
#include "serve.h"

#include "base/utf8.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    serve_begin();
    return 0;
}

static void upgrade(struct serve_client *client, const char *path,
                    bool deflates)
{
    char request[320];
    char *end;

    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
             path,
             deflates ? "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                      : "");
    serve_connect(client);
    serve_send(client, request, strlen(request), sizeof request);
    end = memmem(client->said, client->len, "\r\n\r\n", 4);
    fuzz_check(end != NULL && memcmp(client->said, "HTTP/1.1 101", 12) == 0);
    fuzz_check(deflates == (memmem(client->said, client->len,
                                   "permessage-deflate", 18) != NULL));
    client->len -= (size_t)(end + 4 - client->said);
    fuzz_check(client->len == 0);
}

/* RFC 6455 5.2, as a strict client reads it. The last frame may be cut short
 * by the end of what was kept, or of the connection. */
static void check_frames(const struct serve_client *client, bool deflates)
{
    const uint8_t *at = (const uint8_t *)client->said;
    const uint8_t *end = at + client->len;
    bool in_message = false, closed = false, text = false;
    uint32_t state = 0;

    while (end - at >= 2) {
        unsigned opcode = at[0] & 0x0f;
        bool fin = (at[0] & 0x80) != 0;
        uint64_t len = at[1];
        size_t head = 2;

        fuzz_check(!closed); /* nothing comes behind a Close */
        /* RSV1 is for the first frame of a message, if that was agreed on */
        fuzz_check((at[0] & 0x70) == 0 || (deflates && (at[0] & 0x70) == 0x40 &&
                                           (opcode == 1 || opcode == 2)));
        fuzz_check((at[1] & 0x80) == 0); /* a server does not mask */
        if (len == 126) {
            head = 4;
        } else if (len == 127) {
            head = 10;
        }
        if ((size_t)(end - at) < head) {
            return;
        }
        if (head > 2) {
            len = 0;
            for (size_t i = 2; i < head; i++) {
                len = len << 8 | at[i];
            }
            fuzz_check(len > (head == 4 ? 125 : 65535));
        }
        at += head;
        if (opcode >= 8) {
            fuzz_check(opcode <= 10 && fin && len <= 125);
        } else if (opcode == 0) {
            fuzz_check(in_message);
            in_message = !fin;
        } else {
            fuzz_check(opcode <= 2 && !in_message);
            in_message = !fin;
            text = opcode == 1 && (at[0] & 0x40) == 0;
            state = 0;
        }
        if ((uint64_t)(end - at) < len) {
            return;
        }
        if (opcode < 8 && text) {
            fuzz_check(utf8_check(&state, at, (size_t)len));
            fuzz_check(!fin || state == 0);
        }
        if (opcode == 8) {
            closed = true;
            fuzz_check(len != 1);
            fuzz_check(len < 2 || utf8_valid(at + 2, (size_t)len - 2));
        }
        at += len;
    }
}

static void feed(const char *path, bool deflates, const uint8_t *data,
                 size_t len, size_t cut)
{
    static struct serve_client client;

    upgrade(&client, path, deflates);
    serve_send(&client, data, len, cut);
    check_frames(&client, deflates);
    serve_leave(&client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint32_t hash = fuzz_hash(data, len);
    size_t cut = hash % 2 == 0 ? len : 1 + hash / 2 % 100;

    feed("/echo", false, data, len, cut);
    feed("/pieces", false, data, len, cut);
    if (len > 0 && (data[0] & 0x40) != 0) {
        feed("/deflated", true, data, len, cut);
    }
    return 0;
}
