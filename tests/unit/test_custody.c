/* test_custody.c - what is the host's, and is found when it was changed */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include "proc/custody.h"

static struct custody custody;
static struct buf found;
static int ends[2];

static int make(void **state)
{
    (void)state;
    custody = (struct custody){ 0 };
    found = (struct buf){ 0 };
    assert_int_equal(pipe(ends), 0);
    custody_keep(&custody, -1, CUSTODY_BUS);
    custody_keep(&custody, ends[0], CUSTODY_CHANNEL);
    custody_keep(&custody, ends[1], CUSTODY_LISTENER);
    custody_begin(&custody);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    custody_end(&custody);
    buf_free(&found);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static void expect(bool whole, const char *text)
{
    buf_clear(&found);
    assert_int_equal(custody_check(&custody, &found), whole);
    assert_string_equal(found.len > 0 ? found.data : "", text);
}

static void all_is_well(void **state)
{
    (void)state;
    expect(true, "");
    assert_false(custody_broken(&custody));
}

static void puts_right_what_can_be(void **state)
{
    sigset_t all, now;
    char before[512], after[512];

    (void)state;
    assert_non_null(getcwd(before, sizeof before));
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    signal(SIGUSR1, SIG_IGN);
    assert_int_equal(chdir("/"), 0);
    umask(custody.umask ^ 022);
    assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
    expect(true, "the signal mask, the handler of SIGUSR1, the working "
                 "directory, the umask, the locale");
    expect(true, "");
    sigprocmask(SIG_BLOCK, NULL, &now);
    assert_int_equal(sigismember(&now, SIGTERM), 0);
    assert_non_null(getcwd(after, sizeof after));
    assert_string_equal(before, after);
    assert_string_equal(setlocale(LC_ALL, NULL), "C");
}

static void nothing(int number)
{
    (void)number;
}

/* The handler, its flags, its mask: each by itself. */
static void sees_each_part_of_an_action(void **state)
{
    struct sigaction kept, action;

    (void)state;
    sigaction(SIGHUP, NULL, &kept);
    action = kept;
    action.sa_flags |= SA_RESTART;
    sigaction(SIGHUP, &action, NULL);
    expect(true, "the handler of SIGHUP");
    action = kept;
    sigaddset(&action.sa_mask, SIGUSR2);
    sigaction(SIGHUP, &action, NULL);
    expect(true, "the handler of SIGHUP");
    action = kept;
    action.sa_handler = nothing;
    sigaction(SIGHUP, &action, NULL);
    expect(true, "the handler of SIGHUP");
    expect(true, "");
    signal(SIGCHLD, nothing); /* who starts programs has a use for it */
    expect(true, "");
}

static void sees_the_locale_of_the_thread(void **state)
{
    locale_t own = newlocale(LC_ALL_MASK, "C", (locale_t)0);

    (void)state;
    assert_true(own != (locale_t)0);
    uselocale(own);
    expect(true, "the locale");
    assert_true(uselocale((locale_t)0) == LC_GLOBAL_LOCALE);
    freelocale(own);
    expect(true, "");
}

static void sees_descriptors_that_are_gone(void **state)
{
    (void)state;
    close(ends[1]);
    expect(false, "a socket that listens");
    assert_true(custody_broken(&custody));
    assert_true(custody_lost(&custody, ends[1]));
    assert_false(custody_lost(&custody, ends[0]));
    assert_int_equal(open("/dev/null", O_RDWR | O_CLOEXEC), ends[1]);
    expect(false, "a socket that listens"); /* another has its number */
    assert_true(custody_lost(&custody, ends[1]));
    custody_drop(&custody, CUSTODY_LISTENER);
    expect(true, "");
    assert_false(custody_lost(&custody, ends[1]));
    close(ends[0]);
    expect(false, "the channel to the master");
}

/* All of epoll's kind have one inode. */
static void knows_the_loop_from_its_like(void **state)
{
    int loop = epoll_create1(EPOLL_CLOEXEC);

    (void)state;
    custody_keep(&custody, loop, CUSTODY_LOOP);
    expect(true, "");
    close(loop);
    assert_int_equal(eventfd(0, EFD_CLOEXEC), loop);
    expect(false, "the event loop");
    close(loop);
}

#define TIMER "a timer that would end the process (alarm, setitimer)"

static void own_handler(int number)
{
    (void)number;
}

static void survives_timers(void **state)
{
    const struct itimerval later = { { 0, 0 }, { 100, 0 } };

    (void)state;
    alarm(100);
    expect(true, TIMER);
    assert_int_equal(alarm(0), 0);
    expect(true, "");
    assert_int_equal(setitimer(ITIMER_PROF, &later, NULL), 0);
    expect(true, TIMER);
    assert_int_equal(raise(SIGALRM), 0);
    assert_int_equal(raise(SIGVTALRM), 0);
    expect(true, TIMER);
    signal(SIGALRM, SIG_DFL);
    expect(true, "");
    assert_int_equal(raise(SIGALRM), 0);
    expect(true, TIMER);
}

/* Who expects it may have it. */
static void leaves_timers_with_a_handler(void **state)
{
    (void)state;
    signal(SIGALRM, own_handler);
    alarm(100);
    expect(true, "");
    assert_int_not_equal(alarm(0), 0);
    signal(SIGALRM, SIG_DFL);
}

/* Also one that tells of an event only once is told. */
static void takes_nothing_from_the_loop(void **state)
{
    int loop = epoll_create1(EPOLL_CLOEXEC);
    int wake = eventfd(1, EFD_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN | EPOLLET };

    (void)state;
    assert_int_equal(epoll_ctl(loop, EPOLL_CTL_ADD, wake, &event), 0);
    custody_keep(&custody, loop, CUSTODY_LOOP);
    expect(true, "");
    assert_false(custody_broken(&custody));
    assert_int_equal(epoll_wait(loop, &event, 1, 0), 1);
    close(wake);
    close(loop);
}

/* What was to be put right with is gone: nothing is put wrong. */
static void leaves_the_folder_of_another(void **state)
{
    (void)state;
    assert_int_equal(close(custody.folder), 0);
    assert_int_equal(open("/", O_PATH | O_CLOEXEC), custody.folder);
    assert_int_equal(chdir("/tmp"), 0);
    expect(true, "");
    custody.has_folder = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_is_well, make, unmake),
        cmocka_unit_test_setup_teardown(puts_right_what_can_be, make, unmake),
        cmocka_unit_test_setup_teardown(sees_each_part_of_an_action, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(sees_the_locale_of_the_thread, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(sees_descriptors_that_are_gone, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(knows_the_loop_from_its_like, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(survives_timers, make, unmake),
        cmocka_unit_test_setup_teardown(leaves_timers_with_a_handler, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(takes_nothing_from_the_loop, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(leaves_the_folder_of_another, make,
                                        unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
