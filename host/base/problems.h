/* problems.h - what is wrong with a configuration, all of it at once */
#ifndef PATCHBAY_BASE_PROBLEMS_H
#define PATCHBAY_BASE_PROBLEMS_H

#include <stddef.h>
#include <stdio.h>

struct problem {
    char *file;
    int line; /* 0: of the file as a whole */
    char *text;
};

/* A zeroed struct is empty. Running out of memory is a problem of its own
 * that needs no memory. */
struct problems {
    struct problem *list;
    size_t count;
    size_t cap;
    size_t lost; /* could not be kept: out of memory */
};

/*
 * Adds "file:line: [section] key: message". section and key may be NULL and
 * are left out then. All is copied.
 */
__attribute__((format(printf, 6, 7))) void
problems_add(struct problems *problems, const char *file, int line,
             const char *section, const char *key, const char *format, ...);

/* Puts them in the order of their lines. */
void problems_sort(struct problems *problems);

/* Prints them in that order, one each. */
void problems_print(struct problems *problems, FILE *out);
void problems_free(struct problems *problems);

#endif
