/* resume.c - a client that can resume: see sdk/doc/resume.md
 *
 * It takes the host's line off each message, and notes where it stands.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/conn.h"
#include "kit.h"

struct kit_point {
    struct kit_point *next;
    char key[24];
    char epoch[20];
    uint64_t offset;
};

/* What stands in a line: "m KEY EPOCH.OFFSET". */
struct line {
    char what;
    char key[24];
    char epoch[20];
    uint64_t offset;
    long count;
    int fields; /* behind what */
};

static struct line read_line(const char *data, size_t len)
{
    struct line line = { 0 };
    char text[96];

    snprintf(text, sizeof text, "%.*s", (int)len, data);
    line.what = text[0];
    line.fields = sscanf(text + 1, " %23s %19[0-9a-f].%" SCNu64 " %ld",
                         line.key, line.epoch, &line.offset, &line.count);
    return line;
}

/* Where a topic stands: the last of an epoch counts. */
static void note(struct kit_resume *resume, const struct line *line)
{
    struct kit_point **at = &resume->points;

    while (*at != NULL && strcmp((*at)->key, line->key) != 0) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        *at = kit_alloc(sizeof **at);
        strcpy((*at)->key, line->key);
    }
    if (strcmp((*at)->epoch, line->epoch) != 0 ||
        line->offset > (*at)->offset) {
        strcpy((*at)->epoch, line->epoch);
        (*at)->offset = line->offset;
    }
}

size_t kit_resume_take(struct kit_resume *resume, const char *data, size_t len)
{
    const char *end = len > 0 ? memchr(data, '\n', len) : NULL;
    struct line line;

    if (end == NULL) {
        return SIZE_MAX;
    }
    line = read_line(data, (size_t)(end - data));
    if (line.what == 'w') {
        strcpy(resume->id, line.key);
    } else if (line.fields >= 3) {
        note(resume, &line);
    }
    if (line.what == 'x') {
        resume->missed = -1;
    } else if (line.what == 'r' && resume->missed >= 0) {
        resume->missed += line.count;
    }
    return line.what == 'm' ? (size_t)(end - data) + 1 : SIZE_MAX;
}

void kit_resume_free(struct kit_resume *resume)
{
    while (resume->points != NULL) {
        struct kit_point *point = resume->points;

        resume->points = point->next;
        free(point);
    }
}

/* ---- it comes again ---------------------------------------------------- */

static void inherit(struct kit_resume *resume, const struct kit_resume *former)
{
    for (const struct kit_point *point = former->points; point != NULL;
         point = point->next) {
        struct line line = { .offset = point->offset };

        strcpy(line.key, point->key);
        strcpy(line.epoch, point->epoch);
        note(resume, &line);
    }
}

/* What it asked for before, and where it stands. */
static void add_query(struct buf *target, const struct kit_resume *former)
{
    buf_adds(target, strchr(target->data, '?') == NULL ? "?" : "&");
    buf_addf(target, "resume=%s", former->id);
    for (const struct kit_point *point = former->points; point != NULL;
         point = point->next) {
        buf_addf(target, ",%s.%s.%" PRIu64, point->key, point->epoch,
                 point->offset);
    }
}

bay_peer *bay_peer_resume(bay_peer *peer, int worker)
{
    struct buf target = { 0 };
    bay_client client = { .worker = worker };
    bay_peer *next;

    if (peer == NULL) {
        return NULL;
    }
    bay_peer_leave(peer, 0, NULL);
    client.headers = peer->lines;
    client.subprotocols = peer->offered;
    client.remote = peer->remote;
    buf_adds(&target, peer->target);
    if (peer->resume.id[0] != '\0') {
        add_query(&target, &peer->resume);
    }
    next = bay_test_handshake(peer->test, target.data, &client);
    buf_free(&target);
    free(next->target);
    next->target = kit_copy(peer->target);
    inherit(&next->resume, &peer->resume);
    bay_peer_open(next);
    return next;
}

long bay_peer_missed(const bay_peer *peer)
{
    return peer != NULL ? peer->resume.missed : 0;
}
