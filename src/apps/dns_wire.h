/*
 * dns_wire.h - DNS messages (RFC 1035, 4) as octets and as structs.
 *
 * A name is kept as the wire has it without compression: labels, each with its length in front, and
 * the root's length 0 last. Whatever the wire says about lengths, counts and pointers is checked
 * here; above, a name is at most 255 octets that end with the root, and the data of an address
 * record has its length.
 */
#ifndef TAPIO_APPS_DNS_WIRE_H
#define TAPIO_APPS_DNS_WIRE_H

#include <tapio/types.h>

#include "base/bytes.h"

enum {
    DNS_PORT = 53,
    DNS_HEADER = 12,
    DNS_LABEL_MAX = 63, /* (RFC 1035, 2.3.4) */
    DNS_NAME_MAX = 255,
    DNS_NAME_TEXT = 1024,  /* room for any name as text: each octet as \DDD, dots, NUL */
    DNS_UDP_PAYLOAD = 512, /* what a resolver without EDNS takes (RFC 1035, 4.2.1) */
    DNS_EDNS_PAYLOAD = 1232,

    DNS_TYPE_A = 1,
    DNS_TYPE_NS = 2,
    DNS_TYPE_CNAME = 5,
    DNS_TYPE_SOA = 6,
    DNS_TYPE_PTR = 12,
    DNS_TYPE_MX = 15,
    DNS_TYPE_TXT = 16,
    DNS_TYPE_AAAA = 28,
    DNS_TYPE_OPT = 41, /* (RFC 6891) */
    DNS_CLASS_IN = 1,

    DNS_RCODE_OK = 0,
    DNS_RCODE_FORMERR = 1,
    DNS_RCODE_SERVFAIL = 2,
    DNS_RCODE_NXDOMAIN = 3,
    DNS_RCODE_NOTIMP = 4,
    DNS_RCODE_REFUSED = 5,
};

struct dns_name {
    uint8_t octet[DNS_NAME_MAX];
    uint8_t len; /* the root's length 0 included; 0: no name */
};

/* What is wrong with a message. */
enum dns_flaw {
    DNS_FINE,
    DNS_BAD_HEADER, /* too short, or no answer to a question */
    DNS_BAD_NAME,   /* a label, a length or a pointer that cannot be */
    DNS_BAD_RECORD, /* data that ends behind the message, or is not what its type says */
};

/* "dns.rx_hdr", "dns.rx_name", "dns.rx_rr"; "ok". */
const char *dns_flaw_name(enum dns_flaw flaw);

/* --- names -------------------------------------------------------------------------------- */

/* From "www.example.com", with or without the last dot, \. and \DDD as in RFC 1035, 5.1. -EINVAL:
 * an empty label, one above 63 octets, or a name above 255. */
NODISCARD int dns_name_from_text(const char *text, struct dns_name *out);
/* Without the last dot ("." for the root); what could be mistaken or cannot be printed as \DDD.
 * Returns the length. */
size_t dns_name_to_text(const struct dns_name *name, char out[DNS_NAME_TEXT]);
/* Upper and lower case of ASCII are the same (RFC 1035, 2.3.3). */
bool dns_name_equal(const struct dns_name *a, const struct dns_name *b);
uint32_t dns_name_labels(const struct dns_name *name); /* without the root */

/* --- messages ----------------------------------------------------------------------------- */

struct dns_question {
    struct dns_name name;
    uint16_t type, class;
};

struct dns_header {
    uint16_t id;
    bool response, authoritative, truncated, recursion_desired, recursion_available;
    uint8_t opcode, rcode;
    uint16_t questions, answers, authorities, additionals;
};

struct dns_record {
    struct dns_name name;
    uint16_t type, class;
    uint32_t ttl;           /* seconds; what is 2^31 or above counts as 0 (RFC 2181, 8) */
    struct bytes data;      /* in the message */
    struct ip_addr addr;    /* A and AAAA */
    struct dns_name target; /* CNAME, NS, PTR and MX; of a SOA the primary server */
    uint32_t minimum;       /* of a SOA: seconds that a denial may be kept (RFC 2308, 4) */
};

/* A message with one question that is walked record by record. */
struct dns_message {
    struct dns_header header;
    struct dns_question question;
    struct bytes whole;
    struct reader at;   /* the next record */
    uint32_t records;   /* that are left, by the header's counts */
    uint32_t answers;   /* of these, in the answer section */
    enum dns_flaw flaw; /* why the walk ended early */
};

/* A question of class IN with RD set; `payload`: what EDNS says that we take, 0: no EDNS. */
void dns_query_emit(struct writer *w, uint16_t id, const struct dns_name *name, uint16_t type,
                    uint16_t payload);
/* Header and question: DNS_FINE for a response to a standard query with one question. */
NODISCARD enum dns_flaw dns_message_parse(struct bytes in, struct dns_message *out);
/* The next record, all sections in their order; `is_answer` says whether it is of the first. False
 * at the end, or where the message is flawed (message->flaw). */
NODISCARD bool dns_record_next(struct dns_message *message, struct dns_record *out,
                               bool *is_answer);

/* "A", "AAAA", "TYPE65"; `out` has room for 16. And back: false when it is none that is known. */
const char *dns_type_name(uint16_t type, char out[16]);
bool dns_type_from_text(const char *text, uint16_t *out);
const char *dns_rcode_name(uint8_t rcode);

#endif
