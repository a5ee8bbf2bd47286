/*
 * counters.h - the counters of a stack and of a device as text, and the law that they obey.
 *
 * One `name value` line for each counter that is not zero, in the order of the lists in
 * tapio/tapio.h, tapio/drops.h and tapio/dev.h.
 */
#ifndef TAPIO_SEE_COUNTERS_H
#define TAPIO_SEE_COUNTERS_H

#include <tapio/tapio.h>

#include "base/text.h"

/* Room for all lines of one render call, whatever the numbers. */
enum { COUNTERS_TEXT = 8192 };

/* No frame dies without a name: received == consumed + the sum of drops[]. Holds between any two
 * calls of a stack. */
bool counters_conserved(const struct stack_counters *counters);

/* The sum of drops[]. */
uint64_t counters_dropped(const struct stack_counters *counters);

/* "stack.received", "stack.consumed", "stack.sent", then drops, then events. If the law is broken,
 * "stack.unaccounted" says by how many frames. */
void counters_render(const struct stack_counters *counters, struct text *out);

void counters_render_dev(const struct dev_counters *counters, struct text *out);

#endif
