/* growth_stack.c - see growth_stack.h. */
#include "growth_stack.h"

#include <netinet/in.h>
#include <stdio.h>

#include "growth.h"
#include "ip/ip_family.h"

struct stack *growth_stack;
instant growth_now = {3600 * NS_PER_S};
struct stack_config growth_config;

static uint8_t packet[GROWTH_PACKET];
static size_t packet_len;
static uint32_t heard_seq; /* of the last segment that the stack has sent */

static int not_random(void *context, void *octets, size_t len)
{
    (void)context;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)octets)[i] = (uint8_t)prng_next(&growth_prng);
    return 0;
}

void growth_configure(enum stack_link link)
{
    stack_config_init(&growth_config);
    growth_config.link = link;
    growth_config.mac = (struct mac_addr){{2, 0, 0, 0, 0, 1}};
    growth_config.addr[0] = (struct ip_prefix){ip_from_v4(0x0a000001), 8};
    growth_config.addr_count = 1;
    growth_config.values.mem_frames = INT64_C(1) << 32;
}

void growth_stack_new(void)
{
    growth_stack = stack_new(&growth_config, &(struct env){.random = not_random});
    growth_must(growth_stack != NULL, "no stack");
    stack_advance(growth_stack, growth_now);
}

/* 10.1.0.0 and up. */
struct ip_addr growth_address(uint32_t number)
{
    return ip_from_v4(0x0a010000 + number);
}

struct endpoint growth_end(uint32_t number)
{
    return (struct endpoint){growth_address(number), (uint16_t)(1024 + number % 50000)};
}

int growth_listen(void)
{
    int s = sock_socket(growth_stack, AF_INET, SOCK_STREAM, 0);

    growth_must(s >= 0 && !sock_bind(growth_stack, s, (struct endpoint){.port = GROWTH_PORT}) &&
                    !sock_listen(growth_stack, s, 4096),
                "no listener");
    return s;
}

/* --- in ----------------------------------------------------------------------------------- */

static void make_packet(struct ip_addr src, uint8_t protocol, struct writer *w, size_t len)
{
    struct ip_out ip = {
        .src = src, .dst = growth_config.addr[0].addr, .protocol = protocol, .ttl = 64};

    *w = writer_of(packet, sizeof packet);
    ip_family_v4.emit(w, &ip, len);
    packet_len = (size_t)(w->at - packet) + len;
}

void growth_segment(const struct growth_peer *peer, uint16_t port, uint8_t flags, uint32_t len)
{
    struct endpoint from = peer->from;
    struct tcp_segment seg = {.src_port = from.port,
                              .dst_port = port,
                              .seq = seq(peer->seq),
                              .ack = seq(flags & TCP_ACK ? peer->ack : 0),
                              .flags = flags,
                              .window = 65535};
    struct checksum sum = {0};
    struct writer w;

    if (flags & TCP_SYN)
        seg.options = (struct tcp_options){.has_mss = true, .mss = 1460};
    size_t tcp_len = tcp_header_len(&seg) + len;
    make_packet(from.addr, IP_PROTOCOL_TCP, &w, tcp_len);
    uint8_t *tcp = w.at;
    tcp_emit(&w, &seg);
    write_zeros(&w, len);
    checksum_add_pseudo(&sum, from.addr, growth_config.addr[0].addr, IP_PROTOCOL_TCP,
                        (uint32_t)tcp_len);
    checksum_add(&sum, bytes_of(tcp, tcp_len));
    put_be16(tcp + TCP_CSUM_OFFSET, checksum_finish(sum));
}

/* Without a checksum, as IPv4 allows; 8 octets of data. */
void growth_datagram(struct endpoint from, uint16_t port)
{
    struct udp_datagram h = {.src_port = from.port, .dst_port = port};
    struct writer w;

    make_packet(from.addr, IP_PROTOCOL_UDP, &w, UDP_HEADER + 8);
    udp_emit(&w, &h, 8);
    write_zeros(&w, 8);
}

void growth_input(void)
{
    stack_input_ip(growth_stack, bytes_of(packet, packet_len), NULL, growth_now);
    growth_output();
}

/* --- out ---------------------------------------------------------------------------------- */

static int hear(struct frame_sink *sink, const struct frame_meta *meta, const struct iovec *iov,
                int iovcnt, instant now)
{
    size_t at = growth_config.link == STACK_LINK_ETHERNET ? ETH_HEADER : 0;
    struct reader r =
        reader_of(bytes_skip(bytes_of(iov[0].iov_base, iov[0].iov_len), at + IPV4_HEADER_MIN + 4));

    (void)sink, (void)meta, (void)iovcnt, (void)now;
    heard_seq = read_be32(&r);
    return 0;
}

void growth_output(void)
{
    struct frame_sink sink = {hear};

    stack_advance(growth_stack, growth_now);
    growth_must(stack_output(growth_stack, &sink, growth_now) == 0, "nothing leaves");
}

int growth_open(struct growth_peer *peer, int listener)
{
    growth_segment(peer, GROWTH_PORT, TCP_SYN, 0);
    growth_input();
    peer->seq++;
    peer->ack = heard_seq + 1;
    growth_segment(peer, GROWTH_PORT, TCP_ACK, 0);
    growth_input();
    int s = sock_accept(growth_stack, listener, NULL, NULL);
    growth_must(s >= 0, "no connection");
    return s;
}
