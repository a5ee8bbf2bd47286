/*
 * http_parse.c - the head of an HTTP/1.x request, octet by octet.
 *
 * What is hard: octets come in any split, and whoever reads them a little differently than the next
 * program in the chain opens a door (RFC 9112, 11.2). So this is a state machine over single octets
 * that knows one form of everything and fixes nothing: CRLF ends a line and nothing else does, one
 * SP stands between the parts of the request line, a field's name touches its colon, and lines are
 * never folded. What is allowed to be tolerated but need not be (RFC 9112, 2.2 and 3) is refused.
 *
 *     START --- METHOD -SP- TARGET -SP- VERSION -CR- REQUEST_LF -LF- FIELDS (http_fields.c)
 *
 * Runs of octets that keep a state are skipped in a tight loop; every other octet takes one step.
 * Limits are checked after each run, so a part that is too long is refused when its first octet too
 * many comes, before anything is kept of it.
 *
 * Left out: HTTP/0.9 (a request line without a version is refused), and content, which is the
 * server's affair; what the request means is judged in http_request.c.
 */
#include "http/http_parse.h"

#include "http/http_octets.h"
#include "http/http_request.h"

enum state {
    START,    /* before the request line */
    START_LF, /* in an empty line before it */
    METHOD,
    TARGET,
    VERSION,
    REQUEST_LF, /* the request line's CR has been seen */
    FIELDS,     /* everything behind it: http_fields.c */
    COMPLETE,
    FAILED,
};

static_assert(HTTP_TARGET_MAX + HTTP_METHOD_LONGEST < HTTP_HEAD_MAX, "414 comes before 431");

void http_parser_init(struct http_parser *parser)
{
    memset(parser, 0, offsetof(struct http_parser, request.fields));
    parser->state = START;
}

static void fail(struct http_parser *p, int status)
{
    p->state = FAILED;
    p->status = (uint16_t)status;
}

/* From the mark up to, and without, the octet that was just taken. */
static struct http_slice marked(const struct http_parser *p)
{
    return http_slice_marked(p->mark, p->at);
}

/* A part begins behind the octet that was just taken. */
static void begin(struct http_parser *p, enum state state)
{
    p->state = (uint8_t)state;
    p->mark = p->at;
}

static void begin_fields(struct http_parser *p)
{
    p->state = FIELDS;
    p->fields = (struct http_fields_parser){.at = p->at};
}

/* "HTTP/" DIGIT "." DIGIT CR, in exactly these octets (RFC 9112, 2.3). */
static void version_octet(struct http_parser *p, uint8_t octet)
{
    static const char form[] = "HTTP/d.d\r";
    size_t i = p->at - 1 - p->mark;
    bool fits = form[i] == 'd' ? http_is_digit(octet) : octet == (uint8_t)form[i];

    if (!fits) {
        fail(p, 400);
        return;
    }
    if (i == 5)
        p->major = (uint8_t)(octet - '0');
    if (i == 7)
        p->request.minor = (uint8_t)(octet - '0');
    if (octet == '\r')
        p->state = REQUEST_LF;
}

/* What nearly all requests say in one piece; any other version goes octet by octet. */
static void skip_usual_version(struct http_parser *p, struct bytes head)
{
    static const char usual[] = "HTTP/1.1\r\n";
    const size_t len = sizeof(usual) - 1;

    if (head.len - p->at < len || memcmp(head.at + p->at, usual, len) != 0)
        return;
    p->at += (uint32_t)len;
    p->major = p->request.minor = 1;
    begin_fields(p);
}

/* One octet of the request line or of the empty lines before it, that did not keep its state. */
static void request_line_octet(struct http_parser *p, struct bytes head, uint8_t octet)
{
    if (p->state == START && octet == '\r') {
        p->state = START_LF;
    } else if (p->state == START && http_octet_is(octet, HTTP_TCHAR)) {
        p->state = METHOD;
        p->mark = p->at - 1;
    } else if (p->state == START_LF && octet == '\n' && p->blank_lines < HTTP_BLANK_LINES_MAX) {
        p->blank_lines++; /* some clients send a CRLF too many (RFC 9112, 2.2) */
        p->state = START;
    } else if (p->state == METHOD && octet == ' ') {
        p->request.method_name = marked(p);
        p->request.method = http_method_of(http_slice_of(head, p->request.method_name));
        begin(p, TARGET);
    } else if (p->state == TARGET && octet == ' ' && marked(p).len > 0) {
        p->request.target = marked(p);
        begin(p, VERSION);
        skip_usual_version(p, head);
    } else if (p->state == VERSION) {
        version_octet(p, octet);
    } else if (p->state == REQUEST_LF && octet == '\n') {
        if (p->major != 1)
            fail(p, 505);
        else
            begin_fields(p);
    } else {
        fail(p, 400);
    }
}

/* The field lines and the empty line behind them. */
static void parse_fields(struct http_parser *p, struct bytes head)
{
    enum http_progress progress = http_fields_parse(&p->fields, head, NULL, p->request.fields);

    p->at = p->fields.at;
    p->request.field_count = p->fields.count;
    if (progress == HTTP_FAILED)
        fail(p, p->fields.too_many ? 431 : 400);
    else if (progress == HTTP_COMPLETE)
        p->state = COMPLETE;
}

/* Skips the octets that keep the state. */
static void skip_run(struct http_parser *p, struct bytes head)
{
    static const uint8_t classes[] = {
        [METHOD] = HTTP_TCHAR,
        [TARGET] = HTTP_TARGET,
        [FAILED] = 0,
    };
    const uint8_t keep = classes[p->state];
    size_t at = p->at;

    if (keep) {
        while (at < head.len && http_octet_classes[head.at[at]] & keep)
            at++;
    }
    p->at = (uint32_t)at;

    size_t len = p->at - p->mark;
    if (p->state == METHOD && len > HTTP_METHOD_LONGEST)
        fail(p, 501); /* longer than any that we implement (RFC 9112, 3) */
    if (p->state == TARGET && len > HTTP_TARGET_MAX)
        fail(p, 414);
}

enum http_progress http_parse(struct http_parser *parser, struct bytes head)
{
    struct http_parser *p = parser;

    if (p->state == COMPLETE)
        return HTTP_COMPLETE;
    head = bytes_first(head, HTTP_HEAD_MAX);
    while (p->at < head.len && p->state < FIELDS) {
        skip_run(p, head);
        if (p->at == head.len || p->state == FAILED)
            break;
        uint8_t octet = head.at[p->at++];
        request_line_octet(p, head, octet);
    }
    if (p->state == FIELDS)
        parse_fields(p, head);
    if (p->state == COMPLETE) {
        int status = http_request_judge(&p->request, head);
        if (status)
            fail(p, status);
    } else if (p->state != FAILED && p->at == HTTP_HEAD_MAX) {
        fail(p, 431);
    }
    if (p->state == FAILED)
        return HTTP_FAILED;
    return p->state == COMPLETE ? HTTP_COMPLETE : HTTP_MORE;
}
