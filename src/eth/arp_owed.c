/*
 * arp_owed.c - what the cache wants to send, and in which order.
 *
 * Five debts: answers to those who asked, a defence of our address, announcements, a probe for an
 * address that we would like to have, and requests of our own. They are paid in that order, because
 * an answer that comes late makes its asker ask again, and the others have timers. A debt is shown
 * by arp_next_packet() and gone after arp_packet_sent(), so a device that is full costs nothing but
 * time.
 *
 * Answers are the only debts that strangers can pile up. They wait in a ring; what does not fit is
 * dropped and counted. All others are bits or list nodes and are bounded by what they belong to.
 */
#include "eth/arp_entry.h"

enum {
    PEEKED_NOTHING,
    PEEKED_ANSWER,
    PEEKED_DEFENCE,
    PEEKED_ANNOUNCEMENT,
    PEEKED_CLAIM,
    PEEKED_REQUEST
};

static const int64_t announce_interval = 2 * NS_PER_S; /* RFC 5227, 1.1 */

/* --- noting ------------------------------------------------------------------------------- */

void arp_owe_answer(struct arp *arp, const struct arp_packet *request)
{
    if (arp->answer_count == ARP_ANSWERS) {
        events_count(arp->config.events, COUNTER_REPLY_DROP);
        return;
    }
    arp->answer[(arp->answer_first + arp->answer_count++) % ARP_ANSWERS] = (struct arp_answer){
        .to = request->sha,
        .asker = request->spa,
        .ours = request->tpa,
    };
}

/* The octets of a station's address as a number, for people: 0x02005e100001. */
static int64_t mac_number(struct mac_addr mac)
{
    int64_t number = 0;

    for (size_t i = 0; i < sizeof(mac.octet); i++)
        number = number << 8 | mac.octet[i];
    return number;
}

void arp_owe_defence(struct arp *arp, const struct arp_packet *conflict, instant now)
{
    for (int i = 0; i < arp->config.addr_count; i++) {
        if (!ip_equal(arp->config.addrs[i].addr, conflict->spa))
            continue;
        instant *defended = &arp->defended[i];
        if (arp_was_within(*defended, arp->config.values->arp_defend, now))
            return;
        *defended = now;
        arp->defend |= 1u << i;
        /* As seldom as the defence, so that the record of decisions is not flooded. */
        struct event event = {
            .type = EVENT_NOTE,
            .when = now,
            .note = {.text = "another station uses our address (RFC 5227, 2.4)",
                     .value = mac_number(conflict->sha)},
        };
        events_emit(arp->config.events, &event);
        return;
    }
}

static void announce_all(struct arp *arp)
{
    for (int i = 0; i < arp->config.addr_count; i++)
        if (ip_is_v4(arp->config.addrs[i].addr))
            arp->announce |= 1u << i;
}

void arp_announce(struct arp *arp, instant now)
{
    (void)now; /* the first round is due at once, the second two seconds after the first has left */
    wheel_disarm(arp->config.wheel, &arp->announce_timer);
    arp->announce_again = ARP_ANNOUNCE_NUM - 1;
    announce_all(arp);
}

void arp_announce_timer(struct arp *arp)
{
    assert(arp->announce_again > 0);
    arp->announce_again--;
    announce_all(arp);
}

/* --- paying ------------------------------------------------------------------------------- */

static int lowest_bit(uint32_t bits)
{
    return __builtin_ctz(bits);
}

/* Says to all that one of our addresses is ours: a request for it, by itself (RFC 5227, 2.3). */
static void make_announcement(const struct arp *arp, uint32_t bits, struct arp_packet *out,
                              struct mac_addr *dst)
{
    struct ip_addr ours = arp->config.addrs[lowest_bit(bits)].addr;

    *out = (struct arp_packet){.op = ARP_REQUEST, .sha = arp->config.mac, .spa = ours, .tpa = ours};
    *dst = MAC_BROADCAST;
}

/* Asks for an address without telling one: nobody shall learn what may turn out wrong (RFC 5227,
 * 2.1.1). */
static void make_claim(const struct arp *arp, struct arp_packet *out, struct mac_addr *dst)
{
    *out = (struct arp_packet){.op = ARP_REQUEST, .sha = arp->config.mac, .tpa = arp->claim.addr};
    out->spa = ip_from_v4(0);
    *dst = MAC_BROADCAST;
}

static void make_answer(const struct arp *arp, struct arp_packet *out, struct mac_addr *dst)
{
    const struct arp_answer *answer = &arp->answer[arp->answer_first];

    *out = (struct arp_packet){
        .op = ARP_REPLY,
        .sha = arp->config.mac,
        .spa = answer->ours,
        .tha = answer->to,
        .tpa = answer->asker,
    };
    *dst = answer->to; /* to the asker alone (RFC 5227, 2.6) */
}

/* Which of our addresses asks: the one in the network of the target, else the first. */
static struct ip_addr asking_address(const struct arp *arp, struct ip_addr target)
{
    const struct ip_prefix *best = NULL;

    for (int i = 0; i < arp->config.addr_count; i++) {
        const struct ip_prefix *p = &arp->config.addrs[i];
        if (!ip_is_v4(p->addr))
            continue;
        if (!best || (prefix_contains(*p, target) &&
                      (!prefix_contains(*best, target) || p->len > best->len)))
            best = p;
    }
    return best ? best->addr : ip_from_v4(0);
}

static struct arp_entry *first_owing(const struct arp *arp)
{
    return CONTAINER_OF(arp->owing.next, struct arp_entry, owing);
}

static enum why make_request(const struct arp *arp, struct arp_packet *out, struct mac_addr *dst)
{
    const struct arp_entry *entry = first_owing(arp);
    bool is_probe = entry->state == ARP_STATE_PROBE;

    *out = (struct arp_packet){
        .op = ARP_REQUEST,
        .sha = arp->config.mac,
        .spa = asking_address(arp, entry->addr),
        .tpa = entry->addr,
    };
    *dst = is_probe ? entry->mac : MAC_BROADCAST;
    return is_probe ? WHY_ARP_PROBE : WHY_ARP_REQUEST;
}

bool arp_next_packet(struct arp *arp, instant now, struct arp_packet *out, struct mac_addr *dst,
                     enum why *why)
{
    (void)now;
    if (arp->answer_count > 0) {
        arp->peeked = PEEKED_ANSWER;
        make_answer(arp, out, dst);
        *why = WHY_ARP_REPLY;
    } else if (arp->defend) {
        arp->peeked = PEEKED_DEFENCE;
        make_announcement(arp, arp->defend, out, dst);
        *why = WHY_ARP_DEFEND;
    } else if (arp->announce) {
        arp->peeked = PEEKED_ANNOUNCEMENT;
        make_announcement(arp, arp->announce, out, dst);
        *why = WHY_ARP_ANNOUNCE;
    } else if (arp->claim.owed) {
        arp->peeked = PEEKED_CLAIM;
        make_claim(arp, out, dst);
        *why = WHY_ARP_CLAIM;
    } else if (!list_is_empty(&arp->owing)) {
        arp->peeked = PEEKED_REQUEST;
        *why = make_request(arp, out, dst);
    } else {
        arp->peeked = PEEKED_NOTHING;
        return false;
    }
    return true;
}

void arp_packet_sent(struct arp *arp, instant now)
{
    struct wheel *wheel = arp->config.wheel;

    switch (arp->peeked) {
    case PEEKED_ANSWER:
        arp->answer_first = (arp->answer_first + 1) % ARP_ANSWERS;
        arp->answer_count--;
        break;
    case PEEKED_DEFENCE:
        arp->defend &= arp->defend - 1;
        break;
    case PEEKED_ANNOUNCEMENT:
        arp->announce &= arp->announce - 1;
        if (!arp->announce && arp->announce_again > 0)
            wheel_arm(wheel, &arp->announce_timer, instant_add(now, announce_interval));
        break;
    case PEEKED_CLAIM:
        arp_claim_sent(arp, now);
        break;
    case PEEKED_REQUEST: {
        struct arp_entry *entry = first_owing(arp);
        list_remove(&entry->owing);
        entry->requested = now;
        entry->tries++;
        arp_entry_arm(arp, entry, instant_add(now, arp->config.values->arp_interval), now);
        break;
    }
    default:
        assert(false); /* nothing was shown */
    }
    arp->peeked = PEEKED_NOTHING;
}
