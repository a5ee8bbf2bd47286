/* fuzz_impair.c - any text as a spec, and the wire that it makes.
 *
 * A spec that is refused says so in one line and changes nothing. One that is read stays within its
 * limits, means the same when it is read twice, and makes a wire from which no frame vanishes, nor
 * a segment of a big one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/frame.h"
#include "base/instant.h"
#include "dev/impair.h"
#include "dev/pipe.h"
#include "eth/eth_wire.h"
#include "ip/ipv4_wire.h"
#include "tcp/tcp_wire.h"

enum { FRAMES = 40, LEN = 60, SEGMENTS = 3, GSO = 1000, BIG_LEN = 14 + 20 + 20 + SEGMENTS * GSO };

static bool same(const struct impair_config *a, const struct impair_config *b)
{
    return a->loss == b->loss && a->duplicate == b->duplicate && a->reorder == b->reorder &&
           a->corrupt == b->corrupt && a->burst == b->burst && a->delay_ns == b->delay_ns &&
           a->jitter_ns == b->jitter_ns && a->rate == b->rate && a->queue == b->queue &&
           a->seed == b->seed;
}

static void check_limits(const struct impair_config *c)
{
    assert(c->delay_ns >= 0 && c->delay_ns <= 60 * NS_PER_S);
    assert(c->jitter_ns >= 0 && c->jitter_ns <= 60 * NS_PER_S);
    assert(c->rate == 0 || (c->rate >= 1000 && c->rate <= UINT64_C(1000000000000)));
    assert(c->queue <= 1 << 30);
    assert(c->burst <= 1000);
}

static void check_conservation(const struct dev *dev, enum impair_direction direction)
{
    struct impair_counters c = impair_counters(dev, direction);
    assert(c.taken + c.duplicated == c.passed + c.lost + c.rate_dropped + c.held_dropped + c.held);
}

static struct frame_meta make_big(uint8_t *octets)
{
    struct ip_addr src = ip_from_v4(0x0a000001), dst = ip_from_v4(0x0a000002);
    struct writer w = writer_of(octets, BIG_LEN);
    struct checksum c = {0};

    eth_emit(&w, &(struct eth_header){.type = ETH_TYPE_IPV4});
    ipv4_emit(&w,
              &(struct ipv4_header){.src = src, .dst = dst, .protocol = IP_PROTOCOL_TCP, .ttl = 9},
              20 + SEGMENTS * GSO);
    tcp_emit(&w, &(struct tcp_segment){.flags = TCP_ACK});
    checksum_add_pseudo(&c, src, dst, IP_PROTOCOL_TCP, 20 + SEGMENTS * GSO);
    put_be16(octets + 34 + TCP_CSUM_OFFSET, checksum_fold(c));
    return (struct frame_meta){.flags = FRAME_NEEDS_CSUM,
                               .gso_type = FRAME_GSO_TCPV4,
                               .gso_size = GSO,
                               .csum_start = 34,
                               .csum_offset = TCP_CSUM_OFFSET};
}

/* Sends frames both ways, then follows the deadlines until nothing is under way. */
static void run_wire(const struct impair_config *in, const struct impair_config *out)
{
    static const struct pipe_config config = {
        .mtu = 1500, .capacity = 1 << 20, .csum_offload = true, .big_frames = true};
    static uint8_t big[BIG_LEN];
    const struct frame_meta big_meta = make_big(big);
    const struct iovec big_iov = {big, sizeof big};
    static const struct frame_meta meta;
    struct memory memory = {0};
    struct frame_pool pool;
    struct dev *end[2];
    struct dev *dev;
    struct frame *batch[DEV_BATCH];
    uint8_t octets[LEN] = {0};
    struct iovec iov = {octets, LEN};
    instant now = {0};
    uint64_t received[2] = {0};

    if (frame_pool_init(&pool, &memory, 1 << 20) || pipe_new(&memory, &config, end) ||
        impair_new(&memory, end[0], in, out, &dev))
        abort();
    struct dev *receiver[2] = {dev, end[1]};
    /* Each step but the first has a frame that comes out, so there are not many. */
    for (int step = 0; !instant_is_never(now); step++) {
        assert(step < (1 + SEGMENTS) * 20 * FRAMES);
        for (int i = 0; step < FRAMES && i < 2; i++) {
            assert(dev_send(receiver[i], &meta, &iov, 1, now) == 0);
            assert(dev_send(receiver[i], &big_meta, &big_iov, 1, now) == 0);
        }
        dev_flush(dev, now);
        for (int i = 0; i < 2; i++) {
            int count = dev_receive(receiver[i], &pool, batch, DEV_BATCH, now);
            assert(count >= 0);
            received[i] += (uint64_t)count;
            while (count > 0)
                frame_put(batch[--count]);
        }
        check_conservation(dev, IMPAIR_IN);
        check_conservation(dev, IMPAIR_OUT);
        instant next = instant_min(dev_deadline(dev), dev_deadline(end[1]));
        now = step < FRAMES ? instant_add(now, NS_PER_MS) : next;
    }
    assert(impair_counters(dev, IMPAIR_IN).taken == (1 + SEGMENTS) * FRAMES);
    assert(impair_counters(dev, IMPAIR_OUT).taken == (1 + SEGMENTS) * FRAMES);
    assert(impair_counters(dev, IMPAIR_IN).held == 0);
    assert(impair_counters(dev, IMPAIR_OUT).held == 0);
    assert(received[0] == impair_counters(dev, IMPAIR_IN).passed);
    assert(received[1] == impair_counters(dev, IMPAIR_OUT).passed);
    dev_close(dev);
    dev_close(end[1]);
    assert(pool.out == 0);
    frame_pool_fini(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct impair_config in = {0}, out = {0};
    const struct impair_config none = {0};
    char error[120];
    char *spec = malloc(size + 1);

    memcpy(spec, data, size);
    spec[size] = '\0';
    memset(error, 'x', sizeof(error));
    if (impair_parse(spec, &in, &out, error, sizeof(error))) {
        assert(same(&in, &none) && same(&out, &none));
        assert(strnlen(error, sizeof(error)) > 10 && strnlen(error, sizeof(error)) < sizeof(error));
        assert(!strchr(error, '\n') && error[0] == '\'');
    } else {
        struct impair_config in_again = in, out_again = out;
        check_limits(&in);
        check_limits(&out);
        assert(impair_parse(spec, &in_again, &out_again, error, sizeof(error)) == 0);
        assert(same(&in, &in_again) && same(&out, &out_again));
        run_wire(&in, &out);
    }
    free(spec);
    return 0;
}
