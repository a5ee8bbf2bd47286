/* dhcp_rig.c - see dhcp_rig.h. */
#include "support/dhcp_rig.h"

#include "base/addr.h"
#include "eth/eth_wire.h"
#include "ip/ip_family.h"
#include "see/counters.h"
#include "support/holds.h"
#include "udp/udp_wire.h"

struct dhcp_rig dhcp_rig;

static struct dhcp_rig *const r = &dhcp_rig;
static const struct mac_addr server_mac = {{2, 0, 0, 0, 0, 1}};
static const struct mac_addr client_mac = {{2, 0, 0, 0, 0, 7}};

static int draw(void *context, void *octets, size_t len)
{
    (void)context;
    for (size_t i = 0; i < len; i++) {
        r->random = r->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        ((uint8_t *)octets)[i] = (uint8_t)(r->random >> 56);
    }
    return 0;
}

/* --- what leaves -------------------------------------------------------------------------- */

static struct ip_addr read_addr(struct reader *in)
{
    uint32_t v4 = read_be32(in);

    return v4 ? ip_from_v4(v4) : (struct ip_addr){{0}};
}

static void read_options(struct reader *in, struct dhcp_said *said)
{
    while (in->rest.len > 0) {
        uint8_t code = read_u8(in);
        if (code == 0)
            continue;
        said->ended = code == 255;
        if (said->ended)
            return;
        struct bytes data = read_bytes(in, read_u8(in));
        struct reader value = reader_of(data);
        HOLDS(!in->overrun);
        if (code == 53)
            said->type = read_u8(&value);
        else if (code == 50)
            said->requested = read_addr(&value);
        else if (code == 54)
            said->server = read_addr(&value);
        else if (code == 55)
            read_into(&value, said->parameters, said->parameter_count = data.len);
        else if (code == 61)
            read_into(&value, said->id, said->id_len = data.len);
    }
}

static void hear_message(struct mac_addr to, const struct ip_packet *ip)
{
    struct dhcp_said *said = &r->said[r->said_count++];
    struct udp_datagram udp;

    HOLDS(r->said_count < DHCP_RIG_SAID);
    enum drop drop = udp_parse(ip->payload, &udp);
    HOLDS(drop == DROP_NONE);
    *said = (struct dhcp_said){.when = r->now,
                               .to = to,
                               .src = ip->src,
                               .dst = ip->dst,
                               .src_port = udp.src_port,
                               .dst_port = udp.dst_port,
                               .len = udp.data.len};
    said->sum_is_right = udp.checksum && udp_checksum_is_right(ip->src, ip->dst, ip->payload);
    struct reader in = reader_of(udp.data);
    said->op = read_u8(&in);
    HOLDS(read_u8(&in) == 1 && read_u8(&in) == 6);
    read_u8(&in); /* hops */
    said->xid = read_be32(&in);
    said->secs = read_be16(&in);
    said->flags = read_be16(&in);
    said->client = read_addr(&in);
    read_bytes(&in, 12);
    HOLDS(bytes_equal(read_bytes(&in, 6), bytes_of(client_mac.octet, 6)));
    read_bytes(&in, 10 + 64 + 128);
    said->cookie = read_be32(&in) == 0x63825363;
    read_options(&in, said);
    HOLDS(!in.overrun);
    r->seen++;
}

static void hear_arp(struct mac_addr to, struct bytes payload)
{
    struct arp_said *said = &r->arp[r->arp_count++];

    HOLDS(r->arp_count < DHCP_RIG_SAID);
    *said = (struct arp_said){.when = r->now, .to = to};
    enum drop drop = arp_parse(payload, &said->packet);
    HOLDS(drop == DROP_NONE);
}

static int hear(struct frame_sink *sink, const struct frame_meta *meta, const struct iovec *iov,
                int iovcnt, instant now)
{
    uint8_t octets[2048];
    struct writer w = writer_of(octets, sizeof octets);
    struct eth_header eth;
    struct bytes payload;

    (void)sink, (void)meta, (void)now;
    for (int i = 0; i < iovcnt; i++)
        write_bytes(&w, iov[i].iov_base, iov[i].iov_len);
    HOLDS(!w.overrun);
    enum drop drop = eth_parse(bytes_of(octets, sizeof octets - w.left), &eth, &payload);
    HOLDS(drop == DROP_NONE && mac_equal(eth.src, client_mac));
    if (eth.type == ETH_TYPE_ARP) {
        hear_arp(eth.dst, payload);
        return 0;
    }
    struct ip_packet ip = ip_packet_of_ours(payload);
    struct reader in = reader_of(ip.payload);
    if (ip.protocol == IP_PROTOCOL_UDP && read_be16(&in) == 68)
        hear_message(eth.dst, &ip);
    else
        r->others++;
    return 0;
}

/* --- what comes --------------------------------------------------------------------------- */

static void input(struct mac_addr from, struct mac_addr to, uint16_t type, struct bytes payload)
{
    uint8_t octets[2048];
    struct writer w = writer_of(octets, sizeof octets);

    eth_emit(&w, &(struct eth_header){.dst = to, .src = from, .type = type});
    write_bytes(&w, payload.at, payload.len);
    stack_input(r->stack, bytes_of(octets, sizeof octets - w.left), NULL, r->now);
}

void dhcp_rig_arp(uint16_t op, struct mac_addr from, struct ip_addr spa, struct ip_addr tpa)
{
    uint8_t octets[ARP_LEN];
    struct writer w = writer_of(octets, sizeof octets);

    arp_emit(&w, &(struct arp_packet){.op = op, .sha = from, .spa = spa, .tpa = tpa});
    input(from, op == ARP_REPLY ? client_mac : MAC_BROADCAST, ETH_TYPE_ARP,
          bytes_of(octets, sizeof octets));
}

static void option(struct writer *w, uint8_t code, uint32_t value)
{
    write_u8(w, code);
    write_u8(w, 4);
    write_be32(w, value);
}

static void write_message(struct writer *w, const struct dhcp_says *says, struct ip_addr server,
                          struct ip_addr addr)
{
    bool lends = says->type != DHCP_NAK;

    write_u8(w, says->op ? says->op : 2);
    write_u8(w, 1);
    write_u8(w, 6);
    write_u8(w, 0);
    write_be32(w, dhcp_rig_last()->xid + says->xid_change);
    write_zeros(w, 8);
    write_be32(w, lends ? ip_to_v4(addr) : 0);
    write_zeros(w, 8);
    write_bytes(w, mac_is_zero(says->mac) ? client_mac.octet : says->mac.octet, 6);
    write_zeros(w, 10 + 64 + 128);
    write_be32(w, says->bad_cookie ? 0x63825364 : 0x63825363);
    write_bytes(w, (uint8_t[]){53, 1, says->type}, 3);
    option(w, 54, says->no_server ? 0 : ip_to_v4(server));
    if (lends) {
        option(w, 1, says->mask ? says->mask : 0xffffff00);
        option(w, 51, says->lease ? says->lease : 3600);
        if (says->renew)
            option(w, 58, says->renew);
        if (says->rebind)
            option(w, 59, says->rebind);
        if (!ip_is_unspecified(says->router))
            option(w, 3, ip_to_v4(says->router));
        else if (says->with_router)
            option(w, 3, ip_to_v4(DHCP_SERVER));
    }
    write_u8(w, 255);
}

void dhcp_rig_server(const struct dhcp_says *says)
{
    uint8_t octets[1500];
    struct ip_addr server = ip_is_unspecified(says->server) ? DHCP_SERVER : says->server;
    struct ip_addr addr = ip_is_unspecified(says->addr) ? DHCP_ADDRESS : says->addr;
    struct ip_addr to = says->unicast ? addr : IP_BROADCAST;
    struct writer message = writer_of(octets + 28, sizeof octets - 28);

    write_message(&message, says, server, addr);
    size_t len = sizeof octets - 28 - message.left;
    if (says->cut)
        len = says->cut;
    struct writer w = writer_of(octets, 28);
    ip_family_v4.emit(
        &w, &(struct ip_out){.src = server, .dst = to, .protocol = IP_PROTOCOL_UDP, .ttl = 64},
        UDP_HEADER + len);
    struct udp_datagram udp = {.src_port = says->from_port ? says->from_port : 67, .dst_port = 68};
    udp_emit(&w, &udp, len);
    udp_fill_checksum(server, to, octets + 20, UDP_HEADER + len);
    input(server_mac, says->unicast ? client_mac : MAC_BROADCAST, ETH_TYPE_IPV4,
          bytes_of(octets, 28 + len));
}

/* --- time --------------------------------------------------------------------------------- */

static void answer_arp(int first)
{
    for (int i = first; i < r->arp_count; i++) {
        const struct arp_packet *asked = &r->arp[i].packet;
        if (!r->silent_server && asked->op == ARP_REQUEST && ip_equal(asked->tpa, DHCP_SERVER) &&
            ip_to_v4(asked->spa))
            dhcp_rig_arp(ARP_REPLY, server_mac, asked->tpa, asked->spa);
    }
}

static void turn(void)
{
    struct stack_counters counters;
    short events;
    int s;

    for (int i = 0; i < 4; i++) {
        int heard = r->arp_count;
        stack_advance(r->stack, r->now);
        while ((s = sock_next_ready(r->stack, &events)) >= 0) {
            struct sock_app *app = sock_app(r->stack, s);
            if (app)
                app->ready(app, s, events, r->now);
        }
        if (r->client)
            dhcp_client_advance(r->client, r->now);
        int err = stack_output(r->stack, &r->sink, r->now);
        HOLDS(err == 0);
        answer_arp(heard);
    }
    stack_counters(r->stack, &counters);
    HOLDS(counters_conserved(&counters));
}

/* To the next deadline, or `end`. */
static void step(instant end)
{
    instant next = instant_min(dhcp_client_deadline(r->client), stack_deadline(r->stack));

    next = instant_min(next, end);
    if (instant_before(r->now, next))
        r->now = next;
    turn();
}

void dhcp_rig_wait(int64_t ns)
{
    instant end = instant_add(r->now, ns);

    turn();
    while (instant_before(r->now, end))
        step(end);
}

const struct dhcp_said *dhcp_rig_next(int64_t limit)
{
    instant end = instant_add(r->now, limit);
    int said = r->said_count;

    turn();
    while (r->said_count == said && instant_before(r->now, end))
        step(end);
    return r->said_count > said ? dhcp_rig_last() : NULL;
}

const struct dhcp_said *dhcp_rig_last(void)
{
    HOLDS(r->said_count > 0);
    return &r->said[r->said_count - 1];
}

/* But the newest message, whose number an answer needs. */
void dhcp_rig_forget(void)
{
    if (r->said_count > 0) {
        r->said[0] = *dhcp_rig_last();
        r->said_count = 1;
    }
    r->arp_count = r->told_count = r->others = 0;
}

/* --- beginning and end -------------------------------------------------------------------- */

static void told(void *context, enum dhcp_news news, const struct dhcp_lease *lease, instant now)
{
    (void)context;
    HOLDS(r->told_count < DHCP_RIG_TOLD);
    r->told[r->told_count++] = (struct dhcp_told){now, news, lease->said.addr.addr};
}

void given_dhcp_rig(uint64_t seed)
{
    *r = (struct dhcp_rig){.random = seed, .now.ns = 3600 * NS_PER_S, .sink.send = hear};
    small_env_init(&r->memory);
    r->memory.env.random = draw;
    stack_config_init(&r->config);
    r->config.mac = client_mac;
}

void dhcp_rig_begin(struct ip_addr had)
{
    struct dhcp_client_config config = {.env = &r->memory.env, .had = had, .told = told};

    r->stack = stack_new(&r->config, &r->memory.env);
    ck_assert_ptr_nonnull(r->stack);
    stack_advance(r->stack, r->now);
    config.stack = r->stack;
    ck_assert_int_eq(dhcp_client_new(&config, r->now, &r->client), 0);
}

void dhcp_rig_end(void)
{
    struct stack_usage usage;

    dhcp_client_free(r->client);
    r->client = NULL;
    turn();
    stack_usage(r->stack, &usage);
    ck_assert_uint_eq(usage.sockets, 0);
    ck_assert_uint_eq(usage.frames, 0);
    ck_assert_uint_eq(usage.connections, 0);
    stack_free(r->stack);
    ck_assert_uint_eq(r->memory.out, 0);
}

void dhcp_rig_bind(uint32_t lease)
{
    ck_assert_ptr_nonnull(dhcp_rig_next(20 * NS_PER_S));
    DHCP_SERVER_SAYS(.type = DHCP_OFFER, .lease = lease, .with_router = true);
    ck_assert_ptr_nonnull(dhcp_rig_next(0));
    ck_assert_uint_eq(dhcp_rig_last()->type, DHCP_REQUEST);
    DHCP_SERVER_SAYS(.type = DHCP_ACK, .lease = lease, .with_router = true);
    dhcp_rig_wait(8 * NS_PER_S);
    ck_assert_int_eq(dhcp_client_state(r->client), DHCP_STATE_BOUND);
    dhcp_rig_forget();
}
