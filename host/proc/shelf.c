/* shelf.c - the plugins a worker has opened: each file once, counted */
#include "proc/shelf.h"

#include <stdlib.h>
#include <string.h>

#include "proc/reason.h"

struct shelf_entry *shelf_take(struct shelf *shelf, const char *plugin,
                               const char *file, char *why, size_t why_size)
{
    struct shelf_entry *entry = shelf->entries;

    while (entry != NULL && (strcmp(entry->image->path, file) != 0 ||
                             strcmp(entry->image->name, plugin) != 0)) {
        entry = entry->next;
    }
    if (entry == NULL) {
        entry = calloc(1, sizeof *entry);
        if (entry == NULL) {
            reason_set(why, why_size, "out of memory");
            return NULL;
        }
        entry->image =
            image_open(plugin, file, shelf->images_dir, why, why_size);
        if (entry->image == NULL) {
            free(entry);
            return NULL;
        }
        entry->next = shelf->entries;
        shelf->entries = entry;
    }
    entry->users++;
    return entry;
}

void shelf_put_back(struct shelf *shelf, struct shelf_entry *entry)
{
    struct shelf_entry **at = &shelf->entries;

    if (--entry->users > 0) {
        return;
    }
    while (*at != entry) {
        at = &(*at)->next;
    }
    *at = entry->next;
    image_close(entry->image);
    free(entry);
    if (shelf->freed != NULL) {
        shelf->freed(shelf->arg);
    }
}

void shelf_list(const struct shelf *shelf, struct buf *buf)
{
    buf_adds(buf, "[");
    for (const struct shelf_entry *entry = shelf->entries; entry != NULL;
         entry = entry->next) {
        const char *slash = strrchr(entry->image->path, '/');
        const char *name = slash != NULL ? slash + 1 : entry->image->path;

        buf_adds(buf, entry == shelf->entries ? "" : ",");
        buf_add_json(buf, name, strlen(name));
    }
    buf_adds(buf, "]");
}
