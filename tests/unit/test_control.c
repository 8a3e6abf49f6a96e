/* test_control.c - the control socket */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "caught_log.h"
#include "folder.h"
#include "patience.h"
#include "proc/control.h"
#include "proc/reason.h"
#include "proc/unix.h"

static struct poller poller;
static struct control *control;
static uint64_t tickets[64];
static size_t asked;
static char why[REASON_SIZE];

static void request(void *arg, uint64_t ticket, const json_t *what)
{
    const char *name = json_string_value(json_object_get(what, "do"));

    assert_ptr_equal(arg, &asked);
    assert_non_null(name);
    tickets[asked++] = ticket;
    if (strcmp(name, "now") == 0) {
        control_answer(control, ticket, json_pack("{s:s}", "said", "now"));
    } else if (strcmp(name, "hold") == 0) {
        control_answer_and_hold(control, ticket,
                                json_pack("{s:s}", "said", "hold"));
    }
}

static int make(void **state)
{
    asked = 0;
    if (folder_make(state) < 0) {
        return -1;
    }
    control = control_create(&poller, folder, request, &asked, why, sizeof why);
    return control != NULL ? 0 : -1;
}

static int unmake(void **state)
{
    control_destroy(control);
    poller_finish(&poller);
    return folder_remove(state);
}

static bool something_is_due(void)
{
    for (size_t i = 0; i < poller.count; i++) {
        struct pollfd fd = { .fd = -1 };

        if (poller.watches[i] != NULL) {
            fd.fd = poller.watches[i]->fd;
            fd.events = poller.watches[i]->events;
        }
        if (poll(&fd, 1, 0) > 0) {
            return true;
        }
    }
    return false;
}

/* Lets the host do all it can without waiting. */
static void settle(void)
{
    while (something_is_due()) {
        assert_int_equal(poller_turn(&poller), 0);
    }
}

static int dial(const char *text)
{
    int fd = unix_connect(folder_file(CONTROL_NAME));

    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    settle();
    return fd;
}

/* What was answered so far, and whether the connection has ended. */
static bool heard(int fd, char *out, size_t size)
{
    size_t len = 0;
    ssize_t got = 1;

    while (len < size - 1 && got > 0) {
        got = read(fd, out + len, size - 1 - len);
        len += got > 0 ? (size_t)got : 0;
    }
    out[len] = 0;
    return got == 0;
}

static void expect(const char *text, const char *answer)
{
    char out[512];
    int fd = dial(text);

    assert_true(heard(fd, out, sizeof out));
    assert_string_equal(out, answer);
    close(fd);
}

static void answers_and_ends(void **state)
{
    (void)state;
    expect("{\"do\":\"now\"}\n", "{\"said\":\"now\"}\n");
    expect("{\"do\":\"now\"}\n", "{\"said\":\"now\"}\n");
    assert_int_equal(asked, 2);
    assert_int_not_equal(tickets[0], tickets[1]);
}

static void answers_later(void **state)
{
    char out[512];
    int fd = dial("{\"do\":\"later\"}\n");

    (void)state;
    assert_false(heard(fd, out, sizeof out));
    control_answer(control, tickets[0], json_pack("{s:i}", "n", 1));
    settle();
    assert_true(heard(fd, out, sizeof out));
    assert_string_equal(out, "{\"n\":1}\n");
    /* Its ticket is no one's any more. */
    control_answer(control, tickets[0], json_pack("{s:i}", "n", 2));
    control_answer(control, 0, json_pack("{s:i}", "n", 2));
    close(fd);
}

static void holds_on(void **state)
{
    char out[512];
    int fd = dial("{\"do\":\"hold\"}\n");

    (void)state;
    assert_false(heard(fd, out, sizeof out));
    assert_string_equal(out, "{\"said\":\"hold\"}\n");
    control_retire(control);
    assert_int_equal(access(folder_file(CONTROL_NAME), F_OK), -1);
    assert_false(heard(fd, out, sizeof out));
    control_destroy(control);
    control = NULL;
    assert_true(heard(fd, out, sizeof out));
    close(fd);
}

static void one_request_a_connection(void **state)
{
    (void)state;
    expect("{\"do\":\"now\"}\n{\"do\":\"now\"}\n", "{\"said\":\"now\"}\n");
    assert_int_equal(asked, 1);
}

static void refuses_what_is_no_request(void **state)
{
    static const char *const table[] = { "\n", "hello\n", "[]\n", "{}\n",
                                         "{\"do\":1}\n" };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        expect(table[i], "{\"ok\":false,\"error\":\"a request is a line such "
                         "as {\\\"do\\\":\\\"status\\\"}\"}\n");
    }
    assert_int_equal(asked, 0);
}

static void reads_no_book(void **state)
{
    char text[6000], out[16];
    int fd;

    (void)state;
    memset(text, ' ', sizeof text - 1);
    text[sizeof text - 1] = 0;
    fd = dial(text);
    assert_true(heard(fd, out, sizeof out));
    assert_int_equal(asked, 0);
    close(fd);
}

static void makes_room_for_who_asks(void **state)
{
    int idle[40];

    (void)state;
    for (size_t i = 0; i < 40; i++) {
        idle[i] = dial("");
    }
    expect("{\"do\":\"now\"}\n", "{\"said\":\"now\"}\n");
    for (size_t i = 0; i < 40; i++) {
        close(idle[i]);
    }
}

static void bounds_those_that_wait(void **state)
{
    int waiting[16];

    (void)state;
    for (size_t i = 0; i < 16; i++) {
        waiting[i] = dial("{\"do\":\"later\"}\n");
    }
    assert_int_equal(asked, 16);
    expect("", "{\"ok\":false,\"error\":\"too many commands at once\"}\n");
    close(waiting[0]);
    settle();
    expect("{\"do\":\"now\"}\n", "{\"said\":\"now\"}\n");
    for (size_t i = 1; i < 16; i++) {
        close(waiting[i]);
    }
}

/* Somebody has removed the socket. */
static void listens_anew(void **state)
{
    struct stat stat_of;

    (void)state;
    assert_int_equal(unlink(folder_file(CONTROL_NAME)), 0);
    assert_int_equal(unix_connect(folder_file(CONTROL_NAME)), -1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(control_restore(control, why, sizeof why), 0);
        expect("{\"do\":\"now\"}\n", "{\"said\":\"now\"}\n");
        assert_int_equal(stat(folder_file(CONTROL_NAME), &stat_of), 0);
        assert_int_equal(stat_of.st_mode & 0777, 0600);
    }
}

static void is_for_its_owner_alone(void **state)
{
    struct stat stat_of;
    struct control *other;

    (void)state;
    assert_int_equal(stat(folder_file(CONTROL_NAME), &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0600);
    other = control_create(&poller, folder, request, &asked, why, sizeof why);
    assert_null(other);
    assert_non_null(strstr(why, "address already in use"));
    expect("{\"do\":\"now\"}\n", "{\"said\":\"now\"}\n");
}

/* Takes all descriptors that there are, few as they are. */
static size_t use_up(int *fds, size_t max)
{
    struct rlimit few;
    size_t n = 0;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &few), 0);
    few.rlim_cur = max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    while (n < max && (fds[n] = dup(0)) >= 0) {
        n++;
    }
    assert_int_equal(errno, EMFILE);
    return n;
}

/* It is asked again now and then, not all the time, and said once. Who asked
 * before gets his answer, and who waits is served when there are some. Not
 * so under valgrind: see test_receivers.c. */
static void waits_when_descriptors_run_out(void **state)
{
    struct tally *tally = tally_create();
    int fds[64], early, late;
    size_t count, turns = 0;
    struct rlimit limit;
    char out[64];

    (void)state;
    if (under_valgrind()) {
        tally_destroy(tally);
        skip();
    }
    assert_int_equal(caught_log_begin(), 0);
    control_count_in(control, tally);
    early = dial("{\"do\":\"later\"}\n");
    late = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    count = use_up(fds, sizeof fds / sizeof fds[0]);
    close(late);
    late = dial("{\"do\":\"now\"}\n");
    assert_int_equal(stat_get(&tally->control_paused), 1);
    control_answer_and_hold(control, tickets[0], json_pack("{s:i}", "n", 1));
    while (stat_get(&tally->control_paused) < 4) {
        assert_int_equal(poller_turn(&poller), 0);
        turns++;
    }
    assert_true(turns < 20);
    heard(early, out, sizeof out);
    assert_string_equal(out, "{\"n\":1}\n");
    assert_int_equal(caught_log_count("the control socket takes nobody for a "
                                      "while: too many open files"),
                     1);
    while (count > 0) {
        close(fds[--count]);
    }
    while (asked < 2) {
        assert_int_equal(poller_turn(&poller), 0);
    }
    settle();
    assert_true(heard(late, out, sizeof out));
    assert_string_equal(out, "{\"said\":\"now\"}\n");
    assert_int_equal(caught_log_count("takes commands again"), 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    control_count_in(control, NULL);
    tally_destroy(tally);
    caught_log_end();
    close(early);
    close(late);
}

/* ---- who may ask ------------------------------------------------------- */

#define STRANGER 4711
#define GROUP    4712 /* of a child; the name is that of the group 0 */

/* What a child hears that has become another, with that group. */
static void expect_as(uid_t uid, gid_t gid, size_t extra, const gid_t *groups,
                      const char *answer)
{
    static const char text[] = "{\"do\":\"now\"}\n";
    char out[512];
    int ends[2], status;
    size_t len = 0;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd;
        ssize_t got;

        if (setgroups(extra, groups) != 0 || setresgid(gid, gid, gid) != 0 ||
            setresuid(uid, uid, uid) != 0) {
            _exit(1);
        }
        fd = unix_connect(folder_file(CONTROL_NAME));
        if (fd < 0 || write(fd, text, sizeof text - 1) < 0) {
            _exit(2);
        }
        got = read(fd, out, sizeof out);
        _exit(got > 0 && write(ends[1], out, (size_t)got) == got ? 0 : 3);
    }
    close(ends[1]);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    while (waitpid(pid, &status, WNOHANG) == 0) {
        settle();
    }
    assert_int_equal(status, 0);
    len = (size_t)read(ends[0], out, sizeof out - 1);
    close(ends[0]);
    out[len] = 0;
    if (strstr(out, answer) == NULL) {
        fail_msg("%s", out);
    }
}

static void knows_who_asks(void **state)
{
    static const gid_t groups[] = { GROUP, 0 };
    static const char none[] = "only root, the user that runs this host";
    uint64_t begin_ms = clock_now_ms();
    struct stat stat_of;
    char expected[128];

    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(caught_log_begin(), 0);
    /* Somebody has opened it to everybody. */
    chmod(folder, 0755);
    chmod(folder_file(CONTROL_NAME), 0666);
    expect_as(STRANGER, GROUP, 0, NULL, none);
    assert_int_equal(asked, 0);
    assert_int_equal(caught_log_count("a command was refused: process "), 1);
    snprintf(expected, sizeof expected,
             " is user %d, group %d, who may not ask here (1 refused so far)",
             STRANGER, GROUP);
    assert_int_equal(caught_log_count(expected), 1);
    /* Not a line each. */
    for (int i = 0; i < 5; i++) {
        expect_as(STRANGER, 0, 0, NULL, none);
    }
    assert_true(caught_log_count("a command was refused: process ") <=
                2 + (int)((clock_now_ms() - begin_ms) / 1000));
    expect_as(0, 0, 0, NULL, "now");

    /* Members of a group, whether it is their first one or not. */
    assert_int_equal(control_set_group(control, "root", why, sizeof why), 0);
    assert_int_equal(stat(folder_file(CONTROL_NAME), &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0660);
    chmod(folder_file(CONTROL_NAME), 0666);
    expect_as(STRANGER, GROUP, 0, NULL, none);
    expect_as(STRANGER, 0, 0, NULL, "now");
    expect_as(STRANGER, GROUP, 2, groups, "now");
    assert_int_equal(control_set_group(control, "no-group", why, sizeof why),
                     -1);
    assert_string_equal(why, "[server] control_group: no group \"no-group\"");
    assert_int_equal(control_set_group(control, NULL, why, sizeof why), 0);
    assert_int_equal(stat(folder_file(CONTROL_NAME), &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0600);
    caught_log_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_and_ends, make, unmake),
        cmocka_unit_test_setup_teardown(answers_later, make, unmake),
        cmocka_unit_test_setup_teardown(holds_on, make, unmake),
        cmocka_unit_test_setup_teardown(one_request_a_connection, make, unmake),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_request, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(reads_no_book, make, unmake),
        cmocka_unit_test_setup_teardown(makes_room_for_who_asks, make, unmake),
        cmocka_unit_test_setup_teardown(bounds_those_that_wait, make, unmake),
        cmocka_unit_test_setup_teardown(listens_anew, make, unmake),
        cmocka_unit_test_setup_teardown(waits_when_descriptors_run_out, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(is_for_its_owner_alone, make, unmake),
        cmocka_unit_test_setup_teardown(knows_who_asks, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
