/* test_conf_limits.c - the keys of [limits] that bound what clients do */
#include "ini_file.h"

static void read_from_limits_and_route(void **state)
{
    struct conf *conf = ini_file_load("[limits]\n"
                                      "fragments = 21\n"
                                      "[route.a]\n"
                                      "path = /a\n"
                                      "plugin = chat\n"
                                      "fragments = 22\n"
                                      "[route.b]\n"
                                      "path = /b\n"
                                      "plugin = chat\n");

    (void)state;
    assert_int_equal(conf->limits.fragments, 21);
    assert_int_equal(conf->routes[0].limits.fragments, 22);
    assert_int_equal(conf->routes[1].limits.fragments, 21);
    conf_free(conf);
}

static void have_defaults(void **state)
{
    struct conf *conf = ini_file_load("[route.a]\n"
                                      "path = /a\n"
                                      "plugin = chat\n");

    (void)state;
    assert_int_equal(conf->routes[0].limits.fragments, 1024);
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
        cmocka_unit_test(have_defaults),
        cmocka_unit_test(have_ranges),
    };

    return cmocka_run_group_tests(tests, ini_file_set_up, ini_file_tear_down);
}
