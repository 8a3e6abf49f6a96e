/* ini.h - an INI file: its sections, keys, values and their lines */
#ifndef PATCHBAY_CONF_INI_H
#define PATCHBAY_CONF_INI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/problems.h"

struct ini_key {
    char *name;  /* lower case */
    char *value; /* NULL when bad */
    int line;
    bool bad; /* what is wrong with the line has been reported */
};

struct ini_section {
    char *name; /* lower case, without the brackets */
    int line;
    bool torn; /* holds a line that could not be read at all */
    struct ini_key *keys;
    size_t count;
    size_t cap;
};

/* In the order of the file. A duplicate section is merged into the first, of a
 * duplicate key the first stays; both are reported. */
struct ini {
    struct ini_section *sections;
    size_t count;
    size_t cap;
};

/*
 * iniparser reads the values. What it hides or reads in a surprising way, such
 * as a # that cuts a URL in two, is reported (see scan.c for the rules), and
 * the rest of the file is read all the same, so that all problems of a file
 * can be shown at once. NULL if nothing could be read; a problem says why.
 *
 * iniparser reports errors through one pointer for the process: one thread
 * at a time.
 */
struct ini *ini_load(const char *file, struct problems *problems);
/* The same, of a text that was read already. */
struct ini *ini_load_text(const char *file, const char *text, size_t len,
                          struct problems *problems);
void ini_free(struct ini *ini);

const struct ini_section *ini_find_section(const struct ini *ini,
                                           const char *name);
const struct ini_key *ini_find_key(const struct ini_section *section,
                                   const char *name);

/* For the scan. Return the new entry, or NULL: out of memory. Copy the name. */
struct ini_section *ini_add_section(struct ini *ini, const char *name,
                                    int line);
struct ini_key *ini_add_key(struct ini_section *section, const char *name,
                            int line);

#endif
