/* template.h - a folder of files with names to be filled in */
#ifndef PATCHBAY_CLI_TEMPLATE_H
#define PATCHBAY_CLI_TEMPLATE_H

#include <stddef.h>

/* What stands in the place of @NAME@ and @IDENT@, in files and their names. */
struct template_names {
    const char *name;  /* "my-dice" */
    const char *ident; /* "my_dice" */
};

/*
 * Copies the files below a folder to a new one, which must not be there: a
 * file called gitignore becomes .gitignore. Calls each, if it is not NULL, with
 * every file made, relative to the new folder. 0; or -1 and one sentence in
 * why, nothing of it being left.
 */
int template_copy(const char *from, const char *to,
                  const struct template_names *names,
                  void (*each)(void *arg, const char *file), void *arg,
                  char *why, size_t why_size);

#endif
