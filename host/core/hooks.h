/* hooks.h - the only places where the host calls a plugin
 *
 * Each marks the board, so that a crash or a hang has a name, calls the hook
 * if the plugin has it, and logs one that ran too long.
 */
#ifndef PATCHBAY_CORE_HOOKS_H
#define PATCHBAY_CORE_HOOKS_H

#include "core/core-t.h"

/* As the hooks of bay_plugin; 0 for a hook that the plugin does not have. */
int hook_start(struct instance *instance);
void hook_stop(struct instance *instance);
void hook_reload(struct instance *instance);
int hook_migrate_route(struct instance *instance, const void *old,
                       size_t old_size, uint32_t old_version);
int hook_migrate_conn(struct conn *conn, const void *old, size_t old_size,
                      uint32_t old_version);
int hook_handshake(struct conn *conn, struct request *request);
int hook_open(struct conn *conn);
int hook_message(struct conn *conn, const bay_message *message);
void hook_close(struct conn *conn);
void hook_drained(struct conn *conn);
void hook_timer(struct instance *instance, uint64_t key);
void hook_notice(struct instance *instance, const bay_notice *notice);
void hook_presence(struct instance *instance, const bay_change *change);
int hook_http(struct instance *instance, struct request *request);
void hook_done(struct instance *instance, bay_done_fn *done, void *arg,
               int status);

/* Logs and counts a result that is none; conn may be NULL. */
void hook_complain(struct instance *instance, const struct conn *conn,
                   enum hook hook, int result);

#endif
