/* Two devices back to back, and what the calls of tapio/dev.h do for every device. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/frame.h"
#include "base/instant.h"
#include "dev/pipe.h"
#include "dev/vnet_wire.h"
#include "eth/eth_wire.h"
#include "support/proves.h"

enum { MTU = 1500 };

static const instant now = {5};
static const struct frame_meta plain;

static int64_t allocated; /* octets */
static bool out_of_memory;

static void *count_alloc(void *context, size_t len)
{
    (void)context;
    if (out_of_memory)
        return NULL;
    allocated += (int64_t)len;
    return malloc(len);
}

static void count_release(void *context, void *octets, size_t len)
{
    (void)context;
    allocated -= (int64_t)len;
    free(octets);
}

static const struct env env = {.alloc = count_alloc, .release = count_release};
static struct memory memory = {.env = &env};
static struct memory pool_memory;
static struct frame_pool pool;
static struct dev *end[2];

static void setup(void)
{
    const struct pipe_config config = {.mtu = MTU, .capacity = 10000};
    ck_assert_int_eq(pipe_new(&memory, &config, end), 0);
    ck_assert_int_eq(frame_pool_init(&pool, &pool_memory, 4 << 20), 0);
}

static void teardown(void)
{
    dev_close(end[0]);
    dev_close(end[1]);
    ck_assert_int_eq(allocated, 0);
    ck_assert_uint_eq(pool.out, 0);
    frame_pool_fini(&pool);
}

static void close_end(int i)
{
    dev_close(end[i]);
    end[i] = NULL;
}

static uint8_t octets[70000];

static int send_frame(int from, size_t len, uint8_t mark)
{
    memset(octets, mark, len);
    struct iovec iov[3] = {{octets, len / 2}, {NULL, 0}, {octets + len / 2, len - len / 2}};
    return dev_send(end[from], &plain, iov, 3, now);
}

/* The next frame, or NULL. */
static struct frame *receive_frame(int at)
{
    struct frame *frame;
    return dev_receive(end[at], &pool, &frame, 1, now) == 1 ? frame : NULL;
}

START_TEST(what_one_end_sends_the_other_receives_in_order)
{
    for (int from = 0; from < 2; from++) {
        ck_assert_ptr_null(receive_frame(1 - from));
        for (uint8_t i = 1; i <= 3; i++)
            ck_assert_int_eq(send_frame(from, 60U + i, i), 0);
        ck_assert_ptr_null(receive_frame(from)); /* not an echo */
        memset(octets, 0xee, sizeof(octets));    /* the sender's memory is its own again */
        for (uint8_t i = 1; i <= 3; i++) {
            struct frame *frame = receive_frame(1 - from);
            ck_assert_ptr_nonnull(frame);
            ck_assert_uint_eq(frame->len, 60U + i);
            ck_assert_uint_eq(frame->data[0], i);
            ck_assert_uint_eq(frame->data[frame->len - 1], i);
            ck_assert(!frame->truncated);
            frame_put(frame);
        }
        ck_assert_ptr_null(receive_frame(1 - from));
        ck_assert_uint_eq(end[from]->counters.tx_frames, 3);
        ck_assert_uint_eq(end[from]->counters.tx_octets, 61 + 62 + 63);
        ck_assert_uint_eq(end[1 - from]->counters.rx_frames, 3);
        ck_assert_uint_eq(end[1 - from]->counters.rx_octets, 61 + 62 + 63);
    }
}
END_TEST

START_TEST(a_batch_is_no_larger_than_asked_for)
{
    struct frame *batch[3];
    for (uint8_t i = 0; i < 5; i++)
        ck_assert_int_eq(send_frame(0, 60, i), 0);
    ck_assert_int_eq(dev_receive(end[1], &pool, batch, 3, now), 3);
    for (int i = 0; i < 3; i++)
        frame_put(batch[i]);
    ck_assert_int_eq(dev_receive(end[1], &pool, batch, 3, now), 2);
    ck_assert_uint_eq(batch[1]->data[0], 4);
    frame_put(batch[0]);
    frame_put(batch[1]);
}
END_TEST

START_TEST(a_full_pipe_says_so_and_loses_nothing)
{
    int sent = 0;
    while (send_frame(0, 1000, (uint8_t)sent) == 0)
        sent++;
    ck_assert_int_ge(sent, 8); /* what a frame costs is more than it carries, but not much */
    ck_assert_int_le(sent, 9);
    ck_assert_int_eq(send_frame(0, 1000, 0), -EAGAIN);
    ck_assert_uint_eq(end[0]->counters.tx_again, 2);
    ck_assert_int_eq(send_frame(1, 1000, 0), 0); /* the other way has room of its own */

    for (int i = 0; i < sent; i++) {
        struct frame *frame = receive_frame(1);
        ck_assert_int_eq(frame->data[0], i);
        frame_put(frame);
        ck_assert_int_eq(send_frame(0, 1000, 0xff), 0);
    }
}
END_TEST

START_TEST(an_empty_pipe_takes_a_frame_larger_than_itself)
{
    struct frame_meta meta = {.gso_type = FRAME_GSO_TCPV4, .gso_size = 1448};
    struct iovec iov = {octets, 65549};
    ck_assert_int_eq(dev_send(end[0], &meta, &iov, 1, now), 0);
    ck_assert_int_eq(send_frame(0, 60, 0), -EAGAIN);
    struct frame *frame = receive_frame(1);
    ck_assert_uint_eq(frame->len, 65549);
    ck_assert_uint_eq(frame->meta.gso_size, 1448);
    frame_put(frame);
}
END_TEST

START_TEST(without_memory_the_sender_keeps_its_frame)
{
    struct dev *none[2];
    const struct pipe_config config = {.mtu = MTU};
    out_of_memory = true;
    ck_assert_int_eq(send_frame(0, 60, 1), -EAGAIN);
    ck_assert_int_eq(pipe_new(&memory, &config, none), -ENOMEM);
    out_of_memory = false;
    ck_assert_ptr_null(receive_frame(1));
    ck_assert_int_eq(send_frame(0, 60, 1), 0);
}
END_TEST

START_TEST(without_a_buffer_frames_stay_in_the_pipe)
{
    struct frame_pool small;
    struct frame *batch[4];
    ck_assert_int_eq(frame_pool_init(&small, &pool_memory, 512), 0);
    for (uint8_t i = 0; i < 2; i++)
        ck_assert_int_eq(send_frame(0, 60, i), 0);
    ck_assert_int_eq(dev_receive(end[1], &small, batch, 4, now), 1);
    ck_assert_uint_eq(end[1]->counters.rx_nobuf, 1);
    frame_put(batch[0]);
    ck_assert_int_eq(dev_receive(end[1], &small, batch, 4, now), 1);
    ck_assert_uint_eq(batch[0]->data[0], 1);
    frame_put(batch[0]);
    frame_pool_fini(&small);
}
END_TEST

START_TEST(a_waiting_frame_is_a_deadline)
{
    ck_assert_int_eq(dev_fd(end[1]), -1);
    ck_assert(instant_is_never(dev_deadline(end[1])));
    ck_assert_int_eq(send_frame(0, 60, 0), 0);
    ck_assert_int_eq(dev_deadline(end[1]).ns, now.ns);
    ck_assert(instant_is_never(dev_deadline(end[0])));
    frame_put(receive_frame(1));
    ck_assert(instant_is_never(dev_deadline(end[1])));
    dev_flush(end[0], now);
}
END_TEST

START_TEST(after_a_close_the_rest_can_be_read)
{
    struct frame *frame;
    ck_assert_int_eq(send_frame(0, 60, 7), 0);
    ck_assert_int_eq(send_frame(1, 60, 8), 0); /* nobody will read this one */
    close_end(0);
    ck_assert_int_eq(send_frame(1, 60, 9), -ENETDOWN);
    ck_assert_int_eq(dev_receive(end[1], &pool, &frame, 1, now), 1);
    ck_assert_uint_eq(frame->data[0], 7);
    frame_put(frame);
    ck_assert_int_eq(dev_receive(end[1], &pool, &frame, 1, now), -ENETDOWN);
    ck_assert_uint_eq(end[1]->counters.lost, 1);
    dev_close(NULL);
}
END_TEST

START_TEST(meta_passes_with_its_frame)
{
    const struct pipe_config config = {.mtu = MTU, .capacity = 10000, .csum_offload = true};
    struct frame_meta meta = {.flags = FRAME_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16};
    struct iovec iov = {octets, 60};
    close_end(0);
    close_end(1);
    ck_assert_int_eq(pipe_new(&memory, &config, end), 0);
    ck_assert(end[0]->csum_offload && end[1]->csum_offload);
    ck_assert_int_eq(dev_send(end[0], &meta, &iov, 1, now), 0);
    struct frame *frame = receive_frame(1);
    ck_assert_uint_eq(frame->meta.flags, FRAME_NEEDS_CSUM);
    ck_assert_uint_eq(frame->meta.csum_start, 34);
    ck_assert_uint_eq(frame->meta.csum_offset, 16);
    frame_put(frame);
}
END_TEST

/* --- tapio/dev.h -------------------------------------------------------------------------- */

static const struct {
    size_t len;
    uint8_t gso_type;
    bool leaves;
} edges[] = {
    {ETH_HEADER - 1, FRAME_GSO_NONE, false},  {ETH_HEADER, FRAME_GSO_NONE, true},
    {ETH_HEADER + MTU, FRAME_GSO_NONE, true}, {ETH_HEADER + MTU + 1, FRAME_GSO_NONE, false},
    {ETH_HEADER - 1, FRAME_GSO_TCPV6, false}, {ETH_HEADER + MTU + 1, FRAME_GSO_TCPV6, true},
    {VNET_FRAME_MAX, FRAME_GSO_TCPV4, true},  {VNET_FRAME_MAX + 1, FRAME_GSO_TCPV4, false},
};

START_TEST(a_frame_that_no_wire_carries_leaves_no_device)
{
    struct frame_meta meta = {.gso_type = edges[_i].gso_type, .gso_size = 1};
    struct iovec iov = {octets, edges[_i].len};
    ck_assert_int_eq(dev_send(end[0], &meta, &iov, 1, now), 0);
    struct frame *frame = receive_frame(1);
    ck_assert_int_eq(frame != NULL, edges[_i].leaves);
    ck_assert_uint_eq(end[0]->counters.tx_bad, !edges[_i].leaves);
    ck_assert_uint_eq(end[0]->counters.tx_frames, edges[_i].leaves);
    frame_put(frame);
}
END_TEST

START_TEST(an_unfinished_checksum_needs_a_device_that_takes_it)
{
    struct frame_meta meta = {.flags = FRAME_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16};
    struct iovec iov = {octets, 60};
    (void)!dev_send(end[0], &meta, &iov, 1, now); /* our own fault: an assertion */
}
END_TEST

static TCase *new_tcase(Suite *s, const char *name)
{
    TCase *c = tcase_create(name);
    tcase_add_checked_fixture(c, setup, teardown);
    suite_add_tcase(s, c);
    return c;
}

int main(void)
{
    Suite *s = suite_create("pipe");

    TCase *c = new_tcase(s, "the pipe");
    tcase_add_test(c, what_one_end_sends_the_other_receives_in_order);
    tcase_add_test(c, a_batch_is_no_larger_than_asked_for);
    tcase_add_test(c, a_full_pipe_says_so_and_loses_nothing);
    tcase_add_test(c, an_empty_pipe_takes_a_frame_larger_than_itself);
    tcase_add_test(c, without_memory_the_sender_keeps_its_frame);
    tcase_add_test(c, without_a_buffer_frames_stay_in_the_pipe);
    tcase_add_test(c, a_waiting_frame_is_a_deadline);
    tcase_add_test(c, after_a_close_the_rest_can_be_read);
    tcase_add_test(c, meta_passes_with_its_frame);

    c = new_tcase(s, "tapio/dev.h");
    tcase_add_loop_test(c, a_frame_that_no_wire_carries_leaves_no_device, 0, ARRAY_LEN(edges));
    ADD_ABORTING_TEST(c, an_unfinished_checksum_needs_a_device_that_takes_it);

    return run_suite(s, "pipe");
}
