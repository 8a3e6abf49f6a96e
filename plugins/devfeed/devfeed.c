/* devfeed.c - the lines that are added to a file, pushed to whoever listens
 *
 * `patchbay dev` writes what happens to a file, and its page hears of it here.
 */
#define _GNU_SOURCE
#include <patchbay.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES   "lines"
#define LOOK_MS 30
#define CHUNK   65536
#define HISTORY 65536 /* bytes at the end of the file that a newcomer gets */

struct feed { /* one per route */
    off_t at; /* what was sent so far: whole lines */
};

static const bay_option options[] = {
    { "file", BAY_OPT_STR, NULL, "the file that grows", 0, 0 },
    { 0 },
};

/* Up to size bytes from a place on; what they are worth is whole lines, and
 * how many bytes that is is returned. */
static size_t read_lines(const bay_route *route, off_t from, char *data,
                         size_t size)
{
    int fd = open(bay_conf_str(route, "file"), O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? pread(fd, data, size, from) : 0;

    if (fd >= 0) {
        close(fd);
    }
    while (got > 0 && data[got - 1] != '\n') {
        got--;
    }
    return got > 0 ? (size_t)got : 0;
}

static void look(bay_route *route, uint64_t key)
{
    struct feed *feed = bay_route_data(route);
    static char data[CHUNK];
    size_t len = read_lines(route, feed->at, data, sizeof data);
    const char *at = data;

    while (at < data + len) {
        const char *end = memchr(at, '\n', (size_t)(data + len - at));

        bay_publish(route, LINES, BAY_TEXT, at, (size_t)(end - at), 0);
        at = end + 1;
    }
    feed->at += (off_t)len;
    bay_timer_set(route, key, len > 0 ? 1 : LOOK_MS);
}

static int start(bay_route *route)
{
    return bay_timer_set(route, 1, 1);
}

/* A newcomer first hears what was said before. */
static int greet(bay_conn *conn)
{
    bay_route *route = bay_conn_route(conn);
    const struct feed *feed = bay_route_data(route);
    off_t from = feed->at > HISTORY ? feed->at - HISTORY : 0;
    char *data = malloc(HISTORY);
    size_t len = 0;
    const char *at;
    int status = bay_subscribe(conn, LINES);

    if (data == NULL) {
        return BAY_ENOMEM;
    }
    if (feed->at > 0) {
        len = read_lines(route, from, data, (size_t)(feed->at - from));
    }
    at = data;
    if (from > 0 && len > 0) { /* the first one is cut */
        at = (const char *)memchr(data, '\n', len) + 1;
    }
    while (status == BAY_OK && at < data + len) {
        const char *end = memchr(at, '\n', (size_t)(data + len - at));

        status = bay_send_text(conn, at, (size_t)(end - at));
        at = end + 1;
    }
    free(data);
    return status;
}

BAY_PLUGIN = {
    BAY_INIT,
    .name = "devfeed",
    .version = "1.0.0",
    .summary = "pushes the lines added to a file; for the page of patchbay dev",
    .route_size = sizeof(struct feed),
    .options = options,
    .state_version = 1,
    .start = start,
    .open = greet,
    .timer = look,
};
