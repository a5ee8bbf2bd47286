/*
 * test_dhcp_client.c - a client of DHCP, against servers that the test plays message by message.
 *
 * All in virtual time: the years of a lease that does not end pass as fast as its seconds.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/addr.h"
#include "support/dhcp_rig.h"
#include "support/holds.h"
#include "support/proves.h"

#define SECOND INT64_C(1000000000)
#define DAY    (86400 * SECOND)

static struct dhcp_rig *const r = &dhcp_rig;
static const struct ip_addr nowhere; /* unspecified */
static const struct mac_addr stranger = {{2, 0, 0, 0, 0, 9}};

static bool is_v4_zero(struct ip_addr a)
{
    return ip_is_v4(a) && ip_to_v4(a) == 0;
}

static int64_t since(instant then)
{
    return instant_since(r->now, then);
}

static bool has_address(void)
{
    return stack_config(r->stack)->addr_count == 1;
}

/* To all, from no address, or from the one that it has. */
static void assert_broadcast(const struct dhcp_said *said, bool from_nowhere)
{
    ck_assert(mac_equal(said->to, MAC_BROADCAST));
    ck_assert(ip_equal(said->dst, IP_BROADCAST));
    ck_assert(from_nowhere ? is_v4_zero(said->src) : ip_equal(said->src, DHCP_ADDRESS));
    ck_assert_uint_eq(said->src_port, 68);
    ck_assert_uint_eq(said->dst_port, 67);
}

/* --- INIT --------------------------------------------------------------------------------- */

START_TEST(a_discover_leaves_from_no_address_to_all)
{
    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    const struct dhcp_said *said = dhcp_rig_next(2 * SECOND);
    ck_assert_ptr_nonnull(said);
    assert_broadcast(said, true);
    ck_assert(said->cookie && said->sum_is_right && said->ended);
    ck_assert_uint_eq(said->op, 1);
    ck_assert_uint_eq(said->type, DHCP_DISCOVER);
    ck_assert_uint_ge(said->len, 300);
    ck_assert_uint_eq(said->flags, 0x8000);
    ck_assert(ip_is_unspecified(said->client) && ip_is_unspecified(said->server));
    dhcp_rig_end();
    PROVES("RFC2131-4.1-a");
}
END_TEST

START_TEST(the_first_message_waits_as_long_as_the_values_say)
{
    const bool rfc = _i;
    const int64_t least = rfc ? 1 * SECOND : 0, most = rfc ? 10 * SECOND : 1 * SECOND;
    int64_t low = INT64_MAX, high = 0;

    for (uint64_t seed = 1; seed <= 10; seed++) {
        given_dhcp_rig(seed);
        if (rfc)
            ck_assert_int_eq(values_profile(&r->config.values, "rfc"), 0);
        instant start = r->now;
        dhcp_rig_begin(nowhere);
        ck_assert_ptr_nonnull(dhcp_rig_next(20 * SECOND));
        int64_t waited = since(start);
        ck_assert_int_ge(waited, least);
        ck_assert_int_le(waited, most);
        low = waited < low ? waited : low;
        high = waited > high ? waited : high;
        dhcp_rig_end();
    }
    ck_assert_int_gt(high - low, (most - least) / 4); /* at random, that is */
    PROVES("RFC2131-4.4.1-a");
}
END_TEST

START_TEST(silence_is_answered_by_longer_and_longer_pauses)
{
    static const int64_t pauses[] = {4, 8, 16, 32, 64, 64, 64};
    bool varies = false;

    for (uint64_t seed = 1; seed <= 5; seed++) {
        given_dhcp_rig(seed);
        dhcp_rig_begin(nowhere);
        ck_assert_ptr_nonnull(dhcp_rig_next(2 * SECOND));
        for (size_t i = 0; i < ARRAY_LEN(pauses); i++) {
            instant before = r->now;
            uint32_t xid = dhcp_rig_last()->xid;
            const struct dhcp_said *said = dhcp_rig_next(100 * SECOND);
            ck_assert_ptr_nonnull(said);
            ck_assert_uint_eq(said->type, DHCP_DISCOVER);
            ck_assert_uint_ne(said->xid, xid);
            ck_assert_int_ge(since(before), (pauses[i] - 1) * SECOND);
            ck_assert_int_le(since(before), (pauses[i] + 1) * SECOND);
            varies |= since(before) != pauses[i] * SECOND;
        }
        ck_assert_uint_ge(dhcp_rig_last()->secs, 100);
        dhcp_rig_end();
    }
    ck_assert(varies);
    PROVES("RFC2131-4.1-b");
}
END_TEST

/* --- SELECTING ---------------------------------------------------------------------------- */

static const struct {
    struct dhcp_says says;
    enum dhcp_flaw flaw; /* DHCP_FINE: it is strange only */
} no_offers[] = {
    {{.type = DHCP_OFFER, .xid_change = 1}, DHCP_FINE},
    {{.type = DHCP_ACK}, DHCP_FINE},
    {{.type = DHCP_NAK}, DHCP_FINE},
    {{.type = DHCP_OFFER, .op = 1}, DHCP_BAD_MESSAGE},
    {{.type = DHCP_OFFER, .mac = {{2, 0, 0, 0, 0, 8}}}, DHCP_BAD_MESSAGE},
    {{.type = DHCP_OFFER, .bad_cookie = true}, DHCP_BAD_MESSAGE},
    {{.type = DHCP_OFFER, .from_port = 68}, DHCP_BAD_MESSAGE},
    {{.type = DHCP_OFFER, .cut = 239}, DHCP_BAD_MESSAGE},
    {{.type = DHCP_OFFER, .cut = 1}, DHCP_BAD_MESSAGE},
    {{.type = DHCP_OFFER, .cut = 246}, DHCP_BAD_OPTION},
};

START_TEST(what_is_no_offer_to_us_leads_nowhere)
{
    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    ck_assert_ptr_nonnull(dhcp_rig_next(2 * SECOND));
    for (size_t i = 0; i < ARRAY_LEN(no_offers); i++) {
        struct dhcp_counters before = dhcp_client_counters(r->client);
        dhcp_rig_server(&no_offers[i].says);
        ck_assert_ptr_null(dhcp_rig_next(0));
        struct dhcp_counters after = dhcp_client_counters(r->client);
        ck_assert_int_eq(dhcp_client_state(r->client), DHCP_STATE_SELECTING);
        if (no_offers[i].flaw == DHCP_FINE)
            ck_assert_uint_eq(after.strange, before.strange + 1);
        else
            ck_assert_uint_eq(after.flawed[no_offers[i].flaw],
                              before.flawed[no_offers[i].flaw] + 1);
    }
    DHCP_SERVER_SAYS(.type = DHCP_OFFER);
    ck_assert_ptr_nonnull(dhcp_rig_next(0));
    ck_assert_uint_eq(dhcp_rig_last()->type, DHCP_REQUEST);
    dhcp_rig_end();
    PROVES("RFC2131-4.4.1-b", "H01");
}
END_TEST

START_TEST(an_offer_is_requested_in_its_words_from_its_server)
{
    const bool unicast = _i;

    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    const struct dhcp_said discover = *dhcp_rig_next(2 * SECOND);
    dhcp_rig_wait(2 * SECOND);
    /* To the address that is offered, which we do not have yet, or to all. */
    DHCP_SERVER_SAYS(.type = DHCP_OFFER, .unicast = unicast);
    const struct dhcp_said *said = dhcp_rig_next(0);
    ck_assert_ptr_nonnull(said);
    assert_broadcast(said, true);
    ck_assert_uint_eq(said->type, DHCP_REQUEST);
    ck_assert_uint_eq(said->xid, discover.xid);
    ck_assert_uint_eq(said->secs, discover.secs);
    ck_assert(ip_equal(said->requested, DHCP_ADDRESS) && ip_equal(said->server, DHCP_SERVER));
    ck_assert(ip_is_unspecified(said->client));
    ck_assert_uint_gt(discover.parameter_count, 0);
    ck_assert_uint_eq(said->parameter_count, discover.parameter_count);
    ck_assert_mem_eq(said->parameters, discover.parameters, discover.parameter_count);
    ck_assert_mem_eq(said->id, discover.id, sizeof discover.id);
    ck_assert(!has_address()); /* nothing is ours before the acknowledgement */

    DHCP_SERVER_SAYS(.type = DHCP_ACK, .unicast = unicast);
    dhcp_rig_wait(8 * SECOND);
    ck_assert(has_address());
    dhcp_rig_end();
    PROVES("RFC2131-4.3.2-a", "RFC2131-4.4.1-d");
}
END_TEST

/* --- REQUESTING --------------------------------------------------------------------------- */

START_TEST(only_the_server_that_was_chosen_can_acknowledge)
{
    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    dhcp_rig_next(2 * SECOND);
    DHCP_SERVER_SAYS(.type = DHCP_OFFER);
    dhcp_rig_next(0);
    DHCP_SERVER_SAYS(.type = DHCP_OFFER, .server = DHCP_OTHER, .addr = ip_from_v4(0xc0000299));
    DHCP_SERVER_SAYS(.type = DHCP_ACK, .server = DHCP_OTHER);
    DHCP_SERVER_SAYS(.type = DHCP_ACK, .addr = ip_from_v4(0xc0000299));
    DHCP_SERVER_SAYS(.type = DHCP_NAK, .server = DHCP_OTHER);
    ck_assert_ptr_null(dhcp_rig_next(0));
    ck_assert_int_eq(dhcp_client_state(r->client), DHCP_STATE_REQUESTING);
    ck_assert_uint_eq(dhcp_client_counters(r->client).strange, 4);
    DHCP_SERVER_SAYS(.type = DHCP_ACK);
    dhcp_rig_wait(8 * SECOND);
    ck_assert_int_eq(dhcp_client_state(r->client), DHCP_STATE_BOUND);
    ck_assert(ip_equal(stack_config(r->stack)->addr[0].addr, DHCP_ADDRESS));
    dhcp_rig_end();
    PROVES("H05");
}
END_TEST

/* It could not be told from any other. */
START_TEST(a_server_without_an_identifier_is_not_chosen)
{
    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    dhcp_rig_next(2 * SECOND);
    DHCP_SERVER_SAYS(.type = DHCP_OFFER, .no_server = true);
    ck_assert_ptr_null(dhcp_rig_next(0));
    ck_assert_int_eq(dhcp_client_state(r->client), DHCP_STATE_SELECTING);
    ck_assert_uint_eq(dhcp_client_counters(r->client).flawed[DHCP_BAD_VALUE], 1);
    dhcp_rig_end();
    PROVES("H05");
}
END_TEST

START_TEST(a_request_that_nobody_answers_is_given_up_after_five)
{
    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    dhcp_rig_next(2 * SECOND);
    DHCP_SERVER_SAYS(.type = DHCP_OFFER);
    dhcp_rig_next(0);
    instant start = r->now;
    uint32_t xid = dhcp_rig_last()->xid;
    for (int i = 0; i < 4; i++) {
        ck_assert_ptr_nonnull(dhcp_rig_next(40 * SECOND));
        ck_assert_uint_eq(dhcp_rig_last()->type, DHCP_REQUEST);
        ck_assert_uint_eq(dhcp_rig_last()->xid, xid);
    }
    ck_assert_int_ge(since(start), 56 * SECOND);
    ck_assert_int_le(since(start), 64 * SECOND);
    ck_assert_ptr_nonnull(dhcp_rig_next(80 * SECOND));
    ck_assert_uint_eq(dhcp_rig_last()->type, DHCP_DISCOVER);
    dhcp_rig_end();
}
END_TEST

/* A server that offers, and then refuses, for an hour. */
START_TEST(who_is_refused_again_and_again_slows_down)
{
    int discovers = 0;

    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    instant end = instant_add(r->now, 3600 * SECOND), last = r->now;
    int64_t shortest_late = INT64_MAX;
    while (instant_before(r->now, end)) {
        ck_assert_ptr_nonnull(dhcp_rig_next(100 * SECOND));
        ck_assert_uint_eq(dhcp_rig_last()->type, DHCP_DISCOVER);
        if (++discovers > 6)
            shortest_late = since(last) < shortest_late ? since(last) : shortest_late;
        last = r->now;
        DHCP_SERVER_SAYS(.type = DHCP_OFFER);
        ck_assert_ptr_nonnull(dhcp_rig_next(0));
        for (int i = 0; i < 100; i++)
            DHCP_SERVER_SAYS(.type = DHCP_NAK);
        ck_assert_ptr_null(dhcp_rig_next(0));
        dhcp_rig_forget();
    }
    ck_assert_int_ge(shortest_late, 63 * SECOND);
    ck_assert_int_le(discovers, 62);
    ck_assert(!has_address());
    dhcp_rig_end();
    PROVES("H05");
}
END_TEST

/* --- is it free? -------------------------------------------------------------------------- */

/* As far as the acknowledgement: the link is being asked. */
static void given_an_acknowledged_address(void)
{
    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    dhcp_rig_next(2 * SECOND);
    DHCP_SERVER_SAYS(.type = DHCP_OFFER);
    dhcp_rig_next(0);
    DHCP_SERVER_SAYS(.type = DHCP_ACK);
    dhcp_rig_wait(0);
    ck_assert_int_eq(dhcp_client_state(r->client), DHCP_STATE_CHECKING);
}

START_TEST(an_address_is_asked_for_three_times_before_it_is_used_and_announced_twice)
{
    given_an_acknowledged_address();
    instant start = r->now;
    dhcp_rig_wait(12 * SECOND);
    ck_assert_int_eq(r->arp_count, 5);
    for (int i = 0; i < 5; i++) {
        const struct arp_said *said = &r->arp[i];
        ck_assert_uint_eq(said->packet.op, ARP_REQUEST);
        ck_assert(mac_equal(said->to, MAC_BROADCAST));
        ck_assert(ip_equal(said->packet.tpa, DHCP_ADDRESS));
        ck_assert(i < 3 ? is_v4_zero(said->packet.spa) : ip_equal(said->packet.spa, DHCP_ADDRESS));
    }
    ck_assert_int_le(instant_since(r->arp[0].when, start), 1 * SECOND);
    for (int i = 1; i < 3; i++) {
        ck_assert_int_ge(instant_since(r->arp[i].when, r->arp[i - 1].when), 1 * SECOND);
        ck_assert_int_le(instant_since(r->arp[i].when, r->arp[i - 1].when), 2 * SECOND);
    }
    ck_assert_int_ge(instant_since(r->arp[3].when, r->arp[2].when), 2 * SECOND);
    int64_t between = instant_since(r->arp[4].when, r->arp[3].when);
    ck_assert_int_le(llabs(between - 2 * SECOND), SECOND / 1000); /* timers have ticks */
    ck_assert_int_eq(r->told_count, 1);
    ck_assert_int_eq(r->told[0].news, DHCP_NEWS_BOUND);
    ck_assert_int_eq(r->told[0].when.ns, r->arp[3].when.ns);
    dhcp_rig_end();
    PROVES("RFC5227-2.1.1-a", "RFC5227-2.3-a");
}
END_TEST

START_TEST(who_only_asks_for_an_address_does_not_answer_for_it)
{
    given_an_acknowledged_address();
    dhcp_rig_wait(2 * SECOND);
    int before = r->arp_count;
    dhcp_rig_arp(ARP_REQUEST, stranger, DHCP_OTHER, DHCP_ADDRESS);
    dhcp_rig_wait(0);
    ck_assert_int_eq(r->arp_count, before);
    dhcp_rig_wait(10 * SECOND); /* it is ours now */
    before = r->arp_count;
    dhcp_rig_arp(ARP_REQUEST, stranger, DHCP_OTHER, DHCP_ADDRESS);
    dhcp_rig_wait(0);
    ck_assert_int_eq(r->arp_count, before + 1);
    ck_assert_uint_eq(r->arp[before].packet.op, ARP_REPLY);
    dhcp_rig_end();
    PROVES("RFC5227-2.5-a");
}
END_TEST

/* Who shows up while we ask: what he says, and whether he does so up to the end of the pause. */
static const struct {
    uint16_t op;
    bool probes; /* he asks for it himself, from no address */
    int64_t after;
} rivals[] = {
    {ARP_REPLY, false, 1500},   {ARP_REQUEST, false, 1500}, {ARP_REQUEST, true, 1500},
    {ARP_REQUEST, false, 4100}, {ARP_REPLY, false, 4100},
};

START_TEST(an_address_that_somebody_has_is_declined_and_nothing_is_asked_for_ten_seconds)
{
    given_an_acknowledged_address();
    dhcp_rig_wait(rivals[_i].after * SECOND / 1000);
    ck_assert_int_eq(dhcp_client_state(r->client), DHCP_STATE_CHECKING);
    struct ip_addr from = rivals[_i].probes ? ip_from_v4(0) : DHCP_ADDRESS;
    dhcp_rig_arp(rivals[_i].op, stranger, from, DHCP_ADDRESS);
    const struct dhcp_said *said = dhcp_rig_next(0);
    ck_assert_ptr_nonnull(said);
    assert_broadcast(said, true);
    ck_assert_uint_eq(said->type, DHCP_DECLINE);
    ck_assert_uint_eq(said->secs, 0); /* RFC 2131, table 5 */
    ck_assert(ip_equal(said->requested, DHCP_ADDRESS) && ip_equal(said->server, DHCP_SERVER));
    ck_assert(ip_is_unspecified(said->client));
    ck_assert(!has_address());
    ck_assert_int_eq(r->told_count, 1);
    ck_assert_int_eq(r->told[0].news, DHCP_NEWS_TAKEN);
    instant declined = r->now;
    ck_assert_ptr_nonnull(dhcp_rig_next(30 * SECOND));
    ck_assert_uint_eq(dhcp_rig_last()->type, DHCP_DISCOVER);
    ck_assert_int_ge(since(declined), 10 * SECOND);
    dhcp_rig_end();
    PROVES("RFC2131-4.4.1-c", "RFC5227-2.1.1-b", "RFC5227-2.1.1-c", "H06");
}
END_TEST

START_TEST(our_own_probe_that_comes_back_is_nobody)
{
    given_an_acknowledged_address();
    dhcp_rig_wait(1500 * SECOND / 1000);
    dhcp_rig_arp(ARP_REQUEST, r->config.mac, ip_from_v4(0), DHCP_ADDRESS);
    dhcp_rig_arp(ARP_REQUEST, stranger, DHCP_OTHER, DHCP_ADDRESS); /* he only looks for it */
    dhcp_rig_wait(8 * SECOND);
    ck_assert_int_eq(dhcp_client_state(r->client), DHCP_STATE_BOUND);
    dhcp_rig_end();
    PROVES("RFC5227-2.1.1-c");
}
END_TEST

/* Every address is taken: an hour of that costs the link little. */
START_TEST(a_link_where_all_is_taken_is_not_shouted_at)
{
    int declined = 0;

    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    instant end = instant_add(r->now, 3600 * SECOND);
    while (instant_before(r->now, end)) {
        if (!dhcp_rig_next(100 * SECOND))
            break;
        DHCP_SERVER_SAYS(.type = DHCP_OFFER);
        dhcp_rig_next(0);
        DHCP_SERVER_SAYS(.type = DHCP_ACK);
        dhcp_rig_wait(1500 * SECOND / 1000);
        dhcp_rig_arp(ARP_REPLY, stranger, DHCP_ADDRESS, DHCP_ADDRESS);
        dhcp_rig_next(0);
        declined += dhcp_rig_last()->type == DHCP_DECLINE;
        dhcp_rig_forget();
    }
    ck_assert_int_ge(declined, 30);
    ck_assert_int_le(declined, 62); /* about a minute each */
    dhcp_rig_end();
    PROVES("H06");
}
END_TEST

/* Its question on the link ends with it. */
START_TEST(a_link_that_comes_back_while_we_ask_makes_us_begin_anew)
{
    given_an_acknowledged_address();
    dhcp_rig_wait(2 * SECOND);
    dhcp_client_link_up(r->client, r->now);
    dhcp_rig_forget();
    const struct dhcp_said *said = dhcp_rig_next(2 * SECOND); /* and soon */
    ck_assert_ptr_nonnull(said);
    ck_assert_uint_eq(said->type, DHCP_DISCOVER);
    dhcp_rig_wait(3 * SECOND);
    ck_assert_int_eq(r->arp_count, 0);
    ck_assert(!has_address());
    dhcp_rig_end();
}
END_TEST

/* Whatever has become of an address that it had and was acknowledged, it is not asked for again. */
START_TEST(an_address_that_could_not_be_had_is_not_asked_for_again)
{
    const bool taken = _i == 0, full = _i == 1;
    given_dhcp_rig(1);
    dhcp_rig_begin(DHCP_ADDRESS);
    const struct dhcp_said *said = dhcp_rig_next(2 * SECOND);
    ck_assert(said && said->type == DHCP_REQUEST);
    DHCP_SERVER_SAYS(.type = DHCP_ACK);
    dhcp_rig_wait(2 * SECOND);
    ck_assert_int_eq(dhcp_client_state(r->client), DHCP_STATE_CHECKING);
    if (taken)
        dhcp_rig_arp(ARP_REPLY, stranger, DHCP_ADDRESS, DHCP_OTHER);
    for (uint32_t i = 0; full && i < STACK_ADDRS; i++)
        ck_assert_int_eq(
            stack_add_addr(r->stack, (struct ip_prefix){ip_from_v4(0x0a000001 + i), 24}, r->now),
            0);
    instant start = r->now;
    while ((said = dhcp_rig_next(30 * SECOND)) && said->type == DHCP_DECLINE)
        ck_assert(taken);
    ck_assert_ptr_nonnull(said);
    ck_assert_uint_eq(said->type, DHCP_DISCOVER);
    ck_assert_int_ge(since(start), 10 * SECOND);
    ck_assert_int_eq(r->told[r->told_count - 1].news, taken ? DHCP_NEWS_TAKEN : DHCP_NEWS_LOST);
    dhcp_rig_end();
}
END_TEST

/* Somebody else has ended it, or asks for another address: there is one question at a time. */
START_TEST(a_claim_that_is_not_ours_any_more_makes_us_begin_anew)
{
    given_an_acknowledged_address();
    dhcp_rig_wait(2 * SECOND);
    stack_end_claim(r->stack);
    const struct dhcp_said *said = dhcp_rig_next(10 * SECOND);
    ck_assert_ptr_nonnull(said);
    ck_assert_uint_eq(said->type, DHCP_DISCOVER);
    dhcp_rig_end();
}
END_TEST

/* Not from the one that was answered, nor from the DISCOVER. */
START_TEST(a_lease_counts_from_the_first_request_for_it)
{
    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    dhcp_rig_next(2 * SECOND);
    dhcp_rig_wait(2 * SECOND);
    DHCP_SERVER_SAYS(.type = DHCP_OFFER);
    ck_assert_ptr_nonnull(dhcp_rig_next(0));
    const instant asked = r->now;
    ck_assert_ptr_nonnull(dhcp_rig_next(6 * SECOND));
    DHCP_SERVER_SAYS(.type = DHCP_ACK);
    dhcp_rig_wait(8 * SECOND);
    ck_assert_int_eq(dhcp_client_state(r->client), DHCP_STATE_BOUND);
    ck_assert_int_eq(dhcp_client_lease(r->client)->ends.ns, asked.ns + 3600 * SECOND);
    dhcp_rig_end();
}
END_TEST

/* Hosts that began together do not renew together for ever. */
START_TEST(renewals_are_spread)
{
    int64_t least = INT64_MAX, most = 0;

    for (uint64_t seed = 1; seed <= 20; seed++) {
        given_dhcp_rig(seed);
        dhcp_rig_begin(nowhere);
        dhcp_rig_bind(3600);
        const struct dhcp_lease *lease = dhcp_client_lease(r->client);
        int64_t before = instant_since(lease->ends, lease->renew);
        least = before < least ? before : least;
        most = before > most ? before : most;
        dhcp_rig_end();
    }
    ck_assert_int_ge(least, 1800 * SECOND);
    ck_assert_int_le(most, 1801 * SECOND);
    ck_assert_int_ge(most - least, SECOND / 2);
}
END_TEST

START_TEST(a_lease_ends_in_time_while_the_link_is_asked_anew)
{
    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    dhcp_rig_bind(120);
    const instant ends = dhcp_client_lease(r->client)->ends;
    dhcp_rig_wait(instant_since(ends, r->now) - 2 * SECOND);
    dhcp_client_link_up(r->client, r->now);
    dhcp_rig_wait(2 * SECOND - 1);
    ck_assert(has_address());
    dhcp_rig_wait(1);
    ck_assert(!has_address());
    dhcp_rig_end();
}
END_TEST

/* The field has 16 bits; a relay may go by it. */
START_TEST(seconds_are_counted_from_the_first_start_and_stop_at_their_end)
{
    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    dhcp_rig_next(2 * SECOND);
    const instant start = r->now;
    ck_assert_uint_eq(dhcp_rig_last()->secs, 0);
    DHCP_SERVER_SAYS(.type = DHCP_OFFER);
    ck_assert_ptr_nonnull(dhcp_rig_next(0));
    DHCP_SERVER_SAYS(.type = DHCP_NAK);
    ck_assert_ptr_nonnull(dhcp_rig_next(10 * SECOND));
    ck_assert_uint_eq(dhcp_rig_last()->type, DHCP_DISCOVER);
    ck_assert_int_eq(dhcp_rig_last()->secs, since(start) / SECOND);
    while (since(start) < 65600 * SECOND) {
        dhcp_rig_forget();
        ck_assert_ptr_nonnull(dhcp_rig_next(70 * SECOND));
    }
    ck_assert_uint_eq(dhcp_rig_last()->secs, 65535);
    dhcp_rig_end();
}
END_TEST

/* Whoever goes while he asks the link asks no more. */
START_TEST(a_question_on_the_link_ends_with_its_client)
{
    given_an_acknowledged_address();
    dhcp_rig_wait(2 * SECOND);
    ck_assert_int_eq(stack_claim(r->stack), ADDR_CLAIM_ASKING);
    if (_i == 0) {
        dhcp_client_release(r->client, r->now);
        ck_assert_ptr_null(dhcp_rig_next(DAY)); /* there is nothing to give back */
    } else {
        dhcp_client_free(r->client);
        r->client = NULL;
    }
    ck_assert_int_eq(stack_claim(r->stack), ADDR_CLAIM_NONE);
    dhcp_rig_end();
}
END_TEST

/* --- BOUND and on ------------------------------------------------------------------------- */

START_TEST(an_acknowledgement_gives_the_stack_its_address_and_gateway)
{
    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    dhcp_rig_bind(3600);
    const struct stack_config *config = stack_config(r->stack);
    const struct dhcp_lease *lease = dhcp_client_lease(r->client);
    ck_assert_int_eq(config->addr_count, 1);
    ck_assert(ip_equal(config->addr[0].addr, DHCP_ADDRESS));
    ck_assert_int_eq(config->addr[0].len, 24);
    ck_assert(ip_equal(config->gateway, DHCP_SERVER));
    ck_assert_ptr_nonnull(lease);
    ck_assert(ip_equal(lease->said.server, DHCP_SERVER));
    dhcp_rig_end();
}
END_TEST

START_TEST(a_lease_is_renewed_at_t1_rebound_at_t2_and_over_at_its_end)
{
    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    dhcp_rig_bind(7200);
    const struct dhcp_lease lease = *dhcp_client_lease(r->client);

    const struct dhcp_said *said = dhcp_rig_next(DAY);
    ck_assert_int_eq(r->now.ns, lease.renew.ns);
    ck_assert_int_le(llabs(instant_since(lease.ends, r->now) - 3600 * SECOND), 1 * SECOND);
    ck_assert_uint_eq(said->type, DHCP_REQUEST);
    ck_assert_uint_eq(said->secs, 0); /* since the renewal began */
    ck_assert(ip_equal(said->dst, DHCP_SERVER) && ip_equal(said->src, DHCP_ADDRESS));
    ck_assert(!mac_is_group(said->to));
    ck_assert(ip_equal(said->client, DHCP_ADDRESS));
    ck_assert(ip_is_unspecified(said->requested) && ip_is_unspecified(said->server));

    do
        said = dhcp_rig_next(DAY);
    while (instant_before(r->now, lease.rebind));
    ck_assert_int_eq(r->now.ns, lease.rebind.ns);
    ck_assert_int_le(llabs(instant_since(lease.ends, r->now) - 900 * SECOND), 1 * SECOND);
    assert_broadcast(said, false);
    ck_assert(ip_equal(said->client, DHCP_ADDRESS));
    ck_assert(ip_is_unspecified(said->requested) && ip_is_unspecified(said->server));

    while (instant_before(r->now, lease.ends)) {
        ck_assert(has_address());
        said = dhcp_rig_next(DAY);
    }
    ck_assert(!has_address());
    ck_assert(ip_is_unspecified(stack_config(r->stack)->gateway));
    ck_assert_int_eq(r->told[r->told_count - 1].news, DHCP_NEWS_LOST);
    ck_assert_int_eq(r->told[r->told_count - 1].when.ns, lease.ends.ns);
    ck_assert_uint_eq(said->type, DHCP_DISCOVER);
    assert_broadcast(said, true);
    ck_assert_int_le(since(lease.ends), 1 * SECOND);
    dhcp_rig_end();
    PROVES("RFC2131-4.4.5-a", "RFC2131-4.3.6-a");
}
END_TEST

START_TEST(renewals_that_nobody_answers_wait_half_of_what_is_left_and_a_minute_at_least)
{
    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    dhcp_rig_bind(86400);
    const struct dhcp_lease lease = *dhcp_client_lease(r->client);
    int messages = 0;

    dhcp_rig_next(DAY);
    while (instant_before(r->now, lease.ends)) {
        instant sent = r->now;
        instant edge = instant_before(sent, lease.rebind) ? lease.rebind : lease.ends;
        int64_t left = instant_since(edge, sent);
        int64_t expected = left / 2 < 60 * SECOND ? 60 * SECOND : left / 2;
        dhcp_rig_next(DAY);
        messages++;
        if (expected >= left)
            ck_assert_int_ge(since(sent), left);
        else
            ck_assert_int_eq(since(sent), expected);
    }
    ck_assert_int_ge(messages, 10);
    dhcp_rig_end();
    PROVES("RFC2131-4.4.5-b");
}
END_TEST

START_TEST(a_lease_that_is_renewed_lasts_for_years)
{
    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    dhcp_rig_bind(86400);
    for (int i = 0; i < 2000; i++) {
        const struct dhcp_said *said = dhcp_rig_next(DAY);
        ck_assert_ptr_nonnull(said);
        ck_assert_uint_eq(said->type, DHCP_REQUEST);
        instant asked = r->now;
        DHCP_SERVER_SAYS(.type = DHCP_ACK, .lease = 86400, .unicast = true);
        dhcp_rig_wait(0);
        ck_assert_int_eq(dhcp_client_state(r->client), DHCP_STATE_BOUND);
        ck_assert_int_eq(dhcp_client_lease(r->client)->ends.ns, asked.ns + DAY);
        ck_assert_int_eq(r->told[r->told_count - 1].news, DHCP_NEWS_RENEWED);
        dhcp_rig_forget();
    }
    ck_assert_uint_eq(dhcp_client_counters(r->client).strange, 0);
    dhcp_rig_end();
}
END_TEST

/* The network was divided, and has another gateway, off what was the link before, or is now. */
START_TEST(a_renewal_may_change_the_mask_and_the_gateway)
{
    const struct ip_addr wide = ip_from_v4(0xc0000301), near = ip_from_v4(0xc0000211);
    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    dhcp_rig_bind(7200);
    dhcp_rig_next(DAY);
    DHCP_SERVER_SAYS(.type = DHCP_ACK, .lease = 7200, .mask = 0xffff0000, .router = wide);
    dhcp_rig_wait(0);
    ck_assert_int_eq(dhcp_client_state(r->client), DHCP_STATE_BOUND);
    ck_assert(ip_equal(stack_config(r->stack)->gateway, wide));
    dhcp_rig_next(DAY);
    DHCP_SERVER_SAYS(.type = DHCP_ACK, .lease = 7200, .router = near);
    dhcp_rig_wait(0);
    ck_assert_int_eq(dhcp_client_state(r->client), DHCP_STATE_BOUND);
    ck_assert(ip_equal(stack_config(r->stack)->gateway, near));
    ck_assert_int_eq(stack_config(r->stack)->addr[0].len, 24);
    dhcp_rig_next(DAY);
    DHCP_SERVER_SAYS(.type = DHCP_ACK, .lease = 7200);
    dhcp_rig_wait(0);
    ck_assert(ip_is_unspecified(stack_config(r->stack)->gateway));
    for (int i = 0; i < r->told_count; i++)
        ck_assert_int_eq(r->told[i].news, DHCP_NEWS_RENEWED);
    dhcp_rig_end();
}
END_TEST

START_TEST(a_server_that_wants_to_be_asked_all_the_time_is_not)
{
    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    dhcp_rig_bind(3600);
    dhcp_rig_next(DAY);
    instant start = r->now;
    for (int i = 0; i < 20; i++) {
        DHCP_SERVER_SAYS(.type = DHCP_ACK, .renew = 1, .rebind = 3000);
        dhcp_rig_forget();
        ck_assert_ptr_nonnull(dhcp_rig_next(DAY));
    }
    ck_assert_int_ge(since(start), 20 * 4 * SECOND);
    dhcp_rig_end();
}
END_TEST

/* It comes to itself when the lease is over, and has been told of none. */
START_TEST(an_acknowledgement_that_was_slept_over_is_not_used)
{
    given_an_acknowledged_address();
    dhcp_rig_wait(1500 * SECOND / 1000);
    r->now = instant_add(r->now, DAY);
    dhcp_rig_wait(10 * SECOND);
    ck_assert_int_eq(r->told_count, 0);
    ck_assert(!has_address());
    ck_assert_int_ne(dhcp_client_state(r->client), DHCP_STATE_CHECKING);
    for (int i = 0; i < r->arp_count; i++)
        ck_assert(is_v4_zero(r->arp[i].packet.spa));
    dhcp_rig_end();
}
END_TEST

START_TEST(a_renewal_is_the_lenders_to_grant_and_a_rebinding_anybodys)
{
    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    dhcp_rig_bind(7200);
    const struct dhcp_lease lease = *dhcp_client_lease(r->client);
    dhcp_rig_next(DAY);
    DHCP_SERVER_SAYS(.type = DHCP_ACK, .server = DHCP_OTHER, .unicast = true);
    DHCP_SERVER_SAYS(.type = DHCP_NAK, .server = DHCP_OTHER);
    DHCP_SERVER_SAYS(.type = DHCP_ACK, .addr = ip_from_v4(0xc0000299));
    DHCP_SERVER_SAYS(.type = DHCP_ACK, .xid_change = 1, .unicast = true);
    dhcp_rig_wait(0);
    ck_assert_int_eq(dhcp_client_state(r->client), DHCP_STATE_RENEWING);
    ck_assert(has_address());

    while (instant_before(r->now, lease.rebind))
        dhcp_rig_next(DAY);
    DHCP_SERVER_SAYS(.type = DHCP_ACK, .server = DHCP_OTHER, .unicast = true);
    dhcp_rig_wait(0);
    ck_assert_int_eq(dhcp_client_state(r->client), DHCP_STATE_BOUND);
    dhcp_rig_forget();
    dhcp_rig_next(DAY);
    ck_assert(ip_equal(dhcp_client_lease(r->client)->said.server, DHCP_OTHER));
    dhcp_rig_end();
}
END_TEST

START_TEST(a_refusal_while_renewing_takes_the_address_at_once)
{
    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    dhcp_rig_bind(7200);
    dhcp_rig_next(DAY);
    DHCP_SERVER_SAYS(.type = DHCP_NAK);
    dhcp_rig_wait(0);
    ck_assert(!has_address());
    ck_assert_ptr_null(dhcp_client_lease(r->client));
    ck_assert_uint_eq(dhcp_client_counters(r->client).refused, 1);
    ck_assert_int_eq(r->told[r->told_count - 1].news, DHCP_NEWS_LOST);
    ck_assert_ptr_nonnull(dhcp_rig_next(2 * SECOND));
    ck_assert_uint_eq(dhcp_rig_last()->type, DHCP_DISCOVER);
    assert_broadcast(dhcp_rig_last(), true);
    dhcp_rig_end();
    PROVES("RFC2131-3.1-nak");
}
END_TEST

START_TEST(a_lease_without_end_is_never_spoken_of_again)
{
    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    dhcp_rig_bind(UINT32_MAX);
    ck_assert_ptr_null(dhcp_rig_next(3653 * DAY));
    ck_assert(has_address());
    dhcp_rig_end();
    PROVES("RFC2131-3.5-a");
}
END_TEST

/* --- sockets when a lease ends ------------------------------------------------------------ */

START_TEST(sockets_hear_that_their_address_is_gone)
{
    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    dhcp_rig_bind(120);
    struct endpoint server = {DHCP_SERVER, 80}, ours = {DHCP_ADDRESS, 7000};
    int opening = sock_socket(r->stack, AF_INET, SOCK_STREAM, 0);
    int listening = sock_socket(r->stack, AF_INET, SOCK_STREAM, 0);
    int named = sock_socket(r->stack, AF_INET, SOCK_DGRAM, 0);
    int connected = sock_socket(r->stack, AF_INET, SOCK_DGRAM, 0);
    int any = sock_socket(r->stack, AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_eq(sock_connect(r->stack, opening, server, NULL), -EINPROGRESS);
    ck_assert_int_eq(sock_bind(r->stack, listening, ours), 0);
    ck_assert_int_eq(sock_listen(r->stack, listening, 5), 0);
    ck_assert_int_eq(sock_bind(r->stack, named, ours), 0);
    ck_assert_int_eq(sock_connect(r->stack, connected, server, NULL), 0);
    ck_assert_int_eq(sock_bind(r->stack, any, (struct endpoint){.port = 7001}), 0);

    while (has_address()) {
        int others = r->others;
        dhcp_rig_next(DAY);
        if (!has_address())
            ck_assert_int_eq(r->others, others); /* nothing leaves from it any more */
    }
    r->others = 0;
    char octet;
    ck_assert_int_eq(sock_recv(r->stack, opening, &octet, 1, 0, NULL), -ENETDOWN);
    ck_assert_int_eq(sock_recv(r->stack, named, &octet, 1, 0, NULL), -ENETDOWN);
    ck_assert_int_eq(sock_recv(r->stack, connected, &octet, 1, 0, NULL), -ENETDOWN);
    ck_assert_int_eq(sock_recv(r->stack, any, &octet, 1, 0, NULL), -EAGAIN);
    ck_assert_int_eq(sock_accept(r->stack, listening, NULL, NULL), -EAGAIN);
    ck_assert_int_eq(sock_sendto(r->stack, named, "x", 1, 0, &server, NULL), -EADDRNOTAVAIL);
    ck_assert_int_eq(sock_sendto(r->stack, any, "x", 1, 0, &server, NULL), -ENETUNREACH);
    dhcp_rig_wait(0);
    ck_assert_int_eq(r->others, 0);
    const int all[] = {opening, listening, named, connected, any};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        sock_close(r->stack, all[i]);
    dhcp_rig_end();
    PROVES("H07");
}
END_TEST

/* --- again, and the end ------------------------------------------------------------------- */

START_TEST(an_address_that_it_had_is_asked_for_first)
{
    given_dhcp_rig(1);
    dhcp_rig_begin(DHCP_ADDRESS);
    const struct dhcp_said *said = dhcp_rig_next(2 * SECOND);
    ck_assert_ptr_nonnull(said);
    assert_broadcast(said, true);
    ck_assert_uint_eq(said->type, DHCP_REQUEST);
    ck_assert(ip_equal(said->requested, DHCP_ADDRESS));
    ck_assert(ip_is_unspecified(said->server) && ip_is_unspecified(said->client));
    if (_i == 0) { /* whoever knows it may say yes, */
        DHCP_SERVER_SAYS(.type = DHCP_ACK, .server = DHCP_OTHER);
        dhcp_rig_wait(12 * SECOND);
        ck_assert(has_address());
        ck_assert_int_eq(r->arp_count, 5); /* and the link was asked, too */
    } else if (_i == 1) {                  /* or no, */
        DHCP_SERVER_SAYS(.type = DHCP_NAK);
        ck_assert_ptr_nonnull(dhcp_rig_next(6 * SECOND));
        ck_assert_uint_eq(dhcp_rig_last()->type, DHCP_DISCOVER);
    } else { /* or nobody says anything. */
        while (dhcp_rig_next(100 * SECOND)->type != DHCP_DISCOVER)
            ck_assert_int_lt(r->said_count, 6);
        ck_assert_int_eq(r->said_count, 4);
    }
    dhcp_rig_end();
    PROVES("RFC2131-4.3.6-a");
}
END_TEST

START_TEST(a_link_that_comes_back_is_asked_whether_the_address_is_still_good)
{
    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    dhcp_rig_bind(7200);
    const instant renew = dhcp_client_lease(r->client)->renew;
    dhcp_rig_wait(100 * SECOND);
    dhcp_client_link_up(r->client, r->now);
    const struct dhcp_said *said = dhcp_rig_next(0);
    ck_assert_ptr_nonnull(said);
    ck_assert_uint_eq(said->type, DHCP_REQUEST);
    ck_assert(ip_equal(said->requested, DHCP_ADDRESS) && ip_is_unspecified(said->client));
    ck_assert(has_address()); /* it may be used meanwhile */
    if (_i == 0) {
        DHCP_SERVER_SAYS(.type = DHCP_ACK, .lease = 7200);
        dhcp_rig_wait(0);
        ck_assert_int_eq(dhcp_client_state(r->client), DHCP_STATE_BOUND);
        ck_assert(instant_before(renew, dhcp_client_lease(r->client)->renew));
    } else if (_i == 1) {
        DHCP_SERVER_SAYS(.type = DHCP_NAK);
        dhcp_rig_wait(0);
        ck_assert(!has_address());
    } else {
        dhcp_rig_wait(60 * SECOND); /* silence: for the rest of the lease */
        ck_assert_int_eq(dhcp_client_state(r->client), DHCP_STATE_BOUND);
        ck_assert_ptr_nonnull(dhcp_rig_next(DAY));
        ck_assert_int_eq(r->now.ns, renew.ns);
    }
    dhcp_rig_end();
}
END_TEST

START_TEST(a_client_that_ends_gives_its_address_back)
{
    given_dhcp_rig(1);
    dhcp_rig_begin(nowhere);
    const struct dhcp_said discover = *dhcp_rig_next(2 * SECOND);
    DHCP_SERVER_SAYS(.type = DHCP_OFFER);
    dhcp_rig_next(0);
    DHCP_SERVER_SAYS(.type = DHCP_ACK);
    dhcp_rig_wait(8 * SECOND);
    dhcp_client_release(r->client, r->now);
    const struct dhcp_said *said = dhcp_rig_next(0);
    ck_assert_ptr_nonnull(said);
    ck_assert_uint_eq(said->type, DHCP_RELEASE);
    ck_assert_uint_eq(said->secs, 0);
    ck_assert(ip_equal(said->dst, DHCP_SERVER) && ip_equal(said->src, DHCP_ADDRESS));
    ck_assert(ip_equal(said->client, DHCP_ADDRESS) && ip_equal(said->server, DHCP_SERVER));
    ck_assert(ip_is_unspecified(said->requested));
    ck_assert_uint_gt(discover.id_len, 0);
    ck_assert_mem_eq(said->id, discover.id, sizeof discover.id);
    r->now = instant_add(r->now, DAY); /* asleep, beyond the end of what was the lease */
    ck_assert_ptr_null(dhcp_rig_next(DAY));
    dhcp_client_link_up(r->client, r->now);
    ck_assert_ptr_null(dhcp_rig_next(DAY));
    ck_assert_int_eq(dhcp_client_state(r->client), DHCP_STATE_RELEASED);
    dhcp_rig_end();
    PROVES("RFC2131-4.4.6-a");
}
END_TEST

START_TEST(memory_that_is_short_at_the_start_is_told_and_nothing_is_left)
{
    struct dhcp_client_config config = {.env = &r->memory.env};
    struct dhcp_client *client;

    given_dhcp_rig(1);
    r->stack = stack_new(&r->config, &r->memory.env);
    ck_assert_ptr_nonnull(r->stack);
    config.stack = r->stack;
    int64_t before = (int64_t)r->memory.out;
    r->memory.fail_at = r->memory.calls + 1;
    ck_assert_int_eq(dhcp_client_new(&config, r->now, &client), -ENOMEM);
    ck_assert_int_eq((int64_t)r->memory.out, before);
    r->memory.fail_at = r->memory.calls + 2; /* the socket's */
    ck_assert_int_eq(dhcp_client_new(&config, r->now, &client), -ENFILE);
    r->memory.fail_at = 0;
    stack_free(r->stack);
    ck_assert_uint_eq(r->memory.out, 0);
}
END_TEST

/* Servers that say anything at any time. */
START_TEST(any_order_of_answers_is_survived)
{
    static const uint8_t types[] = {DHCP_OFFER, DHCP_ACK, DHCP_NAK, DHCP_DISCOVER, 77};
    static const uint32_t leases[] = {60, 61, 300, 3600, UINT32_MAX, 1};

    for (uint64_t seed = 1; seed <= 40; seed++) {
        given_dhcp_rig(seed);
        dhcp_rig_begin(seed % 3 ? nowhere : DHCP_ADDRESS);
        dhcp_rig_next(2 * SECOND);
        for (int i = 0; i < 300; i++) {
            uint32_t dice = (uint32_t)(r->random >> 32);
            struct dhcp_says says = {.type = types[dice % 8 < 5 ? dice % 8 : dice % 2],
                                     .lease = leases[dice / 8 % ARRAY_LEN(leases)],
                                     .unicast = dice & 1 << 20,
                                     .with_router = dice & 1 << 21};
            says.server = dice & 3 << 22 ? DHCP_SERVER : DHCP_OTHER;
            dhcp_rig_server(&says);
            if (dice % 31 == 0)
                dhcp_rig_arp(ARP_REPLY, stranger, DHCP_ADDRESS, DHCP_ADDRESS);
            if (dice % 47 == 0)
                dhcp_client_link_up(r->client, r->now);
            dhcp_rig_wait((int64_t)(dice / 1024 % 4096) * SECOND / 16);
            HOLDS(has_address() == (dhcp_client_lease(r->client) != NULL));
            if (r->said_count > 200 || r->arp_count > 200 || r->told_count > 30)
                dhcp_rig_forget();
            r->random = r->random * UINT64_C(6364136223846793005) + 1;
        }
        HOLDS(r->seen < 300 * 60);
        dhcp_rig_end();
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dhcp_client");

    TCase *t = tcase_create("RFC 2131, 4.4.1: from nothing to a request");
    tcase_add_test(t, a_discover_leaves_from_no_address_to_all);
    tcase_add_loop_test(t, the_first_message_waits_as_long_as_the_values_say, 0, 2);
    tcase_add_test(t, silence_is_answered_by_longer_and_longer_pauses);
    tcase_add_test(t, what_is_no_offer_to_us_leads_nowhere);
    tcase_add_loop_test(t, an_offer_is_requested_in_its_words_from_its_server, 0, 2);
    tcase_add_test(t, only_the_server_that_was_chosen_can_acknowledge);
    tcase_add_test(t, a_server_without_an_identifier_is_not_chosen);
    tcase_add_test(t, a_request_that_nobody_answers_is_given_up_after_five);
    tcase_add_test(t, who_is_refused_again_and_again_slows_down);
    suite_add_tcase(s, t);

    t = tcase_create("RFC 5227, 2.1: is it free?");
    tcase_add_test(t, an_address_is_asked_for_three_times_before_it_is_used_and_announced_twice);
    tcase_add_test(t, who_only_asks_for_an_address_does_not_answer_for_it);
    tcase_add_loop_test(
        t, an_address_that_somebody_has_is_declined_and_nothing_is_asked_for_ten_seconds, 0,
        ARRAY_LEN(rivals));
    tcase_add_test(t, our_own_probe_that_comes_back_is_nobody);
    tcase_add_test(t, a_link_where_all_is_taken_is_not_shouted_at);
    tcase_add_test(t, a_link_that_comes_back_while_we_ask_makes_us_begin_anew);
    tcase_add_loop_test(t, an_address_that_could_not_be_had_is_not_asked_for_again, 0, 2);
    tcase_add_test(t, a_claim_that_is_not_ours_any_more_makes_us_begin_anew);
    tcase_add_loop_test(t, a_question_on_the_link_ends_with_its_client, 0, 2);
    suite_add_tcase(s, t);

    t = tcase_create("RFC 2131, 4.4.5: a lease");
    tcase_add_test(t, an_acknowledgement_gives_the_stack_its_address_and_gateway);
    tcase_add_test(t, a_lease_is_renewed_at_t1_rebound_at_t2_and_over_at_its_end);
    tcase_add_test(t, renewals_that_nobody_answers_wait_half_of_what_is_left_and_a_minute_at_least);
    tcase_add_test(t, a_lease_that_is_renewed_lasts_for_years);
    tcase_add_test(t, a_lease_counts_from_the_first_request_for_it);
    tcase_add_test(t, renewals_are_spread);
    tcase_add_test(t, a_lease_ends_in_time_while_the_link_is_asked_anew);
    tcase_add_test(t, seconds_are_counted_from_the_first_start_and_stop_at_their_end);
    tcase_add_test(t, a_renewal_may_change_the_mask_and_the_gateway);
    tcase_add_test(t, a_server_that_wants_to_be_asked_all_the_time_is_not);
    tcase_add_test(t, an_acknowledgement_that_was_slept_over_is_not_used);
    tcase_add_test(t, a_renewal_is_the_lenders_to_grant_and_a_rebinding_anybodys);
    tcase_add_test(t, a_refusal_while_renewing_takes_the_address_at_once);
    tcase_add_test(t, a_lease_without_end_is_never_spoken_of_again);
    tcase_add_test(t, sockets_hear_that_their_address_is_gone);
    suite_add_tcase(s, t);

    t = tcase_create("RFC 2131, 3.2, 4.4.6: again, and the end");
    tcase_add_loop_test(t, an_address_that_it_had_is_asked_for_first, 0, 3);
    tcase_add_loop_test(t, a_link_that_comes_back_is_asked_whether_the_address_is_still_good, 0, 3);
    tcase_add_test(t, a_client_that_ends_gives_its_address_back);
    tcase_add_test(t, memory_that_is_short_at_the_start_is_told_and_nothing_is_left);
    tcase_add_test(t, any_order_of_answers_is_survived);
    suite_add_tcase(s, t);
    return run_suite(s, "dhcp_client");
}
