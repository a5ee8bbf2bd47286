/*
 * top_plain.h - a moment as lines for a pipe: one for the stack, one for each connection.
 *
 *     t=12.080 stack connections=1 received=9120 sent=18211 dropped=0 out_loss=1% ...
 *     t=12.080 conn=3 state=ESTABLISHED local=10.9.0.2:80 remote=10.9.0.1:49174 cwnd=14480 ...
 *
 * Words of `key=value` without blanks in them, always in the same order; what is not known is left
 * out. Connections that ended are told of once.
 */
#ifndef TAPIO_TOOLS_TOP_PLAIN_H
#define TAPIO_TOOLS_TOP_PLAIN_H

#include "base/text.h"
#include "top_model.h"

enum { TOP_PLAIN_ROOM = 65536 };

/* Those that had ended by number `before` are left out. */
void top_plain(struct text *out, const struct top_model *model, uint64_t number, uint64_t before);

#endif
