/* addresses.c - what one address of a client has: in memory workers share */
#include "core/addresses.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/bucket.h"

/* The cells of a key, behind its hash. */
#define REACH 32u

/* A good mix (the finalizer of MurmurHash3), with the seed in between. */
static uint64_t mix(uint64_t seed, uint64_t bits)
{
    bits ^= seed;
    bits = (bits ^ bits >> 33) * UINT64_C(0xff51afd7ed558ccd);
    bits = (bits ^ bits >> 33 ^ seed >> 7) * UINT64_C(0xc4ceb9fe1a85ec53);
    return bits ^ bits >> 33;
}

uint64_t address_key(uint64_t seed, const char *text, unsigned route)
{
    struct in_addr v4;
    struct in6_addr v6;
    uint64_t bits;
    uint64_t family;
    uint64_t key;

    if (inet_pton(AF_INET, text, &v4) == 1) {
        family = 4;
        bits = v4.s_addr;
    } else if (inet_pton(AF_INET6, text, &v6) == 1) {
        family = 6;
        memcpy(&bits, &v6, sizeof bits);
    } else {
        return 0;
    }
    key = mix(mix(seed, bits) ^ family << 32 ^ route, bits ^ seed << 1);
    return key != 0 ? key : 1;
}

static struct address_cell *cell_at(const struct addresses *addresses,
                                    uint64_t key, unsigned place)
{
    return &addresses->cells[(key + place) % ADDRESS_CELLS];
}

struct address_cell *address_add(const struct addresses *addresses,
                                 uint64_t key)
{
    struct address_cell *found = NULL;

    for (unsigned i = 0; i < REACH; i++) {
        struct address_cell *cell = cell_at(addresses, key, i);

        if (stat_get(&cell->value) == 0) {
            found = found != NULL ? found : cell;
        } else if (stat_get(&cell->key) == key) {
            found = cell;
            break;
        }
    }
    if (found != NULL) {
        stat_set(&found->key, key);
        stat_add(&found->value, 1);
    }
    return found;
}

void address_remove(struct address_cell *cell)
{
    if (cell != NULL) {
        stat_sub(&cell->value, 1);
    }
}

uint64_t address_count(const struct addresses *addresses, uint64_t key)
{
    for (unsigned i = 0; i < REACH; i++) {
        const struct address_cell *cell = cell_at(addresses, key, i);

        if (stat_get(&cell->key) == key && stat_get(&cell->value) > 0) {
            return stat_get(&cell->value);
        }
    }
    return 0;
}

/* The cell of the key. If it has none, it gets the one whose bucket is nearest
 * to full: that of the address that connects least. */
static struct address_cell *claim(const struct addresses *addresses,
                                  uint64_t key, uint64_t now_us)
{
    struct address_cell *best = NULL;

    for (unsigned i = 0; i < REACH; i++) {
        struct address_cell *cell = cell_at(addresses, key, i);

        if (stat_get(&cell->key) == key) {
            return cell;
        }
        if (best == NULL || stat_get(&cell->value) < stat_get(&best->value)) {
            best = cell;
        }
    }
    stat_set(&best->key, key);
    stat_set(&best->value, now_us); /* full */
    return best;
}

/* Workers may do this at the same time for the same address; what they make of
 * a cell that both claim is off by one or two, for a moment. */
bool address_take(const struct addresses *addresses, uint64_t key,
                  uint64_t now_us, uint64_t cost_us, uint64_t depth_us)
{
    struct address_cell *cell = claim(addresses, key, now_us);
    uint64_t old = stat_get(&cell->value);
    uint64_t full_at;

    do {
        full_at = old;
        if (bucket_take(&full_at, now_us, cost_us) > depth_us) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&cell->value, &old, full_at,
                                                    memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}
