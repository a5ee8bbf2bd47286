/*
 * sim_swarm.c - `tapio sim --swarm`: many stacks, and a random subset of faults.
 *
 * --capture takes the view of the host where something was seen, which is known only afterwards; a
 * seed gives the same run each time, so it is run twice.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/instant.h"
#include "os/os_env.h"
#include "sim/swarm.h"
#include "sim_verb.h"

static struct swarm_config config; /* not on the stack: it is large */

static int run_once(const struct sim_verb *sim, uint64_t seed, struct swarm_result *result,
                    uint32_t watched, struct event_sink *watch, struct refusal *refusal)
{
    struct memory memory = {0};

    if (sim->soak)
        swarm_draw_soak(&config, seed);
    else
        swarm_draw(&config, seed);
    if (sim->connections)
        config.connections = (uint32_t)sim->connections;
    if (sim->octets)
        config.octets = (uint32_t)sim->octets;
    if (sim->offload)
        config.offload = sim->offload == OFFLOAD_ON ? UINT32_MAX : 0;
    config.watched = watched;
    config.watch = watch;
    int status = sim_values(sim, &config.values, refusal);
    if (status)
        return status;
    int err = swarm_run(&config, &memory, result);
    return err ? refuse(refusal, EXIT_FAILURE, "sim: the stacks could not be made: %s",
                        strerror(-err))
               : 0;
}

static int run_seed(struct sim_verb *sim, uint64_t seed, struct swarm_result *result,
                    struct refusal *refusal)
{
    struct event_sink *watch = NULL;
    char name[24];

    int status = run_once(sim, seed, result, 0, NULL, refusal);
    if (status || !sim->capture)
        return status;
    uint32_t host = result->host;
    snprintf(name, sizeof name, "host %u", host);
    status = sim_capture_open(sim, name, false, &watch, refusal);
    if (status)
        return status;
    status = run_once(sim, seed, result, host, watch, refusal);
    int closed = sim_capture_close(sim, result->took_ns, refusal);
    return status ? status : closed;
}

/* The faults' names, each behind `before`. */
static void print_faults(const char *before, const char *quote)
{
    bool first = true;

    for (int i = 0; i < SWARM_FAULTS; i++) {
        if (!(config.faults >> i & 1))
            continue;
        printf("%s%s%s%s", first ? "" : before, quote, swarm_fault_name((enum swarm_fault)i),
               quote);
        first = false;
    }
}

static void print_json(const struct sim_verb *sim, uint64_t seed, const struct swarm_result *r)
{
    printf("{\"schema\":1,\"verb\":\"sim\",\"mode\":\"swarm\",\"soak\":%s,\"seed\":\"%" PRIu64
           "\",\"passed\":%s,\"problem\":\"%s\",\"host\":%u,\"conn\":%u,\"hosts\":%u,\"routers\":%u"
           ",\"connections\":%u,\"faults\":[",
           sim->soak ? "true" : "false", seed, r->problem ? "false" : "true",
           r->problem ? r->problem : "", r->host, r->conn, config.hosts, config.routers,
           config.connections);
    print_faults(",", "\"");
    printf("],\"verified_octets\":%" PRIu64 ",\"forged_octets\":%" PRIu64 ",\"took_ns\":%" PRId64
           ",\"packets\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"reordered\":%" PRIu64
           ",\"duplicated\":%" PRIu64 ",\"corrupted\":%" PRIu64 ",\"too_big\":%" PRIu64
           ",\"failed_allocations\":%" PRIu64 ",\"retransmitted\":%" PRIu64 ",\"timeouts\":%" PRIu64
           ",\"injected_faults\":%" PRIu64 ",\"offload_hosts\":%d,\"cut\":%" PRIu64
           ",\"joined\":%" PRIu64 "}\n",
           r->verified, r->forged, r->took_ns, r->packets, r->lost + r->overflowed, r->reordered,
           r->duplicated, r->corrupted, r->too_big, r->failed_allocations, r->retransmits,
           r->timeouts, swarm_injected(r),
           __builtin_popcount(config.offload & ((1u << config.hosts) - 1)), r->cut, r->joined);
}

static void print_run(const struct sim_verb *sim, uint64_t seed, const struct swarm_result *r)
{
    if (sim->json) {
        print_json(sim, seed, r);
    } else if (r->problem) {
        printf("not ok seed %" PRIu64 ": %s after %" PRId64 " ms (host %u, connection %u; ", seed,
               r->problem, r->took_ns / NS_PER_MS, r->host, r->conn);
        print_faults(" ", "");
        printf(")\n    again: tapio sim --swarm%s --seed %" PRIu64, sim->soak ? " --soak" : "",
               seed);
        sim_print_options(stdout, sim);
        printf(" --capture seed-%" PRIu64 ".pcapng\n", seed);
    } else if (sim->first == sim->last) {
        printf("ok seed %" PRIu64 ": %u hosts, %u routers, %u connections, %" PRIu64
               " octets verified, %" PRIu64 " forged, in %" PRId64
               " ms of virtual time; packets lost %" PRIu64 ", segments sent again %" PRIu64
               "; faults: ",
               seed, config.hosts, config.routers, config.connections, r->verified, r->forged,
               r->took_ns / NS_PER_MS, r->lost + r->overflowed, r->retransmits);
        print_faults(" ", "");
        printf("\n");
    }
    fflush(stdout);
}

int sim_swarm(struct sim_verb *sim, struct refusal *refusal)
{
    instant start = os_now();

    for (uint64_t seed = sim->first;; seed++) {
        struct swarm_result result = {0};
        int status = run_seed(sim, seed, &result, refusal);
        if (status)
            return status;
        sim->passed += !result.problem;
        sim->failed += result.problem != NULL;
        sim->verified += result.verified;
        sim->segments += result.packets;
        print_run(sim, seed, &result);
        if (seed == sim->last)
            break;
    }
    sim_print_sum(sim, instant_since(os_now(), start));
    return sim->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
