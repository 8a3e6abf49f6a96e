/* test_server_conf.c - a server takes up another conf, or leaves it */
#include "net_rig.h"

#include "authority.h"
#include "folder.h"

/* For [http] root: two folders with a page each. */
static char roots[2][80];
static struct conf other;
static struct holder first, second;
static struct pems first_pems, second_pems;
static char why[512];

static void write_page(unsigned at, const char *text)
{
    char name[200];
    FILE *file;

    snprintf(name, sizeof name, "%s/page.txt", roots[at]);
    file = fopen(name, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int begin(void **state)
{
    int error = folder_make(state);

    for (unsigned i = 0; i < 2; i++) {
        snprintf(roots[i], sizeof roots[i], "%s/%u", folder, i);
        error |= mkdir(roots[i], 0755);
        write_page(i, i == 0 ? "one" : "two");
    }
    holder_make(&first, "first", NULL, 1);
    holder_make(&second, "second", NULL, 2);
    pems_add(&first_pems, first.cert_pem);
    pems_add(&first_pems, first.key_pem);
    pems_add(&second_pems, second.cert_pem);
    pems_add(&second_pems, second.key_pem);
    why[0] = '\0';
    return error | net_setup(state);
}

static int end(void **state)
{
    int error = net_teardown(state);

    pems_free(&first_pems);
    pems_free(&second_pems);
    holder_free(&first);
    holder_free(&second);
    return error | folder_remove(state);
}

/* As the host does it: with the texts in hand, before its files are gone. */
static void serve(bool tls, bool files)
{
    struct server_setup setup = { .loop = &net.loop,
                                  .conf = &net.conf,
                                  .stats = net.stats,
                                  .listen_fds = net.listen_fds,
                                  .listen_tls = net.listen_tls,
                                  .pems = &first_pems };
    struct core_setup core = { .transport = server_transport(),
                               .stats = net.stats,
                               .workers = 1 };

    net_listen(tls);
    setup.listen_count = net.listen_count;
    if (tls) {
        net.conf.tls_cert = (char[]){ "cert.pem" };
        net.conf.tls_key = (char[]){ "key.pem" };
        net.conf.tls_min_version = 12;
    }
    net.conf.http_root = files ? roots[0] : NULL;
    net.server = server_create(&setup);
    assert_non_null(net.server);
    core.transport_self = net.server;
    net.core = core_create(&core);
    server_set_core(net.server, net.core);
    server_start(net.server);
    other = net.conf;
}

static int prepare(const struct pems *pems)
{
    return server_prepare(net.server, &other, pems, why, sizeof why);
}

static const struct pems no_pems;

static void expect_page(const char *text)
{
    assert_int_equal(net_get("/page.txt"), text != NULL ? 200 : 404);
    if (text != NULL) {
        assert_string_equal(answer.body, text);
    }
}

/* Whether a new client is shown this certificate. */
static bool shows(const struct holder *holder)
{
    struct client client;
    X509 *cert;
    bool same;

    client_connect(&client);
    client_tls(&client);
    cert = SSL_get1_peer_certificate(client.ssl);
    assert_non_null(cert);
    same = X509_cmp(cert, holder->cert) == 0;
    X509_free(cert);
    client_leave(&client);
    return same;
}

/* ---- files ------------------------------------------------------------- */

static void another_folder(void **state)
{
    (void)state;
    serve(false, true);
    expect_page("one");
    other.http_root = roots[1];
    assert_int_equal(prepare(&no_pems), 0);
    expect_page("one"); /* nobody sees what is only prepared */
    server_commit(net.server);
    expect_page("two");
    other.http_root = NULL;
    assert_int_equal(prepare(&no_pems), 0);
    server_commit(net.server);
    expect_page(NULL);
    other.http_root = roots[0];
    assert_int_equal(prepare(&no_pems), 0);
    server_commit(net.server);
    expect_page("one");
}

static void left_as_it_was(void **state)
{
    (void)state;
    serve(false, true);
    other.http_root = roots[1];
    assert_int_equal(prepare(&no_pems), 0);
    server_abort(net.server);
    server_abort(net.server); /* there is nothing to leave any more */
    expect_page("one");
    assert_ptr_equal(net.server->conf, &net.conf);
    assert_null(net.server->next_conf);
    assert_int_equal(prepare(&no_pems), 0);
    server_commit(net.server);
    expect_page("two");
    assert_ptr_equal(net.server->conf, &other);
}

static void a_folder_that_is_not_there(void **state)
{
    (void)state;
    serve(false, false);
    other.http_root = (char[]){ "/nonexistent/www" };
    assert_int_equal(prepare(&no_pems), -1);
    assert_string_equal(why, "[http] root: cannot open the folder "
                             "/nonexistent/www: No such file or directory");
    assert_null(net.server->next_conf);
    assert_int_equal(net_get("/page.txt"), 404);
}

/* The host ends between the two. */
static void never_taken_up(void **state)
{
    (void)state;
    serve(true, false);
    other.http_root = roots[1];
    assert_int_equal(prepare(&second_pems), 0);
}

/* ---- certificates ------------------------------------------------------ */

static void another_certificate(void **state)
{
    struct client open;

    (void)state;
    serve(true, false);
    net_route("/a", &script_plugin);
    script.on_message = net_echo;
    client_connect(&open);
    client_tls(&open);
    assert_int_equal(client_upgrade(&open, "/a", ""), 101);
    assert_true(shows(&first));
    assert_int_equal(prepare(&second_pems), 0);
    assert_true(shows(&first));
    server_commit(net.server);
    assert_true(shows(&second));
    client_text(&open, "with the old one"); /* and nobody is cut off */
    client_expect_text(&open, "with the old one");
    client_leave(&open);
}

static void certificates_left(void **state)
{
    (void)state;
    serve(true, false);
    assert_int_equal(prepare(&second_pems), 0);
    server_abort(net.server);
    assert_true(shows(&first));
    assert_int_equal(prepare(&second_pems), 0);
    server_commit(net.server);
    assert_true(shows(&second));
}

/* One part that cannot be leaves nothing of the other behind. */
static void half_of_it_is_none(void **state)
{
    struct pems garbage = { 0 };

    (void)state;
    serve(true, false);
    other.http_root = (char[]){ "/nonexistent/www" };
    assert_int_equal(prepare(&second_pems), -1);
    assert_null(net.server->next_keyring);
    pems_add(&garbage, "-----BEGIN CERTIFICATE-----\nnone\n");
    pems_add(&garbage, second.key_pem);
    other.http_root = roots[1];
    assert_int_equal(prepare(&garbage), -1);
    assert_string_equal(why, "[tls] cert: no PEM certificate: bad end line");
    assert_null(net.server->next_keyring);
    assert_null(net.server->next_files);
    assert_true(shows(&first));
    pems_free(&garbage);
}

#define CONF_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONF_TEST(another_folder),
        CONF_TEST(left_as_it_was),
        CONF_TEST(a_folder_that_is_not_there),
        CONF_TEST(never_taken_up),
        CONF_TEST(another_certificate),
        CONF_TEST(certificates_left),
        CONF_TEST(half_of_it_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
