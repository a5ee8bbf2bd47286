/*
 * fields.h - a packet as the fields of its headers: where each lies, what it says, what that means.
 *
 * fields_read() walks the headers of any packet, from any capture, by tables that are laid out like
 * the RFCs' pictures, and fills a struct dissection. What is shown of it, as pictures, lists or
 * JSON, is explain.h's; what it does to its connection is track.h's.
 *
 * It believes nothing and never fails. A header that is cut off or contradicts itself gives the
 * fields that are there and one that says what is wrong (FIELD_FLAW); nothing outside of the octets
 * at hand is read. What a dissection can hold is bounded, and it says so when it is full.
 *
 * Keys are the names of Wireshark's display filters where it has the field ("tcp.srcport"), and
 * numbers are what the wire says: an IHL is 5 here, and 20 octets in the sentence behind it.
 */
#ifndef TAPIO_SEE_FIELDS_H
#define TAPIO_SEE_FIELDS_H

#include "base/addr.h"
#include "base/bytes.h"
#include "base/text.h"
#include "tcp/tcp_wire.h"

enum {
    FIELDS_MAX = 256,     /* fields of a packet that are kept */
    FIELDS_LAYERS = 24,   /* headers */
    FIELDS_WORDS = 32768, /* octets of text made for them */
    FIELDS_RAW = 64,      /* octets of a field that are shown */
};

/* What a packet begins with. */
enum fields_link {
    FIELDS_ETHERNET,
    FIELDS_IP,   /* an IP header, whose first four bits say which */
    FIELDS_NULL, /* four octets in the byte order of who captured */
    FIELDS_LOOP, /* four octets, most significant first */
    FIELDS_SLL,  /* Linux's "any", */
    FIELDS_SLL2, /* and its second version */
};

enum field_kind {
    FIELD_HEADER, /* a field of a header */
    FIELD_TEXT,   /* what a header carries */
    FIELD_FLAW,   /* not a field, but what is wrong here */
    FIELD_CUT,    /* likewise, the capture's fault and not the packet's */
};

/* What a checksum has turned out to be. */
enum field_sum { SUM_NONE, SUM_RIGHT, SUM_WRONG, SUM_PARTIAL, SUM_UNKNOWN };

struct field {
    enum field_kind kind;
    enum field_sum sum;
    const char *key;   /* "tcp.srcport" */
    const char *name;  /* "Source Port" */
    const char *brief; /* the same for a narrow place: "Sp" */
    uint32_t bit, bits;
    struct bytes raw; /* the octets in which it lies */
    bool has_number;
    uint64_t number;
    const char *value;   /* "80" */
    const char *meaning; /* sentences, or "" */
    const char *clause;  /* "RFC 9293, 3.1", or "" */
};

/* A header: its fields are field[first .. first + count - 1], its octets those of the packet from
 * `start` on. `len` may go beyond what was captured. */
struct layer {
    const char *key, *name, *clause;
    uint32_t start, len;
    uint32_t first, count;
    bool quoted; /* within an ICMP error: a packet that somebody sent before */
};

/* What was seen of the outermost IP packet, for who follows connections. */
struct fields_seen {
    bool ip, tcp, udp, icmp, icmp_error, arp; /* whose fields below mean something */
    bool fragment;                            /* a later one: no transport header */
    struct ip_addr src, dst;
    struct tcp_segment seg; /* its text may be cut off: */
    uint32_t text_len;      /* what the headers say */
    enum field_sum sum;     /* TCP's */
    uint8_t icmp_type, icmp_code;
    /* A TCP segment that an ICMP error quotes. */
    bool quoted_tcp;
    struct endpoint quoted_src, quoted_dst;
    uint32_t quoted_seq;
};

struct dissection {
    struct bytes packet; /* what was captured */
    uint32_t whole;      /* octets on the wire */
    uint32_t layer_count, field_count;
    uint32_t flaws;   /* fields of the kind FIELD_FLAW */
    bool full;        /* there was more than fits */
    uint32_t network; /* where the first IP header is; UINT32_MAX: there is none */
    struct fields_seen seen;
    struct layer layer[FIELDS_LAYERS];
    struct field field[FIELDS_MAX];
    uint32_t words_len;
    char words[FIELDS_WORDS]; /* what is made for them, string behind string */
};

/* `packet` must outlive the dissection; `whole` is at least its length. */
void fields_read(struct dissection *d, struct bytes packet, uint32_t whole, enum fields_link link);

#endif
