/*
 * bulk_pipe.c - bulk from one stack to another over the in-memory pipe, for counting instructions.
 *
 *     bulk_pipe [MEGABYTES]      default 20; prints how many segments both have sent
 *
 * Nothing but the two stacks, their sockets and the pipe runs; time is virtual, a tick of 100 us
 * for each turn of the loop. So one build gives one count of instructions (scripts/bench events).
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tapio/sock.h>

#include "base/instant.h"
#include "base/memory.h"
#include "dev/pipe.h"

enum { MTU = 1500, PORT = 9, CHUNK = 65536, TURNS_MAX = 10000000 };

static int not_random(void *context, void *octets, size_t len)
{
    uint32_t *seed = context;

    for (size_t i = 0; i < len; i++)
        ((uint8_t *)octets)[i] = (uint8_t)((*seed = *seed * 1103515245u + 12345u) >> 16);
    return 0;
}

static struct stack *make_stack(const char *address, uint32_t *seed)
{
    struct stack_config config;

    stack_config_init(&config);
    config.addr_count = ip_prefix_parse(address, &config.addr[0]) == 0;
    return stack_new(&config, &(struct env){.context = seed, .random = not_random});
}

/* What has come and what is due on one side: a poll, but for the application's part. */
static void poll_side(struct stack *stack, struct dev *dev, instant now)
{
    while (stack_receive(stack, dev, now) > 0)
        ;
    if (stack_send(stack, dev, now) == -ENETDOWN)
        exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    static uint8_t text[CHUNK];
    uint64_t megabytes = argc > 1 ? strtoull(argv[1], NULL, 10) : 20;
    uint64_t left = megabytes * 1000000, got = 0, wanted = left;
    uint32_t seeds[2] = {1, 2};
    struct memory memory = {0};
    struct dev *dev[2];
    struct stack *sender = make_stack("10.0.0.1/24", &seeds[0]);
    struct stack *receiver = make_stack("10.0.0.2/24", &seeds[1]);
    struct pipe_config config = {.mtu = MTU, .capacity = 4 << 20};
    struct endpoint to = {.port = PORT};
    struct stack_counters counters[2];
    instant now = {0};
    int peer = -1;

    if (!sender || !receiver || pipe_new(&memory, &config, dev))
        return EXIT_FAILURE;
    int listener = sock_socket(receiver, AF_INET, SOCK_STREAM, 0);
    int s = sock_socket(sender, AF_INET, SOCK_STREAM, 0);
    if (sock_bind(receiver, listener, to) || sock_listen(receiver, listener, 1) ||
        ip_addr_parse("10.0.0.2", &to.addr) || sock_connect(sender, s, to, NULL) != -EINPROGRESS)
        return EXIT_FAILURE;
    for (int turns = 0; got < wanted && turns < TURNS_MAX; turns++) {
        ssize_t n;
        stack_advance(sender, now);
        stack_advance(receiver, now);
        if (peer < 0)
            peer = sock_accept(receiver, listener, NULL, NULL);
        while (left > 0 &&
               (n = sock_send(sender, s, text, left < CHUNK ? left : CHUNK, 0, NULL)) > 0)
            left -= (uint64_t)n;
        poll_side(sender, dev[0], now);
        poll_side(receiver, dev[1], now);
        while (peer >= 0 && (n = sock_recv(receiver, peer, text, CHUNK, 0, NULL)) > 0)
            got += (uint64_t)n;
        poll_side(receiver, dev[1], now);
        now = instant_add(now, 100 * NS_PER_US);
    }
    stack_counters(sender, &counters[0]);
    stack_counters(receiver, &counters[1]);
    printf("%llu octets, %llu segments\n", (unsigned long long)got,
           (unsigned long long)(counters[0].sent + counters[1].sent));
    stack_free(sender);
    stack_free(receiver);
    dev_close(dev[0]);
    dev_close(dev[1]);
    return got == wanted ? EXIT_SUCCESS : EXIT_FAILURE;
}
