/*
 * live_guard.c - who may ask the live page.
 *
 * Two tricks let a stranger's web page speak through the browser of somebody who can reach us. It
 * can send a POST anywhere, without seeing the answer: browsers tell in Origin whose page it is
 * that asks, and we take it only from our own. And it can make its own name lead to our address, so
 * that the browser takes us for the stranger's server: then Host still has that name. An address
 * cannot be made to lead elsewhere, so addresses and "localhost" are all that is taken.
 */
#include <tapio/tapio.h>

#include "http/http_octets.h"
#include "http/http_request.h"
#include "see/page/live_inside.h"

enum { HOST_ROOM = 64 };

/* The host of "host", "host:port", "[address]" and "[address]:port". */
static struct bytes without_port(struct bytes authority)
{
    size_t len = 0;

    if (authority.len && authority.at[0] == '[') {
        while (len < authority.len && authority.at[len] != ']')
            len++;
        return bytes_first(bytes_skip(authority, 1), len ? len - 1 : 0);
    }
    while (len < authority.len && authority.at[len] != ':')
        len++;
    return bytes_first(authority, len);
}

static bool is_an_address(struct bytes host)
{
    char text[HOST_ROOM];
    struct ip_addr addr;

    if (host.len == 0 || host.len >= sizeof(text))
        return false;
    memcpy(text, host.at, host.len);
    text[host.len] = '\0';
    return strlen(text) == host.len && ip_addr_parse(text, &addr) == 0;
}

int live_guard_host(const struct http_call *call)
{
    const struct bytes host = without_port(http_slice_of(call->head, call->request->host));

    return is_an_address(host) || http_equals(host, "localhost") ? 0 : 421;
}

int live_guard_origin(const struct http_call *call)
{
    static const char scheme[] = "http://";
    const size_t scheme_len = sizeof(scheme) - 1;
    const struct bytes host = http_slice_of(call->head, call->request->host);
    struct bytes origin;

    const int status = live_guard_host(call);
    if (status)
        return status;
    if (http_request_find(call->request, call->head, "origin", &origin) != 1 ||
        origin.len != scheme_len + host.len || !http_same(origin.at, scheme, scheme_len) ||
        memcmp(origin.at + scheme_len, host.at, host.len) != 0)
        return 403;
    return 0;
}
