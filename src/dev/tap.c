/*
 * tap.c - see tap.h.
 *
 * A TAP looks like a file with one frame per read and per write, and lies like one, too:
 *
 *     A frame longer than the buffer is cut without a word, so there is always an octet to spare,
 *     and a read that fills the buffer marks its frame as truncated.
 *     A buffer shorter than the virtio_net_hdr loses the frame. Ours has its own place.
 *     A write longer than the MTU is taken. dev_send() keeps such frames away.
 *     The offloads and the length of the virtio_net_hdr belong to the interface, not to the
 *     descriptor: on an interface that lives on they are what its last user has left, so both
 *     are always set, also to "none". Else an interface that was used with offload would hand
 *     unfinished checksums to somebody who reads plain frames.
 *     A TUN is the same without Ethernet headers: by the version in its first octet the kernel
 *     knows what a packet is.
 *     An interface that is down refuses writes (EIO), but can still be read. One that is deleted
 *     answers EBADFD and polls as ready for ever: it is asked once, and then never again.
 *
 * Frames are read straight into buffers of the caller's pool until the kernel has no more, which
 * costs one empty read for a batch that is not full. When the pool is empty frames stay in the
 * kernel's queue, which drops the newest when it is full: the same loss as on a wire.
 *
 * With offload the kernel hands over what it has not cut yet, up to 64 KB at a time, and cuts what
 * we hand to it (TSO and GSO). Most frames are small all the same, and 64 of them should not lie in
 * 64 buffers of 64 KB. So a read has two places: a small buffer, and a large one for what does not
 * fit. If that was needed, the beginning is copied in front of the rest, where room was left for
 * it, and the large buffer is the frame. A batch ends when it has some 256 KB, so that the next one
 * finds the same buffers still in the processor's cache.
 *
 * Nothing is gathered on the way out; a write carries the frame into the kernel and through it.
 * What is refused for want of memory stays with the caller. What was written in part is not
 * repaired, since a second write would be a second frame: TCP sends it again.
 *
 * Left out on purpose: several queues (one stack is one thread), and IFF_NAPI (measured slower).
 */
#include "dev/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/frame.h"
#include "base/instant.h"
#include "dev/vnet_wire.h"
#include "eth/eth_wire.h"

enum {
    IOVS = DEV_IOV_MAX + 1, /* pieces of one frame, with the header's */
    INTERRUPTIONS = 100,    /* a call is repeated so often; then it counts as "not now" */
    BATCH_OCTETS = 256 * 1024,
    BUSY_TRIES = 10,
    BUSY_PAUSE_MS = 20,
};

static_assert(FRAME_ROOM_MAX - FRAME_HEADROOM > VNET_FRAME_MAX,
              "the largest buffer takes the longest frame and an octet to spare");
static_assert(sizeof(((struct dev *)0)->name) == IFNAMSIZ, "a device has room for the name");

struct tap {
    struct dev dev;
    const struct tap_sys *sys;
    int fd;
    int control; /* a socket, for questions about the interface */
    bool vnet;   /* a virtio_net_hdr goes with each frame */
    bool gone;
};

static struct tap *tap_of(struct dev *dev)
{
    return CONTAINER_OF(dev, struct tap, dev);
}

/* --- frames ------------------------------------------------------------------------------- */

/* What readv() answered, or -errno. EINTR is worth another try, but not for ever. */
static ssize_t read_octets(const struct tap *tap, const struct iovec *iov, int iovcnt)
{
    for (int i = 0; i < INTERRUPTIONS; i++) {
        ssize_t len = tap->sys->readv(tap->fd, iov, iovcnt);
        if (len >= 0)
            return len;
        if (errno != EINTR)
            return -errno;
    }
    return -EAGAIN;
}

static ssize_t write_octets(const struct tap *tap, const struct iovec *iov, int iovcnt)
{
    for (int i = 0; i < INTERRUPTIONS; i++) {
        ssize_t len = tap->sys->writev(tap->fd, iov, iovcnt);
        if (len >= 0)
            return len;
        if (errno != EINTR)
            return -errno;
    }
    return -EAGAIN;
}

static bool means_gone(ssize_t err)
{
    return err == -EBADFD || err == -ENODEV;
}

/* Empty buffers for one read. */
struct place {
    struct frame *small;
    struct frame *large; /* for what does not fit into the small one; NULL without big frames */
};

/* Takes the one that `len` octets lie in, out of `place` and in one piece. */
static struct frame *take_filled(struct place *place, size_t len)
{
    size_t small_room = frame_tailroom(place->small);
    struct frame *frame = place->small;

    if (place->large && len > small_room) {
        frame = place->large;
        memcpy(frame->data, place->small->data, small_room);
        place->large = NULL;
    } else {
        place->small = NULL;
    }
    frame->truncated = len == frame_tailroom(frame);
    frame->len = (uint32_t)len;
    return frame;
}

/* Reads one frame. 0, or what read_octets() says. */
static int read_frame(const struct tap *tap, struct place *place, struct frame **out)
{
    uint8_t header[VNET_HEADER];
    size_t small_room = frame_tailroom(place->small);
    struct iovec iov[3] = {{header, VNET_HEADER}, {place->small->data, small_room}};
    size_t header_len = tap->vnet ? VNET_HEADER : 0;
    int iovcnt = 2;

    if (place->large)
        iov[iovcnt++] = (struct iovec){place->large->data + small_room,
                                       frame_tailroom(place->large) - small_room};
    ssize_t got = tap->vnet ? read_octets(tap, iov, iovcnt) : read_octets(tap, iov + 1, iovcnt - 1);
    if (got < 0)
        return (int)got;
    bool too_short = (size_t)got < header_len;
    struct frame *frame = *out = take_filled(place, too_short ? 0 : (size_t)got - header_len);
    if (too_short || (tap->vnet && vnet_parse(bytes_of(header, VNET_HEADER), frame->len,
                                              tap->dev.csum_offload, &frame->meta) != DROP_NONE))
        frame->meta.bad = 1;
    return 0;
}

/* Fills what is empty of `place`. */
static bool find_place(const struct tap *tap, struct frame_pool *pool, struct place *place)
{
    if (!place->small)
        place->small = frame_get(pool, (size_t)tap->dev.mtu + ETH_HEADER + 1);
    if (!place->large && tap->dev.big_frames)
        place->large = frame_get(pool, FRAME_ROOM_MAX);
    return place->small && (place->large || !tap->dev.big_frames);
}

static int receive(struct dev *dev, struct frame_pool *pool, struct frame **batch, int max,
                   instant now)
{
    struct tap *tap = tap_of(dev);
    struct place place = {NULL, NULL};
    size_t octets = 0;
    int count = 0;
    int err = tap->gone ? -ENETDOWN : 0;

    (void)now;
    while (count < max && octets < BATCH_OCTETS && !err) {
        if (!find_place(tap, pool, &place)) {
            dev->counters.rx_nobuf += !frame_pool_is_stock(pool);
            break;
        }
        err = read_frame(tap, &place, &batch[count]);
        if (!err)
            octets += batch[count++]->len;
    }
    frame_put(place.small);
    frame_put(place.large);
    if (means_gone(err)) {
        tap->gone = true;
        err = -ENETDOWN;
    }
    /* What came before an error is handed over first; the next call meets the error again. */
    return count > 0 || err == -EAGAIN ? count : err;
}

static int send_frame(struct dev *dev, const struct frame_meta *meta, const struct iovec *iov,
                      int iovcnt, instant now)
{
    struct tap *tap = tap_of(dev);
    struct iovec with_header[IOVS];
    uint8_t header[VNET_HEADER];
    size_t len = 0;

    (void)now;
    assert(iovcnt <= DEV_IOV_MAX);
    if (tap->gone)
        return -ENETDOWN;
    if (tap->vnet) {
        vnet_emit(meta, header);
        with_header[0] = (struct iovec){header, VNET_HEADER};
        memcpy(with_header + 1, iov, (size_t)iovcnt * sizeof(*iov));
        iov = with_header;
        iovcnt++;
    }
    for (int i = 0; i < iovcnt; i++)
        len += iov[i].iov_len;

    ssize_t put = write_octets(tap, iov, iovcnt);
    if (means_gone(put)) {
        tap->gone = true;
        return -ENETDOWN;
    }
    if (put == -EAGAIN || put == -ENOBUFS || put == -ENOMEM)
        return -EAGAIN;
    if (put == -EIO)
        dev->counters.tx_down++;
    else if (put < 0)
        dev->counters.tx_bad++; /* the kernel does not take this frame, now or later */
    else if ((size_t)put < len)
        dev->counters.tx_short++;
    return 0;
}

static void flush(struct dev *dev, instant now)
{
    (void)dev;
    (void)now;
}

static instant deadline(const struct dev *dev)
{
    (void)dev;
    return INSTANT_NEVER;
}

/* A deleted interface polls as ready for ever, so there is nothing to poll then. */
static int descriptor(const struct dev *dev)
{
    const struct tap *tap = (const struct tap *)(const void *)dev;
    return tap->gone ? -1 : tap->fd;
}

static_assert(offsetof(struct tap, dev) == 0, "descriptor() finds the TAP at its device");

static void close_tap(struct dev *dev)
{
    struct tap *tap = tap_of(dev);
    if (tap->control >= 0)
        tap->sys->close(tap->control);
    if (tap->fd >= 0)
        tap->sys->close(tap->fd);
    free(tap);
}

static const struct dev_ops tap_ops = {
    .receive = receive,
    .send = send_frame,
    .flush = flush,
    .deadline = deadline,
    .fd = descriptor,
    .close = close_tap,
};

/* --- opening ------------------------------------------------------------------------------ */

static int system_open(const char *path, int flags)
{
    return open(path, flags);
}

static int system_ioctl(int fd, unsigned long request, void *argument)
{
    return ioctl(fd, request, argument);
}

static void system_pause(int64_t ns)
{
    struct timespec time = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
    nanosleep(&time, NULL); /* an interrupted pause is a short one */
}

static const struct tap_sys system_calls = {
    .open = system_open,
    .ioctl = system_ioctl,
    .readv = readv,
    .writev = writev,
    .close = close,
    .socket = socket,
    .if_nametoindex = if_nametoindex,
    .pause = system_pause,
};

static int ask(const struct tap *tap, int fd, unsigned long request, void *argument)
{
    return tap->sys->ioctl(fd, request, argument) < 0 ? -errno : 0;
}

/* For the requests whose argument is a number, not an address. */
static int ask_number(const struct tap *tap, unsigned long request, uintptr_t number)
{
    return ask(tap, tap->fd, request, (void *)number);
}

bool tap_name_is_possible(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len < IFNAMSIZ && name[strcspn(name, "/: \t\r\n\v\f")] == '\0' &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int attach(struct tap *tap, const char *name)
{
    struct ifreq request = {0};
    int err;

    tap->fd = tap->sys->open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tap->fd < 0)
        return -errno;
    for (int i = 0; i < BUSY_TRIES; i++) {
        memset(&request, 0, sizeof(request));
        memcpy(request.ifr_name, name, strlen(name));
        request.ifr_flags = (short)((tap->dev.ip_only ? IFF_TUN : IFF_TAP) | IFF_NO_PI |
                                    (tap->vnet ? IFF_VNET_HDR : 0));
        err = ask(tap, tap->fd, TUNSETIFF, &request);
        if (err != -EBUSY)
            break;
        tap->sys->pause(BUSY_PAUSE_MS * NS_PER_MS);
    }
    return err;
}

/* Says how we speak. A kernel that has no offload for us, or less, is fine: we do it ourselves. */
static int negotiate(struct tap *tap, bool offload)
{
    int err = 0;

    if (tap->vnet) {
        int header_len = VNET_HEADER;
        int yes = 1;
        err = ask(tap, tap->fd, TUNSETVNETHDRSZ, &header_len);
        if (!err)
            err = ask(tap, tap->fd, TUNSETVNETLE, &yes);
    }
    if (err)
        return err;
    const uintptr_t big = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
    tap->dev.big_frames = offload && (ask_number(tap, TUNSETOFFLOAD, big | TUN_F_TSO_ECN) == 0 ||
                                      ask_number(tap, TUNSETOFFLOAD, big) == 0);
    tap->dev.csum_offload =
        tap->dev.big_frames || (offload && ask_number(tap, TUNSETOFFLOAD, TUN_F_CSUM) == 0);
    return tap->dev.csum_offload ? 0 : ask_number(tap, TUNSETOFFLOAD, 0);
}

/* The interface may have been renamed, so its name is asked first. */
static int read_link(struct tap *tap)
{
    struct ifreq link = {0};
    struct ifreq answer;

    int err = ask(tap, tap->fd, TUNGETIFF, &link);
    if (err)
        return err;
    link.ifr_name[IFNAMSIZ - 1] = '\0';

    answer = link;
    err = ask(tap, tap->control, SIOCGIFMTU, &answer);
    if (err)
        return err;
    uint32_t mtu = answer.ifr_mtu > 0 ? (uint32_t)answer.ifr_mtu : 0;

    answer = link;
    err = ask(tap, tap->control, SIOCGIFHWADDR, &answer);
    if (err)
        return err;

    memcpy(tap->dev.name, link.ifr_name, sizeof(tap->dev.name));
    if (!tap->dev.ip_only)
        memcpy(tap->dev.peer_mac.octet, answer.ifr_hwaddr.sa_data, sizeof(tap->dev.peer_mac.octet));
    tap->dev.mtu = u32_min(mtu, VNET_FRAME_MAX - ETH_HEADER);
    return 0;
}

int tap_open(struct tap_config *config, struct dev **out)
{
    if (!tap_name_is_possible(config->name))
        return -EINVAL;
    struct tap *tap = calloc(1, sizeof(*tap));
    if (!tap)
        return -ENOMEM;
    tap->dev.ops = &tap_ops;
    tap->sys = config->sys ? config->sys : &system_calls;
    tap->dev.ip_only = config->tun;
    tap->dev.unshared = true; /* frames for which there is no buffer stay in the kernel */
    tap->vnet = config->offload;
    tap->fd = tap->control = -1;

    bool existed = tap->sys->if_nametoindex(config->name) != 0;
    int err = attach(tap, config->name);
    if (err)
        goto close_device;
    err = negotiate(tap, config->offload);
    if (err)
        goto close_device;
    if (config->owner)
        err = ask_number(tap, TUNSETOWNER, *config->owner);
    if (err)
        goto close_device;
    tap->control = tap->sys->socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    err = tap->control < 0 ? -errno : read_link(tap);
    if (err)
        goto close_device;

    config->created = !existed;
    *out = &tap->dev;
    return 0;
close_device:
    close_tap(&tap->dev);
    return err;
}

int tap_refresh(struct dev *dev)
{
    assert(dev->ops == &tap_ops);
    struct tap *tap = tap_of(dev);
    if (tap->gone)
        return -ENETDOWN;
    int err = read_link(tap);
    if (!means_gone(err))
        return err;
    tap->gone = true;
    return -ENETDOWN;
}
