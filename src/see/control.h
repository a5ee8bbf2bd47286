/*
 * control.h - what a running stack can be asked: the verbs of the control socket.
 *
 * A request is one line of JSON, a reply is lines of JSON, or octets of another kind when the verb
 * says so. A verb makes its reply piece by piece, while the reader takes it: so a reply of any
 * length costs one turn of the loop little, and waits in a ring with a cap. Nothing here knows of
 * sockets; src/os reads requests, calls verbs and moves octets.
 *
 * To add a verb: a file with a struct control_verb, its line below and in control.c's table, a row
 * in docs/control.md.
 */
#ifndef TAPIO_SEE_CONTROL_H
#define TAPIO_SEE_CONTROL_H

#include <tapio/snapshot.h>
#include <tapio/tapio.h>

#include "base/control_ops.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/octet_ring.h"

enum {
    CONTROL_SCHEMA = 1,     /* of requests, and of the lines that all verbs share */
    CONTROL_REQUEST = 4096, /* octets of a request line at most, its end included */
    CONTROL_FIELDS = 12,    /* members of a request at most */
    CONTROL_KEY = 24,       /* octets of a key, */
    CONTROL_TEXT = 128,     /* and of a string, NUL included */
    CONTROL_LINE = 20480,   /* octets of a line of a reply at most */
    CONTROL_RING = 65536,   /* octets that may wait for a reader of lines */
    CONTROL_PIECE = 32,     /* lines that one turn adds to one reply at most */
};

/* --- requests ------------------------------------------------------------------------------- */

enum control_kind { CONTROL_IS_TEXT, CONTROL_IS_NUMBER, CONTROL_IS_BOOL };

struct control_field {
    char key[CONTROL_KEY];
    enum control_kind kind;
    char text[CONTROL_TEXT]; /* UTF-8 */
    int64_t number;          /* of a bool: 0 or 1 */
};

/* An object of plain members, each key once. */
struct control_request {
    struct control_field fields[CONTROL_FIELDS];
    int count;
};

/* NULL: it has no such member. */
const struct control_field *control_find(const struct control_request *request, const char *key);
/* Members that a verb may do without: false when it is there and not of that kind or range; then
 * `why` is what is wrong. What is not there leaves `*out` as it is. */
bool control_take_text(const struct control_request *request, const char *key, const char **out,
                       struct text *why);
bool control_take_number(const struct control_request *request, const char *key, int64_t min,
                         int64_t max, int64_t *out, struct text *why);

/* --- verbs ---------------------------------------------------------------------------------- */

/* What all calls share. It outlives them. */
struct control_context {
    struct stack *stack;
    struct memory *memory;
    const struct env *env;
    const char *device; /* "tap0" */
    const char *os;     /* "Linux 6.1.0", for captures */
    int64_t pid;
    const struct control_ops *wire; /* NULL: there is none to be changed */
};

enum control_progress {
    CONTROL_MORE,  /* there is more to say at once */
    CONTROL_WAITS, /* there may be more later, when something happens in the stack */
    CONTROL_DONE,
};

struct control_verb;

/* One request that is being answered. */
struct control_call {
    const struct control_verb *verb;
    const struct control_context *context;
    struct octet_ring *ring; /* a verb that answers in octets puts them here itself */
    void *state;             /* the verb's own, zeroed at first */
    uint64_t lost;           /* lines or packets for which there was no room */
    bool stopping;           /* the client wants no more: say the last words */
};

struct control_verb {
    const char *name;
    int schema;                /* of its reply */
    const char *const *fields; /* what a request may have beside schema and verb; ends with NULL */
    size_t state;              /* octets that a call keeps */
    size_t ring;               /* octets of the reply that may wait, CONTROL_RING at least */
    bool octets;               /* the reply is no JSON, and the last thing on its connection */
    bool lasting;              /* it goes on until the client closes its half: what he says
                                  meanwhile is not listened to */
    uint64_t (*beside)(void);  /* octets that begin() takes beside the state; NULL: none */
    /* Begins. False: it cannot, and `why` says what is wrong with the request. */
    bool (*begin)(struct control_call *call, const struct control_request *request, instant now,
                  struct text *why);
    /* The next line, without its end, into `line`: none when that stays empty. Called while a line
     * has room in the ring, at most CONTROL_PIECE times in one turn. */
    enum control_progress (*more)(struct control_call *call, struct text *line, instant now);
    /* When `more` has something to do although nothing happens in the stack. NULL: never. */
    instant (*deadline)(const struct control_call *call);
    /* The call is over, or its client is gone. NULL: nothing to do. */
    void (*end)(struct control_call *call, instant now);
};

/* NULL: there is none. */
const struct control_verb *control_verb_find(const char *name);
/* Octets that a call takes at most, of any verb: its state, and what waits to be read. */
uint64_t control_memory_cap(void);
/* Does the verb know each member of the request? If not, `why` names the first that it does not. */
bool control_fields_known(const struct control_verb *verb, const struct control_request *request,
                          struct text *why);

/* A line of a reply begins: {"schema":N,"verb":"...","type":"...". */
struct json control_line(struct text *line, const char *verb, int schema, const char *type);

extern const struct control_verb control_capture; /* control_capture.c */
extern const struct control_verb control_ss;      /* control_ss.c */
extern const struct control_verb control_watch;   /* control_watch.c */
extern const struct control_verb control_why;     /* control_why.c */
extern const struct control_verb control_wire;    /* control_wire.c */

#endif
