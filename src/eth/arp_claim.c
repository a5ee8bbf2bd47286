/*
 * arp_claim.c - may we have this address? And what changes when we have it, or lose it.
 *
 * Before a host takes an address that somebody has only offered, it asks the link for it, from no
 * address at all, and listens (RFC 5227, 2.1.1):
 *
 *     0 to arp.probe_wait    arp.probe_min to twice that    ...    arp.probe_last
 *     |--------------------- 1 ---------------------------- 2 ---- 3 ------------ ours
 *
 * Who speaks for it in that time has it: a packet of any kind that comes from the address. Who asks
 * for it from no address wants it too, and neither gets it; our own probes, if the link brings them
 * back, say nothing, for their hardware address is ours. While we ask, we answer nobody.
 *
 * An address that goes takes with it what is owed in its name, and the entries that only its
 * network had: without it they are not on the link.
 */
#include "eth/arp_entry.h"

/* --- before it is ours -------------------------------------------------------------------- */

void arp_claim_init(struct arp *arp)
{
    prng_seed(&arp->prng, siphash(arp->config.key, bytes_of("claim", 5)));
    timer_init(&arp->claim.timer, arp->config.timer_owner);
}

static void wait_for(struct arp *arp, int64_t ns, instant now)
{
    wheel_arm(arp->config.wheel, &arp->claim.timer, instant_add(now, ns));
}

static int64_t at_random(struct arp *arp, int64_t ns)
{
    return (int64_t)prng_below(&arp->prng, (uint64_t)ns + 1);
}

void arp_claim(struct arp *arp, struct ip_addr addr, instant now)
{
    const struct stack_values *values = arp->config.values;

    assert(ip_is_v4(addr) && !arp_is_ours(arp, addr));
    arp_claim_end(arp);
    arp->claim.addr = addr;
    arp->claim.sent = 0;
    arp->claim.state = values->arp_probes > 0 ? ADDR_CLAIM_ASKING : ADDR_CLAIM_FREE;
    if (values->arp_probes > 0)
        wait_for(arp, at_random(arp, values->arp_probe_wait), now);
}

void arp_claim_end(struct arp *arp)
{
    wheel_disarm(arp->config.wheel, &arp->claim.timer);
    arp->claim.owed = false;
    arp->claim.state = ADDR_CLAIM_NONE;
}

enum addr_claim arp_claim_state(const struct arp *arp)
{
    return arp->claim.state;
}

void arp_claim_timer(struct arp *arp, instant now)
{
    (void)now;
    assert(arp->claim.state == ADDR_CLAIM_ASKING);
    if (arp->claim.sent < arp->config.values->arp_probes)
        arp->claim.owed = true;
    else
        arp->claim.state = ADDR_CLAIM_FREE;
}

void arp_claim_sent(struct arp *arp, instant now)
{
    const struct stack_values *values = arp->config.values;

    arp->claim.owed = false;
    if (++arp->claim.sent < values->arp_probes)
        wait_for(arp, values->arp_probe_min + at_random(arp, values->arp_probe_min), now);
    else
        wait_for(arp, values->arp_probe_last, now);
}

bool arp_claim_hears(struct arp *arp, const struct arp_packet *packet)
{
    struct arp_claim *claim = &arp->claim;

    if (claim->state != ADDR_CLAIM_ASKING)
        return false;
    bool is_probe = packet->op == ARP_REQUEST && ip_is_unspecified(packet->spa);
    if (!ip_equal(packet->spa, claim->addr) && !(is_probe && ip_equal(packet->tpa, claim->addr)))
        return false;
    arp_claim_end(arp);
    claim->state = ADDR_CLAIM_TAKEN;
    events_note(arp->config.events, WHY_ARP_TAKEN);
    return true;
}

/* --- once it is, and afterwards ----------------------------------------------------------- */

void arp_address_added(struct arp *arp, int index, instant now)
{
    assert(index == arp->config.addr_count && index < STACK_ADDRS);
    arp->config.addr_count++;
    arp->defended[index] = ARP_NOT_YET;
    arp_announce(arp, now);
}

/* A bit for each address: that of `index` is gone, and those above it have moved down. */
static uint32_t without_bit(uint32_t bits, int index)
{
    uint32_t below = (1u << index) - 1;

    return (bits & below) | ((bits >> 1) & ~below);
}

static void forget_answers(struct arp *arp)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < arp->answer_count; i++) {
        struct arp_answer answer = arp->answer[(arp->answer_first + i) % ARP_ANSWERS];
        if (arp_is_ours(arp, answer.ours))
            arp->answer[(arp->answer_first + kept++) % ARP_ANSWERS] = answer;
    }
    arp->answer_count = kept;
}

static void forget_off_link(struct arp *arp, instant now)
{
    for (uint32_t i = 0; i < arp->bucket_count; i++) {
        struct arp_entry *next;
        for (struct arp_entry *entry = arp->buckets[i]; entry; entry = next) {
            next = entry->next;
            if (!arp_is_on_link(arp, entry->addr))
                arp_entry_remove(arp, entry, now);
        }
    }
}

void arp_address_removed(struct arp *arp, int index, instant now)
{
    int behind = arp->config.addr_count - 1 - index;

    assert(index >= 0 && behind >= 0);
    arp->config.addr_count--;
    arp->announce = without_bit(arp->announce, index);
    arp->defend = without_bit(arp->defend, index);
    memmove(&arp->defended[index], &arp->defended[index + 1],
            (size_t)behind * sizeof arp->defended[0]);
    if (arp->config.addr_count == 0) {
        wheel_disarm(arp->config.wheel, &arp->announce_timer);
        arp->announce_again = 0;
    }
    forget_answers(arp);
    forget_off_link(arp, now);
}

static void drop_held(struct arp *arp, struct arp_entry *entry,
                      bool (*goes)(const struct frame *, struct ip_addr), struct ip_addr about)
{
    struct frame *all = entry->waiting;

    entry->waiting = entry->waiting_last = NULL;
    entry->waiting_count = 0;
    while (all) {
        struct frame *frame = all;
        all = frame->next;
        frame->next = NULL;
        if (goes(frame, about)) {
            frame_put(frame);
            events_count(arp->config.events, COUNTER_ARP_QUEUE_DROP);
        } else {
            arp_waiting_append(entry, frame);
        }
    }
    if (!entry->waiting && entry->state != ARP_STATE_FAILED)
        list_remove(&entry->news); /* nothing is to be released */
}

void arp_drop_held(struct arp *arp, bool (*goes)(const struct frame *, struct ip_addr),
                   struct ip_addr about)
{
    for (uint32_t i = 0; i < arp->bucket_count; i++) {
        for (struct arp_entry *entry = arp->buckets[i]; entry; entry = entry->next)
            if (entry->waiting)
                drop_held(arp, entry, goes, about);
    }
}

void arp_set_gateway(struct arp *arp, struct ip_addr gateway)
{
    const struct ip_addr concerned[] = {arp->config.gateway, gateway};

    arp->config.gateway = gateway;
    for (size_t i = 0; i < ARRAY_LEN(concerned); i++) {
        struct arp_entry *entry = arp_find(arp, concerned[i]);
        if (entry)
            arp_entry_place(arp, entry);
    }
}
