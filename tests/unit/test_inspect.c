/* test_inspect.c - a plugin against the routes and the workers of a file */
#include "plugin/inspect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PLUGINS BUILD_DIR "/tests/plugins"

struct fixture {
    char top[64];
    char file[80];
    char images[80];
    struct problems problems;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    strcpy(fixture->top, "/tmp/test_inspect.XXXXXX");
    assert_non_null(mkdtemp(fixture->top));
    snprintf(fixture->file, sizeof fixture->file, "%s/f.ini", fixture->top);
    snprintf(fixture->images, sizeof fixture->images, "%s/images",
             fixture->top);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char command[128];

    snprintf(command, sizeof command, "rm -rf %s", fixture->top);
    assert_int_equal(system(command), 0);
    problems_free(&fixture->problems);
    free(fixture);
    return 0;
}

/* Looks at the plugin of the first route. */
static size_t inspect(struct fixture *fixture, const char *text)
{
    FILE *out = fopen(fixture->file, "w");
    struct image *image;
    struct conf *conf;
    char why[256];

    assert_non_null(out);
    fprintf(out, "[server]\nplugin_dir = %s\n%s", PLUGINS, text);
    fclose(out);
    conf = conf_load(fixture->file, &fixture->problems);
    if (conf == NULL) {
        problems_print(&fixture->problems, stderr);
        fail();
    }
    image = image_open(conf->routes[0].plugin, conf->routes[0].plugin_file,
                       fixture->images, why, sizeof why);
    assert_non_null(image);
    inspect_plugin(conf, &conf->routes[0], image, &fixture->problems);
    image_close(image);
    conf_free(conf);
    return fixture->problems.count + fixture->problems.lost;
}

static void expect(const struct fixture *fixture, size_t index, int line,
                   const char *text)
{
    assert_true(index < fixture->problems.count);
    assert_string_equal(fixture->problems.list[index].text, text);
    assert_int_equal(fixture->problems.list[index].line, line);
}

static void test_good(void **state)
{
    assert_int_equal(inspect(*state, "[route.x]\npath=/x\nplugin=everything\n"
                                     "everything.limit = 7\n"),
                     0);
}

/* Of each route with the plugin, and of no other. */
static void test_options(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(inspect(fixture, "[route.x]\npath=/x\nplugin=everything\n"
                                      "[route.y]\npath=/y\nplugin=everything\n"
                                      "everything.limit = 101\n"
                                      "[route.z]\npath=/z\nplugin=discard\n"
                                      "discard.limit = 101\n"),
                     1);
    expect(fixture, 0, 9,
           "[route.y] everything.limit: 101 is out of range: -100 to 100");
}

static void test_single_worker(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(inspect(fixture, "workers = 1\n"
                                      "[route.x]\npath=/x\nplugin=single\n"),
                     0);
    assert_int_equal(inspect(fixture, "workers = 3\n"
                                      "[route.x]\npath=/x\nplugin=single\n"),
                     1);
    expect(fixture, 0, 6,
           "[route.x] plugin: single keeps what its connections share in one "
           "process (BAY_SINGLE_WORKER): set workers = 1 in [server], not 3");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_good),
        TEST(test_options),
        TEST(test_single_worker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
