/*
 * pcapng.h - writes captures in the pcapng format (draft-ietf-opsawg-pcapng).
 *
 * A capture has two interfaces: 0, named as the device, carries what passed; 1, "...-dropped", what
 * was discarded. The writer owns nothing but the blocks it is making: octets leave through a sink,
 * which must outlive it, and it reads no clock: it is told once which wall time belongs to which
 * instant.
 *
 * Each block leaves by itself, unless there is a `hold` for them: a call of the system for each
 * packet costs more than the packet. Then they leave when there is no room for another, and at each
 * flush.
 *
 * Trouble. A sink that fails ends the capture, once, and never the stack: all later calls do
 * nothing but count. `octets` then says how long the file is up to its last whole block, and `torn`
 * how many octets of half a block are behind that; who owns the file can cut them off.
 */
#ifndef TAPIO_SEE_PCAPNG_H
#define TAPIO_SEE_PCAPNG_H

#include <tapio/dev.h>

#include "base/bytes.h"
#include "base/instant.h"
#include "base/sink.h"

enum {
    PCAPNG_SNAP_DEFAULT = 65550, /* an IP packet of 65,535 octets behind an Ethernet header */
    PCAPNG_SNAP_MAX = 65664,
    PCAPNG_STRING_MAX = 1024, /* of a comment or a name; longer ones are cut */
    /* The largest block: a packet with head, options and tail, each padded. */
    PCAPNG_BLOCK_MAX = PCAPNG_SNAP_MAX + PCAPNG_STRING_MAX + 128,

    PCAPNG_PASSED = 0,
    PCAPNG_DROPPED = 1,
    PCAPNG_INTERFACES = 2,
};

struct pcapng_config {
    const char *device;  /* "tap0" */
    const char *os;      /* "Linux 6.1.0"; NULL: not told */
    const char *comment; /* about the whole capture; NULL: none */
    bool ethernet;       /* frames begin with an Ethernet header, else with an IP header */
    bool raw;            /* leave partial checksums as they are */
    /* Where blocks wait for pcapng_flush(), which the caller promises to call: the caller's, for as
     * long as the capture lasts, and of two halves, each of PCAPNG_BLOCK_MAX octets or more: one
     * fills while the other leaves, if the sink can do that. NULL: they do not wait. */
    uint8_t *hold;
    uint32_t hold_len;
    uint32_t snap_len;    /* octets kept of a packet; 0: PCAPNG_SNAP_DEFAULT */
    int64_t wall_base_ns; /* the wall time, since 1970 ... */
    instant mono_base;    /* ... at this instant */
};

struct pcapng {
    struct octet_sink *sink;
    bool ethernet, raw;
    uint32_t snap_len;
    int64_t wall_base_ns;
    instant mono_base;
    uint64_t packets; /* written, or waiting */
    uint64_t octets;  /* in whole blocks, likewise */
    uint32_t torn;    /* octets of half a block behind them */
    uint64_t errors;  /* 0 or 1: the capture ended early */
    uint64_t lost;    /* packets that came after that */
    int error;        /* the sink's negative errno then; -EIO after a short write */
    uint8_t *room;    /* where blocks are made: `own`, or half of the caller's hold */
    uint32_t room_len;
    uint32_t waiting; /* octets of whole blocks in it */
    uint8_t *other;   /* the other half, */
    uint32_t leaving; /* and the octets of it that the sink is about to write */
    uint8_t own[PCAPNG_BLOCK_MAX];
};

/* Strings of `config` are used during the call only. 0, or the sink's error. */
NODISCARD int pcapng_open(struct pcapng *p, struct octet_sink *sink,
                          const struct pcapng_config *config);

struct pcapng_packet {
    uint64_t id;
    bool outgoing;
    bool dropped; /* on interface 1 */
    instant when;
    const struct iovec *iov;
    int iovcnt;
    struct frame_meta meta;
    struct bytes comment; /* UTF-8 */
    uint64_t lost_before; /* packets that should be between the last one and this */
};

void pcapng_packet(struct pcapng *p, const struct pcapng_packet *packet);

/* Writes what waits, unless the sink still has something to do; false: then, or for it has only
 * begun, this is to be called once more. */
bool pcapng_flush(struct pcapng *p);

/* What an interface has seen, for its statistics block. */
struct pcapng_totals {
    uint64_t received;
    uint64_t dropped;
    uint64_t lost;        /* that the reader of the capture was too slow for */
    struct bytes comment; /* empty: none */
};

/* Ends the capture with the statistics of both interfaces, since mono_base. The sink stays open. */
void pcapng_close(struct pcapng *p, const struct pcapng_totals totals[PCAPNG_INTERFACES],
                  instant now);

#endif
