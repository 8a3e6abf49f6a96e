/* probe.h - looks at plugins in a forked child, which may crash or hang */
#ifndef PATCHBAY_PLUGIN_PROBE_H
#define PATCHBAY_PLUGIN_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/problems.h"
#include "conf/conf.h"
#include "plugin/child.h"

/*
 * For each plugin a route names: is the file there, nobody's to change but
 * those who run the host (base/trust.h), and a plugin, does its ABI fit, are
 * the options in the file right, does it allow this many workers. Problems are
 * added with the line of the file that names the plugin; a route without a
 * plugin_file is passed over. Each plugin gets a child of its own: one whose
 * constructor crashes, exits or does not return within probe_timeout_ms is a
 * problem like any other. Root with a `user` configured looks with that user's
 * rights, as the workers will.
 *
 * copies_dir may be NULL: a temporary one is made and removed; else it is made
 * if it is missing, and keeps the copies for the workers. Returns the number
 * of problems added. What child_start asks of its caller holds here, too.
 */
size_t probe_check(const struct conf *conf, const char *copies_dir,
                   struct problems *problems);

/*
 * In one sentence that begins with the file, what a child died of that looked
 * at a plugin: an end other than CHILD_DONE. loaded: its constructors had
 * returned before. user: whom the child was to become, or NULL.
 */
void probe_explain(struct buf *out, const struct child_end *end,
                   const char *file, bool loaded, const char *user);

/* How long a plugin may take to load: 5 s; for tests. */
extern uint64_t probe_timeout_ms;

#endif
