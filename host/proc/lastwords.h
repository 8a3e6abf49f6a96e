/* lastwords.h - what a worker that dies of a signal still says */
#ifndef PATCHBAY_PROC_LASTWORDS_H
#define PATCHBAY_PROC_LASTWORDS_H

#include <stdint.h>

#include "core/core.h"
#include "proc/board.h"

/*
 * From now on a fatal signal in this process makes it write its last_words on
 * the board, and then die of the signal as it would have: its exit status and
 * a core dump are the same. A signal that has a handler already is left alone:
 * a sanitizer's knows more. Processes forked off later say nothing.
 */
void lastwords_prepare(const struct board *board, unsigned worker);

/* Whose hooks and deferred work they tell of; borrowed. NULL: nobody's. */
void lastwords_of(struct core *core);

/* Who knows what the loop cannot do without; borrowed. NULL: nobody. */
struct warden;
void lastwords_ward(struct warden *warden);

#endif
