/* peers.h - the workers of other machines: who is there, and who is no more
 *
 * Whoever has been heard of is there until it is said to be gone, another
 * process has its place, or nothing was heard of it for the time to live. What
 * a worker has sent may come after the word of its end: that does not bring
 * it back.
 */
#ifndef PATCHBAY_BUS_PEERS_H
#define PATCHBAY_BUS_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <patchbay.h>

/* More are not kept: 255 machines with 64 workers each. */
#define PEERS_MAX 16384

struct peer_entry;

/* A zeroed struct with told is empty. */
struct peers {
    struct peer_entry *entries;
    size_t there;
    uint64_t ttl_ms;
    uint64_t looked_ms;
    void (*told)(void *arg, bay_id worker, bool there);
    void *arg;
};

/* After so long what comes from one that was said to be gone is no rest. */
#define PEERS_REST_MS 2000

/* Something came from it. false: it is gone, and this is what was left. */
bool peers_seen(struct peers *peers, bay_id worker, uint32_t group,
                uint64_t now_ms);

/* It is said to be gone. */
void peers_gone(struct peers *peers, bay_id worker, uint64_t now_ms);

/* To be called several times in each ttl_ms: those go of which nothing was
 * heard. If this process itself stood still, the others get that time. */
void peers_look(struct peers *peers, uint64_t now_ms);

bool peers_there(const struct peers *peers, bay_id worker);

/* Frees all, and tells nobody. */
void peers_finish(struct peers *peers);

#endif
