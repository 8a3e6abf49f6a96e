/* folder.h - a temporary folder for one test */
#ifndef PATCHBAY_TEST_FOLDER_H
#define PATCHBAY_TEST_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[64];

static inline int folder_remove_one(const char *path, const struct stat *stat,
                                    int type, struct FTW *ftw)
{
    (void)stat;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline int folder_make(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/patchbay-test-XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static inline int folder_remove(void **state)
{
    (void)state;
    return nftw(folder, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* folder/NAME; valid for the next 31 calls. */
static inline const char *folder_file(const char *name)
{
    static char paths[32][256];
    static int at;

    at = (at + 1) % 32;
    snprintf(paths[at], sizeof paths[at], "%s/%s", folder, name);
    return paths[at];
}

#endif
