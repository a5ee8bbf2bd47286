/*
 * bad_wire_tcp.h - what a bad wire does to TCP segments alone.
 */
#ifndef TAPIO_DEV_BAD_WIRE_TCP_H
#define TAPIO_DEV_BAD_WIRE_TCP_H

#include "base/addr.h"
#include "base/bytes.h"
#include "base/prng.h"

/* An ACK and nothing else: no text, no SYN, FIN or RST. `ip_only`: the frame has no Ethernet
 * header. */
bool bad_wire_is_bare_ack(struct bytes frame, bool ip_only);

/* Where octets of a stream were changed: two at each of these sequence numbers. */
struct forgery {
    struct endpoint src, dst;
    uint32_t seq[2];
};

/* Exchanges two words of the text that differ. The checksum is the sum of all words and does not
 * see it, nor does anybody who has not another proof. False when there are no two. */
bool bad_wire_forge(uint8_t *frame, size_t len, bool ip_only, struct prng *prng,
                    struct forgery *out);

#endif
