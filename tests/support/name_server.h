/*
 * name_server.h - a name server on a stack's port 53 whose zone is a table of the test.
 *
 * Names are lower case and end without a dot. What no row knows does not exist; a row without an
 * address of the family that is asked for has no data. The stack's own thread calls it.
 */
#ifndef TAPIO_TESTS_NAME_SERVER_H
#define TAPIO_TESTS_NAME_SERVER_H

#include <stdatomic.h>
#include <tapio/sock.h>

enum name_manner {
    NAME_TOLD,
    NAME_MUTE,      /* no answer */
    NAME_FAILS,     /* SERVFAIL */
    NAME_FAILS_V6,  /* SERVFAIL to AAAA alone */
    NAME_MUTE_ONCE, /* no answer to the first question for A */
    NAME_IN_CIRCLE, /* an alias of itself */
};

struct name_row {
    const char *name;
    const char *addrs; /* "192.0.2.1 2001:db8::1", or NULL */
    const char *alias; /* what it is an alias for; the addresses are that one's */
    enum name_manner manner;
};

struct name_server {
    struct sock_app app;
    struct stack *stack;
    const struct name_row *zone;
    int rows, s;
    atomic_int asked_v4, asked_v6; /* questions that have come */
};

void name_server_begin(struct name_server *server, struct stack *stack, const struct name_row *zone,
                       int rows);
void name_server_end(struct name_server *server);

#endif
