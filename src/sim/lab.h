/*
 * lab.h - guided experiments: what happened beside a text that says what to see in it.
 *
 * A lab is three files of labs/, compiled in (scripts/embed-labs): NAME.lab says what is done and
 * what must come of it (lab_plan.h), NAME.en.txt and NAME.ko.txt tell it. A text has no numbers of
 * its own: `{third.ack}` is filled in from the run, and what it says in words is an expectation of
 * the plan. So the text cannot say what has not happened. docs/labs.md tells how to write one.
 *
 *     lab_open(&lab, &lab_sources[i], memory, why);   read the plan
 *     lab_do(&lab, capture);                          run it
 *     lab_check(&lab, why);                           which expectation does not hold
 *     lab_page_print(&lab, paper, answers, why);      the text and its pictures
 *     lab_close(&lab);
 */
#ifndef TAPIO_SIM_LAB_H
#define TAPIO_SIM_LAB_H

#include "sim/lab_paper.h"
#include "sim/lab_run.h"

enum { LAB_ENGLISH, LAB_KOREAN, LAB_LANGUAGES };

struct lab_source {
    const char *name;
    const char *plan;
    const char *text[LAB_LANGUAGES];
};

/* Made from labs/ when we are built. */
extern const struct lab_source lab_sources[];
extern const size_t lab_source_count;
extern const char lab_words[];

struct lab {
    const struct lab_source *source;
    struct memory *memory;
    struct lab_plan *plan;
    struct lab_result result;
};

/* 0, -ENOMEM, or -EINVAL with the reason in `why`. */
NODISCARD int lab_open(struct lab *lab, const struct lab_source *source, struct memory *memory,
                       struct text *why);
/* 0; -ENOMEM; -EPROTO: it did not run to its end, lab->result.problem says why. */
NODISCARD int lab_do(struct lab *lab, struct event_sink *capture);
void lab_close(struct lab *lab);

/* True when all expectations hold; else the first that does not is in `why`. */
bool lab_check(const struct lab *lab, struct text *why);

/* The line `key: ...` at the head of a text; empty when there is none. */
struct bytes lab_head(const char *text, const char *key);

/* Prints the text in the paper's language. `captured`: the file, or NULL. False when the text and
 * what happened do not fit, with the line and the reason in `why`. */
bool lab_page_print(const struct lab *lab, struct lab_paper *paper, const char *captured,
                    struct text *why);

/* The text with each {...} filled in. For the page, and its tests. */
bool lab_fill(const struct lab *lab, struct bytes text, struct text *out, struct text *why);

#endif
