/* udp_rig.c - see udp_rig.h. */
#include "support/udp_rig.h"

#include <errno.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/instant.h"
#include "see/counters.h"

struct rig rig;

static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 2}, their_mac[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t all_macs[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* --- sums, anew --------------------------------------------------------------------------- */

static uint32_t sum_of(uint32_t sum, const uint8_t *octets, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum += (uint32_t)octets[i] << (i % 2 ? 0 : 8);
    return sum;
}

static uint16_t fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static bool is_v6(struct ip_addr a)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    return memcmp(a.octet, mapped, 12) != 0;
}

/* Of the addresses, protocol and length, and of the datagram. */
static uint32_t datagram_sum(struct ip_addr src, struct ip_addr dst, uint8_t protocol,
                             const uint8_t *datagram, size_t len)
{
    size_t skip = is_v6(src) ? 0 : 12;
    uint32_t sum = sum_of(0, src.octet + skip, 16 - skip);

    sum = sum_of(sum, dst.octet + skip, 16 - skip);
    sum += protocol + (uint32_t)(len & 0xffff) + (uint32_t)(len >> 16);
    return sum_of(sum, datagram, len);
}

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* Of IPv4, with its options. */
static size_t header_len(const uint8_t *ip)
{
    size_t len = (size_t)(ip[0] & 15) * 4;

    ck_assert_uint_ge(len, 20);
    return len;
}

/* --- out ---------------------------------------------------------------------------------- */

/* Whatever a test does, no host may say these (RFC 6633, 3; RFC 1122, 3.2.2.2). */
static void check_icmp(uint8_t type)
{
    ck_assert_uint_ne(type, 4); /* source quench */
    ck_assert_uint_ne(type, 5); /* redirect */
}

static void read_headers(struct rig_packet *p)
{
    const uint8_t *at = p->octets;

    if (at[0] >> 4 == 6) {
        memcpy(p->src.octet, at + 8, 16);
        memcpy(p->dst.octet, at + 24, 16);
        p->protocol = at[6];
        p->ttl = at[7];
        p->tos = (uint8_t)(get16(at) >> 4);
        ck_assert_uint_eq(get16(at + 4) + 40u, p->len);
        at += 40;
    } else {
        ck_assert_uint_eq(at[0] >> 4, 4);
        size_t header = header_len(at);
        ck_assert_uint_eq(get16(at + 2), p->len);
        ck_assert_uint_eq(fold(sum_of(0, at, header)), 0xffff);
        p->options = at + 20;
        p->options_len = header - 20;
        p->src = (struct ip_addr){{[10] = 0xff, 0xff, at[12], at[13], at[14], at[15]}};
        p->dst = (struct ip_addr){{[10] = 0xff, 0xff, at[16], at[17], at[18], at[19]}};
        p->tos = at[1];
        p->ttl = at[8];
        p->protocol = at[9];
        p->dont_fragment = at[6] & 0x40;
        at += header;
    }
    if (p->protocol == IPPROTO_ICMP)
        check_icmp(*at);
    if (p->protocol != IPPROTO_UDP)
        return;
    p->src_port = get16(at);
    p->dst_port = get16(at + 2);
    p->checksum = get16(at + 6);
    p->data = at + 8;
    p->data_len = p->len - (size_t)(p->data - p->octets);
    ck_assert_uint_eq(get16(at + 4), 8 + p->data_len);
    uint16_t sum = fold(datagram_sum(p->src, p->dst, IPPROTO_UDP, at, 8 + p->data_len));
    if (!p->open_sum) {
        ck_assert_uint_ne(p->checksum, 0);
        ck_assert_uint_eq(sum, 0xffff);
    }
}

/* What the station says comes when the stack has sent all. */
static uint8_t reply[60];
static bool has_reply;

static void answer_arp(const uint8_t *frame)
{
    memcpy(reply, frame + 6, 6);
    memcpy(reply + 6, their_mac, 6);
    memcpy(reply + 12, frame + 12, 8); /* type, hardware, protocol, lengths */
    put16(reply + 20, 2);
    memcpy(reply + 22, their_mac, 6);
    memcpy(reply + 28, frame + 38, 4);
    memcpy(reply + 32, frame + 22, 10);
    memset(reply + 42, 0, sizeof reply - 42);
    has_reply = memcmp(frame + 28, frame + 38, 4) != 0; /* not to an announcement */
}

/* A later fragment goes behind those that came before; the last one makes a packet of them. */
static void join_fragment(const uint8_t *ip)
{
    struct rig_packet *p = &rig.packet[rig.count - 1];
    size_t header = header_len(ip), len = get16(ip + 2) - header;

    ck_assert_int_gt(rig.count, 0);
    ck_assert_uint_le(get16(ip + 2), rig.config.mtu);
    ck_assert_uint_eq(fold(sum_of(0, ip, header)), 0xffff);
    ck_assert_uint_eq(get16(ip + 4), get16(p->octets + 4));
    ck_assert_uint_eq((get16(ip + 6) & 0x1fff) * 8u + header_len(p->octets), p->len);
    ck_assert(!p->open_sum);
    p->octets = realloc(p->octets, p->len + len);
    ck_assert_ptr_nonnull(p->octets);
    memcpy(p->octets + p->len, ip + header, len);
    p->len += len;
    p->pieces++;
    memcpy(p->piece, ip, header);
    if (ip[6] & 0x20)
        return;
    put16(p->octets + 2, p->len);
    put16(p->octets + 6, 0);
    put16(p->octets + 10, 0);
    put16(p->octets + 10, (uint16_t)~fold(sum_of(0, p->octets, header_len(p->octets))));
    read_headers(p);
}

static int take(struct dev *dev, const struct frame_meta *meta, const struct iovec *iov, int iovcnt,
                instant now)
{
    static uint8_t frame[70000];
    size_t len = 0, header = rig.config.link == STACK_LINK_ETHERNET ? 14 : 0;

    (void)dev;
    (void)now;
    if (rig.full_after == 0)
        return -EAGAIN;
    rig.full_after -= rig.full_after > 0;
    for (int i = 0; i < iovcnt; i++) {
        memcpy(frame + len, iov[i].iov_base, iov[i].iov_len);
        len += iov[i].iov_len;
    }
    if (header && get16(frame + 12) == 0x0806) {
        if (get16(frame + 20) == 1)
            answer_arp(frame);
        return 0;
    }
    const uint8_t *ip = frame + header;
    if (ip[0] >> 4 == 4 && get16(ip + 6) & 0x1fff) {
        join_fragment(ip);
        return 0;
    }
    ck_assert_int_lt(rig.count, RIG_PACKETS);
    struct rig_packet *p = &rig.packet[rig.count++];
    size_t whole = ip[0] >> 4 == 6 ? get16(ip + 4) + 40u : get16(ip + 2);
    ck_assert_uint_ge(len, whole + header);
    *p = (struct rig_packet){.octets = malloc(whole), .len = whole, .pieces = 1};
    ck_assert_ptr_nonnull(p->octets);
    memcpy(p->octets, ip, whole);
    p->broadcast_mac = header && memcmp(frame, all_macs, 6) == 0;
    if (meta->flags & FRAME_NEEDS_CSUM) {
        p->open_sum = true;
        ck_assert_uint_eq(meta->csum_start, header + (ip[0] >> 4 == 6 ? 40 : header_len(ip)));
        ck_assert_uint_eq(meta->csum_offset, 6);
    }
    if (ip[0] >> 4 == 6 || !(ip[6] & 0x20))
        read_headers(p);
    return 0;
}

static void flush(struct dev *dev, instant now)
{
    (void)dev;
    (void)now;
}

static void check_books(void)
{
    struct stack_counters counters;

    stack_counters(rig.stack, &counters);
    ck_assert(counters_conserved(&counters));
}

int rig_output(void)
{
    for (int i = 0; i < 3; i++) { /* a request, and what waited for its answer */
        int err = stack_send(rig.stack, &rig.dev, rig.now);
        ck_assert(err == 0 || (err == -EAGAIN && rig.full_after == 0));
        if (has_reply)
            stack_input(rig.stack, (struct bytes){reply, sizeof reply}, NULL, rig.now);
        has_reply = false;
    }
    check_books();
    return rig.count;
}

void rig_forget(void)
{
    while (rig.count > 0)
        free(rig.packet[--rig.count].octets);
}

/* --- in ----------------------------------------------------------------------------------- */

static void input_on_link(const uint8_t *packet, size_t len, bool broadcast_mac,
                          const struct frame_meta *meta)
{
    static uint8_t frame[70000];
    struct frame_meta shifted = *meta;

    if (rig.config.link == STACK_LINK_IP) {
        stack_input_ip(rig.stack, (struct bytes){packet, len}, meta, rig.now);
    } else {
        memcpy(frame, broadcast_mac ? all_macs : our_mac, 6);
        memcpy(frame + 6, their_mac, 6);
        put16(frame + 12, packet[0] >> 4 == 6 ? 0x86dd : 0x0800);
        memcpy(frame + 14, packet, len);
        shifted.csum_start = (uint16_t)(meta->csum_start + 14);
        stack_input(rig.stack, (struct bytes){frame, 14 + len}, &shifted, rig.now);
    }
    check_books();
}

void rig_input_packet(const void *octets, size_t len)
{
    input_on_link(octets, len, false, &(struct frame_meta){0});
}

struct endpoint rig_at(const char *addr, uint16_t port)
{
    struct endpoint out = {.port = port};

    ck_assert_int_eq(ip_addr_parse(addr, &out.addr), 0);
    return out;
}

bool rig_is(struct endpoint end, const char *addr, uint16_t port)
{
    struct endpoint other = rig_at(addr, port);

    return end.port == port && memcmp(end.addr.octet, other.addr.octet, 16) == 0;
}

/* The header in front of `payload` octets; its length. */
static size_t put_ip(uint8_t *at, struct ip_addr src, struct ip_addr dst, uint8_t protocol,
                     size_t payload, uint8_t ttl, uint8_t tos)
{
    if (is_v6(src)) {
        put16(at, (size_t)(0x6000 | tos << 4));
        put16(at + 2, 0);
        put16(at + 4, payload);
        at[6] = protocol;
        at[7] = ttl;
        memcpy(at + 8, src.octet, 16);
        memcpy(at + 24, dst.octet, 16);
        return 40;
    }
    memset(at, 0, 20);
    at[0] = 0x45;
    at[1] = tos;
    put16(at + 2, 20 + payload);
    at[8] = ttl;
    at[9] = protocol;
    memcpy(at + 12, src.octet + 12, 4);
    memcpy(at + 16, dst.octet + 12, 4);
    put16(at + 10, (uint16_t)~fold(sum_of(0, at, 20)));
    return 20;
}

/* Behind a header of IPv4 that counts them already as payload; their length. */
static size_t put_options(uint8_t *at, const void *options, size_t len)
{
    if (len == 0)
        return 0;
    ck_assert_uint_eq(at[0], 0x45);
    at[0] = (uint8_t)(0x45 + len / 4);
    memcpy(at + 20, options, len);
    put16(at + 10, 0);
    put16(at + 10, (uint16_t)~fold(sum_of(0, at, 20 + len)));
    return len;
}

void rig_input(const struct rig_in *in)
{
    static uint8_t packet[66000];
    bool v6 = in->dst && strchr(in->dst, ':');
    struct ip_addr src = rig_at(in->src ? in->src : v6 ? "fd00::1" : "10.0.0.1", 0).addr;
    struct ip_addr dst = rig_at(in->dst ? in->dst : "10.0.0.2", 0).addr;
    size_t len = 8 + in->len;
    size_t header = put_ip(packet, src, dst, IPPROTO_UDP, in->options_len + len + in->extra,
                           in->ttl ? in->ttl : 64, in->tos);
    header += put_options(packet, in->options, in->options_len);
    uint8_t *udp = packet + header;

    put16(udp, in->src_port ? in->src_port : RIG_THEIRS);
    put16(udp + 2, in->port_zero ? 0 : in->dst_port ? in->dst_port : RIG_PORT);
    put16(udp + 4, in->udp_len ? in->udp_len - 1 : len);
    put16(udp + 6, 0);
    if (in->len)
        memcpy(udp + 8, in->data, in->len);
    memset(udp + len, 0xee, in->extra);
    uint32_t sum = datagram_sum(src, dst, IPPROTO_UDP, udp, len);
    struct frame_meta meta = {0};
    if (in->open_sum) {
        put16(udp + 6, fold(datagram_sum(src, dst, IPPROTO_UDP, udp, 0) + (uint32_t)len));
        meta = (struct frame_meta){
            .flags = FRAME_NEEDS_CSUM, .csum_start = (uint16_t)header, .csum_offset = 6};
    } else if (!in->no_sum) {
        uint16_t right = (uint16_t)~fold(sum);
        put16(udp + 6, (right ? right : 0xffffu) ^ (in->bad_sum ? 0x0100u : 0));
    }
    input_on_link(packet, header + len + in->extra, in->broadcast_mac, &meta);
}

void rig_input_error(uint8_t type, uint8_t code, uint32_t rest)
{
    uint8_t packet[1280];
    const struct rig_packet *about = &rig.packet[0];
    bool v6 = is_v6(about->src);
    size_t quote = about->len < 500 ? about->len : 500;
    struct ip_addr from = rig_at(v6 ? "fd00::1" : "10.0.0.1", 0).addr;

    ck_assert_int_gt(rig.count, 0);
    size_t header =
        put_ip(packet, from, about->src, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, 8 + quote, 64, 0);
    uint8_t *icmp = packet + header;
    icmp[0] = type;
    icmp[1] = code;
    put16(icmp + 2, 0);
    put16(icmp + 4, rest >> 16);
    put16(icmp + 6, rest & 0xffff);
    memcpy(icmp + 8, about->octets, quote);
    uint32_t sum = v6 ? datagram_sum(from, about->src, IPPROTO_ICMPV6, icmp, 8 + quote)
                      : sum_of(0, icmp, 8 + quote);
    put16(icmp + 2, (uint16_t)~fold(sum));
    rig_input_packet(packet, header + 8 + quote);
}

/* --- begin and end ------------------------------------------------------------------------ */

static int random_octets(void *context, void *octets, size_t len)
{
    uint64_t *state = context;

    for (size_t i = 0; i < len; i++) {
        *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
        ((uint8_t *)octets)[i] = (uint8_t)(*state >> 56);
    }
    return 0;
}

static int64_t wall_ns(void *context)
{
    (void)context;
    return (INT64_C(86400000) * 20000 + RIG_WALL_MS) * NS_PER_MS;
}

void rig_config(struct stack_config *config, enum stack_link link)
{
    static const char *const addrs[] = {"10.0.0.2/24", "10.0.0.3/24", "fd00::2/64"};

    stack_config_init(config);
    config->link = link;
    if (link == STACK_LINK_ETHERNET)
        memcpy(config->mac.octet, our_mac, 6);
    config->addr_count = link == STACK_LINK_IP ? 3 : 2;
    for (int i = 0; i < config->addr_count; i++)
        ck_assert_int_eq(ip_prefix_parse(addrs[i], &config->addr[i]), 0);
}

void rig_begin(const struct stack_config *config)
{
    static const struct dev_ops ops = {.send = take, .flush = flush};

    rig = (struct rig){.config = *config,
                       .now = {NS_PER_S},
                       .dev = {.ops = &ops, .mtu = config->mtu},
                       .random = 1,
                       .full_after = -1};
    ck_assert_ptr_null(stack_config_check(config));
    rig.stack = stack_new(
        config, &(struct env){.context = &rig.random, .wall_ns = wall_ns, .random = random_octets});
    ck_assert_ptr_nonnull(rig.stack);
    stack_advance(rig.stack, rig.now);
    rig_output();
}

void given_rig(void)
{
    struct stack_config config;

    rig_config(&config, STACK_LINK_IP);
    rig_begin(&config);
}

void given_rig_ethernet(void)
{
    struct stack_config config;

    rig_config(&config, STACK_LINK_ETHERNET);
    rig_begin(&config);
}

void rig_end(void)
{
    struct stack_usage usage;

    rig.full_after = -1;
    rig_output();
    stack_usage(rig.stack, &usage);
    ck_assert_uint_eq(usage.sockets + usage.frames + usage.tunings + usage.epoll_items, 0);
    stack_free(rig.stack);
    rig_forget();
}

uint64_t rig_drops(enum drop drop)
{
    struct stack_counters counters;

    stack_counters(rig.stack, &counters);
    return counters.drops[drop];
}

uint64_t rig_counter(enum counter counter)
{
    struct stack_counters counters;

    stack_counters(rig.stack, &counters);
    return counters.events[counter];
}

/* --- sockets ------------------------------------------------------------------------------ */

static int socket_of(int family, uint16_t port)
{
    int s = sock_socket(rig.stack, family, SOCK_DGRAM, 0);

    ck_assert_int_ge(s, 0);
    if (port)
        ck_assert_int_eq(sock_bind(rig.stack, s, (struct endpoint){.port = port}), 0);
    return s;
}

int rig_socket(uint16_t port)
{
    return socket_of(AF_INET, port);
}

int rig_socket6(uint16_t port)
{
    return socket_of(AF_INET6, port);
}

int rig_set(int s, int level, int option, int value)
{
    return sock_setsockopt(rig.stack, s, level, option, &value, sizeof value);
}

int rig_get(int s, int level, int option)
{
    int value = 0;
    socklen_t len = sizeof value;
    int err = sock_getsockopt(rig.stack, s, level, option, &value, &len);

    return err ? err : value;
}

ssize_t rig_send_to(int s, const char *addr, uint16_t port, const void *data, size_t len)
{
    struct endpoint to = rig_at(addr, port);

    return sock_sendto(rig.stack, s, data, len, 0, &to, NULL);
}

void rig_expect(int s, const char *text)
{
    char got[256];
    ssize_t n = sock_recv(rig.stack, s, got, sizeof got, 0, NULL);

    ck_assert_int_eq(n, (ssize_t)strlen(text));
    ck_assert_mem_eq(got, text, strlen(text));
}

void rig_expect_none(int s)
{
    char got[256];

    ck_assert_int_eq(sock_recv(rig.stack, s, got, sizeof got, 0, NULL), -EAGAIN);
}
