/*
 * causes.h - why each connection's cwnd last changed, found once for all of them.
 *
 * The decisions of a stack are in one ring, newest first. Asking it anew for each of 100,000
 * connections would walk it as often; so it is walked once, and what it says is kept by connection.
 */
#ifndef TAPIO_SEE_CAUSES_H
#define TAPIO_SEE_CAUSES_H

#include <tapio/tapio.h>

#include "base/memory.h"

struct cause {
    uint32_t conn;
    uint32_t cwnd, ssthresh; /* after it */
    instant when;
    const char *why; /* static storage */
};

struct causes {
    struct cause *table; /* open addressing, by connection; `conn` 0: free */
    uint32_t mask;
};

/* As the ring is now. False without memory. */
NODISCARD bool causes_init(struct causes *causes, const struct stack *stack, struct memory *memory);
void causes_fini(struct causes *causes, struct memory *memory);
/* NULL: it has not changed but by growing, or that was too long ago to be remembered. */
const struct cause *causes_find(const struct causes *causes, uint32_t conn);

#endif
