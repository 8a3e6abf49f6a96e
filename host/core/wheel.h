/* wheel.h - when to look at a connection again: one timer wheel a worker
 *
 * Coarse on purpose: pings, idle limits and close deadlines need no more than
 * half a second, and ten thousand connections cost one timer.
 */
#ifndef PATCHBAY_CORE_WHEEL_H
#define PATCHBAY_CORE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WHEEL_SLOTS   64u
#define WHEEL_STEP_MS 500u

struct wheel_entry {
    struct wheel_entry *next;
    struct wheel_entry *prev;
    struct wheel_entry **slot; /* NULL: not on the wheel */
};

struct wheel {
    struct wheel_entry *slots[WHEEL_SLOTS];
    uint64_t step; /* the slot that is due next, counted since time 0 */
    size_t count;
};

/* Everything before now_ms counts as past. */
void wheel_init(struct wheel *wheel, uint64_t now_ms);

/* Puts an entry at the step of due_ms or, if that is beyond the wheel's reach,
 * at its last one: whoever is called early just sets itself again. Moves it if
 * it is on the wheel. */
void wheel_set(struct wheel *wheel, struct wheel_entry *entry, uint64_t due_ms);
void wheel_clear(struct wheel *wheel, struct wheel_entry *entry);

/* The next entry due at now_ms, taken off the wheel; NULL: none is left. */
struct wheel_entry *wheel_take(struct wheel *wheel, uint64_t now_ms);

/* When to call wheel_take again: UINT64_MAX if the wheel is empty. */
uint64_t wheel_next_ms(const struct wheel *wheel);

#endif
