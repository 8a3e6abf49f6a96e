/* inbox.c - puts the frames of one stream together again */
#include "bus/inbox.h"

#include <stdlib.h>
#include <string.h>

#include "bus/wire.h"

/* Grows by doubling, not to what the header says at once: a wrong header
 * would cost a gigabyte. */
static bool grow(struct inbox *inbox, size_t want)
{
    size_t cap = inbox->kept_cap ? inbox->kept_cap : 256;
    char *kept;

    while (cap < want) {
        cap *= 2;
    }
    if (cap == inbox->kept_cap) {
        return true;
    }
    kept = realloc(inbox->kept, cap);
    if (!kept) {
        return false;
    }
    inbox->kept = kept;
    inbox->kept_cap = cap;
    return true;
}

char *inbox_space(struct inbox *inbox, size_t *space)
{
    long length = wire_length(inbox->kept, inbox->kept_len);
    size_t rest;

    inbox->direct = length > INBOX_AREA;
    if (!inbox->direct) {
        /* It is whole in the area after this read or the next: what is kept
         * of it is put there in front. */
        *space = INBOX_AREA - inbox->kept_len;
        return inbox->area + inbox->kept_len;
    }
    rest = (size_t)length - inbox->kept_len;
    if (!grow(inbox,
              inbox->kept_len + (rest < INBOX_AREA ? rest : INBOX_AREA))) {
        return NULL;
    }
    *space = inbox->kept_cap - inbox->kept_len;
    if (*space > rest) {
        *space = rest;
    }
    return inbox->kept + inbox->kept_len;
}

static void forget_kept(struct inbox *inbox)
{
    inbox->kept_len = 0;
    if (inbox->kept_cap > INBOX_AREA) {
        free(inbox->kept);
        inbox->kept = NULL;
        inbox->kept_cap = 0;
    }
}

static const char *
take_direct(struct inbox *inbox, size_t bytes,
            bool (*each)(void *arg, const char *frame, size_t len), void *arg)
{
    inbox->kept_len += bytes;
    if ((long)inbox->kept_len == wire_length(inbox->kept, inbox->kept_len)) {
        each(arg, inbox->kept, inbox->kept_len);
        forget_kept(inbox);
    }
    return NULL;
}

const char *inbox_take(struct inbox *inbox, size_t bytes,
                       bool (*each)(void *arg, const char *frame, size_t len),
                       void *arg)
{
    char *at = inbox->area;
    size_t len = inbox->kept_len + bytes;

    if (inbox->direct) {
        return take_direct(inbox, bytes, each, arg);
    }
    if (inbox->kept_len > 0) {
        memcpy(at, inbox->kept, inbox->kept_len);
        inbox->kept_len = 0;
    }
    for (;;) {
        long length = wire_length(at, len);

        if (length < 0 || (size_t)length > inbox->max) {
            return "a frame of impossible length";
        }
        if (length == 0 || (size_t)length > len) {
            break;
        }
        if (!each(arg, at, (size_t)length)) {
            return NULL;
        }
        at += length;
        len -= (size_t)length;
    }
    if (len > 0) {
        if (!grow(inbox, len)) {
            return "a frame there is no memory for";
        }
        memcpy(inbox->kept, at, len);
        inbox->kept_len = len;
    }
    return NULL;
}

void inbox_finish(struct inbox *inbox)
{
    free(inbox->kept);
    inbox->kept = NULL;
    inbox->kept_len = inbox->kept_cap = 0;
}
