/* hearsay.c - whose hook it was that left no witness, as the master knows it */
#include "proc/hearsay.h"

#include <stdio.h>
#include <string.h>

#include "core/bans.h"
#include "proc/remains.h"

static void fill(struct witness *witness, const struct conf_route *route,
                 const char *hash)
{
    *witness = (struct witness){ .plugin = "" };
    snprintf(witness->plugin, sizeof witness->plugin, "%s", route->plugin);
    snprintf(witness->route, sizeof witness->route, "%s", route->name);
    snprintf(witness->file, sizeof witness->file, "%s", route->plugin_file);
    snprintf(witness->code, sizeof witness->code, "%.*s",
             (int)strcspn(hash, "."), hash);
}

void hearsay_tell(const struct board *board, unsigned worker,
                  const struct conf *conf, const struct pins *pins)
{
    const struct hook_now *now = &board_stats(board, worker)->now;
    struct remains *remains = board_remains(board, worker);
    uint64_t code = stat_get(&now->code);

    if (remains->has_witness != 0 || code == 0 ||
        atomic_load(&now->hook) == HOOK_NONE) {
        return;
    }
    for (size_t i = 0; i < conf->route_count && i < pins->count; i++) {
        const char *hash = pins_hash(pins->files[i]);

        if (conf->routes[i].slot == atomic_load(&now->route) &&
            conf->routes[i].plugin_file != NULL && bans_code(hash) == code) {
            fill(&remains->witness, &conf->routes[i], hash);
            remains->has_witness = 1;
        }
    }
}
