/*
 * sockets_server.c - the same services through tapio's own sockets: what a program written for
 * POSIX's calls gets, with every octet copied to and from it under the stack's lock.
 *
 *     sockets_server --dev TAP --addr ADDR/PREFIX [--offload on|off] [--threads]
 *
 * prints "ready" and serves until it is killed. The loop is the program's own (tapio_turn_begin()
 * and its kin): the thread that polls the stack is the one that calls. --threads leaves the polling
 * to tapio_start()'s thread; on one core that adds a switch of threads to every batch.
 *
 * Only what a TAP without offload asks for is not of the public headers: host_tap() has no word for
 * it, so the device is opened as `tapio serve` does.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tapio/host.h>
#include <tapio/socket.h>

#include "base/instant.h"
#include "dev/tap.h"
#include "services.h"

enum { SERVE_TURNS = 4 };

static struct env env;

static instant clock_now(void)
{
    return (instant){env.mono_ns(env.context)};
}

static void fail(const char *what)
{
    fprintf(stderr, "sockets_server: %s\n", what);
    exit(1);
}

static struct stack *make_stack(const char *tap, const char *addr, bool offload, struct dev **dev)
{
    struct tap_config tap_config = {.name = tap, .offload = offload};
    struct stack_config config;
    char why[HOST_WHY];

    stack_config_init(&config);
    config.addr_count = 1;
    if (ip_prefix_parse(addr, &config.addr[0]) != 0)
        fail("--addr wants an address with a prefix, as 10.9.0.2/24");
    int err = tap_open(&tap_config, dev);
    if (err)
        fail(tap_explain(err, tap, false, true, why, sizeof why));
    if (host_env(&env) != 0)
        fail("no randomness");
    config.mtu = (*dev)->mtu < config.mtu ? (*dev)->mtu : config.mtu;
    struct stack *stack = stack_new(&config, &env);
    if (!stack)
        fail("no memory");
    return stack;
}

/* Until the device has something, a call of another thread left something to do, or a timer. */
static void sleep_until(struct dev *dev, instant deadline, bool full)
{
    struct pollfd fds[] = {
        {.fd = dev_fd(dev), .events = (short)(full ? POLLIN | POLLOUT : POLLIN)},
        {.fd = tapio_turn_fd(), .events = POLLIN},
    };
    instant now = clock_now();
    int64_t pause = instant_before(now, deadline) ? instant_since(deadline, now) : 0;
    struct timespec limit = {.tv_sec = pause / NS_PER_S, .tv_nsec = pause % NS_PER_S};

    (void)ppoll(fds, 2, instant_is_never(deadline) ? NULL : &limit, NULL);
}

/* Until nothing is ready any more; false when the device has waited long enough before that. */
static bool serve_all(int epoll)
{
    for (int i = 0; i < SERVE_TURNS; i++)
        if (!services_turn(epoll, 0))
            return true;
    return false;
}

/* The calls and the stack take turns in one thread. */
static void run(struct dev *dev, int epoll)
{
    instant deadline = {0};

    for (;;) {
        bool done = serve_all(epoll);
        struct stack *stack = tapio_turn_begin();
        instant now = clock_now();
        bool quiet = done && instant_before(now, deadline); /* a timer may make a socket ready */
        int frames = stack_receive(stack, dev, now);
        bool more = tapio_turn_serve(now);
        bool full = stack_send(stack, dev, now) != 0;
        if (frames < 0)
            fail("the device is gone");
        quiet = quiet && frames == 0 && !more;
        deadline = tapio_turn_end(quiet);
        if (quiet)
            sleep_until(dev, deadline, full);
    }
}

int main(int argc, char **argv)
{
    const char *tap = NULL, *addr = NULL;
    bool offload = true, threads = false;
    struct dev *dev;

    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--threads") == 0)
            threads = true;
        else if (strcmp(argv[i], "--dev") == 0)
            tap = value, i++;
        else if (strcmp(argv[i], "--addr") == 0)
            addr = value, i++;
        else if (strcmp(argv[i], "--offload") == 0)
            offload = strcmp(value, "off") != 0, i++;
        else
            fail("usage: sockets_server --dev TAP --addr ADDR/PREFIX [--offload on|off] "
                 "[--threads]");
    }
    if (!tap || !addr)
        fail("--dev and --addr are needed");
    services_raise_limit();
    struct stack *stack = make_stack(tap, addr, offload, &dev);
    if (tapio_attach(stack) != 0 || (threads && tapio_start(dev) != 0))
        fail("cannot start the stack");
    int epoll = services_open();
    printf("ready\n");
    fflush(stdout);
    if (!threads)
        run(dev, epoll);
    for (;;)
        services_turn(epoll, -1);
}
