/*
 * sim_flows.c - `tapio sim --flows N`: how N flows share one bottleneck.
 *
 * What the link could carry is counted as what its receivers can read: its rate less the headers of
 * IP and TCP. So 100% is a link that was never idle and carried nothing twice. With --skip a short
 * run may show a little more: text that waited behind a hole when the count began is read in it.
 *
 * "Segments per second" is about this machine: packets that stacks have sent, by the seconds that
 * the run had a processor.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/instant.h"
#include "sim_verb.h"

static struct flow_figures figures[FLOWS_MAX]; /* not on the stack: there are many */

static int make_config(const struct sim_verb *sim, struct flows_config *config,
                       struct refusal *refusal)
{
    char why[200];

    flows_config_init(config);
    config->seed = sim->first;
    config->flows = (uint32_t)sim->flows;
    config->octets = sim->octets;
    if (sim->mtu)
        config->mtu = (uint32_t)sim->mtu;
    config->big_frames = sim->offload == OFFLOAD_ON;
    config->time_ns = sim->time_ns  ? sim->time_ns
                      : sim->octets ? 86400 * NS_PER_S
                                    : config->time_ns;
    config->skip_ns = sim->skip_ns;
    if (config->skip_ns >= config->time_ns)
        return refuse(refusal, EXIT_USAGE, "--skip: leaves nothing of --time");
    for (size_t i = 0; i < sim->link_count; i++) {
        int err = impair_parse(sim->link[i], &config->back, &config->there, why, sizeof why);
        assert(!err); /* it was tried before */
    }
    impairs_apply(&sim->impairs, &config->back, &config->there);
    flows_fit_buffers(config);
    return sim_values(sim, &config->values, refusal);
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? (double)part * 100 / (double)whole : 0;
}

static double mbit(uint64_t octets, int64_t ns)
{
    return ns > 0 ? (double)octets * 8000 / (double)ns : 0;
}

static void print_text(const struct flows_config *config, const struct flows_result *r,
                       uint64_t segments_a_second)
{
    printf("flow      Mbit/s   octets          again  timeouts  srtt ms   cwnd\n");
    for (uint32_t i = 0; i < config->flows; i++) {
        const struct flow_figures *f = &figures[i];
        printf("%-6u %9.3f   %-13" PRIu64 " %7" PRIu64 " %9" PRIu64 " %8.1f   %u\n", i + 1,
               mbit(f->octets, f->counted_ns), f->octets, f->retransmits, f->timeouts,
               (double)f->srtt_us / 1000, f->cwnd);
    }
    printf("all    %9.3f   ", (double)r->goodput * 8 / 1e6);
    if (r->capacity)
        printf("%.2f%% of what the bottleneck can carry; ", percent(r->goodput, r->capacity));
    printf("fairness %.4f (Jain)\n", (double)r->fairness / 1e6);
    printf("bottleneck: %" PRIu64 " octets there, %" PRIu64 " back; %" PRIu64
           " packets dropped at the full queue, %" PRIu64 " lost behind it; at most %" PRIu64
           " octets waited\n",
           r->there.carried, r->back.carried, r->there.rate_dropped + r->back.rate_dropped,
           r->there.lost + r->back.lost, r->there.queue_most);
    printf("%" PRIu64 " segments in %" PRId64 " ms of virtual time; %" PRIu64
           " segments per second of processor time\n",
           r->packets, r->took_ns / NS_PER_MS, segments_a_second);
}

static void print_json(const struct sim_verb *sim, const struct flows_config *config,
                       const struct flows_result *r, uint64_t segments_a_second)
{
    printf("{\"schema\":1,\"verb\":\"sim\",\"mode\":\"flows\",\"seed\":\"%" PRIu64
           "\",\"passed\":%s,\"problem\":\"%s\",\"took_ns\":%" PRId64 ",\"counted_ns\":%" PRId64
           ",\"goodput_octets_per_s\":%" PRIu64 ",\"capacity_octets_per_s\":%" PRIu64
           ",\"goodput_share\":%.6f,\"fairness_jain\":%.6f",
           sim->first, r->problem ? "false" : "true", r->problem ? r->problem : "", r->took_ns,
           r->took_ns - config->skip_ns, r->goodput, r->capacity,
           percent(r->goodput, r->capacity) / 100, (double)r->fairness / 1e6);
    printf(",\"queue_drops\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"queue_most_octets\":%" PRIu64
           ",\"queue_most_packets\":%u,\"bottleneck_octets\":%" PRIu64 ",\"segments\":%" PRIu64
           ",\"segments_per_second\":%" PRIu64 ",\"flows\":[",
           r->there.rate_dropped, r->there.lost + r->back.lost, r->there.queue_most,
           r->there.frames_most, r->there.carried, r->packets, segments_a_second);
    for (uint32_t i = 0; i < config->flows; i++) {
        const struct flow_figures *f = &figures[i];
        printf("%s{\"flow\":%u,\"octets\":%" PRIu64 ",\"counted_ns\":%" PRId64
               ",\"goodput_octets_per_s\":%.0f,\"retransmits\":%" PRIu64 ",\"timeouts\":%" PRIu64
               ",\"srtt_us\":%" PRId64 ",\"cwnd\":%u,\"mss\":%u,\"complete\":%s}",
               i ? "," : "", i + 1, f->octets, f->counted_ns,
               mbit(f->octets, f->counted_ns) * 125000, f->retransmits, f->timeouts, f->srtt_us,
               f->cwnd, f->snd_mss, f->complete ? "true" : "false");
    }
    printf("]}\n");
}

/* The time that this process has had a processor: what else the machine does counts for nothing. */
static int64_t processor_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int run_seed(struct sim_verb *sim, struct refusal *refusal)
{
    struct memory memory = {0};
    struct flows_config config;
    struct flows_result result;

    int status = make_config(sim, &config, refusal);
    if (!status)
        status = sim_capture_open(sim, "sender 1", false, &config.watch, refusal);
    if (!status)
        status = sim_open_plot(
            sim, (struct sim_plot_side[2]){{"sender", &config.watch}, {"receiver", NULL}}, refusal);
    if (status)
        return status;
    int64_t start = processor_us();
    int err = flows_run(&config, &memory, figures, &result);
    int64_t us = processor_us() - start;
    status = sim_capture_close(sim, result.took_ns, refusal);
    if (err)
        return refuse(refusal, EXIT_FAILURE, "sim: the stacks could not be made: %s",
                      strerror(-err));
    if (status)
        return status;
    uint64_t a_second = result.packets * 1000000 / (uint64_t)(us > 0 ? us : 1);
    if (sim->json)
        print_json(sim, &config, &result, a_second);
    else
        print_text(&config, &result, a_second);
    if (result.problem && !sim->json) {
        printf("not ok seed %" PRIu64 ": %s after %" PRId64 " ms\n", sim->first, result.problem,
               result.took_ns / NS_PER_MS);
        printf("    again: tapio sim --seed %" PRIu64, sim->first);
        sim_print_options(stdout, sim);
        printf(" --capture seed-%" PRIu64 ".pcapng\n", sim->first);
    }
    fflush(stdout);
    sim->failed += result.problem != NULL;
    struct sim_plot_path path = {config.ipv6, config.mtu, 1, &config.there, &config.back};
    return sim_plot_close(&sim->plot, &path, sim->json ? NULL : stdout, refusal);
}

int sim_flows(struct sim_verb *sim, struct refusal *refusal)
{
    for (;; sim->first++) {
        int status = run_seed(sim, refusal);
        if (status)
            return status;
        if (sim->first == sim->last)
            return sim->failed ? EXIT_FAILURE : EXIT_SUCCESS;
    }
}
