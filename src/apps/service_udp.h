/*
 * service_udp.h - echo (RFC 862), discard (RFC 863) and chargen (RFC 864) over UDP.
 *
 * Beside service.h, which has them over TCP: the same kinds, the same ports.
 */
#ifndef TAPIO_APPS_SERVICE_UDP_H
#define TAPIO_APPS_SERVICE_UDP_H

#include "apps/service.h"

enum { SERVICE_UDP_PORTS = 8, SERVICE_UDP_CHARGEN = 512 /* octets of an answer at most */ };

struct service_udp_config {
    enum service_kind kind;
    struct stack *stack;
    const struct env *env; /* alloc, release and random */
    struct endpoint local;
    uint16_t ports[SERVICE_UDP_PORTS]; /* of all services like this one here; 0: none */
};

struct service_udp;

/* 0, -ENOMEM, or what the socket calls say (-EADDRINUSE, ...). */
NODISCARD int service_udp_new(const struct service_udp_config *config, struct service_udp **out);
void service_udp_free(struct service_udp *service);

#endif
