/*
 * http_listing_order.c - in which order the entries of a listing are shown.
 *
 * Sorting thousands of names at once would hold up everybody else, so the sort has no step of its
 * own: it is a heap sort (Williams, 1964) in two halves. An entry goes into the heap when the scan
 * finds it, and the first one leaves it when its row is written; either costs O(log n), in place.
 *
 * Folders come first whatever the order, since they are the way on. Names are compared as people
 * do: case does not matter to begin with, and "file9" comes before "file10". Where sizes or times
 * are equal, names decide, always upwards; where all is equal, octets do, so there is one order.
 */
#include "http/http_listing_inner.h"
#include "http/http_octets.h"

/* --- names -------------------------------------------------------------------------------- */

/* Takes a number from the front of a name: its digits, without zeros before them. */
static struct bytes take_number(struct bytes *name)
{
    size_t zeros = 0, len = 0;

    while (zeros < name->len && name->at[zeros] == '0')
        zeros++;
    *name = bytes_skip(*name, zeros);
    while (len < name->len && http_is_digit(name->at[len]))
        len++;
    struct bytes number = bytes_first(*name, len);
    *name = bytes_skip(*name, len);
    return number;
}

/* All three: less than 0, 0 or greater than 0. */

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_octets(struct bytes a, struct bytes b)
{
    size_t len = size_min(a.len, b.len);
    int order = len ? memcmp(a.at, b.at, len) : 0;

    return order ? order : compare_u64(a.len, b.len);
}

static int compare_numbers(struct bytes a, struct bytes b)
{
    return a.len != b.len ? compare_u64(a.len, b.len) : compare_octets(a, b);
}

static int compare_names(struct bytes a, struct bytes b)
{
    const struct bytes all_a = a, all_b = b;

    while (a.len > 0 && b.len > 0) {
        int order;
        if (http_is_digit(a.at[0]) && http_is_digit(b.at[0])) {
            struct bytes number = take_number(&a);
            order = compare_numbers(number, take_number(&b));
        } else {
            order = (int)http_lower(a.at[0]) - (int)http_lower(b.at[0]);
            a = bytes_skip(a, 1);
            b = bytes_skip(b, 1);
        }
        if (order)
            return order;
    }
    return a.len || b.len ? compare_u64(a.len, b.len) : compare_octets(all_a, all_b);
}

/* --- the heap ----------------------------------------------------------------------------- */

static bool is_before(const struct http_listing *l, const struct listing_entry *a,
                      const struct listing_entry *b)
{
    int order = 0;

    if (a->folder != b->folder)
        return a->folder;
    if (l->view.sort == LISTING_BY_SIZE)
        order = compare_u64(a->size, b->size);
    else if (l->view.sort == LISTING_BY_TIME)
        order = (a->mtime_ns > b->mtime_ns) - (a->mtime_ns < b->mtime_ns);
    if (order == 0 && l->view.sort != LISTING_BY_NAME)
        return compare_names(listing_name(l, a), listing_name(l, b)) < 0;
    if (l->view.sort == LISTING_BY_NAME)
        order = compare_names(listing_name(l, a), listing_name(l, b));
    return l->view.descending ? order > 0 : order < 0;
}

static void swap(struct listing_entry *a, struct listing_entry *b)
{
    const struct listing_entry was = *a;

    *a = *b;
    *b = was;
}

void listing_order_add(struct http_listing *l)
{
    uint32_t at = l->left;

    assert(at < HTTP_LISTING_ENTRIES);
    l->left++;
    while (at > 0) {
        const uint32_t parent = (at - 1) / 2;
        if (!is_before(l, &l->entries[at], &l->entries[parent]))
            return;
        swap(&l->entries[at], &l->entries[parent]);
        at = parent;
    }
}

const struct listing_entry *listing_order_take(struct http_listing *l)
{
    uint32_t at = 0;

    if (l->left == 0)
        return NULL;
    l->left--;
    swap(&l->entries[0], &l->entries[l->left]);
    for (;;) {
        uint32_t first = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2; child++)
            if (child < l->left && is_before(l, &l->entries[child], &l->entries[first]))
                first = child;
        if (first == at)
            return &l->entries[l->left];
        swap(&l->entries[at], &l->entries[first]);
        at = first;
    }
}
