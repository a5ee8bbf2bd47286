/*
 * fuzz_layer3.c - two stacks on a link of bare IP packets, and a network between them that obeys
 * the input: packets are carried, lost, changed, or quoted in ICMP errors of any kind, and packets
 * of any octets come out of nowhere, with their checksums put right. Sockets are of TCP, ICMP and
 * UDP, the last with options and control messages of any octets.
 *
 * Asserted, after each act: every received packet is accounted for, and what leaves is a packet of
 * ours with right checksums, no longer than the MTU. In the end, when everything is closed and time
 * has passed: nothing is left, and every octet of memory has come back.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <tapio/sock.h>

#include "base/checksum.h"
#include "base/instant.h"
#include "ip/icmp6_wire.h"
#include "ip/ipv4_wire.h"
#include "tcp/tcp_wire.h"
#include "udp/udp_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MTU = 1500, PACKETS = 64, SOCKS = 8, ACTS = 300 };

struct packet {
    size_t len;
    uint8_t octets[MTU];
};

struct fuzz;

struct host {
    struct frame_sink sink;
    struct fuzz *fuzz;
    struct stack *stack;
    int socks[SOCKS], sock_count;
    int count;
    struct packet out[PACKETS]; /* what it has sent and nobody has read */
};

struct fuzz {
    const uint8_t *at, *end;
    instant now;
    uint64_t blocks, random;
    struct host host[2];
};

static const char *const addresses[2][2] = {{"10.9.0.1/24", "fd00::1/64"},
                                            {"10.9.0.2/24", "fd00::2/64"}};

static uint8_t next8(struct fuzz *f)
{
    return f->at < f->end ? *f->at++ : 0;
}

static uint16_t next16(struct fuzz *f)
{
    uint8_t high = next8(f);

    return (uint16_t)(high << 8 | next8(f));
}

/* --- the world ---------------------------------------------------------------------------- */

static int random_octets(void *context, void *octets, size_t len)
{
    struct fuzz *f = context;

    for (size_t i = 0; i < len; i++) {
        f->random = f->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        ((uint8_t *)octets)[i] = (uint8_t)(f->random >> 56);
    }
    return 0;
}

static void *give(void *context, size_t len)
{
    ((struct fuzz *)context)->blocks++;
    return malloc(len);
}

static void take(void *context, void *octets, size_t len)
{
    (void)len;
    ((struct fuzz *)context)->blocks--;
    free(octets);
}

/* The fields of a packet that its checksums hang on; false when it is none of ours in form. */
static bool transport_of(const struct packet *p, uint8_t *protocol, size_t *at, struct ip_addr *src,
                         struct ip_addr *dst)
{
    if (p->len >= IPV4_HEADER_MIN && p->octets[0] >> 4 == 4) {
        struct reader r = reader_of(bytes_of(p->octets, p->len));
        struct ipv4_header h;
        size_t total;
        if (!ipv4_read_header(&r, &h, &total))
            return false;
        *protocol = h.protocol;
        *at = IPV4_HEADER_MIN + h.options.len;
        *src = h.src;
        *dst = h.dst;
        return true;
    }
    struct reader r = reader_of(bytes_of(p->octets, p->len));
    struct ipv6_header h;
    size_t len;
    if (!ipv6_read_header(&r, &h, &len) || ip_is_v4(h.src) || ip_is_v4(h.dst))
        return false;
    *protocol = h.next_header;
    *at = IPV6_HEADER;
    *src = h.src;
    *dst = h.dst;
    return true;
}

/* The sum over what `p` carries: 0 when it is right. */
static uint16_t sum_of(const struct packet *p, uint8_t protocol, size_t at, struct ip_addr src,
                       struct ip_addr dst)
{
    struct checksum c = {0};

    if (protocol != IP_PROTOCOL_ICMP)
        checksum_add_pseudo(&c, src, dst, protocol, (uint32_t)(p->len - at));
    checksum_add(&c, bytes_of(p->octets + at, p->len - at));
    return checksum_finish(c);
}

static size_t sum_at(uint8_t protocol)
{
    if (protocol == IP_PROTOCOL_UDP)
        return UDP_CSUM_OFFSET;
    return protocol == IP_PROTOCOL_TCP ? TCP_CSUM_OFFSET : 2;
}

/* Makes lengths and checksums right, so that an input gets behind them. */
static void put_right(struct packet *p)
{
    struct ip_addr src, dst;
    uint8_t protocol;
    size_t at;

    if (p->len >= IPV4_HEADER_MIN && p->octets[0] >> 4 == 4)
        put_be16(p->octets + 2, (uint16_t)p->len);
    if (p->len >= IPV6_HEADER && p->octets[0] >> 4 == 6)
        put_be16(p->octets + 4, (uint16_t)(p->len - IPV6_HEADER));
    if (!transport_of(p, &protocol, &at, &src, &dst))
        return;
    if (p->octets[0] >> 4 == 4) {
        put_be16(p->octets + 10, 0);
        put_be16(p->octets + 10, checksum_of(bytes_of(p->octets, at)));
    }
    if (at + sum_at(protocol) + 2 > p->len)
        return;
    put_be16(p->octets + at + sum_at(protocol), 0);
    put_be16(p->octets + at + sum_at(protocol), sum_of(p, protocol, at, src, dst));
}

static int leave(struct frame_sink *sink, const struct frame_meta *meta, const struct iovec *iov,
                 int iovcnt, instant now)
{
    struct host *host = CONTAINER_OF(sink, struct host, sink);
    struct packet *p = &host->out[host->count];
    struct ip_addr src, dst;
    uint8_t protocol;
    size_t at;

    (void)now;
    if (host->count == PACKETS)
        return -EAGAIN;
    p->len = 0;
    for (int i = 0; i < iovcnt; i++) {
        assert(p->len + iov[i].iov_len <= MTU);
        memcpy(p->octets + p->len, iov[i].iov_base, iov[i].iov_len);
        p->len += iov[i].iov_len;
    }
    assert(meta->flags == 0);
    bool ours = transport_of(p, &protocol, &at, &src, &dst);
    assert(ours && sum_of(p, protocol, at, src, dst) == 0);
    host->count++;
    return 0;
}

static void check_books(const struct stack *stack)
{
    struct stack_counters c;
    uint64_t dropped = 0;

    stack_counters(stack, &c);
    for (int i = 0; i < DROP_COUNT; i++)
        dropped += c.drops[i];
    assert(c.received == c.consumed + c.held + dropped);
}

static void input(struct host *host, const struct packet *p)
{
    uint8_t *exact = malloc(p->len ? p->len : 1);

    assert(exact);
    memcpy(exact, p->octets, p->len);
    stack_input_ip(host->stack, (struct bytes){exact, p->len}, NULL, host->fuzz->now);
    free(exact);
    check_books(host->stack);
}

static void let_out(struct host *host)
{
    int err = stack_output_ip(host->stack, &host->sink, host->fuzz->now);

    assert(err == 0 || err == -EAGAIN);
}

static void deliver(struct fuzz *f, int which)
{
    struct host *host = &f->host[which];
    int count = host->count;

    for (int i = 0; i < count; i++)
        input(&f->host[1 - which], &host->out[i]);
    host->count = 0;
}

/* --- acts --------------------------------------------------------------------------------- */

/* A router tells a host about the packet that it sent last. */
static void quote(struct fuzz *f, struct host *host)
{
    struct packet error;
    struct writer w = writer_of(error.octets, MTU);
    struct icmp_header h = {.type = next8(f), .code = next8(f), .rest = next16(f)};

    if (host->count == 0)
        return;
    const struct packet *about = &host->out[host->count - 1];
    struct bytes body = bytes_first(bytes_of(about->octets, about->len), 40 + next8(f));
    struct ip_addr src, dst;
    uint8_t protocol;
    size_t at;
    if (!transport_of(about, &protocol, &at, &src, &dst))
        return; /* change() was here before */
    if (ip_is_v4(src)) {
        struct ipv4_header ip = {.src = dst, .dst = src, .protocol = IP_PROTOCOL_ICMP, .ttl = 1};
        ipv4_emit(&w, &ip, ICMP_HEADER + body.len);
        icmp_emit(&w, &h, body);
    } else {
        struct ipv6_header ip = {
            .src = dst, .dst = src, .next_header = IP_PROTOCOL_ICMP6, .hop_limit = 1};
        ipv6_emit(&w, &ip, ICMP_HEADER + body.len);
        icmp6_emit(&w, dst, src, &h, body);
    }
    error.len = MTU - w.left;
    input(host, &error);
}

static void change(struct fuzz *f, struct host *host)
{
    if (host->count == 0)
        return;
    struct packet *p = &host->out[next8(f) % host->count];
    uint16_t at = next16(f);
    p->octets[at % p->len] ^= next8(f);
    if (at & 0x8000)
        put_right(p);
}

static void out_of_nowhere(struct fuzz *f, struct host *host)
{
    struct packet p = {.len = next8(f) * 2u};

    for (size_t i = 0; i < p.len; i++)
        p.octets[i] = next8(f);
    put_right(&p);
    input(host, &p);
}

static void own(struct host *host, int s)
{
    if (s < 0)
        return;
    if (host->sock_count < SOCKS)
        host->socks[host->sock_count++] = s;
    else
        sock_close(host->stack, s);
}

/* --- sockets of UDP ----------------------------------------------------------------------- */

/* Datagrams of our own are not cut to pieces here: what leaves fits the link. */
static void udp_open(struct host *host, bool v6)
{
    int s = sock_socket(host->stack, v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
    int whole = IP_PMTUDISC_DO;

    own(host, s);
    int err = sock_setsockopt(host->stack, s, IPPROTO_IP, IP_MTU_DISCOVER, &whole, sizeof whole);
    (void)err;
}

static void udp_option(struct fuzz *f, struct host *host, int s)
{
    static const int option[][2] = {
        {IPPROTO_IP, IP_PKTINFO},
        {IPPROTO_IP, IP_RECVTTL},
        {IPPROTO_IP, IP_RECVTOS},
        {IPPROTO_IP, IP_RECVERR},
        {IPPROTO_IPV6, IPV6_RECVPKTINFO},
        {IPPROTO_IPV6, IPV6_RECVHOPLIMIT},
        {IPPROTO_IPV6, IPV6_RECVTCLASS},
        {IPPROTO_IPV6, IPV6_V6ONLY},
        {IPPROTO_IP, IP_MULTICAST_TTL},
        {SOL_SOCKET, SO_BROADCAST},
        {SOL_SOCKET, SO_REUSEPORT},
        {SOL_SOCKET, SO_REUSEADDR},
        {SOL_SOCKET, SO_RCVBUF},
        {SOL_SOCKET, SO_ERROR},
        {IPPROTO_IP, IP_MTU},
        {IPPROTO_IPV6, IPV6_MTU},
        {IPPROTO_IP, IP_TTL},
        {IPPROTO_IP, IP_TOS},
    };
    const int *o = option[next8(f) % (sizeof option / sizeof *option)];
    int value = (int8_t)next8(f);
    socklen_t len = sizeof value;

    int err = sock_setsockopt(host->stack, s, o[0], o[1], &value, sizeof value);
    err = sock_getsockopt(host->stack, s, o[0], o[1], &value, &len);
    (void)err;
}

/* With octets of the input for control messages, in a buffer that ends where they end. */
static void udp_send(struct fuzz *f, struct host *host, int s, struct endpoint *to)
{
    static uint8_t text[2048];
    size_t control_len = next8(f) % 96, len = (size_t)next8(f) * 8;
    uint8_t *control = malloc(control_len + 1);
    struct iovec iov[2] = {{text, len / 3}, {text, len - len / 3}};
    struct sock_msg msg = {.name = to, .iov = iov, .iovcnt = 2, .control = control};

    assert(control);
    msg.control_len = control_len;
    for (size_t i = 0; i < control_len; i++)
        control[i] = i % 16 > 0 && i % 16 < 8 ? 0 : next8(f); /* lengths that are small */
    ssize_t n = sock_sendmsg(host->stack, s, &msg, 0, NULL);
    assert(n < 0 || (size_t)n <= len);
    free(control);
}

static void udp_recv(struct fuzz *f, struct host *host, int s)
{
    size_t room = next8(f), control_len = next8(f) % 160;
    uint8_t *text = malloc(room + 1), *control = malloc(control_len + 1);
    struct iovec iov = {text, room};
    struct endpoint from;
    struct sock_msg msg = {.name = &from, .iov = &iov, .iovcnt = 1, .control = control};
    int flags = (next8(f) & 1 ? MSG_PEEK : 0) | (room & 1 ? MSG_TRUNC : 0), left = -1;

    assert(text && control);
    msg.control_len = control_len;
    ssize_t n = sock_recvmsg(host->stack, s, &msg, flags, NULL);
    assert(n < 0 || flags & MSG_TRUNC || (size_t)n <= room);
    assert(n < 0 || msg.control_len <= control_len);
    assert(sock_ioctl(host->stack, s, FIONREAD, &left) < 0 || left >= 0);
    free(text);
    free(control);
}

static void udp_call(struct fuzz *f, struct host *host, int s, struct ip_addr there)
{
    static const struct ip_addr all = {{[10] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    uint8_t how = next8(f);
    struct endpoint to = {how & 16 ? all : there, how & 8 ? 81 : 80};
    int err = 0;

    switch (how & 7) {
    case 0:
        udp_open(host, how & 16);
        break;
    case 1:
        err = sock_bind(host->stack, s, (struct endpoint){.port = how & 8 ? 80 : 0});
        break;
    case 2:
        err = how & 32 ? sock_disconnect(host->stack, s) : sock_connect(host->stack, s, to, NULL);
        break;
    case 3:
    case 4:
        udp_send(f, host, s, how & 32 ? NULL : &to);
        break;
    case 5:
        udp_recv(f, host, s);
        break;
    case 6:
        udp_option(f, host, s);
        break;
    default:
        err = how & 32 ? sock_shutdown(host->stack, s, how >> 6) : sock_poll(host->stack, s);
        break;
    }
    (void)err;
}

static void call(struct fuzz *f, int which)
{
    static uint8_t text[4096];
    struct host *host = &f->host[which];
    uint8_t how = next8(f);
    bool v6 = how & 1;
    int s = host->sock_count ? host->socks[next8(f) % host->sock_count] : -1;
    struct ip_prefix there;
    int err = ip_prefix_parse(addresses[1 - which][v6], &there);
    ssize_t n = 0;

    if (how & 32) {
        udp_call(f, host, s, there.addr);
        return;
    }
    switch (how >> 1 & 7) {
    case 0:
        own(host, sock_socket(host->stack, how & 16 ? AF_INET6 : AF_INET, SOCK_STREAM, 0));
        break;
    case 1:
        own(host, sock_socket(host->stack, v6 ? AF_INET6 : AF_INET, SOCK_DGRAM,
                              v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP));
        break;
    case 2:
        err = sock_bind(host->stack, s, (struct endpoint){.port = 80});
        err = sock_listen(host->stack, s, 4);
        break;
    case 3:
        err = sock_connect(host->stack, s, (struct endpoint){there.addr, 80}, NULL);
        break;
    case 4:
        own(host, sock_accept(host->stack, s, NULL, NULL));
        break;
    case 5:
        n = sock_send(host->stack, s, text, (size_t)next8(f) * 16, 0, NULL);
        break;
    case 6:
        n = sock_recv(host->stack, s, text, sizeof text, 0, NULL);
        break;
    default:
        err = sock_shutdown(host->stack, s, SHUT_WR);
        break;
    }
    (void)err, (void)n;
}

static void act(struct fuzz *f)
{
    uint8_t op = next8(f);
    int which = op >> 7;
    struct host *host = &f->host[which];

    switch (op & 7) {
    case 0:
        quote(f, host);
        break;
    case 1:
        change(f, host);
        break;
    case 2:
        out_of_nowhere(f, host);
        break;
    case 3:
        host->count = 0; /* all of it is lost */
        break;
    case 4:
        f->now = instant_add(f->now, (int64_t)next16(f) * NS_PER_MS);
        stack_advance(f->host[0].stack, f->now);
        stack_advance(f->host[1].stack, f->now);
        break;
    case 5:
        deliver(f, which);
        break;
    default:
        call(f, which);
        break;
    }
    let_out(&f->host[0]);
    let_out(&f->host[1]);
}

/* --- begin and end ------------------------------------------------------------------------ */

static void begin(struct fuzz *f, int which)
{
    struct host *host = &f->host[which];
    struct env env = {.context = f, .random = random_octets, .alloc = give, .release = take};
    struct stack_config config;

    stack_config_init(&config);
    config.link = STACK_LINK_IP;
    for (int i = 0; i < 2; i++) {
        int err = ip_prefix_parse(addresses[which][i], &config.addr[config.addr_count++]);
        assert(!err);
    }
    config.values.tcp_connections = 16;
    config.values.tcp_syn_cache = 4;
    config.values.sock_sockets = SOCKS;
    config.values.see_ring = 16;
    host->fuzz = f;
    host->sink.send = leave;
    host->stack = stack_new(&config, &env);
    assert(host->stack);
}

/* So that short inputs get deep: a server, and a connection to it over one family or the other. */
static void connect_them(struct fuzz *f)
{
    struct stack *client = f->host[0].stack, *server = f->host[1].stack;
    struct ip_prefix there;
    int err = ip_prefix_parse(addresses[1][next8(f) & 1], &there);
    int listener = sock_socket(server, AF_INET6, SOCK_STREAM, 0);
    int s = sock_socket(client, AF_INET6, SOCK_STREAM, 0);

    err |= sock_bind(server, listener, (struct endpoint){.port = 80});
    err |= sock_listen(server, listener, 4);
    assert(!err && s >= 0);
    err = sock_connect(client, s, (struct endpoint){there.addr, 80}, NULL);
    assert(err == -EINPROGRESS);
    for (int i = 0; i < 4; i++) {
        let_out(&f->host[i & 1]);
        deliver(f, i & 1);
    }
    own(&f->host[0], s);
    own(&f->host[1], sock_accept(server, listener, NULL, NULL));
    own(&f->host[1], listener);
    assert(f->host[1].sock_count == 2);
}

static void finish(struct fuzz *f)
{
    for (int i = 0; i < 2; i++)
        while (f->host[i].sock_count)
            sock_close(f->host[i].stack, f->host[i].socks[--f->host[i].sock_count]);
    for (int step = 0; step < 600; step++) {
        f->now = instant_add(f->now, 10 * NS_PER_S);
        for (int i = 0; i < 2; i++) {
            stack_advance(f->host[i].stack, f->now);
            let_out(&f->host[i]);
            deliver(f, i);
        }
    }
    for (int i = 0; i < 2; i++) {
        struct stack_usage u;
        stack_usage(f->host[i].stack, &u);
        assert(u.connections == 0 && u.sockets == 0 && u.listeners == 0 && u.timers == 0);
        assert(u.frames == 0 && u.send_chunks == 0 && u.islands == 0);
        stack_free(f->host[i].stack);
    }
    assert(f->blocks == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzz f;

    memset(&f, 0, sizeof f);
    f.at = data;
    f.end = data + size;
    for (int i = 0; i < 2; i++)
        begin(&f, i);
    if (next8(&f) & 1)
        connect_them(&f);
    for (int i = 0; i < ACTS && f.at < f.end; i++)
        act(&f);
    finish(&f);
    return 0;
}
