/* dev_build.h - compiles a plugin's sources, as the guide says how */
#ifndef PATCHBAY_CLI_DEV_BUILD_H
#define PATCHBAY_CLI_DEV_BUILD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Whether a file is to be compiled, rather than being a plugin already. */
bool dev_is_source(const char *file);

/*
 * Compiles sources, the last being followed by NULL, to `out`, which is
 * replaced as a whole. What the compiler says is added to said. $CC, $CXX,
 * $CFLAGS, $CXXFLAGS and $LDFLAGS count. The compiler is ended when
 * dev_is_to_end. 0, or -1 if there is no new `out`.
 */
int dev_build(const char *const *sources, const char *out, struct buf *said);

/* Whether a signal to end waits: INT, TERM and HUP have to be blocked. */
bool dev_is_to_end(void);

/* Calls each for all files that a source's neighbours may be: those that end
 * like C or C++ in its folder. */
void dev_each_neighbour(const char *source,
                        void (*each)(void *arg, const char *path), void *arg);

#endif
