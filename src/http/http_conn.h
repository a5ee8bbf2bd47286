/*
 * http_conn.h - inside the server: a connection, and what it is busy with.
 */
#ifndef TAPIO_HTTP_CONN_H
#define TAPIO_HTTP_CONN_H

#include "base/pool.h"
#include "base/wheel.h"
#include "http/http_body.h"
#include "http/http_clients.h"
#include "http/http_known.h"
#include "http/http_parse.h"
#include "http/http_path.h"
#include "http/http_response.h"
#include "http/http_server.h"

enum {
    HTTP_INPUT_ROOM = 2048, /* enough for nearly every head; larger ones get HTTP_LONG_ROOM */
    HTTP_LONG_ROOM = HTTP_HEAD_MAX + HTTP_KEPT_MAX + HTTP_INPUT_ROOM,
    HTTP_CHUNK = 65536,                /* read from a file at once, at most */
    HTTP_CHUNK_MIN = 4096,             /* and at least, when the socket takes little */
    HTTP_TURN_OCTETS = 4 * HTTP_CHUNK, /* a connection may move before it lets others */
    HTTP_TURN_REQUESTS = 16,           /* and answer */
    HTTP_TURN_ACCEPTS = 64,
    HTTP_CONTENT_MAX = 65536,   /* of a request: it is read so that the connection can go on */
    HTTP_LINGER_MAX = 64 << 20, /* octets read and thrown away before a connection closes */
    HTTP_RATE_MIN = 1000,       /* octets a second that a response must move by */
    HTTP_NO_FILE = -1,
};

enum http_conn_state {
    HTTP_FRESH,     /* accepted; nothing has come yet */
    HTTP_IDLE,      /* between two requests */
    HTTP_READING,   /* a part of a request's head has come */
    HTTP_TAKING,    /* the head is there, its content is not */
    HTTP_WRITING,   /* a response is on its way */
    HTTP_LINGERING, /* we are done and wait for the peer to be (RFC 9112, 9.6) */
};

/* Exists while a request is read or answered: an idle connection has none. What is behind `input`
 * is not cleared between requests. */
struct http_exchange {
    struct http_parser parser;
    uint8_t *input; /* input_small, or one of server->heads */
    uint32_t room;
    uint32_t begin, end; /* of what has come and is not answered */
    uint32_t next;       /* where the next request begins */
    instant begun;       /* when its first octet was seen */

    struct http_body body;              /* of the request, while it is taken */
    uint32_t body_seen;                 /* octets of content that have come */
    uint32_t body_kept;                 /* of these behind the head, for a handler */
    const struct http_handler *handler; /* or NULL: a page or a file */

    int status;     /* of the response */
    bool close;     /* the connection ends with it */
    bool head_only; /* HEAD */
    bool chunked;   /* the source goes out in chunks; else until the connection closes */
    bool waiting;   /* the socket has been full */
    bool paused;    /* the source has had nothing for a while */
    uint32_t out_len, out_sent;  /* of `out`: the head, then pieces of the source */
    uint32_t own_begin, own_end; /* where in `out` there is content */
    const uint8_t *content;      /* of a page, or NULL */
    int file;                    /* or HTTP_NO_FILE */
    struct http_source *source;  /* or NULL */
    size_t took;                 /* octets that the socket took since it was last full */
    size_t expected;             /* octets that it took the time before */
    size_t probe;                /* how much more to offer than expected */
    uint64_t offset, left;       /* of the content of a page or a file */
    uint64_t sent;               /* octets of content that the socket took */

    uint8_t out[HTTP_RESPONSE_ROOM];
    uint8_t input_small[HTTP_INPUT_ROOM];
};

/* The head of the request that is being answered, which its slices point into. */
static inline struct bytes http_exchange_head(const struct http_exchange *x)
{
    return bytes_of(x->input + x->begin, x->parser.at);
}

struct http_conn {
    struct sock_app app;
    struct http_server *server;
    struct http_exchange *exchange; /* or NULL */
    instant deadline;               /* what it means depends on the state */
    struct timer timer;             /* fires by then, and perhaps earlier */
    struct list idle;               /* on server->idle while it waits for another request */
    struct ip_addr client;          /* who is counted for it */
    instant opened;
    uint64_t requests; /* answered */
    uint64_t content;  /* octets of content sent */
    uint64_t acked;    /* octets acknowledged when we last looked */
    uint64_t owed;     /* what that will be when all is that was sent by then */
    uint32_t linger_left;
    int socket;
    enum http_conn_state state;
    bool counted;    /* with its client */
    bool refused;    /* it was told 503 and is not served */
    const char *why; /* it ends, once that is known; static storage */
};

struct http_server {
    struct http_server_config config;
    struct memory memory;
    struct sock_app app; /* the listener's */
    int listener;
    bool accept_waits; /* connections were left in the backlog */
    bool stopping;
    uint32_t refusing; /* connections that are open but not served */
    struct pool conns;
    struct pool exchanges;
    struct pool heads;    /* buffers for long heads, and for content that is kept */
    struct pool listings; /* of folders */
    struct list idle;     /* connections that wait for another request, the longest first */
    struct http_clients clients;
    struct wheel wheel;
    struct http_server_stats stats;
    uint64_t *page_tags;      /* a hash of each page's content */
    struct http_known *known; /* HTTP_KNOWN_FILES; NULL without files */
    int64_t date_s;           /* what `date` says */
    char date[HTTP_DATE_LEN];
    struct http_path path;     /* of the request that is being answered */
    uint8_t chunk[HTTP_CHUNK]; /* between a file and a socket, within one call */
};

/* How a step of a connection ended. */
enum http_step {
    HTTP_GO_ON, /* the state has changed; there may be more to do */
    HTTP_WAIT,  /* for the socket, or a source */
    HTTP_YIELD, /* enough for now: others first */
    HTTP_GONE,  /* there is no connection any more */
};

/* What is left of a connection's turn. */
struct http_turn {
    size_t octets;
    unsigned requests;
};

/* --- http_conn.c -------------------------------------------------------------------------- */

/* Takes over an accepted socket. */
void http_conn_open(struct http_conn *conn, struct http_server *server, int socket, instant now);
/* Does what can be done now. The connection may be gone afterwards. */
void http_conn_run(struct http_conn *conn, instant now);
/* Answers 503 and lingers. */
void http_conn_refuse(struct http_conn *conn, instant now);
/* Its timer has fired. The connection may be gone afterwards. */
void http_conn_expired(struct http_conn *conn, instant now);
/* The server stops: ends it now, or after its response. */
void http_conn_stop(struct http_conn *conn, instant now);
/* Gives everything back and closes the socket, with a reset or after what is queued. */
void http_conn_end(struct http_conn *conn, bool reset, const char *why, instant now);

/* Also starts the state's timer. */
void http_conn_set_state(struct http_conn *conn, enum http_conn_state state, instant now);
/* Of its socket. */
void http_conn_set_option(struct http_conn *conn, int level, int option, const void *value,
                          socklen_t len);
bool http_conn_open_exchange(struct http_conn *conn, instant now);
void http_conn_close_exchange(struct http_conn *conn, instant now);
/* Nothing more will be sent: waits for the peer to finish. */
void http_conn_linger(struct http_conn *conn, const char *why, instant now);
/* The response is out, or was given up: counts it, and tells the access log. */
void http_conn_account(struct http_conn *conn, bool whole, instant now);

/* --- http_read.c -------------------------------------------------------------------------- */

/* Steps of the states that read. */
enum http_step http_read_head(struct http_conn *conn, instant now);
enum http_step http_read_content(struct http_conn *conn, instant now);
/* Answers with an error behind which nothing can be read. */
enum http_step http_fail(struct http_conn *conn, int status, instant now);

/* --- http_send.c -------------------------------------------------------------------------- */

/* Sends what is left of `out`, then a step of the content. 0, or the error of the socket: -EAGAIN
 * when it is full, or when the source has nothing now (x->paused). `*moved` octets of content went
 * out. When the content fails, or is shorter than was told, `*content_err` says why and nothing was
 * sent. */
ssize_t http_send_some(struct http_conn *conn, size_t *moved, int *content_err, instant now);
/* Sends what is left of `out` alone. 0, or the error of the socket. */
ssize_t http_send_out(struct http_conn *conn, bool more);
/* Lets go of the source, if there is one. */
void http_send_end_source(struct http_exchange *x);
/* Whether anything of the response is left. */
static inline bool http_send_is_done(const struct http_exchange *x)
{
    return x->out_sent == x->out_len && !x->left && !x->source;
}

/* --- http_answer.c ------------------------------------------------------------------------ */

/* What a request is for, once its head is there: sets x->handler, x->head_only, x->close. 0, or the
 * status of what is wrong with it. */
int http_answer_route(struct http_server *server, struct http_exchange *x);
/* Prepares the response to a request that is there whole; `status` is what http_answer_route()
 * said. */
void http_answer(struct http_conn *conn, int status, instant now);
/* Prepares a response that explains `status`. Lets go of the content of another response, if there
 * was one. */
void http_answer_error(struct http_server *server, struct http_exchange *x, int status);
/* The same for a redirect to a folder, server->path. */
void http_answer_redirect(struct http_server *server, struct http_exchange *x);
/* Lets go of the content of the response. */
void http_answer_fini(struct http_server *server, struct http_exchange *x);
/* What an error of files_ops means to a client. */
int http_status_of(int err);

/* What a response can carry. */
struct http_representation {
    struct http_validators is;
    uint64_t length;
    const char *type;
    const char *coding;     /* Content-Encoding, or NULL */
    bool varies;            /* with Accept-Encoding */
    const uint8_t *content; /* or */
    int file;               /* which is taken over */
};

/* The whole of it, a part, or that there is no need (RFC 9110, 13 and 14). */
void http_answer_with(struct http_server *server, struct http_exchange *x,
                      struct http_representation *rep);
/* The same for a file of which the head is known, in a moment; false when the request asks for
 * anything but the usual, or when nothing is known yet. `rep` is the whole file. */
bool http_answer_known(struct http_server *server, struct http_exchange *x,
                       const struct http_known *known, const struct http_representation *rep);
/* Keeps the head that was just made, if it is the usual one. */
void http_answer_learn(const struct http_server *server, const struct http_exchange *x,
                       struct http_known *known);
/* Content that is made while it is sent; takes the source over. */
void http_answer_source(struct http_conn *conn, struct http_source *source, const char *type);

/* --- http_answer_file.c ------------------------------------------------------------------- */

/* Answers with what server->path names. 0, or the status of an error. */
int http_answer_file(struct http_conn *conn);

#endif
