/*
 * matrix_rig.h - a stack in any state, one segment for it, and what came of it (matrix.h).
 *
 * One stack serves all cells of a state, a window and a family, each with a connection of its own
 * from another port of the peer's; time stands still. The link carries bare IP packets.
 */
#ifndef TAPIO_TESTS_MATRIX_RIG_H
#define TAPIO_TESTS_MATRIX_RIG_H

#include "support/matrix.h"

/* `family`: AF_INET or AF_INET6. */
void rig_begin(int family);
void rig_end(void);
/* Brings a new connection into the cell's state, hands it the cell's segment, and looks. */
struct matrix_outcome rig_play(const struct matrix_cell *cell);

#endif
