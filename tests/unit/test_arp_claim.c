/*
 * test_arp_claim.c - what the link hears of addresses that come and go: probes before one is ours,
 * announcements, answers and defences while it is, and nothing afterwards.
 *
 * The rig's client is there and says nothing for a minute.
 */
#include "base/addr.h"
#include "stack/stack_sending.h"
#include "support/dhcp_rig.h"
#include "support/proves.h"

#define SECOND INT64_C(1000000000)

#define FIRST   ip_from_v4(0xc0000233)
#define ANOTHER ip_from_v4(0xc0000234)

static struct dhcp_rig *const r = &dhcp_rig;
static const struct ip_addr nowhere; /* unspecified */
static const struct mac_addr stranger = {{2, 0, 0, 0, 0, 9}};

static void add(struct ip_addr addr)
{
    ck_assert_int_eq(stack_add_addr(r->stack, (struct ip_prefix){addr, 24}, r->now), 0);
}

static void take_away(struct ip_addr addr)
{
    ck_assert_int_eq(stack_remove_addr(r->stack, addr, r->now), 0);
}

static void given_no_client(void)
{
    given_dhcp_rig(1);
    r->config.values.dhcp_start_min = r->config.values.dhcp_start_max = 60 * SECOND;
    dhcp_rig_begin(nowhere);
}

/* Does the next packet to `dst` go to `hop`? As on a link that asks for no station. */
static bool goes_by(struct ip_addr dst, struct ip_addr hop)
{
    struct sending out = {.stack = r->stack};
    struct route route;
    struct mac_addr mac;

    return stack_find_hop(&out, dst, &route, &mac) == HOP_KNOWN && ip_equal(route.next_hop, hop);
}

START_TEST(a_way_is_forgotten_with_the_address_or_the_gateway_that_it_came_from)
{
    const struct ip_addr far = ip_from_v4(0x0a000001), beside = ip_from_v4(0x0a000002);

    given_no_client();
    add(FIRST);
    ck_assert(!goes_by(far, far));
    for (uint32_t i = 1; i <= 2; i++) {
        const struct ip_addr gateway = ip_from_v4(0xc0000200 + i);
        ck_assert_int_eq(stack_set_gateway(r->stack, gateway), 0);
        ck_assert(goes_by(far, gateway) && goes_by(far, gateway));
    }
    const struct ip_addr gateway = ip_from_v4(0xc0000202);
    add(beside);
    ck_assert(goes_by(far, far));
    ck_assert_int_eq(stack_add_addr(r->stack, (struct ip_prefix){beside, 32}, r->now), 0);
    ck_assert(goes_by(far, gateway));
    add(beside);
    ck_assert(goes_by(far, far));
    take_away(beside);
    ck_assert(goes_by(far, gateway));
    dhcp_rig_end();
}
END_TEST

/* How many packets name it as their sender, since dhcp_rig_forget(). */
static int said_by(struct ip_addr addr)
{
    int count = 0;

    for (int i = 0; i < r->arp_count; i++)
        count += ip_equal(r->arp[i].packet.spa, addr);
    return count;
}

/* Either of two: announcements that are owed, and those of the second round. */
START_TEST(an_address_that_goes_is_announced_no_more_and_the_other_is)
{
    const struct ip_addr goes = _i & 1 ? ANOTHER : FIRST, stays = _i & 1 ? FIRST : ANOTHER;
    const bool first_round = _i & 2;
    given_no_client();
    add(FIRST);
    add(ANOTHER);
    if (!first_round) {
        dhcp_rig_wait(0);
        ck_assert(said_by(goes) == 1 && said_by(stays) == 1);
    }
    take_away(goes);
    dhcp_rig_wait(5 * SECOND);
    ck_assert_int_eq(said_by(stays), 2);
    ck_assert_int_eq(said_by(goes), !first_round);
    take_away(stays);
    dhcp_rig_forget();
    add(goes);
    take_away(goes); /* the last: the second round is of nobody */
    dhcp_rig_wait(5 * SECOND);
    ck_assert_int_eq(r->arp_count, 0);
    dhcp_rig_end();
}
END_TEST

/* An answer and a defence are owed when it goes, or only the other's. */
START_TEST(an_address_that_goes_is_not_answered_for_nor_defended)
{
    const struct ip_addr goes = _i & 1 ? ANOTHER : FIRST, stays = _i & 1 ? FIRST : ANOTHER;
    given_no_client();
    add(FIRST);
    add(ANOTHER);
    dhcp_rig_wait(5 * SECOND);
    dhcp_rig_forget();
    dhcp_rig_arp(ARP_REQUEST, stranger, DHCP_OTHER, goes);
    dhcp_rig_arp(ARP_REQUEST, stranger, DHCP_OTHER, stays);
    if (!(_i & 2))
        dhcp_rig_arp(ARP_REPLY, stranger, goes, DHCP_OTHER);
    dhcp_rig_arp(ARP_REPLY, stranger, stays, DHCP_OTHER);
    take_away(goes);
    dhcp_rig_wait(0);
    ck_assert_int_eq(said_by(goes), 0);
    ck_assert_int_eq(said_by(stays), 2);
    dhcp_rig_arp(ARP_REPLY, stranger, stays, DHCP_OTHER); /* it was a moment ago */
    dhcp_rig_wait(0);
    ck_assert_int_eq(said_by(stays), 2);
    add(goes); /* ... and this one never was, in its new life */
    dhcp_rig_wait(5 * SECOND);
    dhcp_rig_forget();
    dhcp_rig_arp(ARP_REPLY, stranger, goes, DHCP_OTHER);
    dhcp_rig_wait(0);
    ck_assert_int_eq(said_by(goes), 1);
    dhcp_rig_end();
}
END_TEST

/* Who is on no link of ours is forgotten. */
START_TEST(stations_go_with_the_network_that_they_are_on)
{
    const struct ip_addr other_net = ip_from_v4(0x0a000001), station = ip_from_v4(0x0a000009);
    given_no_client();
    add(FIRST);
    add(other_net);
    dhcp_rig_arp(ARP_REQUEST, stranger, DHCP_OTHER, FIRST);
    dhcp_rig_arp(ARP_REQUEST, stranger, station, other_net);
    ck_assert_ptr_nonnull(arp_state_name(&r->stack->arp, DHCP_OTHER));
    ck_assert_ptr_nonnull(arp_state_name(&r->stack->arp, station));
    take_away(other_net);
    ck_assert_ptr_nonnull(arp_state_name(&r->stack->arp, DHCP_OTHER));
    ck_assert_ptr_null(arp_state_name(&r->stack->arp, station));
    dhcp_rig_wait(0);
    dhcp_rig_end();
}
END_TEST

START_TEST(whoever_sleeps_is_woken_to_announce_an_address)
{
    given_no_client();
    ck_assert(!stack_owes(r->stack));
    ck_assert_int_eq(stack_add_addr(r->stack, (struct ip_prefix){DHCP_ADDRESS, 24}, r->now), 0);
    ck_assert(stack_owes(r->stack));
    dhcp_rig_wait(0);
    ck_assert_int_eq(r->arp_count, 1);
    ck_assert(!stack_owes(r->stack));
    dhcp_rig_end();
}
END_TEST

/* The moments of the probes are spread, from stack to stack. */
START_TEST(probes_leave_at_random_moments)
{
    int64_t least[3] = {INT64_MAX, INT64_MAX, INT64_MAX}, most[3] = {0};

    for (uint64_t seed = 1; seed <= 20; seed++) {
        given_dhcp_rig(seed);
        r->config.values.dhcp_start_min = r->config.values.dhcp_start_max = 60 * SECOND;
        dhcp_rig_begin(nowhere);
        instant before = r->now;
        ck_assert_int_eq(stack_claim_addr(r->stack, FIRST, r->now), 0);
        dhcp_rig_wait(8 * SECOND);
        ck_assert_int_eq(r->arp_count, 3);
        ck_assert_int_eq(stack_claim(r->stack), ADDR_CLAIM_FREE);
        for (int i = 0; i < 3; i++) {
            int64_t pause = instant_since(r->arp[i].when, before);
            before = r->arp[i].when;
            least[i] = pause < least[i] ? pause : least[i];
            most[i] = pause > most[i] ? pause : most[i];
        }
        dhcp_rig_arp(ARP_REPLY, stranger, FIRST, DHCP_OTHER); /* too late: it stays as it is */
        ck_assert_int_eq(stack_claim(r->stack), ADDR_CLAIM_FREE);
        dhcp_rig_end();
    }
    for (int i = 0; i < 3; i++)
        ck_assert_int_ge(most[i] - least[i], SECOND / 2);
}
END_TEST

/* The one before is asked for no more, not even by a probe that is owed. */
START_TEST(a_new_claim_takes_the_place_of_the_one_before)
{
    given_no_client();
    ck_assert_int_eq(stack_claim_addr(r->stack, FIRST, r->now), 0);
    r->now = instant_add(r->now, 1 * SECOND);
    stack_advance(r->stack, r->now); /* a probe is owed, and has not left */
    ck_assert_int_eq(stack_claim_addr(r->stack, ANOTHER, r->now), 0);
    dhcp_rig_arp(ARP_REPLY, stranger, ip_from_v4(0), ANOTHER); /* no probe, and from nobody */
    dhcp_rig_wait(8 * SECOND);
    ck_assert_int_eq(r->arp_count, 3);
    for (int i = 0; i < 3; i++)
        ck_assert(ip_equal(r->arp[i].packet.tpa, ANOTHER));
    ck_assert_int_eq(stack_claim(r->stack), ADDR_CLAIM_FREE);
    dhcp_rig_end();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("arp_claim");
    TCase *t = tcase_create("RFC 5227, 2.1: may we have it?");

    tcase_add_test(t, probes_leave_at_random_moments);
    tcase_add_test(t, a_new_claim_takes_the_place_of_the_one_before);
    suite_add_tcase(s, t);

    t = tcase_create("RFC 5227, 2.3: it is ours, and no more");
    tcase_add_test(t, a_way_is_forgotten_with_the_address_or_the_gateway_that_it_came_from);
    tcase_add_test(t, whoever_sleeps_is_woken_to_announce_an_address);
    tcase_add_loop_test(t, an_address_that_goes_is_announced_no_more_and_the_other_is, 0, 4);
    tcase_add_loop_test(t, an_address_that_goes_is_not_answered_for_nor_defended, 0, 4);
    tcase_add_test(t, stations_go_with_the_network_that_they_are_on);
    suite_add_tcase(s, t);
    return run_suite(s, "arp_claim");
}
