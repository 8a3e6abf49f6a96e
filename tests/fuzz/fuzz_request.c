/* fuzz_request.c - whatever a client says first: HTTP, its path, query, body
 *
 * Files of root/, the host's own pages, the http hook, upgrades: all behind
 * the parser of libwebsockets, as a client's bytes come.
 */
#include "serve.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    serve_begin();
    return 0;
}

/* What stands in a file beside root/; libFuzzer learns to send it. */
static bool has(const void *data, size_t len)
{
    return memmem(data, len, "never served", 12) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct serve_client client;
    uint32_t hash = fuzz_hash(data, len);

    serve_connect(&client);
    serve_send(&client, data, len, hash % 2 == 0 ? len : 1 + hash / 2 % 100);
    if (client.len > 0) {
        fuzz_check(client.len > 12 && memcmp(client.said, "HTTP/1.", 7) == 0);
        fuzz_check(!has(client.said, client.len) || has(data, len));
    }
    serve_leave(&client);
    return 0;
}
