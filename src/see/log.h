/*
 * log.h - what happens, as lines of text: `--log tcp=debug,arp=info`.
 *
 *     3.000123 tcp conn=2 SYN-RECEIVED -> ESTABLISHED: the third step of the handshake
 *
 * A line has the seconds since the start, its topic, the connection if there is one, and what
 * happened. Each topic has a level; a line shows when its own is not above it. A bad packet is
 * never above debug: strangers must not be able to fill a log that nobody asked for.
 *
 * Lines leave through a sink, one write each. What a sink does not take is lost and counted.
 */
#ifndef TAPIO_SEE_LOG_H
#define TAPIO_SEE_LOG_H

#include <tapio/event.h>

#include "base/instant.h"
#include "base/sink.h"
#include "base/text.h"

/* clang-format off */
#define LOG_TOPIC_LIST(X) \
    X(ETH, "eth") X(ARP, "arp") X(IP, "ip") X(ICMP, "icmp") X(UDP, "udp") X(TCP, "tcp") X(DEV, "dev") X(HTTP, "http")

#define LOG_LEVEL_LIST(X) \
    X(ERROR, "error") X(WARN, "warn") X(INFO, "info") X(DEBUG, "debug")
/* clang-format on */

enum log_topic {
#define TAPIO_X(id, name) LOG_TOPIC_##id,
    LOG_TOPIC_LIST(TAPIO_X)
#undef TAPIO_X
};
#define TAPIO_X(id, name) +1
enum { LOG_TOPIC_COUNT = LOG_TOPIC_LIST(TAPIO_X) };
#undef TAPIO_X

enum log_level {
#define TAPIO_X(id, name) LOG_LEVEL_##id,
    LOG_LEVEL_LIST(TAPIO_X)
#undef TAPIO_X
};
#define TAPIO_X(id, name) +1
enum { LOG_LEVEL_COUNT = LOG_LEVEL_LIST(TAPIO_X) };
#undef TAPIO_X

struct log {
    struct event_sink sink; /* for stack_listen() */
    struct octet_sink *out;
    enum log_level level[LOG_TOPIC_COUNT];
    instant start;
    uint64_t lines; /* written */
    uint64_t lost;
    bool torn; /* the last line was cut in the middle by the sink */
};

/* Every topic at "warn". `out` must outlive the log. */
void log_init(struct log *log, struct octet_sink *out, instant start);

/* Reads "tcp=debug,arp=info"; the topic "all" stands for every one, and later items win. -EINVAL
 * with one line that says what is wrong in `why` (LOG_WHY octets); the levels are as before then.
 */
enum { LOG_WHY = 160 };
NODISCARD int log_parse(struct log *log, const char *spec, char why[LOG_WHY]);

static inline bool log_wants(const struct log *log, enum log_topic topic, enum log_level level)
{
    return level <= log->level[topic];
}

/* A line that is no event's, from those who have something to tell (a device, the HTTP server).
 * The text may hold a stranger's octets: it is escaped. */
void log_line(struct log *log, enum log_topic topic, enum log_level level, struct bytes text,
              instant now);

#endif
