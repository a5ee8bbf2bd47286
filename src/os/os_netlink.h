/*
 * os_netlink.h - as much of rtnetlink as it takes to set up one interface.
 *
 * A request is built in place, sent on a socket of its own and answered before the call returns.
 */
#ifndef TAPIO_OS_NETLINK_H
#define TAPIO_OS_NETLINK_H

#include <linux/netlink.h>

#include "base/bytes.h"

enum { NETLINK_REQUEST_MAX = 256 };

struct netlink_request {
    uint32_t len;
    bool overrun;
    _Alignas(NLMSG_ALIGNTO) uint8_t octets[NETLINK_REQUEST_MAX];
};

/* Starts a request: its type (RTM_*), flags beyond NLM_F_REQUEST, and the fixed part of its body.
 */
void netlink_begin(struct netlink_request *r, uint16_t type, uint16_t flags, const void *body,
                   size_t len);
void netlink_attr(struct netlink_request *r, uint16_t type, const void *value, size_t len);
/* An attribute that holds others: what nest_begin() returned goes to nest_end(). */
uint32_t netlink_nest_begin(struct netlink_request *r, uint16_t type);
void netlink_nest_end(struct netlink_request *r, uint32_t nest);

/* Sends it and reads the answer: 0 or a negative errno, the kernel's or that of the talk. `each` is
 * called with each message of the answer that is not an acknowledgement; NULL ignores them. */
typedef void netlink_each(void *cookie, uint16_t type, struct bytes body);
NODISCARD int netlink_ask(struct netlink_request *r, netlink_each *each, void *cookie);

/* Calls `each` for every message in a datagram; an error message ends it, with its errno in *result
 * and true; so does the end of a dump. */
bool netlink_walk(struct bytes datagram, netlink_each *each, void *cookie, int *result);

/* The attribute of that type in `attrs` (what is behind a body's fixed part), or empty. The last
 * one wins. */
struct bytes netlink_find(struct bytes attrs, uint16_t type);
/* Its value as a 32-bit number, or `missing`. */
uint32_t netlink_u32(struct bytes attrs, uint16_t type, uint32_t missing);

#endif
