/*
 * wire.c - `tapio wire DEV DEV`: two devices joined by a bad wire.
 *
 * Whatever one device brings goes to the other, after it has met its fate: two kernels, or a kernel
 * and a stack, on one path whose loss, delay and rate are known, on machines that have no netem.
 * No stack of ours takes part. `in` is the way from the first device to the second, `out` the way
 * back; the first one is wrapped in the impairments (dev/impair.h), for both.
 *
 * TAPs are opened without offloads, so that the wire carries frames as a wire does, and each of
 * them has its own fate. A device that is full keeps the sender waiting for as long as the next
 * turn takes; what it still does not take then is lost, as on any wire, and is counted.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/frame.h"
#include "base/memory.h"
#include "dev/impair.h"
#include "dev/stream.h"
#include "dev/tap.h"
#include "options.h"
#include "os/os_env.h"
#include "os/os_link.h"
#include "os/os_signals.h"
#include "verbs.h"

enum { ENDS = 2, POOL = 16 << 20, TURNS = 16 };

/* One end: what was named, and what came of it. */
struct end {
    const char *spec;
    const char *name; /* behind "tap:" */
    struct dev *dev;
    uint64_t full; /* frames that it would not take */
    bool gone;
};

struct wire {
    struct impairs impairs;
    uint64_t seed, mtu;
    bool seeded;
    int ready_fd;

    struct os_env env;
    struct memory memory;
    struct frame_pool pool;
    struct end end[ENDS];
    struct dev *bad; /* the first device behind the impairments */
    int signals;
    bool stopped;
};

/* --- the command line --------------------------------------------------------------------- */

static int take_impair(void *context, const char *text, struct refusal *refusal)
{
    struct wire *wire = context;
    return impairs_take(&wire->impairs, text, refusal);
}

static int take_seed(void *context, const char *text, struct refusal *refusal)
{
    struct wire *wire = context;

    wire->seeded = true;
    return seed_take(&wire->seed, text, refusal);
}

static int take_mtu(void *context, const char *text, struct refusal *refusal)
{
    struct wire *wire = context;

    if (!number_parse(text, MTU_MIN, OS_LINK_TAP_MTU_MAX, &wire->mtu))
        return refuse(refusal, EXIT_USAGE, "--mtu %s: not a number from %d to %d", text, MTU_MIN,
                      OS_LINK_TAP_MTU_MAX);
    return 0;
}

static int take_ready_fd(void *context, const char *text, struct refusal *refusal)
{
    struct wire *wire = context;
    return ready_fd_take(&wire->ready_fd, text, refusal);
}

static const struct option_row rows[] = {
    {"impair", 0, "SPEC",
     "what the wire does, repeatable: loss=1%,delay=20ms,rate=10mbit ... (prefix in: from the "
     "first to the second, out: back)",
     take_impair},
    {"mtu", 0, "N", "octets of a packet on a TAP that we make (default 1500)", take_mtu},
    {"seed", 0, "N", "make the wire's choices repeatable", take_seed},
    {"ready-fd", 0, "N", "write a line to this descriptor when ready, and close it", take_ready_fd},
};

static const struct option_verb verb = {
    .name = "wire",
    .arguments = "DEV DEV",
    .help = "Joins two devices, tap:NAME or stream:PATH, by a wire as bad as --impair says, until\n"
            "SIGINT or SIGTERM; then prints what it has carried. A TAP that is absent is made and\n"
            "raised; its addresses, and the network namespace that it lives in, are yours to give.",
    .operands = ENDS,
    .rows = rows,
    .row_count = ARRAY_LEN(rows),
    .alone = true,
};

static int take_end(struct end *end, const char *spec, struct refusal *refusal)
{
    const char *name = strchr(spec, ':');

    end->spec = spec;
    if (strncmp(spec, "tap:", 4) != 0 && strncmp(spec, "stream:", 7) != 0)
        return refuse(refusal, EXIT_USAGE, "wire %s: a device is tap:NAME or stream:PATH", spec);
    end->name = name + 1;
    if (spec[0] == 't' && !os_link_name_is_valid(end->name))
        return refuse(refusal, EXIT_USAGE,
                      "wire %s: an interface name has 1 to 15 letters or digits", spec);
    if (spec[0] == 's' && (!*end->name || strlen(end->name) > STREAM_PATH_MAX))
        return refuse(refusal, EXIT_USAGE, "wire %s: the path of a socket has 1 to %d octets", spec,
                      STREAM_PATH_MAX);
    return 0;
}

/* --- devices ------------------------------------------------------------------------------ */

static int permission(int err)
{
    return err == -EPERM || err == -EACCES ? EXIT_PERMISSION : EXIT_FAILURE;
}

static int open_tap(struct wire *wire, struct end *end, struct refusal *refusal)
{
    struct tap_config config = {.name = end->name};
    const char *doing;
    char why[300];

    int err = tap_open(&config, &end->dev);
    if (err)
        return refuse(refusal, permission(err), "%s",
                      tap_explain(err, end->name, false, false, why, sizeof why));
    if (!config.created)
        return 0;
    err = os_link_up(end->name, NULL, 0, (uint32_t)wire->mtu, &doing);
    return err ? refuse(refusal, permission(err),
                        "cannot %s %s: %s; run as root or in 'unshare -rn'", doing, end->name,
                        strerror(-err))
               : 0;
}

static int open_end(struct wire *wire, struct end *end, struct refusal *refusal)
{
    struct stream_config config = {.path = end->name, .mtu = (uint32_t)wire->mtu};
    char why[400];

    if (end->spec[0] == 't')
        return open_tap(wire, end, refusal);
    int err = stream_open(&config, &end->dev);
    return err ? refuse(refusal, permission(err), "stream:%s",
                        stream_explain(err, end->name, why, sizeof why))
               : 0;
}

static int open_wire(struct wire *wire, struct refusal *refusal)
{
    struct impair_config in = {0}, out = {0};

    int err = os_env_init(&wire->env, NULL);
    if (!err && !wire->seeded)
        err = wire->env.env.random(wire->env.env.context, &wire->seed, sizeof wire->seed);
    if (!err)
        err = frame_pool_init(&wire->pool, &wire->memory, POOL);
    if (err)
        return refuse(refusal, EXIT_FAILURE, "wire: %s", strerror(-err));
    for (int i = 0; i < ENDS; i++) {
        int status = open_end(wire, &wire->end[i], refusal);
        if (status)
            return status;
    }
    in.seed = wire->seed;
    out.seed = wire->seed + 1;
    impairs_apply(&wire->impairs, &in, &out);
    err = impair_new(&wire->memory, wire->end[0].dev, &in, &out, &wire->bad);
    if (err)
        return refuse(refusal, EXIT_FAILURE, "--impair: %s", strerror(-err));
    wire->end[0].dev = wire->bad; /* which closes it */
    wire->signals = os_signals_open();
    return wire->signals < 0 ? refuse(refusal, EXIT_FAILURE, "cannot wait for signals: %s",
                                      strerror(-wire->signals))
                             : 0;
}

static void close_wire(struct wire *wire)
{
    if (wire->signals >= 0)
        os_signals_close(wire->signals);
    for (int i = 0; i < ENDS; i++)
        dev_close(wire->end[i].dev);
    if (wire->pool.cap > 0)
        frame_pool_fini(&wire->pool);
}

/* --- carrying ----------------------------------------------------------------------------- */

/* A batch from one end to the other; true when it was full, so that there may be more. */
static bool carry(struct wire *wire, struct end *from, struct end *to, instant now)
{
    struct frame *batch[DEV_BATCH];
    int count = dev_receive(from->dev, &wire->pool, batch, DEV_BATCH, now);

    if (count < 0) {
        from->gone = true;
        return false;
    }
    for (int i = 0; i < count; i++) {
        const struct iovec iov = {batch[i]->data, batch[i]->len};
        int err = dev_send(to->dev, &batch[i]->meta, &iov, 1, now);
        if (err == -EAGAIN)
            to->full++;
        else if (err)
            to->gone = true;
        frame_put(batch[i]);
    }
    return count == DEV_BATCH;
}

static bool turn(struct wire *wire, instant now)
{
    struct end *a = &wire->end[0], *b = &wire->end[1];
    bool more = carry(wire, a, b, now);

    more = carry(wire, b, a, now) || more;
    dev_flush(a->dev, now);
    dev_flush(b->dev, now);
    return more && !a->gone && !b->gone;
}

static void sleep_well(struct wire *wire)
{
    struct pollfd fds[ENDS + 1] = {{.fd = wire->signals, .events = POLLIN}};
    instant next = INSTANT_NEVER, now = os_now();
    struct timespec pause = {0};

    for (int i = 0; i < ENDS; i++) {
        const struct dev *dev = wire->end[i].dev;
        fds[1 + i].fd = dev_fd(dev);
        fds[1 + i].events = dev->held > 0 ? POLLIN | POLLOUT : POLLIN;
        next = instant_min(next, dev_deadline(dev));
    }
    if (instant_before(now, next)) {
        int64_t ns = instant_since(next, now);
        pause = (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
    }
    if (ppoll(fds, ENDS + 1, instant_is_never(next) ? NULL : &pause, NULL) < 0)
        return; /* EINTR */
    wire->stopped = fds[0].revents & POLLIN && os_signals_read(wire->signals);
    for (int i = 0; i < ENDS; i++)
        if (fds[1 + i].revents & (POLLERR | POLLNVAL))
            wire->end[i].gone = true;
}

/* Until a signal comes, or an end goes. */
static int run(struct wire *wire)
{
    for (;;) {
        int turns = TURNS;
        while (turns-- > 0 && turn(wire, os_now()))
            ;
        for (int i = 0; i < ENDS; i++) {
            if (!wire->end[i].gone)
                continue;
            say("%s is gone: somebody has deleted or closed it", wire->end[i].spec);
            return EXIT_FAILURE;
        }
        if (wire->stopped)
            return EXIT_SUCCESS;
        sleep_well(wire);
    }
}

/* --- telling ------------------------------------------------------------------------------ */

static void tell_ready(const struct wire *wire)
{
    printf("ready %s %s\n", wire->end[0].spec, wire->end[1].spec);
    fflush(stdout);
    ready_fd_tell(wire->ready_fd, "ready");
}

static void tell_direction(const struct wire *wire, enum impair_direction direction)
{
    const struct impair_counters c = impair_counters(wire->bad, direction);
    const struct end *from = &wire->end[direction == IMPAIR_OUT],
                     *to = &wire->end[direction == IMPAIR_IN];

    printf("%s to %s: %" PRIu64 " frames came, %" PRIu64 " went on, %" PRIu64 " lost, %" PRIu64
           " doubled, %" PRIu64 " reordered, %" PRIu64 " corrupted, %" PRIu64
           " dropped by a full queue\n",
           from->spec, to->spec, c.taken, c.passed, c.lost, c.duplicated, c.reordered, c.corrupted,
           c.rate_dropped + c.held_dropped + to->full);
}

int verb_wire(int argc, char **argv)
{
    static struct wire wire;
    struct options options;
    struct refusal refusal;
    enum options_wish wish;
    int first;

    wire = (struct wire){.mtu = 1500, .ready_fd = -1, .signals = -1};
    wire.memory.env = &wire.env.env;
    int status = options_read(&options, &verb, &wire, argc, argv, &wish, &first, &refusal);
    if (!status && options_grant(&verb, wish))
        return EXIT_SUCCESS;
    for (int i = 0; i < ENDS && !status; i++)
        status = take_end(&wire.end[i], argv[first + i], &refusal);
    if (!status && strcmp(wire.end[0].spec, wire.end[1].spec) == 0)
        status = refuse(&refusal, EXIT_USAGE, "wire: both ends are %s; name two devices",
                        wire.end[0].spec);
    if (!status)
        status = ready_fd_check(wire.ready_fd, &refusal);
    if (status)
        return say_refusal(&refusal);
    status = open_wire(&wire, &refusal);
    if (status) {
        status = say_refusal(&refusal);
    } else {
        tell_ready(&wire);
        status = run(&wire);
        tell_direction(&wire, IMPAIR_IN);
        tell_direction(&wire, IMPAIR_OUT);
    }
    close_wire(&wire);
    return status;
}
