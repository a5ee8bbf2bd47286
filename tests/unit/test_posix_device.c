/*
 * test_posix_device.c - face two over a device of the program's own.
 *
 * The device is one end of a socket pair, keeps one packet when that is full, and says so in
 * `held`. Another has as little as dev.h allows: neither flush() nor deadline().
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <tapio/host.h>
#include <tapio/socket.h>
#include <unistd.h>

#include "support/proves.h"

struct cable {
    struct dev dev;
    int fd;
    uint8_t kept[1500]; /* dev.held octets */
};

static int receive(struct dev *dev, struct frame_pool *pool, struct frame **batch, int max,
                   instant now)
{
    struct frame *frame = dev_frame(pool, 1500);

    (void)now;
    ck_assert_int_gt(max, 0);
    ck_assert_ptr_nonnull(frame);
    ssize_t len = read(((struct cable *)dev)->fd, frame->data, 1500);
    if (len <= 0) {
        dev_frame_release(frame);
        return 0;
    }
    frame->len = (uint32_t)len;
    batch[0] = frame;
    return 1;
}

static void flush(struct dev *dev, instant now)
{
    struct cable *cable = (struct cable *)dev;

    (void)now;
    if (dev->held > 0 && write(cable->fd, cable->kept, dev->held) > 0)
        dev->held = 0;
}

static int keep(struct dev *dev, const struct frame_meta *meta, const struct iovec *iov, int iovcnt,
                instant now)
{
    struct cable *cable = (struct cable *)dev;

    (void)meta;
    (void)now;
    if (dev->held > 0)
        return -EAGAIN;
    for (int i = 0; i < iovcnt; i++) {
        memcpy(cable->kept + dev->held, iov[i].iov_base, iov[i].iov_len);
        dev->held += (uint32_t)iov[i].iov_len;
    }
    return 0;
}

static int send_now(struct dev *dev, const struct frame_meta *meta, const struct iovec *iov,
                    int iovcnt, instant now)
{
    (void)meta;
    (void)now;
    return writev(((struct cable *)dev)->fd, iov, iovcnt) >= 0 ? 0 : -EAGAIN;
}

static int descriptor(const struct dev *dev)
{
    return ((const struct cable *)dev)->fd;
}

static void no_close(struct dev *dev)
{
    (void)dev;
}

static const struct dev_ops keeping = {
    .receive = receive, .send = keep, .flush = flush, .fd = descriptor, .close = no_close};
static const struct dev_ops least = {
    .receive = receive, .send = send_now, .fd = descriptor, .close = no_close};

static struct stack *begin(struct cable *cable)
{
    struct stack_config config;
    struct env env;

    stack_config_init(&config);
    config.link = STACK_LINK_IP; /* nothing is sent but what is asked for, and no timer runs */
    config.addr_count = 1;
    ck_assert_int_eq(ip_prefix_parse("10.0.0.1/24", &config.addr[0]), 0);
    ck_assert_int_eq(host_env(&env), 0);
    struct stack *stack = stack_new(&config, &env);
    ck_assert_ptr_nonnull(stack);
    ck_assert_int_eq(tapio_attach(stack), 0);
    ck_assert_int_eq(tapio_start(&cable->dev), 0);
    return stack;
}

static void send_a_datagram(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    int s = tapio_socket(AF_INET, SOCK_DGRAM, 0);

    to.sin_addr.s_addr = htonl(0x0a000002);
    ck_assert_int_eq(tapio_sendto(s, "x", 1, 0, (struct sockaddr *)&to, sizeof to), 1);
}

static bool holds(const struct cable *cable)
{
    tapio_lock();
    bool held = cable->dev.held > 0;
    tapio_unlock();
    return held;
}

enum { JUNK = 1000, DATAGRAM = 20 + 8 + 1 };

START_TEST(what_a_device_holds_leaves_as_soon_as_there_is_room)
{
    static const uint8_t junk[JUNK];
    const struct timeval limit = {.tv_sec = 5};
    uint8_t packet[1500];
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    while (write(ends[0], junk, JUNK) > 0)
        ;
    struct cable cable = {.dev = {.ops = &keeping, .name = "cable", .mtu = 1500, .ip_only = true},
                          .fd = ends[0]};
    struct stack *stack = begin(&cable);
    send_a_datagram();
    while (!holds(&cable))
        usleep(100);

    ck_assert_int_eq(fcntl(ends[1], F_SETFL, 0), 0);
    ck_assert_int_eq(setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    ssize_t len;
    while ((len = read(ends[1], packet, sizeof packet)) == JUNK)
        ;
    ck_assert_int_eq(len, DATAGRAM);
    ck_assert(!holds(&cable));
    tapio_detach();
    stack_free(stack);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(a_device_needs_neither_flush_nor_deadline)
{
    uint8_t packet[1500];
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    struct cable cable = {.dev = {.ops = &least, .name = "cable", .mtu = 1500, .ip_only = true},
                          .fd = ends[0]};
    struct stack *stack = begin(&cable);
    send_a_datagram();
    ck_assert_int_eq(read(ends[1], packet, sizeof packet), DATAGRAM);
    tapio_detach();
    stack_free(stack);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("posix_device");
    TCase *c = tcase_create("a device of the program's own");

    tcase_set_timeout(c, 30);
    tcase_add_test(c, what_a_device_holds_leaves_as_soon_as_there_is_room);
    tcase_add_test(c, a_device_needs_neither_flush_nor_deadline);
    suite_add_tcase(suite, c);
    return run_suite(suite, "posix_device");
}
