/* buf.c - a byte buffer that grows */
#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define FIRST_CAP 256

char *buf_reserve(struct buf *buf, size_t more)
{
    size_t cap = buf->cap == 0 ? FIRST_CAP : buf->cap;
    char *data;

    if (buf->failed) {
        return NULL;
    }
    /* One byte more for the 0 behind len. */
    if (more < buf->cap - buf->len) {
        return buf->data + buf->len;
    }
    if (more >= SIZE_MAX / 2 - buf->len) {
        buf->failed = true;
        return NULL;
    }
    while (cap - buf->len <= more) {
        cap *= 2;
    }
    data = realloc(buf->data, cap);
    if (data == NULL) {
        buf->failed = true;
        return NULL;
    }
    data[buf->len] = 0;
    buf->data = data;
    buf->cap = cap;
    return data + buf->len;
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
    char *to = buf_reserve(buf, len);

    if (to == NULL) {
        return;
    }
    if (len > 0) {
        memcpy(to, data, len);
    }
    to[len] = 0;
    buf->len += len;
}

void buf_adds(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_vaddf(struct buf *buf, const char *format, va_list args)
{
    va_list again;
    char *to = buf_reserve(buf, 0);
    int len;

    if (to == NULL) {
        return;
    }
    va_copy(again, args);
    len = vsnprintf(to, buf->cap - buf->len, format, args);
    if (len < 0) {
        buf->failed = true;
    } else if ((size_t)len >= buf->cap - buf->len) {
        *to = 0; /* what was cut off must not show if there is no room */
        to = buf_reserve(buf, (size_t)len);
        if (to != NULL) {
            vsnprintf(to, (size_t)len + 1, format, again);
        }
    }
    if (!buf->failed) {
        buf->len += (size_t)len;
    }
    va_end(again);
}

void buf_addf(struct buf *buf, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_vaddf(buf, format, args);
    va_end(args);
}

static bool is_plain(char c)
{
    unsigned char byte = (unsigned char)c;

    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

void buf_add_json(struct buf *buf, const char *text, size_t len)
{
    char out[JSON_CHAR_MAX];
    size_t at = 0;

    buf_add(buf, "\"", 1);
    while (at < len) {
        size_t plain = at;
        size_t used;

        while (plain < len && is_plain(text[plain])) {
            plain++;
        }
        buf_add(buf, text + at, plain - at);
        at = plain;
        if (at < len) {
            buf_add(buf, out, json_char(out, text + at, len - at, &used));
            at += used;
        }
    }
    buf_add(buf, "\"", 1);
}

void buf_consume(struct buf *buf, size_t n)
{
    if (n == 0) {
        return;
    }
    if (n >= buf->len) {
        buf_clear(buf);
        return;
    }
    buf->len -= n;
    memmove(buf->data, buf->data + n, buf->len + 1);
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    if (buf->data != NULL) {
        buf->data[0] = 0;
    }
}

void buf_free(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){ 0 };
}
