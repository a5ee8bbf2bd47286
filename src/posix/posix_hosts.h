/*
 * posix_hosts.h - /etc/hosts and /etc/services. Private to src/posix.
 */
#ifndef TAPIO_POSIX_POSIX_HOSTS_H
#define TAPIO_POSIX_POSIX_HOSTS_H

#include <stddef.h>
#include <stdio.h>
#include <tapio/types.h>

/* How many addresses of the host `name` were written: at most `max`, of `family` (AF_INET,
 * AF_INET6; AF_UNSPEC: of both), in the file's order. */
int posix_hosts_find(FILE *file, const char *name, int family, struct ip_addr *out, int max);
/* The port of the service `name` by `protocol` ("tcp", "udp"), or -1. */
int posix_services_find(FILE *file, const char *name, const char *protocol);

#endif
