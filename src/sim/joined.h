/*
 * joined.h - what came in a row is handed over as one big frame, as GRO does.
 *
 * For simulated devices that take big frames: their wires carry segments, and a stack behind them
 * is to meet what a kernel or a network card would make of these.
 */
#ifndef TAPIO_SIM_JOINED_H
#define TAPIO_SIM_JOINED_H

#include <tapio/dev.h>

#include "base/memory.h"

/* Joins frames of a batch with the ones in front of them, where they belong together. Returns how
 * many are left, in the same order. Larger buffers come from `pool`; without, frames stay single.
 */
int joined_batch(struct frame_pool *pool, struct frame **batch, int count, bool ip_only);

/* A device that does so with what `inner` brings, and is `inner` otherwise; closes it with itself.
 * `inner` takes big frames. -ENOMEM: it is still the caller's. */
NODISCARD int joined_new(struct memory *memory, struct dev *inner, struct dev **result);

/* Of a device from joined_new(): frames that it has joined to others. */
uint64_t joined_count(const struct dev *dev);

#endif
