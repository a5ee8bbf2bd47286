/*
 * talk.h - how the tool speaks to people: one line for each trouble, with its cause and its remedy.
 */
#ifndef TAPIO_TOOLS_TALK_H
#define TAPIO_TOOLS_TALK_H

#include <stdbool.h>
#include <stddef.h>

/* What a verb exits with, besides EXIT_SUCCESS and EXIT_FAILURE. */
enum { EXIT_USAGE = 2, EXIT_PERMISSION = 77 };

/* Why something is not done: the line to print, and what to exit with. Functions of the tool that
 * can be refused return 0 or the exit status, and take one of these to write the reason into. */
struct refusal {
    int status;
    char text[400];
};

/* Writes the reason and returns `status`. */
int refuse(struct refusal *refusal, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Prints "tapio: ..." as exactly one line on stderr, whatever the arguments contain. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* say() of the reason; returns its status. */
int say_refusal(const struct refusal *refusal);

/* How many letters must be changed, added, dropped or swapped with their neighbour to make one word
 * of the other. Words of 32 letters and more are as far as can be from everything. */
size_t word_distance(const char *a, const char *b);

/* Near enough to be a slip of the finger. */
bool word_is_near(const char *typed, const char *word);

#endif
