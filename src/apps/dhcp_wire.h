/*
 * dhcp_wire.h - DHCP messages (RFC 2131, 2; RFC 2132) as octets and as structs.
 *
 * A server's message is anybody's who is on the link, so all that it says is checked here: what
 * comes out is a message to us, with options that lie inside it, and of an offer or an
 * acknowledgement only values that a host can have.
 */
#ifndef TAPIO_APPS_DHCP_WIRE_H
#define TAPIO_APPS_DHCP_WIRE_H

#include <tapio/types.h>

#include "base/bytes.h"

enum {
    DHCP_CLIENT_PORT = 68,
    DHCP_SERVER_PORT = 67,
    DHCP_FIXED = 240,       /* up to and with the magic cookie */
    DHCP_MESSAGE_MIN = 300, /* BOOTP's length: some relays drop what is shorter */
    DHCP_MESSAGE_MAX = 576, /* that we send, and that a server may send unasked */

    DHCP_DISCOVER = 1,
    DHCP_OFFER = 2,
    DHCP_REQUEST = 3,
    DHCP_DECLINE = 4,
    DHCP_ACK = 5,
    DHCP_NAK = 6,
    DHCP_RELEASE = 7,

    DHCP_ROUTERS = 4, /* that are kept of each list */
    DHCP_SERVERS = 3,
    DHCP_NAME_MAX = 255,
    DHCP_LEASE_MIN = 10, /* seconds; a shorter lease would be nothing but renewals: it is refused */
    DHCP_RENEW_MIN = DHCP_LEASE_MIN / 2, /* likewise, T1 */
};

#define DHCP_FOREVER UINT32_MAX /* a lease that does not end (RFC 2131, 3.3) */

/* What is wrong with a message. */
enum dhcp_flaw {
    DHCP_FINE,
    DHCP_BAD_MESSAGE, /* too short, not to us, not DHCP */
    DHCP_BAD_OPTION,  /* an option that ends behind its field, or has not its type's length */
    DHCP_BAD_VALUE,   /* an address or a time that no host can have */
};

/* "dhcp.rx_bad", "dhcp.rx_opt", "dhcp.rx_value"; "ok". */
const char *dhcp_flaw_name(enum dhcp_flaw flaw);

/* --- ours --------------------------------------------------------------------------------- */

/* What a client says (RFC 2131, table 5). Addresses that are unspecified are left out. */
struct dhcp_query {
    uint8_t type;
    uint32_t xid;
    uint16_t secs; /* since it began */
    struct mac_addr mac;
    struct ip_addr client;    /* ciaddr: ours already, in RENEWING and REBINDING */
    struct ip_addr requested; /* the option */
    struct ip_addr server;    /* the option: whose offer is taken */
};

/* At least DHCP_MESSAGE_MIN octets; the same list of parameters whatever the type (RFC 2131, 3.5).
 */
void dhcp_query_emit(struct writer *w, const struct dhcp_query *query);

/* --- a server's --------------------------------------------------------------------------- */

struct dhcp_reply {
    uint8_t type; /* DHCP_OFFER, DHCP_ACK, DHCP_NAK */
    uint32_t xid;
    struct ip_addr server; /* its identifier */
    /* of an offer or an acknowledgement: */
    struct ip_prefix addr;
    struct ip_addr router[DHCP_ROUTERS]; /* on the link */
    struct ip_addr dns[DHCP_SERVERS];
    uint32_t router_count, dns_count;
    uint32_t lease_s, renew_s, rebind_s; /* renew < rebind < lease, or all DHCP_FOREVER */
    uint32_t mtu;                        /* 0: not told */
    char domain[DHCP_NAME_MAX + 1];      /* letters, digits, hyphens and dots; or empty */
};

/* A message for `mac`: xid is the caller's to compare. */
NODISCARD enum dhcp_flaw dhcp_reply_parse(struct bytes in, struct mac_addr mac,
                                          struct dhcp_reply *out);

#endif
