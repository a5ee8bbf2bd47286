/*
 * sim_idle.c - `tapio sim --idle N`: what a connection costs that only waits.
 *
 * Twice over: by the stack's own books, and as what the process has grown by (resident memory with
 * all of them less that with none, by the connection). The second has everything in it: tables,
 * what slabs leave over, the echo service, the allocator.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "apps/service.h"
#include "sim/idle.h"
#include "sim_verb.h"

enum { ASK_EACH = 997 }; /* at the end, one in so many is asked whether it lives */

/* What has been measured at one moment. */
struct weight {
    uint64_t stack, resident; /* octets */
};

/* Octets, or 0 where there is no /proc. */
static uint64_t resident(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    char line[128], *rest;

    if (!file)
        return 0;
    bool got = fgets(line, sizeof line, file);
    fclose(file);
    if (!got)
        return 0;
    strtoull(line, &rest, 10); /* all that is mapped */
    return strtoull(rest, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static struct weight weigh(struct idle *idle)
{
    return (struct weight){stack_memory_used(idle_stack(idle)), resident()};
}

/* NULL, or what went wrong. */
static const char *run(struct idle *idle, uint32_t count, struct weight *before,
                       struct weight *after)
{
    *before = weigh(idle);
    const char *problem = idle_connect(idle, count);
    *after = weigh(idle);
    for (uint32_t i = 0; !problem && i < count; i += ASK_EACH)
        problem = idle_ask(idle, i);
    return problem;
}

static void print(const struct sim_verb *sim, const char *problem, const struct weight *before,
                  const struct weight *after)
{
    uint64_t stack = after->stack - before->stack, grown = after->resident - before->resident;
    int family = sim->ipv6 ? 6 : 4;

    if (sim->json)
        printf("{\"schema\":1,\"verb\":\"sim\",\"mode\":\"idle\",\"passed\":%s,\"problem\":\"%s\","
               "\"family\":%d,\"connections\":%" PRIu64 ",\"stack_octets\":%" PRIu64
               ",\"resident_octets\":%" PRIu64
               ",\"stack_octets_each\":%.1f,\"resident_octets_each\":%.1f}\n",
               problem ? "false" : "true", problem ? problem : "", family, sim->idle, stack, grown,
               (double)stack / (double)sim->idle, (double)grown / (double)sim->idle);
    else if (problem)
        printf("not ok: %s\n", problem);
    else
        printf("%" PRIu64 " idle connections over IPv%d: %.1f octets each of the stack's memory, "
               "%.1f of resident memory\n",
               sim->idle, family, (double)stack / (double)sim->idle,
               (double)grown / (double)sim->idle);
}

int sim_idle(struct sim_verb *sim, struct refusal *refusal)
{
    static const struct env heap;
    struct memory memory = {0};
    struct idle_config config;
    struct weight before, after;
    struct service *service;

    idle_config_init(&config, (uint32_t)sim->idle);
    config.seed = sim->first;
    config.ipv6 = sim->ipv6;
    int status = sim_values(sim, &config.values, refusal);
    if (status)
        return status;
    struct idle *idle = idle_new(&config, &memory);
    if (!idle)
        return refuse(refusal, EXIT_FAILURE, "sim: the stack could not be made");
    struct service_config echo = {.kind = SERVICE_ECHO,
                                  .stack = idle_stack(idle),
                                  .env = &heap,
                                  .local.port = IDLE_PORT,
                                  .backlog = 16,
                                  .connections = (uint32_t)sim->idle};
    int err = service_new(&echo, &service);
    if (err) {
        idle_free(idle);
        return refuse(refusal, EXIT_FAILURE, "sim: no echo service (%d)", -err);
    }
    const char *problem = run(idle, (uint32_t)sim->idle, &before, &after);
    print(sim, problem, &before, &after);
    service_free(service);
    idle_free(idle);
    return problem ? EXIT_FAILURE : EXIT_SUCCESS;
}
