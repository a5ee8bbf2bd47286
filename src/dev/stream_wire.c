/*
 * stream_wire.c - see stream_wire.h.
 *
 * A length is judged as soon as its four octets are there: who sends "GET " must not make us wait
 * for a gigabyte. Frames that are too short for Ethernet's header are frames all the same; the
 * stack drops them by name, and the stream goes on.
 */
#include "dev/stream_wire.h"

enum stream_sight stream_parse(struct bytes in, struct bytes *frame, uint32_t *len)
{
    struct reader r = reader_of(in);

    *len = read_be32(&r);
    if (r.overrun)
        return STREAM_PARTIAL;
    if (*len > STREAM_FRAME_MAX)
        return STREAM_SENSELESS;
    *frame = read_bytes(&r, *len);
    return r.overrun ? STREAM_PARTIAL : STREAM_FRAME;
}

void stream_emit(size_t len, uint8_t out[STREAM_HEADER])
{
    assert(len <= STREAM_FRAME_MAX);
    struct writer w = writer_of(out, STREAM_HEADER);
    write_be32(&w, (uint32_t)len);
    assert(!w.overrun);
}
