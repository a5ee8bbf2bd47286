/*
 * test_sendq.c - the send queue against a plain array.
 */
#include "base/prng.h"
#include "support/holds.h"
#include "support/proves.h"
#include "support/small_env.h"
#include "tcp/sendq.h"

enum { ROOM = 1 << 22, CAP = 1 << 20, FRAMES = 64 << 20 };

static struct small_env env;
static struct memory memory;
static struct sendq_pools pools;
static struct frame_pool frames;
static struct sendq q;
static uint8_t model[ROOM]; /* what was taken, from the first octet ever; the front is at `front` */
static size_t front, end;

static void given_a_queue(void)
{
    small_env_init(&env);
    memory = (struct memory){.env = &env.env};
    ck_assert_int_eq(sendq_pools_init(&pools, &memory, CAP), 0);
    ck_assert_int_eq(frame_pool_init(&frames, &memory, FRAMES), 0);
    q = (struct sendq){.len = 0};
    front = end = 0;
}

static void then_nothing_is_left(void)
{
    sendq_clear(&q, &pools);
    ck_assert_uint_eq(pools.out, 0);
    ck_assert_uint_eq(pools.charged, 0);
    ck_assert_uint_eq(frames.out, 0);
    sendq_pools_fini(&pools);
    frame_pool_fini(&frames);
    ck_assert_uint_eq(env.blocks, 0);
}

static uint8_t octet_at(size_t at)
{
    return (uint8_t)(at * 7 + (at >> 8) * 13 + (at >> 16));
}

static size_t append(size_t len)
{
    static uint8_t text[200000];

    HOLDS(len <= sizeof(text) && end + len <= ROOM);
    for (size_t i = 0; i < len; i++)
        text[i] = model[end + i] = octet_at(end + i);
    size_t took = sendq_append(&q, &pools, bytes_of(text, len));
    HOLDS(took <= len);
    memset(text, 0xdd, len); /* the queue has a copy */
    end += took;
    return took;
}

static void drop(size_t len)
{
    sendq_drop(&q, &pools, (uint32_t)len);
    front += len;
}

/* The same from a frame, which stays what it was until the queue has let go of it. */
static size_t append_frame(size_t len)
{
    struct frame *frame = frame_get(&frames, len);

    HOLDS(frame && end + len <= ROOM);
    for (size_t i = 0; i < len; i++)
        frame->data[i] = model[end + i] = octet_at(end + i);
    size_t took = sendq_append_frame(&q, &pools, frame, bytes_of(frame->data, len));
    HOLDS(took == len || took == 0);
    HOLDS(frame->refs == (took > 0 ? 2 : 1));
    frame_put(frame);
    end += took;
    return took;
}

/* Gathers [at, at + len) piece by piece and compares. */
static void compare(size_t at, size_t len, int max)
{
    for (size_t done = 0; done < len;) {
        struct iovec iov[8];
        uint32_t n = (uint32_t)(len - done);
        int count = sendq_gather(&q, (uint32_t)(at + done), &n, iov, max);
        HOLDS(count >= 1 && count <= max && n > 0 && n <= len - done);
        uint32_t sum = 0;
        for (int i = 0; i < count; i++) {
            HOLDS(iov[i].iov_len > 0);
            HOLDS(memcmp(iov[i].iov_base, model + front + at + done + sum, iov[i].iov_len) == 0);
            sum += (uint32_t)iov[i].iov_len;
        }
        HOLDS(sum == n);
        HOLDS(n == len - done || count == max); /* cut only for want of iovecs */
        done += n;
    }
}

START_TEST(text_lies_where_it_was_put)
{
    ck_assert_uint_eq(append(10000), 10000);
    ck_assert_uint_eq(q.len, 10000);
    compare(0, 10000, 8);
    compare(0, 1, 1);
    compare(4095, 2, 2);
    compare(9999, 1, 1);
    drop(5000);
    ck_assert_uint_eq(q.len, 5000);
    compare(0, 5000, 8);
    drop(5000);
    ck_assert_uint_eq(q.len, 0);
    ck_assert_uint_eq(pools.out, 0); /* an empty queue holds nothing */
}
END_TEST

START_TEST(a_gather_of_nothing_is_nothing)
{
    struct iovec iov[2];
    uint32_t len = 0;

    append(100);
    ck_assert_int_eq(sendq_gather(&q, 50, &len, iov, 2), 0);
    ck_assert_uint_eq(len, 0);
}
END_TEST

START_TEST(a_queue_of_one_octet_costs_one_small_chunk)
{
    append(1);
    ck_assert_uint_eq(pools.out, 1);
    ck_assert_uint_le(pools.charged, 5000);
}
END_TEST

/* A TCP segment of any size leaves in few pieces, once the queue is large. */
START_TEST(a_long_queue_is_in_large_chunks)
{
    while (end < 500000 && append(1460) == 1460)
        ;
    struct iovec iov[4];
    uint32_t len = 65535;
    ck_assert_int_gt(sendq_gather(&q, 300000, &len, iov, 4), 0);
    ck_assert_uint_eq(len, 65535);
    ck_assert_uint_le(pools.charged, 2 * end + 131072);
}
END_TEST

START_TEST(the_cap_holds_and_what_was_taken_is_kept)
{
    size_t asked = 0;

    while (asked < 2 * CAP) {
        size_t n = append(10000);
        asked += 10000;
        ck_assert_uint_le(pools.charged, CAP);
        if (n < 10000)
            break;
    }
    ck_assert_uint_lt(end, CAP);
    ck_assert_uint_ge(end, CAP / 2);
    compare(0, end, 8);
    drop(end / 2);
    ck_assert_uint_gt(append(1000), 0); /* there is room again */
    compare(0, q.len, 8);
}
END_TEST

START_TEST(text_in_a_frame_leaves_from_where_it_lies)
{
    struct frame *frame = frame_get(&frames, 3000);
    struct iovec iov[4];
    uint32_t len = 4000;

    append(500);
    memset(frame->data, 7, 3000);
    ck_assert_uint_eq(sendq_append_frame(&q, &pools, frame, bytes_of(frame->data, 3000)), 3000);
    append(500);
    ck_assert_int_eq(sendq_gather(&q, 0, &len, iov, 4), 3);
    ck_assert_ptr_eq(iov[1].iov_base, frame->data);
    ck_assert_uint_eq(iov[1].iov_len, 3000);
    len = 100;
    ck_assert_int_eq(sendq_gather(&q, 700, &len, iov, 4), 1);
    ck_assert_ptr_eq(iov[0].iov_base, frame->data + 200);
    ck_assert_uint_eq(frame->refs, 2);
    sendq_drop(&q, &pools, 3499); /* all of it but for one octet */
    ck_assert_uint_eq(frame->refs, 2);
    sendq_drop(&q, &pools, 1);
    ck_assert_uint_eq(frame->refs, 1);
    ck_assert_uint_eq(sendq_append_frame(&q, &pools, frame, bytes_of(frame->data, 0)), 0);
    frame->refs = UINT16_MAX; /* as if there were so many */
    ck_assert_uint_eq(sendq_append_frame(&q, &pools, frame, bytes_of(frame->data, 9)), 0);
    frame->refs = 1;
    frame_put(frame);
}
END_TEST

START_TEST(random_calls_agree_with_an_array)
{
    struct prng prng;

    prng_seed(&prng, (uint64_t)_i);
    for (int n = 0; n < 3000; n++) {
        size_t most = (size_t)1 << prng_below(&prng, 17);
        switch (prng_below(&prng, 4)) {
        case 0:
            if (end + most < ROOM)
                prng_below(&prng, 3) == 0 ? append_frame(prng_below(&prng, most))
                                          : append(prng_below(&prng, most));
            break;
        case 1:
            drop(prng_below(&prng, q.len < most ? q.len + 1 : most));
            break;
        case 2:
            if (q.len) {
                size_t at = prng_below(&prng, q.len);
                compare(at, 1 + prng_below(&prng, q.len - at), 1 + (int)prng_below(&prng, 8));
            }
            break;
        case 3: /* as a sender does: on from where the last one ended */
            for (size_t at = 0; at + 1460 < q.len && at < 60000; at += 1460)
                compare(at, 1460, 4);
            break;
        }
        HOLDS(q.len == end - front);
        HOLDS(q.len > 0 || pools.out == 0);
        HOLDS(pools.charged + frames.charged >= q.len);
    }
}
END_TEST

START_TEST(without_memory_less_is_taken_and_nothing_lost)
{
    struct prng prng;

    prng_seed(&prng, (uint64_t)_i);
    append(20000);
    env.fail_at = env.calls + 1 + (uint64_t)_i;
    while (end + 50000 < ROOM && append(50000) == 50000)
        ;
    compare(0, q.len, 8);
    env.fail_at = 0;
    append(1000);
    compare(0, q.len, 8);
    PROVES("F01");
}
END_TEST

static TCase *with_a_queue(Suite *s, const char *name)
{
    TCase *c = tcase_create(name);
    tcase_add_checked_fixture(c, given_a_queue, then_nothing_is_left);
    suite_add_tcase(s, c);
    return c;
}

int main(void)
{
    Suite *s = suite_create("sendq");

    TCase *c = with_a_queue(s, "RFC 9293, 3.10.2: text that waits");
    tcase_add_test(c, text_in_a_frame_leaves_from_where_it_lies);
    tcase_add_test(c, text_lies_where_it_was_put);
    tcase_add_test(c, a_gather_of_nothing_is_nothing);
    tcase_add_loop_test(c, random_calls_agree_with_an_array, 0, 20);

    c = with_a_queue(s, "room");
    tcase_add_test(c, a_queue_of_one_octet_costs_one_small_chunk);
    tcase_add_test(c, a_long_queue_is_in_large_chunks);
    tcase_add_test(c, the_cap_holds_and_what_was_taken_is_kept);
    tcase_add_loop_test(c, without_memory_less_is_taken_and_nothing_lost, 0, 4);
    return run_suite(s, "sendq");
}
