/* addresses.h - what one address of a client has: in memory workers share
 *
 * A table of cells, found by a hash with a secret seed: nobody can choose
 * addresses that meet in one place. A key may lie in any of the few cells behind
 * its hash, so that nothing is searched for long, and cells that are of no more
 * use are taken again as they are. If all of them are in use, the address is not
 * counted, and let in; the log and LIMIT_ADDRESSES say so.
 */
#ifndef PATCHBAY_CORE_ADDRESSES_H
#define PATCHBAY_CORE_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/stats.h"

/* For some 60,000 addresses. */
#define ADDRESS_CELLS ((size_t)1 << 17)

struct address_cell {
    stat_value key; /* 0: never used */
    stat_value value;
};

struct addresses {
    struct address_cell *cells; /* ADDRESS_CELLS, zeroed at first; borrowed */
    uint64_t seed; /* the same for all that are looked at together */
};

/* What is counted as one: an IPv4 address, or the first half of an IPv6 address,
 * as a network has that many; for one route, or with 0 for none. 0: it is none,
 * such as "unix". */
uint64_t address_key(uint64_t seed, const char *text, unsigned route);

/* ---- how many there are: one writer, any readers ------------------------ */

/* One more; NULL: there was no room. */
struct address_cell *address_add(const struct addresses *addresses,
                                 uint64_t key);
/* One less; NULL is allowed. */
void address_remove(struct address_cell *cell);
uint64_t address_count(const struct addresses *addresses, uint64_t key);

/* ---- how often there is a new one: any writers -------------------------- */

/* Takes one from the bucket of the address, see base/bucket.h: false if it lacks
 * more than depth then, and nothing is taken. All in microseconds. */
bool address_take(const struct addresses *addresses, uint64_t key,
                  uint64_t now_us, uint64_t cost_us, uint64_t depth_us);

#endif
