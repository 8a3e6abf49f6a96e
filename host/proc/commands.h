/* commands.h - what the master does for an operator */
#ifndef PATCHBAY_PROC_COMMANDS_H
#define PATCHBAY_PROC_COMMANDS_H

#include <jansson.h>
#include <stdint.h>

#include "conf/conf.h"
#include "proc/control.h"
#include "proc/host.h"
#include "proc/renewal.h"

struct commands;

/* All borrowed. The host's generation and control may be filled in until the
 * first request. */
struct commands_setup {
    struct host *host;
    struct control *control;
    void *arg;
    void (*drain)(void *arg);
    void (*quit)(void *arg);
    void (*in_child)(void *arg);
    /* A reload's part of the master: see renewal.h. */
    int (*can_adopt)(void *arg, const struct conf *conf, char *why,
                     size_t why_size);
    void (*adopted)(void *arg, const struct conf *old, bool replaced);
    void (*busy)(void *arg, bool busy);
};

/* NULL when out of memory. */
struct commands *commands_create(const struct commands_setup *setup);
void commands_connect(struct commands *commands, struct control *control);

/* A request came in; arg is the struct commands. */
void commands_request(void *arg, uint64_t ticket, const json_t *request);

/* A worker's answer, and the end of one that has to answer. */
void commands_answered(struct commands *commands, unsigned worker,
                       json_int_t id, const json_t *answer);
void commands_died(struct commands *commands, unsigned worker);

/* That which goes on, or the next; of which the crew tells more. */
struct renewal *commands_renewal(const struct commands *commands);

void commands_destroy(struct commands *commands);

#endif
