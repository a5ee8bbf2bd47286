/*
 * tcp_snapshot.h - connections, listeners and the small records, copied for whoever looks in.
 *
 * Each function fills in what is in a slot of its pool; false when nothing is. `out` is
 * tcp_snapshot_blank() before. Nothing changes.
 */
#ifndef TAPIO_TCP_TCP_SNAPSHOT_H
#define TAPIO_TCP_TCP_SNAPSHOT_H

#include <tapio/snapshot.h>

#include "tcp/tcp.h"

/* Nothing is known. */
void tcp_snapshot_blank(struct stack_snapshot *out);
bool tcp_snapshot_listener(const struct tcp *tcp, uint32_t index, struct stack_snapshot *out);
bool tcp_snapshot_conn(const struct tcp *tcp, uint32_t index, instant now,
                       struct stack_snapshot *out);
bool tcp_snapshot_half_open(const struct tcp *tcp, uint32_t index, instant now,
                            struct stack_snapshot *out);
bool tcp_snapshot_time_wait(const struct tcp *tcp, uint32_t index, instant now,
                            struct stack_snapshot *out);

#endif
