/*
 * http_handler.h - pages that are answered by code: what is plugged into the server besides files.
 */
#ifndef TAPIO_HTTP_HANDLER_H
#define TAPIO_HTTP_HANDLER_H

#include <tapio/tapio.h>

#include "http/http_parse.h"
#include "http/http_source.h"

enum { HTTP_KEPT_MAX = 4096 }; /* octets of content that a handler may be given; 413 beyond */

/* What is asked of a handler. All of it is borrowed for the call. */
struct http_call {
    const struct http_request *request;
    struct bytes head;    /* what the request's slices point into */
    struct bytes query;   /* as sent */
    struct bytes content; /* of a POST, freed of its framing */
    struct endpoint remote;
    uint32_t conn; /* that it came on, as in events */
    instant now;
};

/* What it answers. */
struct http_made {
    const char *type;           /* Content-Type; static storage */
    struct http_source *source; /* taken over by the server: a 200 with this content, or */
    struct bytes content;       /* without a source: these octets, which must stay */
    const char *coding;         /* Content-Encoding of those, static storage; NULL: none */
    bool varies;                /* with Accept-Encoding */
};

struct http_handler {
    const char *path; /* relative, as in files.h: ".tapio/metrics" */
    bool takes_post;
    void *context;
    /* 0: `made` is filled in. 204: done, and nothing to say. Another status explains itself. */
    int (*answer)(void *context, const struct http_call *call, struct http_made *made);
};

#endif
