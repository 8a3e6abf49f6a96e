/* test_sockets.c - the sockets that listen */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "folder.h"
#include "proc/address.h"
#include "proc/reason.h"
#include "proc/sockets.h"
#include "proc/unix.h"

static struct conf conf;
static struct sockets sockets;
static const struct account nobody;
static char why[REASON_SIZE];

static int make(void **state)
{
    conf = (struct conf){ .workers = 2 };
    if (folder_make(state) < 0) {
        return -1;
    }
    conf.run_dir = folder;
    return 0;
}

static void add_tcp(const char *text, uint32_t addr, uint16_t port)
{
    struct conf_listen *listen = &conf.listen[conf.listen_count++];
    struct sockaddr_in *in = (void *)&listen->addr;

    *listen = (struct conf_listen){ .text = (char *)(uintptr_t)text,
                                    .addr_len = sizeof *in };
    in->sin_family = AF_INET;
    in->sin_addr.s_addr = htonl(addr);
    in->sin_port = htons(port);
}

static void add_unix(const char *path)
{
    struct conf_listen *listen = &conf.listen[conf.listen_count++];
    struct sockaddr_un *un = (void *)&listen->addr;

    *listen = (struct conf_listen){ .text = (char *)(uintptr_t)path,
                                    .addr_len = sizeof *un };
    un->sun_family = AF_UNIX;
    strcpy(un->sun_path, path);
}

static int open_all(void)
{
    return sockets_open(&sockets, &conf, &nobody, NULL, why, sizeof why);
}

static uint16_t port_of(size_t at)
{
    return address_port((const struct sockaddr *)&sockets.list[at].addr);
}

static int reach_at(const struct sockets *of, size_t at)
{
    int fd = socket(of->list[at].addr.ss_family, SOCK_STREAM, 0);
    int result = connect(fd, (const struct sockaddr *)&of->list[at].addr,
                         of->list[at].addr_len);

    close(fd);
    return result;
}

static int reach(size_t at)
{
    return reach_at(&sockets, at);
}

static void gives_each_worker_a_socket_on_one_port(void **state)
{
    int fds[2][CONF_MAX_LISTEN];
    bool tls[CONF_MAX_LISTEN];
    int value;
    socklen_t len = sizeof value;

    (void)state;
    add_tcp("127.0.0.1:0", INADDR_LOOPBACK, 0);
    assert_int_equal(open_all(), 0);
    assert_true(port_of(0) > 0);
    assert_int_equal(sockets_count(&sockets, 0), 1);
    sockets_of(&sockets, 0, fds[0], tls);
    assert_int_equal(sockets_count(&sockets, 1), 1);
    sockets_of(&sockets, 1, fds[1], tls);
    assert_int_not_equal(fds[0][0], fds[1][0]);
    assert_false(tls[0]);
    for (int i = 0; i < 2; i++) {
        struct sockaddr_in in;
        socklen_t size = sizeof in;

        getsockname(fds[i][0], (struct sockaddr *)&in, &size);
        assert_int_equal(ntohs(in.sin_port), port_of(0));
        getsockopt(fds[i][0], SOL_SOCKET, SO_ACCEPTCONN, &value, &len);
        assert_int_equal(value, 1);
    }
    assert_int_equal(reach(0), 0);
    sockets_close(&sockets);
}

/* The two families of localhost:0 are one address for people. */
static void gives_one_name_one_port(void **state)
{
    (void)state;
    add_tcp("localhost:0", INADDR_LOOPBACK, 0);
    add_tcp("localhost:0", INADDR_LOOPBACK + 1, 0);
    add_tcp("127.0.0.1:0", INADDR_LOOPBACK, 0);
    assert_int_equal(open_all(), 0);
    assert_int_equal(port_of(0), port_of(1));
    assert_int_not_equal(port_of(0), port_of(2));
    sockets_close(&sockets);
}

static void shares_no_port_with_another_server(void **state)
{
    static const int on = 1;
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof in;
    int other = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    /* As friendly as a server can be. */
    setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(other, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    assert_int_equal(bind(other, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(listen(other, 1), 0);
    getsockname(other, (struct sockaddr *)&in, &len);
    add_tcp("localhost:9501", INADDR_LOOPBACK, ntohs(in.sin_port));
    assert_int_equal(open_all(), -1);
    assert_string_equal(
        why, "cannot listen on localhost:9501: address already in use");
    assert_int_equal(sockets.count, 0);
    close(other);
    assert_int_equal(open_all(), 0);
    sockets_close(&sockets);
}

/* 192.0.2.0/24 is for documents: no machine has it. */
static void skips_only_what_may_be_missing(void **state)
{
    (void)state;
    add_tcp("name:0", INADDR_LOOPBACK, 0);
    add_tcp("name:0", 0xc0000201, 0);
    assert_int_equal(open_all(), -1);
    assert_string_equal(
        why, "cannot listen on name:0: cannot assign requested address");
    conf.listen[1].optional = true;
    assert_int_equal(open_all(), 0);
    assert_int_equal(sockets.count, 1);
    sockets_close(&sockets);
    conf.listen[0] = conf.listen[1];
    assert_int_equal(open_all(), -1);
    assert_non_null(strstr(why, "none of its addresses"));
}

static void shares_a_unix_socket_and_removes_its_own(void **state)
{
    int fds[2][CONF_MAX_LISTEN];
    bool tls[CONF_MAX_LISTEN];
    FILE *file;

    (void)state;
    conf.tls_cert = (char[]){ "cert" };
    add_tcp("127.0.0.1:0", INADDR_LOOPBACK, 0);
    add_unix(folder_file("s"));
    assert_int_equal(open_all(), 0);
    sockets_of(&sockets, 0, fds[0], tls);
    sockets_of(&sockets, 1, fds[1], tls);
    assert_int_equal(fds[0][1], fds[1][1]);
    assert_true(tls[0]);
    assert_false(tls[1]);
    assert_int_equal(reach(1), 0);
    sockets_close(&sockets);
    assert_int_equal(access(folder_file("s"), F_OK), -1);
    /* Somebody else's by now. */
    assert_int_equal(open_all(), 0);
    unlink(folder_file("s"));
    file = fopen(folder_file("s"), "w");
    fclose(file);
    sockets_close(&sockets);
    assert_int_equal(access(folder_file("s"), F_OK), 0);
}

static void makes_the_bus_for_several(void **state)
{
    (void)state;
    add_tcp("127.0.0.1:0", INADDR_LOOPBACK, 0);
    assert_int_equal(open_all(), 0);
    assert_non_null(sockets.bus);
    assert_int_equal(access(folder_file("bus.0.sock"), F_OK), 0);
    assert_int_equal(access(folder_file("bus.1.sock"), F_OK), 0);
    sockets_close(&sockets);
    assert_int_equal(access(folder_file("bus.0.sock"), F_OK), -1);
    assert_int_equal(access(folder_file("bus.1.sock"), F_OK), -1);
    conf.workers = 1;
    assert_int_equal(open_all(), 0);
    assert_null(sockets.bus);
    sockets_close(&sockets);
}

static bool is_open(int fd)
{
    struct stat stat;

    return fstat(fd, &stat) == 0;
}

/* The new one is on the bus with the old one, but on its sockets. */
static void makes_a_place_on_the_bus_for_one_to_come(void **state)
{
    int fds[CONF_MAX_LISTEN];
    bool tls[CONF_MAX_LISTEN];

    (void)state;
    add_tcp("127.0.0.1:0", INADDR_LOOPBACK, 0);
    conf.workers = 1;
    conf.max_requests = 5;
    assert_int_equal(open_all(), 0);
    assert_int_equal(sockets.places, 2);
    assert_int_equal(sockets.list[0].fd_count, 1);
    assert_int_equal(access(folder_file("bus.1.sock"), F_OK), 0);
    sockets_of(&sockets, 0, fds, tls);
    sockets_keep(&sockets, 0, 1);
    assert_true(is_open(fds[0]));
    assert_true(is_open(sockets.bus[1]));
    assert_int_equal(sockets.bus[0], -1);
    conf.max_requests = 0;
    sockets_close(&sockets);
    assert_int_equal(access(folder_file("bus.1.sock"), F_OK), -1);
}

static void keeps_what_is_the_workers(void **state)
{
    int mine[CONF_MAX_LISTEN], others[CONF_MAX_LISTEN];
    bool tls[CONF_MAX_LISTEN];
    int bus[2];

    (void)state;
    add_tcp("127.0.0.1:0", INADDR_LOOPBACK, 0);
    add_unix(folder_file("s"));
    assert_int_equal(open_all(), 0);
    sockets_of(&sockets, 1, mine, tls);
    sockets_of(&sockets, 0, others, tls);
    bus[0] = sockets.bus[0];
    bus[1] = sockets.bus[1];
    sockets_keep(&sockets, 1, 1);
    assert_true(is_open(mine[0]));
    assert_true(is_open(mine[1]));
    assert_false(is_open(others[0]));
    assert_true(is_open(bus[1]));
    assert_false(is_open(bus[0]));
    sockets_forget(&sockets);
    assert_false(is_open(mine[0]));
    assert_false(is_open(mine[1]));
    assert_false(is_open(bus[1]));
    assert_int_equal(access(folder_file("s"), F_OK), 0);
}

static void refuses_clients_once_workers_do(void **state)
{
    int fds[CONF_MAX_LISTEN];
    bool tls[CONF_MAX_LISTEN];
    int worker;

    (void)state;
    conf.workers = 1;
    add_tcp("127.0.0.1:0", INADDR_LOOPBACK, 0);
    add_unix(folder_file("s"));
    assert_int_equal(open_all(), 0);
    sockets_of(&sockets, 0, fds, tls);
    worker = dup(fds[0]);
    sockets_retire(&sockets);
    assert_int_equal(access(folder_file("s"), F_OK), -1);
    assert_int_equal(reach(0), 0);
    close(worker);
    assert_int_equal(reach(0), -1);
    assert_int_equal(errno, ECONNREFUSED);
    /* Another server may have the name from here on. */
    fclose(fopen(folder_file("s"), "w"));
    sockets_close(&sockets);
    assert_int_equal(access(folder_file("s"), F_OK), 0);
}

static void lists_real_addresses(void **state)
{
    struct buf list = { 0 };
    char expected[256];

    (void)state;
    add_tcp("localhost:0", INADDR_LOOPBACK, 0);
    add_unix(folder_file("s"));
    assert_int_equal(open_all(), 0);
    sockets_list(&sockets, &list);
    snprintf(expected, sizeof expected, "127.0.0.1:%u\nunix:%s\n", port_of(0),
             folder_file("s"));
    assert_string_equal(list.data, expected);
    buf_free(&list);
    sockets_close(&sockets);
}

static struct sockets next;

static int succeed(unsigned workers)
{
    conf.workers = workers;
    assert_int_equal(mkdir(folder_file("next"), 0700), 0);
    return sockets_succeed(&next, &sockets, &conf, &nobody, folder_file("next"),
                           why, sizeof why);
}

static void end_succession(void)
{
    sockets_close(&next);
    sockets_close(&sockets);
    assert_int_equal(rmdir(folder_file("next")), 0);
}

static void lends_its_sockets_to_more_workers(void **state)
{
    int before, fds[4];
    bool tls[4];

    (void)state;
    conf.workers = 1;
    add_tcp("127.0.0.1:0", INADDR_LOOPBACK, 0);
    add_unix(folder_file("s"));
    assert_int_equal(open_all(), 0);
    before = sockets.list[0].fds[0];
    assert_int_equal(succeed(3), 0);
    assert_int_equal(next.list[0].fds[0], before);
    assert_int_equal(next.list[0].fd_count, 3);
    assert_int_equal(next.list[1].fd_count, 1);
    assert_int_equal(sockets_count(&next, 2), 2);
    sockets_of(&next, 2, fds, tls);
    assert_int_equal(fds[0], next.list[0].fds[2]);
    assert_int_equal(fds[1], sockets.list[1].fds[0]);
    /* Nobody waits in what may be given up. */
    sockets_close(&next);
    assert_true(is_open(before));
    assert_int_equal(reach(0), 0);
    assert_int_equal(reach(1), 0);
    assert_int_equal(rmdir(folder_file("next")), 0);
    assert_int_equal(succeed(2), 0);
    assert_int_equal(sockets_listen(&next, why, sizeof why), 0);
    sockets_take_over(&next, &sockets);
    assert_true(is_open(before));
    assert_int_equal(access(folder_file("s"), F_OK), 0);
    assert_int_equal(reach_at(&next, 0), 0);
    end_succession();
    assert_false(is_open(before));
    assert_int_equal(access(folder_file("s"), F_OK), -1);
}

static void gives_each_of_fewer_workers_several(void **state)
{
    int fds[4];
    bool tls[4];

    (void)state;
    conf.workers = 3;
    add_tcp("127.0.0.1:0", INADDR_LOOPBACK, 0);
    assert_int_equal(open_all(), 0);
    assert_int_equal(succeed(2), 0);
    assert_int_equal(sockets_count(&next, 0), 2);
    assert_int_equal(sockets_count(&next, 1), 1);
    sockets_of(&next, 0, fds, tls);
    assert_int_equal(fds[0], sockets.list[0].fds[0]);
    assert_int_equal(fds[1], sockets.list[0].fds[2]);
    end_succession();
}

/* A new address takes clients only once it is complete; one that goes is
 * closed, and its port of 0 is not taken for another's. */
static void exchanges_addresses(void **state)
{
    struct sockaddr_storage gone;
    int fd;

    (void)state;
    add_tcp("127.0.0.1:0", INADDR_LOOPBACK, 0);
    add_tcp("127.0.0.2:0", INADDR_LOOPBACK + 1, 0);
    assert_int_equal(open_all(), 0);
    gone = sockets.list[0].addr;
    conf.listen[0] = conf.listen[1];
    conf.listen_count = 1;
    add_tcp("127.0.0.3:0", INADDR_LOOPBACK + 2, 0);
    assert_int_equal(succeed(2), 0);
    assert_int_equal(next.list[0].fds[1], sockets.list[1].fds[1]);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&next.list[1].addr,
                             next.list[1].addr_len),
                     -1);
    assert_int_equal(sockets_listen(&next, why, sizeof why), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&next.list[1].addr,
                             next.list[1].addr_len),
                     0);
    close(fd);
    sockets_take_over(&next, &sockets);
    assert_int_equal(access(folder_file("bus.1.sock"), F_OK), 0);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(
        connect(fd, (struct sockaddr *)&gone, sizeof(struct sockaddr_in)), -1);
    assert_int_equal(errno, ECONNREFUSED);
    close(fd);
    end_succession();
}

static void drops_what_a_worker_does_not_share(void **state)
{
    int shared, alone, bus;

    (void)state;
    add_tcp("127.0.0.1:0", INADDR_LOOPBACK, 0);
    add_tcp("127.0.0.2:0", INADDR_LOOPBACK + 1, 0);
    assert_int_equal(open_all(), 0);
    conf.listen_count = 1;
    assert_int_equal(succeed(2), 0);
    shared = sockets.list[0].fds[0];
    alone = sockets.list[1].fds[0];
    bus = sockets.bus[0];
    sockets_drop(&next, &sockets);
    assert_true(is_open(shared));
    assert_false(is_open(alone));
    assert_false(is_open(bus));
    unlink(folder_file("bus.0.sock"));
    unlink(folder_file("bus.1.sock"));
    end_succession();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lends_its_sockets_to_more_workers),
        TEST(gives_each_of_fewer_workers_several),
        TEST(exchanges_addresses),
        TEST(drops_what_a_worker_does_not_share),
        cmocka_unit_test_setup_teardown(gives_each_worker_a_socket_on_one_port,
                                        make, folder_remove),
        cmocka_unit_test_setup_teardown(gives_one_name_one_port, make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(shares_no_port_with_another_server,
                                        make, folder_remove),
        cmocka_unit_test_setup_teardown(skips_only_what_may_be_missing, make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(
            shares_a_unix_socket_and_removes_its_own, make, folder_remove),
        cmocka_unit_test_setup_teardown(makes_the_bus_for_several, make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(
            makes_a_place_on_the_bus_for_one_to_come, make, folder_remove),
        cmocka_unit_test_setup_teardown(keeps_what_is_the_workers, make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(refuses_clients_once_workers_do, make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(lists_real_addresses, make,
                                        folder_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
