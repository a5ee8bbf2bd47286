/*
 * fuzz_arp.c - any octets as an ARP packet, and a cache that lives through a script of them.
 *
 * The input is a list of steps: a packet made from a few octets, raw octets, a lookup with a packet
 * that waits, a while of time, a device that takes or refuses, advice of the upper layers. A model
 * beside the cache knows when each address was last asked for. Asserted after each step: entries,
 * waiting packets and answers are within their caps; no address is asked for twice within an
 * interval; an answer goes to one station and is about our address; no entry is ours, and none is
 * for a group; and at the end no frame, no timer and no octet of memory is left.
 */
#include <stdlib.h>

#include "eth/arp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HOSTS = 256, ENTRIES = 8, OWNER = 9, OUR_HOST = 2, GATEWAY_HOST = 1 };

/* Octets of script that are read: what matters shows in some fifty steps. */
enum { SCRIPT_MOST = 256 };

static const struct mac_addr our_mac = {{0x02, 0, 0x5e, 0x10, 0, 1}};

struct world {
    struct reader script;
    size_t octets_out;
    struct env env;
    struct memory memory;
    struct events events;
    struct wheel wheel;
    struct frame_pool frames;
    struct stack_values values;
    struct ip_prefix addr;
    struct arp arp;
    instant now;
    instant asked[HOSTS];
};

static void *count_alloc(void *context, size_t len)
{
    size_t *octets_out = context;
    *octets_out += len;
    return calloc(1, len);
}

static void count_release(void *context, void *octets, size_t len)
{
    size_t *octets_out = context;
    if (!octets)
        return;
    assert(*octets_out >= len);
    *octets_out -= len;
    free(octets);
}

static struct ip_addr host(uint8_t number)
{
    return ip_from_v4(0x0a090000u | number);
}

static uint8_t number_of(struct ip_addr addr)
{
    return (uint8_t)ip_to_v4(addr);
}

/* --- what always holds -------------------------------------------------------------------- */

static void check(struct world *world)
{
    const struct arp *arp = &world->arp;

    assert(arp->entries.used <= ENTRIES);
    assert(arp->answer_count <= ARP_ANSWERS);
    assert(arp->incomplete <= arp->entries.used);
    assert(world->frames.out <= (uint64_t)(ENTRIES * world->values.arp_queue));
    assert(!arp_state_name(arp, host(OUR_HOST)));
    assert(!arp_state_name(arp, host(0)) && !arp_state_name(arp, host(255)));
    assert(!arp_state_name(arp, ip_from_v4(0)));
    assert(world->wheel.armed == arp_timers(arp));
    assert(arp_timers(arp) <= arp->entries.used + 1);
}

static void check_packet(struct world *world, const struct arp_packet *packet, struct mac_addr dst,
                         enum why why)
{
    uint8_t octets[ARP_LEN];
    struct arp_packet again;
    struct writer w = writer_of(octets, sizeof(octets));

    arp_emit(&w, packet);
    assert(arp_parse(bytes_of(octets, ARP_LEN), &again) == DROP_NONE);
    assert(memcmp(&again, packet, sizeof(again)) == 0);
    assert(mac_equal(packet->sha, our_mac) && ip_equal(packet->spa, host(OUR_HOST)));
    if (packet->op == ARP_REPLY) {
        assert(why == WHY_ARP_REPLY && !mac_is_group(dst) && mac_equal(packet->tha, dst));
        return;
    }
    assert(packet->op == ARP_REQUEST && mac_is_zero(packet->tha));
    if (ip_equal(packet->tpa, packet->spa)) {
        assert(mac_equal(dst, MAC_BROADCAST));
        assert(why == WHY_ARP_ANNOUNCE || why == WHY_ARP_DEFEND);
        return;
    }
    assert(mac_equal(dst, MAC_BROADCAST) == (why == WHY_ARP_REQUEST));
    assert(why == WHY_ARP_REQUEST || (why == WHY_ARP_PROBE && !mac_is_group(dst)));
    instant *asked = &world->asked[number_of(packet->tpa)];
    assert(asked->ns < 0 || instant_since(world->now, *asked) >= world->values.arp_interval);
    *asked = world->now;
}

/* --- steps -------------------------------------------------------------------------------- */

static void hear_packet(struct world *world, uint8_t kind)
{
    uint8_t mac = read_u8(&world->script);
    struct arp_packet packet = {
        .op = kind & 0x40   ? 3
              : kind & 0x20 ? ARP_REPLY
                            : ARP_REQUEST,
        .sha = {{0x02, 0, 0, 0, 0, mac & 3}},
        .spa = host(read_u8(&world->script)),
        .tpa = host(read_u8(&world->script)),
    };
    struct mac_addr src = packet.sha;

    if (mac & 0x80)
        src.octet[5] ^= mac & 0x04;
    if (mac & 0x40)
        packet.spa = ip_from_v4(0);
    enum drop drop = arp_input(&world->arp, &packet, src, world->now);
    assert(drop == DROP_NONE || drop == DROP_ARP_BAD || drop == DROP_ARP_BAD_SENDER);
    assert(packet.op != 3 || drop != DROP_NONE);
}

static void hear_octets(struct world *world)
{
    struct bytes in = read_bytes(&world->script, read_u8(&world->script) % 40);
    struct arp_packet packet;
    uint8_t again[ARP_LEN];

    if (arp_parse(in, &packet))
        return;
    assert(in.len >= ARP_LEN && ip_is_v4(packet.spa) && ip_is_v4(packet.tpa));
    struct writer w = writer_of(again, sizeof(again));
    arp_emit(&w, &packet);
    assert(w.left == 0 && memcmp(again, in.at, ARP_LEN) == 0);
    enum drop drop = arp_input(&world->arp, &packet, packet.sha, world->now);
    assert(drop == DROP_NONE || drop == DROP_ARP_BAD || drop == DROP_ARP_BAD_SENDER);
}

static void send_to(struct world *world, uint8_t number)
{
    struct mac_addr mac;

    if (number == OUR_HOST || number == 0 || number == 255)
        return; /* route_lookup() sends none of these to ARP */
    switch (arp_resolve(&world->arp, host(number), world->now, &mac)) {
    case ARP_KNOWN:
        assert(!mac_is_group(mac) && !mac_is_zero(mac) && !mac_equal(mac, our_mac));
        break;
    case ARP_PENDING: {
        struct frame *frame = frame_get(&world->frames, 60);
        assert(frame);
        arp_hold(&world->arp, host(number), frame);
        break;
    }
    case ARP_FAILED:
        break;
    }
}

static void drain(struct world *world)
{
    struct mac_addr dst;
    struct ip_addr addr;

    for (struct frame *frame; (frame = arp_next_released(&world->arp, &dst));) {
        assert(!mac_is_group(dst) && !mac_is_zero(dst) && !frame->next);
        frame_put(frame);
    }
    while (arp_next_failed(&world->arp, &addr))
        assert(strcmp(arp_state_name(&world->arp, addr), "failed") == 0);
}

static void pay(struct world *world, int count)
{
    struct arp_packet packet;
    struct mac_addr dst;
    enum why why;

    while (count-- > 0 && arp_next_packet(&world->arp, world->now, &packet, &dst, &why)) {
        check_packet(world, &packet, dst, why);
        arp_packet_sent(&world->arp, world->now);
    }
}

static void wind(struct world *world, int64_t ns)
{
    world->now = instant_add(world->now, ns);
    for (struct timer *timer; (timer = wheel_expire(&world->wheel, world->now));) {
        assert(timer->owner == OWNER);
        arp_timer(&world->arp, timer, world->now);
    }
}

static void step(struct world *world)
{
    uint8_t what = read_u8(&world->script);

    switch (what % 8) {
    case 0:
    case 1:
        hear_packet(world, what);
        break;
    case 2:
        send_to(world, read_u8(&world->script));
        break;
    case 3:
        wind(world, read_u8(&world->script) * (what & 0x80 ? NS_PER_S : 20 * NS_PER_MS));
        break;
    case 4:
        pay(world, what & 0x80 ? INT32_MAX : 1);
        break;
    case 5:
        if (what & 0x80)
            arp_doubt(&world->arp, host(read_u8(&world->script)), world->now);
        else
            arp_confirm(&world->arp, host(read_u8(&world->script)), world->now);
        break;
    case 6:
        if (what & 0x80)
            arp_announce(&world->arp, world->now);
        else
            hear_octets(world);
        break;
    case 7:
        drain(world);
        break;
    }
    check(world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;

    world = (struct world){.script = reader_of(bytes_first(bytes_of(data, size), SCRIPT_MOST)),
                           .now = {NS_PER_S}};
    world.env =
        (struct env){.context = &world.octets_out, .alloc = count_alloc, .release = count_release};
    world.memory.env = &world.env;
    world.addr = (struct ip_prefix){host(OUR_HOST), 24};
    for (size_t i = 0; i < HOSTS; i++)
        world.asked[i] = (instant){-1};
    values_default(&world.values);
    world.values.arp_entries = ENTRIES;
    wheel_init(&world.wheel, world.now);
    int err = events_init(&world.events, &world.memory, 16);
    assert(!err);
    err = frame_pool_init(&world.frames, &world.memory, 1 << 20);
    assert(!err);
    struct arp_config config = {
        .memory = &world.memory,
        .events = &world.events,
        .wheel = &world.wheel,
        .timer_owner = OWNER,
        .values = &world.values,
        .mac = our_mac,
        .addrs = &world.addr,
        .addr_count = 1,
        .gateway = host(GATEWAY_HOST),
        .key = {5, 6},
    };
    err = arp_init(&world.arp, &config);
    assert(!err);

    for (int steps = 0; world.script.rest.len > 0 && steps < 2000; steps++)
        step(&world);

    /* Left alone, the cache empties itself. */
    for (int i = 0; i < 400; i++) {
        pay(&world, INT32_MAX);
        drain(&world);
        wind(&world, NS_PER_S);
    }
    assert(world.arp.entries.used == 0 && world.wheel.armed == 0 && world.frames.out == 0);
    arp_fini(&world.arp);
    frame_pool_fini(&world.frames);
    events_fini(&world.events, &world.memory);
    assert(world.octets_out == 0);
    return 0;
}
