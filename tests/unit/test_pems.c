/* test_pems.c - the PEM files that a configuration names */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "folder.h"
#include "net/pems.h"

static char why[512];

static char *put(const char *name, const char *text)
{
    const char *file = folder_file(name);
    FILE *out = fopen(file, "w");

    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    return (char *)(uintptr_t)file;
}

static void reads_them_in_order(void **state)
{
    struct conf_certificate certificates[2] = {
        { .cert = put("c1", "cert 1"), .key = put("k1", "key 1") },
        { .cert = put("c2", "cert 2"), .key = put("k2", "key 2") }
    };
    struct conf conf = { .tls_cert = put("c", "cert"),
                         .tls_key = put("k", "key"),
                         .tls_client_ca = put("a", "ca"),
                         .certificates = certificates,
                         .certificate_count = 2 };
    static const char *const texts[] = { "cert",   "key",   "cert 1", "key 1",
                                         "cert 2", "key 2", "ca" };
    const char *files[PEMS_MAX];
    struct pems pems, same = { .count = 0 };

    (void)state;
    assert_int_equal(pems_read(&pems, &conf, why, sizeof why), 0);
    assert_int_equal(pems.count, 7);
    assert_int_equal(pems_files(&conf, files), 7);
    assert_ptr_equal(files[6], conf.tls_client_ca);
    for (size_t i = 0; i < 7; i++) {
        assert_string_equal(pems.texts[i].data, texts[i]);
        assert_false(pems_equal(&pems, &same));
        assert_int_equal(pems_add(&same, texts[i]), 0);
    }
    assert_true(pems_equal(&pems, &same));
    pems_free(&same);
    pems_move(&same, &pems);
    assert_int_equal(pems.count, 0);
    assert_int_equal(same.count, 7);
    put("k2", "key X");
    assert_int_equal(pems_read(&pems, &conf, why, sizeof why), 0);
    assert_false(pems_equal(&pems, &same));
    pems_free(&pems);
    remove(folder_file("a"));
    assert_int_equal(pems_read(&pems, &conf, why, sizeof why), -1);
    assert_non_null(strstr(why, "/a cannot be read: "));
    assert_int_equal(pems.count, 0);
    pems_free(&same);
}

static void there_may_be_none(void **state)
{
    struct conf conf = { .tls_cert = NULL };
    struct pems pems;

    (void)state;
    assert_int_equal(pems_read(&pems, &conf, why, sizeof why), 0);
    assert_int_equal(pems.count, 0);
    for (size_t i = 0; i < PEMS_MAX; i++) {
        assert_int_equal(pems_add(&pems, "x"), 0);
    }
    assert_int_equal(pems_add(&pems, "x"), -1);
    pems_free(&pems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_them_in_order, folder_make,
                                        folder_remove),
        cmocka_unit_test(there_may_be_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
