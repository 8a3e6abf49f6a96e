/* incoming.h - messages that have come in part: bounded for all of a worker
 *
 * max_message bounds each, but ten thousand clients may be in the midst of one.
 * When there are more bytes of them than receive_total, the message that was
 * begun first is given up, and its connection closed with 1013: who goes on
 * sending is soon done.
 */
#ifndef PATCHBAY_CORE_INCOMING_H
#define PATCHBAY_CORE_INCOMING_H

#include "core/core-t.h"

/* Puts a piece behind those of conn that came before; rest: what is to come of
 * its frame. The connection may be closed for it: see its state. */
void incoming_add(struct conn *conn, const void *data, size_t len,
                  uint64_t rest);

/* What has come, for the caller to free; it is not counted any more. */
struct buf incoming_take(struct conn *conn);

void incoming_drop(struct conn *conn);

#endif
