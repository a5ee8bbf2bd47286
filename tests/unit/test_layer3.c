/*
 * test_layer3.c - two stacks on a link that carries bare IP packets: no Ethernet, no ARP.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/base.h"
#include "base/instant.h"
#include "support/ip_hosts.h"
#include "support/proves.h"

START_TEST(tcp_goes_both_ways_and_nothing_is_left)
{
    struct stack *a = hosts[0].stack, *b = hosts[1].stack;
    int listener, server, client = hosts_connect(_i, &listener, &server);
    static uint8_t text[40000], back[sizeof text];
    size_t got = 0;
    struct stack_usage usage;

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 7 + i / 256);
    ck_assert_int_eq(sock_send(a, client, text, sizeof text, 0, NULL), sizeof text);
    for (int i = 0; i < 200 && got < sizeof text; i++) {
        hosts_wait_ms(1);
        ssize_t n = sock_recv(b, server, back + got, sizeof back - got, 0, NULL);
        got += n > 0 ? (size_t)n : 0;
    }
    ck_assert_uint_eq(got, sizeof text);
    ck_assert_mem_eq(text, back, sizeof text);
    ck_assert_int_eq(sock_send(b, server, "yes", 3, 0, NULL), 3);
    hosts_settle();
    ck_assert_int_eq(sock_recv(a, client, back, sizeof back, 0, NULL), 3);

    sock_close(a, client);
    hosts_settle();
    sock_close(b, server);
    sock_close(b, listener);
    hosts_settle();
    hosts_now = instant_add(hosts_now, 120 * NS_PER_S);
    hosts_settle();
    for (int i = 0; i < 2; i++) {
        stack_usage(hosts[i].stack, &usage);
        ck_assert_uint_eq(usage.connections + usage.frames + usage.timers + usage.sockets, 0);
    }
}
END_TEST

/* ip_hosts.c checks the sum of every packet; here is one of each kind. */
START_TEST(every_kind_of_segment_has_a_right_checksum)
{
    struct stack *a = hosts[0].stack, *b = hosts[1].stack;
    int listener, server, client = hosts_connect(_i, &listener, &server);
    static const uint8_t text[300];
    uint64_t before = host_sums(0) + host_sums(1);

    for (size_t len = 1; len <= sizeof text - 1; len += 23) { /* odd and even, ACKs between */
        ck_assert_int_eq(sock_send(a, client, text, len, 0, NULL), (ssize_t)len);
        hosts_wait_ms(50);
        ck_assert_int_eq(sock_send(b, server, text, len + 1, 0, NULL), (ssize_t)len + 1);
        hosts_wait_ms(50);
    }
    ck_assert_int_eq(sock_shutdown(a, client, SHUT_WR), 0); /* FIN */
    hosts_settle();
    sock_close(b, server); /* RST: it has not read */
    hosts_settle();
    sock_close(a, client);
    sock_close(b, listener);
    hosts_settle();
    int refused = sock_socket(a, host_family[_i].family, SOCK_STREAM, 0);
    ck_assert_int_eq(
        sock_connect(a, refused, (struct endpoint){host_addr(host_family[_i].server), 80}, NULL),
        -EINPROGRESS);
    hosts_settle(); /* RST in reply */
    sock_close(a, refused);
    ck_assert_uint_ge(host_sums(0) + host_sums(1) - before, 50);
    PROVES("RFC9293-MUST-2");
}
END_TEST

START_TEST(an_echo_request_is_answered)
{
    struct stack *a = hosts[0].stack;
    int s = sock_socket(a, host_family[_i].family, SOCK_DGRAM, host_family[_i].icmp);
    char back[16];

    ck_assert_int_eq(
        sock_connect(a, s, (struct endpoint){host_addr(host_family[_i].server), 0}, NULL), 0);
    ck_assert_int_eq(sock_send(a, s, "are you there", 13, 0, NULL), 13);
    hosts_settle();
    ck_assert_int_eq(sock_recv(a, s, back, sizeof back, 0, NULL), 13);
    ck_assert_mem_eq(back, "are you there", 13);
    sock_close(a, s);
}
END_TEST

START_TEST(a_closed_port_answers_with_a_reset)
{
    struct stack *a = hosts[0].stack;
    int s = sock_socket(a, host_family[_i].family, SOCK_STREAM, 0);
    int error = 0;
    socklen_t len = sizeof error;

    ck_assert_int_eq(
        sock_connect(a, s, (struct endpoint){host_addr(host_family[_i].server), 81}, NULL),
        -EINPROGRESS);
    hosts_settle();
    ck_assert_int_eq(sock_getsockopt(a, s, SOL_SOCKET, SO_ERROR, &error, &len), 0);
    ck_assert_int_eq(error, ECONNREFUSED);
    ck_assert_uint_eq(host_drops(1, DROP_TCP_CLOSED), 1);
    sock_close(a, s);
}
END_TEST

/* Which sockets know which addresses: AF_INET6 without IPV6_V6ONLY knows both. */
START_TEST(a_socket_of_inet_knows_ipv4_alone_and_one_of_inet6_both)
{
    struct stack *a = hosts[0].stack, *b = hosts[1].stack;
    struct endpoint v4 = {host_addr("192.0.2.1"), 80}, v6 = {host_addr("2001:db8::1"), 80};
    struct endpoint our_v6 = {host_addr("fd00::2"), 0}, any = {.port = 80}, peer;
    int listener = sock_socket(b, _i ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    int four = sock_socket(a, AF_INET, SOCK_STREAM, 0);
    int six = sock_socket(a, AF_INET6, SOCK_STREAM, 0);
    int mapped = sock_socket(a, AF_INET6, SOCK_STREAM, 0);
    int ping = sock_socket(a, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    int ping6 = sock_socket(a, AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);

    ck_assert_int_eq(sock_connect(a, ping, v6, NULL), -EAFNOSUPPORT);
    ck_assert_int_eq(sock_connect(a, ping6, v4, NULL), -EAFNOSUPPORT);
    ck_assert_int_eq(sock_connect(a, four, v6, NULL), -EAFNOSUPPORT);
    ck_assert_int_eq(sock_bind(a, four, our_v6), -EAFNOSUPPORT);
    ck_assert_int_eq(sock_bind(b, listener, any), 0);
    ck_assert_int_eq(sock_listen(b, listener, 8), 0);
    ck_assert_int_eq(sock_connect(a, four, v4, NULL), -EINPROGRESS);
    ck_assert_int_eq(sock_connect(a, six, v6, NULL), -EINPROGRESS);
    ck_assert_int_eq(sock_connect(a, mapped, v4, NULL), -EINPROGRESS);
    hosts_settle();
    ck_assert_int_eq(sock_poll(a, four), POLLOUT);
    ck_assert_int_eq(sock_poll(a, mapped), POLLOUT);
    ck_assert(_i ? sock_poll(a, six) == POLLOUT : sock_poll(a, six) & POLLERR);
    ck_assert_uint_eq(host_drops(1, DROP_TCP_CLOSED), _i ? 0 : 1);
    for (int i = 0; i < 2 + _i; i++)
        ck_assert_int_ge(sock_accept(b, listener, &peer, NULL), 0);
    ck_assert_int_eq(sock_accept(b, listener, &peer, NULL), -EAGAIN);
}
END_TEST

START_TEST(a_socket_bound_in_one_family_does_not_reach_the_other)
{
    struct stack *a = hosts[0].stack;
    struct endpoint v4 = {host_addr("192.0.2.1"), 80}, our_v6 = {host_addr("fd00::2"), 5000};
    int s = sock_socket(a, AF_INET6, SOCK_STREAM, 0);

    ck_assert_int_eq(sock_bind(a, s, our_v6), 0);
    ck_assert_int_eq(sock_connect(a, s, v4, NULL), -ENETUNREACH);
    ck_assert_int_eq(host_output(0), 0);
}
END_TEST

START_TEST(a_link_without_stations_announces_and_asks_nothing)
{
    ck_assert(host_output(0) == 0);
    hosts_now = instant_add(hosts_now, 10 * NS_PER_S);
    ck_assert(host_output(0) == 0);
    ck_assert(instant_is_never(stack_deadline(hosts[0].stack)));
}
END_TEST

START_TEST(what_is_no_ip_packet_is_dropped_by_name)
{
    static const uint8_t zeros[1501];

    host_input(0, zeros, 0);
    host_input(0, zeros, 1);
    host_input(0, zeros, 60);
    ck_assert_uint_eq(host_drops(0, DROP_IP_VERSION), 3);
    host_input(0, (const uint8_t[]){0x45}, 1);
    ck_assert_uint_eq(host_drops(0, DROP_IP4_HEADER), 1);
    host_input(0, (const uint8_t[]){0x60}, 1);
    ck_assert_uint_eq(host_drops(0, DROP_IP6_HEADER), 1);
    host_input(0, zeros, sizeof zeros);
    ck_assert_uint_eq(host_drops(0, DROP_IP_GIANT), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("layer 3");
    TCase *pair = tcase_create("two stacks on a link of bare IP packets");

    tcase_add_checked_fixture(pair, given_two_hosts, hosts_gone);
    tcase_add_loop_test(pair, tcp_goes_both_ways_and_nothing_is_left, 0, HOST_FAMILIES);
    tcase_add_loop_test(pair, every_kind_of_segment_has_a_right_checksum, 0, HOST_FAMILIES);
    tcase_add_loop_test(pair, an_echo_request_is_answered, 0, HOST_FAMILIES);
    tcase_add_loop_test(pair, a_closed_port_answers_with_a_reset, 0, HOST_FAMILIES);
    tcase_add_loop_test(pair, a_socket_of_inet_knows_ipv4_alone_and_one_of_inet6_both, 0, 2);
    tcase_add_test(pair, a_socket_bound_in_one_family_does_not_reach_the_other);
    tcase_add_test(pair, a_link_without_stations_announces_and_asks_nothing);
    tcase_add_test(pair, what_is_no_ip_packet_is_dropped_by_name);
    suite_add_tcase(suite, pair);
    return run_suite(suite, "layer3");
}
