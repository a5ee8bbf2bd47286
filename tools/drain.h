/*
 * drain.h - the end of a stack that others are connected to.
 */
#ifndef TAPIO_TOOLS_DRAIN_H
#define TAPIO_TOOLS_DRAIN_H

#include <tapio/tapio.h>

/* Is every connection closed on both sides, TIME-WAIT not counted? */
bool drain_is_done(struct stack *stack);

/* Has every connection brought across what it had to send, its FIN included? */
bool drain_is_sent(struct stack *stack);

/* Resets every connection that is not, and sends what is owed, as far as the device takes it. */
void drain_reset(struct stack *stack, struct dev *dev, instant now);

#endif
