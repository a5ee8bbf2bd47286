/*
 * json.c - see json.h.
 */
#include "base/json.h"

#define EXACT_MAX (UINT64_C(1) << 53) /* up to here every whole number is a double, too */

struct json json_of(struct text *out)
{
    return (struct json){.out = out};
}

static void comma(struct json *j)
{
    if (j->follows)
        text_add_char(j->out, ',');
    j->follows = true;
}

static void quote(struct json *j, struct bytes octets)
{
    text_add_char(j->out, '"');
    for (size_t i = 0; i < octets.len; i++) {
        uint8_t c = octets.at[i];
        if (c == '"' || c == '\\') {
            text_add_char(j->out, '\\');
            text_add_char(j->out, (char)c);
        } else if (c < ' ' || c > '~') {
            text_add(j->out, "\\u");
            text_add_hex(j->out, c, 4);
        } else {
            text_add_char(j->out, (char)c);
        }
    }
    text_add_char(j->out, '"');
}

static void quote_utf8(struct json *j, struct bytes b)
{
    struct text *out = j->out;

    text_add_char(out, '"');
    while (b.len > 0) {
        size_t len = utf8_len(b);
        if (len == 0) {
            text_add(out, "\\ufffd");
            len = 1;
        } else if (b.at[0] == '"' || b.at[0] == '\\') {
            text_add_char(out, '\\');
            text_add_char(out, (char)b.at[0]);
        } else if (b.at[0] < 0x20 || b.at[0] == 0x7f) {
            text_add(out, "\\u");
            text_add_hex(out, b.at[0], 4);
        } else if (b.at[0] == 0xc2 && b.at[1] < 0xa0) { /* C1: a terminal may obey it */
            text_add(out, "\\u");
            text_add_hex(out, b.at[1], 4);
        } else {
            for (size_t i = 0; i < len; i++)
                text_add_char(out, (char)b.at[i]);
        }
        b = bytes_skip(b, len);
    }
    text_add_char(out, '"');
}

static void key_of(struct json *j, const char *key)
{
    comma(j);
    text_add_char(j->out, '"');
    text_add(j->out, key);
    text_add(j->out, "\":");
}

void json_open(struct json *j, char bracket)
{
    comma(j);
    text_add_char(j->out, bracket);
    j->follows = false;
}

void json_open_member(struct json *j, const char *key, char bracket)
{
    key_of(j, key);
    text_add_char(j->out, bracket);
    j->follows = false;
}

void json_close(struct json *j, char bracket)
{
    text_add_char(j->out, bracket);
    j->follows = true;
}

void json_add_string(struct json *j, const char *key, const char *value)
{
    json_add_octets(j, key, bytes_of(value, strlen(value)));
}

void json_add_octets(struct json *j, const char *key, struct bytes value)
{
    key_of(j, key);
    quote(j, value);
}

void json_add_text(struct json *j, const char *key, const char *value)
{
    json_add_utf8(j, key, bytes_of(value, strlen(value)));
}

void json_add_utf8(struct json *j, const char *key, struct bytes value)
{
    key_of(j, key);
    quote_utf8(j, value);
}

void json_add_hex(struct json *j, const char *key, struct bytes value)
{
    key_of(j, key);
    text_add_char(j->out, '"');
    for (size_t i = 0; i < value.len; i++)
        text_add_hex(j->out, value.at[i], 2);
    text_add_char(j->out, '"');
}

void json_add_u64(struct json *j, const char *key, uint64_t value)
{
    const char *mark = value > EXACT_MAX ? "\"" : "";

    key_of(j, key);
    text_add(j->out, mark);
    text_add_u64(j->out, value);
    text_add(j->out, mark);
}

void json_add_i64(struct json *j, const char *key, int64_t value)
{
    bool exact = value <= (int64_t)EXACT_MAX && value >= -(int64_t)EXACT_MAX;

    key_of(j, key);
    text_add(j->out, exact ? "" : "\"");
    text_add_i64(j->out, value);
    text_add(j->out, exact ? "" : "\"");
}

void json_add_bool(struct json *j, const char *key, bool value)
{
    key_of(j, key);
    text_add(j->out, value ? "true" : "false");
}

void json_add_null(struct json *j, const char *key)
{
    key_of(j, key);
    text_add(j->out, "null");
}

void json_add_ip(struct json *j, const char *key, struct ip_addr value)
{
    key_of(j, key);
    text_add_char(j->out, '"');
    text_add_ip(j->out, value);
    text_add_char(j->out, '"');
}

void json_add_element(struct json *j, const char *value)
{
    comma(j);
    quote(j, bytes_of(value, strlen(value)));
}

void json_add_element_u64(struct json *j, uint64_t value)
{
    const bool exact = value <= EXACT_MAX;

    comma(j);
    text_add(j->out, exact ? "" : "\"");
    text_add_u64(j->out, value);
    text_add(j->out, exact ? "" : "\"");
}
