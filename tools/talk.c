/*
 * talk.c - see talk.h.
 *
 * What a user typed comes back in messages, so control characters in it are made visible: a message
 * stays one line and cannot drive a terminal.
 */
#include "talk.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WORD_MAX = 32 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

int refuse(struct refusal *refusal, int status, const char *format, ...)
{
    va_list args;

    refusal->status = status;
    va_start(args, format);
    vsnprintf(refusal->text, sizeof refusal->text, format, args);
    va_end(args);
    return status;
}

static void print_line(const char *text)
{
    char line[600] = "tapio: ";
    size_t len = strlen(line);

    for (; *text && len < sizeof line - 6; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < ' ' || c == 0x7f)
            len += (size_t)snprintf(line + len, 5, "\\x%02x", c);
        else
            line[len++] = (char)c;
    }
    line[len++] = '\n';
    /* One write: lines of several programs on one terminal do not mix. */
    ssize_t ignored = write(STDERR_FILENO, line, len);
    (void)ignored;
}

void say(const char *format, ...)
{
    char text[sizeof((struct refusal *)0)->text];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print_line(text);
}

int say_refusal(const struct refusal *refusal)
{
    print_line(refusal->text);
    return refusal->status;
}

/* The restricted Damerau-Levenshtein distance, by three rows of its table. */
size_t word_distance(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);
    size_t row[3][WORD_MAX];

    if (a_len >= WORD_MAX || b_len >= WORD_MAX)
        return SIZE_MAX;
    size_t *before = row[0], *above = row[1], *here = row[2];
    for (size_t j = 0; j <= b_len; j++)
        above[j] = before[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        here[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t change = above[j - 1] + (a[i - 1] != b[j - 1]);
            here[j] = least(change, least(above[j], here[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                here[j] = least(here[j], before[j - 2] + 1);
        }
        size_t *spare = before;
        before = above;
        above = here;
        here = spare;
    }
    return above[b_len];
}

bool word_is_near(const char *typed, const char *word)
{
    return word_distance(typed, word) <= 1 + strlen(word) / 5;
}
