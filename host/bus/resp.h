/* resp.h - a command as Redis reads it (RESP): its size, then its bytes */
#ifndef PATCHBAY_BUS_RESP_H
#define PATCHBAY_BUS_RESP_H

#include <stddef.h>

struct resp_arg {
    const void *data; /* NULL: room is left for len bytes */
    size_t len;
};

#define RESP_TEXT(text) ((struct resp_arg){ (text), strlen(text) })

size_t resp_size(const struct resp_arg *args, size_t count);

/* Writes resp_size bytes. Returns where the last argument lies, for the caller
 * to write it there if its data is NULL. */
char *resp_write(char *out, const struct resp_arg *args, size_t count);

#endif
