/*
 * tapio/dev.h - devices: what brings frames and takes them away.
 *
 * A device hands over received frames in batches and takes outgoing ones as a gather list,
 * each with the metadata of a virtio_net_hdr. The interface has the shape of the fastest
 * device (big frames, partial checksums); a plain one ignores what it does not offer.
 *
 * Ownership. Received frames come from the caller's pool and belong to the caller, counted.
 * dev_send() borrows its iovecs for the call: a device that keeps octets copies them.
 *
 * A device of one's own is a struct that begins with a struct dev, which has its operations, a name
 * and an MTU; the rest of it may be zero. examples/own_device.c is one.
 */
#ifndef TAPIO_DEV_H
#define TAPIO_DEV_H

#include <sys/uio.h>
#include <tapio/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    FRAME_NEEDS_CSUM = 1, /* the checksum field holds the pseudo-header's sum only */
    FRAME_CSUM_VALID = 2, /* the device has verified the checksum */

    FRAME_GSO_NONE = 0, /* the values of virtio_net_hdr.gso_type */
    FRAME_GSO_TCPV4 = 1,
    FRAME_GSO_TCPV6 = 4,

    DEV_BATCH = 64,   /* frames that one poll takes at most */
    DEV_IOV_MAX = 32, /* pieces of one frame that is sent */
};

/* What the device knows, or must do, about one frame. Offsets count from its first octet. */
struct frame_meta {
    uint8_t flags;        /* FRAME_NEEDS_CSUM, FRAME_CSUM_VALID */
    uint8_t gso_type;     /* FRAME_GSO_* */
    uint16_t gso_size;    /* text per wire segment, with a gso_type */
    uint16_t csum_start;  /* where the sum begins, with FRAME_NEEDS_CSUM */
    uint16_t csum_offset; /* where it goes, from csum_start */
    uint8_t bad;          /* the virtio_net_hdr contradicts the frame: DROP_DEV_VNET */
};

struct frame_pool;

/* One received frame, counted. [data, data + len) is what counts of the buffer. `next` and
 * `tag` belong to whoever holds the frame (a receive queue keeps its chain and the sequence
 * number there). */
struct frame {
    struct frame *next;
    struct frame_pool *home;
    uint8_t *data;
    uint32_t len;
    uint32_t room; /* octets in the buffer, from `buffer` */
    uint32_t tag;
    uint16_t refs;
    bool truncated; /* filled its buffer whole: the end may be missing */
    struct frame_meta meta;
    uint8_t *buffer;
};

/* What a device has dropped or failed to do, by name. */
/* clang-format off */
#define TAPIO_DEV_COUNTER_LIST(X) \
    X(rx_frames,   "dev.rx_frames")   X(rx_octets,  "dev.rx_octets") \
    X(tx_frames,   "dev.tx_frames")   X(tx_octets,  "dev.tx_octets") \
    X(rx_nobuf,    "dev.rx_nobuf")    X(tx_down,    "dev.tx_down") \
    X(tx_again,    "dev.tx_again")    X(tx_short,   "dev.tx_short") \
    X(tx_bad,      "dev.tx_bad")      X(lost,       "dev.lost") \
    X(rx_bad,      "dev.rx_bad")
/* clang-format on */

struct dev_counters {
#define TAPIO_X(field, name) uint64_t field;
    TAPIO_DEV_COUNTER_LIST(TAPIO_X)
#undef TAPIO_X
};

struct dev;

struct dev_ops {
    /* Takes up to `max` frames that have arrived by `now` into `batch`, with buffers from
     * `pool`. Returns how many, 0 when there are none; -ENETDOWN once the device is gone, or
     * another -errno when it is broken. */
    int (*receive)(struct dev *dev, struct frame_pool *pool, struct frame **batch, int max,
                   instant now);
    /* Sends one frame. 0 when it is taken (or lost as a wire loses it), -EAGAIN when the device
     * is full: the caller keeps its debt and asks again; -ENETDOWN once the device is gone. */
    int (*send)(struct dev *dev, const struct frame_meta *meta, const struct iovec *iov, int iovcnt,
                instant now);
    /* Pushes out what send() has gathered. NULL: it gathers nothing. */
    void (*flush)(struct dev *dev, instant now);
    /* When the device wants to be asked again although no descriptor is ready (a frame of an
     * impaired link becomes due), or {INT64_MAX}. NULL: never. */
    instant (*deadline)(const struct dev *dev);
    /* A descriptor to poll for input, or -1. */
    int (*fd)(const struct dev *dev);
    /* Closes the device and frees it. */
    void (*close)(struct dev *dev);
};

struct dev {
    const struct dev_ops *ops;
    char name[16];            /* "tap0", for people and captures */
    struct mac_addr peer_mac; /* the kernel's side of a TAP; zero when unknown */
    uint32_t mtu;             /* octets behind the link's header */
    bool ip_only;             /* carries bare IP packets: no Ethernet header, no stations */
    bool csum_offload;        /* takes and gives FRAME_NEEDS_CSUM */
    bool big_frames;          /* takes frames with a gso_type, of up to 64 KB; with csum_offload */
    bool unshared;            /* receive() touches what is the device's alone, and tapio_start() may
                               * call it beside a thread that uses the stack; dev_frame() is then
                               * NULL now and then, and what has come must stay for the next call */
    bool unpadded;            /* a frame may be shorter than 60 octets: no wire is in between */
    uint32_t held;            /* octets that flush() could not hand on: poll the descriptor for
                               * output, and flush again */
    struct dev_counters counters;
};

/* The calls; each is its operation above. A frame is at most DEV_IOV_MAX pieces. NULL may be
 * closed. */
TAPIO_API TAPIO_NODISCARD int dev_receive(struct dev *dev, struct frame_pool *pool,
                                          struct frame **batch, int max, instant now);
TAPIO_API TAPIO_NODISCARD int dev_send(struct dev *dev, const struct frame_meta *meta,
                                       const struct iovec *iov, int iovcnt, instant now);
TAPIO_API void dev_flush(struct dev *dev, instant now);
TAPIO_API instant dev_deadline(const struct dev *dev);
TAPIO_API int dev_fd(const struct dev *dev);
TAPIO_API void dev_close(struct dev *dev);

/* For receive(): a frame of the pool with at least `room` octets at its `data`, to be filled and
 * given a `len`; NULL at the pool's cap: count rx_nobuf, and lose what has come. One that is not
 * handed over after all is given back by dev_frame_release(). */
TAPIO_API TAPIO_NODISCARD struct frame *dev_frame(struct frame_pool *pool, size_t room);
TAPIO_API void dev_frame_release(struct frame *frame);

#ifdef __cplusplus
}
#endif
#endif
