/* log.c - the host's log: one line per event, as text or JSON */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/printable.h"

#define LINE_MAX_BYTES 4096
#define TAIL           8 /* kept free for "...", the end of the JSON, \n */

struct line {
    char *data;
    size_t len;
    bool json;
    bool cut;
};

static const char *const level_names[] = { NULL, "error", "warn", "info",
                                           "debug" };

atomic_int log_threshold = LOG_LEVEL_INFO;

static atomic_int log_format = LOG_FORMAT_TEXT;
static atomic_int log_fd = STDERR_FILENO;
static atomic_uint_fast64_t lost;
static atomic_uint_fast64_t untold; /* of them, since a line last said so */
static atomic_int lost_error;       /* why the last of them was lost */
static atomic_bool torn; /* the last line went out in part, without its \n */
static char identity[32];
static void (*diverted)(enum log_level level, const struct log_subject *subject,
                        const char *message);

int log_open(const char *file, enum log_format format, enum log_level level)
{
    int own = atomic_load(&log_fd);
    int fd = strcmp(file, "-") == 0
                 ? STDERR_FILENO
                 : open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

    if (fd < 0) {
        return -1;
    }
    if (own == STDERR_FILENO) {
        atomic_store(&log_fd, fd);
    } else {
        /* The number stays, so that no other thread is left with one that is
         * closed, or by then another file's. */
        int result = dup3(fd, own, O_CLOEXEC);
        int saved = errno;

        if (fd != STDERR_FILENO) {
            close(fd);
        }
        errno = saved;
        if (result < 0) {
            return -1;
        }
    }
    atomic_store(&log_format, (int)format);
    log_set_level(level);
    return 0;
}

int log_descriptor(void)
{
    return atomic_load(&log_fd);
}

void log_identify(const char *who)
{
    snprintf(identity, sizeof identity, "%s", who);
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_threshold, (int)level, memory_order_relaxed);
}

enum log_level log_get_level(void)
{
    return (enum log_level)atomic_load_explicit(&log_threshold,
                                                memory_order_relaxed);
}

const char *log_level_name(enum log_level level)
{
    return level >= LOG_LEVEL_ERROR && level <= LOG_LEVEL_DEBUG
               ? level_names[level]
               : "none";
}

enum log_level log_level_parse(const char *name)
{
    for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
        if (strcmp(name, level_names[level]) == 0) {
            return (enum log_level)level;
        }
    }
    return (enum log_level)0;
}

void log_divert(void (*take)(enum log_level level,
                             const struct log_subject *subject,
                             const char *message))
{
    diverted = take;
}

uint64_t log_lost(void)
{
    return atomic_load(&lost);
}

/* All of data or nothing of it. */
static void put(struct line *line, const char *data, size_t len)
{
    if (line->cut || len > LINE_MAX_BYTES - TAIL - line->len) {
        line->cut = true;
        return;
    }
    memcpy(line->data + line->len, data, len);
    line->len += len;
}

static void puts_plain(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

static void puts_escaped(struct line *line, const char *text)
{
    char out[JSON_CHAR_MAX];
    size_t len = strlen(text);
    size_t used;

    for (size_t at = 0; at < len && !line->cut; at += used) {
        size_t size = line->json
                          ? json_char(out, text + at, len - at, &used)
                          : printable_char(out, text + at, len - at, &used);

        put(line, out, size);
    }
}

static void put_time(struct line *line)
{
    struct timespec now;
    struct tm tm;
    char text[32];
    size_t len;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + len, sizeof text - len, ".%03ldZ", now.tv_nsec / 1000000);
    puts_plain(line, text);
}

static void put_conn(struct line *line, uint64_t conn)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, conn);
    puts_plain(line, text);
}

static void text_line(struct line *line, enum log_level level,
                      const struct log_subject *about, const char *message)
{
    char name[8];

    put_time(line);
    snprintf(name, sizeof name, " %-5s", log_level_name(level));
    puts_plain(line, name);
    if (identity[0] != 0) {
        puts_plain(line, " ");
        puts_escaped(line, identity);
    }
    if (about->route != NULL || about->plugin != NULL) {
        puts_plain(line, " [");
        puts_escaped(line, about->route != NULL ? about->route : "-");
        if (about->plugin != NULL) {
            puts_plain(line, "/");
            puts_escaped(line, about->plugin);
        }
        puts_plain(line, "]");
    }
    if (about->conn != 0) {
        puts_plain(line, " #");
        put_conn(line, about->conn);
    }
    if (about->remote != NULL) {
        puts_plain(line, " ");
        puts_escaped(line, about->remote);
    }
    puts_plain(line, ": ");
    puts_escaped(line, message);
    if (line->cut) {
        memcpy(line->data + line->len, "...", 3);
        line->len += 3;
    }
}

static void json_member(struct line *line, const char *name, const char *value)
{
    if (value != NULL) {
        puts_plain(line, ",\"");
        puts_plain(line, name);
        puts_plain(line, "\":\"");
        puts_escaped(line, value);
        puts_plain(line, "\"");
    }
}

static void json_line(struct line *line, enum log_level level,
                      const struct log_subject *about, const char *message)
{
    puts_plain(line, "{\"time\":\"");
    put_time(line);
    puts_plain(line, "\"");
    json_member(line, "level", log_level_name(level));
    json_member(line, "who", identity[0] != 0 ? identity : NULL);
    json_member(line, "route", about->route);
    json_member(line, "plugin", about->plugin);
    if (about->conn != 0) {
        puts_plain(line, ",\"conn\":\"");
        put_conn(line, about->conn);
        puts_plain(line, "\"");
    }
    json_member(line, "remote", about->remote);
    puts_plain(line, ",\"message\":\"");
    puts_escaped(line, message);
    memcpy(line->data + line->len, line->cut ? "...\"}" : "\"}",
           line->cut ? 5 : 2);
    line->len += line->cut ? 5 : 2;
}

/* data has a free byte in front of it. 0, or an errno. */
static int write_line(char *data, size_t len)
{
    bool was_torn = atomic_exchange(&torn, false);
    ssize_t written;

    if (was_torn) {
        *--data = '\n';
        len++;
    }
    do {
        written = write(atomic_load(&log_fd), data, len);
    } while (written < 0 && errno == EINTR);
    if (written == (ssize_t)len) {
        return 0;
    }
    if (was_torn || written > 0) {
        atomic_store(&torn, true);
    }
    return written < 0 ? errno : ENOSPC;
}

static int emit(enum log_level level, const struct log_subject *about,
                const char *message)
{
    char data[1 + LINE_MAX_BYTES];
    struct line line = { .data = data + 1 };

    line.json = atomic_load(&log_format) == LOG_FORMAT_JSON;
    if (line.json) {
        json_line(&line, level, about, message);
    } else {
        text_line(&line, level, about, message);
    }
    line.data[line.len++] = '\n';
    return write_line(line.data, line.len);
}

/* When there is room again, the gap is told before anything else. 0, or an
 * errno: then there is none yet. */
static int tell_gap(void)
{
    static const struct log_subject nobody;
    uint64_t count = atomic_exchange(&untold, 0);
    char message[256];
    char why[128];
    int error;

    if (count == 0) {
        return 0;
    }
    snprintf(message, sizeof message,
             "lines of this log that were lost here: %" PRIu64 " (%s)", count,
             strerror_r(atomic_load(&lost_error), why, sizeof why));
    error = emit(LOG_LEVEL_WARN, &nobody, message);
    if (error != 0) {
        atomic_fetch_add(&untold, count);
    }
    return error;
}

void log_vabout(enum log_level level, const struct log_subject *subject,
                const char *format, va_list args)
{
    static const struct log_subject nobody;
    const struct log_subject *about = subject != NULL ? subject : &nobody;
    char message[LINE_MAX_BYTES];
    int saved = errno;
    int error;

    if (!log_wants(level)) {
        return;
    }
    if (vsnprintf(message, sizeof message, format, args) < 0) {
        snprintf(message, sizeof message, "%s", format);
    }
    if (diverted != NULL) {
        diverted(level, subject, message);
        errno = saved;
        return;
    }
    error = tell_gap();
    if (error == 0) {
        error = emit(level, about, message);
    }
    if (error != 0) {
        atomic_store(&lost_error, error);
        atomic_fetch_add(&lost, 1);
        atomic_fetch_add(&untold, 1);
    }
    errno = saved;
}

void log_about(enum log_level level, const struct log_subject *subject,
               const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_vabout(level, subject, format, args);
    va_end(args);
}
