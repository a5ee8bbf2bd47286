/*
 * test_ip_options.c - the options of IPv4 headers: those that a program may send, what we write
 * into them, what every fragment has, what a receiver is told, and what they leave of a segment.
 */
#include <errno.h>
#include <netinet/tcp.h>

#include "base/base.h"
#include "base/instant.h"
#include "ip/ipv4_options_wire.h"
#include "support/exact.h"
#include "support/holds.h"
#include "support/ip_hosts.h"
#include "support/proves.h"
#include "support/udp_rig.h"

#define OURS   10, 0, 0, 2
#define THEIRS 10, 0, 0, 1
#define NOON   0x02, 0x93, 0x2e, 0x22 /* RIG_WALL_MS */

enum { OPTIONS_MOST = 40, UDP_HEADERS = 28, TCP_HEADERS = 40 };

static uint8_t big[65508];

/* Octets of a row: written out, so that a row is read as it stands on the wire. */
struct octets {
    size_t len;
    uint8_t at[44];
};
#define OCTETS(...)                                                                                \
    {                                                                                              \
        sizeof((const uint8_t[]){__VA_ARGS__}),                                                    \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static void given_rig_of_mtu(uint32_t mtu)
{
    struct stack_config config;

    rig_config(&config, STACK_LINK_IP);
    config.addr_count = 2;
    config.mtu = mtu;
    rig_begin(&config);
}

/* --- what a program may set --------------------------------------------------------------- */

static const struct {
    struct octets given;
    int result;
    struct octets kept; /* as they are read back */
} set_row[] = {
    {{0}, 0, {0}},
    {OCTETS(1), 0, OCTETS(1, 0, 0, 0)},
    {OCTETS(1, 1, 1, 1), 0, OCTETS(1, 1, 1, 1)},
    {OCTETS(0), 0, OCTETS(0, 0, 0, 0)},
    {OCTETS(1, 0, 7, 7, 3), 0, OCTETS(1, 0, 0, 0, 0, 0, 0, 0)}, /* behind the end */
    /* record route: the slot that will be ours is empty */
    {OCTETS(7, 7, 4, 9, 9, 9, 9), 0, OCTETS(7, 7, 4, 0, 0, 0, 0, 0)},
    {OCTETS(7, 11, 8, 1, 2, 3, 4, 9, 9, 9, 9), 0, OCTETS(7, 11, 8, 1, 2, 3, 4, 0, 0, 0, 0, 0)},
    {OCTETS(7, 7, 8, 1, 2, 3, 4), 0, OCTETS(7, 7, 8, 1, 2, 3, 4, 0)}, /* full */
    {OCTETS(7, 3, 4), 0, OCTETS(7, 3, 4, 0)},
    {OCTETS(7, 2), -EINVAL, {0}},
    {OCTETS(7, 7, 3, 0, 0, 0, 0), -EINVAL, {0}},
    {OCTETS(7, 7, 5, 0, 0, 0, 0), -EINVAL, {0}},
    {OCTETS(7, 7, 4, 0, 0, 0, 0, 7, 7, 4, 0, 0, 0, 0), -EINVAL, {0}}, /* two */
    /* timestamp: alone, with addresses, of given hosts */
    {OCTETS(68, 8, 5, 0, 9, 9, 9, 9), 0, OCTETS(68, 8, 5, 0, 0, 0, 0, 0)},
    {OCTETS(68, 12, 5, 1, 9, 9, 9, 9, 9, 9, 9, 9), 0, OCTETS(68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0)},
    {OCTETS(68, 12, 5, 3, THEIRS, 0, 0, 0, 0), 0, OCTETS(68, 12, 5, 3, THEIRS, 0, 0, 0, 0)},
    {OCTETS(68, 8, 9, 0xe0, 1, 2, 3, 4), 0, OCTETS(68, 8, 9, 0xe0, 1, 2, 3, 4)},
    {OCTETS(68, 8, 9, 0xf0, 1, 2, 3, 4), -EINVAL, {0}}, /* and no more can be counted */
    {OCTETS(68, 8, 5, 2, 0, 0, 0, 0), -EINVAL, {0}},
    {OCTETS(68, 8, 5, 1, 0, 0, 0, 0), -EINVAL, {0}},
    {OCTETS(68, 8, 4, 0, 0, 0, 0, 0), -EINVAL, {0}},
    {OCTETS(68, 8, 6, 0, 0, 0, 0, 0), -EINVAL, {0}},
    {OCTETS(68, 3, 5), -EINVAL, {0}},
    {OCTETS(68, 4, 5, 0, 68, 4, 5, 0), -EINVAL, {0}},
    /* router alert (RFC 2113) */
    {OCTETS(148, 4, 0, 0), 0, OCTETS(148, 4, 0, 0)},
    {OCTETS(148, 3, 0), -EINVAL, {0}},
    /* source routes: those that Linux would take, and those that nobody does */
    {OCTETS(131, 7, 4, THEIRS), -EPERM, {0}},
    {OCTETS(1, 137, 11, 4, THEIRS, THEIRS), -EPERM, {0}},
    {OCTETS(137, 7, 4, THEIRS, 131, 7, 4, THEIRS), -EINVAL, {0}}, /* two */
    {OCTETS(131, 7, 4, THEIRS, 7), -EINVAL, {0}},
    {OCTETS(131, 3, 4), -EINVAL, {0}},
    {OCTETS(131, 8, 4, THEIRS, 0), -EINVAL, {0}},
    {OCTETS(137, 7, 8, THEIRS), -EINVAL, {0}},
    /* lengths, and what is not a program's */
    {OCTETS(7), -EINVAL, {0}},
    {OCTETS(7, 0, 4), -EINVAL, {0}},
    {OCTETS(7, 1, 4), -EINVAL, {0}},
    {OCTETS(1, 148, 5, 0, 0), 0, OCTETS(1, 148, 5, 0, 0, 0, 0, 0)}, /* into the padding, */
    {OCTETS(1, 148, 8, 0, 0), -EINVAL, {0}},                        /* and beyond */
    {OCTETS(130, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0), -EINVAL, {0}},     /* security */
    {OCTETS(0x9e, 4, 0, 0), -EINVAL, {0}},
};

static int kind_of_socket(int kind)
{
    static const int type[] = {SOCK_DGRAM, SOCK_STREAM, SOCK_DGRAM};
    int s = sock_socket(rig.stack, AF_INET, type[kind], kind == 2 ? IPPROTO_ICMP : 0);

    ck_assert_int_ge(s, 0);
    return s;
}

static void expect_kept(int s, const struct octets *kept)
{
    uint8_t got[OPTIONS_MOST + 4];
    socklen_t len = sizeof got;

    ck_assert_int_eq(sock_getsockopt(rig.stack, s, IPPROTO_IP, IP_OPTIONS, got, &len), 0);
    ck_assert_uint_eq(len, kept->len);
    ck_assert_mem_eq(got, kept->at, len);
}

static int set_options(int s, const uint8_t *octets, size_t len)
{
    return sock_setsockopt(rig.stack, s, IPPROTO_IP, IP_OPTIONS, octets, (socklen_t)len);
}

#define SET(s, ...)                                                                                \
    set_options(s, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

START_TEST(what_is_set_is_kept_as_linux_keeps_it_or_refused)
{
    const struct octets none = {0}, before = OCTETS(1, 1, 1, 0);

    for (int kind = 0; kind < 3; kind++) {
        int s = kind_of_socket(kind);
        expect_kept(s, &none);
        ck_assert_int_eq(SET(s, 1, 1, 1), 0);
        struct bytes given = exact_copy(set_row[_i].given.at, set_row[_i].given.len);
        ck_assert_int_eq(set_options(s, given.at, given.len), set_row[_i].result);
        expect_kept(s, set_row[_i].result ? &before : &set_row[_i].kept);
        ck_assert_int_eq(set_options(s, NULL, 0), 0);
        expect_kept(s, &none);
        sock_close(rig.stack, s);
        exact_free(given);
    }
}
END_TEST

START_TEST(no_more_than_forty_octets_are_taken)
{
    int s = rig_socket(0);
    uint8_t some[OPTIONS_MOST + 1], got[3];
    socklen_t len = sizeof got;

    memset(some, 1, sizeof some);
    ck_assert_int_eq(set_options(s, some, OPTIONS_MOST + 1), -EINVAL);
    ck_assert_int_eq(set_options(s, some, SIZE_MAX), -EINVAL);
    ck_assert_int_eq(set_options(s, NULL, 4), -EFAULT);
    ck_assert_int_eq(set_options(s, some, OPTIONS_MOST), 0);
    ck_assert_int_eq(sock_getsockopt(rig.stack, s, IPPROTO_IP, IP_OPTIONS, got, &len), 0);
    ck_assert_uint_eq(len, 3); /* as much as there is room for */
    sock_close(rig.stack, s);
}
END_TEST

/* --- what leaves -------------------------------------------------------------------------- */

static void expect_options(const struct rig_packet *p, const struct octets *expected)
{
    ck_assert_uint_eq(p->options_len, expected->len);
    ck_assert_mem_eq(p->options, expected->at, expected->len);
}

static const struct {
    struct octets set, sent;
} sent_row[] = {
    {OCTETS(1), OCTETS(1, 0, 0, 0)},
    {OCTETS(148, 4, 0, 0), OCTETS(148, 4, 0, 0)},
    {OCTETS(7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0), OCTETS(7, 11, 8, OURS, 0, 0, 0, 0, 0)},
    {OCTETS(7, 7, 8, 1, 2, 3, 4), OCTETS(7, 7, 8, 1, 2, 3, 4, 0)},
    {OCTETS(7, 8, 4, 0, 0, 0, 0, 0), OCTETS(7, 8, 4, 0, 0, 0, 0, 0)}, /* no whole slots */
    {OCTETS(68, 8, 5, 0, 0, 0, 0, 0), OCTETS(68, 8, 9, 0, NOON)},
    {OCTETS(68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0), OCTETS(68, 12, 13, 1, OURS, NOON)},
    {OCTETS(68, 12, 5, 3, OURS, 0, 0, 0, 0), OCTETS(68, 12, 13, 3, OURS, NOON)},
    {OCTETS(68, 12, 5, 3, THEIRS, 0, 0, 0, 0), OCTETS(68, 12, 5, 3, THEIRS, 0, 0, 0, 0)},
    {OCTETS(1, 7, 7, 4, 0, 0, 0, 0, 68, 8, 5, 0, 0, 0, 0, 0),
     OCTETS(1, 7, 7, 8, OURS, 68, 8, 9, 0, NOON)},
};

START_TEST(every_packet_of_the_socket_has_them_with_our_slots_filled)
{
    for (int kind = 0; kind < 3; kind++) {
        int s = kind_of_socket(kind);
        ck_assert_int_eq(set_options(s, sent_row[_i].set.at, sent_row[_i].set.len), 0);
        int err = sock_connect(rig.stack, s, rig_at("10.0.0.1", kind == 2 ? 0 : 7), NULL);
        ck_assert_int_eq(err, kind == 1 ? -EINPROGRESS : 0);
        if (kind != 1) {
            ck_assert_int_eq(sock_send(rig.stack, s, "abc", 3, 0, NULL), 3);
            ck_assert_int_eq(sock_send(rig.stack, s, "abc", 3, 0, NULL), 3);
        }
        ck_assert_int_eq(rig_output(), kind == 1 ? 1 : 2);
        for (int i = 0; i < rig.count; i++)
            expect_options(&rig.packet[i], &sent_row[_i].sent);
        ck_assert_int_eq(set_options(s, NULL, 0), 0);
        rig_forget();
        if (kind == 0) {
            ck_assert_int_eq(sock_send(rig.stack, s, "abc", 3, 0, NULL), 3);
            ck_assert_int_eq(rig_output(), 1);
            ck_assert_uint_eq(rig.packet[0].options_len, 0);
            rig_forget();
        }
        sock_close(rig.stack, s);
    }
    PROVES("RFC1122-4.1.3.2-a");
}
END_TEST

/* Its quote has them between the addresses and the ports. */
START_TEST(an_error_about_a_packet_with_options_finds_its_socket)
{
    int s = rig_socket(RIG_PORT);

    ck_assert_int_eq(sock_connect(rig.stack, s, rig_at("10.0.0.1", RIG_THEIRS), NULL), 0);
    ck_assert_int_eq(SET(s, 7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0), 0);
    ck_assert_int_eq(sock_send(rig.stack, s, big, 1400, 0, NULL), 1400);
    ck_assert_int_eq(rig_output(), 1);
    rig_input_error(3, 3, 0);
    ck_assert_int_eq(rig_get(s, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
    rig_input_error(3, 4, 1300);
    ck_assert_int_eq(rig_get(s, SOL_SOCKET, SO_ERROR), EMSGSIZE);
    ck_assert_int_eq(rig_get(s, IPPROTO_IP, IP_MTU), 1300);
    sock_close(rig.stack, s);
}
END_TEST

START_TEST(a_datagram_with_options_is_as_much_smaller)
{
    int s = rig_socket(0);

    ck_assert_int_eq(sock_connect(rig.stack, s, rig_at("10.0.0.1", 7), NULL), 0);
    ck_assert_int_eq(SET(s, 148, 4, 0, 0, 1), 0); /* eight octets */
    ck_assert_int_eq(sock_send(rig.stack, s, big, 65500, 0, NULL), -EMSGSIZE);
    ck_assert_int_eq(sock_send(rig.stack, s, big, 65499, 0, NULL), 65499);
    ck_assert_int_eq(rig_output(), 1);
    ck_assert_uint_eq(rig.packet[0].data_len, 65499);
    rig_forget();
    ck_assert_int_eq(rig_set(s, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO), 0);
    ck_assert_int_eq(sock_send(rig.stack, s, big, 1465, 0, NULL), -EMSGSIZE);
    ck_assert_int_eq(sock_send(rig.stack, s, big, 1464, 0, NULL), 1464);
    ck_assert_int_eq(rig_output(), 1);
    ck_assert_uint_eq(rig.packet[0].len, 1500);
    sock_close(rig.stack, s);
}
END_TEST

/* A route is recorded once; a router is alerted by each piece (RFC 791, 3.1; RFC 2113). */
START_TEST(a_fragment_has_the_options_that_are_copied)
{
    static const uint32_t mtu[] = {1500, 576, 68};
    const struct octets first = OCTETS(7, 7, 8, OURS, 148, 4, 0, 7, 1, 0, 0, 0, 0);
    const struct octets other = OCTETS(148, 4, 0, 7);

    for (size_t i = 0; i < ARRAY_LEN(mtu); i++) {
        given_rig_of_mtu(mtu[i]);
        int s = rig_socket(0), ping = kind_of_socket(2);
        ck_assert_int_eq(SET(s, 7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 7, 1), 0);
        ck_assert_int_eq(SET(ping, 7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 7, 1, 0, 0, 0), 0);
        for (size_t at = 0; at < sizeof big; at++)
            big[at] = (uint8_t)(at * 7 + at / 256);
        ck_assert_int_eq(rig_send_to(s, "10.0.0.1", 7, big, 4000), 4000);
        ck_assert_int_eq(sock_connect(rig.stack, ping, rig_at("10.0.0.1", 0), NULL), 0);
        ck_assert_int_eq(sock_send(rig.stack, ping, big, 4000, 0, NULL), 4000);
        ck_assert_int_eq(rig_output(), 2);
        ck_assert_uint_eq(rig.packet[0].data_len, 4000);
        ck_assert_mem_eq(rig.packet[0].data, big, 4000);
        for (int p = 0; p < 2; p++) {
            const struct rig_packet *out = &rig.packet[p];
            size_t room = (mtu[i] - 20 - out->options_len) / 8 * 8;
            ck_assert_int_eq(out->pieces, (int)((4008 + room - 1) / room));
            ck_assert_uint_eq(out->options_len, p == 0 ? 12 : 16);
            ck_assert_mem_eq(out->options, first.at, 12);
            ck_assert_uint_eq((out->piece[0] & 15) * 4, 20 + other.len);
            ck_assert_mem_eq(out->piece + 20, other.at, other.len);
        }
        sock_close(rig.stack, s);
        sock_close(rig.stack, ping);
        rig_end();
    }
    PROVES("RFC791-3.2-f");
}
END_TEST

/* --- for one datagram --------------------------------------------------------------------- */

static union {
    struct cmsghdr header; /* for its alignment */
    uint8_t octets[256];
} control;

static ssize_t send_with(int s, int type, const uint8_t *octets, size_t len)
{
    struct iovec iov = {big, 3};
    struct endpoint to = rig_at("10.0.0.1", 7);
    struct sock_msg msg = {.name = &to, .iov = &iov, .iovcnt = 1, .control = &control};

    control.header =
        (struct cmsghdr){.cmsg_len = CMSG_LEN(len), .cmsg_level = IPPROTO_IP, .cmsg_type = type};
    if (len)
        memcpy(CMSG_DATA(&control.header), octets, len);
    msg.control_len = CMSG_SPACE(len);
    return sock_sendmsg(rig.stack, s, &msg, 0, NULL);
}

START_TEST(one_datagram_may_have_others_than_its_socket)
{
    int s = rig_socket(0);
    const struct octets own = OCTETS(1, 1, 1, 1), one = OCTETS(7, 7, 8, OURS, 0);
    static const uint8_t route[] = {7, 7, 4, 0, 0, 0, 0}, bad[] = {7, 0, 4};
    static const uint8_t loose[] = {131, 7, 4, THEIRS};

    ck_assert_int_eq(set_options(s, own.at, own.len), 0);
    ck_assert_int_eq(send_with(s, IP_RETOPTS, route, sizeof route), 3);
    ck_assert_int_eq(send_with(s, IP_RETOPTS, NULL, 0), 3); /* none */
    ck_assert_int_eq(send_with(s, IP_RETOPTS, bad, sizeof bad), -EINVAL);
    ck_assert_int_eq(send_with(s, IP_RETOPTS, loose, sizeof loose), -EPERM);
    ck_assert_int_eq(rig_send_to(s, "10.0.0.1", 7, "abc", 3), 3);
    ck_assert_int_eq(rig_output(), 3);
    expect_options(&rig.packet[0], &one);
    ck_assert_uint_eq(rig.packet[1].options_len, 0);
    expect_options(&rig.packet[2], &own);
    sock_close(rig.stack, s);
    PROVES("RFC1122-4.1.3.2-a");
}
END_TEST

/* --- what comes --------------------------------------------------------------------------- */

static const struct {
    struct octets came, told, back;
} told_row[] = {
    {OCTETS(1, 1, 1, 1), OCTETS(1, 1, 1, 1), {0}},
    {OCTETS(148, 4, 0, 0), OCTETS(148, 4, 0, 0), {0}},
    {OCTETS(0x9e, 4, 1, 2), OCTETS(0x9e, 4, 1, 2), {0}}, /* whatever it is */
    {OCTETS(7, 11, 8, THEIRS, 0, 0, 0, 0, 0), OCTETS(7, 11, 12, THEIRS, OURS, 0),
     OCTETS(7, 11, 12, THEIRS, OURS, 0)},
    {OCTETS(7, 15, 8, THEIRS, 0, 0, 0, 0, 9, 9, 9, 9, 0),
     OCTETS(7, 15, 12, THEIRS, OURS, 9, 9, 9, 9, 0),
     OCTETS(7, 15, 12, THEIRS, OURS, 0, 0, 0, 0, 0)},
    {OCTETS(7, 7, 8, THEIRS, 0), OCTETS(7, 7, 8, THEIRS, 0), OCTETS(7, 7, 8, THEIRS, 0)},
    {OCTETS(68, 8, 5, 0, 0, 0, 0, 0), OCTETS(68, 8, 9, 0, NOON), OCTETS(68, 8, 9, 0, NOON)},
    {OCTETS(68, 8, 9, 0, 1, 2, 3, 4), OCTETS(68, 8, 9, 0x10, 1, 2, 3, 4),
     OCTETS(68, 8, 9, 0x10, 1, 2, 3, 4)},
    {OCTETS(68, 8, 9, 0xf0, 1, 2, 3, 4), OCTETS(68, 8, 9, 0xf0, 1, 2, 3, 4),
     OCTETS(68, 8, 9, 0xf0, 1, 2, 3, 4)},
    {OCTETS(68, 12, 5, 3, OURS, 0, 0, 0, 0), OCTETS(68, 12, 13, 3, OURS, NOON),
     OCTETS(68, 12, 13, 3, OURS, NOON)},
    {OCTETS(68, 12, 5, 3, THEIRS, 0, 0, 0, 0), OCTETS(68, 12, 5, 3, THEIRS, 0, 0, 0, 0),
     OCTETS(68, 12, 5, 3, THEIRS, 0, 0, 0, 0)},
    {OCTETS(1, 148, 4, 0, 0, 68, 8, 5, 0, 0, 0, 0, 0, 7, 7, 4, 0, 0, 0, 0),
     OCTETS(1, 148, 4, 0, 0, 68, 8, 9, 0, NOON, 7, 7, 8, OURS),
     OCTETS(7, 7, 8, OURS, 68, 8, 9, 0, NOON, 0)},
};

static struct bytes find_control(struct sock_msg *msg, int type)
{
    struct msghdr posix = {.msg_control = msg->control, .msg_controllen = msg->control_len};

    for (struct cmsghdr *c = CMSG_FIRSTHDR(&posix); c; c = CMSG_NXTHDR(&posix, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == type)
            return (struct bytes){CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0)};
    }
    return (struct bytes){0};
}

static struct sock_msg recv_message(int s, const void *expected, size_t len)
{
    static uint8_t got[2000];
    static struct iovec iov = {got, sizeof got};
    struct sock_msg msg = {
        .iov = &iov, .iovcnt = 1, .control = &control, .control_len = sizeof control};

    ck_assert_int_eq(sock_recvmsg(rig.stack, s, &msg, 0, NULL), (ssize_t)len);
    ck_assert_mem_eq(got, expected, len);
    return msg;
}

static void expect_control(struct sock_msg *msg, int type, const struct octets *expected)
{
    struct bytes told = find_control(msg, type);

    ck_assert_ptr_nonnull(told.at);
    ck_assert_uint_eq(told.len, expected->len);
    ck_assert_mem_eq(told.at, expected->at, told.len);
}

START_TEST(a_program_that_asks_is_told_the_options_with_what_we_record)
{
    int s = rig_socket(RIG_PORT), plain = rig_socket(RIG_PORT + 1);
    static const size_t lens[] = {3, 0, 1400};

    ck_assert_int_eq(rig_get(s, IPPROTO_IP, IP_RECVOPTS), 0);
    ck_assert_int_eq(rig_set(s, IPPROTO_IP, IP_RECVOPTS, 1), 0);
    ck_assert_int_eq(rig_set(s, IPPROTO_IP, IP_RETOPTS, 1), 0);
    ck_assert_int_eq(rig_get(s, IPPROTO_IP, IP_RECVOPTS), 1);
    ck_assert_int_eq(rig_get(s, IPPROTO_IP, IP_RETOPTS), 1);
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        RIG_INPUT(.data = big, .len = lens[i], .options = told_row[_i].came.at,
                  .options_len = told_row[_i].came.len);
        struct sock_msg msg = recv_message(s, big, lens[i]);
        expect_control(&msg, IP_RECVOPTS, &told_row[_i].told);
        expect_control(&msg, IP_RETOPTS, &told_row[_i].back);
        RIG_INPUT(.data = big, .len = lens[i], .dst_port = RIG_PORT + 1,
                  .options = told_row[_i].came.at, .options_len = told_row[_i].came.len);
        msg = recv_message(plain, big, lens[i]);
        ck_assert_uint_eq(msg.control_len, 0);
        RIG_INPUT(.data = big, .len = lens[i]); /* and none where there was none */
        msg = recv_message(s, big, lens[i]);
        ck_assert_uint_eq(msg.control_len, 0);
    }
    /* and so they go back, where one more can be counted */
    const struct octets *back = &told_row[_i].back;
    ck_assert_int_eq(send_with(s, IP_RETOPTS, back->at, back->len),
                     back->at[3] == 0xf0 ? -EINVAL : 3);
    rig_output();
    sock_close(rig.stack, s);
    sock_close(rig.stack, plain);
    PROVES("RFC1122-4.1.3.2-a", "RFC1122-3.2.1.8-a");
}
END_TEST

START_TEST(each_hearer_of_a_broadcast_is_told_if_it_asks)
{
    int s = rig_socket(0), plain = rig_socket(0);
    const struct octets told = OCTETS(7, 7, 8, OURS, 0);
    static const uint8_t route[] = {7, 7, 4, 0, 0, 0, 0, 0};

    ck_assert_int_eq(rig_set(s, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    ck_assert_int_eq(rig_set(plain, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    ck_assert_int_eq(sock_bind(rig.stack, s, (struct endpoint){.port = RIG_PORT}), 0);
    ck_assert_int_eq(sock_bind(rig.stack, plain, (struct endpoint){.port = RIG_PORT}), 0);
    ck_assert_int_eq(rig_set(s, IPPROTO_IP, IP_RECVOPTS, 1), 0);
    RIG_INPUT(.dst = "10.0.0.255", .data = "abc", .len = 3, .options = route,
              .options_len = sizeof route);
    struct sock_msg msg = recv_message(s, "abc", 3);
    expect_control(&msg, IP_RECVOPTS, &told);
    msg = recv_message(plain, "abc", 3);
    ck_assert_uint_eq(msg.control_len, 0);
    sock_close(rig.stack, s);
    sock_close(rig.stack, plain);
}
END_TEST

/* --- connections -------------------------------------------------------------------------- */

/* A route to be recorded, on a socket of host `which`, 39 octets for nine hosts; `len` 0: none. */
static void set_route(int which, int s, size_t len)
{
    uint8_t octets[OPTIONS_MOST] = {7, (uint8_t)len, 4};

    ck_assert_int_eq(
        sock_setsockopt(hosts[which].stack, s, IPPROTO_IP, IP_OPTIONS, octets, (socklen_t)len), 0);
}

static size_t options_of(const struct host_packet *p)
{
    return p->octets[0] >> 4 == 4 ? (size_t)(p->octets[0] & 15) * 4 - 20 : 0;
}

/* The largest that waits at host 0, all of which have so many octets of options. */
static size_t largest_with(size_t options)
{
    size_t most = 0;

    ck_assert_int_gt(host_output(0), 0);
    for (int i = 0; i < hosts[0].out.count; i++) {
        const struct host_packet *p = &hosts[0].out.packet[i];
        ck_assert_uint_eq(options_of(p), options);
        most = p->len > most ? p->len : most;
    }
    return most;
}

/* `len` octets through the connection, which arrive; the largest packet of them. */
static size_t pass_text(int client, int server, size_t len, size_t options)
{
    static uint8_t back[8000];
    size_t got = 0;

    for (size_t i = 0; i < len; i++)
        big[i] = (uint8_t)(i * 13 + i / 256);
    ck_assert_int_eq(sock_send(hosts[0].stack, client, big, len, 0, NULL), (ssize_t)len);
    size_t largest = largest_with(options);
    for (int i = 0; i < 500 && got < len; i++) {
        hosts_wait_ms(1);
        ssize_t n = sock_recv(hosts[1].stack, server, back + got, sizeof back - got, 0, NULL);
        got += n > 0 ? (size_t)n : 0;
    }
    ck_assert_uint_eq(got, len);
    ck_assert_mem_eq(back, big, len);
    return largest;
}

static int mss_of(int which, int s)
{
    struct sock_info info;

    ck_assert_int_eq(sock_info(hosts[which].stack, s, &info), 0);
    return (int)info.snd_mss;
}

/* Eff.snd.MSS counts them, whenever they are set (RFC 9293, 3.7.1). */
START_TEST(a_segment_has_as_much_less_text_as_there_are_options)
{
    int listener, server, client = hosts_connect(_i, &listener, &server);
    const bool v4 = _i == 0;
    const size_t options = v4 ? OPTIONS_MOST : 0;
    const int mss = mss_of(0, client);

    ck_assert_int_eq(mss, v4 ? 1460 : 1440);
    ck_assert_uint_eq(pass_text(client, server, 7000, 0), 1500);
    set_route(0, client, 39);
    ck_assert_int_eq(mss_of(0, client), mss - (int)options);
    ck_assert_uint_eq(pass_text(client, server, 7000, options), 1500);
    set_route(0, client, 7 + 4 * 4); /* another: 24 octets */
    ck_assert_int_eq(mss_of(0, client), v4 ? mss - 24 : mss);
    ck_assert_uint_eq(pass_text(client, server, 7000, v4 ? 24 : 0), 1500);
    set_route(0, client, 0);
    ck_assert_int_eq(mss_of(0, client), mss);
    ck_assert_uint_eq(pass_text(client, server, 7000, 0), 1500);
    PROVES("RFC9293-MUST-16");
}
END_TEST

/* From the SYN on. What comes back has none: they are between a socket and its packets. */
START_TEST(a_connection_begins_with_the_options_of_its_socket_and_not_of_its_listener)
{
    struct stack *a = hosts[0].stack, *b = hosts[1].stack;
    int client = sock_socket(a, AF_INET, SOCK_STREAM, 0);
    int listener = sock_socket(b, AF_INET, SOCK_STREAM, 0);
    uint8_t got[OPTIONS_MOST];
    socklen_t len = sizeof got;

    set_route(1, listener, 39);
    ck_assert_int_eq(sock_bind(b, listener, (struct endpoint){.port = 80}), 0);
    ck_assert_int_eq(sock_listen(b, listener, 1), 0);
    ck_assert_int_eq(sock_getsockopt(b, listener, IPPROTO_IP, IP_OPTIONS, got, &len), 0);
    ck_assert_uint_eq(len, OPTIONS_MOST);
    set_route(0, client, 39);
    ck_assert_int_eq(sock_connect(a, client, (struct endpoint){host_addr("192.0.2.1"), 80}, NULL),
                     -EINPROGRESS);
    ck_assert_uint_eq(largest_with(OPTIONS_MOST), 20 + OPTIONS_MOST + 20 + 8);
    host_deliver(0);
    ck_assert_int_eq(host_output(1), 1); /* <SYN,ACK> */
    ck_assert_uint_eq(options_of(&hosts[1].out.packet[0]), 0);
    hosts_settle();
    int server = sock_accept(b, listener, NULL, NULL);
    ck_assert_int_ge(server, 0);
    len = sizeof got;
    ck_assert_int_eq(sock_getsockopt(b, server, IPPROTO_IP, IP_OPTIONS, got, &len), 0);
    ck_assert_uint_eq(len, 0);
    ck_assert_int_eq(mss_of(0, client), 1460 - OPTIONS_MOST);
    ck_assert_int_eq(mss_of(1, server), 1460);
    ck_assert_uint_eq(pass_text(client, server, 7000, OPTIONS_MOST), 1500);
}
END_TEST

/* One that has no room for text beside them is not asked to carry them. */
START_TEST(a_link_that_is_too_narrow_takes_none_for_a_connection)
{
    given_rig_of_mtu(127);
    int s = kind_of_socket(1), udp = rig_socket(0);
    ck_assert_int_eq(SET(s, 1), -EINVAL);
    ck_assert_int_eq(set_options(s, NULL, 0), 0);
    ck_assert_int_eq(SET(udp, 1), 0);
    sock_close(rig.stack, s);
    sock_close(rig.stack, udp);
    rig_end();
}
END_TEST

/* --- any octets --------------------------------------------------------------------------- */

static uint32_t draw(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* What is taken is well-formed, and stays so whatever is done with it. */
START_TEST(any_octets_are_refused_or_stay_well_formed)
{
    static const uint8_t favourite[] = {0, 1, 7, 68, 148, 131, 3, 4, 5, 7, 8, 11, 12, 0x13};
    uint32_t state = 5;
    int taken = 0;

    for (int i = 0; i < 300000; i++) {
        uint8_t octets[OPTIONS_MOST];
        size_t len = draw(&state) % (OPTIONS_MOST + 1);
        struct ipv4_options options;
        for (size_t at = 0; at < len; at++)
            octets[at] = draw(&state) % 8 ? favourite[draw(&state) % ARRAY_LEN(favourite)]
                                          : (uint8_t)draw(&state);
        struct bytes given = exact_copy(octets, len);
        int err = ipv4_options_take(given, &options);
        memset(octets + len, 0, OPTIONS_MOST - len);
        len = (len + 3) / 4 * 4;
        enum drop drop = ipv4_options_check((struct bytes){octets, len});
        exact_free(given);
        HOLDS(err == 0 || err == -EINVAL || err == -EPERM);
        HOLDS(err != 0 || drop == DROP_NONE);
        HOLDS(err != -EPERM || drop == DROP_IP4_SOURCE_ROUTE);
        if (drop == DROP_NONE) {
            struct ipv4_options came = {.len = (uint8_t)len};
            memcpy(came.octets, octets, len);
            ipv4_options_record(&came, ip_from_v4(0x0a000002), 7);
            HOLDS(ipv4_options_check(ipv4_options_bytes(&came)) == DROP_NONE);
            struct ipv4_options some = ipv4_options_copied(ipv4_options_bytes(&came));
            HOLDS(some.len % 4 == 0 && ipv4_options_check(ipv4_options_bytes(&some)) == DROP_NONE);
            some = ipv4_options_returned(ipv4_options_bytes(&came));
            HOLDS(some.len % 4 == 0 && ipv4_options_check(ipv4_options_bytes(&some)) == DROP_NONE);
        }
        taken += err == 0;
        HOLDS(err != 0 || (options.len % 4 == 0 && options.len >= len));
    }
    ck_assert_int_gt(taken, 10000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ip_options");

    TCase *c = tcase_create("set");
    tcase_add_checked_fixture(c, given_rig, rig_end);
    tcase_add_loop_test(c, what_is_set_is_kept_as_linux_keeps_it_or_refused, 0, ARRAY_LEN(set_row));
    tcase_add_test(c, no_more_than_forty_octets_are_taken);
    tcase_add_test(c, any_octets_are_refused_or_stay_well_formed);
    suite_add_tcase(s, c);

    c = tcase_create("sent");
    tcase_add_checked_fixture(c, given_rig, rig_end);
    tcase_add_loop_test(c, every_packet_of_the_socket_has_them_with_our_slots_filled, 0,
                        ARRAY_LEN(sent_row));
    tcase_add_test(c, an_error_about_a_packet_with_options_finds_its_socket);
    tcase_add_test(c, a_datagram_with_options_is_as_much_smaller);
    tcase_add_test(c, one_datagram_may_have_others_than_its_socket);
    suite_add_tcase(s, c);

    c = tcase_create("of a connection");
    tcase_add_checked_fixture(c, given_two_hosts, hosts_gone);
    tcase_add_loop_test(c, a_segment_has_as_much_less_text_as_there_are_options, 0, 2);
    tcase_add_test(c, a_connection_begins_with_the_options_of_its_socket_and_not_of_its_listener);
    suite_add_tcase(s, c);

    c = tcase_create("by the link's MTU");
    tcase_add_test(c, a_link_that_is_too_narrow_takes_none_for_a_connection);
    tcase_add_test(c, a_fragment_has_the_options_that_are_copied);
    suite_add_tcase(s, c);

    c = tcase_create("received");
    tcase_add_checked_fixture(c, given_rig, rig_end);
    tcase_add_loop_test(c, a_program_that_asks_is_told_the_options_with_what_we_record, 0,
                        ARRAY_LEN(told_row));
    tcase_add_test(c, each_hearer_of_a_broadcast_is_told_if_it_asks);
    suite_add_tcase(s, c);
    return run_suite(s, "ip_options");
}
