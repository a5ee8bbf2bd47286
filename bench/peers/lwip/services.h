/*
 * services.h - what the contestants offer, over lwIP's callbacks: discard, chargen, echo, HTTP.
 */
#ifndef PEER_SERVICES_H
#define PEER_SERVICES_H

#include <stdbool.h>

#include "lwip/pbuf.h"
#include "lwip/tcp.h"

/* A connection that answers what it reads. What is not answered yet stays in `queue`, in lwIP's own
 * buffers and within its window, and is looked at again when something is acknowledged. */
struct conn {
    struct tcp_pcb *pcb;
    struct pbuf *queue;
    bool (*run)(struct conn *); /* answers what it can; false: to be closed */
    bool peer_done;
};

/* Takes the first `len` octets off the queue and opens the window by them. */
void conn_consume(struct conn *conn, u16_t len);

/* Accepts for such a service. */
err_t conn_accept(struct tcp_pcb *pcb, bool (*run)(struct conn *));

/* Listens on the TCP port; ends the program when it cannot. */
void listen_on(u16_t port, tcp_accept_fn accept);

void services_start(void);
void http_start(void);

#endif
