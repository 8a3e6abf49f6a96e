/* bans.c - plugins and messages that are not let in any more, in shared memory
 */
#include "core/bans.h"

#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"

static uint32_t count(const _Atomic uint32_t *value)
{
    return atomic_load_explicit((_Atomic uint32_t *)(uintptr_t)value,
                                memory_order_acquire);
}

bool bans_plugin(const struct bans *bans, uint64_t code)
{
    if (bans == NULL || code == 0 || count(&bans->plugin_count) == 0) {
        return false;
    }
    for (size_t i = 0; i < BANS_PLUGINS; i++) {
        if (stat_get(&bans->plugins[i].code) == code) {
            return true;
        }
    }
    return false;
}

const struct ban *bans_find(const struct bans *bans, const char *plugin)
{
    for (size_t i = 0; bans != NULL && i < BANS_PLUGINS; i++) {
        const struct ban *ban = &bans->plugins[i];

        if (stat_get(&ban->code) != 0 && strcmp(ban->plugin, plugin) == 0) {
            return ban;
        }
    }
    return NULL;
}

unsigned bans_count(const struct bans *bans)
{
    return bans != NULL ? count(&bans->plugin_count) : 0;
}

unsigned bans_poisons(const struct bans *bans)
{
    return bans != NULL ? count(&bans->poison_count) : 0;
}

bool bans_message(const struct bans *bans, uint64_t code, const void *data,
                  size_t len)
{
    uint64_t hash = 0;
    bool hashed = false;

    if (code == 0 || count(&bans->poison_count) == 0) {
        return false;
    }
    for (size_t i = 0; i < BANS_POISONS; i++) {
        const struct poison *poison = &bans->poisons[i];

        if (stat_get(&poison->code) != code || stat_get(&poison->len) != len) {
            continue;
        }
        if (!hashed) {
            hash = fnv_hash(stat_get(&bans->seed), data, len);
            hashed = true;
        }
        if (stat_get(&poison->hash) == hash) {
            return true;
        }
    }
    return false;
}

uint64_t bans_code(const char *hash)
{
    return hash != NULL ? strtoull(hash, NULL, 16) : 0;
}
