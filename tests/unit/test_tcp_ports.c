/*
 * test_tcp_ports.c - where counting starts, which ports and addresses are used, who may have them,
 * and how many wait at a listener.
 *
 * Black box: a scripted peer (support/peer.h) and the public calls.
 */
#include <limits.h>

#include "base/base.h"
#include "support/peer.h"
#include "support/proves.h"

static int reuse(struct peer *p, int s)
{
    int on = 1;
    return sock_setsockopt(p->stack, s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

static int bind_to(struct peer *p, int s, uint32_t addr, uint16_t port)
{
    struct endpoint local = peer_endpoint(addr, port);
    if (addr == 0)
        local = (struct endpoint){.port = port};
    return sock_bind(p->stack, s, local);
}

static int connect_to(struct peer *p, int s, uint32_t addr, uint16_t port)
{
    return sock_connect(p->stack, s, peer_endpoint(addr, port), NULL);
}

/* Opens from a port of ours, sees the SYN and forgets it all: the ISS. */
static uint32_t iss_of(struct peer *p, uint16_t local_port, uint16_t remote_port)
{
    struct peer_segment syn;
    int s = sock_socket(p->stack, AF_INET, SOCK_STREAM, 0);

    ck_assert_int_ge(s, 0);
    ck_assert_int_eq(bind_to(p, s, 0, local_port), 0);
    ck_assert_int_eq(connect_to(p, s, PEER_ADDR, remote_port), -EINPROGRESS);
    ck_assert(peer_next(p, &syn));
    ck_assert_uint_eq(syn.flags, WIRE_SYN);
    peer_close(p, s);
    return syn.seq_absolute;
}

/* --- 3.4.1: initial sequence numbers
 * ------------------------------------------------------------------ */

START_TEST(the_iss_of_a_tuple_goes_up_once_in_four_microseconds)
{
    static const int64_t waits_ms[] = {1, 100, 1000, 60000, 3600000, 17179869, 20000000};
    struct peer *p = peer_new();
    uint32_t last = iss_of(p, 50000, 80);

    for (size_t i = 0; i < ARRAY_LEN(waits_ms); i++) {
        peer_wait(p, waits_ms[i]);
        uint32_t now = iss_of(p, 50000, 80);
        uint32_t ticks = (uint32_t)(waits_ms[i] * 1000 / 4);
        ck_assert_uint_eq(now - last, ticks);
        last = now;
    }
    peer_free(p);
    PROVES("RFC9293-MUST-8", "RFC6528-3-a");
}
END_TEST

START_TEST(the_iss_of_a_passive_open_goes_by_the_same_clock)
{
    struct peer *p = peer_new();
    uint32_t iss[2];

    peer_listen(p, 4);
    peer_flow_new(p);
    for (int i = 0; i < 2; i++) {
        peer_syn(p);
        iss[i] = peer_expect(p, "S.", 0, 1, 0).seq_absolute;
        peer_send(p, "R", 1, 0, 0);
        peer_wait(p, 1000);
        peer_flow_again(p, p->iss);
    }
    ck_assert_uint_eq(iss[1] - iss[0], 250000);
    peer_free(p);
    PROVES("RFC9293-MUST-8");
}
END_TEST

/* At one instant: a thousand tuples have numbers that share nothing. */
START_TEST(tuples_have_unrelated_numbers)
{
    struct peer *p = peer_new();
    unsigned bucket[16] = {0};
    uint32_t last = 0, same_step = 0, step = 0;

    for (uint16_t i = 0; i < 1000; i++) {
        peer_flows_forget(p);
        uint32_t iss = iss_of(p, (uint16_t)(50000 + i), 80);
        bucket[iss >> 28]++;
        same_step += i > 1 && iss - last == step;
        step = iss - last;
        last = iss;
    }
    ck_assert_uint_eq(same_step, 0);
    double chi = 0;
    for (int i = 0; i < 16; i++)
        chi += ((double)bucket[i] - 62.5) * ((double)bucket[i] - 62.5) / 62.5;
    ck_assert(chi < 37.7); /* 15 degrees of freedom: one in a thousand */
    peer_free(p);
    PROVES("RFC9293-SHLD-1");
}
END_TEST

START_TEST(another_secret_gives_other_numbers)
{
    struct stack_config config;
    uint32_t iss[4];

    peer_config(&config);
    for (uint64_t i = 0; i < 4; i++) {
        struct peer *p = peer_new_seeded(&config, 0, i == 3 ? 0 : i);
        iss[i] = iss_of(p, 50000, 80);
        peer_free(p);
    }
    ck_assert_uint_ne(iss[0], iss[1]);
    ck_assert_uint_ne(iss[1], iss[2]);
    ck_assert_uint_eq(iss[0], iss[3]); /* and the same one the same */
    PROVES("RFC9293-MUST-9");
}
END_TEST

START_TEST(each_incarnation_starts_above_the_last)
{
    struct peer *p = peer_new();
    uint32_t used = 0;

    p->local_port = 50000;
    for (int i = 0; i < 50; i++) {
        int s = peer_establish_active(p);
        if (i > 0)
            ck_assert_int_gt((int32_t)(p->flow->iss - used), 0);
        peer_app_send(p, s, 1000);
        peer_poll(p);
        used = p->flow->sent_to;
        peer_send(p, "R", 1, 0, 0);
        peer_close(p, s);
        peer_skip(p);
        peer_wait(p, 1800 * 1000);
        peer_skip(p);
    }
    peer_free(p);
    PROVES("RFC6528-3-a");
}
END_TEST

/* --- ephemeral ports (RFC 6056)
 * --------------------------------------------------------------------------- */

static struct peer *with_ports(int64_t first, int64_t last)
{
    struct stack_config config;
    peer_config(&config);
    config.values.tcp_port_min = first;
    config.values.tcp_port_max = last;
    return peer_new_with(&config, 0);
}

START_TEST(ephemeral_ports_are_in_their_range_and_differ)
{
    struct peer *p = with_ports(50000, 50199);
    bool used[200] = {false};

    for (int i = 0; i < 100; i++) {
        int s = peer_socket(p);
        struct peer_segment syn;
        ck_assert_int_eq(connect_to(p, s, PEER_ADDR, 80), -EINPROGRESS);
        ck_assert(peer_next(p, &syn));
        ck_assert(syn.src_port >= 50000 && syn.src_port <= 50199);
        ck_assert(!used[syn.src_port - 50000]);
        used[syn.src_port - 50000] = true;
    }
    peer_free(p);
    PROVES("RFC6056-3.1-a");
}
END_TEST

START_TEST(the_first_ephemeral_port_depends_on_the_secret)
{
    struct stack_config config;
    uint16_t port[6];
    int same = 0;

    peer_config(&config);
    for (uint64_t i = 0; i < 6; i++) {
        struct peer *p = peer_new_seeded(&config, 0, i);
        peer_connect(p);
        port[i] = p->flow->our_port;
        same += i > 0 && port[i] == port[0];
        peer_free(p);
    }
    ck_assert_int_lt(same, 3);
    PROVES("RFC6056-3.3-a");
}
END_TEST

/* RFC 6056, 3.3.1: 16,384 choices fall evenly into 64 parts of the range (chi-square with 63
 * degrees of freedom, deviation 11.2), and so do the steps from one to the next. */
START_TEST(ephemeral_ports_cannot_be_guessed)
{
    enum { CHOICES = 16384, PARTS = 64 };
    struct peer *p = with_ports(49152, 65535);
    int places[PARTS] = {0}, steps[PARTS] = {0};
    uint16_t last = 0;

    for (int i = 0; i < CHOICES; i++) {
        struct endpoint local = {.port = 0};
        int s = sock_socket(p->stack, AF_INET, SOCK_STREAM, 0);
        ck_assert_int_eq(sock_bind(p->stack, s, local), 0);
        ck_assert_int_eq(sock_getsockname(p->stack, s, &local), 0);
        sock_close(p->stack, s);
        places[(local.port - 49152) / (CHOICES / PARTS)]++;
        steps[(uint16_t)(local.port - last) % CHOICES / (CHOICES / PARTS)]++;
        last = local.port;
    }
    double expected = CHOICES / PARTS, place = 0, step = 0;
    for (int i = 0; i < PARTS; i++) {
        place += (places[i] - expected) * (places[i] - expected) / expected;
        step += (steps[i] - expected) * (steps[i] - expected) / expected;
    }
    ck_assert_double_lt(place, 63 + 6 * 11.2);
    ck_assert_double_lt(step, 63 + 6 * 11.2);
    ck_assert_double_gt(place, 10);
    ck_assert_double_gt(step, 10);
    peer_free(p);
    PROVES("RFC6056-3.3-a", "C40");
}
END_TEST

START_TEST(the_last_free_port_is_found_and_then_there_is_none)
{
    struct peer *p = with_ports(50000, 50009);
    int socks[10];

    for (int i = 0; i < 10; i++) {
        socks[i] = peer_socket(p);
        ck_assert_int_eq(connect_to(p, socks[i], PEER_ADDR, 80), -EINPROGRESS);
    }
    peer_skip(p);
    int s = peer_socket(p);
    ck_assert_int_eq(connect_to(p, s, PEER_ADDR, 80), -EADDRNOTAVAIL);
    peer_expect_nothing(p);
    peer_close(p, socks[7]);
    ck_assert_int_eq(connect_to(p, s, PEER_ADDR, 80), -EINPROGRESS);
    peer_free(p);
    PROVES("RFC6056-3.1-a", "C38");
}
END_TEST

START_TEST(an_ephemeral_port_is_never_a_listeners)
{
    struct peer *p = with_ports(50000, 50009);
    int listener = peer_socket(p);

    ck_assert_int_eq(bind_to(p, listener, 0, 50004), 0);
    ck_assert_int_eq(sock_listen(p->stack, listener, 1), 0);
    for (int i = 0; i < 9; i++) {
        struct peer_segment syn;
        ck_assert_int_eq(connect_to(p, peer_socket(p), PEER_ADDR, 80), -EINPROGRESS);
        ck_assert(peer_next(p, &syn));
        ck_assert_uint_ne(syn.src_port, 50004);
    }
    ck_assert_int_eq(connect_to(p, peer_socket(p), PEER_ADDR, 80), -EADDRNOTAVAIL);
    peer_free(p);
    PROVES("RFC6056-3.1-a");
}
END_TEST

/* Who binds before he knows his peer gets a port that nobody has, for he may listen on it. */
START_TEST(an_ephemeral_port_that_is_bound_or_in_use_is_not_given_to_bind)
{
    struct peer *p = with_ports(50000, 50002);
    struct peer_segment syn;
    struct endpoint first, second;

    ck_assert_int_eq(connect_to(p, peer_socket(p), PEER_ADDR, 80), -EINPROGRESS);
    ck_assert(peer_next(p, &syn));
    int s = peer_socket(p);
    ck_assert_int_eq(bind_to(p, s, 0, 0), 0);
    ck_assert_int_eq(sock_getsockname(p->stack, s, &first), 0);
    s = peer_socket(p);
    ck_assert_int_eq(bind_to(p, s, 0, 0), 0);
    ck_assert_int_eq(sock_getsockname(p->stack, s, &second), 0);
    ck_assert_uint_ne(first.port, syn.src_port);
    ck_assert_uint_ne(second.port, syn.src_port);
    ck_assert_uint_ne(second.port, first.port);
    ck_assert_int_eq(bind_to(p, peer_socket(p), 0, 0), -EADDRNOTAVAIL);
    peer_free(p);
    PROVES("RFC6056-3.1-a");
}
END_TEST

START_TEST(a_tuple_in_time_wait_is_not_used_again)
{
    struct peer *p = with_ports(50000, 50001);
    int s = peer_drive(p, TCPS_TIME_WAIT, true);
    uint16_t waiting = p->flow->our_port;

    peer_close(p, s);
    ck_assert_int_eq(connect_to(p, peer_socket(p), PEER_ADDR, 80), -EINPROGRESS);
    struct peer_segment syn;
    ck_assert(peer_next(p, &syn));
    ck_assert_uint_ne(syn.src_port, waiting);
    ck_assert_int_eq(connect_to(p, peer_socket(p), PEER_ADDR, 80), -EADDRNOTAVAIL);
    peer_wait(p, 60001); /* its 2 MSL are over */
    peer_skip(p);
    ck_assert_int_eq(connect_to(p, peer_socket(p), PEER_ADDR, 80), -EINPROGRESS);
    peer_free(p);
    PROVES("RFC9293-TMO-3", "RFC6056-3.1-a");
}
END_TEST

START_TEST(the_same_tuple_may_be_opened_again_after_time_wait)
{
    struct peer *p = peer_new();
    p->local_port = 50000;
    int s = peer_drive(p, TCPS_TIME_WAIT, true);

    peer_close(p, s);
    int again = peer_socket(p);
    ck_assert_int_eq(reuse(p, again), 0);
    ck_assert_int_eq(bind_to(p, again, 0, 50000), 0);
    ck_assert_int_lt(connect_to(p, again, PEER_ADDR, PEER_STACK_PORT), 0);
    peer_expect_nothing(p); /* -EADDRINUSE, or -EADDRNOTAVAIL as elsewhere */
    peer_wait(p, 60001);
    ck_assert_int_eq(connect_to(p, again, PEER_ADDR, PEER_STACK_PORT), -EINPROGRESS);
    peer_free(p);
    PROVES("RFC9293-TMO-3");
}
END_TEST

/* --- bind (3.9.1.1; POSIX)
 * ------------------------------------------------------------------------------------ */

#define SECOND_ADDR PEER_V4(192, 168, 7, 2)

static struct peer *with_two_addresses(void)
{
    struct stack_config config;
    peer_config(&config);
    config.addr[1] = (struct ip_prefix){peer_endpoint(SECOND_ADDR, 0).addr, 24};
    config.addr_count = 2;
    return peer_new_with(&config, 0);
}

enum { ANY = 0 };

/* The first socket is bound and perhaps listens; then the second. */
static const struct {
    uint32_t first, second;
    uint16_t port;
    bool first_listens, both_reuse;
    int result;
} binds[] = {
    {ANY, ANY, 80, false, false, -EADDRINUSE},
    {ANY, ANY, 80, true, false, -EADDRINUSE},
    {ANY, ANY, 80, true, true, -EADDRINUSE},
    {PEER_STACK_ADDR, PEER_STACK_ADDR, 80, false, false, -EADDRINUSE},
    {PEER_STACK_ADDR, PEER_STACK_ADDR, 80, true, true, -EADDRINUSE},
    {ANY, PEER_STACK_ADDR, 80, true, false, -EADDRINUSE},
    {PEER_STACK_ADDR, ANY, 80, true, false, -EADDRINUSE},
    {PEER_STACK_ADDR, SECOND_ADDR, 80, true, false, 0},
    {ANY, ANY, 81, true, false, 0},
};

START_TEST(an_address_and_port_belong_to_one_socket)
{
    struct peer *p = with_two_addresses();
    int first = peer_socket(p), second = peer_socket(p);

    if (binds[_i].both_reuse) {
        ck_assert_int_eq(reuse(p, first), 0);
        ck_assert_int_eq(reuse(p, second), 0);
    }
    ck_assert_int_eq(bind_to(p, first, binds[_i].first, 80), 0);
    if (binds[_i].first_listens)
        ck_assert_int_eq(sock_listen(p->stack, first, 4), 0);
    int result = bind_to(p, second, binds[_i].second, binds[_i].port);
    if (result == 0 && binds[_i].result != 0) /* or it turns out when it listens */
        result = sock_listen(p->stack, second, 4);
    ck_assert_int_eq(result, binds[_i].result);
    peer_free(p);
    PROVES("POSIX-reuse", "RFC9293-MUST-41");
}
END_TEST

START_TEST(bind_over_time_wait_needs_reuseaddr)
{
    struct peer *p = peer_new();
    int s = peer_drive(p, TCPS_TIME_WAIT, false);

    peer_close(p, s);
    int plain = peer_socket(p), reusing = peer_socket(p);
    ck_assert_int_eq(bind_to(p, plain, ANY, PEER_STACK_PORT), -EADDRINUSE);
    ck_assert_int_eq(reuse(p, reusing), 0);
    ck_assert_int_eq(bind_to(p, reusing, ANY, PEER_STACK_PORT), 0);
    ck_assert_int_eq(sock_listen(p->stack, reusing, 4), 0);
    peer_flow_new(p);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    peer_free(p);
    PROVES("POSIX-reuse");
}
END_TEST

START_TEST(bind_over_a_listener_fails_with_reuseaddr_too)
{
    struct peer *p = peer_new();
    int listener = peer_socket(p), second = peer_socket(p), third = peer_socket(p);

    ck_assert_int_eq(reuse(p, listener), 0);
    ck_assert_int_eq(reuse(p, second), 0);
    ck_assert_int_eq(reuse(p, third), 0);
    ck_assert_int_eq(bind_to(p, listener, ANY, PEER_STACK_PORT), 0);
    ck_assert_int_eq(bind_to(p, second, ANY, PEER_STACK_PORT), 0);
    ck_assert_int_eq(sock_listen(p->stack, listener, 4), 0);
    ck_assert_int_eq(bind_to(p, third, ANY, PEER_STACK_PORT), -EADDRINUSE);
    ck_assert_int_eq(sock_listen(p->stack, second, 4), -EADDRINUSE);
    peer_free(p);
    PROVES("POSIX-reuse");
}
END_TEST

START_TEST(bind_again_and_bind_to_a_strange_address_fail)
{
    struct peer *p = peer_new();
    int s = peer_socket(p);

    ck_assert_int_eq(bind_to(p, s, PEER_V4(10, 9, 0, 3), 80), -EADDRNOTAVAIL);
    ck_assert_int_eq(bind_to(p, s, PEER_V4(8, 8, 8, 8), 80), -EADDRNOTAVAIL);
    ck_assert_int_eq(bind_to(p, s, PEER_STACK_ADDR, 80), 0);
    ck_assert_int_eq(bind_to(p, s, PEER_STACK_ADDR, 81), -EINVAL);
    ck_assert_int_eq(bind_to(p, s, ANY, 0), -EINVAL);
    peer_close(p, s);
    int next = peer_socket(p);
    ck_assert_int_eq(bind_to(p, next, PEER_STACK_ADDR, 80), 0);
    peer_free(p);
    PROVES("POSIX-reuse");
}
END_TEST

START_TEST(without_memory_for_its_name_a_socket_is_not_bound)
{
    struct peer *p = peer_new();
    int s = sock_socket(p->stack, AF_INET, SOCK_STREAM, 0);
    struct endpoint name = {.port = 1234}, got;

    p->no_memory = true;
    ck_assert_int_eq(sock_bind(p->stack, s, name), -ENOBUFS);
    p->no_memory = false;
    ck_assert_int_eq(sock_getsockname(p->stack, s, &got), 0);
    ck_assert_uint_eq(got.port, 0);
    ck_assert_int_eq(sock_bind(p->stack, s, name), 0);
    ck_assert_int_eq(sock_getsockname(p->stack, s, &got), 0);
    ck_assert_uint_eq(got.port, 1234);
    ck_assert_int_eq(sock_close(p->stack, s), 0);
    peer_free(p);
    PROVES("F02");
}
END_TEST

START_TEST(bind_to_port_0_takes_an_ephemeral_port)
{
    struct peer *p = with_ports(50000, 50001);
    struct endpoint name;
    uint16_t ports[2];

    for (int i = 0; i < 2; i++) {
        int s = peer_socket(p);
        ck_assert_int_eq(bind_to(p, s, ANY, 0), 0);
        ck_assert_int_eq(sock_getsockname(p->stack, s, &name), 0);
        ports[i] = name.port;
        ck_assert(name.port == 50000 || name.port == 50001);
    }
    ck_assert_uint_ne(ports[0], ports[1]);
    int err = bind_to(p, peer_socket(p), ANY, 0);
    ck_assert(err == -EADDRINUSE || err == -EADDRNOTAVAIL);
    peer_free(p);
    PROVES("POSIX-names");
}
END_TEST

START_TEST(listening_leaves_connections_of_the_port_alone)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p); /* its listener is gone */
    struct wire_flow *flow = p->flow;
    uint32_t app_read = 0;

    int listener = peer_listen(p, 4);
    p->flow = flow;
    peer_send(p, "P.", 1, 1, 100);
    p->app_read = app_read;
    peer_app_read(p, s, 100);
    peer_wait(p, 50);
    peer_skip(p);
    int another = peer_socket(p);
    int err = bind_to(p, another, ANY, PEER_STACK_PORT);
    ck_assert_int_eq(err, -EADDRINUSE);
    peer_send(p, "P.", 101, 1, 100);
    peer_app_read(p, s, 100);
    peer_wait(p, 50);
    peer_skip(p);
    peer_flow_new(p);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    peer_accept(p, listener);
    peer_free(p);
    PROVES("RFC9293-MUST-41");
}
END_TEST

START_TEST(one_can_listen_on_a_port_that_is_opening)
{
    struct peer *p = peer_new();
    int opening = peer_socket(p), listener = peer_socket(p);

    ck_assert_int_eq(reuse(p, opening), 0);
    ck_assert_int_eq(reuse(p, listener), 0);
    ck_assert_int_eq(bind_to(p, opening, ANY, PEER_STACK_PORT), 0);
    ck_assert_int_eq(connect_to(p, opening, PEER_ADDR, 7), -EINPROGRESS);
    peer_expect(p, "S", 0, 0, 0);
    if (_i == 1) {
        peer_send(p, "S", 0, 0, 0);
        peer_expect(p, "S.", 0, 1, 0);
    }
    ck_assert_int_eq(bind_to(p, listener, ANY, PEER_STACK_PORT), 0);
    ck_assert_int_eq(sock_listen(p->stack, listener, 4), 0);
    peer_flow_new(p);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    peer_accept(p, listener);
    peer_free(p);
    PROVES("RFC9293-MUST-42");
}
END_TEST

/* --- local addresses
 * ---------------------------------------------------------------------------------------------- */

static uint32_t source_of(struct peer *p, uint32_t bound, uint32_t remote)
{
    struct peer_segment syn;
    int s = peer_socket(p);

    if (bound)
        ck_assert_int_eq(bind_to(p, s, bound, 0), 0);
    ck_assert_int_eq(connect_to(p, s, remote, 80), -EINPROGRESS);
    ck_assert(peer_next(p, &syn));
    uint32_t source = syn.src;
    for (int i = 0; i < 3; i++) {
        peer_wait(p, (1000 << i) + 1);
        ck_assert(peer_next(p, &syn));
        ck_assert_uint_eq(syn.src, source);
        ck_assert_uint_eq(syn.dst, remote);
    }
    peer_close(p, s);
    return source;
}

START_TEST(the_route_chooses_the_local_address_unless_bind_did)
{
    struct peer *p = with_two_addresses();

    ck_assert_uint_eq(source_of(p, 0, PEER_ADDR), PEER_STACK_ADDR);
    ck_assert_uint_eq(source_of(p, 0, PEER_V4(192, 168, 7, 9)), SECOND_ADDR);
    ck_assert_uint_eq(source_of(p, 0, PEER_V4(8, 8, 8, 8)),
                      PEER_STACK_ADDR); /* the gateway's net */
    ck_assert_uint_eq(source_of(p, SECOND_ADDR, PEER_ADDR), SECOND_ADDR);
    peer_free(p);
    PROVES("RFC9293-MUST-43", "RFC9293-MUST-44", "RFC9293-MUST-45");
}
END_TEST

START_TEST(a_passive_open_answers_from_the_address_that_was_asked)
{
    struct peer *p = with_two_addresses();
    int listener = peer_listen(p, 4);

    peer_flow_new(p)->our_addr = SECOND_ADDR;
    peer_syn(p);
    ck_assert_uint_eq(peer_expect(p, "S.", 0, 1, 0).src, SECOND_ADDR);
    peer_send(p, ".", 1, 1, 0);
    int s = peer_accept(p, listener);
    peer_app_send(p, s, 10);
    ck_assert_uint_eq(peer_expect(p, "P.", 1, 1, 10).src, SECOND_ADDR);
    peer_free(p);
    PROVES("RFC9293-MUST-45");
}
END_TEST

START_TEST(a_listener_for_one_address_does_not_hear_the_other)
{
    struct peer *p = with_two_addresses();
    int s = peer_socket(p);

    ck_assert_int_eq(bind_to(p, s, SECOND_ADDR, PEER_STACK_PORT), 0);
    ck_assert_int_eq(sock_listen(p->stack, s, 4), 0);
    peer_flow_new(p);
    peer_syn(p);
    peer_expect(p, "R.", 0, 1, 0);
    peer_flow_new(p)->our_addr = SECOND_ADDR;
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    peer_free(p);
    PROVES("RFC9293-MUST-43");
}
END_TEST

static const uint32_t nowhere[] = {
    PEER_V4(255, 255, 255, 255), PEER_V4(224, 0, 0, 1), PEER_V4(239, 255, 255, 255),
    PEER_V4(10, 9, 0, 255),      PEER_V4(10, 9, 0, 0),  PEER_V4(240, 0, 0, 1),
    PEER_V4(127, 0, 0, 1),       PEER_V4(0, 0, 0, 0),
};

START_TEST(an_active_open_to_an_address_that_is_nobodys_fails_at_once)
{
    struct peer *p = peer_new();
    int s = peer_socket(p);
    int err = connect_to(p, s, nowhere[_i], 80);

    ck_assert_int_lt(err, 0);
    ck_assert_int_ne(err, -EINPROGRESS);
    peer_expect_silence(p, 3000);
    ck_assert_uint_eq(p->arp_requests, 0);
    ck_assert_uint_eq(peer_usage(p).connections, 0);
    /* The socket is as good as new. */
    ck_assert_int_eq(connect_to(p, s, PEER_ADDR, 80), -EINPROGRESS);
    peer_free(p);
    PROVES("RFC9293-MUST-46");
}
END_TEST

/* There is no way round through the wire: what came from our own address would be a martian. */
START_TEST(an_active_open_to_ourselves_fails_at_once)
{
    struct peer *p = peer_new();
    int s = peer_socket(p);

    if (_i == 1)
        peer_listen(p, 4);
    ck_assert_int_eq(bind_to(p, s, 0, _i == 0 ? PEER_STACK_PORT : 81), 0);
    int err = connect_to(p, s, PEER_STACK_ADDR, PEER_STACK_PORT);
    ck_assert(err < 0 && err != -EINPROGRESS);
    peer_expect_silence(p, 10000);
    ck_assert_uint_eq(p->arp_requests, 0);
    ck_assert_uint_eq(peer_usage(p).connections, 0);
    peer_free(p);
    PROVES("C36");
}
END_TEST

START_TEST(an_active_open_to_port_0_or_to_nobody_fails)
{
    struct peer *p = peer_new();
    int s = peer_socket(p);
    struct endpoint nobody = {.port = 80};

    ck_assert_int_lt(connect_to(p, s, PEER_ADDR, 0), 0);
    ck_assert_int_lt(sock_connect(p->stack, s, nobody, NULL), 0);
    peer_expect_nothing(p);
    ck_assert_uint_eq(peer_usage(p).connections, 0);
    peer_free(p);
    PROVES("RFC9293-3.10.1-a");
}
END_TEST

START_TEST(without_a_route_an_active_open_fails)
{
    struct stack_config config;
    peer_config(&config);
    config.gateway = (struct ip_addr){{0}};
    struct peer *p = peer_new_with(&config, 0);

    ck_assert_int_eq(connect_to(p, peer_socket(p), PEER_V4(8, 8, 8, 8), 80), -ENETUNREACH);
    peer_free(p);
    PROVES("RFC9293-MUST-44");
}
END_TEST

/* --- who waits at a listener
 * --------------------------------------------------------------------------------------- */

/* A handshake, or as much of it as the stack takes part in. */
static bool knock(struct peer *p)
{
    struct peer_segment seg;

    peer_flow_new(p);
    peer_syn(p);
    if (!peer_next(p, &seg))
        return false;
    ck_assert_uint_eq(seg.flags, WIRE_SYN | WIRE_ACK);
    peer_send(p, ".", 1, 1, 0);
    return true;
}

static const int backlogs[] = {1, 2, 4, 17};

START_TEST(a_full_backlog_leaves_syns_unanswered_and_resets_nobody)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, backlogs[_i]), taken = 0, waiting = 0;

    for (int i = 0; i < 2 * backlogs[_i] + 2; i++)
        taken += knock(p);
    ck_assert_int_eq(taken, backlogs[_i]);
    peer_expect_nothing(p);
    ck_assert_uint_eq(peer_drops(p, DROP_TCP_BACKLOG),
                      2u * (unsigned)backlogs[_i] + 2 - (unsigned)taken);
    ck_assert_uint_eq(peer_usage(p).connections, (unsigned)taken);

    /* One is taken: the next caller, who tries again, gets in. */
    peer_accept(p, listener);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    while (sock_poll(p->stack, listener) & POLLIN) {
        peer_accept(p, listener);
        waiting++;
    }
    ck_assert_int_eq(waiting, backlogs[_i]);
    peer_free(p);
    PROVES("RFC9293-ROBUST-3", "C33");
}
END_TEST

static const struct {
    int asked;
    unsigned given;
} bounds[] = {{-5, 1}, {0, 1}, {1, 1}, {2, 2}, {4096, 4096}, {4097, 4096}, {INT_MAX, 4096}};

START_TEST(a_backlog_is_one_at_least_and_4096_at_most)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, bounds[_i].asked);
    struct sock_tcp_info info;
    socklen_t len = sizeof info;

    ck_assert_int_eq(sock_getsockopt(p->stack, listener, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
    ck_assert_uint_eq(info.tcpi_sacked, bounds[_i].given); /* where Linux tells it */
    ck_assert_int_eq(knock(p), 1);
    ck_assert_int_eq(knock(p), bounds[_i].given > 1);
    peer_free(p);
    PROVES("RFC9293-ROBUST-3");
}
END_TEST

START_TEST(half_open_connections_count_and_expire)
{
    struct stack_config config;
    peer_config(&config);
    config.values.tcp_syn_cache = 4;
    config.values.tcp_syncookies = 0;
    struct peer *p = peer_new_with(&config, 0);

    peer_listen(p, 1); /* whose backlog is about completed ones */
    for (int i = 0; i < 8; i++) {
        peer_flow_new(p);
        peer_syn(p);
    }
    ck_assert_int_eq(peer_skip(p), 4);
    ck_assert_uint_eq(peer_usage(p).connections, 4);
    peer_wait(p, 64000);
    peer_skip(p);
    ck_assert_uint_eq(peer_usage(p).connections, 0);
    peer_flow_new(p);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    peer_free(p);
    PROVES("RFC9293-ROBUST-3", "C33", "C32");
}
END_TEST

static const int strange_backlogs[] = {0, -1, INT32_MIN, 4097, INT32_MAX};

START_TEST(a_strange_backlog_still_lets_somebody_in)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, strange_backlogs[_i]);

    ck_assert(knock(p));
    peer_accept(p, listener);
    peer_free(p);
}
END_TEST

START_TEST(accept_is_first_come_first_served)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 8);

    for (int i = 0; i < 5; i++)
        ck_assert(knock(p));
    for (int i = 0; i < 5; i++) {
        struct endpoint remote;
        int s = sock_accept(p->stack, listener, &remote, NULL);
        peer_own(p, s);
        ck_assert_int_eq(remote.port, PEER_PORT + i);
    }
    ck_assert_int_eq(sock_accept(p->stack, listener, &(struct endpoint){.port = 0}, NULL), -EAGAIN);
    peer_free(p);
    PROVES("POSIX-accept");
}
END_TEST

START_TEST(a_connection_that_was_reset_before_accept_is_skipped)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 8);
    struct endpoint remote;

    ck_assert(knock(p));
    peer_send(p, "R", 1, 0, 0);
    ck_assert(knock(p));
    int s = sock_accept(p->stack, listener, &remote, NULL);
    if (s == -ECONNABORTED)
        s = sock_accept(p->stack, listener, &remote, NULL);
    peer_own(p, s);
    ck_assert_uint_eq(remote.port, PEER_PORT + 1);
    ck_assert_int_eq(peer_state_of(p, s), TCPS_ESTABLISHED);
    ck_assert_int_eq(sock_accept(p->stack, listener, &remote, NULL), -EAGAIN);
    peer_free(p);
    PROVES("POSIX-accept");
}
END_TEST

START_TEST(what_came_before_accept_is_there_after_it)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 8);

    ck_assert(knock(p));
    peer_send(p, "FP.", 1, 1, 100);
    peer_skip(p);
    int s = peer_accept(p, listener);
    peer_app_read(p, s, 100);
    ck_assert_int_eq(peer_recv_result(p, s), 0);
    peer_free(p);
    PROVES("POSIX-accept", "RFC9293-FIN-2");
}
END_TEST

/* Many connections that differ in one number each. */
START_TEST(each_tuple_is_a_connection_of_its_own)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 200), socks[100];

    for (uint32_t i = 0; i < 100; i++) {
        struct wire_flow *flow = peer_flow_new(p);
        flow->their_addr = PEER_ADDR + i % 10 * 2 + (i % 10 ? 10 : 0);
        flow->their_port = (uint16_t)(40000 + i / 10);
        peer_syn(p);
        peer_expect(p, "S.", 0, 1, 0);
        peer_send(p, ".", 1, 1, 0);
        socks[i] = peer_accept(p, listener);
    }
    for (uint32_t i = 0; i < 100; i++) {
        uint8_t text[2] = {(uint8_t)i, 77}, got[8];
        p->flow = &p->flows[i];
        PEER_SEND(p, .flags = "P.", .seq = 1, .ack = 1, .len = 2, .text = text);
        ck_assert_int_eq(sock_recv(p->stack, socks[i], got, sizeof(got), 0, NULL), 2);
        ck_assert(got[0] == i && got[1] == 77);
        peer_skip(p);
    }
    peer_free(p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tcp_ports");

    TCase *c = tcase_create("RFC 9293, 3.4.1: initial sequence numbers");
    tcase_add_test(c, the_iss_of_a_tuple_goes_up_once_in_four_microseconds);
    tcase_add_test(c, the_iss_of_a_passive_open_goes_by_the_same_clock);
    tcase_add_test(c, tuples_have_unrelated_numbers);
    tcase_add_test(c, another_secret_gives_other_numbers);
    tcase_add_test(c, each_incarnation_starts_above_the_last);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 6056, 3: ephemeral ports");
    tcase_add_test(c, ephemeral_ports_are_in_their_range_and_differ);
    tcase_add_test(c, the_first_ephemeral_port_depends_on_the_secret);
    tcase_add_test(c, ephemeral_ports_cannot_be_guessed);
    tcase_add_test(c, the_last_free_port_is_found_and_then_there_is_none);
    tcase_add_test(c, an_ephemeral_port_is_never_a_listeners);
    tcase_add_test(c, an_ephemeral_port_that_is_bound_or_in_use_is_not_given_to_bind);
    tcase_add_test(c, a_tuple_in_time_wait_is_not_used_again);
    tcase_add_test(c, the_same_tuple_may_be_opened_again_after_time_wait);
    suite_add_tcase(s, c);

    c = tcase_create("POSIX: bind");
    tcase_add_loop_test(c, an_address_and_port_belong_to_one_socket, 0, (int)ARRAY_LEN(binds));
    tcase_add_test(c, bind_over_time_wait_needs_reuseaddr);
    tcase_add_test(c, bind_over_a_listener_fails_with_reuseaddr_too);
    tcase_add_test(c, bind_again_and_bind_to_a_strange_address_fail);
    tcase_add_test(c, bind_to_port_0_takes_an_ephemeral_port);
    tcase_add_test(c, without_memory_for_its_name_a_socket_is_not_bound);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 9293, 3.9.1.1: OPEN");
    tcase_add_test(c, listening_leaves_connections_of_the_port_alone);
    tcase_add_loop_test(c, one_can_listen_on_a_port_that_is_opening, 0, 2);
    tcase_add_test(c, the_route_chooses_the_local_address_unless_bind_did);
    tcase_add_test(c, a_passive_open_answers_from_the_address_that_was_asked);
    tcase_add_test(c, a_listener_for_one_address_does_not_hear_the_other);
    tcase_add_loop_test(c, an_active_open_to_an_address_that_is_nobodys_fails_at_once, 0,
                        (int)ARRAY_LEN(nowhere));
    tcase_add_loop_test(c, an_active_open_to_ourselves_fails_at_once, 0, 2);
    tcase_add_test(c, an_active_open_to_port_0_or_to_nobody_fails);
    tcase_add_test(c, without_a_route_an_active_open_fails);
    suite_add_tcase(s, c);

    c = tcase_create("POSIX: listen and accept");
    tcase_add_loop_test(c, a_full_backlog_leaves_syns_unanswered_and_resets_nobody, 0,
                        (int)ARRAY_LEN(backlogs));
    tcase_add_loop_test(c, a_backlog_is_one_at_least_and_4096_at_most, 0, (int)ARRAY_LEN(bounds));
    tcase_add_test(c, half_open_connections_count_and_expire);
    tcase_add_loop_test(c, a_strange_backlog_still_lets_somebody_in, 0,
                        (int)ARRAY_LEN(strange_backlogs));
    tcase_add_test(c, accept_is_first_come_first_served);
    tcase_add_test(c, a_connection_that_was_reset_before_accept_is_skipped);
    tcase_add_test(c, what_came_before_accept_is_there_after_it);
    tcase_add_test(c, each_tuple_is_a_connection_of_its_own);
    suite_add_tcase(s, c);
    return run_suite(s, "tcp_ports");
}
