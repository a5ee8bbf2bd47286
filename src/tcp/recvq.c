/* recvq.c - see recvq.h. */
#include "tcp/recvq.h"

void recvq_append(struct recvq *q, struct frame *frame)
{
    struct frame *tail = q->tail;

    frame->next = NULL;
    q->len += frame->len;
    if (tail && frame->len <= frame_tailroom(tail) && frame->len < frame_charge(frame) / 2) {
        struct writer w = writer_of(tail->data + tail->len, frame->len);
        write_bytes(&w, frame->data, frame->len);
        tail->len += frame->len;
        frame_put(frame);
        return;
    }
    q->charged += frame_charge(frame);
    if (tail)
        tail->next = frame;
    else
        q->head = frame;
    q->tail = frame;
}

static void head_drop(struct recvq *q)
{
    struct frame *head = q->head;

    q->charged -= frame_charge(head);
    q->head = head->next;
    if (!q->head)
        q->tail = NULL;
    frame_put(head);
}

size_t recvq_read(struct recvq *q, void *out, size_t len)
{
    return recvq_drop(q, recvq_peek(q, 0, out, len));
}

size_t recvq_peek(const struct recvq *q, uint32_t from, void *out, size_t len)
{
    struct writer w = writer_of(out, len);
    size_t done = 0;

    for (const struct frame *frame = q->head; frame && done < len; frame = frame->next) {
        size_t skip = size_min(from, frame->len);
        size_t n = size_min(len - done, frame->len - skip);
        write_bytes(&w, frame->data + skip, n);
        from -= (uint32_t)skip;
        done += n;
    }
    return done;
}

size_t recvq_drop(struct recvq *q, size_t len)
{
    size_t done = 0;

    while (q->head && done < len) {
        size_t n = size_min(len - done, q->head->len);
        frame_trim_front(q->head, (uint32_t)n);
        done += n;
        if (q->head->len == 0)
            head_drop(q);
    }
    q->len -= (uint32_t)done;
    return done;
}

void recvq_clear(struct recvq *q)
{
    while (q->head)
        head_drop(q);
    q->len = 0;
}
