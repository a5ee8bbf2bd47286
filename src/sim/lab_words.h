/*
 * lab_words.h - lines and words of the files of a lab.
 */
#ifndef TAPIO_SIM_LAB_WORDS_H
#define TAPIO_SIM_LAB_WORDS_H

#include "base/bytes.h"

/* The next line of `*rest`, without its end; false when there is none. */
bool lab_next_line(const char **rest, struct bytes *line);
struct bytes lab_trim(struct bytes line);
/* Copies the next word of a line; false when there is none, or it is longer than the room. A word
 * in quotation marks may have spaces in it. */
bool lab_next_word(struct bytes *line, char *out, size_t room);
bool lab_is(struct bytes line, const char *text);
/* Takes `prefix` off the front; false when the line begins otherwise. */
bool lab_take(struct bytes *line, const char *prefix);

#endif
