/*
 * control_capture.c - the verb `capture`: the packets of a running stack, as pcapng.
 *
 * The reply is raw: a section header, then blocks as things happen, then statistics. Each block
 * goes into the ring whole or not at all; a packet for which there is no room is lost, and the next
 * one says how many were. The stack never waits. The end is the client's to choose: a number of
 * packets, or closing its half of the connection; then the statistics follow, for which room is
 * kept.
 */
#include "see/capture.h"
#include "see/control.h"

enum {
    RING = 8388608, /* what two connections may send at once, with the comments on it */
    LAST_WORDS = 2 * (2 * CAPTURE_COMMENT + PCAPNG_STRING_MAX), /* both interfaces' statistics */
};

struct live {
    struct octet_sink out;
    struct control_call *call;
    uint64_t count; /* packets to write; 0: as many as come */
    bool listens;
    struct event_sink sink; /* hands on to the capture's until that is complete */
    struct capture capture; /* large: behind the rest */
};

static const char *const fields[] = {"count", "snap_octets", NULL};

static int ring_write(struct octet_sink *out, const struct iovec *iov, int iovcnt)
{
    struct live *live = CONTAINER_OF(out, struct live, out);
    size_t done = 0;

    assert(iovcnt == 1); /* pcapng makes whole blocks */
    for (int i = 0; i < iovcnt; i++)
        if (octet_ring_put(live->call->ring, bytes_of(iov[i].iov_base, iov[i].iov_len)))
            done += iov[i].iov_len;
    return (int)done;
}

static bool is_complete(const struct live *live)
{
    return live->count > 0 && live->capture.pcapng.packets >= live->count;
}

static bool has_room(struct capture *capture, size_t octets)
{
    struct live *live = CONTAINER_OF(capture, struct live, capture);

    return octet_ring_left(live->call->ring) >= octets + LAST_WORDS;
}

static void on_event(struct event_sink *sink, const struct event *event)
{
    struct live *live = CONTAINER_OF(sink, struct live, sink);

    if (!is_complete(live)) /* behind the last one that was asked for nothing is wanted, or lost */
        live->capture.sink.event(&live->capture.sink, event);
}

static bool begin(struct control_call *call, const struct control_request *request, instant now,
                  struct text *why)
{
    struct live *live = call->state;
    const struct control_context *context = call->context;
    int64_t count = 0, snap = 0;

    if (!control_take_number(request, "count", 1, INT64_C(1) << 53, &count, why) ||
        !control_take_number(request, "snap_octets", 64, PCAPNG_SNAP_MAX, &snap, why))
        return false;
    live->out.write = ring_write;
    live->call = call;
    live->count = (uint64_t)count;
    struct pcapng_config config = {
        .device = context->device,
        .os = context->os,
        .ethernet = stack_config(context->stack)->link == STACK_LINK_ETHERNET,
        .snap_len = (uint32_t)snap,
        .wall_base_ns = context->env->wall_ns(context->env->context),
        .mono_base = now,
    };
    int err = capture_open(&live->capture, &live->out, &config);
    assert(!err); /* the ring is empty, and larger than a header */
    live->capture.has_room = has_room;
    live->sink.event = on_event;
    live->listens = true;
    stack_listen(context->stack, &live->sink);
    return true;
}

static void unlisten(struct control_call *call)
{
    struct live *live = call->state;

    if (live->listens)
        stack_unlisten(call->context->stack, &live->sink);
    live->listens = false;
}

static enum control_progress more(struct control_call *call, struct text *line, instant now)
{
    struct live *live = call->state;

    (void)line;
    call->lost = live->capture.lost;
    if (!call->stopping && !is_complete(live))
        return CONTROL_WAITS;
    unlisten(call);
    capture_close(&live->capture, now);
    return CONTROL_DONE;
}

static void end(struct control_call *call, instant now)
{
    (void)now;
    unlisten(call);
}

const struct control_verb control_capture = {
    .name = "capture",
    .schema = 1,
    .fields = fields,
    .state = sizeof(struct live),
    .ring = RING,
    .octets = true,
    .begin = begin,
    .more = more,
    .end = end,
};
