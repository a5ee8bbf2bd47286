/* stations.c - see stations.h. */
#include "support/stations.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <tapio/sock.h>

#include "support/wire.h"

struct stations st;

uint32_t station_addr(int station)
{
    return 0x0a090000u + (uint32_t)station;
}

static void set_mac(uint8_t mac[6], int station)
{
    memcpy(mac, (const uint8_t[]){2, 0, 0, 0, 0, (uint8_t)station}, 6);
}

static int not_random(void *context, void *octets, size_t len)
{
    (void)context;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)octets)[i] = (uint8_t)((st.seed = st.seed * 6364136223846793005u + 1) >> 33);
    return 0;
}

static int hear(struct frame_sink *sink, const struct frame_meta *meta, const struct iovec *iov,
                int iovcnt, instant when)
{
    static uint8_t frame[WIRE_FRAME_MAX];
    struct wire_tcp tcp;
    struct wire_arp arp;
    const char *problem = NULL;
    size_t len = 0;

    (void)sink, (void)meta, (void)when;
    if (st.full)
        return -EAGAIN;
    for (int i = 0; i < iovcnt; len += iov[i++].iov_len)
        memcpy(frame + len, iov[i].iov_base, iov[i].iov_len);
    enum wire_kind kind = wire_parse(frame, len, &tcp, &arp, &problem);
    ck_assert_msg(!problem, "%s", problem);
    if (kind == WIRE_TCP) {
        st.tcp_to[tcp.ip_dst & 255]++;
        st.by_station[tcp.eth_dst[5]]++;
        st.last_port[tcp.ip_dst & 255] = tcp.dst_port;
    } else if (kind == WIRE_ARP && arp.op == ARP_REQUEST) {
        st.arp_asks[arp.tpa & 255]++;
    }
    return 0;
}

void stations_hold(void)
{
    uint32_t conn;
    const char *wrong = stack_check_invariants(st.stack, &conn);

    ck_assert_msg(!wrong, "%s", wrong);
}

void stations_output(void)
{
    struct frame_sink sink = {hear};

    ck_assert_int_eq(stack_output(st.stack, &sink, st.now), st.full ? -EAGAIN : 0);
    stations_hold();
}

void stations_wait_ms(int64_t ms)
{
    instant until = instant_add(st.now, ms * NS_PER_MS);

    while (!instant_before(until, stack_deadline(st.stack))) {
        if (instant_before(st.now, stack_deadline(st.stack)))
            st.now = stack_deadline(st.stack);
        stack_advance(st.stack, st.now);
        stations_output();
    }
    st.now = until;
    stack_advance(st.stack, st.now);
    stations_output();
}

void stations_config(void)
{
    st = (struct stations){.now = {3600 * NS_PER_S}, .seed = 1};
    stack_config_init(&st.config);
    st.config.mac = (struct mac_addr){{2, 0, 0, 0, 0, 2}};
    st.config.addr[0] = (struct ip_prefix){ip_from_v4(station_addr(STATIONS_US)), 24};
    st.config.addr[1] = (struct ip_prefix){ip_from_v4(0x0a080002), 24};
    st.config.addr_count = 2;
    st.config.gateway = ip_from_v4(station_addr(STATIONS_GATEWAY));
}

void stations_begin(void)
{
    static const struct env env = {.random = not_random};
    int listener;

    st.stack = stack_new(&st.config, &env);
    ck_assert_ptr_nonnull(st.stack);
    stack_advance(st.stack, st.now);
    listener = sock_socket(st.stack, AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(sock_bind(st.stack, listener, (struct endpoint){.port = STATIONS_PORT}), 0);
    ck_assert_int_eq(sock_listen(st.stack, listener, 4096), 0);
    stations_wait_ms(3000); /* its addresses are announced */
    memset(st.arp_asks, 0, sizeof st.arp_asks);
}

void stations_end(void)
{
    stack_free(st.stack);
}

static void input(const uint8_t *frame, size_t len)
{
    stack_input(st.stack, (struct bytes){frame, len}, NULL, st.now);
    stations_hold();
}

void station_says(uint16_t op, int station, uint32_t about)
{
    uint8_t frame[WIRE_FRAME_MAX];
    struct wire_arp arp = {.op = op, .spa = station_addr(station), .tpa = about};

    set_mac(arp.sha, station);
    memcpy(arp.tha, st.config.mac.octet, 6);
    input(frame, wire_emit_arp(frame, st.config.mac.octet, &arp));
}

void station_replies(int station)
{
    station_says(ARP_REPLY, station, station_addr(STATIONS_US));
}

void station_answers(int station)
{
    station_replies(station);
    stations_output();
}

void station_calls(int station, uint16_t port)
{
    static const uint8_t mss[] = {2, 4, 5, 180};
    uint8_t frame[WIRE_FRAME_MAX];
    struct wire_tcp syn = {.ip_src = station_addr(station),
                           .ip_dst = station_addr(STATIONS_US),
                           .src_port = port,
                           .dst_port = STATIONS_PORT,
                           .seq = 1000,
                           .flags = WIRE_SYN,
                           .window = 65535,
                           .ttl = 64,
                           .options = {mss, sizeof mss}};

    set_mac(syn.eth_src, station);
    memcpy(syn.eth_dst, st.config.mac.octet, 6);
    input(frame, wire_emit(frame, &syn));
    stations_output();
}

int stations_open_to(struct ip_addr from, struct ip_addr to, uint16_t port)
{
    int s = sock_socket(st.stack, AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(sock_bind(st.stack, s, (struct endpoint){from, 0}), 0);
    ck_assert_int_eq(sock_connect(st.stack, s, (struct endpoint){to, port}, NULL), -EINPROGRESS);
    stations_output();
    return s;
}
