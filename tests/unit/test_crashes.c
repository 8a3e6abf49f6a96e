/* test_crashes.c - crash reports are written, and the oldest removed */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caught_log.h"
#include "folder.h"
#include "proc/crashes.h"
#include "proc/tally.h"

static struct poller poller;
static struct crashes crashes;
static struct board *board;
static struct tally *tally;
static const struct account account;

static void in_child(void *arg)
{
    (void)arg;
}

static int make(void **state)
{
    caught_log_begin();
    poller = (struct poller){ 0 };
    crashes = (struct crashes){ .poller = &poller,
                                .run_dir = folder,
                                .images_dir = folder,
                                .tally = tally = tally_create(),
                                .in_child = in_child };
    board = board_create(2, 1);
    return folder_make(state);
}

static int unmake(void **state)
{
    crashes_finish(&crashes);
    poller_finish(&poller);
    board_destroy(board);
    tally_destroy(tally);
    caught_log_end();
    while (waitpid(-1, NULL, 0) > 0) {
    }
    return folder_remove(state);
}

static void note(unsigned worker, int status, unsigned keep)
{
    crashes_note(&crashes, board, worker, 77, status, "it fell", NULL, keep,
                 &account);
    while (crashes.jobs != NULL) {
        assert_int_equal(poller_turn(&poller), 0);
    }
}

static void expect_counts(uint64_t written, uint64_t suppressed)
{
    assert_int_equal(stat_get(&tally->reports_written), written);
    assert_int_equal(stat_get(&tally->reports_suppressed), suppressed);
}

static unsigned count_files(void)
{
    DIR *dir = opendir(folder_file("crashes"));
    unsigned count = 0;
    const struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    closedir(dir);
    return count;
}

static void are_written(void **state)
{
    const struct crash_last *last;
    struct stat stat_;
    char text[64] = "";
    FILE *file;

    (void)state;
    assert_null(crashes_last(&crashes, 1));
    note(1, SIGSEGV, 20);
    last = crashes_last(&crashes, 1);
    assert_non_null(last);
    assert_true(last->wall_ms > 0);
    assert_string_equal(last->what, "it fell");
    assert_int_equal(stat(last->file, &stat_), 0);
    assert_int_equal(stat_.st_mode & 0777, 0600);
    assert_int_equal(stat(folder_file("crashes"), &stat_), 0);
    assert_int_equal(stat_.st_mode & 0777, 0700);
    file = fopen(last->file, "r");
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, "patchbay crash report\n");
    assert_int_equal(caught_log_count("the crash report is "), 1);
    assert_null(crashes_last(&crashes, 0));
    expect_counts(1, 0);
}

static void oldest_go(void **state)
{
    char last[PATH_MAX];

    (void)state;
    for (int i = 0; i < 5; i++) {
        note(0, SIGABRT, 3);
        usleep(2000); /* their names tell the time */
    }
    assert_int_equal(count_files(), 3);
    snprintf(last, sizeof last, "%s", crashes.last[0].file);
    assert_int_equal(access(last, R_OK), 0);
}

static void are_not_wanted(void **state)
{
    (void)state;
    note(0, SIGSEGV, 0);
    assert_string_equal(crashes.last[0].what, "it fell");
    assert_string_equal(crashes.last[0].file, "");
    assert_int_equal(access(folder_file("crashes"), F_OK), -1);
    expect_counts(0, 1);
}

static void are_about_crashes(void **state)
{
    (void)state;
    note(0, SIGKILL, 20);
    assert_null(crashes_last(&crashes, 0));
    crashes_note(NULL, board, 0, 77, SIGSEGV, "x", NULL, 20, &account);
    expect_counts(0, 0);
}

static void do_not_pile_up(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        crashes_note(&crashes, board, 0, 77 + i, SIGSEGV, "x", NULL, 20,
                     &account);
    }
    assert_true(crashes.job_count < 20);
    assert_true(caught_log_count("too many at once") > 0);
    expect_counts(0, 20 - crashes.job_count);
    while (crashes.jobs != NULL) {
        assert_int_equal(poller_turn(&poller), 0);
    }
    assert_int_equal(stat_get(&tally->reports_written) +
                         stat_get(&tally->reports_suppressed),
                     20);
}

/* The folder cannot be made. */
static void may_fail(void **state)
{
    FILE *file = fopen(folder_file("crashes"), "w");

    (void)state;
    fclose(file);
    note(0, SIGSEGV, 20);
    assert_string_equal(crashes.last[0].file, "");
    assert_int_equal(caught_log_count("cannot write a crash report"), 1);
    expect_counts(0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(are_written, make, unmake),
        cmocka_unit_test_setup_teardown(oldest_go, make, unmake),
        cmocka_unit_test_setup_teardown(are_not_wanted, make, unmake),
        cmocka_unit_test_setup_teardown(are_about_crashes, make, unmake),
        cmocka_unit_test_setup_teardown(do_not_pile_up, make, unmake),
        cmocka_unit_test_setup_teardown(may_fail, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
