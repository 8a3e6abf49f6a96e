/* notify.c - tells the service manager what the host does, as sd_notify(3) */
#include "proc/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"
#include "proc/reason.h"

#define MARGIN_MS 5000 /* beyond what the host takes by its own limits */

/* Never waits: a service manager that does not read must not stop the host. */
static void say(const struct notify *notify, const char *text)
{
    if (notify->fd <= 0) {
        return;
    }
    if (sendto(notify->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
               (const struct sockaddr *)&notify->addr, notify->addr_len) < 0) {
        log_debug("the service manager hears nothing: %s", reason_errno(errno));
    }
}

static void tell_watchdog(struct alarm_clock *alarm)
{
    struct notify *notify = alarm->arg;

    say(notify, "WATCHDOG=1");
    poller_set_alarm(notify->poller, &notify->alarm,
                     clock_now_ms() + notify->every_ms);
}

/* A path, or an abstract name behind an @. */
static int take_address(struct notify *notify, const char *name)
{
    size_t len = name != NULL ? strlen(name) : 0;

    if (len < 2 || len >= sizeof notify->addr.sun_path ||
        (name[0] != '/' && name[0] != '@')) {
        return -1;
    }
    notify->addr.sun_family = AF_UNIX;
    memcpy(notify->addr.sun_path, name, len);
    if (name[0] == '@') {
        notify->addr.sun_path[0] = 0;
    }
    notify->addr_len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    return 0;
}

/* In microseconds, and for this process only, if it says for which. */
static uint64_t watchdog_ms(void)
{
    const char *text = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    int64_t usec, whose = getpid();

    if (text == NULL || units_parse_int(text, &usec) != 0 || usec <= 0 ||
        (pid != NULL && units_parse_int(pid, &whose) != 0) ||
        whose != getpid()) {
        return 0;
    }
    return usec < 2000 ? 1 : (uint64_t)usec / 2000; /* twice in that time */
}

void notify_begin(struct notify *notify, struct poller *poller)
{
    notify->poller = poller;
    notify->fd = -1;
    notify->alarm.ring = tell_watchdog;
    notify->alarm.arg = notify;
    if (take_address(notify, getenv("NOTIFY_SOCKET")) == 0) {
        notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        notify->every_ms = watchdog_ms();
    }
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    if (notify->fd >= 0 && notify->every_ms > 0) {
        tell_watchdog(&notify->alarm);
    }
}

void notify_ready(struct notify *notify)
{
    say(notify, "READY=1");
}

void notify_reloading(struct notify *notify)
{
    struct timespec now;
    char text[64];

    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld%06ld",
             (long long)now.tv_sec, now.tv_nsec / 1000);
    say(notify, text);
}

void notify_stopping(struct notify *notify, uint64_t within_ms)
{
    char text[64];

    snprintf(text, sizeof text, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64,
             (within_ms + MARGIN_MS) * 1000);
    say(notify, text);
}

void notify_forget(struct notify *notify)
{
    if (notify->fd > 0) {
        close(notify->fd);
    }
    notify->fd = -1;
}

void notify_end(struct notify *notify)
{
    if (notify->poller != NULL) {
        poller_clear_alarm(notify->poller, &notify->alarm);
    }
    notify_forget(notify);
}
