/* client.h - asking the host that runs */
#ifndef PATCHBAY_CLI_CLIENT_H
#define PATCHBAY_CLI_CLIENT_H

#include <jansson.h>

#include "cli/cli.h"

/*
 * Sends the request, which it takes, to the host whose run_dir the call's
 * --config names, and waits for the answer. CLI_DONE and the answer, which is
 * the caller's; or another exit status, all having been said. With --json the
 * answer is printed as it came, good or bad.
 */
int client_ask(const struct cli_call *call, json_t *request, json_t **answer);

/* The run_dir that the call's --config names, which is the caller's. CLI_DONE,
 * or another exit status, all having been said, and NULL. */
int client_run_dir(const struct cli_call *call, char **run_dir);

/* As client_ask of the host with that control socket, and without a word said. */
int client_ask_at(const char *socket, json_t *request, json_t **answer);

/* The same for what ends the host: returns when it has ended. told is called
 * in between; it may be NULL. */
int client_ask_to_end(const struct cli_call *call, json_t *request,
                      void (*told)(const json_t *answer));

/* Warns about workers that an answer lacks. */
void client_warn_missing(const json_t *answer);

#endif
