/* redis_scene.h - a bus of one worker, and a Redis that says what a test says
 *
 * As real_redis.h, it is to be included by one file of a program.
 */
#ifndef PATCHBAY_TESTS_REDIS_SCENE_H
#define PATCHBAY_TESTS_REDIS_SCENE_H

#include "real_redis.h"

#define SCENE_HASH "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

struct scene {
    struct real real;
    struct fake_peer commands, feed;
};

static inline void scene_start(struct real *real)
{
    struct host *host = &real->hosts[0];
    struct redis_bus_setup setup = { .loop = &real->fake->loop,
                                     .core = &host->core,
                                     .stats = host->stats,
                                     .conf = &host->conf,
                                     .incarnation = 1,
                                     .token = 1,
                                     .group = 1,
                                     .master = getpid() };

    host->conf = (struct conf_cluster){ .url = real->fake->url,
                                        .name = strdup("x"),
                                        .node = 1,
                                        .ttl_ms = 600000,
                                        .queue = 1 << 20 };
    host->bus = redis_bus_create(&setup);
    assert_non_null(host->bus);
}

/* A bus that can ask, and will not say anything else for long. */
static inline int scene_setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    struct fake *fake;

    assert_non_null(scene);
    assert_int_equal(fake_setup((void **)&scene->real.fake), 0);
    fake = scene->real.fake;
    scene->real.hosts[0].stats = calloc(1, sizeof(struct worker_stats));
    assert_non_null(scene->real.hosts[0].stats);
    scene_start(&scene->real);
    scene->commands = fake_accept(fake);
    fake_greet(fake, &scene->commands);
    fake_expect(fake, &scene->commands, "SCRIPT LOAD");
    fake_bulk(&scene->commands, SCENE_HASH, strlen(SCENE_HASH));
    fake_expect(fake, &scene->commands, "SCRIPT LOAD");
    fake_bulk(&scene->commands, SCENE_HASH, strlen(SCENE_HASH));
    fake_expect(fake, &scene->commands, "EVAL");
    fake_say(&scene->commands, "$-1\r\n");
    scene->feed = fake_accept(fake);
    *state = scene;
    return 0;
}

static inline int scene_teardown(void **state)
{
    struct scene *scene = *state;
    struct host *host = &scene->real.hosts[0];

    redis_bus_destroy(host->bus);
    fake_hang_up(&scene->commands);
    fake_hang_up(&scene->feed);
    free(host->conf.name);
    free(host->stats);
    assert_int_equal(fake_teardown((void **)&scene->real.fake), 0);
    free(scene);
    return 0;
}

#endif
