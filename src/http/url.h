/*
 * url.h - http URLs (RFC 3986; RFC 9110, 4.2): from text to host, port and target, and the other
 * way for references.
 *
 * Pure. A struct url owns its octets and is always one that a request can be made of.
 */
#ifndef TAPIO_HTTP_URL_H
#define TAPIO_HTTP_URL_H

#include <tapio/tapio.h>

#include "base/bytes.h"

enum {
    URL_MAX = 8192,       /* octets of text */
    URL_HOST_MAX = 253,   /* of a name (RFC 1035, 2.3.4, as text) */
    URL_TARGET_MAX = 8192 /* octets, escapes included; as much as our server takes */
};

struct url {
    char host[URL_HOST_MAX + 1]; /* in lower case, without the brackets of an IPv6 literal */
    bool is_address;             /* `host` is an address: this one */
    struct ip_addr addr;
    uint16_t port;
    bool port_given;
    size_t target_len;
    char target[URL_TARGET_MAX + 1]; /* path and query, "/" at least */
};

/* A URL as a person types it: "http://" may be missing. 0; -EPROTONOSUPPORT when it is of another
 * scheme than http, or -EINVAL; `*why` is then what is wrong with it, in words that follow a name.
 */
NODISCARD int url_parse(struct bytes text, struct url *out, const char **why);

/* A reference, as in a Location field, seen from `base` (RFC 3986, 5.2). As url_parse(), but the
 * scheme may not be missing where there is a host. `out` is not `base`. */
NODISCARD int url_resolve(const struct url *base, struct bytes reference, struct url *out,
                          const char **why);

/* host [ ":" port ], as a Host field says it (RFC 9110, 7.2). */
void url_write_host(struct writer *w, const struct url *url);

/* Enough for url_write_host(). */
enum { URL_HOST_TEXT = URL_HOST_MAX + 8 };

#endif
