/*
 * control.c - see control.h: the table of verbs, and what they share.
 */
#include "see/control.h"

static const struct control_verb *const verbs[] = {
    &control_capture, &control_ss, &control_watch, &control_why, &control_wire,
};

const struct control_verb *control_verb_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (strcmp(verbs[i]->name, name) == 0)
            return verbs[i];
    return NULL;
}

uint64_t control_memory_cap(void)
{
    uint64_t most = 0;

    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        uint64_t octets = verbs[i]->state + verbs[i]->ring;
        octets += verbs[i]->beside ? verbs[i]->beside() : 0;
        most = octets > most ? octets : most;
    }
    return most;
}

const struct control_field *control_find(const struct control_request *request, const char *key)
{
    for (int i = 0; i < request->count; i++)
        if (strcmp(request->fields[i].key, key) == 0)
            return &request->fields[i];
    return NULL;
}

static void blame(struct text *why, const char *key, const char *what)
{
    text_add(why, key);
    text_add(why, what);
}

bool control_take_text(const struct control_request *request, const char *key, const char **out,
                       struct text *why)
{
    const struct control_field *field = control_find(request, key);

    if (!field)
        return true;
    if (field->kind != CONTROL_IS_TEXT) {
        blame(why, key, ": not a string");
        return false;
    }
    *out = field->text;
    return true;
}

bool control_take_number(const struct control_request *request, const char *key, int64_t min,
                         int64_t max, int64_t *out, struct text *why)
{
    const struct control_field *field = control_find(request, key);

    if (!field)
        return true;
    if (field->kind != CONTROL_IS_NUMBER || field->number < min || field->number > max) {
        blame(why, key, ": not a whole number from ");
        text_add_i64(why, min);
        text_add(why, " to ");
        text_add_i64(why, max);
        return false;
    }
    *out = field->number;
    return true;
}

bool control_fields_known(const struct control_verb *verb, const struct control_request *request,
                          struct text *why)
{
    for (int i = 0; i < request->count; i++) {
        const char *key = request->fields[i].key;
        bool known = strcmp(key, "schema") == 0 || strcmp(key, "verb") == 0;
        for (const char *const *field = verb->fields; *field && !known; field++)
            known = strcmp(key, *field) == 0;
        if (known)
            continue;
        text_add(why, verb->name);
        text_add(why, " knows no member ");
        text_add_escaped(why, bytes_of(key, strlen(key)));
        return false;
    }
    return true;
}

struct json control_line(struct text *line, const char *verb, int schema, const char *type)
{
    struct json j = json_of(line);

    json_open(&j, '{');
    json_add_i64(&j, "schema", schema);
    json_add_string(&j, "verb", verb);
    json_add_string(&j, "type", type);
    return j;
}
