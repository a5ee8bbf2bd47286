/*
 * behaviour.h - what a case of the behaviour suite is given.
 *
 * A case is a function that calls sockets through `us`, plays the peer with plain sockets of the
 * kernel, and says what it sees in lines of text. It holds no expectation: the same program runs
 * it on the kernel's calls and on ours, and compare.py holds the two outputs against each other.
 * So a line must name nothing that may differ for a good reason: no port that was chosen, no
 * descriptor, no time. What is awaited is awaited by an event; only cases about time sleep.
 */
#ifndef BEHAVIOUR_H
#define BEHAVIOUR_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <tapio/socket.h>
#include <unistd.h>

#define PEER_ADDR   "10.9.0.1"
#define OUR_ADDR    "10.9.0.2"
#define NOBODY_ADDR "10.9.0.77"

/* The calls under test, of the kernel or of face two. */
struct calls {
    int (*socket)(int domain, int type, int protocol);
    int (*bind)(int s, const struct sockaddr *addr, socklen_t len);
    int (*listen)(int s, int backlog);
    int (*accept)(int s, struct sockaddr *addr, socklen_t *len);
    int (*accept4)(int s, struct sockaddr *addr, socklen_t *len, int flags);
    int (*connect)(int s, const struct sockaddr *addr, socklen_t len);
    int (*shutdown)(int s, int how);
    int (*close)(int s);
    int (*getsockname)(int s, struct sockaddr *addr, socklen_t *len);
    int (*getpeername)(int s, struct sockaddr *addr, socklen_t *len);
    int (*getsockopt)(int s, int level, int option, void *value, socklen_t *len);
    int (*setsockopt)(int s, int level, int option, const void *value, socklen_t len);
    int (*fcntl)(int s, int command, ...);
    int (*ioctl)(int s, unsigned long request, ...);
    ssize_t (*read)(int s, void *octets, size_t len);
    ssize_t (*write)(int s, const void *octets, size_t len);
    ssize_t (*readv)(int s, const struct iovec *iov, int iovcnt);
    ssize_t (*writev)(int s, const struct iovec *iov, int iovcnt);
    ssize_t (*send)(int s, const void *octets, size_t len, int flags);
    ssize_t (*recv)(int s, void *octets, size_t len, int flags);
    ssize_t (*sendto)(int s, const void *octets, size_t len, int flags, const struct sockaddr *to,
                      socklen_t to_len);
    ssize_t (*recvfrom)(int s, void *octets, size_t len, int flags, struct sockaddr *from,
                        socklen_t *from_len);
    ssize_t (*sendmsg)(int s, const struct msghdr *msg, int flags);
    ssize_t (*recvmsg)(int s, struct msghdr *msg, int flags);
    int (*poll)(struct pollfd *fds, nfds_t count, int timeout_ms);
    int (*select)(int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
                  struct timeval *timeout);
    int (*epoll_create1)(int flags);
    int (*epoll_ctl)(int epoll, int operation, int s, struct epoll_event *event);
    int (*epoll_wait)(int epoll, struct epoll_event *events, int max_events, int timeout_ms);
};
extern const struct calls kernel_calls, our_calls;
extern const struct calls *us;
/* In which network the kernel's sockets under test are made: call with the calls of `us` alone. */
int kernel_socket_there(int domain, int type, int protocol);

/* --- cases ------------------------------------------------------------------------------------ */

struct a_case {
    const char *name;
    void (*run)(void);
    struct a_case *next;
};
void case_add(struct a_case *it);
#define CASE(name)                                                                                 \
    static void name(void);                                                                        \
    static struct a_case case_##name = {#name, name, NULL};                                        \
    __attribute__((constructor)) static void add_##name(void)                                      \
    {                                                                                              \
        case_add(&case_##name);                                                                    \
    }                                                                                              \
    static void name(void)

/* False when the caller of the program did not ask for it. */
bool case_begin(const char *group, const char *name);
void case_end(void);
/* Each state with each call: states.c. */
void run_states(void);
/* Each option: options.c. */
void run_options(void);

/* --- what a case says ------------------------------------------------------------------------- */

__attribute__((format(printf, 1, 2))) void say(const char *format, ...);
/* The result, with the name of errno when it is negative. */
void result_text(char *text, size_t room, long result);
/* "what: result" in the same way. Returns the result. */
long told(const char *what, long result);
/* The events that hold now. */
void say_poll(int s);
/* Its address without the port: "10.9.0.2:some", "0.0.0.0:0". */
void say_name(const char *what, int result, const struct sockaddr_storage *name, socklen_t len);
void say_option(const char *what, int s, int level, int option);
void say_text(const char *what, ssize_t len, const char *text);

/* --- sockets under test ----------------------------------------------------------------------- */

int stream_socket(void);
int datagram_socket(void);
void no_block(int s, bool on);
/* Polls for one of `events` for two seconds, says so when none comes. */
void await(int s, short events);
/* Until all that was sent is acknowledged. */
void await_sent(int s);
struct sockaddr_in addr_of(const char *text, uint16_t port);
int bind_to(int s, const char *text, uint16_t port);
int connect_to(int s, const char *text, uint16_t port);
uint16_t port_of(int s);
int set_int(int s, int level, int option, int value);
/* A listener of ours at a port of its own. */
int our_listener(int backlog);
/* A stream between the two: returns ours, `peer` is the kernel's. */
int connected(int *peer);
/* The same, but the peer calls. */
int accepted(int *peer);
/* A datagram socket of ours and one of the peer that are connected to each other. */
int datagrams(int *peer);

/* --- the peer --------------------------------------------------------------------------------- */

int peer_listener(uint16_t *port, int backlog);
/* One that answers no SYN any more: whoever connects is in progress for long. */
int peer_full_listener(uint16_t *port);
int peer_accept(int listener);
int peer_call(uint16_t port);
int peer_datagram(uint16_t *port);
void peer_say(int peer, const char *text);
/* Says what it reads until the end, an error, or `len` octets. */
void peer_hears(int peer, size_t len);
void peer_resets(int peer);
/* A port that nobody listens at. */
uint16_t closed_port(int type);

#endif
