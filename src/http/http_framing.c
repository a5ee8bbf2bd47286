/*
 * http_framing.c - see http_framing.h.
 *
 * Nothing is judged here: a Content-Length beside a Transfer-Encoding is a mistake in both
 * directions, but what follows from it is not the same.
 */
#include "http/http_framing.h"

#include "http/http_octets.h"

bool http_length_parse(struct bytes value, uint64_t *out)
{
    uint64_t length = 0;

    for (size_t i = 0; i < value.len; i++) {
        if (!http_is_digit(value.at[i]))
            return false;
        uint64_t digit = (uint64_t)(value.at[i] - '0');
        if (length > (INT64_MAX - digit) / 10)
            return false;
        length = length * 10 + digit;
    }
    *out = length;
    return value.len > 0;
}

static void note_codings(struct http_framing *framing, struct bytes list)
{
    struct bytes member;

    framing->coding = true;
    while (http_next_member(&list, &member)) {
        framing->chunked_last = http_equals(member, "chunked");
        if (framing->chunked_last)
            framing->chunked++;
        else
            framing->other_coding = true;
    }
}

static void note_connection(struct http_framing *framing, struct bytes list)
{
    struct bytes member;

    while (http_next_member(&list, &member)) {
        framing->close |= http_equals(member, "close");
        framing->keep_alive |= http_equals(member, "keep-alive");
    }
}

bool http_framing_note(struct http_framing *framing, struct bytes name, struct bytes value)
{
    if (http_equals(name, "content-length")) {
        if (framing->lengths++ || !http_length_parse(value, &framing->length))
            framing->length_is_bad = true;
    } else if (http_equals(name, "transfer-encoding")) {
        note_codings(framing, value);
    } else if (http_equals(name, "connection")) {
        note_connection(framing, value);
    } else {
        return false;
    }
    return true;
}
