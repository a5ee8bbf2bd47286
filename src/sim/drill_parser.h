/*
 * drill_parser.h - what the files of the parser share: one token ahead, and the first mistake.
 *
 * Like a reader of base/bytes.h, the parser remembers its first failure and then sees nothing but
 * the end of the script, so that a function of it is a straight line that looks like the grammar.
 * What it returns after a failure means nothing; drill_parse() asks once, at the end.
 */
#ifndef TAPIO_SIM_DRILL_PARSER_H
#define TAPIO_SIM_DRILL_PARSER_H

#include "sim/drill_arena.h"
#include "sim/drill_ast.h"
#include "sim/drill_lex.h"

struct drill_parser {
    struct drill_lex lex;
    struct drill_token token; /* the next one, not yet taken */
    const char *taken_to;     /* where the last taken one ended */
    uint32_t taken_line;
    struct memory *memory;
    struct drill_arena *arena;
    struct drill_pile options, events;
    struct drill_pile values; /* of all lists that are open, the innermost on top */
    uint32_t depth;           /* of lists in lists */
    int64_t latest_ns;        /* the last absolute time */
    struct drill_problem *problem;
    int err;
};

/* --- drill_parser.c: tokens --------------------------------------------------------------- */

void parser_take(struct drill_parser *p);
/* The same, and the token behind it keeps its words as they stand. */
void parser_take_raw(struct drill_parser *p);
bool parser_is(const struct drill_parser *p, char character);
bool parser_is_word(const struct drill_parser *p, const char *word);
/* Takes it when it is there. */
bool parser_accept(struct drill_parser *p, char character);
bool parser_accept_word(struct drill_parser *p, const char *word);
/* Fails when it is not there; `what` is for people: "':' between the ends". */
void parser_expect(struct drill_parser *p, char character, const char *what);
void parser_expect_word(struct drill_parser *p, const char *word);
/* A decimal number of [0, max]. */
uint32_t parser_number(struct drill_parser *p, const char *what, uint32_t max);
/* Also written as 0x.. */
uint32_t parser_any_number(struct drill_parser *p, const char *what, uint32_t max);
/* Seconds as nanoseconds. */
int64_t parser_seconds(struct drill_parser *p, const char *what);
/* "line 12: expected `what`, found 'x'" */
void parser_expected(struct drill_parser *p, const char *what);
__attribute__((format(printf, 2, 3))) void parser_fail(struct drill_parser *p, const char *format,
                                                       ...);
void parser_no_memory(struct drill_parser *p);
/* `len` octets of the arena, or NULL and a failure. */
void *parser_alloc(struct drill_parser *p, size_t len);

/* --- the parts of an event ---------------------------------------------------------------- */

/* drill_parse_packet.c: the direction is the next token. */
void parser_packet(struct drill_parser *p, struct drill_packet *out);
/* drill_parse_head.c: [ect0], (ttl 64); what stands in front of a packet inside another. */
void parser_annotation(struct drill_parser *p, bool is_out, struct drill_annotation *out);
bool parser_encapsulation(struct drill_parser *p, bool is_out);
/* start:end(len) of `what` */
void parser_sequence(struct drill_parser *p, uint32_t *seq, uint32_t *len);
/* "(len)" */
uint32_t parser_len(struct drill_parser *p, const char *what);
/* drill_parse_options.c: from '<' to '>'; the length on the wire, 0 of any. */
size_t parser_tcp_options(struct drill_parser *p, bool is_out, struct drill_tcp *out);
/* drill_parse_icmp.c: behind "icmp". */
void parser_icmp(struct drill_parser *p, struct drill_icmp *out);
/* drill_parse_call.c: the name is the next token. */
void parser_call(struct drill_parser *p, struct drill_call *out);

#endif
