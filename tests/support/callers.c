/* callers.c - see callers.h. */
#include "support/callers.h"

#include <errno.h>
#include <linux/tcp.h> /* netinet/tcp.h has a tcp_seq of its own */
#include <netinet/in.h>

#include "base/base.h"
#include "base/checksum.h"
#include "base/instant.h"
#include "ip/ip_family.h"
#include "stack/stack.h"

static int some_random(void *context, void *octets, size_t len)
{
    struct callers *c = CONTAINER_OF(context, struct callers, memory);

    for (size_t i = 0; i < len; i++) {
        c->random = c->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        ((uint8_t *)octets)[i] = (uint8_t)(c->random >> 56);
    }
    return 0;
}

static int hear(struct frame_sink *sink, const struct frame_meta *meta, const struct iovec *iov,
                int iovcnt, instant now)
{
    struct callers *c = CONTAINER_OF(sink, struct callers, sink);
    uint8_t octets[2048];
    size_t len = 0;

    (void)meta, (void)now;
    if (c->full)
        return -EAGAIN;
    for (int i = 0; i < iovcnt; i++) {
        ck_assert_uint_le(len + iov[i].iov_len, sizeof octets);
        memcpy(octets + len, iov[i].iov_base, iov[i].iov_len);
        len += iov[i].iov_len;
    }
    struct ip_packet ip = ip_packet_of_ours(bytes_of(octets, len));
    ck_assert_int_eq(ip.protocol, IP_PROTOCOL_TCP);
    ck_assert(tcp_checksum_is_right(ip.src, ip.dst, ip.payload));
    ck_assert_int_lt(c->count, CALLER_KEPT);
    struct caller_heard *heard = &c->heard[c->count++];
    ck_assert_int_eq(tcp_parse(ip.payload, &heard->seg), DROP_NONE);
    heard->to = (struct endpoint){ip.dst, heard->seg.dst_port};
    heard->len = heard->seg.text.len;
    heard->seg.text = (struct bytes){0};
    return 0;
}

static void check_books(const struct callers *c)
{
    struct stack_counters counters;
    uint64_t dropped = 0;

    stack_counters(c->stack, &counters);
    for (int i = 0; i < DROP_COUNT; i++)
        dropped += counters.drops[i];
    ck_assert_uint_eq(counters.received, counters.consumed + counters.held + dropped);
}

static void pay(struct callers *c)
{
    int err = stack_output_ip(c->stack, &c->sink, c->now);

    ck_assert(err == 0 || (c->full && err == -EAGAIN));
    check_books(c);
}

/* --- beginning and end -------------------------------------------------------------------- */

static struct ip_addr address(const char *text)
{
    struct ip_addr out;

    ck_assert_int_eq(ip_addr_parse(text, &out), 0);
    return out;
}

void callers_config(struct callers *c, bool v6)
{
    *c = (struct callers){.v6 = v6, .random = 1, .now = {3600 * NS_PER_S}, .sink = {hear}};
    small_env_init(&c->memory);
    c->memory.env.random = some_random;
    stack_config_init(&c->config);
    c->config.link = STACK_LINK_IP;
    c->config.addr[0] = v6 ? (struct ip_prefix){address("2001:db8::1"), 64}
                           : (struct ip_prefix){address("192.0.2.1"), 24};
    c->config.addr_count = 1;
    c->config.values.see_ring = 16;
}

void callers_begin(struct callers *c, int backlog)
{
    c->stack = stack_new(&c->config, &c->memory.env);
    ck_assert_ptr_nonnull(c->stack);
    stack_advance(c->stack, c->now);
    c->listener = sock_socket(c->stack, c->v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(sock_bind(c->stack, c->listener, (struct endpoint){.port = CALLER_PORT}), 0);
    ck_assert_int_eq(sock_listen(c->stack, c->listener, backlog), 0);
}

void callers_end(struct callers *c)
{
    c->full = false;
    c->memory.fail_at = 0;
    ck_assert_int_eq(sock_close(c->stack, c->listener), 0);
    callers_wait_ms(c, 1);
    callers_forget(c);
    callers_wait_ms(c, 3600000); /* nobody acknowledges a FIN: R2 ends it */
    struct stack_usage u = callers_usage(c);
    ck_assert_uint_eq(u.frames + u.send_chunks + u.connections + u.half_open + u.listeners +
                          u.sockets + u.senders + u.ranges + u.tunings + u.islands + u.receivers +
                          u.timers,
                      0);
    stack_free(c->stack);
    ck_assert_uint_eq(c->memory.out, 0);
}

/* --- a segment ---------------------------------------------------------------------------- */

struct caller caller_of(const struct callers *c, uint32_t number)
{
    struct caller out = {
        .from = {address(c->v6 ? "2001:db8:1::" : "100.64.0.0"), (uint16_t)(1024 + number % 50000)},
        .iss = number * 2654435761u,
        .window = 65535,
        .options = {.has_mss = true, .mss = c->v6 ? 1440 : 1460}};
    uint8_t *tail = &out.from.addr.octet[13];

    tail[0] = (uint8_t)(number >> 16);
    tail[1] = (uint8_t)(number >> 8);
    tail[2] = (uint8_t)number;
    out.seq = out.iss;
    return out;
}

static uint32_t clock_of(const struct callers *c, const struct caller *caller)
{
    return caller->iss + (uint32_t)(c->now.ns / NS_PER_MS);
}

const struct caller_heard *caller_say(struct callers *c, struct caller *caller, uint8_t flags,
                                      size_t text_len)
{
    const struct ip_family *family = ip_family_of(caller->from.addr);
    static const uint8_t text[1000];
    uint8_t octets[1200];
    struct tcp_segment seg = {.src_port = caller->from.port,
                              .dst_port = CALLER_PORT,
                              .seq = seq(caller->seq),
                              .ack = seq(flags & TCP_ACK ? caller->ack : 0),
                              .flags = flags,
                              .window = caller->window};
    struct ip_out ip = {.src = caller->from.addr,
                        .dst = c->config.addr[0].addr,
                        .protocol = IP_PROTOCOL_TCP,
                        .ttl = 60};
    struct writer w = writer_of(octets, sizeof octets);
    struct checksum sum = {0};
    int before = c->count;

    if (flags & TCP_SYN)
        seg.options = caller->options;
    seg.options.has_timestamps = caller->options.has_timestamps;
    seg.options.ts_val = clock_of(c, caller);
    seg.options.ts_ecr = flags & TCP_ACK ? caller->options.ts_ecr : 0;
    size_t len = tcp_header_len(&seg) + text_len;
    family->emit(&w, &ip, len);
    uint8_t *tcp = w.at;
    tcp_emit(&w, &seg);
    write_bytes(&w, text, text_len);
    ck_assert(!w.overrun);
    checksum_add_pseudo(&sum, ip.src, ip.dst, IP_PROTOCOL_TCP, (uint32_t)len);
    checksum_add(&sum, bytes_of(tcp, len));
    put_be16(tcp + TCP_CSUM_OFFSET, checksum_finish(sum));
    stack_input_ip(c->stack, bytes_of(octets, (size_t)(w.at - octets)), NULL, c->now);
    stack_advance(c->stack, c->now);
    pay(c);
    for (int i = before; i < c->count; i++) {
        if (endpoint_equal(c->heard[i].to, caller->from))
            return &c->heard[i];
    }
    return NULL;
}

bool caller_knock(struct callers *c, struct caller *caller)
{
    caller->seq = caller->iss;
    const struct caller_heard *heard = caller_say(c, caller, TCP_SYN, 0);

    if (!heard || heard->seg.flags != (TCP_SYN | TCP_ACK))
        return false;
    ck_assert_uint_eq(heard->seg.ack.value, caller->iss + 1);
    caller->seq = caller->iss + 1;
    caller->ack = heard->seg.seq.value + 1;
    caller->options.has_timestamps = heard->seg.options.has_timestamps;
    caller->options.ts_ecr = heard->seg.options.ts_val;
    return true;
}

bool caller_open(struct callers *c, struct caller *caller)
{
    if (!caller_knock(c, caller))
        return false;
    ck_assert_ptr_null(caller_say(c, caller, TCP_ACK, 0));
    return true;
}

/* --- the rest ----------------------------------------------------------------------------- */

int callers_forget(struct callers *c)
{
    int count = c->count;

    c->count = 0;
    return count;
}

void callers_wait_ms(struct callers *c, int64_t ms)
{
    instant end = instant_add(c->now, ms * NS_PER_MS);

    while (instant_before(c->now, end)) {
        instant next = instant_min(stack_deadline(c->stack), end);
        if (instant_before(c->now, next))
            c->now = next;
        stack_advance(c->stack, c->now);
        pay(c);
    }
}

int callers_accept(struct callers *c)
{
    int s = sock_accept(c->stack, c->listener, NULL, NULL);

    ck_assert_int_ge(s, 0);
    return s;
}

void callers_set(struct callers *c, int option, int value)
{
    ck_assert_int_eq(
        sock_setsockopt(c->stack, c->listener, IPPROTO_TCP, option, &value, sizeof value), 0);
}

struct sock_tcp_info callers_info(const struct callers *c, int s)
{
    struct sock_tcp_info info;
    socklen_t len = sizeof info;

    ck_assert_int_eq(sock_getsockopt(c->stack, s, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
    return info;
}

void callers_close(struct callers *c, int s)
{
    ck_assert_int_eq(sock_close(c->stack, s), 0);
}

struct stack_usage callers_usage(const struct callers *c)
{
    struct stack_usage usage;

    stack_usage(c->stack, &usage);
    return usage;
}

uint64_t callers_drops(const struct callers *c, enum drop drop)
{
    struct stack_counters counters;

    stack_counters(c->stack, &counters);
    return counters.drops[drop];
}

uint64_t callers_counter(const struct callers *c, enum counter counter)
{
    struct stack_counters counters;

    stack_counters(c->stack, &counters);
    return counters.events[counter];
}
