/*
 * arp.h - the ARP cache: which station has which IPv4 address on this link (RFC 826).
 *
 * A machine without hands. Whoever sends asks arp_resolve(); an address that is not known yet is
 * asked for, and its packets wait in the cache (arp_hold()) until they are released or the address
 * fails. What the cache wants to send are debts, collected with arp_next_packet().
 *
 * Call order. After arp_input() or arp_timer(), drain arp_next_released() before sending anything
 * else to the same address, else packets overtake those that waited; then drain arp_next_settled()
 * and arp_next_failed().
 *
 * Waiting outside. Few packets fit into an entry. Who keeps the others says for which station with
 * arp_await(), and lets them try again when arp_next_settled() tells its number. That happens once
 * whenever an awaited entry stops being asked for, in whatever way: it is answered, it fails, or it
 * is forgotten, whose number nobody else gets before. So nobody waits for what will not come, and
 * whoever waits for one station does not hear of another.
 *
 * Ownership. The cache borrows everything in its config for its whole life. It owns the frames that
 * it holds; one that is released belongs to the caller.
 *
 * Addresses come and go: one that may belong to somebody else is asked for before its first use
 * (arp_claim(), RFC 5227, 2.1). Those that a stack is made with are believed to be ours.
 *
 * Left out: giving an address up for a conflict. We announce our addresses, notice conflicts and
 * defend for ever, with a rate limit (RFC 5227, 2.4 (c)).
 */
#ifndef TAPIO_ETH_ARP_H
#define TAPIO_ETH_ARP_H

#include "base/events.h"
#include "base/frame.h"
#include "base/hash.h"
#include "base/prng.h"
#include "base/wheel.h"
#include "eth/arp_wire.h"

enum {
    ARP_ANSWERS = 32,     /* answers that wait for the device at most */
    ARP_ANNOUNCE_NUM = 2, /* announcements of an address (RFC 5227, 1.1) */
};

struct arp_config {
    struct memory *memory;
    struct events *events;
    struct wheel *wheel;
    uint8_t timer_owner; /* what the cache's timers carry; they go to arp_timer() */
    const struct stack_values *values;
    struct mac_addr mac;           /* ours */
    const struct ip_prefix *addrs; /* ours; others than IPv4 are passed over */
    int addr_count;                /* at most STACK_ADDRS */
    struct ip_addr gateway;        /* its entry is never evicted; may be unspecified */
    struct hash_key key;
};

struct arp_entry;

/* An answer that we owe to one station. */
struct arp_answer {
    struct mac_addr to;
    struct ip_addr asker; /* unspecified for a probe */
    struct ip_addr ours;
};

/* An address that we would like to have: does anybody use it (RFC 5227, 2.1.1)? */
struct arp_claim {
    struct ip_addr addr;
    enum addr_claim state;
    int64_t sent; /* probes that have left */
    bool owed;    /* a probe is */
    struct timer timer;
};

struct arp {
    struct arp_config config;
    struct pool entries;
    struct arp_entry **buckets; /* by siphash of the address */
    uint32_t bucket_count;      /* a power of two */
    uint32_t incomplete;        /* entries that are being asked for; at most half of the table */
    struct arp_entry *resolved; /* the last one that was; often it is the next one, too. Or NULL */

    /* Entries that may be evicted, the longest unused first. */
    struct list unused; /* learned from a request, never sent to */
    struct list used;

    struct list owing;    /* entries that owe a request or a probe */
    struct list released; /* entries with frames that can go */
    struct list failed;   /* entries whose failure nobody was told yet */
    struct list settled;  /* entries that were awaited, and are asked for no more */

    struct arp_answer answer[ARP_ANSWERS]; /* a ring */
    uint32_t answer_first, answer_count;

    uint32_t announce;       /* one bit for each address that is to be announced now */
    uint32_t announce_again; /* rounds after this one */
    uint32_t defend;         /* one bit for each address that is to be defended now */
    instant defended[STACK_ADDRS];
    struct timer announce_timer;

    struct arp_claim claim;
    struct prng prng; /* for the moments of its probes */

    uint8_t peeked; /* what arp_next_packet() showed last */
};

/* 0 or -ENOMEM. */
NODISCARD int arp_init(struct arp *arp, const struct arp_config *config);
/* Frees the frames that still wait, without telling anybody. */
void arp_fini(struct arp *arp);

/* --- in ----------------------------------------------------------------------------------- */

/* A packet from the link, in the order of RFC 826; `frame_src` is the Ethernet source. Notes in the
 * events why it came. DROP_NONE also for a packet that teaches us nothing. */
NODISCARD enum drop arp_input(struct arp *arp, const struct arp_packet *packet,
                              struct mac_addr frame_src, instant now);

/* A timer with our owner has fired. */
void arp_timer(struct arp *arp, struct timer *timer, instant now);

/* --- resolving ---------------------------------------------------------------------------- */

enum arp_result {
    ARP_KNOWN,   /* *out is the station's address */
    ARP_PENDING, /* asked for: give the packet to arp_hold() */
    ARP_FAILED,  /* nobody answers there (a moment ago), or the cache is full */
};

/* Looks `next_hop` up, or starts to ask for it. Never for broadcast or multicast addresses. */
NODISCARD enum arp_result arp_resolve(struct arp *arp, struct ip_addr next_hop, instant now,
                                      struct mac_addr *out);

/* May one more packet wait for `next_hop`, without another being dropped for it? */
bool arp_has_room(const struct arp *arp, struct ip_addr next_hop);

/* Somebody waits outside until `next_hop` is asked for no more; only right after arp_resolve() said
 * ARP_PENDING. The station's number, below arp.entries. */
uint32_t arp_await(struct arp *arp, struct ip_addr next_hop);

/* Keeps a packet until `next_hop` is known; only right after arp_resolve() said ARP_PENDING. Takes
 * the reference, which must be the only one; [data, data + len) is the IP packet, with headroom for
 * the Ethernet header. At most arp.queue packets wait for an address: the oldest is dropped and
 * counted, the latest is kept (RFC 1122, 2.3.2.2). */
void arp_hold(struct arp *arp, struct ip_addr next_hop, struct frame *frame);

/* The next packet whose address is known now, oldest first within an address, or NULL. The caller
 * owns it. */
NODISCARD struct frame *arp_next_released(struct arp *arp, struct mac_addr *dst);

/* The number of the next station that was awaited and is asked for no more: all who wait for it may
 * try again, and await it anew if need be. */
NODISCARD bool arp_next_settled(struct arp *arp, uint32_t *station);

/* The next address whose resolution has failed; its packets are freed and counted. Tell those who
 * wanted to send there (RFC 1122, 3.2.2.1: host unreachable). */
NODISCARD bool arp_next_failed(struct arp *arp, struct ip_addr *addr);

/* Higher-layer advice (RFC 1122, 2.3.2.1): what we send there arrives, so the entry is right; */
void arp_confirm(struct arp *arp, struct ip_addr next_hop, instant now);
/* or does not seem to arrive, so ask the station itself (RFC 9293, 3.8.3: MUST-20 (a)). */
void arp_doubt(struct arp *arp, struct ip_addr next_hop, instant now);

/* --- our addresses ------------------------------------------------------------------------ */

/* The address at `index` of those in the config has come, as the last one: it is announced. */
void arp_address_added(struct arp *arp, int index, instant now);
/* The one that was at `index` has gone, and those behind it have moved up: nothing is said about it
 * any more, and what is no longer on the link is forgotten. */
void arp_address_removed(struct arp *arp, int index, instant now);
/* Frees, and counts, the packets that wait and of which `goes` says so; what they wait for is asked
 * for all the same. */
void arp_drop_held(struct arp *arp, bool (*goes)(const struct frame *packet, struct ip_addr about),
                   struct ip_addr about);
void arp_set_gateway(struct arp *arp, struct ip_addr gateway);

/* Begins to ask whether anybody has `addr`, which is not ours: arp.probes times, which takes 4 to 7
 * seconds. One address at a time; what was asked before is forgotten. */
void arp_claim(struct arp *arp, struct ip_addr addr, instant now);
/* ADDR_CLAIM_TAKEN as soon as somebody has shown up; ADDR_CLAIM_FREE when the time is over. Stays
 * so until the next claim. */
enum addr_claim arp_claim_state(const struct arp *arp);
/* Never mind. */
void arp_claim_end(struct arp *arp);

/* --- out ---------------------------------------------------------------------------------- */

/* Says twice, two seconds apart, that our addresses are ours (RFC 5227, 2.3). */
void arp_announce(struct arp *arp, instant now);

/* The next packet that is owed, with the station (or MAC_BROADCAST) it goes to and the reason;
 * false when there is none. It stays owed until arp_packet_sent() says that the device took it; no
 * other call may come between the two. */
NODISCARD bool arp_next_packet(struct arp *arp, instant now, struct arp_packet *out,
                               struct mac_addr *dst, enum why *why);
/* Would it find one? Mostly not. */
static inline bool arp_has_packet(const struct arp *arp)
{
    return arp->answer_count > 0 || arp->defend || arp->announce || arp->claim.owed ||
           !list_is_empty(&arp->owing);
}
void arp_packet_sent(struct arp *arp, instant now);

/* Has a call left something of ours to say: an address that has come? */
static inline bool arp_owes(const struct arp *arp)
{
    return arp->announce != 0;
}

/* --- looking in --------------------------------------------------------------------------- */

/* How many timers of the cache are armed. */
uint32_t arp_timers(const struct arp *arp);

/* Will arp_next_settled() tell this number, now or later? */
bool arp_is_awaited(const struct arp *arp, uint32_t station);

/* The state of an entry ("reachable"), or NULL when there is none. Static storage. */
const char *arp_state_name(const struct arp *arp, struct ip_addr addr);

#endif
