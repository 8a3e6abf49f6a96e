/* test_edition.c - what a worker serves by, and for how long it stays */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "folder.h"
#include "proc/edition.h"
#include "proc/reason.h"

static struct shelf shelf;
static struct problems problems;
static char why[REASON_SIZE];

static int make(void **state)
{
    shelf = (struct shelf){ .images_dir = folder };
    return folder_make(state);
}

static struct conf *load(const char *more)
{
    char text[512];
    int len = snprintf(text, sizeof text,
                       "[server]\nplugin_dir = %s/plugins\nrun_dir = /r\n"
                       "[route.a]\npath = /a\nplugin = echo\n"
                       "[route.b]\npath = /b\nplugin = chat\n%s",
                       BUILD_DIR, more);

    return conf_load_text("/tmp/p.ini", text, (size_t)len, &problems);
}

static void stays_until_nobody_needs_it(void **state)
{
    struct conf *conf = load("chat.max_text = 7\n");
    struct edition *edition = edition_create(conf, conf, &shelf);
    char *files[2] = { conf->routes[0].plugin_file,
                       conf->routes[1].plugin_file };
    struct core_route routes[2];

    (void)state;
    assert_int_equal(edition_routes(edition, files, routes, why, sizeof why),
                     0);
    assert_ptr_equal(routes[1].conf, &conf->routes[1]);
    assert_string_equal(routes[1].plugin->name, "chat");
    assert_int_equal(options_int(routes[1].options, "max_text"), 7);
    assert_int_equal(strlen(routes[0].code), 16);
    assert_int_equal(edition->users, 3);
    edition_drop(edition);
    edition_release(&routes[0]);
    assert_string_equal(routes[1].conf->name, "b"); /* a sanitizer looks */
    assert_non_null(shelf.entries);
    edition_release(&routes[1]);
    assert_null(shelf.entries);
}

static void leaves_nothing_when_it_cannot_be(void **state)
{
    struct conf *conf = load("chat.max_text = many\n");
    struct edition *edition = edition_create(conf, conf, &shelf);
    char *files[2] = { conf->routes[0].plugin_file,
                       conf->routes[1].plugin_file };
    struct core_route routes[2];

    (void)state;
    assert_int_equal(edition_routes(edition, files, routes, why, sizeof why),
                     -1);
    assert_non_null(strstr(why, "chat.max_text"));
    assert_null(shelf.entries);
    assert_int_equal(edition->users, 1);
    edition_drop(edition);
    edition_drop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stays_until_nobody_needs_it, make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(leaves_nothing_when_it_cannot_be, make,
                                        folder_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
