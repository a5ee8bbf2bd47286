/* The walker over connections: it is content with connections that are, and names each thing that
 * is broken. One connection of two stacks is broken in one way at a time, and made whole again. */
#include <netinet/in.h>
#include <tapio/sock.h>

#include "base/instant.h"
#include "sim/net.h"
#include "stack/stack.h"
#include "support/proves.h"
#include "tcp/tcp_conn.h"
#include "tcp/tcp_invariants.h"

enum { CLIENT, SERVER, ROUTER, PORT = 80 };

static struct memory memory;
static struct net net;
static struct net_app app[2];
static int listener, client, server;
static struct tcp *tcp;       /* the client's */
static struct tcp_conn *conn; /* and its connection */

static instant poll_nothing(struct net_app *which, struct stack *stack, instant now)
{
    short events;

    (void)which;
    (void)now;
    while (sock_next_ready(stack, &events) >= 0)
        ;
    return INSTANT_NEVER;
}

static struct tcp_conn *only_conn(struct stack *stack)
{
    struct tcp_conn *found = NULL;

    for (uint32_t i = 0; i < stack->tcp.conns.cap && !found; i++)
        found = pool_at(&stack->tcp.conns, i);
    return found;
}

static void run_for(int64_t ms)
{
    net_wake(&net, CLIENT);
    net_wake(&net, SERVER);
    instant until = instant_add(net.now, ms * NS_PER_MS);
    while (net_step(&net, until))
        ;
}

static void check_content(void)
{
    uint32_t number;

    for (int i = 0; i < 2; i++)
        ck_assert_ptr_null(stack_check_invariants(net.host[i].stack, &number));
}

/* A client whose SYN is under way to a listener. */
static void setup(void)
{
    static const struct impair_config wire[2] = {{.delay_ns = NS_PER_MS}, {.delay_ns = NS_PER_MS}};
    struct net_host_config host = {.mtu = 1500};

    values_default(&host.values);
    host.values.tcp_connections = host.values.sock_sockets = 8;
    ck_assert_int_eq(net_init(&net, &memory, 1, 2, 1, 2), 0);
    for (int i = 0; i < 2; i++) {
        app[i].poll = poll_nothing;
        host.app = &app[i];
        ck_assert_int_eq(net_add_host(&net, &host), i);
    }
    ck_assert_uint_eq(net_add_router(&net), ROUTER);
    net_join(&net, CLIENT, ROUTER, wire, 1500);
    net_join(&net, SERVER, ROUTER, wire, 1500);
    ck_assert_int_eq(net_start(&net), 0);
    struct stack *stack = net.host[SERVER].stack;
    listener = sock_socket(stack, AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(sock_bind(stack, listener, (struct endpoint){.port = PORT}), 0);
    ck_assert_int_eq(sock_listen(stack, listener, 4), 0);
    stack = net.host[CLIENT].stack;
    client = sock_socket(stack, AF_INET, SOCK_STREAM, 0);
    struct endpoint to = {.addr = net.host[SERVER].addr, .port = PORT};
    ck_assert_int_eq(sock_connect(stack, client, to, NULL), -EINPROGRESS);
    tcp = &stack->tcp;
    conn = only_conn(stack);
    ck_assert_ptr_nonnull(conn);
    run_for(1);
}

/* Established; text to read at the client, and text of its own in flight. */
static void given_established(void)
{
    static const uint8_t octets[3000];

    run_for(10);
    server = sock_accept(net.host[SERVER].stack, listener, NULL, NULL);
    ck_assert_int_ge(server, 0);
    ck_assert_int_eq(sock_send(net.host[SERVER].stack, server, octets, 3000, 0, NULL), 3000);
    run_for(10);
    ck_assert_int_eq(sock_send(net.host[CLIENT].stack, client, octets, 3000, 0, NULL), 3000);
    run_for(1);
    ck_assert_int_eq(conn->state, TCPS_ESTABLISHED);
    ck_assert_uint_eq(conn->recvq.len, 3000);
    ck_assert_uint_eq(seq_diff(conn->snd.nxt, conn->snd.una), 2896); /* Nagle keeps the rest */
}

static void teardown(void)
{
    ck_assert_uint_eq(net_fini(&net), 0);
}

/* --- ways to break one ---------------------------------------------------------------------- */

static struct receiver receiver;

/* clang-format off */
static void una(void)       { conn->snd.una = seq_add(conn->snd.nxt, 1); }
static void flight(void)    { conn->snd.nxt = seq_add(conn->snd.nxt, 5000); }
static void window(void)    { conn->snd.wnd = UINT32_MAX; }
static void window_max(void){ conn->snd.wnd = conn->snd.wnd_max + 1; }
static void fin_open(void)  { conn->fin_sent = true; }
static void fin_state(void) { conn->fin_sent = conn->closing = true; }
static void no_close(void)  { conn->state = TCPS_FIN_WAIT_1; }
static void fin_acked(void) { conn->state = TCPS_FIN_WAIT_2; conn->closing = true; }
static void mss(void)       { conn->snd_mss = 0; }
static void edge(void)      { conn->rcv.edge = seq_sub(conn->rcv.nxt, 1); }
static void wide_edge(void) { conn->rcv.edge = seq_add(conn->rcv.nxt, 1u << 30); }
static void told(void)      { conn->rcv.told = seq_add(conn->rcv.edge, 1); }
static void buffer(void)    { conn->rcv.buffer = (1u << 22) + 1; }
static void early_fin(void) { conn->fin_early = true; conn->receiver = &receiver; receiver.fin = seq_sub(conn->rcv.nxt, 1); }
static void peer_fin(void)  { conn->peer_fin = true; }
static void peer_state(void){ conn->state = TCPS_CLOSE_WAIT; }
static void no_timer(void)  { conn->retransmit_at = INSTANT_NEVER; }
static void late_timer(void){ conn->ack_at = (instant){0}; }
static void recvq_len(void) { conn->recvq.len++; }
static void recvq_cost(void){ conn->recvq.charged--; }
static void recvq_tail(void){ conn->recvq.tail = NULL; }
static void sendq_len(void) { conn->snd.nxt = conn->snd.una; conn->sendq.len = 0; }
static void early_cost(void){ conn->receiver = &receiver; receiver.reorder.charged = 1; }
static void idle_early(void){ receiver = (struct receiver){0}; conn->receiver = &receiver; }
static void no_early(void)  { conn->has_dsack = true; }
static void name(void)      { conn->local.port++; }
static void orphan(void)    { conn->orphaned = true; }
static void kin(void)       { conn->kin.next = CHAIN_HEAD; }
static void syn_flight(void){ conn->snd.nxt = seq_add(conn->iss, 2); }
static void syn_una(void)   { conn->snd.una = conn->snd.nxt; }

static const struct {
    bool opening; /* while the SYN is in flight; else established */
    void (*harm)(void);
    const char *sentence;
} harms[] = {
    {false, una,        "SND.UNA is beyond SND.NXT"},
    {false, flight,     "more is in flight than the send queue holds"},
    {false, window,     "SND.WND is more than a window can be"},
    {false, window_max, "SND.WND is more than MAX.SND.WND"},
    {false, fin_open,   "a FIN has left, and nobody has closed"},
    {false, fin_state,  "a FIN has left, and the state does not know"},
    {false, no_close,   "the state says that we have closed, and we have not"},
    {false, fin_acked,  "the state says that our FIN was acknowledged, and it was not"},
    {false, mss,        "an MSS of nothing"},
    {false, edge,       "RCV.NXT is beyond the window's edge"},
    {false, wide_edge,  "RCV.WND is more than a window can be"},
    {false, told,       "an edge was told that is not honoured"},
    {false, buffer,     "the receive buffer is above its cap"},
    {false, early_fin,  "RCV.NXT has passed a FIN that waits"},
    {false, peer_fin,   "the peer's FIN and the state do not agree"},
    {false, peer_state, "the peer's FIN and the state do not agree"},
    {false, no_timer,   "something is in flight, and no timer watches it"},
    {false, late_timer, "the timer is set past a deadline"},
    {false, no_early,   "something has not come in order, and nothing knows of it"},
    {false, idle_early, "a receiver that knows of nothing"},
    {false, recvq_len,  "a receive queue does not hold what it counts"},
    {false, recvq_cost, "a receive queue does not cost what it counts"},
    {false, recvq_tail, "a receive queue does not hold what it counts"},
    {false, sendq_len,  "a send queue does not hold what it counts"},
    {false, early_cost, "early text costs something, and there is none"},
    {false, name,       "a connection cannot be found by its name"},
    {false, orphan,     "orphans are counted wrong"},
    {false, kin,        "a connection is on no list of its kin, or on one that its state does not have"},
    {true,  syn_flight, "more is in flight than the send queue holds"},
    {true,  syn_una,    "SYN-SENT, and more than a SYN has left"},
    {true,  no_timer,   "something is in flight, and no timer watches it"},
};
/* clang-format on */

START_TEST(what_is_broken_is_named)
{
    uint32_t number;
    const bool opening = harms[_i].opening;

    if (!opening)
        given_established();
    check_content();
    struct tcp_conn whole = *conn;
    harms[_i].harm();
    const char *sentence = tcp_check_invariants(tcp, &number);
    *conn = whole;
    ck_assert_ptr_nonnull(sentence);
    ck_assert_str_eq(sentence, harms[_i].sentence);
    ck_assert(number == conn->id || number == 0);
    check_content();
}
END_TEST

START_TEST(what_is_counted_wrong_is_named)
{
    uint32_t number;

    given_established();
    tcp->orphans++;
    ck_assert_str_eq(tcp_check_invariants(tcp, &number), "orphans are counted wrong");
    tcp->orphans--;
    tcp->islands.used++;
    ck_assert_str_eq(tcp_check_invariants(tcp, &number),
                     "an island of early text belongs to nobody");
    tcp->islands.used--;
    tcp->receivers.used++;
    ck_assert_str_eq(tcp_check_invariants(tcp, &number), "a receiver belongs to nobody");
    tcp->receivers.used--;
    tcp->time_wait.entries.used++;
    ck_assert_str_eq(tcp_check_invariants(tcp, &number),
                     "a connection in TIME-WAIT is in no queue");
    tcp->time_wait.entries.used--;
    tcp->note_count = TCP_ACK_NOTES + 1;
    ck_assert_str_eq(tcp_check_invariants(tcp, &number), "notes of ACKs are counted wrong");
    tcp->note_count = 0;
    struct stack *stack = net.host[CLIENT].stack;
    stack->events.counters.received++;
    ck_assert_str_eq(stack_check_invariants(stack, &number), "a frame was lost without a name");
    stack->events.counters.received--;
    stack->socket_names.used++;
    ck_assert_str_eq(stack_check_invariants(stack, &number),
                     "the name of a socket belongs to nobody");
    stack->socket_names.used--;
    check_content();
}
END_TEST

START_TEST(a_connection_is_whole_from_its_beginning_to_its_end)
{
    check_content();
    given_established();
    check_content();
    sock_close(net.host[SERVER].stack, server);
    run_for(10);
    check_content();
    sock_close(net.host[CLIENT].stack, client);
    run_for(10);
    check_content();
    run_for(200000);
    check_content();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("invariants");
    TCase *c = tcase_create("the walker");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, what_is_broken_is_named, 0, ARRAY_LEN(harms));
    tcase_add_test(c, what_is_counted_wrong_is_named);
    tcase_add_test(c, a_connection_is_whole_from_its_beginning_to_its_end);
    suite_add_tcase(s, c);
    return run_suite(s, "invariants");
}
