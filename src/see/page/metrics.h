/*
 * metrics.h - the page /.tapio/metrics: every figure of a stack and its web server, for Prometheus
 * (the text format 0.0.4) and for whoever reads it with curl.
 *
 *     struct http_handler handler;
 *     metrics_init(&metrics, &config, &handler);
 *     ... the server is made with the handler ...
 *     metrics.config.server = server;
 *
 * A counter of the stack has the name that captures, logs and `tapio ss` give it, with `_` for
 * dots: tcp.retransmits is tapio_tcp_retransmits_total. Drops are one counter with a label for the
 * reason. Connections by state are counted by a walk, a piece at a time.
 */
#ifndef TAPIO_SEE_PAGE_METRICS_H
#define TAPIO_SEE_PAGE_METRICS_H

#include <tapio/dev.h>
#include <tapio/snapshot.h>
#include <tapio/tapio.h>

#include "http/http_handler.h"
#include "http/http_server.h"

enum {
    METRICS_SCRAPES = 4, /* that go on at a time; 503 beyond */
    METRICS_LINE = 640,  /* octets of a sample with its HELP and TYPE */
};

struct metrics_config {
    const struct stack *stack;
    const struct http_server *server; /* NULL: its figures are left out; may be set later */
    const struct dev *dev;            /* likewise */
    const char *version;              /* of the program; static storage */
    int64_t started_ns;               /* when it started, by the wall clock, since 1970 */
};

/* Everything that is shown, as it was when the scrape began. */
struct metrics_figures {
    struct stack_counters counters;
    struct stack_usage usage;
    struct dev_counters dev;
    struct http_server_stats http;
    uint64_t memory_used, memory_cap, http_memory_cap;
    uint64_t states[TCP_STATE_COUNT]; /* connections, as the walk finds them */
};

struct metrics;

/* One page on its way. */
struct metrics_scrape {
    struct http_source source;
    struct metrics *metrics;
    bool taken;
    bool walked; /* states[] is complete */
    struct snapshot_cursor at;
    uint32_t family, sample; /* that come next */
    uint32_t given, len;     /* of the line */
    struct metrics_figures figures;
    char line[METRICS_LINE];
};

struct metrics {
    struct metrics_config config;
    struct metrics_scrape scrape[METRICS_SCRAPES];
};

/* `config` is copied; what it points at, and the metrics, must outlive the server. */
void metrics_init(struct metrics *metrics, const struct metrics_config *config,
                  struct http_handler *handler);

#endif
