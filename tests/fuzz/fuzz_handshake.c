/* fuzz_handshake.c - the headers of an upgrade, on a request that is else fine
 *
 * The first line is the path, the others are header lines; an empty one ends
 * them. What comes back is one whole answer, made by us.
 */
#include "serve.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    serve_begin();
    return 0;
}

static void add(struct buf *request, char *text)
{
    char *path = fuzz_line(&text);
    char *line;

    buf_addf(request,
             "GET /%s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
             path);
    while ((line = fuzz_line(&text)) != NULL && *line != '\0') {
        buf_addf(request, "%s\r\n", line);
    }
    buf_adds(request, "\r\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct serve_client client;
    struct buf request = { 0 };
    char *text = fuzz_text(data, len);
    uint32_t hash = fuzz_hash(data, len);

    add(&request, text);
    serve_connect(&client);
    serve_send(&client, request.data, request.len,
               hash % 2 == 0 ? request.len : 1 + hash / 2 % 200);
    if (client.len > 0) {
        fuzz_check(client.len > 12 && memcmp(client.said, "HTTP/1.", 7) == 0);
        fuzz_check(memmem(client.said, client.len, "\r\n\r\n", 4) != NULL);
    }
    serve_leave(&client);
    buf_free(&request);
    free(text);
    return 0;
}
