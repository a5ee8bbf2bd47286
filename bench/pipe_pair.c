/* pipe_pair.c - see pipe_pair.h. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipe_pair.h"

void pipe_pair_must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    exit(EXIT_FAILURE);
}

static int not_random(void *context, void *octets, size_t len)
{
    uint32_t *seed = context;

    for (size_t i = 0; i < len; i++)
        ((uint8_t *)octets)[i] = (uint8_t)((*seed = *seed * 1103515245u + 12345u) >> 16);
    return 0;
}

static struct stack *make_stack(const char *address, uint32_t mtu, uint32_t *seed)
{
    struct stack_config config;

    stack_config_init(&config);
    config.mtu = mtu;
    config.addr_count = ip_prefix_parse(address, &config.addr[0]) == 0;
    return stack_new(&config, &(struct env){.context = seed, .random = not_random});
}

void pipe_pair_begin(struct pipe_pair *pair, uint32_t mtu)
{
    static const char *const address[] = {"10.0.0.1/24", "10.0.0.2/24"};
    struct pipe_config config = {.mtu = mtu, .capacity = 4 << 20};
    struct dev *dev[2];

    *pair = (struct pipe_pair){.now = {0}};
    pipe_pair_must(pipe_new(&pair->memory, &config, dev) == 0, "no pipe");
    for (uint32_t i = 0; i < 2; i++) {
        struct pipe_side *side = &pair->side[i];
        side->dev = dev[i];
        side->seed = i + 1;
        side->stack = make_stack(address[i], mtu, &side->seed);
        pipe_pair_must(side->stack != NULL, "no stack");
    }
}

void pipe_pair_end(struct pipe_pair *pair)
{
    for (size_t i = 0; i < 2; i++)
        stack_free(pair->side[i].stack);
    for (size_t i = 0; i < 2; i++)
        dev_close(pair->side[i].dev);
}

uint64_t pipe_pair_packets(const struct pipe_pair *pair)
{
    struct stack_counters counters[2];

    for (size_t i = 0; i < 2; i++)
        stack_counters(pair->side[i].stack, &counters[i]);
    return counters[0].sent + counters[1].sent;
}

static int new_socket(struct pipe_side *side)
{
    int s = sock_socket(side->stack, AF_INET, SOCK_STREAM, 0);

    pipe_pair_must(s >= 0, "no socket");
    return s;
}

int pipe_pair_listen(struct pipe_pair *pair)
{
    struct pipe_side *side = &pair->side[1];
    int s = new_socket(side);

    pipe_pair_must(sock_bind(side->stack, s, (struct endpoint){.port = PIPE_PORT}) == 0 &&
                       sock_listen(side->stack, s, 16) == 0,
                   "no listener");
    return s;
}

int pipe_pair_connect(struct pipe_pair *pair)
{
    struct pipe_side *side = &pair->side[0];
    struct endpoint to = {.port = PIPE_PORT};
    int s = new_socket(side);

    pipe_pair_must(ip_addr_parse("10.0.0.2", &to.addr) == 0 &&
                       sock_connect(side->stack, s, to, NULL) == -EINPROGRESS,
                   "no connection");
    return s;
}
