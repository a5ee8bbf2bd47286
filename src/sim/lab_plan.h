/*
 * lab_plan.h - what a lab does: its hosts, its scenes and their programs, and what must come of it.
 *
 * A plan is the text of labs/NAME.lab, one statement a line (docs/labs.md has them all):
 *
 *     host client left
 *     host server right
 *     scene main
 *     wire delay=10ms
 *     drop client text #3
 *     program server
 *         listen l 80 8
 *         accept l c
 *         ...
 *     mark syn segment client S #1
 *     count lost segment client lost
 *     expect lost == 1
 *
 * A scene is a run of its own, on stacks of its own; what stands before the first scene holds for
 * all. A program is a sequence of socket calls on one host, which wait as calls of blocking sockets
 * do. Marks name things that have happened, counts say how many there were, expectations say what
 * must be true of both: a text may say so in any language.
 */
#ifndef TAPIO_SIM_LAB_PLAN_H
#define TAPIO_SIM_LAB_PLAN_H

#include <tapio/tapio.h>

#include "base/memory.h"
#include "base/text.h"
#include "dev/impair.h"

enum {
    LAB_WORD = 32, /* octets of a name, the NUL included */
    LAB_LINE = 160,
    LAB_HOSTS = 6,
    LAB_SCENES = 4,
    LAB_PROGRAMS = 12,
    LAB_STEPS = 256, /* of all programs together */
    LAB_DROPS = 32,
    LAB_SETS = 32,
    LAB_MARKS = 96, /* and counts */
    LAB_EXPECTS = 96,
    LAB_SLOTS = 40, /* sockets of a host that programs can name */
};

/* What can be seen of a run. */
enum lab_kind { LAB_SEGMENT, LAB_CALL, LAB_STATE, LAB_EVENT };

/* Three answers to "must it be so?" */
enum lab_want { LAB_EITHER, LAB_YES, LAB_NO };

enum lab_protocol { LAB_ANY_PROTOCOL, LAB_TCP, LAB_UDP, LAB_ARP, LAB_ICMP, LAB_OTHER };

/* Which of the things that happened. */
struct lab_pick {
    enum lab_kind kind;
    int host;  /* -1: any */
    int scene; /* -1: any */
    enum lab_protocol protocol;
    bool has_flags;
    uint8_t flags; /* PSH does not count */
    enum lab_want text, lost, again, waits;
    char word[LAB_WORD];               /* of a call, a state or an event; empty: any */
    char why[LAB_WORD], got[LAB_WORD]; /* why it was sent, what the receiver made of it */
    int64_t port;                      /* one of its two ports; 0: any */
    int after;                         /* a mark: only what came behind it; -1: any */
    int nth;                           /* 1: the first ...; -1: the last; 0: all */
};

struct lab_mark {
    char name[LAB_WORD];
    struct lab_pick pick;
    bool counts; /* it is the number of things, not one of them */
};

struct lab_expect {
    char text[LAB_LINE]; /* "lost == 1": two sums and how they compare */
    int line;
};

struct lab_drop {
    int scene;
    struct lab_pick pick; /* of what is sent, as far as the frame itself shows it */
};

struct lab_set {
    int scene, host; /* -1: all */
    char key[LAB_WORD], value[LAB_WORD];
};

struct lab_wire {
    bool given;
    struct impair_config config;
};

/* clang-format off */
/*    id       word       arguments: s a socket, p a port, n a number, w a word, t a text or a number */
#define LAB_STEP_LIST(X) \
    X(LISTEN,   "listen",   "spn")  /* socket(), bind() and listen(): port, backlog */ \
    X(ACCEPT,   "accept",   "ss") \
    X(CONNECT,  "connect",  "swp")  /* socket() and connect(): host, port */ \
    X(BIND,     "bind",     "sp")   /* socket() and bind(), for the next connect */ \
    X(WRITE,    "write",    "st")   /* so many octets, or these */ \
    X(READ,     "read",     "sn")   /* once, at most so many */ \
    X(READ_ALL, "read_all", "s")    /* until the end of the stream */ \
    X(READ_SUM, "read_sum", "sn")   /* until so many have come */ \
    X(SHUTDOWN, "shutdown", "s")    /* SHUT_WR */ \
    X(CLOSE,    "close",    "s") \
    X(OPTION,   "option",   "swn")  /* nodelay, rcvbuf, sndbuf, reuseaddr */ \
    X(UDP,      "udp",      "sp")   /* socket() and bind(); port 0: none is asked for */ \
    X(SENDTO,   "sendto",   "swpt") /* host, port, octets */ \
    X(RECVFROM, "recvfrom", "s") \
    X(REPLY,    "reply",    "st")   /* sendto() whoever sent the last one */ \
    X(ASK,      "ask",      "sww")  /* a DNS query: host, name */ \
    X(ANSWER,   "answer",   "sw")   /* a DNS response with the address of a host */ \
    X(SLEEP,    "sleep",    "w") \
    X(REPEAT,   "repeat",   "n")    /* what follows up to `end`, so many times */ \
    X(END,      "end",      "")
/* clang-format on */

enum lab_call {
#define TAPIO_X(id, word, arguments) LAB_CALL_##id,
    LAB_STEP_LIST(TAPIO_X)
#undef TAPIO_X
};
#define TAPIO_X(id, word, arguments) +1
enum { LAB_CALLS = LAB_STEP_LIST(TAPIO_X) };
#undef TAPIO_X

struct lab_step {
    enum lab_call call;
    int slot, slot2;     /* sockets */
    int64_t number[2];   /* ports, octets, times */
    char word[LAB_WORD]; /* a host, an option */
    char text[LAB_LINE]; /* with \r and \n as they are meant */
    int back;            /* `end`: to the step behind its `repeat` */
    bool quiet;          /* it is not shown: "@" before the word */
};

struct lab_program {
    int scene, host;
    int first, count; /* steps */
};

struct lab_host {
    char name[LAB_WORD];
    bool right; /* where it is drawn */
};

struct lab_scene {
    char name[LAB_WORD];
    bool ethernet;
    uint32_t mtu[LAB_HOSTS];
    struct lab_wire wire[LAB_HOSTS]; /* from each host */
    int64_t limit_ns;
};

struct lab_plan {
    uint64_t seed;
    int capture; /* the host */
    struct lab_host host[LAB_HOSTS];
    int hosts;
    struct lab_scene scene[LAB_SCENES];
    int scenes;
    struct lab_program program[LAB_PROGRAMS];
    int programs;
    struct lab_step step[LAB_STEPS];
    int steps;
    struct lab_drop drop[LAB_DROPS];
    int drops;
    struct lab_set set[LAB_SETS];
    int sets;
    struct lab_mark mark[LAB_MARKS];
    int marks;
    struct lab_expect expect[LAB_EXPECTS];
    int expects;
    char slot[LAB_HOSTS][LAB_SLOTS][LAB_WORD]; /* the sockets' names */
};

/* Reads the text of a plan. 0, or -EINVAL with what is wrong, the line's number in front, in `why`.
 */
NODISCARD int lab_plan_read(struct lab_plan *plan, const char *text, struct text *why);

/* The number of a mark, a host, a scene; -1: there is none of that name. */
int lab_mark_find(const struct lab_plan *plan, const char *name);
int lab_host_find(const struct lab_plan *plan, const char *name);
int lab_scene_find(const struct lab_plan *plan, const char *name);

/* A decimal number and nothing else; false when it is not. */
bool lab_number(const char *text, int64_t *out);

#endif
