/*
 * top_screen_not.c - `tapio top` in a build without ncurses: it prints lines.
 */
#include "top_screen.h"

#include <stdlib.h>

bool top_screen_fits(const char **why)
{
    *why = "this was built without ncurses (install libncurses-dev and build again)";
    return false;
}

/* Nobody calls the rest when the terminal does not fit. */

int top_screen_open(struct refusal *refusal)
{
    return refuse(refusal, EXIT_FAILURE, "top: this was built without ncurses");
}

void top_screen_close(void)
{
}

void top_screen_size(int *rows, int *cols)
{
    *rows = *cols = 0;
}

bool top_screen_is_utf8(void)
{
    return false;
}

void top_screen_show(const struct grid *grid)
{
    (void)grid;
}

void top_screen_redraw(void)
{
}

int top_screen_key(void)
{
    return -1;
}
