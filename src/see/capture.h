/*
 * capture.h - records what a stack does with each packet: a listener that feeds a pcapng writer.
 *
 * Each packet gets one comment: `key=value` pairs for machines, " | ", and one sentence for people:
 *
 *     conn=1 state=ESTABLISHED cwnd=14480 ssthresh=inf inflight=0 srtt_us=412 rto_ms=1000
 *     why=text-in-order | Text at RCV.NXT, delivered (RFC 9293, 3.10.7.4, seventh).
 *
 * A TCP segment that belongs to no connection says conn=0 state=CLOSED, the state of "no TCB at
 * all" (RFC 9293, 3.3.2). A packet that is not TCP has `why=` only. One that was discarded goes to
 * the second interface and says `drop=` with the counter's name. Values are decimal; `ssthresh=inf`
 * stands for "no loss yet".
 */
#ifndef TAPIO_SEE_CAPTURE_H
#define TAPIO_SEE_CAPTURE_H

#include <tapio/event.h>

#include "base/text.h"
#include "see/pcapng.h"

enum { CAPTURE_COMMENT = 512, CAPTURE_BLOCK_HEAD = CAPTURE_COMMENT + 128 };

struct capture {
    struct event_sink sink; /* for stack_listen() */
    struct pcapng pcapng;
    bool ethernet;
    struct capture_comment {
        enum packet_fate fate; /* what is said depends on these alone */
        enum drop drop;
        enum why why;
        bool tcp, has_facts;
        struct conn_facts facts;
        uint32_t text_len; /* 0: nothing was said yet */
        char text[CAPTURE_COMMENT];
    } last; /* what was said of the last packet that was written */
    uint64_t consumed, sent;
    uint64_t drops[DROP_COUNT];
    uint64_t misfits; /* packets of another link type than the capture's: not written */
    /* For a reader that may be slow, the caller's to set once it is open: is there room for a block
     * of so many octets? Without room the packet is lost, and the next one that is written tells
     * how many were (epb_dropcount). NULL: there is always room. */
    bool (*has_room)(struct capture *capture, size_t octets);
    uint64_t lost;       /* for want of room, */
    uint64_t lost_since; /* since the last one that was written */
};

/* Starts a capture; the caller adds &capture->sink to a stack. 0, or the sink's error: then nothing
 * will be written. `out` must outlive the capture. */
NODISCARD int capture_open(struct capture *capture, struct octet_sink *out,
                           const struct pcapng_config *config);

/* Writes the statistics. Take the listener off the stack first. */
void capture_close(struct capture *capture, instant now);

/* The comment of a packet event. CAPTURE_COMMENT octets hold any. */
void capture_comment(const struct event *event, struct text *out);

#endif
