/*
 * arp_table.c - the entries of the ARP cache: finding, keeping and evicting them.
 *
 * The cache has a cap, and strangers fill it: each host that asks for us becomes an entry. So
 * entries live in two queues, those that nobody here ever sent to and those that somebody did, and
 * are evicted from the front: first of the former, then of the latter if nobody has used it for a
 * while. The gateway's entry and those that are being asked for are in no queue. Requests of our
 * own that strangers provoke (by packets from addresses that do not exist) fill at most half of the
 * cache; arp_resolve() sees to that.
 *
 * Who waits outside for an entry (arp_await()) is told when it is asked for no more. An entry that
 * is forgotten before keeps its place until then, and with it its number.
 *
 * Finding an entry is a keyed hash and a short chain; all queues are lists. Nothing here takes
 * longer because the cache is full.
 */
#include "eth/arp_entry.h"

/* An entry that was sent to within this time counts as in use and is not evicted. */
static const int64_t in_use_time = 10 * NS_PER_S;

static const char *state_name(enum arp_state state)
{
    switch (state) {
    case ARP_STATE_INCOMPLETE:
        return "incomplete";
    case ARP_STATE_REACHABLE:
        return "reachable";
    case ARP_STATE_STALE:
        return "stale";
    case ARP_STATE_DELAY:
        return "delay";
    case ARP_STATE_PROBE:
        return "probe";
    case ARP_STATE_FAILED:
        return "failed";
    }
    assert(false);
    return NULL;
}

static struct arp_entry **bucket_of(const struct arp *arp, struct ip_addr addr)
{
    uint64_t hash = siphash(arp->config.key, bytes_of(addr.octet, sizeof(addr.octet)));
    return &arp->buckets[hash & (arp->bucket_count - 1)];
}

struct arp_entry *arp_find(const struct arp *arp, struct ip_addr addr)
{
    for (struct arp_entry *e = *bucket_of(arp, addr); e; e = e->next)
        if (ip_equal(e->addr, addr))
            return e;
    return NULL;
}

const char *arp_state_name(const struct arp *arp, struct ip_addr addr)
{
    const struct arp_entry *entry = arp_find(arp, addr);
    return entry ? state_name(entry->state) : NULL;
}

static void tell(struct arp *arp, struct ip_addr addr, const char *state, instant now)
{
    struct event event = {
        .type = EVENT_NEIGHBOUR,
        .when = now,
        .neighbour = {.addr = addr, .state = state},
    };
    events_emit(arp->config.events, &event);
}

/* Puts an entry where evicting looks for it. Those in use stay in the order of their last use. */
void arp_entry_place(struct arp *arp, struct arp_entry *entry)
{
    bool was_used = entry->used.ns != ARP_NOT_YET.ns;

    if (entry->state == ARP_STATE_INCOMPLETE || ip_equal(entry->addr, arp->config.gateway)) {
        list_remove(&entry->idle);
    } else if (!was_used) {
        list_remove(&entry->idle);
        list_append(&arp->unused, &entry->idle);
    } else if (!list_is_linked(&entry->idle)) {
        list_append(&arp->used, &entry->idle);
    }
}

void arp_entry_arm(struct arp *arp, struct arp_entry *entry, instant at, instant now)
{
    wheel_arm(arp->config.wheel, &entry->timer, at);
    events_timer(arp->config.events, 0, TIMER_NEIGHBOUR, at, now);
}

void arp_entry_use(struct arp *arp, struct arp_entry *entry, instant now)
{
    entry->used = now;
    list_remove(&entry->idle);
    arp_entry_place(arp, entry);
}

/* Nobody asks for it any more: who waits outside will hear it. */
static void settle(struct arp *arp, struct arp_entry *entry)
{
    if (!entry->awaited)
        return;
    entry->awaited = false;
    if (!list_is_linked(&entry->settled))
        list_append(&arp->settled, &entry->settled);
}

void arp_entry_set_state(struct arp *arp, struct arp_entry *entry, enum arp_state state,
                         instant now)
{
    if (entry->state == ARP_STATE_INCOMPLETE)
        arp->incomplete--;
    if (state == ARP_STATE_INCOMPLETE)
        arp->incomplete++;
    entry->state = state;
    entry->tries = 0;
    entry->has_candidate = false;
    list_remove(&entry->owing);
    list_remove(&entry->news);
    if (entry->waiting && state != ARP_STATE_INCOMPLETE)
        list_append(&arp->released, &entry->news);
    if (state != ARP_STATE_INCOMPLETE)
        settle(arp, entry);
    wheel_disarm(arp->config.wheel, &entry->timer);
    arp_entry_place(arp, entry);
    tell(arp, entry->addr, state_name(state), now);
}

void arp_waiting_append(struct arp_entry *entry, struct frame *frame)
{
    if (entry->waiting)
        entry->waiting_last->next = frame;
    else
        entry->waiting = frame;
    entry->waiting_last = frame;
    entry->waiting_count++;
}

struct frame *arp_waiting_take(struct arp_entry *entry)
{
    struct frame *frame = entry->waiting;

    if (!frame)
        return NULL;
    entry->waiting = frame->next;
    frame->next = NULL;
    entry->waiting_count--;
    return frame;
}

void arp_waiting_drop(struct arp *arp, struct arp_entry *entry)
{
    struct frame *frame;

    while ((frame = arp_waiting_take(entry))) {
        frame_put(frame);
        events_count(arp->config.events, COUNTER_ARP_QUEUE_DROP);
    }
}

void arp_entry_remove(struct arp *arp, struct arp_entry *entry, instant now)
{
    struct arp_entry **at = bucket_of(arp, entry->addr);

    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    if (entry->state == ARP_STATE_INCOMPLETE)
        arp->incomplete--;
    arp_waiting_drop(arp, entry);
    list_remove(&entry->idle);
    list_remove(&entry->owing);
    list_remove(&entry->news);
    wheel_disarm(arp->config.wheel, &entry->timer);
    if (arp->resolved == entry)
        arp->resolved = NULL;
    tell(arp, entry->addr, "gone", now);
    settle(arp, entry);
    entry->is_gone = list_is_linked(&entry->settled);
    if (!entry->is_gone)
        pool_put(&arp->entries, entry);
}

bool arp_next_settled(struct arp *arp, uint32_t *station)
{
    struct list *node = list_take(&arp->settled);

    if (!node)
        return false;
    struct arp_entry *entry = CONTAINER_OF(node, struct arp_entry, settled);
    *station = pool_index(&arp->entries, entry);
    if (entry->is_gone)
        pool_put(&arp->entries, entry);
    return true;
}

bool arp_is_awaited(const struct arp *arp, uint32_t station)
{
    const struct arp_entry *entry = pool_at(&arp->entries, station);

    return entry && (entry->awaited || list_is_linked(&entry->settled));
}

/* Nobody has sent there for a while, nor have we asked so lately that forgetting it would let us
 * ask again too soon. */
static bool is_evictable(const struct arp *arp, const struct arp_entry *entry, instant now)
{
    return !arp_was_within(entry->used, in_use_time, now) &&
           !arp_was_within(entry->requested, arp->config.values->arp_interval, now);
}

/* Frees one entry, if one may go. Each queue's first is its oldest, so looking at two is enough. */
static bool evict(struct arp *arp, instant now)
{
    struct list *queue[] = {&arp->unused, &arp->used};

    for (size_t i = 0; i < ARRAY_LEN(queue); i++) {
        if (list_is_empty(queue[i]))
            continue;
        struct arp_entry *first = CONTAINER_OF(queue[i]->next, struct arp_entry, idle);
        if (is_evictable(arp, first, now)) {
            arp_entry_remove(arp, first, now);
            events_count(arp->config.events, COUNTER_ARP_EVICTED);
            return true;
        }
    }
    return false;
}

struct arp_entry *arp_entry_new(struct arp *arp, struct ip_addr addr, instant now)
{
    struct arp_entry *entry = pool_get(&arp->entries);

    if (!entry && evict(arp, now))
        entry = pool_get(&arp->entries);
    if (!entry) {
        events_count(arp->config.events, COUNTER_ARP_FULL);
        return NULL;
    }
    struct arp_entry **bucket = bucket_of(arp, addr);
    *entry = (struct arp_entry){
        .next = *bucket,
        .addr = addr,
        .state = ARP_STATE_STALE, /* until the caller knows better, in a moment */
        .requested = ARP_NOT_YET,
        .confirmed = ARP_NOT_YET,
        .used = ARP_NOT_YET,
    };
    *bucket = entry;
    timer_init(&entry->timer, arp->config.timer_owner);
    list_init(&entry->idle);
    list_init(&entry->owing);
    list_init(&entry->news);
    list_init(&entry->settled);
    return entry;
}

uint32_t arp_timers(const struct arp *arp)
{
    uint32_t armed = timer_is_armed(&arp->announce_timer);

    armed += timer_is_armed(&arp->claim.timer);

    for (uint32_t i = 0; i < arp->bucket_count; i++) {
        for (const struct arp_entry *entry = arp->buckets[i]; entry; entry = entry->next)
            armed += timer_is_armed(&entry->timer);
    }
    return armed;
}

bool arp_has_room(const struct arp *arp, struct ip_addr next_hop)
{
    const struct arp_entry *entry = arp_find(arp, next_hop);

    return entry && entry->waiting_count < arp->config.values->arp_queue;
}
