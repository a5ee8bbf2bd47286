/* The simulated network: packets find their way, a narrow link says so or does not, hosts have
 * clocks and heaps of their own; and flows over a bottleneck are measured right. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <tapio/sock.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/instant.h"
#include "ip/ipv4_wire.h"
#include "sim/flows.h"
#include "sim/net.h"
#include "support/proves.h"
#include "tcp/tcp_wire.h"

enum { PORT = 80, OCTETS = 100000, LEFT = 2, RIGHT = 3, CLIENT = 0, SERVER = 1 };

static struct memory memory;
static struct net net;
static const struct impair_config good[2];

/* The client sends OCTETS and closes, the server reads them. */
static struct {
    struct net_app app;
    int listener, s;
    uint32_t octets;
    instant done;
    instant seen; /* the host's own time when it was last polled */
    bool big_frames;
} end[2];

static instant poll_client(struct net_app *app, struct stack *stack, instant now)
{
    static uint8_t octets[OCTETS];
    short events;

    (void)app;
    end[CLIENT].seen = now;
    while (sock_next_ready(stack, &events) >= 0)
        ;
    while (end[CLIENT].octets < OCTETS) {
        ssize_t n = sock_send(stack, end[CLIENT].s, octets, OCTETS - end[CLIENT].octets, 0, NULL);
        if (n < 0)
            break;
        end[CLIENT].octets += (uint32_t)n;
    }
    return INSTANT_NEVER;
}

static instant poll_server(struct net_app *app, struct stack *stack, instant now)
{
    uint8_t octets[4096];
    short events;
    ssize_t n;

    (void)app;
    end[SERVER].seen = now;
    while (sock_next_ready(stack, &events) >= 0)
        ;
    if (end[SERVER].s < 0)
        end[SERVER].s = sock_accept(stack, end[SERVER].listener, NULL, NULL);
    while (end[SERVER].s >= 0 &&
           (n = sock_recv(stack, end[SERVER].s, octets, sizeof octets, 0, NULL)) > 0) {
        end[SERVER].octets += (uint32_t)n;
        end[SERVER].done = net.now;
    }
    return INSTANT_NEVER;
}

/* Two hosts at two routers; the link between these carries `mtu`. */
static uint32_t build(bool ipv6, uint32_t mtu)
{
    struct net_host_config host = {.mtu = 1500, .ipv6 = ipv6};

    values_default(&host.values);
    host.values.tcp_connections = host.values.sock_sockets = 16;
    ck_assert_int_eq(net_init(&net, &memory, 1, 2, 2, 3), 0);
    end[CLIENT].app.poll = poll_client;
    end[SERVER].app.poll = poll_server;
    for (int i = 0; i < 2; i++) {
        end[i].s = end[i].listener = -1;
        end[i].octets = 0;
        host.app = &end[i].app;
        host.big_frames = end[i].big_frames;
        ck_assert_int_eq(net_add_host(&net, &host), i);
    }
    ck_assert_uint_eq(net_add_router(&net), LEFT);
    ck_assert_uint_eq(net_add_router(&net), RIGHT);
    net_join(&net, CLIENT, LEFT, good, 1500);
    net_join(&net, SERVER, RIGHT, good, 1500);
    uint32_t middle = net_join(&net, LEFT, RIGHT, good, mtu);
    ck_assert_int_eq(net_start(&net), 0);

    int family = ipv6 ? AF_INET6 : AF_INET;
    struct stack *server = net.host[SERVER].stack, *client = net.host[CLIENT].stack;
    end[SERVER].listener = sock_socket(server, family, SOCK_STREAM, 0);
    ck_assert_int_eq(sock_bind(server, end[SERVER].listener, (struct endpoint){.port = PORT}), 0);
    ck_assert_int_eq(sock_listen(server, end[SERVER].listener, 1), 0);
    end[CLIENT].s = sock_socket(client, family, SOCK_STREAM, 0);
    ck_assert_int_eq(sock_connect(client, end[CLIENT].s,
                                  (struct endpoint){.addr = net.host[SERVER].addr, .port = PORT},
                                  NULL),
                     -EINPROGRESS);
    return middle;
}

static void run_until(instant until)
{
    while (end[SERVER].octets < OCTETS && net_step(&net, until))
        ;
}

START_TEST(packets_find_their_way_through_routers)
{
    build(_i == 1, 1500);
    run_until((instant){10 * NS_PER_S});
    ck_assert_uint_eq(end[SERVER].octets, OCTETS);
    ck_assert_uint_eq(net.malformed, 0);
    ck_assert_uint_gt(net_sent(&net), OCTETS / 1500);
    ck_assert_uint_eq(net_fini(&net), 0);
}
END_TEST

START_TEST(a_narrow_link_tells_the_sender)
{
    uint32_t middle = build(_i == 1, 1300);
    run_until((instant){10 * NS_PER_S});
    ck_assert_uint_eq(end[SERVER].octets, OCTETS);
    ck_assert_uint_gt(net.wire[middle].too_big, 0);
    ck_assert_int_lt(end[SERVER].done.ns, NS_PER_S / 2); /* without a timeout */
    ck_assert_uint_eq(net_fini(&net), 0);
}
END_TEST

START_TEST(a_silent_narrow_link_is_found_by_timeouts)
{
    uint32_t middle = build(false, 1300);
    net.wire[middle].silent = true;
    run_until((instant){100 * NS_PER_S});
    ck_assert_uint_eq(end[SERVER].octets, OCTETS);
    ck_assert_int_gt(end[SERVER].done.ns, 3 * NS_PER_S);
    ck_assert_uint_eq(net_fini(&net), 0);
}
END_TEST

START_TEST(a_host_that_sleeps_does_nothing_and_a_clock_may_leap)
{
    build(false, 1500);
    net.host[SERVER].asleep = (instant){5 * NS_PER_S};
    net.host[CLIENT].skew_ns = 3600 * NS_PER_S;
    net_wake(&net, CLIENT);
    run_until((instant){100 * NS_PER_S});
    ck_assert_uint_eq(end[SERVER].octets, OCTETS);
    ck_assert_int_ge(end[SERVER].done.ns, 5 * NS_PER_S);
    ck_assert_int_ge(end[CLIENT].seen.ns, 3600 * NS_PER_S);
    ck_assert_int_lt(end[SERVER].seen.ns, 100 * NS_PER_S);
    ck_assert_uint_eq(net_fini(&net), 0);
}
END_TEST

/* Two changes may cancel each other, and then no checksum sees them. */
START_TEST(a_packet_is_corrupted_once_on_its_way)
{
    uint32_t middle = build(_i == 1, 1500);

    for (uint32_t i = 0; i < net.wires; i++)
        net.wire[i].bad.config.corrupt = UINT32_MAX;
    run_until((instant){170 * NS_PER_S}); /* the handshake is given up later */
    const struct impair_counters *first = &net.wire[net.host[CLIENT].out].bad.counters;
    const struct impair_counters *second = &net.wire[middle].bad.counters;
    ck_assert_uint_gt(first->taken, 3);
    ck_assert_uint_eq(first->corrupted, first->taken);
    ck_assert_uint_gt(second->taken, 0);
    ck_assert_uint_eq(second->corrupted, 0);
    ck_assert_uint_eq(net_fini(&net), 0);
}
END_TEST

/* --- devices that offload ------------------------------------------------------------------- */

/* With a big frame of the client's device, of 20 segments of 1000 octets. */
static void send_big(void)
{
    static uint8_t octets[40 + 20000];
    struct ip_addr src = net.host[CLIENT].addr, dst = net.host[SERVER].addr;
    const struct iovec iov = {octets, sizeof octets};
    const struct frame_meta meta = {.flags = FRAME_NEEDS_CSUM,
                                    .gso_type = FRAME_GSO_TCPV4,
                                    .gso_size = 1000,
                                    .csum_start = 20,
                                    .csum_offset = TCP_CSUM_OFFSET};
    struct writer w = writer_of(octets, sizeof octets);
    struct checksum c = {0};

    ipv4_emit(&w,
              &(struct ipv4_header){.src = src, .dst = dst, .protocol = IP_PROTOCOL_TCP, .ttl = 9},
              20020);
    tcp_emit(&w, &(struct tcp_segment){.dst_port = 9, .flags = TCP_ACK});
    checksum_add_pseudo(&c, src, dst, IP_PROTOCOL_TCP, 20020);
    put_be16(octets + 20 + TCP_CSUM_OFFSET, checksum_fold(c));
    ck_assert_int_eq(dev_send(&net.host[CLIENT].dev, &meta, &iov, 1, net.now), 0);
}

START_TEST(a_big_frame_is_on_the_wire_as_whole_segments)
{
    struct bad_wire *wire;
    struct held *held;
    uint32_t count = 0;

    end[CLIENT].big_frames = true;
    build(false, 1500);
    ck_assert(net.host[CLIENT].dev.big_frames && net.host[CLIENT].dev.csum_offload);
    ck_assert(!net.host[SERVER].dev.big_frames && !net.host[SERVER].dev.csum_offload);
    send_big();
    wire = &net.wire[net.host[CLIENT].out].bad;
    for (; (held = bad_wire_due(wire, net.now)); count++) {
        struct ipv4_header h;
        struct tcp_segment seg;
        struct bytes payload;
        ck_assert_uint_eq(held->meta.gso_type, FRAME_GSO_NONE);
        ck_assert_uint_eq(held->meta.flags, 0);
        ck_assert_int_eq(ipv4_parse(bytes_of(held->octets, held->len), &h, &payload), DROP_NONE);
        ck_assert(tcp_checksum_is_right(h.src, h.dst, payload));
        ck_assert_int_eq(tcp_parse(payload, &seg), DROP_NONE);
        ck_assert_uint_eq(seg.seq.value, count * 1000);
        bad_wire_drop(wire, held);
    }
    ck_assert_uint_eq(count, 20);
    ck_assert_uint_eq(net.host[CLIENT].cut, 20);

    net.wire[net.host[CLIENT].out].mtu = 1039; /* one less than each */
    send_big();
    ck_assert_uint_eq(net.wire[net.host[CLIENT].out].too_big, 20);
    ck_assert_uint_eq(net_fini(&net), 0);
}
END_TEST

/* With one end alone, and with both. */
START_TEST(a_transfer_between_devices_that_offload_is_the_same)
{
    end[CLIENT].big_frames = _i & 1;
    end[SERVER].big_frames = _i & 2;
    build(_i & 4, 1500);
    run_until((instant){10 * NS_PER_S});
    ck_assert_uint_eq(end[SERVER].octets, OCTETS);
    ck_assert_int_eq(net.host[SERVER].joined > 10, end[SERVER].big_frames);
    ck_assert_uint_eq(net_fini(&net), 0);
}
END_TEST

static void no_offload(void)
{
    end[CLIENT].big_frames = end[SERVER].big_frames = false;
}

START_TEST(a_network_without_a_way_is_refused)
{
    struct net_host_config host = {.app = &end[0].app, .mtu = 1500};

    values_default(&host.values);
    host.values.tcp_connections = 16;
    ck_assert_int_eq(net_init(&net, &memory, 1, 2, 2, 2), 0);
    ck_assert_int_eq(net_add_host(&net, &host), 0);
    ck_assert_int_eq(net_add_host(&net, &host), 1);
    net_add_router(&net);
    net_add_router(&net);
    net_join(&net, 0, LEFT, good, 1500);
    net_join(&net, 1, RIGHT, good, 1500);
    ck_assert_int_eq(net_start(&net), -EINVAL);
    ck_assert_uint_eq(net_fini(&net), 0);
}
END_TEST

/* --- flows ----------------------------------------------------------------------------------- */

START_TEST(a_flow_alone_fills_its_bottleneck)
{
    struct flows_config config;
    struct flows_result result;
    struct flow_figures figures;

    flows_config_init(&config);
    config.there.rate = config.back.rate = 10000000;
    config.there.queue_frames = 1000; /* nothing is lost */
    config.time_ns = 5 * NS_PER_S;
    config.skip_ns = NS_PER_S;
    config.ipv6 = _i == 1;
    config.values.tcp_wmem = 65536; /* and nothing waits long: 1.25 MB/s in 20 ms are 25 KB */
    ck_assert_int_eq(flows_run(&config, &memory, &figures, &result), 0);
    ck_assert_ptr_null(result.problem);
    ck_assert_uint_eq(result.there.rate_dropped, 0);
    ck_assert_uint_le(result.goodput, result.capacity);
    ck_assert_uint_ge(result.goodput, result.capacity / 100 * 99);
    ck_assert_uint_eq(result.fairness, 1000000);
    ck_assert_uint_eq(figures.retransmits, 0);
    ck_assert_int_eq(result.took_ns, config.time_ns);
}
END_TEST

START_TEST(flows_end_when_each_has_carried_its_octets)
{
    struct flows_config config;
    struct flows_result result;
    struct flow_figures figures[3];

    flows_config_init(&config);
    config.flows = 3;
    config.octets = 200000;
    config.time_ns = 600 * NS_PER_S;
    ck_assert_int_eq(flows_run(&config, &memory, figures, &result), 0);
    ck_assert_ptr_null(result.problem);
    ck_assert_int_lt(result.took_ns, 60 * NS_PER_S);
    for (int i = 0; i < 3; i++) {
        ck_assert(figures[i].complete);
        ck_assert_uint_eq(figures[i].octets, config.octets);
        ck_assert_int_le(figures[i].counted_ns, result.took_ns);
    }
}
END_TEST

START_TEST(the_same_flows_have_the_same_figures)
{
    struct flows_config config;
    struct flows_result result[2];
    struct flow_figures figures[2][4];

    flows_config_init(&config);
    config.flows = 4;
    config.there.loss = UINT32_MAX / 100;
    config.time_ns = 2 * NS_PER_S;
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(flows_run(&config, &memory, figures[i], &result[i]), 0);
    ck_assert_uint_eq(result[0].packets, result[1].packets);
    ck_assert_uint_eq(result[0].fairness, result[1].fairness);
    ck_assert_uint_lt(result[0].fairness, 1000000);
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(figures[0][i].octets, figures[1][i].octets);
    config.seed++;
    ck_assert_int_eq(flows_run(&config, &memory, figures[1], &result[1]), 0);
    ck_assert_uint_ne(result[0].packets, result[1].packets);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("net");
    TCase *c = tcase_create("the network");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, packets_find_their_way_through_routers, 0, 2);
    tcase_add_loop_test(c, a_narrow_link_tells_the_sender, 0, 2);
    tcase_add_test(c, a_silent_narrow_link_is_found_by_timeouts);
    tcase_add_test(c, a_host_that_sleeps_does_nothing_and_a_clock_may_leap);
    tcase_add_loop_test(c, a_packet_is_corrupted_once_on_its_way, 0, 2);
    tcase_add_test(c, a_network_without_a_way_is_refused);
    suite_add_tcase(s, c);
    c = tcase_create("devices that offload");
    tcase_add_checked_fixture(c, NULL, no_offload);
    tcase_add_test(c, a_big_frame_is_on_the_wire_as_whole_segments);
    tcase_add_loop_test(c, a_transfer_between_devices_that_offload_is_the_same, 0, 8);
    suite_add_tcase(s, c);
    c = tcase_create("flows");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, a_flow_alone_fills_its_bottleneck, 0, 2);
    tcase_add_test(c, flows_end_when_each_has_carried_its_octets);
    tcase_add_test(c, the_same_flows_have_the_same_figures);
    suite_add_tcase(s, c);
    return run_suite(s, "net");
}
