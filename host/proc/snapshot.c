/* snapshot.c - what a reload brings, as the workers are told */
#include "proc/snapshot.h"

#include <limits.h>

#define SNAPSHOT "reload.ini" /* in run_dir */

static json_t *list_routes(const struct candidate *next)
{
    json_t *routes = json_array();

    for (size_t i = 0; i < next->conf->route_count; i++) {
        json_array_append_new(routes, json_pack("{s:i, s:s}", "slot",
                                                (int)next->conf->routes[i].slot,
                                                "file", next->pins.files[i]));
    }
    return routes;
}

static json_t *list_pems(const struct pems *pems)
{
    json_t *list = json_array();

    for (size_t i = 0; i < pems->count; i++) {
        json_array_append_new(list, json_string(pems->texts[i].data));
    }
    return list;
}

json_t *snapshot_order(const struct host *host, const struct candidate *next)
{
    char snapshot[PATH_MAX];
    json_t *order;

    (void)rundir_path(host->rundir.path, SNAPSHOT, snapshot, sizeof snapshot);
    order = json_pack("{s:s, s:s, s:s, s:o, s:o}", "do", "prepare", "file",
                      next->conf->file, "text", snapshot, "routes",
                      list_routes(next), "pems", list_pems(&next->pems));
    return order;
}

int snapshot_write(const struct host *host, const struct candidate *next,
                   char *why, size_t why_size)
{
    char path[PATH_MAX];

    if (rundir_put(&host->rundir, SNAPSHOT, next->text.data, next->text.len,
                   why, why_size) < 0) {
        return -1;
    }
    (void)rundir_path(host->rundir.path, SNAPSHOT, path, sizeof path);
    return account_give(&host->now->account, path, why, why_size);
}

void snapshot_remove(const struct host *host)
{
    rundir_remove(&host->rundir, SNAPSHOT);
}
