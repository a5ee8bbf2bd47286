/*
 * ip_options.c - cases of IPv4 options, set and received, and of datagrams that leave in fragments.
 *
 * No timestamps: what they say is never the same twice.
 */
#include <stdlib.h>

#include "behaviour.h"

#define A 10, 9, 0, 1
#define B 10, 9, 0, 2

enum { MOST = 44 };

/* In hexadecimal. */
static void octets_text(char *text, size_t room, const void *octets, size_t len)
{
    size_t at = 0;

    text[0] = 0;
    for (size_t i = 0; i < len && at + 3 < room; i++)
        at += (size_t)snprintf(text + at, room - at, "%02x", ((const uint8_t *)octets)[i]);
}

/* Both results and what is read back, in one line. */
static void try_set(int s, const char *what, const uint8_t *octets, size_t len)
{
    uint8_t got[MOST] = {0};
    socklen_t got_len = sizeof got;
    char set[60], get[60], text[100];

    result_text(set, sizeof set, us->setsockopt(s, IPPROTO_IP, IP_OPTIONS, octets, (socklen_t)len));
    result_text(get, sizeof get, us->getsockopt(s, IPPROTO_IP, IP_OPTIONS, got, &got_len));
    octets_text(text, sizeof text, got, got_len <= sizeof got ? got_len : 0);
    say("%s: set %s, get %s %s (%u)", what, set, get, text, got_len);
}

#define TRY(s, what, ...)                                                                          \
    try_set(s, what, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void set_many(int s)
{
    static const uint8_t many[41];

    try_set(s, "none", NULL, 0);
    TRY(s, "nop", 1);
    TRY(s, "nops", 1, 1, 1, 1);
    TRY(s, "end", 0);
    TRY(s, "behind the end", 1, 0, 7, 7, 3);
    TRY(s, "route", 7, 7, 4, 9, 9, 9, 9);
    TRY(s, "route begun", 7, 11, 8, 1, 2, 3, 4, 9, 9, 9, 9);
    TRY(s, "route full", 7, 7, 8, 1, 2, 3, 4);
    TRY(s, "route of none", 7, 3, 4);
    TRY(s, "route without a pointer", 7, 2);
    TRY(s, "route before its first", 7, 7, 3, 0, 0, 0, 0);
    TRY(s, "route between two", 7, 7, 5, 0, 0, 0, 0);
    TRY(s, "two routes", 7, 7, 4, 0, 0, 0, 0, 7, 7, 4, 0, 0, 0, 0);
    TRY(s, "route and a crumb", 7, 8, 4, 0, 0, 0, 0, 0);
    TRY(s, "time", 68, 8, 5, 0, 9, 9, 9, 9);
    TRY(s, "time and address", 68, 12, 5, 1, 9, 9, 9, 9, 9, 9, 9, 9);
    TRY(s, "time of another", 68, 12, 5, 3, A, 0, 0, 0, 0);
    TRY(s, "time, counted", 68, 8, 9, 0xe0, 1, 2, 3, 4);
    TRY(s, "time, counted to the end", 68, 8, 9, 0xf0, 1, 2, 3, 4);
    TRY(s, "time and address, no room", 68, 8, 5, 1, 0, 0, 0, 0);
    TRY(s, "time before its first", 68, 8, 4, 0, 0, 0, 0, 0);
    TRY(s, "time, short", 68, 3, 5);
    TRY(s, "two times", 68, 4, 5, 0, 68, 4, 5, 0);
    TRY(s, "alert", 148, 4, 0, 0);
    TRY(s, "alert, short", 148, 3, 0);
    TRY(s, "loose route of none", 131, 3, 4);
    TRY(s, "loose route, odd", 131, 8, 4, A, 0);
    TRY(s, "strict route, begun", 137, 7, 8, A);
    TRY(s, "cut off", 7);
    TRY(s, "length 0", 7, 0, 4);
    TRY(s, "length 1", 7, 1, 4);
    TRY(s, "beyond the end", 1, 148, 5, 0, 0);
    try_set(s, "forty", many, 40);
    try_set(s, "one more", many, 41);
    try_set(s, "null", NULL, 4);
    try_set(s, "none", NULL, 0);
    us->close(s);
}

CASE(ip_options_of_datagrams)
{
    set_many(datagram_socket());
}

CASE(ip_options_of_streams)
{
    set_many(stream_socket());
}

CASE(ip_options_source_routes)
{
    int s = datagram_socket();

    TRY(s, "loose", 131, 7, 4, A);
    TRY(s, "strict", 137, 7, 4, A);
    us->close(s);
}

CASE(ip_options_unknown)
{
    int s = datagram_socket();

    TRY(s, "security", 130, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    TRY(s, "stream identifier", 136, 4, 0, 0);
    TRY(s, "unknown", 0x9e, 4, 0, 0);
    us->close(s);
}

static void say_controls(struct msghdr *msg)
{
    char text[100];

    say("flags %#x, control %zu", (unsigned)msg->msg_flags, msg->msg_controllen);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        octets_text(text, sizeof text, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
        say("level %d type %d: %s", c->cmsg_level, c->cmsg_type, text);
    }
}

static const uint8_t sent[][12] = {
    {1, 1, 1, 1}, {148, 4, 0, 0}, {7, 11, 4}, {7, 11, 8, B}, {7, 7, 8, B},
};

/* The peer's kernel reads what ours sends. */
CASE(ip_options_on_their_way_out)
{
    int peer, s = datagrams(&peer), on = 1;
    _Alignas(struct cmsghdr) char control[200];
    char text[10];

    setsockopt(peer, IPPROTO_IP, IP_RECVOPTS, &on, sizeof on);
    for (size_t i = 0; i < sizeof sent / sizeof sent[0]; i++) {
        struct iovec iov = {text, sizeof text};
        struct msghdr msg = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
        told("set", us->setsockopt(s, IPPROTO_IP, IP_OPTIONS, sent[i], 12));
        told("send", us->send(s, "hello", 5, 0));
        told("peer", recvmsg(peer, &msg, 0));
        say_controls(&msg);
    }
    us->close(s);
    close(peer);
}

CASE(ip_options_on_their_way_in)
{
    int peer, s = datagrams(&peer);
    _Alignas(struct cmsghdr) char control[200];
    char text[10];

    say_option("IP_RECVOPTS", s, IPPROTO_IP, IP_RECVOPTS);
    say_option("IP_RETOPTS", s, IPPROTO_IP, IP_RETOPTS);
    told("IP_RECVOPTS", set_int(s, IPPROTO_IP, IP_RECVOPTS, 1));
    told("IP_RETOPTS", set_int(s, IPPROTO_IP, IP_RETOPTS, 1));
    for (size_t i = 0; i <= sizeof sent / sizeof sent[0]; i++) {
        bool none = i == sizeof sent / sizeof sent[0];
        struct iovec iov = {text, sizeof text};
        struct msghdr msg = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
        setsockopt(peer, IPPROTO_IP, IP_OPTIONS, sent[none ? 0 : i], none ? 0 : 12);
        peer_say(peer, "hello");
        await(s, POLLIN);
        told("recvmsg", us->recvmsg(s, &msg, 0));
        say_controls(&msg);
    }
    us->close(s);
    close(peer);
}

/* For one datagram, and back to those of the socket. */
CASE(ip_options_by_a_control_message)
{
    int peer, s = datagrams(&peer), on = 1;
    static const uint8_t given[][8] = {{7, 7, 4}, {7, 0, 4}, {0}};
    static const size_t lens[] = {8, 3, 0};
    _Alignas(struct cmsghdr) char control[200];
    char text[10];

    setsockopt(peer, IPPROTO_IP, IP_RECVOPTS, &on, sizeof on);
    told("set", us->setsockopt(s, IPPROTO_IP, IP_OPTIONS, sent[0], 4));
    for (size_t i = 0; i <= sizeof lens / sizeof lens[0]; i++) {
        bool none = i == sizeof lens / sizeof lens[0];
        struct iovec iov = {text, 5};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
        if (!none) {
            struct cmsghdr header = {
                .cmsg_len = CMSG_LEN(lens[i]), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_RETOPTS};
            memcpy(control, &header, sizeof header);
            memcpy(control + CMSG_LEN(0), given[i], lens[i]);
            msg.msg_control = control;
            msg.msg_controllen = CMSG_SPACE(lens[i]);
        }
        memcpy(text, "hello", 5);
        if (told("sendmsg", us->sendmsg(s, &msg, 0)) < 0)
            continue;
        msg.msg_control = control;
        msg.msg_controllen = sizeof control;
        told("peer", recvmsg(peer, &msg, 0));
        say_controls(&msg);
    }
    us->close(s);
    close(peer);
}

/* On a connection that is there: text passes, with a smaller MSS. */
CASE(ip_options_on_a_connection)
{
    int peer, s = connected(&peer);
    static char octets[4000];

    say_option("TCP_MAXSEG", s, IPPROTO_TCP, TCP_MAXSEG);
    TRY(s, "route", 7, 39, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    say_option("TCP_MAXSEG", s, IPPROTO_TCP, TCP_MAXSEG);
    told("send", us->send(s, octets, sizeof octets, 0));
    told("peer", recv(peer, octets, sizeof octets, MSG_WAITALL));
    try_set(s, "none", NULL, 0);
    say_option("TCP_MAXSEG", s, IPPROTO_TCP, TCP_MAXSEG);
    us->close(s);
    close(peer);
}

CASE(ip_options_of_a_listener)
{
    int listener = our_listener(5), peer;
    uint8_t got[MOST];
    socklen_t len = sizeof got;

    TRY(listener, "listener", 148, 4, 0, 0);
    peer = peer_call(port_of(listener));
    await(listener, POLLIN);
    int s = us->accept(listener, NULL, NULL);
    told("get", us->getsockopt(s, IPPROTO_IP, IP_OPTIONS, got, &len));
    say("%u octets", len);
    us->close(s);
    us->close(listener);
    close(peer);
}

/* --- fragments ---------------------------------------------------------------------------- */

static const size_t large[] = {1472, 1473, 1480, 2953, 4000, 32768, 65507};

static void fill(uint8_t *octets, size_t len)
{
    for (size_t i = 0; i < len; i++)
        octets[i] = (uint8_t)(i * 7 + i / 256);
}

CASE(udp_large_out)
{
    int peer, s = datagrams(&peer);
    static uint8_t octets[65508], got[65536];

    fill(octets, sizeof octets);
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        told("send", us->send(s, octets, large[i], 0));
        ssize_t n = recv(peer, got, sizeof got, 0);
        say("peer: %zd, %s", n, n > 0 && memcmp(octets, got, (size_t)n) == 0 ? "equal" : "other");
    }
    told("65508", us->send(s, octets, sizeof octets, 0));
    us->close(s);
    close(peer);
}

CASE(udp_large_in)
{
    int peer, s = datagrams(&peer);
    static uint8_t octets[65507], got[65536];

    fill(octets, sizeof octets);
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        if (send(peer, octets, large[i], 0) < 0)
            say("the peer cannot send");
        await(s, POLLIN);
        ssize_t n = us->recv(s, got, sizeof got, 0);
        say("recv: %zd, %s", n, n > 0 && memcmp(octets, got, (size_t)n) == 0 ? "equal" : "other");
    }
    us->close(s);
    close(peer);
}

CASE(udp_large_and_cut)
{
    int peer, s = datagrams(&peer);
    static uint8_t octets[5000], got[2000];
    struct iovec iov = {got, sizeof got};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

    if (send(peer, octets, sizeof octets, 0) < 0)
        say("the peer cannot send");
    await(s, POLLIN);
    told("recvmsg", us->recvmsg(s, &msg, MSG_TRUNC));
    say("flags %#x", (unsigned)msg.msg_flags);
    us->close(s);
    close(peer);
}
