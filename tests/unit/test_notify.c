/* test_notify.c - what the service manager is told */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "folder.h"
#include "proc/notify.h"

static struct poller poller;
static struct notify notify;
static int manager; /* its socket */

/* At a path, or an abstract name behind an @. */
static void listen_at(const char *name)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    size_t len = strlen(name);

    memcpy(addr.sun_path, name, len);
    if (name[0] == '@') {
        addr.sun_path[0] = 0;
    }
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(
        bind(manager, (const struct sockaddr *)&addr,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
        0);
    setenv("NOTIFY_SOCKET", name, 1);
}

static int make(void **state)
{
    notify = (struct notify){ .fd = 0 };
    manager = -1;
    return folder_make(state);
}

static int unmake(void **state)
{
    notify_end(&notify);
    poller_finish(&poller);
    close(manager);
    return folder_remove(state);
}

/* "" if there is nothing. */
static const char *heard(void)
{
    static char text[256];
    ssize_t len = recv(manager, text, sizeof text - 1, MSG_DONTWAIT);

    text[len > 0 ? len : 0] = 0;
    return text;
}

static void says_what_it_does(void **state)
{
    (void)state;
    listen_at(folder_file("notify"));
    notify_begin(&notify, &poller);
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_string_equal(heard(), "");
    notify_ready(&notify);
    assert_string_equal(heard(), "READY=1");
    notify_reloading(&notify);
    assert_int_equal(strncmp(heard(), "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
    notify_stopping(&notify, 30000);
    assert_string_equal(heard(), "STOPPING=1\nEXTEND_TIMEOUT_USEC=35000000");
    notify_forget(&notify);
    notify_ready(&notify);
    assert_string_equal(heard(), "");
}

static void speaks_to_abstract_names(void **state)
{
    char name[64];

    (void)state;
    snprintf(name, sizeof name, "@patchbay-test-%d", (int)getpid());
    listen_at(name);
    notify_begin(&notify, &poller);
    notify_ready(&notify);
    assert_string_equal(heard(), "READY=1");
}

static void is_silent_for_nobody(void **state)
{
    static const char *const names[] = { NULL, "", "/", "relative",
                                         "/nowhere/at/all" };
    char longest[200];

    (void)state;
    memset(longest, '/', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    notify_ready(&notify); /* before it has begun */
    for (size_t i = 0; i < sizeof names / sizeof names[0] + 1; i++) {
        const char *name =
            i < sizeof names / sizeof names[0] ? names[i] : longest;

        if (name != NULL) {
            setenv("NOTIFY_SOCKET", name, 1);
        }
        notify_begin(&notify, &poller);
        notify_ready(&notify);
        notify_stopping(&notify, 0);
        notify_end(&notify);
    }
}

/* A manager that does not read, as one that has stopped. */
static void waits_for_nobody(void **state)
{
    (void)state;
    listen_at(folder_file("notify"));
    notify_begin(&notify, &poller);
    for (int i = 0; i < 5000; i++) {
        notify_ready(&notify);
    }
}

static void feeds_the_watchdog(void **state)
{
    char pid[32];

    (void)state;
    listen_at(folder_file("notify"));
    setenv("WATCHDOG_USEC", "20000", 1);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    notify_begin(&notify, &poller);
    assert_null(getenv("WATCHDOG_USEC"));
    assert_null(getenv("WATCHDOG_PID"));
    assert_int_equal(notify.every_ms, 10);
    assert_string_equal(heard(), "WATCHDOG=1");
    for (int i = 0; i < 3; i++) {
        assert_string_equal(heard(), "");
        assert_int_equal(poller_turn(&poller), 0);
        assert_string_equal(heard(), "WATCHDOG=1");
    }
    notify_end(&notify);

    /* That of another process, and nonsense. */
    setenv("NOTIFY_SOCKET", folder_file("notify"), 1);
    setenv("WATCHDOG_USEC", "20000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    notify_begin(&notify, &poller);
    assert_int_equal(notify.every_ms, 0);
    notify_end(&notify);
    setenv("NOTIFY_SOCKET", folder_file("notify"), 1);
    setenv("WATCHDOG_USEC", "soon", 1);
    notify_begin(&notify, &poller);
    assert_int_equal(notify.every_ms, 0);
    assert_string_equal(heard(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(says_what_it_does, make, unmake),
        cmocka_unit_test_setup_teardown(speaks_to_abstract_names, make, unmake),
        cmocka_unit_test_setup_teardown(is_silent_for_nobody, make, unmake),
        cmocka_unit_test_setup_teardown(waits_for_nobody, make, unmake),
        cmocka_unit_test_setup_teardown(feeds_the_watchdog, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
