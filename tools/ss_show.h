/*
 * ss_show.h - a line of the verb `ss` in the words of ss(8).
 */
#ifndef TAPIO_TOOLS_SS_SHOW_H
#define TAPIO_TOOLS_SS_SHOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct ss_style {
    bool protocol; /* a column for it */
    bool timers;   /* -o */
    bool details;  /* -i */
};

/* "ESTAB" for "ESTABLISHED". */
const char *ss_state(const json_t *one);
void ss_show_head(const struct ss_style *style, FILE *out);
void ss_show(const json_t *one, const struct ss_style *style, FILE *out);

#endif
