/*
 * sim.c - `tapio sim`: two stacks and a bad wire in virtual time.
 *
 * A seed is a run: which wire, which stacks, which streams, and every choice on the way. What is
 * given on the command line takes the place of what the seed would have drawn; the rest stays. So a
 * run that fails is repeated by the line that is printed with it, and captured there.
 *
 * The capture is the client's: what it sent and received, with the reasons, as from a real device.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/instant.h"
#include "os/os_env.h"
#include "sim/swarm.h"
#include "sim_verb.h"
#include "verbs.h"

enum { CONNECTIONS_MAX = 1000, SEEDS_MAX = 1000000000 };
static const uint64_t OCTETS_MAX = UINT64_C(1) << 40;

/* --- the command line --------------------------------------------------------------------- */

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
    {"set", 0, "KEY=VALUE", "change a value of both stacks, repeatable", take_set},
    {"profile", 0, "NAME", "a group of values: default, rfc, linux, freebsd", take_profile},
    {"capture", 0, "FILE", "write what the client did as annotated pcapng (one seed)",
     take_capture},
    {"plot", 0, "DIR",
     "draw what each side of each connection, or the first flow, sent, as SVG (one seed)",
     take_plot},
    {"json", 0, NULL, "one JSON object a line", take_json},
};

static const struct option_verb verb = {
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

/* --- one run ------------------------------------------------------------------------------ */

int sim_values(const struct sim_verb *sim, struct stack_values *values, struct refusal *refusal)
{
    if (sim->profile && values_profile(values, sim->profile))
        return refuse(refusal, EXIT_USAGE, "--profile %s: cannot be used", sim->profile);
    for (int i = 0; i < sim->set_count; i++) {
        int status = value_take(sim->set[i], values, refusal);
        if (status)
            return status;
    }
    return 0;
}

static int make_config(const struct sim_verb *sim, uint64_t seed, struct sim_config *config,
                       struct refusal *refusal)
{
    sim_draw(config, seed);
    int status = sim_values(sim, &config->values, refusal);
    if (status)
        return status;
    if (sim->connections)
        config->connections = (uint32_t)sim->connections;
    if (sim->octets)
        config->octets = (uint32_t)sim->octets;
    if (sim->mtu)
        config->mtu = (uint32_t)sim->mtu;
    if (config->ipv6 && config->mtu < 1280)
        config->ipv6 = false;
    if (sim->impairs.count > 0)
        config->to_client = config->to_server = (struct impair_config){0};
    impairs_apply(&sim->impairs, &config->to_client, &config->to_server);
    return 0;
}

/* --- telling ------------------------------------------------------------------------------ */

static uint64_t lost(const struct sim_result *result)
{
    return result->wire[0].lost + result->wire[1].lost;
}

static uint64_t retransmitted(const struct sim_result *result)
{
    return result->counters[0].events[COUNTER_TCP_RETRANSMITS] +
           result->counters[1].events[COUNTER_TCP_RETRANSMITS];
}

/* The problems are sentences of our own, without quotes in them. */
static void print_json(const struct sim_config *config, const struct sim_result *result)
{
    printf("{\"schema\":1,\"verb\":\"sim\",\"seed\":\"%" PRIu64
           "\",\"passed\":%s,\"problem\":\"%s\",\"connections\":%u,\"verified_octets\":%" PRIu64
           ",\"took_ns\":%" PRId64 ",\"frames\":%" PRIu64 ",\"lost\":%" PRIu64
           ",\"retransmitted\":%" PRIu64 "}\n",
           config->seed, result->problem ? "false" : "true", result->problem ? result->problem : "",
           config->connections, result->verified, result->took_ns,
           result->counters[0].sent + result->counters[1].sent, lost(result),
           retransmitted(result));
}

void sim_print_options(FILE *out, const struct sim_verb *sim)
{
    if (sim->flows)
        fprintf(out, " --flows %" PRIu64, sim->flows);
    if (sim->time_ns)
        fprintf(out, " --time %.9gs", (double)sim->time_ns / 1e9);
    if (sim->skip_ns)
        fprintf(out, " --skip %.9gs", (double)sim->skip_ns / 1e9);
    for (size_t i = 0; i < sim->link_count; i++)
        fprintf(out, " --impair '%s'", sim->link[i]);
    if (sim->connections)
        fprintf(out, " --conns %" PRIu64, sim->connections);
    if (sim->octets)
        fprintf(out, " --bytes %" PRIu64, sim->octets);
    if (sim->mtu)
        fprintf(out, " --mtu %" PRIu64, sim->mtu);
    for (int i = 0; i < sim->impairs.count; i++)
        fprintf(out, " --impair '%s'", sim->impairs.spec[i]);
    if (sim->profile)
        fprintf(out, " --profile %s", sim->profile);
    for (int i = 0; i < sim->set_count; i++)
        fprintf(out, " --set '%s'", sim->set[i]);
}

/* The command that runs this seed again, and captures it. */
static void print_replay(const struct sim_verb *sim, uint64_t seed)
{
    printf("    again: tapio sim --seed %" PRIu64, seed);
    sim_print_options(stdout, sim);
    printf(" --capture seed-%" PRIu64 ".pcapng\n", seed);
}

int sim_open_plot(struct sim_verb *sim, const struct sim_plot_side sides[2],
                  struct refusal *refusal)
{
    char run[SIM_PLOT_TEXT] = "";
    FILE *out = fmemopen(run, sizeof run, "w");

    if (out) {
        fprintf(out, "tapio sim --seed %" PRIu64, sim->first);
        sim_print_options(out, sim);
        fclose(out);
    }
    return sim_plot_open(&sim->plot, sides, run, refusal);
}

static void print_run(const struct sim_verb *sim, const struct sim_config *config,
                      const struct sim_result *result)
{
    if (sim->json) {
        print_json(config, result);
        return;
    }
    if (result->problem) {
        printf("not ok seed %" PRIu64 ": %s after %" PRId64 " ms\n", config->seed, result->problem,
               result->took_ns / NS_PER_MS);
        print_replay(sim, config->seed);
    } else if (sim->first == sim->last) {
        printf("ok seed %" PRIu64 ": %u connections, %" PRIu64 " octets verified in %" PRId64
               " ms of virtual time; frames lost %" PRIu64 ", segments sent again %" PRIu64 "\n",
               config->seed, config->connections, result->verified, result->took_ns / NS_PER_MS,
               lost(result), retransmitted(result));
    }
    fflush(stdout);
}

static int run_seed(struct sim_verb *sim, uint64_t seed, struct refusal *refusal)
{
    struct memory memory = {0};
    struct sim_config config;
    struct sim_result result;

    int status = make_config(sim, seed, &config, refusal);
    if (!status)
        status = sim_capture_open(sim, "client", config.link == STACK_LINK_ETHERNET,
                                  &config.watch[SIM_CLIENT], refusal);
    if (!status)
        status = sim_open_plot(sim,
                               (struct sim_plot_side[2]){{"client", &config.watch[SIM_CLIENT]},
                                                         {"server", &config.watch[SIM_SERVER]}},
                               refusal);
    if (status)
        return status;
    int err = sim_run(&config, &memory, &result);
    status = sim_capture_close(sim, result.took_ns, refusal);
    if (err)
        return refuse(refusal, EXIT_FAILURE, "sim: the stacks could not be made: %s",
                      strerror(-err));
    if (status)
        return status;
    sim->passed += !result.problem;
    sim->failed += result.problem != NULL;
    sim->verified += result.verified;
    sim->segments += result.counters[0].sent + result.counters[1].sent;
    print_run(sim, &config, &result);
    struct sim_plot_path path = {config.ipv6, config.mtu, config.connections, &config.to_server,
                                 &config.to_client};
    return sim_plot_close(&sim->plot, &path, sim->json ? NULL : stdout, refusal);
}

void sim_print_sum(const struct sim_verb *sim, int64_t took_ns)
{
    int64_t ms = took_ns / NS_PER_MS;
    if (!sim->json && sim->first != sim->last)
        printf("%" PRIu64 " octets verified; %" PRIu64 " packets, %" PRIu64
               " a second of processor time\n%" PRIu64 " passed, %" PRIu64 " failed\n",
               sim->verified, sim->segments, sim->segments * 1000 / (uint64_t)(ms > 0 ? ms : 1),
               sim->passed, sim->failed);
}

static int run_all(struct sim_verb *sim, struct refusal *refusal)
{
    instant start = os_now();

    for (uint64_t seed = sim->first;; seed++) {
        int status = run_seed(sim, seed, refusal);
        if (status)
            return status;
        if (seed == sim->last)
            break;
    }
    sim_print_sum(sim, instant_since(os_now(), start));
    return sim->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int check_together(const struct sim_verb *sim, struct refusal *refusal)
{
    if (sim->flows == 0 && (sim->link_count > 0 || sim->time_ns || sim->skip_ns))
        return refuse(refusal, EXIT_USAGE,
                      "--rate, --delay, --queue, --time and --skip go with --flows; without it "
                      "--impair says what the wire is like");
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

int verb_sim(int argc, char **argv)
{
    static struct sim_verb sim; /* not on the stack: it holds buffers */
    struct options options;
    struct refusal refusal = {0};
    struct os_env env;
    enum options_wish wish;
    int first;

    sim = (struct sim_verb){0};
    int status = options_read(&options, &verb, &sim, argc, argv, &wish, &first, &refusal);
    if (!status && options_grant(&verb, wish))
        return EXIT_SUCCESS;
    if (!status && sim.help) {
        options_print_values(stdout);
        return EXIT_SUCCESS;
    }
    if (!status)
        status = check_together(&sim, &refusal);
    if (!status && (sim.capture || sim.plot.dir) && sim.first != sim.last)
        status = refuse(&refusal, EXIT_USAGE, "--capture, --plot: of one seed only");
    if (!status && !sim.seeded) {
        int err = os_env_init(&env, NULL);
        if (!err)
            err = env.env.random(env.env.context, &sim.first, sizeof sim.first);
        if (err)
            status = refuse(&refusal, EXIT_FAILURE, "no randomness: %s", strerror(-err));
        sim.last = sim.first;
    }
    if (!status)
        status = sim.swarm   ? sim_swarm(&sim, &refusal)
                 : sim.flows ? sim_flows(&sim, &refusal)
                             : run_all(&sim, &refusal);
    return status && refusal.text[0] ? say_refusal(&refusal) : status;
}
