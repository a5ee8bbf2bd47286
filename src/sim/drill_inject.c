/*
 * drill_inject.c - packets in: which connection they belong to, and their numbers on the wire.
 *
 * One connection is under test. It changes with each socket(), and when a packet comes in while it
 * listens or while there is no socket: then a child is made, and all later lines are the child's.
 * A script counts from its own initial sequence numbers in packets with SYN and from 0 in all
 * others; on the wire everything counts from the numbers that the two ends chose.
 */
#include "sim/drill_run.h"

enum { HEADERS = 60 }; /* of IPv6 and TCP */

struct drill_conn *drill_conn_new(struct drill_run *run, enum drill_stage stage)
{
    struct drill_conn *conn = memory_alloc(run->memory, sizeof(*conn));

    if (!conn) {
        drill_fail(run, 0, "no memory");
        return NULL;
    }
    *conn = (struct drill_conn){.next = run->conns, .stage = stage, .sock = -1};
    run->conns = conn;
    run->under_test = conn;
    return conn;
}

void drill_conns_free(struct drill_run *run)
{
    while (run->conns) {
        struct drill_conn *conn = run->conns;
        run->conns = conn->next;
        memory_release(run->memory, conn->ts, conn->ts_room * sizeof(*conn->ts));
        memory_release(run->memory, conn, sizeof(*conn));
    }
}

/* --- timestamps --------------------------------------------------------------------------- */

int drill_ts_learn(struct drill_run *run, struct drill_conn *conn, uint32_t script, uint32_t live)
{
    for (uint32_t i = conn->ts_count; i > 0; i--) {
        if (conn->ts[i - 1].script == script) {
            conn->ts[i - 1].live = live;
            return 0;
        }
    }
    if (conn->ts_count == conn->ts_room) {
        uint32_t room = conn->ts_room ? conn->ts_room * 2 : 16;
        struct drill_ts_pair *more = memory_alloc(run->memory, room * sizeof(*more));
        if (!more)
            return drill_fail(run, 0, "no memory");
        if (conn->ts_count)
            memcpy(more, conn->ts, conn->ts_count * sizeof(*more));
        memory_release(run->memory, conn->ts, conn->ts_room * sizeof(*more));
        conn->ts = more;
        conn->ts_room = room;
    }
    conn->ts[conn->ts_count++] = (struct drill_ts_pair){script, live};
    return 0;
}

/* The pairs next to `script` say how fast the stack's clock runs against the script's. */
static uint32_t interpolate(const struct drill_conn *conn, uint32_t script)
{
    const struct drill_ts_pair *a = &conn->ts[0], *b = &conn->ts[conn->ts_count - 1];
    int64_t span = (int32_t)(b->script - a->script);
    int64_t live = (int32_t)(b->live - a->live);
    int64_t ahead = (int32_t)(script - a->script);

    return a->live + (uint32_t)(span ? ahead * live / span : ahead);
}

static int map_echo(struct drill_run *run, const struct drill_conn *conn, uint32_t *ecr)
{
    for (uint32_t i = conn->ts_count; i > 0; i--) {
        if (conn->ts[i - 1].script == *ecr) {
            *ecr = conn->ts[i - 1].live;
            return 0;
        }
    }
    if (run->set.ts_ecr_scaled && conn->ts_count) {
        *ecr = interpolate(conn, *ecr);
        return 0;
    }
    return drill_fail(run, run->event->place.line,
                      "TS ecr %u was never the TS val of a packet out (was it a <...>?)", *ecr);
}

/* --- which connection --------------------------------------------------------------------- */

static uint16_t fresh_port(struct drill_run *run)
{
    if (!run->next_port)
        run->next_port = 41000;
    return run->next_port++;
}

/* The connection that a packet in is for; makes the child of a listener, or of nobody. */
static struct drill_conn *conn_for(struct drill_run *run, const struct drill_packet *packet)
{
    struct drill_conn *conn = run->under_test;
    bool icmp = packet->protocol == DRILL_ICMP; /* opens no connection */

    if (conn && (icmp || conn->stage != DRILL_LISTENING)) {
        if (!conn->remote.port) {
            drill_fail(run, run->event->place.line,
                       "no matching socket: it neither listens nor has sent a SYN");
            return NULL;
        }
        if (!conn->local.port) {
            drill_fail(
                run, run->event->place.line,
                "our SYN has not been expected yet: a line \"> S 0:0(0) <...>\" comes first");
            return NULL;
        }
        return conn;
    }
    conn = drill_conn_new(run, DRILL_SYN_GOT);
    if (!conn)
        return NULL;
    conn->local = (struct endpoint){run->set.local.addr, run->set.bind_port};
    conn->remote = (struct endpoint){run->set.remote.addr, fresh_port(run)};
    if (packet->dst_port)
        conn->local.port = packet->dst_port;
    if (packet->src_port)
        conn->remote.port = packet->src_port;
    if (packet->protocol == DRILL_TCP)
        conn->peer_isn = packet->tcp.seq;
    return conn;
}

/* --- the packet --------------------------------------------------------------------------- */

static struct drill_envelope envelope(const struct drill_run *run, const struct drill_packet *p,
                                      const struct drill_conn *conn)
{
    struct drill_envelope env = {.src = conn->remote, .dst = conn->local, .ttl = 255};
    static const uint8_t marks[] = {[DRILL_ECN_UNSAID] = 0, [DRILL_NOECN] = 0, [DRILL_ECT1] = 1,
                                    [DRILL_ECT0] = 2,       [DRILL_CE] = 3,    [DRILL_ECT01] = 2};

    (void)run;
    if (p->said.has_tos)
        env.tos = p->said.tos;
    if (p->said.ecn != DRILL_ECN_UNSAID)
        env.tos = (uint8_t)((env.tos & 0xfc) | marks[p->said.ecn]);
    if (p->said.has_ttl)
        env.ttl = p->said.ttl;
    if (p->said.has_flowlabel)
        env.flowlabel = p->said.flowlabel;
    if (p->src_port)
        env.src.port = p->src_port;
    if (p->dst_port)
        env.dst.port = p->dst_port;
    return env;
}

/* The script's numbers as they are on the wire. Options are copied: the script stays as it is. */
static int to_live(struct drill_run *run, const struct drill_conn *conn, struct drill_tcp *tcp,
                   struct drill_tcp_option options[DRILL_TCP_OPTIONS])
{
    bool syn = tcp->flags & DRILL_SYN;
    uint32_t ours = syn ? conn->live_isn - conn->script_isn : conn->live_isn;

    if (!syn)
        tcp->seq += conn->peer_isn;
    if (tcp->flags & DRILL_ACK)
        tcp->ack += ours;
    if (tcp->list != DRILL_OPTIONS_LIST)
        return 0;
    memcpy(options, tcp->options, tcp->option_count * sizeof(*options));
    tcp->options = options;
    for (int i = 0; i < tcp->option_count; i++) {
        for (int k = 0; k < options[i].blocks; k++) {
            options[i].block[k].left += ours;
            options[i].block[k].right += ours;
        }
        if (options[i].kind == DRILL_OPT_TS && tcp->flags & DRILL_ACK &&
            map_echo(run, conn, &options[i].ecr))
            return -1;
    }
    return 0;
}

static int inject_tcp(struct drill_run *run, struct drill_conn *conn, const struct drill_packet *p)
{
    struct drill_tcp_option options[DRILL_TCP_OPTIONS];
    struct drill_tcp tcp = p->tcp;
    struct drill_envelope env = envelope(run, p, conn);

    if (conn->stage == DRILL_SYN_SENT && tcp.flags & DRILL_SYN && tcp.flags & DRILL_ACK) {
        conn->peer_isn = tcp.seq;
        conn->stage = DRILL_OPEN;
    }
    if (drill_options_len(&tcp) % 4 != 0)
        return drill_fail(run, run->event->place.line,
                          "the options take %zu octets, which is no multiple of 4: nothing is "
                          "padded, write the nop",
                          drill_options_len(&tcp));
    if (to_live(run, conn, &tcp, options))
        return -1;
    size_t len = drill_build_tcp(&env, &tcp, run->packet, DRILL_PACKET_MAX);
    if (!len)
        return drill_fail(run, run->event->place.line, "the packet is too long");
    /* More than a wire would carry came in several segments and was joined on the way. */
    uint32_t segment = run->set.mss ? run->set.mss : run->set.mtu - HEADERS;
    drill_hand_over(run, len, tcp.len > segment ? (uint16_t)segment : 0);
    return 0;
}

static int inject_icmp(struct drill_run *run, struct drill_conn *conn, const struct drill_packet *p)
{
    const struct drill_icmp *icmp = &p->icmp;
    struct drill_envelope env = envelope(run, p, conn);
    int v6 = !ip_is_v4(env.dst.addr);
    struct drill_quoted quote = {icmp->quote, icmp->seq, icmp->len};
    uint32_t rest = 0;

    if (!icmp->known[v6])
        return drill_fail(run, run->event->place.line, "ICMP%s has no %s%s%s", v6 ? "v6" : "",
                          icmp->type_name, icmp->code_name ? " " : "",
                          icmp->code_name ? icmp->code_name : "");
    if (icmp->quote == DRILL_QUOTE_TCP)
        quote.seq += conn->live_isn;
    if (icmp->has_mtu)
        rest = icmp->mtu;
    else if (icmp->has_id)
        rest = (uint32_t)icmp->id << 16;
    size_t len = drill_build_icmp(&env, icmp->type[v6], icmp->code[v6], rest, &quote, run->packet,
                                  DRILL_PACKET_MAX);
    if (!len)
        return drill_fail(run, run->event->place.line, "the packet is too long");
    drill_hand_over(run, len, 0);
    return 0;
}

int drill_inject(struct drill_run *run, const struct drill_packet *packet)
{
    struct drill_conn *conn = conn_for(run, packet);

    if (!conn)
        return -1;
    switch (packet->protocol) {
    case DRILL_TCP:
        return inject_tcp(run, conn, packet);
    case DRILL_ICMP:
        return inject_icmp(run, conn, packet);
    case DRILL_UDP:
        break;
    }
    struct drill_envelope env = envelope(run, packet, conn);
    size_t len = drill_build_udp(&env, packet->udp.len, run->packet, DRILL_PACKET_MAX);
    if (!len)
        return drill_fail(run, run->event->place.line, "the packet is too long");
    drill_hand_over(run, len, 0);
    return 0;
}
