/*
 * drill_ast.h - a packetdrill script as a tree: what it says, before anybody knows whether it
 * holds.
 *
 * drill_parse() makes it from text, drill_check() finds what we cannot do in it, drill_run() plays
 * it. Nothing here knows a stack. Everything lives in the script's arena and is freed with it; text
 * is NUL-terminated and points into the arena. Numbers are as written: which of them are relative
 * to an initial sequence number is the runner's to know.
 *
 *     script := option* [`init command`] event+ [`cleanup command`]
 *     event  := time ( packet | call | `command` | %{ code }% )
 */
#ifndef TAPIO_SIM_DRILL_AST_H
#define TAPIO_SIM_DRILL_AST_H

#include "base/addr.h"
#include "base/base.h"
#include "base/instant.h"
#include "base/memory.h"

/* Where something stands: lines count from 1. `end` is the last line of it. */
struct drill_place {
    uint32_t line, end;
};

/* --- values: the arguments of calls ------------------------------------------------------- */

enum drill_value_kind {
    DRILL_ELLIPSIS, /* ... : the runner's choice, or anything */
    DRILL_INTEGER, /* .integer; also inet_addr("..") and htons(n), in network order as C has them */
    DRILL_WORD, /* .text: AF_INET, O_RDWR; which number it stands for is drill_symbol()'s to say */
    DRILL_OR,   /* a | b | c: items */
    DRILL_STRING,  /* .text, .integer octets, escapes resolved */
    DRILL_LIST,    /* [a, b]: items */
    DRILL_STRUCT,  /* {a, b} or {name=a, name=b}: items, those with a name carry it in .name */
    DRILL_ADDRESS, /* inet6_addr("..") : .address */
};

struct drill_value {
    enum drill_value_kind kind;
    const char *name; /* the field's name in a DRILL_STRUCT ("events", "msg_iov"), else NULL */
    int64_t name_arg; /* msg_iov(2)= : 2; -1 without one, or when it was `...` */
    int64_t integer;
    const char *text;
    struct ip_addr address;
    struct drill_value *items; /* an array of `count` */
    uint32_t count;
};

/* --- calls -------------------------------------------------------------------------------- */

struct drill_call {
    const char *name;
    struct drill_value *args;
    uint32_t arg_count;
    int64_t result;         /* with result_any: not compared */
    bool result_any;        /* = ... */
    const char *errno_name; /* "EAGAIN", or NULL: not compared */
};

/* --- packets ------------------------------------------------------------------------------ */

/* The flags as in the header, with AE of RFC 9768 as the ninth bit. */
enum {
    DRILL_FIN = 0x001,
    DRILL_SYN = 0x002,
    DRILL_RST = 0x004,
    DRILL_PSH = 0x008,
    DRILL_ACK = 0x010,
    DRILL_URG = 0x020,
    DRILL_ECE = 0x040,
    DRILL_CWR = 0x080,
    DRILL_AE = 0x100,
};

enum drill_ecn { DRILL_ECN_UNSAID, DRILL_NOECN, DRILL_ECT1, DRILL_ECT0, DRILL_CE, DRILL_ECT01 };

/* [ect0], (tos 0x20), [ttl 64, ...]: what was said of the IP header. */
struct drill_annotation {
    enum drill_ecn ecn;
    bool has_tos, has_ttl, has_flowlabel;
    uint8_t tos, ttl;
    uint32_t flowlabel;
};

enum drill_option_kind { /* TCP options */
                         DRILL_OPT_EOL,
                         DRILL_OPT_NOP,
                         DRILL_OPT_MSS,    /* .value */
                         DRILL_OPT_WSCALE, /* .value */
                         DRILL_OPT_SACKOK,
                         DRILL_OPT_SACK,    /* .block[.blocks] */
                         DRILL_OPT_TS,      /* .value is val, .ecr */
                         DRILL_OPT_MD5,     /* .octets */
                         DRILL_OPT_FO,      /* .octets: the cookie; kind 34 */
                         DRILL_OPT_FOEXP,   /* .octets; kind 254, magic 0xF989 */
                         DRILL_OPT_ACCECN,  /* .octets: the counters as on the wire; .value is the
                                               kind, 172 or 174 */
                         DRILL_OPT_UNKNOWN, /* an extension of ours, "kind N HEX": .value is the
                                               kind, .octets */
};

enum { DRILL_OPTIONS = 40, DRILL_BLOCKS = 4 };

struct drill_tcp_option {
    enum drill_option_kind kind;
    uint32_t value, ecr;
    struct {
        uint32_t left, right;
    } block[DRILL_BLOCKS];
    uint8_t blocks;
    uint8_t octet_count;
    uint8_t octets[38];
};

enum drill_option_list { DRILL_OPTIONS_NONE, DRILL_OPTIONS_LIST, DRILL_OPTIONS_ANY /* <...> */ };

struct drill_tcp {
    uint16_t flags;
    bool has_ack, has_win, has_urg;
    uint32_t seq, len; /* seq:end(len), end checked by the parser */
    uint32_t ack;
    uint16_t win, urg;
    enum drill_option_list list;
    struct drill_tcp_option *options;
    uint8_t option_count;
};

struct drill_icmp {
    uint8_t type[2], code[2]; /* of ICMP, of ICMPv6: the same word may name both */
    bool known[2];            /* the names exist in that family */
    const char *type_name, *code_name;
    bool has_mtu, has_id;
    uint32_t mtu;
    uint16_t id;
    enum drill_quote { DRILL_QUOTE_TCP, DRILL_QUOTE_UDP, DRILL_QUOTE_RAW } quote;
    uint32_t seq, len; /* of what is quoted */
};

enum drill_protocol { DRILL_TCP, DRILL_UDP, DRILL_ICMP };

struct drill_packet {
    bool out;          /* '>' : the stack sends it */
    bool encapsulated; /* gre, mpls, ip in ip, psp: parsed, not played */
    struct drill_annotation said;
    uint16_t src_port, dst_port; /* 0: those of the connection */
    enum drill_protocol protocol;
    union {
        struct drill_tcp tcp;
        struct {
            uint32_t len;
        } udp;
        struct drill_icmp icmp;
    };
};

/* --- events ------------------------------------------------------------------------------- */

enum drill_clock {
    DRILL_AT,       /* 1.5: seconds since the script began */
    DRILL_AFTER,    /* +.5: since the event before */
    DRILL_WHENEVER, /* *: out packets only */
};

struct drill_time {
    enum drill_clock clock;
    bool range;    /* start~end: out packets only */
    bool blocking; /* start...end: calls only; end has the origin of start */
    int64_t start_ns, end_ns;
};

enum drill_event_kind { DRILL_PACKET, DRILL_CALL, DRILL_COMMAND, DRILL_CODE };

struct drill_event {
    enum drill_event_kind kind;
    struct drill_place place;
    struct drill_time time;
    const char *source; /* the event's own text, blanks folded, for people */
    union {
        struct drill_packet packet;
        struct drill_call call;
        const char *command;
        struct {
            const char *code; /* trimmed */
            uint32_t code_line;
        };
    };
};

/* --name or --name=value; NAME=VALUE of --define is kept as it stands in `value`. */
struct drill_option {
    const char *name;
    const char *value; /* NULL without one */
    struct drill_place place;
};

struct drill_script {
    const char *path; /* as given, for people */
    struct drill_option *options;
    uint32_t option_count;
    const char *init, *cleanup; /* commands, or NULL */
    struct drill_place init_place, cleanup_place;
    struct drill_event *events;
    uint32_t event_count;
    const char **lines; /* the text, line by line, for reports: lines[0] is line 1 */
    uint32_t line_count;
    struct drill_arena *arena;
};

/* A word that --define (or -D) replaces: "v" gives a string, an integer an integer, else a word. */
struct drill_define {
    const char *name, *value;
};

struct drill_problem {
    uint32_t line;  /* 0: about no line */
    char text[240]; /* one line for people, without the path and the line: the caller says them */
};

enum { DRILL_SCRIPT_MAX = 1 << 20, DRILL_EVENTS_MAX = 65536, DRILL_DEPTH_MAX = 16 };

/* Parses `text`. 0; -EINVAL with `problem`; -ENOMEM. The defines of the caller (-D) win over those
 * of the script. On success the caller frees with drill_script_free(). */
NODISCARD int drill_parse(struct memory *memory, const char *path, struct bytes text,
                          const struct drill_define *defines, uint32_t define_count,
                          struct drill_script *out, struct drill_problem *problem);
void drill_script_free(struct drill_script *script);

/* The number that a word stands for in calls (AF_INET, O_NONBLOCK, TCP_INFO, POLLIN: Linux's
 * values); false when there is none. */
bool drill_symbol(const char *word, int64_t *out);
/* "EAGAIN" to 11, and back ("?" when there is none). */
bool drill_errno(const char *name, int *out);
const char *drill_errno_name(int error);
/* A value of whole numbers: integer, word, a|b. False when it is anything else or a word is
 * unknown: then *unknown points at the word, or is NULL. */
bool drill_integer(const struct drill_value *value, int64_t *out, const char **unknown);

#endif
