/*
 * sim_draw.c - see sim_draw.h.
 *
 * Whatever is drawn first stays what it is when something is drawn behind it, so a seed keeps its
 * wire when the simulator learns new faults: draw them last.
 */
#include "sim/sim_draw.h"

#include "base/instant.h"
#include "base/prng.h"

/* Parts in 2^32 of up to `most` per mille. */
static uint32_t up_to(struct prng *prng, uint32_t most)
{
    return (uint32_t)(prng_below(prng, most + 1) * (UINT32_MAX / 1000));
}

static void draw_wire(struct prng *prng, struct impair_config *wire)
{
    *wire = (struct impair_config){.loss = up_to(prng, 100),
                                   .reorder = up_to(prng, 100),
                                   .duplicate = up_to(prng, 50),
                                   .corrupt = up_to(prng, 10)};
    if (prng_below(prng, 4) == 0)
        wire->burst = 2 + (uint32_t)prng_below(prng, 8);
    if (prng_below(prng, 2) == 0)
        wire->delay_ns = (int64_t)prng_below(prng, 100 * NS_PER_MS);
    if (wire->delay_ns > 0 && prng_below(prng, 2) == 0)
        wire->jitter_ns = (int64_t)prng_below(prng, (uint64_t)wire->delay_ns);
    if (prng_below(prng, 4) == 0)
        wire->rate = 1000000 + prng_below(prng, 99000000);
}

/* Small buffers close windows, large ones fill the wire; a small MTU makes many segments. */
static void draw_stack(struct prng *prng, struct sim_config *config)
{
    static const uint32_t buffer[] = {2048, 5000, 16384, 65536, 1048576};
    static const uint32_t mtu[] = {296, 576, 1500, 1500, 9000};

    config->mtu = mtu[prng_below(prng, ARRAY_LEN(mtu))];
    config->values.tcp_rmem = buffer[prng_below(prng, ARRAY_LEN(buffer))];
    config->values.tcp_wmem = buffer[prng_below(prng, ARRAY_LEN(buffer))];
    config->values.tcp_window_scale = (int64_t)prng_below(prng, 15);
}

/* Half of the runs are over Ethernet, the others over a line that carries IP packets of one family
 * or the other, with checksums completed by the stack or left to the wire. */
static void draw_link(struct prng *prng, struct sim_config *config)
{
    uint64_t kind = prng_below(prng, 4);

    config->link = kind < 2 ? STACK_LINK_ETHERNET : STACK_LINK_IP;
    config->ipv6 = kind == 3;
    config->csum_offload = kind >= 2 && prng_below(prng, 2) == 0;
    if (config->ipv6 && config->mtu < 1280)
        config->mtu = 1280;
}

void sim_draw(struct sim_config *config, uint64_t seed)
{
    struct prng prng;

    sim_config_init(config);
    prng_seed(&prng, seed * UINT64_C(0x9e3779b97f4a7c15));
    config->seed = seed;
    config->connections = 1 + (uint32_t)prng_below(&prng, 6);
    config->octets = 1 + (uint32_t)prng_below(&prng, 131072);
    config->limit_ns = 4 * 3600 * NS_PER_S;
    draw_wire(&prng, &config->to_client);
    draw_wire(&prng, &config->to_server);
    draw_stack(&prng, config);
    draw_link(&prng, config);
    config->values.tcp_ecn = (int64_t)prng_below(&prng, 3);
    config->big_frames = prng_below(&prng, 2) == 0;
}
