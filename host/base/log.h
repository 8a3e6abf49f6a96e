/* log.h - the host's log: one line per event, as text or JSON */
#ifndef PATCHBAY_BASE_LOG_H
#define PATCHBAY_BASE_LOG_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The numbers are those of bay_level, so that a plugin's level needs no map. */
enum log_level {
    LOG_LEVEL_ERROR = 1,
    LOG_LEVEL_WARN = 2,
    LOG_LEVEL_INFO = 3,
    LOG_LEVEL_DEBUG = 4
};

enum log_format { LOG_FORMAT_TEXT = 1, LOG_FORMAT_JSON = 2 };

/* Whom a line is about; any member may be NULL or 0. Borrowed for the call. */
struct log_subject {
    const char *route;
    const char *plugin;
    uint64_t conn; /* a bay_id */
    const char *remote;
};

/*
 * Text, members that are not set left out (a plugin without a route is [-/P]):
 *
 *   2026-11-22T20:14:41.123Z info  worker 0 [lobby/chat] #12 127.0.0.1: joined
 *
 * JSON, one object a line; conn is a string, since a bay_id does not fit in
 * the numbers of most readers:
 *
 *   {"time":"2026-11-22T20:14:41.123Z","level":"info","who":"worker 0",
 *    "route":"lobby","plugin":"chat","conn":"12","remote":"127.0.0.1",
 *    "message":"joined"}
 */

/*
 * Opens the log: file "-" is standard error. 0, or -1 with errno set and the
 * log left as it was. Until it is called, lines go to standard error as text
 * at level info. Calling it again reopens the file, as after a rotation; a
 * thread that writes meanwhile writes to the old file or to the new one.
 */
int log_open(const char *file, enum log_format format, enum log_level level);

/* Where lines go. It keeps its number when the log is opened again. */
int log_descriptor(void);

/* Who writes: "master", "worker 0". Copied. Before the process has threads. */
void log_identify(const char *who);

void log_set_level(enum log_level level);
enum log_level log_get_level(void);
static inline bool log_wants(enum log_level level);

/* "error", "warn", "info", "debug" and back; 0 if it is none of them. */
const char *log_level_name(enum log_level level);
enum log_level log_level_parse(const char *name);

/*
 * Writes one line with a single write(2), whatever thread calls; errno stays
 * as it was. Control characters and bytes that are not UTF-8 are escaped
 * (\n, \x1b), so a peer cannot forge lines. Lines over 4 KiB are cut and end
 * in "...". What could not be written (a full disk) is counted, and the next
 * line that can be is one that says how many are missing, and why.
 */
__attribute__((format(printf, 3, 4))) void
log_about(enum log_level level, const struct log_subject *subject,
          const char *format, ...);
__attribute__((format(printf, 3, 0))) void
log_vabout(enum log_level level, const struct log_subject *subject,
           const char *format, va_list args);
uint64_t log_lost(void);

/* From now on lines are not written, but given to take as they are, on the
 * thread that logs: for the test library. subject may be NULL. NULL: writes
 * again. */
void log_divert(void (*take)(enum log_level level,
                             const struct log_subject *subject,
                             const char *message));

#define log_error(...) log_about(LOG_LEVEL_ERROR, NULL, __VA_ARGS__)
#define log_warn(...)  log_about(LOG_LEVEL_WARN, NULL, __VA_ARGS__)
#define log_info(...)  log_about(LOG_LEVEL_INFO, NULL, __VA_ARGS__)
#define log_debug(...) log_about(LOG_LEVEL_DEBUG, NULL, __VA_ARGS__)

extern atomic_int log_threshold; /* read through log_wants */

static inline bool log_wants(enum log_level level)
{
    return (int)level <=
           atomic_load_explicit(&log_threshold, memory_order_relaxed);
}

#endif
