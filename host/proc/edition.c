/* edition.c - what a worker serves by at a time: conf, plugins and options */
#include "proc/edition.h"

#include <stdlib.h>

#include "proc/reason.h"

/* What core's route holds on to. */
struct holder {
    struct edition *edition;
    struct shelf_entry *entry;
};

struct edition *edition_create(const struct conf *conf, struct conf *owned,
                               struct shelf *shelf)
{
    struct edition *edition = malloc(sizeof *edition);

    if (edition == NULL) {
        conf_free(owned);
        return NULL;
    }
    *edition = (struct edition){
        .conf = conf, .owned = owned, .shelf = shelf, .users = 1
    };
    return edition;
}

void edition_drop(struct edition *edition)
{
    if (edition != NULL && --edition->users == 0) {
        conf_free(edition->owned);
        free(edition);
    }
}

static void release(void *arg)
{
    struct holder *holder = arg;

    shelf_put_back(holder->edition->shelf, holder->entry);
    edition_drop(holder->edition);
    free(holder);
}

void edition_release(const struct core_route *route)
{
    options_free(route->options);
    route->release(route->arg);
}

static int resolve(struct edition *edition, struct core_route *made, char *why,
                   size_t why_size)
{
    struct problems problems = { 0 };

    made->options =
        options_resolve(made->plugin, edition->conf, made->conf, &problems);
    if (made->options == NULL) {
        reason_set(why, why_size, "%s",
                   problems.count > 0 ? problems.list[0].text
                                      : "out of memory");
    }
    problems_free(&problems);
    return made->options != NULL ? 0 : -1;
}

static int make_route(struct edition *edition, const struct conf_route *conf,
                      const char *file, struct core_route *made, char *why,
                      size_t why_size)
{
    struct holder *holder = malloc(sizeof *holder);

    if (holder == NULL) {
        return reason_set(why, why_size, "out of memory");
    }
    holder->entry =
        shelf_take(edition->shelf, conf->plugin, file, why, why_size);
    if (holder->entry == NULL) {
        free(holder);
        return -1;
    }
    holder->edition = edition;
    edition->users++;
    *made = (struct core_route){ .conf = conf,
                                 .plugin = &holder->entry->image->plugin,
                                 .code = holder->entry->image->hash,
                                 .release = release,
                                 .arg = holder };
    if (resolve(edition, made, why, why_size) < 0) {
        release(holder);
        return -1;
    }
    return 0;
}

int edition_routes(struct edition *edition, char *const *files,
                   struct core_route *routes, char *why, size_t why_size)
{
    const struct conf *conf = edition->conf;

    for (size_t i = 0; i < conf->route_count; i++) {
        if (make_route(edition, &conf->routes[i], files[i], &routes[i], why,
                       why_size) < 0) {
            while (i-- > 0) {
                edition_release(&routes[i]);
            }
            return -1;
        }
    }
    return 0;
}
