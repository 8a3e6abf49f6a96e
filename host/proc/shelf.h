/* shelf.h - the plugins a worker has opened: each file once, counted */
#ifndef PATCHBAY_PROC_SHELF_H
#define PATCHBAY_PROC_SHELF_H

#include <stddef.h>

#include "base/buf.h"
#include "plugin/image.h"

struct shelf_entry {
    struct image *image;
    unsigned users;
    struct shelf_entry *next;
};

struct shelf {
    const char *images_dir; /* set these; borrowed */
    /* The last user of an image has let go of it; NULL: nobody cares. */
    void (*freed)(void *arg);
    void *arg;

    struct shelf_entry *entries; /* the rest is its own */
};

/* Opens the plugin, or takes the image of the same file, which is one of the
 * master's copies: another version has another name. NULL and one sentence in
 * why on failure. */
struct shelf_entry *shelf_take(struct shelf *shelf, const char *plugin,
                               const char *file, char *why, size_t why_size);
void shelf_put_back(struct shelf *shelf, struct shelf_entry *entry);

/* Adds a JSON array of the names of the files, without their folder. */
void shelf_list(const struct shelf *shelf, struct buf *buf);

#endif
