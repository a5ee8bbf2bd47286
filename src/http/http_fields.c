/*
 * http_fields.c - the field lines of a message's head, octet by octet.
 *
 * A state machine over single octets that knows one form of everything and fixes nothing: CRLF ends
 * a line and nothing else does, and a field's name touches its colon (RFC 9112, 2.2 and 5.1).
 *
 *     FIELD --- NAME -:- OWS --- VALUE -CR- FIELD_LF -LF- FIELD
 *     FIELD -CR- END_LF -LF- COMPLETE
 *
 * Folded lines are the one difference between the directions (RFC 9112, 5.2): a server refuses
 * them, and a client, which cannot choose its servers, must put spaces in their place. They are put
 * into the caller's buffer, so that a value stays one slice.
 *
 * Runs of octets that keep a state are skipped in a tight loop; every other octet takes one step.
 */
#include "http/http_fields.h"

#include "http/http_octets.h"

enum state {
    FIELD, /* at the beginning of a line */
    NAME,
    OWS, /* behind the colon, before the value */
    VALUE,
    FIELD_LF, /* a field line's CR has been seen */
    END_LF,   /* the last line's CR has been seen */
    COMPLETE,
    FAILED,
};

static_assert(HTTP_HEAD_MAX <= UINT16_MAX, "a slice counts in 16 bits");

/* The value ends before the CR that was just taken; white space around it is not part of it. */
static void end_value(struct http_fields_parser *p, struct bytes head, struct http_field *field)
{
    struct http_slice value = http_slice_marked(p->mark, p->at);

    while (value.len && http_is_space(head.at[value.at + value.len - 1]))
        value.len--;
    while (value.len && http_is_space(head.at[value.at])) { /* an empty line that was folded */
        value.at++;
        value.len--;
    }
    field->value = value;
    p->count++;
    p->state = FIELD_LF;
}

/* The line that begins with the white space just taken belongs to the field before it. */
static void unfold_line(struct http_fields_parser *p, uint8_t *unfold, struct http_field *last)
{
    memset(unfold + p->at - 3, ' ', 2); /* its CRLF */
    p->count--;
    p->mark = last->value.at;
    p->state = VALUE;
}

/* One octet that did not keep its state. */
static void take_octet(struct http_fields_parser *p, struct bytes head, uint8_t *unfold,
                       struct http_field fields[HTTP_FIELDS_MAX])
{
    const uint8_t octet = head.at[p->at++];

    if (p->state == FIELD && octet == '\r') {
        p->state = END_LF;
    } else if (p->state == FIELD && http_octet_is(octet, HTTP_TCHAR)) {
        p->too_many = p->count == HTTP_FIELDS_MAX;
        p->state = p->too_many ? FAILED : NAME;
        p->mark = p->at - 1;
    } else if (p->state == FIELD && http_is_space(octet) && unfold && p->count > 0) {
        unfold_line(p, unfold, &fields[p->count - 1]);
    } else if (p->state == NAME && octet == ':') {
        fields[p->count].name = http_slice_marked(p->mark, p->at);
        p->state = OWS;
    } else if (p->state == OWS && http_octet_is(octet, HTTP_VALUE)) {
        p->state = VALUE;
        p->mark = p->at - 1;
    } else if (p->state == OWS && octet == '\r') {
        p->mark = p->at - 1; /* an empty value */
        end_value(p, head, &fields[p->count]);
    } else if (p->state == VALUE && octet == '\r') {
        end_value(p, head, &fields[p->count]);
    } else if (p->state == FIELD_LF && octet == '\n') {
        p->state = FIELD;
    } else if (p->state == END_LF && octet == '\n') {
        p->state = COMPLETE;
    } else {
        /* A bare CR or LF, a NUL or another control, white space before the first field or before a
         * colon, a folded line where none may be (RFC 9112, 2.2, 5.1 and 5.2). */
        p->state = FAILED;
    }
}

/* Skips the octets that keep the state. */
static void skip_run(struct http_fields_parser *p, struct bytes head)
{
    size_t at = p->at;

    if (p->state == OWS) {
        while (at < head.len && http_is_space(head.at[at]))
            at++;
    } else if (p->state == NAME || p->state == VALUE) {
        const uint8_t keep = p->state == NAME ? HTTP_TCHAR : HTTP_VALUE;
        while (at < head.len && http_octet_classes[head.at[at]] & keep)
            at++;
    }
    p->at = (uint32_t)at;
}

enum http_progress http_fields_parse(struct http_fields_parser *p, struct bytes head,
                                     uint8_t *unfold, struct http_field fields[HTTP_FIELDS_MAX])
{
    assert(head.len <= HTTP_HEAD_MAX);
    while (p->at < head.len && p->state < COMPLETE) {
        skip_run(p, head);
        if (p->at < head.len)
            take_octet(p, head, unfold, fields);
    }
    if (p->state == FAILED)
        return HTTP_FAILED;
    return p->state == COMPLETE ? HTTP_COMPLETE : HTTP_MORE;
}
