/* test_conf_limits.c - the keys that bound what clients and plugins do */
#include "ini_file.h"

/* Numbers that follow one another, so that none stands for another. */
static void expect(const struct conf_limits *limits, unsigned first,
                   enum conf_over_rate over_rate)
{
    assert_int_equal(limits->rate, first + 2);
    assert_int_equal(limits->burst, first + 3);
    assert_int_equal(limits->rate_bytes, (first + 4) << 10);
    assert_int_equal(limits->burst_bytes, (first + 5) << 10);
    assert_int_equal(limits->over_rate, over_rate);
    assert_int_equal(limits->per_address, first + 7);
}

static void read_from_limits_and_route(void **state)
{
    struct conf *conf = ini_file_load("[limits]\n"
                                      "fragments = 21\n"
                                      "rate = 23\n"
                                      "burst = 24\n"
                                      "rate_bytes = 25k\n"
                                      "burst_bytes = 26k\n"
                                      "over_rate = close\n"
                                      "queue_total = 27m\n"
                                      "receive_total = 39m\n"
                                      "per_address = 28\n"
                                      "connect_rate = 29\n"
                                      "connect_burst = 30\n"
                                      "[route.a]\n"
                                      "path = /a\n"
                                      "plugin = chat\n"
                                      "fragments = 22\n"
                                      "rate = 33\n"
                                      "burst = 34\n"
                                      "rate_bytes = 35k\n"
                                      "burst_bytes = 36k\n"
                                      "over_rate = wait\n"
                                      "per_address = 38\n"
                                      "[route.b]\n"
                                      "path = /b\n"
                                      "plugin = chat\n");

    (void)state;
    assert_int_equal(conf->queue_total, 27 << 20);
    assert_int_equal(conf->receive_total, 39 << 20);
    assert_int_equal(conf->connect_rate, 29);
    assert_int_equal(conf->connect_burst, 30);
    expect(&conf->limits, 21, CONF_RATE_CLOSE);
    expect(&conf->routes[1].limits, 21, CONF_RATE_CLOSE);
    assert_int_equal(conf->routes[0].limits.fragments, 22);
    expect(&conf->routes[0].limits, 31, CONF_RATE_WAIT);
    conf_free(conf);
}

static void recycle_workers(void **state)
{
    struct conf *conf = ini_file_load("[server]\n"
                                      "workers = 3\n"
                                      "max_memory = 300m\n"
                                      "max_requests = 5000\n"
                                      "recycle_interval = 8s\n");

    (void)state;
    assert_int_equal(conf->max_memory, 300 << 20);
    assert_int_equal(conf->max_requests, 5000);
    assert_int_equal(conf->recycle_interval_ms, 8000);
    assert_int_equal(conf_places(conf), 4);
    conf->max_memory = 0;
    assert_int_equal(conf_places(conf), 4);
    conf->max_requests = 0;
    assert_int_equal(conf_places(conf), 3);
    conf_free(conf);
}

static void have_defaults(void **state)
{
    struct conf *conf = ini_file_load("[route.a]\n"
                                      "path = /a\n"
                                      "plugin = chat\n");

    (void)state;
    assert_int_equal(conf->routes[0].limits.fragments, 1024);
    assert_int_equal(conf->routes[0].limits.rate, 0);
    assert_int_equal(conf->routes[0].limits.rate_bytes, 0);
    assert_int_equal(conf->routes[0].limits.over_rate, CONF_RATE_WAIT);
    assert_int_equal(conf->queue_total, 256 << 20);
    assert_int_equal(conf->receive_total, 256 << 20);
    assert_int_equal(conf->max_memory, 0);
    assert_int_equal(conf->max_requests, 0);
    assert_int_equal(conf->recycle_interval_ms, 60000);
    assert_int_equal(conf->routes[0].limits.per_address, 0);
    assert_int_equal(conf->connect_rate, 0);
    assert_int_equal(conf->routes[0].limits.hook_timeout_ms, 10000);
    assert_int_equal(conf->crash_reports, 20);
    assert_true(conf->crash_messages);
    conf_free(conf);
}

static void bound_plugins(void **state)
{
    struct conf *conf = ini_file_load("[log]\n"
                                      "crash_reports = 0\n"
                                      "crash_messages = no\n"
                                      "[limits]\n"
                                      "hook_timeout = 0\n"
                                      "[route.a]\n"
                                      "path = /a\n"
                                      "plugin = chat\n"
                                      "hook_timeout = 1h\n");

    (void)state;
    assert_int_equal(conf->crash_reports, 0);
    assert_false(conf->crash_messages);
    assert_int_equal(conf->limits.hook_timeout_ms, 0);
    assert_int_equal(conf->routes[0].limits.hook_timeout_ms, 3600000);
    conf_free(conf);
}

static void have_ranges(void **state)
{
    (void)state;
    ini_file_refuse("[limits]\nfragments = 0\n",
                    "p.ini:2: [limits] fragments: \"0\" is out of range, "
                    "allowed is from 1 to 1000000000\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_from_limits_and_route),
        cmocka_unit_test(recycle_workers),
        cmocka_unit_test(have_defaults),
        cmocka_unit_test(bound_plugins),
        cmocka_unit_test(have_ranges),
    };

    return cmocka_run_group_tests(tests, ini_file_set_up, ini_file_tear_down);
}
