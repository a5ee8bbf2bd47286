/*
 * idle.c - see idle.h.
 *
 * A peer has a kernel's options: window scale, SACK and timestamps, so a connection has all that
 * one of ours can have. Of its sequence numbers it forgets even ours: who is asked again says
 * something old first, and takes the number from the answer.
 */
#include "sim/idle.h"

#include <string.h>
#include <tapio/sock.h>

#include "base/bytes.h"
#include "base/instant.h"
#include "base/prng.h"
#include "stack/stack.h"

enum {
    FIRST_PORT = 1024,
    PORTS = 60000,
    PEER_WINDOW = 502, /* in units of 2^7 */
    PEER_SCALE = 7,
    STEP_US = 20, /* between two packets */
    PACKET_MAX = 256,
};

struct idle {
    struct memory *memory;
    struct env env;
    struct prng prng;
    struct stack *stack;
    struct frame_sink sink;
    struct ip_addr addr; /* the server's */
    instant now;
    uint32_t count;          /* connections */
    uint32_t heard;          /* segments since somebody spoke last, */
    struct tcp_segment last; /* and the last of them */
    struct endpoint last_to;
    uint8_t text; /* its first octet */
};

/* --- the stack ------------------------------------------------------------------------------ */

static int seeded_random(void *context, void *octets, size_t len)
{
    struct idle *idle = context;
    struct writer w = writer_of(octets, len);

    while (len-- > 0)
        write_u8(&w, (uint8_t)prng_next(&idle->prng));
    return 0;
}

static int hear(struct frame_sink *sink, const struct frame_meta *meta, const struct iovec *iov,
                int iovcnt, instant now)
{
    struct idle *idle = CONTAINER_OF(sink, struct idle, sink);
    static const struct tcp_segment nothing;
    uint8_t octets[PACKET_MAX];
    struct writer w = writer_of(octets, sizeof octets);

    (void)meta;
    (void)now;
    for (int i = 0; i < iovcnt; i++)
        write_bytes(&w, iov[i].iov_base, iov[i].iov_len);
    struct ip_packet ip = ip_packet_of_ours(bytes_of(octets, (size_t)(w.at - octets)));
    idle->heard++;
    idle->last = nothing;
    if (w.overrun || ip.protocol != IP_PROTOCOL_TCP ||
        tcp_parse(ip.payload, &idle->last) != DROP_NONE)
        return 0;
    idle->last_to = (struct endpoint){ip.dst, idle->last.dst_port};
    idle->text = idle->last.text.len > 0 ? idle->last.text.at[0] : 0;
    return 0;
}

void idle_config_init(struct idle_config *config, uint32_t connections)
{
    *config = (struct idle_config){.seed = 1};
    values_default(&config->values);
    config->values.tcp_connections = connections + 16;
    config->values.sock_sockets = connections + 16;
    config->values.tcp_time_wait = 16;
    config->values.tcp_syn_cache = 16;
}

struct idle *idle_new(const struct idle_config *config, struct memory *memory)
{
    struct idle *idle = memory_alloc(memory, sizeof(*idle));
    struct stack_config stack;

    if (!idle)
        return NULL;
    idle->memory = memory;
    idle->sink.send = hear;
    idle->now = (instant){NS_PER_S};
    idle->env = (struct env){.context = idle, .random = seeded_random};
    prng_seed(&idle->prng, config->seed);
    stack_config_init(&stack);
    stack.link = STACK_LINK_IP;
    stack.values = config->values;
    const char *addr = config->ipv6 ? "2001:db8::1" : "192.0.2.1";
    int err = ip_addr_parse(addr, &idle->addr);
    stack.addr[0] = (struct ip_prefix){idle->addr, config->ipv6 ? 64 : 24};
    stack.addr_count = 1;
    idle->stack = err ? NULL : stack_new(&stack, &idle->env);
    if (idle->stack)
        return idle;
    memory_release(memory, idle, sizeof(*idle));
    return NULL;
}

void idle_free(struct idle *idle)
{
    if (!idle)
        return;
    stack_free(idle->stack);
    memory_release(idle->memory, idle, sizeof(*idle));
}

struct stack *idle_stack(struct idle *idle)
{
    return idle->stack;
}

/* --- the peers ------------------------------------------------------------------------------ */

/* No two are alike: the address has the number's upper half, the port and the address's last octets
 * the rest. */
static struct endpoint peer_of(const struct idle *idle, uint32_t number)
{
    uint32_t host = number / PORTS + 1;
    struct ip_addr addr = idle->addr;

    if (ip_is_v4(addr))
        addr = ip_from_v4(UINT32_C(0x64400000) + host); /* 100.64.0.0/10 */
    else
        addr.octet[7] = 1, addr.octet[15] = (uint8_t)(host & 0xff);
    return (struct endpoint){addr, (uint16_t)(FIRST_PORT + number % PORTS)};
}

static uint32_t iss_of(uint32_t number)
{
    return number * UINT32_C(2654435761);
}

/* Who has something to do does it. */
static void serve(struct idle *idle)
{
    short events;

    for (int s; (s = sock_next_ready(idle->stack, &events)) >= 0;) {
        struct sock_app *app = sock_app(idle->stack, s);
        if (app)
            app->ready(app, s, events, idle->now);
    }
}

/* The peer of that number says it, and hears the answer. False when the stack could not send. */
static bool say(struct idle *idle, uint32_t number, struct tcp_segment *seg)
{
    struct endpoint from = peer_of(idle, number);
    const struct ip_family *family = ip_family_of(from.addr);
    struct ip_out ip = {
        .src = from.addr, .dst = idle->addr, .protocol = IP_PROTOCOL_TCP, .ttl = 64};
    uint8_t octets[PACKET_MAX];
    struct writer w = writer_of(octets, sizeof octets);
    struct checksum sum = {0};

    idle->now = instant_add(idle->now, STEP_US * NS_PER_US);
    idle->heard = 0;
    seg->src_port = from.port;
    seg->dst_port = IDLE_PORT;
    seg->options.has_timestamps = true;
    seg->options.ts_val = (uint32_t)(idle->now.ns / NS_PER_MS);
    seg->options.ts_ecr = seg->flags & TCP_ACK ? idle->last.options.ts_val : 0;
    size_t len = tcp_header_len(seg) + seg->text.len;
    family->emit(&w, &ip, len);
    uint8_t *tcp = w.at;
    tcp_emit(&w, seg);
    write_bytes(&w, seg->text.at, seg->text.len);
    checksum_add_pseudo(&sum, ip.src, ip.dst, IP_PROTOCOL_TCP, (uint32_t)len);
    checksum_add(&sum, bytes_of(tcp, len));
    put_be16(tcp + TCP_CSUM_OFFSET, checksum_finish(sum));
    stack_input_ip(idle->stack, bytes_of(octets, (size_t)(w.at - octets)), NULL, idle->now);
    stack_advance(idle->stack, idle->now);
    serve(idle);
    return stack_output_ip(idle->stack, &idle->sink, idle->now) == 0;
}

/* Did the last segment go to that peer, with this flag? */
static bool was_told(const struct idle *idle, uint32_t number, uint8_t flag)
{
    return idle->heard > 0 && endpoint_equal(idle->last_to, peer_of(idle, number)) &&
           idle->last.flags & flag;
}

/* Says an octet at `seq` and acknowledges what comes back, which must be the same one. */
static bool say_octet(struct idle *idle, uint32_t number, tcp_seq seq)
{
    const uint8_t octet = (uint8_t)(number + 1);
    struct tcp_segment seg = {.seq = seq,
                              .ack = idle->last.flags & TCP_SYN ? seq_add(idle->last.seq, 1)
                                                                : idle->last.seq,
                              .flags = TCP_ACK | TCP_PSH,
                              .window = PEER_WINDOW,
                              .text = bytes_of(&octet, 1)};

    if (!say(idle, number, &seg) || !was_told(idle, number, TCP_ACK) || idle->last.text.len != 1 ||
        idle->text != octet)
        return false;
    seg.seq = seq_add(seq, 1);
    seg.ack = seq_add(idle->last.seq, 1);
    seg.flags = TCP_ACK;
    seg.text.len = 0;
    return say(idle, number, &seg) && idle->heard == 0;
}

static bool connect_one(struct idle *idle, uint32_t number)
{
    struct tcp_segment syn = {.seq = seq(iss_of(number)),
                              .flags = TCP_SYN,
                              .window = 64240,
                              .options = {.has_mss = true,
                                          .mss = 1400,
                                          .has_window_scale = true,
                                          .window_scale = PEER_SCALE,
                                          .sack_permitted = true}};

    return say(idle, number, &syn) && was_told(idle, number, TCP_SYN) &&
           say_octet(idle, number, seq(iss_of(number) + 1));
}

const char *idle_connect(struct idle *idle, uint32_t count)
{
    while (count-- > 0) {
        if (idle->count == IDLE_MAX || !connect_one(idle, idle->count))
            return "a connection was not served";
        idle->count++;
    }
    return NULL;
}

const char *idle_ask(struct idle *idle, uint32_t number)
{
    tcp_seq next = seq(iss_of(number) + 2);
    struct tcp_segment old = {
        .seq = seq_sub(next, 1), .ack = seq(0), .flags = TCP_ACK, .window = PEER_WINDOW};

    if (number < idle->count && say(idle, number, &old) && was_told(idle, number, TCP_ACK) &&
        seq_eq(idle->last.ack, next) && say_octet(idle, number, next))
        return NULL;
    return "a connection that had waited was not served";
}
