/* everything.h - what the hooks and the commands of `everything` share */
#ifndef EVERYTHING_H
#define EVERYTHING_H

#include <patchbay.h>

#define LONGEST_COMMAND 4096

struct route_state {
    unsigned opens;
};

enum { KEPT_HEADERS = 11 };
extern const char *const kept_headers[KEPT_HEADERS];

struct conn_state {
    char headers[KEPT_HEADERS][128]; /* as they were in the open hook */
    bool had[KEPT_HEADERS];
    char handshake[512];
    int early_send, early_close, early_reply;
    unsigned messages;
    unsigned filled; /* messages before BAY_EFULL */
};

/* Runs a line; the result is the message hook's. */
int command_run(bay_conn *conn, const char *line);

#endif
