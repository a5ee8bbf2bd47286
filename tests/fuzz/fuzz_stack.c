/*
 * fuzz_stack.c - a whole stack against an input that is a program: segments, frames, socket calls,
 * time jumps, a device that is full, memory that runs out.
 *
 * So that inputs get deep, most of what they send is a segment whose numbers are near those that
 * the stack believes, with right checksums; the rest are frames of any octets, whose sums are made
 * right as well. One octet chooses the act, the following ones its details.
 *
 * Asserted, after each act: every received frame is accounted for; each frame that leaves is
 * well-formed and right for its connection (support/wire.h); no reset answers a reset; the deadline
 * is in the future. Of the text: what the application reads is what the place in the stream says,
 * whatever came in what order. In the end, when everything is closed and time has passed: nothing
 * is left, and every octet of memory has come back.
 */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tapio/sock.h>
#include <tapio/tapio.h>

#include "base/base.h"
#include "stack/stack.h"
#include "support/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FLOWS = 24, SOCKS = 16, OUR_ADDR = 0x0a090002, THEIR_ADDR = 0x0a090001, HOUR_S = 3600 };
enum { ECN_FLAGS = WIRE_ECE | WIRE_CWR };

struct fuzz {
    struct stack *stack;
    instant now;
    const uint8_t *at, *end;

    struct wire_flow flows[FLOWS];
    uint32_t syns[FLOWS]
                 [8]; /* the numbers of the last SYNs to each: which one counts, our ACK says */
    uint8_t syn_count[FLOWS];
    int flow_count;
    bool dirty; /* not all that went to and fro is known: what is sent and read proves nothing */
    int socks[SOCKS];
    int sock_count;
    uint64_t read[SOCKS]; /* octets of its stream that a socket has read */
    bool deaf, was_deaf;  /* nobody answers for an address; or did not, once */
    int refuse;           /* so many frames the device does not take */
    uint32_t port;

    struct event_sink events;
    uint64_t calls, fail_from, fail_count, blocks, octets;
    uint64_t random;
};

static const uint8_t their_mac[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t our_mac[6] = {2, 0, 0x5e, 0x10, 0, 1};

/* -DFUZZ_TRACE tells what an input does. */
#ifdef FUZZ_TRACE
#define TRACE(...) fprintf(stderr, __VA_ARGS__)
#else
#define TRACE(...) ((void)0)
#endif

static void trace_tcp(const char *way, const struct wire_tcp *t)
{
    TRACE("%s %u > %u flags %02x seq %08x ack %08x win %u len %zu\n", way, t->src_port, t->dst_port,
          t->flags, t->seq, t->ack, t->window, t->text.len);
    (void)way, (void)t;
}

static void broken(const char *what)
{
    fprintf(stderr, "fuzz_stack: %s\n", what);
    abort();
}

static void trace_event(struct event_sink *sink, const struct event *event)
{
    (void)sink;
    if (event->type == EVENT_STATE)
        TRACE("    %s -> %s: %s\n", tcp_state_name(event->state.from),
              tcp_state_name(event->state.to), event->state.cause);
}

static void must(bool condition, const char *what)
{
    if (!condition)
        broken(what);
}

/* --- the input
 * --------------------------------------------------------------------------------------- */

static uint8_t next8(struct fuzz *f)
{
    return f->at < f->end ? *f->at++ : 0;
}

static uint16_t next16(struct fuzz *f)
{
    uint8_t high = next8(f);
    return (uint16_t)(high << 8 | next8(f));
}

static struct bytes next_bytes(struct fuzz *f, size_t len)
{
    size_t left = (size_t)(f->end - f->at);
    struct bytes b = {f->at, len < left ? len : left};
    f->at += b.len;
    return b;
}

/* --- the world
 * ------------------------------------------------------------------------------------------ */

static int64_t clock_ns(void *context)
{
    return ((struct fuzz *)context)->now.ns;
}

static int random_octets(void *context, void *octets, size_t len)
{
    struct fuzz *f = context;
    uint8_t *out = octets;

    for (size_t i = 0; i < len; i++) {
        f->random = f->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        out[i] = (uint8_t)(f->random >> 56);
    }
    return 0;
}

static void *world_alloc(void *context, size_t len)
{
    struct fuzz *f = context;
    uint64_t call = f->calls++;

    if (call >= f->fail_from && call - f->fail_from < f->fail_count)
        return NULL;
    void *octets = malloc(len);
    if (!octets)
        abort();
    memset(octets, 0xa5, len < 4096 ? len : 4096);
    f->blocks++;
    f->octets += len;
    return octets;
}

static void world_release(void *context, void *octets, size_t len)
{
    struct fuzz *f = context;
    f->blocks--;
    f->octets -= len;
    free(octets);
}

/* What every stream says at a sequence number, theirs and ours. */
static uint8_t octet_at(uint32_t seq)
{
    return (uint8_t)(seq * 31 + (seq >> 8) * 7 + (seq >> 16));
}

/* --- what leaves
 * -------------------------------------------------------------------------------------------- */

struct sink {
    struct frame_sink sink;
    struct fuzz *f;
    struct wire_arp asked[4];
    int asked_count;
    int resets;
};

static struct wire_flow *flow_of(struct fuzz *f, const struct wire_tcp *t)
{
    for (int i = 0; i < f->flow_count; i++) {
        if (wire_flow_is(&f->flows[i], t))
            return &f->flows[i];
    }
    return NULL;
}

static struct wire_flow *flow_new(struct fuzz *f, uint16_t our_port, uint32_t their_addr,
                                  uint16_t their_port)
{
    struct wire_flow *flow = &f->flows[f->flow_count < FLOWS ? f->flow_count++ : FLOWS - 1];

    wire_flow_free(flow);
    *flow = (struct wire_flow){.our_addr = OUR_ADDR,
                               .their_addr = their_addr,
                               .our_port = our_port,
                               .their_port = their_port,
                               .irs = 0x7ffff000 + (uint32_t)f->flow_count * 0x10001000,
                               .lenient = true};
    return flow;
}

/* The SYN that `ack` acknowledges, and perhaps text behind it. */
static uint32_t irs_of(const struct fuzz *f, const struct wire_flow *flow, uint32_t ack)
{
    size_t n = (size_t)(flow - f->flows);
    uint32_t irs = ack - 1;

    for (size_t i = 0, best = 4096; i < 8 && i < f->syn_count[n]; i++) {
        if (ack - 1 - f->syns[n][i] < best) {
            irs = f->syns[n][i];
            best = ack - 1 - irs;
        }
    }
    return irs;
}

/* The same four-tuple with another number: another life. Which of their SYNs began it, our ACK
 * says. */
static void new_life(struct wire_flow *flow, const struct wire_tcp *t)
{
    struct wire_flow old = *flow;

    free(flow->said);
    *flow = (struct wire_flow){.our_addr = old.our_addr,
                               .their_addr = old.their_addr,
                               .our_port = old.our_port,
                               .their_port = old.their_port,
                               .irs = t->flags & WIRE_ACK ? t->ack - 1 : old.irs,
                               .they_sent_syn = old.they_sent_syn,
                               .they_scale = old.they_scale,
                               .their_shift = old.their_shift,
                               .their_mss = old.their_mss,
                               .they_set_up = old.they_set_up,
                               .edge_exempt = old.edge_exempt,
                               .lenient = true};
}

static void leave_tcp(struct fuzz *f, struct sink *sink, const struct wire_tcp *t)
{
    struct wire_flow *flow = flow_of(f, t);

    trace_tcp("<-", t);
    if (t->flags & WIRE_RST)
        sink->resets++;
    if (!flow) {
        if (t->flags & WIRE_RST || f->dirty || f->flow_count == FLOWS)
            return;
        must((t->flags & ~ECN_FLAGS) == WIRE_SYN, "a segment of a connection that nobody opened");
        flow = flow_new(f, t->src_port, t->ip_dst, t->dst_port);
    }
    /* Two lives within 4 us have the same ISS. */
    bool another = !flow->we_sent_syn || flow->iss != t->seq ||
                   (t->flags & WIRE_ACK &&
                    (flow->irs != t->ack - 1 || (flow->we_acked && flow->last_ack != t->ack)));
    if (t->flags & WIRE_SYN && another)
        new_life(flow, t);
    if (t->flags & WIRE_ACK && !(t->flags & WIRE_RST) && !flow->we_acked)
        flow->irs = irs_of(f, flow, t->ack);
    struct stack_counters counters;
    stack_counters(f->stack, &counters);
    if (counters.events[COUNTER_ARP_QUEUE_DROP])
        f->dirty = true; /* not all that was sent has come here */
    if (f->dirty)
        flow->edge_exempt = true;
    if (!flow->we_sent_syn && !(t->flags & WIRE_SYN) && f->fail_from != UINT64_MAX)
        return; /* the <SYN,ACK> waited for an address and was lost there for want of memory */
    const char *problem = wire_flow_out(flow, t);
    /* Without memory, what waits for an address is lost as on a wire. */
    if (problem && counters.events[COUNTER_MEM_FAIL] && strstr(problem, "gap"))
        f->dirty = true;
    if (problem && !f->dirty)
        broken(problem);
}

static int leave(struct frame_sink *base, const struct frame_meta *meta, const struct iovec *iov,
                 int iovcnt, instant now)
{
    struct sink *sink = (struct sink *)(void *)base;
    struct fuzz *f = sink->f;
    static uint8_t frame[WIRE_FRAME_MAX];
    struct wire_tcp tcp;
    struct wire_arp arp;
    const char *problem;
    size_t len = 0;

    if (f->refuse > 0) {
        f->refuse--;
        return -EAGAIN;
    }
    must(now.ns == f->now.ns && meta->flags == 0 && meta->gso_type == FRAME_GSO_NONE, "meta");
    for (int i = 0; i < iovcnt; i++) {
        must(len + iov[i].iov_len <= sizeof(frame), "a frame that is too long");
        if (iov[i].iov_len)
            memcpy(frame + len, iov[i].iov_base, iov[i].iov_len);
        len += iov[i].iov_len;
    }
    must(len <= 14 + 1500, "a frame above the MTU");
    enum wire_kind kind = wire_parse(frame, len, &tcp, &arp, &problem);
    if (problem)
        broken(problem);
    must(memcmp(tcp.eth_src, our_mac, 6) == 0, "a source that is not ours");
    if (kind == WIRE_TCP) {
        must(tcp.ip_src == OUR_ADDR && tcp.ttl == 64, "address or TTL");
        leave_tcp(f, sink, &tcp);
    } else if (kind == WIRE_ARP && arp.op == 1 && arp.spa != arp.tpa && sink->asked_count < 4) {
        sink->asked[sink->asked_count++] = arp;
    }
    return 0;
}

static void check_books(struct fuzz *f)
{
    struct stack_counters c;
    uint64_t ends;

    stack_counters(f->stack, &c);
    ends = c.consumed + c.held;
    for (int i = 0; i < DROP_COUNT; i++)
        ends += c.drops[i];
    must(c.received == ends, "a received frame is unaccounted for");
    uint32_t conn;
    const char *wrong = stack_check_invariants(f->stack, &conn);
    must(!wrong, wrong);
}

static void give(struct fuzz *f, const uint8_t *frame, size_t len)
{
    uint8_t *exact = malloc(len ? len : 1);

    if (!exact)
        abort();
    memcpy(exact, frame, len);
    stack_input(f->stack, (struct bytes){exact, len}, &(struct frame_meta){0}, f->now);
    free(exact);
    check_books(f);
}

static int let_out(struct fuzz *f)
{
    struct sink sink = {.sink = {.send = leave}, .f = f};
    uint8_t reply[WIRE_FRAME_MAX];

    for (int turn = 0; turn < 8; turn++) {
        sink.asked_count = 0;
        int err = stack_output(f->stack, &sink.sink, f->now);
        must(err == 0 || err == -EAGAIN, "stack_output()");
        check_books(f);
        if (sink.asked_count == 0 || f->deaf)
            break;
        for (int i = 0; i < sink.asked_count; i++) {
            struct wire_arp answer = {.op = 2, .spa = sink.asked[i].tpa, .tpa = sink.asked[i].spa};
            memcpy(answer.sha, their_mac, 6);
            memcpy(answer.tha, sink.asked[i].sha, 6);
            give(f, reply, wire_emit_arp(reply, answer.tha, &answer));
        }
    }
    return sink.resets;
}

static void pass_time(struct fuzz *f, int64_t ns, int steps)
{
    int64_t end = f->now.ns + ns;

    TRACE("%lld ms pass\n", (long long)ns / 1000000);

    for (int i = 0; i < steps && f->now.ns < end; i++) {
        instant next = stack_deadline(f->stack);
        f->now.ns = next.ns < end ? (next.ns > f->now.ns ? next.ns : f->now.ns) : end;
        stack_advance(f->stack, f->now);
        must(stack_deadline(f->stack).ns > f->now.ns, "the deadline stays in the past");
        let_out(f);
    }
    if (f->now.ns < end) {
        f->now.ns = end; /* a jump: the timers between are late */
        stack_advance(f->stack, f->now);
        let_out(f);
    }
}

/* --- what comes in
 * ---------------------------------------------------------------------------------------------- */

static struct wire_flow *choose_flow(struct fuzz *f, uint8_t choice)
{
    if (f->flow_count == 0 || (choice % 8 == 7 && f->flow_count < FLOWS))
        return flow_new(f, choice % 16 == 15 ? 81 : 80, THEIR_ADDR, (uint16_t)(40000 + f->port++));
    return &f->flows[choice % f->flow_count];
}

/* A number near the edges of what counts. */
static uint32_t choose_number(struct fuzz *f, uint8_t choice, uint32_t low, uint32_t high)
{
    switch (choice % 8) {
    case 0:
        return high;
    case 1:
        return low;
    case 2:
        return high + 1;
    case 3:
        return low - 1;
    case 4:
        return high + next8(f);
    case 5:
        return low - next8(f);
    case 6:
        return low + next16(f);
    default:
        return (uint32_t)next16(f) << 16 | next16(f);
    }
}

static void send_segment(struct fuzz *f)
{
    static const uint8_t usual[16] = {WIRE_ACK,
                                      WIRE_ACK | WIRE_ECE,
                                      WIRE_ACK | WIRE_PSH,
                                      WIRE_ACK | WIRE_PSH | WIRE_CWR,
                                      WIRE_SYN,
                                      WIRE_SYN | WIRE_ECE | WIRE_CWR,
                                      WIRE_SYN | WIRE_ACK,
                                      WIRE_FIN | WIRE_ACK,
                                      WIRE_FIN | WIRE_ACK,
                                      WIRE_RST,
                                      WIRE_RST | WIRE_ACK,
                                      WIRE_ACK,
                                      WIRE_FIN | WIRE_PSH | WIRE_ACK,
                                      WIRE_ACK | WIRE_URG,
                                      0,
                                      WIRE_ACK};
    static uint8_t frame[WIRE_FRAME_MAX], text[2048];
    uint8_t which = next8(f), how = next8(f), where = next8(f);
    struct wire_flow *flow = choose_flow(f, which);
    uint32_t rcv_nxt = flow->we_acked ? flow->last_ack : flow->irs;
    struct wire_tcp t = {
        .ip_src = flow->their_addr,
        .ip_dst = OUR_ADDR,
        .src_port = flow->their_port,
        .dst_port = flow->our_port,
        .flags = usual[how & 15],
        .ecn = which >> 6,
        .window = how & 0x40 ? next16(f) : 65535,
    };

    if (how & 0x80)
        t.flags = next8(f);
    memcpy(t.eth_src, their_mac, 6);
    memcpy(t.eth_dst, our_mac, 6);
    t.seq = choose_number(f, where & 7, rcv_nxt, rcv_nxt);
    if (t.flags & WIRE_SYN && where % 8 == 0)
        t.seq = flow->irs;
    if (t.flags & WIRE_ACK)
        t.ack = choose_number(f, where >> 3 & 7, flow->acked_to, flow->sent_to);
    if (where & 0x40 && t.flags != WIRE_RST)
        t.text = (struct bytes){text, where & 0x80 ? next16(f) % 1461 : next8(f)};
    for (size_t i = 0; i < t.text.len; i++)
        text[i] = octet_at(t.seq + (uint32_t)i + !!(t.flags & WIRE_SYN));
    uint8_t options[40] = {2, 4, 5, 0xb4, 1, 3, 3, 7};
    if (how & 0x10 && !(how & 0x20)) { /* a peer with timestamps and SACK */
        static const uint8_t syn[20] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0,
                                        0, 0, 0, 0,    0, 0, 1, 3,  3, 7};
        static const uint8_t text_has[12] = {1, 1, 8, 10};
        bool opens = t.flags & WIRE_SYN;
        memcpy(options, opens ? syn : text_has, opens ? sizeof(syn) : sizeof(text_has));
        options[opens ? 11 : 7] = next8(f);
        options[opens ? 15 : 11] = where;
        t.options = (struct bytes){options, opens ? sizeof(syn) : sizeof(text_has)};
        t.has_mss = t.has_scale = opens;
        t.mss = 1460;
        t.scale = 7;
    } else if (t.flags & WIRE_SYN) {
        t.options = (struct bytes){options, how & 0x20 ? 8 : 4};
        t.has_mss = true;
        t.mss = 1460;
        t.has_scale = how & 0x20;
        t.scale = 7;
    } else if (how & 0x20) {
        struct bytes raw = next_bytes(f, 1 + next8(f) % 40);
        memcpy(options, raw.at, raw.len);
        t.options = (struct bytes){options, raw.len};
    }
    for (int i = 0; i < 32 && f->refuse; i++)
        let_out(f);
    let_out(f); /* what it owed before is gone, unless it waits for an address */
    bool alone = !f->deaf && !f->was_deaf;
    size_t n = (size_t)(flow - f->flows);
    if (t.flags & WIRE_SYN)
        f->syns[n][f->syn_count[n]++ % 8] = t.seq;
    wire_flow_in(flow, &t);
    if (!flow->we_sent_syn && (t.flags & ~ECN_FLAGS) == WIRE_SYN)
        flow->irs = t.seq;
    trace_tcp("->", &t);
    give(f, frame, wire_emit(frame, &t));
    int resets = let_out(f);
    must(!(alone && t.flags & WIRE_RST && resets), "a reset was answered with a reset");
}

static void send_frame(struct fuzz *f)
{
    static uint8_t frame[2048];
    uint8_t how = next8(f);
    struct bytes raw = next_bytes(f, how & 1 ? next16(f) % 2000 : next8(f));

    memset(frame, 0, sizeof(frame));
    memcpy(frame, our_mac, 6);
    memcpy(frame + 6, their_mac, 6);
    frame[12] = 8;
    frame[13] = how & 8 ? 6 : 0;
    size_t len = raw.len;
    if (how & 2) { /* whole */
        if (raw.len)
            memcpy(frame, raw.at, raw.len);
    } else { /* behind an Ethernet header and, perhaps, one of IPv4 */
        size_t header = how & 4 ? 14 : 34;
        if (raw.len)
            memcpy(frame + header, raw.at, raw.len);
        if (header == 34) {
            static const uint8_t ip[20] = {0x45, 0, 0,  0, 0, 0, 0x40, 0, 64, 6,
                                           0,    0, 10, 9, 0, 1, 10,   9, 0,  2};
            memcpy(frame + 14, ip, 20);
            frame[16] = (uint8_t)((20 + raw.len) >> 8);
            frame[17] = (uint8_t)(20 + raw.len);
            if (how & 16)
                frame[23] = 1;
        }
        len += header;
    }
    wire_fix_checksums(frame, len);
    TRACE("-> %zu octets\n", len);
    f->dirty = true;
    give(f, frame, len);
    let_out(f);
}

/* --- the applications
 * -------------------------------------------------------------------------------------------------
 */

static void own(struct fuzz *f, int s)
{
    if (s < 0)
        return;
    if (f->sock_count == SOCKS) {
        sock_close(f->stack, s);
        return;
    }
    f->read[f->sock_count] = 0;
    f->socks[f->sock_count++] = s;
}

static struct wire_flow *flow_of_sock(struct fuzz *f, int s)
{
    struct endpoint local, remote;

    if (sock_getsockname(f->stack, s, &local) || sock_getpeername(f->stack, s, &remote))
        return NULL;
    const uint8_t *o = remote.addr.octet;
    struct wire_tcp t = {.ip_src = OUR_ADDR,
                         .ip_dst = (uint32_t)o[12] << 24 | (uint32_t)o[13] << 16 |
                                   (uint32_t)o[14] << 8 | o[15],
                         .src_port = local.port,
                         .dst_port = remote.port};
    return flow_of(f, &t);
}

static void read_text(struct fuzz *f, int i, size_t len, int flags)
{
    static uint8_t text[65536];
    ssize_t got = sock_recv(f->stack, f->socks[i], text, len, flags, NULL);

    must(got <= (ssize_t)len, "more was read than asked for");
    if (got <= 0)
        return;
    struct wire_flow *flow = flow_of_sock(f, f->socks[i]);
    if (flow && !f->dirty && f->flow_count < FLOWS) {
        uint32_t seq = flow->irs + 1 + (uint32_t)f->read[i];
        for (ssize_t k = 0; k < got; k++)
            must(text[k] == octet_at(seq + (uint32_t)k), "the stream is not what was sent");
    }
    if (!(flags & MSG_PEEK))
        f->read[i] += (uint64_t)got;
}

/* Any option but those that change what each frame must look like, with any value. */
static void set_option(struct fuzz *f, int s)
{
    static const int options[][2] = {
        {SOL_SOCKET, SO_KEEPALIVE},      {SOL_SOCKET, SO_LINGER},
        {SOL_SOCKET, SO_RCVTIMEO},       {SOL_SOCKET, SO_PRIORITY},
        {IPPROTO_TCP, TCP_CORK},         {IPPROTO_TCP, TCP_MAXSEG},
        {IPPROTO_TCP, TCP_KEEPIDLE},     {IPPROTO_TCP, TCP_KEEPINTVL},
        {IPPROTO_TCP, TCP_KEEPCNT},      {IPPROTO_TCP, TCP_SYNCNT},
        {IPPROTO_TCP, TCP_LINGER2},      {IPPROTO_TCP, TCP_DEFER_ACCEPT},
        {IPPROTO_TCP, TCP_QUICKACK},     {IPPROTO_TCP, TCP_WINDOW_CLAMP},
        {IPPROTO_TCP, TCP_USER_TIMEOUT}, {IPPROTO_TCP, 25 /* TCP_NOTSENT_LOWAT */},
        {IPPROTO_TCP, 36 /* TCP_INQ */}, {IPPROTO_IP, IP_MTU_DISCOVER},
        {IPPROTO_IPV6, IPV6_V6ONLY},     {IPPROTO_TCP, TCP_INFO},
    };
    const int *option = options[next8(f) % ARRAY_LEN(options)];
    int64_t value[2] = {(int16_t)next16(f), 0};
    struct sock_tcp_info info;
    socklen_t len = next8(f);

    int err = sock_setsockopt(f->stack, s, option[0], option[1], value, sizeof(value));
    TRACE("  option %d %d says %d\n", option[0], option[1], err);
    err = sock_getsockopt(f->stack, s, option[0], option[1], &info,
                          &(socklen_t){len < sizeof(info) ? len : sizeof(info)});
    (void)err;
}

/* Epoll sets are sockets among the others. */
static void epoll(struct fuzz *f, int s, uint8_t how)
{
    struct epoll_event events[4] = {{.events = next8(f)}};

    if (how & 4)
        events[0].events |= EPOLLET;
    if (how & 2)
        events[0].events |= EPOLLONESHOT;
    int other = f->sock_count ? f->socks[next8(f) % f->sock_count] : -1;
    int err = sock_epoll_ctl(f->stack, s, 1 + next8(f) % 4, other, events);
    int n = sock_epoll_wait(f->stack, s, events, 4, 0, NULL);
    must(n <= 4 && (n > 0) <= (sock_poll(f->stack, s) >= 0), "sock_epoll_wait()");
    (void)err;
}

/* The calls that are not about one socket's stream. */
static void other_call(struct fuzz *f, int i, int s, uint8_t how)
{
    struct sock_pollfd fds[2] = {{.s = s, .events = 0x7fff}, {.s = next8(f), .events = POLLIN}};
    int value = how & 1;

    switch (how & 7) {
    case 0:
        own(f, sock_epoll_create(f->stack, 0));
        break;
    case 1:
        own(f, sock_socket(f->stack, AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0));
        break;
    case 2:
        must(sock_poll_many(f->stack, fds, 2, 0, NULL) <= 2, "sock_poll_many()");
        break;
    case 3:
        if (i >= 0 && sock_disconnect(f->stack, s) == 0)
            f->read[i] = 0;
        break;
    case 4:
        value = sock_fcntl(f->stack, s, F_SETFL, next8(f) & 1 ? O_NONBLOCK : 0);
        break;
    default:
        must(sock_ioctl(f->stack, s, how & 1 ? FIONREAD : SIOCOUTQ, &value) || value >= 0,
             "sock_ioctl()");
        break;
    }
}

static void call(struct fuzz *f)
{
    static uint8_t text[65536];
    uint8_t which = next8(f), how = next8(f);
    int i = f->sock_count ? which % f->sock_count : -1, s = i < 0 ? which : f->socks[i], err = 0;
    struct endpoint end = {.port = how & 1 ? 80 : how & 2 ? 81 : 0};
    struct endpoint there = {.addr = {{[10] = 0xff, [11] = 0xff, 10, 9, 0, 1}},
                             .port = how & 1 ? 80 : 81};
    struct sock_info info;
    short events;
    int value = how & 1;
    struct linger linger = {.l_onoff = how & 1};

    TRACE("call %u of socket %d (%d)\n", how >> 3, i, s);
    switch (how >> 3 & 31) {
    case 0:
        own(f, sock_socket(f->stack, AF_INET, SOCK_STREAM, 0));
        break;
    case 1:
        err = sock_bind(f->stack, s, end);
        break;
    case 2:
        err = sock_listen(f->stack, s, how & 7);
        break;
    case 3:
    case 4:
        own(f, sock_accept(f->stack, s, &end, NULL));
        break;
    case 5:
        err = sock_connect(f->stack, s, there, NULL);
        break;
    case 6:
    case 7:
    case 8: {
        size_t len = how & 4 ? next16(f) : next8(f);
        memset(text, how, len);
        ssize_t took = sock_send(f->stack, s, text, len, how & 2 ? MSG_MORE : 0, NULL);
        TRACE("  %zd of %zu octets\n", took, len);
        must(took <= (ssize_t)len, "more was sent than given");
        break;
    }
    case 9:
    case 10:
    case 11:
        if (i >= 0)
            read_text(f, i, how & 4 ? next16(f) : next8(f), how & 2 ? MSG_PEEK : 0);
        break;
    case 12:
        err = sock_shutdown(f->stack, s, how & 3);
        break;
    case 13:
    case 14:
        if (i >= 0) {
            err = sock_close(f->stack, s);
            must(err == 0 && sock_close(f->stack, s) == -EBADF, "sock_close()");
            f->socks[i] = f->socks[--f->sock_count];
            f->read[i] = f->read[f->sock_count];
        }
        break;
    case 15:
        err = sock_setsockopt(f->stack, s, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value));
        break;
    case 16:
        err = sock_setsockopt(f->stack, s, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
        break;
    case 17:
        err = sock_setsockopt(f->stack, s, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value));
        break;
    case 18:
        value = next16(f) * 16;
        err = sock_setsockopt(f->stack, s, SOL_SOCKET, how & 1 ? SO_RCVBUF : SO_SNDBUF, &value,
                              sizeof(value));
        break;
    case 19: {
        socklen_t len = sizeof(value);
        err = sock_getsockopt(f->stack, s, SOL_SOCKET, SO_ERROR, &value, &len);
        break;
    }
    case 20:
        sock_again(f->stack, s);
        break;
    case 21:
        for (int n = 0; sock_next_ready(f->stack, &events) >= 0; n++)
            must(n < 1000, "the ready list does not end");
        break;
    case 22: /* a server in one act */
        s = sock_socket(f->stack, AF_INET, SOCK_STREAM, 0);
        if (s >= 0) {
            own(f, s);
            end.port = 80;
            err = sock_bind(f->stack, s, end);
            err = sock_listen(f->stack, s, 8);
        }
        break;
    case 23:
    case 24:
    case 25:
        set_option(f, s);
        break;
    case 26:
    case 27:
        epoll(f, s, how);
        break;
    case 28:
    case 29:
        other_call(f, i, s, how);
        break;
    default:
        if (sock_info(f->stack, s, &info) == 0) {
            must(info.facts.state < TCP_STATE_COUNT, "a state that there is not");
            must(sock_poll(f->stack, s) >= 0, "sock_poll()");
        }
        break;
    }
    TRACE("  says %d\n", err);
    (void)err;
    check_books(f);
    if (!(how & 1) || how >> 3 == 22)
        let_out(f);
}

static void act(struct fuzz *f)
{
    uint8_t op = next8(f);

    switch (op % 16) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
        send_segment(f);
        break;
    case 6:
        send_frame(f);
        break;
    case 7:
        pass_time(f, (int64_t)next8(f) * 1000000, 64);
        break;
    case 8:
        pass_time(f, (int64_t)next16(f) * 10000000, op & 0x80 ? 0 : 64);
        break;
    case 9: /* memory fails, soon and for some time */
        f->fail_from = f->calls + (op >> 4);
        f->fail_count = next8(f);
        TRACE("memory fails %u times\n", (unsigned)f->fail_count);
        break;
    case 10:
        f->refuse = op >> 4;
        let_out(f);
        break;
    case 11: /* what waits for an address may be dropped: then nobody has seen all that was sent */
        f->deaf = op & 0x40;
        f->was_deaf = f->was_deaf || f->deaf;
        f->dirty = f->dirty || f->deaf;
        break;
    default:
        call(f);
        break;
    }
}

/* --- begin and end
 * ------------------------------------------------------------------------------------------------------
 */

static bool begin(struct fuzz *f)
{
    struct stack_config config;
    uint8_t how = next8(f);

    stack_config_init(&config);
    memcpy(config.mac.octet, our_mac, 6);
    config.addr[0] = (struct ip_prefix){{{[10] = 0xff, [11] = 0xff, 10, 9, 0, 2}}, 24};
    config.addr_count = 1;
    config.values.tcp_connections = 32;
    config.values.tcp_syn_cache = 6;
    config.values.tcp_listeners = 4;
    config.values.sock_sockets = SOCKS;
    config.values.arp_entries = 8;
    config.values.see_ring = 16;
    config.values.stack_replies = 8;
    config.values.mem_frames = 262144;
    config.values.mem_send = 262144;
    if (how & 1) {
        config.values.tcp_rmem = config.values.tcp_window_first = 4000;
        config.values.tcp_wmem = 8000;
    }
    if (how & 2)
        config.values.tcp_quick_acks = 0;
    if (how & 4)
        config.values.tcp_reorder_memory = 8192;
    if (how & 8)
        config.values.tcp_window_scale = (how >> 4) % 15;
    if ((how >> 4 & 3) < 2)
        config.values.tcp_ecn = how >> 4 & 1;
    f->now.ns = INT64_C(1000000000000);
    f->random = how;
    struct env env = {.context = f,
                      .mono_ns = clock_ns,
                      .wall_ns = clock_ns,
                      .random = random_octets,
                      .alloc = world_alloc,
                      .release = world_release};
    f->fail_from = UINT64_MAX;
    f->stack = stack_new(&config, &env);
    if (!f->stack)
        return false;

    f->events.event = trace_event;
    stack_listen(f->stack, &f->events);

    /* The two know each other. */
    struct wire_arp ask = {.op = 1, .spa = THEIR_ADDR, .tpa = OUR_ADDR};
    uint8_t frame[WIRE_MIN_FRAME];
    stack_advance(f->stack, f->now);
    memcpy(ask.sha, their_mac, 6);
    give(f, frame, wire_emit_arp(frame, our_mac, &ask));
    let_out(f);
    return true;
}

static void finish(struct fuzz *f)
{
    struct stack_usage u;

    f->fail_from = UINT64_MAX;
    f->refuse = 0;
    f->deaf = false;
    while (f->sock_count)
        must(sock_close(f->stack, f->socks[--f->sock_count]) == 0, "sock_close() in the end");
    for (int i = 0; i < 8; i++)
        pass_time(f, HOUR_S * INT64_C(1000000000) / 4, 4000);
    stack_usage(f->stack, &u);
    must(u.connections == 0, "a connection is left");
    must(u.sockets == 0 && u.listeners == 0, "a socket is left");
    must(u.timers == 0, "a timer is left");
    must(u.senders == 0 && u.ranges == 0, "a scoreboard is left");
    must(u.tunings == 0 && u.epoll_items == 0, "an option or an epoll item is left");
    must(u.frames == 0 && u.send_chunks == 0 && u.islands == 0, "text is left");
    stack_free(f->stack);
    must(f->blocks == 0 && f->octets == 0, "memory is left");
    for (int i = 0; i < f->flow_count; i++)
        wire_flow_free(&f->flows[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzz f;

    memset(&f, 0, sizeof(f));
    f.at = data;
    f.end = data + size;
    if (!begin(&f))
        broken("no stack");
    for (int i = 0; i < 400 && f.at < f.end; i++)
        act(&f);
    finish(&f);
    return 0;
}
