/*
 * track_holes.c - what was passed over in a direction and may still come.
 *
 * There are few at a time, so a list will do; when it is full the oldest is forgotten, and what
 * would have filled it counts as seen before.
 */
#include "see/track_inside.h"

void track_hole_add(struct track_side *s, tcp_seq from, tcp_seq to)
{
    if (s->hole_count == TRACK_HOLES) { /* the oldest is forgotten */
        memmove(s->hole, s->hole + 1, sizeof(s->hole) - sizeof(s->hole[0]));
        s->hole_count--;
    }
    s->hole[s->hole_count++] = (struct track_range){from, to};
}

static void hole_remove(struct track_side *s, uint8_t i)
{
    s->hole_count--;
    memmove(s->hole + i, s->hole + i + 1, (s->hole_count - i) * sizeof(s->hole[0]));
}

/* [from, to) has come; true if any of it was missing. What is left of a hole in front of it stays,
 * what is behind it becomes another. */
bool track_hole_fill(struct track_side *s, tcp_seq from, tcp_seq to)
{
    bool filled = false;

    for (uint8_t i = s->hole_count; i-- > 0;) {
        struct track_range h = s->hole[i];
        if (seq_le(h.to, from) || seq_le(to, h.from))
            continue;
        filled = true;
        hole_remove(s, i);
        if (seq_lt(to, h.to))
            track_hole_add(s, to, h.to);
        if (seq_lt(h.from, from))
            track_hole_add(s, h.from, from);
    }
    return filled;
}

/* What the receiver has acknowledged came to it, if not to the capture. */
void track_holes_acked(struct track_side *s, tcp_seq ack)
{
    for (uint8_t i = s->hole_count; i-- > 0;) {
        if (seq_le(s->hole[i].to, ack))
            hole_remove(s, i);
        else if (seq_lt(s->hole[i].from, ack))
            s->hole[i].from = ack;
    }
}
