/* transport.h - how core reaches sockets, clocks and threads
 *
 * In return the transport calls core_turn after each batch of events and before
 * it waits for the next.
 *
 * net fills this in for real sockets; the test library fills it in with peers.
 * All calls are made on the loop's thread. `link` is what the transport gave
 * to conn_create for that connection.
 */
#ifndef PATCHBAY_CORE_TRANSPORT_H
#define PATCHBAY_CORE_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct job;

struct transport {
    /*
     * Sends what the socket takes now, without waiting. Each iovec is whole
     * WebSocket frames. Returns the bytes taken, 0 if it takes nothing now, -1
     * if the connection is dead (conn_lost follows, from the loop).
     */
    ssize_t (*send)(void *link, const struct iovec *iov, int count);

    /* Whether send takes one frame in two iovecs, too: its head and, from where
     * it lies, its payload. */
    bool (*gathers)(void *link);

    /* Takes the rest of a frame that send took in part; it goes out before
     * anything else does. 0, or -1 if the connection is dead. */
    int (*send_rest)(void *link, const void *data, size_t len);

    /* Call conn_writable once the socket takes more and no rest is left. */
    void (*want_writable)(void *link);

    /* Stops and resumes reading. Once stopped, nothing is delivered, neither
     * what was read before: that comes after the resume. */
    void (*set_reading)(void *link, bool on);

    /* Whether bytes that send or send_rest took have still to go out. */
    bool (*holds)(void *link);

    /* Nothing more will be sent: tells the peer so, and ignores what it still
     * sends. conn_lost follows once it ends its side, too, or by shut. */
    void (*finish)(void *link);

    /* Ends the connection below WebSocket, with no Close frame. conn_lost
     * follows, from the loop. */
    void (*shut)(void *link);

    /* Whether a peer that is not read from has gone. */
    bool (*hung_up)(void *link);

    /* Headers of the request that opens the connection, while it is there.
     * Valid until the hook that runs returns. */
    const char *(*header)(void *link, const char *name);

    /* `self` below is core_setup.transport_self. */

    /* Never goes back. */
    uint64_t (*now_ms)(void *self);

    /* Milliseconds since 1970. NULL: the system's clock. */
    uint64_t (*wall_ms)(void *self);

    /* Calls core_tick at that time; a later call moves it. UINT64_MAX: never.*/
    void (*alarm)(void *self, uint64_t at_ms);

    /* core_turn left something to do: calls it again without waiting for
     * events. (It is called before each wait anyway.) */
    void (*wake)(void *self);

    /* Runs job_run on a thread of the pool, then job_finish on the loop's.
     * cancel: true if it was not begun; job_finish follows then, too. */
    int (*job_start)(void *self, struct job *job);
    bool (*job_cancel)(void *self, struct job *job);
};

#endif
