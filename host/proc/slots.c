/* slots.c - which place on the board has the counters of which route */
#include "proc/slots.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "proc/reason.h"

static const struct conf_route *find(const struct conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->route_count; i++) {
        if (strcmp(conf->routes[i].name, name) == 0) {
            return &conf->routes[i];
        }
    }
    return NULL;
}

void slots_name(const struct board *board, const struct conf *conf)
{
    for (size_t i = 0; i < conf->route_count; i++) {
        const struct conf_route *route = &conf->routes[i];

        board_name(board, route->slot, route->name, route->plugin);
    }
}

static int find_free(const struct board *board, const bool *taken)
{
    for (unsigned i = 0; i < board->routes; i++) {
        if (!taken[i] && board_connections(board, i) == 0) {
            return (int)i;
        }
    }
    return -1;
}

int slots_assign(const struct board *board, const struct conf *now,
                 struct conf *next, char *why, size_t why_size)
{
    bool taken[CONF_MAX_ROUTES] = { false };

    /* Those of routes that go are kept until they have gone. */
    for (size_t i = 0; i < now->route_count; i++) {
        taken[now->routes[i].slot] = true;
    }
    for (size_t i = 0; i < next->route_count; i++) {
        struct conf_route *route = &next->routes[i];
        const struct conf_route *same = find(now, route->name);
        int slot = same != NULL ? (int)same->slot : find_free(board, taken);

        if (slot < 0) {
            return reason_set(why, why_size,
                              "[route.%s] has no place for its counters: %u "
                              "routes, old and new, are served at a time",
                              route->name, board->routes);
        }
        route->slot = (unsigned)slot;
        if (same == NULL) {
            taken[slot] = true;
            board_clear_route(board, route->slot);
        }
    }
    slots_name(board, next);
    return 0;
}

struct board_route *slots_save(const struct board *board)
{
    struct board_route *names = calloc(board->routes + 1, sizeof *names);

    if (names != NULL) {
        memcpy(names, board->names, board->routes * sizeof *names);
    }
    return names;
}

/* A worker may still be in a hook of what was refused, and is named by it: a
 * place that was nobody's keeps its new name, until it is given away again. */
static void restore(struct board_route *route, const struct board_route *old)
{
    struct board_route tried = *route;

    if (strcmp(tried.name, old->name) != 0) {
        return;
    }
    *route = *old;
    if (old->before[0] == 0 && strcmp(tried.plugin, old->plugin) != 0) {
        memcpy(route->before, tried.plugin, sizeof route->before);
    }
}

void slots_restore(const struct board *board, const struct board_route *names)
{
    for (unsigned i = 0; names != NULL && i < board->routes; i++) {
        restore(&board->names[i], &names[i]);
    }
}
