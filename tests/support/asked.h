/*
 * asked.h - a request for the pure parts of the web server: fields go in as text, and are read by
 * the parser that the server has.
 */
#ifndef TAPIO_TESTS_ASKED_H
#define TAPIO_TESTS_ASKED_H

#include <check.h>
#include <stdio.h>

#include "http/http_parse.h"
#include "support/exact.h"

struct asked {
    struct http_parser parser;
    struct bytes head; /* on the heap, and ends where the value of the last field ends */
};

/* `fields` are whole lines, each with its CRLF. */
static inline void ask(struct asked *asked, const char *method, const char *fields)
{
    static char text[HTTP_HEAD_MAX];
    const int len =
        snprintf(text, sizeof(text), "%s /x HTTP/1.1\r\nHost: a\r\n%s\r\n", method, fields);

    ck_assert_int_lt(len, (int)sizeof(text));
    http_parser_init(&asked->parser);
    if (http_parse(&asked->parser, bytes_of(text, (size_t)len)) != HTTP_COMPLETE)
        ck_abort_msg("no request: %s", text);
    const struct http_request *request = &asked->parser.request;
    const struct http_slice last = request->fields[request->field_count - 1].value;
    asked->head = exact_copy(text, (size_t)last.at + last.len);
}

static inline void asked_end(struct asked *asked)
{
    exact_free(asked->head);
}

#endif
