/* sendq.c - what waits to be sent on a connection: framed bytes, in order */
#include "core/sendq.h"

#include <stdlib.h>
#include <string.h>

/* A chunk takes many small messages, and a pool keeps enough of them for the
 * connections that speak in one turn of the loop. */
#define CHUNK_SIZE 16384u
#define MAX_CHUNKS 256u
#define MAX_NODES  4096u

static struct packet *packet_alloc(size_t cap)
{
    struct packet *packet = malloc(sizeof *packet + cap);

    if (packet != NULL) {
        packet->next_free = NULL;
        packet->refs = 1;
        packet->held = false;
        packet->len = 0;
        packet->cap = cap;
    }
    return packet;
}

struct packet *packet_create(enum opcode opcode, const void *data, size_t len)
{
    struct packet *packet = packet_alloc(frame_message_size(len));

    if (packet != NULL) {
        packet->len = frame_message(packet->data, opcode, data, len);
    }
    return packet;
}

void packet_unref(struct sendq_pool *pool, struct packet *packet)
{
    if (packet == NULL || --packet->refs > 0) {
        return;
    }
    if (packet->held) {
        packet->held = false;
        pool->held -= sizeof *packet + packet->cap;
    }
    if (packet->cap == CHUNK_SIZE && pool->chunk_count < MAX_CHUNKS) {
        packet->next_free = pool->chunks;
        pool->chunks = packet;
        pool->chunk_count++;
        return;
    }
    free(packet);
}

static struct packet *take_chunk(struct sendq_pool *pool)
{
    struct packet *chunk = pool->chunks;

    if (chunk == NULL) {
        return packet_alloc(CHUNK_SIZE);
    }
    pool->chunks = chunk->next_free;
    pool->chunk_count--;
    chunk->refs = 1;
    chunk->len = 0;
    return chunk;
}

struct packet *packet_create_shared(struct sendq_pool *pool)
{
    return take_chunk(pool);
}

bool packet_append(struct packet *packet, enum opcode opcode, const void *data,
                   size_t len)
{
    if (packet->cap - packet->len < frame_message_size(len)) {
        return false;
    }
    packet->len += frame_message(packet->data + packet->len, opcode, data, len);
    return true;
}

static void free_node(struct sendq_pool *pool, struct sendq_node *node)
{
    pool->held -= sizeof *node;
    packet_unref(pool, node->packet);
    if (pool->node_count < MAX_NODES) {
        node->next = pool->nodes;
        pool->nodes = node;
        pool->node_count++;
        return;
    }
    free(node);
}

/* Takes the packet when it succeeds. */
static int push(struct sendq_pool *pool, struct sendq *queue,
                struct packet *packet, size_t off)
{
    struct sendq_node *node = pool->nodes;

    if (node != NULL) {
        pool->nodes = node->next;
        pool->node_count--;
    } else {
        node = malloc(sizeof *node);
        if (node == NULL) {
            return -1;
        }
    }
    node->next = NULL;
    node->packet = packet;
    node->off = off;
    node->end = packet->len;
    if (queue->tail != NULL) {
        queue->tail->next = node;
    } else {
        queue->head = node;
    }
    queue->tail = node;
    queue->nodes++;
    pool->held += sizeof *node;
    if (!packet->held) {
        packet->held = true;
        pool->held += sizeof *packet + packet->cap;
    }
    return 0;
}

/* The chunk at the end of the queue, if it has room for so much, or NULL. One
 * that has other references belongs to others, too, and so does what lies in it
 * behind this queue's range. */
static struct packet *last_chunk(const struct sendq *queue, size_t size)
{
    struct packet *last = queue->tail != NULL ? queue->tail->packet : NULL;

    return last != NULL && last->cap == CHUNK_SIZE && last->refs == 1 &&
                   queue->tail->end == last->len &&
                   last->cap - last->len >= size
               ? last
               : NULL;
}

/* Takes the packet, which may be NULL; returns it if it is in the queue. */
static struct packet *push_new(struct sendq_pool *pool, struct sendq *queue,
                               struct packet *packet)
{
    if (packet != NULL && push(pool, queue, packet, 0) != 0) {
        packet_unref(pool, packet);
        packet = NULL;
    }
    return packet;
}

static struct packet *open_chunk(struct sendq_pool *pool, struct sendq *queue,
                                 size_t size)
{
    struct packet *last = last_chunk(queue, size);

    return last != NULL ? last : push_new(pool, queue, take_chunk(pool));
}

int sendq_add(struct sendq_pool *pool, struct sendq *queue, enum opcode opcode,
              const void *data, size_t len)
{
    size_t size = frame_message_size(len);
    struct packet *packet;

    if (size > CHUNK_SIZE) {
        packet = packet_create(opcode, data, len);
        if (packet == NULL || push(pool, queue, packet, 0) != 0) {
            packet_unref(pool, packet);
            return -1;
        }
    } else {
        packet = open_chunk(pool, queue, size);
        if (packet == NULL) {
            return -1;
        }
        packet->len +=
            frame_message(packet->data + packet->len, opcode, data, len);
    }
    queue->tail->end = packet->len;
    queue->bytes += size;
    return 0;
}

int sendq_share(struct sendq_pool *pool, struct sendq *queue,
                struct packet *packet, size_t off)
{
    struct sendq_node *tail = queue->tail;

    if (tail != NULL && tail->packet == packet && tail->end == off) {
        tail->end = packet->len;
    } else {
        if (push(pool, queue, packet, off) != 0) {
            return -1;
        }
        packet->refs++;
    }
    queue->bytes += packet->len - off;
    return 0;
}

/* To the packet at the end of the queue; NULL: there is none. */
static int append_raw(struct sendq *queue, struct packet *packet,
                      const void *frames, size_t len)
{
    if (packet == NULL) {
        return -1;
    }
    memcpy(packet->data + packet->len, frames, len);
    packet->len += len;
    queue->tail->end = packet->len;
    queue->bytes += len;
    return 0;
}

int sendq_raw(struct sendq_pool *pool, struct sendq *queue, const void *frames,
              size_t len)
{
    return append_raw(queue, open_chunk(pool, queue, len), frames, len);
}

int sendq_last(struct sendq_pool *pool, struct sendq *queue, const void *frame,
               size_t len)
{
    struct packet *packet = last_chunk(queue, len);

    if (packet == NULL) {
        packet = push_new(pool, queue, packet_alloc(len));
    }
    return append_raw(queue, packet, frame, len);
}

int sendq_peek(const struct sendq *queue, struct iovec *iov, int max)
{
    const struct sendq_node *node = queue->head;
    int count = 0;

    for (; node != NULL && count < max; node = node->next) {
        iov[count].iov_base = node->packet->data + node->off;
        iov[count].iov_len = node->end - node->off;
        count++;
    }
    return count;
}

static void pop(struct sendq_pool *pool, struct sendq *queue)
{
    struct sendq_node *node = queue->head;

    queue->nodes--;
    queue->head = node->next;
    if (queue->head == NULL) {
        queue->tail = NULL;
    }
    free_node(pool, node);
}

void sendq_sent(struct sendq_pool *pool, struct sendq *queue, size_t n,
                struct iovec *rest, struct packet **held)
{
    struct sendq_node *node = queue->head;
    size_t end;

    rest->iov_len = 0;
    *held = NULL;
    queue->bytes -= n;
    while (node != NULL && n >= node->end - node->off) {
        n -= node->end - node->off;
        pop(pool, queue);
        node = queue->head;
    }
    if (n == 0) {
        return;
    }
    n += node->off;
    end = node->off;
    while (end < n) {
        end += frame_size(node->packet->data + end);
    }
    rest->iov_base = node->packet->data + n;
    rest->iov_len = end - n;
    queue->bytes -= end - n;
    node->off = end;
    node->packet->refs++;
    *held = node->packet;
    if (end == node->end) {
        pop(pool, queue);
    }
}

void sendq_clear(struct sendq_pool *pool, struct sendq *queue)
{
    while (queue->head != NULL) {
        pop(pool, queue);
    }
    queue->bytes = 0;
}

void sendq_pool_finish(struct sendq_pool *pool)
{
    while (pool->chunks != NULL) {
        struct packet *next = pool->chunks->next_free;

        free(pool->chunks);
        pool->chunks = next;
    }
    while (pool->nodes != NULL) {
        struct sendq_node *next = pool->nodes->next;

        free(pool->nodes);
        pool->nodes = next;
    }
    pool->chunk_count = 0;
    pool->node_count = 0;
}
