/*
 * http_client.h - the other side of a web server under test, over fake_sock: one server with a
 * clock wound by hand, and responses that are taken apart strictly.
 *
 * http_client_end() checks what must hold after every test: no call on a closed socket, no file
 * open, no memory left.
 */
#ifndef TAPIO_TESTS_HTTP_CLIENT_H
#define TAPIO_TESTS_HTTP_CLIENT_H

#include "http/http_server.h"
#include "support/fake_files.h"
#include "support/fake_sock.h"

extern struct stack *stack;
extern struct http_server *server;
extern struct fake_files files;
extern struct http_server_config config;
extern instant now;
extern int64_t wall_s;         /* 6 November 1994, 08:49:37 at first */
extern uint64_t memory_used;   /* by the server */
extern int64_t memory_fail_at; /* the allocation that fails, counting down; < 0: none */
extern bool memory_fail_on;    /* and all behind it */

/* Prepares `config`; a test may change it before it starts. */
void http_client_begin(void);
void http_client_start(void);
void http_client_end(void);

/* Runs what is ready, at most that many rounds. */
void run(void);
/* Lets time pass in steps of 50 ms, and timers fire. */
void wait_ns(int64_t ns);

int connect_client(void);
void say(int client, const char *text);

struct reply {
    int status;
    const char *head; /* status line and fields, NUL-terminated */
    const char *body;
    size_t body_len;
};

/* The next response that has been sent in full, freed of chunks, a 100 by itself; false when there
 * is none. `to_head`: it has no body, whatever it says. Valid until the next call. */
bool next_reply(int client, bool to_head, struct reply *out);
/* The value of a field, or NULL; static storage. */
const char *field(const struct reply *reply, const char *name);
/* Octets that have been sent and belong to no response that was returned. */
size_t stray(int client);

/* A new connection, one request, run(), its response: which must be there, and all that was sent.
 */
struct reply ask(const char *text);
/* The client of the last ask(). */
extern int asked;

#endif
