/*
 * drill_run.h - the inside of the runner: one script being played. Private to src/sim/drill_*.c.
 *
 *     drill.c          the way of one script, from its text to its result
 *     drill_setup.c    options, addresses, values          drill_knobs.c   what a sysctl does here
 *     drill_check.c    what we cannot do, before anything runs
 *     drill_run.c      the timeline                        drill_live.c    the stack and its
 * packets drill_inject.c   packets in                          drill_expect.c  packets out
 *     drill_call*.c    the calls                           drill_figures.c what code blocks see
 *     drill_report.c   why it failed                       drill_watch.c   what the stack says of
 * it
 *     drill_record.c   what happened, for another program
 *
 * Whatever can go wrong calls drill_fail() or drill_skip() and returns -1; the first one counts.
 */
#ifndef TAPIO_SIM_DRILL_RUN_H
#define TAPIO_SIM_DRILL_RUN_H

#include <tapio/sock.h>

#include "base/prng.h"
#include "sim/drill.h"
#include "sim/drill_code.h"
#include "sim/drill_wire.h"

/* --- settings ----------------------------------------------------------------------------- */

enum drill_family { DRILL_V4, DRILL_V6, DRILL_MAPPED /* AF_INET6 sockets, IPv4 packets */ };

struct drill_settings {
    enum drill_family family;
    struct ip_prefix local, remote;
    uint16_t bind_port, connect_port;
    uint32_t mtu;
    uint32_t mss; /* offload metadata of packets in; 0: none */
    int64_t tolerance_ns;
    int64_t tolerance_ppm; /* of the distance to the event before */
    uint32_t ts_tick_us;   /* 0: TS val is not compared */
    bool ts_ecr_scaled;
    bool strict_segments;
    bool packets_warn; /* non_fatal=packet */
    bool dry_run;
    const char *profile;
    struct stack_values values;
};

/* --- what the stack sent, and the connections of the script -------------------------------- */

struct drill_live {
    struct drill_live *next;
    instant when;
    enum why why;
    bool has_facts;
    struct conn_facts facts; /* after it */
    uint32_t len;
    uint8_t octets[];
};

enum drill_stage {
    DRILL_FRESH,       /* socket() */
    DRILL_LISTENING,   /* listen() */
    DRILL_SYN_GOT,     /* the child of a listener, or of nobody: a packet came in */
    DRILL_SYNACK_SENT, /* its SYN/ACK has been seen: accept() may name it */
    DRILL_CONNECTING,  /* connect(): the next packet out must be a SYN */
    DRILL_SYN_SENT,
    DRILL_OPEN,
};

struct drill_ts_pair {
    uint32_t script, live;
};

/* One connection: which numbers of the script stand for which on the wire. */
struct drill_conn {
    struct drill_conn *next; /* the one made before */
    enum drill_stage stage;
    int sock;               /* what code blocks look at; -1: none yet */
    struct endpoint local;  /* the stack's end; port 0: not known yet */
    struct endpoint remote; /* ours */
    uint32_t peer_isn;      /* R: the same in both spaces */
    uint32_t script_isn;    /* L */
    uint32_t live_isn;
    struct drill_ts_pair *ts;
    uint32_t ts_count, ts_room;
    bool ts_shifted; /* with tcp_ts_tick_usecs: the first pair has been seen */
    uint32_t ts_shift;
    bool flow_seen;
    uint32_t flow_script, flow_live;
};

/* --- descriptors and calls ---------------------------------------------------------------- */

enum drill_fd_kind { DRILL_FD_SOCKET, DRILL_FD_EPOLL };

struct drill_fd {
    int script, live;
    enum drill_fd_kind kind;
    bool nonblocking;
    struct drill_conn *conn; /* sockets; NULL for one that was accepted and is not known */
};

enum { DRILL_FDS = 256 };

enum drill_progress {
    DRILL_DONE,   /* op->result says how it ended */
    DRILL_AGAIN,  /* it would block; op->result holds what a call that does not wait returns */
    DRILL_BROKEN, /* the script cannot mean this: drill_fail() has been called */
};

struct drill_run;

/* A call under way: it is tried after each poll until it is done. */
struct drill_op {
    const struct drill_event *event;
    const struct drill_call *call;
    enum drill_progress (*attempt)(struct drill_run *run, struct drill_op *op);
    bool waiting; /* it has gone to sleep, */
    bool here;    /* and the script with it */
    bool done;
    instant scheduled; /* its start, */
    instant due;       /* and when it must return */
    instant ended;     /* when it did */
    instant deadline;  /* a time limit of the call itself (poll, SO_RCVTIMEO); or never */
    int64_t result;    /* >= 0, or -errno */
    uint8_t *octets;   /* its buffer */
    size_t octets_len;
    size_t count;     /* octets moved so far */
    bool started;     /* attempt() has run before */
    int64_t extra[4]; /* attempt()'s own */
};

/* --- the stack's own words ------------------------------------------------------------------ */

enum { DRILL_WATCHED = 8, DRILL_HEADERS = 128 };

struct drill_watched {
    struct event event; /* pointers in it are stale */
    bool has_facts;
    struct conn_facts facts;
    uint8_t headers[DRILL_HEADERS];
    uint32_t header_len;
};

struct drill_watch {
    struct event_sink sink;
    struct drill_run *run;
    struct drill_watched ring[DRILL_WATCHED];
    uint64_t seen;
    bool has_facts;
    struct conn_facts facts;            /* the latest of any connection */
    instant timer_at[TIMER_KIND_COUNT]; /* the connection's, as last told */
    const char *held_by;
};

/* --- the run ------------------------------------------------------------------------------ */

struct drill_run {
    const struct drill_config *config;
    struct memory *memory;
    struct drill_result *result;
    struct drill_script script;
    struct drill_settings set;
    struct drill_variables *variables;

    struct stack *stack;
    struct env env;
    struct prng prng;
    struct frame_sink sink;
    struct drill_live *head, **tail; /* what was sent and no line has asked for */
    struct drill_watch watch;

    instant now;
    instant begin;
    instant base;      /* what +t counts from */
    instant scheduled; /* of the event being played, */
    instant before;    /* and of the one before */
    const struct drill_event *event;

    struct drill_fd fds[DRILL_FDS];
    struct drill_conn *conns;      /* newest first */
    struct drill_conn *under_test; /* NULL: no socket yet */
    struct drill_op op;            /* the one blocking call */
    uint8_t *packet;               /* DRILL_PACKET_MAX octets, to build in */
    uint32_t fd_count;
    uint32_t polls;     /* made because time passed */
    uint16_t next_port; /* ours, ephemeral */
    bool sink_failed;
    bool last_was_in; /* the event before was a packet in */
    bool stopped;     /* failed or skipped */
};

/* Ends the script: `line` 0 is about no line. The first call counts. Returns -1. */
int drill_fail(struct drill_run *run, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int drill_skip(struct drill_run *run, enum drill_skip skip, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* --- drill_setup.c, drill_knobs.c, drill_check.c -------------------------------------------- */

/* Profile, init command and options, in this order, into run->set. */
NODISCARD int drill_setup(struct drill_run *run);
/* A shell line: its sysctls into `values`, its sleeps into *slept_ns (NULL: nobody asks). Skips
 * what it does not know. */
NODISCARD int drill_command(struct drill_run *run, const char *command, uint32_t line,
                            struct stack_values *values, int64_t *slept_ns);
NODISCARD int drill_check(struct drill_run *run);

/* What `name` = `value` does here: 0 done (or harmless), -ENOENT no counterpart, -EINVAL not a
 * value of its kind. */
NODISCARD int drill_knob(struct stack_values *values, const char *name, const char *value);

/* --- drill_live.c: the stack ---------------------------------------------------------------- */

NODISCARD int drill_stack_open(struct drill_run *run);
void drill_stack_close(struct drill_run *run);
/* One poll at run->now: timers, the call that waits, the ready list, output. */
void drill_poll(struct drill_run *run);
/* Hands over one packet in, and polls. */
void drill_hand_over(struct drill_run *run, size_t len, uint16_t segment);
/* Time jumps to `until`, with a poll at each deadline before it. */
void drill_pass_time(struct drill_run *run, instant until);
/* Jumps to the next deadline, but not beyond `limit`. False when there is none before it. */
bool drill_step(struct drill_run *run, instant limit);
/* The packet at the head is the caller's; drill_live_free() it. */
struct drill_live *drill_live_take(struct drill_run *run);
void drill_live_free(struct drill_run *run, struct drill_live *live);

/* --- drill_inject.c, drill_expect.c ---------------------------------------------------------- */

NODISCARD struct drill_conn *drill_conn_new(struct drill_run *run, enum drill_stage stage);
void drill_conns_free(struct drill_run *run);
NODISCARD int drill_ts_learn(struct drill_run *run, struct drill_conn *conn, uint32_t script,
                             uint32_t live);
NODISCARD int drill_inject(struct drill_run *run, const struct drill_packet *packet);
/* Waits for the packet that the event names, compares it, and checks its time. */
NODISCARD int drill_expect(struct drill_run *run, const struct drill_event *event);

/* --- drill_run.c ---------------------------------------------------------------------------- */

/* Plays the events. 0, or -1 when one failed: the result says which. */
int drill_play(struct drill_run *run);
/* A shell line with a time: its sysctls change the running stack. */
NODISCARD int drill_command_now(struct drill_run *run, const struct drill_event *event);
/* How far an event may be off. */
int64_t drill_tolerance(const struct drill_run *run, int64_t distance_ns);
/* An instant in the script's seconds. */
static inline int64_t drill_script_ns(const struct drill_run *run, instant t)
{
    return t.ns - run->begin.ns;
}

/* --- drill_call.c --------------------------------------------------------------------------- */

/* Plays the call of `event`, which began at run->scheduled. */
NODISCARD int drill_call(struct drill_run *run, const struct drill_event *event);
/* The waiting call is tried again, as a poll has just happened, and judged once it is done. */
void drill_call_again(struct drill_run *run);
/* Lets time pass until the waiting call has returned, at most until `limit`. */
NODISCARD int drill_call_settle(struct drill_run *run, instant limit);
void drill_call_free(struct drill_run *run, struct drill_op *op);
/* Is there such a call, and can we make it with these arguments? NULL, or what stands in the way.
 */
const char *drill_call_trouble(const struct drill_call *call, char text[DRILL_REASON]);

/* --- drill_figures.c -------------------------------------------------------------------------- */

enum { DRILL_FIGURES = 128 };
/* Names and values of TCP_INFO and of the constants. `info` may be NULL: names alone. */
uint32_t drill_figures(const struct sock_tcp_info *info, struct drill_figure out[DRILL_FIGURES]);
NODISCARD int drill_code(struct drill_run *run, const struct drill_event *event);

/* --- drill_report.c, drill_watch.c ------------------------------------------------------------ */

/* Appends a line "  label     text" to the report. */
void drill_note(struct drill_run *run, const char *label, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What every failure shows below its reason: the script's line, then the stack's own explanation.
 * `came`: the packet that is in question, or NULL. */
void drill_explain(struct drill_run *run, const struct drill_event *event,
                   const struct drill_live *came);
/* Two ways for a packet out to fail; `seen` in the script's numbers, NULL when unreadable; `after`
 * says why no further piece was merged, or is empty. Both return -1. */
int drill_missing(struct drill_run *run, const struct drill_event *event,
                  const struct drill_conn *conn);
int drill_mismatch(struct drill_run *run, const struct drill_event *event,
                   const struct drill_live *live, const struct drill_seen *seen, const char *reason,
                   const char *after);
void drill_watch_init(struct drill_run *run);
void drill_watch_explain(struct drill_run *run, const struct drill_live *came);
/* --- drill_record.c: nothing happens when nobody listens -------------------------------------- */

void drill_record_script(const struct drill_run *run);
void drill_record_in(const struct drill_run *run, size_t len);
void drill_record_out(const struct drill_run *run, const struct drill_live *live);
void drill_record_call(const struct drill_run *run, const struct drill_op *op);
void drill_record_command(const struct drill_run *run, const struct drill_event *event);
void drill_record_end(const struct drill_run *run);

/* --- drill_show.c ----------------------------------------------------------------------------- */

/* Live numbers back into the script's space. */
void drill_to_script(const struct drill_conn *conn, struct drill_tcp *tcp);
/* The same of a packet in. */
void drill_from_peer(const struct drill_conn *conn, struct drill_tcp *tcp);

#endif
