/*
 * explain_file.h - a capture file, packet by packet, by libpcap; with the comments that libpcap
 * does not give.
 */
#ifndef TAPIO_TOOLS_EXPLAIN_FILE_H
#define TAPIO_TOOLS_EXPLAIN_FILE_H

#include "see/comments.h"
#include "see/fields.h"
#include "talk.h"

struct pcap_library;

struct explain_file {
    const char *path;
    const struct pcap_library *library;
    void *pcap; /* libpcap's; NULL: closed */
    void *filter;
    int fd;
    int read_error; /* of the descriptor: libpcap tells only that the file ends */
    enum fields_link link;
    uint64_t packets; /* read */
    struct comments comments;
};

struct explain_packet {
    struct bytes octets;
    uint32_t whole; /* octets on the wire */
    int64_t when_ns;
    struct bytes comment;
    bool selected; /* by the filter */
};

/* "-" is standard input. `filter`: an expression of libpcap's, or NULL. */
int explain_file_open(struct explain_file *file, const char *path, const char *filter,
                      struct refusal *refusal);
/* 1: a packet, valid until the next; 0: the end; -1: the file is damaged here, see refusal. */
int explain_file_next(struct explain_file *file, struct explain_packet *packet,
                      struct refusal *refusal);
void explain_file_close(struct explain_file *file);

#endif
