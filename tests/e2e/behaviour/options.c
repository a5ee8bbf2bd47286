/*
 * options.c - every option that both sides know, of both kinds of socket: its value at first, what
 * it takes and how it reads back, and wrong lengths.
 *
 * A table of options makes one case for each and each kind, named option_NAME and udp_option_NAME
 * by run_options().
 */
#include <stdlib.h>

#include "behaviour.h"

#define OPTION(level, name)                                                                        \
    {                                                                                              \
        level, name, #name                                                                         \
    }
static const struct {
    int level, option;
    const char *name;
} options[] = {
    OPTION(SOL_SOCKET, SO_REUSEADDR),
    OPTION(SOL_SOCKET, SO_REUSEPORT),
    OPTION(SOL_SOCKET, SO_KEEPALIVE),
    OPTION(SOL_SOCKET, SO_BROADCAST),
    OPTION(SOL_SOCKET, SO_PRIORITY),
    OPTION(SOL_SOCKET, SO_MARK),
    OPTION(SOL_SOCKET, SO_TYPE),
    OPTION(SOL_SOCKET, SO_ERROR),
    OPTION(SOL_SOCKET, SO_DOMAIN),
    OPTION(SOL_SOCKET, SO_PROTOCOL),
    OPTION(SOL_SOCKET, SO_ACCEPTCONN),
    OPTION(SOL_SOCKET, SO_OOBINLINE),
    OPTION(SOL_SOCKET, SO_RCVLOWAT),
    OPTION(SOL_SOCKET, SO_SNDLOWAT),
    OPTION(SOL_SOCKET, SO_DONTROUTE),
    OPTION(SOL_SOCKET, SO_TIMESTAMP),
    OPTION(IPPROTO_TCP, TCP_NODELAY),
    OPTION(IPPROTO_TCP, TCP_CORK),
    OPTION(IPPROTO_TCP, TCP_MAXSEG),
    OPTION(IPPROTO_TCP, TCP_KEEPIDLE),
    OPTION(IPPROTO_TCP, TCP_KEEPINTVL),
    OPTION(IPPROTO_TCP, TCP_KEEPCNT),
    OPTION(IPPROTO_TCP, TCP_SYNCNT),
    OPTION(IPPROTO_TCP, TCP_LINGER2),
    OPTION(IPPROTO_TCP, TCP_DEFER_ACCEPT),
    OPTION(IPPROTO_TCP, TCP_WINDOW_CLAMP),
    OPTION(IPPROTO_TCP, TCP_QUICKACK),
    OPTION(IPPROTO_TCP, TCP_USER_TIMEOUT),
    OPTION(IPPROTO_TCP, TCP_NOTSENT_LOWAT),
    OPTION(IPPROTO_TCP, TCP_INQ),
    OPTION(IPPROTO_IP, IP_TOS),
    OPTION(IPPROTO_IP, IP_TTL),
    OPTION(IPPROTO_IP, IP_MTU_DISCOVER),
    OPTION(IPPROTO_IP, IP_RECVERR),
    OPTION(IPPROTO_IP, IP_PKTINFO),
    OPTION(IPPROTO_IP, IP_RECVTTL),
    OPTION(IPPROTO_IP, IP_RECVTOS),
    OPTION(IPPROTO_IP, IP_RECVOPTS),
    OPTION(IPPROTO_IP, IP_RETOPTS),
    OPTION(IPPROTO_IP, IP_MULTICAST_TTL),
    OPTION(IPPROTO_IP, 9999),
    OPTION(SOL_SOCKET, 9999),
    OPTION(IPPROTO_TCP, 9999),
    OPTION(7777, 1),
};

/* One line for each try: where one side takes it and the other does not, the rest stays aligned. */
static void lengths(int s, int level, int option)
{
    static const socklen_t lens[] = {0, 1, 2, 3, 8};
    int values[2] = {1, 0};

    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        char set[60], get[60];
        socklen_t len = lens[i];
        int got[2] = {-1, -1};
        result_text(set, sizeof set, us->setsockopt(s, level, option, values, lens[i]));
        int result = us->getsockopt(s, level, option, got, &len);
        result_text(get, sizeof get, result);
        say("of length %u: set %s, get %s %#x (%u)", lens[i], set, get,
            result < 0 ? 0u : (unsigned)got[0], len);
    }
    socklen_t len = (socklen_t)-1;
    told("get of a negative length", us->getsockopt(s, level, option, values, &len));
    told("set of a negative length", us->setsockopt(s, level, option, values, (socklen_t)-1));
    len = 4;
    told("get into null", us->getsockopt(s, level, option, NULL, &len));
    told("set from null", us->setsockopt(s, level, option, NULL, 4));
    told("get with no length", us->getsockopt(s, level, option, values, NULL));
}

static void values(int s, int level, int option)
{
    static const int tried[] = {0,     1,     2,       5,         63,   64,    100,
                                127,   128,   255,     256,       1000, 32767, 32768,
                                65535, 65536, 1 << 20, INT32_MAX, -1,   -2,    INT32_MIN};

    say_option("at first", s, level, option);
    for (size_t i = 0; i < sizeof tried / sizeof tried[0]; i++) {
        char set[60], get[60];
        int got = 0;
        socklen_t len = sizeof got;
        result_text(set, sizeof set, set_int(s, level, option, tried[i]));
        result_text(get, sizeof get, us->getsockopt(s, level, option, &got, &len));
        say("%d: set %s, get %s %d (%u)", tried[i], set, get, got, len);
    }
}

static void run_option(size_t i, int type)
{
    int s = us->socket(AF_INET, type, 0);

    values(s, options[i].level, options[i].option);
    us->close(s);
    s = us->socket(AF_INET, type, 0);
    lengths(s, options[i].level, options[i].option);
    us->close(s);
}

void run_options(void)
{
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        char name[40];
        snprintf(name, sizeof name, "%d.%s", options[i].level, options[i].name);
        if (case_begin("option", name)) {
            run_option(i, SOCK_STREAM);
            case_end();
        }
        if (case_begin("udp_option", name)) {
            run_option(i, SOCK_DGRAM);
            case_end();
        }
    }
}

static void times(int option)
{
    static const struct timeval tried[] = {{0, 0},       {1, 500000}, {0, 1},  {0, 999999},
                                           {0, 1000000}, {0, -1},     {-1, 0}, {5, 0}};
    int s = stream_socket();

    for (size_t i = 0; i < sizeof tried / sizeof tried[0]; i++) {
        struct timeval got = {-9, -9};
        socklen_t len = sizeof got;
        say("%ld.%06ld", (long)tried[i].tv_sec, (long)tried[i].tv_usec);
        told("set", us->setsockopt(s, SOL_SOCKET, option, &tried[i], sizeof tried[i]));
        told("get", us->getsockopt(s, SOL_SOCKET, option, &got, &len));
        say("%ld (%u)", (long)got.tv_sec, len);
    }
    told("short", us->setsockopt(s, SOL_SOCKET, option, &tried[1], 8));
    us->close(s);
}

CASE(option_rcvtimeo)
{
    times(SO_RCVTIMEO);
}
CASE(option_sndtimeo)
{
    times(SO_SNDTIMEO);
}

CASE(option_linger)
{
    static const struct linger tried[] = {{0, 0}, {1, 0}, {1, 10}, {2, 5}, {0, 7}, {1, -1}};
    int s = stream_socket();

    say_option("at first", s, SOL_SOCKET, SO_LINGER);
    for (size_t i = 0; i < sizeof tried / sizeof tried[0]; i++) {
        told("set", us->setsockopt(s, SOL_SOCKET, SO_LINGER, &tried[i], sizeof tried[i]));
        say_option("get", s, SOL_SOCKET, SO_LINGER);
    }
    told("short", us->setsockopt(s, SOL_SOCKET, SO_LINGER, &tried[1], 4));
    us->close(s);
}

static void buffers(int option)
{
    static const int tried[] = {4096, 20000, 65536, 100000};
    int s = stream_socket();

    for (size_t i = 0; i < sizeof tried / sizeof tried[0]; i++) {
        told("set", set_int(s, SOL_SOCKET, option, tried[i]));
        say_option("get", s, SOL_SOCKET, option);
    }
    us->close(s);
}

CASE(option_rcvbuf)
{
    buffers(SO_RCVBUF);
}
CASE(option_sndbuf)
{
    buffers(SO_SNDBUF);
}
