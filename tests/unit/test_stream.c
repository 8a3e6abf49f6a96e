/* test_stream.c - Unix stream sockets on the loop */
#include "bus/stream.h"

#include <grp.h>
#include <sys/wait.h>

#include "bus_world.h"

static void connects_writes_and_reads(void **state)
{
    struct world *world = *state;
    struct chunk_pool pool = { 0 };
    struct outbox outbox = { .pool = &pool };
    unsigned handles = 0;
    struct sockaddr_un addr;
    struct stream *out, *in;
    char bytes[16];

    world_path(world, 0, &addr);
    out = stream_connect(&world->loop, addr.sun_path, NULL, &handles);
    assert_non_null(out);
    in = stream_accept(&world->loop, world->listen_fds[0], NULL, &handles);
    assert_non_null(in);
    assert_int_equal(handles, 2);
    assert_null(
        stream_accept(&world->loop, world->listen_fds[0], NULL, &handles));
    assert_int_equal(errno, EAGAIN);

    assert_int_equal(stream_read(in, bytes, sizeof bytes), 0);
    assert_int_equal(outbox_add(&outbox, "hello", 5), 0);
    assert_int_equal(stream_write(out, &outbox), 0);
    assert_int_equal(outbox.bytes, 0);
    assert_int_equal(stream_read(in, bytes, sizeof bytes), 5);
    assert_memory_equal(bytes, "hello", 5);

    assert_int_equal(outbox_add(&outbox, "bye", 3), 0);
    assert_int_equal(stream_write(out, &outbox), 0);
    stream_close(out);
    assert_int_equal(stream_read(in, bytes, sizeof bytes), 3);
    assert_int_equal(stream_read(in, bytes, sizeof bytes), -1);
    assert_int_equal(errno, 0);
    stream_close(in);
    stream_close(NULL);
    until(world, handles == 0);
    outbox_finish(&outbox);
    chunk_pool_finish(&pool);
}

static void writes_what_the_socket_takes(void **state)
{
    enum { FRAMES = 2000, SIZE = 1000 };
    struct world *world = *state;
    struct chunk_pool pool = { 0 };
    struct outbox outbox = { .pool = &pool };
    unsigned handles = 0;
    struct sockaddr_un addr;
    struct stream *out, *in;
    char bytes[SIZE];
    size_t at = 0;
    int i, more;

    world_path(world, 0, &addr);
    out = stream_connect(&world->loop, addr.sun_path, NULL, &handles);
    in = stream_accept(&world->loop, world->listen_fds[0], NULL, &handles);
    for (i = 0; i < FRAMES; i++) {
        memset(bytes, 'a' + i % 26, sizeof bytes);
        assert_int_equal(outbox_add(&outbox, bytes, sizeof bytes), 0);
    }
    assert_int_equal(stream_write(out, &outbox), 1);
    assert_in_range(outbox.bytes, 1, FRAMES * SIZE - 1);
    do {
        ssize_t n;

        more = stream_write(out, &outbox);
        while ((n = stream_read(in, bytes, sizeof bytes)) > 0) {
            for (i = 0; i < n; i++, at++) {
                assert_int_equal(bytes[i], 'a' + at / SIZE % 26);
            }
        }
    } while (more == 1);
    assert_int_equal(more, 0);
    assert_int_equal(at, FRAMES * SIZE);

    /* And to a peer that is gone: no signal, an error. */
    stream_close(in);
    assert_int_equal(outbox_add(&outbox, "x", 1), 0);
    assert_int_equal(stream_write(out, &outbox), -1);
    assert_int_equal(errno, EPIPE);
    stream_close(out);
    until(world, handles == 0);
    outbox_finish(&outbox);
    chunk_pool_finish(&pool);
}

static void says_why_it_cannot_connect(void **state)
{
    struct world *world = *state;
    unsigned handles = 0;
    struct sockaddr_un addr;
    struct stream *stream;
    char path[200];

    world_path(world, 3, &addr);
    world_unlisten(world, 3);
    assert_null(stream_connect(&world->loop, addr.sun_path, NULL, &handles));
    assert_int_equal(errno, ENOENT);

    world_listen(world, 3, 0); /* one may wait */
    stream = stream_connect(&world->loop, addr.sun_path, NULL, &handles);
    assert_non_null(stream);
    assert_null(stream_connect(&world->loop, addr.sun_path, NULL, &handles));
    assert_int_equal(errno, EAGAIN);
    stream_close(stream);

    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    assert_null(stream_connect(&world->loop, path, NULL, &handles));
    assert_int_equal(errno, ENAMETOOLONG);
    assert_int_equal(handles, 1);
    until(world, handles == 0);
}

/* Connects as another user, in a child; returns what accept says. */
static void refuses_another_user(void **state)
{
    const uid_t nobody = 65534;
    struct world *world = *state;
    unsigned handles = 0;
    struct sockaddr_un addr;
    int status;
    pid_t pid;

    if (geteuid() != 0) {
        skip(); /* only root can be another */
    }
    world_path(world, 0, &addr);
    assert_int_equal(chmod(world->dir, 0755), 0);
    assert_int_equal(chmod(addr.sun_path, 0777), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        if (setgroups(0, NULL) < 0 || setuid(nobody) < 0 ||
            connect(fd, (struct sockaddr *)&addr, sizeof addr) < 0) {
            _exit(1);
        }
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_null(
        stream_accept(&world->loop, world->listen_fds[0], NULL, &handles));
    assert_int_equal(errno, EPERM);
    assert_int_equal(handles, 0);
    assert_null(
        stream_accept(&world->loop, world->listen_fds[0], NULL, &handles));
    assert_int_equal(errno, EAGAIN);
}

int main(void)
{
#define WORLD_TEST(test) \
    cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        WORLD_TEST(connects_writes_and_reads),
        WORLD_TEST(writes_what_the_socket_takes),
        WORLD_TEST(says_why_it_cannot_connect),
        WORLD_TEST(refuses_another_user),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
