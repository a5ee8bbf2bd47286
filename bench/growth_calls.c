/* growth_calls.c - what a program asks for: numbers of ports, names, sockets, connections. */
#include <errno.h>
#include <netinet/in.h>

#include "growth.h"
#include "growth_stack.h"

enum { FREE_PORTS = 16, PORTS = 60000, FIRST = 2000 };

static uint32_t count;

static int socket_of(int type)
{
    int s = sock_socket(growth_stack, AF_INET, type, 0);

    growth_must(s >= 0, "no socket");
    return s;
}

/* With `ports` of them for whoever does not choose. */
static void begin_with(uint32_t n, uint32_t ports)
{
    struct stack_values *values = &growth_config.values;

    count = n;
    growth_configure(STACK_LINK_IP);
    values->tcp_port_min = FIRST;
    values->tcp_port_max = FIRST + ports - 1;
    values->tcp_connections = values->sock_sockets = values->udp_ports = n + FREE_PORTS;
    growth_stack_new();
}

/* All but 16 are to be taken. */
static void begin(uint32_t n)
{
    begin_with(n, n + FREE_PORTS);
}

static void bind_any(int s)
{
    growth_must(sock_bind(growth_stack, s, (struct endpoint){.port = 0}) == 0, "no port");
}

static void connect_to_one(int s)
{
    growth_must(sock_connect(growth_stack, s, growth_end(1), NULL) == -EINPROGRESS, "no port");
}

static void begin_connected(uint32_t n)
{
    begin(n);
    for (uint32_t i = 0; i < n; i++)
        connect_to_one(socket_of(SOCK_STREAM));
}

static void connect_one(uint32_t turn)
{
    (void)turn;
    int s = socket_of(SOCK_STREAM);
    connect_to_one(s);
    growth_must(sock_close(growth_stack, s) == 0, "not closed");
}

static void begin_bound(uint32_t n)
{
    begin(n);
    for (uint32_t i = 0; i < n; i++)
        growth_must(sock_bind(growth_stack, socket_of(SOCK_STREAM),
                              (struct endpoint){.port = (uint16_t)(FIRST + i)}) == 0,
                    "not bound");
}

static void bind_one(uint32_t turn)
{
    (void)turn;
    int s = socket_of(SOCK_STREAM);
    growth_must(sock_bind(growth_stack, s, (struct endpoint){.port = 80}) == 0 &&
                    sock_close(growth_stack, s) == 0,
                "not bound");
}

static void bind_any_tcp(uint32_t turn)
{
    (void)turn;
    int s = socket_of(SOCK_STREAM);
    bind_any(s);
    growth_must(sock_close(growth_stack, s) == 0, "not closed");
}

static void begin_udp(uint32_t n)
{
    begin(n);
    for (uint32_t i = 0; i < n; i++)
        growth_must(sock_bind(growth_stack, socket_of(SOCK_DGRAM),
                              (struct endpoint){.port = (uint16_t)(FIRST + i)}) == 0,
                    "not bound");
}

static void bind_any_udp(uint32_t turn)
{
    (void)turn;
    int s = socket_of(SOCK_DGRAM);
    bind_any(s);
    growth_must(sock_close(growth_stack, s) == 0, "not closed");
}

static void begin_sockets(uint32_t n)
{
    begin_with(n, FREE_PORTS);
    for (uint32_t i = 0; i < n; i++)
        socket_of(SOCK_STREAM);
}

static void open_and_close(uint32_t turn)
{
    (void)turn;
    int s = socket_of(SOCK_STREAM);
    growth_must(sock_poll(growth_stack, s) > 0 && sock_close(growth_stack, s) == 0, "not closed");
}

/* --- connections that are opening ---------------------------------------------------------- */

/* To a peer each; the link takes what leaves and nobody answers. */
static void begin_opening(uint32_t n)
{
    begin_with(n, PORTS);
    for (uint32_t i = 0; i < n; i++)
        growth_must(sock_connect(growth_stack, socket_of(SOCK_STREAM), growth_end(i), NULL) ==
                        -EINPROGRESS,
                    "not opening");
}

static bool is_nobody(void *cookie, struct ip_addr remote)
{
    return ip_equal(*(struct ip_addr *)cookie, remote);
}

/* A station that none of them is behind does not answer. */
static void miss_station(uint32_t turn)
{
    struct ip_addr nobody = growth_address(count + 1);

    (void)turn;
    tcp_unreachable_behind(&growth_stack->tcp, is_nobody, &nobody, EHOSTUNREACH, growth_now);
}

/* clang-format off */
static const struct growth_row rows[] = {
    {"sockets", "one more is opened and closed", BY_CALL, 1000000, "`sock.sockets`", NULL,
     begin_sockets, NULL, open_and_close},
    {"connections to one peer", "one more, with 16 ephemeral ports left", BY_CALL, PORTS, "numbers of ports",
     "it asks port after port, from a place that nobody can guess (RFC 6056, 3.3.1)", begin_connected, NULL, connect_one},
    {"bound sockets", "one more, to a port of its own choice", BY_CALL, PORTS, "numbers of ports",
     "it looks at those of each 256th port", begin_bound, NULL, bind_one},
    {"bound sockets", "one more, with 16 ephemeral ports left", BY_CALL, PORTS, "numbers of ports",
     "it asks port after port", begin_bound, NULL, bind_any_tcp},
    {"bound UDP sockets", "one more, with 16 ephemeral ports left", BY_CALL, PORTS, "numbers of ports",
     "it asks port after port", begin_udp, NULL, bind_any_udp},
    {"connections that are opening", "a station does not answer ARP", BY_TIME, 60000,
     "opened by the program alone", "each is asked whether it is behind it", begin_opening, NULL, miss_station},
};
/* clang-format on */

const struct growth_table growth_calls = {rows, ARRAY_LEN(rows)};
