/*
 * top_screen.h - a terminal, through ncurses: shows a grid, hears keys.
 *
 * ncurses is loaded when a screen is opened and not before: no other verb needs it. There is one
 * screen in a process.
 */
#ifndef TAPIO_TOOLS_TOP_SCREEN_H
#define TAPIO_TOOLS_TOP_SCREEN_H

#include "talk.h"
#include "top_grid.h"

/* Can this terminal place text? If not, `why` is a phrase. */
bool top_screen_fits(const char **why);
/* Takes over the terminal. 0, or the status to exit with and the reason. */
int top_screen_open(struct refusal *refusal);
/* Gives it back as it was; also when it was never taken. */
void top_screen_close(void);
/* Its size, now; and has it lines and arrows? */
void top_screen_size(int *rows, int *cols);
bool top_screen_is_utf8(void);
void top_screen_show(const struct grid *grid);
/* All of it is drawn anew with the next show. */
void top_screen_redraw(void);
/* The next key that was pressed, as top_keys.h has them; -1: none. */
int top_screen_key(void);

#endif
