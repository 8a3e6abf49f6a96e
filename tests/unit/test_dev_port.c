/* test_dev_port.c - the port of `patchbay dev` */
#include "cli/dev_port.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "proc/inherited.h"

#define FROM  20000
#define TRIES 10000

static void is_had_by_one_only(void **state)
{
    struct dev_port one, other;

    (void)state;
    assert_int_equal(dev_port_hold(&one, FROM, TRIES), 0);
    assert_in_range(one.number, FROM, FROM + TRIES);
    assert_int_equal(dev_port_hold(&other, one.number, 1), -1);
    assert_int_equal(other.count, 0);
    assert_int_equal(dev_port_hold(&other, one.number, TRIES), 0);
    assert_true(other.number > one.number);
    dev_port_release(&other);
    dev_port_release(&one);
    assert_int_equal(dev_port_hold(&other, one.number, 1), 0);
    dev_port_release(&other);
}

/* A port is nobody's only if both addresses are. */
static void is_passed_over_if_half_of_it_is_taken(void **state)
{
    struct dev_port one, other;

    (void)state;
    assert_int_equal(dev_port_hold(&one, FROM, TRIES), 0);
    if (one.count == 2) {
        endpoint_close(&one.ends[0]); /* IPv4 */
        assert_int_equal(dev_port_hold(&other, one.number, 1), -1);
        assert_int_equal(other.count, 0);
    }
    dev_port_release(&one);
}

static void ends_at_the_last_port(void **state)
{
    struct dev_port last, none;
    int held;

    (void)state;
    held = dev_port_hold(&last, 65535, 1);
    assert_int_equal(dev_port_hold(&none, 65535, 100), -1);
    if (held == 0) {
        dev_port_release(&last);
    }
}

/* As a host in a child finds it; 0 if that is so. */
static int look_for(const struct dev_port *port)
{
    struct inherited inherited;
    char why[128];

    dev_port_pass_on(port);
    if (inherited_take(&inherited, why, sizeof why) != 0) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    if (inherited.count != port->count) {
        return 2;
    }
    for (size_t i = 0; i < inherited.count; i++) {
        struct sockaddr_in6 addr = { .sin6_family = AF_UNSPEC };
        socklen_t len = sizeof addr;

        /* Both kinds have their port in the same place. */
        if (getsockname(inherited.fds[i], (struct sockaddr *)&addr, &len) !=
                0 ||
            ntohs(addr.sin6_port) != port->number ||
            addr.sin6_family != (i == 0 ? AF_INET : AF_INET6)) {
            return 3;
        }
    }
    return 0;
}

static void is_passed_on_to_a_host(void **state)
{
    struct dev_port port;
    int status;
    pid_t child;

    (void)state;
    assert_int_equal(dev_port_hold(&port, FROM, TRIES), 0);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        _exit(look_for(&port));
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    dev_port_release(&port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_had_by_one_only),
        cmocka_unit_test(is_passed_over_if_half_of_it_is_taken),
        cmocka_unit_test(ends_at_the_last_port),
        cmocka_unit_test(is_passed_on_to_a_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
