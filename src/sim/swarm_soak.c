/*
 * swarm_soak.c - a swarm's run made long, to verify much under many faults.
 *
 * It is the run of the same seed: its network, its subset of faults, its values but for those
 * below. What differs is what would keep megabytes from arriving. Losses are an eighth of what they
 * are there: up to some per cent. Whatever is done at a moment is done again and again, and passes:
 * a black hole or a starved host that lasted would only wait for the end. Reordering and
 * duplication cost little, so where a run has them they are on every way, and far stronger. Small
 * buffers make many packets and prove nothing more, so few runs have them.
 *
 * Outages come at odd times: a connection that tries every two minutes, and a link that is down
 * every twelve seconds, would else miss each other for hours.
 *
 * The faults stop when most has arrived, however long that takes: virtual time is free.
 */
#include "base/instant.h"
#include "base/prng.h"
#include "sim/swarm.h"

enum {
    MILDER = 8,
    OCTETS_LEAST = 4 << 20,
    OCTETS_MORE = 28 << 20,
    REORDER_MOST = 300, /* per mille of the packets of a way */
    DUPLICATE_MOST = 500,
    PERIOD_LEAST_S = 60, /* no sleep is longer */
    PERIOD_MORE_S = 240,
};

/* Parts in 2^32 of up to `most` per mille. */
static uint32_t up_to(struct prng *prng, uint32_t most)
{
    return (uint32_t)((1 + prng_below(prng, most)) * (UINT32_MAX / 1000));
}

static bool has(const struct swarm_config *config, enum swarm_fault fault)
{
    return config->faults >> fault & 1;
}

static void lengthen_way(struct prng *prng, const struct swarm_config *config,
                         struct impair_config *wire)
{
    uint32_t reorder = up_to(prng, REORDER_MOST), duplicate = up_to(prng, DUPLICATE_MOST);
    int64_t odd = (int64_t)prng_below(prng, NS_PER_S);

    wire->loss /= MILDER;
    wire->ack_loss /= MILDER;
    wire->corrupt /= MILDER;
    wire->forge /= MILDER;
    wire->outage_ns /= MILDER;
    wire->every_ns += wire->outage_ns > 0 ? odd : 0;
    wire->reorder = has(config, SWARM_REORDER) ? reorder : 0;
    wire->duplicate = has(config, SWARM_DUPLICATE) ? duplicate : 0;
}

static void lengthen_act(struct prng *prng, struct swarm_act *act)
{
    bool passes = act->fault != SWARM_LEAP && act->fault != SWARM_SLEEP;

    act->every_ns = (PERIOD_LEAST_S + (int64_t)prng_below(prng, PERIOD_MORE_S)) * NS_PER_S;
    act->at_ns = (int64_t)prng_below(prng, (uint64_t)act->every_ns);
    int64_t lasts_ns = 1 + (int64_t)prng_below(prng, (uint64_t)act->every_ns / 2);
    act->lasts_ns = passes ? lasts_ns : 0;
    if (act->fault == SWARM_MEMORY)
        act->value /= MILDER;
}

static void draw_values(struct prng *prng, struct stack_values *v)
{
    static const uint32_t buffer[] = {5000, 16384, 65536, 262144, 1048576, 1048576};

    v->tcp_rmem = buffer[prng_below(prng, ARRAY_LEN(buffer))];
    v->tcp_wmem = buffer[prng_below(prng, ARRAY_LEN(buffer))];
    v->tcp_rto_max = 60 * NS_PER_S + (int64_t)prng_below(prng, 60 * NS_PER_S);
    v->tcp_cc = (int64_t)prng_below(prng, 2);
    v->tcp_hystart = (int64_t)prng_below(prng, 2);
    v->tcp_pacing = (int64_t)prng_below(prng, 2);
    v->tcp_ecn = (int64_t)prng_below(prng, 3);
    v->tcp_dsack = prng_below(prng, 4) > 0;
    v->tcp_frto = prng_below(prng, 4) > 0;
    v->tcp_tlp = prng_below(prng, 4) > 0;
}

void swarm_draw_soak(struct swarm_config *config, uint64_t seed)
{
    struct prng prng;

    swarm_draw(config, seed);
    prng_seed(&prng, seed * UINT64_C(0x9e3779b97f4a7c15) + 2);
    config->octets = OCTETS_LEAST + (uint32_t)prng_below(&prng, OCTETS_MORE);
    config->opening_ns = 60 * NS_PER_S;
    config->stop_ns = 24 * 3600 * NS_PER_S;
    config->stop_percent = 80 + (uint32_t)prng_below(&prng, 20);
    config->grace_ns = 4 * 3600 * NS_PER_S;
    config->steps_max = UINT64_C(1000000000);
    for (uint32_t i = 0; i < config->hosts + config->routers - 1; i++) {
        for (int way = 0; way < 2; way++)
            lengthen_way(&prng, config, &config->bad[i][way]);
    }
    for (uint32_t i = 0; i < config->acts; i++)
        lengthen_act(&prng, &config->act[i]);
    draw_values(&prng, &config->values);
}
