/*
 * service_udp.c - echo, discard and chargen over UDP.
 *
 * What answers every datagram can be made to speak with its like for ever, by one datagram with a
 * forged source. So an answer is never answered: nothing goes to a port below 1024, where services
 * are, nor to one of ours, wherever it is (THREATS U06). What was sent to many is not answered
 * either, or one datagram would make a whole link shout at the one whose name is on it.
 *
 * The answer comes from the address that was asked (RFC 1122, 4.1.3.5). When there is no room to
 * send, nothing is read until there is; one answer may be lost to find that out.
 */
#include "apps/service_udp.h"

#include <errno.h>
#include <netinet/in.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/prng.h"

enum { TURN = 64 /* datagrams, before others have theirs */, WELL_KNOWN = 1024, LARGEST = 65535 };

struct service_udp {
    struct service_udp_config config;
    struct memory memory;
    struct sock_app app;
    struct prng prng;
    int socket;
    uint8_t buffer[LARGEST];
};

static bool is_service(const struct service_udp *service, uint16_t port)
{
    if (port < WELL_KNOWN)
        return true;
    for (int i = 0; i < SERVICE_UDP_PORTS; i++) {
        if (service->config.ports[i] == port)
            return true;
    }
    return false;
}

/* A random number of characters, from 0 to 512 (RFC 864). */
static size_t generate(struct service_udp *service)
{
    size_t len = (size_t)prng_below(&service->prng, SERVICE_UDP_CHARGEN + 1);

    for (size_t i = 0; i < len; i++)
        service->buffer[i] = service_pattern(i);
    return len;
}

/* A datagram has come: how long it was, or why there is none. The control message says where it was
 * sent to, and given back with the answer, where that comes from. */
static ssize_t take(struct service_udp *service, struct sock_msg *msg, struct iovec *iov,
                    void *control, size_t room)
{
    iov->iov_base = service->buffer;
    iov->iov_len = sizeof service->buffer;
    msg->control = control;
    msg->control_len = room;
    return sock_recvmsg(service->config.stack, service->socket, msg, 0, NULL);
}

static void answer(struct service_udp *service, struct sock_msg *msg, struct iovec *iov, size_t len)
{
    iov->iov_len = service->config.kind == SERVICE_CHARGEN ? generate(service) : len;
    ssize_t ignored = sock_sendmsg(service->config.stack, service->socket, msg, 0, NULL);
    (void)ignored; /* a datagram may be lost; one that was sent to many has no source to answer */
}

static void ready(struct sock_app *app, int s, short events, instant now)
{
    struct service_udp *service = CONTAINER_OF(app, struct service_udp, app);
    union {
        struct cmsghdr header;
        uint8_t octets[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    } control;

    (void)events;
    (void)now;
    for (int i = 0; i < TURN; i++) {
        struct endpoint from;
        struct iovec iov;
        struct sock_msg msg = {.name = &from, .iov = &iov, .iovcnt = 1};
        if (!(sock_poll(service->config.stack, s) & POLLOUT))
            return; /* and called again when it may */
        ssize_t len = take(service, &msg, &iov, &control, sizeof control);
        if (len == -EAGAIN)
            return;
        if (len >= 0 && service->config.kind != SERVICE_DISCARD && !is_service(service, from.port))
            answer(service, &msg, &iov, (size_t)len);
    }
    sock_again(service->config.stack, s);
}

static int open_socket(struct service_udp *service)
{
    struct stack *stack = service->config.stack;
    const int on = 1;
    int s = sock_socket(stack, AF_INET6, SOCK_DGRAM, 0); /* and IPv4 */

    if (s < 0)
        return s;
    int err = sock_setsockopt(stack, s, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
    if (!err)
        err = sock_bind(stack, s, service->config.local);
    if (err) {
        sock_close(stack, s);
        return err;
    }
    service->socket = s;
    service->app.ready = ready;
    sock_set_app(stack, s, &service->app);
    return 0;
}

int service_udp_new(const struct service_udp_config *config, struct service_udp **out)
{
    struct memory memory = {.env = config->env};
    uint64_t seed;

    int err = config->env->random(config->env->context, &seed, sizeof seed);
    if (err)
        return err;
    struct service_udp *service = memory_alloc(&memory, sizeof *service);
    if (!service)
        return -ENOMEM;
    service->config = *config;
    service->memory = memory;
    prng_seed(&service->prng, seed);
    err = open_socket(service);
    if (err) {
        memory_release(&memory, service, sizeof *service);
        return err;
    }
    *out = service;
    return 0;
}

void service_udp_free(struct service_udp *service)
{
    if (!service)
        return;
    sock_close(service->config.stack, service->socket);
    struct memory memory = service->memory;
    memory_release(&memory, service, sizeof *service);
}
