/* test_tls.c - certificates that do and do not fit, and TLS of each version */
#include "net_rig.h"

#include "certificate.h"
#include "folder.h"
#include "net/tls.h"

static void write_text(const char *name, const char *text)
{
    FILE *file = fopen(folder_file(name), "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void make_certificates(void)
{
    certificate_make(folder_file("cert.pem"), folder_file("key.pem"));
    certificate_make(folder_file("other.pem"), folder_file("otherkey.pem"));
    write_text("text.pem", "not a certificate\n");
    write_text("empty.pem", "");
    write_text("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"
                             "-----END CERTIFICATE-----\n");
}

/* The same key, but for who knows the word. */
static void lock_key(void)
{
    FILE *in = fopen(folder_file("key.pem"), "r");
    FILE *out = fopen(folder_file("locked.pem"), "w");
    EVP_PKEY *key = PEM_read_PrivateKey(in, NULL, NULL, NULL);

    assert_non_null(key);
    PEM_write_PrivateKey(out, key, EVP_aes_128_cbc(),
                         (const unsigned char *)"word", 4, NULL, NULL);
    EVP_PKEY_free(key);
    fclose(in);
    fclose(out);
}

/* Without the name of the folder. */
static const char *shortened(const char *text)
{
    static char out[512];
    size_t len = 0;

    while (*text != '\0') {
        if (strncmp(text, folder, strlen(folder)) == 0) {
            text += strlen(folder) + 1;
        } else {
            out[len++] = *text++;
        }
    }
    out[len] = '\0';
    return out;
}

static void sentences(void **state)
{
    static const struct {
        const char *cert, *key;
        const char *wrong; /* NULL: nothing is */
        const char *says;
    } cases[] = {
        { "cert.pem", "key.pem", NULL, "" },
        { "none.pem", "key.pem", "cert",
          "cannot read none.pem: No such file or directory" },
        { "cert.pem", "none.pem", "key",
          "cannot read none.pem: No such file or directory" },
        { "text.pem", "key.pem", "cert",
          "text.pem is no PEM certificate: no start line" },
        { "empty.pem", "key.pem", "cert",
          "empty.pem is no PEM certificate: no start line" },
        { "broken.pem", "key.pem", "cert",
          "broken.pem is no PEM certificate: " },
        { "key.pem", "key.pem", "cert",
          "key.pem is no PEM certificate: no start line" },
        { "cert.pem", "otherkey.pem", "key",
          "otherkey.pem is not the private key of cert.pem: key values "
          "mismatch" },
        { "cert.pem", "cert.pem", "key",
          "cert.pem is not the private key of cert.pem: " },
        { "cert.pem", "text.pem", "key",
          "text.pem is not the private key of cert.pem: " },
        { "cert.pem", "locked.pem", "key",
          "locked.pem is not the private key of cert.pem: " },
    };

    (void)state;
    make_certificates();
    lock_key();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char why[512] = "";
        const char *wrong = NULL;
        int result =
            tls_check(folder_file(cases[i].cert), folder_file(cases[i].key),
                      &wrong, why, sizeof why);

        assert_int_equal(result, cases[i].wrong == NULL ? 0 : -1);
        if (cases[i].wrong != NULL) {
            assert_string_equal(wrong, cases[i].wrong);
        }
        if (strncmp(shortened(why), cases[i].says, strlen(cases[i].says)) !=
            0) {
            fail_msg("%zu: %s", i, why);
        }
    }
}

/* ---- served ------------------------------------------------------------ */

static void start(int min_version)
{
    make_certificates();
    net.conf.tls_cert = (char *)(uintptr_t)folder_file("cert.pem");
    net.conf.tls_key = (char *)(uintptr_t)folder_file("key.pem");
    net.conf.tls_min_version = min_version;
    net_listen(true);
    net_start_route("/a");
    script.on_message = net_echo;
}

static bool speaks(int version)
{
    struct client client;
    bool spoken;

    client_connect(&client);
    spoken = client_try_tls(&client, version);
    if (spoken) {
        assert_int_equal(client_upgrade(&client, "/a", ""), 101);
        client_text(&client, "secret");
        client_expect_text(&client, "secret");
        client_send_close(&client, 1000);
        client_expect_close(&client, 1000);
        client_expect_end(&client);
    }
    client_leave(&client);
    return spoken;
}

static void versions(void **state)
{
    (void)state;
    start(12);
    assert_true(speaks(TLS1_2_VERSION));
    assert_true(speaks(TLS1_3_VERSION));
    assert_false(speaks(TLS1_1_VERSION));
}

static void version_13_only(void **state)
{
    (void)state;
    start(13);
    assert_false(speaks(TLS1_2_VERSION));
    assert_true(speaks(TLS1_3_VERSION));
}

/* In the places of a plain client and of one that gives up. */
static void those_that_do_not_speak_it(void **state)
{
    struct client client;

    (void)state;
    start(12);
    assert_int_equal(net_get("/a"), 0);
    client_connect(&client);
    client_send(&client, "\x16\x03\x01\x02\x00\x01\x00\x01", 8);
    net_serve_ms(20);
    client_leave(&client);
    net_until(stat_get(&net.stats->sockets) == 0);
    assert_true(speaks(TLS1_3_VERSION));
}

/* The page over TLS names the scheme that goes with it. */
static void what_a_page_says(void **state)
{
    static const bay_plugin bare = { .name = "bare" };
    struct client client;

    (void)state;
    start(12);
    net_route("/b", &bare);
    client_connect(&client);
    client_tls(&client);
    client_say(&client, "GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(client_answer(&client), 426);
    assert_non_null(strstr(answer.body, "new WebSocket(\"wss://HOST/b\")"));
    client_leave(&client);
}

/* One end tells the other that it ends, in the way of TLS or not. */
static void ends(void **state)
{
    (void)state;
    start(12);
    for (int i = 0; i < 2; i++) {
        struct client client;

        client_connect(&client);
        client_tls(&client);
        assert_int_equal(client_upgrade(&client, "/a", ""), 101);
        net_until(net_heard("open"));
        script_heard();
        if (i == 0) {
            SSL_shutdown(client.ssl);
            net_until(net_heard("close"));
        }
        client_leave(&client);
        net_until(net_heard("close"));
        assert_string_equal(script_heard(), "close:1006: ");
    }
    assert_int_equal(stat_get(&net_stats()->protocol_errors), 0);
}

/* A fault of the peer is told over TLS, too. */
static void faults(void **state)
{
    struct client client;

    (void)state;
    start(12);
    client_connect(&client);
    client_tls(&client);
    assert_int_equal(client_upgrade(&client, "/a", ""), 101);
    client_text(&client, "first");
    client_send_frame(&client, 0x83, "", 0);
    client_expect_text(&client, "first");
    client_expect_close(&client, 1002);
    client_expect_end(&client);
    client_leave(&client);
}

static int setup(void **state)
{
    return folder_make(state) | net_setup(state);
}

static int teardown(void **state)
{
    return net_teardown(state) | folder_remove(state);
}

#define TLS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_TEST(sentences),        TLS_TEST(versions),
        TLS_TEST(version_13_only),  TLS_TEST(those_that_do_not_speak_it),
        TLS_TEST(what_a_page_says), TLS_TEST(ends),
        TLS_TEST(faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
