/*
 * lab_paper.c - see lab_paper.h.
 */
#include "sim/lab_paper.h"

#include <string.h>

#include "sim/lab_words.h"

size_t lab_character(struct bytes text)
{
    uint8_t c = text.len ? text.at[0] : 0;
    size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    return size_min(len, text.len);
}

/* Hangul, CJK and their full-width signs; what else we write is narrow. */
static unsigned character_columns(struct bytes c)
{
    if (c.len != 3)
        return c.len == 4 ? 2 : 1;
    uint32_t point = (c.at[0] & 0x0fu) << 12 | (c.at[1] & 0x3fu) << 6 | (c.at[2] & 0x3fu);
    bool wide = (point >= 0x1100 && point < 0x1160) || (point >= 0x2e80 && point < 0xa4d0) ||
                (point >= 0xac00 && point < 0xd7b0) || (point >= 0xf900 && point < 0xfb00) ||
                (point >= 0xff00 && point < 0xff61);
    return wide ? 2 : 1;
}

unsigned lab_columns(struct bytes text)
{
    unsigned columns = 0;

    while (text.len > 0) {
        size_t len = lab_character(text);
        columns += character_columns(bytes_first(text, len));
        text = bytes_skip(text, len);
    }
    return columns;
}

struct bytes lab_fold_next(struct bytes *text, unsigned columns)
{
    struct bytes rest = *text = lab_trim(*text);
    size_t good = 0; /* octets up to the last blank that fits */
    unsigned used = 0;

    while (rest.len > 0) {
        size_t len = lab_character(rest);
        used += character_columns(bytes_first(rest, len));
        if (used > columns)
            break;
        if (rest.at[0] == ' ')
            good = text->len - rest.len;
        rest = bytes_skip(rest, len);
    }
    if (rest.len == 0)
        good = text->len;
    else if (rest.at[0] == ' ' || good == 0) /* it fits, or is a word without a blank: cut it */
        good = text->len - rest.len;
    if (good == 0)
        good = lab_character(*text);
    struct bytes line = lab_trim(bytes_first(*text, good));
    *text = lab_trim(bytes_skip(*text, good));
    return line;
}

static const char *const styles[] = {
    [LAB_PLAIN] = "",         [LAB_BOLD] = "\033[1m",    [LAB_DIM] = "\033[2m",
    [LAB_NOTE] = "\033[32m",  [LAB_CALLED] = "\033[36m", [LAB_LOST] = "\033[31m",
    [LAB_AGAIN] = "\033[33m",
};

void lab_style_on(const struct lab_paper *paper, struct text *t, enum lab_style style)
{
    if (paper->color)
        text_add(t, styles[style]);
}

void lab_style_off(const struct lab_paper *paper, struct text *t, enum lab_style style)
{
    if (paper->color && style != LAB_PLAIN)
        text_add(t, "\033[0m");
}

void lab_print(struct lab_paper *paper, const char *text, enum lab_style style)
{
    char buffer[LAB_PRINT];
    struct text t = text_of(buffer, sizeof buffer);

    lab_style_on(paper, &t, style);
    text_add(&t, text);
    lab_style_off(paper, &t, style);
    paper->line(paper, buffer);
}

static void add_bytes(struct text *t, struct bytes b)
{
    for (size_t i = 0; i < b.len; i++)
        text_add_char(t, (char)b.at[i]);
}

void lab_fold(struct lab_paper *paper, struct bytes text, const char *first, const char *next,
              enum lab_style style)
{
    const char *front = first;

    do {
        char buffer[LAB_PRINT];
        struct text t = text_of(buffer, sizeof buffer);
        unsigned used = lab_columns(bytes_of(front, strlen(front)));
        text_add(&t, front);
        lab_style_on(paper, &t, style);
        add_bytes(&t, lab_fold_next(&text, paper->width - used));
        lab_style_off(paper, &t, style);
        paper->line(paper, buffer);
        front = next;
    } while (text.len > 0);
}

void lab_say(const struct lab_paper *paper, struct text *t, const char *key)
{
    const char *rest = paper->words;
    size_t len = strlen(key);
    struct bytes line;

    while (lab_next_line(&rest, &line)) {
        if (line.len <= len || memcmp(line.at, key, len) != 0 || line.at[len] != '\t')
            continue;
        line = bytes_skip(line, len + 1);
        for (int language = paper->language; language > 0; language--) {
            const uint8_t *tab = memchr(line.at, '\t', line.len);
            if (tab)
                line = bytes_skip(line, (size_t)(tab + 1 - line.at));
        }
        const uint8_t *end = memchr(line.at, '\t', line.len);
        add_bytes(t, end ? bytes_first(line, (size_t)(end - line.at)) : line);
        return;
    }
    text_add(t, key);
}
