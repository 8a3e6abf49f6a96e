/* hash.h - uthash, set to report that memory ran out rather than to exit
 *
 * After HASH_ADD an element whose hh.tbl is NULL was not added.
 */
#ifndef PATCHBAY_CORE_HASH_H
#define PATCHBAY_CORE_HASH_H

#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) ((element)->hh.tbl = NULL)

#include <uthash.h>

#endif
