/*
 * fuzz_http_reply.c - any octets as a response, head and content.
 *
 * Whatever the split, head and content are the same; every slice lies in the head; a parser that
 * was given HTTP_HEAD_MAX octets has come to an end; content is a part of what came, in its order.
 * The first octet says whether the response answers HEAD.
 */
#include <stdlib.h>

#include "http/http_octets.h"
#include "http/http_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

enum { INPUT_MAX = HTTP_HEAD_MAX + 8192 };

struct result {
    enum http_progress head, body;
    struct http_reply_parser parser;
    uint64_t content, missing; /* octets */
    uint64_t sum;              /* of the content, in its order */
    bool whole;
};

/* A length from 1 on, drawn from `seed`; all of it when that is 0. */
static size_t part(uint32_t *seed, size_t all)
{
    if (!*seed)
        return all;
    *seed = *seed * 1664525 + 1013904223;
    return size_min(all, 1 + (*seed >> 24) % (1 + (*seed >> 16) % 97));
}

/* The head stays where it is and is written to: that is how a client uses the parser. */
static void parse_head(struct bytes in, uint32_t *seed, bool to_head, struct result *out)
{
    static uint8_t head[INPUT_MAX];

    http_reply_parser_init(&out->parser, to_head);
    out->head = HTTP_MORE;
    for (size_t len = 0; out->head == HTTP_MORE && len < in.len;) {
        size_t more = part(seed, in.len - len);
        memcpy(head + len, in.at + len, more);
        len += more;
        out->head = http_reply_parse(&out->parser, head, len);
    }
    if (out->head != HTTP_COMPLETE)
        return;
    const struct http_reply *r = &out->parser.reply;
    const struct bytes octets = bytes_of(head, out->parser.at);
    HOLDS(octets.len <= in.len && octets.len <= HTTP_HEAD_MAX);
    HOLDS(r->status >= 100 && r->status <= 999 && r->field_count <= HTTP_FIELDS_MAX);
    HOLDS((size_t)r->reason.at + r->reason.len <= octets.len && r->content_length <= INT64_MAX);
    HOLDS(r->body != HTTP_BODY_CHUNKED || (r->minor > 0 && !r->content_length));
    HOLDS(r->body == HTTP_BODY_NONE || (!to_head && r->status >= 200 && r->status != 204));
    for (size_t i = 0; i < r->field_count; i++) {
        struct bytes name = http_slice_of(octets, r->fields[i].name);
        struct bytes value = http_slice_of(octets, r->fields[i].value);
        HOLDS(name.len && name.len == r->fields[i].name.len && value.len == r->fields[i].value.len);
        for (size_t j = 0; j < name.len; j++)
            HOLDS(http_octet_is(name.at[j], HTTP_TCHAR));
        for (size_t j = 0; j < value.len; j++)
            HOLDS(http_octet_is(value.at[j], HTTP_VALUE));
        struct http_range range;
        if (http_range_parse(value, &range) && range.satisfied)
            HOLDS(range.first <= range.last && (!range.length_known || range.last < range.length));
    }
}

static void parse_body(struct bytes in, uint32_t *seed, struct result *out)
{
    const struct http_reply *r = &out->parser.reply;
    struct http_body body;
    struct bytes content;
    size_t used;

    http_body_init(&body, r->body, r->body == HTTP_BODY_LENGTH ? r->content_length : 0);
    out->body = r->body == HTTP_BODY_NONE ? HTTP_COMPLETE : HTTP_MORE;
    for (size_t at = 0; out->body == HTTP_MORE && at < in.len; at += used) {
        struct bytes some = bytes_skip(in, at);
        some.len = part(seed, some.len);
        out->body = http_body_take(&body, some, &used, &content);
        HOLDS(used <= some.len && (used || out->body != HTTP_MORE));
        HOLDS(content.len <= used);
        HOLDS(!content.len || content.at + content.len == some.at + used);
        for (size_t i = 0; i < content.len; i++)
            out->sum = out->sum * 31 + content.at[i];
        out->content += content.len;
    }
    HOLDS(out->body != HTTP_FAILED || body.why);
    out->whole = http_body_end(&body, &out->missing);
    HOLDS(r->body != HTTP_BODY_LENGTH || out->content + out->missing == r->content_length);
}

static void parse(struct bytes in, uint32_t seed, bool to_head, struct result *out)
{
    memset(out, 0, sizeof(*out));
    parse_head(in, &seed, to_head, out);
    HOLDS(out->head != HTTP_FAILED || out->parser.why);
    if (out->head == HTTP_COMPLETE)
        parse_body(bytes_skip(in, out->parser.at), &seed, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct result whole, split;

    if (size == 0)
        return 0;
    const struct bytes in = bytes_of(data + 1, size_min(size - 1, INPUT_MAX));
    parse(in, 0, data[0] & 1, &whole);
    HOLDS(in.len < HTTP_HEAD_MAX || whole.head != HTTP_MORE);
    for (uint32_t seed = 1; seed <= 2; seed++) {
        parse(in, seed, data[0] & 1, &split);
        HOLDS(split.head == whole.head && split.parser.why == whole.parser.why);
        if (whole.head != HTTP_COMPLETE)
            continue;
        HOLDS(split.parser.at == whole.parser.at);
        HOLDS(memcmp(&split.parser.reply, &whole.parser.reply, sizeof(whole.parser.reply)) == 0);
        HOLDS(split.body == whole.body && split.content == whole.content);
        HOLDS(split.sum == whole.sum && split.whole == whole.whole);
        HOLDS(split.missing == whole.missing);
    }
    return 0;
}
