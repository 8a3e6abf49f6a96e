/* test_look.c - looking at plugins that may do anything */
#include "cli/look.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "patience.h"
#include "plugin/probe.h"

#define PLUGINS BUILD_DIR "/tests/plugins/"

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value != NULL ? value : "";
}

static void expect_why(const json_t *about, const char *begin)
{
    assert_false(json_is_true(json_object_get(about, "ok")));
    if (strncmp(text(about, "why"), begin, strlen(begin)) != 0) {
        fail_msg("%s: \"%s\" does not begin with \"%s\"", text(about, "name"),
                 text(about, "why"), begin);
    }
}

static void names_are_those_of_files(void **state)
{
    static const char *const names[][2] = {
        { "dice.so", "dice" },         { "build/dice.so", "dice" },
        { "/a.so/dice", "dice" },      { ".so", ".so" },
        { "./dice.so.so", "dice.so" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *name = look_name(names[i][0]);

        assert_string_equal(name, names[i][1]);
        free(name);
    }
}

static void each_is_looked_at(void **state)
{
    static const char *const files[] = {
        PLUGINS "everything.so", PLUGINS "crash_ctor.so",
        PLUGINS "exit_ctor.so",  PLUGINS "hang_ctor.so",
        PLUGINS "nosymbol.so",   PLUGINS "nonsense_wild.so",
        PLUGINS "absent.so",     PLUGINS "wrongname.so",
        PLUGINS "discard.so",
    };
    json_t *list;
    uint64_t before = probe_timeout_ms;
    char late[64];

    (void)state;
    probe_timeout_ms = patience(1500);
    snprintf(late, sizeof late, "did not finish loading within %" PRIu64 " ms",
             probe_timeout_ms);
    list = look_at(files, sizeof files / sizeof *files, false, NULL);
    probe_timeout_ms = before;
    assert_int_equal(json_array_size(list), sizeof files / sizeof *files);
    for (size_t i = 0; i < json_array_size(list); i++) {
        assert_string_equal(text(json_array_get(list, i), "file"), files[i]);
    }
    assert_true(json_is_true(json_object_get(json_array_get(list, 0), "ok")));
    assert_string_equal(text(json_array_get(list, 0), "name"), "everything");
    assert_string_equal(text(json_array_get(list, 0), "version"), "1.0.0");
    assert_int_equal(strlen(text(json_array_get(list, 0), "hash")), 16);
    assert_null(json_object_get(json_array_get(list, 0), "findings"));
    expect_why(json_array_get(list, 1), "crashed while loading (SIG");
    expect_why(json_array_get(list, 2), "called exit(3) while loading");
    expect_why(json_array_get(list, 3), late);
    expect_why(json_array_get(list, 4), "has no bay_plugin_descriptor");
    expect_why(json_array_get(list, 6), "cannot be read: No such file");
    expect_why(json_array_get(list, 7), "calls itself \"another\"");
    assert_true(json_is_true(json_object_get(json_array_get(list, 8), "ok")));
    json_decref(list);
    /* No zombie. */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static bool exports(const json_t *about, const char *name)
{
    const json_t *each;
    size_t i;

    json_array_foreach(json_object_get(about, "exported"), i, each)
    {
        if (strcmp(json_string_value(each), name) == 0) {
            return true;
        }
    }
    return false;
}

/* What was found before a constructor ends it all is not lost. */
static void findings_outlive_the_plugin(void **state)
{
    static const char *const files[] = { PLUGINS "exit_ctor.so",
                                         PLUGINS "twin_a.so" };
    json_t *list = look_at(files, 2, true, NULL);
    const json_t *about = json_array_get(list, 0);

    (void)state;
    expect_why(about, "called exit(3)");
    assert_true(json_array_size(json_object_get(about, "findings")) > 0);
    assert_true(exports(about, "bay_plugin_descriptor"));
    assert_false(exports(about, "twin_name"));
    about = json_array_get(list, 1);
    assert_true(json_is_true(json_object_get(about, "ok")));
    assert_true(exports(about, "twin_name"));
    assert_non_null(json_object_get(about, "wanted"));
    assert_non_null(json_object_get(about, "needed"));
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_of_files),
        cmocka_unit_test(each_is_looked_at),
        cmocka_unit_test(findings_outlive_the_plugin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
