/*
 * sim_draw.h - a run drawn from its seed: links, wires, stacks and streams.
 */
#ifndef TAPIO_SIM_SIM_DRAW_H
#define TAPIO_SIM_SIM_DRAW_H

#include "sim/sim.h"

/* The whole config. Each way has up to 10 % loss in bursts or not, 10 % reordering, 5 %
 * duplication, 1 % corruption, delay, jitter, a bottleneck; buffers are of 2 KB to 1 MB, the MTU
 * 296 to 9000, any window scale, ECN or not; Ethernet, or a line that carries IP packets of one
 * family; big frames or not. The same seed gives the same. */
void sim_draw(struct sim_config *config, uint64_t seed);

#endif
