/*
 * http_listing.h - what is in a folder, as a page for people or as JSON (`?json`).
 *
 * A listing is a source (http_source.h): names are read in bounded steps and, once all are there,
 * written row by row, folders first. It holds names while its reader reads, so there are few at a
 * time, each with a cap of entries and of octets; what is beyond is not listed, and the page says
 * so.
 *
 *     ?sort=name|size|time  ?order=asc|desc  ?json
 */
#ifndef TAPIO_HTTP_LISTING_H
#define TAPIO_HTTP_LISTING_H

#include "base/files.h"
#include "base/pool.h"
#include "http/http_source.h"

enum {
    HTTP_LISTINGS_MAX = 16,        /* at a time; 503 beyond */
    HTTP_LISTING_ENTRIES = 4096,   /* names that a listing shows at most */
    HTTP_LISTING_OCTETS = 1 << 17, /* of names, together */
};

/* The size of the objects of the pool that listings come from. */
size_t http_listing_size(void);

/* Takes the directory `dir`, open by `files`, whose name is `path` ("." for the root); both strings
 * are copied or used up before this returns. `*type` is its Content-Type. NULL when the pool has no
 * room: `dir` is the caller's still. */
struct http_source *http_listing_open(struct pool *pool, const struct files_ops *files, int dir,
                                      const char *path, struct bytes query, const char **type);

#endif
