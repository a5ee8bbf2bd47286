/*
 * test_live.c - the recorder: lines that are JSON and say what happened, and readers who are
 * behind.
 */
#include <jansson.h>
#include <string.h>

#include "base/instant.h"
#include "see/live.h"
#include "support/peer.h"
#include "support/proves.h"

static struct peer *p;
static struct memory memory;
static struct live *live;
static struct live_reader reader;
static char text[LIVE_LINE + 64];

static void wire(void *context, struct control_wire out[CONTROL_WIRES])
{
    (void)context;
    out[CONTROL_WIRE_IN] = (struct control_wire){.loss_ppm = 10000, .lost = 3};
    out[CONTROL_WIRE_OUT] = (struct control_wire){.delay_us = 20000, .rate_bps = 1000000};
}

static const struct control_ops ops = {.wire = wire};
static const struct live_config config = {.device = "tap0", .ops = &ops};

static void given_a_reader(void)
{
    p = peer_new();
    memory = (struct memory){0};
    live = live_new(&memory, p->stack, &config, p->now);
    ck_assert_ptr_nonnull(live);
    reader = (struct live_reader){0};
    live_join(live, &reader, p->now);
}

static void free_it(void)
{
    live_leave(live, &reader);
    live_free(live);
    ck_assert_uint_eq(memory.octets, 0);
    peer_drop(p);
}

/* The reader's next line as an object, or NULL. */
static json_t *next(struct live_reader *of)
{
    struct text line = text_of(text, LIVE_LINE);

    if (!live_next(live, of, &line, p->now))
        return NULL;
    ck_assert(!line.cut);
    json_error_t error;
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(object != NULL, "%s in: %s", error.text, text);
    return object;
}

static bool is_a(const json_t *object, const char *type)
{
    return strcmp(json_string_value(json_object_get(object, "type")), type) == 0;
}

static int64_t number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_integer(value), "%s is no number in: %s", key, text);
    return json_integer_value(value);
}

/* A sample is due and made. */
static void sample(void)
{
    peer_wait(p, LIVE_TICK_MS);
    ck_assert(live_advance(live, p->now));
}

/* Reads up to the next sample; decisions before it go into `decisions`, an array. */
static json_t *next_sample(struct live_reader *of, json_t *decisions)
{
    json_t *object;

    while ((object = next(of)) && !is_a(object, "sample")) {
        if (is_a(object, "decisions"))
            json_array_extend(decisions, json_object_get(object, "of"));
        json_decref(object);
    }
    return object;
}

/* --- what lines say ------------------------------------------------------------------------- */

START_TEST(reader_is_greeted_and_then_has_nothing_until_the_first_sample)
{
    json_t *hello = next(&reader);

    ck_assert(is_a(hello, "hello"));
    ck_assert_int_eq(number(hello, "schema"), LIVE_SCHEMA);
    ck_assert_int_eq(number(hello, "tick_ms"), LIVE_TICK_MS);
    json_decref(hello);
    ck_assert_ptr_null(next(&reader));
    sample();
    json_t *first = next(&reader);
    ck_assert(is_a(first, "sample"));
    ck_assert_int_eq(number(first, "n"), 0);
    json_decref(first);
    ck_assert_ptr_null(next(&reader));
}
END_TEST

START_TEST(sample_tells_a_connection_its_packets_and_the_wire)
{
    json_t *decisions = json_array(), *one;
    int s = peer_establish_passive(p);

    peer_send(p, "P.", 1, 1, 100);
    peer_app_read(p, s, 100);
    peer_app_send(p, s, 500);
    sample();
    one = next_sample(&reader, decisions);
    json_t *conns = json_object_get(one, "conns");
    ck_assert_uint_eq(json_array_size(conns), 1);
    json_t *conn = json_array_get(conns, 0);
    ck_assert_str_eq(json_string_value(json_object_get(conn, "state")), "ESTABLISHED");
    ck_assert_str_eq(json_string_value(json_object_get(conn, "local")), "10.9.0.2:80");
    ck_assert_int_eq(number(conn, "received"), 100);
    ck_assert_int_eq(number(conn, "inflight"), 500);
    ck_assert_int_gt(number(conn, "cwnd"), 1000);

    json_t *packets = json_object_get(one, "packets");
    size_t count = json_array_size(packets);
    ck_assert_uint_ge(count, 5); /* handshake, text, ACK, text */
    uint64_t last = 0;
    for (size_t i = 0; i < count; i++) {
        json_t *packet = json_array_get(packets, i);
        ck_assert_uint_eq(json_array_size(packet), 11);
        ck_assert_uint_gt((uint64_t)json_integer_value(json_array_get(packet, 0)), last);
        last = (uint64_t)json_integer_value(json_array_get(packet, 0));
    }
    json_t *text_out = json_array_get(packets, count - 1);
    ck_assert_int_eq(json_integer_value(json_array_get(text_out, 3)), PACKET_OUT);
    ck_assert_int_eq(json_integer_value(json_array_get(text_out, 8)), 500);

    json_t *out = json_array_get(json_object_get(one, "wire"), CONTROL_WIRE_OUT);
    ck_assert_int_eq(number(out, "delay_us"), 20000);
    ck_assert_int_eq(number(one, "received"), number(one, "consumed"));
    json_decref(one);

    ck_assert_uint_ge(json_array_size(decisions), 2);
    json_t *state = json_array_get(decisions, 0);
    ck_assert_str_eq(json_string_value(json_object_get(state, "what")), "state");
    ck_assert_str_eq(json_string_value(json_object_get(state, "to")), "SYN-RECEIVED");
    json_decref(decisions);
}
END_TEST

START_TEST(sample_of_nothing_new_has_no_connection_and_no_packet)
{
    json_t *decisions = json_array(), *one;

    peer_establish_passive(p);
    sample();
    json_decref(next_sample(&reader, decisions));
    sample();
    one = next_sample(&reader, decisions);
    ck_assert_uint_eq(json_array_size(json_object_get(one, "conns")), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(one, "packets")), 0);
    json_decref(one);
    json_decref(decisions);
}
END_TEST

START_TEST(drop_is_told_with_its_name_and_total)
{
    json_t *decisions = json_array(), *one;

    peer_establish_passive(p);
    PEER_SEND(p, .flags = "P.", .seq = 1, .ack = 1, .len = 10, .bad_checksum = true);
    sample();
    one = next_sample(&reader, decisions);
    json_t *drops = json_object_get(one, "drops");
    ck_assert_uint_eq(json_object_size(drops), 1);
    ck_assert_int_eq(number(drops, drop_name(DROP_TCP_CHECKSUM)), 1);
    json_decref(one);
    sample();
    one = next_sample(&reader, decisions);
    ck_assert_uint_eq(json_object_size(json_object_get(one, "drops")), 0);
    json_decref(one);
    json_decref(decisions);
}
END_TEST

START_TEST(flood_leaves_out_plain_segments_and_keeps_the_notable)
{
    json_t *decisions = json_array(), *one;
    int s = peer_establish_passive(p);
    int64_t told = 0, fins = 0;

    for (uint32_t i = 0; i < 300; i++)
        peer_send(p, ".", 1 + i, 1, 1);
    peer_app_read(p, s, 300);
    peer_send(p, "F.", 301, 1, 0);
    sample();
    one = next_sample(&reader, decisions);
    json_t *packets = json_object_get(one, "packets");
    told = (int64_t)json_array_size(packets);
    for (size_t i = 0; i < (size_t)told; i++)
        fins += json_integer_value(json_array_get(json_array_get(packets, i), 9)) & 1;
    ck_assert_int_eq(fins, 1);
    ck_assert_int_le(told, 96);
    ck_assert_int_gt(number(one, "left_out"), 200);
    json_decref(one);
    json_decref(decisions);
}
END_TEST

START_TEST(many_connections_are_told_in_lines_that_fit)
{
    json_t *decisions = json_array();
    bool seen[400] = {false};
    int listener = peer_listen(p, 200), distinct = 0;

    for (int i = 0; i < 100; i++) {
        peer_flow_new(p);
        peer_syn(p);
        peer_expect(p, "S.", 0, 1, 0);
        peer_send(p, ".", 1, 1, 0);
        peer_accept(p, listener);
    }
    for (int i = 0; i < 60; i++) {
        sample();
        json_t *one = next_sample(&reader, decisions);
        json_t *conns = json_object_get(one, "conns");
        for (size_t n = 0; n < json_array_size(conns); n++) {
            int64_t id = number(json_array_get(conns, n), "id");
            ck_assert_int_lt(id, 400);
            distinct += !seen[id];
            seen[id] = true;
        }
        json_decref(one);
    }
    ck_assert_int_ge(distinct, LIVE_CONNS);
    json_decref(decisions);
}
END_TEST

START_TEST(busy_connections_are_told_in_turn)
{
    enum { BUSY = 40 };
    json_t *decisions = json_array();
    struct wire_flow *flows[BUSY];
    int listener = peer_listen(p, 200), distinct = 0;
    bool seen[400] = {false};

    for (int i = 0; i < BUSY; i++) {
        flows[i] = peer_flow_new(p);
        peer_syn(p);
        peer_expect(p, "S.", 0, 1, 0);
        peer_send(p, ".", 1, 1, 0);
        peer_accept(p, listener);
    }
    for (uint32_t round = 0; round < 4; round++) {
        for (int i = 0; i < BUSY; i++) {
            p->flow = flows[i];
            peer_send(p, ".", 1 + round, 1, 1);
        }
        sample();
        json_t *one = next_sample(&reader, decisions);
        json_t *conns = json_object_get(one, "conns");
        for (size_t n = 0; n < json_array_size(conns); n++) {
            int64_t id = number(json_array_get(conns, n), "id");
            ck_assert_int_lt(id, 400);
            distinct += !seen[id];
            seen[id] = true;
        }
        json_decref(one);
    }
    ck_assert_int_eq(distinct, BUSY);
    json_decref(decisions);
}
END_TEST

START_TEST(connection_that_ended_is_forgotten_and_said_to_be_gone)
{
    json_t *decisions = json_array();
    int s = peer_establish_passive(p);
    int64_t gone = 0;

    peer_abort(p, s);
    for (int i = 0; i < 200; i++) {
        sample();
        json_t *one = next_sample(&reader, decisions);
        gone += (int64_t)json_array_size(json_object_get(one, "gone"));
        json_decref(one);
    }
    ck_assert_int_eq(gone, 1);
    json_decref(decisions);
}
END_TEST

/* --- readers -------------------------------------------------------------------------------- */

START_TEST(reader_who_is_behind_misses_samples_and_is_told_how_many)
{
    json_t *decisions = json_array();
    struct live_reader quick = {0};
    int64_t got = 0;

    live_join(live, &quick, p->now);
    for (int i = 0; i < 20; i++) {
        sample();
        json_t *one = next_sample(&quick, decisions);
        ck_assert_int_eq(number(one, "missed"), 0);
        json_decref(one);
    }
    json_t *one = next_sample(&reader, decisions);
    ck_assert_int_eq(number(one, "n"), 19);
    ck_assert_int_eq(number(one, "missed"), 19);
    json_decref(one);
    for (int i = 0; i < LIVE_BEHIND; i++)
        sample();
    while ((one = next_sample(&reader, decisions))) {
        ck_assert_int_eq(number(one, "missed"), 0);
        json_decref(one);
        got++;
    }
    ck_assert_int_eq(got, LIVE_BEHIND);
    for (int i = 0; i < LIVE_BEHIND + 1; i++)
        sample();
    one = next_sample(&reader, decisions);
    ck_assert_int_eq(number(one, "missed"), LIVE_BEHIND);
    json_decref(one);
    live_leave(live, &quick);
    json_decref(decisions);
}
END_TEST

START_TEST(reader_who_comes_late_hears_of_the_decisions_before)
{
    json_t *decisions = json_array();
    struct live_reader late = {0};

    live_leave(live, &reader);
    int s = peer_establish_passive(p);
    peer_abort(p, s);
    peer_wait(p, 1000);
    live_join(live, &late, p->now);
    sample();
    json_decref(next_sample(&late, decisions));
    ck_assert_uint_ge(json_array_size(decisions), 3);
    int ends = 0;
    for (size_t i = 0; i < json_array_size(decisions); i++) {
        const char *to = json_string_value(json_object_get(json_array_get(decisions, i), "to"));
        ends += to && strcmp(to, "CLOSED") == 0;
    }
    ck_assert_int_eq(ends, 1);
    live_leave(live, &late);
    live_join(live, &reader, p->now);
    json_decref(decisions);
}
END_TEST

START_TEST(nobody_reads_and_nothing_is_due_or_recorded)
{
    live_leave(live, &reader);
    peer_establish_passive(p);
    ck_assert(instant_is_never(live_deadline(live)));
    ck_assert(!live_advance(live, p->now));
    ck_assert_ptr_null(live_packet(live, 3));
    live_join(live, &reader, p->now);
    ck_assert(!instant_is_never(live_deadline(live)));
}
END_TEST

START_TEST(observers_packets_are_left_out_unless_somebody_wants_them)
{
    json_t *decisions = json_array();
    struct live_reader curious = {.own_too = true};
    int s = peer_establish_passive(p);
    json_t *one;

    peer_no_delay(p, s);
    sample();
    one = next_sample(&reader, decisions);
    uint32_t id = (uint32_t)number(json_array_get(json_object_get(one, "conns"), 0), "id");
    json_decref(one);
    live_mark_observer(live, id);
    peer_app_send(p, s, 100);
    sample();
    one = next_sample(&reader, decisions);
    ck_assert_uint_eq(json_array_size(json_object_get(one, "packets")), 0);
    ck_assert(
        json_is_true(json_object_get(json_array_get(json_object_get(one, "conns"), 0), "own")));
    json_decref(one);
    live_join(live, &curious, p->now);
    peer_app_send(p, s, 100);
    sample();
    one = next_sample(&reader, decisions);
    ck_assert_uint_eq(json_array_size(json_object_get(one, "packets")), 1);
    json_decref(one);
    live_leave(live, &curious);
    json_decref(decisions);
}
END_TEST

START_TEST(packet_is_found_by_its_id_with_headers_and_without_text)
{
    json_t *decisions = json_array();
    int s = peer_establish_passive(p);
    const struct live_packet *packet = NULL;

    peer_app_send(p, s, 700);
    sample();
    json_t *one = next_sample(&reader, decisions);
    json_t *packets = json_object_get(one, "packets");
    for (size_t i = 0; i < json_array_size(packets); i++) {
        int64_t id = json_integer_value(json_array_get(json_array_get(packets, i), 0));
        packet = live_packet(live, (uint64_t)id);
        ck_assert_ptr_nonnull(packet);
        ck_assert_uint_eq(packet->id, (uint64_t)id);
        ck_assert_ptr_null(live_packet(live, (uint64_t)id + 1000));
    }
    ck_assert_uint_eq(packet->text, 700);
    ck_assert_uint_eq(packet->len - packet->kept, 700);
    json_decref(one);
    json_decref(decisions);
}
END_TEST

START_TEST(no_memory_gives_no_recorder)
{
    struct memory none = {.env = NULL};
    struct live *other = live_new(&none, p->stack, &config, p->now);

    ck_assert_ptr_nonnull(other); /* malloc has some */
    ck_assert_uint_le(none.octets, live_memory_cap());
    live_free(other);
    ck_assert_uint_eq(none.octets, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("live");
    TCase *c = tcase_create("lines");
    tcase_add_checked_fixture(c, given_a_reader, free_it);
    tcase_add_test(c, reader_is_greeted_and_then_has_nothing_until_the_first_sample);
    tcase_add_test(c, sample_tells_a_connection_its_packets_and_the_wire);
    tcase_add_test(c, sample_of_nothing_new_has_no_connection_and_no_packet);
    tcase_add_test(c, drop_is_told_with_its_name_and_total);
    tcase_add_test(c, flood_leaves_out_plain_segments_and_keeps_the_notable);
    tcase_add_test(c, many_connections_are_told_in_lines_that_fit);
    tcase_add_test(c, busy_connections_are_told_in_turn);
    tcase_add_test(c, connection_that_ended_is_forgotten_and_said_to_be_gone);
    suite_add_tcase(s, c);

    c = tcase_create("readers");
    tcase_add_checked_fixture(c, given_a_reader, free_it);
    tcase_add_test(c, reader_who_is_behind_misses_samples_and_is_told_how_many);
    tcase_add_test(c, reader_who_comes_late_hears_of_the_decisions_before);
    tcase_add_test(c, nobody_reads_and_nothing_is_due_or_recorded);
    tcase_add_test(c, observers_packets_are_left_out_unless_somebody_wants_them);
    tcase_add_test(c, packet_is_found_by_its_id_with_headers_and_without_text);
    tcase_add_test(c, no_memory_gives_no_recorder);
    suite_add_tcase(s, c);

    return run_suite(s, "live");
}
