/* The TAP device over a system that fails where a test wants it to. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/frame.h"
#include "base/instant.h"
#include "dev/tap.h"
#include "dev/vnet_wire.h"
#include "eth/eth_wire.h"
#include "support/proves.h"

enum { TUN_FD = 40, SOCKET_FD = 41, ANSWERS = 200, MTU = 1500 };

static const instant now = {0};

/* What a read or write answers: an errno, or so many octets of a frame that counts up. */
struct answer {
    int err;
    size_t len; /* WHOLE, for writes: all of it */
};

enum { WHOLE = 1 << 20 };

static struct {
    /* what the system does */
    struct answer read[ANSWERS];
    struct answer write[ANSWERS];
    uint8_t header[VNET_HEADER]; /* in front of each frame that is read */
    int open_errno, socket_errno;
    unsigned long failing; /* this request fails, with: */
    int ioctl_errno;
    int busy; /* TUNSETIFF says so this often */
    bool exists;
    bool no_offload;
    long not_granted; /* of TUNSETOFFLOAD: a request for any of these fails */
    int mtu;
    /* what it saw */
    unsigned reads, writes;
    uint8_t written[4096];
    size_t written_len;
    int open_flags;
    short if_flags;
    int header_len;
    bool little_endian;
    long offload; /* -1: not asked */
    long owner;
    int64_t paused;
    bool tun_open, socket_open;
} fake;

static struct memory memory;
static struct frame_pool pool;

static int failed(int err)
{
    errno = err;
    return -1;
}

static int fake_open(const char *path, int flags)
{
    ck_assert_str_eq(path, "/dev/net/tun");
    if (fake.open_errno)
        return failed(fake.open_errno);
    fake.open_flags = flags;
    fake.tun_open = true;
    return TUN_FD;
}

static int fake_socket(int domain, int type, int protocol)
{
    ck_assert_int_eq(domain, AF_INET);
    ck_assert_int_eq(type, SOCK_DGRAM | SOCK_CLOEXEC);
    ck_assert_int_eq(protocol, 0);
    if (fake.socket_errno)
        return failed(fake.socket_errno);
    fake.socket_open = true;
    return SOCKET_FD;
}

static int fake_close(int fd)
{
    bool *open = fd == TUN_FD ? &fake.tun_open : &fake.socket_open;
    ck_assert(*open);
    *open = false;
    return 0;
}

static int fake_ioctl(int fd, unsigned long request, void *argument)
{
    struct ifreq *link = argument;

    ck_assert_int_eq(fd, request == SIOCGIFMTU || request == SIOCGIFHWADDR ? SOCKET_FD : TUN_FD);
    if (request == fake.failing && fake.ioctl_errno)
        return failed(fake.ioctl_errno);
    if (request == TUNSETIFF) {
        ck_assert_str_eq(link->ifr_name, "tap0");
        fake.if_flags = link->ifr_flags;
        if (fake.busy > 0)
            return fake.busy--, failed(EBUSY);
    } else if (request == TUNSETVNETHDRSZ) {
        memcpy(&fake.header_len, argument, sizeof(int));
    } else if (request == TUNSETVNETLE) {
        fake.little_endian = true;
    } else if (request == TUNSETOFFLOAD) {
        if ((fake.no_offload && argument) || (long)(uintptr_t)argument & fake.not_granted)
            return failed(EINVAL);
        fake.offload = (long)(uintptr_t)argument;
    } else if (request == TUNSETOWNER) {
        fake.owner = (long)(uintptr_t)argument;
    } else if (request == TUNGETIFF) {
        strcpy(link->ifr_name, "tap0");
    } else if (request == SIOCGIFMTU) {
        link->ifr_mtu = fake.mtu;
    } else if (request == SIOCGIFHWADDR) {
        memcpy(link->ifr_hwaddr.sa_data, "\x02\0\0\0\0\x63", 6);
    } else {
        ck_abort_msg("an ioctl that nobody expects: %lx", request);
    }
    return 0;
}

/* What is read at this place of a frame. */
static uint8_t octet_of(size_t place)
{
    return (uint8_t)(place + place / 256);
}

static ssize_t fake_readv(int fd, const struct iovec *iov, int iovcnt)
{
    ck_assert_int_eq(fd, TUN_FD);
    ck_assert_uint_lt(fake.reads, ANSWERS);
    struct answer answer = fake.read[fake.reads++];
    if (answer.err)
        return failed(answer.err);
    size_t total = answer.len, place = 0; /* in the frame */
    for (int i = 0; i < iovcnt && answer.len > 0; i++) {
        size_t n = size_min(answer.len, iov[i].iov_len);
        uint8_t *octets = iov[i].iov_base;
        bool is_header = fake.header_len > 0 && i == 0;
        for (size_t j = 0; j < n; j++)
            octets[j] = is_header ? fake.header[j] : octet_of(place++);
        answer.len -= n;
    }
    return (ssize_t)(total - answer.len); /* the rest of the frame is cut, as the kernel does */
}

static ssize_t fake_writev(int fd, const struct iovec *iov, int iovcnt)
{
    ck_assert_int_eq(fd, TUN_FD);
    ck_assert_uint_lt(fake.writes, ANSWERS);
    struct answer answer = fake.write[fake.writes++];
    if (answer.err)
        return failed(answer.err);
    fake.written_len = 0;
    for (int i = 0; i < iovcnt; i++) {
        memcpy(fake.written + fake.written_len, iov[i].iov_base, iov[i].iov_len);
        fake.written_len += iov[i].iov_len;
    }
    return (ssize_t)size_min(answer.len, fake.written_len);
}

static unsigned fake_if_nametoindex(const char *name)
{
    ck_assert_str_eq(name, "tap0");
    return fake.exists ? 7 : 0;
}

static void fake_pause(int64_t ns)
{
    ck_assert_int_gt(ns, 0);
    fake.paused += ns;
}

static const struct tap_sys fake_sys = {
    .open = fake_open,
    .ioctl = fake_ioctl,
    .readv = fake_readv,
    .writev = fake_writev,
    .close = fake_close,
    .socket = fake_socket,
    .if_nametoindex = fake_if_nametoindex,
    .pause = fake_pause,
};

static void setup(void)
{
    memset(&fake, 0, sizeof(fake));
    fake.mtu = MTU;
    fake.offload = -1;
    fake.owner = -1;
    for (size_t i = 0; i < ANSWERS; i++) {
        fake.read[i].err = EAGAIN;
        fake.write[i].len = WHOLE;
    }
    ck_assert_int_eq(frame_pool_init(&pool, &memory, 4 << 20), 0);
}

static void teardown(void)
{
    ck_assert_uint_eq(pool.out, 0);
    ck_assert(!fake.tun_open);
    ck_assert(!fake.socket_open);
    frame_pool_fini(&pool);
}

static struct dev *opened(bool offload)
{
    struct tap_config config = {.name = "tap0", .offload = offload, .sys = &fake_sys};
    struct dev *dev;
    ck_assert_int_eq(tap_open(&config, &dev), 0);
    return dev;
}

/* Receives, and gives the frames back; their lengths are in `lengths`. */
static uint32_t lengths[DEV_BATCH];

static int receive(struct dev *dev, int max)
{
    struct frame *batch[DEV_BATCH];
    int count = dev_receive(dev, &pool, batch, max, now);
    for (int i = 0; i < count; i++) {
        lengths[i] = batch[i]->len;
        frame_put(batch[i]);
    }
    return count;
}

static uint8_t octets[70000];

static int send_meta(struct dev *dev, size_t len, const struct frame_meta *meta)
{
    struct iovec iov[2] = {{octets, size_min(len, 14)}, {octets + 14, len > 14 ? len - 14 : 0}};
    for (size_t i = 0; i < len; i++)
        octets[i] = (uint8_t)(i * 5);
    return dev_send(dev, meta, iov, 2, now);
}

static int send_frame(struct dev *dev, size_t len)
{
    static const struct frame_meta meta;
    return send_meta(dev, len, &meta);
}

/* --- opening ------------------------------------------------------------------------------ */

START_TEST(a_plain_tap_takes_plain_frames_and_no_offload)
{
    struct dev *dev = opened(false);
    ck_assert_int_eq(fake.open_flags, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    ck_assert_int_eq(fake.if_flags, IFF_TAP | IFF_NO_PI);
    ck_assert_int_eq(fake.header_len, 0);
    ck_assert_int_eq(fake.offload, 0); /* said, since a user before us may have left another */
    ck_assert_int_eq(fake.owner, -1);
    ck_assert(!dev->csum_offload);
    ck_assert_str_eq(dev->name, "tap0");
    ck_assert_uint_eq(dev->mtu, MTU);
    ck_assert_uint_eq(dev->peer_mac.octet[5], 0x63);
    ck_assert_int_eq(dev_fd(dev), TUN_FD);
    ck_assert(instant_is_never(dev_deadline(dev)));
    dev_flush(dev, now);
    ck_assert_uint_eq(fake.reads + fake.writes, 0);
    dev_close(dev);
}
END_TEST

START_TEST(a_tap_with_offload_speaks_virtio_net_hdr)
{
    struct dev *dev = opened(true);
    ck_assert_int_eq(fake.if_flags, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
    ck_assert_int_eq(fake.header_len, VNET_HEADER);
    ck_assert(fake.little_endian);
    ck_assert_int_eq(fake.offload, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN);
    ck_assert(dev->csum_offload && dev->big_frames);
    dev_close(dev);
}
END_TEST

START_TEST(of_the_offloads_it_takes_what_the_kernel_grants)
{
    static const struct {
        long not_granted, asked;
        bool big_frames, csum_offload;
    } cases[] = {
        {TUN_F_TSO_ECN, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6, true, true},
        {TUN_F_TSO6, TUN_F_CSUM, false, true},
        {TUN_F_CSUM, 0, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        fake.not_granted = cases[i].not_granted;
        struct dev *dev = opened(true);
        ck_assert_int_eq(fake.offload, cases[i].asked);
        ck_assert_int_eq(dev->big_frames, cases[i].big_frames);
        ck_assert_int_eq(dev->csum_offload, cases[i].csum_offload);
        dev_close(dev);
    }
}
END_TEST

START_TEST(a_tun_is_a_tap_without_ethernet)
{
    struct tap_config config = {.name = "tap0", .tun = true, .offload = true, .sys = &fake_sys};
    struct frame_meta meta = {0};
    struct dev *dev;

    ck_assert_int_eq(tap_open(&config, &dev), 0);
    ck_assert_int_eq(fake.if_flags, IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);
    ck_assert(dev->ip_only && dev->csum_offload);
    ck_assert_uint_eq(dev->peer_mac.octet[0] | dev->peer_mac.octet[5], 0);

    /* A packet may be shorter than an Ethernet header, and as long as the MTU. */
    ck_assert_int_eq(send_meta(dev, 1, &meta), 0);
    ck_assert_int_eq(send_meta(dev, MTU, &meta), 0);
    ck_assert_uint_eq(dev->counters.tx_bad, 0);
    ck_assert_int_eq(send_meta(dev, MTU + 1, &meta), 0);
    ck_assert_uint_eq(dev->counters.tx_bad, 1);
    dev_close(dev);
}
END_TEST

START_TEST(offload_that_is_not_granted_is_done_without)
{
    struct frame *frame;
    fake.no_offload = true;
    struct dev *dev = opened(true);
    ck_assert(!dev->csum_offload);
    ck_assert_int_eq(fake.offload, 0);

    /* A header that speaks of it all the same is not believed. */
    memcpy(fake.header, (uint8_t[]){1, 0, 0, 0, 0, 0, 34, 0, 16, 0}, VNET_HEADER);
    fake.read[0] = (struct answer){.len = VNET_HEADER + 60};
    ck_assert_int_eq(dev_receive(dev, &pool, &frame, 1, now), 1);
    ck_assert_uint_eq(frame->meta.flags, 0);
    ck_assert_uint_eq(frame->meta.bad, 0);
    frame_put(frame);
    dev_close(dev);
}
END_TEST

START_TEST(created_says_whether_the_interface_was_there)
{
    for (int exists = 0; exists < 2; exists++) {
        struct tap_config config = {.name = "tap0", .sys = &fake_sys};
        struct dev *dev;
        fake.exists = exists;
        ck_assert_int_eq(tap_open(&config, &dev), 0);
        ck_assert_int_eq(config.created, !exists);
        dev_close(dev);
    }
}
END_TEST

START_TEST(an_owner_is_set_when_one_is_named)
{
    uid_t owner = 1000;
    struct tap_config config = {.name = "tap0", .owner = &owner, .sys = &fake_sys};
    struct dev *dev;
    ck_assert_int_eq(tap_open(&config, &dev), 0);
    ck_assert_int_eq(fake.owner, 1000);
    dev_close(dev);
}
END_TEST

static const unsigned long requests[] = {TUNSETIFF,    TUNSETOFFLOAD, TUNSETVNETHDRSZ,
                                         TUNSETVNETLE, TUNSETOWNER,   TUNGETIFF,
                                         SIOCGIFMTU,   SIOCGIFHWADDR};

START_TEST(a_failure_to_open_leaves_nothing_open)
{
    static const int errors[] = {EPERM, EACCES, ENOENT, ENODEV, EINVAL};
    uid_t owner = 1;
    struct tap_config config = {.name = "tap0", .offload = true, .owner = &owner, .sys = &fake_sys};
    struct dev *dev = NULL;

    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        fake.open_errno = errors[i];
        ck_assert_int_eq(tap_open(&config, &dev), -errors[i]);
        fake.open_errno = 0;
        fake.socket_errno = errors[i];
        ck_assert_int_eq(tap_open(&config, &dev), -errors[i]);
        ck_assert(!fake.tun_open);
        fake.socket_errno = 0;
        fake.ioctl_errno = errors[i];
        for (size_t r = 0; r < ARRAY_LEN(requests); r++) {
            fake.failing = requests[r];
            ck_assert_int_eq(tap_open(&config, &dev), -errors[i]);
            ck_assert(!fake.tun_open);
            ck_assert(!fake.socket_open);
        }
        fake.failing = 0;
    }
    ck_assert_int_eq(fake.paused, 0);
    ck_assert_ptr_null(dev);
}
END_TEST

START_TEST(a_busy_interface_is_waited_for_a_little)
{
    struct tap_config config = {.name = "tap0", .sys = &fake_sys};
    struct dev *dev;

    fake.busy = 3;
    ck_assert_int_eq(tap_open(&config, &dev), 0);
    ck_assert_int_eq(fake.busy, 0);
    dev_close(dev);

    fake.paused = 0;
    fake.busy = 1000;
    ck_assert_int_eq(tap_open(&config, &dev), -EBUSY);
    ck_assert_int_ge(fake.paused, 150 * NS_PER_MS);
    ck_assert_int_le(fake.paused, 250 * NS_PER_MS);
}
END_TEST

static const struct {
    const char *name;
    bool possible;
} names[] = {
    {"", false},
    {"t", true},
    {"tap0", true},
    {"fifteen-letters", true},
    {"sixteen--letters", false},
    {"a/b", false},
    {"a b", false},
    {"a:1", false},
    {"a\nb", false},
    {".", false},
    {"..", false},
    {"tap.100", true},
};

START_TEST(a_name_is_checked_before_the_kernel_is_asked)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        ck_assert_int_eq(tap_name_is_possible(names[i].name), names[i].possible);
        if (names[i].possible)
            continue;
        struct tap_config config = {.name = names[i].name, .sys = &fake_sys};
        struct dev *dev;
        ck_assert_int_eq(tap_open(&config, &dev), -EINVAL);
        ck_assert_int_eq(fake.open_flags, 0);
    }
}
END_TEST

START_TEST(every_error_is_explained_in_one_line)
{
    static const int errors[] = {EPERM, EACCES, ENOENT, ENODEV, ENXIO, EBUSY, EINVAL, EMFILE};
    char line[300];
    char same[300];

    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        ck_assert_ptr_eq(tap_explain(-errors[i], "no-such-tap", false, true, line, sizeof(line)),
                         line);
        ck_assert_uint_gt(strlen(line), 20);
        ck_assert_uint_lt(strlen(line), 250); /* nothing was cut off */
        ck_assert_ptr_null(strchr(line, '\n'));
        for (size_t j = 0; j < i; j++)
            ck_assert(errors[i] == ENXIO ||
                      strcmp(line, tap_explain(-errors[j], "no-such-tap", false, true, same,
                                               sizeof(same))) != 0);
    }
    ck_assert_ptr_nonnull(
        strstr(tap_explain(-EINVAL, "a/b", false, true, line, sizeof(line)), "'a/b'"));
    ck_assert_ptr_nonnull(strstr(
        tap_explain(-EBUSY, "no-such-tap", false, true, line, sizeof(line)), "another program"));
}
END_TEST

/* --- reading ------------------------------------------------------------------------------ */

START_TEST(an_empty_tap_is_read_once)
{
    struct dev *dev = opened(false);
    ck_assert_int_eq(receive(dev, DEV_BATCH), 0);
    ck_assert_uint_eq(fake.reads, 1);
    ck_assert_uint_eq(dev->counters.rx_frames, 0);

    /* Some frames, then the empty read that ends the batch. */
    for (size_t i = 1; i <= 3; i++)
        fake.read[i] = (struct answer){.len = 60 + i};
    ck_assert_int_eq(receive(dev, DEV_BATCH), 3);
    ck_assert_uint_eq(fake.reads, 5);
    ck_assert_uint_eq(lengths[0], 61);
    ck_assert_uint_eq(lengths[2], 63);
    ck_assert_uint_eq(dev->counters.rx_frames, 3);
    ck_assert_uint_eq(dev->counters.rx_octets, 61 + 62 + 63);

    /* A full batch has no empty read. */
    for (size_t i = 5; i < 5 + DEV_BATCH; i++)
        fake.read[i] = (struct answer){.len = 60};
    ck_assert_int_eq(receive(dev, DEV_BATCH), DEV_BATCH);
    ck_assert_uint_eq(fake.reads, 5 + DEV_BATCH);
    dev_close(dev);
    PROVES("T01");
}
END_TEST

START_TEST(an_interrupted_call_is_repeated)
{
    struct dev *dev = opened(false);
    fake.read[0].err = EINTR;
    fake.read[1] = (struct answer){.len = 100};
    fake.read[2].err = EINTR;
    fake.read[3].err = EINTR;
    fake.read[4] = (struct answer){.len = 101};
    ck_assert_int_eq(receive(dev, DEV_BATCH), 2);
    ck_assert_uint_eq(lengths[0], 100);
    ck_assert_uint_eq(lengths[1], 101);

    fake.write[0].err = EINTR;
    fake.write[1].err = EINTR;
    ck_assert_int_eq(send_frame(dev, 200), 0);
    ck_assert_uint_eq(fake.writes, 3);
    ck_assert_uint_eq(fake.written_len, 200);
    ck_assert_mem_eq(fake.written, octets, 200);
    ck_assert_uint_eq(dev->counters.tx_frames, 1);
    dev_close(dev);
    PROVES("T02");
}
END_TEST

START_TEST(interruptions_without_end_do_not_hang)
{
    struct dev *dev = opened(false);
    for (size_t i = 0; i < ANSWERS; i++)
        fake.read[i].err = fake.write[i].err = EINTR;
    ck_assert_int_eq(receive(dev, DEV_BATCH), 0);
    ck_assert_int_eq(send_frame(dev, 60), -EAGAIN);
    dev_close(dev);
}
END_TEST

static const int mtus[] = {68, 1500, 9000, 65521, 65536};

START_TEST(a_frame_that_fills_the_buffer_is_marked_as_cut)
{
    for (int offload = 0; offload < 2; offload++) {
        size_t header = offload ? VNET_HEADER : 0;
        for (size_t i = 0; i < ARRAY_LEN(mtus); i++) {
            struct frame *batch[3];
            fake.mtu = mtus[i];
            fake.reads = 0;
            fake.not_granted = TUN_F_TSO4; /* big frames have a buffer of their own: below */
            struct dev *dev = opened(offload);
            size_t longest = dev->mtu + ETH_HEADER;

            /* The longest frame that the link carries has an octet to spare. */
            fake.read[0] = (struct answer){.len = header + longest};
            ck_assert_int_eq(dev_receive(dev, &pool, batch, 1, now), 1);
            ck_assert_uint_eq(batch[0]->len, longest);
            ck_assert(!batch[0]->truncated);
            size_t room = frame_tailroom(batch[0]) + batch[0]->len;
            ck_assert_uint_gt(room, longest);
            frame_put(batch[0]);

            fake.read[1] = (struct answer){.len = header + room - 1};
            fake.read[2] = (struct answer){.len = header + room};
            fake.read[3] = (struct answer){.len = header + room + 1};
            ck_assert_int_eq(dev_receive(dev, &pool, batch, 3, now), 3);
            for (int f = 0; f < 3; f++) {
                ck_assert_int_eq(batch[f]->truncated, f > 0);
                ck_assert_uint_eq(batch[f]->len, f > 0 ? room : room - 1);
                frame_put(batch[f]);
            }
            dev_close(dev);
        }
    }
    PROVES("T03");
}
END_TEST

START_TEST(a_big_frame_arrives_in_one_piece)
{
    static const size_t lens[] = {60, 1514, 1515, 2047, 2048, 3000, 20000, 65549, 65550};
    struct frame *frame;
    struct dev *dev = opened(true);

    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        fake.read[i] = (struct answer){.len = VNET_HEADER + lens[i]};
        ck_assert_int_eq(dev_receive(dev, &pool, &frame, 1, now), 1);
        ck_assert_uint_eq(frame->len, lens[i]);
        ck_assert(!frame->truncated);
        for (size_t j = 0; j < lens[i]; j++)
            ck_assert_uint_eq(frame->data[j], octet_of(j));
        if (lens[i] <= 1514 || lens[i] >= 2048) /* in between is a matter of the buffer's room */
            ck_assert_int_eq(frame_charge(frame) > 2048, lens[i] >= 2048);
        frame_put(frame);
        ck_assert_uint_eq(pool.out, 0); /* nothing of the other buffer stays out */
    }
    dev_close(dev);
}
END_TEST

START_TEST(a_frame_that_fills_the_large_buffer_is_marked_as_cut)
{
    struct frame *frame;
    struct dev *dev = opened(true);

    fake.read[0] = (struct answer){.len = VNET_HEADER + WHOLE};
    ck_assert_int_eq(dev_receive(dev, &pool, &frame, 1, now), 1);
    ck_assert(frame->truncated);
    frame_put(frame);
    dev_close(dev);
}
END_TEST

START_TEST(a_batch_ends_when_it_is_large_and_the_rest_is_next)
{
    struct dev *dev = opened(true);

    for (int i = 0; i < 10; i++)
        fake.read[i] = (struct answer){.len = VNET_HEADER + 60000};
    ck_assert_int_eq(receive(dev, DEV_BATCH), 5); /* the first sum above 256 KB */
    ck_assert_int_eq(receive(dev, DEV_BATCH), 5);
    ck_assert_int_eq(receive(dev, DEV_BATCH), 0);
    dev_close(dev);
}
END_TEST

START_TEST(a_stock_that_runs_dry_ends_a_batch_and_loses_nothing)
{
    struct dev *dev = opened(true);
    struct frame *batch[DEV_BATCH];
    struct frame_pool stock;

    for (int i = 0; i < 4; i++)
        fake.read[i] = (struct answer){.len = VNET_HEADER + 60};
    frame_stock_init(&stock, &pool);
    ck_assert_uint_eq(frame_stock_fill(&stock, 1600, 3), 3);
    ck_assert_uint_eq(frame_stock_fill(&stock, FRAME_ROOM_MAX, 1), 1);
    ck_assert_int_eq(dev_receive(dev, &stock, batch, DEV_BATCH, now), 3);
    ck_assert_uint_eq(fake.reads, 3);
    ck_assert_uint_eq(dev->counters.rx_nobuf, 0);
    for (int i = 0; i < 3; i++)
        frame_put(batch[i]);
    ck_assert_int_eq(dev_receive(dev, &stock, batch, DEV_BATCH, now), 1);
    frame_put(batch[0]);
    frame_stock_fini(&stock);
    ck_assert_uint_eq(pool.out, 0);
    dev_close(dev);
}
END_TEST

START_TEST(without_memory_for_a_large_buffer_frames_stay_where_they_are)
{
    struct dev *dev = opened(true);
    struct frame *all[100];
    int count = 0;

    while ((all[count] = frame_get(&pool, FRAME_ROOM_MAX)))
        count++;
    fake.read[0] = (struct answer){.len = VNET_HEADER + 60};
    ck_assert_int_eq(receive(dev, DEV_BATCH), 0);
    ck_assert_uint_eq(dev->counters.rx_nobuf, 1);
    ck_assert_uint_eq(fake.reads, 0);
    while (count > 0)
        frame_put(all[--count]);
    ck_assert_int_eq(receive(dev, DEV_BATCH), 1);
    dev_close(dev);
}
END_TEST

START_TEST(a_refused_read_is_an_error_and_loses_no_frame)
{
    struct dev *dev = opened(true);
    fake.read[0] = (struct answer){.len = VNET_HEADER + 60};
    fake.read[1].err = EINVAL;
    fake.read[2].err = EINVAL;
    ck_assert_int_eq(receive(dev, DEV_BATCH), 1);
    ck_assert_int_eq(receive(dev, DEV_BATCH), -EINVAL);
    ck_assert_uint_eq(dev->counters.lost, 0);

    /* Less than a header was never seen, and is no frame that anybody may believe. */
    struct frame *frame;
    fake.read[3] = (struct answer){.len = VNET_HEADER - 1};
    ck_assert_int_eq(dev_receive(dev, &pool, &frame, 1, now), 1);
    ck_assert_uint_eq(frame->meta.bad, 1);
    ck_assert_uint_eq(frame->len, 0);
    frame_put(frame);
    dev_close(dev);
    PROVES("T04");
}
END_TEST

static const struct {
    uint8_t header[VNET_HEADER];
    uint8_t bad, flags;
    uint16_t csum_start;
} headers[] = {
    {{0}, 0, 0, 0},
    {{1, 0, 0, 0, 0, 0, 34, 0, 16, 0}, 0, FRAME_NEEDS_CSUM, 34},
    {{1, 0, 0, 0, 0, 0, 44, 0, 14, 0}, 0, FRAME_NEEDS_CSUM, 44},
    {{1, 0, 0, 0, 0, 0, 44, 0, 15, 0}, 1, 0, 0},
    {{2, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, FRAME_CSUM_VALID, 0},
    {{0, 2, 0, 0, 1, 0, 0, 0, 0, 0}, 1, 0, 0},
};

START_TEST(the_header_becomes_the_meta_of_its_frame)
{
    struct dev *dev = opened(true);
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        struct frame *frame;
        memcpy(fake.header, headers[i].header, VNET_HEADER);
        fake.read[i] = (struct answer){.len = VNET_HEADER + 60};
        ck_assert_int_eq(dev_receive(dev, &pool, &frame, 1, now), 1);
        ck_assert_uint_eq(frame->len, 60);
        ck_assert_uint_eq(frame->data[59], 59); /* the header is no part of it */
        ck_assert_uint_eq(frame->meta.bad, headers[i].bad);
        ck_assert_uint_eq(frame->meta.flags, headers[i].flags);
        ck_assert_uint_eq(frame->meta.csum_start, headers[i].csum_start);
        ck_assert_uint_eq(dev->counters.rx_octets, 60 * (i + 1));
        frame_put(frame);
    }
    dev_close(dev);
}
END_TEST

START_TEST(without_a_buffer_frames_stay_in_the_kernel)
{
    struct frame *kept[DEV_BATCH];
    struct frame_pool small;
    ck_assert_int_eq(frame_pool_init(&small, &memory, 4096), 0); /* two buffers */
    struct dev *dev = opened(false);
    for (size_t i = 0; i < 4; i++)
        fake.read[i] = (struct answer){.len = 60 + i};

    ck_assert_int_eq(dev_receive(dev, &small, kept, DEV_BATCH, now), 2);
    ck_assert_uint_eq(fake.reads, 2);
    ck_assert_uint_eq(dev->counters.rx_nobuf, 1);
    struct frame *more[1];
    ck_assert_int_eq(dev_receive(dev, &small, more, 1, now), 0);
    ck_assert_uint_eq(fake.reads, 2);
    ck_assert_uint_eq(dev->counters.rx_nobuf, 2);

    frame_put(kept[0]);
    ck_assert_int_eq(dev_receive(dev, &small, more, 1, now), 1);
    ck_assert_uint_eq(more[0]->len, 62); /* the third: none is missing */
    frame_put(more[0]);
    frame_put(kept[1]);
    dev_close(dev);
    frame_pool_fini(&small);
}
END_TEST

static const int gone_errors[] = {EBADFD, ENODEV};

START_TEST(a_tap_that_is_gone_is_asked_no_more)
{
    struct dev *dev = opened(false);
    fake.read[0] = (struct answer){.len = 60};
    fake.read[1].err = gone_errors[_i];
    fake.read[2] = (struct answer){.len = 60};
    ck_assert_int_eq(receive(dev, DEV_BATCH), 1); /* what came before is not lost */
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(send_frame(dev, 60), -ENETDOWN);
        ck_assert_int_eq(receive(dev, DEV_BATCH), -ENETDOWN);
        ck_assert_uint_eq(dev->counters.lost, 1);
        ck_assert_int_eq(dev_fd(dev), -1);
        ck_assert_int_eq(tap_refresh(dev), -ENETDOWN);
    }
    ck_assert_uint_eq(fake.reads, 2);
    ck_assert_uint_eq(fake.writes, 0);
    ck_assert_uint_eq(dev->counters.lost, 1);
    dev_close(dev);

    /* Or a write finds out. */
    dev = opened(false);
    fake.write[0].err = gone_errors[_i];
    ck_assert_int_eq(send_frame(dev, 60), -ENETDOWN);
    ck_assert_uint_eq(dev->counters.lost, 1);
    ck_assert_uint_eq(dev->counters.tx_frames, 0);
    ck_assert_int_eq(receive(dev, DEV_BATCH), -ENETDOWN);
    ck_assert_uint_eq(fake.reads, 2);
    dev_close(dev);
}
END_TEST

/* --- writing ------------------------------------------------------------------------------ */

START_TEST(a_link_that_is_down_loses_frames_as_a_wire_does)
{
    struct dev *dev = opened(false);
    fake.write[0].err = EIO;
    fake.write[1].err = EIO;
    ck_assert_int_eq(send_frame(dev, 60), 0);
    ck_assert_int_eq(send_frame(dev, 60), 0);
    ck_assert_uint_eq(dev->counters.tx_down, 2);
    ck_assert_uint_eq(dev->counters.lost, 0);
    ck_assert_int_eq(send_frame(dev, 60), 0); /* it is up again */
    ck_assert_uint_eq(dev->counters.tx_down, 2);
    ck_assert_uint_eq(dev->counters.tx_frames, 3);
    dev_close(dev);
}
END_TEST

START_TEST(a_full_tap_leaves_the_frame_with_its_owner)
{
    static const int full[] = {EAGAIN, ENOBUFS, ENOMEM};
    struct dev *dev = opened(false);
    for (size_t i = 0; i < ARRAY_LEN(full); i++) {
        fake.writes = 0;
        fake.write[0].err = full[i];
        ck_assert_int_eq(send_frame(dev, 60), -EAGAIN);
        ck_assert_uint_eq(fake.writes, 1);
        ck_assert_uint_eq(dev->counters.tx_again, i + 1);
        ck_assert_uint_eq(dev->counters.tx_frames, 0);
    }
    dev_close(dev);
    PROVES("T07");
}
END_TEST

START_TEST(the_rest_of_a_short_write_is_never_sent)
{
    struct dev *dev = opened(false);
    fake.write[0].len = 59;
    fake.write[1].len = 0;
    ck_assert_int_eq(send_frame(dev, 60), 0);
    ck_assert_uint_eq(fake.writes, 1);
    ck_assert_uint_eq(dev->counters.tx_short, 1);
    ck_assert_int_eq(send_frame(dev, 60), 0);
    ck_assert_uint_eq(fake.writes, 2);
    ck_assert_uint_eq(dev->counters.tx_short, 2);
    ck_assert_int_eq(send_frame(dev, 60), 0);
    ck_assert_uint_eq(dev->counters.tx_short, 2);
    dev_close(dev);

    /* The header in front counts as well. */
    dev = opened(true);
    fake.writes = 0;
    fake.write[0].len = VNET_HEADER + 59;
    fake.write[1].len = VNET_HEADER + 60;
    ck_assert_int_eq(send_frame(dev, 60), 0);
    ck_assert_uint_eq(dev->counters.tx_short, 1);
    ck_assert_int_eq(send_frame(dev, 60), 0);
    ck_assert_uint_eq(dev->counters.tx_short, 1);
    dev_close(dev);
    PROVES("T08");
}
END_TEST

static const struct {
    size_t len;
    uint8_t gso_type;
    bool leaves;
} edges[] = {
    {0, FRAME_GSO_NONE, false},        {13, FRAME_GSO_NONE, false},
    {14, FRAME_GSO_NONE, true},        {MTU + 14, FRAME_GSO_NONE, true},
    {MTU + 15, FRAME_GSO_NONE, false}, {13, FRAME_GSO_TCPV4, false},
    {MTU + 15, FRAME_GSO_TCPV4, true}, {VNET_FRAME_MAX + 1, FRAME_GSO_TCPV4, false},
};

START_TEST(a_frame_that_no_wire_carries_is_not_written)
{
    for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
        struct dev *dev = opened(true);
        struct frame_meta meta = {.gso_type = edges[i].gso_type, .gso_size = 1448};
        fake.writes = 0;
        ck_assert_int_eq(send_meta(dev, edges[i].len, &meta), 0);
        ck_assert_uint_eq(fake.writes, edges[i].leaves);
        ck_assert_uint_eq(dev->counters.tx_bad, !edges[i].leaves);
        ck_assert_uint_eq(dev->counters.tx_frames, edges[i].leaves);
        dev_close(dev);
    }
    PROVES("T09");
}
END_TEST

START_TEST(a_frame_that_the_kernel_refuses_is_lost)
{
    struct dev *dev = opened(false);
    fake.write[0].err = EINVAL;
    ck_assert_int_eq(send_frame(dev, 60), 0);
    ck_assert_uint_eq(dev->counters.tx_bad, 1);
    dev_close(dev);
}
END_TEST

START_TEST(the_meta_becomes_the_header_of_its_frame)
{
    static const uint8_t header[VNET_HEADER] = {1, 0, 0, 0, 0, 0, 34, 0, 16, 0};
    struct frame_meta meta = {.flags = FRAME_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16};
    struct dev *dev = opened(true);
    ck_assert_int_eq(send_meta(dev, 60, &meta), 0);
    ck_assert_uint_eq(fake.written_len, VNET_HEADER + 60);
    ck_assert_mem_eq(fake.written, header, VNET_HEADER);
    ck_assert_mem_eq(fake.written + VNET_HEADER, octets, 60);
    ck_assert_uint_eq(dev->counters.tx_octets, 60);
    dev_close(dev);
}
END_TEST

/* --- a link that changes ------------------------------------------------------------------ */

START_TEST(a_new_mtu_is_found_by_refresh)
{
    struct dev *dev = opened(false);
    fake.mtu = 576;
    ck_assert_int_eq(tap_refresh(dev), 0);
    ck_assert_uint_eq(dev->mtu, 576);
    ck_assert_int_eq(send_frame(dev, 591), 0);
    ck_assert_uint_eq(dev->counters.tx_bad, 1);

    fake.failing = SIOCGIFMTU;
    fake.ioctl_errno = EPERM;
    ck_assert_int_eq(tap_refresh(dev), -EPERM);
    ck_assert_uint_eq(dev->mtu, 576);
    fake.ioctl_errno = ENODEV;
    ck_assert_int_eq(tap_refresh(dev), -ENETDOWN);
    ck_assert_int_eq(receive(dev, DEV_BATCH), -ENETDOWN);
    ck_assert_uint_eq(dev->counters.lost, 1);
    dev_close(dev);
}
END_TEST

static TCase *new_tcase(Suite *s, const char *name)
{
    TCase *c = tcase_create(name);
    tcase_add_checked_fixture(c, setup, teardown);
    suite_add_tcase(s, c);
    return c;
}

int main(void)
{
    Suite *s = suite_create("tap");

    TCase *c = new_tcase(s, "opening");
    tcase_add_test(c, a_plain_tap_takes_plain_frames_and_no_offload);
    tcase_add_test(c, a_tap_with_offload_speaks_virtio_net_hdr);
    tcase_add_test(c, of_the_offloads_it_takes_what_the_kernel_grants);
    tcase_add_test(c, offload_that_is_not_granted_is_done_without);
    tcase_add_test(c, a_tun_is_a_tap_without_ethernet);
    tcase_add_test(c, created_says_whether_the_interface_was_there);
    tcase_add_test(c, an_owner_is_set_when_one_is_named);
    tcase_add_test(c, a_failure_to_open_leaves_nothing_open);
    tcase_add_test(c, a_busy_interface_is_waited_for_a_little);
    tcase_add_test(c, a_name_is_checked_before_the_kernel_is_asked);
    tcase_add_test(c, every_error_is_explained_in_one_line);

    c = new_tcase(s, "reading");
    tcase_add_test(c, an_empty_tap_is_read_once);
    tcase_add_test(c, an_interrupted_call_is_repeated);
    tcase_add_test(c, interruptions_without_end_do_not_hang);
    tcase_add_test(c, a_frame_that_fills_the_buffer_is_marked_as_cut);
    tcase_add_test(c, a_big_frame_arrives_in_one_piece);
    tcase_add_test(c, a_frame_that_fills_the_large_buffer_is_marked_as_cut);
    tcase_add_test(c, a_batch_ends_when_it_is_large_and_the_rest_is_next);
    tcase_add_test(c, a_stock_that_runs_dry_ends_a_batch_and_loses_nothing);
    tcase_add_test(c, without_memory_for_a_large_buffer_frames_stay_where_they_are);
    tcase_add_test(c, a_refused_read_is_an_error_and_loses_no_frame);
    tcase_add_test(c, the_header_becomes_the_meta_of_its_frame);
    tcase_add_test(c, without_a_buffer_frames_stay_in_the_kernel);
    tcase_add_loop_test(c, a_tap_that_is_gone_is_asked_no_more, 0, ARRAY_LEN(gone_errors));

    c = new_tcase(s, "writing");
    tcase_add_test(c, a_link_that_is_down_loses_frames_as_a_wire_does);
    tcase_add_test(c, a_full_tap_leaves_the_frame_with_its_owner);
    tcase_add_test(c, the_rest_of_a_short_write_is_never_sent);
    tcase_add_test(c, a_frame_that_no_wire_carries_is_not_written);
    tcase_add_test(c, a_frame_that_the_kernel_refuses_is_lost);
    tcase_add_test(c, the_meta_becomes_the_header_of_its_frame);

    c = new_tcase(s, "a link that changes");
    tcase_add_test(c, a_new_mtu_is_found_by_refresh);

    return run_suite(s, "tap");
}
