/*
 * bytes.h - views, readers and writers over octets.
 *
 * A reader carries its bounds and remembers the first overrun, so a parser is a straight line that
 * looks like the RFC's diagram and the check is made once. After an overrun every read gives zero.
 * A writer is its mirror. This is the only place that does arithmetic on octet pointers of packets.
 *
 * Where a parser asks for the least length first, or writes into a write_header(), the compiler
 * sees that no field can overrun, and a header costs a load or a store for each field.
 */
#ifndef TAPIO_BASE_BYTES_H
#define TAPIO_BASE_BYTES_H

#include <string.h>

#include "base/base.h"

struct reader {
    struct bytes rest;
    bool overrun;
};

struct writer {
    uint8_t *at;
    size_t left;
    bool overrun;
};

static inline struct bytes bytes_of(const void *at, size_t len)
{
    return (struct bytes){at, len};
}

/* The first `len` octets, or all when there are fewer. */
static inline struct bytes bytes_first(struct bytes b, size_t len)
{
    return (struct bytes){b.at, size_min(b.len, len)};
}

/* What is behind the first `len` octets; empty when there are fewer. */
static inline struct bytes bytes_skip(struct bytes b, size_t len)
{
    size_t n = size_min(b.len, len);
    return (struct bytes){n ? b.at + n : b.at, b.len - n};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* --- reading ------------------------------------------------------------------------------ */

static inline struct reader reader_of(struct bytes in)
{
    return (struct reader){.rest = in};
}

/* The next `len` octets; empty, and an overrun, when there are fewer. */
static inline struct bytes read_bytes(struct reader *r, size_t len)
{
    if (len > r->rest.len) {
        r->overrun = true;
        r->rest.len = 0;
        return (struct bytes){r->rest.at, 0};
    }
    struct bytes out = {r->rest.at, len};
    r->rest = bytes_skip(r->rest, len);
    return out;
}

static inline uint8_t read_u8(struct reader *r)
{
    struct bytes b = read_bytes(r, 1);
    return b.len ? b.at[0] : 0;
}

static inline uint16_t read_be16(struct reader *r)
{
    struct bytes b = read_bytes(r, 2);
    return (uint16_t)(b.len ? b.at[0] << 8 | b.at[1] : 0);
}

static inline uint32_t read_be32(struct reader *r)
{
    struct bytes b = read_bytes(r, 4);
    return b.len ? (uint32_t)b.at[0] << 24 | (uint32_t)b.at[1] << 16 | (uint32_t)b.at[2] << 8 |
                       b.at[3]
                 : 0;
}

/* For what is not from a network: virtio's headers, pcapng. */
static inline uint16_t read_le16(struct reader *r)
{
    struct bytes b = read_bytes(r, 2);
    return (uint16_t)(b.len ? b.at[1] << 8 | b.at[0] : 0);
}

static inline uint32_t read_le32(struct reader *r)
{
    struct bytes b = read_bytes(r, 4);
    return b.len ? (uint32_t)b.at[3] << 24 | (uint32_t)b.at[2] << 16 | (uint32_t)b.at[1] << 8 |
                       b.at[0]
                 : 0;
}

static inline void read_into(struct reader *r, void *out, size_t len)
{
    struct bytes b = read_bytes(r, len);
    if (b.len)
        memcpy(out, b.at, b.len);
    else
        memset(out, 0, len);
}

/* --- writing ------------------------------------------------------------------------------ */

static inline struct writer writer_of(void *at, size_t len)
{
    return (struct writer){.at = at, .left = len};
}

static inline void write_bytes(struct writer *w, const void *octets, size_t len)
{
    if (len > w->left) {
        w->overrun = true;
        w->left = 0;
        return;
    }
    if (len == 0)
        return;
    memcpy(w->at, octets, len);
    w->at += len;
    w->left -= len;
}

/* The next `len` octets as a writer of their own, for a header of a fixed length: being a local, it
 * needs no look at its bounds from one field to the next. */
static inline struct writer write_header(struct writer *w, size_t len)
{
    assert(len <= w->left); /* the caller sized the buffer */
    struct writer part = writer_of(w->at, len);
    w->at += len;
    w->left -= len;
    return part;
}

static inline void write_u8(struct writer *w, uint8_t value)
{
    write_bytes(w, &value, 1);
}

static inline void write_be16(struct writer *w, uint16_t value)
{
    uint8_t octets[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    write_bytes(w, octets, 2);
}

static inline void write_be32(struct writer *w, uint32_t value)
{
    uint8_t octets[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                         (uint8_t)value};
    write_bytes(w, octets, 4);
}

static inline void write_le16(struct writer *w, uint16_t value)
{
    uint8_t octets[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
    write_bytes(w, octets, 2);
}

static inline void write_le32(struct writer *w, uint32_t value)
{
    uint8_t octets[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                         (uint8_t)(value >> 24)};
    write_bytes(w, octets, 4);
}

static inline void write_zeros(struct writer *w, size_t len)
{
    if (len > w->left) {
        w->overrun = true;
        w->left = 0;
        return;
    }
    if (len == 0)
        return;
    memset(w->at, 0, len);
    w->at += len;
    w->left -= len;
}

/* Overwrites 16 bits of a header that was written before (a checksum, once it is known). */
static inline void put_be16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

#endif
