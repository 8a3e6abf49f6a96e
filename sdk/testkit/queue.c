/* queue.c - messages and ends that wait in order */
#include <stdlib.h>
#include <string.h>

#include "kit.h"

struct kit_item *kit_item(bay_kind kind, const void *data, size_t len, bool fin)
{
    struct kit_item *item = kit_alloc(sizeof *item + len + 1);

    item->what = KIT_PIECE;
    if (len > 0) {
        memcpy(item->data, data, len);
    }
    item->message = (bay_message){
        .data = item->data, .len = len, .kind = kind, .fin = fin
    };
    return item;
}

void kit_queue_add(struct kit_queue *queue, struct kit_item *item)
{
    if (queue->head == NULL) {
        queue->end = &queue->head;
    }
    item->next = NULL;
    *queue->end = item;
    queue->end = &item->next;
    queue->count++;
}

struct kit_item *kit_queue_take(struct kit_queue *queue)
{
    struct kit_item *item = queue->head;

    if (item != NULL) {
        queue->head = item->next;
        queue->count--;
    }
    return item;
}

void kit_queue_clear(struct kit_queue *queue)
{
    while (queue->head != NULL) {
        free(kit_queue_take(queue));
    }
}
