/*
 * arp_entry.h - an entry of the ARP cache; shared by the three files of the cache and nobody else.
 */
#ifndef TAPIO_ETH_ARP_ENTRY_H
#define TAPIO_ETH_ARP_ENTRY_H

#include "eth/arp.h"

enum arp_state {
    ARP_STATE_INCOMPLETE, /* asked for by broadcast; packets wait */
    ARP_STATE_REACHABLE,  /* confirmed less than a lifetime ago */
    ARP_STATE_STALE,      /* not confirmed and not used for a lifetime */
    ARP_STATE_DELAY,      /* stale, but in use again: a confirmation may still come by itself */
    ARP_STATE_PROBE,      /* the station itself is asked, by unicast */
    ARP_STATE_FAILED,     /* nobody answered; remembered for a while */
};

/* An instant that has not come yet; only for arp_was_within(). */
#define ARP_NOT_YET ((instant){INT64_MIN})

struct arp_entry {
    struct arp_entry *next; /* in its bucket */
    struct ip_addr addr;
    struct mac_addr mac;       /* but in INCOMPLETE and FAILED */
    struct mac_addr candidate; /* who else claims the address, in PROBE */
    bool has_candidate;
    bool awaited; /* in INCOMPLETE: somebody waits outside */
    bool is_gone; /* in no bucket any more, and only here until arp_next_settled() has told it */
    enum arp_state state;
    int64_t tries;     /* requests sent in INCOMPLETE, or in PROBE */
    instant requested; /* when the last request left, in whatever state */
    instant confirmed; /* when the entry was last known to be right */
    instant used;      /* when somebody last sent there; not yet: learned or failed */
    struct timer timer;
    struct list idle;    /* in arp->unused or arp->used */
    struct list owing;   /* in arp->owing */
    struct list news;    /* in arp->released or arp->failed */
    struct list settled; /* in arp->settled */
    struct frame *waiting, *waiting_last;
    int64_t waiting_count;
};

static inline bool arp_was_within(instant then, int64_t ns, instant now)
{
    return then.ns != ARP_NOT_YET.ns && instant_since(now, then) < ns;
}

/* --- arp_table.c -------------------------------------------------------------------------- */

struct arp_entry *arp_find(const struct arp *arp, struct ip_addr addr);
/* A new entry that the caller puts into its first state; another is evicted if need be. NULL, and
 * counted, when all are in use. */
NODISCARD struct arp_entry *arp_entry_new(struct arp *arp, struct ip_addr addr, instant now);
void arp_entry_remove(struct arp *arp, struct arp_entry *entry, instant now);
/* Enters a state, also the same again: its timer, debts and tries start from nothing. */
void arp_entry_set_state(struct arp *arp, struct arp_entry *entry, enum arp_state state,
                         instant now);
/* Puts it where evicting looks for it, or takes it away from there, as its state and the gateway
 * have it now. */
void arp_entry_place(struct arp *arp, struct arp_entry *entry);
/* Its timer runs until `at`. */
void arp_entry_arm(struct arp *arp, struct arp_entry *entry, instant at, instant now);
/* Somebody sends there now. */
void arp_entry_use(struct arp *arp, struct arp_entry *entry, instant now);

/* One more packet waits for the entry. */
void arp_waiting_append(struct arp_entry *entry, struct frame *frame);
/* The oldest packet that waits for the entry, or NULL. */
struct frame *arp_waiting_take(struct arp_entry *entry);
/* Frees them all and counts them. */
void arp_waiting_drop(struct arp *arp, struct arp_entry *entry);

/* --- arp.c -------------------------------------------------------------------------------- */

/* The entry is right: fresh for a lifetime, and what waited can go. */
void arp_entry_confirm(struct arp *arp, struct arp_entry *entry, instant now);
/* Asks the station itself, as soon as the rate allows. */
void arp_entry_probe(struct arp *arp, struct arp_entry *entry, instant now);
bool arp_is_ours(const struct arp *arp, struct ip_addr addr);

/* --- arp_owed.c --------------------------------------------------------------------------- */

void arp_owe_answer(struct arp *arp, const struct arp_packet *request);
/* Claims our address again, unless we did so a moment ago (RFC 5227, 2.4 (c)). */
void arp_owe_defence(struct arp *arp, const struct arp_packet *conflict, instant now);
void arp_announce_timer(struct arp *arp);

/* --- arp_input.c -------------------------------------------------------------------------- */

/* Can a station of this link have this address? */
bool arp_is_on_link(const struct arp *arp, struct ip_addr a);

/* --- arp_claim.c -------------------------------------------------------------------------- */

/* Does the packet show that somebody has, or wants, the address that we ask for? From a sender that
 * can be one, be it of this link or not. */
bool arp_claim_hears(struct arp *arp, const struct arp_packet *packet);
void arp_claim_init(struct arp *arp);
void arp_claim_timer(struct arp *arp, instant now);
void arp_claim_sent(struct arp *arp, instant now);

#endif
