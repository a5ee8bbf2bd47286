/*
 * os_request.c - see os_request.h.
 *
 * The JSON is read by Jansson (ADR 0011): strict, no duplicate keys, no NUL in a string. How deep
 * it nests is bounded by the line's length, and by Jansson at 2,048; whatever nests is refused
 * after that. What leaves this file are plain members of bounded length, so nobody else here needs
 * to know a tree of JSON or who owns it.
 */
#include "os/os_request.h"

#include <jansson.h>

static bool blame(struct text *why, const char *key, const char *what)
{
    text_add_escaped(why, bytes_of(key, strlen(key)));
    text_add(why, what);
    return false;
}

static bool take(const char *key, json_t *value, struct control_field *field, struct text *why)
{
    if (strlen(key) >= sizeof field->key)
        return blame(why, key, ": no such member");
    memcpy(field->key, key, strlen(key) + 1);
    if (json_is_string(value)) {
        size_t len = json_string_length(value);
        if (len >= sizeof field->text)
            return blame(why, key, ": too long");
        field->kind = CONTROL_IS_TEXT;
        memcpy(field->text, json_string_value(value), len + 1);
    } else if (json_is_integer(value)) {
        field->kind = CONTROL_IS_NUMBER;
        field->number = json_integer_value(value);
    } else if (json_is_boolean(value)) {
        field->kind = CONTROL_IS_BOOL;
        field->number = json_is_true(value);
    } else {
        return blame(why, key, ": not a string, a whole number, true or false");
    }
    return true;
}

static bool take_all(json_t *object, struct control_request *out, struct text *why)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object)) {
        text_add(why, "not a JSON object");
        return false;
    }
    json_object_foreach(object, key, value)
    {
        if (out->count >= CONTROL_FIELDS) {
            text_add(why, "more members than any verb has");
            return false;
        }
        if (!take(key, value, &out->fields[out->count], why))
            return false;
        out->count++;
    }
    return true;
}

bool os_request_read(struct bytes line, struct control_request *out, struct text *why)
{
    json_error_t error;

    assert(line.len <= CONTROL_REQUEST);
    *out = (struct control_request){0};
    json_t *object = json_loadb((const char *)line.at, line.len, JSON_REJECT_DUPLICATES, &error);
    if (!object) {
        text_add(why, "not JSON: ");
        text_add_escaped(why, bytes_of(error.text, strlen(error.text)));
        return false;
    }
    bool good = take_all(object, out, why);
    json_decref(object);
    return good;
}
