/* test_pins.c - the plugins' files as they were when the host started */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "proc/pins.h"
#include "proc/reason.h"

static struct conf_route routes[3];
static struct conf conf = { .routes = routes, .route_count = 3 };
static char why[REASON_SIZE];

static void put(const char *name, const char *text)
{
    FILE *file = fopen(folder_file(name), "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void set(size_t route, const char *plugin)
{
    char file[32];

    snprintf(file, sizeof file, "%s.so", plugin);
    routes[route].plugin = (char *)(uintptr_t)plugin;
    routes[route].plugin_file = strdup(folder_file(file));
}

static int make(void **state)
{
    int status = folder_make(state);

    set(0, "chat");
    set(1, "echo");
    set(2, "chat");
    return status < 0 ? status : mkdir(folder_file("images"), 0700);
}

static int unmake(void **state)
{
    for (size_t i = 0; i < 3; i++) {
        free(routes[i].plugin_file);
    }
    return folder_remove(state);
}

static void expect(const char *path, const char *text)
{
    char got[64] = "";
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    assert_non_null(fgets(got, sizeof got, file));
    fclose(file);
    assert_string_equal(got, text);
}

static void keeps_what_was_there(void **state)
{
    struct stat stat_of;
    struct pins pins;

    (void)state;
    put("chat.so", "old chat");
    put("echo.so", "old echo");
    assert_int_equal(
        pins_make(&pins, &conf, folder_file("images"), why, sizeof why), 0);
    put("chat.so", "new chat");
    unlink(folder_file("echo.so"));
    assert_int_equal(pins.count, 3);
    expect(pins.files[0], "old chat");
    expect(pins.files[1], "old echo");
    assert_string_equal(pins.files[0], pins.files[2]);
    assert_int_not_equal(pins.files[0], pins.files[2]);
    /* The workers' user reads them, and only reads. */
    assert_int_equal(stat(pins.files[0], &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0555);
    pins_free(&pins);
}

static void says_what_it_cannot_read(void **state)
{
    struct pins pins;
    char expected[256];

    (void)state;
    put("chat.so", "old chat");
    assert_int_equal(
        pins_make(&pins, &conf, folder_file("images"), why, sizeof why), -1);
    snprintf(expected, sizeof expected,
             "%s cannot be read: no such file or directory",
             folder_file("echo.so"));
    assert_string_equal(why, expected);
    assert_int_equal(pins.count, 0);
}

static void knows_when_they_have_gone(void **state)
{
    struct pins pins;

    (void)state;
    put("chat.so", "chat one");
    put("echo.so", "echo one");
    assert_int_equal(
        pins_make(&pins, &conf, folder_file("images"), why, sizeof why), 0);
    assert_true(pins_are_there(&pins));
    assert_int_equal(unlink(pins.files[1]), 0);
    assert_false(pins_are_there(&pins));
    pins_free(&pins);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_what_was_there, make, unmake),
        cmocka_unit_test_setup_teardown(says_what_it_cannot_read, make, unmake),
        cmocka_unit_test_setup_teardown(knows_when_they_have_gone, make,
                                        unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
