/* test_counters.c - counters as text, and the law that received = consumed + dropped. */
#include "see/counters.h"

#include "support/proves.h"

static char buffer[COUNTERS_TEXT];
static struct stack_counters counters;

static const char *rendered(void)
{
    struct text t = text_of(buffer, sizeof(buffer));
    counters_render(&counters, &t);
    ck_assert(!t.cut);
    return buffer;
}

static void given_a_fresh_stack(void)
{
    counters = (struct stack_counters){0};
}

START_TEST(counters_of_a_fresh_stack_are_nothing)
{
    ck_assert(counters_conserved(&counters));
    ck_assert_str_eq(rendered(), "");
}
END_TEST

static const struct {
    uint64_t received, consumed, bad_checksum, no_listener;
    bool conserved;
    const char *unaccounted;
} laws[] = {
    {0, 0, 0, 0, true, NULL},
    {1, 1, 0, 0, true, NULL},
    {1, 0, 1, 0, true, NULL},
    {10, 7, 1, 2, true, NULL},
    {10, 7, 1, 1, false, "stack.unaccounted 1\n"},
    {10, 7, 2, 2, false, "stack.unaccounted -1\n"},
    {1, 0, 0, 0, false, "stack.unaccounted 1\n"},
    {0, 1, 0, 0, false, "stack.unaccounted -1\n"},
};

START_TEST(counters_are_conserved_when_each_frame_is_consumed_or_dropped_once)
{
    counters.received = laws[_i].received;
    counters.consumed = laws[_i].consumed;
    counters.drops[DROP_TCP_CHECKSUM] = laws[_i].bad_checksum;
    counters.drops[DROP_TCP_CLOSED] = laws[_i].no_listener;
    ck_assert(counters_conserved(&counters) == laws[_i].conserved);
    ck_assert_uint_eq(counters_dropped(&counters), laws[_i].bad_checksum + laws[_i].no_listener);
    if (laws[_i].unaccounted)
        ck_assert_ptr_nonnull(strstr(rendered(), laws[_i].unaccounted));
    else
        ck_assert_ptr_null(strstr(rendered(), "unaccounted"));
}
END_TEST

START_TEST(counters_count_every_drop_of_the_list)
{
    for (size_t i = 1; i < DROP_COUNT; i++) {
        given_a_fresh_stack();
        counters.received = 1;
        counters.drops[i] = 1;
        ck_assert(counters_conserved(&counters));
        ck_assert_ptr_nonnull(strstr(rendered(), drop_name((enum drop)i)));
    }
}
END_TEST

START_TEST(counters_are_shown_by_name_and_only_when_not_zero)
{
    counters.received = 5;
    counters.consumed = 4;
    counters.sent = 3;
    counters.drops[DROP_IP4_CHECKSUM] = 1;
    counters.events[COUNTER_TCP_RETRANSMITS] = UINT64_MAX;
    ck_assert_str_eq(rendered(), "stack.received 5\n"
                                 "stack.consumed 4\n"
                                 "stack.sent 3\n"
                                 "ip4.rx_csum 1\n"
                                 "tcp.retransmits 18446744073709551615\n");
}
END_TEST

START_TEST(counters_fit_their_buffer_at_their_largest)
{
    memset(&counters, 0xff, sizeof(counters));
    ck_assert_uint_gt(strlen(rendered()), 0);
}
END_TEST

START_TEST(counters_of_a_device_are_shown_by_name)
{
    struct dev_counters dev = {.rx_frames = 2, .rx_octets = 120, .tx_again = 1};
    struct text t = text_of(buffer, sizeof(buffer));
    counters_render_dev(&dev, &t);
    ck_assert_str_eq(buffer, "dev.rx_frames 2\ndev.rx_octets 120\ndev.tx_again 1\n");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("counters");
    TCase *c = tcase_create("conservation");
    tcase_add_checked_fixture(c, given_a_fresh_stack, NULL);
    tcase_add_test(c, counters_of_a_fresh_stack_are_nothing);
    tcase_add_loop_test(c, counters_are_conserved_when_each_frame_is_consumed_or_dropped_once, 0,
                        ARRAY_LEN(laws));
    tcase_add_test(c, counters_count_every_drop_of_the_list);
    suite_add_tcase(s, c);
    c = tcase_create("text");
    tcase_add_checked_fixture(c, given_a_fresh_stack, NULL);
    tcase_add_test(c, counters_are_shown_by_name_and_only_when_not_zero);
    tcase_add_test(c, counters_fit_their_buffer_at_their_largest);
    tcase_add_test(c, counters_of_a_device_are_shown_by_name);
    suite_add_tcase(s, c);
    return run_suite(s, "counters");
}
