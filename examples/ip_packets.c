/*
 * ip_packets.c - two stacks exchange bare IP packets; every call blocks, and no time passes.
 *
 *     cc ip_packets.c $(pkg-config --cflags --libs tapio) && ./a.out
 *
 * With STACK_LINK_IP a stack takes and gives IP packets, as a TUN device or a VPN has them. A call
 * that must wait asks its waiter, and ours lets the world turn in virtual time meanwhile.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tapio/sock.h>

struct wire { /* what one stack sends is the other's input */
    struct frame_sink sink;
    struct stack *to;
};

struct world {
    struct waiter waiter;
    struct wire wire[2];
    struct stack *stack[2];
    instant now;
};

static int carry(struct frame_sink *sink, const struct frame_meta *meta, const struct iovec *iov,
                 int iovcnt, instant now)
{
    unsigned char packet[1500];
    size_t len = 0;

    for (int i = 0; i < iovcnt; i++) {
        memcpy(packet + len, iov[i].iov_base, iov[i].iov_len);
        len += iov[i].iov_len;
    }
    stack_input_ip(((struct wire *)sink)->to, (struct bytes){packet, len}, meta, now);
    return 0;
}

/* Turns the world until one of `events` holds for the socket; gives up after a virtual minute. */
static int wait_for(struct waiter *waiter, struct stack *stack, int s, short events, instant end)
{
    struct world *world = (struct world *)waiter;

    for (int n = 0; n < 600000 && world->now.ns < end.ns; n++, world->now.ns += 100000) {
        for (int i = 0; i < 2; i++) {
            stack_advance(world->stack[i], world->now);
            if (stack_output_ip(world->stack[i], &world->wire[i].sink, world->now))
                return -EINTR;
        }
        if (sock_poll(stack, s) & (events | POLLERR | POLLHUP))
            return 0;
    }
    return -EAGAIN;
}

static int not_random(void *context, void *octets, size_t len) /* a real program: getrandom() */
{
    for (size_t i = 0; i < len; i++)
        ((unsigned char *)octets)[i] = (unsigned char)((*(unsigned *)context += 77) >> 3);
    return 0;
}

int main(void)
{
    static const char *const addresses[2] = {"2001:db8::1/64", "2001:db8::2/64"};
    struct world world = {.waiter = {wait_for}};
    unsigned seeds[2] = {1, 2};
    for (int i = 0; i < 2; i++) {
        struct stack_config config;
        stack_config_init(&config);
        config.link = STACK_LINK_IP;
        config.addr_count = ip_prefix_parse(addresses[i], &config.addr[0]) == 0;
        world.stack[i] = stack_new(&config, &(struct env){&seeds[i], .random = not_random});
        if (!world.stack[i])
            return EXIT_FAILURE;
        world.wire[1 - i] = (struct wire){{carry}, world.stack[i]};
    }
    struct stack *a = world.stack[0], *b = world.stack[1];
    struct endpoint server = {.port = 7};
    int listener = sock_socket(b, AF_INET6, SOCK_STREAM, 0);
    int client = sock_socket(a, AF_INET6, SOCK_STREAM, 0);
    char heard[2][16] = {{0}};

    if (sock_bind(b, listener, server) || sock_listen(b, listener, 1) ||
        ip_addr_parse("2001:db8::2", &server.addr) ||
        sock_connect(a, client, server, &world.waiter))
        return EXIT_FAILURE;
    int peer = sock_accept(b, listener, NULL, &world.waiter);
    if (peer < 0 || sock_send(a, client, "hello, b", 8, 0, &world.waiter) != 8 ||
        sock_recv(b, peer, heard[1], 15, 0, &world.waiter) != 8 ||
        sock_send(b, peer, "hello, a", 8, 0, &world.waiter) != 8 ||
        sock_recv(a, client, heard[0], 15, 0, &world.waiter) != 8)
        return EXIT_FAILURE;
    printf("%.4f s: b \"%s\", a \"%s\"\n", (double)world.now.ns / 1e9, heard[1], heard[0]);
    stack_free(a);
    stack_free(b);
    return EXIT_SUCCESS;
}
