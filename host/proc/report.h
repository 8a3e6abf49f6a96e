/* report.h - the host, its workers and routes, as JSON for an operator */
#ifndef PATCHBAY_PROC_REPORT_H
#define PATCHBAY_PROC_REPORT_H

#include <jansson.h>

#include "conf/conf.h"
#include "proc/board.h"
#include "proc/generation.h"

/* Each is {"ok":true,...}, read off the board; NULL when out of memory.
 * leaving: a list of those that were replaced. */
json_t *report_status(const struct generation *now,
                      const struct generation *leaving,
                      const struct crashes *crashes);
json_t *report_routes(const struct board *board, const struct conf *conf);

/* A JSON text is UTF-8, which a path need not be. */
json_t *report_text(const char *text);

#endif
