/*
 * frame_queue.h - frames that wait, first in, first out: replies, datagrams.
 *
 * It owns what is in it. How many may wait is the caller's to say: the queue counts them, and what
 * they truly cost.
 */
#ifndef TAPIO_BASE_FRAME_QUEUE_H
#define TAPIO_BASE_FRAME_QUEUE_H

#include "base/frame.h"

struct frame_queue {
    struct frame *head, *tail;
    uint32_t len;     /* frames */
    uint64_t charged; /* frame_charge() of all */
};

static inline void frame_queue_append(struct frame_queue *q, struct frame *frame)
{
    frame->next = NULL;
    if (q->tail)
        q->tail->next = frame;
    else
        q->head = frame;
    q->tail = frame;
    q->len++;
    q->charged += frame_charge(frame);
}

/* The first one, taken out, or NULL. */
static inline struct frame *frame_queue_take(struct frame_queue *q)
{
    struct frame *frame = q->head;

    if (!frame)
        return NULL;
    q->head = frame->next;
    if (!q->head)
        q->tail = NULL;
    q->len--;
    q->charged -= frame_charge(frame);
    frame->next = NULL;
    return frame;
}

static inline void frame_queue_clear(struct frame_queue *q)
{
    for (struct frame *frame; (frame = frame_queue_take(q));)
        frame_put(frame);
}

#endif
