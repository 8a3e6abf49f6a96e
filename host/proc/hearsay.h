/* hearsay.h - whose hook it was that left no witness, as the master knows it */
#ifndef PATCHBAY_PROC_HEARSAY_H
#define PATCHBAY_PROC_HEARSAY_H

#include "conf/conf.h"
#include "proc/board.h"
#include "proc/pins.h"

/*
 * A worker has ended in a hook, and had no time to tell more than the board
 * has: its plugin's file and hash are put among its remains, if its code is
 * that which the route has now. Before board_bury.
 */
void hearsay_tell(const struct board *board, unsigned worker,
                  const struct conf *conf, const struct pins *pins);

#endif
