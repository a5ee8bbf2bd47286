/*
 * fuzz_reassembly.c - any fragments in any order, against a map of what has come.
 *
 * Each five octets of input are a fragment: which of four datagrams, where it begins, how long it
 * is, whether there is more, and how much time has passed. Every octet says where it stands, so
 * that what comes out tells whether it was put together rightly. Asserted: the caps, that the books
 * balance, and that a datagram that is whole has all of its octets, each in its place.
 */
#include <stdlib.h>

#include "ip/reassembly.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER = 20, RECORD = 5, DATAGRAM = 65536 };

static void *alloc(void *context, size_t len)
{
    (void)context;
    return malloc(len);
}

static void release(void *context, void *octets, size_t len)
{
    (void)context;
    (void)len;
    free(octets);
}

static const struct env env = {.alloc = alloc, .release = release};

struct rig {
    struct memory memory;
    struct events events;
    struct wheel wheel;
    struct frame_pool frames;
    struct reassembly reassembly;
    instant now;
    uint64_t received;
};

static uint8_t octet_at(size_t offset)
{
    return (uint8_t)(offset ^ offset >> 8);
}

static void look_at(const struct reassembly_queue *q)
{
    static uint8_t whole[DATAGRAM];
    struct writer w = writer_of(whole, sizeof whole);

    reassembly_copy(q, &w);
    assert(!w.overrun && (size_t)(w.at - whole) == q->end && q->octets == q->end);
    assert(!(q->congested && q->unmarkable)); /* (RFC 3168, 5.3) */
    for (size_t i = 0; i < q->end; i++)
        assert(whole[i] == octet_at(i));
}

static void one(struct rig *rig, const uint8_t in[RECORD])
{
    struct reassembly *r = &rig->reassembly;
    struct reassembly_queue *whole;
    struct fragment f = {.key = {.src = ip_from_v4(in[0] & 3), .id = in[0] >> 2 & 1},
                         .offset = (uint32_t)(in[1] | (in[2] & 0x1f) << 8) * 8,
                         .header_len = HEADER,
                         .more = in[2] & 0x20,
                         .congested = in[0] >> 6 == 3,
                         .unmarkable = in[0] >> 6 == 0};
    size_t len = in[2] & 0x40 ? in[3] : in[3] * 8u;
    struct frame *frame = frame_get(&rig->frames, HEADER + len);

    if (!frame)
        return;
    for (size_t i = 0; i < len; i++)
        frame->data[HEADER + i] = octet_at(f.offset + i);
    frame->len = (uint32_t)(HEADER + len);
    rig->received++;
    rig->now = instant_add(rig->now, in[4] * (NS_PER_S / 8));
    for (struct timer *timer; (timer = wheel_expire(&rig->wheel, rig->now));)
        reassembly_end(r, reassembly_of_timer(timer), DROP_IP4_FRAG_TIMEOUT);
    enum drop drop = reassembly_add(r, &f, &frame, rig->now, &whole);
    if (drop)
        rig->events.counters.drops[drop]++;
    assert(!drop == !frame);
    frame_put(frame);
    if (!drop && whole) {
        look_at(whole);
        reassembly_end(r, whole, DROP_NONE);
    }
    assert(r->charged <= REASSEMBLY_MEMORY && r->queues.used <= REASSEMBLY_QUEUES);
}

static void check_books(const struct rig *rig)
{
    const struct stack_counters *c = &rig->events.counters;
    uint64_t sum = c->consumed + c->held;

    for (size_t i = 0; i < DROP_COUNT; i++)
        sum += c->drops[i];
    assert(sum == rig->received);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rig rig;

    rig = (struct rig){.memory = {.env = &env}};
    wheel_init(&rig.wheel, rig.now);
    if (events_init(&rig.events, &rig.memory, 64) ||
        frame_pool_init(&rig.frames, &rig.memory, UINT64_C(1) << 24))
        abort();
    struct reassembly_config config = {.memory = &rig.memory,
                                       .wheel = &rig.wheel,
                                       .events = &rig.events,
                                       .key = {1, 2},
                                       .seed = 3,
                                       .mtu = 1500};
    if (reassembly_init(&rig.reassembly, &config))
        abort();
    for (size_t at = 0; at + RECORD <= size; at += RECORD) {
        one(&rig, data + at);
        check_books(&rig);
    }
    reassembly_fini(&rig.reassembly);
    check_books(&rig);
    assert(rig.events.counters.held == 0 && rig.frames.out == 0);
    events_fini(&rig.events, &rig.memory);
    frame_pool_fini(&rig.frames);
    return 0;
}
