/*
 * posix_ahead.h - frames that the polling thread reads before it takes the lock. Private to
 * src/posix.
 */
#ifndef TAPIO_POSIX_POSIX_AHEAD_H
#define TAPIO_POSIX_POSIX_AHEAD_H

#include <tapio/dev.h>

#include "base/frame.h"

struct stack;

struct posix_ahead {
    struct dev *dev; /* NULL: one that is shared, so that nothing is read ahead */
    struct frame_pool stock;
    struct frame *batch[DEV_BATCH];
    int count; /* frames in it, or why there are none: -errno */
};

/* Under the lock, before the first turn. */
void posix_ahead_init(struct posix_ahead *ahead, struct dev *dev, struct stack *stack);
/* Without the lock: takes what has come into buffers that were set aside. */
void posix_ahead_read(struct posix_ahead *ahead, instant now);
/* Under the lock: stack_receive(), but of what was read; sets buffers aside for the next time. */
NODISCARD int posix_ahead_receive(struct posix_ahead *ahead, struct stack *stack, instant now);
/* Under the lock, after the last turn: gives back what was set aside. */
void posix_ahead_fini(struct posix_ahead *ahead);

#endif
