/*
 * http_client.h - a web client on the sockets of a stack.
 *
 * It fetches one URL at a time with GET or HEAD, follows redirects, and keeps its connection for
 * the next URL of the same server (RFC 9112, 9.3). It is a machine like the stack itself: it acts
 * when its socket is ready (it is a sock_app) and when its caller says what time it is. What
 * happens on the way goes to the caller as events, content as slices that are valid for the call.
 *
 * A client must not move while it has a socket; it is large (two buffers), so not for the C stack.
 */
#ifndef TAPIO_HTTP_CLIENT_H
#define TAPIO_HTTP_CLIENT_H

#include <tapio/sock.h>

#include "base/instant.h"
#include "http/http_reply.h"
#include "http/url.h"

enum {
    HTTP_CLIENT_IN = 65536,           /* octets of the stream that wait */
    HTTP_CLIENT_OUT = 9216,           /* of a request: a target, a host and our own fields */
    HTTP_CLIENT_INTERIM_MAX = 16,     /* 1xx responses before the final one */
    HTTP_CLIENT_DISCARD_MAX = 262144, /* content of a redirect that is read to keep a connection */
};

enum http_client_outcome {
    HTTP_CLIENT_DONE,
    HTTP_CLIENT_NO_ADDRESS,    /* the name was not resolved: `error` */
    HTTP_CLIENT_NO_CONNECTION, /* `error`; -ETIMEDOUT when nobody answered in time */
    HTTP_CLIENT_BROKEN,        /* the connection failed later: `error` */
    HTTP_CLIENT_STALLED,       /* nothing moved for stall_ns */
    HTTP_CLIENT_NO_REPLY,      /* the server closed before its response was there */
    HTTP_CLIENT_SHORT,         /* ... before the content was: `missing` */
    HTTP_CLIENT_BAD_REPLY,     /* not HTTP as it must be: `why` */
    HTTP_CLIENT_BAD_LOCATION,  /* a redirect that cannot be followed: `why` */
    HTTP_CLIENT_REDIRECTS,     /* more than were allowed */
    HTTP_CLIENT_NO_RANGE,      /* another part was asked for: `why` */
    HTTP_CLIENT_REFUSED,       /* the caller would not have the content: `error` */
};

struct http_client_result {
    enum http_client_outcome outcome;
    int error;         /* negative errno */
    const char *why;   /* static storage: words that follow a name */
    int status;        /* of the last response; 0: there was none */
    uint64_t received; /* octets of content */
    uint64_t missing;  /* octets; 0: nobody knows how many */
};

enum http_client_event_type {
    HTTP_CLIENT_RESOLVED,   /* remote */
    HTTP_CLIENT_CONNECTING, /* remote */
    HTTP_CLIENT_CONNECTED,  /* local, remote */
    HTTP_CLIENT_REUSED,     /* the connection is still there: local, remote */
    HTTP_CLIENT_REQUEST,    /* head: it is about to be sent */
    HTTP_CLIENT_REPLY,      /* head, reply; `interim` when another one follows */
    HTTP_CLIENT_REDIRECT,   /* url: where it goes on */
    HTTP_CLIENT_CLOSED,     /* we let go of the connection */
    HTTP_CLIENT_FINISHED,   /* result; the next fetch may begin from inside this call */
};

struct http_client_event {
    enum http_client_event_type type;
    const struct url *url;
    struct endpoint local, remote;
    struct bytes head;
    const struct http_reply *reply;
    bool interim;
    const struct http_client_result *result;
};

/* Implemented by the caller. */
struct http_client_ops {
    void *context; /* first argument of each */
    /* The address of a host that is not one itself. 0; -EINPROGRESS when http_client_resolved()
     * will be called; another errno when there is none. */
    int (*resolve)(void *context, const char *host, struct ip_addr *out);
    void (*event)(void *context, const struct http_client_event *event, instant now);
    /* Content of the final response: how many octets were taken. If not all, http_client_resume()
     * asks for the rest to be offered again. A negative errno ends the fetch. */
    int (*content)(void *context, struct bytes content, instant now);
};

struct http_client_config {
    struct stack *stack;
    struct http_client_ops ops;
    const char *agent;  /* User-Agent: "tapio/0.1.0" */
    int64_t connect_ns; /* for a connection to be made */
    int64_t stall_ns;   /* for anything to move, later */
    unsigned redirects; /* that are followed, at most */
};

/* Asks for a part: octets `first` to `last`, or to the end (UINT64_MAX). */
struct http_client_request {
    bool head; /* HEAD in place of GET */
    bool range;
    uint64_t first, last;
};

enum http_client_state {
    HTTP_CLIENT_IDLE, /* it may have a connection */
    HTTP_CLIENT_RESOLVING,
    HTTP_CLIENT_OPENING,
    HTTP_CLIENT_SENDING,
    HTTP_CLIENT_READING_HEAD,
    HTTP_CLIENT_READING_CONTENT,
};

struct http_client {
    struct http_client_config config;
    struct sock_app app;
    enum http_client_state state;
    instant deadline;
    struct http_client_request request;
    struct url url, next;
    unsigned redirects; /* followed */

    int socket; /* -1: none */
    struct endpoint remote;
    bool was_used;    /* the connection has brought a response before */
    bool keep;        /* it may bring another one */
    bool redirecting; /* this response's content is thrown away, then `next` is fetched */

    size_t out_len, out_at;
    size_t begin, end; /* what waits in `in` */
    size_t content_at, content_len;
    unsigned interim;
    struct http_reply_parser parser;
    struct http_body body;
    struct http_client_result result;
    uint8_t out[HTTP_CLIENT_OUT];
    uint8_t in[HTTP_CLIENT_IN];
};

/* Fills in all but `stack` and `ops`. */
void http_client_config_init(struct http_client_config *config);

void http_client_init(struct http_client *client, const struct http_client_config *config);
/* Closes the connection, or resets it in the middle of something. */
void http_client_fini(struct http_client *client, instant now);

/* Begins; events tell the rest. The client must be idle. It may finish before this returns. */
void http_client_fetch(struct http_client *client, const struct url *url,
                       const struct http_client_request *request, instant now);

/* What resolve() promised: 0 and the address, or a negative errno. */
void http_client_resolved(struct http_client *client, int err, struct ip_addr addr, instant now);

/* The caller would take content again. */
void http_client_resume(struct http_client *client, instant now);

instant http_client_deadline(const struct http_client *client);
void http_client_advance(struct http_client *client, instant now);

#endif
