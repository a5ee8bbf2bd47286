/*
 * drill_arena.c - see drill_arena.h.
 *
 * Blocks in a chain, the newest first; only that one is filled. A wish that is larger than a block
 * gets a block of its own. Texts are packed without alignment, since a script is mostly words.
 */
#include "sim/drill_arena.h"

#include <string.h>

enum { ALIGN = 16, BLOCK = 16 << 10, BLOCK_MAX = 1 << 20, PILE_FIRST = 16 };

struct block {
    struct block *next;
    size_t len, used; /* the header included */
};

struct drill_arena {
    struct memory *memory;
    size_t cap, total;
    size_t block_len; /* of the next block: they grow, so that there are few */
    struct block *newest;
};

enum { HEADER = (sizeof(struct block) + ALIGN - 1) / ALIGN * ALIGN };

struct drill_arena *drill_arena_new(struct memory *memory, size_t cap)
{
    struct drill_arena *arena = memory_alloc(memory, sizeof(*arena));
    if (!arena)
        return NULL;
    arena->memory = memory;
    arena->cap = cap;
    arena->total = sizeof(*arena);
    arena->block_len = BLOCK;
    return arena;
}

void drill_arena_free(struct drill_arena *arena)
{
    if (!arena)
        return;
    for (struct block *block = arena->newest; block;) {
        struct block *next = block->next;
        memory_release(arena->memory, block, block->len);
        block = next;
    }
    memory_release(arena->memory, arena, sizeof(*arena));
}

/* A fresh block with room for `len`; NULL: none. */
static struct block *add_block(struct drill_arena *arena, size_t len)
{
    if (len > arena->cap)
        return NULL;
    size_t whole = size_max(HEADER + len, arena->block_len);
    if (arena->total > arena->cap || whole > arena->cap - arena->total)
        return NULL;
    struct block *block = memory_alloc(arena->memory, whole);
    if (!block)
        return NULL;
    *block = (struct block){.next = arena->newest, .len = whole, .used = HEADER};
    arena->newest = block;
    arena->total += whole;
    arena->block_len = size_min(arena->block_len * 2, BLOCK_MAX);
    return block;
}

static void *take(struct drill_arena *arena, size_t len, size_t align)
{
    struct block *block = arena->newest;
    size_t start = block ? (block->used + align - 1) / align * align : 0;

    if (!block || start > block->len || len > block->len - start) {
        block = add_block(arena, len);
        if (!block)
            return NULL;
        start = HEADER;
    }
    block->used = start + len;
    return (char *)block + start;
}

void *drill_arena_alloc(struct drill_arena *arena, size_t len)
{
    return take(arena, len, ALIGN);
}

char *drill_arena_text(struct drill_arena *arena, struct bytes text)
{
    char *copy = take(arena, text.len + 1, 1);
    if (copy && text.len)
        memcpy(copy, text.at, text.len);
    return copy; /* fresh octets are zero, so it ends in NUL */
}

/* --- piles -------------------------------------------------------------------------------- */

void drill_pile_init(struct drill_pile *pile, struct memory *memory, size_t item_len)
{
    *pile = (struct drill_pile){.memory = memory, .item_len = item_len};
}

void drill_pile_fini(struct drill_pile *pile)
{
    memory_release(pile->memory, pile->at, pile->room * pile->item_len);
    pile->at = NULL;
    pile->count = pile->room = 0;
}

bool drill_pile_push(struct drill_pile *pile, const void *item)
{
    if (pile->count == pile->room) {
        uint32_t room = pile->room ? pile->room * 2 : PILE_FIRST;
        char *at = memory_alloc(pile->memory, room * pile->item_len);
        if (!at)
            return false;
        if (pile->at)
            memcpy(at, pile->at, pile->count * pile->item_len);
        memory_release(pile->memory, pile->at, pile->room * pile->item_len);
        pile->at = at;
        pile->room = room;
    }
    memcpy(pile->at + pile->count * pile->item_len, item, pile->item_len);
    pile->count++;
    return true;
}

bool drill_pile_settle(struct drill_pile *pile, uint32_t from, struct drill_arena *arena,
                       void **out)
{
    assert(from <= pile->count);
    *out = NULL;
    if (from == pile->count)
        return true;
    size_t len = (pile->count - from) * pile->item_len;
    *out = drill_arena_alloc(arena, len);
    if (!*out)
        return false;
    memcpy(*out, pile->at + from * pile->item_len, len);
    pile->count = from;
    return true;
}
