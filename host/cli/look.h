/* look.h - looks at the files of plugins, and survives what they do */
#ifndef PATCHBAY_CLI_LOOK_H
#define PATCHBAY_CLI_LOOK_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/*
 * An object for each file, in their order: name, file, ok; why, one sentence
 * without its subject, if it is refused; else size, hash and all that
 * describe_plugin tells. audit: with findings (level, what, advice), and the
 * names it exports and wants and the libraries it needs, as far as they could
 * be read. The constructors run in forked children, as user if that is not
 * NULL. NULL: it was said why not.
 */
json_t *look_at(const char *const *files, size_t count, bool audit,
                const char *user);

/* "dice" of "build/dice.so": allocated. */
char *look_name(const char *file);

#endif
