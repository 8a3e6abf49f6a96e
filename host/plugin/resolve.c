/* resolve.c - who gives a plugin the names and libraries it wants */
#include "plugin/resolve.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct resolve {
    void *libc;
    void **libraries; /* as dynamic->needed; NULL: missing */
    char **why;
    size_t count;
};

/* A library in one of the folders of a search path. What begins with $ORIGIN
 * is looked for beside the plugin's copy, where nothing is. */
static void *open_beside(const char *search_path, const char *name)
{
    char file[PATH_MAX];
    void *handle = NULL;

    while (search_path != NULL && *search_path != 0 && handle == NULL) {
        int len = (int)strcspn(search_path, ":");

        if (*search_path == '/' &&
            snprintf(file, sizeof file, "%.*s/%s", len, search_path, name) <
                (int)sizeof file) {
            handle = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        }
        search_path += len;
        search_path += *search_path == ':';
    }
    return handle;
}

static void open_library(struct resolve *resolve, size_t index,
                         const struct dynamic *dynamic)
{
    const char *name = dynamic->needed[index];
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const char *error = handle == NULL ? dlerror() : NULL;
    size_t len = strlen(name);

    if (error != NULL) {
        if (strncmp(error, name, len) == 0 &&
            strncmp(error + len, ": ", 2) == 0) {
            error += len + 2;
        }
        resolve->why[index] = strdup(error);
        handle = open_beside(dynamic->search_path, name);
    }
    if (handle != NULL) {
        free(resolve->why[index]);
        resolve->why[index] = NULL;
    }
    resolve->libraries[index] = handle;
}

struct resolve *resolve_create(const struct dynamic *dynamic)
{
    struct resolve *resolve = calloc(1, sizeof *resolve);

    if (resolve == NULL) {
        return NULL;
    }
    resolve->count = dynamic->needed_count;
    resolve->libraries = calloc(resolve->count + 1, sizeof(void *));
    resolve->why = calloc(resolve->count + 1, sizeof(char *));
    if (resolve->libraries == NULL || resolve->why == NULL) {
        resolve_free(resolve);
        return NULL;
    }
    resolve->libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    for (size_t i = 0; i < resolve->count; i++) {
        open_library(resolve, i, dynamic);
    }
    return resolve;
}

const char *resolve_missing(const struct resolve *resolve, size_t index)
{
    if (resolve->libraries[index] != NULL) {
        return NULL;
    }
    return resolve->why[index] != NULL ? resolve->why[index] : "out of memory";
}

enum resolve_giver resolve_find(const struct resolve *resolve, const char *name)
{
    if (resolve->libc != NULL && dlsym(resolve->libc, name) != NULL) {
        return RESOLVE_LIBC;
    }
    for (size_t i = 0; i < resolve->count; i++) {
        if (resolve->libraries[i] != NULL &&
            dlsym(resolve->libraries[i], name) != NULL) {
            return RESOLVE_NEEDED;
        }
    }
    return dlsym(RTLD_DEFAULT, name) != NULL ? RESOLVE_HOST : RESOLVE_NOBODY;
}

bool resolve_is_taken(const char *name)
{
    return dlsym(RTLD_DEFAULT, name) != NULL;
}

void resolve_free(struct resolve *resolve)
{
    for (size_t i = 0;
         resolve != NULL && resolve->why != NULL && i < resolve->count; i++) {
        free(resolve->why[i]);
    }
    if (resolve != NULL) {
        free(resolve->why);
        free(resolve->libraries);
    }
    free(resolve);
}
