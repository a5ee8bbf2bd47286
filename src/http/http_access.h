/*
 * http_access.h - what the server tells of each request and each connection: the matter of an
 * access log.
 */
#ifndef TAPIO_HTTP_ACCESS_H
#define TAPIO_HTTP_ACCESS_H

#include <tapio/sock.h>

#include "http/http_parse.h"

/* A response that has been handed to the connection whole, or was given up. */
struct http_access {
    const struct http_request *request; /* NULL: nothing of it could be read */
    struct bytes head;                  /* what its slices point into: as much as has come */
    int status;
    uint64_t content;    /* octets of content that the socket took */
    bool whole;          /* false: the response was cut off */
    uint64_t nth;        /* of the connection's requests; from 1 */
    int64_t begun_ns;    /* wall clock: the request's first octet, since 1970 */
    int64_t duration_ns; /* from there until now */
    const struct sock_info *info;
};

/* A connection that the server lets go. */
struct http_farewell {
    const char *why;   /* static storage: "the peer closed it", ... */
    uint64_t requests; /* answered */
    uint64_t content;  /* octets of content, of all responses */
    int64_t begun_ns;  /* wall clock, since 1970 */
    int64_t duration_ns;
    const struct sock_info *info;
};

/* Either may be NULL. What they are given is borrowed for the call. */
struct http_access_ops {
    void *context;
    void (*answered)(void *context, const struct http_access *access);
    void (*closed)(void *context, const struct http_farewell *farewell);
};

#endif
