/*
 * fuzz_http.c - any octets as the head of a request.
 *
 * Whatever the split, the outcome is the same; every slice lies in the head; a parser that was
 * given HTTP_HEAD_MAX octets has come to an end; and what was understood, written down again in its
 * plainest form, is understood as the same.
 */
#include <stdlib.h>

#include "http/http_octets.h"
#include "http/http_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

struct result {
    enum http_progress progress;
    struct http_parser parser;
};

/* Splits at lengths drawn from `seed`; 0: all at once. Each call sees a buffer of exactly that
 * size. */
static void parse(struct bytes in, uint32_t seed, struct result *out)
{
    size_t len = seed ? 0 : in.len;

    http_parser_init(&out->parser);
    out->progress = HTTP_MORE;
    for (;;) {
        if (seed) {
            seed = seed * 1664525 + 1013904223;
            len = size_min(len + 1 + (seed >> 24) % (1 + (seed >> 16) % 97), in.len);
        }
        uint8_t *exact = malloc(len ? len : 1);
        HOLDS(exact);
        if (len)
            memcpy(exact, in.at, len);
        out->progress = http_parse(&out->parser, bytes_of(exact, len));
        free(exact);
        if (len == in.len || out->progress != HTTP_MORE)
            return;
    }
}

/* Octets of a request that say something: behind them its table of fields has only room. */
static size_t said(const struct http_request *r)
{
    return offsetof(struct http_request, fields) + r->field_count * sizeof(struct http_field);
}

static bool is_inside(struct http_slice slice, size_t len)
{
    return (size_t)slice.at + slice.len <= len;
}

static void check_request(struct bytes head, const struct http_request *r)
{
    HOLDS(is_inside(r->method_name, head.len) && is_inside(r->target, head.len));
    HOLDS(is_inside(r->path, head.len) && is_inside(r->query, head.len));
    HOLDS(is_inside(r->host, head.len));
    HOLDS(r->target.len > 0 && r->target.len <= HTTP_TARGET_MAX);
    HOLDS(r->field_count <= HTTP_FIELDS_MAX);
    HOLDS(r->minor > 0 ? r->host.len > 0 : !r->chunked);
    HOLDS(!r->chunked || !r->content_length);
    HOLDS(r->content_length <= INT64_MAX);
    for (size_t i = 0; i < r->field_count; i++) {
        struct bytes name = http_slice_of(head, r->fields[i].name);
        struct bytes value = http_slice_of(head, r->fields[i].value);
        HOLDS(name.len && name.at + name.len <= head.at + head.len);
        for (size_t j = 0; j < name.len; j++)
            HOLDS(http_octet_is(name.at[j], HTTP_TCHAR));
        for (size_t j = 0; j < value.len; j++)
            HOLDS(http_octet_is(value.at[j], HTTP_VALUE));
        HOLDS(!value.len ||
              (!http_is_space(value.at[0]) && !http_is_space(value.at[value.len - 1])));
    }
}

static void write_slice(struct writer *w, struct bytes head, struct http_slice slice)
{
    struct bytes b = http_slice_of(head, slice);
    write_bytes(w, b.at, b.len);
}

/* Writes the request down again and parses that. */
static void check_round_trip(struct bytes head, const struct http_request *r)
{
    static uint8_t plain[HTTP_HEAD_MAX + 4 * HTTP_FIELDS_MAX];
    static struct result again;
    struct writer w = writer_of(plain, sizeof(plain));
    const uint8_t minor = (uint8_t)('0' + r->minor);

    write_slice(&w, head, r->method_name);
    write_bytes(&w, " ", 1);
    write_slice(&w, head, r->target);
    write_bytes(&w, " HTTP/1.", 8);
    write_bytes(&w, &minor, 1);
    write_bytes(&w, "\r\n", 2);
    for (size_t i = 0; i < r->field_count; i++) {
        write_slice(&w, head, r->fields[i].name);
        write_bytes(&w, ":", 1);
        write_slice(&w, head, r->fields[i].value);
        write_bytes(&w, "\r\n", 2);
    }
    write_bytes(&w, "\r\n", 2);
    HOLDS(!w.overrun);
    struct bytes in = bytes_of(plain, sizeof(plain) - w.left);
    parse(in, 0, &again);
    const struct http_request *a = &again.parser.request;
    HOLDS(again.progress == HTTP_COMPLETE && again.parser.at == in.len);
    HOLDS(a->method == r->method && a->minor == r->minor && a->keep_alive == r->keep_alive);
    HOLDS(a->chunked == r->chunked && a->content_length == r->content_length);
    HOLDS(a->field_count == r->field_count);
    HOLDS(bytes_equal(http_slice_of(in, a->path), http_slice_of(head, r->path)));
    HOLDS(bytes_equal(http_slice_of(in, a->host), http_slice_of(head, r->host)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct result whole, split;
    const struct bytes in = bytes_of(data, size_min(size, HTTP_HEAD_MAX + 4096));

    parse(in, 0, &whole);
    for (uint32_t seed = 1; seed <= 2; seed++) {
        parse(in, seed, &split);
        HOLDS(split.progress == whole.progress);
        HOLDS(split.parser.status == whole.parser.status);
        if (whole.progress == HTTP_COMPLETE) {
            HOLDS(split.parser.at == whole.parser.at);
            HOLDS(memcmp(&split.parser.request, &whole.parser.request,
                         said(&whole.parser.request)) == 0);
        }
    }
    if (in.len >= HTTP_HEAD_MAX)
        HOLDS(whole.progress != HTTP_MORE);
    if (whole.progress == HTTP_FAILED)
        HOLDS(whole.parser.status >= 400 && whole.parser.status <= 505);
    if (whole.progress == HTTP_COMPLETE) {
        HOLDS(whole.parser.at <= in.len && whole.parser.at <= HTTP_HEAD_MAX);
        check_request(bytes_first(in, whole.parser.at), &whole.parser.request);
        check_round_trip(in, &whole.parser.request);
    }
    return 0;
}
