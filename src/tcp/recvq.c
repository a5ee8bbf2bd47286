/* recvq.c - see recvq.h. */
#include "tcp/recvq.h"

void recvq_append(struct recvq *q, struct frame *frame)
{
    struct frame *tail = q->tail;

    q->len += frame->len;
    if (tail && frame->len <= frame_tailroom(tail) && frame->len < frame_charge(frame) / 2) {
        struct writer w = writer_of(tail->data + tail->len, frame->len);
        write_bytes(&w, frame->data, frame->len);
        tail->len += frame->len;
        frame_put(frame);
        return;
    }
    q->charged += frame_charge(frame);
    frame->next = tail ? tail->next : frame;
    if (tail)
        tail->next = frame;
    q->tail = frame;
}

static void head_drop(struct recvq *q)
{
    struct frame *head = recvq_first(q);

    q->charged -= frame_charge(head);
    if (head == q->tail)
        q->tail = NULL;
    else
        q->tail->next = head->next;
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

    for (const struct frame *frame = recvq_first(q); frame && done < len;
         frame = recvq_next(q, frame)) {
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

    for (struct frame *head; done < len && (head = recvq_first(q));) {
        size_t n = size_min(len - done, head->len);
        frame_trim_front(head, (uint32_t)n);
        done += n;
        if (head->len == 0)
            head_drop(q);
    }
    q->len -= (uint32_t)done;
    return done;
}

void recvq_clear(struct recvq *q)
{
    while (q->tail)
        head_drop(q);
    q->len = 0;
}
