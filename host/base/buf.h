/* buf.h - a byte buffer that grows */
#ifndef PATCHBAY_BASE_BUF_H
#define PATCHBAY_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A zeroed struct is an empty buffer. A call that runs out of memory sets
 * failed and adds nothing, and so does every call after it: build the whole
 * and test failed once. data is NULL while nothing was added, else it always
 * has a 0 byte behind len.
 */
struct buf {
    char *data;
    size_t len;
    size_t cap;
    bool failed;
};

void buf_add(struct buf *buf, const void *data, size_t len);
void buf_adds(struct buf *buf, const char *text);
__attribute__((format(printf, 2, 3))) void buf_addf(struct buf *buf,
                                                    const char *format, ...);
__attribute__((format(printf, 2, 0))) void
buf_vaddf(struct buf *buf, const char *format, va_list args);

/* Adds text as a JSON string with its quotes; bytes that are not UTF-8 become
 * U+FFFD. */
void buf_add_json(struct buf *buf, const char *text, size_t len);

/* Makes room for more bytes behind len and returns where they go, or NULL.
 * The caller adds to len what it wrote. */
char *buf_reserve(struct buf *buf, size_t more);

/* Cuts the first n bytes off. */
void buf_consume(struct buf *buf, size_t n);

/* Empties it and keeps the memory. */
void buf_clear(struct buf *buf);
void buf_free(struct buf *buf);

#endif
