/*
 * posix.h - the state of this process, and what the files of face two share. Private to src/posix.
 *
 * posix.c has the lock and the turn of the thread that polls, posix_fd.c the descriptors,
 * posix_wait.c those who wait, posix_addr.c the shapes of addresses; the calls themselves are in
 * posix_call.c, posix_io.c, posix_poll.c and posix_names.c, which has posix_resolver.c below it;
 * posix_mixed.c waits for the kernel's descriptors, too, for `tapio exec`.
 * Everything in struct posix belongs to whoever holds the lock, and so does the stack.
 */
#ifndef TAPIO_POSIX_POSIX_H
#define TAPIO_POSIX_POSIX_H

#include <pthread.h>
#include <stdatomic.h>
#include <tapio/socket.h>

#include "apps/dns_cache.h"
#include "base/base.h"
#include "base/instant.h"
#include "base/list.h"

enum {
    POSIX_BUCKETS = 256, /* of watches, by socket; a power of two */
    POSIX_WAKES = 32,    /* threads whose wake-up waits for the lock to be given back */
    POSIX_SERVED = 256,  /* sockets in one turn, before the device has its turn again */
};

struct posix_call;

/* "Tell me when one of `events` holds for `s`": a thread that waits, or an armed tapio_fd(). */
struct posix_watch {
    struct list node; /* in posix.watches[] */
    struct list set;  /* in posix.set_watches, when `s` is an epoll set */
    int s;
    short events;
    bool is_set;
    bool exclusive; /* one of several is enough: who reads, writes, accepts */
    struct posix_sleeper *sleeper;
    struct posix_foreign *foreign; /* the one or the other */
};

/* A descriptor that stands for an eventfd, because tapio_fd() was asked for it. */
struct posix_foreign {
    struct posix_watch watch;
    int fd;
    bool fired;
};

/* What of a thread that waits others can see. It lies on no stack: a signal's handler may leave a
 * call that waits by longjmp(), and never come back to it. */
struct posix_sleeper {
    struct posix_watch watch;    /* of a call on one socket */
    struct posix_watch *watches; /* of poll(): one for each socket */
    size_t count, room;          /* in use, and allocated */
    atomic_uint awake;           /* a futex */
    int bell;                    /* an eventfd; -1: none yet */
    bool by_bell;                /* it waits for descriptors of the kernel's, too */
    bool linked;                 /* it waits */
    uint32_t round;              /* of waiting */
};

struct posix_descriptor {
    int32_t s; /* face one's number; -1: none of ours */
    bool is_set;
    bool cloexec; /* FD_CLOEXEC, as the program sees it */
    bool shared;  /* another number may stand for the same socket: tapio_dup() */
    struct posix_foreign *foreign;
};

/* How a thread that waits is woken: by its futex, or by an eventfd where it waits for descriptors
 * of the kernel's, too. */
struct posix_alarm {
    atomic_uint *futex;
    int bell; /* -1: the futex it is */
};

struct posix {
    pthread_mutex_t lock;
    pthread_mutex_t gate; /* held by the polling thread while it waits for the lock */
    pthread_cond_t left;  /* nobody waits any more: for tapio_detach() */
    struct stack *stack;  /* NULL: none is attached */
    struct list watches[POSIX_BUCKETS];
    struct list set_watches;
    struct posix_alarm wakes[POSIX_WAKES];
    struct posix_descriptor *table; /* by descriptor */
    instant sleeps_until;           /* when `sleeping` */
    pthread_t thread;               /* of tapio_start() */
    struct posix_company *company;  /* its */
    tapio_resolver *resolver;
    void *resolver_context;

    int reserve; /* the file that every descriptor is a duplicate of; -1 before the first attach */
    int wake_fd; /* an eventfd: ends the sleep of the polling thread */
    int table_len;
    unsigned wake_count;
    uint32_t waiting;   /* calls that have given the lock back for a while */
    atomic_int callers; /* threads that wait for the lock */
    atomic_bool
        turn_wanted;    /* the polling thread waits for it, and callers queue behind the gate */
    atomic_bool forked; /* this is a child */
    bool sleeping;      /* the polling thread */
    bool kicked;        /* wake_fd has been written, and not read yet */
    bool has_thread, stopping;
    bool down; /* the device is gone */
};

extern struct posix posix;

/* One call of face two, from posix_enter() to posix_leave(). */
struct posix_call {
    struct stack *stack;
    int s; /* face one's number, as it was at the beginning; a set if the call allows for one */
    struct waiter waiter;
    struct posix_watch watch;    /* of a call on one socket */
    struct posix_watch *watches; /* of poll(): one for each socket */
    size_t watch_count;
    struct posix_kernel *kernel; /* what else it waits for; NULL: nothing */
    bool never_restarts;         /* poll() and its kin, after a signal */
    bool slept, interrupted;
    struct posix_sleeper *sleeper; /* NULL: it has not waited yet */
};

/* --- posix.c ------------------------------------------------------------------------------ */

/* What a descriptor has to be. */
enum posix_kind { POSIX_ANY, POSIX_SOCKET, POSIX_FILE, POSIX_SET };

/* Ends the thread of tapio_start(); the stack stays, and nobody is woken. */
void posix_stop(void);
/* Closes all sockets; who waits at them sleeps on, and the numbers stay: a process ends. Takes the
 * lock. */
void posix_close_all(void);
/* Takes the lock for a call on no descriptor, or on `fd`. False, with errno: EPERM, ENETDOWN;
 * EBADF, ENOTSOCK (POSIX_SOCKET) or EINVAL (POSIX_FILE) when it is none, or a set. */
bool posix_begin(struct posix_call *call);
bool posix_enter(struct posix_call *call, int fd, enum posix_kind kind);
/* Gives it back: what the call was worth, and errno. */
ssize_t posix_leave(struct posix_call *call, ssize_t result);
static inline int posix_end(struct posix_call *call, int result)
{
    return (int)posix_leave(call, result);
}
/* -1 with that errno, without the lock. */
int posix_fail(int error);
/* The lock alone. */
void posix_take(void);
void posix_give(void);
instant posix_now(const struct stack *stack);

/* --- posix_loop.c ------------------------------------------------------------------------- */

enum { POSIX_COMPANY = 8 };

/* What the thread of tapio_start() turns beside the stack, all of it under the lock; embed it. */
struct posix_company {
    int fds[POSIX_COMPANY]; /* polled with the device */
    int count;
    void (*heard)(struct posix_company *company, int which, instant now); /* it is readable */
    void (*advance)(struct posix_company *company, instant now);          /* after the sockets */
    void (*settled)(struct posix_company *company, instant now); /* all that is owed was sent */
    instant (*deadline)(struct posix_company *company);
};

/* tapio_start() in company, which must live until tapio_detach(); NULL: alone. */
int posix_start(struct dev *dev, struct posix_company *company);

/* --- posix_fd.c --------------------------------------------------------------------------- */

/* A number of the kernel's table, without the lock, to become a descriptor by posix_install() or be
 * given back by posix_unreserve(). -1 with errno. */
int posix_reserve(void);
void posix_unreserve(int fd);
/* Under the lock: it stands for `s` from now on. False without memory. */
NODISCARD bool posix_install(int fd, int s, bool is_set, bool cloexec);
/* Under the lock; NULL: none of ours. */
struct posix_descriptor *posix_find(int fd);
/* Under the lock: the number is free again. True: it was the socket's last, which is the caller's
 * to close. */
NODISCARD bool posix_forget(int fd);
/* The number stands for the kernel's file `own` from now on, and no longer for a socket of ours. 0
 * or -1 with errno. Takes the lock. */
int posix_hand_over(int fd, int own, int flags);
/* Under the lock: forgets it and closes what nobody has a number of any more. */
void posix_drop(int fd);

/* The lowest free number that is not below `least`, for the same socket. Takes the lock. */
int posix_duplicate(int s, int least, bool cloexec);

/* --- posix_wait.c ------------------------------------------------------------------------- */

void posix_wait_init(struct posix_call *call);
/* That of this thread; NULL without memory. */
struct posix_sleeper *posix_sleeper(void);
/* Under the lock, when a call begins: one that this thread has never ended is over. */
void posix_wait_over(void);
void posix_watch_add(struct posix_watch *watch);
void posix_watch_remove(struct posix_watch *watch);
/* `holds` is true of `s` now: wakes whom it concerns. */
void posix_tell(int s, short holds);
/* Everybody who waits for `s` has to look again: it is closed, or no longer what it was. */
void posix_tell_all(int s);
/* The same for every socket. */
void posix_tell_everybody(void);
/* Asks the socket what holds, and tells. */
void posix_tell_holds(struct stack *stack, int s);
/* Asks the epoll sets that somebody waits for. */
void posix_tell_sets(struct stack *stack);
/* Who was woken and leaves passes on what there is left. */
void posix_pass_on(struct stack *stack, int s);
void posix_fire(struct posix_foreign *foreign);
/* Without the lock: wakes the thread. */
void posix_ring(const struct posix_alarm *alarm);
/* Ends the wait of a call that waits for no socket, but for what only its caller knows. */
void posix_wake(struct posix_call *call);

/* --- posix_mixed.c -----------------------------------------------------------------------------
 */

/* Descriptors of the kernel's that a call waits for beside its sockets: as ppoll() wants them, with
 * the first place for the bell. */
struct posix_kernel {
    struct pollfd *fds;
    nfds_t count; /* the bell's place included */
    const sigset_t *mask;
    bool ready; /* some of them have something to say: the call ended with -ECANCELED */
};

/* The eventfd of this thread; -errno. */
NODISCARD int posix_bell(void);
/* Told of each bell that is made, and before it is closed: for a program that must not close what
 * it has not opened. NULL: nobody is. */
extern void (*posix_bell_told)(int fd, bool there);
/* Sleeps as a futex does, but ends with -ECANCELED when one of them is ready. Without the lock. */
int posix_sleep_mixed(struct posix_sleeper *sleeper, struct posix_kernel *kernel, int64_t limit_ns);

/* poll() over descriptors of both kinds: what is not ours is the kernel's. `mask` as for ppoll();
 * a negative limit is none. */
int posix_poll_mixed(struct pollfd *fds, nfds_t count, int timeout_ms, const sigset_t *mask);
/* epoll_pwait() on one of our sets and one of the kernel's as if they were one. `empty`: nothing is
 * in the kernel's, as far as we know, so it is only slept on. */
int posix_epoll_mixed(int ours, int kernels, bool empty, struct epoll_event *events, int max_events,
                      int timeout_ms, const sigset_t *mask);

/* --- posix_poll.c ------------------------------------------------------------------------------
 */

enum { POLL_ON_STACK = 32 };

/* What is asked of many, for face one and for those who wake. */
struct polled {
    struct sock_pollfd *fds;
    struct posix_watch *watches;
    size_t count;
    struct sock_pollfd own_fds[POLL_ON_STACK];
    struct posix_watch own_watches[POLL_ON_STACK];
};

/* False without memory; posix_polled_fini() in either case. */
bool posix_polled_init(struct polled *p, size_t count);
void posix_polled_fini(struct polled *p);
/* Under the lock. What is not ours gets a number that no socket has, and so POLLNVAL. */
void posix_polled_put(struct polled *p, size_t i, int fd, short events);
int posix_polled_run(struct polled *p, struct posix_call *call, int timeout_ms);

/* --- posix_addr.c ------------------------------------------------------------------------- */

/* What bind(), connect() and sendto() are given, for a socket of `domain`. 0; -EINVAL, -EFAULT,
 * -EAFNOSUPPORT. */
NODISCARD int posix_addr_in(const struct sockaddr *addr, socklen_t len, int domain, bool binding,
                            struct endpoint *out);
/* The other way, cut off at *len, which then says how long it is. -EFAULT, -EINVAL. */
NODISCARD int posix_addr_out(struct endpoint end, int domain, struct sockaddr *addr,
                             socklen_t *len);
/* The whole struct; its length. */
socklen_t posix_addr_write(struct endpoint end, int domain, struct sockaddr_storage *out);
int posix_domain(struct stack *stack, int s);

/* --- posix_resolver.c ----------------------------------------------------------------------- */

enum { POSIX_ADDRS = 2 * DNS_ADDRS };

struct posix_found {
    struct ip_addr addr[POSIX_ADDRS];
    int count;
    char name[DNS_NAME_TEXT]; /* canonical; empty: as it was asked for */
};

/* Asks the servers for addresses of `family` (AF_UNSPEC: of both), and waits. 0 or an EAI_...;
 * EAI_SYSTEM with errno. Without the lock. */
NODISCARD int posix_resolve(const char *name, int family, struct posix_found *found);
/* Of the polling thread, under the lock: time passes; until when it may sleep. */
void posix_resolver_turn(instant now);
instant posix_resolver_deadline(void);
/* Under the lock, and before the stack goes: questions on their way are given up. */
void posix_resolver_stop(void);

#endif
