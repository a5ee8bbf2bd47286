/*
 * lab_run.h - a lab runs: what happened, in the order in which it did.
 *
 * Each scene has stacks of its own, joined by a switch: a frame goes through the wire of the host
 * that sends it (rate, queue, delay), and then to the host that it is for. A scene is over when
 * nothing will happen any more, or at its limit. What happens becomes items, which outlive the
 * stacks. The same plan gives the same items.
 */
#ifndef TAPIO_SIM_LAB_RUN_H
#define TAPIO_SIM_LAB_RUN_H

#include "see/capture.h"
#include "sim/lab_plan.h"

enum {
    LAB_ITEMS = 8192,
    LAB_OCTETS = 160, /* of a frame's front that are kept */
    LAB_STEPS_MAX = 200000,
};

struct lab_frame {
    enum lab_protocol protocol;
    uint8_t flags;         /* of TCP; of ARP the operation, of ICMP the type */
    int to;                /* a host; -1: all */
    uint8_t code;          /* of ICMP */
    struct ip_addr target; /* whom ARP asks for; who answers it */
    uint16_t src_port, dst_port;
    uint32_t raw_seq, raw_ack, seq, ack; /* seq and ack count from 0 at the SYN */
    uint32_t len;                        /* octets of text, or of the datagram's data */
    uint32_t window;                     /* octets */
    uint16_t mss;                        /* 0: none was told */
    int window_scale;                    /* -1: none was told */
    bool sack_permitted, counted;        /* counted: its SYN was seen, seq and ack are good */
    uint8_t sacks;
    uint32_t sack[4][2];
    uint32_t size; /* of the frame */
    bool ethernet;
    uint8_t octets[LAB_OCTETS];
    uint32_t kept;
};

struct lab_item {
    enum lab_kind kind;
    int scene, host;
    enum why why, got; /* of a segment: why it was sent, and what the receiver made of it */
    instant when;
    /* --- a segment */
    instant arrives; /* INSTANT_NEVER: it was lost */
    struct lab_frame frame;
    struct conn_facts facts;     /* as the sender has it once this has left, */
    struct conn_facts got_facts; /* and the receiver, once it has taken it */
    bool has_facts, has_got, lost, again;
    /* --- a call, a state, an event */
    bool waits; /* it has not returned: another item tells when it has */
    bool quiet; /* it is not shown */
    char word[LAB_WORD];
    char text[LAB_LINE]; /* "connect(3, 10.0.0.2:80)" */
    instant began;
    int64_t result, value; /* value: cwnd, octets that wait ... */
    const char *sentence;  /* static storage, or NULL */
    uint32_t ssthresh;
    uint32_t conn;
};

struct lab_result {
    struct lab_item *item;
    int count;
    int64_t scene_ended[LAB_SCENES]; /* ns */
    int64_t first_of[LAB_SCENES + 1];
    char problem[LAB_LINE]; /* empty: it ran to its end */
};

/* `capture` listens to the plan's capture host; NULL: nobody does. 0, or -ENOMEM; result->problem
 * says what went wrong in the run itself. */
NODISCARD int lab_run(const struct lab_plan *plan, struct memory *memory,
                      struct event_sink *capture, struct lab_result *result);
void lab_result_free(struct lab_result *result, struct memory *memory);

/* Is it what the pick asks for, its number apart? */
bool lab_fits(const struct lab_pick *pick, const struct lab_item *item);
/* The item that a mark names, or -1; the number of items of a count. */
int lab_find(const struct lab_plan *plan, const struct lab_result *result, int mark);

#endif
