/*
 * test_sock_options.c - options: what can be set, what is read back, and what it does.
 *
 * socket(7), tcp(7), ip(7), ipv6(7) and Linux's own bounds are the reference.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/base.h"
#include "support/peer.h"
#include "support/proves.h"

static void get_info(struct peer *p, int s, struct sock_tcp_info *info)
{
    socklen_t len = sizeof(*info);

    ck_assert_int_eq(sock_getsockopt(p->stack, s, IPPROTO_TCP, TCP_INFO, info, &len), 0);
    ck_assert_uint_eq(len, sizeof(*info));
}

/* --- values ------------------------------------------------------------------------------- */

static const struct {
    int level, option, initial, good, read_back, bad;
} numbers[] = {
    {SOL_SOCKET, SO_REUSEADDR, 0, 5, 1, -1},
    {SOL_SOCKET, SO_KEEPALIVE, 0, 5, 1, -1},
    {SOL_SOCKET, SO_PRIORITY, 0, 6, 6, -1},
    {SOL_SOCKET, SO_MARK, 0, 99, 99, -1},
    {SOL_SOCKET, SO_SNDBUF, 262144, 20000, 40000, -1},
    {SOL_SOCKET, SO_SNDBUF, 262144, 1, 4608, -1},
    {SOL_SOCKET, SO_RCVBUF, 4194304, 20000, 40000, -1},
    {SOL_SOCKET, SO_RCVBUF, 4194304, 1, 2304, -1},
    {IPPROTO_TCP, TCP_NODELAY, 0, 5, 1, -1},
    {IPPROTO_TCP, TCP_CORK, 0, 5, 1, -1},
    {IPPROTO_TCP, TCP_MAXSEG, 536, 88, 88, 87},
    {IPPROTO_TCP, TCP_MAXSEG, 536, 32767, 32767, 32768},
    {IPPROTO_TCP, TCP_KEEPIDLE, 7200, 32767, 32767, 32768},
    {IPPROTO_TCP, TCP_KEEPIDLE, 7200, 1, 1, 0},
    {IPPROTO_TCP, TCP_KEEPINTVL, 75, 32767, 32767, 32768},
    {IPPROTO_TCP, TCP_KEEPINTVL, 75, 1, 1, 0},
    {IPPROTO_TCP, TCP_KEEPCNT, 9, 127, 127, 128},
    {IPPROTO_TCP, TCP_KEEPCNT, 9, 1, 1, 0},
    {IPPROTO_TCP, TCP_SYNCNT, 7, 127, 127, 128},
    {IPPROTO_TCP, TCP_SYNCNT, 7, 1, 1, 0},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, 0, 1234, 1234, -1},
    {IPPROTO_TCP, TCP_LINGER2, 60, 30, 30, 0},
    {IPPROTO_TCP, TCP_LINGER2, 60, 1000, 120, 0},
    {IPPROTO_TCP, TCP_LINGER2, 60, -7, -1, 0},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, 0, 10, 15, 0},
    {IPPROTO_TCP, TCP_QUICKACK, 1, 1, 1, 0},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP, 0, 4000, 4000, 0},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP, 0, 1, 1152, 0},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, 0, 16000, 16000, 0},
    {IPPROTO_IP, IP_TOS, 0, 0x28, 0x28, 0},
    {IPPROTO_IP, IP_TOS, 0, 0xff, 0xfc, 0},
    {IPPROTO_IP, IP_TOS, 0, -1, 0xfc, 0},
    {IPPROTO_IP, IP_TTL, 64, 255, 255, 256},
    {IPPROTO_IP, IP_TTL, 64, 1, 1, 0},
    {IPPROTO_IP, IP_TTL, 64, -1, 64, -2},
    {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT, IP_PMTUDISC_DO, IP_PMTUDISC_DO, 6},
    {IPPROTO_IPV6, IPV6_TCLASS, 0, 0x28, 0x28, 256},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64, 7, 7, 256},
    {IPPROTO_IPV6, IPV6_V6ONLY, 0, 1, 1, 0},
};

/* May it be refused, and with what? */
static bool is_bounded(size_t row)
{
    return numbers[row].level != SOL_SOCKET && numbers[row].bad != numbers[row].good &&
           numbers[row].option != TCP_NODELAY;
}

START_TEST(an_option_is_read_back_as_linux_would)
{
    struct peer *p = peer_new();
    int level = numbers[_i].level, option = numbers[_i].option;
    int s = peer_own(
        p, sock_socket(p->stack, level == IPPROTO_IPV6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0));

    ck_assert_int_eq(peer_get(p, s, level, option), numbers[_i].initial);
    ck_assert_int_eq(peer_set(p, s, level, option, numbers[_i].good), 0);
    ck_assert_int_eq(peer_get(p, s, level, option), numbers[_i].read_back);
    int err = peer_set(p, s, level, option, numbers[_i].bad);
    ck_assert(err == 0 || (err == -EINVAL && is_bounded((size_t)_i)));
    if (err)
        ck_assert_int_eq(peer_get(p, s, level, option), numbers[_i].read_back);
    peer_free(p);
}
END_TEST

/* A listener's options are those of its children; a connection takes them as well as a socket. */
START_TEST(an_option_is_inherited_and_can_be_set_on_a_connection)
{
    struct peer *p = peer_new();
    int level = numbers[_i].level, option = numbers[_i].option, listener = peer_listen(p, 4);
    bool fixed = option == TCP_MAXSEG || option == TCP_QUICKACK; /* a connection knows better */

    if (level == IPPROTO_IPV6) {
        peer_free(p);
        return;
    }
    p->any_ttl = true;
    ck_assert_int_eq(peer_set(p, listener, level, option, numbers[_i].good), 0);
    peer_flow_new(p);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    PEER_SEND(p, .flags = "P.", .seq = 1, .ack = 1, .len = 1); /* text, for TCP_DEFER_ACCEPT */
    int s = peer_accept(p, listener);
    if (!fixed)
        ck_assert_int_eq(peer_get(p, s, level, option), numbers[_i].read_back);
    peer_close(p, listener);
    peer_skip(p);
    s = peer_establish_passive(p);
    ck_assert_int_eq(peer_set(p, s, level, option, numbers[_i].good), 0);
    if (!fixed)
        ck_assert_int_eq(peer_get(p, s, level, option), numbers[_i].read_back);
    peer_free(p);
}
END_TEST

START_TEST(what_a_socket_is_can_be_asked)
{
    struct peer *p = peer_new();
    int four = peer_socket(p), six = peer_own(p, sock_socket(p->stack, AF_INET6, SOCK_STREAM, 0));

    ck_assert_int_eq(peer_get(p, four, SOL_SOCKET, SO_DOMAIN), AF_INET);
    ck_assert_int_eq(peer_get(p, six, SOL_SOCKET, SO_DOMAIN), AF_INET6);
    ck_assert_int_eq(peer_get(p, four, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
    ck_assert_int_eq(peer_get(p, four, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    ck_assert_int_eq(peer_set(p, four, SOL_SOCKET, SO_DOMAIN, AF_INET), -ENOPROTOOPT);
    ck_assert_int_eq(peer_set(p, four, IPPROTO_IPV6, IPV6_V6ONLY, 1), -ENOPROTOOPT);
    ck_assert_int_eq(peer_set(p, six, IPPROTO_IP, IP_TOS, 8), 0);
    ck_assert_int_eq(peer_get(p, six, IPPROTO_IPV6, IPV6_TCLASS), 8);
    peer_free(p);
}
END_TEST

START_TEST(options_of_ip_may_be_one_octet_long)
{
    struct peer *p = peer_new();
    int s = peer_socket(p);
    uint8_t octet = 0x10;
    socklen_t len = 1;

    ck_assert_int_eq(sock_setsockopt(p->stack, s, IPPROTO_IP, IP_TOS, &octet, 1), 0);
    octet = 0;
    ck_assert_int_eq(sock_getsockopt(p->stack, s, IPPROTO_IP, IP_TOS, &octet, &len), 0);
    ck_assert_uint_eq(octet, 0x10);
    ck_assert_int_eq(sock_setsockopt(p->stack, s, IPPROTO_IP, IP_TOS, &octet, 0), -EINVAL);
    peer_free(p);
}
END_TEST

START_TEST(window_clamp_zero_is_for_sockets_without_a_connection)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_WINDOW_CLAMP, 0), -EINVAL);
    peer_free(p);
}
END_TEST

/* --- families ----------------------------------------------------------------------------- */

START_TEST(an_inet6_socket_talks_to_ipv4_by_mapped_addresses)
{
    struct peer *p = peer_new();
    int s = peer_own(p, sock_socket(p->stack, AF_INET6, SOCK_STREAM, 0));
    struct endpoint end;

    ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(PEER_ADDR, 80), NULL), -EINPROGRESS);
    peer_expect(p, "S", 0, 0, 0);
    peer_send(p, "S.", 0, 1, 0);
    peer_expect(p, ".", 1, 1, 0);
    ck_assert_int_eq(sock_getpeername(p->stack, s, &end), 0);
    struct endpoint there = peer_endpoint(PEER_ADDR, 80);
    ck_assert_mem_eq(&end.addr, &there.addr, sizeof(there.addr));
    peer_free(p);
}
END_TEST

static struct endpoint v6_endpoint(uint16_t port)
{
    return (struct endpoint){.addr = {{0xfe, 0x80, [15] = 1}}, .port = port};
}

START_TEST(a_socket_takes_names_of_its_family)
{
    struct peer *p = peer_new();
    int four = peer_socket(p), six = peer_own(p, sock_socket(p->stack, AF_INET6, SOCK_STREAM, 0));
    int only = peer_own(p, sock_socket(p->stack, AF_INET6, SOCK_STREAM, 0));
    struct endpoint ours = peer_endpoint(PEER_STACK_ADDR, 90);

    ck_assert_int_eq(peer_set(p, only, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
    ck_assert_int_eq(sock_connect(p->stack, four, v6_endpoint(80), NULL), -EAFNOSUPPORT);
    ck_assert_int_eq(sock_bind(p->stack, four, v6_endpoint(80)), -EAFNOSUPPORT);
    ck_assert_int_eq(sock_connect(p->stack, six, v6_endpoint(80), NULL), -ENETUNREACH);
    ck_assert_int_eq(sock_bind(p->stack, six, v6_endpoint(80)), -EADDRNOTAVAIL);
    ck_assert_int_eq(sock_connect(p->stack, only, peer_endpoint(PEER_ADDR, 80), NULL),
                     -ENETUNREACH);
    ck_assert_int_eq(sock_bind(p->stack, only, ours), -EINVAL);
    ck_assert_int_eq(sock_bind(p->stack, six, ours), 0);
    ck_assert_int_eq(peer_set(p, six, IPPROTO_IPV6, IPV6_V6ONLY, 1), -EINVAL); /* too late */
    peer_free(p);
}
END_TEST

START_TEST(a_listener_for_both_families_takes_ipv4_and_one_for_ipv6_alone_does_not)
{
    struct peer *p = peer_new();
    struct endpoint any = {.port = PEER_STACK_PORT};
    int s = peer_own(p, sock_socket(p->stack, AF_INET6, SOCK_STREAM, 0)), four = peer_socket(p);

    ck_assert_int_eq(peer_set(p, s, IPPROTO_IPV6, IPV6_V6ONLY, _i), 0);
    ck_assert_int_eq(sock_bind(p->stack, s, any), 0);
    ck_assert_int_eq(sock_listen(p->stack, s, 4), 0);
    peer_flow_new(p);
    peer_syn(p);
    if (_i == 0)
        peer_expect(p, "S.", 0, 1, 0);
    else
        peer_expect(p, "R.", 0, 1, 0);
    ck_assert_int_eq(sock_bind(p->stack, four, any), _i == 0 ? -EADDRINUSE : 0);
    if (_i == 1)
        ck_assert_int_eq(sock_listen(p->stack, four, 4), 0);
    peer_free(p);
    PROVES("POSIX-v6only");
}
END_TEST

/* --- what they do ------------------------------------------------------------------------- */

START_TEST(type_of_service_and_time_to_live_are_those_of_the_packets)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 1);

    p->any_ttl = true;
    ck_assert_int_eq(peer_set(p, listener, IPPROTO_IP, IP_TOS, 0xb8), 0);
    ck_assert_int_eq(peer_set(p, listener, IPPROTO_IP, IP_TTL, 5), 0);
    peer_flow_new(p);
    peer_syn(p);
    struct peer_segment seg = peer_expect(p, "S.", 0, 1, 0);
    ck_assert(seg.dscp == 46 && seg.ttl == 5);
    peer_send(p, ".", 1, 1, 0);
    int s = peer_accept(p, listener);
    peer_app_send(p, s, 10);
    seg = peer_expect(p, "P.", 1, 1, 10);
    ck_assert(seg.dscp == 46 && seg.ttl == 5);
    ck_assert_int_eq(peer_set(p, s, IPPROTO_IP, IP_TOS, 0x28), 0); /* in the middle of it */
    ck_assert_int_eq(peer_set(p, s, IPPROTO_IP, IP_TTL, -1), 0);
    peer_send(p, ".", 1, 11, 0);
    peer_app_send(p, s, 10);
    seg = peer_expect(p, "P.", 11, 1, 10);
    ck_assert(seg.dscp == 10 && seg.ttl == 64);
    peer_free(p);
    PROVES("RFC9293-MUST-48", "RFC9293-SHLD-21", "RFC9293-MUST-49");
}
END_TEST

START_TEST(a_cork_holds_small_segments_until_it_is_drawn)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_CORK, 1), 0);
    peer_app_send(p, s, 10);
    peer_expect_silence(p, 100);
    peer_app_send(p, s, 1460); /* full segments leave */
    peer_expect(p, ".", 1, 1, 1460);
    peer_send(p, ".", 1, 1461, 0);
    peer_expect_nothing(p);
    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_CORK, 0), 0);
    peer_poll(p);
    peer_expect(p, "P.", 1461, 1, 10);
    peer_app_send(p, s, 3); /* Nagle is as it was */
    peer_expect_nothing(p);
    peer_send(p, ".", 1, 1471, 0);
    peer_expect(p, "P.", 1471, 1, 3);
    peer_free(p);
}
END_TEST

START_TEST(a_cork_holds_for_200_ms_at_most)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_CORK, 1), 0);
    peer_app_send(p, s, 10);
    peer_expect_after(p, 200, "P.", 1, 1, 10);
    peer_free(p);
}
END_TEST

START_TEST(quickack_acknowledges_what_waits_and_off_lets_it_wait)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_QUICKACK, 0), 0);
    ck_assert_int_eq(peer_get(p, s, IPPROTO_TCP, TCP_QUICKACK), 0);
    peer_send(p, "P.", 1, 1, 10);
    peer_expect_silence(p, 30);
    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_QUICKACK, 1), 0);
    peer_poll(p);
    peer_expect(p, ".", 1, 11, 0);
    peer_send(p, "P.", 11, 1, 10);
    peer_expect(p, ".", 1, 21, 0);
    ck_assert_int_eq(peer_get(p, s, IPPROTO_TCP, TCP_QUICKACK), 1);
    peer_free(p);
}
END_TEST

START_TEST(the_users_mss_binds_both_ways)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 1), s = peer_socket(p);

    ck_assert_int_eq(peer_set(p, listener, IPPROTO_TCP, TCP_MAXSEG, 700), 0);
    peer_flow_new(p);
    peer_syn(p);
    ck_assert_uint_eq(peer_expect(p, "S.", 0, 1, 0).mss, 700);
    peer_send(p, ".", 1, 1, 0);
    int t = peer_accept(p, listener);
    ck_assert_int_eq(peer_get(p, t, IPPROTO_TCP, TCP_MAXSEG), 700);
    peer_app_send(p, t, 701);
    peer_expect(p, ".", 1, 1, 700);
    peer_send(p, "R", 1, 0, 0);

    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_MAXSEG, 900), 0);
    ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(PEER_ADDR, 80), NULL), -EINPROGRESS);
    ck_assert_uint_eq(peer_expect(p, "S", 0, 0, 0).mss, 900);
    peer_free(p);
    PROVES("RFC9293-MUST-14");
}
END_TEST

START_TEST(the_receive_buffer_and_the_clamp_bound_the_window)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 4);

    ck_assert_int_eq(peer_set(p, listener, SOL_SOCKET, SO_RCVBUF, 5000), 0);
    peer_flow_new(p);
    peer_syn(p);
    ck_assert_uint_eq(peer_expect(p, "S.", 0, 1, 0).window, 5000);
    ck_assert_int_eq(peer_set(p, listener, IPPROTO_TCP, TCP_WINDOW_CLAMP, 3000), 0);
    peer_flow_new(p);
    peer_syn(p);
    ck_assert_uint_eq(peer_expect(p, "S.", 0, 1, 0).window, 3000);
    peer_free(p);
}
END_TEST

START_TEST(notsent_lowat_bounds_what_is_not_sent)
{
    struct peer *p = peer_new();
    static const uint8_t text[100000];

    p->window = 2920;
    int s = peer_establish_passive(p);
    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 5840), 0);
    /* what the window lets leave at once does not count */
    ck_assert_int_eq(sock_send(p->stack, s, text, sizeof(text), 0, NULL), 8760);
    ck_assert_int_eq(sock_send(p->stack, s, text, 1, 0, NULL), -EAGAIN);
    peer_poll(p);
    ck_assert_int_eq(sock_send(p->stack, s, text, 1, 0, NULL), -EAGAIN);
    ck_assert_int_eq(sock_poll(p->stack, s) & POLLOUT, 0);
    peer_skip(p);
    peer_send(p, ".", 1, 2921, 0);
    peer_skip(p);
    ck_assert_int_eq(sock_poll(p->stack, s) & POLLOUT, 0); /* half of it is unsent */
    peer_send(p, ".", 1, 5841, 0);
    ck_assert_int_eq(sock_poll(p->stack, s) & POLLOUT, POLLOUT);
    peer_free(p);
}
END_TEST

/* --- TCP_INFO ----------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint32_t ssthresh; /* after a loss in a flight of ten */
} congestion[] = {{"reno", 5}, {"cubic", 7}};

START_TEST(congestion_control_goes_by_name)
{
    struct peer *p = peer_new();
    const char *name = congestion[_i].name;
    char read_back[16];
    socklen_t len = sizeof(read_back);
    struct sock_tcp_info info;

    p->scale = 8;
    int s = peer_establish_passive(p);
    ck_assert_int_eq(sock_getsockopt(p->stack, s, IPPROTO_TCP, TCP_CONGESTION, read_back, &len), 0);
    ck_assert_str_eq(read_back, "reno"); /* this peer's stack is configured so */
    ck_assert_int_eq(sock_setsockopt(p->stack, s, IPPROTO_TCP, TCP_CONGESTION, "vegas", 5),
                     -ENOENT);
    ck_assert_int_eq(sock_setsockopt(p->stack, s, IPPROTO_TCP, TCP_CONGESTION, name, 0), -EINVAL);
    ck_assert_int_eq(sock_setsockopt(p->stack, s, IPPROTO_TCP, TCP_CONGESTION, NULL, 5), -EFAULT);
    ck_assert_int_eq(
        sock_setsockopt(p->stack, s, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)),
        0);
    ck_assert_int_eq(sock_getsockopt(p->stack, s, IPPROTO_TCP, TCP_CONGESTION, read_back, &len), 0);
    ck_assert_str_eq(read_back, name);
    peer_app_send(p, s, 14600);
    for (int i = 0; i < 3; i++)
        peer_send(p, ".", 1, 1, 0);
    get_info(p, s, &info);
    ck_assert_uint_eq(info.tcpi_snd_ssthresh, congestion[_i].ssthresh);
    peer_free(p);
    PROVES("RFC9293-MAY-18");
}
END_TEST

START_TEST(tcp_info_has_linuxs_layout)
{
    ck_assert_uint_eq(offsetof(struct sock_tcp_info, tcpi_rto),
                      offsetof(struct tcp_info, tcpi_rto));
    ck_assert_uint_eq(offsetof(struct sock_tcp_info, tcpi_rtt),
                      offsetof(struct tcp_info, tcpi_rtt));
    ck_assert_uint_eq(offsetof(struct sock_tcp_info, tcpi_total_retrans),
                      offsetof(struct tcp_info, tcpi_total_retrans));
    ck_assert_uint_eq(offsetof(struct sock_tcp_info, tcpi_bytes_acked), 120);
    ck_assert_uint_eq(offsetof(struct sock_tcp_info, tcpi_delivery_rate), 160);
    ck_assert_uint_eq(offsetof(struct sock_tcp_info, tcpi_bytes_sent), 200);
    ck_assert_uint_eq(offsetof(struct sock_tcp_info, tcpi_rcv_ooopack), 224);
    ck_assert_uint_eq(offsetof(struct sock_tcp_info, tcpi_snd_wnd), 228);
    ck_assert_uint_eq(offsetof(struct sock_tcp_info, tcpi_rehash), 236);
    ck_assert_uint_eq(sizeof(struct sock_tcp_info), 248);
}
END_TEST

START_TEST(tcp_info_tells_the_story_of_a_connection)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 7), fresh = peer_socket(p);
    struct sock_tcp_info info;

    get_info(p, fresh, &info);
    ck_assert_uint_eq(info.tcpi_state, TCP_CLOSE);
    get_info(p, listener, &info);
    ck_assert_uint_eq(info.tcpi_state, TCP_LISTEN);
    ck_assert_uint_eq(info.tcpi_sacked, 7);
    peer_close(p, listener);

    p->mss = 1000;
    int s = peer_establish_passive(p);
    get_info(p, s, &info);
    ck_assert_uint_eq(info.tcpi_state, TCP_ESTABLISHED);
    ck_assert_uint_eq(info.tcpi_snd_mss, 1000);
    ck_assert_uint_eq(info.tcpi_advmss, 1460);
    ck_assert_uint_eq(info.tcpi_snd_cwnd, 10);
    ck_assert_uint_eq(info.tcpi_snd_ssthresh, 0x7fffffff);
    ck_assert_uint_eq(info.tcpi_pmtu, 1500);
    ck_assert_uint_eq(info.tcpi_rto, 1000000);
    ck_assert_uint_eq(info.tcpi_snd_wnd, PEER_WINDOW);

    peer_no_delay(p, s);
    peer_app_send(p, s, 2500);
    peer_skip(p);
    peer_wait(p, 40);
    get_info(p, s, &info);
    ck_assert_uint_eq(info.tcpi_unacked, 3);
    ck_assert_uint_eq(info.tcpi_bytes_sent, 2500);
    ck_assert_uint_eq(info.tcpi_data_segs_out, 3);
    ck_assert_uint_eq(info.tcpi_segs_out, 4);
    ck_assert_uint_eq(info.tcpi_last_data_sent, 40);
    peer_send(p, ".", 1, 2501, 0);
    peer_send(p, "P.", 1, 2501, 100);
    peer_skip(p);
    peer_wait(p, 7);
    get_info(p, s, &info);
    ck_assert_uint_eq(info.tcpi_unacked, 0);
    ck_assert_uint_eq(info.tcpi_bytes_acked, 2500);
    ck_assert_uint_eq(info.tcpi_bytes_received, 100);
    ck_assert_uint_eq(info.tcpi_data_segs_in, 1);
    ck_assert_uint_eq(info.tcpi_segs_in, 4);
    ck_assert_uint_eq(info.tcpi_delivered, 4); /* our SYN is one */
    ck_assert_uint_eq(info.tcpi_last_data_recv, 7);
    ck_assert_uint_eq(info.tcpi_last_ack_recv, 7);
    ck_assert_uint_eq(info.tcpi_min_rtt, 1); /* of the handshake */

    peer_app_send(p, s, 10);
    peer_wait(p, 1100);
    get_info(p, s, &info);
    ck_assert_uint_eq(info.tcpi_total_retrans, 1);
    ck_assert_uint_eq(info.tcpi_bytes_retrans, 10);
    ck_assert_uint_eq(info.tcpi_bytes_sent, 2520);
    ck_assert_uint_eq(info.tcpi_retransmits, 1);
    ck_assert_uint_eq(info.tcpi_backoff, 1);
    ck_assert_uint_eq(info.tcpi_ca_state, 4);
    ck_assert_uint_eq(info.tcpi_snd_cwnd, 1);
    ck_assert_uint_eq(info.tcpi_snd_ssthresh, 2);
    peer_free(p);
}
END_TEST

START_TEST(tcp_info_gives_as_much_as_fits)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    struct sock_tcp_info info;
    socklen_t len = 8;

    memset(&info, 0xaa, sizeof(info));
    ck_assert_int_eq(sock_getsockopt(p->stack, s, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
    ck_assert_uint_eq(len, 8);
    ck_assert_uint_eq(info.tcpi_state, TCP_ESTABLISHED);
    ck_assert_uint_eq(info.tcpi_rto, 0xaaaaaaaa);
    len = 4096;
    ck_assert_int_eq(sock_getsockopt(p->stack, s, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
    ck_assert_uint_eq(len, sizeof(info));
    peer_free(p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sock_options");

    TCase *c = tcase_create("socket(7), tcp(7), ip(7), ipv6(7): values");
    tcase_add_loop_test(c, an_option_is_read_back_as_linux_would, 0, (int)ARRAY_LEN(numbers));
    tcase_add_loop_test(c, an_option_is_inherited_and_can_be_set_on_a_connection, 0,
                        (int)ARRAY_LEN(numbers));
    tcase_add_test(c, what_a_socket_is_can_be_asked);
    tcase_add_test(c, options_of_ip_may_be_one_octet_long);
    tcase_add_test(c, window_clamp_zero_is_for_sockets_without_a_connection);
    suite_add_tcase(s, c);

    c = tcase_create("ipv6(7): families");
    tcase_add_test(c, an_inet6_socket_talks_to_ipv4_by_mapped_addresses);
    tcase_add_test(c, a_socket_takes_names_of_its_family);
    tcase_add_loop_test(c, a_listener_for_both_families_takes_ipv4_and_one_for_ipv6_alone_does_not,
                        0, 2);
    suite_add_tcase(s, c);

    c = tcase_create("tcp(7): what options do");
    tcase_add_test(c, type_of_service_and_time_to_live_are_those_of_the_packets);
    tcase_add_test(c, a_cork_holds_small_segments_until_it_is_drawn);
    tcase_add_test(c, a_cork_holds_for_200_ms_at_most);
    tcase_add_test(c, quickack_acknowledges_what_waits_and_off_lets_it_wait);
    tcase_add_test(c, the_users_mss_binds_both_ways);
    tcase_add_test(c, the_receive_buffer_and_the_clamp_bound_the_window);
    tcase_add_test(c, notsent_lowat_bounds_what_is_not_sent);
    suite_add_tcase(s, c);

    c = tcase_create("tcp(7): TCP_INFO");
    tcase_add_loop_test(c, congestion_control_goes_by_name, 0, (int)ARRAY_LEN(congestion));
    tcase_add_test(c, tcp_info_has_linuxs_layout);
    tcase_add_test(c, tcp_info_tells_the_story_of_a_connection);
    tcase_add_test(c, tcp_info_gives_as_much_as_fits);
    suite_add_tcase(s, c);
    return run_suite(s, "sock_options");
}
