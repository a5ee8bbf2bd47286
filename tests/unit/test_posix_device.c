/*
 * test_posix_device.c - face two over a device of the program's own.
 *
 * The device is one end of a socket pair, keeps one packet when that is full, and says so in
 * `held`. Another has as little as dev.h allows: neither flush() nor deadline(). Whether it is read
 * beside a thread that has the lock is the device's choice: `unshared`.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <tapio/host.h>
#include <tapio/socket.h>
#include <unistd.h>

#include "posix/posix.h"
#include "stack/stack.h"
#include "support/proves.h"

struct cable {
    struct dev dev;
    int fd;
    uint8_t kept[1500]; /* dev.held octets */
    atomic_int arrived; /* frames that were read */
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
    atomic_fetch_add(&((struct cable *)dev)->arrived, 1);
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

/* --- read ahead --------------------------------------------------------------------------- */

/* An echo request to 10.0.0.1. */
static const uint8_t echo_request[] = {
    0x45, 0, 0,    28,   0, 1, 0, 0, 64, 1, 0x66, 0xde, 10, 0, 0, 2, 10, 0, 0, 1, /* IPv4 */
    8,    0, 0xf7, 0xff, 0, 0, 0, 0,                                              /* ICMP */
};

/* Takes the lock while the polling thread sleeps. */
static struct stack *lock_beside_a_sleeper(void)
{
    for (;;) {
        struct stack *stack = tapio_lock();
        if (posix.sleeping)
            return stack;
        tapio_unlock();
        usleep(100);
    }
}

static int frames_that_arrive_beside_the_lock(bool unshared)
{
    const struct timeval limit = {.tv_sec = 5};
    uint8_t packet[1500];
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    struct cable cable = {
        .dev = {.ops = &least, .name = "cable", .mtu = 1500, .ip_only = true, .unshared = unshared},
        .fd = ends[0]};
    struct stack *stack = begin(&cable);
    ck_assert_ptr_eq(lock_beside_a_sleeper(), stack);
    ck_assert_int_eq(write(ends[1], echo_request, sizeof echo_request), sizeof echo_request);
    for (int i = 0; i < (unshared ? 50000 : 500) && atomic_load(&cable.arrived) == 0; i++)
        usleep(100);
    int beside = atomic_load(&cable.arrived);
    ck_assert_uint_eq(stack->events.counters.received, 0); /* what has come waits for its turn */
    tapio_unlock();

    ck_assert_int_eq(read(ends[1], packet, sizeof packet), sizeof echo_request);
    ck_assert_uint_eq(packet[20], 0); /* an echo reply */
    ck_assert_int_eq(atomic_load(&cable.arrived), 1);
    tapio_detach();
    ck_assert_uint_eq(stack->frames.out, 0); /* nothing is set aside any more */
    stack_free(stack);
    close(ends[0]);
    close(ends[1]);
    return beside;
}

START_TEST(a_device_that_is_unshared_is_read_while_another_thread_has_the_lock)
{
    ck_assert_int_eq(frames_that_arrive_beside_the_lock(true), 1);
}
END_TEST

START_TEST(a_device_that_may_be_shared_is_not)
{
    ck_assert_int_eq(frames_that_arrive_beside_the_lock(false), 0);
}
END_TEST

/* A datagram from 10.0.0.2 to 10.0.0.1 whose only two octets are its number. */
static void make_datagram(uint8_t packet[30], unsigned number)
{
    static const uint8_t header[28] = {
        0x45, 0, 0, 30, 0, 1,  0, 0, 64, 17, 0x66, 0xcc, 10, 0, 0, 2, 10, 0, 0, 1, /* IPv4 */
        0,    9, 0, 9,  0, 10, 0, 0,                                               /* no checksum */
    };

    memcpy(packet, header, sizeof header);
    packet[28] = (uint8_t)(number >> 8);
    packet[29] = (uint8_t)number;
}

START_TEST(what_is_read_beside_the_lock_arrives_in_order)
{
    enum { ROUNDS = 100, IN_ONE = 20 };
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(9)};
    uint8_t packet[30], got[30];
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    struct cable cable = {
        .dev = {.ops = &least, .name = "cable", .mtu = 1500, .ip_only = true, .unshared = true},
        .fd = ends[0]};
    struct stack *stack = begin(&cable);
    int s = tapio_socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_eq(tapio_bind(s, (struct sockaddr *)&here, sizeof here), 0);

    for (unsigned sent = 0, seen = 0; sent < ROUNDS * IN_ONE;) {
        for (int i = 0; i < IN_ONE; i++) {
            make_datagram(packet, sent++);
            ck_assert_int_eq(write(ends[1], packet, sizeof packet), sizeof packet);
        }
        for (; seen < sent; seen++) { /* while the rest of them is read */
            ck_assert_int_eq(tapio_recv(s, got, sizeof got, 0), 2);
            ck_assert_uint_eq((unsigned)got[0] << 8 | got[1], seen);
        }
    }
    tapio_detach();
    ck_assert_uint_eq(stack->events.counters.received, ROUNDS * IN_ONE);
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
    tcase_add_test(c, a_device_that_is_unshared_is_read_while_another_thread_has_the_lock);
    tcase_add_test(c, a_device_that_may_be_shared_is_not);
    tcase_add_test(c, what_is_read_beside_the_lock_arrives_in_order);
    suite_add_tcase(suite, c);
    return run_suite(suite, "posix_device");
}
