/*
 * os_host.c - the machine for programs that bring none of their own: tapio/host.h.
 *
 * The same parts as under `tapio serve`, with the choices made: offload as far as the kernel grants
 * it, an MTU of 1500 on an interface of our own, and no state, so that nothing has to be kept.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <tapio/host.h>
#include <time.h>

#include "base/addr.h"
#include "base/base.h"
#include "dev/tap.h"
#include "os/os_env.h"
#include "os/os_link.h"

enum { MTU = 1500 };

static int64_t mono_ns(void *context)
{
    (void)context;
    return os_now().ns;
}

static int64_t wall_ns(void *context)
{
    struct timespec t = {0};

    (void)context;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int random_octets(void *context, void *octets, size_t len)
{
    (void)context;
    return os_random(getrandom, octets, len);
}

int host_env(struct env *out)
{
    uint8_t probe[32];

    *out = (struct env){.mono_ns = mono_ns, .wall_ns = wall_ns, .random = random_octets};
    return random_octets(NULL, probe, sizeof probe);
}

int host_tap(const char *name, struct ip_prefix kernel, struct dev **out, char *why, size_t room)
{
    struct tap_config config = {.name = name, .offload = true};
    const char *doing = "";
    int err = tap_open(&config, out);

    if (err) {
        tap_explain(err, name, false, false, why, room);
        return err;
    }
    if (config.created)
        err = os_link_up(name, &kernel, 1, MTU, &doing);
    if (!err && config.created)
        err = tap_refresh(*out);
    if (err) {
        snprintf(why, room, "cannot %s %s: %s", doing, name, strerror(-err));
        dev_close(*out);
    }
    return err;
}

struct stack *host_stack(const char *tap, const char *addr, const char *kernel, struct dev **dev,
                         char *why, size_t room)
{
    struct stack_config config;
    struct ip_prefix kernel_side;
    struct env env;

    stack_config_init(&config);
    config.addr_count = 1;
    if (ip_prefix_parse(addr, &config.addr[0]) || ip_prefix_parse(kernel, &kernel_side)) {
        snprintf(why, room, "%s and %s: one of them is no address with a prefix, as 10.9.0.2/24",
                 addr, kernel);
        return NULL;
    }
    config.gateway = kernel_side.addr;
    const char *wrong = ip_equal(config.addr[0].addr, kernel_side.addr)
                            ? "both sides have one address"
                            : stack_config_check(&config);
    if (wrong) {
        snprintf(why, room, "%s beside %s: %s", addr, kernel, wrong);
        return NULL;
    }
    int err = host_env(&env);
    if (err) {
        snprintf(why, room, "no randomness: %s", strerror(-err));
        return NULL;
    }
    if (host_tap(tap, kernel_side, dev, why, room))
        return NULL; /* which has said why */
    config.mtu = u32_min(config.mtu, (*dev)->mtu);
    struct stack *stack = stack_new(&config, &env);
    if (!stack) {
        snprintf(why, room, "no memory for a stack");
        dev_close(*dev);
    }
    return stack;
}
