/*
 * shim_names.c - names: getaddrinfo() and its elders, through our resolver.
 *
 * The C library asks name servers by sockets of its own that no shim sees, so none of these calls
 * may reach it with a name. getaddrinfo() is src/posix's: /etc/hosts, then the servers of --dns or
 * /etc/resolv.conf over our stack. A number, or no name at all, needs no network and starts none.
 * gethostbyname() and its kin are made of the same answers. getnameinfo() writes numbers: our
 * resolver does not ask for the names of addresses.
 *
 * Left out: getaddrinfo_a(), and programs that bring a resolver of their own find our sockets under
 * it anyway. res_query() sends through the C library's inside.
 */
#include "shim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

static bool is_number(const char *node)
{
    unsigned char octets[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, node, octets) == 1 || inet_pton(AF_INET6, node, octets) == 1;
}

SHIM(int, getaddrinfo,
     (const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out))
{
    struct addrinfo copy = {.ai_family = AF_UNSPEC};

    if (node && !is_number(node) && strcmp(node, "localhost") != 0 &&
        (shim_is_orphan() || !shim_start()))
        return EAI_SYSTEM;
    if (hints)
        copy = *hints;
    copy.ai_flags &= AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_NUMERICSERV | AI_V4MAPPED |
                     AI_ALL | AI_ADDRCONFIG;
    return tapio_getaddrinfo(node, service, &copy, out);
}

SHIM(void, freeaddrinfo, (struct addrinfo * list))
{
    tapio_freeaddrinfo(list);
}

SHIM(int, getnameinfo,
     (const struct sockaddr *addr, socklen_t len, char *host, socklen_t host_room, char *service,
      socklen_t service_room, int flags))
{
    bool inet = addr && (addr->sa_family == AF_INET || addr->sa_family == AF_INET6);

    if (inet && flags & NI_NAMEREQD && host)
        return EAI_NONAME;
    return real()->getnameinfo(addr, len, host, host_room, service, service_room,
                               inet ? flags | NI_NUMERICHOST : flags);
}

/* --- the elders --------------------------------------------------------------------------- */

enum { ADDRS = 32, ROOM = 2048 };

static int to_h_errno(int error)
{
    switch (error) {
    case 0:
        return 0;
    case EAI_NONAME:
        return HOST_NOT_FOUND;
    case EAI_AGAIN:
        return TRY_AGAIN;
    default:
        return NO_RECOVERY;
    }
}

/* Room that is cut off a caller's buffer, aligned. */
struct cut {
    char *at;
    size_t left;
};

static void *cut_off(struct cut *cut, size_t len)
{
    size_t gap = -(uintptr_t)cut->at % sizeof(void *);

    if (cut->left < gap || cut->left - gap < len)
        return NULL;
    void *piece = cut->at + gap;
    cut->at += gap + len;
    cut->left -= gap + len;
    return piece;
}

static const void *octets_of(const struct addrinfo *info)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)info->ai_addr;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)info->ai_addr;

    return info->ai_family == AF_INET6 ? (const void *)&in6->sin6_addr
                                       : (const void *)&in->sin_addr;
}

/* 0, or ERANGE. */
static int write_host(const struct addrinfo *list, const char *name, int family,
                      struct hostent *out, struct cut *cut)
{
    size_t len = family == AF_INET6 ? sizeof(struct in6_addr) : sizeof(struct in_addr), count = 0;
    const char *canonical = list->ai_canonname ? list->ai_canonname : name;

    char **pointers = cut_off(cut, (ADDRS + 2) * sizeof *pointers);
    size_t room = strlen(canonical) + 1;
    char *copy = cut_off(cut, room);
    if (!pointers || !copy)
        return ERANGE;
    memcpy(copy, canonical, room);
    for (; list && count < ADDRS; list = list->ai_next) {
        char *octets = cut_off(cut, len);
        if (!octets)
            return ERANGE;
        memcpy(octets, octets_of(list), len);
        pointers[count++] = octets;
    }
    pointers[count] = pointers[ADDRS + 1] = NULL;
    *out = (struct hostent){.h_name = copy,
                            .h_aliases = pointers + ADDRS + 1,
                            .h_addrtype = family,
                            .h_length = (int)len,
                            .h_addr_list = pointers};
    return 0;
}

SHIM(int, gethostbyname2_r,
     (const char *name, int family, struct hostent *out, char *room, size_t len,
      struct hostent **result, int *error))
{
    struct addrinfo hints = {
        .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_CANONNAME};
    struct addrinfo *list = NULL;
    struct cut cut = {.at = room, .left = len};

    *result = NULL;
    int failed = shim_getaddrinfo(name, NULL, &hints, &list);
    *error = to_h_errno(failed);
    if (failed)
        return failed == EAI_SYSTEM ? errno : 0;
    int status = write_host(list, name, family, out, &cut);
    tapio_freeaddrinfo(list);
    if (status)
        *error = NETDB_INTERNAL;
    else
        *result = out;
    return status;
}

SHIM(int, gethostbyname_r,
     (const char *name, struct hostent *out, char *room, size_t len, struct hostent **result,
      int *error))
{
    return shim_gethostbyname2_r(name, AF_INET, out, room, len, result, error);
}

SHIM(struct hostent *, gethostbyname2, (const char *name, int family))
{
    static struct hostent host;
    static char room[ROOM];
    struct hostent *result;

    int status = shim_gethostbyname2_r(name, family, &host, room, sizeof room, &result, &h_errno);
    return status ? NULL : result;
}

SHIM(struct hostent *, gethostbyname, (const char *name))
{
    return shim_gethostbyname2(name, AF_INET);
}
