/* sender_scene.h - one worker sends to a sibling that is a bare socket */
#ifndef PATCHBAY_TESTS_SENDER_SCENE_H
#define PATCHBAY_TESTS_SENDER_SCENE_H

#include "bus/sender.h"

#include "bus_world.h"

#define LIMIT ((size_t)1 << 20)

/* Worker 0 sends to worker 1. */
struct scene {
    struct world *world;
    struct sender_setup setup;
    struct chunk_pool pool;
    struct worker_set dirty;
    unsigned handles;
    struct sender sender;
    int peer; /* the sibling's end */
    char bytes[4096];
};

static inline void begin(struct scene *scene, void **state, size_t limit)
{
    struct world *world = *state;

    memset(scene, 0, sizeof *scene);
    scene->world = world;
    scene->peer = -1;
    scene->setup = (struct sender_setup){
        .loop = &world->loop,
        .core = &world->cores[0],
        .stats = world->stats[0],
        .run_dir = world->dir,
        .node = NODE,
        .worker = 0,
        .incarnation = 7,
        .queue_limit = limit,
        .pool = &scene->pool,
        .dirty = &scene->dirty,
        .handles = &scene->handles,
    };
    sender_init(&scene->sender, &scene->setup, 1);
}

static inline void end(struct scene *scene)
{
    sender_close(&scene->sender);
    until(scene->world, scene->handles == 0);
    sender_finish(&scene->sender);
    chunk_pool_finish(&scene->pool);
    if (scene->peer >= 0) {
        close(scene->peer);
    }
}

static inline struct wire_frame next(struct scene *scene)
{
    return raw_frame(scene->peer, scene->bytes, sizeof scene->bytes);
}

static inline void expect(struct scene *scene, enum wire_type type)
{
    assert_int_equal(next(scene).type, type);
}

static inline void expect_nothing(struct scene *scene)
{
    world_settle(scene->world);
    expect(scene, (enum wire_type)0);
}

/* Takes the sender's connection: it says hello, and no more. */
static inline struct wire_frame accept_hello(struct scene *scene)
{
    struct wire_frame frame;

    until(scene->world, (scene->peer = raw_accept(scene->world, 1)) >= 0);
    frame = next(scene);
    assert_int_equal(frame.type, WIRE_HELLO);
    assert_int_equal(frame.code, WIRE_VERSION);
    expect_nothing(scene);
    return frame;
}

/* The sibling says hello, and is told what this worker wants: nothing. */
static inline void meet(struct scene *scene, unsigned incarnation)
{
    sender_meet(&scene->sender, id_make(NODE, 1, incarnation, 1), NULL);
}

static inline void accept_and_meet(struct scene *scene)
{
    accept_hello(scene);
    meet(scene, 1);
    expect(scene, WIRE_RESYNC);
    expect(scene, WIRE_SYNCED);
}

static inline int post(struct scene *scene, const char *data, size_t len)
{
    struct wire_frame frame = { .type = WIRE_PUBLISH,
                                .kind = BAY_TEXT,
                                .route = "r",
                                .text = "t",
                                .data = data,
                                .len = len };
    char bytes[OUTBOX_SHARE];
    int status = sender_admit(&scene->sender, wire_size(&frame));

    if (status < 0) {
        return status;
    }
    assert_in_range(wire_size(&frame), 1, sizeof bytes);
    wire_encode(bytes, &frame);
    return sender_post(&scene->sender, bytes, wire_size(&frame), NULL);
}

static inline void say_interest(struct scene *scene, const char *topic, bool on)
{
    struct wire_frame frame = {
        .type = WIRE_INTEREST, .kind = on, .route = "r", .text = topic
    };
    char bytes[OUTBOX_SHARE];

    wire_encode(bytes, &frame);
    sender_interest(&scene->sender, bytes, wire_size(&frame));
}

static inline uint64_t dropped(const struct scene *scene)
{
    return stat_get(&scene->world->stats[0]->bus_dropped);
}

#endif
