/*
 * two_stacks.c - two stacks, one process, no device, no clock: virtual time.
 *
 *     cc two_stacks.c $(pkg-config --cflags --libs tapio) && ./a.out
 *
 * One stack connects to the other, both send, and whatever one hands out is the other's input. A
 * second of network time takes as long as the processor needs for it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tapio/sock.h>

/* Frames that one stack hands out go straight into the other. */
struct wire {
    struct frame_sink sink;
    struct stack *to;
};

static int carry(struct frame_sink *sink, const struct frame_meta *meta, const struct iovec *iov,
                 int iovcnt, instant now)
{
    struct wire *wire = (struct wire *)sink;
    struct frame *frame = stack_frame(wire->to, 1514);

    if (!frame)
        return 0; /* lost, as on any wire */
    for (int i = 0; i < iovcnt; i++) {
        memcpy(frame->data + frame->len, iov[i].iov_base, iov[i].iov_len);
        frame->len += (uint32_t)iov[i].iov_len;
    }
    frame->meta = *meta;
    stack_input_frame(wire->to, frame, now);
    return 0;
}

/* A real program asks getrandom(); here every run is the same. */
static int not_random(void *context, void *octets, size_t len)
{
    unsigned *seed = context;

    for (size_t i = 0; i < len; i++)
        ((unsigned char *)octets)[i] = (unsigned char)(*seed = *seed * 1103515245u + 12345u);
    return 0;
}

static struct stack *make_stack(const char *address, unsigned *seed)
{
    struct stack_config config;

    stack_config_init(&config);
    config.addr_count = ip_prefix_parse(address, &config.addr[0]) == 0;
    return stack_new(&config, &(struct env){.context = seed, .random = not_random});
}

int main(void)
{
    unsigned seeds[2] = {1, 2};
    struct stack *a = make_stack("10.0.0.1/24", &seeds[0]);
    struct stack *b = make_stack("10.0.0.2/24", &seeds[1]);
    if (!a || !b)
        return EXIT_FAILURE;
    struct wire to_a = {{carry}, a}, to_b = {{carry}, b};
    struct endpoint server = {.port = 7};
    int listener = sock_socket(b, AF_INET, SOCK_STREAM, 0);
    int client = sock_socket(a, AF_INET, SOCK_STREAM, 0), peer = -1;

    if (sock_bind(b, listener, server) || sock_listen(b, listener, 1) ||
        ip_addr_parse("10.0.0.2", &server.addr) ||
        sock_connect(a, client, server, NULL) != -EINPROGRESS)
        return EXIT_FAILURE;

    char heard[2][32] = {{0}};
    bool sent = false;
    instant now = {0};
    while (!heard[0][0] && now.ns < 10000000000) {
        stack_advance(a, now);
        stack_advance(b, now);
        if (peer < 0 && (peer = sock_accept(b, listener, NULL, NULL)) >= 0)
            printf("%.6f s  b accepted\n", (double)now.ns / 1e9);
        if (!sent && (sent = sock_send(a, client, "hello, b", 8, 0, NULL) == 8))
            printf("%.6f s  a sent\n", (double)now.ns / 1e9);
        if (peer >= 0 && sock_recv(b, peer, heard[1], sizeof heard[1] - 1, 0, NULL) > 0 &&
            sock_send(b, peer, "hello, a", 8, 0, NULL) == 8)
            printf("%.6f s  b heard \"%s\" and answered\n", (double)now.ns / 1e9, heard[1]);
        if (sock_recv(a, client, heard[0], sizeof heard[0] - 1, 0, NULL) > 0)
            printf("%.6f s  a heard \"%s\"\n", (double)now.ns / 1e9, heard[0]);
        if (stack_output(a, &to_b.sink, now) || stack_output(b, &to_a.sink, now))
            return EXIT_FAILURE;
        now.ns += 100000; /* a tenth of a millisecond later */
    }
    stack_free(a);
    stack_free(b);
    return heard[0][0] ? EXIT_SUCCESS : EXIT_FAILURE;
}
