/*
 * test_events.c - the event stream, its ring, and the names in the lists.
 */
#include "base/events.h"

#include <errno.h>
#include <string.h>

#include "support/proves.h"
#include "support/small_env.h"

static struct small_env env;
static struct memory memory;
static struct events events;

static void given_events(uint32_t ring_len)
{
    small_env_init(&env);
    memory = (struct memory){.env = &env.env};
    ck_assert_int_eq(events_init(&events, &memory, ring_len), 0);
}

/* A listener that remembers in which order it was called. */
struct listener {
    struct event_sink sink;
    unsigned heard;
    enum event_type last;
};

static void hear(struct event_sink *sink, const struct event *event)
{
    struct listener *listener = CONTAINER_OF(sink, struct listener, sink);
    listener->heard++;
    listener->last = event->type;
}

static void emit(enum event_type type, int64_t when)
{
    events_emit(&events, &(struct event){.type = type, .when = {when}});
}

START_TEST(every_listener_hears_every_event)
{
    struct listener a = {.sink.event = hear}, b = {.sink.event = hear};

    given_events(4);
    ck_assert(!events_wanted(&events));
    events.sinks = &a.sink;
    a.sink.next = &b.sink;
    ck_assert(events_wanted(&events));
    for (enum event_type type = EVENT_PACKET; type <= EVENT_NOTE; type++) {
        emit(type, 0);
        ck_assert_int_eq(a.last, type);
        ck_assert_int_eq(b.last, type);
    }
    ck_assert_uint_eq(a.heard, EVENT_TYPE_COUNT);
    ck_assert_uint_eq(b.heard, EVENT_TYPE_COUNT);
    events_fini(&events, &memory);
    ck_assert_uint_eq(env.blocks, 0);
}
END_TEST

static const uint32_t ring_lens[] = {1, 2, 3, 16};

START_TEST(the_ring_remembers_the_newest_decisions)
{
    uint32_t len = ring_lens[_i];

    given_events(len);
    ck_assert_ptr_null(events_decision(&events, 0));
    for (int64_t n = 1; n <= 40; n++) {
        emit(EVENT_NOTE, n);
        ck_assert_int_eq((int64_t)events.decisions, n);
        for (int64_t back = 0; back <= 41; back++) {
            const struct event *event = events_decision(&events, (uint64_t)back);
            if (back < n && back < len)
                ck_assert_int_eq(event->when.ns, n - back);
            else
                ck_assert_ptr_null(event);
        }
    }
    ck_assert_ptr_null(events_decision(&events, UINT64_MAX));
    events_fini(&events, &memory);
    ck_assert_uint_eq(env.blocks, 0);
}
END_TEST

START_TEST(what_is_per_packet_never_goes_to_the_ring)
{
    given_events(16);
    emit(EVENT_STATE, 1);
    for (int i = 0; i < 100; i++) {
        emit(EVENT_PACKET, 100);
        emit(EVENT_TIMER_SET, 100);
        emit(EVENT_CWND_STEP, 100);
        emit(EVENT_HELD, 100);
        emit(EVENT_UNSENT, 100);
    }
    emit(EVENT_DROP, 2);
    ck_assert_uint_eq(events.decisions, 2);
    ck_assert_int_eq(events_decision(&events, 0)->when.ns, 2);
    ck_assert_int_eq(events_decision(&events, 1)->when.ns, 1);
    ck_assert_ptr_null(events_decision(&events, 2));
    events_fini(&events, &memory);
}
END_TEST

START_TEST(a_ring_of_nothing_still_counts)
{
    given_events(0);
    emit(EVENT_NOTE, 1);
    ck_assert_uint_eq(events.decisions, 1);
    ck_assert_ptr_null(events_decision(&events, 0));
    events_fini(&events, &memory);
    ck_assert_uint_eq(env.calls, 0);
}
END_TEST

START_TEST(without_memory_there_is_no_stream)
{
    small_env_init(&env);
    memory = (struct memory){.env = &env.env};
    env.fail_at = 1;
    ck_assert_int_eq(events_init(&events, &memory, 16), -ENOMEM);
    ck_assert_uint_eq(memory.failures, 1);
    events_fini(&events, &memory);
    ck_assert_uint_eq(env.blocks, 0);
}
END_TEST

START_TEST(counters_and_notes_are_kept)
{
    given_events(1);
    events_count(&events, COUNTER_MEM_FAIL);
    events_count(&events, COUNTER_MEM_FAIL);
    ck_assert_uint_eq(events.counters.events[COUNTER_MEM_FAIL], 2);
    events_note(&events, WHY_IN_TEXT);
    events_note(&events, WHY_IN_TEXT_PUSH);
    ck_assert_int_eq(events.current.why, WHY_IN_TEXT_PUSH);
    events_fini(&events, &memory);
}
END_TEST

/* --- names -------------------------------------------------------------------------------- */

/* A name that stands in captures and counters: lower case, no blanks, and its own. */
static void check_names(const char *(*name)(unsigned), unsigned count, const char *allowed)
{
    for (unsigned i = 0; i < count; i++) {
        ck_assert_ptr_nonnull(name(i));
        ck_assert_uint_gt(strlen(name(i)), 0);
        ck_assert_msg(strspn(name(i), allowed) == strlen(name(i)), "%s", name(i));
        for (unsigned k = 0; k < i; k++)
            ck_assert_str_ne(name(i), name(k));
    }
}

static const char lower[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";

static const char *drop(unsigned i)
{
    return drop_name((enum drop)i);
}

static const char *counter(unsigned i)
{
    return counter_name((enum counter)i);
}

static const char *why(unsigned i)
{
    return why_key((enum why)i);
}

static const char *type(unsigned i)
{
    return event_type_name((enum event_type)i);
}

static const char *timer(unsigned i)
{
    return timer_kind_name((enum timer_kind)i);
}

static const char *held(unsigned i)
{
    return held_key((enum held_by)i);
}

static const char *state(unsigned i)
{
    return tcp_state_name((enum tcp_state)i);
}

START_TEST(every_name_is_there_once)
{
    check_names(drop, DROP_COUNT, lower);
    check_names(counter, COUNTER_COUNT, lower);
    check_names(why, WHY_COUNT, lower);
    check_names(type, EVENT_TYPE_COUNT, lower);
    check_names(timer, TIMER_KIND_COUNT, lower);
    check_names(held, HELD_COUNT, lower);
    check_names(state, TCP_STATE_COUNT, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-12");
}
END_TEST

/* A sentence that names an RFC has its clause where it can be found. */
static void check_clause(const char *sentence)
{
    const char *clause = "";
    size_t len = sentence_clause(sentence, &clause);

    ck_assert_ptr_nonnull(sentence);
    if (!strstr(sentence, "RFC")) {
        ck_assert_uint_eq(len, 0);
        return;
    }
    ck_assert_msg(len > strlen("RFC ") && strncmp(clause, "RFC ", 4) == 0, "%s", sentence);
    ck_assert_msg(!memchr(clause, ')', len) && clause[len] == ')', "%s", sentence);
}

START_TEST(every_sentence_has_its_clause_at_the_end)
{
    struct event event = {.type = EVENT_PACKET, .packet.fate = PACKET_OUT};

    for (int i = 0; i < WHY_COUNT; i++) {
        event.packet.why = (enum why)i;
        ck_assert_str_eq(event_sentence(&event), why_sentence((enum why)i));
        check_clause(event_sentence(&event));
    }
    event.type = EVENT_DROP;
    for (int i = 1; i < DROP_COUNT; i++) {
        event.drop.drop = (enum drop)i;
        ck_assert_str_eq(event_sentence(&event), drop_sentence((enum drop)i));
        check_clause(event_sentence(&event));
    }
    event.type = EVENT_HELD;
    for (int i = 0; i < HELD_COUNT; i++) {
        event.held.by = (enum held_by)i;
        check_clause(event_sentence(&event));
    }
    event.type = EVENT_TIMER_FIRED;
    for (int i = 0; i < TIMER_KIND_COUNT; i++) {
        event.timer.kind = (enum timer_kind)i;
        check_clause(event_sentence(&event));
    }
    event = (struct event){.type = EVENT_NEIGHBOUR};
    ck_assert_ptr_null(event_sentence(&event));
}
END_TEST

START_TEST(a_clause_is_what_stands_in_the_last_brackets)
{
    static const struct {
        const char *sentence, *clause;
    } cases[] = {
        {"our FIN is out (RFC 9293, 3.10.4)", "RFC 9293, 3.10.4"},
        {"Waits (MSG_MORE) for more (RFC 9293, 3.7.4).", "RFC 9293, 3.7.4"},
        {"two of them (RFC 2883, RFC 4015)", "RFC 2883, RFC 4015"},
        {"more will come (TCP_CORK)", ""},
        {"nothing", ""},
        {"(RFC 1)", "RFC 1"},
        {"", ""},
        {NULL, ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *clause = "";
        size_t len = sentence_clause(cases[i].sentence, &clause);
        ck_assert_uint_eq(len, strlen(cases[i].clause));
        ck_assert(strncmp(clause, cases[i].clause, len) == 0);
    }
}
END_TEST

START_TEST(names_belong_to_their_members)
{
    ck_assert_str_eq(drop_name(DROP_NONE), "none");
    ck_assert_str_eq(drop_name(DROP_DEV_TRUNCATED), "dev.rx_trunc");
    ck_assert_str_eq(drop_name(DROP_TCP_REORDER_CAP), "tcp.ooo_cap");
    ck_assert_str_eq(counter_name(COUNTER_ARP_UNSOLICITED), "arp.unsolicited");
    ck_assert_str_eq(counter_name(COUNTER_TCP_OOO), "tcp.out_of_order");
    ck_assert_str_eq(why_key(WHY_NONE), "unexplained");
    ck_assert_str_eq(why_key(WHY_OUT_RST_UNREAD), "reset-unread");
    ck_assert_str_eq(event_type_name(EVENT_PACKET), "packet");
    ck_assert_str_eq(event_type_name(EVENT_NOTE), "note");
    ck_assert_str_eq(timer_kind_name(TIMER_RETRANSMIT), "retransmit");
    ck_assert_str_eq(timer_kind_name(TIMER_FIN_WAIT_2), "fin-wait-2");
    ck_assert_str_eq(tcp_state_name(TCPS_CLOSED), "CLOSED");
    ck_assert_str_eq(tcp_state_name(TCPS_SYN_RECEIVED), "SYN-RECEIVED");
    ck_assert_str_eq(tcp_state_name(TCPS_TIME_WAIT), "TIME-WAIT");
}
END_TEST

START_TEST(every_reason_has_a_sentence)
{
    for (unsigned i = 0; i < WHY_COUNT; i++) {
        const char *sentence = why_sentence((enum why)i);
        ck_assert_uint_gt(strlen(sentence), 0);
        ck_assert_msg(sentence[strlen(sentence) - 1] == '.', "%s", sentence);
    }
    for (unsigned i = 0; i < DROP_COUNT; i++)
        ck_assert_uint_gt(strlen(drop_sentence((enum drop)i)), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("events");

    TCase *stream = tcase_create("stream");
    tcase_add_test(stream, every_listener_hears_every_event);
    tcase_add_loop_test(stream, the_ring_remembers_the_newest_decisions, 0, ARRAY_LEN(ring_lens));
    tcase_add_test(stream, what_is_per_packet_never_goes_to_the_ring);
    tcase_add_test(stream, a_ring_of_nothing_still_counts);
    tcase_add_test(stream, without_memory_there_is_no_stream);
    tcase_add_test(stream, counters_and_notes_are_kept);
    suite_add_tcase(s, stream);

    TCase *names = tcase_create("names");
    tcase_add_test(names, every_name_is_there_once);
    tcase_add_test(names, every_sentence_has_its_clause_at_the_end);
    tcase_add_test(names, a_clause_is_what_stands_in_the_last_brackets);
    tcase_add_test(names, names_belong_to_their_members);
    tcase_add_test(names, every_reason_has_a_sentence);
    suite_add_tcase(s, names);

    return run_suite(s, "events");
}
