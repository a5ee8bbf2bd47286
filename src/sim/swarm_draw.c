/*
 * swarm_draw.c - a swarm's run drawn from its seed.
 *
 * Each fault has even odds of being in a run, so that all subsets are equally likely. Where a fault
 * is, each way of each link has it with even odds and a strength of its own. Values that make a
 * stack give up are set so high that nobody gives up before the faults stop: that a connection that
 * was given up ends is tested elsewhere, and here each end before its time is a finding.
 */
#include "base/instant.h"
#include "base/prng.h"
#include "sim/swarm.h"

const char *swarm_fault_name(enum swarm_fault fault)
{
    static const char *const names[] = {
#define TAPIO_X(id, name) name,
        SWARM_FAULT_LIST(TAPIO_X)
#undef TAPIO_X
    };
    return names[fault];
}

static bool even_odds(struct prng *prng)
{
    return prng_below(prng, 2) == 0;
}

static bool has(const struct swarm_config *config, enum swarm_fault fault)
{
    return config->faults >> fault & 1;
}

/* Is the fault in this run, and on this way? */
static bool strikes(struct prng *prng, const struct swarm_config *config, enum swarm_fault fault)
{
    bool here =
        even_odds(prng); /* drawn always: so a fault that is taken away moves nothing else */

    return here && has(config, fault);
}

/* Parts in 2^32 of up to `most` per mille. */
static uint32_t up_to(struct prng *prng, uint32_t most)
{
    return (uint32_t)((1 + prng_below(prng, most)) * (UINT32_MAX / 1000));
}

static void draw_network(struct prng *prng, struct swarm_config *config)
{
    config->hosts = 2 + (uint32_t)prng_below(prng, SWARM_HOSTS - 1);
    config->routers = 1 + (uint32_t)prng_below(prng, SWARM_ROUTERS);
    for (uint32_t i = 0; i < config->hosts; i++)
        config->at[i] = (uint32_t)prng_below(prng, config->routers);
    for (uint32_t i = 1; i < config->routers; i++)
        config->above[i] = (uint32_t)prng_below(prng, i);
}

static void draw_good(struct prng *prng, struct impair_config *wire)
{
    *wire = (struct impair_config){.delay_ns = (int64_t)prng_below(prng, 30 * NS_PER_MS)};
    if (prng_below(prng, 3) == 0) {
        wire->rate = 1000000 + prng_below(prng, 99000000);
        if (even_odds(prng))
            wire->queue_frames = 2 + (uint32_t)prng_below(prng, 200);
    }
}

static void draw_bad(struct prng *prng, const struct swarm_config *config,
                     struct impair_config *wire)
{
    uint32_t loss = up_to(prng, 50), heavy = up_to(prng, 150), pass = up_to(prng, 1000);

    if (strikes(prng, config, SWARM_LOSS))
        wire->loss = loss;
    if (strikes(prng, config, SWARM_BURST)) {
        wire->loss = loss;
        wire->burst = 2 + (uint32_t)prng_below(prng, 16);
        wire->burst_loss = pass < UINT32_MAX / 4 ? UINT32_MAX / 4 : pass;
    }
    if (strikes(prng, config, SWARM_ACK_LOSS))
        wire->ack_loss = 2 * heavy;
    if (strikes(prng, config, SWARM_REORDER))
        wire->reorder = heavy;
    if (strikes(prng, config, SWARM_DUPLICATE))
        wire->duplicate = heavy;
    if (strikes(prng, config, SWARM_CORRUPT))
        wire->corrupt = loss / 2;
    if (strikes(prng, config, SWARM_FORGE))
        wire->forge = loss / 2;
    if (strikes(prng, config, SWARM_JITTER))
        wire->jitter_ns = (int64_t)prng_below(prng, 50 * NS_PER_MS);
    if (strikes(prng, config, SWARM_OUTAGE)) {
        wire->every_ns = (5 + (int64_t)prng_below(prng, 20)) * NS_PER_S;
        wire->outage_ns = 1 + (int64_t)prng_below(prng, (uint64_t)wire->every_ns / 2);
    }
}

static void draw_links(struct prng *prng, struct swarm_config *config)
{
    uint32_t links = config->hosts + config->routers - 1;

    for (uint32_t i = 0; i < links; i++) {
        for (int way = 0; way < 2; way++) {
            draw_good(prng, &config->good[i][way]);
            config->bad[i][way] = config->good[i][way];
            draw_bad(prng, config, &config->bad[i][way]);
        }
    }
    uint32_t one = (uint32_t)prng_below(prng, 2 * links);
    uint32_t heavy = up_to(prng, 400);
    if (has(config, SWARM_ONE_WAY))
        config->bad[one / 2][one % 2].loss = heavy;
}

static void add_act(struct swarm_config *config, struct swarm_act act)
{
    if (has(config, act.fault) && config->acts < SWARM_ACTS)
        config->act[config->acts++] = act;
}

/* Up to three of each; a link between routers is needed for those that narrow one. */
static void draw_acts(struct prng *prng, struct swarm_config *config)
{
    uint32_t least = config->ipv6 ? 1280 : 576;

    for (int i = 0; i < 3; i++) {
        uint64_t stop = (uint64_t)config->stop_ns;
        uint32_t host = (uint32_t)prng_below(prng, config->hosts);
        uint32_t link = (uint32_t)prng_below(prng, config->routers);
        int64_t mtu = least + (int64_t)prng_below(prng, config->mtu - least + 1);
        int64_t at[5];
        for (int k = 0; k < 5; k++)
            at[k] = (int64_t)prng_below(prng, stop);
        if (link > 0) {
            add_act(config,
                    (struct swarm_act){
                        .at_ns = at[0], .fault = SWARM_NARROW, .target = link, .value = mtu});
            add_act(config,
                    (struct swarm_act){
                        .at_ns = at[1], .fault = SWARM_BLACK_HOLE, .target = link, .value = mtu});
        }
        add_act(config, (struct swarm_act){.at_ns = at[2],
                                           .fault = SWARM_MEMORY,
                                           .target = host,
                                           .value = up_to(prng, 800)});
        int64_t leap = (int64_t)prng_below(prng, 100) * NS_PER_S;
        if (prng_below(prng, 8) == 0)
            leap *= 1000; /* more than a day */
        add_act(config, (struct swarm_act){
                            .at_ns = at[3], .fault = SWARM_LEAP, .target = host, .value = leap});
        add_act(config, (struct swarm_act){.at_ns = at[4],
                                           .fault = SWARM_SLEEP,
                                           .target = host,
                                           .value = (int64_t)prng_below(prng, 40 * NS_PER_S)});
    }
}

static void draw_values(struct prng *prng, struct swarm_config *config)
{
    static const uint32_t buffer[] = {2048, 5000, 16384, 65536, 1048576};
    struct stack_values *v = &config->values;

    values_default(v);
    v->tcp_rmem = buffer[prng_below(prng, ARRAY_LEN(buffer))];
    v->tcp_wmem = buffer[prng_below(prng, ARRAY_LEN(buffer))];
    v->tcp_window_scale = (int64_t)prng_below(prng, 15);
    v->tcp_window_scaling = prng_below(prng, 4) > 0;
    v->tcp_timestamps = prng_below(prng, 4) > 0;
    v->tcp_sack = prng_below(prng, 4) > 0;
    /* No cookies: what overtakes the first segment behind one cannot be told from a stray segment
     * and is answered with a reset, which ends the connection, and rightly. */
    v->tcp_syncookies = 0;
    v->tcp_syn_cache = 1 + (int64_t)prng_below(prng, 16);
    v->tcp_reorder_islands = 4 + (int64_t)prng_below(prng, 60);
    v->tcp_connections = SWARM_CONNS;
    v->tcp_time_wait = SWARM_CONNS;
    v->tcp_listeners = 4;
    v->sock_sockets = 2 * SWARM_CONNS;
    v->see_ring = 64;
    /* Who waits for a peer that has aborted, and whose reset was lost, must find out. */
    v->tcp_keepalive_idle = v->tcp_keepalive_interval = 60 * NS_PER_S;
    v->tcp_retries = 64;
    v->tcp_syn_retries = 64;
    v->tcp_synack_retries = 64;
}

void swarm_draw(struct swarm_config *config, uint64_t seed)
{
    static const uint32_t mtu[] = {576, 1280, 1500, 1500, 9000};
    struct prng prng;

    *config = (struct swarm_config){.seed = seed};
    prng_seed(&prng, seed * UINT64_C(0x9e3779b97f4a7c15) + 1);
    config->faults = (uint32_t)prng_below(&prng, UINT64_C(1) << SWARM_FAULTS);
    config->ipv6 = even_odds(&prng);
    config->mtu = mtu[prng_below(&prng, ARRAY_LEN(mtu))];
    if (config->ipv6 && config->mtu < 1280)
        config->mtu = 1280;
    config->connections = 1 + (uint32_t)prng_below(&prng, 12);
    config->octets = 1 + (uint32_t)prng_below(&prng, 65536);
    config->stop_ns = (1 + (int64_t)prng_below(&prng, 60)) * NS_PER_S;
    config->opening_ns = config->stop_ns;
    config->grace_ns = 3600 * NS_PER_S;
    config->steps_max = 10000000;
    draw_values(&prng, config);
    draw_network(&prng, config);
    draw_links(&prng, config);
    draw_acts(&prng, config);
    config->aborts = even_odds(&prng);
    /* In half of the runs no device offloads; in the others each does with even odds. */
    uint32_t offload = (uint32_t)prng_below(&prng, UINT64_C(1) << config->hosts);
    config->offload = even_odds(&prng) ? offload : 0;
}
