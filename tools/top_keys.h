/*
 * top_keys.h - what a key does to what the watcher has chosen. Pure: what it asks of the stack is
 * handed back as text.
 */
#ifndef TAPIO_TOOLS_TOP_KEYS_H
#define TAPIO_TOOLS_TOP_KEYS_H

#include "top_view.h"

/* Keys that are no characters. */
enum {
    TOP_KEY_UP = 0x110000,
    TOP_KEY_DOWN,
    TOP_KEY_LEFT,
    TOP_KEY_RIGHT,
    TOP_KEY_PAGE_UP,
    TOP_KEY_PAGE_DOWN,
    TOP_KEY_REDRAW,
};

enum top_wish {
    TOP_WISH_NONE,   /* nothing but to be drawn again */
    TOP_WISH_QUIT,   /* enough seen */
    TOP_WISH_WIRE,   /* `spec` is to be set, in the words of --impair */
    TOP_WISH_REDRAW, /* all of the screen, for somebody has written over it */
};

enum top_wish top_press(struct top_choice *choice, struct top_model *model, int key,
                        struct text *spec);

#endif
