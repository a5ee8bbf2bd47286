/*
 * http_body.c - see http_body.h.
 *
 * A chunk is its size in hexadecimal, extensions that nobody uses, CRLF, the octets, CRLF; one of
 * size 0 is the last, and fields may follow it (RFC 9112, 7.1). What is hard is that none of it may
 * cost without a bound: a size has at most 16 digits and stays below 2^63, which is checked before
 * it is used; the extensions of all chunks together and the trailers have a cap, or a server could
 * send for ever without sending content. Trailers are not merged into the fields (7.1.2); they are
 * checked for their form and dropped.
 *
 * What a server pads a size with is nobody's harm, and some do; in a request it is how two readers
 * come to see two chunks, so there (`strict`) the grammar is all that is taken.
 */
#include "http/http_body.h"

#include "http/http_octets.h"

enum state {
    CONTENT,      /* HTTP_BODY_LENGTH, HTTP_BODY_UNTIL_CLOSE */
    SIZE,         /* in a chunk's size */
    PADDING,      /* white space behind it */
    EXTENSION_AT, /* behind a semicolon: a name must come */
    EXTENSION,    /* within one */
    QUOTED,       /* within quotes, where a semicolon is none */
    QUOTED_PAIR,  /* there, behind a backslash */
    SIZE_LF,      /* its line's CR has been seen */
    CHUNK,        /* in its octets */
    CHUNK_CR,     /* behind them */
    CHUNK_LF,     /* ... and their CR */
    TRAILER,      /* at the beginning of a line behind the last chunk */
    TRAILER_NAME, /* within a name */
    TRAILER_LINE, /* behind its colon */
    TRAILER_LF,   /* its CR has been seen */
    END_LF,       /* the last line's CR has been seen */
    COMPLETE,
    FAILED,
};

void http_body_init(struct http_body *body, enum http_body_kind kind, uint64_t length)
{
    static const uint8_t begin[] = {
        [HTTP_BODY_NONE] = COMPLETE,
        [HTTP_BODY_LENGTH] = CONTENT,
        [HTTP_BODY_CHUNKED] = SIZE,
        [HTTP_BODY_UNTIL_CLOSE] = CONTENT,
    };

    assert(length <= INT64_MAX);
    *body = (struct http_body){.kind = kind, .state = begin[kind]};
    if (kind == HTTP_BODY_LENGTH) {
        body->left = length;
        body->state = length ? CONTENT : COMPLETE;
    }
}

static void fail(struct http_body *b, const char *why)
{
    b->state = FAILED;
    b->why = why;
}

static void size_octet(struct http_body *b, uint8_t octet)
{
    if (http_octet_is(octet, HTTP_HEX)) {
        if (++b->digits > HTTP_CHUNK_DIGITS_MAX || b->left > INT64_MAX >> 4)
            fail(b, "the size of a chunk is beyond all measure");
        else
            b->left = b->left << 4 | http_hex_value(octet);
    } else if (b->digits && octet == '\r') {
        b->state = SIZE_LF;
    } else if (b->digits && (octet == ';' || http_is_space(octet))) {
        b->state = octet == ';' ? EXTENSION_AT : PADDING;
        b->extensions++;
    } else {
        fail(b, "a chunk does not begin with its size");
    }
}

/* Behind a size and before its line's end. */
static void extension_octet(struct http_body *b, uint8_t octet)
{
    const uint8_t state = b->state;
    bool good = http_octet_is(octet, HTTP_VALUE);

    if (octet == '\r' && (state == EXTENSION || (state != EXTENSION_AT && !b->strict))) {
        b->state = SIZE_LF;
        return;
    }
    if (state == PADDING)
        good = octet == ';' || http_is_space(octet);
    else if (state == EXTENSION_AT)
        good = http_is_space(octet) || http_octet_is(octet, HTTP_TCHAR);
    if (!good)
        fail(b, "the extension of a chunk is malformed");
    else if (++b->extensions > HTTP_CHUNK_EXTENSIONS_MAX)
        fail(b, "there are more than 8192 octets of chunk extensions");
    else if (state == QUOTED || state == QUOTED_PAIR)
        b->state = state == QUOTED_PAIR ? QUOTED
                   : octet == '\\'      ? QUOTED_PAIR
                   : octet == '"'       ? EXTENSION
                                        : QUOTED;
    else if (octet == ';')
        b->state = EXTENSION_AT;
    else if (state == EXTENSION && octet == '"')
        b->state = QUOTED;
    else if (state == EXTENSION_AT && !http_is_space(octet))
        b->state = EXTENSION;
}

static void trailer_octet(struct http_body *b, uint8_t octet)
{
    const uint8_t state = b->state;

    if (++b->trailers > HTTP_TRAILERS_MAX)
        fail(b, "there are more than 32768 octets of trailers");
    else if (octet == '\r' && state != TRAILER_NAME)
        b->state = state == TRAILER ? END_LF : TRAILER_LF;
    else if (octet == ':' && state == TRAILER_NAME)
        b->state = TRAILER_LINE;
    else if (!http_octet_is(octet, state == TRAILER_LINE ? HTTP_VALUE : HTTP_TCHAR))
        fail(b, "a trailer is malformed");
    else if (state == TRAILER)
        b->state = TRAILER_NAME;
}

/* A CR or LF that must be here. */
static void expect(struct http_body *b, uint8_t octet, char wanted, enum state next)
{
    if (octet == (uint8_t)wanted)
        b->state = (uint8_t)next;
    else
        fail(b, "a line of the chunks does not end with CRLF");
}

/* One octet of the framing. */
static void framing_octet(struct http_body *b, uint8_t octet)
{
    switch ((enum state)b->state) {
    case SIZE:
        size_octet(b, octet);
        break;
    case PADDING:
    case EXTENSION_AT:
    case EXTENSION:
    case QUOTED:
    case QUOTED_PAIR:
        extension_octet(b, octet);
        break;
    case SIZE_LF:
        expect(b, octet, '\n', b->left ? CHUNK : TRAILER);
        break;
    case CHUNK_CR:
        expect(b, octet, '\r', CHUNK_LF);
        break;
    case CHUNK_LF:
        b->digits = 0;
        expect(b, octet, '\n', SIZE);
        break;
    case TRAILER:
    case TRAILER_NAME:
    case TRAILER_LINE:
        trailer_octet(b, octet);
        break;
    case TRAILER_LF:
        b->trailers++;
        expect(b, octet, '\n', TRAILER);
        break;
    case END_LF:
        expect(b, octet, '\n', COMPLETE);
        break;
    case CONTENT:
    case CHUNK:
    case COMPLETE:
    case FAILED:
        assert(false); /* these are no framing: http_body_take() */
    }
}

static enum http_progress progress(const struct http_body *b)
{
    if (b->state == FAILED)
        return HTTP_FAILED;
    return b->state == COMPLETE ? HTTP_COMPLETE : HTTP_MORE;
}

enum http_progress http_body_take(struct http_body *body, struct bytes in, size_t *used,
                                  struct bytes *content)
{
    struct http_body *b = body;
    size_t at = 0;

    *content = bytes_first(in, 0);
    while (at < in.len && b->state != CONTENT && b->state != CHUNK && b->state < COMPLETE)
        framing_octet(b, in.at[at++]);
    if (b->state == CONTENT || b->state == CHUNK) {
        *content = bytes_skip(in, at);
        if (b->kind != HTTP_BODY_UNTIL_CLOSE) {
            if (content->len > b->left)
                content->len = (size_t)b->left;
            b->left -= content->len;
            if (b->left == 0)
                b->state = b->state == CHUNK ? CHUNK_CR : COMPLETE;
        }
        at += content->len;
    }
    *used = at;
    return progress(b);
}

bool http_body_end(const struct http_body *body, uint64_t *missing)
{
    *missing = body->state == CONTENT || body->state == CHUNK ? body->left : 0;
    return body->state == COMPLETE || body->kind == HTTP_BODY_UNTIL_CLOSE;
}
