/* descriptors.h - how many files a process may have open
 *
 * A worker's limit is not just raised: libwebsockets 4.1 sizes a table by it
 * and, as Debian builds it, walks the whole table each time a connection
 * closes (25 us at 13000, a millisecond at 1048576). So it is set to what can
 * be needed.
 */
#ifndef PATCHBAY_PROC_DESCRIPTORS_H
#define PATCHBAY_PROC_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

/*
 * What one worker gets: enough for its largest route to be full, and for all
 * of them together as long as that is not much. Beyond it clients wait until
 * others leave. And with how many it could not even fill its largest route.
 */
size_t descriptors_of_worker(const struct conf *conf);
size_t descriptors_at_least(const struct conf *conf);
/* Whether workers that got so many could fill the largest route of conf. */
bool descriptors_suffice(size_t count, const struct conf *conf);
size_t descriptors_of_master(const struct conf *conf);

/* Sets the limit to count, or as near to it as the system allows. Returns the
 * limit that holds then. */
size_t descriptors_limit(size_t count);

/* For the master: raises its own limit as far as it goes, and warns if workers
 * get too little. */
void descriptors_prepare(const struct conf *conf);

#endif
