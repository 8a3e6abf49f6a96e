/* wheel.c - when to look at a connection again: one timer wheel a worker */
#include "core/wheel.h"

void wheel_init(struct wheel *wheel, uint64_t now_ms)
{
    *wheel = (struct wheel){ .step = now_ms / WHEEL_STEP_MS };
}

void wheel_set(struct wheel *wheel, struct wheel_entry *entry, uint64_t due_ms)
{
    /* Rounded up, so that what is taken is due. */
    uint64_t step = due_ms / WHEEL_STEP_MS + 1;

    wheel_clear(wheel, entry);
    if (step <= wheel->step) {
        /* Never the step that is being taken: who sets itself again while it
         * is called would be called for ever. */
        step = wheel->step + 1;
    } else if (step - wheel->step >= WHEEL_SLOTS) {
        step = wheel->step + WHEEL_SLOTS - 1;
    }
    entry->slot = &wheel->slots[step % WHEEL_SLOTS];
    entry->prev = NULL;
    entry->next = *entry->slot;
    if (entry->next != NULL) {
        entry->next->prev = entry;
    }
    *entry->slot = entry;
    wheel->count++;
}

void wheel_clear(struct wheel *wheel, struct wheel_entry *entry)
{
    if (entry->slot == NULL) {
        return;
    }
    if (entry->prev != NULL) {
        entry->prev->next = entry->next;
    } else {
        *entry->slot = entry->next;
    }
    if (entry->next != NULL) {
        entry->next->prev = entry->prev;
    }
    entry->slot = NULL;
    wheel->count--;
}

struct wheel_entry *wheel_take(struct wheel *wheel, uint64_t now_ms)
{
    uint64_t now = now_ms / WHEEL_STEP_MS;

    if (wheel->count == 0) {
        /* Whatever time passed while it was empty is skipped. */
        wheel->step = now > wheel->step ? now : wheel->step;
        return NULL;
    }
    /* After a long sleep one round over the slots is enough. */
    if (now >= wheel->step + WHEEL_SLOTS) {
        wheel->step = now - WHEEL_SLOTS + 1;
    }
    while (wheel->step <= now) {
        struct wheel_entry *entry = wheel->slots[wheel->step % WHEEL_SLOTS];

        if (entry != NULL) {
            wheel_clear(wheel, entry);
            return entry;
        }
        wheel->step++;
    }
    return NULL;
}

uint64_t wheel_next_ms(const struct wheel *wheel)
{
    return wheel->count > 0 ? wheel->step * WHEEL_STEP_MS : UINT64_MAX;
}
