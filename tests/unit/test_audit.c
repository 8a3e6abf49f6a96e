/* test_audit.c - what is found wrong with plugins, and what is not */
#include "plugin/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

/* "level: what\n" for each finding that is more than ok. */
static struct buf said;

static void found(void *arg, enum audit_level level, const char *what,
                  const char *advice)
{
    assert_ptr_equal(arg, &said);
    assert_non_null(advice);
    if (level != AUDIT_OK) {
        buf_addf(&said, "%s: %s\n", audit_level_name(level), what);
    }
}

static const struct audit audit = { found, &said };

static void expect(const char *text)
{
    assert_string_equal(said.data != NULL ? said.data : "", text);
    buf_clear(&said);
}

/* ---- the file ---------------------------------------------------------- */

static void look_at_file(const struct dynamic *dynamic)
{
    struct resolve *resolve = resolve_create(dynamic);

    if (!audit_file(&audit, dynamic)) {
        audit_links(&audit, dynamic, resolve);
    }
    resolve_free(resolve);
}

#define NAMES(...)                                           \
    {                                                        \
        (struct dynamic_name[]){ __VA_ARGS__ },              \
            sizeof((struct dynamic_name[]){ __VA_ARGS__ }) / \
                sizeof(struct dynamic_name)                  \
    }

static void test_good_file(void **state)
{
    const struct dynamic dynamic = {
        .exported =
            NAMES({ .text = "bay_plugin_descriptor" }, { .text = "_init" }),
        .wanted = NAMES({ .text = "malloc" },
                        { .text = "no_such_function", .weak = true }),
        .needed = (const char *[]){ "libc.so.6" },
        .needed_count = 1,
    };

    (void)state;
    look_at_file(&dynamic);
    expect("");
}

static void test_exports(void **state)
{
    const struct dynamic dynamic = {
        .exported =
            NAMES({ .text = "bay_plugin_descriptor" }, { .text = "helper" },
                  { .text = "malloc" }, { .text = "counter", .unique = true },
                  { .text = "b" }, { .text = "c" }, { .text = "d" },
                  { .text = "e" }, { .text = "f" }, { .text = "g" },
                  { .text = "h" }, { .text = "i" }, { .text = "j" }),
    };

    (void)state;
    look_at_file(&dynamic);
    expect("warning: exports malloc, which a library of the host has, too: "
           "the plugin's own calls go to that one\n"
           "warning: exports counter as unique: every version of the plugin "
           "in the process shares the first one's, over reloads\n"
           "warning: exports helper, b, c, d, e, f, g, h and 2 more: a "
           "library that has such a name, too, would get the plugin's own "
           "calls\n");
}

/* What the standard library of C++ leaves in a plugin is no fault of it. */
static void test_standard_names(void **state)
{
    const struct dynamic dynamic = {
        .exported = NAMES(
            { .text = "_ZNSt6vectorIiSaIiEE9push_backEOi", .weak = true },
            { .text = "_ZNKSt7__cxx1112basic_stringIcE4sizeEv", .weak = true },
            { .text = "_ZNSsC1Ev", .weak = true },
            { .text = "_ZnwmPv", .weak = true },
            { .text = "_ZTISt9exception", .weak = true },
            { .text = "_ZZNSt8__detail18__to_chars_10_implIjEEvPcjT_E8__digits",
              .unique = true },
            { .text = "_ZN9__gnu_cxx13new_allocatorIcE10deallocateEPcm",
              .weak = true },
            /* But this is of its own making. */
            { .text = "_ZN4Dice4rollISt6vectorIiEEEvv", .weak = true },
            { .text = "_ZN5Store1nE", .unique = true },
            { .text = "_ZNSt4dice4rollEv" }, { .text = "_Z4rollv" }),
    };

    (void)state;
    look_at_file(&dynamic);
    expect("warning: exports _ZN5Store1nE as unique: every version of the "
           "plugin in the process shares the first one's, over reloads\n"
           "warning: exports _ZN4Dice4rollISt6vectorIiEEEvv, "
           "_ZNSt4dice4rollEv, _Z4rollv: a library that has such a name, too, "
           "would get the plugin's own calls\n");
}

static void test_wants(void **state)
{
    struct dynamic dynamic = {
        .wanted = NAMES({ .text = "no_such_function" }, { .text = "malloc" }),
    };

    (void)state;
    look_at_file(&dynamic);
    expect("error: wants no_such_function, which no library it is linked with "
           "defines\n");

    /* That one may have it. */
    dynamic.needed = (const char *[]){ "libnowhere.so.1" };
    dynamic.needed_count = 1;
    look_at_file(&dynamic);
    expect("error: needs libnowhere.so.1, which cannot be loaded: cannot open "
           "shared object file: No such file or directory\n");
}

static void test_sanitizer(void **state)
{
    const struct dynamic dynamic = {
        /* The rest of it does not have to be told. */
        .wanted = NAMES({ .text = "__tsan_init" }, { .text = "__tsan_read4" }),
    };

    (void)state;
    look_at_file(&dynamic);
    expect("error: was built with ThreadSanitizer, and this host was not\n");
}

static void test_dangers(void **state)
{
    struct dynamic dynamic = {
        .search_path = "$ORIGIN/lib",
        .writable_code = true,
        .executable_stack = true,
        .text_relocations = true,
        .thread_local_size = 8,
    };

    (void)state;
    look_at_file(&dynamic);
    expect("warning: has a segment that is both writable and executable: what "
           "overruns its data can become code\n"
           "warning: makes the stacks of the whole process executable\n"
           "warning: has text relocations: its code is changed as it is "
           "loaded, which hardened systems refuse\n"
           "note: has 8 bytes of thread-local variables: deferred work does "
           "not see those of the hooks, and a reload resets them\n"
           "warning: looks for libraries beside itself ($ORIGIN/lib), but the "
           "host opens a copy of it in another folder\n");
    dynamic = (struct dynamic){ .thread_local_size = 8, .static_tls = true };
    look_at_file(&dynamic);
    expect("warning: takes its thread-local variables from a small reserve of "
           "the process: after some reloads it is used up\n");
}

/* ---- the descriptor ---------------------------------------------------- */

static int message(bay_conn *conn, const bay_message *msg)
{
    (void)conn;
    (void)msg;
    return 0;
}

static int http(bay_route *route, bay_request *req)
{
    (void)route;
    (void)req;
    return 404;
}

static int migrate_route(bay_route *route, const void *old, size_t old_size,
                         uint32_t old_version)
{
    (void)route;
    (void)old;
    (void)old_size;
    (void)old_version;
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

static const bay_plugin good = { BAY_INIT, .name = "dice", .version = "1.0.0",
                                 .summary = "Rolls dice", .message = message };

static void test_good_descriptor(void **state)
{
    bay_plugin plugin = good;

    (void)state;
    audit_descriptor(&audit, &plugin);
    expect("");
    plugin.route_size = plugin.conn_size = 8;
    plugin.state_version = 1;
    audit_descriptor(&audit, &plugin);
    expect("");
    plugin.migrate_route = migrate_route;
    plugin.migrate_conn = migrate_conn;
    audit_descriptor(&audit, &plugin);
    expect("");
}

static void test_hooks(void **state)
{
    bay_plugin plugin = good;

    (void)state;
    plugin.message = NULL;
    plugin.http = http;
    plugin.flags = BAY_PIECES;
    audit_descriptor(&audit, &plugin);
    expect("note: has an http hook only: WebSocket connections are accepted, "
           "too, and what they send is thrown away\n"
           "warning: asks for messages in pieces (BAY_PIECES), without a "
           "message hook\n");
}

static void test_reload(void **state)
{
    bay_plugin plugin = good;

    (void)state;
    plugin.migrate_route = migrate_route;
    plugin.migrate_conn = migrate_conn;
    audit_descriptor(&audit, &plugin);
    expect("warning: has migrate_route, but no block of the route that it "
           "could fill: route_size is 0\n"
           "warning: has migrate_conn, but no blocks of connections that it "
           "could fill: conn_size is 0\n");

    plugin.migrate_route = NULL;
    plugin.route_size = plugin.conn_size = 8;
    audit_descriptor(&audit, &plugin);
    expect("warning: has migrate_conn, but no migrate_route: it is never "
           "called\n");

    plugin.migrate_conn = NULL;
    audit_descriptor(&audit, &plugin);
    expect("note: does not say which layout its blocks have: after a reload, "
           "open connections stay with the old code\n");
}

static void test_options(void **state)
{
    static const bay_option options[] = {
        { "title", BAY_OPT_STR, "none", "What to call it", 1, 10 },
        { "size", BAY_OPT_BYTES, NULL, "", 0, 1 << 20 },
        { NULL, BAY_OPT_END, NULL, NULL, 0, 0 },
    };
    bay_plugin plugin = good;

    (void)state;
    plugin.options = options;
    audit_descriptor(&audit, &plugin);
    expect("warning: has a min and max for option title, which is no number: "
           "nobody looks at them\n"
           "note: has no help for option size\n");
}

static void test_identity(void **state)
{
    bay_plugin plugin = good;

    (void)state;
    plugin.version = plugin.summary = "";
    plugin.flags = BAY_SINGLE_WORKER;
    audit_descriptor(&audit, &plugin);
    expect("note: does not say which version it is\n"
           "note: does not say in a line what it does\n"
           "note: runs with one worker only (BAY_SINGLE_WORKER)\n");
}

static int clean_up(void **state)
{
    (void)state;
    buf_free(&said);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_file),       cmocka_unit_test(test_exports),
        cmocka_unit_test(test_standard_names),  cmocka_unit_test(test_wants),
        cmocka_unit_test(test_sanitizer),       cmocka_unit_test(test_dangers),
        cmocka_unit_test(test_good_descriptor), cmocka_unit_test(test_hooks),
        cmocka_unit_test(test_reload),          cmocka_unit_test(test_options),
        cmocka_unit_test(test_identity),
    };

    return cmocka_run_group_tests(tests, NULL, clean_up);
}
