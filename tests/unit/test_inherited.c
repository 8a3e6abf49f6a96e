/* test_inherited.c - sockets that the service manager has opened */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "folder.h"
#include "proc/inherited.h"
#include "proc/reason.h"

static struct inherited inherited;
static struct conf conf;
static char why[REASON_SIZE];

/* Puts what fd is at 3, 4, ..., as a service manager does. */
static void pass(int *fds, int count)
{
    char number[32];
    int high[8];

    for (int i = 0; i < count; i++) {
        high[i] = fcntl(fds[i], F_DUPFD, 100);
        close(fds[i]);
    }
    for (int i = 0; i < count; i++) {
        assert_int_equal(dup2(high[i], 3 + i), 3 + i);
        close(high[i]);
    }
    snprintf(number, sizeof number, "%d", count);
    setenv("LISTEN_FDS", number, 1);
    snprintf(number, sizeof number, "%d", (int)getpid());
    setenv("LISTEN_PID", number, 1);
    setenv("LISTEN_FDNAMES", "a:b", 1);
}

static int tcp(int family, const char *host, struct conf_listen *listens)
{
    struct sockaddr_storage addr = { .ss_family = (sa_family_t)family };
    socklen_t len = sizeof addr;
    int fd = socket(family, SOCK_STREAM, 0);

    if (family == AF_INET) {
        inet_pton(AF_INET, host, &((struct sockaddr_in *)&addr)->sin_addr);
        len = sizeof(struct sockaddr_in);
    } else {
        inet_pton(AF_INET6, host, &((struct sockaddr_in6 *)&addr)->sin6_addr);
        len = sizeof(struct sockaddr_in6);
    }
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, len), 0);
    assert_int_equal(listen(fd, 5), 0);
    listens->addr_len = sizeof listens->addr;
    getsockname(fd, (struct sockaddr *)&listens->addr, &listens->addr_len);
    return fd;
}

static int local(const char *path, struct conf_listen *listens)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(addr.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(listen(fd, 5), 0);
    memcpy(&listens->addr, &addr, sizeof addr);
    listens->addr_len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
    return fd;
}

static int take(void)
{
    return inherited_take(&inherited, why, sizeof why);
}

static int unmake(void **state)
{
    inherited_close(&inherited);
    conf.listen_count = 0;
    return folder_remove(state);
}

static void are_known_by_their_addresses(void **state)
{
    int fds[3], copy;

    (void)state;
    fds[0] = tcp(AF_INET, "127.0.0.1", &conf.listen[0]);
    fds[1] = tcp(AF_INET6, "::1", &conf.listen[1]);
    fds[2] = local(folder_file("x.sock"), &conf.listen[2]);
    conf.listen_count = 3;
    pass(fds, 3);
    assert_int_equal(take(), 0);
    assert_int_equal(inherited.count, 3);
    assert_null(getenv("LISTEN_FDS"));
    assert_null(getenv("LISTEN_PID"));
    assert_null(getenv("LISTEN_FDNAMES"));
    for (int i = 0; i < 3; i++) {
        assert_true((fcntl(3 + i, F_GETFL) & O_NONBLOCK) != 0);
        assert_true((fcntl(3 + i, F_GETFD) & FD_CLOEXEC) != 0);
        copy = inherited_dup(&inherited, &conf.listen[i]);
        assert_true(copy > 5);
        close(copy);
    }
    assert_int_equal(inherited_check(&inherited, &conf, why, sizeof why), 0);
    /* One that nobody names. */
    conf.listen_count = 2;
    assert_int_equal(inherited_check(&inherited, &conf, why, sizeof why), -1);
    assert_non_null(strstr(why, "passes a socket at unix:/tmp/"));
    assert_non_null(strstr(why, "which [server] listen does not name"));
    conf.listen[0].addr.ss_family = AF_INET6;
    assert_int_equal(inherited_dup(&inherited, &conf.listen[0]), -1);
    ((struct sockaddr_in6 *)&conf.listen[1].addr)->sin6_port ^= 1;
    assert_int_equal(inherited_dup(&inherited, &conf.listen[1]), -1);
}

static void there_may_be_none(void **state)
{
    (void)state;
    unsetenv("LISTEN_FDS");
    assert_int_equal(take(), 0);
    assert_int_equal(inherited.count, 0);
    /* Those of another process are not ours. */
    setenv("LISTEN_FDS", "2", 1);
    setenv("LISTEN_PID", "1", 1);
    assert_int_equal(take(), 0);
    assert_int_equal(inherited.count, 0);
    assert_null(getenv("LISTEN_FDS"));
    setenv("LISTEN_FDS", "2", 1);
    assert_int_equal(take(), 0);
    assert_int_equal(inherited.count, 0);
    assert_int_equal(inherited_check(&inherited, &conf, why, sizeof why), 0);
}

static void must_listen(void **state)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    pass(&fd, 1);
    assert_int_equal(take(), -1);
    assert_non_null(strstr(why, "descriptor 3 of the service manager is no "
                                "stream socket that listens"));
    close(3);
    fd = open("/dev/null", O_RDONLY);
    pass(&fd, 1);
    assert_int_equal(take(), -1);
    close(3);
    setenv("LISTEN_FDS", "33", 1);
    pass(&fd, 0);
    setenv("LISTEN_FDS", "33", 1);
    assert_int_equal(take(), -1);
    assert_non_null(strstr(why, "more than 32 sockets"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(are_known_by_their_addresses,
                                        folder_make, unmake),
        cmocka_unit_test_setup_teardown(there_may_be_none, folder_make, unmake),
        cmocka_unit_test_setup_teardown(must_listen, folder_make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
