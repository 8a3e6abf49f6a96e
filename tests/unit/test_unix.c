/* test_unix.c - a listening Unix socket in the place of a dead one */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "folder.h"
#include "proc/unix.h"

static struct sockaddr_un addr;

static int make(void **state)
{
    int status = folder_make(state);

    addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
    strcpy(addr.sun_path, folder_file("s"));
    return status;
}

static void listens_with_its_mode(void **state)
{
    struct stat stat_of;
    int fd = unix_listen(&addr, sizeof addr, 0660);
    int client;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(stat(addr.sun_path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0660);
    client = unix_connect(addr.sun_path);
    assert_true(client >= 0);
    close(client);
    close(fd);
}

static void replaces_the_dead_only(void **state)
{
    int fd = unix_listen(&addr, sizeof addr, 0600);
    int next;

    (void)state;
    assert_int_equal(unix_listen(&addr, sizeof addr, 0600), -1);
    assert_int_equal(errno, EADDRINUSE);
    close(fd); /* its file stays */
    assert_int_equal(unix_connect(addr.sun_path), -1);
    assert_int_equal(errno, ECONNREFUSED);
    next = unix_listen(&addr, sizeof addr, 0600);
    assert_true(next >= 0);
    close(next);
}

/* It refuses streams, but is very much alive. */
static void spares_a_socket_of_another_kind(void **state)
{
    int other = socket(AF_UNIX, SOCK_DGRAM, 0);

    (void)state;
    assert_int_equal(bind(other, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(unix_listen(&addr, sizeof addr, 0600), -1);
    assert_int_equal(errno, EADDRINUSE);
    close(other);
}

static void removes_nothing_else(void **state)
{
    int fd = open(addr.sun_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    (void)state;
    close(fd);
    assert_int_equal(unix_listen(&addr, sizeof addr, 0600), -1);
    assert_int_equal(errno, EEXIST);
    assert_int_equal(access(addr.sun_path, F_OK), 0);
}

static void connects_to_paths_that_fit(void **state)
{
    char path[200];

    (void)state;
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = 0;
    assert_int_equal(unix_connect(path), -1);
    assert_int_equal(errno, ENAMETOOLONG);
    assert_int_equal(unix_connect(folder_file("nothing")), -1);
    assert_int_equal(errno, ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(listens_with_its_mode, make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(replaces_the_dead_only, make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(spares_a_socket_of_another_kind, make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(removes_nothing_else, make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(connects_to_paths_that_fit, make,
                                        folder_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
