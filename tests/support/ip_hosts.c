/*
 * ip_hosts.c - see ip_hosts.h.
 */
#include "support/ip_hosts.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/base.h"
#include "base/instant.h"

struct host hosts[2];
instant hosts_now;

const struct host_family host_family[HOST_FAMILIES] = {
    {AF_INET, IPPROTO_ICMP, "10.0.0.1", "192.0.2.1"},
    {AF_INET6, IPPROTO_ICMPV6, "fd00::2", "2001:db8::1"},
    {AF_INET6, IPPROTO_ICMPV6, "fe80::2", "fe80::1"},
};

/* RFC 1071 word by word, apart from src/. */
static uint32_t sum_of(const uint8_t *octets, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i++)
        sum += i % 2 ? octets[i] : (uint32_t)octets[i] << 8;
    return sum;
}

/* Whatever leaves has a right checksum, over the pseudo-header of its family (RFC 9293, MUST-2; RFC
 * 8200, 8.1). */
static void check_sums(const uint8_t *packet, size_t len)
{
    bool v4 = packet[0] >> 4 == 4;
    size_t header = v4 ? (size_t)(packet[0] & 15) * 4 : 40;
    uint8_t protocol = packet[v4 ? 9 : 6];

    ck_assert_uint_ge(len, header + 8);
    uint32_t sum = sum_of(packet + header, len - header);
    if (!v4 || protocol != IPPROTO_ICMP) /* which has no pseudo-header over IPv4 */
        sum += sum_of(packet + (v4 ? 12 : 8), v4 ? 8 : 32) + (uint32_t)(len - header) + protocol;
    ck_assert_msg(sum > 0 && sum % 0xffff == 0, "a checksum of protocol %u is wrong", protocol);
    ck_assert(!v4 || sum_of(packet, header) % 0xffff == 0);
}

static int take_packet(struct frame_sink *sink, const struct frame_meta *meta,
                       const struct iovec *iov, int iovcnt, instant at)
{
    struct host_out *out = CONTAINER_OF(sink, struct host_out, sink);
    struct host_packet *p = &out->packet[out->count];

    (void)at;
    ck_assert_int_lt(out->count, HOST_PACKETS);
    out->count++;
    *p = (struct host_packet){.meta = *meta};
    for (int i = 0; i < iovcnt; i++) {
        ck_assert_uint_le(p->len + iov[i].iov_len, HOST_OCTETS);
        memcpy(p->octets + p->len, iov[i].iov_base, iov[i].iov_len);
        p->len += iov[i].iov_len;
    }
    check_sums(p->octets, p->len);
    CONTAINER_OF(out, struct host, out)->sums++;
    return 0;
}

static int not_random(void *context, void *octets, size_t len)
{
    unsigned *seed = context;

    for (size_t i = 0; i < len; i++)
        ((uint8_t *)octets)[i] = (uint8_t)((*seed = *seed * 1103515245u + 12345u) >> 16);
    return 0;
}

static void make_host(int which, const char *const *addresses, int count, uint32_t mtu)
{
    struct host *host = &hosts[which];
    struct stack_config config;

    stack_config_init(&config);
    /* What a test is not about it does not want to see in each segment. */
    config.values.tcp_timestamps = config.values.tcp_sack = 0;
    config.link = STACK_LINK_IP;
    config.mtu = mtu;
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(ip_prefix_parse(addresses[i], &config.addr[config.addr_count++]), 0);
    ck_assert_ptr_null(stack_config_check(&config));
    *host = (struct host){.seed = (unsigned)which + 1, .out.sink.send = take_packet};
    host->stack = stack_new(&config, &(struct env){.context = &host->seed, .random = not_random});
    ck_assert_ptr_nonnull(host->stack);
}

void given_two_hosts(void)
{
    hosts_now = (instant){0};
    make_host(0, (const char *const[]){"10.0.0.1/32", "fe80::2/64", "fd00::2/64"}, 3, 1500);
    make_host(1, (const char *const[]){"192.0.2.1/32", "2001:db8::1/64", "fe80::1/64"}, 3, 1500);
}

void hosts_gone(void)
{
    stack_free(hosts[0].stack);
    stack_free(hosts[1].stack);
}

struct ip_addr host_addr(const char *text)
{
    struct ip_addr out;

    ck_assert_int_eq(ip_addr_parse(text, &out), 0);
    return out;
}

int host_output(int which)
{
    struct host *host = &hosts[which];

    stack_advance(host->stack, hosts_now);
    ck_assert_int_eq(stack_output_ip(host->stack, &host->out.sink, hosts_now), 0);
    return host->out.count;
}

static void check_books(int which)
{
    struct stack_counters c;
    uint64_t dropped = 0;

    stack_counters(hosts[which].stack, &c);
    for (int i = 0; i < DROP_COUNT; i++)
        dropped += c.drops[i];
    ck_assert_uint_eq(c.received, c.consumed + c.held + dropped);
}

void host_deliver(int which)
{
    struct host_out *out = &hosts[which].out;

    for (int i = 0; i < out->count; i++) {
        struct host_packet *p = &out->packet[i];
        stack_input_ip(hosts[1 - which].stack, (struct bytes){p->octets, p->len}, &p->meta,
                       hosts_now);
    }
    out->count = 0;
    check_books(1 - which);
}

void host_lose(int which)
{
    hosts[which].out.count = 0;
}

void hosts_settle(void)
{
    for (bool busy = true; busy;) {
        busy = false;
        for (int i = 0; i < 2; i++) {
            busy |= host_output(i) > 0;
            host_deliver(i);
        }
    }
}

void hosts_wait_ms(int64_t ms)
{
    for (int64_t i = 0; i < ms; i++) {
        hosts_now = instant_add(hosts_now, NS_PER_MS);
        hosts_settle();
    }
}

uint64_t host_drops(int which, enum drop drop)
{
    struct stack_counters c;

    stack_counters(hosts[which].stack, &c);
    return c.drops[drop];
}

uint64_t host_sums(int which)
{
    return hosts[which].sums;
}

void host_input(int which, const void *octets, size_t len)
{
    stack_input(hosts[which].stack, (struct bytes){octets, len}, NULL, hosts_now);
    check_books(which);
}

int hosts_connect(int row, int *listener, int *accepted)
{
    struct stack *a = hosts[0].stack, *b = hosts[1].stack;
    struct endpoint to = {host_addr(host_family[row].server), 80};
    int client = sock_socket(a, host_family[row].family, SOCK_STREAM, 0);

    *listener = sock_socket(b, host_family[row].family, SOCK_STREAM, 0);
    ck_assert_int_eq(sock_bind(b, *listener, (struct endpoint){.port = 80}), 0);
    ck_assert_int_eq(sock_listen(b, *listener, 1), 0);
    ck_assert_int_eq(sock_connect(a, client, to, NULL), -EINPROGRESS);
    hosts_settle();
    *accepted = sock_accept(b, *listener, NULL, NULL);
    ck_assert_int_ge(*accepted, 0);
    ck_assert_int_eq(sock_poll(a, client), POLLOUT);
    return client;
}
