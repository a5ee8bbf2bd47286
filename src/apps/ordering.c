/*
 * ordering.c - which of a host's addresses to try first (RFC 6724).
 *
 * Both selections are lists of rules for two addresses; the first rule that has an opinion decides.
 * Each rule is one line of prefer_source() or prefer_target(), in the RFC's order and with its
 * number, and says how much better the first address is: positive, negative, or 0 for "ask the
 * next rule".
 *
 * The rules for destinations are no total order (rule 9 compares within a family only), so the sort
 * must end whatever they say, and leave alone what they do not tell apart (rule 10): it inserts one
 * target after the other.
 *
 * Left out of section 5, which is here only as far as section 6 asks for it: rules 5 and 5.5, for
 * there is one link and nobody remembers who announced a prefix; rule 7, for there are no temporary
 * addresses. The source that a packet gets is decided by ip/route.c, which knows the next hop.
 */
#include "apps/ordering.h"

#include "base/addr.h"

/* clang-format off */
const struct ordering_policy ordering_policies[ORDERING_POLICIES] = {
    {{{{[15] = 1}}, 128},                   50, 0},  /* ::1 */
    {{{{0}}, 0},                            40, 1},  /* ::/0 */
    {{{{[10] = 0xff, [11] = 0xff}}, 0},     35, 4},  /* ::ffff:0:0/96: IPv4 as a whole */
    {{{{0x20, 0x02}}, 16},                  30, 2},  /* 2002::/16, 6to4 */
    {{{{0x20, 0x01}}, 32},                  5,  5},  /* 2001::/32, Teredo */
    {{{{0xfc}}, 7},                         3,  13}, /* fc00::/7, unique local */
    {{{{0}}, 96},                           1,  3},  /* ::/96, IPv4-compatible */
    {{{{0xfe, 0xc0}}, 10},                  1,  11}, /* fec0::/10, site-local */
    {{{{0x3f, 0xfe}}, 16},                  1,  12}, /* 3ffe::/16, 6bone */
};
/* clang-format on */

/* --- properties of addresses (RFC 6724, 2 and 3) -------------------------------------------- */

enum { LINK_LOCAL = 0x2, SITE_LOCAL = 0x5, GLOBAL = 0xe };

/* RFC 6724, 3.1, 3.2 and 3.4: private and unique local addresses are global. */
static int scope_of(struct ip_addr a)
{
    if (ip_is_v4(a)) {
        bool autoconfigured = a.octet[12] == 169 && a.octet[13] == 254;
        return autoconfigured || ip_is_loopback(a) ? LINK_LOCAL : GLOBAL;
    }
    if (ip_is_multicast(a))
        return a.octet[1] & 0xf;
    if (ip_is_loopback(a))
        return LINK_LOCAL;
    if (a.octet[0] != 0xfe || a.octet[1] < 0x80)
        return GLOBAL;
    return a.octet[1] < 0xc0 ? LINK_LOCAL : SITE_LOCAL;
}

const struct ordering_policy *ordering_policy_of(const struct ordering *o, struct ip_addr addr)
{
    const struct ordering_policy *best = NULL;

    for (int i = 0; i < o->policy_count; i++) {
        const struct ordering_policy *p = &o->policies[i];
        if (prefix_contains(p->prefix, addr) && (!best || p->prefix.len > best->prefix.len))
            best = p;
    }
    return best;
}

/* -1: none. */
static int label_of(const struct ordering *o, struct ip_addr addr)
{
    const struct ordering_policy *policy = ordering_policy_of(o, addr);

    return policy ? policy->label : -1;
}

static int precedence_of(const struct ordering *o, struct ip_addr addr)
{
    const struct ordering_policy *policy = ordering_policy_of(o, addr);

    return policy ? policy->precedence : -1;
}

/* CommonPrefixLen (RFC 6724, 2.2): not beyond the prefix of our own address. */
static int common_prefix_len(const struct ip_prefix *ours, struct ip_addr dst)
{
    int first = ip_is_v4(dst) ? 96 : 0, bits = 0;

    while (bits < ours->len) {
        int at = first + bits;
        int differ = (ours->addr.octet[at / 8] ^ dst.octet[at / 8]) >> (7 - at % 8) & 1;
        if (differ)
            break;
        bits++;
    }
    return bits;
}

/* Rule 4 of both: an address that is care-of too wins; else home over care-of. */
static int prefer_home(const struct ordering_source *a, const struct ordering_source *b)
{
    bool both_a = a->home && a->care_of, both_b = b->home && b->care_of;

    if (both_a || both_b)
        return both_a - both_b;
    return (a->home && b->care_of) - (a->care_of && b->home);
}

/* --- source address selection (RFC 6724, 5) -------------------------------------------------- */

/* Rule 2: of two scopes the smaller one, if it is enough for the destination's. */
static int prefer_scope(int a, int b, int dst)
{
    if (a < b)
        return a < dst ? -1 : 1;
    if (b < a)
        return b < dst ? 1 : -1;
    return 0;
}

static int prefer_source(const struct ordering *o, struct ip_addr dst,
                         const struct ordering_source *a, const struct ordering_source *b)
{
    struct ip_addr sa = a->prefix.addr, sb = b->prefix.addr;
    int better = ip_equal(sa, dst) - ip_equal(sb, dst); /* rule 1 */
    if (better == 0)
        better = prefer_scope(scope_of(sa), scope_of(sb), scope_of(dst)); /* rule 2 */
    if (better == 0)
        better = b->deprecated - a->deprecated; /* rule 3 */
    if (better == 0)
        better = prefer_home(a, b); /* rule 4 */
    if (better == 0) {
        int label = label_of(o, dst); /* rule 6 */
        better = (label_of(o, sa) == label) - (label_of(o, sb) == label);
    }
    if (better == 0) /* rule 8 */
        better = common_prefix_len(&a->prefix, dst) - common_prefix_len(&b->prefix, dst);
    return better;
}

const struct ordering_source *ordering_source_of(const struct ordering *o, struct ip_addr dst)
{
    const struct ordering_source *best = NULL;

    for (int i = 0; i < o->source_count; i++) {
        const struct ordering_source *s = &o->sources[i];
        if (ip_is_v4(s->prefix.addr) != ip_is_v4(dst))
            continue;
        if (!best || prefer_source(o, dst, s, best) > 0)
            best = s;
    }
    return best;
}

/* --- destination address selection (RFC 6724, 6) ---------------------------------------------- */

/* A target, and what the rules ask about it, worked out once. */
struct judged {
    struct ordering_target target;
    const struct ordering_source *source;
    bool usable, scope_matches, label_matches;
    int scope, precedence, common;
};

static struct judged judge(const struct ordering *o, const struct ordering_target *target)
{
    struct ip_addr dst = target->addr;
    struct judged j = {
        .target = *target,
        .source = ordering_source_of(o, dst),
        .scope = scope_of(dst),
        .precedence = precedence_of(o, dst),
    };
    if (!j.source)
        return j;
    j.usable = !target->unreachable;
    j.scope_matches = j.scope == scope_of(j.source->prefix.addr);
    j.label_matches = label_of(o, dst) == label_of(o, j.source->prefix.addr);
    j.common = common_prefix_len(&j.source->prefix, dst);
    return j;
}

static int prefer_target(const struct judged *a, const struct judged *b)
{
    int better = a->usable - b->usable; /* rule 1 */
    /* Without a source there is nothing that rules 2 to 5 could look at. */
    bool sources = a->source && b->source;

    if (better == 0 && sources)
        better = a->scope_matches - b->scope_matches; /* rule 2 */
    if (better == 0 && sources)
        better = b->source->deprecated - a->source->deprecated; /* rule 3 */
    if (better == 0 && sources)
        better = prefer_home(a->source, b->source); /* rule 4 */
    if (better == 0 && sources)
        better = a->label_matches - b->label_matches; /* rule 5 */
    if (better == 0)
        better = a->precedence - b->precedence; /* rule 6 */
    if (better == 0)
        better = b->target.tunnelled - a->target.tunnelled; /* rule 7 */
    if (better == 0)
        better = b->scope - a->scope; /* rule 8 */
    if (better == 0 && ip_is_v4(a->target.addr) == ip_is_v4(b->target.addr))
        better = a->common - b->common; /* rule 9 */
    return better;
}

void ordering_sort(const struct ordering *o, struct ordering_target *targets, int count)
{
    struct judged sorted[ORDERING_MAX];

    assert(count >= 0 && count <= ORDERING_MAX);
    for (int i = 0; i < count; i++) {
        struct judged next = judge(o, &targets[i]);
        int at = i;
        for (; at > 0 && prefer_target(&next, &sorted[at - 1]) > 0; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = next;
    }
    for (int i = 0; i < count; i++)
        targets[i] = sorted[i].target;
}

/* --- for a stack ----------------------------------------------------------------------------- */

/* On the link, or behind the gateway? */
static bool has_way(const struct stack_config *config, struct ip_addr dst)
{
    if (config->link == STACK_LINK_IP ||
        (!ip_is_unspecified(config->gateway) && ip_is_v4(config->gateway) == ip_is_v4(dst)))
        return true;
    for (int i = 0; i < config->addr_count; i++)
        if (prefix_contains(config->addr[i], dst))
            return true;
    return false;
}

void ordering_sort_addrs(const struct stack_config *config, struct ip_addr *addrs, int count)
{
    struct ordering_source sources[STACK_ADDRS];
    struct ordering_target targets[ORDERING_MAX];
    struct ordering o = {ordering_policies, ORDERING_POLICIES, sources, config->addr_count};

    assert(count >= 0 && count <= ORDERING_MAX);
    for (int i = 0; i < config->addr_count; i++)
        sources[i] = (struct ordering_source){.prefix = config->addr[i]};
    for (int i = 0; i < count; i++)
        targets[i] =
            (struct ordering_target){.addr = addrs[i], .unreachable = !has_way(config, addrs[i])};
    ordering_sort(&o, targets, count);
    for (int i = 0; i < count; i++)
        addrs[i] = targets[i].addr;
}
