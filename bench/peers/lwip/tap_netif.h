/*
 * tap_netif.h - a TAP as a network interface of lwIP's.
 */
#ifndef PEER_TAP_NETIF_H
#define PEER_TAP_NETIF_H

#include <stdbool.h>

#include "lwip/netif.h"

struct tap {
    int fd;
    bool offload;       /* a virtio_net_hdr goes with each frame */
    struct pbuf *spare; /* room that the last read did not use */
};

/* Opens or makes the interface `name`; ends the program with a line when it cannot. */
void tap_open(struct tap *tap, const char *name, bool offload);

/* lwIP's hook for a new interface; netif->state is the struct tap. */
err_t tap_netif_init(struct netif *netif);

/* Gives lwIP at most `max` frames. Is the kernel's queue empty now? */
bool tap_receive(struct netif *netif, int max);

#endif
