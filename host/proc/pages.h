/* pages.h - the host's own pages: health as JSON, metrics for Prometheus */
#ifndef PATCHBAY_PROC_PAGES_H
#define PATCHBAY_PROC_PAGES_H

#include "base/buf.h"
#include "conf/conf.h"
#include "proc/board.h"

struct pages {
    const struct board *board;
    const struct conf *conf;
};

/*
 * {"status":"ok",...}; "degraded" while a worker is missing; "draining" when
 * the host is about to end. Returns the HTTP status: 200, or 503 for the last,
 * so that a balancer sends no one here any more. arg is a struct pages.
 */
int pages_health(void *arg, struct buf *buf);

/* The text exposition format, version 0.0.4; sums over all workers, with a
 * label for the route or the worker where that tells more. */
void pages_metrics(void *arg, struct buf *buf);

#endif
