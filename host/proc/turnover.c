/* turnover.c - a reload in a worker: prepared, then committed or aborted */
#include "proc/turnover.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "plugin/image.h"
#include "proc/reason.h"

#define LOOK_MS   2
#define SETTLE_MS 5000 /* for deferred work to end */
#define COMMIT_MS 5000

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* ---- the first --------------------------------------------------------- */

static int add_routes(struct turnover *turnover, struct core_route *routes,
                      char *why, size_t why_size)
{
    const struct conf *conf = turnover->now->conf;
    char reason[REASON_SIZE];

    for (size_t i = 0; i < conf->route_count; i++) {
        if (core_add_route(turnover->core, &routes[i], reason, sizeof reason) <
            0) {
            const struct conf_route *route = &conf->routes[i];

            while (++i < conf->route_count) {
                edition_release(&routes[i]);
            }
            return reason_set(why, why_size, "[route.%s] plugin %s: %s",
                              route->name, route->plugin, reason);
        }
    }
    return 0;
}

int turnover_begin(struct turnover *turnover, uv_loop_t *loop,
                   const struct conf *conf, char *const *files, char *why,
                   size_t why_size)
{
    struct core_route *routes = calloc(conf->route_count + 1, sizeof *routes);
    int status = -1;

    uv_timer_init(loop, &turnover->timer);
    turnover->timer.data = turnover;
    turnover->open = true;
    turnover->now = edition_create(conf, NULL, turnover->shelf);
    if (routes == NULL || turnover->now == NULL) {
        reason_set(why, why_size, "out of memory");
    } else if (edition_routes(turnover->now, files, routes, why, why_size) ==
               0) {
        status = add_routes(turnover, routes, why, why_size);
    }
    free(routes);
    if (status < 0) {
        turnover_finish(turnover);
    }
    return status;
}

/* ---- prepare ----------------------------------------------------------- */

static void answer(struct turnover *turnover, json_t *what)
{
    json_object_set_new(what, "id", json_integer(turnover->id));
    turnover->id = 0;
    errands_say(turnover->errands, what);
}

/* Leaves things as they were. */
static void undo(struct turnover *turnover)
{
    uv_timer_stop(&turnover->timer);
    if (turnover->reload != NULL) {
        reload_abort(turnover->reload);
        turnover->reload = NULL;
    }
    if (turnover->next != NULL) {
        server_abort(turnover->server);
        edition_drop(turnover->next);
        turnover->next = NULL;
    }
}

static void refuse(struct turnover *turnover, const char *why)
{
    json_t *text = json_string(why);

    undo(turnover);
    answer(turnover,
           json_pack("{s:b, s:o}", "ok", 0, "why",
                     text != NULL ? text : json_string("(not UTF-8)")));
}

static void look_settled(uv_timer_t *timer)
{
    struct turnover *turnover = timer->data;
    char why[REASON_SIZE];

    if (reload_settled(turnover->reload, why, sizeof why)) {
        uv_timer_stop(timer);
        answer(turnover, json_pack("{s:b}", "ok", 1));
    } else if (clock_now_ms() >= turnover->until_ms) {
        refuse(turnover, why);
    }
}

static struct conf *read_conf(const json_t *order, char *why, size_t why_size)
{
    const char *path = text_of(order, "text");
    struct problems problems = { 0 };
    struct buf text = { 0 };
    struct conf *conf = NULL;
    char reason[REASON_SIZE];

    if (image_read(path, &text, reason, sizeof reason) < 0) {
        reason_set(why, why_size, "%s %s", path, reason);
    } else {
        conf = conf_load_text(text_of(order, "file"), text.data, text.len,
                              &problems);
        if (conf == NULL) {
            reason_set(why, why_size, "%s",
                       problems.count > 0 ? problems.list[0].text
                                          : "out of memory");
        }
    }
    problems_free(&problems);
    buf_free(&text);
    return conf;
}

/* The places of the counters, and the files of the plugins. */
static int take_routes(const json_t *order, struct conf *conf, char **files)
{
    const json_t *list = json_object_get(order, "routes");

    if (json_array_size(list) != conf->route_count) {
        return -1;
    }
    for (size_t i = 0; i < conf->route_count; i++) {
        const json_t *one = json_array_get(list, i);
        json_int_t slot = json_integer_value(json_object_get(one, "slot"));

        files[i] = (char *)(uintptr_t)text_of(one, "file");
        if (slot < 0 || slot >= CONF_MAX_ROUTES || files[i] == NULL) {
            return -1;
        }
        conf->routes[i].slot = (unsigned)slot;
    }
    return 0;
}

static int make_reload(struct turnover *turnover, char *const *files, char *why,
                       size_t why_size)
{
    size_t count = turnover->next->conf->route_count;
    struct core_route *routes = calloc(count + 1, sizeof *routes);

    if (routes == NULL) {
        return reason_set(why, why_size, "out of memory");
    }
    if (edition_routes(turnover->next, files, routes, why, why_size) == 0) {
        turnover->reload =
            reload_create(turnover->core, routes, count, why, why_size);
    }
    free(routes);
    return turnover->reload != NULL ? 0 : -1;
}

static int prepare_server(struct turnover *turnover, const struct conf *conf,
                          const json_t *texts, char *why, size_t why_size)
{
    struct pems pems = { .count = 0 };
    const json_t *text;
    size_t i;
    int status = 0;

    json_array_foreach(texts, i, text)
    {
        if (!json_is_string(text) ||
            pems_add(&pems, json_string_value(text)) < 0) {
            status = -1;
        }
    }
    if (status < 0) {
        reason_set(why, why_size, "the texts of [tls] cannot be kept");
    } else {
        status = server_prepare(turnover->server, conf, &pems, why, why_size);
    }
    pems_free(&pems);
    return status;
}

static int prepare(struct turnover *turnover, const json_t *order, char *why,
                   size_t why_size)
{
    struct conf *conf = read_conf(order, why, why_size);
    char *files[CONF_MAX_ROUTES];

    if (conf == NULL) {
        return -1;
    }
    if (take_routes(order, conf, files) < 0) {
        conf_free(conf);
        return reason_set(why, why_size, "the master's order makes no sense");
    }
    if (prepare_server(turnover, conf, json_object_get(order, "pems"), why,
                       why_size) < 0) {
        conf_free(conf);
        return -1;
    }
    turnover->next = edition_create(conf, conf, turnover->shelf);
    if (turnover->next == NULL) {
        server_abort(turnover->server);
        return reason_set(why, why_size, "out of memory");
    }
    return make_reload(turnover, files, why, why_size);
}

void turnover_prepare(struct turnover *turnover, const json_t *order)
{
    char why[REASON_SIZE];

    turnover_abort(turnover); /* one that the master gave up */
    turnover->id = json_integer_value(json_object_get(order, "id"));
    if (prepare(turnover, order, why, sizeof why) < 0) {
        refuse(turnover, why);
        return;
    }
    turnover->until_ms = clock_now_ms() + SETTLE_MS;
    uv_timer_start(&turnover->timer, look_settled, 0, LOOK_MS);
}

/* ---- commit ------------------------------------------------------------ */

static json_t *describe(const struct reload_result *result)
{
    return json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:I, s:s}", "route", result->route, "plugin",
        result->plugin, "way", reload_way_name(result->way), "kept",
        (json_int_t)result->kept, "outdated", (json_int_t)result->outdated,
        "closed", (json_int_t)result->closed, "why", result->why);
}

static json_t *describe_all(const struct reload *reload)
{
    json_t *routes = json_array();

    for (size_t i = 0; i < reload_count(reload); i++) {
        json_array_append_new(routes, describe(reload_result(reload, i)));
    }
    return routes;
}

static void adopt(struct turnover *turnover)
{
    struct edition *old = turnover->now;

    turnover->now = turnover->next;
    turnover->next = NULL;
    server_commit(turnover->server);
    turnover->adopted(turnover->arg, turnover->now->conf, old->conf);
    edition_drop(old);
}

static void look_committed(uv_timer_t *timer)
{
    struct turnover *turnover = timer->data;
    bool force = clock_now_ms() >= turnover->until_ms;
    json_t *routes;

    if (!reload_commit(turnover->reload, force,
                       turnover->next->conf->drain_ms)) {
        return;
    }
    uv_timer_stop(timer);
    routes = describe_all(turnover->reload);
    reload_free(turnover->reload);
    turnover->reload = NULL;
    adopt(turnover);
    answer(turnover, json_pack("{s:b, s:o}", "ok", 1, "routes", routes));
}

void turnover_commit(struct turnover *turnover, const json_t *order)
{
    turnover->id = json_integer_value(json_object_get(order, "id"));
    if (turnover->next == NULL) {
        refuse(turnover, "there is nothing to commit");
        return;
    }
    turnover->until_ms = clock_now_ms() + COMMIT_MS;
    uv_timer_start(&turnover->timer, look_committed, 0, LOOK_MS);
    look_committed(&turnover->timer);
}

/* ---- the end ----------------------------------------------------------- */

void turnover_abort(struct turnover *turnover)
{
    turnover->id = 0;
    undo(turnover);
}

void turnover_close(struct turnover *turnover)
{
    if (turnover->open) {
        turnover_abort(turnover);
        turnover->open = false;
        uv_close((uv_handle_t *)&turnover->timer, NULL);
    }
}

void turnover_finish(struct turnover *turnover)
{
    edition_drop(turnover->now);
    turnover->now = NULL;
}
