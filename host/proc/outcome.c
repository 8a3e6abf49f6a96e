/* outcome.c - what a reload has done, of all workers together */
#include "proc/outcome.h"

#include <string.h>

static const char *const numbers[] = { "kept", "outdated", "closed" };

#define NUMBERS (sizeof numbers / sizeof numbers[0])

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

/* Of connections. A worker has foreign code in it: whatever number it says,
 * those of all of them can be added up. */
static json_int_t number_of(const json_t *object, const char *key)
{
    json_int_t number = json_integer_value(json_object_get(object, key));

    if (number < 0) {
        return 0;
    }
    return number < UINT32_MAX ? number : UINT32_MAX;
}

static void add(json_t *object, const char *key, json_int_t number)
{
    json_object_set_new(object, key,
                        json_integer(number_of(object, key) + number));
}

static json_t *find(json_t *routes, const char *name)
{
    json_t *route;
    size_t i;

    json_array_foreach(routes, i, route)
    {
        if (strcmp(text_of(route, "route"), name) == 0) {
            return route;
        }
    }
    return NULL;
}

static bool has_failed(const json_t *route)
{
    return strcmp(text_of(route, "way"), "failed") == 0;
}

static void take_route(json_t *routes, const json_t *part)
{
    json_t *route = find(routes, text_of(part, "route"));

    if (route == NULL) {
        json_array_append_new(routes, json_deep_copy(part));
        return;
    }
    for (size_t i = 0; i < NUMBERS; i++) {
        add(route, numbers[i], number_of(part, numbers[i]));
    }
    /* What went wrong in one of them is what there is to say. */
    if (has_failed(part) || *text_of(route, "why") == 0) {
        json_object_set(route, "way", json_object_get(part, "way"));
        json_object_set(route, "why", json_object_get(part, "why"));
    }
}

static void sum_up(json_t *outcome)
{
    const json_t *route;
    size_t i;

    json_array_foreach(json_object_get(outcome, "routes"), i, route)
    {
        for (size_t k = 0; k < NUMBERS; k++) {
            add(outcome, numbers[k], number_of(route, numbers[k]));
        }
        if (has_failed(route)) {
            json_object_set_new(outcome, "ok", json_false());
            json_object_set_new(outcome, "error",
                                json_sprintf("[route.%s] plugin %s: %s",
                                             text_of(route, "route"),
                                             text_of(route, "plugin"),
                                             text_of(route, "why")));
        }
    }
}

json_t *outcome_make(const json_t *answers, uint64_t ms, bool replaced)
{
    json_t *routes = json_array();
    json_t *outcome;
    const json_t *answer, *part;
    size_t i, k;

    json_array_foreach(answers, i, answer)
    {
        json_array_foreach(json_object_get(answer, "routes"), k, part)
        {
            take_route(routes, part);
        }
    }
    outcome =
        json_pack("{s:b, s:I, s:s, s:i, s:i, s:i, s:o}", "ok", 1, "ms",
                  (json_int_t)ms, "workers", replaced ? "replaced" : "kept",
                  "kept", 0, "outdated", 0, "closed", 0, "routes", routes);
    if (outcome != NULL) {
        sum_up(outcome);
    }
    return outcome;
}

static json_t *describe_replaced(const struct board *board,
                                 const struct conf_route *route,
                                 const char *way)
{
    json_int_t open = (json_int_t)board_connections(board, route->slot);

    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:I, s:s}", "route",
                     route->name, "plugin", route->plugin, "way", way, "kept",
                     0, "outdated", 0, "closed", open, "why", "");
}

static bool has_route(const struct conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->route_count; i++) {
        if (strcmp(conf->routes[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* What the workers would answer, if they were asked. */
json_t *outcome_replaced(const struct board *board, const struct conf *now,
                         const struct conf *next)
{
    json_t *routes = json_array();

    for (size_t i = 0; i < next->route_count; i++) {
        const struct conf_route *route = &next->routes[i];

        json_array_append_new(
            routes, describe_replaced(board, route,
                                      has_route(now, route->name) ? "replaced"
                                                                  : "added"));
    }
    for (size_t i = 0; i < now->route_count; i++) {
        const struct conf_route *route = &now->routes[i];

        if (!has_route(next, route->name)) {
            json_array_append_new(routes,
                                  describe_replaced(board, route, "removed"));
        }
    }
    return json_pack("[{s:o}]", "routes", routes);
}

void outcome_fail(json_t *outcome, const char *why)
{
    json_object_set_new(outcome, "ok", json_false());
    json_object_set_new(outcome, "partial", json_true());
    json_object_set_new(outcome, "error", json_string(why));
}

static void add_counts(struct buf *buf, const json_t *object, bool always)
{
    json_int_t kept = number_of(object, "kept");
    json_int_t outdated = number_of(object, "outdated");
    json_int_t closed = number_of(object, "closed");

    if (always || kept > 0) {
        buf_addf(buf, ", %" JSON_INTEGER_FORMAT " connection%s kept", kept,
                 kept == 1 ? "" : "s");
    }
    if (outdated > 0) {
        buf_addf(buf, ", %" JSON_INTEGER_FORMAT " left on old code", outdated);
    }
    if (closed > 0) {
        buf_addf(buf, ", %" JSON_INTEGER_FORMAT " closed", closed);
    }
}

void outcome_text(const json_t *outcome, struct buf *buf)
{
    const json_t *route;
    size_t i;

    buf_addf(buf, "reloaded%s in %" JSON_INTEGER_FORMAT " ms",
             json_is_true(json_object_get(outcome, "partial")) ? " in part"
                                                               : "",
             number_of(outcome, "ms"));
    add_counts(buf, outcome, true);
    if (strcmp(text_of(outcome, "workers"), "replaced") == 0) {
        buf_adds(buf, ", workers replaced");
    }
    buf_adds(buf, "\n");
    json_array_foreach(json_object_get(outcome, "routes"), i, route)
    {
        if (strcmp(text_of(route, "way"), "unchanged") == 0) {
            continue;
        }
        buf_addf(buf, "[route.%s] plugin %s: %s", text_of(route, "route"),
                 text_of(route, "plugin"), text_of(route, "way"));
        add_counts(buf, route, false);
        if (*text_of(route, "why") != 0) {
            buf_addf(buf, ": %s", text_of(route, "why"));
        }
        buf_adds(buf, "\n");
    }
}

const json_t *outcome_refusal(const json_t *answers)
{
    const json_t *said;
    size_t i;

    json_array_foreach(answers, i, said)
    {
        if (!json_is_true(json_object_get(said, "ok"))) {
            return said;
        }
    }
    return NULL;
}
