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
    if (sim->offload)
        config->big_frames = config->csum_offload = sim->offload == OFFLOAD_ON;
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
           ",\"retransmitted\":%" PRIu64 ",\"offload\":%s,\"joined\":%" PRIu64 "}\n",
           config->seed, result->problem ? "false" : "true", result->problem ? result->problem : "",
           config->connections, result->verified, result->took_ns,
           result->counters[0].sent + result->counters[1].sent, lost(result), retransmitted(result),
           config->big_frames ? "true" : "false", result->joined);
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
    if (sim->offload)
        fprintf(out, " --offload %s", sim->offload == OFFLOAD_ON ? "on" : "off");
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

int verb_sim(int argc, char **argv)
{
    static struct sim_verb sim; /* not on the stack: it holds buffers */
    struct options options;
    struct refusal refusal = {0};
    struct os_env env;
    enum options_wish wish;
    int first;

    sim = (struct sim_verb){0};
    int status =
        options_read(&options, &sim_option_verb, &sim, argc, argv, &wish, &first, &refusal);
    if (!status && options_grant(&sim_option_verb, wish))
        return EXIT_SUCCESS;
    if (!status && sim.help) {
        options_print_values(stdout);
        return EXIT_SUCCESS;
    }
    if (!status)
        status = sim_check_options(&sim, &refusal);
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
                 : sim.idle  ? sim_idle(&sim, &refusal)
                             : run_all(&sim, &refusal);
    return status && refusal.text[0] ? say_refusal(&refusal) : status;
}
