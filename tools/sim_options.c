/*
 * sim_options.c - the command line of `tapio sim`: what may be given, and what goes together.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/instant.h"
#include "sim/idle.h"
#include "sim/swarm.h"
#include "sim_verb.h"

enum { CONNECTIONS_MAX = 1000, SEEDS_MAX = 1000000000 };
static const uint64_t OCTETS_MAX = UINT64_C(1) << 40;

static int take_number(const char *option, const char *text, uint64_t least, uint64_t most,
                       uint64_t *out, struct refusal *refusal)
{
    if (number_parse(text, least, most, out))
        return 0;
    return refuse(refusal, EXIT_USAGE, "--%s %s: not a number from %" PRIu64 " to %" PRIu64, option,
                  text, least, most);
}

static int take_seed(void *context, const char *text, struct refusal *refusal)
{
    struct sim_verb *sim = context;
    const char *dots = strstr(text, "..");
    char first[24];
    size_t len = dots ? (size_t)(dots - text) : strlen(text);

    sim->seeded = len < sizeof first;
    snprintf(first, sizeof first, "%.*s", (int)len, text);
    sim->seeded = sim->seeded && number_parse(first, 0, UINT64_MAX, &sim->first);
    sim->last = sim->first;
    if (sim->seeded && dots)
        sim->seeded = number_parse(dots + 2, 0, UINT64_MAX, &sim->last);
    if (!sim->seeded)
        return refuse(refusal, EXIT_USAGE, "--seed %s: neither a number nor a range, as in 1..100",
                      text);
    if (sim->last < sim->first || sim->last - sim->first >= SEEDS_MAX)
        return refuse(refusal, EXIT_USAGE, "--seed %s: a range goes up, and has %d seeds at most",
                      text, SEEDS_MAX);
    return 0;
}

static int take_connections(void *context, const char *text, struct refusal *refusal)
{
    struct sim_verb *sim = context;
    return take_number("conns", text, 1, CONNECTIONS_MAX, &sim->connections, refusal);
}

static int take_octets(void *context, const char *text, struct refusal *refusal)
{
    struct sim_verb *sim = context;
    return take_number("bytes", text, 1, OCTETS_MAX, &sim->octets, refusal);
}

static int take_mtu(void *context, const char *text, struct refusal *refusal)
{
    struct sim_verb *sim = context;
    return take_number("mtu", text, MTU_MIN, MTU_MAX, &sim->mtu, refusal);
}

static int take_flows(void *context, const char *text, struct refusal *refusal)
{
    struct sim_verb *sim = context;
    return take_number("flows", text, 1, FLOWS_MAX, &sim->flows, refusal);
}

static int take_idle(void *context, const char *text, struct refusal *refusal)
{
    struct sim_verb *sim = context;
    return take_number("idle", text, 1, IDLE_MAX, &sim->idle, refusal);
}

static int take_ipv6(void *context, const char *text, struct refusal *refusal)
{
    struct sim_verb *sim = context;

    (void)text;
    (void)refusal;
    sim->ipv6 = true;
    return 0;
}

/* --rate, --delay and --queue are --impair of the bottleneck in fewer letters. */
static int take_link(struct sim_verb *sim, const char *key, const char *text, const char *unit,
                     struct refusal *refusal)
{
    struct impair_config there = {0}, back = {0};
    char why[200];

    if (sim->link_count == ARRAY_LEN(sim->link))
        return refuse(refusal, EXIT_USAGE, "--%s %s: given too often", key, text);
    char *spec = sim->link[sim->link_count++];
    snprintf(spec, sizeof sim->link[0], "%s=%s%s", key, text, unit);
    if (strpbrk(text, ",;") || impair_parse(spec, &there, &back, why, sizeof why))
        return refuse(refusal, EXIT_USAGE, "--%s %s: %s", key, text,
                      strpbrk(text, ",;") ? "one value only" : why);
    return 0;
}

static int take_rate(void *context, const char *text, struct refusal *refusal)
{
    return take_link(context, "rate", text, "", refusal);
}

static int take_delay(void *context, const char *text, struct refusal *refusal)
{
    return take_link(context, "delay", text, "", refusal);
}

/* A bare number is one of packets, as routers count them. */
static int take_queue(void *context, const char *text, struct refusal *refusal)
{
    bool bare = *text && strspn(text, "0123456789") == strlen(text);
    return take_link(context, "queue", text, bare ? "p" : "", refusal);
}

/* "60s", "60" or "2.5s" */
static int take_time(const char *option, const char *text, int64_t *ns, struct refusal *refusal)
{
    char number[24];
    size_t len = strlen(text);

    if (len > 0 && len < sizeof number && text[len - 1] == 's')
        len--;
    snprintf(number, sizeof number, "%.*s", (int)len, text);
    if (len >= sizeof number || !seconds_parse(number, ns) || *ns < NS_PER_MS)
        return refuse(refusal, EXIT_USAGE, "--%s %s: not a time from 0.001s to 86400s", option,
                      text);
    return 0;
}

static int take_duration(void *context, const char *text, struct refusal *refusal)
{
    struct sim_verb *sim = context;
    return take_time("time", text, &sim->time_ns, refusal);
}

static int take_skip(void *context, const char *text, struct refusal *refusal)
{
    struct sim_verb *sim = context;
    return take_time("skip", text, &sim->skip_ns, refusal);
}

static int take_impair(void *context, const char *text, struct refusal *refusal)
{
    struct sim_verb *sim = context;
    return impairs_take(&sim->impairs, text, refusal);
}

static int take_set(void *context, const char *text, struct refusal *refusal)
{
    struct sim_verb *sim = context;
    struct stack_values trial;

    sim->help |= strcmp(text, "help") == 0;
    if (sim->help)
        return 0;
    values_default(&trial);
    if (sim->set_count == OPTIONS_SETS)
        return refuse(refusal, EXIT_USAGE, "--set %s: at most %d of them", text, OPTIONS_SETS);
    sim->set[sim->set_count++] = text;
    return value_take(text, &trial, refusal);
}

static int take_profile(void *context, const char *text, struct refusal *refusal)
{
    struct sim_verb *sim = context;
    return profile_take(&sim->profile, text, refusal);
}

static int take_capture(void *context, const char *text, struct refusal *refusal)
{
    struct sim_verb *sim = context;

    if (!*text)
        return refuse(refusal, EXIT_USAGE, "--capture needs the name of a file");
    sim->capture = text;
    return 0;
}

static int take_plot(void *context, const char *text, struct refusal *refusal)
{
    struct sim_verb *sim = context;

    if (!*text)
        return refuse(refusal, EXIT_USAGE, "--plot needs the name of a directory");
    sim->plot.dir = text;
    return 0;
}

static int take_offload(void *context, const char *text, struct refusal *refusal)
{
    struct sim_verb *sim = context;
    return offload_take(&sim->offload, text, refusal);
}

static int take_swarm(void *context, const char *text, struct refusal *refusal)
{
    struct sim_verb *sim = context;

    (void)text;
    (void)refusal;
    sim->swarm = true;
    return 0;
}

static int take_soak(void *context, const char *text, struct refusal *refusal)
{
    struct sim_verb *sim = context;

    (void)text;
    (void)refusal;
    sim->soak = true;
    return 0;
}

static int take_json(void *context, const char *text, struct refusal *refusal)
{
    struct sim_verb *sim = context;

    (void)text;
    (void)refusal;
    sim->json = true;
    return 0;
}

static const struct option_row rows[] = {
    {"seed", 0, "N|A..B", "the run, or the runs (default: one at random)", take_seed},
    {"conns", 0, "N", "connections", take_connections},
    {"bytes", 0, "N", "octets that each side of a connection sends at most", take_octets},
    {"impair", 0, "SPEC",
     "the wire, repeatable: loss=1%,delay=20ms,rate=10mbit ... (prefix in: to the client, out: to "
     "the server)",
     take_impair},
    {"mtu", 0, "N", "octets of an IP packet", take_mtu},
    {"offload", 0, "on|off",
     "all devices take big frames and join what comes, or none does (default: as the seed draws; "
     "off with --flows)",
     take_offload},
    {"swarm", 0, NULL, "instead: many stacks on a network, and a random subset of all faults",
     take_swarm},
    {"soak", 0, NULL, "with --swarm: the same runs, many megabytes long", take_soak},
    {"flows", 0, "N", "instead: so many flows share one bottleneck, and it is told how well",
     take_flows},
    {"rate", 0, "RATE", "of the bottleneck, with --flows: 10mbit, 1gbit (default: 100mbit)",
     take_rate},
    {"delay", 0, "TIME", "of the bottleneck, each way: 20ms (default: 10ms)", take_delay},
    {"queue", 0, "N", "packets that wait in front of it, or octets as in 64k (default: 100)",
     take_queue},
    {"time", 0, "TIME", "the flows end after so long: 60s (default: 10s)", take_duration},
    {"skip", 0, "TIME", "what they carry before counts for nothing: 5s (default: 0)", take_skip},
    {"idle", 0, "N", "instead: so many connections wait on one stack; what does one cost?",
     take_idle},
    {"ipv6", 0, NULL, "with --idle: over IPv6", take_ipv6},
    {"set", 0, "KEY=VALUE", "change a value of both stacks, repeatable", take_set},
    {"profile", 0, "NAME", "a group of values: default, rfc, linux, freebsd", take_profile},
    {"capture", 0, "FILE", "write what the client did as annotated pcapng (one seed)",
     take_capture},
    {"plot", 0, "DIR",
     "draw what each side of each connection, or the first flow, sent, as SVG (one seed)",
     take_plot},
    {"json", 0, NULL, "one JSON object a line", take_json},
};

const struct option_verb sim_option_verb = {
    .name = "sim",
    .arguments = "",
    .help =
        "Two stacks exchange octets over a bad wire in virtual time. A seed draws the wire, the\n"
        "stacks and the streams; what is given here takes the place of what it draws. Exits 0 "
        "when\n"
        "every octet arrived, every connection ended and nothing was left, else 1.",
    .rows = rows,
    .row_count = ARRAY_LEN(rows),
    .alone = true,
};

int sim_check_options(const struct sim_verb *sim, struct refusal *refusal)
{
    if (sim->flows == 0 && (sim->link_count > 0 || sim->time_ns || sim->skip_ns))
        return refuse(refusal, EXIT_USAGE,
                      "--rate, --delay, --queue, --time and --skip go with --flows; without it "
                      "--impair says what the wire is like");
    if (sim->idle && (sim->swarm || sim->flows || sim->connections || sim->octets || sim->mtu ||
                      sim->offload || sim->impairs.count > 0 || sim->capture || sim->plot.dir))
        return refuse(refusal, EXIT_USAGE, "--idle: goes with --ipv6, --set, --seed and --json");
    if (sim->ipv6 && !sim->idle)
        return refuse(refusal, EXIT_USAGE, "--ipv6: goes with --idle; otherwise the seed says");
    if (sim->swarm && (sim->flows || sim->impairs.count > 0 || sim->mtu))
        return refuse(
            refusal, EXIT_USAGE,
            "--swarm draws the network and its faults: not with --flows, --impair, --mtu");
    if (sim->soak && !sim->swarm)
        return refuse(refusal, EXIT_USAGE, "--soak: goes with --swarm");
    if (sim->swarm && sim->connections > SWARM_CONNS)
        return refuse(refusal, EXIT_USAGE, "--conns: at most %d with --swarm", SWARM_CONNS);
    if (sim->flows && sim->connections)
        return refuse(refusal, EXIT_USAGE, "--conns: with --flows each flow is one connection");
    if (sim->plot.dir && sim->swarm)
        return refuse(refusal, EXIT_USAGE, "--plot: not with --swarm");
    if (sim->flows == 0 && sim->octets > UINT32_MAX / 4)
        return refuse(refusal, EXIT_USAGE, "--bytes: at most 1 GB without --flows");
    return 0;
}
