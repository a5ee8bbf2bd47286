/*
 * ip_id.c - identifications: no two alike while one may still be on its way, and none to guess.
 *
 * A counter would be unique and easy to guess; one for all would tell a stranger how much we send
 * to others (CVE-2020-36516). So a counter for each bucket of destinations is sent through a
 * permutation of the 16-bit numbers that belongs to source, destination and protocol alone: four
 * rounds of a Feistel network around a keyed hash. All 65,536 come before one comes again, where
 * buckets are not shared; where they are, a step is left out, which the permutation hides.
 *
 * Packets with DF set have 0 and never come here.
 */
#include "ip/ip_id.h"

#include "base/bytes.h"

enum { ROUNDS = 4 };

uint16_t ip_id_next(struct ip_ids *ids, struct ip_addr src, struct ip_addr dst, uint8_t protocol)
{
    uint8_t flow[sizeof src.octet + sizeof dst.octet + 1];
    struct writer w = writer_of(flow, sizeof flow);

    write_bytes(&w, src.octet, sizeof src.octet);
    write_bytes(&w, dst.octet, sizeof dst.octet);
    write_u8(&w, protocol);
    uint64_t hash = siphash(ids->key, bytes_of(flow, sizeof flow));
    uint16_t count = ids->counter[hash % IP_ID_COUNTERS]++;
    uint8_t left = (uint8_t)(count >> 8), right = (uint8_t)count;
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t in[sizeof hash + 2];
        memcpy(in, &hash, sizeof hash);
        in[sizeof hash] = (uint8_t)i;
        in[sizeof hash + 1] = right;
        uint8_t mixed = (uint8_t)(left ^ (uint8_t)siphash(ids->key, bytes_of(in, sizeof in)));
        left = right;
        right = mixed;
    }
    return (uint16_t)(left << 8 | right);
}
