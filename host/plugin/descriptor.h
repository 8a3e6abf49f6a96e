/* descriptor.h - a plugin's descriptor: accepted, or refused with a reason */
#ifndef PATCHBAY_PLUGIN_DESCRIPTOR_H
#define PATCHBAY_PLUGIN_DESCRIPTOR_H

#include <stddef.h>

#include <patchbay.h>

/*
 * Copies what the plugin declares into ours; fields that a plugin of an older
 * minor version does not have are zero there, so the rest of the host knows
 * one layout only; version and summary are "" if the plugin left them out.
 * Strings and tables stay the plugin's. 0, or -1 and in why one sentence that
 * lacks its subject: which field, what it is, what it may be: "was built for
 * ABI 1.3, this host has 1.0: install ...".
 */
int descriptor_read(const bay_plugin *theirs, bay_plugin *ours, char *why,
                    size_t why_size);

/* How many options and subprotocols an accepted plugin has. */
size_t descriptor_option_count(const bay_plugin *plugin);
size_t descriptor_subprotocol_count(const bay_plugin *plugin);

/* An option by its number. The table's entries have the size of the plugin's
 * ABI, not of ours: never index plugin->options. */
const bay_option *descriptor_option(const bay_plugin *plugin, size_t index);

#endif
