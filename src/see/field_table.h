/*
 * field_table.h - the inside of fields.h: tables of fields, and the one engine that walks them.
 *
 * Each protocol has a file with its tables and a function of the type `walker`, which is told where
 * its header begins and where the packet ends for it, adds a layer with its fields, and answers who
 * comes next. fields.c goes from one to the next; no walker calls another, so that a chain of
 * headers costs no stack, and FIELDS_LAYERS ends any chain.
 */
#ifndef TAPIO_SEE_FIELD_TABLE_H
#define TAPIO_SEE_FIELD_TABLE_H

#include "base/checksum.h"
#include "see/fields.h"

struct walk;
struct step;
typedef struct step (*walker)(struct walk *w, uint32_t at, uint32_t end);

/* Who reads on, from which octet of the packet to which. No walker: nobody. */
struct step {
    walker walk;
    uint32_t at, end;
};

#define STEP_END ((struct step){0})

/* What all walkers of a packet share. */
struct walk {
    struct dissection *d;
    struct layer *layer; /* the one that is being read */
    uint32_t captured;   /* octets at hand */
    bool quoted;         /* inside of an ICMP error */
    uint32_t trailer;    /* where the outermost IP packet ends; 0: not known */
    bool ip;             /* the addresses below mean something, */
    bool v6;             /* and are of IPv6: one that maps IPv4's does not look so */
    bool partial;        /* a fragment, or cut off: a checksum over all cannot be verified */
    uint8_t protocol;    /* what the last header said of this one */
    struct ip_addr src, dst;
    uint16_t src_port, dst_port;
};

enum show {
    SHOW_DECIMAL,
    SHOW_HEX, /* as many digits as there are bits */
    SHOW_FLAG,
    SHOW_MAC,
    SHOW_IP4,
    SHOW_IP6,
    SHOW_OCTETS,
    SHOW_TEXT, /* what is printable of it */
};

/* The name of one value, and what it means. */
struct field_word {
    uint32_t value;
    const char *word;
    const char *meaning; /* NULL: what the row says */
};

struct field_row {
    const char *key, *name, *brief; /* brief NULL: the name */
    uint16_t bit, bits;             /* from the start of the header */
    enum show show;
    const struct field_word *words; /* NULL: none; else up to one without a word */
    const char *meaning;            /* NULL: `say` has it all */
    const char *clause;
    /* Says the rest of the meaning. NULL: there is none. */
    void (*say)(struct walk *w, const struct field *f, struct text *out);
};

/* --- for walkers -------------------------------------------------------------------------- */

/* A header begins. False when there is room for no more: then its walker returns STEP_END. */
NODISCARD bool layer_begin(struct walk *w, const char *key, const char *name, const char *clause,
                           uint32_t at);
/* ... and ends here. */
void layer_end(struct walk *w, uint32_t end);

/* The fields of a table, of a header at `at` in a packet that ends at `end`. False when not all of
 * them are there; then a field says why. */
NODISCARD bool rows_read(struct walk *w, const struct field_row *rows, size_t count, uint32_t at,
                         uint32_t end);
/* One field, whose place and width the packet itself has told, in octets; the row has the rest. */
NODISCARD bool row_read(struct walk *w, const struct field_row *row, uint32_t at, uint32_t len,
                        uint32_t end);
/* The same for as much of it as was captured, and without a flaw when it is not all there. */
void row_read_some(struct walk *w, const struct field_row *row, uint32_t at, uint32_t end);

/* The last field that was added, or NULL; to add to what it says. */
struct field *field_last(struct walk *w);
/* What is wrong, at octets [at, end). */
void flaw(struct walk *w, uint32_t at, uint32_t end, const char *what, const char *clause);

/* Text that lives as long as the dissection: begin, add to it, and end. */
struct text words_begin(struct walk *w);
const char *words_end(struct walk *w, const struct text *t);

/* The octets [at, end) as far as they were captured. */
struct bytes octets_at(const struct walk *w, uint32_t at, uint32_t end);
/* Up to 32 bits at a place, or 0 where that was not captured. */
uint32_t number_at(const struct walk *w, uint32_t at, uint32_t octets);
/* All captured? */
static inline bool is_captured(const struct walk *w, uint32_t end)
{
    return end <= w->captured;
}

/* The word for a value, or NULL. */
const struct field_word *word_of(const struct field_word *words, uint64_t value);

/* Judges the checksum of [at, end), which the last field holds. `pseudo`: with the pseudo-header
 * for `protocol`. */
void sum_judge(struct walk *w, struct field *f, uint32_t at, uint32_t end, bool pseudo,
               uint8_t protocol);

/* --- the walkers -------------------------------------------------------------------------- */

struct step walk_ethernet(struct walk *w, uint32_t at, uint32_t end);
struct step walk_vlan(struct walk *w, uint32_t at, uint32_t end);
struct step walk_service_vlan(struct walk *w, uint32_t at, uint32_t end);
struct step walk_null(struct walk *w, uint32_t at, uint32_t end);
struct step walk_sll(struct walk *w, uint32_t at, uint32_t end);
struct step walk_sll2(struct walk *w, uint32_t at, uint32_t end);
struct step walk_arp(struct walk *w, uint32_t at, uint32_t end);
struct step walk_ip(struct walk *w, uint32_t at, uint32_t end); /* asks for the version */
struct step walk_ipv4(struct walk *w, uint32_t at, uint32_t end);
struct step walk_ipv6(struct walk *w, uint32_t at, uint32_t end);
struct step walk_extension(struct walk *w, uint32_t at, uint32_t end); /* of IPv6 */
struct step walk_icmp(struct walk *w, uint32_t at, uint32_t end);
struct step walk_icmp6(struct walk *w, uint32_t at, uint32_t end);
struct step walk_udp(struct walk *w, uint32_t at, uint32_t end);
struct step walk_tcp(struct walk *w, uint32_t at, uint32_t end);
struct step walk_dns(struct walk *w, uint32_t at, uint32_t end);
struct step walk_dhcp(struct walk *w, uint32_t at, uint32_t end);
struct step walk_text(struct walk *w, uint32_t at, uint32_t end); /* whatever is left */

/* What an EtherType, or the number of a protocol, is followed by. */
struct step step_ether_type(uint32_t type, uint32_t at, uint32_t end);
struct step step_protocol(struct walk *w, uint32_t protocol, uint32_t at, uint32_t end);

/* Options of headers have files of their own; they read [at, end). */
void walk_tcp_options(struct walk *w, uint32_t at, uint32_t end);
void walk_ipv4_options(struct walk *w, uint32_t at, uint32_t end);
void walk_nd_options(struct walk *w, uint32_t at, uint32_t end);

extern const struct field_word words_ether_type[], words_protocol[];
/* Of DSCP and ECN, which both IPs have. */
extern const struct field_word words_dscp[], words_ecn[];

#endif
