/*
 * tree.c - a treap: a search tree by key that is a heap by priority.
 *
 * Random priorities make the tree look as if its nodes had come in random order, whatever order the
 * wire chose, so its depth is logarithmic in all likelihood. One rotation serves both ways: insert
 * hangs the node below a leaf and rotates it up until its parent has the higher priority, remove
 * rotates it down until it has at most one child, and there it can be cut out. Nothing here
 * recurses, and every loop follows one path of the tree.
 *
 * Keys are compared by their distance from the origin, modulo 2^32. That the origin moves does not
 * disturb the order as long as it passes no key; its owner takes out what it would pass first.
 */
#include "base/tree.h"

static uint32_t distance(const struct tree *tree, uint32_t key)
{
    return key - tree->origin;
}

/* The pointer that holds `node`: a side of its parent, or the root. */
static struct tree_node **link_of(struct tree *tree, struct tree_node *node)
{
    if (!node->parent)
        return &tree->root;
    return node->parent->left == node ? &node->parent->left : &node->parent->right;
}

/* Puts `node`, which is not the root, where its parent is; the parent becomes its child. */
static void rotate_up(struct tree *tree, struct tree_node *node)
{
    struct tree_node *parent = node->parent;
    struct tree_node *middle; /* the subtree between the two, which changes sides */

    *link_of(tree, parent) = node;
    node->parent = parent->parent;
    if (parent->left == node) {
        middle = node->right;
        parent->left = middle;
        node->right = parent;
    } else {
        middle = node->left;
        parent->right = middle;
        node->left = parent;
    }
    parent->parent = node;
    if (middle)
        middle->parent = parent;
}

void tree_insert(struct tree *tree, struct tree_node *node)
{
    struct tree_node **link = &tree->root;
    struct tree_node *parent = NULL;

    while (*link) {
        parent = *link;
        assert(parent->key != node->key);
        link = distance(tree, node->key) < distance(tree, parent->key) ? &parent->left
                                                                       : &parent->right;
    }
    node->left = node->right = NULL;
    node->parent = parent;
    *link = node;
    tree->count++;
    while (node->parent && node->parent->priority < node->priority)
        rotate_up(tree, node);
}

void tree_remove(struct tree *tree, struct tree_node *node)
{
    assert(tree->count > 0);
    while (node->left && node->right)
        rotate_up(tree, node->left->priority > node->right->priority ? node->left : node->right);

    struct tree_node *child = node->left ? node->left : node->right;
    *link_of(tree, node) = child;
    if (child)
        child->parent = node->parent;
    node->left = node->right = node->parent = NULL;
    tree->count--;
}

static struct tree_node *leftmost(struct tree_node *node)
{
    while (node && node->left)
        node = node->left;
    return node;
}

static struct tree_node *rightmost(struct tree_node *node)
{
    while (node && node->right)
        node = node->right;
    return node;
}

struct tree_node *tree_next(const struct tree_node *node)
{
    if (node->right)
        return leftmost(node->right);
    while (node->parent && node->parent->right == node)
        node = node->parent;
    return node->parent;
}

struct tree_node *tree_prev(const struct tree_node *node)
{
    if (node->left)
        return rightmost(node->left);
    while (node->parent && node->parent->left == node)
        node = node->parent;
    return node->parent;
}

struct tree_node *tree_floor(const struct tree *tree, uint32_t key)
{
    struct tree_node *node = tree->root;
    struct tree_node *best = NULL;

    while (node) {
        if (distance(tree, node->key) <= distance(tree, key)) {
            best = node;
            node = node->right;
        } else {
            node = node->left;
        }
    }
    return best;
}
