/*
 * posix.h - the state of this process, and what the files of face two share. Private to src/posix.
 *
 * posix.c has the lock and the turn of the thread that polls, posix_fd.c the descriptors,
 * posix_wait.c those who wait, posix_addr.c the shapes of addresses; the calls themselves are in
 * posix_call.c, posix_io.c, posix_poll.c and posix_names.c, which has posix_resolver.c below it.
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
    struct posix_call *call;
    struct posix_foreign *foreign; /* the one or the other */
};

/* A descriptor that stands for an eventfd, because tapio_fd() was asked for it. */
struct posix_foreign {
    struct posix_watch watch;
    int fd;
    bool fired;
};

struct posix_descriptor {
    int32_t s; /* face one's number; -1: none of ours */
    bool is_set;
    bool cloexec; /* FD_CLOEXEC, as the program sees it */
    struct posix_foreign *foreign;
};

struct posix {
    pthread_mutex_t lock;
    pthread_mutex_t gate; /* held by the polling thread while it waits for the lock */
    pthread_cond_t left;  /* nobody waits any more: for tapio_detach() */
    struct stack *stack;  /* NULL: none is attached */
    struct list watches[POSIX_BUCKETS];
    struct list set_watches;
    atomic_uint *wakes[POSIX_WAKES]; /* futex words */
    struct posix_descriptor *table;  /* by descriptor */
    instant sleeps_until;            /* when `sleeping` */
    pthread_t thread;                /* of tapio_start() */
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
    bool never_restarts; /* poll() and its kin, after a signal */
    bool slept, interrupted;
    atomic_uint awake; /* a futex */
};

/* --- posix.c ------------------------------------------------------------------------------ */

/* What a descriptor has to be. */
enum posix_kind { POSIX_ANY, POSIX_SOCKET, POSIX_FILE, POSIX_SET };

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

/* --- posix_fd.c --------------------------------------------------------------------------- */

/* A number of the kernel's table, without the lock, to become a descriptor by posix_install() or be
 * given back by posix_unreserve(). -1 with errno. */
int posix_reserve(void);
void posix_unreserve(int fd);
/* Under the lock: it stands for `s` from now on. False without memory. */
NODISCARD bool posix_install(int fd, int s, bool is_set, bool cloexec);
/* Under the lock; NULL: none of ours. */
struct posix_descriptor *posix_find(int fd);
/* Under the lock: the number is free again; the socket is the caller's to close. */
void posix_forget(int fd);

/* --- posix_wait.c ------------------------------------------------------------------------- */

void posix_wait_init(struct posix_call *call);
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
/* Ends the wait of a call that waits for no socket, but for what only its caller knows. */
void posix_wake(struct posix_call *call);

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
