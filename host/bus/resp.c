/* resp.c - a command as Redis reads it (RESP): its size, then its bytes */
#include "bus/resp.h"

#include <string.h>

static size_t digits_of(size_t number)
{
    size_t digits = 1;

    while (number >= 10) {
        number /= 10;
        digits++;
    }
    return digits;
}

size_t resp_size(const struct resp_arg *args, size_t count)
{
    size_t size = 1 + digits_of(count) + 2, i;

    for (i = 0; i < count; i++) {
        size += 1 + digits_of(args[i].len) + 2 + args[i].len + 2;
    }
    return size;
}

/* "$12\r\n" */
static char *put_number(char *out, char mark, size_t number)
{
    size_t digits = digits_of(number), i;

    *out++ = mark;
    for (i = digits; i-- > 0; number /= 10) {
        out[i] = (char)('0' + number % 10);
    }
    out += digits;
    *out++ = '\r';
    *out++ = '\n';
    return out;
}

char *resp_write(char *out, const struct resp_arg *args, size_t count)
{
    char *last = NULL;
    size_t i;

    out = put_number(out, '*', count);
    for (i = 0; i < count; i++) {
        out = put_number(out, '$', args[i].len);
        last = out;
        if (args[i].data && args[i].len > 0) {
            memcpy(out, args[i].data, args[i].len);
        }
        out += args[i].len;
        *out++ = '\r';
        *out++ = '\n';
    }
    return last;
}
