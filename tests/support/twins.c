/*
 * twins.c - see twins.h.
 */
#include "support/twins.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/frame.h"
#include "base/prng.h"

/* --- the wire ----------------------------------------------------------------------------- */

struct wire_end {
    struct dev dev;
    int fd;
};

static int wire_receive(struct dev *dev, struct frame_pool *pool, struct frame **batch, int max,
                        instant now)
{
    const struct wire_end *end = CONTAINER_OF(dev, struct wire_end, dev);
    int count = 0;

    (void)now;
    while (count < max) {
        struct frame *frame = frame_get(pool, 2048);
        MUST(frame);
        ssize_t n = recv(end->fd, frame->data, 2048, 0);
        if (n <= 0) {
            frame_put(frame);
            return n == 0 && count == 0 ? -ENETDOWN : count;
        }
        frame->len = (uint32_t)n;
        batch[count++] = frame;
    }
    return count;
}

static int wire_send(struct dev *dev, const struct frame_meta *meta, const struct iovec *iov,
                     int iovcnt, instant now)
{
    const struct wire_end *end = CONTAINER_OF(dev, struct wire_end, dev);
    struct iovec copy[DEV_IOV_MAX];
    struct msghdr msg = {.msg_iov = copy, .msg_iovlen = (size_t)iovcnt};

    (void)meta;
    (void)now;
    memcpy(copy, iov, (size_t)iovcnt * sizeof *iov);
    if (sendmsg(end->fd, &msg, MSG_NOSIGNAL) >= 0)
        return 0;
    return errno == EAGAIN ? -EAGAIN : -ENETDOWN;
}

static void wire_flush(struct dev *dev, instant now)
{
    (void)dev;
    (void)now;
}

static instant wire_deadline(const struct dev *dev)
{
    (void)dev;
    return INSTANT_NEVER;
}

static int wire_fd(const struct dev *dev)
{
    const struct wire_end *end = (const struct wire_end *)(const void *)dev;

    return end->fd;
}

static void wire_close(struct dev *dev)
{
    struct wire_end *end = CONTAINER_OF(dev, struct wire_end, dev);

    close(end->fd);
    free(end);
}

static const struct dev_ops wire_ops = {
    .receive = wire_receive,
    .send = wire_send,
    .flush = wire_flush,
    .deadline = wire_deadline,
    .fd = wire_fd,
    .close = wire_close,
};

static void make_wire(struct dev *out[2])
{
    int fds[2];

    MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    for (int i = 0; i < 2; i++) {
        struct wire_end *end = calloc(1, sizeof *end);
        MUST(end);
        *end =
            (struct wire_end){.dev = {.ops = &wire_ops, .name = "wire", .mtu = 1500}, .fd = fds[i]};
        out[i] = &end->dev;
    }
}

/* --- the stacks --------------------------------------------------------------------------- */

static int64_t mono_ns(void *context)
{
    struct timespec t;

    (void)context;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int some_octets(void *context, void *octets, size_t len)
{
    struct prng prng;
    uint8_t *out = octets;

    prng_seed(&prng, (uint64_t)(uintptr_t)context);
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)prng_next(&prng);
    return 0;
}

static struct stack *make_stack(const char *prefix, uintptr_t seed, struct env *env)
{
    struct stack_config config;

    *env = (struct env){.context = (void *)seed, .mono_ns = mono_ns, .random = some_octets};
    stack_config_init(&config);
    MUST(ip_prefix_parse(prefix, &config.addr[0]) == 0);
    config.addr_count = 1;
    struct stack *stack = stack_new(&config, env);
    MUST(stack);
    return stack;
}

static instant serve_peer(struct twins *t)
{
    instant now = {mono_ns(NULL)};
    short events;

    pthread_mutex_lock(&t->lock);
    int frames = stack_receive(t->peer, t->peer_dev, now);
    for (int s; (s = sock_next_ready(t->peer, &events)) >= 0;) {
        struct sock_app *app = sock_app(t->peer, s);
        if (app)
            app->ready(app, s, events, now);
    }
    int err = frames < 0 ? 0 : stack_send(t->peer, t->peer_dev, now);
    instant next = stack_deadline(t->peer);
    if (frames == DEV_BATCH)
        next = now;
    else if (err == -EAGAIN)
        next = instant_min(next, instant_add(now, NS_PER_MS));
    t->ends = t->ends || frames < 0;
    pthread_mutex_unlock(&t->lock);
    return next;
}

static void *peer_thread(void *argument)
{
    struct twins *t = argument;
    bool ends = false;

    while (!ends) {
        instant next = serve_peer(t), now = {mono_ns(NULL)};
        struct pollfd fds[] = {{.fd = dev_fd(t->peer_dev), .events = POLLIN},
                               {.fd = t->poke, .events = POLLIN}};
        int64_t pause = instant_before(now, next) ? instant_since(next, now) : 0;
        struct timespec limit = {.tv_sec = pause / NS_PER_S, .tv_nsec = pause % NS_PER_S};
        ppoll(fds, 2, instant_is_never(next) ? NULL : &limit, NULL);
        uint64_t count;
        (void)!read(t->poke, &count, sizeof count);
        pthread_mutex_lock(&t->lock);
        ends = t->ends;
        pthread_mutex_unlock(&t->lock);
    }
    return NULL;
}

void twins_begin(struct twins *t)
{
    static const uint16_t ports[] = {TWINS_ECHO, TWINS_DISCARD, TWINS_CHARGEN};
    static const enum service_kind kinds[] = {SERVICE_ECHO, SERVICE_DISCARD, SERVICE_CHARGEN};
    static struct env envs[2];
    struct dev *devs[2];

    *t = (struct twins){.poke = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    pthread_mutex_init(&t->lock, NULL);
    make_wire(devs);
    t->our_dev = devs[0];
    t->peer_dev = devs[1];
    t->ours = make_stack("10.0.0.1/24", 1, &envs[0]);
    t->peer = make_stack("10.0.0.2/24", 2, &envs[1]);
    for (size_t i = 0; i < ARRAY_LEN(t->services); i++) {
        struct service_config config = {.kind = kinds[i],
                                        .stack = t->peer,
                                        .env = &envs[1],
                                        .local = {.port = ports[i]},
                                        .backlog = 64,
                                        .connections = 256};
        MUST(service_new(&config, &t->services[i]) == 0);
    }
    MUST(pthread_create(&t->thread, NULL, peer_thread, t) == 0);
    MUST(tapio_attach(t->ours) == 0);
    MUST(tapio_start(t->our_dev) == 0);
}

void twins_end(struct twins *t)
{
    struct stack_usage usage;
    struct stack_counters counters;

    tapio_detach();
    twins_lock(t);
    t->ends = true;
    twins_unlock(t);
    pthread_join(t->thread, NULL);
    stack_usage(t->ours, &usage);
    MUST(usage.sockets == 0 && usage.listeners == 0 && usage.epoll_items == 0);
    stack_counters(t->ours, &counters);
    uint64_t drops = 0;
    for (int i = 0; i < DROP_COUNT; i++)
        drops += counters.drops[i];
    MUST(counters.received == counters.consumed + drops);
    for (size_t i = 0; i < ARRAY_LEN(t->services); i++)
        service_free(t->services[i]);
    stack_free(t->ours);
    stack_free(t->peer);
    dev_close(t->our_dev);
    dev_close(t->peer_dev);
    close(t->poke);
    pthread_mutex_destroy(&t->lock);
}

struct stack *twins_lock(struct twins *t)
{
    pthread_mutex_lock(&t->lock);
    stack_advance(t->peer, (instant){mono_ns(NULL)});
    return t->peer;
}

void twins_unlock(struct twins *t)
{
    const uint64_t one = 1;

    pthread_mutex_unlock(&t->lock);
    MUST(write(t->poke, &one, sizeof one) == sizeof one);
}

void twins_cut(struct twins *t)
{
    shutdown(dev_fd(t->peer_dev), SHUT_RDWR);
}

/* --- callers ------------------------------------------------------------------------------ */

struct sockaddr_in twins_addr(const char *text, uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = inet_addr(text)};
}

int twins_connect(uint16_t port)
{
    struct sockaddr_in peer = twins_addr("10.0.0.2", port);
    int s = tapio_socket(AF_INET, SOCK_STREAM, 0);

    MUST(s >= 0);
    MUST(tapio_connect(s, (struct sockaddr *)&peer, sizeof peer) == 0);
    return s;
}

int twins_listen(uint16_t port, int backlog)
{
    struct sockaddr_in local = twins_addr("0.0.0.0", port);
    int s = tapio_socket(AF_INET, SOCK_STREAM, 0);

    MUST(s >= 0);
    MUST(tapio_bind(s, (struct sockaddr *)&local, sizeof local) == 0);
    MUST(tapio_listen(s, backlog) == 0);
    return s;
}

int twins_call(struct twins *t, uint16_t port)
{
    struct endpoint ours = {.port = port};

    MUST(ip_addr_parse("10.0.0.1", &ours.addr) == 0);
    struct stack *peer = twins_lock(t);
    int s = sock_socket(peer, AF_INET, SOCK_STREAM, 0);
    MUST(s >= 0);
    MUST(sock_connect(peer, s, ours, NULL) == -EINPROGRESS);
    twins_unlock(t);
    return s;
}

static const struct timespec a_moment = {.tv_nsec = 1000000};
enum { MOMENTS = 5000 };

void twins_hear(struct twins *t, int s, void *octets, size_t len)
{
    size_t heard = 0;

    for (int i = 0; heard < len; i++) {
        MUST(i < MOMENTS);
        struct stack *peer = twins_lock(t);
        ssize_t n = sock_recv(peer, s, (char *)octets + heard, len - heard, 0, NULL);
        twins_unlock(t);
        MUST(n > 0 || n == -EAGAIN);
        if (n > 0)
            heard += (size_t)n;
        else
            nanosleep(&a_moment, NULL);
    }
}

void twins_say(struct twins *t, int s, const void *octets, size_t len)
{
    size_t said = 0;

    for (int i = 0; said < len; i++) {
        MUST(i < MOMENTS);
        struct stack *peer = twins_lock(t);
        ssize_t n = sock_send(peer, s, (const char *)octets + said, len - said, 0, NULL);
        twins_unlock(t);
        MUST(n > 0 || n == -EAGAIN);
        if (n > 0)
            said += (size_t)n;
        else
            nanosleep(&a_moment, NULL);
    }
}

void twins_hang_up(struct twins *t, int s)
{
    struct stack *peer = twins_lock(t);

    MUST(sock_close(peer, s) == 0);
    twins_unlock(t);
}
