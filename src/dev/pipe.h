/*
 * pipe.h - two devices in memory, back to back: what one sends the other receives.
 *
 * For simulations and tests. The ends share their memory, which goes away with the second of them;
 * `memory` must live as long. A frame that was sent can be received at once. Once an end is closed
 * the other reads what is left and then meets -ENETDOWN.
 */
#ifndef TAPIO_DEV_PIPE_H
#define TAPIO_DEV_PIPE_H

#include <tapio/dev.h>

#include "base/memory.h"

struct pipe_config {
    uint32_t mtu;
    uint32_t capacity; /* octets that may wait in each direction, their keeping included */
    bool ip_only;      /* it carries bare IP packets */
    bool csum_offload; /* frames may pass with FRAME_NEEDS_CSUM, as between virtual machines, */
    bool big_frames;   /* and with a gso_type, uncut */
};

/* 0 or -ENOMEM. Both ends must go to dev_close(). */
NODISCARD int pipe_new(struct memory *memory, const struct pipe_config *config, struct dev *out[2]);

#endif
