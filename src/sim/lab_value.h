/*
 * lab_value.h - what a text says in numbers: sums of what has happened.
 *
 * A term is a number, a count, or a field of a mark: `third.ack - synack.seq`. `*` and `/` bind
 * tighter than `+` and `-`. Times are in microseconds since the scene began.
 */
#ifndef TAPIO_SIM_LAB_VALUE_H
#define TAPIO_SIM_LAB_VALUE_H

#include "base/bytes.h"
#include "sim/lab_run.h"

/* False when it has no value, with the reason in `why`. */
bool lab_sum(const struct lab_plan *plan, const struct lab_result *result, struct bytes text,
             int64_t *out, struct text *why);

/* Does "SUM OP SUM" hold, OP one of == != < <= > >=? False also when it has no value; `why` says
 * both sides, or what is wrong. */
bool lab_holds(const struct lab_plan *plan, const struct lab_result *result, const char *text,
               struct text *why);

#endif
