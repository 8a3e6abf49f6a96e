/* schema.h - every section and key of patchbay.ini, in one table */
#ifndef PATCHBAY_CONF_SCHEMA_H
#define PATCHBAY_CONF_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"

/* How the text of a value is read, and into what member of the conf. */
enum schema_type {
    SCHEMA_BOOL = 1, /* bool */
    SCHEMA_COUNT,    /* uint32_t, min to max */
    SCHEMA_WORKERS,  /* uint32_t, min to max, or auto */
    SCHEMA_SIZE,     /* size_t, bytes from min to max */
    SCHEMA_TIME,     /* uint64_t, milliseconds from min to max */
    SCHEMA_WORD,     /* an enum or int: one of words */
    SCHEMA_PATH,     /* char *, an absolute path; NULL when empty */
    SCHEMA_FILE,     /* the same, of a file that exists */
    SCHEMA_FOLDER,   /* the same, of a folder that exists */
    SCHEMA_RUN_DIR,  /* the same, short enough for the sockets in it */
    SCHEMA_LOG_FILE, /* the same, or "-" */
    SCHEMA_TEXT,     /* char * */
    SCHEMA_PAGE,     /* char *, a URL path; NULL when empty */
    SCHEMA_USER,     /* char *, known to the system; NULL when empty */
    SCHEMA_GROUP,    /* likewise */
    SCHEMA_ROUTE,    /* char *, a URL path that may end in a star */
    SCHEMA_PLUGIN,   /* char *, a plugin's name */
    SCHEMA_LISTEN,   /* listen and listen_count of struct conf */
    SCHEMA_PROXIES,  /* proxies and proxy_count of struct conf */
    SCHEMA_ORIGINS,  /* origins and origin_count of struct conf_limits */
    SCHEMA_NAMES,    /* names and name_count of struct conf_certificate */
    SCHEMA_NAME,     /* char *, as that of a route */
    SCHEMA_REDIS     /* struct redis_url */
};

struct schema_word {
    const char *name;
    int value;
};

struct schema_key {
    const char *section; /* "server", "limits", "route" */
    const char *name;
    enum schema_type type;
    /* As in the file. NULL: the key is required; "": it may be empty. */
    const char *fallback;
    int64_t min, max;                /* of the types that say so */
    bool zero;                       /* 0 is allowed, too */
    const struct schema_word *words; /* of SCHEMA_WORD; ends with { 0 } */
    /* A key of [limits] that a route may set for itself. */
    bool in_route;
    /* In struct conf_route for [route.*], in struct conf_certificate for
     * [certificate.*], in struct conf_limits for what
     * in_route says, else in struct conf. */
    size_t offset;
    const char *help; /* one line */
};

struct schema_section {
    const char *name; /* "server", or "route" of [route.NAME] */
    bool named;
    const char *help;
};

/* Both in the order of the reference; end with an entry without a name. */
extern const struct schema_section schema_sections[];
extern const struct schema_key schema_keys[];

/* NULL if there is none. section: "server", "route", ... Those of [limits]
 * with in_route are found under "route", too. */
const struct schema_key *schema_find(const char *section, const char *name);
const struct schema_section *schema_find_section(const char *name);

/* Of the keys that section may have, the nearest to name, or NULL. */
const char *schema_nearest(const char *section, const char *name);
const char *schema_nearest_section(const char *name);

/* Adds the names that section may have, as "a, b and c". */
void schema_add_names(struct buf *out, const char *section);

/* Adds what a value may be: "from 1 to 1g", "close or drop", "yes or no". */
void schema_add_allowed(struct buf *out, const struct schema_key *key);

/* Writes a patchbay.ini with every key, its default and what it is for. */
void schema_print(FILE *out);

#endif
