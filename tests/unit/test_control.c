/*
 * test_control.c - a client of the control socket, without a socket: requests in, replies out.
 */
#include <jansson.h>
#include <stdlib.h>

#include "os/os_session.h"
#include "see/causes.h"
#include "see/control.h"
#include "support/peer.h"
#include "support/proves.h"
#include "support/small_env.h"

static struct peer *peer;
static struct small_env env;
static struct memory memory;
static struct control_context context;
static struct os_session session;
static char *out; /* what the client has read, NUL behind it */
static size_t out_len;

static int64_t wall(void *unused)
{
    (void)unused;
    return 1000000000;
}

static void given_a_session(void)
{
    peer = peer_new();
    small_env_init(&env);
    env.env.wall_ns = wall;
    memory = (struct memory){.env = &env.env};
    context = (struct control_context){.stack = peer->stack,
                                       .memory = &memory,
                                       .env = &env.env,
                                       .device = "tap0",
                                       .os = "Linux",
                                       .pid = 7};
    os_session_init(&session, &context);
    out = calloc(1, 1);
    out_len = 0;
}

static void free_session(void)
{
    os_session_fini(&session, peer->now);
    ck_assert_uint_eq(env.out, 0); /* nothing is left */
    free(out);
    peer_drop(peer);
}

/* The client reads at most so many octets. */
static void read_some(size_t most)
{
    struct iovec iov[2];
    int count = octet_ring_peek(&session.ring, iov);

    for (int i = 0; i < count && most > 0; i++) {
        size_t len = size_min(iov[i].iov_len, most);
        out = realloc(out, out_len + len + 1);
        ck_assert_ptr_nonnull(out);
        memcpy(out + out_len, iov[i].iov_base, len);
        out_len += len;
        most -= len;
        out[out_len] = '\0';
        octet_ring_take(&session.ring, len);
    }
}

/* Turns until nothing more happens by itself, with a client that reads `each` octets at a time. */
static void run(size_t each)
{
    for (int i = 0; i < 100000; i++) {
        bool wanted = os_session_wants_turn(&session);
        os_session_turn(&session, peer->now);
        read_some(each);
        if (!wanted && session.ring.len == 0 && !os_session_wants_turn(&session))
            return;
    }
    ck_abort_msg("it goes on for ever");
}

static void say(const char *octets, size_t len)
{
    while (len > 0) {
        size_t n = size_min(len, os_session_room(&session));
        if (n == 0)
            break;
        os_session_input(&session, bytes_of(octets, n), peer->now);
        octets += n;
        len -= n;
        run(SIZE_MAX);
    }
}

static void ask(const char *line)
{
    say(line, strlen(line));
}

/* The only line is an error that has the pattern. */
static void expect_error(const char *pattern)
{
    ck_assert_msg(strstr(out, "\"type\":\"error\"") != NULL, "no error: %s", out);
    ck_assert_msg(strstr(out, pattern) != NULL, "the error is %s", out);
    ck_assert_ptr_eq(strchr(out, '\n'), out + out_len - 1);
    json_t *object = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(object);
    json_decref(object);
    out_len = 0;
    out[0] = '\0';
}

/* All lines are JSON; how many there are, the last one into `end`. */
static int lines(json_t **end)
{
    int count = 0;

    *end = NULL;
    for (char *at = out, *next; *at; at = next + 1) {
        next = strchr(at, '\n');
        ck_assert_ptr_nonnull(next);
        json_decref(*end);
        *end = json_loadb(at, (size_t)(next - at), JSON_REJECT_DUPLICATES, NULL);
        ck_assert_msg(*end != NULL, "no JSON: %.*s", (int)(next - at), at);
        ck_assert_int_eq(json_integer_value(json_object_get(*end, "schema")), 1);
        count++;
    }
    return count;
}

static int64_t number(json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* --- requests ----------------------------------------------------------------------------- */

/* The longest string that a request may have. */
#define THIRTY    "012345678901234567890123456789"
#define LONG_TEXT THIRTY THIRTY THIRTY THIRTY "0123456"

static const struct {
    const char *line, *error;
    bool ends; /* the session */
} requests[] = {
    {"\n", "not JSON", true},
    {"GET / HTTP/1.1\n", "not JSON", true},
    {"{\"schema\":1,\"verb\":\"ss\"} x\n", "not JSON", true},
    {"{\"schema\":1,\"schema\":1,\"verb\":\"ss\"}\n", "duplicate", true},
    {"{\"schema\":1,\"verb\":\"s\\u0000s\"}\n", "not JSON", true},
    {"{\"schema\":1,\"verb\":\"\xff\"}\n", "not JSON", true},
    {"[1]\n", "not a JSON object", true},
    {"{\"schema\":1,\"verb\":[\"ss\"]}\n", "verb: not a string", true},
    {"{\"schema\":1.0,\"verb\":\"ss\"}\n", "schema: not a string, a whole number", true},
    {"{\"schema\":1,\"verb\":\"ss\",\"port\":1e300}\n", "port: not a string, a whole", true},
    {"{\"schema\":1,\"verb\":\"ss\",\"port\":99999999999999999999}\n", "not JSON", true},
    {"{\"schema\":1,\"verb\":\"ss\",\"a key that is much too long\":1}\n", "no such member", true},
    {"{\"schema\":1,\"verb\":\"" LONG_TEXT "\"}\n", "no such verb", false},
    {"{\"schema\":1,\"verb\":\"" LONG_TEXT "x\"}\n", "verb: too long", true},
    {"{}\n", "\\\"schema\\\":1", false},
    {"{\"verb\":\"ss\"}\n", "\\\"schema\\\":1", false},
    {"{\"schema\":2,\"verb\":\"ss\"}\n", "schema: not a whole number from 1 to 1", false},
    {"{\"schema\":1}\n", "no such verb", false},
    {"{\"schema\":1,\"verb\":7}\n", "verb: not a string", false},
    {"{\"schema\":1,\"verb\":\"sss\"}\n", "no such verb", false},
    {"{\"schema\":1,\"verb\":\"ss\",\"color\":true}\n", "ss knows no member color", false},
    {"{\"schema\":1,\"verb\":\"ss\",\"port\":65536}\n", "port: not a whole number from 0", false},
    {"{\"schema\":1,\"verb\":\"ss\",\"port\":\"80\"}\n", "port: not a whole number", false},
    {"{\"schema\":1,\"verb\":\"ss\",\"conn\":0}\n", "conn: not a whole number from 1", false},
    {"{\"schema\":1,\"verb\":\"ss\",\"state\":\"ESTAB\"}\n", "state: no such one", false},
    {"{\"schema\":1,\"verb\":\"capture\",\"count\":0}\n", "count: not a whole number", false},
    {"{\"schema\":1,\"verb\":\"capture\",\"snap_octets\":63}\n", "snap_octets: not a whole", false},
};

START_TEST(a_bad_request_hears_why_in_one_line)
{
    ask(requests[_i].line);
    expect_error(requests[_i].error);
    ck_assert(os_session_is_over(&session) == requests[_i].ends);
    if (requests[_i].ends)
        return;
    ask("{\"schema\":1,\"verb\":\"ss\"}\n"); /* and the next one is answered */
    ck_assert_ptr_nonnull(strstr(out, "\"type\":\"end\""));
}
END_TEST

START_TEST(a_request_of_any_length_is_taken_or_refused)
{
    size_t len = (size_t)_i;
    char line[CONTROL_REQUEST + 2];

    memset(line, ' ', sizeof(line));
    memcpy(line, "{\"schema\":1,\"verb\":\"ss\"", 23);
    line[len - 2] = '}';
    line[len - 1] = '\n';
    say(line, len);
    if (len <= CONTROL_REQUEST) {
        ck_assert_ptr_nonnull(strstr(out, "\"type\":\"end\""));
    } else {
        expect_error("at most 4095 octets");
        ck_assert(os_session_is_over(&session));
    }
}
END_TEST

START_TEST(nesting_costs_a_refusal_and_no_more)
{
    char line[CONTROL_REQUEST];

    memset(line, _i, sizeof(line));
    line[sizeof(line) - 1] = '\n';
    say(line, sizeof(line));
    expect_error("not JSON");
    ck_assert(os_session_is_over(&session));
}
END_TEST

START_TEST(half_a_request_is_none)
{
    ask("{\"schema\":1,\"verb\":\"ss\"");
    ck_assert(!os_session_wants_turn(&session));
    os_session_input_ended(&session);
    run(SIZE_MAX);
    ck_assert_uint_eq(out_len, 0);
    ck_assert(os_session_is_over(&session));
}
END_TEST

START_TEST(requests_in_one_piece_are_answered_one_after_the_other)
{
    json_t *end;
    const char *three = "{\"schema\":1,\"verb\":\"ss\"}\n{\"schema\":1,\"verb\":\"no\"}\n"
                        "{\"verb\":\"ss\",\"schema\":1}\n";

    os_session_input(&session, bytes_of(three, strlen(three)), peer->now);
    os_session_input_ended(&session);
    run(7);
    ck_assert_int_eq(lines(&end), 5); /* stack, end; error; stack, end */
    ck_assert_str_eq(json_string_value(json_object_get(end, "type")), "end");
    json_decref(end);
    ck_assert(os_session_is_over(&session));
}
END_TEST

START_TEST(while_it_answers_it_takes_no_more)
{
    peer_listen(peer, 1);
    const char *line = "{\"schema\":1,\"verb\":\"ss\"}\n";
    os_session_input(&session, bytes_of(line, strlen(line)), peer->now);
    os_session_turn(&session, peer->now); /* it has begun */
    ck_assert_uint_eq(os_session_room(&session), 0);
    run(SIZE_MAX);
    ck_assert_uint_eq(os_session_room(&session), CONTROL_REQUEST);
}
END_TEST

/* --- ss ----------------------------------------------------------------------------------- */

/* So many UDP sockets: each is a line. */
static void given_sockets(int count)
{
    for (int i = 0; i < count; i++) {
        int s = sock_socket(peer->stack, AF_INET, SOCK_DGRAM, 0);
        ck_assert_int_ge(s, 0);
        ck_assert_int_eq(sock_bind(peer->stack, s, (struct endpoint){.port = (uint16_t)(i + 1)}),
                         0);
    }
}

START_TEST(a_slow_reader_of_lines_gets_all_of_them)
{
    json_t *end;

    given_sockets(400);
    const char *line = "{\"schema\":1,\"verb\":\"ss\"}\n";
    os_session_input(&session, bytes_of(line, strlen(line)), peer->now);
    for (int i = 0; i < 100; i++)
        os_session_turn(&session, peer->now); /* it reads nothing */
    ck_assert_uint_gt(session.ring.len, CONTROL_RING / 2);
    ck_assert(!os_session_wants_turn(&session));
    run(100);
    ck_assert_int_eq(lines(&end), 402);
    ck_assert_int_eq(number(end, "lines"), 401);
    ck_assert_int_eq(number(end, "lost"), 0);
    json_decref(end);
    PROVES("F06");
}
END_TEST

START_TEST(a_turn_adds_a_bounded_piece)
{
    given_sockets(400);
    const char *line = "{\"schema\":1,\"verb\":\"ss\"}\n";
    os_session_input(&session, bytes_of(line, strlen(line)), peer->now);
    os_session_turn(&session, peer->now);
    for (int i = 0; i < 5; i++) {
        uint64_t before = session.lines;
        os_session_turn(&session, peer->now);
        ck_assert_uint_le(session.lines - before, CONTROL_PIECE);
        read_some(SIZE_MAX);
    }
}
END_TEST

START_TEST(one_of_many_is_found_by_its_port)
{
    json_t *end;

    given_sockets(400);
    ask("{\"schema\":1,\"verb\":\"ss\",\"port\":399}\n");
    ck_assert_int_eq(lines(&end), 3);
    ck_assert_ptr_nonnull(strstr(out, "\"local_port\":399"));
    json_decref(end);
}
END_TEST

START_TEST(a_connection_is_told_with_its_figures_and_why_cwnd_changed)
{
    int s = peer_establish_passive(peer);

    peer_app_send(peer, s, 4 * 1460);
    peer_skip(peer);
    peer_wait(peer, 3500);
    ask("{\"schema\":1,\"verb\":\"ss\",\"state\":\"ESTABLISHED\"}\n");
    ck_assert_ptr_nonnull(strstr(out, "\"type\":\"connection\",\"protocol\":\"tcp\""));
    ck_assert_ptr_nonnull(strstr(out, "\"cwnd_change\":{\"cause\":\""));
    ck_assert_ptr_nonnull(strstr(out, "\"phase\":\"loss\""));
    ck_assert_ptr_nonnull(strstr(out, "\"limited_by\":\""));
    ck_assert_ptr_nonnull(strstr(out, "\"mss_octets\":1460"));
    ck_assert_ptr_nonnull(strstr(out, "{\"timer\":\"retransmit\",\"in_us\":"));
    ck_assert_ptr_null(strstr(out, "18446744073709551615")); /* what is unknown is left out */
    json_t *end;
    ck_assert_int_eq(lines(&end), 3);
    json_decref(end);
}
END_TEST

START_TEST(causes_are_found_by_connection_and_the_newest_counts)
{
    struct causes causes;
    int s = peer_establish_passive(peer);

    ck_assert(causes_init(&causes, peer->stack, &memory));
    uint32_t id = peer_info(peer, s).facts.id;
    ck_assert_ptr_nonnull(causes_find(&causes, id));
    ck_assert_ptr_nonnull(strstr(causes_find(&causes, id)->why, "the initial window"));
    ck_assert_ptr_null(causes_find(&causes, 0));
    ck_assert_ptr_null(causes_find(&causes, id + 1));
    causes_fini(&causes, &memory);

    peer_app_send(peer, s, 4 * 1460);
    peer_wait(peer, 10000);
    ck_assert(causes_init(&causes, peer->stack, &memory));
    const struct cause *cause = causes_find(&causes, id);
    ck_assert_ptr_nonnull(cause);
    const struct event *newest = NULL;
    for (size_t back = 0; !newest; back++) {
        const struct event *event = stack_decision(peer->stack, back);
        ck_assert_ptr_nonnull(event);
        newest = event->type == EVENT_CWND ? event : NULL;
    }
    ck_assert_int_eq(cause->when.ns, newest->when.ns);
    ck_assert_str_eq(cause->why, newest->cwnd.cause);
    ck_assert_ptr_null(causes_find(&causes, id + 16384)); /* the same place in the table */
    causes_fini(&causes, &memory);
}
END_TEST

/* --- why ---------------------------------------------------------------------------------- */

START_TEST(why_tells_each_thing_in_a_line_and_then_what_it_lacks)
{
    int s = peer_establish_passive(peer);
    json_t *end;

    peer_abort(peer, s);
    peer_skip(peer);
    ask("{\"schema\":1,\"verb\":\"why\",\"about\":\"rst\"}\n");
    ck_assert_ptr_nonnull(strstr(out, "\"type\":\"rst\",\"conn\":1,\"times\":1,\"ago_ms\":0,"));
    ck_assert_ptr_nonnull(strstr(out, "\"why\":\"reset-abort\",\"sent\":true,"));
    ck_assert_ptr_nonnull(strstr(out,
                                 "\"text\":\"connection 1, 10.9.0.2:80 with 10.9.0.1:40000: we "
                                 "sent a reset, 0.000 s ago\""));
    ck_assert_ptr_nonnull(strstr(out, "\"clause\":\"RFC 9293, 3.10.5\""));
    ck_assert_ptr_nonnull(strstr(out, "\"ended\":\"the application aborted"));
    ck_assert_int_eq(lines(&end), 3); /* with one that says that the request is answered */
    json_decref(end);
}
END_TEST

START_TEST(why_drop_counts_all_drops_since_the_beginning)
{
    json_t *end;

    peer_establish_passive(peer);
    for (int i = 0; i < 3; i++)
        PEER_SEND(peer, .flags = ".", .seq = 1, .ack = 1, .len = 10, .bad_checksum = true);
    ask("{\"schema\":1,\"verb\":\"why\",\"about\":\"drop\"}\n");
    ck_assert_ptr_nonnull(strstr(out, "\"drop\":\"tcp.rx_csum\",\"packet\":"));
    ck_assert_ptr_nonnull(strstr(out, "\"remote_addr\":\"10.9.0.1\",\"remote_port\":40000"));
    ck_assert_ptr_nonnull(
        strstr(out, "\"type\":\"total\",\"drop\":\"tcp.rx_csum\",\"packets\":3,"));
    ck_assert_int_eq(lines(&end), 4);
    json_decref(end);
}
END_TEST

START_TEST(why_stall_tells_what_waits_now)
{
    int s = peer_establish_passive(peer);
    json_t *end;

    peer_app_send(peer, s, 40000); /* more than cwnd: nothing has stalled, but much waits */
    peer_poll(peer);
    peer_skip(peer);
    ask("{\"schema\":1,\"verb\":\"why\",\"about\":\"stall\",\"conn\":1}\n");
    ck_assert_ptr_nonnull(strstr(out, "\"type\":\"now\",\"conn\":1,\"limited_by\":\"cwnd\","));
    ck_assert_ptr_nonnull(strstr(out, "octets wait now\""));
    ck_assert_ptr_nonnull(strstr(out, "\"text\":\"nothing of connection 1 was stalled\""));
    ck_assert_int_eq(lines(&end), 3);
    json_decref(end);
}
END_TEST

static const struct {
    const char *line, *pattern;
} misunderstood[] = {
    {"{\"schema\":1,\"verb\":\"why\"}\n", "about: one of drop, rst, stall, retransmit"},
    {"{\"schema\":1,\"verb\":\"why\",\"about\":\"me\"}\n", "about: one of"},
    {"{\"schema\":1,\"verb\":\"why\",\"about\":\"rst\",\"conn\":0}\n", "conn: not a whole number"},
    {"{\"schema\":1,\"verb\":\"why\",\"about\":\"rst\",\"port\":1}\n", "why knows no member port"},
};

START_TEST(why_says_what_it_can_be_asked)
{
    ask(misunderstood[_i].line);
    expect_error(misunderstood[_i].pattern);
}
END_TEST

/* --- capture ------------------------------------------------------------------------------ */

static void ping(void)
{
    peer_flow_new(peer);
    peer->strangers = true;
    peer_syn(peer); /* nobody listens: a SYN in, a reset out */
    peer_skip(peer);
}

static uint32_t le32(size_t at)
{
    struct reader r = reader_of(bytes_of(out + at, 4));
    ck_assert_uint_le(at + 4, out_len);
    return read_le32(&r);
}

/* Blocks of that type; all are whole. */
static int blocks(uint32_t type)
{
    int found = 0;

    for (size_t at = 0; at < out_len;) {
        uint32_t len = le32(at + 4);
        ck_assert_uint_ge(len, 12);
        ck_assert_uint_le(at + len, out_len);
        ck_assert_uint_eq(le32(at + len - 4), len);
        found += le32(at) == type;
        at += len;
    }
    return found;
}

START_TEST(a_capture_has_packets_and_ends_with_statistics)
{
    ask("{\"schema\":1,\"verb\":\"capture\"}\n");
    ck_assert_int_eq(blocks(0x0a0d0d0a), 1);
    ck_assert_int_eq(blocks(6), 0);
    ping();
    run(SIZE_MAX);
    ck_assert_int_eq(blocks(6), 2);
    ck_assert(!os_session_wants_turn(&session)); /* it waits for packets without turning */
    os_session_input(&session, bytes_of("noise", 5), peer->now);
    os_session_input_ended(&session);
    run(SIZE_MAX);
    ck_assert_int_eq(blocks(5), 2);
    ck_assert(os_session_is_over(&session));
    ping(); /* nobody listens any more */
}
END_TEST

START_TEST(a_capture_of_so_many_packets_ends_by_itself)
{
    ask("{\"schema\":1,\"verb\":\"capture\",\"count\":3,\"snap_octets\":64}\n");
    for (int i = 0; i < 4; i++)
        ping();
    run(SIZE_MAX);
    ck_assert_int_eq(blocks(6), 3);
    ck_assert_int_eq(blocks(5), 2);
    ck_assert(os_session_is_over(&session));
}
END_TEST

START_TEST(a_capture_that_nobody_reads_loses_packets_and_counts_them)
{
    ask("{\"schema\":1,\"verb\":\"capture\"}\n");
    uint64_t told = 0, packets = 0;
    struct stack_counters before, after;
    int sent = 0;
    stack_counters(peer->stack, &before);
    for (; session.call.lost == 0; sent++) {
        ping();
        os_session_turn(&session, peer->now); /* and reads nothing */
        ck_assert_int_lt(sent, 100000);
        if (sent % 200 == 199)
            peer_flows_forget(peer);
    }
    uint64_t lost = session.call.lost;
    read_some(SIZE_MAX);
    ping(); /* the first that is written again tells how many were not, */
    ping(); /* and those behind it do not */
    run(SIZE_MAX);
    for (size_t at = 0; at < out_len; at += le32(at + 4)) {
        if (le32(at) != 6)
            continue;
        packets++;
        size_t option = at + 28 + (le32(at + 20) + 3) / 4 * 4;
        for (; (le32(option) & 0xffff) != 0; option += 4 + ((le32(option) >> 16) + 3) / 4 * 4)
            if (le32(option) == (8u << 16 | 4))
                told += le32(option + 4);
    }
    ck_assert_uint_ge(lost, 1);
    ck_assert_uint_eq(told, lost);
    stack_counters(peer->stack, &after);
    ck_assert_uint_eq(packets + lost, after.received - before.received + after.sent - before.sent);
    os_session_input_ended(&session);
    run(SIZE_MAX);
    ck_assert_int_eq(blocks(5), 2);
    PROVES("F06");
}
END_TEST

START_TEST(a_capture_that_is_full_has_room_for_its_statistics)
{
    ask("{\"schema\":1,\"verb\":\"capture\"}\n");
    for (int sent = 0; session.call.lost == 0; sent++) {
        ping();
        os_session_turn(&session, peer->now); /* and reads nothing */
        if (sent % 200 == 199)
            peer_flows_forget(peer);
    }
    os_session_input_ended(&session);
    os_session_turn(&session, peer->now);
    ck_assert_ptr_null(session.call.verb);
    read_some(SIZE_MAX);
    ck_assert_int_eq(blocks(5), 2);
    ck_assert(os_session_is_over(&session));
}
END_TEST

START_TEST(a_client_that_vanishes_takes_its_listener_with_it)
{
    ask("{\"schema\":1,\"verb\":\"capture\"}\n");
    os_session_fini(&session, peer->now);
    os_session_init(&session, &context);
    ping();
    PROVES("F10");
}
END_TEST

/* --- memory ------------------------------------------------------------------------------- */

START_TEST(without_memory_there_is_an_answer_or_an_end_and_nothing_left)
{
    given_sockets(3);
    env.fail_at = (uint64_t)_i % 5 + 1;
    ask(_i < 5 ? "{\"schema\":1,\"verb\":\"ss\"}\n" : "{\"schema\":1,\"verb\":\"capture\"}\n");
    env.fail_at = 0;
    if (_i < 5 && !session.ending)
        ck_assert(strstr(out, "\"type\":\"end\"") || strstr(out, "\"type\":\"error\""));
    PROVES("F01");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("control");
    TCase *c = tcase_create("requests");
    tcase_add_checked_fixture(c, given_a_session, free_session);
    tcase_add_loop_test(c, a_bad_request_hears_why_in_one_line, 0, ARRAY_LEN(requests));
    tcase_add_loop_test(c, a_request_of_any_length_is_taken_or_refused, CONTROL_REQUEST - 2,
                        CONTROL_REQUEST + 3);
    tcase_add_loop_test(c, nesting_costs_a_refusal_and_no_more, '[', '[' + 1);
    tcase_add_test(c, half_a_request_is_none);
    tcase_add_test(c, requests_in_one_piece_are_answered_one_after_the_other);
    tcase_add_test(c, while_it_answers_it_takes_no_more);
    suite_add_tcase(s, c);
    c = tcase_create("ss");
    tcase_add_checked_fixture(c, given_a_session, free_session);
    tcase_add_test(c, a_slow_reader_of_lines_gets_all_of_them);
    tcase_add_test(c, a_turn_adds_a_bounded_piece);
    tcase_add_test(c, one_of_many_is_found_by_its_port);
    tcase_add_test(c, a_connection_is_told_with_its_figures_and_why_cwnd_changed);
    tcase_add_test(c, why_tells_each_thing_in_a_line_and_then_what_it_lacks);
    tcase_add_test(c, why_drop_counts_all_drops_since_the_beginning);
    tcase_add_test(c, why_stall_tells_what_waits_now);
    tcase_add_loop_test(c, why_says_what_it_can_be_asked, 0, ARRAY_LEN(misunderstood));
    tcase_add_test(c, causes_are_found_by_connection_and_the_newest_counts);
    suite_add_tcase(s, c);
    c = tcase_create("capture");
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, given_a_session, free_session);
    tcase_add_test(c, a_capture_has_packets_and_ends_with_statistics);
    tcase_add_test(c, a_capture_of_so_many_packets_ends_by_itself);
    tcase_add_test(c, a_capture_that_nobody_reads_loses_packets_and_counts_them);
    tcase_add_test(c, a_capture_that_is_full_has_room_for_its_statistics);
    tcase_add_test(c, a_client_that_vanishes_takes_its_listener_with_it);
    suite_add_tcase(s, c);
    c = tcase_create("THREATS F01");
    tcase_add_checked_fixture(c, given_a_session, free_session);
    tcase_add_loop_test(c, without_memory_there_is_an_answer_or_an_end_and_nothing_left, 0, 10);
    suite_add_tcase(s, c);
    return run_suite(s, "control");
}
