/* test_pair.c - a certificate and its key, of PEM texts */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <string.h>

#include "certificate.h"
#include "folder.h"
#include "net/pair.h"

static char cert[8192], key[4096], other_cert[8192], other_key[4096];
static char why[256];

static void read_file(const char *name, char *text, size_t size)
{
    FILE *file = fopen(folder_file(name), "r");
    size_t len;

    assert_non_null(file);
    len = fread(text, 1, size - 1, file);
    text[len] = 0;
    fclose(file);
}

static int make(void **state)
{
    if (folder_make(state) < 0) {
        return -1;
    }
    certificate_make(folder_file("c.pem"), folder_file("k.pem"));
    read_file("c.pem", cert, sizeof cert);
    read_file("k.pem", key, sizeof key);
    certificate_make(folder_file("c.pem"), folder_file("k.pem"));
    read_file("c.pem", other_cert, sizeof other_cert);
    read_file("k.pem", other_key, sizeof other_key);
    return 0;
}

static struct pair *take(const char *cert_pem, const char *key_pem)
{
    return pair_read(cert_pem, key_pem, why, sizeof why);
}

static void belongs_together(void **state)
{
    char chain[16384];
    struct pair *pair;

    (void)state;
    snprintf(chain, sizeof chain, "%s%s", cert, cert);
    pair = take(chain, key);
    assert_non_null(pair);
    pair_free(pair);
    pair_free(NULL);
}

static void says_what_is_wrong(void **state)
{
    char broken[sizeof cert + 256];

    (void)state;
    assert_null(take(cert, other_key));
    assert_string_equal(why, "key: not the private key of the "
                             "certificate: key values mismatch");
    assert_null(take(cert, cert));
    assert_null(take("nonsense", key));
    assert_string_equal(why, "cert: no PEM certificate: no start line");
    assert_null(take("", key));
    /* A chain that breaks off. */
    snprintf(broken, sizeof broken, "%s%.200s", cert, cert);
    assert_null(take(broken, key));
    assert_non_null(strstr(why, "cert: no PEM certificate: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(belongs_together, make, folder_remove),
        cmocka_unit_test_setup_teardown(says_what_is_wrong, make,
                                        folder_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
