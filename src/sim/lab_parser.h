/*
 * lab_parser.h - what the files that read a plan share; nobody else's.
 */
#ifndef TAPIO_SIM_LAB_PARSER_H
#define TAPIO_SIM_LAB_PARSER_H

#include "sim/lab_plan.h"

struct lab_parser {
    struct lab_plan *plan;
    struct text *why;
    int line;
    struct bytes rest; /* of the line */
    int scene;         /* -1: before the first */
    int program;       /* -1: none is open */
    int repeat;        /* the step, or -1 */
    struct lab_scene common;
};

/* Says what is wrong in this line, unless something was before; -EINVAL. */
int lab_wrong(struct lab_parser *p, const char *what, const char *word);
bool lab_copy_word(char out[LAB_WORD], const char *word);
/* "10ms", "2s", "150us" */
bool lab_time(const char *word, int64_t *ns);

/* lab_pick.c: the rest of a line, "segment client S #1", where the kind may be left out. */
NODISCARD int lab_parse_pick(struct lab_parser *p, struct lab_pick *pick, bool has_kind);
NODISCARD int lab_parse_mark(struct lab_parser *p, bool counts);

/* lab_step.c: a program, and a call of it. */
NODISCARD int lab_parse_program(struct lab_parser *p, int host);
NODISCARD int lab_parse_step(struct lab_parser *p, const char *word);

#endif
