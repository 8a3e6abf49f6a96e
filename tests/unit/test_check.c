/* test_check.c - a configuration checked as a whole, here and in a child */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "folder.h"
#include "proc/check.h"

static struct poller poller;
static bool done;
static size_t addresses;
static char *said;
static int children;

static void write_conf(const char *text)
{
    FILE *file = fopen(folder_file("p.ini"), "w");

    assert_non_null(file);
    fprintf(file, "[server]\nplugin_dir = %s\nrun_dir = run\n%s", folder, text);
    fclose(file);
}

static void loads_nothing_that_is_wrong(void **state)
{
    struct problems problems = { 0 };

    (void)state;
    write_conf("lisen = localhost:1\n");
    assert_null(check_load(folder_file("p.ini"), &problems));
    assert_true(problems.count > 0);
    problems_free(&problems);
    /* Both are wrong, and both are said. */
    write_conf("lisen = localhost:1\n[tls]\ncert = p.ini\n"
               "[route.x]\npath = /x\nplugin = nothing\n[route.y]\n");
    assert_null(check_load(folder_file("p.ini"), &problems));
    problems_sort(&problems);
    assert_int_equal(problems.count, 5);
    assert_non_null(strstr(problems.list[2].text, "nothing.so cannot be read"));
    problems_free(&problems);
    /* The file is right; its plugin is not. */
    write_conf("[route.x]\npath = /x\nplugin = nothing\n");
    assert_null(check_load(folder_file("p.ini"), &problems));
    assert_int_equal(problems.count, 1);
    problems_free(&problems);
}

static void reads_the_certificate(void **state)
{
    struct problems problems = { 0 };

    (void)state;
    fclose(fopen(folder_file("cert.pem"), "w"));
    write_conf("[tls]\nmin_version = 1.3\ncert = cert.pem\nkey = cert.pem\n"
               "[route.x]\npath = /x\nplugin = nothing\n");
    assert_null(check_load(folder_file("p.ini"), &problems));
    problems_sort(&problems);
    assert_int_equal(problems.count, 2); /* and that of the plugin */
    assert_int_equal(problems.list[0].line, 6);
    assert_non_null(strstr(problems.list[0].text, "[tls] cert: "));
    assert_non_null(strstr(problems.list[0].text, "is no PEM certificate"));
    problems_free(&problems);
}

static void counts_plugins_once(void **state)
{
    struct conf_route routes[] = { { .plugin = (char[]){ "a" } },
                                   { .plugin = (char[]){ "b" } },
                                   { .plugin = (char[]){ "a" } } };
    struct conf conf = { .routes = routes, .route_count = 3 };

    (void)state;
    assert_int_equal(check_count_plugins(&conf), 2);
    conf.route_count = 0;
    assert_int_equal(check_count_plugins(&conf), 0);
}

static void in_child(void *arg)
{
    assert_ptr_equal(arg, &children);
}

static void checked(void *arg, const char *problems,
                    const struct check_found *found)
{
    assert_ptr_equal(arg, &children);
    assert_false(done);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* it is buried */
    done = true;
    said = problems != NULL ? strdup(problems) : NULL;
    addresses = 0;
    if (problems == NULL) {
        addresses = found->listen_count;
        assert_string_equal(found->listen[addresses - 1].text,
                            "unix:/run/p.sock");
        assert_int_equal(found->listen[addresses - 1].addr.ss_family, AF_UNIX);
    }
}

static void check_in_child(void)
{
    done = false;
    assert_non_null(check_start(&poller, folder_file("p.ini"), in_child,
                                checked, &children));
    while (!done) {
        assert_int_equal(poller_turn(&poller), 0);
    }
    poller_finish(&poller);
}

static void tells_from_a_child(void **state)
{
    (void)state;
    write_conf("lisen = localhost:1\n[route.x]\npath = /x\nplugin = nothing\n");
    check_in_child();
    assert_non_null(strstr(said, "/p.ini:4: [server] lisen: unknown key"));
    assert_int_equal(said[strlen(said) - 1], '\n');
    free(said);
    write_conf("listen = 127.0.0.1:1, unix:/run/p.sock\n");
    check_in_child();
    assert_null(said);
    assert_int_equal(addresses, 2);
}

static void is_cancelled(void **state)
{
    struct check *check;

    (void)state;
    write_conf("");
    done = false;
    check = check_start(&poller, folder_file("p.ini"), in_child, checked,
                        &children);
    assert_non_null(check);
    check_cancel(check);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_false(done);
    assert_null(poller.alarms);
    check_cancel(NULL);
    poller_finish(&poller);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(loads_nothing_that_is_wrong,
                                        folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(reads_the_certificate, folder_make,
                                        folder_remove),
        cmocka_unit_test(counts_plugins_once),
        cmocka_unit_test_setup_teardown(tells_from_a_child, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(is_cancelled, folder_make,
                                        folder_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
