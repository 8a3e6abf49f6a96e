/* head.h - the head of a request, read strictly (RFC 9112)
 *
 * libwebsockets 4.1.6 answers what it does not like with a page of its own or
 * not at all, and likes too much: methods in lower case, two Hosts, NULs,
 * folded lines. So a head is looked at as a whole before it sees any of it.
 */
#ifndef PATCHBAY_NET_HEAD_H
#define PATCHBAY_NET_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* libwebsockets has places for 94, of which it needs some itself, and hangs up
 * on a request with more. */
#define HEAD_FIELDS_MAX 80 /* headers, and parameters in the query */

struct head {
    int status;      /* 0: good; else what to refuse it with */
    const char *why; /* in words */
    size_t len;      /* of what is left of it, tidied */
    uint64_t body;   /* octets of the body behind it */
    bool websocket;  /* it asks for WebSocket */
    bool opaque;     /* where its body ends is not known */
};

/* Where the first head ends in these octets, just behind its empty line; 0: it
 * is not all there. */
size_t head_end(const char *data, size_t len);

/* Whether octets without an end can still become a head. */
bool head_may_come(const char *data, size_t len);

/*
 * Checks a whole head, and tidies it in place for libwebsockets, which takes
 * blanks behind a value for a part of it, hangs up on empty elements of lists,
 * and refuses whatever asks for another upgrade, which is to be ignored.
 */
void head_read(struct head *head, char *data, size_t len);

#endif
