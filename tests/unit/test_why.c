/*
 * test_why.c - the answers of `tapio why`, in words, to what has really happened to a stack.
 */
#include "see/why.h"

#include <stdio.h>
#include <string.h>

#include "base/instant.h"
#include "support/peer.h"
#include "support/proves.h"

static struct why_answer answer;
static char words[WHY_TEXT];

static void ask(const struct peer *p, enum why_about about, uint32_t conn)
{
    why_gather(&answer, p->stack, about, conn);
}

static const char *item(uint32_t i)
{
    struct text text = text_of(words, sizeof words);

    ck_assert_uint_lt(i, answer.count);
    why_tell(&answer, &answer.item[i], &text);
    ck_assert(!text.cut);
    return words;
}

static const char *end(void)
{
    struct text text = text_of(words, sizeof words);

    why_tell_end(&answer, &text);
    ck_assert(!text.cut);
    return words;
}

static const char *because(uint32_t i)
{
    return event_sentence(&answer.item[i].event);
}

/* The number of the newest connection. */
static uint32_t newest_conn(const struct peer *p)
{
    const struct event *event;

    for (size_t back = 0; (event = stack_decision(p->stack, back)); back++)
        if (event->conn)
            return event->conn;
    return 0;
}

#define expect(got, want) ck_assert_str_eq(got, want)

static struct peer *with_ring(int64_t len)
{
    struct stack_config config;

    peer_config(&config);
    config.values.see_ring = len;
    return peer_new_with(&config, 0);
}

/* --- drops -------------------------------------------------------------------------------- */

START_TEST(a_drop_is_told_with_its_name_and_whose_it_was)
{
    struct peer *p = peer_new();

    peer_establish_passive(p);
    ask(p, WHY_ABOUT_DROP, 0);
    ck_assert_uint_eq(answer.count, 0);
    expect(end(), "nothing was dropped");

    PEER_SEND(p, .flags = ".", .seq = 1, .ack = 1, .len = 10, .bad_checksum = true);
    ask(p, WHY_ABOUT_DROP, 0);
    ck_assert_uint_eq(answer.count, 1);
    ck_assert_ptr_nonnull(strstr(item(0), "tcp.rx_csum: packet "));
    ck_assert_ptr_nonnull(strstr(item(0), ", TCP from 10.9.0.1:40000 to 10.9.0.2:80, 0.000 s ago"));
    expect(because(0), drop_sentence(DROP_TCP_CHECKSUM));
    expect(end(), "");
    peer_drop(p);
}
END_TEST

START_TEST(the_same_drop_again_and_again_is_one_item)
{
    struct peer *p = peer_new();

    peer_establish_passive(p);
    for (int i = 0; i < 5; i++) {
        PEER_SEND(p, .flags = ".", .seq = 1, .ack = 1, .len = 10, .bad_checksum = true);
        peer_wait(p, 100);
    }
    peer_send(p, ".", 100001, 1, 10); /* another */
    peer_skip(p);
    ask(p, WHY_ABOUT_DROP, 0);
    ck_assert_uint_eq(answer.count, 2);
    ck_assert_uint_eq(answer.item[0].times, 1);
    ck_assert_uint_eq(answer.item[1].times, 5);
    ck_assert_ptr_nonnull(strstr(item(1), "5 packets, the last "));
    ck_assert_ptr_nonnull(strstr(item(1), ", from 0.500 s ago to 0.100 s ago"));
    peer_drop(p);
}
END_TEST

START_TEST(a_drop_of_a_connection_is_found_even_where_it_could_not_be_believed)
{
    struct peer *p = peer_new();

    peer_establish_passive(p);
    uint32_t conn = newest_conn(p);
    PEER_SEND(p, .flags = ".", .seq = 1, .ack = 1, .len = 10, .bad_checksum = true);
    peer_send(p, ".", 100001, 1, 10);
    peer_skip(p);
    peer_establish_passive(p);
    uint32_t other = newest_conn(p);
    ck_assert_uint_ne(conn, other);
    PEER_SEND(p, .flags = ".", .seq = 1, .ack = 1, .len = 10, .bad_checksum = true);

    ask(p, WHY_ABOUT_DROP, conn);
    ck_assert_uint_eq(answer.count, 2);
    ck_assert_ptr_nonnull(strstr(item(0), "tcp.rx_seq"));
    ck_assert_ptr_nonnull(strstr(item(1), "tcp.rx_csum"));
    ask(p, WHY_ABOUT_DROP, other);
    ck_assert_uint_eq(answer.count, 1);
    peer_drop(p);
}
END_TEST

/* --- resets ------------------------------------------------------------------------------- */

START_TEST(what_came_to_the_next_connection_of_the_same_ends_is_not_of_this_one)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    uint32_t conn = newest_conn(p);

    PEER_SEND(p, .flags = ".", .seq = 1, .ack = 1, .len = 10, .bad_checksum = true);
    peer_abort(p, s);
    peer_expect_reset(p, 1);
    peer_wait(p, 1000);
    int listener = peer_listen(p, 1);
    peer_flow_again(p, 777777);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    peer_accept(p, listener);
    uint32_t next = newest_conn(p);
    ck_assert_uint_ne(next, conn);
    PEER_SEND(p, .flags = ".", .seq = 1, .ack = 1, .len = 10, .bad_checksum = true);
    peer_wait(p, 100);
    PEER_SEND(p, .flags = ".", .seq = 1, .ack = 1, .len = 10, .bad_checksum = true);
    ask(p, WHY_ABOUT_DROP, conn);
    ck_assert_uint_eq(answer.count, 1);
    ck_assert_uint_eq(answer.item[0].times, 1);
    ask(p, WHY_ABOUT_DROP, next);
    ck_assert_uint_eq(answer.count, 1);
    ck_assert_uint_eq(answer.item[0].times, 2);
    peer_drop(p);
}
END_TEST

START_TEST(a_reset_is_told_after_the_connection_has_ended)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);
    uint32_t conn = newest_conn(p);
    char want[WHY_TEXT];

    peer_abort(p, s);
    peer_expect_reset(p, 1);
    peer_wait(p, 3210);
    ask(p, WHY_ABOUT_RESET, conn);
    ck_assert_uint_eq(answer.count, 1);
    snprintf(want, sizeof want,
             "connection %u, 10.9.0.2:80 with 10.9.0.1:40000: we sent a reset, 3.210 s ago", conn);
    expect(item(0), want);
    expect(because(0), "The application aborted the connection (RFC 9293, 3.10.5).");
    ck_assert_ptr_nonnull(why_ended(&answer, &answer.item[0]));
    ck_assert_ptr_nonnull(strstr(why_ended(&answer, &answer.item[0]), "aborted"));

    s = peer_establish_passive(p);
    peer_send(p, "R", 1, 0, 0);
    peer_so_error(p, s);
    ask(p, WHY_ABOUT_RESET, 0);
    ck_assert_uint_eq(answer.count, 2);
    ck_assert_ptr_nonnull(strstr(item(0), ": the peer sent a reset, 0.000 s ago"));
    expect(because(0), "A reset at RCV.NXT: the peer aborted (RFC 9293, 3.10.7.4, second).");
    ck_assert_ptr_nonnull(why_ended(&answer, &answer.item[0]));
    ask(p, WHY_ABOUT_RESET, conn);
    ck_assert_uint_eq(answer.count, 1);
    peer_free(p);
}
END_TEST

START_TEST(a_reset_of_no_connection_has_both_ends_all_the_same)
{
    struct peer *p = peer_new();

    for (int i = 0; i < 3; i++) {
        peer_flow_new(p);
        peer_syn(p);
        peer_skip(p);
    }
    ask(p, WHY_ABOUT_RESET, 0);
    ck_assert_uint_eq(answer.count, 1);
    ck_assert_ptr_nonnull(strstr(item(0), "10.9.0.2:80 with 10.9.0.1:"));
    ck_assert_ptr_nonnull(strstr(
        item(0), " and other ports of it: we sent 3 resets, from 0.000 s ago to 0.000 s ago"));
    ck_assert_ptr_null(why_ended(&answer, &answer.item[0]));
    peer_free(p);
}
END_TEST

/* --- stalls ------------------------------------------------------------------------------- */

START_TEST(a_stall_is_told_with_how_long_it_took)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    for (int i = 0; i < 2; i++) {
        p->window = 0;
        peer_send(p, ".", 1, 1 + 100u * (uint32_t)i, 0);
        peer_app_send(p, s, 100);
        peer_poll(p);
        peer_wait(p, 1500);
        peer_skip(p);
        if (i == 1)
            break;
        p->window = PEER_WINDOW;
        peer_send(p, ".", 1, 1, 0);
        peer_skip(p);
        peer_send(p, ".", 1, 101, 0);
        peer_wait(p, 500);
    }
    ask(p, WHY_ABOUT_STALL, newest_conn(p));
    ck_assert_uint_eq(answer.count, 2);
    ck_assert_ptr_nonnull(
        strstr(item(0), ": 100 octets began to wait 1.499 s ago, and it is not over"));
    ck_assert_ptr_nonnull(strstr(item(1), ": 100 octets waited 1.499 s, until 2.000 s ago"));
    expect(because(0), held_sentence(HELD_WINDOW));
    peer_abort(p, s);
    peer_skip(p);
    ask(p, WHY_ABOUT_STALL, 0);
    ck_assert_ptr_nonnull(strstr(item(0), ": 100 octets waited 1.499 s, until 0.000 s ago"));
    peer_free(p);
}
END_TEST

START_TEST(a_stall_that_another_takes_over_from_is_over)
{
    struct stack_config config;

    peer_config(&config);
    config.values.tcp_probe_octet = 0;
    struct peer *p = peer_new_with(&config, 0);
    int s = peer_establish_passive(p);

    p->window = 0;
    peer_send(p, ".", 1, 1, 0);
    peer_app_send(p, s, 100);
    peer_poll(p);
    peer_wait(p, 1500);
    peer_skip(p);
    ck_assert_int_eq(peer_set(p, s, IPPROTO_TCP, TCP_CORK, 1), 0);
    p->window = PEER_WINDOW; /* room at last, and the application wants to wait */
    peer_send(p, ".", 1, 1, 0);
    peer_wait(p, 3000);
    peer_skip(p);
    ask(p, WHY_ABOUT_STALL, 0);
    ck_assert_uint_eq(answer.count, 2);
    expect(because(0), held_sentence(HELD_CORK));
    expect(because(1), held_sentence(HELD_WINDOW));
    ck_assert_ptr_nonnull(strstr(item(0), ": 100 octets waited "));
    ck_assert_ptr_nonnull(strstr(item(1), ": 100 octets waited "));
    ck_assert_int_ge(answer.item[1].over_at.ns, answer.item[1].event.when.ns);
    peer_drop(p);
}
END_TEST

/* --- retransmissions ---------------------------------------------------------------------- */

START_TEST(what_was_sent_again_is_told_with_its_trigger)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p);

    peer_app_send(p, s, 10);
    peer_expect(p, "P.", 1, 1, 10);
    peer_expect_after(p, 1000, "P.", 1, 1, 10);
    ask(p, WHY_ABOUT_RETRANSMIT, 0);
    ck_assert_uint_eq(answer.count, 1);
    ck_assert_ptr_nonnull(strstr(item(0), "10.9.0.2:80 with 10.9.0.1:40000: 10 octets sent again"));
    expect(because(0), why_sentence(WHY_OUT_RTO));
    peer_expect_after(p, 2000, "P.", 1, 1, 10);
    ask(p, WHY_ABOUT_RETRANSMIT, newest_conn(p));
    ck_assert_uint_eq(answer.count, 1);
    ck_assert_ptr_nonnull(strstr(item(0), "2 segments with 20 octets sent again"));
    ck_assert_ptr_nonnull(strstr(item(0), "for the 2. time in a row"));
    peer_send(p, ".", 1, 11, 0);
    peer_free(p);
}
END_TEST

/* --- what is missing ---------------------------------------------------------------------- */

START_TEST(a_connection_that_never_was_is_said_to_be_none)
{
    struct peer *p = peer_new();

    peer_establish_passive(p);
    ask(p, WHY_ABOUT_RESET, 999);
    ck_assert_uint_eq(answer.count, 0);
    expect(end(), "there has been no connection 999: `tapio ss` lists those that live");
    uint32_t conn = newest_conn(p);
    ask(p, WHY_ABOUT_RESET, conn);
    char want[WHY_TEXT];
    snprintf(want, sizeof want, "nothing of connection %u was reset", conn);
    expect(end(), want);
    peer_drop(p);
}
END_TEST

START_TEST(what_is_overwritten_is_said_to_be)
{
    struct peer *p = with_ring(16);
    int s = peer_establish_passive(p);
    uint32_t conn = newest_conn(p);

    peer_abort(p, s);
    peer_expect_reset(p, 1);
    peer_wait(p, 1000);
    ask(p, WHY_ABOUT_RESET, conn);
    ck_assert_uint_eq(answer.count, 1);
    expect(end(), "");
    for (int i = 0; i < 16; i++) {
        peer_flow_new(p);
        peer_syn(p);
        peer_skip(p);
    }
    ask(p, WHY_ABOUT_RESET, conn);
    ck_assert_uint_eq(answer.count, 0);
    ck_assert(answer.cut);
    ck_assert_ptr_nonnull(strstr(end(), "as far as is remembered: what was decided before 0.000 s "
                                        "ago is overwritten (see.ring)"));
    peer_free(p);
}
END_TEST

START_TEST(an_answer_has_an_end_and_says_how_much_is_left_out)
{
    struct peer *p = peer_new();

    for (uint32_t i = 0; i < WHY_ITEMS + 7; i++) { /* each of another kind than the one before */
        PEER_SEND(p, .flags = i % 2 ? "S" : "S.", .bad_checksum = i % 2 == 0);
        peer_skip(p);
        peer_wait(p, 200);
    }
    ask(p, WHY_ABOUT_DROP, 0);
    ck_assert_uint_eq(answer.count, WHY_ITEMS);
    expect(end(), "there are 7 more before that");
    ck_assert_int_eq(answer.item[0].event.drop.drop, answer.item[2].event.drop.drop);
    peer_drop(p);
}
END_TEST

START_TEST(connections_are_told_apart_however_many_there_are)
{
    struct peer *p = peer_new();

    for (int i = 0; i < 200; i++) {
        int s = peer_establish_passive(p);
        p->strangers = true;
        peer_abort(p, s);
        peer_skip(p);
        if (i % 64 == 63) {
            peer_wait(p, 1000);
            peer_flows_forget(p);
        }
    }
    ask(p, WHY_ABOUT_RESET, 0);
    ck_assert_uint_eq(answer.count, WHY_ITEMS);
    for (uint32_t i = 0; i < answer.count; i++) {
        ck_assert_ptr_nonnull(why_ended(&answer, &answer.item[i]));
        ck_assert(i == 0 || answer.item[i].event.conn == answer.item[i - 1].event.conn - 1);
    }
    peer_free(p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("why");
    TCase *c = tcase_create("answers");

    tcase_add_test(c, a_drop_is_told_with_its_name_and_whose_it_was);
    tcase_add_test(c, the_same_drop_again_and_again_is_one_item);
    tcase_add_test(c, a_drop_of_a_connection_is_found_even_where_it_could_not_be_believed);
    tcase_add_test(c, what_came_to_the_next_connection_of_the_same_ends_is_not_of_this_one);
    tcase_add_test(c, a_reset_is_told_after_the_connection_has_ended);
    tcase_add_test(c, a_reset_of_no_connection_has_both_ends_all_the_same);
    tcase_add_test(c, a_stall_is_told_with_how_long_it_took);
    tcase_add_test(c, a_stall_that_another_takes_over_from_is_over);
    tcase_add_test(c, what_was_sent_again_is_told_with_its_trigger);
    suite_add_tcase(s, c);

    c = tcase_create("what is missing");
    tcase_add_test(c, a_connection_that_never_was_is_said_to_be_none);
    tcase_add_test(c, what_is_overwritten_is_said_to_be);
    tcase_add_test(c, an_answer_has_an_end_and_says_how_much_is_left_out);
    tcase_add_test(c, connections_are_told_apart_however_many_there_are);
    suite_add_tcase(s, c);
    return run_suite(s, "why");
}
