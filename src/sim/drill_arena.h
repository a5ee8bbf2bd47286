/*
 * drill_arena.h - the memory of one script: it grows, and goes all at once.
 *
 * A tree of thousands of small nodes needs no bookkeeping per node when all of them die together.
 * A pile is the other half: a list whose length is not known yet lies there until it is complete,
 * and then settles in the arena at exactly its size, so that a script costs what it holds.
 */
#ifndef TAPIO_SIM_DRILL_ARENA_H
#define TAPIO_SIM_DRILL_ARENA_H

#include "base/base.h"
#include "base/memory.h"

struct drill_arena;

/* `cap` octets at most, the arena's own overhead included. NULL: no memory. */
NODISCARD struct drill_arena *drill_arena_new(struct memory *memory, size_t cap);
void drill_arena_free(struct drill_arena *arena);

/* `len` zeroed octets, aligned for any struct; NULL when there is no memory or the cap is met. */
NODISCARD void *drill_arena_alloc(struct drill_arena *arena, size_t len);
/* A copy that ends in NUL, or NULL. */
NODISCARD char *drill_arena_text(struct drill_arena *arena, struct bytes text);

struct drill_pile {
    struct memory *memory;
    size_t item_len;
    char *at;
    uint32_t count, room;
};

void drill_pile_init(struct drill_pile *pile, struct memory *memory, size_t item_len);
void drill_pile_fini(struct drill_pile *pile);
/* Copies `item`; false: no memory. */
NODISCARD bool drill_pile_push(struct drill_pile *pile, const void *item);
/* Moves the items from number `from` on into the arena. False: no memory, and they stay. Of no
 * items *out is NULL. */
NODISCARD bool drill_pile_settle(struct drill_pile *pile, uint32_t from, struct drill_arena *arena,
                                 void **out);

#endif
