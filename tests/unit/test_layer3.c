/*
 * test_layer3.c - two stacks on a link that carries bare IP packets: no Ethernet, no ARP.
 *
 * What one hands out is the other's input. Every test runs in virtual time.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <tapio/sock.h>

#include "base/addr.h"
#include "base/checksum.h"
#include "base/instant.h"
#include "support/proves.h"

enum { PACKETS = 256, OCTETS = 2048 };

struct packet {
    size_t len;
    struct frame_meta meta;
    uint8_t octets[OCTETS];
};

/* What a stack has sent and nobody has read. */
struct wire {
    struct frame_sink sink;
    int count;
    struct packet packet[PACKETS];
};

struct host {
    struct stack *stack;
    struct wire out;
    unsigned seed;
};

static struct host hosts[2];
static instant now;

static int take_packet(struct frame_sink *sink, const struct frame_meta *meta,
                       const struct iovec *iov, int iovcnt, instant at)
{
    struct wire *wire = (struct wire *)(void *)sink;
    struct packet *p = &wire->packet[wire->count];

    (void)at;
    ck_assert_int_lt(wire->count, PACKETS);
    wire->count++;
    *p = (struct packet){.meta = *meta};
    for (int i = 0; i < iovcnt; i++) {
        ck_assert_uint_le(p->len + iov[i].iov_len, OCTETS);
        memcpy(p->octets + p->len, iov[i].iov_base, iov[i].iov_len);
        p->len += iov[i].iov_len;
    }
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
    config.link = STACK_LINK_IP;
    config.mtu = mtu;
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(ip_prefix_parse(addresses[i], &config.addr[config.addr_count++]), 0);
    ck_assert_ptr_null(stack_config_check(&config));
    *host = (struct host){.seed = (unsigned)which + 1, .out.sink.send = take_packet};
    host->stack = stack_new(&config, &(struct env){.context = &host->seed, .random = not_random});
    ck_assert_ptr_nonnull(host->stack);
}

static void given_two_hosts(void)
{
    now = (instant){0};
    make_host(0, (const char *const[]){"10.0.0.1/32", "fe80::2/64", "fd00::2/64"}, 3, 1500);
    make_host(1, (const char *const[]){"192.0.2.1/32", "2001:db8::1/64", "fe80::1/64"}, 3, 1500);
}

static void hosts_gone(void)
{
    stack_free(hosts[0].stack);
    stack_free(hosts[1].stack);
}

static struct ip_addr addr(const char *text)
{
    struct ip_addr out;

    ck_assert_int_eq(ip_addr_parse(text, &out), 0);
    return out;
}

/* Everything that one has to say goes to the other. True when there was something. */
static bool carry(int from)
{
    struct host *host = &hosts[from];
    struct stack_counters c;

    ck_assert_int_eq(stack_output_ip(host->stack, &host->out.sink, now), 0);
    int count = host->out.count;
    for (int i = 0; i < count; i++) {
        struct packet *p = &host->out.packet[i];
        stack_input_ip(hosts[1 - from].stack, (struct bytes){p->octets, p->len}, &p->meta, now);
    }
    host->out.count = 0;
    stack_counters(hosts[1 - from].stack, &c);
    uint64_t dropped = 0;
    for (int i = 0; i < DROP_COUNT; i++)
        dropped += c.drops[i];
    ck_assert_uint_eq(c.received, c.consumed + dropped);
    return count > 0;
}

static void settle(void)
{
    for (int i = 0; i < 2; i++)
        stack_advance(hosts[i].stack, now);
    for (bool busy = true; busy;) {
        busy = carry(0);
        busy |= carry(1);
    }
}

static void wait_ms(int64_t ms)
{
    for (int64_t i = 0; i < ms; i++) {
        now = instant_add(now, NS_PER_MS);
        settle();
    }
}

static uint64_t drops(int which, enum drop drop)
{
    struct stack_counters c;

    stack_counters(hosts[which].stack, &c);
    return c.drops[drop];
}

static void input(int which, const uint8_t *octets, size_t len)
{
    stack_input(hosts[which].stack, (struct bytes){octets, len}, NULL, now);
}

static const struct {
    int family, protocol;
    const char *server;
} family[] = {{AF_INET, IPPROTO_ICMP, "192.0.2.1"},
              {AF_INET6, IPPROTO_ICMPV6, "2001:db8::1"},
              {AF_INET6, IPPROTO_ICMPV6, "fe80::1"}};

static int connect_pair(int row, int *listener, int *accepted)
{
    struct stack *a = hosts[0].stack, *b = hosts[1].stack;
    struct endpoint to = {addr(family[row].server), 80};
    int client = sock_socket(a, family[row].family, SOCK_STREAM, 0);

    *listener = sock_socket(b, family[row].family, SOCK_STREAM, 0);
    ck_assert_int_eq(sock_bind(b, *listener, (struct endpoint){.port = 80}), 0);
    ck_assert_int_eq(sock_listen(b, *listener, 1), 0);
    ck_assert_int_eq(sock_connect(a, client, to, NULL), -EINPROGRESS);
    settle();
    *accepted = sock_accept(b, *listener, NULL, NULL);
    ck_assert_int_ge(*accepted, 0);
    ck_assert_int_eq(sock_poll(a, client), POLLOUT);
    return client;
}

START_TEST(tcp_goes_both_ways_and_nothing_is_left)
{
    struct stack *a = hosts[0].stack, *b = hosts[1].stack;
    int listener, server, client = connect_pair(_i, &listener, &server);
    static uint8_t text[40000], back[sizeof text];
    size_t got = 0;
    struct stack_usage usage;

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 7 + i / 256);
    ck_assert_int_eq(sock_send(a, client, text, sizeof text, 0, NULL), sizeof text);
    for (int i = 0; i < 200 && got < sizeof text; i++) {
        wait_ms(1);
        ssize_t n = sock_recv(b, server, back + got, sizeof back - got, 0, NULL);
        got += n > 0 ? (size_t)n : 0;
    }
    ck_assert_uint_eq(got, sizeof text);
    ck_assert_mem_eq(text, back, sizeof text);
    ck_assert_int_eq(sock_send(b, server, "yes", 3, 0, NULL), 3);
    settle();
    ck_assert_int_eq(sock_recv(a, client, back, sizeof back, 0, NULL), 3);

    sock_close(a, client);
    settle();
    sock_close(b, server);
    sock_close(b, listener);
    settle();
    now = instant_add(now, 120 * NS_PER_S);
    settle();
    for (int i = 0; i < 2; i++) {
        stack_usage(hosts[i].stack, &usage);
        ck_assert_uint_eq(usage.connections + usage.frames + usage.timers + usage.sockets, 0);
    }
}
END_TEST

START_TEST(an_echo_request_is_answered)
{
    struct stack *a = hosts[0].stack;
    int s = sock_socket(a, family[_i].family, SOCK_DGRAM, family[_i].protocol);
    char back[16];

    ck_assert_int_eq(sock_connect(a, s, (struct endpoint){addr(family[_i].server), 0}, NULL), 0);
    ck_assert_int_eq(sock_send(a, s, "are you there", 13, 0, NULL), 13);
    settle();
    ck_assert_int_eq(sock_recv(a, s, back, sizeof back, 0, NULL), 13);
    ck_assert_mem_eq(back, "are you there", 13);
    sock_close(a, s);
}
END_TEST

START_TEST(a_closed_port_answers_with_a_reset)
{
    struct stack *a = hosts[0].stack;
    int s = sock_socket(a, family[_i].family, SOCK_STREAM, 0);
    int error = 0;
    socklen_t len = sizeof error;

    ck_assert_int_eq(sock_connect(a, s, (struct endpoint){addr(family[_i].server), 81}, NULL),
                     -EINPROGRESS);
    settle();
    ck_assert_int_eq(sock_getsockopt(a, s, SOL_SOCKET, SO_ERROR, &error, &len), 0);
    ck_assert_int_eq(error, ECONNREFUSED);
    ck_assert_uint_eq(drops(1, DROP_TCP_CLOSED), 1);
    sock_close(a, s);
}
END_TEST

START_TEST(a_link_without_stations_announces_and_asks_nothing)
{
    ck_assert(!carry(0));
    now = instant_add(now, 10 * NS_PER_S);
    ck_assert(!carry(0));
    ck_assert(instant_is_never(stack_deadline(hosts[0].stack)));
}
END_TEST

START_TEST(what_is_no_ip_packet_is_dropped_by_name)
{
    static const uint8_t zeros[1501];

    input(0, zeros, 0);
    input(0, zeros, 1);
    input(0, zeros, 60);
    ck_assert_uint_eq(drops(0, DROP_IP_VERSION), 3);
    input(0, (const uint8_t[]){0x45}, 1);
    ck_assert_uint_eq(drops(0, DROP_IP4_HEADER), 1);
    input(0, (const uint8_t[]){0x60}, 1);
    ck_assert_uint_eq(drops(0, DROP_IP6_HEADER), 1);
    input(0, zeros, sizeof zeros);
    ck_assert_uint_eq(drops(0, DROP_IP_GIANT), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("layer 3");
    TCase *pair = tcase_create("two stacks on a link of bare IP packets");
    int rows = (int)(sizeof family / sizeof family[0]);

    tcase_add_checked_fixture(pair, given_two_hosts, hosts_gone);
    tcase_add_loop_test(pair, tcp_goes_both_ways_and_nothing_is_left, 0, rows);
    tcase_add_loop_test(pair, an_echo_request_is_answered, 0, rows);
    tcase_add_loop_test(pair, a_closed_port_answers_with_a_reset, 0, rows);
    tcase_add_test(pair, a_link_without_stations_announces_and_asks_nothing);
    tcase_add_test(pair, what_is_no_ip_packet_is_dropped_by_name);
    suite_add_tcase(suite, pair);
    return run_suite(suite, "layer3");
}
