/*
 * bare_frame.h - octets in network order, sums, and a TAP: what device_limit.c stands on.
 */
#ifndef BENCH_BARE_FRAME_H
#define BENCH_BARE_FRAME_H

#include <arpa/inet.h>
#include <endian.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

enum { VNET = sizeof(struct virtio_net_hdr) /* 10 */ };

_Noreturn static inline void die(const char *what)
{
    perror(what);
    exit(1);
}

static inline uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t get32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, 4);
    return ntohl(value);
}

static inline void put16(uint8_t *at, uint32_t value)
{
    uint16_t in_order = htons((uint16_t)value);
    memcpy(at, &in_order, 2);
}

static inline void put32(uint8_t *at, uint32_t value)
{
    uint32_t in_order = htonl(value);
    memcpy(at, &in_order, 4);
}

static inline uint32_t sum_of(const uint8_t *at, size_t len)
{
    uint64_t sum = 0;

    for (; len > 1; at += 2, len -= 2)
        sum += get16(at);
    if (len)
        sum += (uint32_t)*at << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint32_t)sum;
}

static inline uint16_t fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)(sum + (sum >> 16));
}

static inline uint32_t sum_of_addr(uint32_t addr)
{
    return ntohs((uint16_t)addr) + ntohs((uint16_t)(addr >> 16));
}

/* A descriptor of the interface. With `big_frames` each frame has a virtio_net_hdr, and may have 64
 * KB. */
static inline int open_tap(const char *name, bool big_frames)
{
    struct ifreq request = {.ifr_flags =
                                (short)(IFF_TAP | IFF_NO_PI | (big_frames ? IFF_VNET_HDR : 0))};
    unsigned offloads = big_frames ? TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 : 0;
    int header = VNET, little = __BYTE_ORDER == __LITTLE_ENDIAN;

    int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tap < 0)
        die("/dev/net/tun");
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if (ioctl(tap, TUNSETIFF, &request) < 0)
        die("TUNSETIFF");
    if (big_frames &&
        (ioctl(tap, TUNSETVNETHDRSZ, &header) < 0 || ioctl(tap, TUNSETVNETLE, &little) < 0))
        die("virtio_net_hdr");
    if (ioctl(tap, TUNSETOFFLOAD, (unsigned long)offloads) < 0)
        die("TUNSETOFFLOAD");
    return tap;
}

#endif
