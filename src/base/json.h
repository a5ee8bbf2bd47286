/*
 * json.h - JSON, appended piece by piece to a text (RFC 8259).
 *
 * One object of plain members, or with arrays of strings and of such objects inside:
 *
 *     struct json j = json_of(&text);
 *     json_open(&j, '{');
 *     json_add_string(&j, "verb", "ss");
 *     json_open_member(&j, "timers", '[');
 *     ...
 *     json_close(&j, ']');
 *     json_close(&j, '}');
 *
 * Commas are its own business. What does not fit is cut off as text is, and seen by text.cut: a
 * line that was cut is no JSON and must not leave. Keys are the code's own and are not escaped.
 */
#ifndef TAPIO_BASE_JSON_H
#define TAPIO_BASE_JSON_H

#include "base/text.h"

struct json {
    struct text *out;
    bool follows; /* the next member or element has one before it */
};

struct json json_of(struct text *out);

/* '{' or '['; the first of all, or an element. */
void json_open(struct json *j, char bracket);
void json_open_member(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);

void json_add_string(struct json *j, const char *key, const char *value);
/* Octets that a stranger chose: whatever is no printable ASCII is \u00XX, octet by octet. */
void json_add_octets(struct json *j, const char *key, struct bytes value);
/* Text in UTF-8, and octets that should be: what is none becomes U+FFFD. */
void json_add_text(struct json *j, const char *key, const char *value);
void json_add_utf8(struct json *j, const char *key, struct bytes value);
/* Octets as hexadecimal digits. */
void json_add_hex(struct json *j, const char *key, struct bytes value);
/* Above 2^53 a reader with floating point would round it: such numbers are strings. */
void json_add_u64(struct json *j, const char *key, uint64_t value);
void json_add_i64(struct json *j, const char *key, int64_t value);
void json_add_bool(struct json *j, const char *key, bool value);
void json_add_null(struct json *j, const char *key);
void json_add_ip(struct json *j, const char *key, struct ip_addr value);
/* An element of an array. */
void json_add_element(struct json *j, const char *value);
void json_add_element_u64(struct json *j, uint64_t value);

#endif
