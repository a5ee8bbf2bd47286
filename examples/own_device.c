/*
 * own_device.c - a device of one's own: a cable between two processes, each with its stack.
 *
 *     cc own_device.c $(pkg-config --cflags --libs tapio) && ./a.out
 *
 * Whatever takes and gives Ethernet frames can be a device: a driver, a tunnel, a virtual machine.
 * This one sends each frame as a packet of a UNIX socket, so nothing here needs a privilege.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <tapio/host.h>
#include <tapio/socket.h>
#include <unistd.h>

enum { FRAME = 14 + 1500 }; /* an Ethernet header and the MTU */

struct cable {
    struct dev dev; /* what every device has */
    int fd;
};

static int receive(struct dev *dev, struct frame_pool *pool, struct frame **batch, int max,
                   instant now)
{
    (void)now;
    for (int count = 0; count < max; count++) {
        struct frame *frame = dev_frame(pool, FRAME);
        if (!frame)
            return dev->counters.rx_nobuf++, count; /* it stays in the cable */
        ssize_t len = read(((struct cable *)dev)->fd, frame->data, FRAME);
        if (len <= 0) {
            dev_frame_release(frame);
            return len == 0 && count == 0 ? -ENETDOWN : count; /* the other end is gone */
        }
        frame->len = (uint32_t)len;
        batch[count] = frame;
    }
    return max;
}

static int send_frame(struct dev *dev, const struct frame_meta *meta, const struct iovec *iov,
                      int iovcnt, instant now)
{
    (void)meta, (void)now; /* we offer no offload, so there is nothing to be done */
    if (writev(((struct cable *)dev)->fd, iov, iovcnt) < 0) /* full: asked again, with room */
        return errno == EAGAIN ? -EAGAIN : -ENETDOWN;
    return 0;
}

static int descriptor(const struct dev *dev)
{
    return ((const struct cable *)dev)->fd;
}

static void close_cable(struct dev *dev)
{
    close(((struct cable *)dev)->fd);
}

static const struct dev_ops ops = {
    .receive = receive, .send = send_frame, .fd = descriptor, .close = close_cable};

int main(void)
{
    struct cable cable = {.dev = {.ops = &ops, .name = "cable", .mtu = 1500}};
    struct sockaddr_in server = {AF_INET, htons(7), {htonl(0x0a000002)}, {0}};
    struct stack_config config;
    struct env env;
    char text[100] = "hello, other process";
    int s, ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends))
        err(1, "socketpair");
    bool serves = fork() == 0; /* before there is a stack, which would not follow */
    cable.fd = ends[serves], close(ends[!serves]);
    stack_config_init(&config);
    config.addr_count = !ip_prefix_parse(serves ? "10.0.0.2/24" : "10.0.0.1/24", &config.addr[0]);
    struct stack *stack = host_env(&env) ? NULL : stack_new(&config, &env);
    if (!stack || tapio_attach(stack) || (s = tapio_socket(AF_INET, SOCK_STREAM, 0)) < 0)
        err(1, "stack");
    if (serves) {
        if (tapio_bind(s, (void *)&server, sizeof server) || tapio_listen(s, 1) ||
            tapio_start(&cable.dev) || (s = tapio_accept(s, NULL, NULL)) < 0)
            err(1, "server");
        for (ssize_t n; (n = tapio_read(s, text, sizeof text)) > 0;)
            tapio_write(s, text, (size_t)n);
    } else {
        poll(&(struct pollfd){cable.fd, POLLIN, 0}, 1, -1); /* its first words: it listens */
        if (tapio_start(&cable.dev) || tapio_connect(s, (void *)&server, sizeof server) ||
            tapio_write(s, text, sizeof text) < 0 || tapio_read(s, text, sizeof text) <= 0)
            err(1, "client");
        puts(text);
    }
    tapio_close(s);
    tapio_detach();
    stack_free(stack);
    dev_close(&cable.dev);
    return 0;
}
