/*
 * stream.c - see stream.h.
 *
 * A reader now and then pauses for up to three seconds, which closes the window and makes the peer
 * probe. The draws are made in the order of the calls, so the same run draws the same.
 */
#include "sim/stream.h"

#include <errno.h>
#include <string.h>
#include <tapio/sock.h>

#include "base/base.h"
#include "base/instant.h"

enum { CHUNK = 8192, PAUSES = 64 /* one read in so many is followed by a pause */ };

static void problem(struct streams *streams, const char *what)
{
    if (!streams->problem)
        streams->problem = what;
}

/* What stands in a stream from `at` on: each octet follows from its place alone. */
static void stream_octets(uint32_t key, uint32_t at, uint8_t *octets, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        uint32_t x = (at + i + key) * UINT32_C(2654435761);
        octets[i] = (uint8_t)(x >> 24 ^ x >> 11);
    }
}

void stream_draw(struct streams *streams, struct stream_end *a, struct stream_end *b,
                 uint32_t octets)
{
    a->to_send = b->expected = (uint32_t)prng_below(streams->prng, octets + 1ul);
    b->to_send = a->expected = (uint32_t)prng_below(streams->prng, octets + 1ul);
    a->out_key = b->in_key = (uint32_t)prng_next(streams->prng);
    b->out_key = a->in_key = (uint32_t)prng_next(streams->prng);
}

enum stream_state stream_send(struct streams *streams, struct stack *stack, struct stream_end *end,
                              int *error)
{
    uint8_t octets[CHUNK];

    while (end->sent < end->to_send) {
        uint32_t want = 1 + (uint32_t)prng_below(streams->prng, CHUNK);
        uint32_t len = u32_min(want, end->to_send - end->sent);
        stream_octets(end->out_key, end->sent, octets, len);
        ssize_t n = sock_send(stack, end->s, octets, len, 0, NULL);
        if (n == -EAGAIN)
            return STREAM_GOES_ON;
        if (n < 0) {
            *error = (int)-n;
            return STREAM_BROKE;
        }
        end->sent += (uint32_t)n;
    }
    if (!end->shut) {
        int err = sock_shutdown(stack, end->s, SHUT_WR);
        end->shut = true;
        if (err) {
            *error = -err;
            return STREAM_BROKE;
        }
    }
    return STREAM_GOES_ON;
}

static void verify(struct streams *streams, struct stream_end *end, const uint8_t *octets,
                   uint32_t len)
{
    uint8_t right[CHUNK];

    stream_octets(end->in_key, end->received, right, len);
    bool all = memcmp(octets, right, len) == 0;
    streams->verified += all ? len : 0;
    for (uint32_t i = 0; i < len && !all; i++) {
        if (octets[i] == right[i])
            streams->verified++;
        else if (streams->may_be_wrong && streams->may_be_wrong(streams, end, end->received + i))
            streams->forged++;
        else
            problem(streams, "an octet is wrong");
    }
    if (len > end->expected - end->received)
        problem(streams, "more arrived than was sent");
    end->received += len;
}

enum stream_state stream_receive(struct streams *streams, struct stack *stack,
                                 struct stream_end *end, int *error)
{
    uint8_t octets[CHUNK];

    while (!instant_before(streams->now, end->paused)) {
        ssize_t n =
            sock_recv(stack, end->s, octets, 1 + (size_t)prng_below(streams->prng, CHUNK), 0, NULL);
        if (n == -EAGAIN)
            return STREAM_GOES_ON;
        if (n < 0) {
            *error = (int)-n;
            return STREAM_BROKE;
        }
        if (n == 0) {
            if (end->received != end->expected)
                problem(streams, "the stream ended early");
            return end->shut ? STREAM_ENDED : STREAM_GOES_ON;
        }
        verify(streams, end, octets, (uint32_t)n);
        if (prng_chance(streams->prng, UINT32_MAX / PAUSES)) /* a slow reader: the window closes */
            end->paused =
                instant_add(streams->now, (int64_t)prng_below(streams->prng, 3 * NS_PER_S));
    }
    return STREAM_GOES_ON;
}

instant stream_resume(struct streams *streams, struct stack *stack, struct stream_end *end)
{
    if (end->s < 0 || end->paused.ns == 0)
        return INSTANT_NEVER;
    if (instant_before(streams->now, end->paused))
        return end->paused;
    end->paused = (instant){0};
    sock_again(stack, end->s);
    return INSTANT_NEVER;
}
