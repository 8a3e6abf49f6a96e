/* test_tap.c - whose recv and SSL_read go another way, and whose do not
 *
 * This program's recv and SSL_read are those of tap.c, as the host's are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authority.h"
#include "net/tap.h"

struct link {
    int fd;
    unsigned recvs, ssl_reads;
};

static struct link one, two;
static int fds[2]; /* of a pair: the first is read from */

static ssize_t own_recv(struct link *link, void *to, size_t len)
{
    ssize_t n = tap_recv(link->fd, to, len);

    link->recvs++;
    if (n > 0) {
        ((char *)to)[0] = '!';
    }
    return n;
}

static int own_ssl_read(struct link *link, SSL *ssl, void *to, int len)
{
    int n = tap_ssl_read(ssl, to, len);

    link->ssl_reads++;
    if (n > 0) {
        ((char *)to)[0] = '!';
    }
    return n;
}

static int begin(void **state)
{
    static const struct tap_calls calls = { .recv = own_recv,
                                            .ssl_read = own_ssl_read };

    (void)state;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0) {
        return -1;
    }
    one = two = (struct link){ .fd = fds[0] };
    return tap_init(&calls) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    tap_forget(fds[0], &one);
    tap_forget(fds[0], &two);
    close(fds[0]);
    close(fds[1]);
    return 0;
}

/* What recv gives of "abc". */
static const char *read_abc(int flags)
{
    static char text[4];

    memset(text, 0, sizeof text);
    assert_int_equal(write(fds[1], "abc", 3), 3);
    assert_int_equal(recv(fds[0], text, 3, flags), 3);
    return text;
}

static void only_what_is_watched(void **state)
{
    (void)state;
    assert_string_equal(read_abc(0), "abc");
    tap_watch(fds[0], &one);
    assert_string_equal(read_abc(0), "!bc");
    assert_int_equal(one.recvs, 1);
    assert_string_equal(read_abc(MSG_DONTWAIT), "abc"); /* another's call */
    tap_forget(fds[0], &one);
    assert_string_equal(read_abc(0), "abc");
    assert_int_equal(one.recvs, 1);
}

/* What recv says of its socket goes on to whoever asks. */
static void errors_as_they_are(void **state)
{
    char text[3];

    (void)state;
    tap_watch(fds[0], &one);
    errno = 0;
    assert_int_equal(recv(fds[0], text, 3, 0), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
    assert_int_equal(recv(fds[0], text, 3, 0), 0);
    assert_int_equal(one.recvs, 2);
    errno = 0;
    assert_int_equal(recv(-1, text, 3, 0), -1);
    assert_int_equal(errno, EBADF);
    tap_watch(-1, &one); /* nothing to watch, and nothing to harm */
    tap_forget(-1, &one);
}

/* A number may have another owner before the one before says goodbye. */
static void forgotten_by_its_owner_only(void **state)
{
    (void)state;
    tap_watch(fds[0], &one);
    tap_watch(fds[0], &two);
    tap_forget(fds[0], &one);
    assert_string_equal(read_abc(0), "!bc");
    assert_int_equal(one.recvs, 0);
    assert_int_equal(two.recvs, 1);
}

static void *read_elsewhere(void *arg)
{
    (void)arg;
    return (void *)(uintptr_t)strcmp(read_abc(0), "abc");
}

static void other_threads_read_as_ever(void **state)
{
    pthread_t thread;
    void *differs;

    (void)state;
    tap_watch(fds[0], &one);
    assert_int_equal(pthread_create(&thread, NULL, read_elsewhere, NULL), 0);
    pthread_join(thread, &differs);
    assert_null(differs);
    assert_int_equal(one.recvs, 0);
}

/* ---- TLS --------------------------------------------------------------- */

struct talk {
    struct holder holder;
    SSL_CTX *served, *asking;
    SSL *server, *client;
};

static void talk_begin(struct talk *talk)
{
    holder_make(&talk->holder, "tap", NULL, 1);
    talk->served = SSL_CTX_new(TLS_server_method());
    talk->asking = SSL_CTX_new(TLS_client_method());
    SSL_CTX_use_certificate(talk->served, talk->holder.cert);
    SSL_CTX_use_PrivateKey(talk->served, talk->holder.key);
    talk->server = SSL_new(talk->served);
    talk->client = SSL_new(talk->asking);
    SSL_set_fd(talk->server, fds[0]);
    SSL_set_fd(talk->client, fds[1]);
    SSL_set_connect_state(talk->client);
    SSL_set_accept_state(talk->server);
    for (int i = 0; i < 8; i++) {
        SSL_do_handshake(talk->client);
        SSL_do_handshake(talk->server);
    }
    assert_true(SSL_is_init_finished(talk->client));
    assert_true(SSL_is_init_finished(talk->server));
}

static void talk_end(struct talk *talk)
{
    SSL_free(talk->server);
    SSL_free(talk->client);
    SSL_CTX_free(talk->served);
    SSL_CTX_free(talk->asking);
    holder_free(&talk->holder);
}

static void tls_likewise(void **state)
{
    struct talk talk;
    char text[4] = "";

    (void)state;
    talk_begin(&talk);
    assert_int_equal(SSL_write(talk.client, "abc", 3), 3);
    assert_int_equal(SSL_read(talk.server, text, 3), 3);
    assert_string_equal(text, "abc");
    tap_watch(fds[0], &one);
    assert_int_equal(SSL_write(talk.client, "abc", 3), 3);
    assert_int_equal(SSL_read(talk.server, text, 3), 3);
    assert_string_equal(text, "!bc");
    assert_int_equal(SSL_read(talk.server, text, 3), -1); /* nothing there */
    assert_int_equal(SSL_get_error(talk.server, -1), SSL_ERROR_WANT_READ);
    assert_int_equal(SSL_read(talk.server, text, -1), -1);
    SSL_shutdown(talk.client);
    assert_int_equal(SSL_read(talk.server, text, 3), 0); /* an orderly end */
    assert_int_equal(one.ssl_reads, 4);
    assert_int_equal(one.recvs, 0); /* OpenSSL itself reads past it */
    talk_end(&talk);
}

#define TAP_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TAP_TEST(only_what_is_watched),
        TAP_TEST(errors_as_they_are),
        TAP_TEST(forgotten_by_its_owner_only),
        TAP_TEST(other_threads_read_as_ever),
        TAP_TEST(tls_likewise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
