/* test_work.c - deferred work on real threads, finished on the loop's */
#include "net_rig.h"

#include <pthread.h>

/* One job: what it did, and where. */
struct errand {
    pthread_t ran_on;
    bool ran;
    int finished; /* times */
    int status;
};

static bay_route *route;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static int keep_route(bay_conn *conn)
{
    route = bay_conn_route(conn);
    return 0;
}

static void run(void *arg)
{
    struct errand *errand = arg;

    pthread_mutex_lock(&gate); /* shut while a test holds it */
    pthread_mutex_unlock(&gate);
    errand->ran_on = pthread_self();
    errand->ran = true;
}

static void done(bay_route *of, void *arg, int status)
{
    struct errand *errand = arg;

    assert_ptr_equal(of, route);
    errand->finished++;
    errand->status = status;
}

static void start(struct client *client)
{
    route = NULL;
    net_start_route("/a");
    script.on_open = keep_route;
    client_open(client, "/a");
    net_until(route != NULL);
}

static void runs_elsewhere_and_finishes_here(void **state)
{
    struct errand errands[20] = { { .finished = 0 } };
    struct client client;

    (void)state;
    start(&client);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(bay_defer(route, run, done, &errands[i]), BAY_OK);
    }
    assert_int_equal(core_jobs(net.core), 20);
    net_until(core_jobs(net.core) == 0);
    for (int i = 0; i < 20; i++) {
        assert_true(errands[i].ran);
        assert_false(pthread_equal(errands[i].ran_on, pthread_self()));
        assert_int_equal(errands[i].finished, 1);
        assert_int_equal(errands[i].status, BAY_OK);
    }
    assert_null(net.server->works);
    client_leave(&client);
}

/* More than there are threads, of which those that have begun cannot be
 * canceled. */
static void canceled_if_not_begun(void **state)
{
    struct errand errands[40] = { { .finished = 0 } };
    struct client client;
    int ran = 0, canceled = 0;

    (void)state;
    start(&client);
    pthread_mutex_lock(&gate);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(bay_defer(route, run, done, &errands[i]), BAY_OK);
    }
    net_serve_ms(20); /* the threads take what they can */
    core_cancel_jobs(net.core);
    net_serve_ms(20);
    pthread_mutex_unlock(&gate);
    net_until(core_jobs(net.core) == 0);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(errands[i].finished, 1);
        assert_int_equal(errands[i].status,
                         errands[i].ran ? BAY_OK : BAY_ECANCELED);
        ran += errands[i].ran;
        canceled += !errands[i].ran;
    }
    assert_true(ran > 0);
    assert_true(canceled > 0);
    client_leave(&client);
}

static void *open_gate(void *arg)
{
    struct timespec moment = { .tv_nsec = 50000000 };

    (void)arg;
    nanosleep(&moment, NULL);
    pthread_mutex_unlock(&gate);
    return NULL;
}

/* The end waits for what has begun, and done runs before stop. */
static void the_end_waits(void **state)
{
    struct errand errand = { .finished = 0 };
    struct client client;
    pthread_t opener;

    (void)state;
    start(&client);
    script_heard();
    pthread_mutex_lock(&gate);
    assert_int_equal(bay_defer(route, run, done, &errand), BAY_OK);
    net_serve_ms(20);
    pthread_create(&opener, NULL, open_gate, NULL);
    server_close(net.server);
    pthread_join(opener, NULL);
    assert_true(errand.ran);
    net_finish();
    assert_int_equal(errand.finished, 1);
    assert_int_equal(errand.status, BAY_OK);
    assert_string_equal(script_heard(), "close:1006: stop ");
    client_leave(&client);
}

/* The loop goes on while a thread works. */
static void nobody_waits(void **state)
{
    struct errand errand = { .finished = 0 };
    struct client client;

    (void)state;
    start(&client);
    script.on_message = net_echo;
    pthread_mutex_lock(&gate);
    assert_int_equal(bay_defer(route, run, done, &errand), BAY_OK);
    client_text(&client, "meanwhile");
    client_expect_text(&client, "meanwhile");
    assert_int_equal(errand.finished, 0);
    pthread_mutex_unlock(&gate);
    net_until(errand.finished == 1);
    client_leave(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(runs_elsewhere_and_finishes_here),
        NET_TEST(canceled_if_not_begun),
        NET_TEST(the_end_waits),
        NET_TEST(nobody_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
