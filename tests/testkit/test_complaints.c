/* test_complaints.c - what a plugin does wrong though no client notices */
#include "puppet.h"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char told[8192];

static void keep(const char *text)
{
    size_t len = strlen(told);

    snprintf(told + len, sizeof told - len, "%s\n", text);
}

static int setup(void **state)
{
    puppet_setup(state);
    told[0] = '\0';
    bay_expect_report(keep);
    return 0;
}

/* So many complaints, the first with this in it. */
static void expect(int count, int free_result, const char *part)
{
    int lines = 0;

    for (const char *at = told; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    if (lines != count || free_result != count) {
        fail_msg("%d complaints were wanted, %d came, %d were told:\n%s", count,
                 free_result, lines, told);
    }
    if (strstr(told, "puppet: complaint: ") != told ||
        strstr(told, part) == NULL) {
        fail_msg("not about \"%s\":\n%s", part, told);
    }
}

/* ---- handles ----------------------------------------------------------- */

static int keep_conn(bay_conn *conn)
{
    puppet.conn = conn;
    return 0;
}

static int use_kept(bay_conn *conn, const bay_message *msg)
{
    (void)conn;
    puppet_hears("%s",
                 bay_strerror(bay_send(puppet.conn, BAY_TEXT, msg->data, 1)));
    return 0;
}

static void conn_after_close(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);
    bay_peer *gone, *other;

    (void)state;
    other = puppet_connect(test);
    puppet.open = keep_conn;
    puppet.message = use_kept;
    gone = puppet_connect(test);
    bay_peer_leave(gone, 1000, NULL);
    for (int i = 0; i < 20; i++) { /* its memory is not used again */
        puppet.open = NULL;
        puppet_connect(test);
    }
    bay_peer_text(other, "x");
    assert_string_equal(puppet_heard(), "invalid argument");
    assert_int_equal(bay_test_complaints(test), 1);
    expect(1, bay_test_free(test), "used a connection after its close hook");
}

static bay_request *kept_request;

static int keep_request(bay_conn *conn, bay_request *req)
{
    (void)conn;
    kept_request = req;
    return 0;
}

static int use_request(bay_conn *conn)
{
    (void)conn;
    puppet_hears("[%s]", bay_req_path(kept_request));
    return 0;
}

static void request_after_handshake(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);

    (void)state;
    puppet.handshake = keep_request;
    puppet.open = use_request;
    puppet_connect(test);
    assert_string_equal(puppet_heard(), "[]");
    expect(1, bay_test_free(test), "used a request after its hook");
}

/* ---- threads and time -------------------------------------------------- */

static void work_calls(void *arg)
{
    bay_log(arg, BAY_INFO, "that is allowed");
    bay_publish(arg, "news", BAY_TEXT, "x", 1, 0);
}

static int defers(bay_conn *conn)
{
    bay_route *route = bay_conn_route(conn);

    return bay_defer(route, work_calls, NULL, route);
}

static void host_call_in_work(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);

    (void)state;
    puppet.open = defers;
    puppet_connect(test);
    BAY_EXPECT_LOG(test, "that is allowed");
    expect(1, bay_test_free(test), "bay_publish was called by deferred work");
}

static void block(void)
{
    const struct timespec pause = { .tv_nsec = 60000000 };

    nanosleep(&pause, NULL);
}

static int blocks(bay_conn *conn)
{
    (void)conn;
    block();
    return 0;
}

static void blocking_hook(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, "slow_hook = 20ms");

    (void)state;
    puppet.open = blocks;
    puppet_connect(test);
    expect(1, bay_test_free(test), "the open hook took ");
    told[0] = '\0';
    test = bay_test_new(&puppet_plugin, "slow_hook = 1m");
    puppet_connect(test);
    assert_int_equal(bay_test_free(test), 0);
}

static int blocks_start(bay_route *route)
{
    (void)route;
    block();
    return 0;
}

static void blocks_stop(bay_route *route)
{
    (void)route;
    block();
}

static void blocking_start_and_stop(void **state)
{
    bay_test *test;

    (void)state;
    puppet.start = blocks_start;
    puppet.stop = blocks_stop;
    test = bay_test_new(&puppet_plugin, "slow_hook = 20ms");
    assert_int_equal(bay_test_complaints(test), 1);
    expect(2, bay_test_free(test), "the start hook took ");
    assert_non_null(strstr(told, "the stop hook took "));
}

/* ---- what is left ------------------------------------------------------ */

static int sets_timer(bay_conn *conn)
{
    bay_timer_set(bay_conn_route(conn), 7, 60000); /* of the route */
    return bay_timer_set(bay_conn_route(conn), bay_conn_id(conn), 60000);
}

static void clears_timer(bay_conn *conn, int code, const char *reason)
{
    (void)code;
    (void)reason;
    bay_timer_clear(bay_conn_route(conn), bay_conn_id(conn));
}

static void timer_of_connection(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);

    (void)state;
    puppet.open = sets_timer;
    puppet_connect(test);
    expect(1, bay_test_free(test), "is still set, and the connection has");
    told[0] = '\0';
    puppet.close = clears_timer;
    test = bay_test_new(&puppet_plugin, NULL);
    puppet_connect(test);
    assert_int_equal(bay_test_free(test), 0);
    puppet.close = NULL;
    test = bay_test_new(&puppet_plugin, NULL);
    puppet_connect(test);
    bay_test_advance(test, 60000); /* it has fired */
    assert_int_equal(bay_test_free(test), 0);
    assert_string_equal(told, "");
}

static int listens(bay_conn *conn)
{
    return bay_listen(bay_conn_route(conn), "room.lobby");
}

static int listens_in_start(bay_route *route)
{
    bay_timer_set(route, 1, 60000);
    return bay_listen(route, "control");
}

static void unlistens(bay_conn *conn, int code, const char *reason)
{
    (void)code;
    (void)reason;
    bay_unlisten(bay_conn_route(conn), "room.lobby");
}

static int watches(bay_conn *conn)
{
    return bay_watch(bay_conn_route(conn), "room.lobby");
}

static void unwatches(bay_conn *conn, int code, const char *reason)
{
    (void)code;
    (void)reason;
    bay_unwatch(bay_conn_route(conn), "room.lobby");
}

static void topic_of_connections(void **state)
{
    bay_test *test;

    (void)state;
    puppet.start = listens_in_start;
    puppet.open = listens;
    test = bay_test_new(&puppet_plugin, NULL);
    puppet_connect(test);
    puppet_connect(test);
    expect(1, bay_test_free(test), "the topic \"room.lobby\"");
    told[0] = '\0';
    puppet.close = unlistens;
    test = bay_test_new(&puppet_plugin, NULL);
    puppet_connect(test);
    assert_int_equal(bay_test_free(test), 0);

    puppet.open = watches;
    test = bay_test_new(&puppet_plugin, NULL);
    puppet_connect(test);
    expect(1, bay_test_free(test), "is still watched");
    told[0] = '\0';
    puppet.close = unwatches;
    test = bay_test_new(&puppet_plugin, NULL);
    puppet_connect(test);
    assert_int_equal(bay_test_free(test), 0);
}

/* ---- no end ------------------------------------------------------------ */

static void does_nothing(void *arg)
{
    (void)arg;
}

static void again(bay_route *route, void *arg, int status)
{
    if (status == BAY_OK) {
        bay_defer(route, does_nothing, again, arg);
    }
}

static int begins_it(bay_route *route)
{
    return bay_defer(route, does_nothing, again, NULL);
}

static void work_without_end(void **state)
{
    bay_test *test;

    (void)state;
    puppet.start = begins_it;
    test = bay_test_new(&puppet_plugin, NULL);
    bay_test_hold_work(test, true);
    expect(1, bay_test_free(test), "does not come to an end");
}

/* ---- wanted ------------------------------------------------------------ */

static void is_wanted(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);

    (void)state;
    puppet.open = sets_timer;
    puppet_connect(test);
    bay_test_want_complaint(test, "timer of connection");
    assert_int_equal(bay_test_free(test), 0);
    assert_string_equal(told, "");
    test = bay_test_new(&puppet_plugin, NULL);
    bay_test_want_complaint(test, "timer of connection");
    expect(1, bay_test_free(test), "was wanted, and none came");
}

static bay_peer *caller;

static int calls_library(bay_conn *conn)
{
    (void)conn;
    bay_peer_text(caller, "from inside");
    return 0;
}

static void called_from_a_hook(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);

    (void)state;
    caller = puppet_connect(test);
    puppet.message = puppet_hears_message;
    puppet.open = calls_library;
    puppet_connect(test);
    assert_string_equal(puppet_heard(), "from inside "); /* afterwards */
    expect(1, bay_test_free(test), "called from inside a hook");
}

static jmp_buf back;

static int leaves(bay_conn *conn, const bay_message *msg)
{
    (void)conn;
    (void)msg;
    longjmp(back, 1);
}

/* What came of it: a word, or "" if all is well. */
static const char *leave_by_longjmp(void)
{
    bay_test *volatile test = bay_test_new(&puppet_plugin, NULL);
    bay_peer *volatile peer = puppet_connect(test);

    puppet.message = leaves;
    if (setjmp(back) == 0) {
        bay_peer_text(peer, "x");
        return "not left";
    }
    puppet.close = puppet_hears_close;
    bay_peer_text(peer, "y");
    if (bay_test_free(test) != 1 || strstr(told, "left by longjmp") == NULL) {
        return "not told";
    }
    return strcmp(puppet_heard(), "close:1001:the test is over ") != 0
               ? "not closed"
               : "";
}

/* As an assertion of cmocka does that fails inside a hook. In a child, since
 * what was on the stack is never freed, which is no news to a sanitizer. */
static void hook_left_by_longjmp(void **state)
{
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        const char *wrong = leave_by_longjmp();

        fputs(wrong, stderr);
        _exit(*wrong != '\0');
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void no_such_worker(void **state)
{
    bay_test *test = bay_test_new(&puppet_plugin, NULL);
    const bay_client client = { .worker = 3 };

    (void)state;
    assert_int_equal(
        bay_peer_status(bay_test_connect_as(test, "/puppet", &client)), 0);
    expect(1, bay_test_free(test), "no worker 3");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        TEST(conn_after_close),
        TEST(request_after_handshake),
        TEST(host_call_in_work),
        TEST(blocking_hook),
        TEST(blocking_start_and_stop),
        TEST(timer_of_connection),
        TEST(topic_of_connections),
        TEST(work_without_end),
        TEST(is_wanted),
        TEST(no_such_worker),
        TEST(called_from_a_hook),
        TEST(hook_left_by_longjmp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
