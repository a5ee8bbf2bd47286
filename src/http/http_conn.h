/*
 * http_conn.h - inside the server: a connection, and what it is busy with.
 */
#ifndef TAPIO_HTTP_CONN_H
#define TAPIO_HTTP_CONN_H

#include "base/pool.h"
#include "base/wheel.h"
#include "http/http_parse.h"
#include "http/http_path.h"
#include "http/http_response.h"
#include "http/http_server.h"

enum {
    HTTP_INPUT_ROOM = 2048, /* enough for nearly every head; larger ones get HTTP_HEAD_MAX */
    HTTP_CHUNK = 65536,     /* read from a file at once, at most */
    HTTP_CHUNK_MIN = 4096,  /* and at least, when the socket takes little */
    HTTP_TURN_OCTETS = 4 * HTTP_CHUNK, /* a connection may move before it lets others */
    HTTP_TURN_REQUESTS = 16,           /* and answer */
    HTTP_TURN_ACCEPTS = 64,
    HTTP_CONTENT_MAX = 65536,   /* of a GET, which means nothing; 413 beyond */
    HTTP_LINGER_MAX = 64 << 20, /* octets read and thrown away before a connection closes */
    HTTP_RATE_MIN = 1000,       /* octets a second that a response must move by */
    HTTP_NO_FILE = -1,
};

enum http_conn_state {
    HTTP_FRESH,     /* accepted; nothing has come yet */
    HTTP_IDLE,      /* between two requests */
    HTTP_READING,   /* a part of a request has come */
    HTTP_WRITING,   /* a response is on its way */
    HTTP_LINGERING, /* we are done and wait for the peer to be (RFC 9112, 9.6) */
};

/* Exists while a request is read or answered: an idle connection has none. */
struct http_exchange {
    struct http_parser parser;
    uint8_t *input; /* input_small, or one of server->heads */
    uint32_t room;
    uint32_t begin, end; /* of what has come and is not answered */

    bool close;     /* the connection ends with this response */
    bool head_only; /* HEAD */
    bool waiting;   /* the socket has been full */
    uint32_t head_len, head_sent;
    const uint8_t *content; /* of a page, or NULL */
    int file;               /* or HTTP_NO_FILE */
    size_t took;            /* octets that the socket took since it was last full */
    size_t expected;        /* octets that it took the time before */
    size_t probe;           /* how much more to offer than expected */
    uint64_t offset, left;  /* of the content */

    uint8_t head[HTTP_RESPONSE_ROOM];
    uint8_t input_small[HTTP_INPUT_ROOM];
};

struct http_conn {
    struct sock_app app;
    struct http_server *server;
    struct http_exchange *exchange; /* or NULL */
    struct timer timer;             /* what it means depends on the state */
    uint64_t acked;                 /* octets acknowledged when we last looked */
    uint32_t linger_left;
    int socket;
    enum http_conn_state state;
    bool refused; /* it was told 503 and is not served */
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
    struct pool heads; /* buffers for long heads */
    struct wheel wheel;
    struct http_server_stats stats;
    int64_t date_s; /* what `date` says */
    char date[HTTP_DATE_LEN];
    struct http_path path;     /* of the request that is being answered */
    uint8_t chunk[HTTP_CHUNK]; /* between a file and a socket, within one call */
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
void http_conn_stop(struct http_conn *conn);
/* Gives everything back and closes the socket, with a reset or after what is queued. */
void http_conn_end(struct http_conn *conn, bool reset);

/* --- http_send.c -------------------------------------------------------------------------- */

/* Sends what is left of the head, then a step of the content. 0 or the error of the socket, -EAGAIN
 * when it is full; `*moved` octets of content went out. When the file fails, or is shorter than it
 * was, `*file_err` says why and nothing was sent. */
ssize_t http_send_some(struct http_conn *conn, size_t *moved, int *file_err);

/* --- http_answer.c ------------------------------------------------------------------------ */

/* Prepares the response to a request that has been read. */
void http_answer(struct http_server *server, struct http_exchange *exchange);
/* Prepares a response that explains `status`. Closes the file of another response, if there was
 * one. */
void http_answer_error(struct http_server *server, struct http_exchange *exchange, int status);
/* Closes the file of the response, if there is one. */
void http_answer_fini(struct http_server *server, struct http_exchange *x);
/* What an error of files_ops means to a client. */
int http_status_of(int err);

#endif
