/*
 * posix_names.c - getaddrinfo(): from names to addresses.
 *
 * Names come from /etc/hosts, then from the resolver that the program has set, or from the name
 * servers when it has set none (posix_resolver.c); for AI_NUMERICHOST none of them is asked. What
 * files and servers say is put into the order of RFC 6724 (apps/ordering.h), as far as the stack's
 * config tells our addresses and the ways there are. The program's own resolver has an order
 * already, and for no name at all or "localhost" it is IPv6 before IPv4, as glibc has it.
 *
 * The canonical name is what the last alias of a server's answer leads to; otherwise the name as it
 * was asked for.
 *
 * Left out: AI_IDN and what else glibc has beyond POSIX. The lock is taken for a moment only, to
 * read what is behind it: the program's resolver may use sockets itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "apps/ordering.h"
#include "base/addr.h"
#include "posix/posix.h"
#include "posix/posix_hosts.h"

enum {
    KNOWN_FLAGS = AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_NUMERICSERV | AI_V4MAPPED |
                  AI_ALL | AI_ADDRCONFIG,
};

/* Families, as bits. */
enum { V4 = 1, V6 = 2 };

/* A kind of socket that an address is told for. */
static const struct kind {
    int type, protocol;
    const char *name; /* in /etc/services */
} kinds[] = {
    {SOCK_STREAM, IPPROTO_TCP, "tcp"},
    {SOCK_DGRAM, IPPROTO_UDP, "udp"},
};

/* One allocation for each: freed as a whole. */
struct answer {
    struct addrinfo info;
    struct sockaddr_storage addr;
    char name[]; /* canonical */
};

static bool kind_fits(const struct kind *kind, const struct addrinfo *hints)
{
    return (hints->ai_socktype == 0 || hints->ai_socktype == kind->type) &&
           (hints->ai_protocol == 0 || hints->ai_protocol == kind->protocol);
}

/* --- services ----------------------------------------------------------------------------- */

/* A port in digits, or -1. */
static int port_in_digits(const char *text)
{
    unsigned port = 0;

    if (!*text)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        port = port * 10 + (unsigned)(*text - '0');
        if (port > UINT16_MAX)
            return -1;
    }
    return (int)port;
}

static int find_service(const char *service, const struct kind *kind, int flags)
{
    if (!service)
        return 0;
    int port = port_in_digits(service);
    if (port >= 0 || flags & AI_NUMERICSERV)
        return port;
    FILE *file = fopen("/etc/services", "re");
    if (!file)
        return -1;
    port = posix_services_find(file, service, kind->name);
    fclose(file);
    return port;
}

/* --- hosts -------------------------------------------------------------------------------- */

static void add(struct posix_found *found, const char *text, int family)
{
    struct ip_addr addr;

    if (ip_addr_parse(text, &addr) == 0 &&
        (family == AF_UNSPEC || ip_is_v4(addr) == (family == AF_INET)))
        found->addr[found->count++] = addr;
}

/* Nobody is named: ourselves, or anybody who asks for us. */
static void add_unnamed(struct posix_found *found, const struct addrinfo *hints)
{
    bool passive = hints->ai_flags & AI_PASSIVE;

    if (!passive) {
        add(found, "::1", hints->ai_family);
        add(found, "127.0.0.1", hints->ai_family);
        return;
    }
    /* :: and 0.0.0.0 are one value here; the family of each answer tells them apart */
    found->addr[found->count++] = (struct ip_addr){{0}};
}

/* --- what the stack's config tells ---------------------------------------------------------- */

/* False without a stack, or in a child. */
static bool copy_config(struct stack_config *out)
{
    struct posix_call call;

    if (!posix_begin(&call))
        return false;
    *out = *stack_config(call.stack);
    posix_end(&call, 0);
    return true;
}

/* The families that the stack has an address of; both when it has none at all. */
static unsigned configured(void)
{
    struct stack_config config;
    unsigned families = 0;

    if (!copy_config(&config))
        return V4 | V6;
    for (int i = 0; i < config.addr_count; i++)
        families |= ip_is_v4(config.addr[i].addr) ? V4 : V6;
    return families ? families : V4 | V6;
}

static void put_in_order(struct posix_found *found)
{
    struct stack_config config;

    static_assert((int)POSIX_ADDRS <= (int)ORDERING_MAX, "all of them are sorted");
    if (found->count > 1 && copy_config(&config))
        ordering_sort_addrs(&config, found->addr, found->count);
}

/* --- names ---------------------------------------------------------------------------------- */

static int ask_resolver(tapio_resolver *resolver, void *context, const char *name, int family,
                        struct posix_found *found)
{
    int count = resolver(context, name, family, found->addr, POSIX_ADDRS);

    if (count < 0)
        return count;
    found->count = count < POSIX_ADDRS ? count : POSIX_ADDRS;
    return found->count ? 0 : EAI_NONAME;
}

/* And the names below it: they are ours, whatever a resolver would say. */
static bool is_localhost(const char *name)
{
    size_t len = strlen(name), tail = strlen(".localhost");

    return strcasecmp(name, "localhost") == 0 ||
           (len > tail && strcasecmp(name + len - tail, ".localhost") == 0);
}

static int find_name(const char *name, int family, struct posix_found *found)
{
    tapio_resolver *resolver = NULL;
    void *context = NULL;
    FILE *file = fopen("/etc/hosts", "re");

    if (file) {
        found->count = posix_hosts_find(file, name, family, found->addr, POSIX_ADDRS);
        fclose(file);
    }
    if (found->count == 0 && is_localhost(name)) {
        add_unnamed(found, &(struct addrinfo){.ai_family = family});
        return found->count > 0 ? 0 : EAI_NONAME;
    }
    if (!atomic_load(&posix.forked)) { /* a child has no lock, and is told so by posix_resolve() */
        posix_take();
        resolver = posix.resolver;
        context = posix.resolver_context;
        posix_give();
    }
    if (found->count == 0 && resolver)
        return ask_resolver(resolver, context, name, family, found);
    int err = found->count > 0 ? 0 : posix_resolve(name, family, found);
    put_in_order(found);
    return err;
}

static int find_families(const char *name, unsigned families, struct posix_found *found)
{
    switch (families) {
    case V4:
        return find_name(name, AF_INET, found);
    case V6:
        return find_name(name, AF_INET6, found);
    case V4 | V6:
        return find_name(name, AF_UNSPEC, found);
    default:
        return EAI_NONAME;
    }
}

/* With AI_V4MAPPED, who wants IPv6 takes IPv4 when there is nothing else, with AI_ALL beside it,
 * too; with AI_ADDRCONFIG everybody is told of the families that the stack has, and no other. */
static int find_as_hinted(const char *name, const struct addrinfo *hints, struct posix_found *found)
{
    int flags = hints->ai_flags;
    unsigned families = hints->ai_family == AF_INET    ? V4
                        : hints->ai_family == AF_INET6 ? V6
                                                       : V4 | V6;
    unsigned allowed = flags & AI_ADDRCONFIG ? configured() : V4 | V6;
    bool mapped = families == V6 && flags & AI_V4MAPPED;

    if (mapped && flags & AI_ALL)
        return find_families(name, (V4 | V6) & allowed, found);
    int err = find_families(name, families & allowed, found);
    if (err == EAI_NONAME && mapped)
        err = find_families(name, V4 & allowed, found);
    return err;
}

static int find_host(const char *node, const struct addrinfo *hints, struct posix_found *found)
{
    struct ip_addr addr;
    int family = hints->ai_family;

    if (!node) {
        add_unnamed(found, hints);
        return 0;
    }
    if (ip_addr_parse(node, &addr) == 0) {
        if (family == AF_INET && !ip_is_v4(addr))
            return EAI_ADDRFAMILY;
        if (family == AF_INET6 && ip_is_v4(addr) && !(hints->ai_flags & AI_V4MAPPED) &&
            !strchr(node, ':'))
            return EAI_ADDRFAMILY;
        found->addr[found->count++] = addr;
        return 0;
    }
    if (hints->ai_flags & AI_NUMERICHOST || !*node)
        return EAI_NONAME;
    return find_as_hinted(node, hints, found);
}

/* --- the list ------------------------------------------------------------------------------ */

static struct addrinfo *make_answer(struct endpoint end, int family, const struct kind *kind,
                                    const char *name)
{
    size_t room = name ? strlen(name) + 1 : 0;
    struct answer *a = calloc(1, sizeof *a + room);

    if (!a)
        return NULL;
    a->info.ai_family = family;
    a->info.ai_socktype = kind->type;
    a->info.ai_protocol = kind->protocol;
    a->info.ai_addrlen = posix_addr_write(end, family, &a->addr);
    a->info.ai_addr = (struct sockaddr *)&a->addr;
    if (name) {
        memcpy(a->name, name, room);
        a->info.ai_canonname = a->name;
    }
    return &a->info;
}

struct list_end {
    struct addrinfo *first, **last;
};

/* An answer for each kind of socket; the canonical name is told once, with the first. */
static int tell_address(struct list_end *list, struct ip_addr addr, int family,
                        const int ports[ARRAY_LEN(kinds)], const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (ports[i] < 0)
            continue;
        struct endpoint end = {.addr = addr, .port = (uint16_t)ports[i]};
        struct addrinfo *info = make_answer(end, family, &kinds[i], list->first ? NULL : name);
        if (!info)
            return EAI_MEMORY;
        *list->last = info;
        list->last = &info->ai_next;
    }
    return 0;
}

static int tell_all(struct list_end *list, const struct posix_found *found,
                    const struct addrinfo *hints, const int ports[ARRAY_LEN(kinds)],
                    const char *name)
{
    int family = hints->ai_family, err = 0;

    for (int i = 0; i < found->count && !err; i++) {
        if (ip_is_unspecified(found->addr[i]) && family != AF_INET)
            err = tell_address(list, found->addr[i], AF_INET6, ports, name);
        if (ip_is_unspecified(found->addr[i]) && family != AF_INET6 && !err)
            err = tell_address(list, found->addr[i], AF_INET, ports, name);
        if (ip_is_unspecified(found->addr[i]))
            continue;
        int of = ip_is_v4(found->addr[i]) && family != AF_INET6 ? AF_INET : AF_INET6;
        err = tell_address(list, found->addr[i], of, ports, name);
    }
    return err;
}

static int check_hints(const char *node, const char *service, const struct addrinfo *hints)
{
    if (!node && !service)
        return EAI_NONAME;
    if (hints->ai_flags & ~KNOWN_FLAGS || (hints->ai_flags & AI_CANONNAME && !node))
        return EAI_BADFLAGS;
    if (hints->ai_family != AF_UNSPEC && hints->ai_family != AF_INET &&
        hints->ai_family != AF_INET6)
        return EAI_FAMILY;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kind_fits(&kinds[i], hints))
            return 0;
    return EAI_SOCKTYPE;
}

int tapio_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                      struct addrinfo **out)
{
    const struct addrinfo none = {.ai_family = AF_UNSPEC};
    struct list_end list = {.last = &list.first};
    struct posix_found found = {.count = 0};
    int ports[ARRAY_LEN(kinds)];
    bool served = false;

    if (!hints)
        hints = &none;
    int err = check_hints(node, service, hints);
    if (err)
        return err;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        ports[i] =
            kind_fits(&kinds[i], hints) ? find_service(service, &kinds[i], hints->ai_flags) : -1;
        served = served || ports[i] >= 0;
    }
    if (!served)
        return hints->ai_flags & AI_NUMERICSERV ? EAI_NONAME : EAI_SERVICE;
    err = find_host(node, hints, &found);
    const char *name = *found.name ? found.name : node;
    if (!err)
        err = tell_all(&list, &found, hints, ports, hints->ai_flags & AI_CANONNAME ? name : NULL);
    if (err) {
        tapio_freeaddrinfo(list.first);
        return err;
    }
    *out = list.first;
    return 0;
}

void tapio_freeaddrinfo(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;
        free(CONTAINER_OF(list, struct answer, info));
        list = next;
    }
}

const char *tapio_gai_strerror(int error)
{
    return gai_strerror(error);
}

void tapio_set_resolver(tapio_resolver *resolver, void *context)
{
    posix_take();
    posix.resolver = resolver;
    posix.resolver_context = context;
    posix_give();
}
