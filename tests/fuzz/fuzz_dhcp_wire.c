/*
 * fuzz_dhcp_wire.c - any octets as a DHCP message to us.
 *
 * What is believed of it are values that a host can have.
 */
#include <stdlib.h>

#include "apps/dhcp_wire.h"
#include "base/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static void check_lease(const struct dhcp_reply *r)
{
    HOLDS(r->addr.len >= 1 && r->addr.len <= 30);
    HOLDS(!ip_is_multicast(r->addr.addr) && !ip_is_loopback(r->addr.addr));
    HOLDS(!prefix_is_broadcast(r->addr, r->addr.addr));
    HOLDS(r->lease_s >= DHCP_LEASE_MIN && r->renew_s <= r->rebind_s && r->rebind_s <= r->lease_s);
    HOLDS(r->router_count <= DHCP_ROUTERS && r->dns_count <= DHCP_SERVERS);
    for (uint32_t i = 0; i < r->router_count; i++)
        HOLDS(prefix_contains(r->addr, r->router[i]));
    HOLDS(r->mtu == 0 || (r->mtu >= 576 && r->mtu <= 65535));
    for (size_t i = 0; i < strlen(r->domain); i++)
        HOLDS(r->domain[i] > ' ' && r->domain[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct mac_addr ours = {{2, 0, 0, 0, 0, 7}};
    uint8_t *exact = malloc(size ? size : 1);
    struct dhcp_reply reply;

    HOLDS(exact);
    if (size)
        memcpy(exact, data, size);
    enum dhcp_flaw flaw = dhcp_reply_parse(bytes_of(exact, size), ours, &reply);
    free(exact);
    if (flaw != DHCP_FINE)
        return 0;
    HOLDS(reply.type == DHCP_OFFER || reply.type == DHCP_ACK || reply.type == DHCP_NAK);
    if (reply.type != DHCP_NAK)
        check_lease(&reply);
    return 0;
}
