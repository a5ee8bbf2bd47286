/*
 * growth_queues.c - text on its way: the scoreboard and the send queue, text that came early, the
 * receive queue, pieces of datagrams.
 *
 * The caps that a stack has by default are lower than the sizes here; where a row ends before 10^6,
 * no value can be set that would let it go on.
 */
#include "base/frame.h"
#include "growth.h"
#include "ip/reassembly.h"
#include "tcp/flight.h"
#include "tcp/recvq.h"
#include "tcp/reorder.h"
#include "tcp/sendq.h"

enum { BURST = 64 }; /* things that one segment is about */

static struct memory memory;
static uint32_t count;

/* --- the scoreboard ----------------------------------------------------------------------- */

enum { SEGMENT = 1000 };

static struct flight flight;
static struct pool ranges;
static struct flight_limits flight_limits = {&ranges, &growth_prng, UINT32_MAX};
static instant moment;
static tcp_seq holes;

static void send_segment(void)
{
    moment = instant_add(moment, NS_PER_US); /* else they would be one range */
    growth_must(flight_sent(&flight, SEGMENT, moment), "no range");
}

/* n segments are in flight, each of them a range. */
static void begin_flight(uint32_t n)
{
    count = n;
    growth_must(pool_init(&ranges, &memory, "ranges", sizeof(struct flight_range), 2 * n + 8192) ==
                    0,
                "no pool");
    flight_init(&flight, &flight_limits, seq(0xfffff000));
    for (uint32_t i = 0; i < n; i++)
        send_segment();
}

static struct flight_news tell(tcp_seq from, tcp_seq to)
{
    struct flight_news news = {.now = moment, .echoed = INSTANT_NEVER};

    flight_sack(&flight, from, to, &news);
    return news;
}

static tcp_seq segment(uint32_t i)
{
    return seq_add(flight.una, i * SEGMENT);
}

/* Each second one has been told. */
static void begin_told(uint32_t n)
{
    begin_flight(n);
    for (uint32_t i = 1; i < n; i += 2)
        tell(segment(i), segment(i + 1));
}

static void ack_and_send(uint32_t turn)
{
    struct flight_news news = {.now = moment, .echoed = INSTANT_NEVER};

    (void)turn;
    flight_ack(&flight, segment(1), &news);
    send_segment();
}

/* In another place each time, so there come to be a few hundred ranges more. */
static void tell_middle(uint32_t turn)
{
    tcp_seq from = seq_add(segment(growth_any(count)), 1 + turn % (SEGMENT - 2));

    tell(from, seq_add(from, 1));
}

static void tell_again(uint32_t turn)
{
    uint32_t i = growth_any(count / 2) * 2 + 1;

    (void)turn;
    tell(segment(i), segment(i + 1));
}

/* 64 more segments leave, and each second one is told. */
static void send_holes(uint32_t turn)
{
    (void)turn;
    holes = flight.nxt;
    for (uint32_t i = 0; i < BURST; i++)
        send_segment();
    for (uint32_t i = 1; i < BURST; i += 2)
        tell(seq_add(holes, i * SEGMENT), seq_add(holes, (i + 1) * SEGMENT));
}

static void tell_over_holes(uint32_t turn)
{
    (void)turn;
    tell(holes, flight.nxt);
}

static void lose_one(uint32_t turn)
{
    struct flight_range *range = flight_at(&flight, segment(growth_any(count / 2) * 2));

    (void)turn;
    flight_lose(&flight, range);
}

static void repeat_lost(uint32_t turn)
{
    struct flight_range *range = flight_first_lost(&flight);

    (void)turn;
    moment = instant_add(moment, NS_PER_US);
    growth_must(flight_sent_again(&flight, range, range->len, moment), "not sent again");
}

/* Each second one has been told, and one is lost. */
static void begin_lost(uint32_t n)
{
    begin_told(n);
    lose_one(0);
}

/* --- the send queue ----------------------------------------------------------------------- */

static struct sendq sendq;
static struct sendq_pools send_pools;
static const uint8_t text[SEGMENT];

static void write_segment(void)
{
    growth_must(sendq_append(&sendq, &send_pools, bytes_of(text, SEGMENT)) == SEGMENT, "no chunk");
}

static void begin_sendq(uint32_t n)
{
    count = n;
    growth_must(sendq_pools_init(&send_pools, &memory, UINT64_C(1) << 33) == 0, "no pools");
    for (uint32_t i = 0; i < n; i++)
        write_segment();
}

static void gather(uint32_t i)
{
    struct iovec iov[4];
    uint32_t len = SEGMENT;

    growth_must(sendq_gather(&sendq, i * SEGMENT, &len, iov, 4) > 0, "nothing to send");
}

static void write_and_ack(uint32_t turn)
{
    (void)turn;
    write_segment();
    sendq_drop(&sendq, &send_pools, SEGMENT);
}

static void gather_next(uint32_t turn)
{
    gather(turn % count);
}

static void gather_anywhere(uint32_t turn)
{
    (void)turn;
    gather(growth_any(count));
}

/* --- text that came early ----------------------------------------------------------------- */

static struct reorder reorder;
static struct pool islands;
static struct frame_pool frames;
static struct reorder_limits reorder_limits = {&islands, &growth_prng, UINT32_MAX, UINT32_MAX};
static const tcp_seq rcv_nxt = {0xffffff00};
static struct frame *early;
static tcp_seq early_at;

static void begin_frames(uint32_t n)
{
    growth_must(frame_pool_init(&frames, &memory, ((uint64_t)n + 1024) * 2048) == 0, "no frames");
}

static struct frame *text_frame(size_t len)
{
    struct frame *frame = frame_copy(&frames, bytes_of(text, len));

    growth_must(frame != NULL, "no frame");
    return frame;
}

static void insert(tcp_seq at, struct frame *frame)
{
    uint32_t new_octets;

    growth_must(reorder_insert(&reorder, &reorder_limits, rcv_nxt, at, frame, frame_bytes(frame),
                               &new_octets),
                "not kept");
}

/* Where the island `i` is: each is one octet, with room for more behind it. */
static tcp_seq island(uint32_t i)
{
    return seq_add(rcv_nxt, 1 + 1024 * i);
}

/* As a peer would do it who wants us to have work: one octet here and one there, in any order. */
static void begin_islands(uint32_t n)
{
    uint32_t *order = growth_alloc(n, sizeof *order);

    count = n;
    begin_frames(n + 512 * BURST); /* and what make_holes() needs */
    growth_must(pool_init(&islands, &memory, "islands", reorder_island_size, 2 * n + 1024) == 0,
                "no pool");
    for (uint32_t i = 0; i < n; i++) {
        uint32_t other = growth_any(i + 1);
        order[i] = order[other];
        order[other] = i;
    }
    for (uint32_t i = 0; i < n; i++)
        insert(island(order[i]), text_frame(1));
}

static void make_early(uint32_t turn)
{
    early = text_frame(1);
    early_at = seq_add(island(growth_any(count)), 512 + turn % 500); /* where nothing is yet */
}

static void make_copy(uint32_t turn)
{
    (void)turn;
    early = text_frame(1);
    early_at = island(growth_any(count));
}

/* Right behind an island: no new one. */
static void make_neighbour(uint32_t turn)
{
    (void)turn;
    early = text_frame(1);
    early_at = seq_add(island(growth_any(count)), 1);
}

static void take_early(uint32_t turn)
{
    uint32_t new_octets;

    (void)turn;
    growth_must(reorder_insert(&reorder, &reorder_limits, rcv_nxt, early_at, early,
                               frame_bytes(early), &new_octets),
                "not kept");
}

static void take_neighbour(uint32_t turn)
{
    make_neighbour(turn);
    take_early(turn);
}

static void tell_blocks(uint32_t turn)
{
    struct tcp_block blocks[4], twice;

    (void)turn;
    reorder_blocks(&reorder, blocks, 4);
    reorder_overlap(&reorder, island(growth_any(count)), island(count), &twice);
}

/* 64 islands of one octet, one apart, at a place of their own: */
static void make_holes(uint32_t turn)
{
    early_at = seq_add(rcv_nxt, 1024 * (count + 1 + turn));
    for (uint32_t i = 0; i < BURST; i++)
        insert(seq_add(early_at, 1 + 2 * i), text_frame(1));
    early = text_frame(2 * BURST + 1); /* and a segment over all of them */
}

/* --- the receive queue -------------------------------------------------------------------- */

enum { KEPT = 300 }; /* octets, so many that a frame of 512 is kept as it is */

static struct recvq recvq;

static void begin_recvq(uint32_t n)
{
    count = n;
    begin_frames(n);
    for (uint32_t i = 0; i < n; i++)
        recvq_append(&recvq, text_frame(KEPT));
}

static void make_text(uint32_t turn)
{
    (void)turn;
    early = text_frame(KEPT);
}

static void append_and_read(uint32_t turn)
{
    uint8_t octets[KEPT];

    (void)turn;
    recvq_append(&recvq, early);
    growth_must(recvq_read(&recvq, octets, KEPT) == KEPT, "nothing to read");
}

static void look_at_the_end(uint32_t turn)
{
    uint8_t octet;

    (void)turn;
    growth_must(recvq_peek(&recvq, recvq.len - 1, &octet, 1) == 1, "nothing to see");
}

/* --- pieces of datagrams ------------------------------------------------------------------ */

enum { PIECES = 400 }; /* what 256 KiB hold of the smallest */

static struct reassembly reassembly;
static struct wheel wheel;
static struct events events;

static void add_piece(uint32_t source, uint32_t id, uint32_t offset, bool more)
{
    struct fragment piece = {.key = {.src = ip_from_v4(0x0a000000 + source),
                                     .dst = ip_from_v4(0x0aff0001),
                                     .id = id,
                                     .protocol = 17},
                             .offset = offset,
                             .more = more};
    struct frame *frame = text_frame(8);
    struct reassembly_queue *whole;

    enum drop drop = reassembly_add(&reassembly, &piece, &frame, moment, &whole);
    growth_must(drop == DROP_NONE && !whole, "the piece was not kept");
}

static void begin_reassembly(uint32_t n)
{
    struct reassembly_config config = {.memory = &memory,
                                       .wheel = &wheel,
                                       .events = &events,
                                       .seed = 1,
                                       .mtu = 68,
                                       .timer_owner = 1};

    count = n;
    begin_frames(4096);
    wheel_init(&wheel, moment);
    growth_must(reassembly_init(&reassembly, &config) == 0, "no reassembly");
}

/* One datagram, of which n pieces have come, none beside another. */
static void begin_pieces(uint32_t n)
{
    begin_reassembly(n);
    for (uint32_t i = 0; i < n; i++)
        add_piece(1, 1, 16 * i + 8, true);
}

/* Again the same one, octet for octet: it is found, and nothing changes. */
static void add_copy(uint32_t turn)
{
    struct fragment piece = {
        .key = {ip_from_v4(0x0a000001), ip_from_v4(0x0aff0001), 1, 17},
        .offset = 16 * growth_any(count) + 8,
        .more = true,
    };
    struct reassembly_queue *whole;

    (void)turn;
    growth_must(reassembly_add(&reassembly, &piece, &early, moment, &whole) ==
                    DROP_IP4_FRAG_DUPLICATE,
                "it was no copy");
}

static void make_piece(uint32_t turn)
{
    (void)turn;
    frame_put(early);
    early = text_frame(8);
}

/* n datagrams, of each the first piece. */
static void begin_datagrams(uint32_t n)
{
    begin_reassembly(n);
    for (uint32_t i = 0; i < n; i++)
        add_piece(i, i, 0, true);
}

/* The oldest goes: at the cap by itself, below it so that there are n again. */
static void add_datagram(uint32_t turn)
{
    if (count < REASSEMBLY_QUEUES)
        reassembly_end(&reassembly,
                       CONTAINER_OF(reassembly.by_age.next, struct reassembly_queue, by_age),
                       DROP_IP4_FRAG_EVICT);
    add_piece(count + turn, turn, 0, true);
}

/* clang-format off */
static const struct growth_row rows[] = {
    {"segments in flight", "the first is acknowledged, one more leaves", BY_WIRE, 0, NULL, NULL,
     begin_flight, NULL, ack_and_send},
    {"segments in flight", "one octet in the middle of one is told by SACK", BY_WIRE, 0, NULL, NULL,
     begin_flight, NULL, tell_middle},
    {"segments in flight", "SACK tells again what it has told", BY_WIRE, 0, NULL, NULL, begin_told, NULL, tell_again},
    {"segments in flight", "a block of SACK over 64, each second one told before", BY_WIRE, 0, NULL, NULL,
     begin_told, send_holes, tell_over_holes},
    {"segments in flight", "one is taken for lost", BY_WIRE, 0, NULL, NULL, begin_lost, repeat_lost, lose_one},
    {"segments in flight", "which is lost? It leaves again", BY_WIRE, 0, NULL, NULL, begin_told, lose_one, repeat_lost},
    {"segments to send", "one is written, the first is acknowledged", BY_WIRE, 0, NULL, NULL,
     begin_sendq, NULL, write_and_ack},
    {"segments to send", "the next one's text", BY_WIRE, 0, NULL, NULL, begin_sendq, NULL, gather_next},
    {"segments to send", "the text of any, as the peer's SACKs ask for it", BY_WIRE, 0, NULL, NULL,
     begin_sendq, NULL, gather_anywhere},
    {"islands of early text", "one more octet that touches nothing", BY_WIRE, 65536, "`tcp.reorder_islands`", NULL,
     begin_islands, make_early, take_early},
    {"islands of early text", "one octet behind one of them", BY_WIRE, 65536, "`tcp.reorder_islands`", NULL,
     begin_islands, make_neighbour, take_early},
    {"islands of early text", "the same octet again", BY_WIRE, 65536, "`tcp.reorder_islands`", NULL,
     begin_islands, make_copy, take_early},
    {"islands of early text", "a segment over 64 of them and the holes between", BY_WIRE, 65536,
     "`tcp.reorder_islands`", NULL, begin_islands, make_holes, take_early},
    {"islands of early text", "which SACK and D-SACK tell", BY_WIRE, 65536, "`tcp.reorder_islands`", NULL,
     begin_islands, take_neighbour, tell_blocks},
    {"segments to read", "one comes, the first is read", BY_WIRE, 0, NULL, NULL, begin_recvq, make_text, append_and_read},
    {"segments to read", "MSG_PEEK into the last of several buffers", BY_CALL, 0, NULL,
     "it walks over what the others took", begin_recvq, NULL, look_at_the_end},
    {"pieces of a datagram", "one of them again", BY_WIRE, PIECES, "256 KiB of the smallest", NULL,
     begin_pieces, make_piece, add_copy},
    {"datagrams in pieces", "the first piece of one more, and the oldest goes", BY_WIRE,
     REASSEMBLY_QUEUES, "`REASSEMBLY_QUEUES`", NULL, begin_datagrams, NULL, add_datagram},
};
/* clang-format on */

const struct growth_table growth_queues = {rows, ARRAY_LEN(rows)};
