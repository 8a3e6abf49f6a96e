/* copy.h - a plugin's bytes in a private file, to be opened from there */
#ifndef PATCHBAY_PLUGIN_COPY_H
#define PATCHBAY_PLUGIN_COPY_H

#include <stddef.h>

/*
 * A plugin is never opened where its author writes it: overwriting a mapped
 * file kills the process that maps it, and dlopen takes a replaced file for the
 * old one by its name. A copy's name holds a hash of its bytes, so the same
 * bytes have the same copy and other bytes another.
 */
struct copy {
    char *path;    /* for dlopen */
    char hash[17]; /* hexadecimal */
    int fd;        /* of a copy in memory, until copy_finish; else -1 */
};

/*
 * Finds or makes dir/NAME.<hash>.so. dir is made if only it is missing. On a
 * file system mounted noexec (Debian's /run) the copy is anonymous memory: it
 * has to be opened before copy_finish, and for good (RTLD_NODELETE). 0, or -1
 * and in why what could not be done and the reason.
 */
int copy_make(struct copy *copy, const char *name, const void *data,
              size_t size, const char *dir, char *why, size_t why_size);

/* The same, but always a file of that name, for others to make their copies
 * from. */
int copy_store(struct copy *copy, const char *name, const void *data,
               size_t size, const char *dir, char *why, size_t why_size);
void copy_finish(struct copy *copy);

#endif
