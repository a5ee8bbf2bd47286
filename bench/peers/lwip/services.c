/*
 * services.c - see services.h.
 *
 * discard frees what it is given, chargen sends from one constant text without a copy, echo copies
 * what it read into the send buffer. The rules of the raw API that decide how this looks:
 *
 *     after an abort the callback returns ERR_ABRT, and nobody touches the control block again;
 *     tcp_write() takes all or nothing, so a failure is tried again when something is acknowledged
 *     or, should nothing be in flight, from the poll callback;
 *     closing with text that was not taken (tcp_recved) resets the connection.
 */
#include "services.h"

#include <stdio.h>
#include <stdlib.h>

#include "lwip/udp.h"

enum {
    DISCARD_PORT = 9,
    CHARGEN_PORT = 19,
    ECHO_PORT = 7,
    TEXT = 64 * 1024 - 1, /* the most that one tcp_write() takes */
    LEAST_SEGMENTS = 8,   /* chargen writes no less at once */
    POLL = 1,             /* half seconds */
};

static char text[TEXT];

/* Closes; a connection that cannot even be closed is aborted. Its callbacks are over. */
static err_t finish(struct tcp_pcb *pcb)
{
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_poll(pcb, NULL, 0);
    tcp_err(pcb, NULL);
    if (tcp_close(pcb) == ERR_OK)
        return ERR_OK;
    tcp_abort(pcb);
    return ERR_ABRT;
}

/* --- discard, chargen --------------------------------------------------------------------- */

static err_t swallow(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    (void)arg;
    (void)err;
    if (!p)
        return finish(pcb);
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    return ERR_OK;
}

static err_t discard_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    if (err != ERR_OK || !pcb)
        return ERR_VAL;
    tcp_recv(pcb, swallow);
    return ERR_OK;
}

/* Whole segments only, as many as there is room for. */
static err_t chargen_fill(struct tcp_pcb *pcb)
{
    u16_t mss = tcp_mss(pcb);
    for (;;) {
        u32_t room = tcp_sndbuf(pcb) < TEXT ? tcp_sndbuf(pcb) : TEXT;
        u16_t len = (u16_t)(room / mss * mss);
        if (len < LEAST_SEGMENTS * mss || tcp_write(pcb, text, len, 0) != ERR_OK)
            return ERR_OK;
    }
}

static err_t chargen_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    (void)arg;
    (void)len;
    return chargen_fill(pcb);
}

static err_t chargen_poll(void *arg, struct tcp_pcb *pcb)
{
    (void)arg;
    return chargen_fill(pcb);
}

static err_t chargen_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    if (err != ERR_OK || !pcb)
        return ERR_VAL;
    tcp_recv(pcb, swallow);
    tcp_sent(pcb, chargen_sent);
    tcp_poll(pcb, chargen_poll, POLL);
    return chargen_fill(pcb);
}

/* --- connections that answer -------------------------------------------------------------- */

void conn_consume(struct conn *conn, u16_t len)
{
    tcp_recved(conn->pcb, len);
    conn->queue = pbuf_free_header(conn->queue, len);
}

static void conn_free(struct conn *conn)
{
    if (conn->queue)
        pbuf_free(conn->queue);
    free(conn);
}

static err_t conn_turn(struct conn *conn)
{
    if (conn->run(conn) && !(conn->peer_done && !conn->queue))
        return ERR_OK;
    struct tcp_pcb *pcb = conn->pcb;
    while (conn->queue) {
        u16_t len = conn->queue->len;
        conn_consume(conn, len);
    }
    conn_free(conn);
    return finish(pcb);
}

static err_t conn_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct conn *conn = arg;
    (void)pcb;
    (void)err;
    if (!p)
        conn->peer_done = true;
    else if (conn->queue)
        pbuf_cat(conn->queue, p);
    else
        conn->queue = p;
    return conn_turn(conn);
}

static err_t conn_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    struct conn *conn = arg;
    (void)pcb;
    (void)len;
    return conn->queue ? conn_turn(conn) : ERR_OK;
}

static err_t conn_poll(void *arg, struct tcp_pcb *pcb)
{
    return conn_sent(arg, pcb, 0);
}

static void conn_err(void *arg, err_t err)
{
    (void)err; /* the control block is gone already */
    conn_free(arg);
}

err_t conn_accept(struct tcp_pcb *pcb, bool (*run)(struct conn *))
{
    struct conn *conn = malloc(sizeof(*conn));
    if (!conn) {
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    *conn = (struct conn){.pcb = pcb, .run = run};
    tcp_nagle_disable(pcb);
    tcp_arg(pcb, conn);
    tcp_recv(pcb, conn_recv);
    tcp_sent(pcb, conn_sent);
    tcp_poll(pcb, conn_poll, POLL);
    tcp_err(pcb, conn_err);
    return ERR_OK;
}

static bool echo_run(struct conn *conn)
{
    while (conn->queue) {
        const struct pbuf *p = conn->queue;
        u16_t len = p->len < tcp_sndbuf(conn->pcb) ? p->len : (u16_t)tcp_sndbuf(conn->pcb);
        if (len == 0 || tcp_write(conn->pcb, p->payload, len, TCP_WRITE_FLAG_COPY) != ERR_OK)
            break;
        conn_consume(conn, len);
    }
    return true;
}

static err_t echo_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    return err == ERR_OK && pcb ? conn_accept(pcb, echo_run) : ERR_VAL;
}

/* --- the ports ---------------------------------------------------------------------------- */

void listen_on(u16_t port, tcp_accept_fn accept)
{
    struct tcp_pcb *pcb = tcp_new();
    if (pcb && tcp_bind(pcb, IP_ADDR_ANY, port) == ERR_OK)
        pcb = tcp_listen(pcb);
    else
        pcb = NULL;
    if (!pcb) {
        fprintf(stderr, "lwip_server: cannot listen on port %u\n", (unsigned)port);
        exit(1);
    }
    tcp_accept(pcb, accept);
}

static void datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                     u16_t port)
{
    (void)arg;
    (void)pcb;
    (void)from;
    (void)port;
    pbuf_free(p);
}

void services_start(void)
{
    for (int i = 0; i < TEXT; i++)
        text[i] = (char)(' ' + i % ('~' - ' ' + 1));
    listen_on(DISCARD_PORT, discard_accept);
    listen_on(CHARGEN_PORT, chargen_accept);
    listen_on(ECHO_PORT, echo_accept);
    http_start();

    struct udp_pcb *udp = udp_new();
    if (!udp || udp_bind(udp, IP_ADDR_ANY, DISCARD_PORT) != ERR_OK) {
        fprintf(stderr, "lwip_server: no UDP\n");
        exit(1);
    }
    udp_recv(udp, datagram, NULL);
}
