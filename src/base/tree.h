/*
 * tree.h - an intrusive treap: ordered by a caller's key, O(log n) whatever the wire sends.
 *
 * A node's priority comes from the caller's prng, so nobody outside can shape the tree. The key is
 * a 32-bit distance from a reference point that the caller chooses (sequence numbers live on a
 * circle; their distance from RCV.NXT does not).
 */
#ifndef TAPIO_BASE_TREE_H
#define TAPIO_BASE_TREE_H

#include "base/base.h"

struct tree_node {
    struct tree_node *left, *right, *parent;
    uint32_t key; /* compared as (key - origin), see tree */
    uint32_t priority;
};

struct tree {
    struct tree_node *root;
    uint32_t origin; /* keys are ordered by their distance from here, modulo 2^32 */
    uint32_t count;
};

/* Moves the reference point forward; no key in the tree may be behind it. */
static inline void tree_set_origin(struct tree *tree, uint32_t origin)
{
    tree->origin = origin;
}

/* Inserts `node` with its key and priority set; no equal key may be there. */
void tree_insert(struct tree *tree, struct tree_node *node);
void tree_remove(struct tree *tree, struct tree_node *node);
static inline struct tree_node *tree_first(const struct tree *tree)
{
    struct tree_node *node = tree->root;

    while (node && node->left)
        node = node->left;
    return node;
}
static inline struct tree_node *tree_last(const struct tree *tree)
{
    struct tree_node *node = tree->root;

    while (node && node->right)
        node = node->right;
    return node;
}
struct tree_node *tree_next(const struct tree_node *node);
struct tree_node *tree_prev(const struct tree_node *node);
/* The last node whose key is at or before `key`, or NULL. */
struct tree_node *tree_floor(const struct tree *tree, uint32_t key);

#endif
