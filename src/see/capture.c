/*
 * capture.c - see capture.h.
 *
 * There is nothing to decide here: whoever handled the packet has said why, and this file puts it
 * into words. It keeps its own totals, so that the statistics at the end count what this file saw
 * and not what the stack did before somebody listened.
 */
#include "see/capture.h"

#include <tapio/tapio.h>

static void add_pair(struct text *out, const char *key, uint64_t value)
{
    text_add(out, key);
    text_add_u64(out, value);
}

static void add_facts(struct text *out, const struct conn_facts *facts)
{
    add_pair(out, "conn=", facts->id);
    text_add(out, " state=");
    text_add(out, tcp_state_name(facts->state));
    add_pair(out, " cwnd=", facts->cwnd);
    if (facts->ssthresh == UINT32_MAX)
        text_add(out, " ssthresh=inf");
    else
        add_pair(out, " ssthresh=", facts->ssthresh);
    add_pair(out, " inflight=", facts->inflight);
    text_add(out, " srtt_us=");
    text_add_i64(out, facts->srtt_us);
    text_add(out, " rto_ms=");
    text_add_i64(out, facts->rto_ms);
    text_add_char(out, ' ');
}

void capture_comment(const struct event *event, struct text *out)
{
    bool dropped = event->packet.fate == PACKET_DROPPED;
    enum why why = event->packet.why;

    assert(event->type == EVENT_PACKET);
    if (dropped && why == WHY_NONE)
        why = WHY_DROPPED;

    if (event->packet.tcp && event->packet.facts)
        add_facts(out, event->packet.facts);
    else if (event->packet.tcp)
        text_add(out, "conn=0 state=CLOSED ");
    text_add(out, "why=");
    text_add(out, why_key(why));
    if (dropped) {
        text_add(out, " drop=");
        text_add(out, drop_name(event->packet.drop));
    }

    text_add(out, " | ");
    if (dropped) {
        text_add(out, "Discarded: ");
        text_add(out, drop_sentence(event->packet.drop));
        text_add_char(out, '.');
    } else {
        text_add(out, why_sentence(why));
    }
}

static void count(struct capture *capture, const struct event *event)
{
    switch (event->packet.fate) {
    case PACKET_OUT:
        capture->sent++;
        return;
    case PACKET_CONSUMED:
        capture->consumed++;
        return;
    case PACKET_DROPPED:
        capture->drops[event->packet.drop]++;
        return;
    }
}

/* As many octets as the packet's block has, or more. */
static size_t block_for(const struct capture *capture, const struct event *event)
{
    size_t sum = 0;

    for (int i = 0; i < event->packet.iovcnt; i++)
        sum += event->packet.iov[i].iov_len;
    return CAPTURE_BLOCK_HEAD + size_min(sum, capture->pcapng.snap_len);
}

static bool sound_alike(const struct conn_facts *a, const struct conn_facts *b)
{
    return a->id == b->id && a->state == b->state && a->cwnd == b->cwnd &&
           a->ssthresh == b->ssthresh && a->inflight == b->inflight && a->srtt_us == b->srtt_us &&
           a->rto_ms == b->rto_ms;
}

/* Valid until the next packet. All segments of a big frame but its last say the same, so what was
 * said last is spelled out anew only where something differs. */
static struct bytes comment_on(struct capture *capture, const struct event *event)
{
    struct capture_comment *last = &capture->last;
    const struct conn_facts *facts = event->packet.facts;

    if (last->text_len == 0 || last->fate != event->packet.fate ||
        last->drop != event->packet.drop || last->why != event->packet.why ||
        last->tcp != event->packet.tcp || last->has_facts != (facts != NULL) ||
        (facts && !sound_alike(&last->facts, facts))) {
        struct text text = text_of(last->text, sizeof last->text);
        capture_comment(event, &text);
        assert(!text.cut);
        last->fate = event->packet.fate;
        last->drop = event->packet.drop;
        last->why = event->packet.why;
        last->tcp = event->packet.tcp;
        last->has_facts = facts != NULL;
        if (facts)
            last->facts = *facts;
        last->text_len = (uint32_t)text.len;
    }
    return bytes_of(last->text, last->text_len);
}

static void on_event(struct event_sink *sink, const struct event *event)
{
    struct capture *capture = CONTAINER_OF(sink, struct capture, sink);

    if (event->type != EVENT_PACKET)
        return;
    count(capture, event);
    if (event->packet.ethernet != capture->ethernet) {
        capture->misfits++; /* an interface has one link type in a capture */
        return;
    }
    if (capture->has_room && !capture->has_room(capture, block_for(capture, event))) {
        capture->lost++;
        capture->lost_since++;
        return;
    }
    struct pcapng_packet packet = {
        .id = event->packet.id,
        .outgoing = event->packet.fate == PACKET_OUT,
        .dropped = event->packet.fate == PACKET_DROPPED,
        .when = event->when,
        .iov = event->packet.iov,
        .iovcnt = event->packet.iovcnt,
        .meta = event->packet.meta,
        .comment = comment_on(capture, event),
        .lost_before = capture->lost_since,
    };
    capture->lost_since = 0;
    pcapng_packet(&capture->pcapng, &packet);
}

int capture_open(struct capture *capture, struct octet_sink *out,
                 const struct pcapng_config *config)
{
    *capture = (struct capture){.sink = {.event = on_event}, .ethernet = config->ethernet};
    return pcapng_open(&capture->pcapng, out, config);
}

/* "ip4.rx_csum=3 tcp.rx_seq=1"; returns how many there are in all. */
static uint64_t list_drops(const struct capture *capture, struct text *out)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < DROP_COUNT; i++) {
        if (capture->drops[i] == 0)
            continue;
        if (sum > 0)
            text_add_char(out, ' ');
        text_add(out, drop_name((enum drop)i));
        add_pair(out, "=", capture->drops[i]);
        sum += capture->drops[i];
    }
    return sum;
}

void capture_close(struct capture *capture, instant now)
{
    char passed_buffer[CAPTURE_COMMENT], dropped_buffer[PCAPNG_STRING_MAX];
    struct text passed = text_of(passed_buffer, sizeof(passed_buffer));
    struct text discarded = text_of(dropped_buffer, sizeof(dropped_buffer));

    uint64_t dropped = list_drops(capture, &discarded);
    add_pair(&passed, "consumed=", capture->consumed);
    add_pair(&passed, " sent=", capture->sent);
    if (capture->misfits > 0)
        add_pair(&passed, " misfits=", capture->misfits);
    if (capture->lost > 0)
        add_pair(&passed, " lost=", capture->lost);

    struct pcapng_totals totals[PCAPNG_INTERFACES] = {
        [PCAPNG_PASSED] = {.received = capture->consumed + dropped,
                           .dropped = dropped,
                           .lost = capture->lost,
                           .comment = text_bytes(&passed)},
        [PCAPNG_DROPPED] = {.received = dropped, .comment = text_bytes(&discarded)},
    };
    pcapng_close(&capture->pcapng, totals, now);
}
