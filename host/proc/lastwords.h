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

/* Whether a thread of this process has died, and says so: what it changes for
 * that, its alarm among it, is no plugin's doing. */
bool lastwords_begun(void);

/* Children that plugins have forked, which came back from the hook or the work
 * they were forked in, and were ended for that. */
struct stray {
    unsigned count;
    enum hook hook;  /* of the last; HOOK_NONE: not known */
    char plugin[64]; /* "": not known */
};
/* In the worker: those that it has not told of before. false: none. */
bool lastwords_stray(struct stray *stray);

/* Who knows what the loop cannot do without; borrowed. NULL: nobody. */
struct warden;
void lastwords_ward(struct warden *warden);

#endif
