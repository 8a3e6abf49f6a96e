/* outcome.h - what a reload has done, of all workers together */
#ifndef PATCHBAY_PROC_OUTCOME_H
#define PATCHBAY_PROC_OUTCOME_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "proc/board.h"

/* The first of the workers' answers, an array, that is no yes; NULL: all are. */
const json_t *outcome_refusal(const json_t *answers);

/*
 * {"ok":true,"ms":12,"workers":"kept","kept":2,"outdated":0,"closed":0,
 *  "routes":[{"route":"dice","plugin":"dice","way":"swapped","kept":2,
 *  "outdated":0,"closed":0,"why":""}]}
 * of the workers' answers to a commit, an array. A route that stayed as it was
 * in one of them makes it {"ok":false,"error":...} with the same numbers. NULL
 * when out of memory.
 */
json_t *outcome_make(const json_t *answers, uint64_t ms, bool replaced);

/* Makes it one that failed in some workers, which have not told why. */
void outcome_fail(json_t *outcome, const char *why);

/* What workers that are to be replaced would answer, if they were asked: their
 * connections are closed. */
json_t *outcome_replaced(const struct board *board, const struct conf *now,
                         const struct conf *next);

/* For people: "reloaded in 12 ms, 2 connections kept", and a line for each
 * route that something became of. */
void outcome_text(const json_t *outcome, struct buf *buf);

#endif
