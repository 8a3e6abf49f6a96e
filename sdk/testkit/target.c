/* target.c - URLs and header lines, taken apart as the host does it */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "kit.h"

static int digit(char c)
{
    if (isdigit((unsigned char)c)) {
        return c - '0';
    }
    return isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
                                      : -1;
}

/* Adds the decoded text up to one of ends and returns where that is. A decoded
 * 0 byte ends what is seen of it, as it would in the host. */
static const char *decode(struct buf *out, const char *at, const char *ends,
                          bool plus)
{
    bool cut = false;

    while (*at != '\0' && strchr(ends, *at) == NULL) {
        char c = *at++;

        if (c == '%' && digit(at[0]) >= 0 && digit(at[1]) >= 0) {
            c = (char)(digit(at[0]) << 4 | digit(at[1]));
            at += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        cut = cut || c == '\0';
        if (!cut) {
            buf_add(out, &c, 1);
        }
    }
    buf_add(out, "", 1);
    return at;
}

char *kit_path(const char *target)
{
    struct buf path = { 0 };
    char *copy;

    decode(&path, target, "?#", false);
    copy = kit_copy(path.data);
    buf_free(&path);
    return copy;
}

void kit_query(const char *target, struct buf *packed)
{
    const char *at = target + strcspn(target, "?#");

    if (*at == '?') {
        do {
            size_t len = packed->len;

            at = decode(packed, at + 1, "&#", true);
            if (packed->len == len + 1) {
                packed->len = len; /* an empty one would end the list */
            }
        } while (*at == '&');
    }
    buf_add(packed, "", 1);
}

char *kit_pack_headers(const char *lines)
{
    size_t size = lines != NULL ? strlen(lines) + 2 : 2;
    char *packed = kit_alloc(size);
    char *out = packed;

    while (lines != NULL && *lines != '\0') {
        size_t len = strcspn(lines, "\r\n");

        if (len > 0) {
            memcpy(out, lines, len);
            out += len + 1;
        }
        lines += len;
        lines += strspn(lines, "\r\n");
    }
    return packed;
}

const char *kit_find_header(const char *packed, const char *name)
{
    size_t len = strlen(name);

    while (packed != NULL && *packed != '\0') {
        if (strncasecmp(packed, name, len) == 0 && packed[len] == ':') {
            packed += len + 1;
            return packed + strspn(packed, " \t");
        }
        packed += strlen(packed) + 1;
    }
    return NULL;
}
