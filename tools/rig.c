/*
 * rig.c - joining the parts.
 *
 * The order is that of least regret: what can fail without a trace (randomness, log, capture) comes
 * first, then a look at the interface, then the TAP, and only when it is ours its address. A TAP
 * that we made disappears with its descriptor, so each failure after that cleans up by closing.
 */
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/hash.h"
#include "dev/impair.h"
#include "dev/tap.h"
#include "os/os_signals.h"

/* How long packets may wait on their way into a capture file, and how many octets of them: 4 MB
 * while as many leave, which is some milliseconds of the fastest transfer. */
#define CAPTURE_MOMENT (10 * NS_PER_MS)
enum { CAPTURE_HOLD = 2 * (4 << 20) };

/* --- log and capture ---------------------------------------------------------------------- */

/* For captures: on what they were made. */
static void name_kernel(struct rig *rig)
{
    struct utsname kernel = {0};

    uname(&kernel);
    snprintf(rig->kernel, sizeof rig->kernel, "%s %s", kernel.sysname, kernel.release);
}

static void open_log(struct rig *rig)
{
    char why[LOG_WHY];

    if (!rig->options->log)
        return;
    os_sink_init(&rig->log_out, STDERR_FILENO);
    log_init(&rig->log, &rig->log_out.sink, os_now());
    int err = log_parse(&rig->log, rig->options->log, why);
    assert(!err); /* options.c has tried it */
    rig->logging = true;
}

static bool captures_to_stdout(const struct rig *rig)
{
    return rig->options->capture && strcmp(rig->options->capture, "-") == 0;
}

FILE *rig_out(const struct rig *rig)
{
    return captures_to_stdout(rig) ? stderr : stdout;
}

/* A capture that could not go on must be said once, and must not end inside a block. */
static void check_capture(struct rig *rig)
{
    const struct pcapng *p = &rig->capture->pcapng;

    if (rig->capture_told || p->errors == 0)
        return;
    rig->capture_told = true;
    os_sink_cut(&rig->capture_out, p->torn);
    say("the capture ended early: %s; the %llu packets before that are good",
        strerror(-(rig->capture_out.error ? rig->capture_out.error : p->error)),
        (unsigned long long)p->packets);
}

static instant guard_deadline(struct os_machine *machine)
{
    const struct rig *rig = CONTAINER_OF(machine, struct rig, capture_guard);

    return rig->capture_due;
}

/* Packets are written together, and not by a call for each: into a pipe, where somebody looks on,
 * at the end of a turn; into a file a moment later, for it takes large pieces at half the price. */
static void guard_settled(struct os_machine *machine, instant now)
{
    struct rig *rig = CONTAINER_OF(machine, struct rig, capture_guard);
    struct pcapng *p = &rig->capture->pcapng;

    if (rig->capture_out.file && p->waiting + p->leaving > 0 && instant_is_never(rig->capture_due))
        rig->capture_due = instant_add(now, CAPTURE_MOMENT);
    if (!rig->capture_out.file || !instant_before(now, rig->capture_due))
        rig->capture_due = pcapng_flush(p) ? INSTANT_NEVER : instant_add(now, CAPTURE_MOMENT);
    check_capture(rig);
}

static int open_capture(struct rig *rig, struct refusal *refusal)
{
    const char *path = rig->options->capture;

    if (!path)
        return 0;
    if (captures_to_stdout(rig) && isatty(STDOUT_FILENO))
        return refuse(refusal, EXIT_USAGE,
                      "--capture -: standard output is a terminal; redirect it, or name a file");
    int fd = captures_to_stdout(rig)
                 ? STDOUT_FILENO
                 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
    if (fd < 0)
        return refuse(refusal, EXIT_FAILURE, "--capture %s: %s", path, strerror(errno));
    os_sink_init(&rig->capture_out, fd);
    if (!captures_to_stdout(rig))
        os_sink_own(&rig->capture_out);

    rig->capture = malloc(sizeof *rig->capture);
    rig->capture_hold = malloc(CAPTURE_HOLD);
    if (!rig->capture || !rig->capture_hold)
        return refuse(refusal, EXIT_FAILURE, "not enough memory for a capture");
    struct pcapng_config config = {
        .device = rig->options->device,
        .os = rig->kernel,
        .ethernet = rig->config.link == STACK_LINK_ETHERNET,
        .raw = rig->options->capture_raw,
        .hold = rig->capture_hold,
        .hold_len = CAPTURE_HOLD,
        .wall_base_ns = rig->env.env.wall_ns(rig->env.env.context),
        .mono_base = os_now(),
    };
    int err = capture_open(rig->capture, &rig->capture_out.sink, &config);
    if (err)
        return refuse(refusal, EXIT_FAILURE, "--capture %s: %s", path,
                      strerror(-(rig->capture_out.error ? rig->capture_out.error : err)));
    rig->capture_due = INSTANT_NEVER;
    rig->capture_guard = (struct os_machine){.deadline = guard_deadline, .settled = guard_settled};
    return 0;
}

/* --- the stack ---------------------------------------------------------------------------- */

/* A locally administered address from the device's name and a random key: stable within a run with
 * --seed, and different from run to run without. */
static struct mac_addr make_mac(const char *device, struct hash_key key)
{
    uint64_t hash = siphash(key, bytes_of(device, strlen(device)));
    struct mac_addr mac;

    for (size_t i = 0; i < sizeof mac.octet; i++)
        mac.octet[i] = (uint8_t)(hash >> 8 * i);
    mac.octet[0] = (uint8_t)((mac.octet[0] & ~1u) | 2u);
    return mac;
}

static int choose_mac(struct rig *rig, struct refusal *refusal)
{
    struct hash_key key;
    char text[MAC_ADDR_TEXT];

    if (rig->config.link != STACK_LINK_ETHERNET)
        return 0;
    if (rig->options->mac_given) {
        if (mac_equal(rig->config.mac, rig->tap->peer_mac))
            return refuse(refusal, EXIT_USAGE,
                          "--mac %s: the kernel's side of %s has this address; choose another",
                          mac_addr_format(rig->config.mac, text), rig->options->device);
        return 0;
    }
    int err = rig->env.env.random(rig->env.env.context, &key, sizeof key);
    if (err)
        return refuse(refusal, EXIT_FAILURE, "no randomness: %s", strerror(-err));
    rig->config.mac = make_mac(rig->options->device, key);
    if (mac_equal(rig->config.mac, rig->tap->peer_mac))
        rig->config.mac.octet[5] ^= 1;
    return 0;
}

static int impair(struct rig *rig, struct refusal *refusal)
{
    const struct options *o = rig->options;
    struct impair_config in = {0}, out = {0};

    if (o->impairs.count == 0 && !o->allow_control)
        return 0;
    int err = rig->env.env.random(rig->env.env.context, &in.seed, sizeof in.seed);
    out.seed = in.seed;
    impairs_apply(&o->impairs, &in, &out);
    if (!err)
        err = impair_new(&rig->memory, rig->tap, &in, &out, &rig->dev);
    if (err)
        return refuse(refusal, EXIT_FAILURE, "--impair: %s", strerror(-err));
    return 0;
}

static int make_stack(struct rig *rig, struct refusal *refusal)
{
    const char *wrong = stack_config_check(&rig->config);
    if (wrong)
        return refuse(refusal, EXIT_FAILURE, "%s: %s", rig->options->device, wrong);
    rig->stack = stack_new(&rig->config, &rig->env.env);
    if (!rig->stack)
        return refuse(refusal, EXIT_FAILURE,
                      "not enough memory for a stack: lower a cap with --set, such as mem.frames");
    if (rig->logging)
        stack_listen(rig->stack, &rig->log.sink);
    if (rig->capture)
        stack_listen(rig->stack, &rig->capture->sink);
    return 0;
}

/* --- the loop ----------------------------------------------------------------------------- */

static void signal_ready(struct os_watch *watch, instant now)
{
    struct rig *rig = CONTAINER_OF(watch, struct rig, signals);

    while (os_signals_read(watch->fd)) {
        if (rig->stop)
            rig->stop(rig, now);
        else
            os_loop_end(&rig->loop, 0);
    }
}

/* Something about an interface has changed. If it is ours and still there, say what; that it is
 * gone the device itself will find. */
static void link_ready(struct os_watch *watch, instant now)
{
    struct rig *rig = CONTAINER_OF(watch, struct rig, link);
    struct os_link link;
    uint32_t mtu = rig->tap->mtu;

    if (!os_link_watch_read(watch->fd, rig->link_index))
        return;
    if (tap_refresh(rig->tap) || os_link_info(rig->tap->name, &link) || !link.exists ||
        link.index != rig->link_index)
        return;
    if (rig->tap->mtu != mtu)
        say("%s has an MTU of %u now; we go on with %u", rig->tap->name, rig->tap->mtu,
            rig->config.mtu);
    if (link.up != rig->link_up)
        say("%s is %s", rig->tap->name, link.up ? "up again" : "down");
    if (link.up && !rig->link_up && rig->dhcp)
        dhcp_client_link_up(rig->dhcp, now);
    rig->link_up = link.up;
}

static int open_loop(struct rig *rig, struct refusal *refusal)
{
    os_loop_init(&rig->loop, rig->stack, rig->dev);
    if (rig->capture)
        os_loop_add_machine(&rig->loop, &rig->capture_guard);

    if (!rig->options->stream)
        rig->link = (struct os_watch){.fd = os_link_watch(), .ready = link_ready};
    if (rig->link.fd >= 0) /* without it we only say less */
        os_loop_add_watch(&rig->loop, &rig->link);
    if (rig->options->guest)
        return 0;
    rig->signals = (struct os_watch){.fd = os_signals_open(), .ready = signal_ready};
    if (rig->signals.fd < 0)
        return refuse(refusal, EXIT_FAILURE, "cannot wait for signals: %s",
                      strerror(-rig->signals.fd));
    os_loop_add_watch(&rig->loop, &rig->signals);
    return 0;
}

const char *rig_device_state(const struct rig *rig)
{
    return rig->options->stream ? "connected" : rig->created ? "created" : "attached";
}

static int open_steps(struct rig *rig, struct refusal *refusal)
{
    int status = ready_fd_check(rig->options->ready_fd, refusal);
    if (status)
        return status;
    int err = os_env_init(&rig->env, NULL);
    if (err)
        return refuse(refusal, EXIT_FAILURE,
                      "no randomness from getrandom(): %s; nothing is safe without it, try later",
                      strerror(-err));
    if (rig->options->seeded) {
        os_env_seed(&rig->env, rig->options->seed);
        say("--seed: keys and sequence numbers can be guessed; for experiments only");
    }
    name_kernel(rig);
    open_log(rig);
    status = open_capture(rig, refusal);
    if (!status)
        status = rig->options->stream ? rig_open_stream(rig, refusal) : rig_open_tap(rig, refusal);
    if (!status)
        status = choose_mac(rig, refusal);
    if (!status)
        status = impair(rig, refusal);
    if (!status)
        status = make_stack(rig, refusal);
    if (!status)
        status = open_loop(rig, refusal);
    if (!status)
        status = rig_open_control(rig, refusal);
    return status ? status : rig_take_lease(rig, refusal);
}

int rig_open(struct rig *rig, const struct options *options, struct refusal *refusal)
{
    *rig = (struct rig){.options = options, .config = options->config, .dns = options->dns};
    rig->memory.env = &rig->env.env;
    rig->signals.fd = rig->link.fd = -1;
    int status = open_steps(rig, refusal);
    if (status)
        rig_close(rig);
    return status;
}

void rig_close(struct rig *rig)
{
    rig_return_lease(rig);
    rig_close_control(rig);
    if (rig->signals.fd >= 0)
        os_signals_close(rig->signals.fd);
    if (rig->link.fd >= 0)
        close(rig->link.fd);
    if (rig->stack && rig->capture) {
        stack_unlisten(rig->stack, &rig->capture->sink);
        capture_close(rig->capture, os_now());
        check_capture(rig);
        os_sink_end(&rig->capture_out);
    }
    if (rig->stack && rig->logging)
        stack_unlisten(rig->stack, &rig->log.sink);
    if (rig->stack && !rig->options->guest)
        stack_free(rig->stack);
    if (rig->capture && !captures_to_stdout(rig))
        close(rig->capture_out.fd);
    free(rig->capture);
    free(rig->capture_hold);
    if (rig->dev)
        dev_close(rig->dev);
}

int rig_run(struct rig *rig)
{
    int result = os_loop_run(&rig->loop);
    if (result == -ENETDOWN && rig->options->stream) {
        rig_say_stream_ended(rig);
        return EXIT_FAILURE;
    }
    if (result == -ENETDOWN) {
        say("%s is gone: somebody deleted the interface; start again to make a new one",
            rig->options->device);
        return EXIT_FAILURE;
    }
    if (result < 0) {
        say("%s: %s", rig->options->device, strerror(-result));
        return EXIT_FAILURE;
    }
    return result;
}
