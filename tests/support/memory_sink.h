/*
 * memory_sink.h - an octet sink that keeps what it gets, and fails where a test says so.
 */
#ifndef TAPIO_TESTS_MEMORY_SINK_H
#define TAPIO_TESTS_MEMORY_SINK_H

#include <check.h>
#include <string.h>

#include "base/sink.h"

enum { MEMORY_SINK_ROOM = 1 << 20 };

struct memory_sink {
    struct octet_sink sink;
    size_t len;
    int calls;
    int fail_at;     /* this call, counted from 0, and all later ones fail; -1: none */
    int error;       /* ... with this negative errno, or, if 0, ... */
    size_t short_by; /* ... that call takes so many octets too few */
    uint8_t at[MEMORY_SINK_ROOM];
};

static inline int memory_sink_write(struct octet_sink *sink, const struct iovec *iov, int iovcnt)
{
    struct memory_sink *m = CONTAINER_OF(sink, struct memory_sink, sink);
    size_t total = 0, take, taken = 0;

    for (int i = 0; i < iovcnt; i++)
        total += iov[i].iov_len;
    take = total;
    if (m->fail_at >= 0 && m->calls >= m->fail_at) {
        if (m->error || m->calls > m->fail_at) {
            m->calls++;
            return m->error ? m->error : -28;
        }
        take = total - (m->short_by < total ? m->short_by : total);
    }
    m->calls++;
    ck_assert_uint_le(m->len + take, MEMORY_SINK_ROOM);
    for (int i = 0; i < iovcnt && taken < take; i++) {
        size_t n = iov[i].iov_len < take - taken ? iov[i].iov_len : take - taken;
        memcpy(m->at + m->len + taken, iov[i].iov_base, n);
        taken += n;
    }
    m->len += taken;
    return (int)taken;
}

static inline void memory_sink_init(struct memory_sink *m)
{
    m->sink.write = memory_sink_write;
    m->len = 0;
    m->calls = 0;
    m->fail_at = -1;
    m->error = 0;
    m->short_by = 0;
}

#endif
