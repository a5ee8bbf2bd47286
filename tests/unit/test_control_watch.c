/*
 * test_control_watch.c - the verbs `watch` and `wire`, by a client without a socket.
 */
#include <jansson.h>
#include <stdlib.h>

#include "os/os_session.h"
#include "see/live.h"
#include "support/peer.h"
#include "support/proves.h"
#include "support/small_env.h"

static struct peer *peer;
static struct small_env env;
static struct memory memory;
static struct control_context context;
static struct os_session session;
static char out[1 << 20];
static size_t out_len;

/* A wire of the test's own. */
static struct control_wire wires[CONTROL_WIRES];
static char changed[128];

static void wire_of(void *unused, struct control_wire into[CONTROL_WIRES])
{
    (void)unused;
    memcpy(into, wires, sizeof(wires));
}

static int change_wire(void *unused, const char *spec, char *why, size_t room)
{
    (void)unused;
    if (strcmp(spec, "nonsense") == 0) {
        snprintf(why, room, "what is \"nonsense\"?");
        return -EINVAL;
    }
    snprintf(changed, sizeof(changed), "%s", spec);
    wires[CONTROL_WIRE_OUT].loss_ppm = 20000;
    return 0;
}

static const struct control_ops wire = {.wire = wire_of, .change_wire = change_wire};

static void given_a_session(void)
{
    peer = peer_new();
    small_env_init(&env);
    memory = (struct memory){.env = &env.env};
    context = (struct control_context){
        .stack = peer->stack, .memory = &memory, .env = &env.env, .device = "tap0", .wire = &wire};
    memset(wires, 0, sizeof(wires));
    changed[0] = '\0';
    os_session_init(&session, &context);
    out_len = 0;
}

static void free_session(void)
{
    os_session_fini(&session, peer->now);
    ck_assert_uint_eq(env.out, 0);
    peer_drop(peer);
}

/* Turns until it waits; the client reads all. */
static void run(void)
{
    struct iovec iov[2];

    for (int turns = 0; turns < 1000; turns++) {
        const bool wanted = os_session_wants_turn(&session);
        os_session_turn(&session, peer->now);
        const int count = octet_ring_peek(&session.ring, iov);
        for (int i = 0; i < count; i++) {
            ck_assert_uint_lt(out_len + iov[i].iov_len, sizeof(out));
            memcpy(out + out_len, iov[i].iov_base, iov[i].iov_len);
            out_len += iov[i].iov_len;
        }
        octet_ring_take(&session.ring, session.ring.len);
        out[out_len] = '\0';
        if (!wanted && count == 0 && !os_session_wants_turn(&session))
            return;
    }
    ck_abort_msg("it goes on for ever");
}

static void ask(const char *line)
{
    os_session_input(&session, bytes_of(line, strlen(line)), peer->now);
    run();
}

/* How many lines there are of a type, all of them JSON with what each line must have; the last of
 * them in `last`. */
static int lines(const char *type, json_t **last)
{
    int count = 0;

    if (last)
        *last = NULL;
    for (char *at = out, *next; *at; at = next + 1) {
        next = strchr(at, '\n');
        ck_assert_ptr_nonnull(next);
        json_t *one = json_loadb(at, (size_t)(next - at), JSON_REJECT_DUPLICATES, NULL);
        ck_assert_msg(one != NULL, "no JSON: %.*s", (int)(next - at), at);
        ck_assert_int_eq(json_integer_value(json_object_get(one, "schema")), 1);
        ck_assert_ptr_nonnull(json_object_get(one, "verb"));
        const char *is = json_string_value(json_object_get(one, "type"));
        ck_assert_ptr_nonnull(is);
        if (strcmp(is, type) != 0) {
            json_decref(one);
            continue;
        }
        count++;
        if (last) {
            json_decref(*last);
            *last = one;
        } else {
            json_decref(one);
        }
    }
    return count;
}

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* Some text leaves, and is acknowledged. */
static void exchange(int s)
{
    peer_app_send(peer, s, 1000);
    peer_skip(peer);
    peer_send(peer, ".", peer_rcv_nxt(peer), peer_snd_nxt(peer), 0);
}

START_TEST(a_watcher_gets_a_greeting_a_sample_each_tick_and_what_was_decided)
{
    json_t *sample, *decisions;
    const int s = peer_establish_passive(peer);

    ask("{\"schema\":1,\"verb\":\"watch\"}\n");
    ck_assert_int_eq(lines("hello", NULL), 1);
    ck_assert_int_eq(lines("sample", NULL), 1);
    ck_assert_int_ge(lines("decisions", &decisions), 1);
    ck_assert(!os_session_wants_turn(&session)); /* it waits without turning, */
    ck_assert(!instant_is_never(os_session_deadline(&session)));
    exchange(s);
    run();
    ck_assert_int_eq(lines("sample", NULL), 1); /* and nothing comes before the next tick */
    peer_wait(peer, LIVE_TICK_MS);
    run();
    ck_assert_int_eq(lines("sample", &sample), 2);
    ck_assert_int_eq(number(sample, "missed"), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(sample, "packets")), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(sample, "wire")), CONTROL_WIRES);
    const json_t *conn = json_array_get(json_object_get(sample, "conns"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(conn, "state")), "ESTABLISHED");
    ck_assert_int_eq(lines("headers", NULL), 0); /* nobody has asked for them */
    json_decref(sample);
    json_decref(decisions);
}
END_TEST

START_TEST(headers_come_before_the_sample_that_tells_of_their_packets)
{
    json_t *sample, *headers;
    const int s = peer_establish_passive(peer);

    ask("{\"schema\":1,\"verb\":\"watch\",\"headers\":true}\n");
    exchange(s);
    peer_wait(peer, LIVE_TICK_MS);
    out_len = 0;
    run();
    ck_assert_int_eq(lines("headers", &headers), 1);
    ck_assert_int_eq(lines("sample", &sample), 1);
    ck_assert(strstr(out, "\"headers\"") < strstr(out, "\"sample\""));
    const json_t *of = json_object_get(headers, "of");
    const json_t *packets = json_object_get(sample, "packets");
    ck_assert_uint_eq(json_array_size(of), json_array_size(packets));
    for (size_t i = 0; i < json_array_size(of); i++) {
        const json_t *one = json_array_get(of, i);
        ck_assert(
            json_equal(json_array_get(one, 0), json_array_get(json_array_get(packets, i), 0)));
        const char *hex = json_string_value(json_array_get(one, 3));
        ck_assert_ptr_nonnull(hex);
        ck_assert_msg(strncmp(hex + 24, "080045", 6) == 0, "no IPv4 in Ethernet: %s", hex);
        ck_assert_uint_ge(strlen(hex), 2 * (14 + 20 + 20)); /* and nothing of the text */
        ck_assert_uint_le(strlen(hex), 2 * (14 + 20 + 60));
    }
    json_decref(sample);
    json_decref(headers);
}
END_TEST

START_TEST(a_watcher_who_does_not_read_misses_samples_and_costs_no_more_than_his_ring)
{
    json_t *last;
    const int s = peer_establish_passive(peer);

    ask("{\"schema\":1,\"verb\":\"watch\",\"headers\":true}\n");
    out_len = 0;
    const uint64_t memory_before = env.out;
    for (int i = 0; i < 400; i++) {
        exchange(s);
        peer_wait(peer, LIVE_TICK_MS);
        os_session_turn(&session, peer->now); /* he reads nothing */
        ck_assert_uint_le(session.ring.len, CONTROL_RING);
    }
    ck_assert_uint_eq(env.out, memory_before);
    ck_assert(!os_session_wants_turn(&session));
    ck_assert(
        instant_is_never(os_session_deadline(&session))); /* nor does the clock wake anybody */
    run();
    const int told = lines("sample", &last);
    const int64_t missed = number(last, "missed");
    json_decref(last);
    ck_assert_int_lt(told, 200);
    ck_assert_int_eq(told + missed, 400); /* each is told, or told to be missing */
    os_session_input_ended(&session);
    run();
    ck_assert_int_eq(lines("end", &last), 1);
    ck_assert_int_eq(number(last, "lost"), missed);
    json_decref(last);
    PROVES("F06");
}
END_TEST

START_TEST(so_many_samples_end_by_themselves_and_a_closed_half_ends_it_too)
{
    json_t *end;

    ask("{\"schema\":1,\"verb\":\"watch\",\"count\":3}\n");
    for (int i = 0; i < 5; i++) {
        peer_wait(peer, LIVE_TICK_MS);
        run();
    }
    ck_assert_int_eq(lines("sample", NULL), 3);
    ck_assert_int_eq(lines("end", &end), 1);
    ck_assert_int_eq(number(end, "lines"), 4); /* with the greeting */
    ck_assert_int_eq(number(end, "lost"), 0);
    json_decref(end);
    ck_assert_uint_eq(env.blocks, 1); /* the ring, for the next reply */
    out_len = 0;
    ask("{\"schema\":1,\"verb\":\"watch\"}\n");
    ck_assert_uint_gt(os_session_room(&session), 0); /* the end can be heard */
    os_session_input(&session, bytes_of("noise\n", 6), peer->now);
    os_session_input_ended(&session);
    run();
    ck_assert_int_eq(lines("end", NULL), 1);
    ck_assert(os_session_is_over(&session));
}
END_TEST

START_TEST(a_watcher_who_vanishes_leaves_nobody_listening)
{
    ask("{\"schema\":1,\"verb\":\"watch\"}\n");
    os_session_fini(&session, peer->now);
    ck_assert_uint_eq(env.out, 0);
    os_session_init(&session, &context);
    exchange(peer_establish_passive(peer)); /* nobody is told of it */
    PROVES("F10");
}
END_TEST

START_TEST(without_memory_a_watcher_hears_so)
{
    env.fail_at = (uint64_t)_i; /* the state, the ring, the recorder, what says so */
    ask("{\"schema\":1,\"verb\":\"watch\"}\n");
    env.fail_at = 0;
    ck_assert(session.ending || lines("error", NULL) == 1);
    PROVES("F01");
}
END_TEST

START_TEST(the_wire_is_told_and_changed)
{
    json_t *line;

    ask("{\"schema\":1,\"verb\":\"wire\"}\n");
    ck_assert_int_eq(lines("wire", &line), 1);
    ck_assert_str_eq(changed, "");
    json_decref(line);
    out_len = 0;
    ask("{\"schema\":1,\"verb\":\"wire\",\"set\":\"out:loss=2%\"}\n");
    ck_assert_str_eq(changed, "out:loss=2%");
    ck_assert_int_eq(lines("wire", &line), 1);
    const json_t *both = json_object_get(line, "wire");
    ck_assert_int_eq(number(json_array_get(both, CONTROL_WIRE_IN), "loss_ppm"), 0);
    ck_assert_int_eq(number(json_array_get(both, CONTROL_WIRE_OUT), "loss_ppm"), 20000);
    json_decref(line);
}
END_TEST

static const struct {
    const char *request, *error;
    bool no_wire;
} refused[] = {
    {"{\"schema\":1,\"verb\":\"wire\",\"set\":\"nonsense\"}\n", "set: what is \\\"nonsense\\\"?",
     false},
    {"{\"schema\":1,\"verb\":\"wire\",\"set\":7}\n", "set: not a string", false},
    {"{\"schema\":1,\"verb\":\"wire\",\"loss\":\"1%\"}\n", "wire knows no member loss", false},
    {"{\"schema\":1,\"verb\":\"wire\",\"set\":\"loss=1%\"}\n", "--allow-control", true},
    {"{\"schema\":1,\"verb\":\"wire\"}\n", "--allow-control", true},
    {"{\"schema\":1,\"verb\":\"watch\",\"count\":0}\n", "count: not a whole number", false},
    {"{\"schema\":1,\"verb\":\"watch\",\"headers\":1}\n", "headers: not true or false", false},
    {"{\"schema\":1,\"verb\":\"watch\",\"conn\":1}\n", "watch knows no member conn", false},
};

START_TEST(what_cannot_be_done_is_refused_in_a_line)
{
    context.wire = refused[_i].no_wire ? NULL : &wire;
    ask(refused[_i].request);
    ck_assert_int_eq(lines("error", NULL), 1);
    ck_assert_msg(strstr(out, refused[_i].error) != NULL, "it says %s", out);
    ck_assert_str_eq(changed, "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("control_watch");
    TCase *c = tcase_create("watch");
    tcase_add_checked_fixture(c, given_a_session, free_session);
    tcase_add_test(c, a_watcher_gets_a_greeting_a_sample_each_tick_and_what_was_decided);
    tcase_add_test(c, headers_come_before_the_sample_that_tells_of_their_packets);
    tcase_add_test(c, a_watcher_who_does_not_read_misses_samples_and_costs_no_more_than_his_ring);
    tcase_add_test(c, so_many_samples_end_by_themselves_and_a_closed_half_ends_it_too);
    tcase_add_test(c, a_watcher_who_vanishes_leaves_nobody_listening);
    tcase_add_loop_test(c, without_memory_a_watcher_hears_so, 1, 4);
    suite_add_tcase(s, c);
    c = tcase_create("wire");
    tcase_add_checked_fixture(c, given_a_session, free_session);
    tcase_add_test(c, the_wire_is_told_and_changed);
    tcase_add_loop_test(c, what_cannot_be_done_is_refused_in_a_line, 0, ARRAY_LEN(refused));
    suite_add_tcase(s, c);
    return run_suite(s, "control_watch");
}
