/* places.c - where this program's companions are: templates, pages, plugins */
#include "cli/places.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *places_program(void)
{
    return realpath("/proc/self/exe", NULL);
}

/* Of PROGRAM's folder and what is named from there, the first that exists. */
static char *find(const char *const *candidates, const char *name)
{
    char *program = places_program();
    char *found = NULL;
    char path[PATH_MAX];

    if (program == NULL) {
        return NULL;
    }
    *strrchr(program, '/') = '\0';
    for (; found == NULL && *candidates != NULL; candidates++) {
        int len =
            snprintf(path, sizeof path, "%s/%s/%s", program, *candidates, name);

        if (len > 0 && (size_t)len < sizeof path) {
            found = realpath(path, NULL);
        }
    }
    free(program);
    return found;
}

char *places_share(const char *name)
{
    static const char *const candidates[] = { "../share/patchbay",
                                              "share/patchbay", NULL };

    return find(candidates, name);
}

static char *folder_of(char *file)
{
    if (file != NULL) {
        *strrchr(file, '/') = '\0';
    }
    return file;
}

char *places_include(void)
{
    static const char *const candidates[] = { "../include", "include", NULL };

    return folder_of(find(candidates, "patchbay.h"));
}

char *places_plugins(void)
{
    static const char *const candidates[] = { "../lib/patchbay", "plugins",
                                              NULL };

    return folder_of(find(candidates, "echo.so"));
}
