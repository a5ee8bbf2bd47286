/*
 * fuzz_access_log.c - any octets as a request that was answered, in each format of the access log.
 *
 * The request is what the server's parser made of them, as far as it came. Whatever they are, what
 * comes out is one line of printable ASCII within its bound; that of common and combined has as
 * many quotes as it must, and none of a stranger's; that of JSON is JSON.
 */
#include <jansson.h>
#include <stdlib.h>

#include "base/addr.h"
#include "see/page/access_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static char line[ACCESS_LINE + 1];

static size_t quotes_in(const struct text *t)
{
    size_t quotes = 0;

    for (size_t i = 0; i < t->len; i++)
        quotes += t->at[i] == '"';
    return quotes;
}

static void check_line(enum access_format format, const struct http_access *access)
{
    struct text t = text_of(line, sizeof line);

    access_log_request(&t, format, access);
    HOLDS(!t.cut && t.len > 0 && t.len <= ACCESS_LINE && t.at[t.len - 1] == '\n');
    for (size_t i = 0; i + 1 < t.len; i++)
        HOLDS(t.at[i] >= ' ' && t.at[i] <= '~');
    if (format != ACCESS_JSON) {
        HOLDS(quotes_in(&t) == (format == ACCESS_COMMON ? 2 : 6));
        return;
    }
    json_t *object = json_loadb(t.at, t.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    HOLDS(json_is_object(object) && json_object_size(object) == 21);
    json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_parser parser;
    struct sock_info info = {.facts = {.id = 1, .ssthresh = UINT32_MAX}};
    size_t len = size_min(size, HTTP_HEAD_MAX);
    uint8_t *exact = malloc(len ? len : 1);

    HOLDS(exact);
    if (len)
        memcpy(exact, data, len);
    info.facts.remote.addr = ip_from_v4(0x0a090001);
    http_parser_init(&parser);
    enum http_progress progress = http_parse(&parser, bytes_of(exact, len));
    struct http_access access = {.request = &parser.request,
                                 .head = bytes_of(exact, len),
                                 .status = progress == HTTP_COMPLETE ? 200 : 400,
                                 .content = len,
                                 .begun_ns = (int64_t)len * 1234567891,
                                 .info = &info};
    for (int format = ACCESS_COMMON; format <= ACCESS_JSON; format++)
        check_line((enum access_format)format, &access);
    free(exact);
    return 0;
}
