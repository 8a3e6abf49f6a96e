/* fnv.h - a hash of bytes (FNV-1a, 64 bits), with a start of one's own
 *
 * Quick for short texts, and safe in a signal handler. Who must not be led to
 * equal hashes by others keeps the start secret.
 */
#ifndef PATCHBAY_BASE_FNV_H
#define PATCHBAY_BASE_FNV_H

#include <stddef.h>
#include <stdint.h>

#define FNV_START UINT64_C(0xcbf29ce484222325)

/* The hash of the bytes that gave start, and of these behind them. */
static inline uint64_t fnv_hash(uint64_t start, const void *data, size_t len)
{
    const unsigned char *bytes = data;
    uint64_t hash = start;

    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

#endif
