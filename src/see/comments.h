/*
 * comments.h - the comments of packets in a pcapng file, for who reads its packets by other means.
 *
 * libpcap gives the packets of a pcapng file but not their comments, which is where we write why a
 * packet was sent, taken or dropped. So the octets of the file pass by here on their way to
 * libpcap: comments_feed() finds the comments, and comments_take() gives that of a packet by its
 * number. What is read ahead is small, so a ring of the last ones is enough; a file that is none of
 * pcapng, or not well-formed, has no comments.
 */
#ifndef TAPIO_SEE_COMMENTS_H
#define TAPIO_SEE_COMMENTS_H

#include "base/bytes.h"

enum {
    COMMENT_MAX = 1024,      /* octets of one that are kept */
    COMMENTS_AHEAD = 128,    /* that are kept until they are taken */
    COMMENTS_BLOCK = 32,     /* the longest head of a block */
    COMMENTS_READ = 1 << 12, /* as many octets ahead as may be read at least */
};

enum comments_phase {
    COMMENTS_HEAD,    /* type and length of a block */
    COMMENTS_SECTION, /* the byte order of a section */
    COMMENTS_LINK,    /* the link type of an interface */
    COMMENTS_PACKET,  /* what is in front of a packet's octets */
    COMMENTS_OPTION,  /* code and length of an option */
    COMMENTS_TEXT,    /* a comment */
    COMMENTS_SKIP,    /* up to the next phase */
    COMMENTS_LOST,    /* not pcapng, or no more: nothing is read */
};

struct comment {
    uint64_t number; /* the packet's, from 1; 0: none */
    uint32_t len;
    uint8_t octets[COMMENT_MAX];
};

struct comments {
    enum comments_phase phase, after; /* `after`: behind what is skipped */
    bool big_endian, begun;
    uint8_t head[COMMENTS_BLOCK];
    uint32_t have, want; /* octets of head, and how many there will be */
    uint32_t skip;
    uint32_t block;   /* octets of the block that are still to come, its last length included */
    uint32_t type;    /* of the block */
    uint32_t text;    /* octets of the comment that are still to come */
    uint32_t padding; /* behind it */
    uint64_t packets; /* that have passed */
    uint32_t next;    /* place in the ring */
    struct comment ring[COMMENTS_AHEAD];
};

void comments_init(struct comments *c);
/* The next octets of the file. */
void comments_feed(struct comments *c, uint8_t *octets, size_t count);
/* The comment of packet `number`; empty: it has none. Valid until the next feed. */
struct bytes comments_take(const struct comments *c, uint64_t number);

#endif
