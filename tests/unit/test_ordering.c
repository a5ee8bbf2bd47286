/*
 * test_ordering.c - which of a host's addresses to try first (RFC 6724).
 *
 * A row is an example: addresses of ours, a list of destinations as a server might have told it,
 * and the list as it must come out. Ours are words with a prefix and marks behind them: d for
 * deprecated, h and c for home and care-of. Each list is tried in both directions, so no row holds
 * by luck.
 */
#include "apps/ordering.h"

#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "support/proves.h"

enum { WORDS = 8 };

static struct ordering_source sources[WORDS];
static struct ordering_target targets[WORDS];
static struct ordering ordering;

/* The words of `text`; how many. */
static int split(const char *text, char words[WORDS][64])
{
    int count = 0, used;

    for (; sscanf(text, "%63s%n", words[count], &used) == 1; text += used) {
        count++;
        ck_assert_int_lt(count, WORDS);
    }
    return count;
}

static struct ip_addr ip(const char *text)
{
    struct ip_addr addr;

    ck_assert_msg(ip_addr_parse(text, &addr) == 0, "%s", text);
    return addr;
}

static void given(const char *ours)
{
    char words[WORDS][64];

    ordering = (struct ordering){ordering_policies, ORDERING_POLICIES, sources, 0};
    ordering.source_count = split(ours, words);
    for (int i = 0; i < ordering.source_count; i++) {
        char *marks = strchr(words[i], ',');
        sources[i] = (struct ordering_source){.deprecated = marks && strchr(marks, 'd'),
                                              .home = marks && strchr(marks, 'h'),
                                              .care_of = marks && strchr(marks, 'c')};
        if (marks)
            *marks = '\0';
        ck_assert_msg(ip_prefix_parse(words[i], &sources[i].prefix) == 0, "%s", words[i]);
    }
}

/* "x" behind an address: it cannot be reached; "t": through a tunnel. */
static int aim(const char *text, bool backwards)
{
    char words[WORDS][64];
    int count = split(text, words);

    for (int i = 0; i < count; i++) {
        char *word = words[backwards ? count - 1 - i : i];
        char *mark = strchr(word, ',');
        targets[i] = (struct ordering_target){.unreachable = mark && mark[1] == 'x',
                                              .tunnelled = mark && mark[1] == 't'};
        if (mark)
            *mark = '\0';
        targets[i].addr = ip(word);
    }
    return count;
}

static const char *sorted(const char *text, bool backwards)
{
    static char out[512];
    int count = aim(text, backwards), len = 0;

    ordering_sort(&ordering, targets, count);
    *out = '\0';
    for (int i = 0; i < count; i++) {
        char addr[IP_ADDR_TEXT];
        len += snprintf(out + len, sizeof out - (size_t)len, "%s%s", i ? " " : "",
                        ip_addr_format(targets[i].addr, addr));
    }
    return out;
}

static const struct {
    const char *ours, *list, *sorted;
} examples[] = {
    /* RFC 6724, 10.2 */
    {"2001:db8:1::2/64 fe80::1/64 169.254.13.78/16", "2001:db8:1::1 198.51.100.121",
     "2001:db8:1::1 198.51.100.121"}, /* prefer matching scope */
    {"fe80::1/64 198.51.100.117/24", "2001:db8:1::1 198.51.100.121",
     "198.51.100.121 2001:db8:1::1"}, /* prefer matching scope */
    {"2001:db8:1::2/64 fe80::1/64 10.1.2.4/24", "2001:db8:1::1 10.1.2.3",
     "2001:db8:1::1 10.1.2.3"}, /* prefer higher precedence */
    {"2001:db8:1::2/64 fe80::2/64", "2001:db8:1::1 fe80::1",
     "fe80::1 2001:db8:1::1"}, /* prefer smaller scope */
    {"2001:db8:1::2/64,c 2001:db8:3::1/64,h fe80::2/64,c", "2001:db8:1::1 fe80::1",
     "2001:db8:1::1 fe80::1"}, /* prefer home address */
    {"2001:db8:1::2/64 fe80::2/64,d", "2001:db8:1::1 fe80::1",
     "2001:db8:1::1 fe80::1"}, /* avoid deprecated addresses */
    {"2001:db8:1::2/64 2001:db8:3f44::2/64 fe80::2/64", "2001:db8:1::1 2001:db8:3ffe::1",
     "2001:db8:1::1 2001:db8:3ffe::1"}, /* longest matching prefix */
    {"2002:c633:6401::2/64 fe80::2/64", "2002:c633:6401::1 2001:db8:1::1",
     "2002:c633:6401::1 2001:db8:1::1"}, /* prefer matching label */
    {"2002:c633:6401::2/64 2001:db8:1::2/64 fe80::2/64", "2002:c633:6401::1 2001:db8:1::1",
     "2001:db8:1::1 2002:c633:6401::1"}, /* prefer higher precedence */
    /* RFC 6724, 10.6, with the default table: unique local ones come after all others */
    {"fd11:1111:1111:1::2/64 203.0.113.2/24", "fd11:1111:1111:1::1 203.0.113.3",
     "203.0.113.3 fd11:1111:1111:1::1"},
    /* rule 1 */
    {"192.0.2.2/24", "2001:db8::1 192.0.2.1", "192.0.2.1 2001:db8::1"}, /* no source */
    {"192.0.2.2/24 2001:db8::2/64", "2001:db8::1,x 192.0.2.1", "192.0.2.1 2001:db8::1"},
    /* rule 7 */
    {"2001:db8::2/64", "2001:db8:1::1,t 2001:db8:2::1", "2001:db8:2::1 2001:db8:1::1"},
    /* rule 9 within IPv4, not beyond our own prefix */
    {"10.1.2.4/24", "10.1.3.1 10.1.2.1 ", "10.1.2.1 10.1.3.1"},
};

START_TEST(addresses_come_in_the_order_of_the_examples)
{
    given(examples[_i].ours);
    ck_assert_str_eq(sorted(examples[_i].list, false), examples[_i].sorted);
    ck_assert_str_eq(sorted(examples[_i].list, true), examples[_i].sorted);
    PROVES("RFC6724-6-a");
}
END_TEST

START_TEST(what_no_rule_tells_apart_stays_as_it_was)
{
    given("2001:db8::2/64 192.0.2.2/24");
    ck_assert_str_eq(sorted("192.0.2.9 192.0.2.7 2001:db8::7 192.0.2.8 2001:db8::6", false),
                     "2001:db8::7 2001:db8::6 192.0.2.9 192.0.2.7 192.0.2.8");
    ck_assert_str_eq(sorted("192.0.2.200 192.0.2.3", false), "192.0.2.200 192.0.2.3");
    given(""); /* nothing is usable: precedence decides, then the order that there was */
    ck_assert_str_eq(sorted("192.0.2.9 192.0.2.7 2001:db8::7", false),
                     "2001:db8::7 192.0.2.9 192.0.2.7");
    ck_assert_str_eq(sorted("", false), "");
    PROVES("RFC6724-6-a");
}
END_TEST

/* RFC 6724, 10.3: who gives IPv4 a higher precedence. */
START_TEST(another_table_is_another_order)
{
    struct ordering_policy policies[ORDERING_POLICIES];

    memcpy(policies, ordering_policies, sizeof policies);
    policies[2].precedence = 100;
    given("2001:db8::2/64 fe80::1/64 169.254.13.78/16");
    ordering.policies = policies;
    ck_assert_str_eq(sorted("2001:db8::1 198.51.100.121", true), "2001:db8::1 198.51.100.121");
    given("fe80::1/64 198.51.100.117/24");
    ordering.policies = policies;
    ck_assert_str_eq(sorted("2001:db8::1 198.51.100.121", false), "198.51.100.121 2001:db8::1");
    given("2001:db8::2/64 fe80::1/64 10.1.2.4/24");
    ordering.policies = policies;
    ck_assert_str_eq(sorted("2001:db8::1 10.1.2.3", false), "10.1.2.3 2001:db8::1");
    ordering.policy_count = 0; /* no row at all */
    ck_assert_str_eq(sorted("2001:db8::1 10.1.2.3", false), "2001:db8::1 10.1.2.3");
}
END_TEST

static const struct {
    const char *addr;
    int precedence, label;
} policies[] = {
    {"::1", 50, 0},
    {"2001:db8::1", 40, 1},
    {"fe80::1", 40, 1},
    {"ff02::1", 40, 1},
    {"192.0.2.1", 35, 4},
    {"127.0.0.1", 35, 4},
    {"2002:c000:201::", 30, 2},
    {"2001::1", 5, 5},
    {"2001:0:ffff::1", 5, 5},
    {"2001:1::1", 40, 1},
    {"fc00::1", 3, 13},
    {"fdff::1", 3, 13},
    {"fe00::1", 40, 1},
    {"::192.0.2.1", 1, 3},
    {"::1:0:0", 40, 1},
    {"fec0::1", 1, 11},
    {"feff::1", 1, 11},
    {"3ffe::1", 1, 12},
};

START_TEST(the_default_table_is_the_rfcs)
{
    given("");
    const struct ordering_policy *policy = ordering_policy_of(&ordering, ip(policies[_i].addr));
    ck_assert_ptr_nonnull(policy);
    ck_assert_int_eq(policy->precedence, policies[_i].precedence);
    ck_assert_int_eq(policy->label, policies[_i].label);
    PROVES("RFC6724-2.1-a");
}
END_TEST

static const struct {
    const char *ours, *dst, *source;
} choices[] = {
    {"2001:db8:2::1/64 fe80::1/64 2001:db8:1::1/64", "2001:db8:1::1", "2001:db8:1::1"}, /* rule 1 */
    {"2001:db8:1::2/64 fe80::1/64", "fe80::9", "fe80::1"},                              /* rule 2 */
    {"fe80::1/64 2001:db8:1::2/64", "2001:db8:9::9", "2001:db8:1::2"},
    {"fe80::1/64 2001:db8:1::2/64", "ff05::9", "2001:db8:1::2"},
    {"fec0::1/64 2001:db8:1::2/64", "ff05::9", "fec0::1"},
    {"fe80::1/64", "2001:db8:9::9", "fe80::1"},
    {"2001:db8:1::2/64,d 2001:db8:2::2/64", "2001:db8:1::1", "2001:db8:2::2"},   /* rule 3 */
    {"2001:db8:1::2/64,c 2001:db8:2::2/64,h", "2001:db8:1::1", "2001:db8:2::2"}, /* rule 4 */
    {"2001:db8:1::2/64,h 2001:db8:2::2/64,hc", "2001:db8:1::1", "2001:db8:2::2"},
    {"2001:db8:1::2/64 2001:db8:2::2/64,h", "2001:db8:1::1", "2001:db8:1::2"}, /* no care-of */
    {"2001:db8:1::2/64 fd00::2/64", "fd00:1::1", "fd00::2"},                   /* rule 6 */
    {"2001:db8:1::2/64 2001:db8:2::2/64", "2001:db8:2::9", "2001:db8:2::2"},   /* rule 8 */
    {"2001:db8:1::2/64 fe80::1/64", "::1", "fe80::1"}, /* its scope is that of a link */
    {"2001:db8:1::2/64 192.0.2.2/24", "192.0.2.1", "192.0.2.2"},
    {"2001:db8:1::2/64", "192.0.2.1", NULL},
    {"192.0.2.2/24", "2001:db8::1", NULL},
};

START_TEST(a_source_is_chosen_by_the_rules)
{
    given(choices[_i].ours);
    const struct ordering_source *source = ordering_source_of(&ordering, ip(choices[_i].dst));
    if (!choices[_i].source)
        ck_assert_ptr_null(source);
    else
        ck_assert(source && ip_equal(source->prefix.addr, ip(choices[_i].source)));
}
END_TEST

/* What a stack's config tells: which ways there are, beside the addresses. */
static const struct {
    const char *gateway; /* "ip": a link without Ethernet */
    const char *list, *sorted;
} ways[] = {
    {"::", "2001:db8:9::9 198.51.100.9 2001:db8::1 192.0.2.1",
     "2001:db8::1 192.0.2.1 2001:db8:9::9 198.51.100.9"},
    {"192.0.2.254", "2001:db8:9::9 198.51.100.9 2001:db8::1 192.0.2.1",
     "2001:db8::1 192.0.2.1 198.51.100.9 2001:db8:9::9"},
    {"2001:db8::254", "2001:db8:9::9 198.51.100.9 192.0.2.1",
     "2001:db8:9::9 192.0.2.1 198.51.100.9"},
    {"ip", "2001:db8:9::9 198.51.100.9 192.0.2.1", "2001:db8:9::9 192.0.2.1 198.51.100.9"},
    {"ip", "", ""},
};

START_TEST(a_stack_is_asked_by_its_config)
{
    struct stack_config config;
    struct ip_addr addrs[WORDS];
    char words[WORDS][64], text[IP_ADDR_TEXT], got[512] = "";

    stack_config_init(&config);
    ck_assert_int_eq(ip_prefix_parse("192.0.2.2/24", &config.addr[0]), 0);
    ck_assert_int_eq(ip_prefix_parse("2001:db8::2/64", &config.addr[1]), 0);
    config.addr_count = 2;
    if (strcmp(ways[_i].gateway, "ip") == 0)
        config.link = STACK_LINK_IP;
    else
        config.gateway = ip(ways[_i].gateway);
    int count = split(ways[_i].list, words), len = 0;
    for (int i = 0; i < count; i++)
        addrs[i] = ip(words[i]);
    ordering_sort_addrs(&config, addrs, count);
    for (int i = 0; i < count; i++)
        len += snprintf(got + len, sizeof got - (size_t)len, "%s%s", i ? " " : "",
                        ip_addr_format(addrs[i], text));
    ck_assert_str_eq(got, ways[_i].sorted);
    PROVES("RFC6724-6-a");
}
END_TEST

static Suite *ordering_suite(void)
{
    Suite *suite = suite_create("ordering");
    TCase *destinations = tcase_create("RFC 6724, 6: destinations");
    TCase *rest = tcase_create("RFC 6724, 2.1 and 5: what they stand on");

    tcase_add_loop_test(destinations, addresses_come_in_the_order_of_the_examples, 0,
                        ARRAY_LEN(examples));
    tcase_add_test(destinations, what_no_rule_tells_apart_stays_as_it_was);
    tcase_add_test(destinations, another_table_is_another_order);
    tcase_add_loop_test(destinations, a_stack_is_asked_by_its_config, 0, ARRAY_LEN(ways));
    suite_add_tcase(suite, destinations);
    tcase_add_loop_test(rest, the_default_table_is_the_rfcs, 0, ARRAY_LEN(policies));
    tcase_add_loop_test(rest, a_source_is_chosen_by_the_rules, 0, ARRAY_LEN(choices));
    suite_add_tcase(suite, rest);
    return suite;
}

int main(void)
{
    return run_suite(ordering_suite(), "ordering");
}
