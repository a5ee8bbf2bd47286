/*
 * http_server.h - a web server on the sockets of a stack.
 *
 * It serves files (through files_ops), folders, pages in memory and what is plugged into it
 * (http_handler.h), keeps connections open (RFC 9112, 9.3) and answers pipelined requests in order.
 * It is a machine like the stack itself:
 * it acts when a socket is ready (its connections and its listener are sock_apps) and when its
 * caller says what time it is:
 *
 *     while ((s = sock_next_ready(stack, &events)) >= 0)
 *         sock_app(stack, s)->ready(...);
 *     http_server_advance(server, now);
 *     ... sleep until http_server_deadline(server), too
 *
 * Everything has a cap: connections, of each client too, octets of a request, what a connection may
 * do in one turn, and the time that each step may take.
 */
#ifndef TAPIO_HTTP_SERVER_H
#define TAPIO_HTTP_SERVER_H

#include <tapio/sock.h>

#include "base/files.h"
#include "base/instant.h"
#include "http/http_access.h"
#include "http/http_handler.h"
#include "http/http_mime.h"
#include "http/http_page.h"

struct http_server_config {
    struct stack *stack;
    const struct env *env; /* wall_ns for Date:, alloc and release */
    struct endpoint local;
    int backlog;
    const struct files_ops *files; /* NULL: there are only pages */
    const struct http_page
        *pages; /* come before files; NULL: the built-in ones if there are no files */
    size_t page_count;
    const struct http_handler *handlers; /* come before pages */
    size_t handler_count;
    const char *index;                        /* the file that stands for its folder */
    bool listing;                             /* a folder without one is listed; else 404 */
    const struct http_mime_types *mime_types; /* come before the built-in ones; or NULL */
    struct bytes extra; /* field lines of every response, each with its CRLF; HTTP_EXTRA_MAX */
    struct http_access_ops access;
    uint32_t connections; /* served at once; what comes on top is told 503 */
    uint32_t per_client;  /* of one address; the same */
    int64_t header_ns;    /* for the whole head of a request; then 408 */
    int64_t content_ns;   /* and for its content */
    int64_t idle_ns;      /* between two requests */
    int64_t stall_ns;     /* a response must move by 1 kB/s over this time */
    int64_t linger_ns;    /* after the last response of a connection (RFC 9112, 9.6) */
};

struct http_server_stats {
    uint64_t accepted;    /* connections */
    uint64_t refused;     /* of them told 503, because there were too many */
    uint64_t evicted;     /* closed because others wanted their place and they were idle */
    uint64_t requests;    /* answered, whatever the answer */
    uint64_t by_class[6]; /* of these and of the refused, by the first digit of the status */
    uint64_t octets;      /* of content, that were sent */
    uint64_t timeouts;    /* requests that took too long to arrive */
    uint64_t aborted;     /* responses that could not be finished */
    uint32_t open;        /* connections now */
};

/* Fills in all but `stack`, `env` and `local`. */
void http_server_config_init(struct http_server_config *config);

/* Makes a server that listens. `config` is copied; what it points at must outlive the server. 0,
 * -ENOMEM, or what the socket calls say (-EADDRINUSE, ...). */
struct http_server;
NODISCARD int http_server_new(const struct http_server_config *config, instant now,
                              struct http_server **out);

/* Stops listening, closes idle connections, and the others after their response. They are gone when
 * http_server_stats() counts none open. */
void http_server_stop(struct http_server *server, instant now);

/* Resets what is still open and frees the server. */
void http_server_free(struct http_server *server, instant now);

instant http_server_deadline(const struct http_server *server);
void http_server_advance(struct http_server *server, instant now);

void http_server_stats(const struct http_server *server, struct http_server_stats *out);

/* The most memory that the caps allow, in octets. */
uint64_t http_server_memory_cap(const struct http_server *server);

#endif
