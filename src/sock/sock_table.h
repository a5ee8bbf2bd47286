/*
 * sock_table.h - sockets behind their numbers. Private to src/sock.
 *
 * A number is the socket's index in the stack's pool (20 bits) under a generation (11 bits) that is
 * different for each new socket, so a number that somebody kept too long is -EBADF.
 */
#ifndef TAPIO_SOCK_TABLE_H
#define TAPIO_SOCK_TABLE_H

#include <tapio/sock.h>

#include "stack/stack.h"

enum sock_kind {
    SOCK_FRESH, /* TCP, perhaps bound */
    SOCK_LISTENING,
    SOCK_CONNECTION,
    SOCK_PING,
};

struct sock {
    struct list bound; /* on the stack's list while it holds a port by bind() */
    union {
        struct tcp_listener *listener;
        struct tcp_conn *conn;
        struct ping_port *ping;
    };
    struct sock_app *app;
    struct endpoint local; /* as bound */
    int32_t number;
    uint32_t send_buffer, receive_buffer; /* SO_SNDBUF, SO_RCVBUF; 0: the default */
    uint8_t kind;
    bool is_bound : 1;
    bool reuse_addr : 1;
    bool linger_zero : 1;
    bool no_delay : 1;
    bool v6 : 1; /* AF_INET6: knows both kinds of addresses */
};

static_assert(sizeof(struct sock) <= STACK_SOCKET_SIZE, "STACK_SOCKET_SIZE is too small");

/* NULL: no such socket, -EBADF. */
struct sock *sock_find(struct stack *stack, int s);

#endif
