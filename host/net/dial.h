/* dial.h - a WebSocket client: one connection, on a loop of its own */
#ifndef PATCHBAY_NET_DIAL_H
#define PATCHBAY_NET_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that have to be free in front of what is sent. */
extern const size_t dial_room;

struct dial;

/* What happens; arg is that of the setup. All on the thread of dial_run. */
struct dial_events {
    void (*opened)(void *arg);
    void (*message)(void *arg, bool binary, const char *data, size_t len);
    /* It may send one message now. */
    void (*ready)(void *arg);
    /* dial_set_timer's. */
    void (*timer)(void *arg);
    /* The server closed it, reason being len bytes. 1006: without a Close. */
    void (*closed)(void *arg, int code, const char *reason, size_t len);
    /* We close it with that code, for a fault of the server's or ours. */
    void (*dropped)(void *arg, int code, const char *why);
    /* It did not come about. status: the HTTP status, 0 if there was none. */
    void (*failed)(void *arg, unsigned status, const char *why);
    /* "Name: value", one after another, *at being 0 at first; NULL: no more. */
    const char *(*header)(void *arg, size_t *at);
};

/* Strings are borrowed. */
struct dial_setup {
    const char *host;
    const char *authority; /* for the Host header */
    const char *target;
    unsigned port;
    bool tls;
    bool insecure;            /* takes any certificate */
    const char *ca;           /* a PEM file, or NULL: those of the system */
    const char *subprotocols; /* to offer, or NULL */
    size_t max_message;       /* bytes of one that comes; more: 1009 */
    const struct dial_events *events;
    void *arg;
};

/* NULL if it cannot be set up. */
struct dial *dial_create(const struct dial_setup *setup);

/* Connects, and returns when the connection has ended. */
void dial_run(struct dial *dial);

/* In ready only: one message, with dial_room bytes free before data. 0, or -1
 * if the connection is lost. */
int dial_send(struct dial *dial, bool binary, char *data, size_t len);

/* Have ready called: from the loop's thread; and from any other, or a signal
 * handler. */
void dial_ask(struct dial *dial);
void dial_wake(struct dial *dial);

/* timer is called once, then; a later call moves it. */
void dial_set_timer(struct dial *dial, uint64_t us);

/* Closes with 1000 once what was sent is out, and waits for the server's Close,
 * a few seconds at most. From any callback. */
void dial_close(struct dial *dial);

void dial_destroy(struct dial *dial);

#endif
