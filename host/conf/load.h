/* load.h - a configuration while it is being read */
#ifndef PATCHBAY_CONF_LOAD_H
#define PATCHBAY_CONF_LOAD_H

#include "base/problems.h"
#include "conf/conf.h"
#include "conf/ini.h"
#include "conf/schema.h"

struct load {
    struct conf *conf;
    const struct ini *ini;
    struct problems *problems;
    char *folder;       /* of the file, without links */
    size_t before;      /* the problems there were before this file */
    bool unseen;        /* what it names is taken to be there */
    bool finds_plugins; /* knows where they are, and as whom they run */
};

__attribute__((format(printf, 5, 6))) void
load_problem(struct load *load, int line, const char *section, const char *key,
             const char *format, ...);

/* Puts the value in section, or the fallback, into its member of base. Says
 * what is wrong, except that a required key is missing. section may be NULL.
 */
void load_value(struct load *load, const struct schema_key *key,
                const struct ini_section *section, void *base);

/* What there is instead of a key that section, "server" or "route", has not.
 * name is the section as it stands in the file: "route.chat". */
void load_unknown(struct load *load, const char *section, const char *name,
                  const struct ini_key *key);

/* route.c: reads [plugin.*] and [route.*]; [limits] has been read. */
void load_routes(struct load *load);
void load_free_routes(struct conf *conf);

/* certificate.c: reads [certificate.*]. */
void load_certificates(struct load *load);
void load_free_certificates(struct conf *conf);

#endif
