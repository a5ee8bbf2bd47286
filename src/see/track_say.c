/*
 * track_say.c - what a segment does to its connection, in a sentence or two.
 *
 * A and B are the two ends, as in the line above the sentence. Each kind has its words here; what
 * is true of many kinds (a window that closes, text that the capture missed) is added at the end.
 */
#include "see/track_inside.h"

static const struct {
    const char *key, *clause;
} kinds[] = {
#define TRACK_ROW(name, key, clause) {key, clause},
    TRACK_KINDS(TRACK_ROW)
#undef TRACK_ROW
};

const char *track_kind_key(enum track_kind kind)
{
    return kinds[kind].key;
}

const char *track_kind_clause(enum track_kind kind)
{
    return kinds[kind].clause;
}

static const char *name_of(const struct track_found *f, const struct track_side *side)
{
    return side == &f->conn->side[0] ? "A" : "B";
}

static void add_octets(struct text *out, uint32_t n)
{
    text_add_u64(out, n);
    text_add(out, n == 1 ? " octet" : " octets");
}

/* "octets 1 to 1448 of A", in relative numbers. */
static void add_range(struct text *out, const struct track_found *f)
{
    uint32_t from = f->seg->seq.value - f->s->first.value;

    text_add(out, f->len == 1 ? "octet " : "octets ");
    text_add_u64(out, from);
    if (f->len > 1) {
        text_add(out, " to ");
        text_add_u64(out, from + f->len - 1);
    }
    text_add(out, " of ");
    text_add(out, name_of(f, f->s));
}

/* $s and $r stand for the names of sender and receiver, $t for the range of the text, $n for its
 * length, $a for what is acknowledged, $b for what it is behind or ahead by, $d for duplicates. */
static void add_template(struct text *out, const struct track_found *f, const char *template)
{
    for (; *template; template ++) {
        if (*template != '$') {
            text_add_char(out, *template);
            continue;
        }
        switch (*++template) {
        case 's':
            text_add(out, name_of(f, f->s));
            break;
        case 'r':
            text_add(out, name_of(f, f->r));
            break;
        case 't':
            add_range(out, f);
            break;
        case 'n':
            add_octets(out, f->len);
            break;
        case 'a':
            add_octets(out, f->acked);
            break;
        case 'b':
            add_octets(out, f->behind);
            break;
        case 'd':
            text_add_u64(out, f->s->dup_acks);
            break;
        default:
            assert(false); /* the templates below have no others */
        }
    }
}

/* clang-format off */
static const char *const templates[TRACK_KIND_COUNT] = {
    [TRACK_SENSELESS] = "No TCP sends such flags: a receiver discards it.",
    [TRACK_SYN] = "$s opens the connection: the first of three steps. It tells where its numbers begin.",
    [TRACK_SYN_AGAIN] = "$s repeats its SYN: no answer came in time.",
    [TRACK_SYN_BOTH] = "Both ends have called each other; each now acknowledges the other's SYN.",
    [TRACK_SYN_INSIDE] = "A SYN within a connection: $r believes it only if $s, asked by a challenge ACK, answers with a reset.",
    [TRACK_SYN_ACK] = "$s accepts: the second step. It acknowledges the SYN and tells where its own numbers begin.",
    [TRACK_SYN_ACK_AGAIN] = "$s repeats its answer to the SYN: the third step did not come in time.",
    [TRACK_SYN_ACK_WRONG] = "It acknowledges a SYN that $r did not send: $r answers with a reset.",
    [TRACK_HANDSHAKE_DONE] = "The third step: $s acknowledges the SYN of $r. Both ends are connected.",
    [TRACK_TEXT] = "New text: $t.",
    [TRACK_TEXT_PARTLY] = "Text, partly new: $t, of which $b were seen before.",
    [TRACK_BEYOND_HOLE] = "Text beyond a hole: $t, but $b before it have not been seen: lost, or still on their way. $r keeps it and repeats its ACK.",
    [TRACK_FILLS_HOLE] = "It fills a hole: $t had been passed over. Overtaken on the way, or lost before the capture and sent again.",
    [TRACK_AGAIN] = "A retransmission: $t were seen before and are not acknowledged.",
    [TRACK_AGAIN_IN_VAIN] = "A retransmission in vain: $r has acknowledged $t already. $r discards it and repeats its ACK.",
    [TRACK_KEEP_ALIVE] = "A keep-alive: a number that $r has acknowledged, so that it must answer. Is it still there?",
    [TRACK_PROBE] = "A window probe: $r offers no room, and $s asks whether that is still so.",
    [TRACK_ANSWER] = "The answer to a probe or a keep-alive: $s is there.",
    [TRACK_ACK] = "$s acknowledges $a of $r.",
    [TRACK_ACK_SAME] = "Nothing new: $s says again what it said last.",
    [TRACK_ACK_OLD] = "An old ACK: a later one was seen before, so it was overtaken on the way.",
    [TRACK_ACK_DUP] = "Duplicate ACK number $d: something came to $s, but not what it waits for.",
    [TRACK_WINDOW] = "A window update: $s offers another window, and acknowledges nothing new.",
    [TRACK_WINDOW_ZERO] = "A closed window: $s has no room, and $r must stop.",
    [TRACK_FIN] = "$s closes its direction: it will send no more text, but still listens.",
    [TRACK_FIN_AGAIN] = "$s repeats its FIN: it was not acknowledged in time.",
    [TRACK_FIN_ACKED] = "$s acknowledges the FIN of $r: that direction is closed.",
    [TRACK_REFUSED] = "$s refuses the connection: nobody listens at its port.",
    [TRACK_RESET] = "$s breaks the connection off: both ends forget it, and text under way is lost.",
    [TRACK_RESET_DOUBTFUL] = "A reset within the window, but not at the number that $r waits for: $r answers with a challenge ACK and goes on.",
    [TRACK_RESET_OUTSIDE] = "A reset without the number that it needs: $r ignores it. Old, or forged.",
};
/* clang-format on */

static void add_window(struct text *out, const struct track_verdict *verdict)
{
    text_add(out, " It offers a window of ");
    text_add_u64(out, verdict->window);
    text_add(out, verdict->scaled ? "." : ", unscaled.");
}

static void add_more(struct text *out, const struct track_found *f,
                     const struct track_verdict *verdict)
{
    bool text = f->len > 0 && f->kind != TRACK_SYN && f->kind != TRACK_SYN_ACK;

    if (f->third && f->kind != TRACK_HANDSHAKE_DONE)
        text_add(out, " It is the third step of the handshake, too: both ends are connected.");
    else if (text && f->acked > 0)
        add_template(out, f, " It acknowledges $a of $r.");
    if (f->kind == TRACK_FIN && f->len > 0)
        add_template(out, f, " With it comes text: $t.");
    if (f->kind == TRACK_WINDOW)
        add_window(out, verdict);
    if (f->kind == TRACK_ACK && f->behind > 0)
        add_template(out, f, " $b of $s before it are not in the capture.");
    if (f->acks_unseen)
        text_add(out, " It acknowledges text that the capture does not have.");
    if (f->window_closed && f->kind != TRACK_WINDOW_ZERO)
        add_template(out, f, " $s has no more room: $r must stop.");
    if (f->acks_fin && f->kind != TRACK_FIN_ACKED)
        add_template(out, f, " It acknowledges the FIN of $r, too.");
    if (f->new_tuple)
        text_add(out, " The same ends had a connection before; this is a new one.");
    if (f->first_seen)
        text_add(out, " The capture begins within this connection.");
    if (f->discarded)
        text_add(out, " Whoever captured it discarded it: nothing changes there.");
}

/* --- packets that belong to no connection ------------------------------------------------- */

enum track_kind track_unfollowed(const struct dissection *d)
{
    const struct fields_seen *seen = &d->seen;

    if (seen->fragment)
        return TRACK_FRAGMENT;
    for (uint32_t i = 0; i < d->layer_count; i++) {
        if (strcmp(d->layer[i].key, "tcp") == 0 && !d->layer[i].quoted)
            return TRACK_UNREADABLE;
    }
    return TRACK_NO_TCP;
}

static void say_other(struct text *out, const struct dissection *d)
{
    const struct fields_seen *seen = &d->seen;

    if (seen->arp)
        text_add(out, "ARP finds the station behind an address; it belongs to no connection.");
    else if (seen->udp)
        text_add(out, "A datagram stands alone: UDP has no connections.");
    else if (seen->icmp_error)
        text_add(out, "An error about another packet; no connection of TCP is concerned.");
    else if (seen->icmp)
        text_add(out, "A message from IP to IP; it belongs to no connection.");
    else
        text_add(out, "It belongs to no connection of TCP.");
}

static void say_error(struct text *out, const struct dissection *d,
                      const struct track_verdict *verdict)
{
    text_add(out, "An error about a segment with the number ");
    text_add_u64(out, d->seen.quoted_seq);
    if (verdict->conn == 0) {
        text_add(out, ", of a connection that the capture does not have.");
        return;
    }
    text_add(out, " that ");
    text_add(out, verdict->a_to_b ? "A" : "B");
    text_add(out, " sent. It is a hint: TCP keeps the connection and sends again, unless its "
                  "handshake is not done.");
}

void track_say(struct text *out, const struct dissection *d, const struct track_found *f,
               const struct track_verdict *verdict)
{
    enum track_kind kind = verdict->kind;

    if (kind == TRACK_NO_TCP) {
        say_other(out, d);
    } else if (kind == TRACK_FRAGMENT) {
        text_add(out, "A fragment: what it does is known once the packet is whole again.");
    } else if (kind == TRACK_UNREADABLE) {
        text_add(out, "A segment that cannot be read: it is discarded and changes nothing.");
    } else if (kind == TRACK_BAD_SUM) {
        text_add(out, "Its checksum is wrong: the receiver discards it, and the sender will send "
                      "again.");
    } else if (kind == TRACK_ICMP_ERROR) {
        say_error(out, d, verdict);
    } else {
        add_template(out, f, templates[kind]);
        add_more(out, f, verdict);
    }
}
