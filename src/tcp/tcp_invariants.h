/*
 * tcp_invariants.h - what must hold of all connections whenever nobody is inside TCP.
 *
 * For simulations and fuzzers: it walks everything, which is too dear for each call of a stack that
 * works. tcp_settle() asserts the few that cost nothing.
 */
#ifndef TAPIO_TCP_TCP_INVARIANTS_H
#define TAPIO_TCP_TCP_INVARIANTS_H

#include "tcp/tcp.h"

/* NULL when all is well, else a sentence in static storage that says what is not, and the number of
 * the connection that it is about in *conn (0: of none). Changes nothing. */
const char *tcp_check_invariants(struct tcp *tcp, uint32_t *conn);

#endif
