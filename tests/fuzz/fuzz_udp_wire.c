/*
 * fuzz_udp_wire.c - any octets as a UDP datagram.
 *
 * Asserted of every input: it is refused or its data lies whole inside; what was read is written
 * back the same; a checksum that was filled in is right and never zero, over both families, and
 * wrong after any change of one octet that it covers.
 */
#include <stdlib.h>

#include "udp/udp_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(struct bytes in, const struct udp_datagram *d)
{
    uint8_t octets[UDP_HEADER];
    struct writer w = writer_of(octets, sizeof octets);

    udp_emit(&w, d, d->data.len);
    assert(w.left == 0 && memcmp(octets, in.at, UDP_HEADER) == 0);
}

static void sum_it_up(const uint8_t *data, size_t size, size_t len, struct ip_addr src,
                      struct ip_addr dst)
{
    uint8_t *copy = malloc(size);

    assert(copy);
    memcpy(copy, data, size);
    put_be16(copy + UDP_CSUM_OFFSET, 0);
    udp_fill_checksum(src, dst, copy, len);
    assert(copy[6] != 0 || copy[7] != 0);
    assert(udp_checksum_is_right(src, dst, bytes_of(copy, size)));
    size_t at = data[len - 1] % len;
    if (at != 4 && at != 5) { /* the length says what is covered */
        copy[at] ^= 0x20;
        assert(!udp_checksum_is_right(src, dst, bytes_of(copy, size)));
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ip_addr them6 = {{0xfd, [15] = 1}}, us6 = {{0xfd, [15] = 2}};
    struct bytes in = bytes_of(data, size);
    struct udp_datagram d;

    if (size > UDP_LENGTH_MAX)
        return 0;
    enum drop drop = udp_parse(in, &d);
    if (drop == DROP_UDP_LENGTH) {
        assert(!udp_checksum_is_right(them6, us6, in));
        return 0;
    }
    assert((drop == DROP_UDP_PORT_ZERO) == (d.dst_port == 0));
    assert(d.data.len <= size - UDP_HEADER && d.data.at == data + UDP_HEADER);
    write_again(in, &d);
    sum_it_up(data, size, UDP_HEADER + d.data.len, them6, us6);
    sum_it_up(data, size, UDP_HEADER + d.data.len, ip_from_v4(0x0a090001), ip_from_v4(0x0a090002));
    return 0;
}
