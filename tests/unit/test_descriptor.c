/* test_descriptor.c - descriptors that are accepted, and why others are not */
#include "plugin/descriptor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static int hook(bay_conn *conn, const bay_message *msg)
{
    (void)conn;
    (void)msg;
    return 0;
}

static int opened(bay_conn *conn)
{
    (void)conn;
    return 0;
}

static const bay_plugin good = { BAY_INIT, .name = "chat", .message = hook };

static void accept(const bay_plugin *theirs)
{
    bay_plugin ours;
    char why[256] = "";

    if (descriptor_read(theirs, &ours, why, sizeof why) != 0) {
        fail_msg("refused: %s", why);
    }
}

static void refuse(const bay_plugin *theirs, const char *expected)
{
    bay_plugin ours;
    char why[512] = "";

    assert_int_equal(descriptor_read(theirs, &ours, why, sizeof why), -1);
    if (strstr(why, expected) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", expected, why);
    }
}

static void test_smallest(void **state)
{
    bay_plugin ours;
    char why[256];

    (void)state;
    memset(&ours, 0xff, sizeof ours);
    assert_int_equal(descriptor_read(&good, &ours, why, sizeof why), 0);
    assert_string_equal(ours.name, "chat");
    assert_string_equal(ours.version, "");
    assert_string_equal(ours.summary, "");
    assert_true(ours.message == hook);
    assert_null(ours.options);
    assert_null(ours.http);
    assert_int_equal(descriptor_option_count(&ours), 0);
    assert_int_equal(descriptor_subprotocol_count(&ours), 0);
}

static void test_version(void **state)
{
    bay_plugin plugin = good;
    char expected[160];

    (void)state;
    plugin.magic = 0x12345678;
    refuse(&plugin, "its magic is 0x12345678, not 0x31594142");

    plugin = good;
    plugin.abi_major = BAY_ABI_MAJOR + 1;
    refuse(&plugin, "was built for ABI 2.1, this host has 1.1: rebuild");

    plugin = good;
    plugin.abi_minor = BAY_ABI_MINOR + 3;
    snprintf(expected, sizeof expected,
             "was built for ABI 1.%d, this host has 1.%d: install a newer "
             "patchbay or rebuild the plugin",
             BAY_ABI_MINOR + 3, BAY_ABI_MINOR);
    refuse(&plugin, expected);
}

/* Another version's descriptor may be shorter than ours: only what every
 * version has may be read before the version is known. */
static void test_reads_no_further(void **state)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bay_plugin *edge;
    const size_t prefix = offsetof(bay_plugin, name);

    (void)state;
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
    edge = (void *)(pages + page - prefix);
    memcpy(edge, &good, prefix);
    edge->abi_major = 9;
    refuse(edge, "was built for ABI 9.1");
    edge->abi_major = BAY_ABI_MAJOR;
    edge->size = (uint32_t)prefix;
    refuse(edge, "has a descriptor of 16 bytes");

    edge = (void *)(pages + page - sizeof good);
    memcpy(edge, &good, sizeof good);
    accept(edge);
    munmap(pages, 2 * page);
}

static void test_sizes(void **state)
{
    bay_plugin plugin = good;

    (void)state;
    plugin.size += 8;
    refuse(&plugin, "has a descriptor of 200 bytes, that of ABI 1.1 has 192");
    plugin.size = UINT32_MAX;
    refuse(&plugin, "has a descriptor of 4294967295 bytes");

    plugin = good;
    plugin.option_size = 40;
    refuse(&plugin, "has options of 40 bytes each");
}

static void test_name(void **state)
{
    bay_plugin plugin = good;

    (void)state;
    plugin.name = NULL;
    refuse(&plugin, "has no name");
    plugin.name = "";
    refuse(&plugin, "the name \"\"");
    plugin.name = "Chat";
    refuse(&plugin, "the name \"Chat\", which is not 1 to 32 lower case");
    plugin.name = "../chat";
    refuse(&plugin, "the name \"../chat\"");
    plugin.name = "a23456789012345678901234567890123";
    refuse(&plugin, "which is not 1 to 32");
    plugin.name = "a2345678901234567890123456789012";
    accept(&plugin);
    plugin.name = "my_chat-2";
    accept(&plugin);
    plugin.version = "1.0\n2.0";
    refuse(&plugin, "has a version that is not one line");
    plugin.version = NULL;
    plugin.summary = "Chat \033[31m";
    refuse(&plugin, "has a summary that is not one line");
    plugin.summary = "Räume";
    accept(&plugin);
}

static void test_behaviour(void **state)
{
    bay_plugin plugin = good;

    (void)state;
    plugin.message = NULL;
    refuse(&plugin, "does nothing");
    plugin.open = opened;
    accept(&plugin);
    plugin.flags = BAY_SINGLE_WORKER | BAY_PIECES;
    accept(&plugin);
    plugin.flags = BAY_PIECES | 0x10;
    refuse(&plugin, "has the flags 0x10, which ABI 1.1 does not know");

    plugin = good;
    plugin.conn_size = (size_t)16 << 20;
    plugin.route_size = (size_t)16 << 20;
    accept(&plugin);
    plugin.conn_size++;
    refuse(&plugin, "has a conn_size of 16777217, over the limit of 16777216");
    plugin = good;
    plugin.route_size = SIZE_MAX;
    refuse(&plugin, "has a route_size of");
}

static void refuse_option(const bay_option *option, const char *expected)
{
    bay_plugin plugin = good;
    bay_option options[] = { { "first", BAY_OPT_STR, "", "", 0, 0 },
                             *option,
                             { 0 } };

    plugin.options = options;
    refuse(&plugin, expected);
}

static void test_options(void **state)
{
    static const bay_option fine[] = {
        { "title", BAY_OPT_STR, NULL, NULL, 0, 0 },
        { "history_2", BAY_OPT_INT, "100", "how many", 0, 100 },
        { "loud", BAY_OPT_BOOL, "no", "", 0, 0 },
        { "room", BAY_OPT_BYTES, "64k", "", 1, 1 << 20 },
        { "wait", BAY_OPT_MS, "30s", "", 0, 0 },
        { 0 },
    };
    bay_plugin plugin = good;

    (void)state;
    plugin.options = fine;
    accept(&plugin);
    assert_int_equal(descriptor_option_count(&plugin), 5);
    assert_string_equal(descriptor_option(&plugin, 3)->name, "room");

    refuse_option(&(bay_option){ NULL, BAY_OPT_INT, "1", "", 0, 0 },
                  "has no name for option 2");
    refuse_option(&(bay_option){ "History", BAY_OPT_INT, "1", "", 0, 0 },
                  "the option name \"History\"");
    refuse_option(&(bay_option){ "a.b", BAY_OPT_INT, "1", "", 0, 0 },
                  "the option name \"a.b\"");
    refuse_option(&(bay_option){ "first", BAY_OPT_INT, "1", "", 0, 0 },
                  "declares option first twice");
    refuse_option(&(bay_option){ "x", 6, "1", "", 0, 0 },
                  "has for option x the unknown type 6");
    refuse_option(&(bay_option){ "x", BAY_OPT_END, "1", "", 0, 0 },
                  "has for option x the unknown type 0");
    refuse_option(&(bay_option){ "x", BAY_OPT_INT, "1", "", 5, 0 },
                  "has for option x a min, 5, above its max, 0");
    refuse_option(&(bay_option){ "x", BAY_OPT_INT, "one", "", 0, 9 },
                  "a wrong fallback: \"one\" is not a number (0 to 9)");
    refuse_option(&(bay_option){ "x", BAY_OPT_INT, "10", "", 0, 9 },
                  "a wrong fallback: 10 is out of range: 0 to 9");
    refuse_option(&(bay_option){ "x", BAY_OPT_INT, "1", "a\nb", 0, 9 },
                  "has for option x a help that is not one line");
}

static void test_endless_tables(void **state)
{
    enum { MANY = 300 };
    static char names[MANY][16];
    static bay_option options[MANY];
    static const char *subprotocols[MANY];
    bay_plugin plugin = good;

    (void)state;
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "n%d", i);
        options[i] = (bay_option){ names[i], BAY_OPT_STR, "", "", 0, 0 };
        subprotocols[i] = names[i];
    }
    plugin.options = options;
    refuse(&plugin, "has no end of its options within 256");
    options[256] = (bay_option){ 0 };
    accept(&plugin);
    plugin.subprotocols = subprotocols;
    refuse(&plugin, "has no end of its subprotocols within 64");
    subprotocols[64] = NULL;
    accept(&plugin);
    assert_int_equal(descriptor_option_count(&plugin), 256);
    assert_int_equal(descriptor_subprotocol_count(&plugin), 64);
}

static void test_subprotocols(void **state)
{
    static const char *const wrong[] = {
        "",
        "v1 chat",
        "v1,chat",
        "v1/chat",
        "caf\xc3\xa9",
        "a23456789012345678901234567890123456789012345678901234567890123",
    };
    const char *list[] = { "v2.chat", "V2.chat",
                           "a23456789012345678901234567890123456789012345678901"
                           "23456789012",
                           NULL };
    bay_plugin plugin = good;

    (void)state;
    plugin.subprotocols = list;
    accept(&plugin);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        list[1] = wrong[i];
        refuse(&plugin, "which is not a token of 1 to 62");
    }
    list[1] = "v2.chat";
    refuse(&plugin, "declares the subprotocol v2.chat twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smallest),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_reads_no_further),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_name),
        cmocka_unit_test(test_behaviour),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_endless_tables),
        cmocka_unit_test(test_subprotocols),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
