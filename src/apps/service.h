/*
 * service.h - three services as old as TCP: echo (RFC 862), discard (RFC 863), chargen (RFC 864).
 *
 * They are what one points a stack at to see whether it is right: echo returns what it gets,
 * discard takes what it gets, and chargen sends a pattern without end. Each is a sock_app on a
 * listener; the loop that drains sock_next_ready() serves it. There are no timers: a connection
 * lasts as long as its peer and the stack let it.
 */
#ifndef TAPIO_APPS_SERVICE_H
#define TAPIO_APPS_SERVICE_H

#include <tapio/sock.h>

#include "base/base.h"

enum service_kind { SERVICE_ECHO, SERVICE_DISCARD, SERVICE_CHARGEN };

struct service_config {
    enum service_kind kind;
    struct stack *stack;
    const struct env *env; /* alloc and release */
    struct endpoint local;
    int backlog;
    uint32_t connections; /* at most; more wait in the backlog */
};

struct service;

/* Makes a service that listens. 0, -ENOMEM, or what the socket calls say (-EADDRINUSE, ...). */
NODISCARD int service_new(const struct service_config *config, struct service **out);

/* Stops listening and closes all connections; they send what they hold and end by themselves. */
void service_stop(struct service *service);

/* Resets what is still open and frees the service. */
void service_free(struct service *service);

uint32_t service_connections(const struct service *service);

/* The octet at place `at` of what chargen sends: lines of 72 characters, each beginning one further
 * in the 95 that can be printed. */
uint8_t service_pattern(uint64_t at);

#endif
