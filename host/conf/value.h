/* value.h - the text of a value: parsed, checked and put into the conf */
#ifndef PATCHBAY_CONF_VALUE_H
#define PATCHBAY_CONF_VALUE_H

#include "base/buf.h"
#include "conf/schema.h"

/*
 * base is the struct that key->offset is in; its member holds nothing yet.
 * Relative paths are taken from folder. 0, or -1 with what is wrong, what is
 * allowed and what may have been meant added to why; a path is not stored then.
 */
int value_store(const struct schema_key *key, const char *text,
                const char *folder, void *base, struct buf *why);

/* The same, but what the value names is taken to be there: nothing is asked of
 * the system, and addresses to listen on are left out. */
int value_store_unseen(const struct schema_key *key, const char *text,
                       const char *folder, void *base, struct buf *why);

#endif
