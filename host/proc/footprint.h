/* footprint.h - how much memory this process has */
#ifndef PATCHBAY_PROC_FOOTPRINT_H
#define PATCHBAY_PROC_FOOTPRINT_H

#include "core/stats.h"

/* Sets it to the bytes that are resident now, shared ones included, as the
 * kernel says; what was there stays if that cannot be asked. One open, read and
 * close. */
void footprint_keep(stat_value *resident);

#endif
