/* transport.c - what core takes for sockets: the peers' ends of them */
#include <stdlib.h>
#include <string.h>

#include "kit.h"

/* 2026-01-01, in milliseconds since 1970 */
#define FIRST_DAY_MS UINT64_C(1767225600000)

/* A message is complete, or a part of it is. */
static void take_data(struct bay_peer *peer, int opcode, bool fin,
                      const char *data, size_t len)
{
    if (opcode != OPCODE_CONTINUATION) {
        peer->kind = opcode == OPCODE_TEXT ? BAY_TEXT : BAY_BINARY;
        buf_clear(&peer->whole);
    }
    buf_add(&peer->whole, data, len);
    if (fin) {
        size_t from = peer->resumes
                          ? kit_resume_take(&peer->resume, peer->whole.data,
                                            peer->whole.len)
                          : 0;

        if (from != SIZE_MAX) {
            kit_queue_add(&peer->inbox,
                          kit_item(peer->kind, peer->whole.data + from,
                                   peer->whole.len - from, true));
        }
        buf_clear(&peer->whole);
    }
}

static void take_close(struct bay_peer *peer, const char *data, size_t len)
{
    peer->got_close = true;
    peer->closed = BAY_CLOSE_NO_STATUS;
    if (len >= 2) {
        peer->closed = (unsigned char)data[0] << 8 | (unsigned char)data[1];
        memcpy(peer->reason, data + 2, len - 2);
        peer->reason[len - 2] = '\0';
    }
}

/* Takes the frames that are whole. */
static void take_frames(struct bay_peer *peer)
{
    size_t at = 0;

    while (peer->wire.len - at >= 2) {
        const unsigned char *frame =
            (const unsigned char *)peer->wire.data + at;
        size_t head = (frame[1] & 0x7f) < 126 ? 2 : 4;
        int opcode = frame[0] & 0x0f;
        size_t size;

        if (peer->wire.len - at < head) {
            break;
        }
        size = frame_size(frame);
        if (peer->wire.len - at < size) {
            break;
        }
        if (opcode == OPCODE_CLOSE) {
            take_close(peer, (const char *)frame + head, size - head);
        } else if (opcode == OPCODE_PING) {
            peer->pong = true;
        } else if (opcode != OPCODE_PONG) {
            take_data(peer, opcode, (frame[0] & 0x80) != 0,
                      (const char *)frame + head, size - head);
        }
        at += size;
    }
    buf_consume(&peer->wire, at);
}

void kit_peer_take_bytes(struct bay_peer *peer, const void *data, size_t len)
{
    if (!peer->unplugged) { /* else they are lost under way */
        buf_add(&peer->wire, data, len);
        take_frames(peer);
    }
    peer->room -= peer->room == SIZE_MAX ? 0 : len;
}

static ssize_t send_to_peer(void *link, const struct iovec *iov, int count)
{
    struct bay_peer *peer = link;
    size_t taken = 0;

    if (peer->rest.len > 0) {
        return 0;
    }
    for (int i = 0; i < count && peer->room > 0; i++) {
        size_t n = iov[i].iov_len < peer->room ? iov[i].iov_len : peer->room;

        kit_peer_take_bytes(peer, iov[i].iov_base, n);
        taken += n;
        if (n < iov[i].iov_len) {
            break;
        }
    }
    return (ssize_t)taken;
}

static bool gathers(void *link)
{
    (void)link;
    return true;
}

static int send_rest(void *link, const void *data, size_t len)
{
    buf_add(&((struct bay_peer *)link)->rest, data, len);
    return 0;
}

static void want_writable(void *link)
{
    ((struct bay_peer *)link)->wants_write = true;
}

static void set_reading(void *link, bool on)
{
    ((struct bay_peer *)link)->reading = on;
}

static bool holds(void *link)
{
    return ((struct bay_peer *)link)->rest.len > 0;
}

static void finish(void *link)
{
    ((struct bay_peer *)link)->shut = true;
}

static void shut(void *link)
{
    ((struct bay_peer *)link)->shut = true;
}

static bool hung_up(void *link)
{
    const struct kit_item *item = ((struct bay_peer *)link)->outbox.head;

    while (item != NULL && item->what != KIT_GONE) {
        item = item->next;
    }
    return item != NULL;
}

static const char *header(void *link, const char *name)
{
    return kit_find_header(((struct bay_peer *)link)->headers, name);
}

static uint64_t now_ms(void *self)
{
    return ((struct kit_worker *)self)->test->now_ms;
}

/* A time as of today, and the same in each run. */
static uint64_t wall_ms(void *self)
{
    return FIRST_DAY_MS + now_ms(self);
}

static void alarm_at(void *self, uint64_t at_ms)
{
    ((struct kit_worker *)self)->alarm_ms = at_ms;
}

static void wake(void *self)
{
    ((struct kit_worker *)self)->woken = true;
}

static int job_start(void *self, struct job *job)
{
    struct kit_worker *worker = self;
    struct kit_work **at = &worker->test->work;
    struct kit_work *work = kit_alloc(sizeof *work);

    while (*at != NULL) {
        at = &(*at)->next;
    }
    work->worker = worker;
    work->job = job;
    *at = work;
    return BAY_OK;
}

static bool job_cancel(void *self, struct job *job)
{
    struct kit_worker *worker = self;

    for (struct kit_work **at = &worker->test->work; *at != NULL;
         at = &(*at)->next) {
        struct kit_work *work = *at;

        if (work->job == job) {
            *at = work->next;
            free(work);
            job_finish(job, true);
            return true;
        }
    }
    return false;
}

const struct transport kit_transport = {
    .send = send_to_peer,
    .gathers = gathers,
    .send_rest = send_rest,
    .want_writable = want_writable,
    .set_reading = set_reading,
    .holds = holds,
    .finish = finish,
    .shut = shut,
    .hung_up = hung_up,
    .header = header,
    .now_ms = now_ms,
    .wall_ms = wall_ms,
    .alarm = alarm_at,
    .wake = wake,
    .job_start = job_start,
    .job_cancel = job_cancel,
};
