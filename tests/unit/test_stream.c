/* Frames in a stream of octets, and the device over a system that cuts it wherever a test wants. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <tapio/tapio.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/frame.h"
#include "base/instant.h"
#include "dev/impair.h"
#include "dev/stream.h"
#include "dev/stream_wire.h"
#include "os/os_env.h"
#include "support/proves.h"

enum { FD = 40, MTU = 1500, TAPE = 1 << 20 };

static const instant now = {5};
static const struct frame_meta plain;

/* --- a system ----------------------------------------------------------------------------- */

static struct {
    uint8_t tape[TAPE]; /* what the peer sends */
    size_t tape_len, tape_at;
    size_t piece; /* a recv() brings so much at most; 0: all */
    bool closed;  /* behind the tape the stream ends */
    int recv_errno, send_errno, connect_errno;
    int interruptions; /* so many calls are interrupted first */
    size_t room;       /* the socket takes so much more */
    uint8_t sent[TAPE];
    size_t sent_len;
    int recvs, sends, send_flags;
    bool open;
    char path[200];
} fake;

static struct memory memory;
static struct frame_pool pool;
static struct dev *dev;

static int failed(int err)
{
    errno = err;
    return -1;
}

static int fake_socket(int domain, int type, int protocol)
{
    ck_assert_int_eq(domain, AF_UNIX);
    ck_assert_int_eq(type, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC);
    ck_assert_int_eq(protocol, 0);
    fake.open = true;
    return FD;
}

static int fake_connect(int fd, const struct sockaddr *to, socklen_t len)
{
    ck_assert_int_eq(fd, FD);
    ck_assert_uint_eq(len, sizeof(struct sockaddr_un));
    snprintf(fake.path, sizeof fake.path, "%s",
             ((const struct sockaddr_un *)(const void *)to)->sun_path);
    return fake.connect_errno ? failed(fake.connect_errno) : 0;
}

static ssize_t fake_recv(int fd, void *octets, size_t len, int flags)
{
    ck_assert_int_eq(fd, FD);
    ck_assert_int_eq(flags, 0);
    ck_assert_uint_gt(len, 0);
    fake.recvs++;
    if (fake.interruptions > 0) {
        fake.interruptions--;
        return failed(EINTR);
    }
    size_t n = size_min(len, fake.tape_len - fake.tape_at);
    if (fake.piece)
        n = size_min(n, fake.piece);
    if (n == 0 && fake.recv_errno)
        return failed(fake.recv_errno);
    if (n == 0)
        return fake.closed ? 0 : failed(EAGAIN);
    memcpy(octets, fake.tape + fake.tape_at, n);
    fake.tape_at += n;
    return (ssize_t)n;
}

static ssize_t fake_sendmsg(int fd, const struct msghdr *message, int flags)
{
    size_t taken = 0;

    ck_assert_int_eq(fd, FD);
    fake.sends++;
    fake.send_flags = flags;
    if (fake.interruptions > 0) {
        fake.interruptions--;
        return failed(EINTR);
    }
    if (fake.send_errno)
        return failed(fake.send_errno);
    if (fake.room == 0)
        return failed(EAGAIN);
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        size_t n = size_min(message->msg_iov[i].iov_len, fake.room);
        ck_assert_uint_le(fake.sent_len + n, TAPE);
        if (n)
            memcpy(fake.sent + fake.sent_len, message->msg_iov[i].iov_base, n);
        fake.sent_len += n;
        fake.room -= n;
        taken += n;
    }
    return (ssize_t)taken;
}

static int fake_close(int fd)
{
    ck_assert_int_eq(fd, FD);
    ck_assert(fake.open);
    fake.open = false;
    return 0;
}

static const struct stream_sys sys = {.socket = fake_socket,
                                      .connect = fake_connect,
                                      .recv = fake_recv,
                                      .sendmsg = fake_sendmsg,
                                      .close = fake_close};

static void setup(void)
{
    const struct stream_config config = {.path = "/run/s", .mtu = MTU, .sys = &sys};

    memset(&fake, 0, sizeof fake);
    fake.room = TAPE;
    ck_assert_int_eq(frame_pool_init(&pool, &memory, 4 << 20), 0);
    ck_assert_int_eq(stream_open(&config, &dev), 0);
}

static void teardown(void)
{
    dev_close(dev);
    dev = NULL;
    ck_assert(!fake.open);
    ck_assert_uint_eq(pool.out, 0);
    frame_pool_fini(&pool);
}

/* --- the tape, and what comes of it -------------------------------------------------------- */

static void put_length(uint32_t len)
{
    uint8_t header[STREAM_HEADER] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16),
                                     (uint8_t)(len >> 8), (uint8_t)len};
    memcpy(fake.tape + fake.tape_len, header, sizeof header);
    fake.tape_len += sizeof header;
}

static void put_frame(uint32_t len, uint8_t mark)
{
    put_length(len);
    memset(fake.tape + fake.tape_len, mark, len);
    fake.tape_len += len;
}

/* Receives until nothing comes any more; checks that frame i is lens[i] octets of i + 1. */
static int expect_frames(const uint32_t *lens, int count)
{
    struct frame *batch[DEV_BATCH];
    int seen = 0, got;

    for (int idle = 0; idle < 3;) {
        got = dev_receive(dev, &pool, batch, DEV_BATCH, now);
        if (got < 0)
            break;
        idle = got || fake.tape_at < fake.tape_len ? 0 : idle + 1;
        for (int i = 0; i < got; i++, seen++) {
            ck_assert_int_lt(seen, count);
            ck_assert_uint_eq(batch[i]->len, lens[seen]);
            ck_assert(!batch[i]->truncated);
            for (uint32_t at = 0; at < batch[i]->len; at++)
                if (batch[i]->data[at] != seen + 1)
                    ck_abort_msg("frame %d, octet %u", seen, at);
            frame_put(batch[i]);
        }
    }
    ck_assert_int_eq(seen, count);
    return got;
}

static int send_frame(size_t len, uint8_t mark)
{
    static uint8_t octets[STREAM_FRAME_MAX];

    memset(octets, mark, len);
    struct iovec iov[3] = {{octets, len / 2}, {NULL, 0}, {octets + len / 2, len - len / 2}};
    return dev_send(dev, &plain, iov, 3, now);
}

/* --- the octets --------------------------------------------------------------------------- */

static const struct {
    const char *octets;
    size_t len;
    enum stream_sight sight;
    uint32_t said;
} row[] = {
    {"", 0, STREAM_PARTIAL, 0},
    {"\0\0\0", 3, STREAM_PARTIAL, 0},
    {"\0\0\0\0", 4, STREAM_FRAME, 0},
    {"\0\0\0\1", 4, STREAM_PARTIAL, 1},
    {"\0\0\0\1x", 5, STREAM_FRAME, 1},
    {"\0\0\0\1xy", 6, STREAM_FRAME, 1},
    {"\0\0\1\0xy", 6, STREAM_PARTIAL, 256},
    {"\0\1\0\x11", 4, STREAM_PARTIAL, STREAM_FRAME_MAX},
    {"\0\1\0\x12", 4, STREAM_SENSELESS, STREAM_FRAME_MAX + 1},
    {"\xff\xff\xff\xff", 4, STREAM_SENSELESS, UINT32_MAX},
    {"\x80\0\0\0", 4, STREAM_SENSELESS, 0x80000000},
    {"GET / HTTP", 10, STREAM_SENSELESS, 0x47455420},
};

START_TEST(a_length_is_judged_as_soon_as_it_is_there)
{
    struct bytes in = bytes_of(row[_i].octets, row[_i].len);
    struct bytes frame = {0};
    uint32_t len;

    ck_assert_int_eq(stream_parse(in, &frame, &len), row[_i].sight);
    ck_assert_uint_eq(len, row[_i].said);
    if (row[_i].sight == STREAM_FRAME) {
        ck_assert_uint_eq(frame.len, len);
        ck_assert_ptr_eq(frame.at, in.at + STREAM_HEADER);
    }
}
END_TEST

START_TEST(what_is_written_is_read_again)
{
    static const size_t lens[] = {0, 1, 14, 255, 256, 1514, 65535, 65536, STREAM_FRAME_MAX};

    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        uint8_t header[STREAM_HEADER];
        struct bytes frame;
        uint32_t len;
        stream_emit(lens[i], header);
        ck_assert_int_eq(stream_parse(bytes_of(header, sizeof header), &frame, &len),
                         lens[i] ? STREAM_PARTIAL : STREAM_FRAME);
        ck_assert_uint_eq(len, lens[i]);
    }
}
END_TEST

/* --- in ----------------------------------------------------------------------------------- */

START_TEST(frames_come_out_whole_however_the_stream_is_cut)
{
    static const uint32_t lens[] = {60, 14, 1514, 0, 13, 3, 300};
    uint32_t total = 0;

    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        put_frame(lens[i], (uint8_t)(i + 1));
        total += STREAM_HEADER + lens[i];
    }
    /* Pieces of every size, from one octet to all at once. */
    for (fake.piece = 1; fake.piece <= total; fake.piece++) {
        fake.tape_at = 0;
        ck_assert_int_eq(expect_frames(lens, ARRAY_LEN(lens)), 0);
    }
    /* Every single cut: so much first, then the rest. */
    for (size_t cut = 1; cut < total; cut++) {
        struct frame *batch[DEV_BATCH];
        fake.tape_at = 0;
        fake.piece = cut;
        int got = dev_receive(dev, &pool, batch, DEV_BATCH, now);
        fake.piece = 0;
        got += dev_receive(dev, &pool, batch + got, DEV_BATCH - got, now);
        ck_assert_int_eq(got, ARRAY_LEN(lens));
        for (int i = 0; i < got; i++) {
            ck_assert_uint_eq(batch[i]->len, lens[i]);
            frame_put(batch[i]);
        }
    }
    ck_assert_uint_eq(dev->counters.rx_bad, 0);
    ck_assert_uint_eq(dev->counters.rx_nobuf, 0);
}
END_TEST

START_TEST(one_read_brings_many_frames)
{
    struct frame *batch[DEV_BATCH];

    for (int i = 0; i < 40; i++)
        put_frame(1514, 1);
    ck_assert_int_eq(dev_receive(dev, &pool, batch, DEV_BATCH, now), 40);
    ck_assert_int_eq(fake.recvs, 1);
    for (int i = 0; i < 40; i++)
        frame_put(batch[i]);
    ck_assert(instant_is_never(dev_deadline(dev)));
}
END_TEST

START_TEST(what_waits_behind_a_full_batch_is_a_deadline)
{
    struct frame *batch[3];

    for (int i = 0; i < 4; i++)
        put_frame(60, 1);
    ck_assert_int_eq(dev_receive(dev, &pool, batch, 3, now), 3);
    ck_assert(instant_before(dev_deadline(dev), now)); /* the kernel has nothing to poll for */
    for (int i = 0; i < 3; i++)
        frame_put(batch[i]);
    ck_assert_int_eq(dev_receive(dev, &pool, batch, 3, now), 1);
    frame_put(batch[0]);
    ck_assert(instant_is_never(dev_deadline(dev)));
}
END_TEST

START_TEST(the_longest_frame_comes_through_and_many_of_them)
{
    static const uint32_t lens[] = {60,
                                    STREAM_FRAME_MAX,
                                    STREAM_FRAME_MAX,
                                    60,
                                    STREAM_FRAME_MAX,
                                    STREAM_FRAME_MAX,
                                    STREAM_FRAME_MAX};

    for (size_t i = 0; i < ARRAY_LEN(lens); i++)
        put_frame(lens[i], (uint8_t)(i + 1));
    fake.piece = 50001;
    ck_assert_int_eq(expect_frames(lens, ARRAY_LEN(lens)), 0);
}
END_TEST

START_TEST(a_length_that_no_frame_has_is_the_end_after_what_came_before)
{
    static const uint32_t lens[] = {60};
    char why[400];

    put_frame(60, 1);
    put_length(STREAM_FRAME_MAX + 1);
    put_frame(60, 9);
    ck_assert_int_eq(expect_frames(lens, 1), -ENETDOWN);
    ck_assert_int_eq(dev_fd(dev), -1);
    ck_assert(instant_is_never(dev_deadline(dev)));
    ck_assert_uint_eq(dev->counters.rx_bad, 1);
    ck_assert_uint_eq(dev->counters.lost, 1);
    ck_assert_int_eq(send_frame(60, 1), -ENETDOWN);
    ck_assert_ptr_nonnull(
        strstr(stream_explain_end(dev, "/run/s", why, sizeof why), "a frame of 65554 octets"));
    ck_assert_int_eq(dev_receive(dev, &pool, (struct frame *[1]){0}, 1, now), -ENETDOWN);
    ck_assert_uint_eq(dev->counters.rx_bad, 1);
}
END_TEST

START_TEST(an_end_that_nobody_was_told_of_is_a_deadline)
{
    struct frame *batch[DEV_BATCH];

    put_frame(60, 1);
    put_length(UINT32_MAX);
    ck_assert_int_eq(dev_receive(dev, &pool, batch, DEV_BATCH, now), 1);
    frame_put(batch[0]);
    ck_assert_int_eq(dev_fd(dev), FD);
    ck_assert(instant_before(dev_deadline(dev), now));
}
END_TEST

START_TEST(a_peer_that_closes_is_named_after_its_last_frame)
{
    static const uint32_t lens[] = {60, 61};
    char why[400];

    put_frame(60, 1);
    put_frame(61, 2);
    put_length(1000); /* and it dies in the middle of one */
    fake.closed = true;
    ck_assert_int_eq(expect_frames(lens, 2), -ENETDOWN);
    ck_assert_ptr_nonnull(
        strstr(stream_explain_end(dev, "/run/s", why, sizeof why), "the peer has closed"));
}
END_TEST

START_TEST(without_a_buffer_a_frame_is_dropped_by_name_and_the_next_comes)
{
    struct frame_pool small;
    struct frame *batch[DEV_BATCH];

    ck_assert_int_eq(frame_pool_init(&small, &memory, 512), 0);
    for (uint8_t i = 1; i <= 3; i++)
        put_frame(60, i);
    ck_assert_int_eq(dev_receive(dev, &small, batch, DEV_BATCH, now), 1);
    ck_assert_uint_eq(dev->counters.rx_nobuf, 2);
    frame_put(batch[0]);
    put_frame(60, 4);
    ck_assert_int_eq(dev_receive(dev, &small, batch, DEV_BATCH, now), 1);
    ck_assert_uint_eq(batch[0]->data[0], 4);
    frame_put(batch[0]);
    frame_pool_fini(&small);
}
END_TEST

START_TEST(interruptions_and_nothing_to_read_are_no_end)
{
    struct frame *frame;

    put_frame(60, 1);
    fake.interruptions = 5;
    ck_assert_int_eq(dev_receive(dev, &pool, &frame, 1, now), 1);
    frame_put(frame);
    fake.interruptions = 1 << 20; /* not for ever */
    ck_assert_int_eq(dev_receive(dev, &pool, (struct frame *[1]){0}, 1, now), 0);
    ck_assert_int_lt(fake.recvs, 300);
    fake.interruptions = 3;
    ck_assert_int_eq(send_frame(60, 1), 0);
    dev_flush(dev, now);
    ck_assert_uint_eq(fake.sent_len, 64);
    PROVES("T02");
}
END_TEST

/* --- out ---------------------------------------------------------------------------------- */

/* Everything that left, in order, is frames of `len` octets, numbered from 1. */
static void check_sent(size_t len, int count)
{
    struct bytes rest = bytes_of(fake.sent, fake.sent_len);

    for (int i = 1; i <= count; i++) {
        struct bytes frame;
        uint32_t said;
        ck_assert_int_eq(stream_parse(rest, &frame, &said), STREAM_FRAME);
        ck_assert_uint_eq(said, len);
        for (size_t at = 0; at < len; at++)
            if (frame.at[at] != (uint8_t)i)
                ck_abort_msg("frame %d, octet %zu", i, at);
        rest = bytes_skip(rest, STREAM_HEADER + len);
    }
    ck_assert_uint_eq(rest.len, 0);
}

START_TEST(a_flush_is_one_call_for_many_frames)
{
    for (uint8_t i = 1; i <= 64; i++)
        ck_assert_int_eq(send_frame(1514, i), 0);
    ck_assert_int_eq(fake.sends, 0);
    dev_flush(dev, now);
    ck_assert_int_eq(fake.sends, 1);
    ck_assert_int_eq(fake.send_flags, MSG_NOSIGNAL);
    check_sent(1514, 64);
    ck_assert_uint_eq(dev->held, 0);
    dev_flush(dev, now);
    ck_assert_int_eq(fake.sends, 1); /* nothing to say */
}
END_TEST

START_TEST(what_the_socket_does_not_take_is_kept_and_counted)
{
    for (size_t room = 0; room <= 200; room++) {
        fake.sent_len = 0;
        fake.room = room;
        for (uint8_t i = 1; i <= 3; i++)
            ck_assert_int_eq(send_frame(60, i), 0);
        dev_flush(dev, now);
        ck_assert_uint_eq(fake.sent_len, size_min(room, 192));
        ck_assert_uint_eq(dev->held, 192 - fake.sent_len);
        fake.room = TAPE;
        dev_flush(dev, now);
        ck_assert_uint_eq(dev->held, 0);
        check_sent(60, 3);
    }
}
END_TEST

START_TEST(a_peer_that_stops_reading_costs_no_more_than_the_ring)
{
    int sent = 0;

    fake.room = 777;
    while (sent < 1000 && send_frame(1000, (uint8_t)(sent + 1)) == 0)
        sent++;
    ck_assert_int_eq(sent, (STREAM_ROOM + 777) / 1004);
    ck_assert_uint_le(dev->held, STREAM_ROOM);
    ck_assert_int_eq(send_frame(1000, 0), -EAGAIN);
    ck_assert_uint_eq(dev->counters.tx_again, 2);
    /* It reads again, a little at a time; the ring wraps, and nothing is lost or cut. */
    for (int i = 0; i < 500; i++) {
        fake.room = 333;
        dev_flush(dev, now);
        if (sent < 400 && send_frame(1000, (uint8_t)(sent + 1)) == 0)
            sent++;
    }
    fake.room = TAPE;
    dev_flush(dev, now);
    ck_assert_int_gt(sent, 300);
    check_sent(1000, sent);
    ck_assert_uint_eq(dev->counters.tx_frames, (uint64_t)sent);
}
END_TEST

START_TEST(a_peer_that_goes_while_we_write_is_the_end)
{
    static const int gone[] = {EPIPE, ECONNRESET};

    fake.send_errno = gone[_i];
    ck_assert_int_eq(send_frame(60, 1), 0);
    dev_flush(dev, now);
    ck_assert(instant_before(dev_deadline(dev), now));
    ck_assert_int_eq(send_frame(60, 1), -ENETDOWN);
    ck_assert_int_eq(dev_receive(dev, &pool, (struct frame *[1]){0}, 1, now), -ENETDOWN);
}
END_TEST

START_TEST(want_of_memory_in_the_kernel_is_no_end)
{
    static const int later[] = {ENOBUFS, ENOMEM, EAGAIN};

    fake.send_errno = later[_i];
    ck_assert_int_eq(send_frame(60, 1), 0);
    dev_flush(dev, now);
    ck_assert_uint_eq(dev->held, 64);
    fake.send_errno = 0;
    dev_flush(dev, now);
    check_sent(60, 1);
}
END_TEST

START_TEST(another_error_is_told_as_it_is)
{
    char why[400];

    fake.recv_errno = EIO;
    ck_assert_int_eq(dev_receive(dev, &pool, (struct frame *[1]){0}, 1, now), -ENETDOWN);
    stream_explain_end(dev, "/run/s", why, sizeof why);
    ck_assert_ptr_nonnull(strstr(why, strerror(EIO)));
}
END_TEST

START_TEST(an_impaired_link_tells_what_is_held_below_it)
{
    const struct impair_config none = {0};
    struct dev *over;

    ck_assert_int_eq(impair_new(&memory, dev, &none, &none, &over), 0);
    dev = over;
    fake.room = 10;
    ck_assert_int_eq(send_frame(60, 1), 0);
    dev_flush(dev, now);
    ck_assert_uint_eq(dev->held, 54);
    fake.room = TAPE;
    dev_flush(dev, now);
    ck_assert_uint_eq(dev->held, 0);
}
END_TEST

START_TEST(a_stack_fills_no_frame_up_on_a_stream)
{
    struct stack_config config;
    struct os_env env;

    ck_assert_int_eq(os_env_init(&env, NULL), 0);
    stack_config_init(&config);
    config.addr_count = 1;
    ck_assert_int_eq(ip_prefix_parse("10.9.0.2/24", &config.addr[0]), 0);
    ck_assert_int_eq(mac_addr_parse("02:00:5e:10:00:02", &config.mac), 0);
    struct stack *stack = stack_new(&config, &env.env);
    ck_assert_ptr_nonnull(stack);
    ck_assert_int_eq(stack_send(stack, dev, now), 0);
    ck_assert_uint_eq(fake.sent_len, STREAM_HEADER + 42); /* it announces itself by ARP */
    dev->unpadded = false;
    stack_free(stack);
    stack = stack_new(&config, &env.env);
    ck_assert_int_eq(stack_send(stack, dev, now), 0);
    ck_assert_uint_eq(fake.sent_len, STREAM_HEADER + 42 + STREAM_HEADER + 60);
    stack_free(stack);
}
END_TEST

/* --- opening ------------------------------------------------------------------------------ */

static const struct {
    int err;
    const char *says;
} refusal[] = {
    {ENOENT, "no such socket"},   {ECONNREFUSED, "nobody listens"}, {EACCES, "no permission"},
    {EPROTOTYPE, "not a stream"}, {EAGAIN, "too many wait"},        {ENOTDIR, "Not a directory"},
};

START_TEST(what_cannot_be_connected_to_is_closed_and_explained)
{
    const struct stream_config config = {.path = "/run/other", .mtu = MTU, .sys = &sys};
    struct dev *none;
    char why[400];

    dev_close(dev);
    dev = NULL;
    fake.connect_errno = refusal[_i].err;
    ck_assert_int_eq(stream_open(&config, &none), -refusal[_i].err);
    ck_assert_str_eq(fake.path, "/run/other");
    ck_assert(!fake.open);
    stream_explain(-refusal[_i].err, "/run/other", why, sizeof why);
    ck_assert_ptr_nonnull(strstr(why, "/run/other: "));
    ck_assert_ptr_nonnull(strstr(why, refusal[_i].says));
    ck_assert_ptr_null(strchr(why, '\n'));
}
END_TEST

START_TEST(a_file_that_is_no_socket_is_told_from_one_that_nobody_listens_on)
{
    char why[400];
    ck_assert_ptr_nonnull(
        strstr(stream_explain(-ECONNREFUSED, "/dev/null", why, sizeof why), "no socket"));
}
END_TEST

START_TEST(a_path_has_its_bounds)
{
    char path[STREAM_PATH_MAX + 2];
    struct stream_config config = {.path = path, .mtu = MTU, .sys = &sys};
    struct dev *other = NULL;

    memset(path, 'p', sizeof path);
    path[STREAM_PATH_MAX + 1] = '\0';
    ck_assert_int_eq(stream_open(&config, &other), -EINVAL);
    config.path = "";
    ck_assert_int_eq(stream_open(&config, &other), -EINVAL);
    path[STREAM_PATH_MAX] = '\0';
    config.path = path;
    ck_assert_int_eq(stream_open(&config, &other), 0);
    ck_assert_str_eq(fake.path, path);
    dev_close(other);
    fake.open = true; /* the other one has the same number */
}
END_TEST

int main(void)
{
    Suite *s = suite_create("stream");

    TCase *c = tcase_create("frames in a stream");
    tcase_add_loop_test(c, a_length_is_judged_as_soon_as_it_is_there, 0, ARRAY_LEN(row));
    tcase_add_test(c, what_is_written_is_read_again);
    suite_add_tcase(s, c);

    c = tcase_create("in");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, frames_come_out_whole_however_the_stream_is_cut);
    tcase_add_test(c, one_read_brings_many_frames);
    tcase_add_test(c, what_waits_behind_a_full_batch_is_a_deadline);
    tcase_add_test(c, the_longest_frame_comes_through_and_many_of_them);
    tcase_add_test(c, a_length_that_no_frame_has_is_the_end_after_what_came_before);
    tcase_add_test(c, an_end_that_nobody_was_told_of_is_a_deadline);
    tcase_add_test(c, a_peer_that_closes_is_named_after_its_last_frame);
    tcase_add_test(c, without_a_buffer_a_frame_is_dropped_by_name_and_the_next_comes);
    tcase_add_test(c, interruptions_and_nothing_to_read_are_no_end);
    suite_add_tcase(s, c);

    c = tcase_create("out");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, a_flush_is_one_call_for_many_frames);
    tcase_add_test(c, what_the_socket_does_not_take_is_kept_and_counted);
    tcase_add_test(c, a_peer_that_stops_reading_costs_no_more_than_the_ring);
    tcase_add_loop_test(c, a_peer_that_goes_while_we_write_is_the_end, 0, 2);
    tcase_add_loop_test(c, want_of_memory_in_the_kernel_is_no_end, 0, 3);
    tcase_add_test(c, another_error_is_told_as_it_is);
    tcase_add_test(c, a_stack_fills_no_frame_up_on_a_stream);
    tcase_add_test(c, an_impaired_link_tells_what_is_held_below_it);
    suite_add_tcase(s, c);

    c = tcase_create("opening");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, what_cannot_be_connected_to_is_closed_and_explained, 0,
                        ARRAY_LEN(refusal));
    tcase_add_test(c, a_file_that_is_no_socket_is_told_from_one_that_nobody_listens_on);
    tcase_add_test(c, a_path_has_its_bounds);
    suite_add_tcase(s, c);
    return run_suite(s, "stream");
}
