/*
 * os_link.h - network interfaces of this machine: what one is, and bringing up our own.
 *
 * Calls fail with a negative errno. Those that take several steps say in *doing which one failed,
 * as words that fit behind "may not" or "cannot": "set the MTU of", with static storage.
 */
#ifndef TAPIO_OS_LINK_H
#define TAPIO_OS_LINK_H

#include <tapio/types.h>

#include "base/base.h"

enum {
    OS_LINK_NAME = 16,           /* IFNAMSIZ: 15 octets and a NUL */
    OS_LINK_TXQUEUELEN = 8192,   /* frames that a TAP of ours holds for us; see os_link_up() */
    OS_LINK_TAP_MTU_MAX = 65521, /* what Linux lets a TAP have: 65,535 less the Ethernet header */
};

struct os_link {
    bool exists;
    int index;
    bool is_tap; /* a tun/tap device with Ethernet headers, or */
    bool is_tun; /* without */
    bool up;
    bool carrier; /* somebody holds its other end */
    uint32_t mtu;
    uint32_t txqueuelen;
    struct mac_addr mac;   /* the kernel's side */
    struct ip_prefix addr; /* its first IPv4 address; unspecified when it has none */
    bool has_owner;        /* a user may attach to it without privileges: */
    uint32_t owner;        /* this one */
};

/* "tap0": 1 to 15 octets that Linux takes as a name. */
bool os_link_name_is_valid(const char *name);

/* What the interface is. 0 with exists == false when there is none of that name. */
NODISCARD int os_link_info(const char *name, struct os_link *out);

/* Sets the MTU, gives it addresses and brings it up. For an interface that we have just made: the
 * kernel makes up no IPv6 address on it, as nobody would answer there, and its queue is long enough
 * for a whole receive window of small frames. */
NODISCARD int os_link_up(const char *name, const struct ip_prefix *addrs, int count, uint32_t mtu,
                         const char **doing);

/* Brings an interface up and changes nothing else. */
NODISCARD int os_link_raise(const char *name);

/* A descriptor that becomes readable when some interface has changed; -errno. */
NODISCARD int os_link_watch(void);
/* Reads what it has to say; true when it is about the interface `index`. */
bool os_link_watch_read(int watch, int index);

#endif
