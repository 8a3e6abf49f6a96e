/* test_user.c - becoming another user, for good */
#include "base/user.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <grp.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_become),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
