/*
 * os_netlink.c - building and reading netlink messages (netlink(7), rtnetlink(7)).
 *
 * A message is a header, a fixed body and a list of attributes, in host order and padded to four
 * octets. All of it is copied in and out piece by piece, so nothing is read at an alignment that it
 * does not have, and lengths are checked against what was received. The kernel is trusted to be
 * itself: an answer from any other port is ignored.
 */
#include "os/os_netlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { NETLINK_DATAGRAM = 32768 }; /* what the kernel fills at most (netlink(7)) */

static void put(struct netlink_request *r, const void *octets, size_t len)
{
    size_t padded = NLMSG_ALIGN(len);
    if (padded > sizeof r->octets - r->len) {
        r->overrun = true;
        return;
    }
    memset(r->octets + r->len, 0, padded);
    if (len)
        memcpy(r->octets + r->len, octets, len);
    r->len += (uint32_t)padded;
}

void netlink_begin(struct netlink_request *r, uint16_t type, uint16_t flags, const void *body,
                   size_t len)
{
    struct nlmsghdr hdr = {.nlmsg_type = type, .nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST)};
    r->len = 0;
    r->overrun = false;
    put(r, &hdr, sizeof hdr);
    put(r, body, len);
}

void netlink_attr(struct netlink_request *r, uint16_t type, const void *value, size_t len)
{
    struct nlattr attr = {.nla_type = type, .nla_len = (uint16_t)(sizeof attr + len)};
    put(r, &attr, sizeof attr);
    put(r, value, len);
}

uint32_t netlink_nest_begin(struct netlink_request *r, uint16_t type)
{
    uint32_t nest = r->len;
    netlink_attr(r, type, NULL, 0);
    return nest;
}

void netlink_nest_end(struct netlink_request *r, uint32_t nest)
{
    uint16_t len = (uint16_t)(r->len - nest);
    if (!r->overrun)
        memcpy(r->octets + nest + offsetof(struct nlattr, nla_len), &len, sizeof len);
}

bool netlink_walk(struct bytes datagram, netlink_each *each, void *cookie, int *result)
{
    struct nlmsghdr hdr;

    for (; datagram.len >= sizeof hdr;
         datagram = bytes_skip(datagram, NLMSG_ALIGN(hdr.nlmsg_len))) {
        memcpy(&hdr, datagram.at, sizeof hdr);
        if (hdr.nlmsg_len < sizeof hdr || hdr.nlmsg_len > datagram.len)
            break;
        struct bytes body = bytes_skip(bytes_first(datagram, hdr.nlmsg_len), sizeof hdr);
        if (hdr.nlmsg_type == NLMSG_DONE) {
            *result = 0;
            return true;
        }
        if (hdr.nlmsg_type == NLMSG_ERROR) {
            int32_t error = -EBADMSG; /* 0 when it is an acknowledgement */
            if (body.len >= sizeof error)
                memcpy(&error, body.at, sizeof error);
            *result = error;
            return true;
        }
        if (each)
            each(cookie, hdr.nlmsg_type, body);
    }
    return false;
}

/* Reads datagrams until the kernel has said that it is done. */
static int read_answer(int fd, netlink_each *each, void *cookie)
{
    _Alignas(NLMSG_ALIGNTO) uint8_t datagram[NETLINK_DATAGRAM];

    for (;;) {
        struct sockaddr_nl from = {0};
        socklen_t from_len = sizeof from;
        ssize_t n = recvfrom(fd, datagram, sizeof datagram, 0, (struct sockaddr *)&from, &from_len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        int result = 0;
        if (from.nl_pid == 0 && netlink_walk(bytes_of(datagram, (size_t)n), each, cookie, &result))
            return result;
    }
}

int netlink_ask(struct netlink_request *r, netlink_each *each, void *cookie)
{
    struct nlmsghdr hdr;
    assert(!r->overrun); /* names and addresses have fixed sizes */
    memcpy(&hdr, r->octets, sizeof hdr);
    hdr.nlmsg_len = r->len;
    hdr.nlmsg_flags |= NLM_F_ACK; /* so that the answer always has an end */
    memcpy(r->octets, &hdr, sizeof hdr);

    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return -errno;
    struct timeval patience = {.tv_sec = 5}; /* never needed: the kernel answers within the call */
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    ssize_t n = sendto(fd, r->octets, r->len, 0, (const struct sockaddr *)&kernel, sizeof kernel);
    int err = n < 0 ? -errno : read_answer(fd, each, cookie);
    close(fd);
    return err;
}

struct bytes netlink_find(struct bytes attrs, uint16_t type)
{
    struct bytes found = {0};
    struct nlattr attr;

    for (; attrs.len >= sizeof attr; attrs = bytes_skip(attrs, NLA_ALIGN(attr.nla_len))) {
        memcpy(&attr, attrs.at, sizeof attr);
        if (attr.nla_len < sizeof attr || attr.nla_len > attrs.len)
            break;
        if ((attr.nla_type & NLA_TYPE_MASK) == type)
            found = bytes_skip(bytes_first(attrs, attr.nla_len), sizeof attr);
    }
    return found;
}

uint32_t netlink_u32(struct bytes attrs, uint16_t type, uint32_t missing)
{
    struct bytes value = netlink_find(attrs, type);
    uint32_t number = missing;
    if (value.len >= sizeof number)
        memcpy(&number, value.at, sizeof number);
    return number;
}
