/*
 * lab_words.c - see lab_words.h.
 */
#include "sim/lab_words.h"

#include <string.h>

bool lab_next_line(const char **rest, struct bytes *line)
{
    if (!**rest)
        return false;
    const char *end = strchr(*rest, '\n');
    size_t len = end ? (size_t)(end - *rest) : strlen(*rest);

    *line = bytes_of(*rest, len);
    *rest += len + (end != NULL);
    return true;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

struct bytes lab_trim(struct bytes line)
{
    while (line.len > 0 && is_blank(line.at[0]))
        line = bytes_skip(line, 1);
    while (line.len > 0 && is_blank(line.at[line.len - 1]))
        line.len--;
    return line;
}

bool lab_next_word(struct bytes *line, char *out, size_t room)
{
    size_t len = 0;

    *line = lab_trim(*line);
    if (line->len == 0)
        return false;
    bool quoted = line->at[0] == '"';
    struct bytes rest = bytes_skip(*line, quoted);
    while (len < rest.len && (quoted ? rest.at[len] != '"' : !is_blank(rest.at[len])))
        len++;
    if (len >= room || (quoted && len == rest.len))
        return false;
    memcpy(out, rest.at, len);
    out[len] = '\0';
    *line = lab_trim(bytes_skip(rest, len + quoted));
    return true;
}

bool lab_is(struct bytes line, const char *text)
{
    return line.len == strlen(text) && (line.len == 0 || memcmp(line.at, text, line.len) == 0);
}

bool lab_take(struct bytes *line, const char *prefix)
{
    size_t len = strlen(prefix);

    if (line->len < len || memcmp(line->at, prefix, len) != 0)
        return false;
    *line = bytes_skip(*line, len);
    return true;
}
