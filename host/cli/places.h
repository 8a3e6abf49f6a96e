/* places.h - where this program's companions are: templates, pages, plugins */
#ifndef PATCHBAY_CLI_PLACES_H
#define PATCHBAY_CLI_PLACES_H

/*
 * All are found from where the program itself lies, so that an installed tree
 * may be moved, and a build folder serves as well: there they are beside it.
 * The path, to be freed; NULL if there is nothing of that name.
 */

/* share/patchbay/NAME */
char *places_share(const char *name);

/* include, with patchbay.h in it; and the folder of the shipped plugins. */
char *places_include(void);
char *places_plugins(void);

/* The program itself. */
char *places_program(void);

#endif
