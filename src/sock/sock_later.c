/*
 * sock_later.c - calls that are declared and not built in yet.
 */
#include <errno.h>

#include "sock/sock_table.h"

#define LATER(type, name, ...)                                                                     \
    type name(__VA_ARGS__)                                                                         \
    {                                                                                              \
        return -EOPNOTSUPP;                                                                        \
    }

#pragma GCC diagnostic ignored "-Wunused-parameter"
LATER(int, sock_accept4, struct stack *stack, int s, struct endpoint *remote, int flags,
      struct waiter *waiter)
LATER(int, sock_disconnect, struct stack *stack, int s)
LATER(int, sock_close_wait, struct stack *stack, int s, struct waiter *waiter)
LATER(ssize_t, sock_read, struct stack *stack, int s, void *octets, size_t len,
      struct waiter *waiter)
LATER(ssize_t, sock_write, struct stack *stack, int s, const void *octets, size_t len,
      struct waiter *waiter)
LATER(ssize_t, sock_readv, struct stack *stack, int s, const struct iovec *iov, int iovcnt,
      struct waiter *waiter)
LATER(ssize_t, sock_writev, struct stack *stack, int s, const struct iovec *iov, int iovcnt,
      struct waiter *waiter)
LATER(ssize_t, sock_sendto, struct stack *stack, int s, const void *octets, size_t len, int flags,
      const struct endpoint *remote, struct waiter *waiter)
LATER(ssize_t, sock_recvfrom, struct stack *stack, int s, void *octets, size_t len, int flags,
      struct endpoint *from, struct waiter *waiter)
LATER(ssize_t, sock_sendmsg, struct stack *stack, int s, const struct sock_msg *msg, int flags,
      struct waiter *waiter)
LATER(ssize_t, sock_recvmsg, struct stack *stack, int s, struct sock_msg *msg, int flags,
      struct waiter *waiter)
LATER(int, sock_fcntl, struct stack *stack, int s, int command, int argument)
LATER(int, sock_ioctl, struct stack *stack, int s, unsigned long request, int *argument)
LATER(int, sock_poll_many, struct stack *stack, struct sock_pollfd *fds, size_t count,
      int timeout_ms, struct waiter *waiter)
LATER(int, sock_epoll_create, struct stack *stack, int flags)
LATER(int, sock_epoll_ctl, struct stack *stack, int epoll, int operation, int s,
      const struct epoll_event *event)
LATER(int, sock_epoll_wait, struct stack *stack, int epoll, struct epoll_event *events,
      int max_events, int timeout_ms, struct waiter *waiter)
