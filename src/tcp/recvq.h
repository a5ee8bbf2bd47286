/*
 * recvq.h - text in order, until the application reads it.
 *
 * A chain of frames: a full one is kept as it came, by reference; text that fills less than half of
 * its frame is copied to the end of the last one, so that a hoard of small segments cannot cost
 * much more than the octets in it. `charged` is the true cost.
 */
#ifndef TAPIO_TCP_RECVQ_H
#define TAPIO_TCP_RECVQ_H

#include "base/frame.h"

struct recvq {
    struct frame *tail; /* whose next is the head */
    uint32_t len;       /* octets of text */
    uint32_t charged;   /* octets of memory */
};

/* Takes the frame (and its reference), whose [data, data + len) is the text. */
void recvq_append(struct recvq *q, struct frame *frame);
/* Copies up to `len` octets out. Returns how many. */
size_t recvq_read(struct recvq *q, void *out, size_t len);
/* Copies up to `len` octets out from behind the first `from`; they stay. */
size_t recvq_peek(const struct recvq *q, uint32_t from, void *out, size_t len);
/* Throws up to `len` octets away. Returns how many. */
size_t recvq_drop(struct recvq *q, size_t len);
void recvq_clear(struct recvq *q);

/* The first frame, and the one behind `frame`; NULL: there is none. */
static inline struct frame *recvq_first(const struct recvq *q)
{
    return q->tail ? q->tail->next : NULL;
}

static inline struct frame *recvq_next(const struct recvq *q, const struct frame *frame)
{
    return frame == q->tail ? NULL : frame->next;
}

#endif
