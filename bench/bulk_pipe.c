/*
 * bulk_pipe.c - bulk from one stack to another over the in-memory pipe, for counting instructions.
 *
 *     bulk_pipe [MEGABYTES [MTU]]      default 20 and 1500; prints how many octets have arrived,
 * and how many packets both have sent
 *
 * See pipe_pair.h: scripts/bench events and scripts/bench layers run it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipe_pair.h"

enum { CHUNK = 65536, TURNS_MAX = 10000000 };

static struct pipe_pair pair;
static struct pipe_side *const sender = &pair.side[0], *const receiver = &pair.side[1];
static uint8_t text[CHUNK];
static uint64_t left, got;
static int from, listener, to = -1;

PIPE_STEP sender_app(void)
{
    ssize_t n;

    while (left > 0 &&
           (n = sock_send(sender->stack, from, text, left < CHUNK ? left : CHUNK, 0, NULL)) > 0)
        left -= (uint64_t)n;
}

PIPE_STEP sender_out(void)
{
    pipe_side_out(sender, pair.now);
}

PIPE_STEP sender_in(void)
{
    pipe_side_in(sender, pair.now);
}

PIPE_STEP receiver_in(void)
{
    pipe_side_in(receiver, pair.now);
}

PIPE_STEP receiver_app(void)
{
    ssize_t n;

    if (to < 0)
        to = sock_accept(receiver->stack, listener, NULL, NULL);
    while (to >= 0 && (n = sock_recv(receiver->stack, to, text, CHUNK, 0, NULL)) > 0)
        got += (uint64_t)n;
}

PIPE_STEP receiver_out(void)
{
    pipe_side_out(receiver, pair.now);
}

int main(int argc, char **argv)
{
    uint64_t wanted = (argc > 1 ? strtoull(argv[1], NULL, 10) : 20) * 1000000;
    uint32_t mtu = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1500;

    left = wanted;
    pipe_pair_begin(&pair, mtu);
    listener = pipe_pair_listen(&pair);
    from = pipe_pair_connect(&pair);
    for (int turns = 0; got < wanted && turns < TURNS_MAX; turns++) {
        sender_app();
        sender_out();
        receiver_in();
        receiver_app();
        receiver_out();
        sender_in();
        pipe_pair_tick(&pair);
    }
    printf("%llu octets, %llu segments\n", (unsigned long long)got,
           (unsigned long long)pipe_pair_packets(&pair));
    pipe_pair_end(&pair);
    return got == wanted ? EXIT_SUCCESS : EXIT_FAILURE;
}
