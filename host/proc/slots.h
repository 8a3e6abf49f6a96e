/* slots.h - which place on the board has the counters of which route */
#ifndef PATCHBAY_PROC_SLOTS_H
#define PATCHBAY_PROC_SLOTS_H

#include <stddef.h>

#include "conf/conf.h"
#include "proc/board.h"

/* At the start: tells the board the names of the routes. */
void slots_name(const struct board *board, const struct conf *conf);

/*
 * Sets the slot of each route of next: that of the route of the same name in
 * now; or, for a new one, a place in which nobody has a connection, whose
 * counters begin at zero. The board learns the names at once, so that a plugin
 * that crashes in its start hook has one. 0, or -1 and one sentence in why.
 */
int slots_assign(const struct board *board, const struct conf *now,
                 struct conf *next, char *why, size_t why_size);

/* The names before slots_assign, to be freed, or NULL; and back to them. */
struct board_route *slots_save(const struct board *board);
void slots_restore(const struct board *board, const struct board_route *names);

#endif
