/* image.h - a plugin's file, opened from a private copy */
#ifndef PATCHBAY_PLUGIN_IMAGE_H
#define PATCHBAY_PLUGIN_IMAGE_H

#include <stddef.h>

#include <patchbay.h>

#include "base/buf.h"

struct image {
    char *name;    /* "chat" */
    char *path;    /* the file as configured */
    char hash[17]; /* of its bytes, hexadecimal: tells versions apart */
    size_t size;   /* of the file */
    void *handle;
    bay_plugin plugin; /* as descriptor_read made it */
};

/*
 * Copies the file to copies_dir/NAME.<hash>.so, checks that it is a whole ELF
 * shared object of this machine, opens the copy (RTLD_NOW | RTLD_LOCAL |
 * RTLD_NODELETE) and reads its descriptor; name must be the descriptor's name.
 * NULL and one sentence in why on failure; the sentence names the file.
 * The original may be overwritten at any time afterwards.
 *
 * Opening the same bytes again gives another struct for the same code, whose
 * constructors do not run again. Who serves several routes with a plugin opens
 * it once for all: a second open reads and compares the whole file, and may
 * find a newer one.
 *
 * Constructors of the plugin run in here: the master calls it in a forked
 * probe only.
 *
 * image_load and image_describe are its two halves, for who wants to know in
 * which of them a plugin crashed: the constructors run in image_load, and only
 * image_describe reads what the plugin says of itself. Its struct is still to
 * be closed if it fails.
 */
struct image *image_open(const char *name, const char *path,
                         const char *copies_dir, char *why, size_t why_size);

struct image *image_load(const char *name, const char *path,
                         const char *copies_dir, char *why, size_t why_size);
int image_describe(struct image *image, char *why, size_t why_size);

/* The bytes of a file, which is a regular one. 0, or -1 and the end of a
 * sentence in why; bytes is to be freed either way. */
int image_read(const char *path, struct buf *bytes, char *why, size_t why_size);

/* Frees the struct; NULL is allowed. The code stays mapped until the process
 * ends, since dlclose under thread-locals or threads of the plugin is a
 * crash. */
void image_close(struct image *image);

#endif
