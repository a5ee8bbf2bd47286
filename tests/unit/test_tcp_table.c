/*
 * test_tcp_table.c - every segment in every state: what RFC 9293, 3.10.7 with RFC 5961 answers, and
 * where the connection goes.
 *
 * The segments are all combinations of FIN, SYN, RST and ACK, with and without PSH and URG, at six
 * places of SEQ, with six values of ACK, with and without text: some 2,300 for each of fourteen
 * states. The oracle is the RFC's text as a function, the steps in its order. Where the RFC leaves
 * a choice, the oracle says so.
 */
#include "base/base.h"
#include "support/holds.h"
#include "support/peer.h"
#include "support/proves.h"

static const struct {
    enum tcp_state state;
    bool active;
    bool listens; /* somebody would take a new connection */
} starts[] = {
    {TCPS_CLOSED, false, false},      {TCPS_LISTEN, false, true},
    {TCPS_SYN_SENT, true, false},     {TCPS_SYN_RECEIVED, false, true},
    {TCPS_SYN_RECEIVED, true, false}, {TCPS_ESTABLISHED, false, false},
    {TCPS_ESTABLISHED, false, true},  {TCPS_FIN_WAIT_1, false, false},
    {TCPS_FIN_WAIT_2, false, false},  {TCPS_CLOSE_WAIT, false, false},
    {TCPS_CLOSING, false, false},     {TCPS_LAST_ACK, false, false},
    {TCPS_TIME_WAIT, false, false},   {TCPS_TIME_WAIT, false, true},
};

/* What the stack may say. ANY_ACK: an ACK or nothing. */
enum reply { NOTHING, AN_ACK, ANY_ACK, SYN_ACK, SYN_ACK_OR_ACK, RESET, RESET_WITH_ACK, ANYTHING };

struct cell {
    uint8_t flags;
    uint32_t seq, ack, len;
};

struct outcome {
    enum reply reply;
    enum tcp_state then;
    bool gone;      /* no connection, or one in CLOSED */
    bool then_free; /* the next state is not ours to say */
    uint32_t ack;   /* of an ACK */
};

/* The stack's variables in the state, relative, and its MAX.SND.WND. */
struct vars {
    enum tcp_state state;
    bool passive, listens;
    uint32_t una, nxt, rcv, wnd, most;
};

static bool in(uint32_t seq, uint32_t left, uint32_t len)
{
    return seq - left < len;
}

static bool le(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) <= 0;
}

static struct outcome stays(const struct vars *v, enum reply reply)
{
    return (struct outcome){.reply = reply, .then = v->state, .ack = v->rcv};
}

static struct outcome gone(enum reply reply)
{
    return (struct outcome){.reply = reply, .then = TCPS_CLOSED, .gone = true};
}

/* 3.10.7.1 */
static struct outcome closed(const struct cell *c)
{
    if (c->flags & WIRE_RST)
        return gone(NOTHING);
    return gone(c->flags & WIRE_ACK ? RESET : RESET_WITH_ACK);
}

/* 3.10.7.2; a SYN with FIN is refused in silence (THREATS C13). */
static struct outcome listening(const struct cell *c)
{
    if (c->flags & WIRE_RST)
        return gone(NOTHING);
    if (c->flags & WIRE_ACK)
        return gone(RESET);
    if (!(c->flags & WIRE_SYN) || c->flags & WIRE_FIN)
        return gone(NOTHING);
    return (struct outcome){.reply = SYN_ACK, .then = TCPS_SYN_RECEIVED, .ack = c->seq + 1};
}

/* 3.10.7.3 */
static struct outcome syn_sent(const struct vars *v, const struct cell *c)
{
    bool good_ack = c->flags & WIRE_ACK && c->ack == v->nxt;

    if (c->flags & WIRE_ACK && !good_ack)
        return stays(v, c->flags & WIRE_RST ? NOTHING : RESET);
    if (c->flags & WIRE_RST)
        return good_ack ? gone(NOTHING) : stays(v, NOTHING);
    if (!(c->flags & WIRE_SYN))
        return stays(v, NOTHING);
    if (c->flags & WIRE_FIN) /* taken, or left for the peer to send again without */
        return (struct outcome){.reply = ANYTHING, .then_free = true};
    if (good_ack)
        return (struct outcome){.reply = AN_ACK, .then = TCPS_ESTABLISHED, .ack = c->seq + 1};
    return (struct outcome){.reply = SYN_ACK, .then = TCPS_SYN_RECEIVED, .ack = c->seq + 1};
}

/* 3.10.7.4, eighth, once the text before the FIN is there. `acked`: our FIN is. */
static enum tcp_state after_fin(enum tcp_state state)
{
    switch (state) {
    case TCPS_ESTABLISHED:
        return TCPS_CLOSE_WAIT;
    case TCPS_FIN_WAIT_1:
        return TCPS_CLOSING;
    case TCPS_FIN_WAIT_2:
        return TCPS_TIME_WAIT;
    case TCPS_CLOSED:
    case TCPS_LISTEN:
    case TCPS_SYN_SENT:
    case TCPS_SYN_RECEIVED:
    case TCPS_CLOSE_WAIT:
    case TCPS_CLOSING:
    case TCPS_LAST_ACK:
    case TCPS_TIME_WAIT:
        break;
    }
    return state;
}

static struct outcome text_and_fin(struct vars v, const struct cell *c)
{
    bool fin = c->flags & WIRE_FIN;
    uint32_t end = c->seq + c->len;

    if (v.state != TCPS_ESTABLISHED && v.state != TCPS_FIN_WAIT_1 && v.state != TCPS_FIN_WAIT_2)
        return stays(&v, c->len || fin ? ANY_ACK : NOTHING); /* a FIN has been: ignored */
    if (c->len == 0 && !fin)
        return stays(&v, NOTHING);
    bool in_order = le(c->seq, v.rcv);
    if (in_order && le(v.rcv, end)) {
        v.rcv = end;
        if (fin) {
            v.rcv++;
            v.state = after_fin(v.state);
        }
    }
    return stays(&v, AN_ACK);
}

/* 3.10.7.4 */
static struct outcome other(struct vars v, const struct cell *c)
{
    uint32_t len = c->len + !!(c->flags & WIRE_SYN) + !!(c->flags & WIRE_FIN);
    bool half_open = v.state == TCPS_SYN_RECEIVED;
    bool first = in(c->seq, v.rcv, v.wnd), last = len && in(c->seq + len - 1, v.rcv, v.wnd);

    /* the SYN of this very connection: our <SYN,ACK> again, or an ACK */
    if (half_open && c->seq == v.rcv - 1 &&
        (c->flags & (WIRE_SYN | WIRE_ACK | WIRE_RST)) == WIRE_SYN)
        return stays(&v, SYN_ACK_OR_ACK);
    /* Both ends called: the peer's <SYN,ACK> completes it, old as its SYN is (3.5, figure 7). */
    if (half_open && !v.passive && c->seq == v.rcv - 1 && c->ack == v.nxt &&
        (c->flags & (WIRE_SYN | WIRE_ACK | WIRE_RST | WIRE_FIN)) == (WIRE_SYN | WIRE_ACK)) {
        struct cell rest = *c;
        rest.seq = v.rcv;
        v.state = TCPS_ESTABLISHED;
        struct outcome opened = text_and_fin(v, &rest);
        opened.reply = AN_ACK;
        return opened;
    }
    /* Beyond the RFC: news from a peer that has filled our window (docs/rfc-exceptions.tsv). */
    bool edge = !half_open && len == 0 && (c->flags & (WIRE_ACK | WIRE_RST)) == WIRE_ACK &&
                c->seq == v.rcv + v.wnd && le(v.una + 1, c->ack) && le(c->ack, v.nxt);
    /* First, the sequence number. */
    if (!first && !last && !edge)
        return stays(&v, c->flags & WIRE_RST ? NOTHING : AN_ACK);
    /* Second, RST (RFC 5961, 3.2; RFC 1337). */
    if (c->flags & WIRE_RST) {
        if (v.state == TCPS_TIME_WAIT)
            return stays(&v, ANY_ACK);
        if (c->seq == v.rcv)
            return gone(NOTHING);
        return stays(&v, first ? AN_ACK : NOTHING);
    }
    /* Fourth, SYN (RFC 5961, 4.2). */
    if (c->flags & WIRE_SYN)
        return half_open && v.passive ? gone(NOTHING) : stays(&v, AN_ACK);
    /* Fifth, ACK (RFC 5961, 5.2). */
    if (!(c->flags & WIRE_ACK))
        return stays(&v, NOTHING);
    if (half_open) {
        if (le(c->ack, v.una) || !le(c->ack, v.nxt))
            return stays(&v, RESET);
        v.state = TCPS_ESTABLISHED;
    }
    if (!le(v.una - v.most, c->ack) || !le(c->ack, v.nxt))
        return stays(&v, AN_ACK);
    bool acks_fin = c->ack == v.nxt;
    if (v.state == TCPS_FIN_WAIT_1 && acks_fin)
        v.state = TCPS_FIN_WAIT_2;
    if (v.state == TCPS_CLOSING && acks_fin)
        v.state = TCPS_TIME_WAIT;
    if (v.state == TCPS_LAST_ACK && acks_fin)
        return gone(NOTHING);
    /* Seventh and eighth. */
    return text_and_fin(v, c);
}

/* 3.6.1, MAY-2, without timestamps: a SYN above the FIN is a new connection, as at LISTEN. */
static bool reopens(const struct vars *v, const struct cell *c)
{
    return v->state == TCPS_TIME_WAIT && v->listens && le(v->rcv, c->seq) &&
           (c->flags & (WIRE_SYN | WIRE_ACK | WIRE_RST | WIRE_FIN)) == WIRE_SYN;
}

static struct outcome oracle(const struct vars *v, const struct cell *c)
{
    if (v->state == TCPS_CLOSED)
        return closed(c);
    if (v->state == TCPS_LISTEN || reopens(v, c))
        return listening(c);
    if (v->state == TCPS_SYN_SENT)
        return syn_sent(v, c);
    return other(*v, c);
}

/* --- asking the stack
 * ------------------------------------------------------------------------------------ */

static const char *const reply_names[] = {
    "nothing", "an ACK",           "an ACK or nothing", "a SYN,ACK", "a SYN,ACK or an ACK",
    "a reset", "a reset with ACK", "anything"};

static bool is_ack(const struct peer_segment *seg, const struct vars *v, uint32_t ack)
{
    return seg->flags == WIRE_ACK && seg->seq == v->nxt && seg->ack == ack && seg->len == 0;
}

static bool reply_is_right(const struct outcome *want, const struct vars *v, const struct cell *c,
                           const struct peer_segment *seg, int count)
{
    uint32_t len = c->len + !!(c->flags & WIRE_SYN) + !!(c->flags & WIRE_FIN);
    bool syn_ack = count == 1 && seg->flags == (WIRE_SYN | WIRE_ACK) && seg->seq == 0;

    switch (want->reply) {
    case NOTHING:
        return count == 0;
    case AN_ACK:
        return count == 1 && is_ack(seg, v, want->ack);
    case ANY_ACK:
        return count == 0 || (count == 1 && is_ack(seg, v, want->ack));
    case SYN_ACK:
        return syn_ack && seg->ack == want->ack;
    case SYN_ACK_OR_ACK:
        return (syn_ack && seg->ack == want->ack) || (count == 1 && is_ack(seg, v, want->ack));
    case RESET:
        return count == 1 && seg->flags == WIRE_RST && seg->seq == c->ack && seg->len == 0;
    case RESET_WITH_ACK:
        return count == 1 && seg->flags == (WIRE_RST | WIRE_ACK) && seg->seq_absolute == 0 &&
               seg->ack == c->seq + len;
    case ANYTHING:
        return true;
    }
    return false;
}

static void flags_text(uint8_t flags, char out[8])
{
    for (int i = 0; i < 6; i++)
        *out++ = (char)(flags & 1 << i ? "FSRP.U"[i] : '-');
    *out = 0;
}

static void try_cell(struct peer *p, int s, const struct vars *v, const struct cell *c)
{
    struct outcome want = oracle(v, c);
    struct peer_segment seg = {.seq = 0}, next;
    char flags[8], got[8];
    uint32_t irs = p->flow->irs; /* a SYN moves it */
    uint32_t seq = c->seq;
    int count = 0;

    if (reopens(v, c)) {
        peer_flow_again(p, irs + seq);
        seq = 0;
    }
    PEER_SEND(p, .flags = "-", .more_flags = c->flags, .seq = seq, .ack = c->ack, .len = c->len);
    while (peer_next(p, &next)) {
        if (count++ > 0)
            continue;
        seg = next;
        seg.ack = seg.flags & WIRE_ACK ? seg.ack_absolute - irs : 0;
    }
    flags_text(c->flags, flags);
    flags_text(seg.flags, got);
    if (!reply_is_right(&want, v, c, &seg, count))
        ck_abort_msg(
            "in %s%s, %s seq %u ack %u len %u: wanted %s (ack %u), got %d segments, first %s "
            "seq %u ack %u len %u",
            v->passive ? "passive " : "", tcp_state_name(v->state), flags, c->seq, c->ack, c->len,
            reply_names[want.reply], want.ack, count, got, seg.seq, seg.ack, seg.len);
    enum tcp_state state = s < 0 ? p->state : peer_info(p, s).facts.state;
    if (peer_usage(p).connections == 0)
        state = TCPS_CLOSED;
    if (!want.then_free && (want.gone ? state != TCPS_CLOSED : state != want.then))
        ck_abort_msg("in %s%s, %s seq %u ack %u len %u: wanted %s, got %s",
                     v->passive ? "passive " : "", tcp_state_name(v->state), flags, c->seq, c->ack,
                     c->len, tcp_state_name(want.then), tcp_state_name(state));
}

/* A small stack in the state; the socket whose connection it is, or -1 when none has one. */
static struct peer *given(int row, int *s, struct vars *v)
{
    struct stack_config config;

    peer_config(&config);
    config.values.tcp_connections = config.values.sock_sockets = 8;
    config.values.tcp_time_wait = config.values.udp_ports = 8;
    config.values.see_ring = 16;
    config.values.tcp_listeners = config.values.arp_entries = 4;
    config.values.see_ring = 16;
    struct peer *p = peer_new_with(&config, 0);
    enum tcp_state state = starts[row].state;
    *s = -1;
    p->state = TCPS_CLOSED;
    if (state != TCPS_CLOSED)
        *s = peer_drive(p, state, starts[row].active);
    if (starts[row].listens && (state == TCPS_ESTABLISHED || state == TCPS_TIME_WAIT)) {
        if (state == TCPS_TIME_WAIT)
            peer_close(p, *s); /* only the connection is left, and may give way */
        peer_listen(p, 4);
    }
    if (starts[row].listens && state != TCPS_ESTABLISHED)
        *s = -1;
    if (!p->flow)
        peer_flow_new(p);
    *v = (struct vars){
        .state = state, .passive = !starts[row].active, .una = 0, .nxt = 1, .most = 65535};
    v->listens = starts[row].listens;
    if (p->flow->we_sent_syn) {
        v->una = peer_snd_una(p);
        v->nxt = peer_snd_nxt(p);
    }
    if (p->flow->we_acked) {
        v->rcv = peer_rcv_nxt(p);
        v->wnd = peer_rcv_wnd(p);
    } else {
        v->rcv = 1;
        v->wnd = 65535;
    }
    return p;
}

START_TEST(the_answer_to_every_segment_is_the_rfcs)
{
    struct vars v;
    int s, cells = 0;

    peer_drop(given(_i, &s, &v));
    const uint32_t seqs[] = {v.rcv - 1,         v.rcv,         v.rcv + 1,
                             v.rcv + v.wnd - 1, v.rcv + v.wnd, v.rcv - 11};
    const uint32_t acks[] = {v.una - 1, v.una,          v.nxt,
                             v.nxt + 1, v.una - v.most, v.una - v.most - 1};
    for (uint8_t bits = 0; bits < 32; bits++) {
        uint8_t flags = (uint8_t)((bits & 7) | (bits & 8 ? WIRE_ACK : 0) |
                                  (bits & 16 ? WIRE_PSH | WIRE_URG : 0));
        for (size_t i = 0; i < ARRAY_LEN(seqs); i++) {
            for (size_t j = 0; j < ARRAY_LEN(acks); j++) {
                if (!(flags & WIRE_ACK) && j > 0)
                    continue;
                for (uint32_t len = 0; len <= 10; len += 10) {
                    struct cell c = {flags, seqs[i], acks[j], len};
                    struct peer *p = given(_i, &s, &v);
                    try_cell(p, s, &v, &c);
                    peer_drop(p);
                    cells++;
                }
            }
        }
    }
    ck_assert_int_gt(cells, 1000);
    PROVES("C12", "RFC9293-MUST-2"); /* the peer has checked each answer */
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tcp_table");

    TCase *c = tcase_create("RFC 9293, 3.10.7: SEGMENT ARRIVES");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, the_answer_to_every_segment_is_the_rfcs, 0, (int)ARRAY_LEN(starts));
    suite_add_tcase(s, c);
    return run_suite(s, "tcp_table");
}
