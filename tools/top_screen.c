/*
 * top_screen.c - see top_screen.h: ncurses copies the grid to the terminal, and knows its keys.
 *
 * What a style looks like is decided here. Colours are the terminal's own and only add to what
 * attributes say, so that nothing is lost without them (NO_COLOR, vt100).
 *
 * The terminal is given back on every way out. A signal that asks us to end is the caller's to
 * hear (a descriptor, os/os_signals.h). One that ends us at once, and an assertion that fails, come
 * here first: the terminal is put back, then the signal does what it does. Ctrl-Z is ncurses' own
 * business, which does the same and draws again when we are continued.
 */
#define NCURSES_NOMACROS 1
#include "top_screen.h"

#include <curses.h>
#include <dlfcn.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>

#include "top_keys.h"

/* --- the library ---------------------------------------------------------------------------- */

/* clang-format off */
#define CURSES_CALLS(CALL) \
    CALL(setupterm) CALL(set_curterm) CALL(del_curterm) CALL(tigetstr) CALL(newterm) CALL(delscreen) CALL(endwin) CALL(cbreak) CALL(noecho) \
    CALL(keypad) CALL(nodelay) CALL(wgetch) CALL(curs_set) CALL(start_color) CALL(use_default_colors) \
    CALL(init_pair) CALL(has_colors) CALL(wmove) CALL(waddnstr) CALL(wattr_set) CALL(wrefresh) \
    CALL(clearok) CALL(resizeterm) CALL(set_escdelay)
/* clang-format on */

#define CURSES_CALL(name) __typeof__(name) *name;
static struct {
    CURSES_CALLS(CURSES_CALL)
    WINDOW **stdscr;
    SCREEN *screen; /* NULL: the terminal is as it was */
    bool colour;
} curses;
#undef CURSES_CALL

/* A function by its name; POSIX says that dlsym()'s pointer may be one. */
static bool find(void *handle, const char *name, void *call)
{
    void *symbol = dlsym(handle, name);

    memcpy(call, &symbol, sizeof symbol);
    return symbol;
}

static bool load(void)
{
    static const char *const names[] = {"libncursesw.so.6", "libncursesw.so"};
    void *handle = NULL;

    for (size_t i = 0; i < ARRAY_LEN(names) && !handle; i++)
        handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    bool whole = handle && find(handle, "stdscr", &curses.stdscr);
#define FIND(name) whole = whole && find(handle, #name, &curses.name);
    CURSES_CALLS(FIND)
#undef FIND
    return whole;
}

/* --- the terminal --------------------------------------------------------------------------- */

bool top_screen_fits(const char **why)
{
    int err;

    if (!load()) {
        *why = "ncurses cannot be loaded (install libncursesw6)";
        return false;
    }
    if (curses.setupterm(NULL, STDOUT_FILENO, &err) != OK) {
        *why = "TERM names no terminal that is known here";
        return false;
    }
    char cup[] = "cup";
    const char *place = curses.tigetstr(cup);
    *why = "this terminal cannot place text";
    const bool can = place && place != (char *)(intptr_t)-1; /* NOLINT: terminfo's way to say no */
    curses.del_curterm(curses.set_curterm(NULL));
    return can;
}

static const int fatal[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGQUIT};

static void fall(int number)
{
    if (curses.screen)
        curses.endwin();
    signal(number, SIG_DFL);
    raise(number);
}

static void set_colours(void)
{
    const char *no_color = getenv("NO_COLOR");

    curses.colour = !(no_color && *no_color) && curses.has_colors();
    if (!curses.colour)
        return;
    curses.start_color();
    curses.use_default_colors();
    curses.init_pair(STYLE_BAD, COLOR_RED, -1);
    curses.init_pair(STYLE_GOOD, COLOR_GREEN, -1);
    curses.init_pair(STYLE_NOTE, COLOR_CYAN, -1);
}

int top_screen_open(struct refusal *refusal)
{
    setlocale(LC_CTYPE, "");
    curses.screen = curses.newterm(NULL, stdout, stdin);
    if (!curses.screen)
        return refuse(refusal, EXIT_FAILURE,
                      "top: the terminal cannot be set up; is TERM right? 'tapio top | cat' prints "
                      "lines");
    curses.cbreak();
    curses.noecho();
    curses.curs_set(0);
    curses.set_escdelay(25);
    curses.keypad(*curses.stdscr, TRUE);
    curses.nodelay(*curses.stdscr, TRUE);
    set_colours();
    for (size_t i = 0; i < ARRAY_LEN(fatal); i++)
        signal(fatal[i], fall);
    return 0;
}

void top_screen_close(void)
{
    if (!curses.screen)
        return;
    curses.endwin();
    curses.delscreen(curses.screen);
    curses.screen = NULL;
}

void top_screen_size(int *rows, int *cols)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col) {
        *rows = size.ws_row;
        *cols = size.ws_col;
    } else {
        *rows = 24;
        *cols = 80;
    }
}

bool top_screen_is_utf8(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* --- showing -------------------------------------------------------------------------------- */

static attr_t attributes(uint8_t style)
{
    switch (style) {
    case STYLE_DIM:
        return A_DIM;
    case STYLE_STRONG:
        return A_BOLD;
    case STYLE_BAR:
        return A_REVERSE;
    case STYLE_LIT:
        return A_REVERSE | A_BOLD;
    case STYLE_BAD:
        return A_BOLD;
    default:
        return A_NORMAL;
    }
}

static short pair_of(uint8_t style)
{
    const bool has_own = style == STYLE_BAD || style == STYLE_GOOD || style == STYLE_NOTE;
    return curses.colour && has_own ? (short)style : 0;
}

/* As many cells of one style as follow each other. */
static int show_run(const struct grid *grid, int row, int col)
{
    char run[4 * GRID_COLS];
    const uint8_t style = grid->cell[row][col].style;
    int len = 0, end = col;

    for (; end < grid->cols && grid->cell[row][end].style == style; end++)
        len += glyph_write(grid->cell[row][end].glyph, run + len);
    curses.wattr_set(*curses.stdscr, attributes(style), pair_of(style), NULL);
    curses.wmove(*curses.stdscr, row, col);
    curses.waddnstr(*curses.stdscr, run, len);
    return end;
}

void top_screen_show(const struct grid *grid)
{
    static int rows, cols;

    if (rows != grid->rows || cols != grid->cols) {
        rows = grid->rows;
        cols = grid->cols;
        curses.resizeterm(rows, cols);
        top_screen_redraw();
    }
    for (int row = 0; row < grid->rows; row++)
        for (int col = 0; col < grid->cols;)
            col = show_run(grid, row, col);
    curses.wrefresh(*curses.stdscr);
}

void top_screen_redraw(void)
{
    curses.clearok(*curses.stdscr, TRUE);
}

/* --- keys ----------------------------------------------------------------------------------- */

int top_screen_key(void)
{
    static const int keys[][2] = {
        {KEY_UP, TOP_KEY_UP},       {KEY_DOWN, TOP_KEY_DOWN},     {KEY_LEFT, TOP_KEY_LEFT},
        {KEY_RIGHT, TOP_KEY_RIGHT}, {KEY_PPAGE, TOP_KEY_PAGE_UP}, {KEY_NPAGE, TOP_KEY_PAGE_DOWN},
    };
    const int key = curses.wgetch(*curses.stdscr);

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (keys[i][0] == key)
            return keys[i][1];
    return key == ERR ? -1 : key;
}
