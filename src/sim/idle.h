/*
 * idle.h - one stack, a server on it, and any number of connections that wait.
 *
 * Each says one octet, hears it again, and then nothing more comes: what does it cost to keep it?
 * The peers are no stack. What each says follows from its number, so that a million of them cost
 * nothing, and what the process grows by is what the connections cost. The server is the caller's,
 * and says again what it hears.
 *
 * Pure: the caller measures.
 */
#ifndef TAPIO_SIM_IDLE_H
#define TAPIO_SIM_IDLE_H

#include <tapio/tapio.h>

#include "base/memory.h"

enum { IDLE_PORT = 7, IDLE_MAX = 1000000 };

struct idle_config {
    uint64_t seed;
    bool ipv6;
    struct stack_values values; /* with room for the connections */
};

struct idle;

/* The default values, with room for so many. */
void idle_config_init(struct idle_config *config, uint32_t connections);

/* NULL without memory, or when the values cannot be used. */
NODISCARD struct idle *idle_new(const struct idle_config *config, struct memory *memory);
void idle_free(struct idle *idle);

/* For the server: it listens at IDLE_PORT before anybody connects. */
struct stack *idle_stack(struct idle *idle);

/* So many more connect, and each is served once. NULL, or what went wrong: static storage. */
NODISCARD const char *idle_connect(struct idle *idle, uint32_t count);
/* Does the connection of that number, from 0, live? It says one more octet. As idle_connect(). */
NODISCARD const char *idle_ask(struct idle *idle, uint32_t number);

#endif
