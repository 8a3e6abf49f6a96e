/* test_candidate.c - what a reload may bring */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/stat.h>

#include "folder.h"
#include "proc/candidate.h"
#include "proc/reason.h"

static char why[REASON_SIZE];

static void put(const char *name, const char *text)
{
    FILE *file = fopen(folder_file(name), "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int make(void **state)
{
    if (folder_make(state) < 0) {
        return -1;
    }
    put("p.ini", "[server]\nplugin_dir = .\nrun_dir = run\n"
                 "[tls]\ncert = c.pem\nkey = k.pem\n"
                 "[route.x]\npath = /x\nplugin = x\n");
    put("x.so", "one");
    put("c.pem", "cert");
    put("k.pem", "key");
    return mkdir(folder_file("images"), 0700);
}

static int take(struct candidate *candidate)
{
    return candidate_read(candidate, folder_file("p.ini"),
                          folder_file("images"), why, sizeof why);
}

static void holds_all_that_will_be_served(void **state)
{
    struct candidate candidate;

    (void)state;
    assert_int_equal(take(&candidate), 0);
    assert_string_equal(candidate.conf->routes[0].name, "x");
    assert_int_equal(candidate.pins.count, 1);
    assert_string_equal(candidate.pems.texts[0].data, "cert");
    assert_string_equal(candidate.pems.texts[1].data, "key");
    candidate_free(&candidate);
}

static void takes_addresses(void **state)
{
    struct check_found found = { .listen = { { .text = (char[]){ "a:1" },
                                               .addr_len = 7 } },
                                 .listen_count = 1 };
    struct candidate candidate;

    (void)state;
    assert_int_equal(take(&candidate), 0);
    assert_int_equal(candidate.conf->listen_count, 0);
    assert_int_equal(candidate_take_addresses(&candidate, &found), 0);
    assert_int_equal(candidate.conf->listen_count, 1);
    assert_string_equal(candidate.conf->listen[0].text, "a:1");
    assert_int_equal(candidate.conf->listen[0].addr_len, 7);
    candidate_free(&candidate);
}

static void differs_by_every_byte(void **state)
{
    static const struct {
        const char *name;
        const char *before, *after;
    } changes[] = { { "x.so", "one", "two" },
                    { "c.pem", "cert", "CERT" },
                    { "k.pem", "key", "keys" } };
    struct candidate a, b;

    (void)state;
    assert_int_equal(take(&a), 0);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        put(changes[i].name, changes[i].after);
        assert_int_equal(take(&b), 0);
        assert_false(candidate_equal(&a, &b));
        candidate_free(&b);
        put(changes[i].name, changes[i].before);
        assert_int_equal(take(&b), 0);
        assert_true(candidate_equal(&a, &b));
        candidate_free(&b);
    }
    candidate_free(&a);
}

static void says_what_is_missing(void **state)
{
    struct candidate a, b;

    (void)state;
    remove(folder_file("x.so"));
    assert_int_equal(take(&a), -1);
    assert_non_null(strstr(why, "x.so cannot be read"));
    put("p.ini", "[route");
    assert_int_equal(take(&b), -1);
    assert_null(b.conf);
    assert_false(candidate_equal(&a, &b));
    candidate_free(&a);
    candidate_free(&b);
    remove(folder_file("p.ini"));
    assert_int_equal(take(&a), -1);
    candidate_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(holds_all_that_will_be_served, make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(takes_addresses, make, folder_remove),
        cmocka_unit_test_setup_teardown(differs_by_every_byte, make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(says_what_is_missing, make,
                                        folder_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
