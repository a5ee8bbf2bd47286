/*
 * http_listing_inner.h - what the files of a listing share.
 */
#ifndef TAPIO_HTTP_LISTING_INNER_H
#define TAPIO_HTTP_LISTING_INNER_H

#include "base/json.h"
#include "http/http_listing.h"
#include "http/http_path.h"

enum {
    LISTING_NO_DIR = -1,
    /* No octet of a name or a path is written as more than six: &quot; or \ufffd. */
    LISTING_PIECE_ROOM = 6 * HTTP_PATH_ROOM + 8192,
    LISTING_TIME_LEN = 24, /* of 2026-11-29T13:00:00.123Z */
};

enum listing_sort { LISTING_BY_NAME, LISTING_BY_SIZE, LISTING_BY_TIME };

/* What is asked for by the query. */
struct listing_view {
    enum listing_sort sort;
    bool descending;
    bool json;
};

struct listing_entry {
    uint64_t size; /* octets, of a file */
    int64_t mtime_ns;
    uint32_t name; /* where it begins in names[] */
    uint8_t name_len;
    bool folder;
};

struct http_listing {
    struct http_source source;
    struct pool *pool;
    const struct files_ops *files;
    int dir;              /* or LISTING_NO_DIR, once all names are there or it has failed */
    int err;              /* what has ended the scan, or 0 */
    uint32_t passed;      /* names that the scan went past */
    bool cut;             /* there are more names than are listed */
    uint32_t count;       /* of entries */
    uint32_t left;        /* of them: those that are still in the heap */
    uint32_t name_octets; /* in names[] */
    uint64_t folders;
    uint64_t octets; /* of all files listed */
    struct listing_view view;

    uint32_t stage;      /* of the page, or of the JSON */
    size_t crumb;        /* where in the path the page is */
    struct bytes unread; /* of the piece */
    struct text text;    /* writes the piece */
    struct json json;
    char piece[LISTING_PIECE_ROOM];
    char path[HTTP_PATH_ROOM];
    struct listing_entry entries[HTTP_LISTING_ENTRIES];
    char names[HTTP_LISTING_OCTETS];
};

static inline struct bytes listing_name(const struct http_listing *l, const struct listing_entry *e)
{
    return bytes_of(l->names + e->name, e->name_len);
}

/* "2026-11-29T13:00:00.123Z", NUL-terminated. */
void listing_time(int64_t mtime_ns, char out[LISTING_TIME_LEN + 1]);

/* --- http_listing_order.c ----------------------------------------------------------------- */

/* The entry at entries[left] goes into the heap: `left` is one more. */
void listing_order_add(struct http_listing *l);
/* The first of those in the heap, which is gone from it; NULL when there is none left. Valid until
 * the next call. */
const struct listing_entry *listing_order_take(struct http_listing *l);

/* --- http_listing_page.c ------------------------------------------------------------------ */

/* Writes the next piece of the page, which fits. False when there is no more. */
bool listing_page_next(struct http_listing *l);

#endif
