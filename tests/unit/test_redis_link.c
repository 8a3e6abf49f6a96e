/* test_redis_link.c - one connection to a Redis that misbehaves as it can */
#include "bus/redis_link.h"

#include <netinet/in.h>
#include <patchbay.h>

#include "fake_redis.h"

struct scene {
    struct fake *fake;
    struct redis_link link;
    struct chunk_pool pool;
    unsigned handles;
    char area[REDIS_LINK_AREA];
    int ups, downs, answers, lost;
    enum cluster_state state;
    char why[256];
    char last[256]; /* what was answered or pushed */
    bool stops;     /* in the next answer */
};

static void up(void *arg)
{
    ((struct scene *)arg)->ups++;
}

static void down(void *arg, enum cluster_state state, const char *why)
{
    struct scene *scene = arg;

    scene->downs++;
    scene->state = state;
    snprintf(scene->why, sizeof scene->why, "%s", why);
}

static void note(struct scene *scene, const redisReply *reply)
{
    snprintf(scene->last, sizeof scene->last, "%s",
             reply->type == REDIS_REPLY_ARRAY ? reply->element[0]->str
             : reply->str                     ? reply->str
                                              : "");
}

static void pushed(void *arg, const redisReply *reply)
{
    struct scene *scene = arg;

    scene->answers++;
    note(scene, reply);
}

static void answer(void *arg, uint64_t tag, const redisReply *reply)
{
    struct scene *scene = arg;

    if (!reply) {
        scene->lost++;
        assert_int_equal(
            redis_link_command(&scene->link,
                               (struct resp_arg[]){ RESP_TEXT("AGAIN") }, 1,
                               answer, arg, 0, NULL),
            BAY_ESTATE);
        return;
    }
    assert_int_equal(tag, scene->answers);
    scene->answers++;
    note(scene, reply);
    if (scene->stops) {
        redis_link_stop(&scene->link);
    }
}

static struct scene *begin_at(struct fake *fake, const struct redis_url *url,
                              bool subscribes, size_t limit)
{
    struct scene *scene = calloc(1, sizeof *scene);
    struct redis_link_setup setup = {
        .loop = &fake->loop,
        .url = url,
        .name = "name",
        .subscribes = subscribes,
        .queue_limit = limit,
        .timeout_ms = FAKE_TIMEOUT,
        .arg = scene,
        .up = up,
        .down = down,
        .pushed = pushed,
    };

    assert_non_null(scene);
    scene->fake = fake;
    setup.pool = &scene->pool;
    setup.handles = &scene->handles;
    setup.area = scene->area;
    redis_link_init(&scene->link, &setup);
    redis_link_start(&scene->link);
    return scene;
}

static struct scene *begin(void **state)
{
    struct fake *fake = *state;

    return begin_at(fake, &fake->url, false, 1 << 20);
}

static void end(struct scene *scene)
{
    redis_link_close(&scene->link);
    until(scene->fake, scene->handles == 0);
    redis_link_finish(&scene->link);
    chunk_pool_finish(&scene->pool);
    free(scene);
}

static int ask(struct scene *scene, const char *word, uint64_t tag)
{
    const struct resp_arg args[] = { RESP_TEXT(word) };
    int status =
        redis_link_command(&scene->link, args, 1, answer, scene, tag, NULL);

    redis_link_flush(&scene->link);
    return status;
}

/* A peer with a link that is up. */
static struct fake_peer meet(struct scene *scene)
{
    struct fake_peer peer = fake_accept(scene->fake);
    int ups = scene->ups;

    fake_greet(scene->fake, &peer);
    until(scene->fake, scene->ups == ups + 1);
    return peer;
}

static void asks_and_is_answered_in_order(void **state)
{
    struct scene *scene = begin(state);
    struct fake_peer peer;

    assert_int_equal(ask(scene, "EARLY", 0), BAY_ESTATE);
    peer = meet(scene);
    assert_string_equal(scene->link.run_id, "abc");
    assert_int_equal(ask(scene, "ONE", 0), 0);
    assert_int_equal(ask(scene, "TWO", 1), 0);
    fake_expect(scene->fake, &peer, "ONE");
    fake_expect(scene->fake, &peer, "TWO");
    fake_say(&peer, "+first\r\n-ERR sec");
    until(scene->fake, scene->answers == 1);
    assert_string_equal(scene->last, "first");
    fake_say(&peer, "ond\r\n");
    until(scene->fake, scene->answers == 2);
    assert_string_equal(scene->last, "ERR second");
    assert_int_equal(scene->downs, 0);
    fake_hang_up(&peer);
    end(scene);
}

static void gives_what_is_in_the_url(void **state)
{
    struct fake *fake = *state;
    struct redis_url url = fake->url;
    struct scene *scene;
    struct fake_peer peer;
    char user[] = "me", password[] = "secret";

    url.user = user;
    url.password = password;
    url.db = 3;
    scene = begin_at(fake, &url, false, 1 << 20);
    peer = fake_accept(fake);
    fake_expect(fake, &peer, "AUTH me secret");
    fake_say(&peer, "+OK\r\n");
    fake_expect(fake, &peer, "INFO");
    fake_bulk(&peer, FAKE_INFO, strlen(FAKE_INFO));
    fake_expect(fake, &peer, "SELECT 3");
    fake_say(&peer, "+OK\r\n");
    fake_expect(fake, &peer, "CLIENT SETNAME name");
    fake_say(&peer, "-ERR whatever\r\n");
    until(fake, scene->ups == 1);
    fake_hang_up(&peer);
    until(fake, scene->downs == 1);
    end(scene);
    /* And a Redis that knows no users. */
    url.user = NULL;
    url.db = 0;
    scene = begin_at(fake, &url, false, 1 << 20);
    peer = fake_accept(fake);
    fake_expect(fake, &peer, "AUTH secret");
    fake_say(&peer, "-WRONGPASS invalid username-password pair\r\n");
    until(fake, scene->downs == 1);
    assert_int_equal(scene->state, CLUSTER_REFUSED);
    assert_null(strstr(scene->why, "secret"));
    assert_int_equal(scene->ups, 0);
    fake_hang_up(&peer);
    end(scene);
}

static void comes_back_when_it_is_lost(void **state)
{
    struct scene *scene = begin(state);
    struct fake_peer peer = meet(scene);

    ask(scene, "ONE", 0);
    ask(scene, "TWO", 1);
    fake_expect(scene->fake, &peer, "ONE");
    fake_say(&peer, "+1\r\n");
    fake_expect(scene->fake, &peer, "TWO");
    fake_hang_up(&peer);
    until(scene->fake, scene->downs == 1);
    assert_int_equal(scene->answers, 1);
    assert_int_equal(scene->lost, 1);
    assert_int_equal(scene->state, CLUSTER_AWAY);
    assert_string_equal(scene->why, "it closed the connection");
    assert_int_equal(ask(scene, "AWAY", 0), BAY_ESTATE);
    peer = meet(scene);
    scene->answers = 0;
    ask(scene, "THREE", 0);
    fake_expect(scene->fake, &peer, "THREE");
    fake_say(&peer, "+3\r\n");
    until(scene->fake, scene->answers == 1);
    fake_hang_up(&peer);
    end(scene);
}

static void waits_ever_longer(void **state)
{
    struct fake *fake = *state;
    struct scene *scene;
    uint64_t begun;

    close(fake->listen_fd);
    fake->listen_fd = -1;
    scene = begin(state);
    begun = uv_hrtime();
    until(fake, scene->downs == 4);
    /* 50 to 100, 100 to 200 and 200 to 400 ms. */
    assert_true(uv_hrtime() - begun >= UINT64_C(340000000));
    assert_true(strstr(scene->why, "cannot connect: ") == scene->why);
    fake_listen(fake);
    until(fake, scene->link.state == REDIS_LINK_GREETING);
    end(scene);
}

static void gives_up_one_that_is_silent(void **state)
{
    struct scene *scene = begin(state);
    struct fake_peer peer = fake_accept(scene->fake), next;
    char why[64];

    /* In the greeting. */
    snprintf(why, sizeof why, "it has not answered for %u ms",
             (unsigned)FAKE_TIMEOUT);
    until(scene->fake, scene->downs == 1);
    assert_string_equal(scene->why, why);
    fake_hang_up(&peer);
    /* To a command, though it goes on reading. */
    peer = meet(scene);
    ask(scene, "ONE", 0);
    until(scene->fake, scene->downs == 2);
    assert_int_equal(scene->lost, 1);
    fake_hang_up(&peer);
    /* When nothing was asked: then it is. */
    peer = meet(scene);
    fake_expect(scene->fake, &peer, "PING");
    fake_say(&peer, "+PONG\r\n");
    fake_expect(scene->fake, &peer, "PING");
    assert_int_equal(scene->downs, 2);
    until(scene->fake, scene->downs == 3);
    next = fake_accept(scene->fake);
    fake_hang_up(&peer);
    fake_hang_up(&next);
    end(scene);
}

static void refuses_a_cluster(void **state)
{
    static const char info[] = "redis_mode:cluster\r\nrole:master\r\n";
    struct scene *scene = begin(state);
    struct fake_peer peer = fake_accept(scene->fake);

    fake_expect(scene->fake, &peer, "INFO");
    fake_bulk(&peer, info, sizeof info - 1);
    until(scene->fake, scene->downs == 1);
    assert_int_equal(scene->state, CLUSTER_UNFIT);
    fake_hang_up(&peer);
    /* One that turns out to be one later. */
    peer = meet(scene);
    ask(scene, "ONE", 0);
    fake_say(&peer, "-MOVED 1 127.0.0.1:2\r\n");
    until(scene->fake, scene->downs == 2);
    assert_int_equal(scene->state, CLUSTER_UNFIT);
    assert_int_equal(scene->answers, 0);
    assert_int_equal(scene->lost, 1);
    fake_hang_up(&peer);
    end(scene);
}

/* Says something once the link is up; how it ended. */
static const char *says(struct scene *scene, const char *text)
{
    struct fake_peer peer = meet(scene);
    int downs = scene->downs;

    fake_say(&peer, text);
    until(scene->fake, scene->downs == downs + 1);
    fake_hang_up(&peer);
    return scene->why;
}

static void survives_nonsense(void **state)
{
    struct scene *scene = begin(state);

    assert_string_equal(says(scene, "HTTP/1.1 400 Bad Request\r\n\r\n"),
                        "it does not speak like Redis");
    assert_string_equal(says(scene, "+OK\r\n"),
                        "it said something that was not asked for");
    assert_string_equal(says(scene, "-ERR max number of clients reached\r\n"),
                        "ERR max number of clients reached");
    end(scene);
}

static void bounds_what_waits(void **state)
{
    struct fake *fake = *state;
    struct scene *scene = begin_at(fake, &fake->url, false, 300000);
    struct fake_peer peer = meet(scene);
    struct resp_arg args[2] = { RESP_TEXT("X"), { NULL, 100000 } };
    struct redis_link *link = &scene->link;
    redisReply *command;
    int sent = 0;
    char *at;

    /* Nobody reads: the socket takes some, the rest waits. */
    while (redis_link_command(link, args, 2, answer, scene, (uint64_t)sent,
                              &at) == 0) {
        memset(at, 'a' + sent % 26, 100000);
        redis_link_flush(link);
        assert_true(++sent < 100);
    }
    assert_int_equal(redis_link_command(link, args, 2, answer, scene, 0, &at),
                     BAY_EFULL);
    assert_true(link->outbox.bytes <= 300000 && link->outbox.bytes > 190000);
    for (int i = 0; i < sent; i++) {
        command = fake_command(fake, &peer);
        assert_int_equal(command->element[1]->len, 100000);
        assert_int_equal(command->element[1]->str[99999], 'a' + i % 26);
        freeReplyObject(command);
        fake_say(&peer, "+OK\r\n");
    }
    until(fake, scene->answers == sent);
    assert_int_equal(link->outbox.bytes, 0);
    args[1].len = 300000;
    assert_int_equal(redis_link_command(link, args, 2, answer, scene, 0, &at),
                     BAY_EFULL);
    fake_hang_up(&peer);
    end(scene);
}

static void pushes_to_one_that_subscribes(void **state)
{
    struct fake *fake = *state;
    struct scene *scene = begin_at(fake, &fake->url, true, 1 << 20);
    struct fake_peer peer = meet(scene);

    ask(scene, "SUBSCRIBE", 0);
    fake_expect(fake, &peer, "SUBSCRIBE");
    fake_say(&peer, "*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n"
                    "*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$1\r\ny\r\n");
    until(fake, scene->answers == 2);
    assert_string_equal(scene->last, "message");
    /* A ping and its answer are its own. */
    fake_expect(fake, &peer, "PING");
    fake_say(&peer, "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    fake_expect(fake, &peer, "PING");
    assert_int_equal(scene->answers, 2);
    fake_say(&peer, "+PONG\r\n");
    fake_say(&peer, "-ERR no\r\n");
    until(fake, scene->downs == 1);
    fake_hang_up(&peer);
    peer = meet(scene);
    /* Silence is not taken for long. */
    until(fake, scene->downs == 2);
    fake_hang_up(&peer);
    end(scene);
}

static void may_be_stopped_at_any_time(void **state)
{
    struct scene *scene = begin(state);
    struct fake_peer peer = meet(scene);

    scene->stops = true;
    ask(scene, "ONE", 0);
    fake_expect(scene->fake, &peer, "ONE");
    fake_say(&peer, "+1\r\n+2\r\n+3\r\n");
    until(scene->fake, scene->answers == 1);
    assert_int_equal(scene->link.state, REDIS_LINK_STOPPED);
    assert_int_equal(scene->downs, 0);
    redis_link_fail(&scene->link, CLUSTER_AWAY, "no matter");
    assert_int_equal(scene->downs, 0);
    fake_hang_up(&peer);
    redis_link_start(&scene->link);
    peer = meet(scene);
    fake_hang_up(&peer);
    end(scene);
}

static void looks_names_up(void **state)
{
    struct fake *fake = *state;
    char host[] = "name.invalid", local[] = "localhost", number[] = "127.0.0.1";
    struct redis_url url = { .shown = host, .host = host, .port = 1 };
    struct sockaddr_in addr = { .sin_family = AF_INET };
    socklen_t len = sizeof addr;
    int kept = fake->listen_fd;
    struct scene *scene = begin_at(fake, &url, false, 1 << 20);
    struct fake_peer peer;

    until(fake, scene->downs == 1);
    assert_true(strstr(scene->why, "its name is not known: ") == scene->why);
    end(scene);

    fake->listen_fd =
        socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(
        bind(fake->listen_fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(listen(fake->listen_fd, 4), 0);
    getsockname(fake->listen_fd, (struct sockaddr *)&addr, &len);
    url.port = ntohs(addr.sin_port);
    url.host = local;
    scene = begin_at(fake, &url, false, 1 << 20);
    peer = meet(scene);
    fake_hang_up(&peer);
    end(scene);
    url.host = number;
    scene = begin_at(fake, &url, false, 1 << 20);
    peer = meet(scene);
    fake_hang_up(&peer);
    close(fake->listen_fd);
    until(fake, scene->downs == 2);
    assert_string_equal(scene->why, "cannot connect: Connection refused");
    end(scene);
    fake->listen_fd = kept;
}

int main(void)
{
#define FAKE_TEST(test) \
    cmocka_unit_test_setup_teardown(test, fake_setup, fake_teardown)
    const struct CMUnitTest tests[] = {
        FAKE_TEST(asks_and_is_answered_in_order),
        FAKE_TEST(gives_what_is_in_the_url),
        FAKE_TEST(comes_back_when_it_is_lost),
        FAKE_TEST(waits_ever_longer),
        FAKE_TEST(gives_up_one_that_is_silent),
        FAKE_TEST(refuses_a_cluster),
        FAKE_TEST(survives_nonsense),
        FAKE_TEST(bounds_what_waits),
        FAKE_TEST(pushes_to_one_that_subscribes),
        FAKE_TEST(may_be_stopped_at_any_time),
        FAKE_TEST(looks_names_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
