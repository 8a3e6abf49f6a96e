/* accept.h - Sec-WebSocket-Accept, RFC 6455 section 4.2.2 */
#ifndef BENCH_ACCEPT_H
#define BENCH_ACCEPT_H

#include <stddef.h>

enum { KEY_LEN = 24, ACCEPT_LEN = 28 };

/* key: the KEY_LEN bytes of Sec-WebSocket-Key. out gets a final 0 byte. */
void accept_of_key(const char *key, char out[ACCEPT_LEN + 1]);

/*
 * The value of a header in the head of a request or an answer, blanks cut off,
 * its length in *len; NULL if absent. name in any case, without the colon.
 */
const char *header_find(const char *head, size_t head_len, const char *name,
                        size_t *len);

#endif
