/*
 * tell.c - what the cases share: how they say what they see, and the sockets of both sides.
 *
 * The peer's sockets are the kernel's, and block for two seconds at most.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "behaviour.h"

enum { PATIENCE_MS = 2000 };

/* --- saying ----------------------------------------------------------------------------------- */

void say(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    putchar('\n');
}

void result_text(char *text, size_t room, long result)
{
    if (result < 0)
        snprintf(text, room, "%ld %s", result, strerrorname_np(errno));
    else
        snprintf(text, room, "%ld", result);
}

long told(const char *what, long result)
{
    char text[60];

    result_text(text, sizeof text, result);
    say("%s: %s", what, text);
    return result;
}

void say_poll(int s)
{
    static const struct {
        short event;
        const char *name;
    } names[] = {{POLLIN, "IN"},   {POLLPRI, "PRI"},   {POLLOUT, "OUT"},    {POLLERR, "ERR"},
                 {POLLHUP, "HUP"}, {POLLNVAL, "NVAL"}, {POLLRDHUP, "RDHUP"}};
    struct pollfd fd = {s, POLLIN | POLLPRI | POLLOUT | POLLRDHUP, 0};
    char text[60] = "";

    us->poll(&fd, 1, 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (fd.revents & names[i].event) {
            strcat(text, " ");
            strcat(text, names[i].name);
        }
    say("poll:%s", text);
}

void say_name(const char *what, int result, const struct sockaddr_storage *name, socklen_t len)
{
    char text[INET6_ADDRSTRLEN] = "?";
    uint16_t port = 0;

    if (result < 0) {
        told(what, result);
        return;
    }
    if (name->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)name;
        inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
        port = in->sin_port;
    } else if (name->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)name;
        inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text);
        port = in->sin6_port;
    }
    say("%s: family %d %s:%s len %u", what, name->ss_family, text, port ? "some" : "0", len);
}

void say_option(const char *what, int s, int level, int option)
{
    int value[2] = {0, 0};
    socklen_t len = sizeof value;
    int result = us->getsockopt(s, level, option, value, &len);

    if (result < 0)
        told(what, result);
    else if (len > sizeof value[0])
        say("%s: %d %d (%u)", what, value[0], value[1], len);
    else
        say("%s: %d (%u)", what, value[0], len);
}

void say_text(const char *what, ssize_t len, const char *text)
{
    if (len < 0)
        told(what, len);
    else
        say("%s: %zd '%.*s'", what, len, (int)len, text);
}

/* --- ours ------------------------------------------------------------------------------------- */

int stream_socket(void)
{
    return us->socket(AF_INET, SOCK_STREAM, 0);
}

int datagram_socket(void)
{
    return us->socket(AF_INET, SOCK_DGRAM, 0);
}

void no_block(int s, bool on)
{
    us->fcntl(s, F_SETFL, on ? O_NONBLOCK : 0);
}

void await(int s, short events)
{
    struct pollfd fd = {s, events, 0};

    if (us->poll(&fd, 1, PATIENCE_MS) != 1)
        say("no event of %d came", events);
}

void await_sent(int s)
{
    int left = 1;

    for (int i = 0; i < PATIENCE_MS && left; i++) {
        us->ioctl(s, SIOCOUTQ, &left);
        if (left)
            usleep(1000);
    }
    if (left)
        say("%d octets are not acknowledged", left);
}

struct sockaddr_in addr_of(const char *text, uint16_t port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};

    inet_pton(AF_INET, text, &addr.sin_addr);
    return addr;
}

int bind_to(int s, const char *text, uint16_t port)
{
    struct sockaddr_in addr = addr_of(text, port);

    return us->bind(s, (struct sockaddr *)&addr, sizeof addr);
}

int connect_to(int s, const char *text, uint16_t port)
{
    struct sockaddr_in addr = addr_of(text, port);

    return us->connect(s, (struct sockaddr *)&addr, sizeof addr);
}

uint16_t port_of(int s)
{
    struct sockaddr_in addr = {0};
    socklen_t len = sizeof addr;

    us->getsockname(s, (struct sockaddr *)&addr, &len);
    return ntohs(addr.sin_port);
}

int set_int(int s, int level, int option, int value)
{
    return us->setsockopt(s, level, option, &value, sizeof value);
}

int our_listener(int backlog)
{
    int s = stream_socket();

    if (bind_to(s, OUR_ADDR, 0) || us->listen(s, backlog))
        told("a listener", -1);
    return s;
}

int connected(int *peer)
{
    uint16_t port;
    int listener = peer_listener(&port, 5);
    int s = stream_socket();

    if (connect_to(s, PEER_ADDR, port))
        told("a connection", -1);
    *peer = peer_accept(listener);
    close(listener);
    return s;
}

int accepted(int *peer)
{
    int listener = our_listener(5);

    *peer = peer_call(port_of(listener));
    await(listener, POLLIN);
    int s = us->accept(listener, NULL, NULL);
    us->close(listener);
    return s;
}

int datagrams(int *peer)
{
    uint16_t port;
    int s = datagram_socket();

    *peer = peer_datagram(&port);
    if (bind_to(s, OUR_ADDR, 0) || connect_to(s, PEER_ADDR, port))
        told("datagrams", -1);
    struct sockaddr_in ours = addr_of(OUR_ADDR, port_of(s));
    if (connect(*peer, (struct sockaddr *)&ours, sizeof ours))
        told("the peer's datagrams", -1);
    return s;
}

/* --- the peer --------------------------------------------------------------------------------- */

static int peer_socket(int type, uint16_t *port)
{
    struct timeval patience = {PATIENCE_MS / 1000, 0};
    int s = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    struct sockaddr_in addr = addr_of(PEER_ADDR, 0);
    socklen_t len = sizeof addr;

    if (s < 0 || setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) ||
        setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) ||
        bind(s, (struct sockaddr *)&addr, sizeof addr) ||
        getsockname(s, (struct sockaddr *)&addr, &len)) {
        perror("the peer's socket");
        exit(EXIT_FAILURE);
    }
    *port = ntohs(addr.sin_port);
    return s;
}

int peer_listener(uint16_t *port, int backlog)
{
    int s = peer_socket(SOCK_STREAM, port);

    listen(s, backlog);
    return s;
}

int peer_full_listener(uint16_t *port)
{
    uint16_t own;
    int s = peer_listener(port, 0), filler = peer_socket(SOCK_STREAM, &own);
    struct sockaddr_in to = addr_of(PEER_ADDR, *port);

    if (connect(filler, (struct sockaddr *)&to, sizeof to))
        told("the peer fills its listener", -1);
    close(filler); /* it stays in the queue */
    return s;
}

int peer_accept(int listener)
{
    struct timeval patience = {PATIENCE_MS / 1000, 0};
    int s = accept(listener, NULL, NULL);

    if (s < 0)
        told("the peer accepts", s);
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return s;
}

int peer_call(uint16_t port)
{
    uint16_t own;
    int s = peer_socket(SOCK_STREAM, &own);
    struct sockaddr_in to = addr_of(OUR_ADDR, port);

    if (connect(s, (struct sockaddr *)&to, sizeof to))
        told("the peer connects", -1);
    return s;
}

int peer_datagram(uint16_t *port)
{
    return peer_socket(SOCK_DGRAM, port);
}

void peer_say(int peer, const char *text)
{
    if (send(peer, text, strlen(text), MSG_NOSIGNAL) < 0)
        told("the peer sends", -1);
}

void peer_hears(int peer, size_t len)
{
    char text[200];
    size_t got = 0;
    ssize_t n = 0;

    while (got < len && (n = recv(peer, text + got, len - got, 0)) > 0)
        got += (size_t)n;
    if (n < 0)
        told("the peer reads", n);
    say("the peer heard '%.*s'%s", (int)got, text, got < len && n == 0 ? " and the end" : "");
}

void peer_resets(int peer)
{
    struct linger linger = {1, 0};

    setsockopt(peer, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(peer);
}

uint16_t closed_port(int type)
{
    uint16_t port;

    close(peer_socket(type, &port));
    return port;
}
