/*
 * arp_input.c - a packet from the link: what the cache believes of it (RFC 826, "Packet
 * Reception").
 *
 * The order is the RFC's: merge what the sender says of itself into an entry that we have; if we
 * are the target and have none, make one; and only then look at the opcode. Three things are added.
 *
 * Who speaks. RFC 826 believes everybody. Here a sender must be a station of this link: its
 * hardware address the one that the frame came from, its IP address a unicast one of our networks.
 * Otherwise the packet is dropped before anything is merged.
 *
 * Who contradicts. A packet that gives the address of a fresh entry to another station is either a
 * host that has changed its interface or somebody who wants to listen in. So the merge is made, but
 * after a question: the old station is probed, and only if it stays silent for one interval the new
 * one gets the entry. (An entry that is not fresh changes at once.) Packets of ours meanwhile go
 * where they went before.
 *
 * What makes an entry. RFC 826 makes one for any packet that targets us, here only a request does:
 * it announces that its sender will want an answer. A reply that nobody asked for makes none.
 *
 * Who is asked before we have an address (arp_claim.c) need not be in a network of ours, for we may
 * have none yet. Such an answer says one thing only and is not merged.
 *
 * Opcodes other than request and reply are somebody else's protocol (RARP has 3 and 4). They are
 * dropped by name, but last, as the RFC says: what the sender told about itself counts.
 */
#include "eth/arp_entry.h"

/* Can a station of this link have this address? 0.0.0.0 is a probe's and not asked about here. */
bool arp_is_on_link(const struct arp *arp, struct ip_addr a)
{
    if (ip_to_v4(a) >> 24 == 0 || ip_is_loopback(a) || ip_is_multicast(a) || ip_is_class_e(a) ||
        ip_is_limited_broadcast(a))
        return false;
    bool found = ip_equal(a, arp->config.gateway); /* it may be outside all our prefixes */
    for (int i = 0; i < arp->config.addr_count; i++) {
        if (prefix_is_broadcast(arp->config.addrs[i], a))
            return false;
        found = found || prefix_contains(arp->config.addrs[i], a);
    }
    return found;
}

/* Is it another station, and the one that sent the frame? */
static bool is_station(const struct arp *arp, const struct arp_packet *packet,
                       struct mac_addr frame_src)
{
    return mac_equal(packet->sha, frame_src) && !mac_equal(packet->sha, arp->config.mac) &&
           !mac_is_group(packet->sha) && !mac_is_zero(packet->sha);
}

static bool is_sender_sound(const struct arp *arp, const struct arp_packet *packet)
{
    if (ip_is_unspecified(packet->spa))
        return packet->op != ARP_REPLY; /* a probe (RFC 5227, 1.1) */
    return arp_is_on_link(arp, packet->spa);
}

/* The sender is in the cache: what it says now supersedes what we knew, but see above. */
static void merge(struct arp *arp, struct arp_entry *entry, struct mac_addr sha, instant now)
{
    bool agrees = mac_equal(entry->mac, sha);

    switch (entry->state) {
    case ARP_STATE_INCOMPLETE:
    case ARP_STATE_FAILED:
    case ARP_STATE_STALE:
    case ARP_STATE_DELAY:
        entry->mac = sha;
        arp_entry_confirm(arp, entry, now);
        return;
    case ARP_STATE_REACHABLE:
    case ARP_STATE_PROBE:
        if (agrees) {
            arp_entry_confirm(arp, entry, now);
            return;
        }
        events_count(arp->config.events, COUNTER_ARP_CONFLICT_ENTRY);
        if (entry->state == ARP_STATE_REACHABLE)
            arp_entry_probe(arp, entry, now);
        entry->candidate = sha;
        entry->has_candidate = true;
        return;
    }
}

/* What a packet that is not a conflict does to the cache; why it came, if it did anything. */
static enum why learn(struct arp *arp, const struct arp_packet *packet, bool for_us, instant now)
{
    struct arp_entry *entry = arp_find(arp, packet->spa);

    if (entry) {
        bool awaited = entry->state == ARP_STATE_INCOMPLETE || entry->state == ARP_STATE_PROBE;
        merge(arp, entry, packet->sha, now);
        return awaited && entry->state == ARP_STATE_REACHABLE ? WHY_ARP_LEARNED : WHY_ARP_HEARD;
    }
    if (packet->op == ARP_REQUEST && for_us) {
        entry = arp_entry_new(arp, packet->spa, now);
        if (entry) {
            entry->mac = packet->sha;
            arp_entry_confirm(arp, entry, now);
        }
    } else if (packet->op == ARP_REPLY || ip_equal(packet->spa, packet->tpa)) {
        events_count(arp->config.events, COUNTER_ARP_UNSOLICITED);
    }
    return WHY_ARP_HEARD;
}

enum drop arp_input(struct arp *arp, const struct arp_packet *packet, struct mac_addr frame_src,
                    instant now)
{
    bool op_is_known = packet->op == ARP_REQUEST || packet->op == ARP_REPLY;
    bool for_us = arp_is_ours(arp, packet->tpa);

    if (!is_station(arp, packet, frame_src))
        return DROP_ARP_BAD_SENDER;
    if (arp_claim_hears(arp, packet))
        return DROP_NONE;
    if (!is_sender_sound(arp, packet))
        return DROP_ARP_BAD_SENDER;
    if (arp_is_ours(arp, packet->spa)) {
        if (!op_is_known)
            return DROP_ARP_BAD;
        events_count(arp->config.events, COUNTER_ARP_CONFLICT);
        events_note(arp->config.events, WHY_ARP_CONFLICT);
        arp_owe_defence(arp, packet, now);
        return DROP_NONE; /* and no reply: it is no question (RFC 5227, 2.5) */
    }

    enum why why = WHY_ARP_HEARD;
    if (!ip_is_unspecified(packet->spa))
        why = learn(arp, packet, for_us, now);
    /* Now look at the opcode. */
    if (!op_is_known)
        return DROP_ARP_BAD;
    if (packet->op == ARP_REQUEST && for_us) {
        arp_owe_answer(arp, packet);
        why = WHY_ARP_ASKED;
    }
    events_note(arp->config.events, why);
    return DROP_NONE;
}
