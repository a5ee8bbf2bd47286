/*
 * demux.h - from a segment's four-tuple to its connection, from a port to its listener.
 *
 * A table of chains under a keyed hash, so that a stranger cannot make two tuples meet. There is
 * room for as many as the connection cap, but in use are no more than there have been connections
 * at a time: a hash leads anywhere in a table, so all that is in use is touched soon and costs
 * memory. Listeners lie in lists by their ports, which are ours to choose: one for each that there
 * may be, so that a SYN walks over no more than those of its own port.
 */
#ifndef TAPIO_TCP_DEMUX_H
#define TAPIO_TCP_DEMUX_H

#include "tcp/tcp.h"

/* Of a four-tuple, for this table and for those of the SYN cache and of TIME-WAIT. A segment asks
 * several of them, and the next one is often of the same connection: so the last one is kept. */
uint64_t demux_hash(struct tcp *tcp, struct endpoint local, struct endpoint remote);

NODISCARD int demux_init(struct tcp *tcp);
void demux_fini(struct tcp *tcp);
/* Of its tables, which are there from the beginning. */
uint64_t demux_octets(const struct tcp *tcp);
void demux_insert(struct tcp *tcp, struct tcp_conn *conn);
void demux_remove(struct tcp *tcp, struct tcp_conn *conn);
struct tcp_conn *demux_find(struct tcp *tcp, struct endpoint local, struct endpoint remote);
/* Is there a connection of this name, be it half-open or in TIME-WAIT? */
bool demux_is_taken(struct tcp *tcp, struct endpoint local, struct endpoint remote);
/* All listeners at a port, and perhaps at some others. */
static inline struct list *demux_listeners(const struct tcp *tcp, uint16_t port)
{
    return &tcp->listeners[port & tcp->listener_mask];
}

/* The listener for a local endpoint: one bound to the very address before one bound to any. */
struct tcp_listener *demux_listener(struct tcp *tcp, struct endpoint local);
/* Does somebody listen at this very name already, for one of these families? */
bool demux_is_listened(struct tcp *tcp, struct endpoint local, uint8_t families);

#endif
