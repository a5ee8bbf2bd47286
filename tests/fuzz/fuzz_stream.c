/* fuzz_stream.c - a stream of any octets, cut anywhere.
 *
 * The first octet says into how many octets at a time the rest is cut. The frames that come of it,
 * and what the stream is in the end, must be the same as when all of it is there at once; and what
 * was taken apart must make the same octets again. */
#include <stdlib.h>

#include "dev/stream_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How far the frames at the beginning of `in` reach, and what comes behind them. */
static size_t walk(struct bytes in, enum stream_sight *sight)
{
    size_t at = 0;
    struct bytes frame;
    uint32_t len;

    while ((*sight = stream_parse(bytes_skip(in, at), &frame, &len)) == STREAM_FRAME) {
        uint8_t header[STREAM_HEADER];
        assert(len == frame.len && len <= STREAM_FRAME_MAX);
        assert(frame.len == 0 || frame.at == in.at + at + STREAM_HEADER);
        stream_emit(frame.len, header);
        assert(memcmp(header, in.at + at, STREAM_HEADER) == 0);
        at += STREAM_HEADER + frame.len;
        assert(at <= in.len);
    }
    assert(*sight == STREAM_PARTIAL || len > STREAM_FRAME_MAX);
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum stream_sight whole, cut = STREAM_PARTIAL;
    size_t begin = 0;

    if (size == 0)
        return 0;
    size_t piece = (size_t)data[0] + 1;
    struct bytes in = bytes_of(data + 1, size - 1);
    size_t reach = walk(in, &whole);

    for (size_t end = 0; cut == STREAM_PARTIAL && end < in.len;) {
        end = size_min(end + piece, in.len);
        begin += walk(bytes_skip(bytes_first(in, end), begin), &cut);
    }
    assert(begin == reach && (in.len == 0 || cut == whole));
    return 0;
}
