/*
 * growth_lookup.c - whose a packet is: connections, half-open ones, those in TIME-WAIT, listeners,
 * ports, stations. Each row is a packet's whole way through the stack, and that of what answers it.
 */
#include <errno.h>
#include <netinet/in.h>

#include "growth.h"
#include "growth_stack.h"

static struct growth_peer *peers, newcomer;
static uint32_t count;
static int listener, watch;

static void configure(uint32_t n)
{
    struct stack_values *values = &growth_config.values;

    count = n;
    growth_configure(STACK_LINK_IP);
    values->tcp_connections = n + 16;
    values->sock_sockets = n + 16;
    values->sock_epoll_items = n + 16;
    peers = growth_alloc(n, sizeof *peers);
    for (uint32_t i = 0; i < n; i++)
        peers[i].from = growth_end(i);
    newcomer.from = growth_end(n);
}

static void advance(void)
{
    growth_now = instant_add(growth_now, NS_PER_US);
}

/* --- connections -------------------------------------------------------------------------- */

/* n of them, accepted, idle and watched by one epoll set. */
static void begin_connections(uint32_t n)
{
    configure(n);
    growth_stack_new();
    listener = growth_listen();
    watch = sock_epoll_create(growth_stack, 0);
    for (uint32_t i = 0; i < n; i++) {
        int s = growth_open(&peers[i], listener);
        struct epoll_event event = {.events = EPOLLIN, .data = {.u32 = (uint32_t)s}};
        growth_must(sock_epoll_ctl(growth_stack, watch, EPOLL_CTL_ADD, s, &event) == 0,
                    "not watched");
    }
}

static struct growth_peer *caller;

static void make_request(uint32_t turn)
{
    (void)turn;
    advance();
    caller = &peers[growth_any(count)];
    growth_segment(caller, GROWTH_PORT, TCP_ACK | TCP_PSH, 100);
}

/* A request comes, epoll tells of it, it is read and answered. */
static void serve_request(uint32_t turn)
{
    struct epoll_event event;
    uint8_t octets[100];

    (void)turn;
    growth_input();
    growth_must(sock_epoll_wait(growth_stack, watch, &event, 1, 0, NULL) == 1, "no request");
    int s = (int)event.data.u32;
    growth_must(sock_recv(growth_stack, s, octets, sizeof octets, 0, NULL) == 100 &&
                    sock_send(growth_stack, s, octets, sizeof octets, 0, NULL) == 100,
                "not served");
    growth_output();
    caller->seq += 100;
    caller->ack += 100;
}

static void poll_once(uint32_t turn)
{
    (void)turn;
    growth_output();
    growth_must(stack_deadline(growth_stack).ns > growth_now.ns, "due again");
}

/* Another comes, is accepted, resets its connection, and the socket is closed. */
static void come_and_go(uint32_t turn)
{
    (void)turn;
    int s = growth_open(&newcomer, listener);
    growth_segment(&newcomer, GROWTH_PORT, TCP_RST, 0);
    growth_input();
    growth_must(sock_close(growth_stack, s) == 0, "not closed");
}

/* So seldom that each is answered by a reset. */
static void make_stray(uint32_t turn)
{
    growth_now = instant_add(growth_now, 2 * NS_PER_MS);
    newcomer = (struct growth_peer){growth_end(count + turn), turn, turn};
    growth_segment(&newcomer, 81, TCP_ACK, 0);
}

static void run_packet(uint32_t turn)
{
    (void)turn;
    growth_input();
}

/* --- half-open ones ----------------------------------------------------------------------- */

static void knock(const struct growth_peer *peer)
{
    growth_segment(peer, GROWTH_PORT, TCP_SYN, 0);
    growth_input();
}

static void begin_half_open(uint32_t n)
{
    configure(n);
    growth_config.values.tcp_syn_cache = n;
    growth_stack_new();
    listener = growth_listen();
    for (uint32_t i = 0; i < n; i++) {
        peers[i].seq = i;
        knock(&peers[i]);
    }
}

static void make_syn_again(uint32_t turn)
{
    (void)turn;
    advance();
    growth_segment(&peers[growth_any(count)], GROWTH_PORT, TCP_SYN, 0);
}

/* The cache is full. */
static void make_syn(uint32_t turn)
{
    advance();
    newcomer = (struct growth_peer){.from = growth_end(count + turn), .seq = turn};
    growth_segment(&newcomer, GROWTH_PORT, TCP_SYN, 0);
}

/* Somebody gives up, and then another may be kept. */
static void make_reset(uint32_t turn)
{
    struct growth_peer *gone = &peers[growth_any(count)];

    (void)turn;
    advance();
    caller = gone;
    gone->seq++;
    growth_segment(gone, GROWTH_PORT, TCP_RST, 0);
    gone->seq--;
}

static void give_up_and_knock(uint32_t turn)
{
    (void)turn;
    growth_input();
    knock(caller);
}

/* --- TIME-WAIT ---------------------------------------------------------------------------- */

static void fin(struct growth_peer *peer)
{
    growth_segment(peer, GROWTH_PORT, TCP_FIN | TCP_ACK, 0);
}

/* Opened, closed by us, and closed by the peer. */
static void begin_time_wait(uint32_t n)
{
    configure(n);
    growth_config.values.tcp_time_wait = n;
    growth_stack_new();
    listener = growth_listen();
    for (uint32_t i = 0; i < n; i++) {
        int s = growth_open(&peers[i], listener);
        growth_must(sock_close(growth_stack, s) == 0, "not closed");
        growth_output();
        peers[i].ack++;
        fin(&peers[i]);
        growth_input();
    }
    growth_must(tcp_port_use(&growth_stack->tcp, GROWTH_PORT) == n, "not in TIME-WAIT");
}

static void make_fin_again(uint32_t turn)
{
    (void)turn;
    advance();
    fin(&peers[growth_any(count)]);
}

/* --- listeners, ports --------------------------------------------------------------------- */

static uint16_t listener_port(uint32_t i)
{
    return (uint16_t)(1000 + i);
}

static void begin_listeners(uint32_t n)
{
    configure(n);
    growth_config.values.tcp_listeners = n;
    growth_stack_new();
    for (uint32_t i = 0; i < n; i++) {
        struct tcp_listener *out;
        growth_must(tcp_listen(&growth_stack->tcp, (struct endpoint){.port = listener_port(i)},
                               TCP_FAMILY_V4, 1, NO_OWNER, &out) == 0,
                    "no listener");
    }
}

/* Some hundred half-open connections come of it. */
static void make_call(uint32_t turn)
{
    advance();
    newcomer = (struct growth_peer){.from = growth_end(turn), .seq = turn};
    growth_segment(&newcomer, listener_port(growth_any(count)), TCP_SYN, 0);
}

static int *sockets;

static void begin_udp(uint32_t n)
{
    configure(n);
    growth_config.values.udp_ports = n + 16;
    growth_stack_new();
    sockets = growth_alloc(n, sizeof *sockets);
    for (uint32_t i = 0; i < n; i++)
        sockets[i] = sock_socket(growth_stack, AF_INET, SOCK_DGRAM, 0);
}

static void begin_udp_ports(uint32_t n)
{
    begin_udp(n);
    for (uint32_t i = 0; i < n; i++)
        growth_must(
            sock_bind(growth_stack, sockets[i], (struct endpoint){.port = listener_port(i)}) == 0,
            "not bound");
}

static uint32_t addressee;

static void make_datagram(uint32_t turn)
{
    (void)turn;
    addressee = growth_any(count);
    growth_datagram(growth_end(1), listener_port(addressee));
}

static void take_datagram(uint32_t turn)
{
    uint8_t octets[8];

    (void)turn;
    growth_input();
    growth_must(sock_recv(growth_stack, sockets[addressee], octets, 8, 0, NULL) == 8, "not there");
}

/* All with one name. */
static void begin_shared_port(uint32_t n)
{
    const int on = 1;

    begin_udp(n);
    for (uint32_t i = 0; i < n; i++)
        growth_must(
            sock_setsockopt(growth_stack, sockets[i], SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) ==
                    0 &&
                sock_bind(growth_stack, sockets[i], (struct endpoint){.port = GROWTH_PORT}) == 0,
            "not bound");
}

static void make_shared_datagram(uint32_t turn)
{
    growth_datagram(growth_end(turn), GROWTH_PORT);
}

/* --- pings -------------------------------------------------------------------------------- */

static struct ping_port **pings;

static void begin_pings(uint32_t n)
{
    configure(n);
    growth_stack_new();
    pings = growth_alloc(n, sizeof *pings);
    for (uint32_t i = 0; i < n; i++) {
        pings[i] = ping_port_open(growth_stack, NO_OWNER);
        growth_must(pings[i] != NULL, "no ping");
        pings[i]->remote = growth_address(1);
    }
}

static void answer_ping(uint32_t turn)
{
    struct ping_port *port = pings[growth_any(count)];
    struct icmp_header h = {.type = ICMP_ECHO_REPLY, .rest = (uint32_t)port->id << 16};
    uint8_t octets[8] = {0};

    (void)turn;
    growth_must(ping_reply_arrives(growth_stack, growth_address(1), &h, bytes_of(octets, 8)) ==
                        DROP_NONE &&
                    ping_port_recv(port, octets, 8, false) == 8,
                "nobody's answer");
}

/* --- stations ----------------------------------------------------------------------------- */

static struct mac_addr mac_of(uint32_t number)
{
    return (struct mac_addr){{2, 1, (uint8_t)(number >> 24), (uint8_t)(number >> 16),
                              (uint8_t)(number >> 8), (uint8_t)number}};
}

static void hear_station(uint32_t number, uint16_t op)
{
    struct arp_packet arp = {.op = op,
                             .sha = mac_of(number),
                             .spa = growth_address(number),
                             .tha = growth_config.mac,
                             .tpa = growth_config.addr[0].addr};
    uint8_t octets[ETH_MIN] = {0};
    struct writer w = writer_of(octets, sizeof octets);

    eth_emit(&w, &(struct eth_header){growth_config.mac, arp.sha, ETH_TYPE_ARP});
    arp_emit(&w, &arp);
    stack_input(growth_stack, bytes_of(octets, sizeof octets), NULL, growth_now);
    growth_output();
}

static void begin_stations(uint32_t n)
{
    configure(n);
    growth_configure(STACK_LINK_ETHERNET);
    growth_config.values.arp_entries = n;
    growth_stack_new();
    growth_output();
    for (uint32_t i = 0; i < n; i++)
        hear_station(i, ARP_REQUEST);
    growth_now = instant_add(growth_now, 20 * NS_PER_S); /* so that each may be evicted */
}

static void ask_by_known(uint32_t turn)
{
    (void)turn;
    hear_station(growth_any(count), ARP_REQUEST);
}

static void ask_by_new(uint32_t turn)
{
    hear_station(count + turn, ARP_REQUEST);
}

static void resolve(uint32_t turn)
{
    struct mac_addr mac;

    (void)turn;
    growth_must(arp_resolve(&growth_stack->arp, growth_address(growth_any(count)), growth_now,
                            &mac) == ARP_KNOWN,
                "unknown");
}

/* --- who waits for a station -------------------------------------------------------------- */

enum { STATIONS = 1000000 };

static void begin_link(uint32_t half_open, uint32_t stations)
{
    configure(half_open);
    growth_configure(STACK_LINK_ETHERNET);
    growth_config.values.tcp_syn_cache = half_open + 4096;
    growth_config.values.arp_entries = u32_max(512, stations);
    growth_config.values.arp_queue = 1;
    growth_stack_new();
    growth_output();
    listener = growth_listen();
}

static void knock_as(uint32_t station, uint16_t port)
{
    struct growth_peer peer = {.from = {growth_address(station), port}, .seq = port};

    knock(&peer);
}

/* n half-open connections of one station that does not answer ARP: their <SYN,ACK>s wait. */
static void begin_waiting(uint32_t n)
{
    begin_link(n, 0);
    for (uint32_t i = 0; i < n; i++)
        knock_as(1, (uint16_t)(1024 + i));
}

/* n stations that do not answer ARP: one <SYN,ACK> lies in the entry, and one connection waits. */
static void begin_silent(uint32_t n)
{
    begin_link(2 * n, 65536);
    for (uint32_t i = 0; i < 2 * n; i++)
        knock_as(1 + i / 2, (uint16_t)(1024 + i % 2));
}

/* Another station calls, and waits like them for its answer. */
static void call_from_new(uint32_t turn)
{
    knock_as(STATIONS + turn, 1024);
    knock_as(STATIONS + turn, 1025);
}

static void new_answers(uint32_t turn)
{
    hear_station(STATIONS + turn, ARP_REPLY);
}

/* clang-format off */
static const struct growth_row rows[] = {
    {"connections", "a request to any, told by epoll, read and answered", BY_WIRE, 1000000,
     "`tcp.connections`", NULL, begin_connections, make_request, serve_request},
    {"connections", "one more opens, is accepted, reset and closed", BY_WIRE, 1000000, "`tcp.connections`", NULL,
     begin_connections, NULL, come_and_go},
    {"connections", "a segment of none of them", BY_WIRE, 1000000, "`tcp.connections`", NULL,
     begin_connections, make_stray, run_packet},
    {"connections", "a turn of the loop with nothing to do", BY_TIME, 1000000, "`tcp.connections`", NULL,
     begin_connections, NULL, poll_once},
    {"half-open connections", "the SYN of any again", BY_WIRE, 1000000, "`tcp.syn_cache`", NULL,
     begin_half_open, make_syn_again, run_packet},
    {"half-open connections", "one more, answered by a cookie", BY_WIRE, 1000000, "`tcp.syn_cache`", NULL,
     begin_half_open, make_syn, run_packet},
    {"half-open connections", "any gives up and comes again", BY_WIRE, 1000000, "`tcp.syn_cache`", NULL,
     begin_half_open, make_reset, give_up_and_knock},
    {"connections in TIME-WAIT", "the FIN of any again", BY_WIRE, 1000000, "`tcp.time_wait`", NULL,
     begin_time_wait, make_fin_again, run_packet},
    {"listeners", "a SYN for any", BY_WIRE, 60000, "numbers of ports; `tcp.listeners`", NULL,
     begin_listeners, make_call, run_packet},
    {"UDP ports", "a datagram for any", BY_WIRE, 60000, "numbers of ports; `udp.ports`", NULL,
     begin_udp_ports, make_datagram, take_datagram},
    {"UDP sockets with one name", "a datagram for it", BY_WIRE, 4096, "made by the program alone, with SO_REUSEPORT",
     NULL, begin_shared_port, make_shared_datagram, run_packet},
    {"ping sockets", "an answer for any", BY_WIRE, PING_PORTS, "`PING_PORTS`", NULL, begin_pings, NULL, answer_ping},
    {"stations", "any asks for us", BY_WIRE, 65536, "`arp.entries`", NULL, begin_stations, NULL, ask_by_known},
    {"stations", "one more asks, and another is forgotten for it", BY_WIRE, 65536, "`arp.entries`", NULL,
     begin_stations, NULL, ask_by_new},
    {"stations", "where is any?", BY_WIRE, 65536, "`arp.entries`", NULL, begin_stations, NULL, resolve},
    {"connections that wait for a station", "another station answers", BY_WIRE, 60000, "numbers of ports",
     NULL, begin_waiting, call_from_new, new_answers},
    {"stations that connections wait for", "another station answers", BY_WIRE, 32000, "half of `arp.entries`",
     NULL, begin_silent, call_from_new, new_answers},
};
/* clang-format on */

const struct growth_table growth_lookup = {rows, ARRAY_LEN(rows)};
