/* tally.c - how often workers have crashed or hung, and of whose doing */
#include "proc/tally.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct tally *tally_create(void)
{
    struct tally *tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return tally != MAP_FAILED ? tally : NULL;
}

void tally_destroy(struct tally *tally)
{
    if (tally != NULL) {
        munmap(tally, sizeof *tally);
    }
}

void tally_forget(struct tally *tally)
{
    if (tally != NULL) {
        (void)mprotect(tally, sizeof *tally, PROT_READ);
    }
}

/* The places are taken one after the other. */
const struct tally_plugin *tally_next(const struct tally *tally, size_t *at)
{
    const struct tally_plugin *place;

    if (tally == NULL || *at >= TALLY_PLUGINS) {
        return NULL;
    }
    place = &tally->plugins[(*at)++];
    return atomic_load((_Atomic uint32_t *)(uintptr_t)&place->taken) != 0
               ? place
               : NULL;
}

const struct tally_plugin *tally_find(const struct tally *tally,
                                      const char *plugin)
{
    const struct tally_plugin *place;
    size_t at = 0;

    while ((place = tally_next(tally, &at)) != NULL) {
        if (strcmp(place->name, plugin) == 0) {
            return place;
        }
    }
    return NULL;
}

/* The last place is that of all others. */
static struct tally_plugin *place_of(struct tally *tally, const char *plugin)
{
    struct tally_plugin *place = tally->plugins;
    const struct tally_plugin *last = &tally->plugins[TALLY_PLUGINS - 1];

    while (place != last && atomic_load(&place->taken) != 0 &&
           strcmp(place->name, plugin) != 0) {
        place++;
    }
    if (atomic_load(&place->taken) == 0) {
        snprintf(place->name, sizeof place->name, "%s",
                 place != last ? plugin : TALLY_OTHERS);
        atomic_store(&place->taken, 1);
    }
    return place;
}

void tally_crash(struct tally *tally, const char *plugin, bool hung)
{
    struct tally_plugin *place;

    if (tally != NULL) {
        place = place_of(tally, plugin);
        stat_add(&place->crashes, 1);
        stat_add(&place->hangs, hung);
    }
}

void tally_hang(struct tally *tally)
{
    if (tally != NULL) {
        stat_add(&tally->hangs, 1);
    }
}

void tally_report(struct tally *tally, bool written)
{
    if (tally != NULL) {
        stat_add(written ? &tally->reports_written : &tally->reports_suppressed,
                 1);
    }
}

void tally_recycle(struct tally *tally, enum recycle_why why)
{
    if (tally != NULL) {
        stat_add(&tally->recycled[why], 1);
    }
}

void tally_control_paused(struct tally *tally)
{
    if (tally != NULL) {
        stat_add(&tally->control_paused, 1);
    }
}

const char *tally_recycle_key(enum recycle_why why)
{
    static const char *const keys[] = {
        [RECYCLE_MEMORY] = "max_memory",
        [RECYCLE_REQUESTS] = "max_requests",
    };

    return keys[why];
}
