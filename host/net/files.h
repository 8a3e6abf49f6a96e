/* files.h - the files of [http] root */
#ifndef PATCHBAY_NET_FILES_H
#define PATCHBAY_NET_FILES_H

#include <stdbool.h>

struct exchange;
struct files;

/* NULL, with errno set, if root is not a folder that can be opened. */
struct files *files_create(const char *root);
void files_destroy(struct files *files);

/*
 * Answers a request with a file, or refuses a method that files do not have.
 * False if there is no such file, with nothing answered; files may be NULL.
 * *result is for the callback of libwebsockets.
 */
bool files_serve(struct files *files, struct exchange *exchange, int *result);

/* "text/html; charset=utf-8" for "index.html". */
const char *files_type(const char *name);

#endif
