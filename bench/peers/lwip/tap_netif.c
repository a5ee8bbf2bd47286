/*
 * tap_netif.c - see tap_netif.h.
 *
 * A frame is read straight into a buffer of lwIP's pool, until the kernel has no more; what lwIP
 * sends goes out in one writev() from where its parts lie. lwIP ships a driver that copies both
 * ways and sleeps between two frames; with that one it would be measured for what it is not.
 *
 * Offload is the checksum of TCP alone, since lwIP neither cuts nor joins segments. Out: lwIP
 * leaves the field at zero, and we put the sum of the pseudo-header there, as the flag asks for.
 * In: a frame whose header says that its checksum is unfinished or verified is not summed again;
 * any other is.
 */
#include "tap_netif.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lwip/etharp.h"
#include "lwip/pbuf.h"
#include "netif/ethernet.h"

enum {
    ETHERNET = 14,
    FRAME = 1514,
    PIECES = 16, /* of a frame; more are copied together */
    TCP_CHECKSUM = 16,
    BUSY_TRIES = 50,
    BUSY_PAUSE_US = 20000,
    SUM_ALL = NETIF_CHECKSUM_ENABLE_ALL,
    SUM_NO_TCP_OUT = SUM_ALL & ~NETIF_CHECKSUM_GEN_TCP,
    SUM_NO_TCP = SUM_NO_TCP_OUT & ~(NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP),
};

static void die(const char *what)
{
    fprintf(stderr, "lwip_server: %s: %s\n", what, strerror(errno));
    exit(1);
}

void tap_open(struct tap *tap, const char *name, bool offload)
{
    struct ifreq request = {0};
    size_t len = strlen(name);
    if (len == 0 || len >= sizeof(request.ifr_name)) {
        fprintf(stderr, "lwip_server: %s is not a name of an interface\n", name);
        exit(2);
    }
    memcpy(request.ifr_name, name, len);
    request.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | (offload ? IFF_VNET_HDR : 0));

    *tap = (struct tap){.offload = offload};
    tap->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tap->fd < 0)
        die("/dev/net/tun");
    /* Its last user may not be quite gone. */
    for (int i = 0; ioctl(tap->fd, TUNSETIFF, &request) < 0; i++) {
        if (errno != EBUSY || i == BUSY_TRIES)
            die(name);
        usleep(BUSY_PAUSE_US);
    }
    int header = sizeof(struct virtio_net_hdr);
    if (offload && ioctl(tap->fd, TUNSETVNETHDRSZ, &header) < 0)
        die("TUNSETVNETHDRSZ");
    if (ioctl(tap->fd, TUNSETOFFLOAD, offload ? TUN_F_CSUM : 0) < 0)
        die("TUNSETOFFLOAD");
}

/* --- out ---------------------------------------------------------------------------------- */

/* Asks for the TCP checksum of the frame whose headers lie at `octets`, when it has one. */
static void owe_checksum(uint8_t *octets, size_t len, struct virtio_net_hdr *header)
{
    uint8_t *ip = octets + ETHERNET;
    if (len < ETHERNET + 20 || octets[12] != 0x08 || octets[13] != 0x00 || ip[9] != IPPROTO_TCP)
        return;
    size_t ip_header = (size_t)(ip[0] & 0x0f) * 4;
    if (len < ETHERNET + ip_header + 20)
        return;
    uint32_t tcp_len = (uint32_t)(ip[2] << 8 | ip[3]) - (uint32_t)ip_header;
    uint32_t sum = IPPROTO_TCP + tcp_len;
    for (int i = 12; i < 20; i += 2)
        sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    ip[ip_header + TCP_CHECKSUM] = (uint8_t)(sum >> 8);
    ip[ip_header + TCP_CHECKSUM + 1] = (uint8_t)sum;
    header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    header->csum_start = (uint16_t)(ETHERNET + ip_header);
    header->csum_offset = TCP_CHECKSUM;
}

static err_t send_frame(struct netif *netif, struct pbuf *p)
{
    const struct tap *tap = netif->state;
    uint8_t together[FRAME];
    struct virtio_net_hdr header = {0};
    struct iovec iov[1 + PIECES] = {{&header, sizeof(header)}};
    int count = 1;

    if (p->tot_len > FRAME)
        return ERR_BUF;
    for (struct pbuf *q = p; q && count <= PIECES; q = q->next)
        iov[count++] = (struct iovec){q->payload, q->len};
    if (pbuf_clen(p) > PIECES) {
        iov[1] = (struct iovec){together, pbuf_copy_partial(p, together, p->tot_len, 0)};
        count = 2;
    }
    ssize_t sent;
    if (tap->offload) {
        owe_checksum(iov[1].iov_base, iov[1].iov_len, &header);
        sent = writev(tap->fd, iov, count);
    } else if (count == 2) {
        sent = write(tap->fd, iov[1].iov_base, iov[1].iov_len);
    } else {
        sent = writev(tap->fd, iov + 1, count - 1);
    }
    return sent < 0 ? ERR_IF : ERR_OK; /* lwIP tries again */
}

/* --- in ----------------------------------------------------------------------------------- */

/* Reads a frame into `room`. Its length without the header, or -1. */
static ssize_t read_frame(struct netif *netif, void *room)
{
    const struct tap *tap = netif->state;
    struct virtio_net_hdr header = {0};

    if (!tap->offload)
        return read(tap->fd, room, FRAME);
    struct iovec iov[] = {{&header, sizeof(header)}, {room, FRAME}};
    ssize_t got = readv(tap->fd, iov, 2);
    if (got < (ssize_t)sizeof(header))
        return -1;
    bool summed = header.flags & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID);
    NETIF_SET_CHECKSUM_CTRL(netif, summed ? SUM_NO_TCP : SUM_NO_TCP_OUT);
    return got - (ssize_t)sizeof(header);
}

/* With the pool used up the frame is still taken, into memory of its own: it may be the ACK that
 * frees some. */
static struct pbuf *read_without_pool(struct netif *netif, ssize_t *got)
{
    uint8_t octets[FRAME];

    *got = read_frame(netif, octets);
    if (*got <= 0)
        return NULL;
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)*got, PBUF_RAM);
    if (p)
        (void)pbuf_take(p, octets, (u16_t)*got);
    return p;
}

bool tap_receive(struct netif *netif, int max)
{
    struct tap *tap = netif->state;

    for (int i = 0; i < max; i++) {
        struct pbuf *p = tap->spare ? tap->spare : pbuf_alloc(PBUF_RAW, FRAME, PBUF_POOL);
        ssize_t got;
        tap->spare = NULL;
        if (!p) {
            p = read_without_pool(netif, &got);
        } else {
            got = read_frame(netif, p->payload);
            if (got <= 0)
                tap->spare = p;
        }
        if (got <= 0)
            return true;
        if (!p)
            continue;
        pbuf_realloc(p, (u16_t)got);
        if (netif->input(p, netif) != ERR_OK)
            pbuf_free(p);
    }
    return false;
}

err_t tap_netif_init(struct netif *netif)
{
    const struct tap *tap = netif->state;
    const uint8_t *addr = (const uint8_t *)&netif_ip4_addr(netif)->addr;

    netif->name[0] = 't';
    netif->name[1] = 'p';
    netif->output = etharp_output;
    netif->linkoutput = send_frame;
    netif->mtu = 1500;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    netif->hwaddr_len = ETH_HWADDR_LEN;
    netif->hwaddr[0] = 0x02; /* locally given */
    netif->hwaddr[1] = 0x00;
    memcpy(netif->hwaddr + 2, addr, 4);
    NETIF_SET_CHECKSUM_CTRL(netif, tap->offload ? SUM_NO_TCP_OUT : SUM_ALL);
    return ERR_OK;
}
