/*
 * fuzz_url.c - any octets as a URL, and as a reference seen from one.
 *
 * What was understood holds nothing that a request must not hold, and its target, as a URL again,
 * is understood as the same. The first octet says where the input is cut into URL and reference.
 */
#include <stdlib.h>

#include "http/http_octets.h"
#include "http/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static void check(const struct url *url)
{
    static struct url again;
    static char text[URL_HOST_TEXT + URL_TARGET_MAX];
    struct writer w = writer_of(text, sizeof(text));
    const char *why;

    HOLDS(url->host[0] && strlen(url->host) <= URL_HOST_MAX && url->port != 0);
    HOLDS(url->target_len == strlen(url->target) && url->target_len <= URL_TARGET_MAX);
    HOLDS(url->target[0] == '/');
    for (size_t i = 0; i < url->target_len; i++)
        HOLDS(http_octet_is((uint8_t)url->target[i], HTTP_TARGET));
    url_write_host(&w, url);
    for (const char *p = text; p < (const char *)w.at; p++)
        HOLDS(http_octet_is((uint8_t)*p, HTTP_REG_NAME) || strchr("[]:", *p));
    write_bytes(&w, url->target, url->target_len);
    HOLDS(!w.overrun);
    const size_t len = sizeof(text) - w.left;
    if (len > URL_MAX)
        return;
    HOLDS(url_parse(bytes_of(text, len), &again, &why) == 0);
    HOLDS(again.port == url->port && strcmp(again.host, url->host) == 0);
    HOLDS(again.target_len == url->target_len && strcmp(again.target, url->target) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct url url, other;
    const char *why = NULL;

    if (size == 0)
        return 0;
    const struct bytes all = bytes_of(data + 1, size - 1);
    const size_t cut = size_min(data[0], all.len);
    if (url_parse(bytes_first(all, cut), &url, &why)) {
        HOLDS(why);
        return 0;
    }
    check(&url);
    why = NULL;
    if (url_resolve(&url, bytes_skip(all, cut), &other, &why))
        HOLDS(why);
    else
        check(&other);
    return 0;
}
