/*
 * posix_addr.c - struct sockaddr and what the stack calls an endpoint.
 *
 * The only place of face two that looks into addresses. The checks and their order are Linux's: the
 * length that could be no address at all first, then the one that is too short for the family of
 * the socket, then the family. An IPv4 address of an AF_INET6 socket is the mapped one (RFC 3493,
 * 3.7), which is how the stack holds it anyway. A scope id is not kept: an address has one link.
 */
#include <errno.h>
#include <string.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "posix/posix.h"

enum { SOCKADDR_IN6_OLD = 24 }; /* RFC 2133 had no scope id, and Linux takes it still */

int posix_domain(struct stack *stack, int s)
{
    int domain = AF_INET;
    socklen_t len = sizeof domain;

    return sock_getsockopt(stack, s, SOL_SOCKET, SO_DOMAIN, &domain, &len) ? AF_INET : domain;
}

static struct endpoint read_in(const struct sockaddr_storage *from)
{
    struct sockaddr_in in;

    memcpy(&in, from, sizeof in);
    struct reader port = reader_of(bytes_of(&in.sin_port, sizeof in.sin_port));
    struct endpoint end = {.port = read_be16(&port)};
    struct reader addr = reader_of(bytes_of(&in.sin_addr, sizeof in.sin_addr));
    uint32_t v4 = read_be32(&addr);
    if (v4) /* 0.0.0.0 is "unspecified", of either family */
        end.addr = ip_from_v4(v4);
    return end;
}

static struct endpoint read_in6(const struct sockaddr_storage *from)
{
    struct sockaddr_in6 in6;
    struct endpoint end;

    memcpy(&in6, from, sizeof in6);
    struct reader port = reader_of(bytes_of(&in6.sin6_port, sizeof in6.sin6_port));
    end.port = read_be16(&port);
    memcpy(end.addr.octet, &in6.sin6_addr, sizeof end.addr.octet);
    return end;
}

int posix_addr_in(const struct sockaddr *addr, socklen_t len, int domain, bool binding,
                  struct endpoint *out)
{
    struct sockaddr_storage copy = {0};
    const size_t least = domain == AF_INET6 ? SOCKADDR_IN6_OLD : sizeof(struct sockaddr_in);

    if (len > sizeof copy)
        return -EINVAL;
    if (len > 0 && !addr)
        return -EFAULT;
    if (len > 0)
        memcpy(&copy, addr, len);
    if (len < least)
        return -EINVAL;
    *out = copy.ss_family == AF_INET6 ? read_in6(&copy) : read_in(&copy);
    if (copy.ss_family == domain)
        return 0;
    /* bind() has always taken a zeroed struct for "any address" */
    if (binding && domain == AF_INET && copy.ss_family == AF_UNSPEC && ip_is_unspecified(out->addr))
        return 0;
    return -EAFNOSUPPORT;
}

socklen_t posix_addr_write(struct endpoint end, int domain, struct sockaddr_storage *out)
{
    *out = (struct sockaddr_storage){.ss_family = (sa_family_t)domain};
    if (domain == AF_INET6) {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
        struct writer port = writer_of((uint8_t *)&in6.sin6_port, sizeof in6.sin6_port);
        write_be16(&port, end.port);
        memcpy(&in6.sin6_addr, end.addr.octet, sizeof end.addr.octet);
        memcpy(out, &in6, sizeof in6);
        return sizeof in6;
    }
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct writer port = writer_of((uint8_t *)&in.sin_port, sizeof in.sin_port);
    write_be16(&port, end.port);
    struct writer addr = writer_of((uint8_t *)&in.sin_addr, sizeof in.sin_addr);
    write_be32(&addr, ip_is_unspecified(end.addr) ? 0 : ip_to_v4(end.addr));
    memcpy(out, &in, sizeof in);
    return sizeof in;
}

int posix_addr_out(struct endpoint end, int domain, struct sockaddr *addr, socklen_t *len)
{
    struct sockaddr_storage whole;

    if (!len || (!addr && *len > 0))
        return -EFAULT;
    if (*len > INT32_MAX)
        return -EINVAL; /* a negative length */
    socklen_t size = posix_addr_write(end, domain, &whole);
    if (*len > 0)
        memcpy(addr, &whole, size_min(size, *len));
    *len = size;
    return 0;
}
