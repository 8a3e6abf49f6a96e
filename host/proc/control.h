/* control.h - the control socket: where commands of the operator come in
 *
 * One request a connection: a line of JSON, {"do":"status"}, answered by
 * another, {"ok":true,...} or {"ok":false,"error":"..."}.
 *
 * Who may ask: root, the user of this process and, if there is one, a group.
 * The mode of the socket says so, and the kernel is asked who it is that has
 * connected: a mode is easily changed.
 */
#ifndef PATCHBAY_PROC_CONTROL_H
#define PATCHBAY_PROC_CONTROL_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "proc/poller.h"
#include "proc/tally.h"

#define CONTROL_NAME "control.sock"

struct control;

/*
 * Listens at run_dir/control.sock, mode 0600. NULL and one sentence in why on
 * failure, such as a live server at that place. request gets each request, and
 * a ticket to answer it with, at once or later.
 */
struct control *control_create(struct poller *poller, const char *run_dir,
                               void (*request)(void *arg, uint64_t ticket,
                                               const json_t *request),
                               void *arg, char *why, size_t why_size);

/* Where it counts that descriptors have run out. Borrows it. */
void control_count_in(struct control *control, struct tally *tally);

/* Members of the group may ask, too; NULL: of none. 0, or -1 and one sentence
 * in why. */
int control_set_group(struct control *control, const char *group, char *why,
                      size_t why_size);

/* Listens anew, where somebody has removed the socket. 0, or -1 and one
 * sentence in why: then nobody is listened to. */
int control_restore(struct control *control, char *why, size_t why_size);

/* Takes answer, NULL being out of memory. A client that did not wait is no
 * matter. */
void control_answer(struct control *control, uint64_t ticket, json_t *answer);

/* Likewise, but keeps the connection, whose end then tells the client that the
 * host has ended. */
void control_answer_and_hold(struct control *control, uint64_t ticket,
                             json_t *answer);

/* In a child: closes its descriptors. */
void control_forget(struct control *control);

/* Takes no one any more and removes the socket; those that hold on stay. */
void control_retire(struct control *control);

/* Closes all. */
void control_destroy(struct control *control);

#endif
