/* test_options.c - lines of options, as in a section of patchbay.ini */
#include "puppet.h"

static int hears_options(bay_route *route)
{
    puppet_hears("%d %s %s", (int)bay_conf_int(route, "strings"),
                 bay_conf_str(route, "origins"), bay_route_path(route));
    return 0;
}

static void has_defaults(void **state)
{
    (void)state;
    puppet.start = hears_options;
    bay_test_free(bay_test_new(&puppet_plugin, NULL));
    BAY_EXPECT_STRING(puppet_heard(), "2 here /puppet");
    bay_test_free(bay_test_new(&puppet_plugin, ""));
    BAY_EXPECT_STRING(puppet_heard(), "2 here /puppet");
}

static void reads_lines(void **state)
{
    (void)state;
    puppet.start = hears_options;
    bay_test_free(bay_test_new(&puppet_plugin, "strings = 3"));
    BAY_EXPECT_STRING(puppet_heard(), "3 here /puppet");
    bay_test_free(bay_test_new(&puppet_plugin, "# a comment\n"
                                               "path = /p/*\n"
                                               "\n"
                                               "  puppet.strings=4 ; more\n"
                                               "origins = *\n" /* the route's */
                                               "puppet.origins = there\n"));
    BAY_EXPECT_STRING(puppet_heard(), "4 there /p/*");
}

static void names_what_is_wrong(void **state)
{
    (void)state;
    BAY_EXPECT_REFUSED(&puppet_plugin, "path = /\nstrings = 9",
                       "options:2: [route.test] puppet.strings: ");
    BAY_EXPECT_REFUSED(&puppet_plugin, "sting = 1", "strings");
    BAY_EXPECT_REFUSED(&puppet_plugin, "max_mesage = 1k", "max_message");
    BAY_EXPECT_REFUSED(&puppet_plugin, "send_queue = lots", "send_queue: ");
    BAY_EXPECT_REFUSED(&puppet_plugin, "puppet.nothing = 1", "nothing");
    BAY_EXPECT_REFUSED(&puppet_plugin, "chat.history = 1", "chat");
    BAY_EXPECT_REFUSED(&puppet_plugin, "path = nowhere", "path: ");
    BAY_EXPECT_REFUSED(&puppet_plugin, "idle = 3s\n\nidle = 4s",
                       "options:3: [route.test] idle: duplicate key, first on "
                       "line 1");
    BAY_EXPECT_REFUSED(&puppet_plugin, "[server]\nworkers = 2",
                       "no [section] can be among them");
    BAY_EXPECT_REFUSED(&puppet_plugin, "plugin = chat", "plugin cannot be");
    BAY_EXPECT_REFUSED(&puppet_plugin, "junk", "options:1: ");
    BAY_EXPECT_REFUSED(&puppet_plugin, "strings = 0\nmax_message = x",
                       "options:2: ");
}

static const bay_option nonsense[] = {
    { "Loud", BAY_OPT_INT, "1", "upper case", 0, 0 }, { 0 }
};

static void refuses_descriptors(void **state)
{
    bay_plugin bad = puppet_plugin;

    (void)state;
    BAY_EXPECT_REFUSED(NULL, NULL, "NULL");
    bad.abi_major++;
    BAY_EXPECT_REFUSED(&bad, NULL, "ABI");
    bad = puppet_plugin;
    bad.options = nonsense;
    BAY_EXPECT_REFUSED(&bad, NULL, "Loud");
}

static int fails(bay_route *route)
{
    (void)route;
    return BAY_EINVAL;
}

static void says_why(void **state)
{
    bay_test *test;

    (void)state;
    puppet.start = fails;
    BAY_EXPECT_REFUSED(&puppet_plugin, NULL, "invalid argument");
    BAY_EXPECT_STRING(bay_test_why(), "the plugin puppet: its start hook "
                                      "failed: invalid argument (-2)");
    puppet.start = NULL;
    test = bay_test_new(&puppet_plugin, NULL);
    BAY_EXPECT_STRING(bay_test_why(), "");
    bay_test_free(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PUPPET_TEST(has_defaults),
        PUPPET_TEST(reads_lines),
        PUPPET_TEST(names_what_is_wrong),
        PUPPET_TEST(refuses_descriptors),
        PUPPET_TEST(says_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
