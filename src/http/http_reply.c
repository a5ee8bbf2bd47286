/*
 * http_reply.c - the head of a response, octet by octet.
 *
 * A client is as strict as a server wherever leniency would let two programs see two different
 * messages: CRLF ends a line and nothing else, the version has one form, and framing that can be
 * read in two ways is an error (RFC 9112, 6.3 and 11.1), because whoever shares this connection
 * would read the next response from the wrong octet on. Two things are taken that a server would
 * not be sent: folded lines (5.2 obliges a client) and a status line that ends right behind its
 * code, which many servers write and nobody can misunderstand.
 *
 *     VERSION -SP- CODE --- SP? REASON -CR- STATUS_LF -LF- FIELDS (http_fields.c)
 *
 * Left out: HTTP/0.9, and what a status means, which is the client's affair.
 */
#include "http/http_reply.h"

#include "http/http_framing.h"
#include "http/http_octets.h"

enum state { VERSION, CODE, BEHIND_CODE, REASON, STATUS_LF, FIELDS, COMPLETE, FAILED };

void http_reply_parser_init(struct http_reply_parser *parser, bool to_head)
{
    *parser = (struct http_reply_parser){.state = VERSION, .to_head = to_head};
}

static void fail(struct http_reply_parser *p, const char *why)
{
    p->state = FAILED;
    p->why = why;
}

/* "HTTP/" DIGIT "." DIGIT SP, in exactly these octets (RFC 9112, 2.3). */
static void version_octet(struct http_reply_parser *p, uint8_t octet)
{
    static const char form[] = "HTTP/1.d ";
    const size_t i = p->at - 1;

    if (i == 5 && http_is_digit(octet) && octet != '1') {
        fail(p, "it is of another version than HTTP/1");
    } else if (form[i] == 'd' ? !http_is_digit(octet) : octet != (uint8_t)form[i]) {
        fail(p, "it does not begin as HTTP does");
    } else if (form[i] == 'd') {
        p->reply.minor = (uint8_t)(octet - '0');
    } else if (form[i] == ' ') {
        p->state = CODE;
        p->mark = p->at;
    }
}

static void code_octet(struct http_reply_parser *p, uint8_t octet)
{
    if (!http_is_digit(octet)) {
        fail(p, "its status is not a number of three digits");
        return;
    }
    p->reply.status = (uint16_t)(p->reply.status * 10 + (octet - '0'));
    if (p->at - p->mark < 3)
        return;
    if (p->reply.status < 100)
        fail(p, "its status is below 100");
    else
        p->state = BEHIND_CODE;
}

static void status_line_octet(struct http_reply_parser *p, uint8_t octet)
{
    if (p->state == VERSION) {
        version_octet(p, octet);
    } else if (p->state == CODE) {
        code_octet(p, octet);
    } else if (p->state == BEHIND_CODE && octet == ' ') {
        p->state = REASON;
        p->mark = p->at;
    } else if (p->state == BEHIND_CODE && octet == '\r') {
        p->state = STATUS_LF;
    } else if (p->state == REASON && http_octet_is(octet, HTTP_VALUE)) {
        return;
    } else if (p->state == REASON && octet == '\r') {
        p->reply.reason = http_slice_marked(p->mark, p->at);
        p->state = STATUS_LF;
    } else if (p->state == STATUS_LF && octet == '\n') {
        p->state = FIELDS;
        p->fields = (struct http_fields_parser){.at = p->at};
    } else {
        fail(p, "its status line is malformed");
    }
}

/* --- what the fields say ------------------------------------------------------------------ */

static bool has_no_content(const struct http_reply_parser *p)
{
    const int status = p->reply.status;
    return p->to_head || status < 200 || status == 204 || status == 304;
}

/* How the content is framed, in the order of RFC 9112, 6.3. NULL, or what is wrong. */
static const char *judge_framing(struct http_reply_parser *p, const struct http_framing *framing)
{
    struct http_reply *reply = &p->reply;

    if (framing->length_is_bad)
        return "its Content-Length is not one number";
    if (framing->coding && framing->lengths)
        return "it has both a Content-Length and a Transfer-Encoding";
    if (framing->coding && reply->minor == 0)
        return "it is of HTTP/1.0, which has no Transfer-Encoding";
    reply->content_length = framing->length;
    if (has_no_content(p)) {
        reply->body = HTTP_BODY_NONE;
        return NULL;
    }
    if (framing->coding) {
        if (framing->other_coding || framing->chunked != 1)
            return "it has a Transfer-Encoding that nobody asked for";
        reply->body = HTTP_BODY_CHUNKED;
    } else {
        reply->body = framing->lengths ? HTTP_BODY_LENGTH : HTTP_BODY_UNTIL_CLOSE;
    }
    return NULL;
}

static void judge(struct http_reply_parser *p, struct bytes head)
{
    struct http_reply *reply = &p->reply;
    struct http_framing framing = {0};

    for (size_t i = 0; i < reply->field_count; i++)
        http_framing_note(&framing, http_slice_of(head, reply->fields[i].name),
                          http_slice_of(head, reply->fields[i].value));
    const char *why = judge_framing(p, &framing);
    if (why)
        fail(p, why);
    reply->keep_alive =
        http_framing_persists(&framing, reply->minor) && reply->body != HTTP_BODY_UNTIL_CLOSE;
}

static void parse_fields(struct http_reply_parser *p, uint8_t *head, size_t len)
{
    const struct bytes octets = bytes_of(head, len);
    enum http_progress progress = http_fields_parse(&p->fields, octets, head, p->reply.fields);

    p->at = p->fields.at;
    p->reply.field_count = p->fields.count;
    if (progress == HTTP_FAILED) {
        fail(p, p->fields.too_many ? "it has more than 100 fields" : "a field of it is malformed");
    } else if (progress == HTTP_COMPLETE) {
        p->state = COMPLETE;
        judge(p, octets);
    }
}

enum http_progress http_reply_parse(struct http_reply_parser *parser, uint8_t *head, size_t len)
{
    struct http_reply_parser *p = parser;

    if (p->state == COMPLETE)
        return HTTP_COMPLETE;
    len = size_min(len, HTTP_HEAD_MAX);
    while (p->at < len && p->state < FIELDS) {
        uint8_t octet = head[p->at++];
        status_line_octet(p, octet);
    }
    if (p->state == FIELDS)
        parse_fields(p, head, len);
    if (p->state < COMPLETE && p->at == HTTP_HEAD_MAX)
        fail(p, "its head is longer than 32768 octets");
    if (p->state == FAILED)
        return HTTP_FAILED;
    return p->state == COMPLETE ? HTTP_COMPLETE : HTTP_MORE;
}

bool http_reply_field(const struct http_reply *reply, struct bytes head, const char *name,
                      struct bytes *value)
{
    int found = 0;

    for (size_t i = 0; i < reply->field_count; i++)
        if (http_equals(http_slice_of(head, reply->fields[i].name), name)) {
            *value = http_slice_of(head, reply->fields[i].value);
            found++;
        }
    return found == 1;
}

/* --- Content-Range ------------------------------------------------------------------------ */

/* The digits up to `end`, which must be there, or up to the end with '\0'; `*rest` is behind it. */
static bool number_until(struct bytes *rest, char end, uint64_t *out)
{
    size_t len = 0;

    while (len < rest->len && http_is_digit(rest->at[len]))
        len++;
    if (end ? len == rest->len || rest->at[len] != (uint8_t)end : len < rest->len)
        return false;
    bool good = http_length_parse(bytes_first(*rest, len), out);
    *rest = bytes_skip(*rest, len + 1);
    return good;
}

bool http_range_parse(struct bytes value, struct http_range *out)
{
    *out = (struct http_range){0};
    if (!http_equals(bytes_first(value, 6), "bytes "))
        return false;
    struct bytes rest = bytes_skip(value, 6);
    if (rest.len > 1 && rest.at[0] == '*' && rest.at[1] == '/') {
        rest = bytes_skip(rest, 2);
    } else {
        out->satisfied = true;
        if (!number_until(&rest, '-', &out->first) || !number_until(&rest, '/', &out->last) ||
            out->first > out->last)
            return false;
        if (rest.len == 1 && rest.at[0] == '*')
            return true;
    }
    out->length_known = true;
    return number_until(&rest, '\0', &out->length) && (!out->satisfied || out->last < out->length);
}
