/*
 * receiver.h - what a connection knows of text that has not come in order.
 *
 * It is there while text or a FIN waits for what is missing before it, and while something came
 * twice and no ACK has told so yet. A connection whose text comes in order has none.
 */
#ifndef TAPIO_TCP_RECEIVER_H
#define TAPIO_TCP_RECEIVER_H

#include "tcp/reorder.h"

struct receiver {
    struct reorder reorder;
    struct tcp_block dsack; /* to be told (RFC 2883), with conn->has_dsack */
    tcp_seq fin;            /* of a FIN beyond a hole, with conn->fin_early */
};

#endif
