/*
 * posix_hosts.h - /etc/hosts, /etc/services and /etc/resolv.conf. Private to src/posix.
 */
#ifndef TAPIO_POSIX_POSIX_HOSTS_H
#define TAPIO_POSIX_POSIX_HOSTS_H

#include <stddef.h>
#include <stdio.h>
#include <tapio/types.h>

#include "apps/resolver.h"

/* How many addresses of the host `name` were written: at most `max`, of `family` (AF_INET,
 * AF_INET6; AF_UNSPEC: of both), in the file's order. */
int posix_hosts_find(FILE *file, const char *name, int family, struct ip_addr *out, int max);
/* The port of the service `name` by `protocol` ("tcp", "udp"), or -1. */
int posix_services_find(FILE *file, const char *name, const char *protocol);
/* Puts what a resolv.conf says into a config that is initialised: at most RESOLVER_SERVERS servers
 * and RESOLVER_SEARCH domains; of the options ndots, timeout, attempts and use-vc. */
void posix_resolv_conf_read(FILE *file, struct resolver_config *config);

#endif
