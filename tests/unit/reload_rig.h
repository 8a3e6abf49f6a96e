/* reload_rig.h - versions of a plugin that tell which code ran, and a reload */
#ifndef PATCHBAY_TESTS_RELOAD_RIG_H
#define PATCHBAY_TESTS_RELOAD_RIG_H

#include "core_rig.h"

#include "core/hooks.h"
#include "core/reload.h"

/* Versions of a plugin: what each says tells which code ran. */
static struct buf heard;

static void hear(const char *what)
{
    buf_addf(&heard, "%s ", what);
}

static inline const char *said_since(void)
{
    static char text[1024];

    snprintf(text, sizeof text, "%s", heard.data != NULL ? heard.data : "");
    buf_clear(&heard);
    return text;
}

struct old_block {
    int count;
};

struct new_block {
    long count;
    char mark;
};

static int release_count;
static int start_result, migrate_route_result, migrate_conn_result;

static void released(void *arg)
{
    (void)arg;
    release_count++;
}

static int start_any(bay_route *route)
{
    hear("start");
    bay_listen(route, "news");
    return start_result;
}

static void stop_any(bay_route *route)
{
    (void)route;
    hear("stop");
}

static void reload_any(bay_route *route)
{
    hear("reload");
    (void)bay_conf_str(route, "word");
}

static int open_any(bay_conn *conn)
{
    return bay_subscribe(conn, "all");
}

static void close_any(bay_conn *conn, int code, const char *reason)
{
    (void)conn;
    (void)reason;
    buf_addf(&heard, "close:%d ", code);
}

static void notice_any(bay_route *route, const bay_notice *notice)
{
    (void)route;
    buf_addf(&heard, "notice:%s:%s ", notice->data,
             notice->local ? "own" : "other");
}

static int say_old(bay_conn *conn, const bay_message *msg)
{
    struct old_block *block = bay_conn_data(conn);

    if (strcmp(msg->data, "all") == 0) {
        return bay_publish(bay_conn_route(conn), "all", BAY_TEXT, "old says", 8,
                           0);
    }
    return bay_sendf(conn, "old %d", ++block->count);
}

static inline int say_twin(bay_conn *conn, const bay_message *msg)
{
    struct old_block *block = bay_conn_data(conn);

    (void)msg;
    return bay_sendf(conn, "twin %d", ++block->count);
}

static inline int say_new(bay_conn *conn, const bay_message *msg)
{
    struct new_block *block = bay_conn_data(conn);

    if (strcmp(msg->data, "news") == 0) {
        return bay_publish(bay_conn_route(conn), "news", BAY_TEXT, "hot", 3, 0);
    }
    return bay_sendf(conn, "new %ld%c", ++block->count, block->mark);
}

static int migrate_route(bay_route *route, const void *old, size_t size,
                         uint32_t version)
{
    struct new_block *block = bay_route_data(route);

    buf_addf(&heard, "migrate_route:%zu:%u ", size, version);
    block->count = ((const struct old_block *)old)->count;
    return migrate_route_result;
}

static int migrate_conn(bay_conn *conn, const void *old, size_t size,
                        uint32_t version)
{
    struct new_block *block = bay_conn_data(conn);

    buf_addf(&heard, "migrate_conn:%zu:%u ", size, version);
    block->count = ((const struct old_block *)old)->count;
    block->mark = '!';
    return bay_conn_id(conn) % 2 == 0 ? migrate_conn_result : 0;
}

static const bay_plugin old_plugin = { BAY_INIT,
                                       .name = "p",
                                       .route_size = sizeof(struct old_block),
                                       .conn_size = sizeof(struct old_block),
                                       .state_version = 1,
                                       .start = start_any,
                                       .stop = stop_any,
                                       .reload = reload_any,
                                       .open = open_any,
                                       .message = say_old,
                                       .close = close_any,
                                       .notice = notice_any };

static inline bay_plugin variant(int (*message)(bay_conn *,
                                                const bay_message *))
{
    bay_plugin plugin = old_plugin;

    plugin.message = message;
    return plugin;
}

static inline bay_plugin new_plugin(void)
{
    bay_plugin plugin = variant(say_new);

    plugin.route_size = sizeof(struct new_block);
    plugin.conn_size = sizeof(struct new_block);
    plugin.state_version = 2;
    plugin.migrate_route = migrate_route;
    plugin.migrate_conn = migrate_conn;
    return plugin;
}

static inline struct core_route to(const struct conf_route *conf,
                                   const bay_plugin *plugin)
{
    return (struct core_route){ .conf = conf,
                                .plugin = plugin,
                                .release = released };
}

/* The first route gets this; the outcome in words: "p swapped 2 0 0". */
static inline const char *reload_one(const struct conf_route *conf,
                                     const bay_plugin *plugin)
{
    static char text[512];
    struct core_route route = to(conf, plugin);
    const struct reload_result *result;
    struct reload *reload;
    char why[256];

    reload = reload_create(rig.core, &route, 1, why, sizeof why);
    if (reload == NULL) {
        snprintf(text, sizeof text, "refused: %s", why);
        return text;
    }
    assert_true(reload_settled(reload, why, sizeof why));
    assert_true(reload_commit(reload, false, 1000));
    result = reload_result(reload, 0);
    snprintf(text, sizeof text, "%s %s %zu %zu %zu%s%s", result->plugin,
             reload_way_name(result->way), result->kept, result->outdated,
             result->closed, result->why[0] != '\0' ? ": " : "", result->why);
    reload_free(reload);
    return text;
}

static inline int begin(void **state)
{
    (void)state;
    rig_init();
    release_count = 0;
    start_result = migrate_route_result = migrate_conn_result = 0;
    rig_route("/a", &old_plugin);
    said_since();
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    rig_finish();
    buf_free(&heard);
    return 0;
}

static inline void work(void *arg)
{
    ++*(int *)arg;
}

static inline void done(bay_route *route, void *arg, int status)
{
    (void)arg;
    (void)status;
    bay_conf_str(route, "word");
    hear("done");
}

#define RELOAD_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

#endif
