/* tuning.c - see tuning.h. */
#include "tcp/tuning.h"

struct tcp_tuning *tuning_share(struct tcp_tuning *tuning)
{
    if (tuning)
        tuning->references++;
    return tuning;
}

void tuning_drop(struct pool *pool, struct tcp_tuning **tuning)
{
    if (*tuning && --(*tuning)->references == 0)
        pool_put(pool, *tuning);
    *tuning = NULL;
}

struct tcp_tuning *tuning_edit(struct pool *pool, struct tcp_tuning **tuning)
{
    const struct tcp_tuning *shared = *tuning;
    bool is_mine = shared && shared->references == 1;

    if (is_mine)
        return *tuning;
    struct tcp_tuning *own = pool_get(pool);
    if (!own)
        return NULL;
    if (shared) {
        *own = *shared;
        tuning_drop(pool, tuning);
    }
    own->references = 1;
    *tuning = own;
    return own;
}
