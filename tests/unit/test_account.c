/* test_account.c - the user the workers run as */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "folder.h"
#include "proc/account.h"
#include "proc/reason.h"

static char why[REASON_SIZE];

static void stays_who_it_is(void **state)
{
    struct account account;

    (void)state;
    assert_int_equal(account_find(&account, NULL, why, sizeof why), 0);
    assert_null(account.name);
    assert_int_equal(account_give(&account, "/nowhere", why, sizeof why), 0);
    assert_int_equal(account_become(&account, why, sizeof why), 0);
}

static void knows_its_users(void **state)
{
    struct account account;

    (void)state;
    assert_int_equal(account_find(&account, "no-such-user", why, sizeof why),
                     -1);
    assert_string_equal(why, "[server] user: no user \"no-such-user\"");
}

/* What only root can do, and what everyone else is told. */
static void becomes_nobody_for_good(void **state)
{
    struct account account;
    struct stat stat_of;
    const char *file = folder_file("f");
    int status, fd;
    pid_t pid;

    (void)state;
    if (geteuid() != 0) {
        assert_int_equal(account_find(&account, "root", why, sizeof why), -1);
        assert_non_null(strstr(why, "only root can become"));
        return;
    }
    assert_int_equal(account_find(&account, "nobody", why, sizeof why), 0);
    fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    close(fd);
    assert_int_equal(account_give(&account, file, why, sizeof why), 0);
    assert_int_equal(stat(file, &stat_of), 0);
    assert_int_equal(stat_of.st_uid, account.uid);
    assert_int_equal(stat_of.st_gid, account.gid);
    assert_int_equal(account_give(&account, "/nowhere", why, sizeof why), -1);
    pid = fork();
    if (pid == 0) {
        if (account_become(&account, why, sizeof why) < 0) {
            _exit(1);
        }
        _exit(getuid() == account.uid && getegid() == account.gid &&
                      setuid(0) < 0 && setgid(0) < 0
                  ? 0
                  : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stays_who_it_is),
        cmocka_unit_test(knows_its_users),
        cmocka_unit_test_setup_teardown(becomes_nobody_for_good, folder_make,
                                        folder_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
