/*
 * resolve.h - from a host's name to its address, for verbs that connect.
 */
#ifndef TAPIO_TOOLS_RESOLVE_H
#define TAPIO_TOOLS_RESOLVE_H

#include <tapio/tapio.h>

/* What /etc/hosts says of the name: 0, or -ENOENT. `v4_only`: addresses of IPv6 do not count. */
TAPIO_NODISCARD int resolve_name(const char *name, bool v4_only, struct ip_addr *out);

#endif
