/* crasher.c - crashes or hangs when told; all else is sent back
 *
 * Messages: crash and any more (writes to NULL), abort, overflow (of the stack),
 * divide (by zero), jump (to nonsense), hang, work (crashes in deferred work),
 * timer (hangs in the timer hook), block and ignore (SIGABRT, then hang), later
 * (hangs outside of all hooks). A path that ends in /hang hangs in open.
 */
#include <patchbay.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fault.h"

#ifdef __clang__
#define OWN __attribute__((noinline, no_sanitize("undefined")))
#else
#define OWN __attribute__((noinline, noclone, no_sanitize("undefined")))
#endif

static volatile int zero;
static volatile int sink;

OWN static void crasher_hang(void)
{
    for (;;) {
        sink++;
    }
}

OWN static int crasher_overflow(int depth)
{
    volatile char room[4096];

    room[depth % 4096] = (char)depth;
    return zero != 0 ? 0 : crasher_overflow(depth + 1) + room[0];
}

/* A division by zero is no fault on every machine. */
OWN static void crasher_divide(void)
{
    sink = sink / zero;
    raise(SIGFPE);
}

OWN static void crasher_jump(void)
{
    void (*volatile nonsense)(void) = (void (*)(void))(uintptr_t)0x1234;

    nonsense();
    sink++;
}

static void crasher_work(void *arg)
{
    (void)arg;
    fault();
    sink++;
}

static void on_signal(int number)
{
    (void)number;
    crasher_hang();
}

/* In a handler that runs when its hook has long returned. */
static void crasher_hang_later(void)
{
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
                              .sigev_signo = SIGRTMIN };
    struct itimerspec when = { .it_value = { .tv_nsec = 200000000 } };
    timer_t timer;

    signal(SIGRTMIN, on_signal);
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0) {
        timer_settime(timer, 0, &when, NULL);
    }
}

static void act(bay_conn *conn, const char *word)
{
    if (strncmp(word, "crash", 5) == 0) {
        fault();
    } else if (strcmp(word, "abort") == 0) {
        abort();
    } else if (strcmp(word, "overflow") == 0) {
        sink = crasher_overflow(1);
    } else if (strcmp(word, "divide") == 0) {
        crasher_divide();
    } else if (strcmp(word, "jump") == 0) {
        crasher_jump();
    } else if (strcmp(word, "hang") == 0) {
        crasher_hang();
    } else if (strcmp(word, "block") == 0) {
        sigset_t all;

        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
        crasher_hang();
    } else if (strcmp(word, "ignore") == 0) {
        signal(SIGABRT, SIG_IGN);
        crasher_hang();
    } else if (strcmp(word, "later") == 0) {
        crasher_hang_later();
    } else if (strcmp(word, "work") == 0) {
        bay_defer(bay_conn_route(conn), crasher_work, NULL, NULL);
    } else if (strcmp(word, "timer") == 0) {
        bay_timer_set(bay_conn_route(conn), 1, 1);
    }
}

OWN static int crasher_on_message(bay_conn *conn, const bay_message *msg)
{
    act(conn, msg->data);
    return bay_send(conn, msg->kind, msg->data, msg->len);
}

OWN static int crasher_on_open(bay_conn *conn)
{
    if (strcmp(bay_conn_tail(conn), "hang") == 0) {
        crasher_hang();
    }
    return 0;
}

OWN static void crasher_on_timer(bay_route *route, uint64_t key)
{
    (void)route;
    (void)key;
    crasher_hang();
}

BAY_PLUGIN = {
    BAY_INIT,
    .name = "crasher",
    .version = "1.2.3",
    .open = crasher_on_open,
    .message = crasher_on_message,
    .timer = crasher_on_timer,
};
