/*
 * names.h - from a host's name to its address, for verbs that connect.
 *
 * /etc/hosts first, then the server of --dns, which is asked from our own stack. A struct names
 * lives beside the rig, which turns its resolver.
 */
#ifndef TAPIO_TOOLS_NAMES_H
#define TAPIO_TOOLS_NAMES_H

#include "apps/resolver.h"
#include "rig.h"

struct names {
    /* The answer to names_find() that was not there at once: 0 and the address, or -errno. */
    void (*found)(struct names *names, int err, struct ip_addr addr, instant now);
    /* its own */
    struct stack *stack;
    struct resolver *resolver; /* NULL: no server */
    struct resolver_query query;
    struct os_machine machine;
    const char *name;
    bool v4_only;
};

/* Joins it to the rig's loop; `found` is set. 0, or the status to exit with and the reason. */
TAPIO_NODISCARD int names_open(struct names *names, struct rig *rig, struct refusal *refusal);
void names_close(struct names *names);

/* One name at a time, which must live until its answer. 0; -EINPROGRESS: found() will be called;
 * -ENOENT: /etc/hosts does not have it, and there is no server to ask; -EINVAL: no name. */
TAPIO_NODISCARD int names_find(struct names *names, const char *name, struct ip_addr *out,
                               instant now);

/* Why there is no address, as the end of a sentence about the name. */
const char *names_why(const struct names *names, int err);

#endif
