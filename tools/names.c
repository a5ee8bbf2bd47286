/*
 * names.c - see names.h.
 *
 * The table of this machine (hosts(5)) is written for the kernel's network, so what it says may
 * lead nowhere from here: that the connection will tell. Where the link carries both families, the
 * address of IPv4 is asked for first, and that of IPv6 when there is none. Of several, the first by
 * RFC 6724 is taken.
 */
#include "names.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "apps/ordering.h"
#include "base/addr.h"
#include "posix/posix_hosts.h"

static void done(struct resolver_query *query, const struct resolver_answer *answer, instant now)
{
    struct names *names = CONTAINER_OF(query, struct names, query);
    const struct dns_fact *fact = &answer->fact;
    bool again = fact->error == -ENODATA && query->type == DNS_TYPE_A && !names->v4_only;

    if (again && resolver_ask(names->resolver, query, names->name, DNS_TYPE_AAAA, now) == 0)
        return;
    struct ip_addr addrs[DNS_ADDRS];
    memcpy(addrs, fact->addr, sizeof addrs);
    ordering_sort_addrs(stack_config(names->stack), addrs, (int)fact->count);
    names->found(names, fact->error, addrs[0], now);
}

static instant deadline(struct os_machine *machine)
{
    return resolver_deadline(CONTAINER_OF(machine, struct names, machine)->resolver);
}

static void advance(struct os_machine *machine, instant now)
{
    resolver_advance(CONTAINER_OF(machine, struct names, machine)->resolver, now);
}

int names_open(struct names *names, struct rig *rig, struct refusal *refusal)
{
    const struct options *options = rig->options;
    struct resolver_config config;

    names->resolver = NULL;
    names->v4_only = options->config.link == STACK_LINK_ETHERNET;
    if (ip_is_unspecified(rig->dns))
        return 0;
    resolver_config_init(&config);
    config.stack = names->stack = rig->stack;
    config.env = &rig->env.env;
    config.server[0] = rig->dns;
    config.server_count = 1;
    int err = resolver_new(&config, &names->resolver);
    if (err)
        return refuse(refusal, EXIT_FAILURE, "the resolver: %s", strerror(-err));
    names->query.done = done;
    names->machine = (struct os_machine){.deadline = deadline, .advance = advance};
    os_loop_add_machine(&rig->loop, &names->machine);
    return 0;
}

void names_close(struct names *names)
{
    if (names->resolver)
        resolver_free(names->resolver);
    names->resolver = NULL;
}

int names_find(struct names *names, const char *name, struct ip_addr *out, instant now)
{
    int count = 0;
    FILE *hosts = fopen("/etc/hosts", "re");

    if (hosts) {
        count = posix_hosts_find(hosts, name, names->v4_only ? AF_INET : AF_UNSPEC, out, 1);
        fclose(hosts);
    }
    if (count > 0)
        return 0;
    if (!names->resolver)
        return -ENOENT;
    names->name = name;
    int err = resolver_ask(names->resolver, &names->query, name, DNS_TYPE_A, now);
    return err ? err : -EINPROGRESS;
}

const char *names_why(const struct names *names, int err)
{
    if (!names->resolver)
        return "is not in /etc/hosts, and there is no server to ask; name one by --dns, or use an "
               "address";
    switch (err) {
    case -ENOENT:
        return "is nobody's name: neither /etc/hosts nor the server of --dns knows it";
    case -ENODATA:
        return "has no address that can be reached from here";
    case -EAGAIN:
        return "is not in /etc/hosts, and the server of --dns gives no answer";
    case -EINVAL:
        return "is no name: labels have 1 to 63 octets, a name at most 255";
    default:
        return strerror(-err);
    }
}
