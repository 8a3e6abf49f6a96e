/* test_describe.c - what a plugin says of itself, as JSON and in words */
#include "cli/describe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int message(bay_conn *conn, const bay_message *msg)
{
    (void)conn;
    (void)msg;
    return 0;
}

static int migrate_conn(bay_conn *conn, const void *old, size_t old_size,
                        uint32_t old_version)
{
    (void)conn;
    (void)old;
    (void)old_size;
    (void)old_version;
    return 0;
}

static const bay_option options[] = {
    { "sides", BAY_OPT_INT, "6", "Sides of a die", 2, 100 },
    { "title", BAY_OPT_STR, NULL, NULL, 0, 0 },
    { NULL, BAY_OPT_END, NULL, NULL, 0, 0 },
};

static const char *const subprotocols[] = { "v2.dice", "v1.dice", NULL };

static const bay_plugin dice = { BAY_INIT,
                                 .name = "dice",
                                 .version = "1.2",
                                 .summary = "Rolls dice",
                                 .options = options,
                                 .subprotocols = subprotocols,
                                 .flags = BAY_PIECES | BAY_SINGLE_WORKER,
                                 .message = message };

static void tells_all(void **state)
{
    json_t *about = describe_plugin(&dice);
    json_t *expected = json_pack(
        "{s:s, s:s, s:s, s:[s], s:[s,s], s:s, s:s,"
        " s:[{s:s, s:s, s:s, s:b, s:s, s:s}, {s:s, s:s, s:s, s:b, s:s}]}",
        "version", "1.2", "summary", "Rolls dice", "abi", "1.1", "hooks",
        "message", "subprotocols", "v2.dice", "v1.dice", "workers", "one",
        "messages", "in pieces", "options", /* the first */
        "name", "sides", "type", "number", "range", "2 to 100", "required", 0,
        "default", "6", "help", "Sides of a die", /* and the second */
        "name", "title", "type", "text", "range", "", "required", 1, "help",
        "");

    (void)state;
    json_object_del(about, "reload");
    if (!json_equal(about, expected)) {
        fail_msg("%s", json_dumps(about, 0));
    }
    json_decref(about);
    json_decref(expected);
}

static void expect_reload(const bay_plugin *plugin, const char *words)
{
    json_t *about = describe_plugin(plugin);
    const json_t *reload = json_object_get(about, "reload");

    assert_string_equal(json_string_value(json_object_get(reload, "text")),
                        words);
    json_decref(about);
}

static void explains_the_reload(void **state)
{
    bay_plugin plugin = dice;

    (void)state;
    expect_reload(&plugin,
                  "It has no blocks, so there is nothing to keep: it takes "
                  "over open connections from another version that has none.");
    plugin.conn_size = 16;
    expect_reload(&plugin,
                  "It keeps 16 bytes for each connection and sets no "
                  "state_version: blocks of another version are never taken "
                  "over as they are. From another version it takes none over: "
                  "open connections stay with the old code until they close, "
                  "new ones get this.");
    plugin.state_version = 3;
    expect_reload(&plugin,
                  "It keeps 16 bytes for each connection. From a version with "
                  "blocks of the same sizes and state_version 3, too, it takes "
                  "open connections over with their blocks as they are. From "
                  "any other version it takes none over: open connections "
                  "stay with the old code until they close, new ones get "
                  "this.");
    plugin.migrate_conn = migrate_conn;
    expect_reload(&plugin,
                  "It keeps 16 bytes for each connection. From a version with "
                  "blocks of the same sizes and state_version 3, too, it takes "
                  "open connections over with their blocks as they are. From "
                  "any other version it takes them over by its migrate hooks, "
                  "which fill new blocks from the old ones.");
    /* A hook for each block is what it takes. */
    plugin.route_size = 8;
    plugin.state_version = 0;
    expect_reload(&plugin,
                  "It keeps 8 bytes for the route and 16 for each connection "
                  "and sets no state_version: blocks of another version are "
                  "never taken over as they are. From another version it takes "
                  "none over: open connections stay with the old code until "
                  "they close, new ones get this.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_all),
        cmocka_unit_test(explains_the_reload),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
