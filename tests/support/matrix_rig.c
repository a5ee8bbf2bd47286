/*
 * matrix_rig.c - see matrix_rig.h.
 *
 * Where the connection stands before the segment:
 *   - what is in flight: a SYN; in ESTABLISHED and CLOSE-WAIT a send buffer full of text; in
 *     FIN-WAIT-1, CLOSING and LAST-ACK the same and our FIN; nothing in FIN-WAIT-2 and TIME-WAIT;
 *   - the peer's FIN has come in CLOSE-WAIT, CLOSING, LAST-ACK and TIME-WAIT;
 *   - RCV.WND is 8000, or, with a zero window, 0 because that much text waits to be read;
 *   - the peer's window is 4000, and 5000 in the segment;
 *   - ACKs are not delayed, there are no options, and everything owed is paid.
 *
 * The segments are built here, from the RFC's picture alone, with a checksum of the slow and plain
 * kind. What the stack says is read the same way; its variables are read from the connection
 * itself.
 */
#include "support/matrix_rig.h"

#include <check.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <tapio/sock.h>

#include "base/base.h"
#include "stack/stack.h"
#include "support/holds.h"
#include "tcp/tcp_conn.h"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32 };
enum {
    RCV_WND = 8000,
    SND_WND = 4000,
    SEG_WND = 5000,
    FLIGHT = 2048,
    STACK_PORT = 80,
    FIRST_PORT = 1024,
    CONNECTIONS = 8192,
    PACKET = 9000,
    IRS = 0x7ffffff0, /* the numbers wrap, as signed ones do */
};

/* A segment of either side. */
struct segment {
    uint8_t flags;
    uint32_t seq, ack;
    uint16_t src_port, dst_port, wnd;
    size_t len;
};

static struct {
    struct stack *stack;
    int family;
    struct ip_addr stack_addr, peer_addr;
    instant now;
    uint16_t port; /* of the peer, or of the stack where that opens */
    int listener, s;
    uint64_t random;
    struct segment said[8];
    int said_count;
    struct frame_sink sink;
} rig;

/* --- octets ------------------------------------------------------------------------------- */

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t sum16(uint32_t sum, const uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum += (uint32_t)at[i] << (i % 2 ? 0 : 8);
    return sum;
}

static uint16_t folded(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* The IP header; returns its length. */
static size_t put_ip(uint8_t *p, size_t len)
{
    bool v4 = rig.family == AF_INET;
    size_t header = v4 ? 20 : 40;

    memset(p, 0, header);
    if (v4) {
        p[0] = 0x45;
        put16(p + 2, (uint32_t)(header + len));
        p[8] = 64;
        p[9] = IPPROTO_TCP;
        memcpy(p + 12, rig.peer_addr.octet + 12, 4);
        memcpy(p + 16, rig.stack_addr.octet + 12, 4);
        put16(p + 10, folded(sum16(0, p, header)));
    } else {
        p[0] = 0x60;
        put16(p + 4, (uint32_t)len);
        p[6] = IPPROTO_TCP;
        p[7] = 64;
        memcpy(p + 8, rig.peer_addr.octet, 16);
        memcpy(p + 24, rig.stack_addr.octet, 16);
    }
    return header;
}

static size_t put_segment(uint8_t *p, const struct segment *seg)
{
    size_t len = 20 + seg->len;
    size_t ip = put_ip(p, len);
    uint8_t *tcp = p + ip;

    memset(tcp, 0, len);
    put16(tcp, seg->src_port);
    put16(tcp + 2, seg->dst_port);
    put32(tcp + 4, seg->seq);
    put32(tcp + 8, seg->ack);
    tcp[12] = 5 << 4;
    tcp[13] = seg->flags;
    put16(tcp + 14, seg->wnd);
    put16(tcp + 18, 1);
    uint32_t sum = sum16(IPPROTO_TCP + (uint32_t)len, tcp, len);
    sum = rig.family == AF_INET ? sum16(sum, p + 12, 8) : sum16(sum, p + 8, 32);
    put16(tcp + 16, folded(sum));
    return ip + len;
}

/* --- the wire ----------------------------------------------------------------------------- */

static int hear(struct frame_sink *sink, const struct frame_meta *meta, const struct iovec *iov,
                int iovcnt, instant now)
{
    uint8_t p[PACKET];
    size_t len = 0, ip = rig.family == AF_INET ? 20 : 40;

    (void)sink, (void)meta, (void)now;
    for (int i = 0; i < iovcnt; i++) {
        HOLDS(len + iov[i].iov_len <= sizeof p);
        memcpy(p + len, iov[i].iov_base, iov[i].iov_len);
        len += iov[i].iov_len;
    }
    HOLDS(len >= ip + 20);
    const uint8_t *tcp = p + ip;
    if (rig.said_count < (int)ARRAY_LEN(rig.said))
        rig.said[rig.said_count++] = (struct segment){
            .src_port = (uint16_t)(tcp[0] << 8 | tcp[1]),
            .dst_port = (uint16_t)(tcp[2] << 8 | tcp[3]),
            .seq = get32(tcp + 4),
            .ack = get32(tcp + 8),
            .flags = tcp[13],
            .wnd = (uint16_t)(tcp[14] << 8 | tcp[15]),
            .len = len - ip - (size_t)(tcp[12] >> 4) * 4,
        };
    return 0;
}

/* Lets the stack pay what it owes: what it says is in rig.said[] then. */
static void listen_to_it(void)
{
    rig.said_count = 0;
    HOLDS(stack_output_ip(rig.stack, &rig.sink, rig.now) == 0);
}

static void tell(const struct segment *seg)
{
    uint8_t packet[PACKET];
    size_t len = put_segment(packet, seg);

    stack_input_ip(rig.stack, bytes_of(packet, len), NULL, rig.now);
    listen_to_it();
}

static struct endpoint stack_end(bool active)
{
    return (struct endpoint){rig.stack_addr, active ? rig.port : STACK_PORT};
}

static struct endpoint peer_end(bool active)
{
    return (struct endpoint){rig.peer_addr, active ? STACK_PORT : rig.port};
}

/* A half-open one is out of the SYN cache, and is good until the next call. */
static struct tcp_conn *connection(bool active)
{
    return tcp_find(&rig.stack->tcp, stack_end(active), peer_end(active));
}

/* A segment on the way to bring the connection into its state. */
static void tell_it(bool active, uint8_t flags, uint32_t seq, uint32_t ack, size_t len)
{
    tell(&(struct segment){.src_port = peer_end(active).port,
                           .dst_port = stack_end(active).port,
                           .flags = flags,
                           .seq = seq,
                           .ack = ack,
                           .len = len,
                           .wnd = SND_WND});
}

/* --- a stack ------------------------------------------------------------------------------ */

static int same_octets(void *context, void *octets, size_t len)
{
    (void)context;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)octets)[i] = (uint8_t)((rig.random = rig.random * 1103515245 + 12345) >> 16);
    return 0;
}

static void set_values(struct stack_values *values)
{
    values->tcp_timestamps = values->tcp_sack = values->tcp_window_scaling = 0;
    values->tcp_delayed_ack = 0;
    values->tcp_window_first = values->tcp_rmem = RCV_WND;
    values->tcp_wmem = FLIGHT;
    values->tcp_connections = values->sock_sockets = CONNECTIONS;
    values->tcp_time_wait = values->udp_ports = CONNECTIONS; /* tables as small as can be */
    values->icmp_rate = values->icmp_peer_rate = 1000000;
    values->icmp_burst = values->icmp_peer_burst = 10000;
    values->see_ring = 16;
}

void rig_begin(int family)
{
    struct stack_config config;
    const char *text[2] = {family == AF_INET ? "10.0.0.1/24" : "fd00::1/64",
                           family == AF_INET ? "10.0.0.2" : "fd00::2"};

    stack_config_init(&config);
    set_values(&config.values);
    config.link = STACK_LINK_IP;
    config.mtu = PACKET;
    config.addr_count = 1;
    HOLDS(ip_prefix_parse(text[0], &config.addr[0]) == 0);
    HOLDS(!stack_config_check(&config));
    memset(&rig, 0, sizeof rig);
    rig.family = family;
    rig.stack_addr = config.addr[0].addr;
    HOLDS(ip_addr_parse(text[1], &rig.peer_addr) == 0);
    rig.sink.send = hear;
    rig.port = FIRST_PORT;
    rig.now = (instant){NS_PER_S};
    rig.stack = stack_new(&config, &(struct env){.random = same_octets});
    HOLDS(rig.stack);
    stack_advance(rig.stack, rig.now);
    rig.listener = sock_socket(rig.stack, family, SOCK_STREAM, 0);
    HOLDS(rig.listener >= 0);
    HOLDS(sock_bind(rig.stack, rig.listener, stack_end(false)) == 0);
    HOLDS(sock_listen(rig.stack, rig.listener, 4096) == 0);
}

void rig_end(void)
{
    stack_free(rig.stack);
}

/* --- into a state ------------------------------------------------------------------------- */

static bool is_active(enum matrix_state state)
{
    return state == MATRIX_SYN_SENT || state == MATRIX_SYN_RCVD_A;
}

static bool has_peers_fin(enum matrix_state state)
{
    return state == MATRIX_CLOSE_WAIT || state == MATRIX_CLOSING || state == MATRIX_LAST_ACK ||
           state == MATRIX_TIME_WAIT;
}

static void open_actively(enum matrix_state state)
{
    struct endpoint peer = peer_end(true);

    rig.s = sock_socket(rig.stack, rig.family, SOCK_STREAM, 0);
    HOLDS(rig.s >= 0);
    HOLDS(sock_bind(rig.stack, rig.s, stack_end(true)) == 0);
    HOLDS(sock_connect(rig.stack, rig.s, peer, NULL) == -EINPROGRESS);
    listen_to_it();
    if (state == MATRIX_SYN_RCVD_A)
        tell_it(true, SYN, IRS, 0, 0);
}

static void fill_send_buffer(void)
{
    static const uint8_t text[FLIGHT];
    int on = 1; /* the last segment is a small one */

    HOLDS(sock_setsockopt(rig.stack, rig.s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    while (sock_send(rig.stack, rig.s, text, sizeof text, 0, NULL) > 0)
        continue;
    listen_to_it();
}

/* From ESTABLISHED, in the order in which both ends would. */
static void go_on(struct tcp_conn *conn, const struct matrix_cell *cell)
{
    enum matrix_state state = cell->state;
    uint32_t una = conn->snd.una.value;
    bool fin = has_peers_fin(state) && state != MATRIX_CLOSING && state != MATRIX_TIME_WAIT;

    if (cell->zero)
        tell_it(false, ACK, IRS + 1, una, has_peers_fin(state) ? RCV_WND - 1 : RCV_WND);
    if (state != MATRIX_FIN_WAIT_2 && state != MATRIX_TIME_WAIT)
        fill_send_buffer();
    if (fin)
        tell_it(false, FIN | ACK, conn->rcv.nxt.value, una, 0);
    if (state != MATRIX_ESTABLISHED && state != MATRIX_CLOSE_WAIT) {
        HOLDS(sock_shutdown(rig.stack, rig.s, SHUT_WR) == 0);
        listen_to_it();
    }
    if (state == MATRIX_FIN_WAIT_2 || state == MATRIX_TIME_WAIT)
        tell_it(false, ACK, conn->rcv.nxt.value, conn->snd.nxt.value, 0);
    if (state == MATRIX_CLOSING || state == MATRIX_TIME_WAIT)
        tell_it(false, FIN | ACK, conn->rcv.nxt.value, conn->snd.una.value, 0);
}

static void open_passively(const struct matrix_cell *cell)
{
    tell_it(false, SYN, IRS, 0, 0);
    struct tcp_conn *conn = connection(false);
    HOLDS(conn);
    if (cell->state == MATRIX_SYN_RCVD_P)
        return;
    tell_it(false, ACK, IRS + 1, conn->snd.nxt.value, 0);
    rig.s = sock_accept(rig.stack, rig.listener, NULL, NULL);
    HOLDS(rig.s >= 0);
    go_on(connection(false), cell);
}

/* Whoever was woken on the way has seen it. */
static void drain_ready(void)
{
    short events;

    while (sock_next_ready(rig.stack, &events) >= 0)
        continue;
}

static void bring(const struct matrix_cell *cell)
{
    rig.port++;
    rig.s = -1;
    if (is_active(cell->state))
        open_actively(cell->state);
    else if (cell->state != MATRIX_CLOSED && cell->state != MATRIX_LISTEN)
        open_passively(cell);
    drain_ready();
}

/* --- what came of it ---------------------------------------------------------------------- */

static const enum matrix_state state_of[] = {
    [TCPS_CLOSED] = MATRIX_CLOSED,           [TCPS_LISTEN] = MATRIX_LISTEN,
    [TCPS_SYN_SENT] = MATRIX_SYN_SENT,       [TCPS_SYN_RECEIVED] = MATRIX_SYN_RCVD_P,
    [TCPS_ESTABLISHED] = MATRIX_ESTABLISHED, [TCPS_FIN_WAIT_1] = MATRIX_FIN_WAIT_1,
    [TCPS_FIN_WAIT_2] = MATRIX_FIN_WAIT_2,   [TCPS_CLOSE_WAIT] = MATRIX_CLOSE_WAIT,
    [TCPS_CLOSING] = MATRIX_CLOSING,         [TCPS_LAST_ACK] = MATRIX_LAST_ACK,
    [TCPS_TIME_WAIT] = MATRIX_TIME_WAIT,
};

/* The state of the connection; without one, of what is left for its port. */
static enum matrix_state state_now(const struct matrix_cell *cell, const struct tcp_conn *conn)
{
    if (conn && conn->state != TCPS_CLOSED) {
        enum matrix_state state = state_of[conn->state];
        return state == MATRIX_SYN_RCVD_P && !conn->passive ? MATRIX_SYN_RCVD_A : state;
    }
    return cell->state == MATRIX_LISTEN || cell->state == MATRIX_SYN_RCVD_P ? MATRIX_LISTEN
                                                                            : MATRIX_CLOSED;
}

/* The connection's numbers before the segment. */
struct before {
    const struct tcp_conn *conn;
    uint32_t id, una, nxt, rcv, wnd, unread;
    uint32_t rcv_wnd;
    int holds, listener_holds;
};

static struct before look_before(const struct matrix_cell *cell)
{
    const struct tcp_conn *conn = connection(is_active(cell->state));
    struct before b = {.conn = conn, .rcv = IRS + 1, .una = 0x1000, .nxt = 0x2000};

    HOLDS(state_now(cell, conn) == cell->state);
    b.rcv_wnd = RCV_WND;
    if (conn) {
        b.id = conn->id;
        b.una = conn->snd.una.value;
        b.nxt = conn->snd.nxt.value;
        b.wnd = conn->snd.wnd;
        b.unread = tcp_unread(conn);
        if (conn->state != TCPS_SYN_SENT) {
            b.rcv = conn->rcv.nxt.value;
            b.rcv_wnd = conn_window(conn);
        }
        if (cell->state >= MATRIX_ESTABLISHED)
            HOLDS(cell->zero == (b.rcv_wnd == 0));
    }
    b.holds = rig.s >= 0 ? sock_poll(rig.stack, rig.s) : 0;
    b.listener_holds = sock_poll(rig.stack, rig.listener);
    return b;
}

static struct segment cell_segment(const struct matrix_cell *cell, const struct before *b)
{
    bool active = is_active(cell->state);
    const uint32_t seq[SEQ_COUNT] = {
        [SEQ_BELOW] = b->rcv - 20,
        [SEQ_OVERLAP] = b->rcv - 4,
        [SEQ_NEXT] = b->rcv,
        [SEQ_INSIDE] = b->rcv + 5,
        [SEQ_EDGE] = b->rcv + b->rcv_wnd,
        [SEQ_BEYOND] = b->rcv + b->rcv_wnd + 1000,
    };
    const uint32_t ack[ACK_COUNT] = {
        [ACK_ANCIENT] = b->una - SND_WND - 1000,
        [ACK_OLD] = b->una - 1,
        [ACK_UNA] = b->una,
        [ACK_NEW] = b->nxt,
        [ACK_FUTURE] = b->nxt + 1,
    };

    return (struct segment){.flags = cell->flags,
                            .seq = seq[cell->seq],
                            .ack = ack[cell->ack],
                            .len = cell->text ? MATRIX_TEXT : 0,
                            .src_port = peer_end(active).port,
                            .dst_port = cell->state == MATRIX_CLOSED ? STACK_PORT + 1
                                                                     : stack_end(active).port,
                            .wnd = SEG_WND};
}

static enum matrix_reply reply_of(const struct segment *seg, const struct tcp_conn *conn)
{
    const struct segment *said = &rig.said[0];
    uint32_t len = (uint32_t)seg->len + !!(seg->flags & SYN) + !!(seg->flags & FIN);

    if (rig.said_count == 0)
        return REPLY_NONE;
    if (rig.said_count > 1 || said->len > 0 || said->dst_port != seg->src_port ||
        said->src_port != seg->dst_port)
        return REPLY_OTHER;
    if (said->flags == ACK && conn && said->seq == conn->snd.nxt.value &&
        said->ack == conn->rcv.nxt.value)
        return REPLY_ACK;
    if (said->flags == RST && said->seq == seg->ack)
        return REPLY_RST;
    if (said->flags == (RST | ACK) && said->seq == 0 && said->ack == seg->seq + len)
        return REPLY_RST_ACK;
    if (said->flags == (SYN | ACK) && conn && said->seq == conn->iss.value &&
        said->ack == seg->seq + 1)
        return REPLY_SYN_ACK;
    return REPLY_OTHER;
}

/* The new connection is accepted at once: there may be something to read. */
static unsigned wake_by_accept(void)
{
    rig.s = sock_accept(rig.stack, rig.listener, NULL, NULL);
    HOLDS(rig.s >= 0);
    return WAKE_ACCEPT | (sock_poll(rig.stack, rig.s) & POLLIN ? WAKE_READ : 0);
}

/* What somebody who sleeps in poll() is woken by: told to the ready list, and newly true. */
static unsigned wakes(const struct before *b)
{
    int owner = rig.s; /* whoever is accepted here has not slept */
    unsigned wake = 0;
    short events;

    for (int s; (s = sock_next_ready(rig.stack, &events)) >= 0;) {
        if (s == rig.listener) {
            wake |= events & ~b->listener_holds & POLLIN ? wake_by_accept() : 0;
        } else if (s == owner) {
            int fresh = events & ~b->holds;
            if (fresh & POLLERR)
                wake |= WAKE_ERROR;
            else
                wake |= (fresh & POLLIN ? WAKE_READ : 0) | (fresh & POLLOUT ? WAKE_WRITE : 0);
        }
    }
    return wake;
}

static unsigned number_of(uint32_t after, uint32_t before, uint32_t taken)
{
    return (after == before ? NUMBER_SAME : 0) | (after == taken ? NUMBER_TAKEN : 0) |
           (after != before && after != taken ? NUMBER_OTHER : 0);
}

static struct matrix_outcome look_after(const struct matrix_cell *cell, const struct before *b,
                                        const struct segment *seg)
{
    const struct tcp_conn *conn = connection(is_active(cell->state));
    struct matrix_outcome got = {
        .next = 1u << state_now(cell, conn), .reply = reply_of(seg, conn), .octets = 1};

    if (conn && b->conn && conn->id == b->id) {
        got.una = number_of(conn->snd.una.value, b->una, seg->ack);
        got.wnd = number_of(conn->snd.wnd, b->wnd, seg->wnd);
        got.octets = 1u << (tcp_unread(conn) - b->unread);
    }
    got.wake = 1u << wakes(b);
    return got;
}

/* The connection must not cost the next ones anything. */
static void forget(void)
{
    struct linger linger = {.l_onoff = 1};

    if (rig.s < 0)
        return;
    HOLDS(sock_setsockopt(rig.stack, rig.s, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0);
    HOLDS(sock_close(rig.stack, rig.s) == 0);
    listen_to_it();
}

struct matrix_outcome rig_play(const struct matrix_cell *cell)
{
    bring(cell);
    struct before b = look_before(cell);
    struct segment seg = cell_segment(cell, &b);
    tell(&seg);
    struct matrix_outcome got = look_after(cell, &b, &seg);
    forget();
    return got;
}
