/*
 * peer.c - see peer.h.
 *
 * One function talks to the wire in each direction: capture() gets what the stack sends and holds
 * it against everything that must be true of it, send_octets() gives a frame to the stack.
 * poll_stack() goes between them until nothing moves any more. All the rest are scripts.
 */
#include "support/peer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)

enum { MTU_FRAME = 14, ONE_MS_LATE = 1000000 };

static const uint8_t peer_mac[6] = {0x02, 0, 0, 0, 0, 0x01};
static const uint8_t stack_mac[6] = {0x02, 0, 0x5e, 0x10, 0, 0x01};
static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* --- failing, with the story so far -------------------------------------------------------------
 */

static void note(struct peer *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void broken(struct peer *p, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5), noreturn));

static void note(struct peer *p, const char *format, ...)
{
    char *out = p->trace[p->traced++ % PEER_TRACE];
    int n =
        snprintf(out, sizeof(p->trace[0]), "%9.3f ", (double)(p->now.ns - p->began_ns) / 1000000.0);
    va_list args;
    va_start(args, format);
    vsnprintf(out + n, sizeof(p->trace[0]) - (size_t)n, format, args);
    va_end(args);
}

static void broken(struct peer *p, const char *file, int line, const char *format, ...)
{
    static char text[PEER_TRACE * 100 + 1024];
    size_t n = 0;

    if (file)
        n += (size_t)snprintf(text, 256, "%s:%d: ", file, line);
    va_list args;
    va_start(args, format);
    n += (size_t)vsnprintf(text + n, 512, format, args);
    va_end(args);
    uint64_t first = p->traced > PEER_TRACE ? p->traced - PEER_TRACE : 0;
    for (uint64_t i = first; i < p->traced; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "\n  %s", p->trace[i % PEER_TRACE]);
    ck_abort_msg("%s", text);
    abort();
}

void peer_fail_at(struct peer *p, const char *file, int line, const char *what)
{
    broken(p, file, line, "does not hold: %s", what);
}

enum { FLAGS_TEXT = 9 };

static const char *flags_text(uint8_t flags, char out[FLAGS_TEXT])
{
    static const char letter[8] = {'F', 'S', 'R', 'P', '.', 'U', 'E', 'W'};
    size_t n = 0;

    /* packetdrill's order: S F R P U E W, and the ACK last */
    static const uint8_t order[8] = {1, 0, 2, 3, 5, 6, 7, 4};
    for (size_t i = 0; i < 8; i++) {
        if (flags & 1 << order[i])
            out[n++] = letter[order[i]];
    }
    if (n == 0)
        out[n++] = '-';
    out[n] = 0;
    return out;
}

static uint8_t flags_value(const char *text)
{
    uint8_t flags = 0;
    for (; *text; text++) {
        switch (*text) {
        case 'S':
            flags |= WIRE_SYN;
            break;
        case 'F':
            flags |= WIRE_FIN;
            break;
        case 'R':
            flags |= WIRE_RST;
            break;
        case 'P':
            flags |= WIRE_PSH;
            break;
        case '.':
            flags |= WIRE_ACK;
            break;
        case 'U':
            flags |= WIRE_URG;
            break;
        case 'E':
            flags |= WIRE_ECE;
            break;
        case 'W':
            flags |= WIRE_CWR;
            break;
        case '-':
            break;
        default:
            ck_abort_msg("'%c' is no flag", *text);
        }
    }
    return flags;
}

/* --- what the stack needs of the world -----------------------------------------------------------
 */

static int64_t env_clock(void *context)
{
    return ((struct peer *)context)->now.ns;
}

static int64_t env_wall(void *context)
{
    (void)context;
    return INT64_C(1700000000000000000);
}

/* splitmix64: the same for each run, unless a test seeds p->random otherwise. */
static int env_random(void *context, void *octets, size_t len)
{
    struct peer *p = context;
    uint8_t *out = octets;

    for (size_t i = 0; i < len; i++) {
        uint64_t z = (p->random += UINT64_C(0x9e3779b97f4a7c15));
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        out[i] = (uint8_t)(z >> 32);
    }
    return 0;
}

static void *env_alloc(void *context, size_t len)
{
    struct peer *p = context;
    void *octets = p->no_memory ? NULL : malloc(len);

    if (octets) {
        memset(octets, 0xa5, len);
        p->memory += len;
    }
    return octets;
}

static void env_release(void *context, void *octets, size_t len)
{
    struct peer *p = context;
    p->memory -= len;
    free(octets);
}

static void on_event(struct event_sink *sink, const struct event *event)
{
    struct peer *p = (struct peer *)(void *)((char *)sink - offsetof(struct peer, events));

    if (event->type == EVENT_STATE) {
        p->state = event->state.to;
        p->cause = event->state.cause;
        note(p, "    %s -> %s: %s", tcp_state_name(event->state.from),
             tcp_state_name(event->state.to), event->state.cause);
    }
}

/* --- from the stack
 * -------------------------------------------------------------------------------- */

struct capture_sink {
    struct frame_sink sink;
    struct peer *p;
    struct wire_arp asked[8];
    int asked_count;
};

static bool is_ours(const struct peer *p, uint32_t addr)
{
    for (int i = 0; i < p->config.addr_count; i++) {
        const uint8_t *o = p->config.addr[i].addr.octet;
        if (addr == PEER_V4(o[12], o[13], o[14], o[15]))
            return true;
    }
    return false;
}

static struct wire_flow *add_flow(struct peer *p)
{
    if (p->flow_count == PEER_FLOWS)
        broken(p, NULL, 0, "too many connections for this peer");
    p->flow = &p->flows[p->flow_count++];
    p->app_sent = p->app_read = 0;
    return p->flow;
}

/* The newest with this four-tuple; a SYN with another number opens a new one. NULL: a reset to a
 * stranger. */
static struct wire_flow *flow_of(struct peer *p, const struct wire_tcp *t)
{
    for (int i = p->flow_count - 1; i >= 0; i--) {
        struct wire_flow *flow = &p->flows[i];
        if (!wire_flow_is(flow, t))
            continue;
        bool syn_again = !(t->flags & WIRE_SYN) || t->flags & WIRE_ACK || !flow->we_sent_syn ||
                         flow->iss == t->seq;
        if (syn_again)
            return flow;
        break;
    }
    if (p->strangers && t->flags & WIRE_RST) {
        p->strangers_reset++;
        return NULL;
    }
    if (!(t->flags & WIRE_SYN) || t->flags & WIRE_ACK)
        broken(p, NULL, 0, "the stack sent a segment of a connection that nobody opened");
    struct wire_flow *flow = add_flow(p);
    flow->our_addr = t->ip_src;
    flow->their_addr = t->ip_dst;
    flow->our_port = t->src_port;
    flow->their_port = t->dst_port;
    flow->irs = p->iss;
    p->iss += 0x01234567;
    return flow;
}

static void queue_segment(struct peer *p, struct wire_flow *flow, const struct wire_tcp *t)
{
    char flags[FLAGS_TEXT];
    struct peer_segment seg = {
        .flow = flow,
        .seq = t->seq - (flow->we_sent_syn ? flow->iss : 0),
        .ack = t->flags & WIRE_ACK ? t->ack - flow->irs : 0,
        .flags = t->flags,
        .window = t->window,
        .len = (uint32_t)t->text.len,
        .has_mss = t->has_mss,
        .has_scale = t->has_scale,
        .mss = t->mss,
        .scale = t->scale,
        .has_timestamps = t->has_timestamps,
        .ts_val = t->ts_val,
        .ts_ecr = t->ts_ecr,
        .seq_absolute = t->seq,
        .ack_absolute = t->ack,
        .src = t->ip_src,
        .dst = t->ip_dst,
        .dscp = t->dscp,
        .ecn = t->ecn,
        .ttl = t->ttl,
        .src_port = t->src_port,
        .dst_port = t->dst_port,
        .at_ns = p->now.ns - p->began_ns,
    };
    note(p, "<- %-3s seq %u ack %u len %u win %u%s", flags_text(seg.flags, flags), seg.seq, seg.ack,
         seg.len, seg.window, flow == p->flow ? "" : " (another connection)");
    if (p->tail - p->head == PEER_QUEUE)
        broken(p, NULL, 0, "the stack sent more than %d segments that nobody looked at",
               PEER_QUEUE);
    p->queue[p->tail++ % PEER_QUEUE] = seg;
}

static void capture_tcp(struct peer *p, const struct wire_tcp *t, size_t frame_len)
{
    if (memcmp(t->eth_dst, peer_mac, 6) != 0)
        broken(p, NULL, 0, "a segment to a station that is not the peer");
    if (!p->any_ttl && t->ttl != (uint8_t)p->config.values.ip_ttl)
        broken(p, NULL, 0, "a TTL of %u", t->ttl);
    if (!is_ours(p, t->ip_src))
        broken(p, NULL, 0, "a source address that is not ours");
    if (frame_len > MTU_FRAME + p->config.mtu)
        broken(p, NULL, 0, "a frame above the MTU");
    struct wire_flow *flow = flow_of(p, t);
    if (!flow)
        return;
    const char *problem = wire_flow_out(flow, t);
    queue_segment(p, flow, t);
    if (problem)
        broken(p, NULL, 0, "the stack sent a bad segment: %s", problem);
}

static int capture(struct frame_sink *sink, const struct frame_meta *meta, const struct iovec *iov,
                   int iovcnt, instant now)
{
    struct capture_sink *c = (struct capture_sink *)(void *)sink;
    struct peer *p = c->p;
    static uint8_t frame[WIRE_FRAME_MAX];
    struct wire_tcp tcp;
    struct wire_arp arp;
    const char *problem;
    size_t len = 0;

    if (p->refuse > 0) {
        p->refuse--;
        return -EAGAIN;
    }
    ck_assert_int_eq(now.ns, p->now.ns);
    ck_assert(meta->flags == 0 && meta->gso_type == FRAME_GSO_NONE);
    for (int i = 0; i < iovcnt; i++) {
        ck_assert(len + iov[i].iov_len <= sizeof(frame));
        if (iov[i].iov_len)
            memcpy(frame + len, iov[i].iov_base, iov[i].iov_len);
        len += iov[i].iov_len;
    }
    p->frames_out++;
    enum wire_kind kind = wire_parse(frame, len, &tcp, &arp, &problem);
    if (memcmp(tcp.eth_src, stack_mac, 6) != 0)
        problem = "the Ethernet source is not the stack's";
    if (problem) {
        note(p, "<- %zu octets: %s", len, problem);
        broken(p, NULL, 0, "the stack sent a bad frame: %s", problem);
    }
    switch (kind) {
    case WIRE_TCP:
        capture_tcp(p, &tcp, len);
        break;
    case WIRE_ARP:
        if (arp.op == 1 && arp.spa != arp.tpa) {
            p->arp_requests++;
            note(p, "<- ARP request for %u.%u.%u.%u", arp.tpa >> 24, arp.tpa >> 16 & 255,
                 arp.tpa >> 8 & 255, arp.tpa & 255);
            if (!p->deaf && c->asked_count < 8)
                c->asked[c->asked_count++] = arp;
        }
        break;
    case WIRE_OTHER:
        p->icmp_out++;
        note(p, "<- ICMP");
        break;
    }
    return 0;
}

/* received = consumed + the sum of the named drops, at every moment. */
static void check_conservation(struct peer *p)
{
    struct stack_counters c;
    uint64_t ends = 0;

    stack_counters(p->stack, &c);
    for (int i = 0; i < DROP_COUNT; i++)
        ends += c.drops[i];
    if (c.received != c.consumed + c.held + ends)
        broken(p, NULL, 0, "of %llu received frames, %llu were consumed and %llu dropped",
               (unsigned long long)c.received, (unsigned long long)c.consumed,
               (unsigned long long)ends);
}

static void give(struct peer *p, const void *frame, size_t len)
{
    /* On the heap and of its exact size, so that AddressSanitizer sees an over-read. */
    uint8_t *exact = malloc(len);
    ck_assert(exact || len == 0);
    if (len)
        memcpy(exact, frame, len);
    stack_input(p->stack, (struct bytes){exact, len}, &(struct frame_meta){0}, p->now);
    free(exact);
    check_conservation(p);
}

static void poll_stack(struct peer *p)
{
    struct capture_sink c = {.sink = {.send = capture}, .p = p};
    uint8_t reply[WIRE_FRAME_MAX];

    for (int turn = 0; turn < 100; turn++) {
        c.asked_count = 0;
        int err = stack_output(p->stack, &c.sink, p->now);
        if (err && err != -EAGAIN)
            broken(p, NULL, 0, "stack_output() said %d", err);
        check_conservation(p);
        if (c.asked_count == 0)
            return;
        for (int i = 0; i < c.asked_count; i++) {
            struct wire_arp answer = {.op = 2, .spa = c.asked[i].tpa, .tpa = c.asked[i].spa};
            memcpy(answer.sha, peer_mac, 6);
            memcpy(answer.tha, c.asked[i].sha, 6);
            give(p, reply, wire_emit_arp(reply, answer.tha, &answer));
        }
    }
    broken(p, NULL, 0, "the stack does not stop asking for addresses");
}

void peer_poll(struct peer *p)
{
    poll_stack(p);
}

/* --- time
 * -------------------------------------------------------------------------------------------- */

static int queued(const struct peer *p)
{
    return p->tail - p->head;
}

/* Until `end`, or until the stack has sent a segment. */
static void run_until(struct peer *p, int64_t end, bool stop_at_segment)
{
    poll_stack(p);
    while (!(stop_at_segment && queued(p) > 0)) {
        instant next = stack_deadline(p->stack);
        if (next.ns > end) {
            p->now.ns = end;
            stack_advance(p->stack, p->now);
            poll_stack(p);
            return;
        }
        if (next.ns > p->now.ns)
            p->now = next;
        stack_advance(p->stack, p->now);
        poll_stack(p);
        if (stack_deadline(p->stack).ns <= p->now.ns)
            broken(p, NULL, 0, "the deadline stays in the past after stack_advance()");
    }
}

void peer_wait(struct peer *p, int64_t ms)
{
    run_until(p, p->now.ns + ms * MS, false);
}

void peer_wait_until(struct peer *p, int64_t ms)
{
    run_until(p, p->began_ns + ms * MS, false);
}

int64_t peer_time(const struct peer *p)
{
    return (p->now.ns - p->began_ns) / MS;
}

/* --- to the stack
 * -------------------------------------------------------------------------------------- */

static size_t syn_options(const struct peer *p, uint8_t out[8])
{
    size_t n = 0;

    if (p->mss) {
        out[n++] = 2;
        out[n++] = 4;
        out[n++] = (uint8_t)(p->mss >> 8);
        out[n++] = (uint8_t)p->mss;
    }
    if (p->scale >= 0) {
        out[n++] = 1;
        out[n++] = 3;
        out[n++] = 3;
        out[n++] = (uint8_t)p->scale;
    }
    return n;
}

/* What a SYN says to the flow, when the test wrote the options itself: read as RFC 9293, 3.1 does.
 */
static void read_options(struct wire_tcp *t)
{
    const uint8_t *at = t->options.at;

    for (size_t i = 0; i < t->options.len && at[i] != 0;) {
        if (at[i] == 1) {
            i++;
            continue;
        }
        if (i + 1 >= t->options.len || at[i + 1] < 2 || i + at[i + 1] > t->options.len)
            return;
        if (at[i] == 2 && at[i + 1] == 4) {
            t->has_mss = true;
            t->mss = (uint16_t)(at[i + 2] << 8 | at[i + 3]);
        } else if (at[i] == 3 && at[i + 1] == 3) {
            t->has_scale = true;
            t->scale = at[i + 2];
        } else if (at[i] == 8 && at[i + 1] == 10) {
            t->has_timestamps = true;
        }
        i += at[i + 1];
    }
}

static uint64_t resets_sent(struct peer *p)
{
    return peer_counter(p, COUNTER_TCP_RST_OUT);
}

/* A frame, the time that it is, and what the stack says to it. */
static void send_octets(struct peer *p, const void *frame, size_t len, bool is_reset)
{
    if (p->batch) {
        give(p, frame, len);
        return;
    }
    poll_stack(p);
    uint64_t resets = resets_sent(p);
    int before = p->tail, acks = 0;
    give(p, frame, len);
    poll_stack(p);
    for (int i = before; i < p->tail; i++) {
        const struct peer_segment *seg = &p->queue[i % PEER_QUEUE];
        acks += (seg->flags & ~WIRE_ECE) == WIRE_ACK && seg->len == 0;
        if (is_reset && seg->flags & WIRE_RST)
            broken(p, NULL, 0, "a reset was answered with a reset");
    }
    if (acks > 1)
        broken(p, NULL, 0, "%d ACKs for one segment (RFC 5681, 4.2)", acks);
    if (!is_reset)
        return;
    ck_assert_uint_eq(resets_sent(p), resets);
}

void peer_send_frame(struct peer *p, const void *frame, size_t len)
{
    note(p, "-> %zu octets", len);
    send_octets(p, frame, len, false);
}

void peer_send_full(struct peer *p, const struct peer_out *out)
{
    static uint8_t frame[WIRE_FRAME_MAX], stream[65536];
    uint8_t options[8];
    struct wire_flow *flow = p->flow ? p->flow : peer_flow_new(p);
    struct wire_tcp t = {
        .ip_src = out->src_addr ? out->src_addr : flow->their_addr,
        .ip_dst = out->dst_addr ? out->dst_addr : flow->our_addr,
        .src_port = flow->their_port,
        .dst_port = flow->our_port,
        .seq = flow->irs + out->seq,
        .flags = (uint8_t)(flags_value(out->flags) | out->more_flags),
        .window = (uint16_t)p->window,
        .urgent = out->urgent,
        .ttl = out->ttl,
        .dscp = out->dscp,
        .ecn = out->ecn,
        .reserved = out->reserved,
        .data_offset = out->data_offset,
        .options = out->options,
        .ip_options = out->ip_options,
        .bad_checksum = out->bad_checksum,
    };
    memcpy(t.eth_src, peer_mac, 6);
    memcpy(t.eth_dst, out->broadcast ? broadcast : stack_mac, 6);
    if (t.flags & WIRE_ACK)
        t.ack = (flow->we_sent_syn ? flow->iss : 0) + out->ack;
    if (t.flags & WIRE_SYN && !out->no_options && out->options.len == 0)
        t.options = (struct bytes){options, syn_options(p, options)};
    read_options(&t);
    /* Place 0 of the stream is behind the SYN. */
    for (uint32_t i = 0; i < out->len; i++)
        stream[i] = peer_octet(out->seq + i - !(t.flags & WIRE_SYN));
    t.text = (struct bytes){out->text ? out->text : stream, out->len};

    char flags[FLAGS_TEXT];
    note(p, "-> %-3s seq %u ack %u len %u win %u", flags_text(t.flags, flags), out->seq,
         t.flags & WIRE_ACK ? out->ack : 0, out->len, t.window);
    if (!out->bad_checksum && !out->data_offset && !out->src_addr && !out->dst_addr)
        wire_flow_in(flow, &t);
    send_octets(p, frame, wire_emit(frame, &t), t.flags & WIRE_RST);
}

void peer_batch_begin(struct peer *p)
{
    poll_stack(p);
    p->batch = true;
}

void peer_batch_end(struct peer *p)
{
    p->batch = false;
    poll_stack(p);
}

/* --- what is expected
 * ------------------------------------------------------------------------------------ */

struct peer_segment peer_expect_reset_at(struct peer *p, const char *file, int line, uint32_t seq)
{
    struct peer_segment seg;
    char got[FLAGS_TEXT];

    if (!peer_next(p, &seg))
        broken(p, file, line, "expected a reset with seq %u, and the stack sent nothing", seq);
    bool right_ack = !(seg.flags & WIRE_ACK) || seg.ack_absolute == seg.flow->last_ack;
    if (seg.flow != p->flow || !(seg.flags & WIRE_RST) || seg.seq != seq || !right_ack)
        broken(p, file, line, "expected a reset with seq %u, got %s seq %u ack %u len %u", seq,
               flags_text(seg.flags, got), seg.seq, seg.ack, seg.len);
    return seg;
}

bool peer_next(struct peer *p, struct peer_segment *out)
{
    poll_stack(p);
    if (queued(p) == 0)
        return false;
    *out = p->queue[p->head++ % PEER_QUEUE];
    return true;
}

int peer_skip(struct peer *p)
{
    poll_stack(p);
    int n = queued(p);
    p->head = p->tail;
    return n;
}

struct peer_segment peer_expect_at(struct peer *p, const char *file, int line, const char *flags,
                                   uint32_t seq, uint32_t ack, uint32_t len)
{
    struct peer_segment seg;
    uint8_t want = flags_value(flags);
    char got[FLAGS_TEXT];

    if (!peer_next(p, &seg))
        broken(p, file, line, "expected %s seq %u ack %u len %u, and the stack sent nothing", flags,
               seq, ack, len);
    bool same_flags = (seg.flags & ~WIRE_PSH) == (want & ~WIRE_PSH) &&
                      (!(want & WIRE_PSH) || seg.flags & WIRE_PSH);
    if (seg.flow != p->flow || !same_flags || seg.seq != seq || seg.ack != ack || seg.len != len)
        broken(p, file, line, "expected %s seq %u ack %u len %u, got %s seq %u ack %u len %u%s",
               flags, seq, ack, len, flags_text(seg.flags, got), seg.seq, seg.ack, seg.len,
               seg.flow == p->flow ? "" : " of another connection");
    return seg;
}

struct peer_segment peer_expect_after_at(struct peer *p, const char *file, int line, int64_t ms,
                                         const char *flags, uint32_t seq, uint32_t ack,
                                         uint32_t len)
{
    int64_t begin = p->now.ns;

    peer_expect_nothing_at(p, file, line);
    run_until(p, begin + ms * MS + ONE_MS_LATE, true);
    if (queued(p) == 0)
        broken(p, file, line, "expected %s seq %u ack %u len %u after %lld ms, and none came",
               flags, seq, ack, len, (long long)ms);
    if (p->now.ns < begin + ms * MS)
        broken(p, file, line, "expected a segment after %lld ms, one came after %.3f ms",
               (long long)ms, (double)(p->now.ns - begin) / 1e6);
    return peer_expect_at(p, file, line, flags, seq, ack, len);
}

void peer_expect_nothing_at(struct peer *p, const char *file, int line)
{
    struct peer_segment seg;
    char got[FLAGS_TEXT];

    if (peer_next(p, &seg))
        broken(p, file, line, "expected nothing, got %s seq %u ack %u len %u",
               flags_text(seg.flags, got), seg.seq, seg.ack, seg.len);
}

void peer_expect_silence_at(struct peer *p, const char *file, int line, int64_t ms)
{
    run_until(p, p->now.ns + ms * MS, true);
    peer_expect_nothing_at(p, file, line);
}

/* --- making one and ending it
 * ----------------------------------------------------------------------------- */

static struct ip_addr v4(uint32_t addr)
{
    return (struct ip_addr){{[10] = 0xff,
                             [11] = 0xff,
                             [12] = (uint8_t)(addr >> 24),
                             [13] = (uint8_t)(addr >> 16),
                             [14] = (uint8_t)(addr >> 8),
                             [15] = (uint8_t)addr}};
}

struct endpoint peer_endpoint(uint32_t addr, uint16_t port)
{
    return (struct endpoint){v4(addr), port};
}

void peer_config(struct stack_config *config)
{
    stack_config_init(config);
    memcpy(config->mac.octet, stack_mac, 6);
    config->addr[0] = (struct ip_prefix){v4(PEER_STACK_ADDR), 24};
    config->addr_count = 1;
    config->gateway = v4(PEER_V4(10, 9, 0, 254));
    /* What a test is not about it does not want to see in each segment. */
    config->values.tcp_timestamps = config->values.tcp_sack = 0;
    /* The times and windows in the tests are RFC 6298's and RFC 5681's. */
    config->values.tcp_rto_min = TAPIO_S(1);
    config->values.tcp_cc = 0; /* NewReno */
}

struct peer *peer_new_with(const struct stack_config *config, int64_t began_ns)
{
    return peer_new_seeded(config, began_ns, 1);
}

struct peer *peer_new_seeded(const struct stack_config *config, int64_t began_ns, uint64_t seed)
{
    struct peer *p = calloc(1, sizeof(*p));
    uint8_t frame[WIRE_MIN_FRAME];

    ck_assert_ptr_nonnull(p);
    p->config = *config;
    p->began_ns = p->now.ns = began_ns;
    p->random = seed;
    p->iss = 0x10000;
    p->port = PEER_PORT;
    p->window = PEER_WINDOW;
    p->mss = 1460;
    p->scale = -1;
    p->events.event = on_event;
    struct env env = {.context = p,
                      .mono_ns = env_clock,
                      .wall_ns = env_wall,
                      .random = env_random,
                      .alloc = env_alloc,
                      .release = env_release};
    p->stack = stack_new(config, &env);
    ck_assert_ptr_nonnull(p->stack);
    stack_listen(p->stack, &p->events);
    stack_advance(p->stack, p->now);

    /* They get to know each other. */
    struct wire_arp ask = {.op = 1, .spa = PEER_ADDR, .tpa = PEER_STACK_ADDR};
    memcpy(ask.sha, peer_mac, 6);
    give(p, frame, wire_emit_arp(frame, broadcast, &ask));
    poll_stack(p);
    peer_skip(p);
    return p;
}

struct peer *peer_new(void)
{
    struct stack_config config;
    peer_config(&config);
    return peer_new_with(&config, 1000000 * MS);
}

/* ISN = M + F(tuple), and M ticks once in 4 us (RFC 9293, 3.4.1): what the number is at one time
 * says at what time it is another. */
struct peer *peer_new_at_iss(uint32_t iss, bool active)
{
    struct stack_config config;
    const int64_t tick_ns = 4000, began = 1000000 * MS;
    uint32_t first = 0;

    peer_config(&config);
    for (int turn = 0; turn < 2; turn++) {
        struct peer *p = peer_new_with(&config, began + (int64_t)(iss - first) * tick_ns * turn);
        p->local_port = 50001;
        if (turn == 1)
            return p;
        if (active) {
            peer_connect(p);
        } else {
            peer_listen(p, 1);
            peer_flow_new(p);
            peer_syn(p);
        }
        first = p->flow->iss;
        peer_free(p);
    }
    return NULL;
}

void peer_free_now(struct peer *p)
{
    struct stack_usage u = peer_usage(p);

    if (u.frames || u.send_chunks || u.connections || u.listeners || u.sockets || u.timers ||
        u.tunings || u.senders || u.ranges || u.epoll_items || u.islands)
        broken(p, NULL, 0,
               "left behind: %llu frames, %llu chunks, %llu connections, %llu listeners, %llu "
               "sockets, "
               "%llu timers, %llu islands",
               (unsigned long long)u.frames, (unsigned long long)u.send_chunks,
               (unsigned long long)u.connections, (unsigned long long)u.listeners,
               (unsigned long long)u.sockets, (unsigned long long)u.timers,
               (unsigned long long)u.islands);
    peer_drop(p);
}

void peer_drop(struct peer *p)
{
    stack_unlisten(p->stack, &p->events);
    stack_free(p->stack);
    ck_assert_uint_eq(p->memory, 0);
    for (int i = 0; i < p->flow_count; i++)
        wire_flow_free(&p->flows[i]);
    free(p);
}

void peer_free(struct peer *p)
{
    const int64_t hour = 3600 * 1000;

    peer_poll(p);
    note(p, "the end: every socket is closed");
    for (int i = 0; i < p->sock_count; i++)
        sock_close(p->stack, p->socks[i]);
    for (int i = 0; i < 40; i++) {
        peer_wait(p, hour / 10);
        peer_skip(p);
    }
    peer_free_now(p);
}

/* --- connections
 * ------------------------------------------------------------------------------------------- */

struct wire_flow *peer_flow_new(struct peer *p)
{
    struct wire_flow *flow = add_flow(p);

    flow->our_addr = PEER_STACK_ADDR;
    flow->their_addr = PEER_ADDR;
    flow->our_port = PEER_STACK_PORT;
    flow->their_port = p->port++;
    flow->irs = p->iss;
    p->iss += 0x01234567;
    return flow;
}

struct wire_flow *peer_flow_again(struct peer *p, uint32_t iss)
{
    struct wire_flow old = *p->flow, *flow = add_flow(p);

    flow->our_addr = old.our_addr;
    flow->their_addr = old.their_addr;
    flow->our_port = old.our_port;
    flow->their_port = old.their_port;
    flow->irs = iss;
    return flow;
}

void peer_flows_forget(struct peer *p)
{
    peer_skip(p);
    for (int i = 0; i < p->flow_count; i++)
        wire_flow_free(&p->flows[i]);
    p->flow_count = 0;
    p->flow = NULL;
}

void peer_syn(struct peer *p)
{
    peer_send(p, "S", 0, 0, 0);
}

int peer_own(struct peer *p, int s)
{
    if (s < 0)
        broken(p, NULL, 0, "no socket: %d", s);
    ck_assert_int_lt(p->sock_count, PEER_SOCKS);
    p->socks[p->sock_count++] = s;
    return s;
}

int peer_socket(struct peer *p)
{
    return peer_own(p, sock_socket(p->stack, AF_INET, SOCK_STREAM, 0));
}

int peer_listen(struct peer *p, int backlog)
{
    int s = peer_socket(p);
    struct endpoint any = {.port = PEER_STACK_PORT};
    int on = 1;

    ck_assert_int_eq(sock_setsockopt(p->stack, s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    ck_assert_int_eq(sock_bind(p->stack, s, any), 0);
    ck_assert_int_eq(sock_listen(p->stack, s, backlog), 0);
    return s;
}

int peer_accept(struct peer *p, int listener)
{
    struct endpoint remote;
    int s = sock_accept(p->stack, listener, &remote, NULL);

    if (s < 0)
        broken(p, NULL, 0, "sock_accept() said %d", s);
    return peer_own(p, s);
}

int peer_connect(struct peer *p)
{
    int s = peer_socket(p);

    if (p->local_port) {
        struct endpoint local = {.port = p->local_port};
        ck_assert_int_eq(sock_bind(p->stack, s, local), 0);
    }
    ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(PEER_ADDR, PEER_STACK_PORT), NULL),
                     -EINPROGRESS);
    peer_poll(p);
    peer_expect(p, "S", 0, 0, 0);
    return s;
}

int peer_establish_passive(struct peer *p)
{
    int listener = peer_listen(p, 1);

    peer_flow_new(p);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    peer_expect_nothing(p);
    int s = peer_accept(p, listener);
    peer_close(p, listener);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    return s;
}

int peer_establish_active(struct peer *p)
{
    int s = peer_connect(p);

    peer_send(p, "S.", 0, 1, 0);
    peer_expect(p, ".", 1, 1, 0);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    return s;
}

static int drive_half_open(struct peer *p, bool active)
{
    if (!active) {
        int listener = peer_listen(p, 8);
        peer_flow_new(p);
        peer_syn(p);
        peer_expect(p, "S.", 0, 1, 0);
        return listener;
    }
    int s = peer_connect(p);
    peer_send(p, "S", 0, 0, 0);
    peer_expect(p, "S.", 0, 1, 0);
    return s;
}

int peer_drive(struct peer *p, enum tcp_state state, bool active)
{
    if (state == TCPS_LISTEN)
        return peer_listen(p, 8);
    if (state == TCPS_SYN_SENT)
        return peer_connect(p);
    if (state == TCPS_SYN_RECEIVED)
        return drive_half_open(p, active);

    int s = active ? peer_establish_active(p) : peer_establish_passive(p);
    bool they_first = state == TCPS_CLOSE_WAIT || state == TCPS_LAST_ACK;
    bool we_close = state != TCPS_ESTABLISHED && state != TCPS_CLOSE_WAIT;
    if (they_first) {
        peer_send(p, "F.", 1, 1, 0);
        peer_expect(p, ".", 1, 2, 0);
    }
    if (we_close) {
        peer_shutdown(p, s, SHUT_WR);
        peer_expect(p, "F.", 1, they_first ? 2 : 1, 0);
    }
    if (state == TCPS_FIN_WAIT_2 || state == TCPS_TIME_WAIT)
        peer_send(p, ".", 1, 2, 0);
    if (state == TCPS_CLOSING || state == TCPS_TIME_WAIT) {
        peer_send(p, "F.", 1, state == TCPS_CLOSING ? 1 : 2, 0);
        peer_expect(p, ".", 2, 2, 0);
    }
    peer_expect_nothing(p);
    ck_assert_int_eq(peer_state_of(p, s), state);
    return s;
}

uint32_t peer_snd_nxt(const struct peer *p)
{
    return p->flow->sent_to - p->flow->iss;
}

uint32_t peer_snd_una(const struct peer *p)
{
    return p->flow->acked_to - p->flow->iss;
}

uint32_t peer_rcv_nxt(const struct peer *p)
{
    return p->flow->last_ack - p->flow->irs;
}

uint32_t peer_rcv_wnd(const struct peer *p)
{
    return p->flow->window;
}

struct sock_info peer_info(struct peer *p, int s)
{
    struct sock_info info;
    int err = sock_info(p->stack, s, &info);

    if (err)
        broken(p, NULL, 0, "sock_info() said %d", err);
    return info;
}

enum tcp_state peer_state_of(struct peer *p, int s)
{
    peer_poll(p);
    return peer_info(p, s).facts.state;
}

struct stack_usage peer_usage(struct peer *p)
{
    struct stack_usage usage;
    stack_usage(p->stack, &usage);
    return usage;
}

uint64_t peer_drops(struct peer *p, enum drop drop)
{
    struct stack_counters c;
    stack_counters(p->stack, &c);
    return c.drops[drop];
}

uint64_t peer_counter(struct peer *p, enum counter counter)
{
    struct stack_counters c;
    stack_counters(p->stack, &c);
    return c.events[counter];
}

/* --- the application
 * ----------------------------------------------------------------------------------------- */

uint8_t peer_octet(uint32_t at)
{
    return (uint8_t)(at * 31 + (at >> 8) * 7 + (at >> 16) * 3 + 5);
}

void peer_app_send(struct peer *p, int s, uint32_t len)
{
    uint8_t text[4096];

    for (uint32_t done = 0; done < len;) {
        uint32_t n = len - done < sizeof(text) ? len - done : (uint32_t)sizeof(text);
        for (uint32_t i = 0; i < n; i++)
            text[i] = peer_octet(p->app_sent + i);
        ssize_t took = sock_send(p->stack, s, text, n, 0, NULL);
        if (took != (ssize_t)n)
            broken(p, NULL, 0, "sock_send() of %u octets said %zd", n, took);
        p->app_sent += n;
        done += n;
    }
}

void peer_app_read(struct peer *p, int s, uint32_t len)
{
    uint8_t text[4096];

    for (uint32_t done = 0; done < len;) {
        uint32_t want = len - done < sizeof(text) ? len - done : (uint32_t)sizeof(text);
        ssize_t got = sock_recv(p->stack, s, text, want, 0, NULL);
        if (got <= 0)
            broken(p, NULL, 0, "sock_recv() said %zd after %u octets of %u", got, done, len);
        for (ssize_t i = 0; i < got; i++) {
            if (text[i] != peer_octet(p->app_read))
                broken(p, NULL, 0, "octet %u of the stream is wrong", p->app_read);
            p->app_read++;
        }
        done += (uint32_t)got;
    }
}

ssize_t peer_recv_result(struct peer *p, int s)
{
    uint8_t text[16];
    ssize_t got = sock_recv(p->stack, s, text, sizeof(text), 0, NULL);

    if (got > 0)
        broken(p, NULL, 0, "sock_recv() gave %zd octets that nobody expected", got);
    return got;
}

int peer_so_error(struct peer *p, int s)
{
    int error = -1;
    socklen_t len = sizeof(error);

    ck_assert_int_eq(sock_getsockopt(p->stack, s, SOL_SOCKET, SO_ERROR, &error, &len), 0);
    return error;
}

void peer_close(struct peer *p, int s)
{
    ck_assert_int_eq(sock_close(p->stack, s), 0);
    peer_poll(p);
}

void peer_abort(struct peer *p, int s)
{
    struct linger linger = {.l_onoff = 1};

    ck_assert_int_eq(sock_setsockopt(p->stack, s, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)),
                     0);
    peer_close(p, s);
}

void peer_shutdown(struct peer *p, int s, int how)
{
    int err = sock_shutdown(p->stack, s, how);

    if (err)
        broken(p, NULL, 0, "sock_shutdown() said %d", err);
    peer_poll(p);
}

void peer_no_delay(struct peer *p, int s)
{
    int on = 1;
    ck_assert_int_eq(sock_setsockopt(p->stack, s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
}

int peer_set(struct peer *p, int s, int level, int option, int value)
{
    return sock_setsockopt(p->stack, s, level, option, &value, sizeof(value));
}

int peer_get(struct peer *p, int s, int level, int option)
{
    int value = -12345;
    socklen_t len = sizeof(value);

    ck_assert_int_eq(sock_getsockopt(p->stack, s, level, option, &value, &len), 0);
    ck_assert_uint_eq(len, sizeof(value));
    return value;
}
