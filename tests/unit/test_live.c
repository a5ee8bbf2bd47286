/*
 * test_live.c - the recorder and the page's side of it: lines that are JSON and say what happened,
 * readers who are behind, and who is refused.
 *
 * http_source_wake() is the server's; here it is this file's (the linker's --wrap), which counts.
 */
#include <jansson.h>
#include <string.h>

#include "http/http_parse.h"
#include "see/live.h"
#include "see/page/live_page.h"
#include "support/peer.h"
#include "support/proves.h"

static struct peer *p;
static struct memory memory;
static struct live *live;
static struct live_reader reader;
static char text[LIVE_LINE + 64];
static int wakes;

void __wrap_http_source_wake(struct http_source *source);
void __wrap_http_source_wake(struct http_source *source)
{
    ck_assert_ptr_nonnull(source);
    wakes++;
}

static void wire(void *context, struct control_wire out[CONTROL_WIRES])
{
    (void)context;
    out[CONTROL_WIRE_IN] = (struct control_wire){.loss_ppm = 10000, .lost = 3};
    out[CONTROL_WIRE_OUT] = (struct control_wire){.delay_us = 20000, .rate_bps = 1000000};
}

static char changed[300];

static int change_wire(void *context, const char *spec, char *why, size_t room)
{
    (void)context;
    (void)why;
    (void)room;
    if (strchr(spec, '!'))
        return -EINVAL;
    strcpy(changed, spec);
    return 0;
}

static const struct control_ops ops = {.wire = wire, .change_wire = change_wire};
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

/* --- the page ------------------------------------------------------------------------------- */

static struct live_page *page;
static struct http_handler handlers[LIVE_PAGE_HANDLERS];

static void given_a_page(void)
{
    p = peer_new();
    memory = (struct memory){0};
    wakes = 0;
    changed[0] = '\0';
    const struct live_page_config page_config = {
        .stack = p->stack, .memory = &memory, .device = "tap0", .ops = &ops, .may_change = true};
    ck_assert_int_eq(live_page_new(&page_config, p->now, &page), 0);
    live_page_handlers(page, handlers);
}

static void free_page(void)
{
    live_page_free(page);
    ck_assert_uint_eq(memory.octets, 0);
    peer_drop(p);
}

static const struct http_handler *handler_of(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(handlers); i++)
        if (strcmp(handlers[i].path, path) == 0)
            return &handlers[i];
    ck_abort_msg("nobody answers %s", path);
}

/* What the handler says to a request with that head. */
static int ask(const char *path, const char *head, const char *content, struct http_made *made)
{
    static struct http_parser parser;
    const struct bytes octets = bytes_of(head, strlen(head));

    http_parser_init(&parser);
    ck_assert_int_eq(http_parse(&parser, octets), HTTP_COMPLETE);
    struct http_call call = {.request = &parser.request,
                             .head = octets,
                             .query = http_slice_of(octets, parser.request.query),
                             .content = bytes_of(content, strlen(content)),
                             .conn = 77,
                             .now = p->now};
    const struct http_handler *handler = handler_of(path);
    *made = (struct http_made){0};
    return handler->answer(handler->context, &call, made);
}

static const struct {
    const char *fields, *content;
    int status;
} posts[] = {
    {"Host: 10.9.0.2\r\nOrigin: http://10.9.0.2\r\n", "loss=1%", 204},
    {"Host: 10.9.0.2:8080\r\nOrigin: http://10.9.0.2:8080\r\n", "loss=1%", 204},
    {"Host: [fd00:9::2]:80\r\nOrigin: http://[fd00:9::2]:80\r\n", "loss=1%", 204},
    {"Host: [fd00:9::2]\r\nOrigin: http://[fd00:9::2]\r\n", "loss=1%", 204},
    {"Host: localhost:9080\r\nOrigin: http://localhost:9080\r\n", "loss=1%", 204},
    {"Host: 127.0.0.1\r\nOrigin: HTTP://127.0.0.1\r\n", "loss=1%", 204},
    {"Host: 10.9.0.2\r\n", "loss=1%", 403},
    {"Host: 10.9.0.2\r\nOrigin: null\r\n", "loss=1%", 403},
    {"Host: 10.9.0.2\r\nOrigin: http://10.9.0.3\r\n", "loss=1%", 403},
    {"Host: 10.9.0.2\r\nOrigin: http://10.9.0.2:80\r\n", "loss=1%", 403},
    {"Host: 10.9.0.2\r\nOrigin: https://10.9.0.2\r\n", "loss=1%", 403},
    {"Host: 10.9.0.2\r\nOrigin: http://10.9.0.2.evil\r\n", "loss=1%", 403},
    {"Host: 10.9.0.2\r\nOrigin: http://10.9.0.2\r\nOrigin: http://10.9.0.2\r\n", "loss=1%", 403},
    {"Host: evil\r\nOrigin: http://evil\r\n", "loss=1%", 421},
    {"Host: 10.9.0.2.evil\r\nOrigin: http://10.9.0.2.evil\r\n", "loss=1%", 421},
    {"Host: localhost.evil\r\nOrigin: http://localhost.evil\r\n", "loss=1%", 421},
    {"Host: 10.9.0.2\r\nOrigin: http://10.9.0.2\r\n", "", 400},
    {"Host: 10.9.0.2\r\nOrigin: http://10.9.0.2\r\n", "loss=!", 400},
};

START_TEST(control_is_for_this_page_and_by_an_address)
{
    struct http_made made;
    char head[400];

    snprintf(head, sizeof head, "POST /.tapio/control HTTP/1.1\r\n%sContent-Length: %zu\r\n\r\n",
             posts[_i].fields, strlen(posts[_i].content));
    ck_assert_int_eq(ask(".tapio/control", head, posts[_i].content, &made), posts[_i].status);
    ck_assert_str_eq(changed, posts[_i].status == 204 ? "loss=1%" : "");
}
END_TEST

START_TEST(events_come_in_any_pieces_and_end_with_an_empty_line)
{
    struct http_made made;
    char all[LIVE_LINE];
    size_t len = 0;
    int n;

    ck_assert_int_eq(
        ask(".tapio/events", "GET /.tapio/events HTTP/1.1\r\nHost: 10.9.0.2\r\n\r\n", "", &made),
        0);
    ck_assert_str_eq(made.type, "text/event-stream; charset=utf-8");
    peer_wait(p, LIVE_TICK_MS);
    live_page_advance(page, p->now);
    ck_assert_int_eq(wakes, 1);
    ck_assert_int_eq(live_page_deadline(page).ns, 0); /* at once: who was woken has his turn */
    live_page_advance(page, p->now);
    ck_assert_int_gt(live_page_deadline(page).ns, p->now.ns);
    while ((n = made.source->read(made.source, (uint8_t *)all + len, 7, p->now)) > 0)
        len += (size_t)n;
    ck_assert_int_eq(n, -EAGAIN);
    all[len] = '\0';
    ck_assert(strncmp(all, "data: {\"type\":\"hello\"", 21) == 0);
    ck_assert_ptr_nonnull(strstr(all, "}\n\ndata: {\"missed\":0,\"type\":\"sample\""));
    ck_assert_str_eq(all + len - 3, "}\n\n");
    made.source->close(made.source);
}
END_TEST

START_TEST(events_are_for_so_many_and_no_more_and_not_by_a_name)
{
    static const char by_address[] = "GET /.tapio/events HTTP/1.1\r\nHost: 10.9.0.2\r\n\r\n";
    struct http_made made[LIVE_PAGE_READERS + 1];

    for (int i = 0; i < LIVE_PAGE_READERS; i++)
        ck_assert_int_eq(ask(".tapio/events", by_address, "", &made[i]), 0);
    ck_assert_int_eq(ask(".tapio/events", by_address, "", &made[LIVE_PAGE_READERS]), 503);
    made[3].source->close(made[3].source);
    ck_assert_int_eq(ask(".tapio/events", by_address, "", &made[3]), 0);
    for (int i = 0; i < LIVE_PAGE_READERS; i++)
        made[i].source->close(made[i].source);
    ck_assert_int_eq(
        ask(".tapio/events", "GET /.tapio/events HTTP/1.1\r\nHost: evil\r\n\r\n", "", &made[0]),
        421);
}
END_TEST

/* All of a reply. */
static json_t *read_reply(struct http_made *made)
{
    static char all[131072];
    size_t len = 0;
    int n;

    while ((n = made->source->read(made->source, (uint8_t *)all + len, 1000, p->now)) > 0)
        len += (size_t)n;
    ck_assert_int_eq(n, 0);
    made->source->close(made->source);
    all[len] = '\0';
    json_t *object = json_loads(all, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(object != NULL, "no JSON: %s", all);
    return object;
}

START_TEST(words_are_all_the_keys_that_there_are)
{
    struct http_made made;

    ck_assert_int_eq(
        ask(".tapio/words", "GET /.tapio/words HTTP/1.1\r\nHost: x\r\n\r\n", "", &made), 0);
    json_t *all = read_reply(&made);
    ck_assert_uint_eq(json_object_size(json_object_get(all, "why")), WHY_COUNT);
    ck_assert_uint_eq(json_object_size(json_object_get(all, "drops")), DROP_COUNT - 1);
    ck_assert(json_is_true(json_object_get(all, "control")));
    json_decref(all);
}
END_TEST

START_TEST(packet_says_its_fields_and_why)
{
    struct http_made stream, made;
    char head[100];

    ck_assert_int_eq(
        ask(".tapio/events", "GET /.tapio/events HTTP/1.1\r\nHost: 10.9.0.2\r\n\r\n", "", &stream),
        0);
    peer_establish_passive(p);
    int found = 0;
    for (int id = 1; id < 20; id++) {
        snprintf(head, sizeof head, "GET /.tapio/packet?%d HTTP/1.1\r\nHost: 10.9.0.2\r\n\r\n", id);
        int status = ask(".tapio/packet", head, "", &made);
        if (status == 404)
            continue;
        ck_assert_int_eq(status, 0);
        json_t *packet = read_reply(&made);
        ck_assert_int_eq(number(packet, "id"), id);
        ck_assert_ptr_nonnull(json_object_get(packet, "because"));
        ck_assert_uint_ge(json_array_size(json_object_get(packet, "layers")), 2);
        json_decref(packet);
        found++;
    }
    ck_assert_int_ge(found, 3);
    ck_assert_int_eq(
        ask(".tapio/packet", "GET /.tapio/packet?1x HTTP/1.1\r\nHost: 10.9.0.2\r\n\r\n", "", &made),
        400);
    stream.source->close(stream.source);
}
END_TEST

START_TEST(file_is_packed_for_who_takes_that)
{
    struct http_made made;

    ck_assert_int_eq(ask(".tapio/live.js", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "", &made), 0);
    ck_assert_ptr_null(made.coding);
    size_t plain = made.content.len;
    ck_assert_int_eq(ask(".tapio/live.js",
                         "GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip, br\r\n\r\n", "",
                         &made),
                     0);
    ck_assert_str_eq(made.coding, "gzip");
    ck_assert_uint_lt(made.content.len, plain / 2);
    ck_assert_uint_eq(made.content.at[0], 0x1f);
    ck_assert(made.varies);
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

    c = tcase_create("the page");
    tcase_add_checked_fixture(c, given_a_page, free_page);
    tcase_add_loop_test(c, control_is_for_this_page_and_by_an_address, 0, ARRAY_LEN(posts));
    tcase_add_test(c, events_come_in_any_pieces_and_end_with_an_empty_line);
    tcase_add_test(c, events_are_for_so_many_and_no_more_and_not_by_a_name);
    tcase_add_test(c, words_are_all_the_keys_that_there_are);
    tcase_add_test(c, packet_says_its_fields_and_why);
    tcase_add_test(c, file_is_packed_for_who_takes_that);
    suite_add_tcase(s, c);

    return run_suite(s, "live");
}
