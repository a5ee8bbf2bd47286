/*
 * ring_writes.c - what io_uring would save: frames written to a TAP one by one, and in batches
 * through a ring, in turn.
 *
 *     ninja -C build bench/ring_writes
 *     build/bench/ring_writes TAP OCTETS SECONDS
 *
 * prints nanoseconds a frame: by writev(), and through rings of several depths, each as a ratio to
 * writev() of the same round (medians of ROUNDS). The frames are for a station that is not there,
 * so the kernel drops them as soon as it has looked at the address: what is measured is the way to
 * the device. docs/adr/0013 says what came out.
 */
#include <fcntl.h>
#include <liburing.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 9, DEPTHS = 3, HEADER = 12, DEEPEST = 64, FRAME_MAX = 65536 };

static const unsigned depth_of[DEPTHS] = {1, 32, DEEPEST};

static uint8_t header[HEADER], frame[FRAME_MAX];
static struct iovec iov[2] = {{header, HEADER}, {frame, 0}};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int open_tap(const char *name)
{
    struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    int len = HEADER;
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

    strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0 || ioctl(fd, TUNSETVNETHDRSZ, &len) < 0)
        die(name);
    return fd;
}

/* Nanoseconds a frame, over `seconds`. */
static double by_writev(int fd, double seconds)
{
    double start = now_s(), end = start + seconds, t;
    long count = 0;

    do {
        for (int i = 0; i < DEEPEST; i++, count++)
            if (writev(fd, iov, 2) < 0)
                die("writev");
    } while ((t = now_s()) < end);
    return (t - start) * 1e9 / (double)count;
}

static double by_ring(int fd, unsigned depth, double seconds)
{
    struct io_uring ring;
    struct io_uring_cqe *cqe;
    long count = 0;

    if (io_uring_queue_init(depth, &ring, IORING_SETUP_SINGLE_ISSUER) < 0)
        die("io_uring");
    double start = now_s(), end = start + seconds, t;
    do {
        for (unsigned i = 0; i < depth; i++)
            io_uring_prep_writev(io_uring_get_sqe(&ring), fd, iov, 2, 0);
        if (io_uring_submit_and_wait(&ring, depth) < 0)
            die("io_uring_enter");
        for (unsigned i = 0; i < depth; i++, count++) {
            if (io_uring_wait_cqe(&ring, &cqe) < 0 || cqe->res < 0)
                die("a write in the ring");
            io_uring_cqe_seen(&ring, cqe);
        }
    } while ((t = now_s()) < end);
    io_uring_queue_exit(&ring);
    return (t - start) * 1e9 / (double)count;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, by_size);
    return values[ROUNDS / 2];
}

int main(int argc, char **argv)
{
    double plain[ROUNDS], ratio[DEPTHS][ROUNDS];

    if (argc != 4) {
        fprintf(stderr, "usage: ring_writes TAP OCTETS SECONDS\n");
        return 2;
    }
    double seconds = strtod(argv[3], NULL) / ROUNDS / (DEPTHS + 1);
    int fd = open_tap(argv[1]);
    iov[1].iov_len = strtoul(argv[2], NULL, 10);
    if (iov[1].iov_len < 60 || iov[1].iov_len > FRAME_MAX)
        iov[1].iov_len = 60;
    memset(frame, 0x02, 12); /* from nobody to nobody */
    frame[12] = 0x08;
    frame[13] = 0x00;
    for (int round = 0; round < ROUNDS; round++) {
        plain[round] = by_writev(fd, seconds);
        for (int i = 0; i < DEPTHS; i++)
            ratio[i][round] = by_ring(fd, depth_of[i], seconds) / plain[round];
    }
    printf("%zu octets: writev %.0f ns a frame", iov[1].iov_len, median(plain));
    for (int i = 0; i < DEPTHS; i++)
        printf("; ring of %u %.2f", depth_of[i], median(ratio[i]));
    printf("\n");
    return 0;
}
