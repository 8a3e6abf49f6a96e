/* accept.c - Sec-WebSocket-Accept, RFC 6455 section 4.2.2 */
#include "accept.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>
#include <strings.h>

void accept_of_key(const char *key, char out[ACCEPT_LEN + 1])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char text[KEY_LEN + sizeof guid - 1];
    unsigned char digest[SHA_DIGEST_LENGTH];

    memcpy(text, key, KEY_LEN);
    memcpy(text + KEY_LEN, guid, sizeof guid - 1);
    SHA1(text, sizeof text, digest);
    EVP_EncodeBlock((unsigned char *)out, digest, sizeof digest);
}

const char *header_find(const char *head, size_t head_len, const char *name,
                        size_t *len)
{
    size_t name_len = strlen(name);
    const char *end = head + head_len;
    const char *line = memchr(head, '\n', head_len);

    while (line && ++line < end) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        const char *last = stop ? stop : end;

        if ((size_t)(last - line) > name_len && line[name_len] == ':' &&
            strncasecmp(line, name, name_len) == 0) {
            const char *value = line + name_len + 1;

            while (value < last && *value == ' ') {
                value++;
            }
            while (last > value && (last[-1] == '\r' || last[-1] == ' ')) {
                last--;
            }
            *len = (size_t)(last - value);
            return value;
        }
        line = stop;
    }
    return NULL;
}
