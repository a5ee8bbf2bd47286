/*
 * sock_table.h - sockets behind their numbers. Private to src/sock.
 *
 * A number is the socket's index in the stack's pool (20 bits) under a generation (11 bits) that is
 * different for each new socket, so a number that somebody kept too long is -EBADF. Epoll sets are
 * numbered with the sockets.
 *
 * There is one for each connection that is accepted, and most of those sit idle: so it is small,
 * and what few have (a port of its own) lies beside it.
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
    SOCK_UDP,
    SOCK_EPOLL,
};

struct epoll_item;
struct epoll_set;

/* The port that a socket holds by bind(), and where. */
struct sock_name {
    struct list node; /* on the stack's list of all */
    struct sock *sock;
    struct endpoint local;
};

struct sock {
    union {
        struct tcp_listener *listener;
        struct tcp_conn *conn;
        struct ping_port *ping;
        struct udp_port *udp;
        struct epoll_set *epoll;
    };
    struct sock_app *app;
    struct epoll_item *watches; /* one for each epoll set that it is in */
    struct tcp_tuning *tuning;  /* what was set; shared with the connection or listener */
    uint32_t name;              /* its sock_name's number and one; 0: it is not bound */
    unsigned generation : 11;
    unsigned kind : 3; /* enum sock_kind */
    bool reuse_addr : 1;
    bool linger : 1;     /* SO_LINGER is on; for how long, the tuning says */
    bool no_delay : 1;   /* TCP_NODELAY */
    bool cork : 1;       /* TCP_CORK */
    bool keep_alive : 1; /* SO_KEEPALIVE */
    bool nonblock : 1;   /* O_NONBLOCK */
    bool v6 : 1;         /* AF_INET6 */
    bool v6_only : 1;
    bool inq : 1;       /* TCP_INQ */
    bool closing : 1;   /* in sock_close_wait() */
    bool connected : 1; /* connect() or accept() has said so */
};

static_assert(sizeof(struct sock) <= STACK_SOCKET_SIZE, "STACK_SOCKET_SIZE is too small");
static_assert(sizeof(struct sock_name) <= STACK_SOCKET_NAME_SIZE, "STACK_SOCKET_NAME_SIZE");

/* --- sock.c ------------------------------------------------------------------------------- */

/* NULL: no such socket, -EBADF. */
struct sock *sock_find(struct stack *stack, int s);
/* The same, but an epoll set is none either. */
struct sock *sock_find_talker(struct stack *stack, int s);
/* A fresh one; NULL when every socket is taken. */
struct sock *sock_new(struct stack *stack);
int32_t sock_number(const struct stack *stack, const struct sock *sock);
void sock_delete(struct stack *stack, struct sock *sock);

/* Whom an address of the socket stands for: TCP_FAMILY_*. */
uint8_t sock_families(const struct sock *sock, struct ip_addr addr);
/* May it have this name? -EAFNOSUPPORT, -EINVAL. */
int sock_check_family(const struct sock *sock, struct ip_addr addr);
int sock_bind_to(struct stack *stack, struct sock *sock, struct endpoint local);
bool sock_is_bound(const struct sock *sock);
/* The name that bind() gave it; unspecified, and port 0, without one. */
struct endpoint sock_local(const struct stack *stack, const struct sock *sock);
/* `cookie` is the stack: for tcp_choose_port(). */
bool sock_port_is_bound(void *cookie, uint16_t port);

/* --- sock_udp.c, sock_udp_io.c ------------------------------------------------------------- */

int sock_udp_open(struct stack *stack, struct sock *sock);
int sock_udp_bind(struct stack *stack, struct sock *sock, struct endpoint local);
/* An ephemeral port for one that has none: 0 or -EAGAIN. */
int sock_udp_name(struct stack *stack, struct udp_port *port);
int sock_udp_connect(struct stack *stack, struct sock *sock, struct endpoint remote);
int sock_udp_shutdown(struct stack *stack, struct sock *sock, int how);
/* The address of ours that it is bound or connected to; unspecified: any. */
struct ip_addr sock_udp_source(const struct stack *stack, const struct udp_port *port);
/* Is the address that it is bound to, or connected from, still one that it can have? */
bool sock_udp_has_name(const struct stack *stack, const struct udp_port *port);
/* May it send to `to`, and from where? `wanted` may be unspecified. */
int sock_udp_route(const struct stack *stack, const struct sock *sock, struct ip_addr wanted,
                   struct ip_addr to, struct ip_addr *source);
void sock_udp_apply(struct stack *stack, struct sock *sock);
/* `msg` has passed the checks that all sockets share. */
ssize_t sock_udp_send(struct stack *stack, int s, const struct sock_msg *msg, int flags,
                      struct waiter *waiter);
ssize_t sock_udp_recv(struct stack *stack, int s, struct sock_msg *msg, int flags,
                      struct waiter *waiter);

/* --- sock_control_message.c ---------------------------------------------------------------- */

/* Control messages on their way to recvmsg(). */
struct sock_controls {
    struct sock_msg *msg;
    size_t room;
};

/* Begins: none yet, and as much room as msg->control_len said. */
struct sock_controls sock_controls_of(struct sock_msg *msg);
/* One more, or MSG_CTRUNC. */
void sock_put_control(struct sock_controls *controls, int level, int type, const void *data,
                      size_t len);
/* Those that the socket wants to know of a datagram. */
void sock_put_udp_controls(const struct stack *stack, const struct udp_port *port,
                           struct frame *datagram, struct sock_controls *controls);

/* What sendmsg() wants of one datagram; -1, or unspecified: as the socket has it. */
struct udp_wishes {
    struct ip_addr src;
    int16_t ttl, tos;
    bool has_options; /* IP_RETOPTS */
    struct ipv4_options options;
};
/* -EINVAL, -EFAULT, -ENODEV, -EPERM. */
int sock_take_udp_controls(const struct sock_msg *msg, bool v6, struct udp_wishes *out);

/* --- sock_wait.c -------------------------------------------------------------------------- */

/* How long a call may wait: `waiter` is NULL when it may not. */
struct patience {
    struct waiter *waiter;
    instant deadline;
};

/* For a call on `s` with MSG_* `flags`; `sending` chooses SO_SNDTIMEO over SO_RCVTIMEO. */
struct patience sock_patience(struct stack *stack, int s, int flags, bool sending,
                              struct waiter *waiter);
struct patience sock_patience_ms(const struct stack *stack, int timeout_ms, struct waiter *waiter);
/* Waits until one of `events` may hold: 0, or the reason to return. */
int sock_wait(struct stack *stack, int s, short events, const struct patience *patience);

/* --- sock_options.c ----------------------------------------------------------------------- */

/* Hands what was set to the connection or listener that the socket stands for now. */
void sock_apply_options(struct stack *stack, struct sock *sock);
/* The IP options that a packet to `to` has by IP_OPTIONS; NULL: none. */
const struct ipv4_options *sock_ip_options(const struct sock *sock, struct ip_addr to);
/* Its tuning, to be written; NULL without memory. */
NODISCARD struct tcp_tuning *sock_tune(struct stack *stack, struct sock *sock);
int sock_get_int(const void *value, socklen_t len, int *out);
int sock_put(void *value, socklen_t *len, const void *from, size_t size);
int sock_put_int(void *value, socklen_t *len, int number);

/* --- sock_options_udp.c ------------------------------------------------------------------- */

/* Bits of udp_port.wants. */
enum {
    WANTS_PKTINFO = 1,
    WANTS_TTL = 2,
    WANTS_TOS = 4,
    WANTS_PKTINFO6 = 8,
    WANTS_HOP_LIMIT = 16,
    WANTS_TCLASS = 32,
    WANTS_OPTIONS = 64, /* as they came */
    WANTS_RETURN = 128, /* as they go back */
};

/* -ENOPROTOOPT: it is none of UDP's own. */
int sock_set_udp_option(struct udp *udp, struct udp_port *port, int level, int option, int number);
int sock_get_udp_option(const struct stack *stack, const struct udp_port *port, int level,
                        int option, int *number);

/* --- sock_options_tcp.c, sock_options_ip.c ------------------------------------------------ */

int sock_set_tcp_option(struct stack *stack, struct sock *sock, int option, const void *value,
                        socklen_t len);
int sock_get_tcp_option(struct stack *stack, struct sock *sock, int option, void *value,
                        socklen_t *len);
int sock_set_ip_option(struct stack *stack, struct sock *sock, int level, int option,
                       const void *value, socklen_t len);
int sock_get_ip_option(struct stack *stack, struct sock *sock, int level, int option, void *value,
                       socklen_t *len);

/* --- sock_ready.c, sock_epoll.c ----------------------------------------------------------- */

/* What holds now. Who finds no room is told when there is some. */
short sock_holds(struct sock *sock);
/* Tells the epoll sets what the lower layers have put on the ready list since. */
void sock_spread_news(struct stack *stack);
/* `news` of one socket, for its epoll sets. */
void sock_epoll_tell(struct stack *stack, struct sock *sock, uint8_t news);
short sock_epoll_holds(struct epoll_set *set);
/* The socket leaves every set that it is in; a set forgets its sockets. */
void sock_epoll_forget(struct stack *stack, struct sock *sock);
void sock_epoll_end(struct stack *stack, struct sock *sock);

#endif
