/*
 * test_big_segments.c - many segments in one frame, both ways: what leaves as one, what counts as
 * many, and what those who watch see of it.
 *
 * Two stacks over a pipe that passes big frames uncut, as a TAP and the kernel do.
 */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <tapio/sock.h>

#include "base/instant.h"
#include "dev/pipe.h"
#include "eth/eth_wire.h"
#include "ip/ip_family.h"
#include "support/proves.h"
#include "tcp/tcp.h"

enum { MTU = 1500, PORT = 9, MSS = MTU - 40 - 12, ROUND = 100 /* us */ };

static struct rig {
    struct memory memory;
    struct dev *dev[2];
    struct stack *stack[2];
    int socket[2];
    instant now;
    struct event_sink sink[2];
    /* what the watcher of stack 0 has seen */
    uint64_t packets, texts, last_id;
    uint32_t longest, shortest;
    uint32_t next_seq;
    bool sequence_known, in_order, ids_in_order;
    uint32_t pushes, fins;
    enum tcp_state text_state, fin_state; /* as told with the last text, and with a FIN */
    enum why text_why, push_why;
} rig;

static uint8_t octet_at(uint64_t at)
{
    return (uint8_t)(at * 7 + at / 251);
}

static int not_random(void *context, void *octets, size_t len)
{
    uint32_t *seed = context;

    for (size_t i = 0; i < len; i++)
        ((uint8_t *)octets)[i] = (uint8_t)((*seed = *seed * 1103515245u + 12345u) >> 16);
    return 0;
}

/* An event_sink: every packet of TCP must be one that a wire could carry. */
static void look(struct event_sink *sink, const struct event *event)
{
    uint8_t frame[2 * MTU];
    struct tcp_segment seg;
    struct ip_packet ip = {0};
    size_t len = 0;

    (void)sink;
    if (event->type != EVENT_PACKET || event->packet.fate == PACKET_DROPPED || !event->packet.tcp)
        return;
    for (int i = 0; i < event->packet.iovcnt; i++) {
        ck_assert_uint_le(len + event->packet.iov[i].iov_len, sizeof frame);
        memcpy(frame + len, event->packet.iov[i].iov_base, event->packet.iov[i].iov_len);
        len += event->packet.iov[i].iov_len;
    }
    ck_assert_uint_eq(event->packet.meta.gso_type, FRAME_GSO_NONE);
    ck_assert_int_eq(ip_family_v4.parse(bytes_of(frame + ETH_HEADER, len - ETH_HEADER), &ip),
                     DROP_NONE);
    ck_assert_uint_le(ip.octets.len, MTU);
    ck_assert_int_eq(tcp_parse(ip.payload, &seg), DROP_NONE);
    rig.packets++;
    rig.ids_in_order &= event->packet.id > rig.last_id;
    rig.last_id = event->packet.id;
    rig.fins += (seg.flags & TCP_FIN) != 0;
    if (seg.text.len == 0)
        return;
    if (rig.sequence_known)
        rig.in_order &= seg.seq.value == rig.next_seq;
    rig.sequence_known = true;
    rig.next_seq = seg.seq.value + (uint32_t)seg.text.len;
    rig.texts++;
    rig.longest = u32_max(rig.longest, (uint32_t)seg.text.len);
    rig.shortest = u32_min(rig.shortest, (uint32_t)seg.text.len);
    rig.pushes += (seg.flags & TCP_PSH) != 0;
    ck_assert_ptr_nonnull(event->packet.facts);
    *(seg.flags & TCP_FIN ? &rig.fin_state : &rig.text_state) = event->packet.facts->state;
    *(seg.flags & TCP_PSH ? &rig.push_why : &rig.text_why) = event->packet.why;
}

/* A poll of either side. */
static void turn(void)
{
    for (int i = 0; i < 2; i++) {
        while (stack_receive(rig.stack[i], rig.dev[i], rig.now) > 0)
            ;
        int err = stack_send(rig.stack[i], rig.dev[i], rig.now);
        ck_assert(err == 0 || err == -EAGAIN);
    }
    rig.now = instant_add(rig.now, ROUND * NS_PER_US);
}

static void setup_with(bool big_frames)
{
    struct pipe_config pipe = {
        .mtu = MTU, .capacity = 4 << 20, .csum_offload = true, .big_frames = big_frames};
    struct endpoint to = {.port = PORT};
    static uint32_t seeds[2] = {1, 2};

    rig = (struct rig){.shortest = UINT32_MAX, .in_order = true, .ids_in_order = true};
    ck_assert_int_eq(pipe_new(&rig.memory, &pipe, rig.dev), 0);
    for (int i = 0; i < 2; i++) {
        struct stack_config config;
        stack_config_init(&config);
        config.addr_count =
            ip_prefix_parse(i ? "10.0.0.2/24" : "10.0.0.1/24", &config.addr[0]) == 0;
        rig.stack[i] =
            stack_new(&config, &(struct env){.context = &seeds[i], .random = not_random});
        ck_assert_ptr_nonnull(rig.stack[i]);
    }
    int listener = sock_socket(rig.stack[1], AF_INET, SOCK_STREAM, 0);
    rig.socket[0] = sock_socket(rig.stack[0], AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(sock_bind(rig.stack[1], listener, to), 0);
    ck_assert_int_eq(sock_listen(rig.stack[1], listener, 1), 0);
    ck_assert_int_eq(ip_addr_parse("10.0.0.2", &to.addr), 0);
    ck_assert_int_eq(sock_connect(rig.stack[0], rig.socket[0], to, NULL), -EINPROGRESS);
    for (int i = 0; i < 8; i++)
        turn();
    rig.socket[1] = sock_accept(rig.stack[1], listener, NULL, NULL);
    ck_assert_int_ge(rig.socket[1], 0);
    sock_close(rig.stack[1], listener);
}

static void teardown(void)
{
    for (int i = 0; i < 2; i++) {
        stack_free(rig.stack[i]);
        dev_close(rig.dev[i]);
    }
    ck_assert_uint_eq(rig.memory.octets, 0);
}

/* From here on all packets of stack 0 are looked at. */
static void watch(void)
{
    rig.sink[0] = (struct event_sink){.event = look};
    stack_listen(rig.stack[0], &rig.sink[0]);
}

static void no_delay(void)
{
    int on = 1;
    ck_assert_int_eq(
        sock_setsockopt(rig.stack[0], rig.socket[0], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
}

static struct tcp_info info_of(int side)
{
    struct tcp_info info;
    socklen_t len = sizeof info;

    ck_assert_int_eq(
        sock_getsockopt(rig.stack[side], rig.socket[side], IPPROTO_TCP, TCP_INFO, &info, &len), 0);
    return info;
}

static uint64_t sent, received;

/* As much as goes in; true when all `total` octets have. */
static void write_some(uint64_t total)
{
    static uint8_t text[50000];

    while (sent < total) {
        size_t len = size_min(sizeof text, total - sent);
        for (size_t i = 0; i < len; i++)
            text[i] = octet_at(sent + i);
        ssize_t n = sock_send(rig.stack[0], rig.socket[0], text, len, 0, NULL);
        if (n < 0) {
            ck_assert_int_eq(n, -EAGAIN);
            return;
        }
        sent += (uint64_t)n;
    }
}

static void read_all(void)
{
    static uint8_t text[50000];
    ssize_t n;

    while ((n = sock_recv(rig.stack[1], rig.socket[1], text, sizeof text, 0, NULL)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            if (text[i] != octet_at(received + (uint64_t)i))
                ck_abort_msg("octet %llu is wrong", (unsigned long long)(received + (uint64_t)i));
        received += (uint64_t)n;
    }
}

static void move(uint64_t total)
{
    sent = received = 0;
    for (int i = 0; i < 100000 && received < total; i++) {
        write_some(total);
        turn();
        read_all();
    }
    ck_assert_uint_eq(received, total);
}

enum { BULK = 4000000 };

START_TEST(bulk_leaves_in_big_frames_and_is_told_in_segments)
{
    setup_with(true);
    watch();
    struct tcp_info before = info_of(0);
    uint64_t frames = rig.dev[0]->counters.tx_frames;
    move(BULK);
    for (int i = 0; i < 10; i++)
        turn();
    frames = rig.dev[0]->counters.tx_frames - frames;
    struct tcp_info from = info_of(0), to = info_of(1);
    ck_assert_uint_ge(rig.texts, BULK / MSS);
    ck_assert_uint_lt(frames * 15, rig.texts);
    ck_assert_uint_eq(rig.longest, MSS);
    ck_assert(rig.in_order);
    ck_assert(rig.ids_in_order);
    ck_assert_uint_eq(from.tcpi_data_segs_out, rig.texts);
    ck_assert_uint_eq(from.tcpi_segs_out - before.tcpi_segs_out, rig.texts);
    ck_assert_uint_eq(to.tcpi_data_segs_in, rig.texts);
    ck_assert_uint_eq(from.tcpi_total_retrans, 0);
    teardown();
}
END_TEST

START_TEST(a_device_that_takes_none_is_given_none)
{
    setup_with(false);
    watch();
    uint64_t frames = rig.dev[0]->counters.tx_frames;
    move(BULK / 10);
    ck_assert_uint_ge(rig.dev[0]->counters.tx_frames - frames, rig.texts);
    ck_assert_uint_eq(rig.longest, MSS);
    ck_assert(rig.in_order);
    teardown();
}
END_TEST

static void read_away(void)
{
    static uint8_t away[BULK / 10];

    while (sock_recv(rig.stack[1], rig.socket[1], away, sizeof away, 0, NULL) > 0)
        ;
}

/* What is written at once leaves in one frame, told as `segments`; `left` octets of it stay. */
static void one_write(size_t len, uint64_t segments, uint64_t left)
{
    static const uint8_t text[20 * MSS];
    uint64_t before = rig.dev[0]->counters.tx_frames;
    struct sock_info info;

    rig.texts = rig.pushes = 0;
    rig.shortest = UINT32_MAX;
    ck_assert_int_eq(sock_send(rig.stack[0], rig.socket[0], text, len, 0, NULL), (ssize_t)len);
    ck_assert_int_eq(stack_send(rig.stack[0], rig.dev[0], rig.now), 0);
    ck_assert_uint_eq(rig.dev[0]->counters.tx_frames - before, 1);
    ck_assert_uint_eq(rig.texts, segments);
    ck_assert_uint_eq(rig.pushes, left == 0); /* the last one's alone (MUST-61) */
    ck_assert_int_eq(sock_info(rig.stack[0], rig.socket[0], &info), 0);
    ck_assert_uint_eq(info.facts.inflight, len - left);
    for (int i = 0; i < 1000; i++) {
        turn();
        read_away();
    }
}

START_TEST(a_short_end_leaves_with_the_rest_unless_it_has_to_wait)
{
    int on = 1;

    setup_with(true);
    watch();
    no_delay();
    one_write(9 * MSS + 20, 10, 0);
    ck_assert_uint_eq(rig.shortest, 20);
    ck_assert_int_eq(
        sock_setsockopt(rig.stack[0], rig.socket[0], IPPROTO_TCP, TCP_CORK, &on, sizeof on), 0);
    one_write(5 * MSS + 20, 5, 20);
    teardown();
}
END_TEST

START_TEST(a_fin_is_the_last_segments_alone)
{
    static const uint8_t text[8 * MSS + 7];

    setup_with(true);
    watch();
    uint64_t before = rig.dev[0]->counters.tx_frames;
    ck_assert_int_eq(sock_send(rig.stack[0], rig.socket[0], text, sizeof text, 0, NULL),
                     sizeof text);
    sock_close(rig.stack[0], rig.socket[0]);
    ck_assert_int_eq(stack_send(rig.stack[0], rig.dev[0], rig.now), 0);
    ck_assert_uint_eq(rig.dev[0]->counters.tx_frames - before, 1);
    ck_assert_uint_eq(rig.texts, 9);
    ck_assert_uint_eq(rig.fins, 1);
    ck_assert_uint_eq(rig.pushes, 1);
    ck_assert_int_eq(rig.text_state, TCPS_FIN_WAIT_1); /* since sock_close() */
    ck_assert_int_eq(rig.fin_state, TCPS_FIN_WAIT_1);
    ck_assert_int_ne(rig.text_why, rig.push_why);

    rig.sequence_known = false;
    rig.last_id = 0;
    rig.sink[1] = (struct event_sink){.event = look};
    stack_listen(rig.stack[1], &rig.sink[1]);
    while (stack_receive(rig.stack[1], rig.dev[1], rig.now) > 0)
        ;
    ck_assert_uint_eq(rig.fins, 2);
    ck_assert_int_eq(rig.text_state, TCPS_ESTABLISHED); /* what comes before it is told as it was */
    ck_assert_int_eq(rig.fin_state, TCPS_CLOSE_WAIT);
    ck_assert_int_eq(rig.text_why, WHY_IN_TEXT);
    ck_assert_int_eq(rig.push_why, WHY_IN_FIN);
    turn();
    static uint8_t away[sizeof text];
    uint64_t got = 0;
    ssize_t n;
    while ((n = sock_recv(rig.stack[1], rig.socket[1], away, sizeof away, 0, NULL)) > 0)
        got += (uint64_t)n;
    ck_assert_uint_eq(got, sizeof text);
    ck_assert_int_eq(n, 0); /* and the FIN was taken with it */
    teardown();
}
END_TEST

START_TEST(only_the_first_can_be_asked_for)
{
    uint8_t text[2500];
    struct tcp_out out = {.iov = {{text, 700}, {text + 700, 1800}},
                          .iovcnt = 2,
                          .each = 1000,
                          .seg = {.flags = TCP_ACK | TCP_PSH | TCP_FIN, .text.len = sizeof text}};

    ck_assert_uint_eq(tcp_out_segments(&out), 3);
    tcp_out_first(&out);
    ck_assert_uint_eq(tcp_out_segments(&out), 1);
    ck_assert_uint_eq(out.seg.text.len, 1000);
    ck_assert_uint_eq(out.seg.flags, TCP_ACK);
    ck_assert_int_eq(out.iovcnt, 2);
    ck_assert_uint_eq(out.iov[0].iov_len + out.iov[1].iov_len, 1000);

    struct tcp_out one = {.iov = {{text, 700}}, .iovcnt = 1, .seg = {.text.len = 700}};
    tcp_out_first(&one);
    ck_assert_uint_eq(one.seg.text.len, 700);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("big segments");
    TCase *both = tcase_create("two stacks that hand over big frames");

    tcase_add_test(both, bulk_leaves_in_big_frames_and_is_told_in_segments);
    tcase_add_test(both, a_device_that_takes_none_is_given_none);
    tcase_add_test(both, a_short_end_leaves_with_the_rest_unless_it_has_to_wait);
    tcase_add_test(both, a_fin_is_the_last_segments_alone);
    tcase_add_test(both, only_the_first_can_be_asked_for);
    suite_add_tcase(suite, both);
    return run_suite(suite, "big_segments");
}
