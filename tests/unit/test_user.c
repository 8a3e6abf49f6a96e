/* test_user.c - becoming another user, for good */
#include "base/user.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void test_find(void **state)
{
    uid_t uid = 99;
    gid_t gid = 99;

    (void)state;
    assert_int_equal(user_find("root", &uid, &gid), 0);
    assert_int_equal(uid, 0);
    assert_int_equal(gid, 0);
    assert_int_equal(user_find("no such user", &uid, &gid), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(user_become("no such user"), -1);
    assert_int_equal(errno, ENOENT);
}

/* The number of what went wrong, or 0. */
static int become_nobody(void)
{
    gid_t groups[64];
    uid_t uid, uids[3];
    gid_t gid, gids[3];
    int count;

    if (user_find("nobody", &uid, &gid) != 0 || user_become("nobody") != 0) {
        return 1;
    }
    if (getresuid(&uids[0], &uids[1], &uids[2]) != 0 ||
        getresgid(&gids[0], &gids[1], &gids[2]) != 0) {
        return 2;
    }
    for (int i = 0; i < 3; i++) {
        if (uids[i] != uid || gids[i] != gid) {
            return 3;
        }
    }
    count = getgroups(64, groups);
    for (int i = 0; i < count; i++) {
        if (groups[i] == 0) {
            return 4; /* root's groups are a way back */
        }
    }
    if (setuid(0) == 0 || setgid(0) == 0) {
        return 5;
    }
    /* Again is nothing new; another is refused. */
    if (user_become("nobody") != 0 || user_become("root") == 0) {
        return 6;
    }
    return 0;
}

static void test_become(void **state)
{
    const gid_t root_group = 0;
    int status = 0;
    pid_t pid;

    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(setgroups(1, &root_group) == 0 ? become_nobody() : 7);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- rights ------------------------------------------------------------ */

/* One of the lines of /proc/self/status that hold a number in hexadecimal. */
static unsigned long long status_of(const char *name)
{
    FILE *file = fopen("/proc/self/status", "r");
    unsigned long long value = ~0ULL;
    char line[256];

    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0 &&
            line[strlen(name)] == ':') {
            value = strtoull(line + strlen(name) + 1, NULL, 16);
        }
    }
    fclose(file);
    return value;
}

static int confine_nobody(void)
{
    static const char *const sets[] = { "CapInh", "CapPrm", "CapEff", "CapBnd",
                                        "CapAmb" };

    if (user_become("nobody") != 0 || user_confine() != 0) {
        return 1;
    }
    if (status_of("NoNewPrivs") != 1) {
        return 2;
    }
    for (int i = 0; i < 5; i++) {
        if (status_of(sets[i]) != 0) {
            return 3 + i;
        }
    }
    return 0;
}

/* As systemd starts a service: a user with a right or two. */
static int confine_with_capability(void)
{
    static const gid_t group = 65534;
    struct __user_cap_header_struct head = { .version =
                                                 _LINUX_CAPABILITY_VERSION_3 };
    const unsigned bit = 1U << CAP_NET_BIND_SERVICE;
    struct __user_cap_data_struct sets[2] = { { bit, bit, bit } };

    if (setgroups(1, &group) != 0 || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 ||
        setresgid(group, group, group) != 0 ||
        setresuid(65534, 65534, 65534) != 0 ||
        syscall(SYS_capset, &head, sets) != 0 ||
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0,
              0) != 0 ||
        status_of("CapAmb") != bit) {
        return 1;
    }
    if (user_confine() != 0 || status_of("NoNewPrivs") != 1) {
        return 2;
    }
    return status_of("CapAmb") == 0 && status_of("CapPrm") == 0 &&
                   status_of("CapEff") == 0 && status_of("CapInh") == 0
               ? 0
               : 3;
}

/* Root that stays root keeps what root has, and no program can have more. */
static int confine_root(void)
{
    unsigned long long before = status_of("CapEff");

    return user_confine() == 0 && status_of("CapEff") == before &&
                   status_of("NoNewPrivs") == 1
               ? 0
               : 1;
}

/* Whose real or saved id is root's has not become anybody. */
static int finds_the_way_back(void)
{
    uid_t uid;
    gid_t gid;

    if (user_find("nobody", &uid, &gid) != 0 || setgroups(0, NULL) != 0 ||
        setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, 0) != 0) {
        return 1;
    }
    return user_become("nobody") != 0 && errno == EPERM ? 0 : 2;
}

static void in_child(int run(void))
{
    int status = 0;
    pid_t pid;

    if (geteuid() != 0) {
        skip();
    }
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(run());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_confine(void **state)
{
    (void)state;
    in_child(confine_nobody);
    in_child(confine_with_capability);
    in_child(confine_root);
}

static void test_way_back(void **state)
{
    (void)state;
    in_child(finds_the_way_back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_become),
        cmocka_unit_test(test_confine),
        cmocka_unit_test(test_way_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
