/*
 * drill_shell.h - the words of a shell's commands, as far as scripts for networks use them.
 */
#ifndef TAPIO_SIM_DRILL_SHELL_H
#define TAPIO_SIM_DRILL_SHELL_H

#include "base/base.h"

enum { DRILL_SHELL_WORDS = 64, DRILL_SHELL_ROOM = 4096 };

enum drill_shell_end {
    DRILL_SHELL_DONE, /* a newline, ';' or the end of the text */
    DRILL_SHELL_AND,  /* && */
    DRILL_SHELL_OR,   /* || */
};

/* One command. Quotes are gone from the words, $((2*3)) is 6; a word with another expansion stays
 * as it is and is marked. */
struct drill_shell_command {
    struct bytes text; /* as written */
    uint32_t line;
    const char *words[DRILL_SHELL_WORDS];
    bool expands[DRILL_SHELL_WORDS];
    uint32_t count;
    const char *target; /* where its output goes; NULL: nowhere else */
    bool is_strange;    /* more than words: pipes, jobs, input, groups, or too long */
    enum drill_shell_end end;
    char room[DRILL_SHELL_ROOM]; /* the words' octets */
    size_t used;
};

struct drill_shell {
    const char *at;
    uint32_t line;
};

void drill_shell_init(struct drill_shell *shell, const char *text);
/* The next command that has words; false at the end. */
bool drill_shell_next(struct drill_shell *shell, struct drill_shell_command *out);

#endif
