/*
 * arp.c - the ARP cache: entries, how they age, and the packets that wait for them.
 *
 * RFC 826 has a table and no time; RFC 1122, 2.3.2 adds that entries must not outlive the truth,
 * that requests must not flood the link, and that a packet should survive being the first. The
 * states are those that RFC 4861, 7.3.2 later gave to IPv6, because they answer just that, and one
 * for failure:
 *
 *     INCOMPLETE  asked for by broadcast   answered: REACHABLE    tries over: FAILED
 *     REACHABLE   known to be right        doubted: PROBE         lifetime over: PROBE or STALE
 *     STALE       old, and not in use      used: DELAY            lifetime over: forgotten
 *     DELAY       old, and in use again    confirmed: REACHABLE   a second over: PROBE
 *     PROBE       the station is asked     confirmed: REACHABLE   tries over: INCOMPLETE
 *     FAILED      nobody answered          heard of: REACHABLE    a while over: forgotten
 *
 * Packets go out in all states but INCOMPLETE, where they wait, and FAILED, where the caller is
 * told at once. An entry is confirmed by any ARP packet from its station and by the upper layers'
 * word that what they send arrives (arp_confirm()).
 *
 * Rate. One function, ask(), decides when a request may leave: an interval after the last one to
 * the same address, whatever that one was for (RFC 1122, 2.3.2.1). Tries and timers start to count
 * when the device has really taken the request.
 *
 * What entries are made of, and who must go when there is no room, is in arp_table.c; what the link
 * says in arp_input.c; what is owed to it in arp_owed.c.
 */
#include "eth/arp.h"

#include <errno.h>

#include "eth/arp_entry.h"

/* How long an old entry in use waits for the upper layers to confirm it. */
static const int64_t delay_time = 1 * NS_PER_S;

bool arp_is_ours(const struct arp *arp, struct ip_addr addr)
{
    for (int i = 0; i < arp->config.addr_count; i++)
        if (ip_equal(arp->config.addrs[i].addr, addr))
            return true;
    return false;
}

static void timer_in(struct arp *arp, struct arp_entry *entry, int64_t ns, instant now)
{
    arp_entry_arm(arp, entry, instant_add(now, ns), now);
}

/* --- asking ------------------------------------------------------------------------------- */

/* Lets the entry owe a request now, or sets its timer for when it may. */
static void ask(struct arp *arp, struct arp_entry *entry, instant now)
{
    int64_t interval = arp->config.values->arp_interval;

    assert(entry->state == ARP_STATE_INCOMPLETE || entry->state == ARP_STATE_PROBE);
    if (arp_was_within(entry->requested, interval, now))
        arp_entry_arm(arp, entry, instant_add(entry->requested, interval), now);
    else if (!list_is_linked(&entry->owing))
        list_append(&arp->owing, &entry->owing);
}

static void entry_search(struct arp *arp, struct arp_entry *entry, instant now)
{
    arp_entry_set_state(arp, entry, ARP_STATE_INCOMPLETE, now);
    ask(arp, entry, now);
}

void arp_entry_probe(struct arp *arp, struct arp_entry *entry, instant now)
{
    arp_entry_set_state(arp, entry, ARP_STATE_PROBE, now);
    ask(arp, entry, now);
}

void arp_entry_confirm(struct arp *arp, struct arp_entry *entry, instant now)
{
    entry->confirmed = now;
    if (entry->state == ARP_STATE_REACHABLE)
        return; /* the timer will see that the lifetime has begun anew */
    if (entry->state == ARP_STATE_INCOMPLETE)
        entry->used = now; /* who asked is about to send */
    arp_entry_set_state(arp, entry, ARP_STATE_REACHABLE, now);
    timer_in(arp, entry, arp->config.values->arp_lifetime, now);
}

/* Nobody has the address. That is remembered for as long as asking took, so that senders who do not
 * give up cause at most half of the requests. */
static void entry_fail(struct arp *arp, struct arp_entry *entry, instant now)
{
    const struct stack_values *values = arp->config.values;

    arp_waiting_drop(arp, entry);
    entry->used = ARP_NOT_YET;
    arp_entry_set_state(arp, entry, ARP_STATE_FAILED, now);
    list_append(&arp->failed, &entry->news);
    timer_in(arp, entry, values->arp_interval * values->arp_tries, now);
}

/* A fresh entry's lifetime may be over. One in use is verified (RFC 1122, 2.3.2.1 (2)); one that
 * is not may rest. */
static void reachable_timer(struct arp *arp, struct arp_entry *entry, instant now)
{
    int64_t lifetime = arp->config.values->arp_lifetime;

    if (arp_was_within(entry->confirmed, lifetime, now)) {
        arp_entry_arm(arp, entry, instant_add(entry->confirmed, lifetime), now);
    } else if (instant_before(entry->confirmed, entry->used)) {
        arp_entry_probe(arp, entry, now);
    } else {
        arp_entry_set_state(arp, entry, ARP_STATE_STALE, now);
        timer_in(arp, entry, lifetime, now);
    }
}

/* A probe may leave now, or has gone unanswered. */
static void probe_timer(struct arp *arp, struct arp_entry *entry, instant now)
{
    if (entry->has_candidate && entry->tries > 0) {
        entry->mac = entry->candidate; /* the old station had its chance to object */
        arp_entry_confirm(arp, entry, now);
    } else if (entry->tries < arp->config.values->arp_tries) {
        ask(arp, entry, now);
    } else {
        entry_search(arp, entry, now); /* it may have moved to another station */
    }
}

void arp_timer(struct arp *arp, struct timer *timer, instant now)
{
    if (timer == &arp->announce_timer) {
        arp_announce_timer(arp);
        return;
    }
    if (timer == &arp->claim.timer) {
        arp_claim_timer(arp, now);
        return;
    }
    struct arp_entry *entry = CONTAINER_OF(timer, struct arp_entry, timer);
    events_timer_fired(arp->config.events, 0, TIMER_NEIGHBOUR, now);
    switch (entry->state) {
    case ARP_STATE_INCOMPLETE:
        if (entry->tries < arp->config.values->arp_tries)
            ask(arp, entry, now);
        else
            entry_fail(arp, entry, now);
        break;
    case ARP_STATE_REACHABLE:
        reachable_timer(arp, entry, now);
        break;
    case ARP_STATE_DELAY:
        arp_entry_probe(arp, entry, now);
        break;
    case ARP_STATE_PROBE:
        probe_timer(arp, entry, now);
        break;
    case ARP_STATE_STALE:
    case ARP_STATE_FAILED:
        arp_entry_remove(arp, entry, now);
        break;
    }
}

/* --- for those who send ------------------------------------------------------------------- */

/* Starts to ask for an address that is not in the cache. */
static enum arp_result resolve_new(struct arp *arp, struct ip_addr next_hop, instant now)
{
    bool is_gateway = ip_equal(next_hop, arp->config.gateway);

    if (arp->incomplete >= arp->entries.cap / 2 && !is_gateway) {
        events_count(arp->config.events, COUNTER_ARP_FULL);
        return ARP_FAILED;
    }
    struct arp_entry *entry = arp_entry_new(arp, next_hop, now);
    if (!entry)
        return ARP_FAILED;
    entry_search(arp, entry, now);
    return ARP_PENDING;
}

/* Of a burst, all packets go to one station, which the table is asked for once. */
static struct arp_entry *find_hop(struct arp *arp, struct ip_addr next_hop)
{
    if (!arp->resolved || !ip_equal(arp->resolved->addr, next_hop))
        arp->resolved = arp_find(arp, next_hop);
    return arp->resolved;
}

enum arp_result arp_resolve(struct arp *arp, struct ip_addr next_hop, instant now,
                            struct mac_addr *out)
{
    assert(ip_is_v4(next_hop) && !ip_is_multicast(next_hop) && !ip_is_unspecified(next_hop));
    struct arp_entry *entry = find_hop(arp, next_hop);
    if (!entry)
        return resolve_new(arp, next_hop, now);

    switch (entry->state) {
    case ARP_STATE_INCOMPLETE:
        return ARP_PENDING;
    case ARP_STATE_FAILED:
        return ARP_FAILED;
    case ARP_STATE_STALE:
        arp_entry_set_state(arp, entry, ARP_STATE_DELAY, now);
        timer_in(arp, entry, delay_time, now);
        break;
    case ARP_STATE_REACHABLE:
    case ARP_STATE_DELAY:
    case ARP_STATE_PROBE:
        break;
    }
    arp_entry_use(arp, entry, now);
    *out = entry->mac;
    return ARP_KNOWN;
}

void arp_hold(struct arp *arp, struct ip_addr next_hop, struct frame *frame)
{
    struct arp_entry *entry = arp_find(arp, next_hop);

    assert(entry && entry->state == ARP_STATE_INCOMPLETE);
    assert(frame->refs == 1 && !frame->next);
    while (entry->waiting_count >= arp->config.values->arp_queue) {
        frame_put(arp_waiting_take(entry));
        events_count(arp->config.events, COUNTER_ARP_QUEUE_DROP);
    }
    arp_waiting_append(entry, frame);
}

uint32_t arp_await(struct arp *arp, struct ip_addr next_hop)
{
    struct arp_entry *entry = find_hop(arp, next_hop);

    assert(entry && entry->state == ARP_STATE_INCOMPLETE);
    entry->awaited = true;
    return pool_index(&arp->entries, entry);
}

struct frame *arp_next_released(struct arp *arp, struct mac_addr *dst)
{
    if (list_is_empty(&arp->released))
        return NULL;
    struct arp_entry *entry = CONTAINER_OF(arp->released.next, struct arp_entry, news);
    struct frame *frame = arp_waiting_take(entry);
    if (!entry->waiting)
        list_remove(&entry->news);
    *dst = entry->mac;
    return frame;
}

bool arp_next_failed(struct arp *arp, struct ip_addr *addr)
{
    struct list *node = list_take(&arp->failed);

    if (!node)
        return false;
    *addr = CONTAINER_OF(node, struct arp_entry, news)->addr;
    return true;
}

void arp_confirm(struct arp *arp, struct ip_addr next_hop, instant now)
{
    struct arp_entry *entry = arp_find(arp, next_hop);

    /* Where we could not have sent to, nothing can have arrived. */
    if (entry && entry->state != ARP_STATE_INCOMPLETE && entry->state != ARP_STATE_FAILED)
        arp_entry_confirm(arp, entry, now);
}

void arp_doubt(struct arp *arp, struct ip_addr next_hop, instant now)
{
    struct arp_entry *entry = arp_find(arp, next_hop);

    if (entry && (entry->state == ARP_STATE_REACHABLE || entry->state == ARP_STATE_STALE ||
                  entry->state == ARP_STATE_DELAY))
        arp_entry_probe(arp, entry, now);
}

/* --- the whole ---------------------------------------------------------------------------- */

int arp_init(struct arp *arp, const struct arp_config *config)
{
    uint32_t cap = (uint32_t)config->values->arp_entries;

    assert(config->addr_count <= STACK_ADDRS);
    *arp = (struct arp){.config = *config, .bucket_count = 1};
    while (arp->bucket_count < cap)
        arp->bucket_count *= 2;
    list_init(&arp->unused);
    list_init(&arp->used);
    list_init(&arp->owing);
    list_init(&arp->released);
    list_init(&arp->failed);
    list_init(&arp->settled);
    timer_init(&arp->announce_timer, config->timer_owner);
    arp_claim_init(arp);
    for (size_t i = 0; i < ARRAY_LEN(arp->defended); i++)
        arp->defended[i] = ARP_NOT_YET;

    int err = pool_init(&arp->entries, config->memory, "arp", sizeof(struct arp_entry), cap);
    if (err)
        return err;
    arp->buckets = memory_alloc(config->memory, arp->bucket_count * sizeof(struct arp_entry *));
    if (!arp->buckets) {
        pool_fini(&arp->entries);
        return -ENOMEM;
    }
    return 0;
}

void arp_fini(struct arp *arp)
{
    wheel_disarm(arp->config.wheel, &arp->announce_timer);
    wheel_disarm(arp->config.wheel, &arp->claim.timer);
    for (uint32_t i = 0; i < arp->bucket_count; i++) {
        for (struct arp_entry *entry = arp->buckets[i]; entry; entry = entry->next) {
            wheel_disarm(arp->config.wheel, &entry->timer);
            for (struct frame *frame; (frame = arp_waiting_take(entry));)
                frame_put(frame);
        }
    }
    memory_release(arp->config.memory, arp->buckets,
                   arp->bucket_count * sizeof(struct arp_entry *));
    pool_fini(&arp->entries);
}
