/*
 * lab_paper.h - lines for a terminal: UTF-8 of known width, folded at words.
 */
#ifndef TAPIO_SIM_LAB_PAPER_H
#define TAPIO_SIM_LAB_PAPER_H

#include "base/text.h"

enum { LAB_WIDTH_MIN = 60, LAB_WIDTH_MAX = 100, LAB_PRINT = 2048 };

enum lab_style { LAB_PLAIN, LAB_BOLD, LAB_DIM, LAB_NOTE, LAB_CALLED, LAB_LOST, LAB_AGAIN };

/* Where lines go. Embed it. */
struct lab_paper {
    void (*line)(struct lab_paper *paper, const char *text);
    /* Called between the questions and their answers; NULL: nobody wants a rest. */
    void (*pause)(struct lab_paper *paper);
    unsigned width;
    bool utf8, color;
    const char *words; /* labs/words.tsv */
    int language;      /* 0: English, 1: Korean */
};

/* Columns of a terminal that the text takes: Korean letters take two. */
unsigned lab_columns(struct bytes text);
/* The octets of the first character. */
size_t lab_character(struct bytes text);

/* Prints a paragraph, folded at blanks to the paper's width, each line behind `first` or `next`. */
void lab_fold(struct lab_paper *paper, struct bytes text, const char *first, const char *next,
              enum lab_style style);
/* The next line of a paragraph, at most so many columns; takes it off `*text`. */
struct bytes lab_fold_next(struct bytes *text, unsigned columns);
void lab_print(struct lab_paper *paper, const char *text, enum lab_style style);
void lab_style_on(const struct lab_paper *paper, struct text *t, enum lab_style style);
void lab_style_off(const struct lab_paper *paper, struct text *t, enum lab_style style);

/* A word of the engine in the paper's language, added to `t`. */
void lab_say(const struct lab_paper *paper, struct text *t, const char *key);

#endif
