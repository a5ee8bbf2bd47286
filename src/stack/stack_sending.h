/*
 * stack_sending.h - what stack_output.c and stack_segment.c share while they pay.
 *
 * Private to src/stack.
 */
#ifndef TAPIO_STACK_SENDING_H
#define TAPIO_STACK_SENDING_H

#include "stack/stack.h"

/* One stack_output() on its way. */
struct sending {
    struct stack *stack;
    struct frame_sink *sink;
    bool csum_offload;
    bool big_frames;
    bool ethernet; /* else the link carries bare packets, and asks for no address */
    bool padded;   /* ... and its frames are filled up to 60 octets */
    instant now;
    bool has_last;
    struct ip_addr last;      /* where the last segment went, */
    struct mac_addr last_mac; /* and its first hop */
};

/* Zeros: nothing of ours leaks into a short frame. */
extern const uint8_t stack_padding[ETH_MIN];

enum hop { HOP_KNOWN, HOP_PENDING, HOP_UNREACHABLE };

/* Who is asked on the way to `dst`; with HOP_KNOWN its address is in `mac`. */
enum hop stack_find_hop(struct sending *out, struct ip_addr dst, struct route *route,
                        struct mac_addr *mac);
/* A frame has left: counts it and tells those who watch. `facts` may be NULL. */
void stack_tell_sent(struct sending *out, const struct frame_meta *meta, const struct iovec *iov,
                     int iovcnt, enum why why, const struct conn_facts *facts, bool tcp);
/* What connections owe, until it is paid or the device is full: 0, or what the device said. */
int stack_send_segments(struct sending *out);

#endif
