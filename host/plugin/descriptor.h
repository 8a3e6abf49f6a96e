/* descriptor.h - a plugin's descriptor: accepted, or refused with a reason */
#ifndef PATCHBAY_PLUGIN_DESCRIPTOR_H
#define PATCHBAY_PLUGIN_DESCRIPTOR_H

#include <stddef.h>

#include <patchbay.h>

/*
 * Copies what the plugin declares into ours; fields that a plugin of an older
 * minor version does not have are zero there, so the rest of the host knows
 * one layout only. 0, or -1 and one sentence in why: which field, what it is,
 * what it may be (for another ABI: both versions). Strings and tables stay the
 * plugin's.
 */
int descriptor_read(const bay_plugin *theirs, bay_plugin *ours, char *why,
                    size_t why_size);

#endif
