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
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "dev/impair.h"
#include "options.h"
#include "os/os_env.h"
#include "os/os_sink.h"
#include "see/capture.h"
#include "sim/sim_draw.h"
#include "sim_plot.h"
#include "verbs.h"

enum { CONNECTIONS_MAX = 1000, OCTETS_MAX = 1 << 30, SEEDS_MAX = 1000000000 };

struct sim_verb {
    uint64_t first, last;              /* seeds */
    bool seeded, json, help;           /* --set help */
    uint64_t connections, octets, mtu; /* 0: as drawn */
    struct impairs impairs;
    const char *set[OPTIONS_SETS];
    int set_count;
    const char *profile, *capture;

    struct os_sink out;
    struct capture captured;
    struct sim_plot plot;
    uint64_t passed, failed, verified, segments;
};

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
    {"set", 0, "KEY=VALUE", "change a value of both stacks, repeatable", take_set},
    {"profile", 0, "NAME", "a group of values: default, rfc, linux, freebsd", take_profile},
    {"capture", 0, "FILE", "write what the client did as annotated pcapng (one seed)",
     take_capture},
    {"plot", 0, "DIR", "draw what each side of each connection sent, as SVG (one seed)", take_plot},
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

static int make_config(const struct sim_verb *sim, uint64_t seed, struct sim_config *config,
                       struct refusal *refusal)
{
    sim_draw(config, seed);
    if (sim->profile && values_profile(&config->values, sim->profile))
        return refuse(refusal, EXIT_USAGE, "--profile %s: cannot be used", sim->profile);
    for (int i = 0; i < sim->set_count; i++) {
        int status = value_take(sim->set[i], &config->values, refusal);
        if (status)
            return status;
    }
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

static int open_capture(struct sim_verb *sim, struct sim_config *config, struct refusal *refusal)
{
    if (!sim->capture)
        return 0;
    int fd = open(sim->capture, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
    if (fd < 0)
        return refuse(refusal, EXIT_FAILURE, "--capture %s: %s", sim->capture, strerror(errno));
    os_sink_init(&sim->out, fd);
    struct pcapng_config pcapng = {
        .device = "client", .os = "tapio sim", .ethernet = config->link == STACK_LINK_ETHERNET};
    int err = capture_open(&sim->captured, &sim->out.sink, &pcapng);
    if (err) {
        close(fd);
        return refuse(refusal, EXIT_FAILURE, "--capture %s: %s", sim->capture, strerror(-err));
    }
    config->watch[SIM_CLIENT] = &sim->captured.sink;
    return 0;
}

static int close_capture(struct sim_verb *sim, int64_t took_ns, struct refusal *refusal)
{
    if (!sim->capture)
        return 0;
    capture_close(&sim->captured, (instant){took_ns});
    int err = sim->captured.pcapng.errors ? sim->captured.pcapng.error : 0;
    if (close(sim->out.fd) && !err)
        err = -errno;
    return err ? refuse(refusal, EXIT_FAILURE, "--capture %s: %s", sim->capture, strerror(-err))
               : 0;
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

/* The command that runs this seed again. */
static void print_command(FILE *out, const struct sim_verb *sim, uint64_t seed)
{
    fprintf(out, "tapio sim --seed %" PRIu64, seed);
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

/* ... and captures it. */
static void print_replay(const struct sim_verb *sim, uint64_t seed)
{
    printf("    again: ");
    print_command(stdout, sim, seed);
    printf(" --capture seed-%" PRIu64 ".pcapng\n", seed);
}

static int open_plot(struct sim_verb *sim, struct sim_config *config, struct refusal *refusal)
{
    char run[SIM_PLOT_TEXT] = "";
    FILE *out = fmemopen(run, sizeof run, "w");

    if (out) {
        print_command(out, sim, config->seed);
        fclose(out);
    }
    return sim_plot_open(&sim->plot, config, run, refusal);
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
        status = open_capture(sim, &config, refusal);
    if (!status)
        status = open_plot(sim, &config, refusal);
    if (status)
        return status;
    int err = sim_run(&config, &memory, &result);
    status = close_capture(sim, result.took_ns, refusal);
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
    return sim_plot_close(&sim->plot, &config, sim->json ? NULL : stdout, refusal);
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
    int64_t ms = instant_since(os_now(), start) / NS_PER_MS;
    if (!sim->json && sim->first != sim->last)
        printf("%" PRIu64 " octets verified; %" PRIu64 " packets, %" PRIu64
               " a second of processor time\n%" PRIu64 " passed, %" PRIu64 " failed\n",
               sim->verified, sim->segments, sim->segments * 1000 / (uint64_t)(ms > 0 ? ms : 1),
               sim->passed, sim->failed);
    return sim->failed ? EXIT_FAILURE : EXIT_SUCCESS;
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
        status = run_all(&sim, &refusal);
    return status && refusal.text[0] ? say_refusal(&refusal) : status;
}
