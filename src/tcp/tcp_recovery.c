/*
 * tcp_recovery.c - what is lost, and what that means for the sender: the fifth check's second half.
 *
 * An ACK is taken in two steps. tcp_learn() books on the scoreboard what it tells, cumulatively and
 * by SACK, and lets RACK find out what is lost. tcp_react() acts on that, by the phase of sender.h:
 *
 *     open       nothing is lost: cwnd grows (cc.c). Something is: recovery begins
 *     recovery   cwnd goes down to ssthresh by PRR, as the old flight drains
 *     timeout    cwnd grows from one segment; F-RTO asks whether the timeout was needed at all
 *
 * A peer without SACK is left to newreno.c, over the same scoreboard.
 *
 * A loss that was none is undone: the peer tells by D-SACK that all that was sent again came twice,
 * or its timestamp tells that what arrived had left before anything was sent again (RFC 3522), or
 * F-RTO finds it. Then cwnd, ssthresh and the algorithm's memory are what they were.
 *
 * Left out: RFC 6675's third rule of NextSeg(), to send again what is neither lost nor acknowledged
 * (a MAY): RACK finds the same losses by time. The SACK marks are kept after a timeout unless the
 * peer has shown that it forgets: what it has told to have would be the next to acknowledge (RFC
 * 6675, 5.1).
 */
#include "tcp/tcp_recovery.h"
#include "tcp/tcp_ecn.h"

/* --- SACK blocks -------------------------------------------------------------------------- */

/* The first block tells what came twice when SEG.ACK or the second block covers it (RFC 2883, 4).
 */
static bool is_dsack(const struct tcp_conn *conn, const struct tcp_segment *seg)
{
    const struct tcp_block *first = &seg->options.sack[0], *second = first + 1;
    tcp_seq oldest = seq_sub(conn->snd.una, conn->snd.wnd_max);

    if (!seq_lt(first->left, first->right) || !seq_le(oldest, first->left))
        return false;
    if (seq_le(first->right, seg->ack))
        return true;
    return seg->options.sack_count > 1 && seq_le(second->left, first->left) &&
           seq_le(first->right, second->right);
}

static bool is_sane(const struct tcp_conn *conn, const struct tcp_segment *seg,
                    const struct tcp_block *block)
{
    return seq_lt(block->left, block->right) && seq_lt(seg->ack, block->left) &&
           seq_le(block->right, conn->snd.nxt);
}

/* Books the blocks, the lowest first; what cannot be is passed over (THREATS C06). */
static void take_blocks(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *seg,
                        struct ack_news *a)
{
    struct tcp_block blocks[TCP_SACK_BLOCKS];
    int count = 0;

    a->dsack = seg->options.sack_count > 0 && is_dsack(conn, seg);
    if (a->dsack)
        a->twice = seg->options.sack[0];
    for (int i = a->dsack; i < seg->options.sack_count; i++) {
        struct tcp_block block = seg->options.sack[i];
        int at = count;
        if (!is_sane(conn, seg, &block)) {
            events_count(tcp->events, COUNTER_TCP_SACK_IGNORED);
            continue;
        }
        for (; at > 0 && seq_lt(block.left, blocks[at - 1].left); at--)
            blocks[at] = blocks[at - 1];
        blocks[at] = block;
        count++;
    }
    for (int i = 0; i < count; i++)
        flight_sack(&conn->sender->flight, blocks[i].left, blocks[i].right, &a->news);
}

/* --- learning ----------------------------------------------------------------------------- */

/* No copy that left after this has been answered: the end of the tick that the peer echoes. */
static instant echoed(const struct tcp_conn *conn, const struct tcp_options *options, instant now)
{
    if (!conn->ts_ok || !options->has_timestamps || options->ts_ecr == 0)
        return INSTANT_NEVER;
    uint32_t ago = conn_timestamp(conn, now) - options->ts_ecr;
    if (ago > INT32_MAX)
        return INSTANT_NEVER;
    return (instant){(now.ns / NS_PER_MS - ago + 1) * NS_PER_MS - 1};
}

void tcp_learn(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *seg,
               struct ack_news *a, instant now)
{
    struct sender *s = conn->sender;
    const struct flight_range *lost = flight_first_lost(&s->flight);

    a->covers_lost = lost && seq_lt(range_start(lost), seg->ack);
    a->sacked_before = s->flight.sacked_octets;
    a->flight_before = seq_diff(conn->snd.nxt, conn->snd.una);
    a->news = (struct flight_news){.now = now,
                                   .echoed = echoed(conn, &seg->options, now),
                                   .min_rtt_ns = conn->min_rtt_us ? rack_min_rtt(&s->rack) : 0};
    if (a->advances)
        flight_ack(&s->flight, seg->ack, &a->news);
    if (!conn->sack_ok)
        return;
    take_blocks(tcp, conn, seg, a);
    rack_update(&s->rack, &a->news);
    if (a->news.has_newest) {
        rack_sample(&s->rack, s->rack.rtt_ns, now);
        s->probe.unsampled = false;
    }
}

static enum ack_effect grow(struct tcp *tcp, struct tcp_conn *conn, const struct ack_news *a,
                            uint32_t octets)
{
    const uint32_t before = conn->cc.cwnd, threshold = conn->cc.ssthresh;
    const char *cause = conn->cc.cwnd < conn->cc.ssthresh
                            ? "slow start (RFC 5681, 3.1)"
                            : cc_algorithms[conn->cc.algorithm]->growth;

    if (octets == 0)
        return ACK_QUIET;
    enum cc_growth growth = cc_on_ack(
        &conn->cc, &conn->sender->cc,
        &(struct cc_ack){
            .acked = octets,
            .limited = a->limited,
            .after_loss = conn->sender->phase == PHASE_TIMEOUT,
            .srtt_ns = rto_srtt_ns(&conn->rto),
            .rtt_ns = a->news.has_newest ? instant_since(a->news.now, a->news.newest_sent) : -1,
            .ack = conn->snd.una,
            .nxt = conn->snd.nxt,
            .now = a->news.now});
    tcp_tell_cwnd_step(tcp, conn, before, cause, a->news.now);
    if (conn->cc.ssthresh != threshold)
        tcp_tell_cwnd(tcp, conn, "round trips have become longer: slow start ends (RFC 9406, 4.2)",
                      a->news.now);
    switch (growth) {
    case GROWTH_SLOW_START:
        return ACK_SLOW_START;
    case GROWTH_AVOIDANCE:
        return ACK_AVOIDANCE;
    case GROWTH_NONE:
        break;
    }
    return ACK_QUIET;
}

/* --- undo --------------------------------------------------------------------------------- */

/* From here on as if nothing had been lost: the ACK itself counts as any other, and may show that
 * something else was. */
static enum ack_effect undo(struct tcp *tcp, struct tcp_conn *conn, const struct ack_news *a,
                            const char *cause, instant now)
{
    struct sender *s = conn->sender;

    s->undo.is_possible = false;
    if (s->phase == PHASE_TIMEOUT)
        flight_reopen(&s->flight, now);
    s->phase = PHASE_OPEN;
    s->frto = FRTO_OFF;
    cc_restore(&conn->cc, &s->cc, &s->undo.before);
    conn->rto.backoff = 0;
    events_count(tcp->events, COUNTER_TCP_UNDONE);
    tcp_tell_cwnd(tcp, conn, cause, now);
    grow(tcp, conn, a, a->acked);
    if (conn->sack_ok)
        tcp_reorder_timeout(tcp, conn, now);
    return ACK_UNDOES;
}

/* --- recovery ----------------------------------------------------------------------------- */

/* One reduction for what is in flight now; the scoreboard tells what to send again. */
static void begin_recovery(struct tcp *tcp, struct tcp_conn *conn, const struct ack_news *a,
                           const char *cause, instant now)
{
    struct sender *s = conn->sender;
    uint32_t flight = seq_diff(conn->snd.nxt, conn->snd.una);

    tcp_undo_remember(conn);
    s->phase = PHASE_RECOVERY;
    s->recover = conn->snd.nxt;
    s->rescued = false;
    s->probe_at = INSTANT_NEVER;
    s->probe.is_owed = s->probe.is_out = false;
    /* what limited transmit has sent beyond cwnd does not count (RFC 6675, 5, step 4.2) */
    cc_on_loss(&conn->cc, &s->cc, u32_min(flight, conn->cc.cwnd));
    prr_begin(&s->prr, a ? a->flight_before : flight,
              a ? a->sacked_before : s->flight.sacked_octets, 0, conn->cc.ssthresh);
    events_count(tcp->events, COUNTER_TCP_FAST);
    tcp_ecn_owe_cwr(conn);
    s->lost_by = LOST_BY_SACK;
    if (!a)
        conn->cc.cwnd = flight_pipe(&s->flight) + conn->cc.mss;
    tcp_tell_cwnd(tcp, conn, cause, now);
}

static void end_recovery(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    struct sender *s = conn->sender;

    if (s->phase == PHASE_RECOVERY)
        conn->cc.cwnd = u32_max(conn->cc.ssthresh, conn->cc.mss); /* (RFC 9937, 6.4) */
    s->phase = PHASE_OPEN;
    s->frto = FRTO_OFF;
    s->undo.until = conn->snd.nxt;
    tcp_tell_cwnd(tcp, conn, "all that was in flight at the loss is acknowledged (RFC 6675, 5)",
                  now);
}

static int64_t reordering_window(const struct tcp_conn *conn)
{
    const struct sender *s = conn->sender;

    return rack_window(&s->rack, &s->flight, s->phase != PHASE_OPEN, conn->snd_mss,
                       rto_srtt_ns(&conn->rto));
}

/* Takes for lost what is late; returns whether there was any. */
static bool find_lost(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    struct sender *s = conn->sender;
    uint32_t before = s->flight.lost_octets;

    if (sender_is_idle(s)) { /* nothing is out that could be late */
        s->reorder_at = INSTANT_NEVER;
        return false;
    }
    int64_t wait = rack_detect(&s->rack, &s->flight, reordering_window(conn), now);

    s->reorder_at = wait > 0 ? instant_add(now, wait) : INSTANT_NEVER;
    if (wait > 0)
        events_timer(tcp->events, conn->id, TIMER_REORDER, s->reorder_at, now);
    return s->flight.lost_octets > before;
}

void tcp_reorder_timeout(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    struct sender *s = conn->sender;

    s->reorder_at = INSTANT_NEVER;
    if (!find_lost(tcp, conn, now))
        return;
    s->lost_by = LOST_BY_SACK;
    if (s->phase == PHASE_OPEN)
        begin_recovery(tcp, conn, NULL, "late by more than the path reorders (RFC 8985, 6.2)", now);
}

static void set_prr_cwnd(struct tcp *tcp, struct tcp_conn *conn, const struct ack_news *a,
                         bool fresh_loss)
{
    struct sender *s = conn->sender;
    uint32_t before = conn->cc.cwnd;
    uint32_t cwnd = prr_cwnd(&s->prr, conn->cc.cwnd, flight_pipe(&s->flight), a->news.delivered,
                             a->advances && !fresh_loss, conn->cc.mss);

    conn->cc.cwnd = u32_max(cwnd, conn->cc.mss);
    tcp_tell_cwnd_step(tcp, conn, before, "proportional rate reduction (RFC 9937, 6.2)",
                       a->news.now);
}

/* --- F-RTO (RFC 5682) --------------------------------------------------------------------- */

static bool has_new_text(const struct tcp_conn *conn)
{
    return conn->sendq.len > conn_text_sent(conn) &&
           seq_diff(conn->snd.nxt, conn->snd.una) < conn->snd.wnd;
}

/* The first ACK after the timeout, and the second. True: it was in vain. */
static bool is_spurious(struct tcp *tcp, struct tcp_conn *conn, const struct ack_news *a)
{
    struct sender *s = conn->sender;
    bool idle = !a->advances && !(conn->sack_ok ? a->news.delivered > 0 : a->duplicate);

    if (!s->undo.is_possible)
        s->frto = FRTO_OFF;
    if (s->frto == FRTO_OFF || idle)
        return false;
    if (s->frto == FRTO_REPEATED) {
        bool beyond = a->advances && seq_lt(conn->snd.una, s->recover);
        if (beyond && has_new_text(conn))
            s->frto = FRTO_NEW_TEXT;
        else if (a->advances || !conn->sack_ok)
            s->frto = FRTO_OFF;
        return false;
    }
    s->frto = FRTO_OFF;
    if (conn->sack_ok ? seq_le(s->flight.highest, s->recover) && a->news.delivered > 0
                      : a->advances)
        return true;
    if (conn->cc.cwnd > 3u * conn->cc.mss) {
        conn->cc.cwnd = 3u * conn->cc.mss;
        tcp_tell_cwnd(tcp, conn, "the timeout was right (RFC 5682, 3.1)", a->news.now);
    }
    return false;
}

/* --- reacting ----------------------------------------------------------------------------- */

/* [una, una + one segment) goes again, ahead of anything new. */
static void lose_first(struct tcp_conn *conn)
{
    struct flight *f = &conn->sender->flight;
    tcp_seq end = seq_add(conn->snd.una, conn->snd_mss);
    struct flight_range *range = flight_at(f, conn->snd.una);

    conn->sender->lost_by = LOST_BY_DUPLICATES;
    conn->timing = false;
    if (!range || range->lost)
        return;
    if (seq_lt(end, range_end(range)))
        (void)flight_from(f, range, end);
    flight_lose(f, range);
}

/* Without SACK: RFC 6582. */
static enum ack_effect react_without_sack(struct tcp *tcp, struct tcp_conn *conn,
                                          const struct ack_news *a, instant now)
{
    static const char inflation[] =
        "in recovery an ACK tells what has left the network (RFC 6582, 3.2)";
    struct sender *s = conn->sender;
    uint32_t before = conn->cc.cwnd;

    if (!a->advances) {
        bool third = a->duplicate && newreno_on_duplicate(&s->newreno, &conn->cc, &s->cc,
                                                          conn->snd.una, conn->snd.nxt);
        if (!third) {
            tcp_tell_cwnd_step(tcp, conn, before, inflation, now);
            return ACK_QUIET;
        }
        events_count(tcp->events, COUNTER_TCP_FAST);
        tcp_ecn_owe_cwr(conn);
        lose_first(conn);
        tcp_tell_cwnd(tcp, conn, "three duplicate ACKs (RFC 5681, 3.2)", now);
        return ACK_LOSS;
    }
    enum newreno_ack kind = newreno_on_ack(&s->newreno, &conn->cc, conn->snd.una, a->acked,
                                           seq_diff(conn->snd.nxt, conn->snd.una));
    if (kind != ACK_ENDS_RECOVERY)
        tcp_tell_cwnd_step(tcp, conn, before, inflation, now);
    switch (kind) {
    case ACK_NORMAL:
        break;
    case ACK_ENDS_RECOVERY:
        tcp_tell_cwnd(tcp, conn, "recovery ended (RFC 6582, 3.2)", now);
        return ACK_RECOVERED;
    case ACK_PARTIAL_FIRST:
        lose_first(conn);
        return ACK_PARTIAL_NEWS;
    case ACK_PARTIAL:
        lose_first(conn);
        return ACK_PARTIAL_AGAIN;
    }
    return grow(tcp, conn, a, a->acked);
}

static enum ack_effect react_with_sack(struct tcp *tcp, struct tcp_conn *conn,
                                       const struct ack_news *a, instant now)
{
    struct sender *s = conn->sender;
    bool recovered = s->phase != PHASE_OPEN && seq_le(s->recover, conn->snd.una);

    bool fresh_loss = find_lost(tcp, conn, now);
    if (recovered) {
        end_recovery(tcp, conn, now);
        if (!fresh_loss)
            return ACK_RECOVERED;
    }
    if (fresh_loss)
        s->lost_by = s->phase == PHASE_TIMEOUT ? LOST_BY_TIMEOUT : LOST_BY_SACK;
    if (s->phase == PHASE_OPEN && fresh_loss) {
        begin_recovery(tcp, conn, a, "what left later has arrived (RFC 8985, 6.2)", now);
        set_prr_cwnd(tcp, conn, a, fresh_loss);
        return ACK_LOSS;
    }
    if (s->phase == PHASE_RECOVERY) {
        set_prr_cwnd(tcp, conn, a, fresh_loss);
        return a->news.delivered > 0 ? ACK_REPAIRS : ACK_QUIET;
    }
    return grow(tcp, conn, a, s->phase == PHASE_TIMEOUT ? a->news.delivered : a->acked);
}

enum ack_effect tcp_react(struct tcp *tcp, struct tcp_conn *conn, const struct ack_news *a,
                          instant now)
{
    struct sender *s = conn->sender;
    bool recovered = s->phase == PHASE_RECOVERY && seq_le(s->recover, conn->snd.una);
    enum ack_effect effect;

    tcp_undo_count(s, a);
    if (conn->sack_ok)
        rack_adapt(&s->rack, &s->flight, a->dsack, recovered);
    const char *in_vain = tcp_undo_cause(s, a);
    if (in_vain)
        return undo(tcp, conn, a, in_vain, now);
    if (is_spurious(tcp, conn, a))
        return undo(tcp, conn, a, "the timeout was in vain: undone (RFC 5682)", now);
    if (conn->sack_ok && tcp_tail_probe_acked(conn, a) && s->phase == PHASE_OPEN) {
        cc_on_loss(&conn->cc, &s->cc, u32_min(a->flight_before, conn->cc.cwnd));
        conn->cc.cwnd = conn->cc.ssthresh;
        tcp_ecn_owe_cwr(conn);
        tcp_tell_cwnd(tcp, conn, "a probe has repaired a loss (RFC 8985, 7.4.2)", now);
        return ACK_LOSS;
    }
    effect =
        conn->sack_ok ? react_with_sack(tcp, conn, a, now) : react_without_sack(tcp, conn, a, now);
    if (s->phase == PHASE_TIMEOUT && seq_le(s->recover, conn->snd.una))
        end_recovery(tcp, conn, now);
    return effect;
}

/* --- timeouts ----------------------------------------------------------------------------- */

void tcp_lose_all(struct tcp_conn *conn, enum lost_by why)
{
    if (!conn->sender)
        return;
    flight_lose_all(&conn->sender->flight);
    conn->sender->reorder_at = conn->sender->probe_at = INSTANT_NEVER;
    conn->sender->lost_by = (uint8_t)why;
    conn->timing = false;
}

/* RFC 6298, 5.4 to 5.6, RFC 5681, 3.1, RFC 8985, 6.3: cwnd is one segment, and the first octet is
 * lost; without SACK, or when it is as late as can be, so is all the rest. */
void tcp_recover_from_timeout(struct tcp *tcp, struct tcp_conn *conn, instant now)
{
    struct sender *s = conn->sender;
    struct flight *f = &s->flight;
    const struct flight_range *head = flight_at(f, conn->snd.una);
    bool was_open = s->phase == PHASE_OPEN && !s->newreno.recovering;

    s->frto = was_open && tcp->values->tcp_frto ? FRTO_REPEATED : FRTO_OFF;
    if (was_open)
        tcp_undo_remember(conn);
    /* in recovery cwnd is what PRR lets go at the moment */
    uint32_t window =
        s->phase == PHASE_RECOVERY ? u32_max(conn->cc.cwnd, conn->cc.ssthresh) : conn->cc.cwnd;
    cc_on_timeout(&conn->cc, &s->cc, u32_min(seq_diff(conn->snd.nxt, conn->snd.una), window),
                  conn->retransmits > 0);
    newreno_on_timeout(&s->newreno, conn->snd.nxt);
    s->phase = PHASE_TIMEOUT;
    s->recover = conn->snd.nxt;
    s->reorder_at = s->probe_at = INSTANT_NEVER;
    s->probe = (struct tail_probe){.unsampled = s->probe.unsampled};
    s->lost_by = LOST_BY_TIMEOUT;
    conn->timing = false;
    if (head && head->sacked) /* it has forgotten what it had told to have */
        flight_renege(f);
    if (conn->sack_ok)
        rack_timeout(&s->rack, f, reordering_window(conn), now);
    else
        flight_lose_all(f);
}

/* --- sending again ------------------------------------------------------------------------ */

/* In recovery PRR says how much, and lets the first one go at once; else cwnd does. What the peer
 * waits for may always leave when nothing else is under way. */
bool tcp_may_repeat(const struct tcp_conn *conn, tcp_seq at, uint32_t len)
{
    const struct sender *s = conn->sender;
    uint32_t inflight = conn_inflight(conn);

    if (inflight == 0 || inflight + len <= conn->cc.cwnd)
        return true;
    if (s->phase == PHASE_RECOVERY)
        return s->prr.out == 0;
    return seq_eq(at, conn->snd.una);
}
