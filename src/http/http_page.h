/*
 * http_page.h - pages that come with the program.
 */
#ifndef TAPIO_HTTP_PAGE_H
#define TAPIO_HTTP_PAGE_H

#include "base/base.h"

/* A page in memory; `name` is relative, as in files.h: "." is the root. */
struct http_page {
    const char *name;
    const char *type;
    struct bytes content;
};

/* What a server without files shows. */
extern const struct http_page http_built_in_pages[];
extern const size_t http_built_in_page_count;

#endif
