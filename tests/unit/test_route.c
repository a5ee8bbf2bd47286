/*
 * test_route.c - the next hop of a packet and the address that it comes from.
 */
#include "ip/route.h"

#include <errno.h>

#include "support/proves.h"

static struct ip_addr ip(const char *text)
{
    struct ip_addr addr;
    ck_assert_msg(ip_addr_parse(text, &addr) == 0, "%s", text);
    return addr;
}

static struct ip_prefix addrs[4];

/* 10.9.0.2/24, 10.9.1.2/16, 192.0.2.8/31 and an IPv6 one, with the gateway 10.9.0.1. */
static struct ip_config given_a_host(void)
{
    static const char *const texts[] = {"fd00::2/64", "10.9.0.2/24", "10.9.1.2/16", "192.0.2.8/31"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        ck_assert_int_eq(ip_prefix_parse(texts[i], &addrs[i]), 0);
    return (struct ip_config){.addrs = addrs, .addr_count = 4, .gateway = ip("10.9.0.1")};
}

static const struct {
    const char *dst;
    int result;
    const char *next_hop, *src;
    bool broadcast;
} routes[] = {
    /* on the link */
    {"10.9.0.1", 0, "10.9.0.1", "10.9.0.2", false},
    {"10.9.0.254", 0, "10.9.0.254", "10.9.0.2", false},
    {"10.9.1.1", 0, "10.9.1.1", "10.9.1.2", false}, /* only the wider prefix has it */
    {"10.9.255.254", 0, "10.9.255.254", "10.9.1.2", false},
    {"192.0.2.9", 0, "192.0.2.9", "192.0.2.8", false},
    /* behind the gateway */
    {"10.8.255.255", 0, "10.9.0.1", "10.9.0.2", false},
    {"10.10.0.0", 0, "10.9.0.1", "10.9.0.2", false},
    {"192.0.2.7", 0, "10.9.0.1", "10.9.0.2", false},
    {"192.0.2.10", 0, "10.9.0.1", "10.9.0.2", false},
    {"8.8.8.8", 0, "10.9.0.1", "10.9.0.2", false},
    {"1.0.0.0", 0, "10.9.0.1", "10.9.0.2", false},
    {"223.255.255.255", 0, "10.9.0.1", "10.9.0.2", false},
    /* to many */
    {"10.9.0.255", 0, "10.9.0.255", "10.9.0.2", true},
    {"10.9.0.0", 0, "10.9.0.0", "10.9.0.2", true},
    {"10.9.255.255", 0, "10.9.255.255", "10.9.1.2", true},
    {"255.255.255.255", 0, "255.255.255.255", "10.9.0.2", true},
    {"224.0.0.1", 0, "224.0.0.1", "10.9.0.2", false},
    {"239.255.255.255", 0, "239.255.255.255", "10.9.0.2", false},
    /* never on the wire */
    {"0.0.0.0", -EINVAL, NULL, NULL, false},
    {"0.0.0.1", -EINVAL, NULL, NULL, false},
    {"0.255.255.255", -EINVAL, NULL, NULL, false},
    {"127.0.0.1", -EINVAL, NULL, NULL, false},
    {"127.255.255.255", -EINVAL, NULL, NULL, false},
    {"240.0.0.0", -EINVAL, NULL, NULL, false},
    {"255.255.255.254", -EINVAL, NULL, NULL, false},
    {"10.9.0.2", -EINVAL, NULL, NULL, false},
    {"192.0.2.8", -EINVAL, NULL, NULL, false},
    {"::", -EINVAL, NULL, NULL, false},
    {"::1", -EINVAL, NULL, NULL, false},
    {"fd00::2", -EINVAL, NULL, NULL, false},
    /* the other family: what is behind a gateway of IPv4 is not behind it for IPv6 */
    {"fd00::3", 0, "fd00::3", "fd00::2", false},
    {"fd00:0:0:1::3", -ENETUNREACH, NULL, NULL, false},
    {"ff02::1", 0, "ff02::1", "fd00::2", false},
};

START_TEST(a_packet_goes_to_the_link_or_to_the_gateway)
{
    struct ip_config config = given_a_host();
    struct route route;

    ck_assert_int_eq(route_lookup(&config, ip(routes[_i].dst), &route), routes[_i].result);
    if (routes[_i].result == 0) {
        ck_assert(ip_equal(route.next_hop, ip(routes[_i].next_hop)));
        ck_assert(ip_equal(route.src, ip(routes[_i].src)));
        ck_assert_int_eq(route.broadcast, routes[_i].broadcast);
    }
    PROVES("RFC1122-3.3.1.1-a", "RFC1122-3.3.1.2-a", "RFC1122-3.2.1.3-c", "RFC1122-3.3.4.3-a",
           "RFC894-p4-a");
}
END_TEST

START_TEST(without_a_gateway_only_the_link_can_be_reached)
{
    struct ip_config config = given_a_host();
    struct route route;

    config.gateway = (struct ip_addr){{0}};
    ck_assert_int_eq(route_lookup(&config, ip("8.8.8.8"), &route), -ENETUNREACH);
    ck_assert_int_eq(route_lookup(&config, ip("10.9.0.7"), &route), 0);
    config.gateway = ip("0.0.0.0");
    ck_assert_int_eq(route_lookup(&config, ip("8.8.8.8"), &route), -ENETUNREACH);
    ck_assert_int_eq(route_lookup(&config, ip("255.255.255.255"), &route), 0);
    PROVES("RFC1122-3.3.1.2-a");
}
END_TEST

START_TEST(the_gateway_may_be_in_the_second_network_or_in_none)
{
    struct ip_config config = given_a_host();
    struct route route;

    config.gateway = ip("192.0.2.9");
    ck_assert_int_eq(route_lookup(&config, ip("8.8.8.8"), &route), 0);
    ck_assert(ip_equal(route.src, ip("192.0.2.8")) && ip_equal(route.next_hop, ip("192.0.2.9")));
    config.gateway = ip("198.51.100.1");
    ck_assert_int_eq(route_lookup(&config, ip("8.8.8.8"), &route), 0);
    ck_assert(ip_equal(route.src, ip("10.9.0.2")));
    ck_assert(ip_equal(route.next_hop, ip("198.51.100.1")));
    PROVES("RFC1122-3.3.4.3-a");
}
END_TEST

static const struct {
    const char *dst, *src;
} lines[] = {
    {"8.8.8.8", "10.9.0.2"},
    {"10.9.1.1", "10.9.1.2"},
    {"2001:db8:2::9", "2001:db8:2::2"}, /* the longest prefix that holds it */
    {"2001:db8:1:7::9", "2001:db8:1::2"},
    {"2001:db8:3::9", "2001:db8:1::2"}, /* in none: the first that reaches as far */
    {"fe80::9", "fe80::2"},             /* what is told to the link stays on it */
    {"ff02::1", "2001:db8:1::2"},
};

START_TEST(a_line_to_one_place_needs_no_gateway)
{
    static const char *const texts[] = {"fe80::2/64", "2001:db8:1::2/48", "2001:db8:2::2/48",
                                        "10.9.0.2/32", "10.9.1.2/24"};
    struct ip_prefix ours[ARRAY_LEN(texts)];
    struct ip_config config = {
        .addrs = ours, .addr_count = ARRAY_LEN(texts), .point_to_point = true};
    struct route route;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        ck_assert_int_eq(ip_prefix_parse(texts[i], &ours[i]), 0);
    ck_assert_int_eq(route_lookup(&config, ip(lines[_i].dst), &route), 0);
    ck_assert(ip_equal(route.next_hop, ip(lines[_i].dst)));
    ck_assert(ip_equal(route.src, ip(lines[_i].src)));
    PROVES("RFC6724-5-2", "RFC6724-5-8");
}
END_TEST

START_TEST(without_an_address_there_is_no_way)
{
    struct ip_config config = given_a_host();
    struct route route;

    config.addr_count = 1; /* the IPv6 one */
    ck_assert_int_eq(route_lookup(&config, ip("8.8.8.8"), &route), -ENETUNREACH);
    ck_assert_int_eq(route_lookup(&config, ip("224.0.0.1"), &route), -ENETUNREACH);
    config.addr_count = 0;
    ck_assert_int_eq(route_lookup(&config, ip("10.9.0.7"), &route), -ENETUNREACH);
}
END_TEST

/* How a DHCP client asks for one (RFC 2131, 4.1). */
START_TEST(without_an_address_the_link_can_be_asked_for_one)
{
    struct ip_config config = given_a_host();
    struct route route;

    config.addr_count = 1; /* the IPv6 one */
    ck_assert_int_eq(route_lookup(&config, ip("255.255.255.255"), &route), 0);
    ck_assert(route.broadcast && ip_equal(route.src, ip("0.0.0.0")));
    ck_assert(ip_equal(route.next_hop, ip("255.255.255.255")));
}
END_TEST

START_TEST(the_source_is_always_one_of_our_unicast_addresses)
{
    struct ip_config config = given_a_host();

    for (uint32_t i = 0; i < 1 << 15; i++) {
        struct route route;
        struct ip_addr dst = ip_from_v4(i * 131101u); /* all over the space */
        if (route_lookup(&config, dst, &route))
            continue;
        ck_assert(ip_is_ours(&config, route.src) && !ip_is_broadcast(&config, route.src));
        ck_assert(!ip_is_loopback(route.next_hop) && !ip_is_ours(&config, route.next_hop));
    }
    PROVES("RFC1122-3.2.1.3-d", "RFC1122-3.2.1.3-c");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("route");

    TCase *c = tcase_create("RFC 1122, 3.3.1: routing outbound datagrams");
    tcase_add_loop_test(c, a_packet_goes_to_the_link_or_to_the_gateway, 0, (int)ARRAY_LEN(routes));
    tcase_add_test(c, without_a_gateway_only_the_link_can_be_reached);
    tcase_add_test(c, the_gateway_may_be_in_the_second_network_or_in_none);
    tcase_add_loop_test(c, a_line_to_one_place_needs_no_gateway, 0, (int)ARRAY_LEN(lines));
    tcase_add_test(c, without_an_address_there_is_no_way);
    tcase_add_test(c, without_an_address_the_link_can_be_asked_for_one);
    tcase_add_test(c, the_source_is_always_one_of_our_unicast_addresses);
    suite_add_tcase(s, c);
    return run_suite(s, "route");
}
