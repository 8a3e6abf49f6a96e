/* test_channels.c - subscriptions: collected, told in batches, renewed */
#include "bus/channels.h"

#include <patchbay.h>

#include "fake_redis.h"

struct scene {
    struct fake *fake;
    struct redis_link link;
    struct channels channels;
    struct chunk_pool pool;
    unsigned handles;
    char area[REDIS_LINK_AREA];
    int ups, downs;
    size_t settled;
    char last[160];
};

static void up(void *arg)
{
    ((struct scene *)arg)->ups++;
}

static void down(void *arg, enum cluster_state state, const char *why)
{
    struct scene *scene = arg;

    (void)state;
    (void)why;
    scene->downs++;
    channels_lost(&scene->channels);
}

static void pushed(void *arg, const redisReply *reply)
{
    struct scene *scene = arg;

    if (strcmp(reply->element[0]->str, "subscribe") == 0) {
        channels_confirmed(&scene->channels, reply->element[1]->str,
                           reply->element[1]->len);
    }
}

static void settled(void *arg, const char *route, const char *topic)
{
    struct scene *scene = arg;

    scene->settled++;
    snprintf(scene->last, sizeof scene->last, "%s|%s", route, topic);
}

static struct scene *begin(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    struct fake *fake = *state;
    struct redis_link_setup setup = {
        .loop = &fake->loop,
        .url = &fake->url,
        .name = "name",
        .subscribes = true,
        .queue_limit = 1 << 20,
        .timeout_ms = 5000,
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
    scene->channels = (struct channels){ .prefix = "pb:x:t:",
                                         .settled = settled,
                                         .arg = scene,
                                         .link = &scene->link };
    redis_link_init(&scene->link, &setup);
    redis_link_start(&scene->link);
    return scene;
}

static void end(struct scene *scene)
{
    redis_link_close(&scene->link);
    until(scene->fake, scene->handles == 0);
    redis_link_finish(&scene->link);
    channels_finish(&scene->channels);
    chunk_pool_finish(&scene->pool);
    free(scene);
}

static struct fake_peer meet(struct scene *scene)
{
    struct fake_peer peer = fake_accept(scene->fake);
    int ups = scene->ups;

    fake_greet(scene->fake, &peer);
    until(scene->fake, scene->ups == ups + 1);
    return peer;
}

static void want(struct scene *scene, const char *topic, bool on)
{
    assert_int_equal(channels_want(&scene->channels, "r", topic, on), 0);
}

static void send_all(struct scene *scene)
{
    channels_send(&scene->channels);
    redis_link_flush(&scene->link);
}

static void confirm(struct scene *scene, const struct fake_peer *peer,
                    const char *topic)
{
    size_t before = scene->channels.answered;
    char text[200];

    snprintf(text, sizeof text,
             "*3\r\n$9\r\nsubscribe\r\n$%zu\r\npb:x:t:r:%s\r\n:1\r\n",
             9 + strlen(topic), topic);
    fake_say(peer, text);
    until(scene->fake, scene->channels.answered == before + 1);
}

static void tells_what_changes(void **state)
{
    struct scene *scene = begin(state);
    struct fake_peer peer;
    char longest[600];

    want(scene, "early", true);
    send_all(scene); /* it is not connected yet */
    peer = meet(scene);
    want(scene, "late\n", true);
    send_all(scene);
    fake_expect(scene->fake, &peer, "SUBSCRIBE pb:x:t:r:early pb:x:t:r:late\n");
    confirm(scene, &peer, "early");
    assert_string_equal(scene->last, "r|early");
    assert_int_equal(scene->settled, 1);
    confirm(scene, &peer, "late\n");
    assert_int_equal(scene->settled, 2);
    want(scene, "early", false);
    want(scene, "never", false);
    want(scene, "next", true);
    send_all(scene);
    fake_expect(scene->fake, &peer, "UNSUBSCRIBE pb:x:t:r:early");
    fake_expect(scene->fake, &peer, "SUBSCRIBE pb:x:t:r:next");
    assert_int_equal(channels_count(&scene->channels), 2);
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(channels_want(&scene->channels, "r", longest, true),
                     BAY_EINVAL);
    fake_hang_up(&peer);
    end(scene);
}

/* Whoever subscribes anew is told so, in whatever time that happens. */
static void settles_each_interest(void **state)
{
    struct scene *scene = begin(state);
    struct fake_peer peer = meet(scene);

    want(scene, "a", true);
    want(scene, "a", false);
    send_all(scene);
    assert_int_equal(channels_count(&scene->channels), 0);
    want(scene, "a", true);
    send_all(scene);
    fake_expect(scene->fake, &peer, "SUBSCRIBE pb:x:t:r:a");
    /* Not confirmed yet, off and on again. */
    want(scene, "a", false);
    send_all(scene);
    want(scene, "a", true);
    send_all(scene);
    fake_expect(scene->fake, &peer, "UNSUBSCRIBE pb:x:t:r:a");
    fake_expect(scene->fake, &peer, "SUBSCRIBE pb:x:t:r:a");
    confirm(scene, &peer, "a");
    assert_int_equal(scene->settled, 0); /* that was the first */
    confirm(scene, &peer, "a");
    assert_int_equal(scene->settled, 1);
    /* Within a turn: Redis need not be told. */
    want(scene, "a", false);
    want(scene, "a", true);
    send_all(scene);
    assert_int_equal(scene->settled, 2);
    assert_int_equal(scene->link.outbox.bytes, 0);
    fake_hang_up(&peer);
    end(scene);
}

static void renews_all_when_connected_anew(void **state)
{
    struct scene *scene = begin(state);
    struct fake_peer peer = meet(scene);

    want(scene, "a", true);
    want(scene, "b", true);
    send_all(scene);
    fake_expect(scene->fake, &peer, "SUBSCRIBE pb:x:t:r:a pb:x:t:r:b");
    confirm(scene, &peer, "a");
    want(scene, "b", false); /* that was not told any more */
    fake_hang_up(&peer);
    until(scene->fake, scene->downs == 1);
    peer = meet(scene);
    send_all(scene);
    fake_expect(scene->fake, &peer, "SUBSCRIBE pb:x:t:r:a");
    confirm(scene, &peer, "a");
    assert_int_equal(scene->settled, 2);
    fake_hang_up(&peer);
    end(scene);
}

/* So many at a time that nobody's buffers overflow. */
static void bounds_what_is_under_way(void **state)
{
    struct scene *scene = begin(state);
    struct fake_peer peer = meet(scene);
    size_t total = 3 * CHANNELS_UNDER_WAY + 7, got = 0, most = 0;
    char topic[32];

    for (size_t i = 0; i < total; i++) {
        snprintf(topic, sizeof topic, "%zu", i);
        want(scene, topic, true);
    }
    send_all(scene);
    assert_int_equal(scene->channels.asked, CHANNELS_UNDER_WAY);
    while (got < total) {
        redisReply *command = fake_command(scene->fake, &peer);

        assert_in_range(command->elements, 2, CHANNELS_BATCH + 1);
        for (size_t i = 1; i < command->elements; i++) {
            snprintf(topic, sizeof topic, "%zu", got++);
            assert_string_equal(command->element[i]->str + 9, topic);
            confirm(scene, &peer, topic);
        }
        freeReplyObject(command);
        if (scene->channels.asked - scene->channels.answered > most) {
            most = scene->channels.asked - scene->channels.answered;
        }
    }
    assert_int_equal(scene->settled, total);
    assert_true(most <= CHANNELS_UNDER_WAY);
    fake_hang_up(&peer);
    end(scene);
}

int main(void)
{
#define FAKE_TEST(test) \
    cmocka_unit_test_setup_teardown(test, fake_setup, fake_teardown)
    const struct CMUnitTest tests[] = {
        FAKE_TEST(tells_what_changes),
        FAKE_TEST(settles_each_interest),
        FAKE_TEST(renews_all_when_connected_anew),
        FAKE_TEST(bounds_what_is_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
