/* fake_host.h - hosts one plugin in memory: workers, peers, its own clock
 *
 * Enough of the host calls for the shipped plugins. What follows from a call
 * here (notices, closes, timers that are due) has happened when it returns.
 * A call the fake does not have fails the test.
 */
#ifndef FAKE_HOST_H
#define FAKE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <patchbay.h>

enum { FAKE_WORKERS = 4 };

struct fake;      /* one route with its workers */
struct fake_peer; /* one client */

/* path: of the route, as in the INI file. */
struct fake *fake_create(const bay_plugin *plugin, const char *path);
/* Closes what is open, stops the workers and frees everything. */
void fake_destroy(struct fake *fake);

/* An option other than by default; before the worker starts, or reload. */
void fake_option(struct fake *fake, const char *name, const char *value);

/* Returns what start returned. A worker may start again after a crash. */
int fake_start(struct fake *fake, int worker);
void fake_reload(struct fake *fake, int worker);
/* The worker is gone, and no hook was called. */
void fake_crash(struct fake *fake, int worker);
/* The next messages from this worker to others are lost. */
void fake_lose(struct fake *fake, int worker, int messages);
void fake_advance(struct fake *fake, uint64_t ms);
/* Time passes, and nobody runs: timers are late, messages wait. */
void fake_suspend(struct fake *fake, uint64_t ms);

/* target: "/chat?name=ann". Never NULL; see fake_status. */
struct fake_peer *fake_connect(struct fake *fake, int worker,
                               const char *target);
/* The two halves of it, for what happens in between. */
struct fake_peer *fake_handshake(struct fake *fake, int worker,
                                 const char *target);
void fake_open(struct fake_peer *peer);

int fake_status(const struct fake_peer *peer); /* 101, or the refusal */
bay_id fake_id(const struct fake_peer *peer);
void fake_text(struct fake_peer *peer, const char *text);
void fake_message(struct fake_peer *peer, bay_kind kind, const void *data,
                  size_t len);
void fake_leave(struct fake_peer *peer);
int fake_closed(const struct fake_peer *peer); /* the code, or 0 */

/* The oldest message that was not looked at yet, or NULL. */
const bay_message *fake_next(struct fake_peer *peer);

/* A plain request; the status. What was answered is in *body until the next. */
int fake_http(struct fake *fake, int worker, const char *method,
              const char *target, const char **body);

/* The last line the plugin logged. */
const char *fake_log(const struct fake *fake);

#endif
