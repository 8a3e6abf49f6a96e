/* commands.h - what the master does for an operator */
#ifndef PATCHBAY_PROC_COMMANDS_H
#define PATCHBAY_PROC_COMMANDS_H

#include <jansson.h>
#include <stdint.h>

#include "conf/conf.h"
#include "proc/board.h"
#include "proc/control.h"
#include "proc/crew.h"
#include "proc/poller.h"
#include "proc/sockets.h"

struct commands;

/* All borrowed. crew and control may be filled in until the first request. */
struct commands_setup {
    struct poller *poller;
    const struct conf *conf;
    const struct board *board;
    const struct sockets *sockets;
    struct crew *crew;
    struct control *control;
    void *arg;
    void (*drain)(void *arg);
    void (*quit)(void *arg);
    void (*in_child)(void *arg);
};

/* NULL when out of memory. */
struct commands *commands_create(const struct commands_setup *setup);
void commands_connect(struct commands *commands, struct crew *crew,
                      struct control *control);

/* A request came in; arg is the struct commands. */
void commands_request(void *arg, uint64_t ticket, const json_t *request);

/* A worker's answer, and the end of one that has to answer. */
void commands_answered(struct commands *commands, unsigned worker,
                       json_int_t id, const json_t *answer);
void commands_died(struct commands *commands, unsigned worker);

/* HUP: as the command, but what it finds goes to the log. */
void commands_reload(struct commands *commands);

void commands_destroy(struct commands *commands);

#endif
