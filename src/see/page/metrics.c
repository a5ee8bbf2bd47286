/*
 * metrics.c - see metrics.h.
 *
 * The page is a list of families: a HELP and a TYPE line, then samples. A scrape copies all figures
 * when it begins, so that they are of one moment and add up (received = consumed + held + drops),
 * and then writes sample by sample, each into a line of its own that is handed on in whatever
 * pieces the server asks for. Nothing is kept but that line.
 *
 * What no counter says is how many connections are in which state. A walk over all of them finds
 * out, at most WALK_PIECE in one call of read(); until it is done the source has nothing to give
 * (-EAGAIN) and asks to be called again. Each connection is seen as it is when the walk passes by.
 *
 * Left out: histograms, which nobody keeps here, and exemplars and timestamps, which this version
 * of the format does not need.
 */
#include "see/page/metrics.h"

#include <errno.h>

#include "base/text.h"

enum { WALK_PIECE = 256, NAME_ROOM = 64 };

static const char content_type[] = "text/plain; version=0.0.4; charset=utf-8";

/* A line's value, and what tells it from the others of its family. */
struct sample {
    const char *label, *is; /* NULL: it is the only one */
    uint64_t value;
    bool has_ns; /* the value is in ns and shown in seconds */
};

enum owner { OF_STACK, OF_DEVICE, OF_SERVER };

struct family {
    const char *name, *type, *help;
    enum owner owner;
    size_t at, size; /* of the one figure, in struct metrics_figures; or */
    /* sample n; false: there is none */
    bool (*sample)(const struct metrics_scrape *scrape, uint32_t n, struct sample *out);
};

/* --- families with more to say than one figure ------------------------------------------------ */

static bool info(const struct metrics_scrape *scrape, uint32_t n, struct sample *out)
{
    *out = (struct sample){"version", scrape->metrics->config.version, 1, false};
    return n == 0;
}

static bool started(const struct metrics_scrape *scrape, uint32_t n, struct sample *out)
{
    *out = (struct sample){NULL, NULL, (uint64_t)scrape->metrics->config.started_ns, true};
    return n == 0;
}

static bool memory_cap(const struct metrics_scrape *scrape, uint32_t n, struct sample *out)
{
    const struct metrics_figures *f = &scrape->figures;

    *out = n == 0 ? (struct sample){"of", "stack", f->memory_cap, false}
                  : (struct sample){"of", "server", f->http_memory_cap, false};
    return n == 0 || (n == 1 && scrape->metrics->config.server);
}

static bool drops(const struct metrics_scrape *scrape, uint32_t n, struct sample *out)
{
    const uint32_t drop = n + 1; /* behind DROP_NONE */

    if (drop >= DROP_COUNT)
        return false;
    *out = (struct sample){"reason", drop_name((enum drop)drop),
                           scrape->figures.counters.drops[drop], false};
    return true;
}

static bool states(const struct metrics_scrape *scrape, uint32_t n, struct sample *out)
{
    if (n >= TCP_STATE_COUNT)
        return false;
    *out = (struct sample){"state", tcp_state_name((enum tcp_state)n), scrape->figures.states[n],
                           false};
    return true;
}

/* Responses by the first digit of their status: "2xx". */
static bool classes(const struct metrics_scrape *scrape, uint32_t n, struct sample *out)
{
    static const char *const names[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};

    if (n >= ARRAY_LEN(names) || !scrape->metrics->config.server)
        return false;
    *out = (struct sample){"class", names[n], scrape->figures.http.by_class[n + 1], false};
    return true;
}

/* --- the list ------------------------------------------------------------------------------- */

#define AT(member)                                                                                 \
    .at = offsetof(struct metrics_figures, member),                                                \
    .size = sizeof((struct metrics_figures *)0)->member
#define DEV_AT(member)  .owner = OF_DEVICE, AT(dev.member)
#define HTTP_AT(member) .owner = OF_SERVER, AT(http.member)
#define COUNTER         "counter"
#define GAUGE           "gauge"

/* clang-format off */
static const struct family families[] = {
    {"tapio_info", GAUGE, "Which program this is; always 1.", .sample = info},
    {"process_start_time_seconds", GAUGE, "When the program started, since 1970.", .sample = started},
    {"tapio_memory_used_bytes", GAUGE, "Memory that the stack has taken.", AT(memory_used)},
    {"tapio_memory_cap_bytes", GAUGE, "The most memory that the caps allow.", .sample = memory_cap},

    {"tapio_frames_received_total", COUNTER, "Frames that came: consumed, held or dropped.", AT(counters.received)},
    {"tapio_frames_consumed_total", COUNTER, "Frames that came and did what they were for.", AT(counters.consumed)},
    {"tapio_frames_held", GAUGE, "Fragments that wait for the rest of their datagram.", AT(counters.held)},
    {"tapio_frames_sent_total", COUNTER, "Frames that were handed to the device.", AT(counters.sent)},
    {"tapio_drops_total", COUNTER, "Frames that came and were discarded, by reason.", .sample = drops},

    {"tapio_connections", GAUGE, "Connections and listeners by state.", .sample = states},
    {"tapio_half_open_connections", GAUGE, "Connections that peers have begun, in the SYN cache.", AT(usage.half_open)},
    {"tapio_time_wait_connections", GAUGE, "Connections in TIME-WAIT that nobody owns.", AT(usage.time_wait)},
    {"tapio_orphan_connections", GAUGE, "Connections that were closed and have not ended.", AT(usage.orphans)},
    {"tapio_sending_connections", GAUGE, "Connections with text in flight, or that have lost some.", AT(usage.senders)},
    {"tapio_listeners", GAUGE, "Sockets that listen.", AT(usage.listeners)},
    {"tapio_sockets", GAUGE, "Sockets that are open.", AT(usage.sockets)},
    {"tapio_tuned_sockets", GAUGE, "Sockets and connections with options that are not the default.", AT(usage.tunings)},
    {"tapio_epoll_items", GAUGE, "Sockets in epoll sets.", AT(usage.epoll_items)},
    {"tapio_frame_buffers", GAUGE, "Frame buffers in receive queues or waiting for ARP.", AT(usage.frames)},
    {"tapio_send_chunks", GAUGE, "Chunks of send queues.", AT(usage.send_chunks)},
    {"tapio_flight_ranges", GAUGE, "Ranges of text in flight that are remembered.", AT(usage.ranges)},
    {"tapio_out_of_order_islands", GAUGE, "Pieces of text that wait for what is before them.", AT(usage.islands)},
    {"tapio_out_of_order_connections", GAUGE, "Connections that something has not come in order to.", AT(usage.receivers)},
    {"tapio_timers", GAUGE, "Timers that are set, but for those of ARP.", AT(usage.timers)},

    {"tapio_device_received_frames_total", COUNTER, "Frames that the device gave.", DEV_AT(rx_frames)},
    {"tapio_device_received_bytes_total", COUNTER, "Octets of these frames.", DEV_AT(rx_octets)},
    {"tapio_device_sent_frames_total", COUNTER, "Frames that the device took.", DEV_AT(tx_frames)},
    {"tapio_device_sent_bytes_total", COUNTER, "Octets of these frames.", DEV_AT(tx_octets)},
    {"tapio_device_receive_no_buffer_total", COUNTER, "Frames lost because every buffer was taken.", DEV_AT(rx_nobuf)},
    {"tapio_device_receive_bad_total", COUNTER, "Frames that could not be told apart from others.", DEV_AT(rx_bad)},
    {"tapio_device_send_full_total", COUNTER, "Times that the device was full, and the frame left later.", DEV_AT(tx_again)},
    {"tapio_device_send_down_total", COUNTER, "Frames lost because the interface was down.", DEV_AT(tx_down)},
    {"tapio_device_send_short_total", COUNTER, "Frames of which the device took a part only.", DEV_AT(tx_short)},
    {"tapio_device_send_bad_total", COUNTER, "Frames that the device would never take.", DEV_AT(tx_bad)},
    {"tapio_device_lost", GAUGE, "1: the device is gone.", DEV_AT(lost)},

    {"tapio_http_connections", GAUGE, "Connections of the web server.", HTTP_AT(open)},
    {"tapio_http_connections_accepted_total", COUNTER, "Connections that the web server has accepted.", HTTP_AT(accepted)},
    {"tapio_http_connections_refused_total", COUNTER, "Of these, told 503 because there were too many.", HTTP_AT(refused)},
    {"tapio_http_requests_total", COUNTER, "Requests that were answered, whatever the answer.", HTTP_AT(requests)},
    {"tapio_http_responses_total", COUNTER, "Responses, those of the refused included, by class of status.", .owner = OF_SERVER, .sample = classes},
    {"tapio_http_response_bytes_total", COUNTER, "Octets of content that were sent.", HTTP_AT(octets)},
    {"tapio_http_connections_evicted_total", COUNTER, "Connections closed, as they were idle and others wanted their place.", HTTP_AT(evicted)},
    {"tapio_http_request_timeouts_total", COUNTER, "Requests that took too long to arrive.", HTTP_AT(timeouts)},
    {"tapio_http_responses_aborted_total", COUNTER, "Responses that could not be finished.", HTTP_AT(aborted)},
};

/* One family for each, behind these. */
static const char *const counter_help[COUNTER_COUNT] = {
    [COUNTER_ARP_UNSOLICITED] = "ARP packets that nobody had asked for.",
    [COUNTER_ARP_CONFLICT] = "ARP packets of somebody else who uses our address.",
    [COUNTER_ARP_CONFLICT_ENTRY] = "ARP packets that contradict an entry that has just been confirmed.",
    [COUNTER_ARP_EVICTED] = "ARP entries that made room for another.",
    [COUNTER_ARP_QUEUE_DROP] = "Packets given up while they waited for ARP.",
    [COUNTER_ARP_FULL] = "Addresses not asked for because there was no room for an entry.",
    [COUNTER_ICMP_LIMITED] = "ICMP messages not sent, to keep the rate.",
    [COUNTER_RST_LIMITED] = "Resets not sent, to keep the rate.",
    [COUNTER_REPLY_DROP] = "Replies without a connection given up because too many waited.",
    [COUNTER_TX_BAD] = "Packets that the stack could not send as they were.",
    [COUNTER_NO_ROUTE] = "Packets given up because no route leads there.",
    [COUNTER_MEM_FAIL] = "Allocations that failed.",
    [COUNTER_TCP_BAD_OPTION] = "TCP segments with a malformed option.",
    [COUNTER_TCP_TRIMMED] = "TCP segments of which what was outside of the window was cut off.",
    [COUNTER_TCP_CHALLENGES] = "Challenge ACKs sent.",
    [COUNTER_TCP_ACTIVE_OPENS] = "TCP connections that we began.",
    [COUNTER_TCP_PASSIVE_OPENS] = "TCP connections that peers began.",
    [COUNTER_TCP_RETRANSMITS] = "TCP segments sent again.",
    [COUNTER_TCP_TIMEOUTS] = "Retransmission timeouts.",
    [COUNTER_TCP_UNDONE] = "Reductions of cwnd taken back because nothing was lost.",
    [COUNTER_TCP_SACK_IGNORED] = "SACK blocks that cannot be.",
    [COUNTER_TCP_FAST] = "Times that a loss was noticed without a timeout.",
    [COUNTER_TCP_RST_OUT] = "Resets sent.",
    [COUNTER_TCP_RST_IN] = "Resets that came and were believed.",
    [COUNTER_TCP_OOO] = "TCP segments that came out of order.",
    [COUNTER_TCP_COOKIE_SENT] = "SYN cookies sent.",
    [COUNTER_TCP_COOKIE_OK] = "SYN cookies that came back.",
    [COUNTER_TCP_CE_IN] = "TCP segments with a congestion mark.",
    [COUNTER_TCP_ECE_IN] = "Echoes of congestion marks.",
    [COUNTER_TCP_CWR_OUT] = "Segments that told the peer of a reduction for its echo.",
    [COUNTER_TCP_ECN_REDUCTIONS] = "Reductions of cwnd for a congestion mark.",
    [COUNTER_TCP_TW_EVICT] = "Connections in TIME-WAIT that ended early to make room.",
    [COUNTER_TCP_ORPHAN_RESET] = "Connections reset because too many were closed and had not ended.",
};
/* clang-format on */

enum { FAMILIES = ARRAY_LEN(families), ALL_FAMILIES = FAMILIES + COUNTER_COUNT };

/* "tcp.rx_opt" is tapio_tcp_rx_opt_total. */
static const char *name_of(enum counter counter, char out[NAME_ROOM])
{
    struct text name = text_of(out, NAME_ROOM);

    text_add(&name, "tapio_");
    for (const char *at = counter_name(counter); *at; at++)
        text_add_char(&name, *at == '.' ? '_' : *at);
    text_add(&name, "_total");
    assert(!name.cut);
    return out;
}

static struct family family_at(uint32_t i, char name[NAME_ROOM])
{
    if (i < FAMILIES)
        return families[i];
    const uint32_t counter = i - FAMILIES;
    return (struct family){.name = name_of((enum counter)counter, name),
                           .type = COUNTER,
                           .help = counter_help[counter],
                           .at = offsetof(struct metrics_figures, counters.events) +
                                 counter * sizeof(uint64_t),
                           .size = sizeof(uint64_t)};
}

static bool is_shown(const struct metrics_scrape *scrape, const struct family *family)
{
    switch (family->owner) {
    case OF_STACK:
        return true;
    case OF_DEVICE:
        return scrape->metrics->config.dev;
    case OF_SERVER:
        return scrape->metrics->config.server;
    }
    return false;
}

static bool sample_at(const struct metrics_scrape *scrape, const struct family *family, uint32_t n,
                      struct sample *out)
{
    const uint8_t *at = (const uint8_t *)&scrape->figures + family->at;
    uint32_t narrow;

    if (!is_shown(scrape, family))
        return false;
    if (family->sample)
        return family->sample(scrape, n, out);
    *out = (struct sample){0};
    assert(family->size == sizeof out->value || family->size == sizeof narrow);
    if (family->size == sizeof narrow) {
        memcpy(&narrow, at, sizeof narrow);
        out->value = narrow;
    } else {
        memcpy(&out->value, at, sizeof out->value);
    }
    return n == 0;
}

/* --- a scrape ------------------------------------------------------------------------------- */

static void add_comment(struct text *line, const char *what, const struct family *family,
                        const char *rest)
{
    text_add(line, what);
    text_add(line, family->name);
    text_add_char(line, ' ');
    text_add(line, rest);
    text_add_char(line, '\n');
}

static void add_sample(struct text *line, const struct family *family, const struct sample *sample)
{
    text_add(line, family->name);
    if (sample->label) {
        text_add_char(line, '{');
        text_add(line, sample->label);
        text_add(line, "=\"");
        text_add(line, sample->is);
        text_add(line, "\"}");
    }
    text_add_char(line, ' ');
    if (sample->has_ns)
        text_add_seconds(line, (int64_t)sample->value);
    else
        text_add_u64(line, sample->value);
    text_add_char(line, '\n');
}

/* Makes the next line, with what stands before the first of a family. False: that was all. */
static bool next_line(struct metrics_scrape *scrape)
{
    struct text line = text_of(scrape->line, sizeof scrape->line);
    struct sample sample;
    char name[NAME_ROOM];

    for (; scrape->family < ALL_FAMILIES; scrape->family++, scrape->sample = 0) {
        const struct family family = family_at(scrape->family, name);
        if (!sample_at(scrape, &family, scrape->sample, &sample))
            continue;
        if (scrape->sample++ == 0) {
            add_comment(&line, "# HELP ", &family, family.help);
            add_comment(&line, "# TYPE ", &family, family.type);
        }
        add_sample(&line, &family, &sample);
        break;
    }
    assert(!line.cut);
    scrape->given = 0;
    scrape->len = (uint32_t)line.len;
    return line.len > 0;
}

/* A piece of the walk; true when it is over. */
static bool walk(struct metrics_scrape *scrape)
{
    struct stack_snapshot one = {.size = sizeof one};

    for (int i = 0; i < WALK_PIECE; i++) {
        int n = stack_snapshot(scrape->metrics->config.stack, &scrape->at, &one);
        if (n == 0)
            return true;
        if (n == -EAGAIN)
            return false;
        if (one.kind != SNAPSHOT_UDP && one.kind != SNAPSHOT_PING)
            scrape->figures.states[one.state]++;
    }
    return false;
}

static int read_some(struct http_source *source, uint8_t *out, size_t room, instant now)
{
    struct metrics_scrape *scrape = CONTAINER_OF(source, struct metrics_scrape, source);
    size_t len = 0;

    (void)now;
    if (!scrape->walked)
        scrape->walked = walk(scrape);
    if (!scrape->walked) {
        http_source_wake(source);
        return -EAGAIN;
    }
    while (len < room && (scrape->given < scrape->len || next_line(scrape))) {
        size_t n = size_min(room - len, scrape->len - scrape->given);
        memcpy(out + len, scrape->line + scrape->given, n);
        scrape->given += (uint32_t)n;
        len += n;
    }
    return (int)len;
}

static void close_it(struct http_source *source)
{
    struct metrics_scrape *scrape = CONTAINER_OF(source, struct metrics_scrape, source);
    scrape->taken = false;
}

static void take_figures(const struct metrics_config *config, struct metrics_figures *out)
{
    *out = (struct metrics_figures){.memory_used = stack_memory_used(config->stack),
                                    .memory_cap = stack_memory_cap(config->stack)};
    stack_counters(config->stack, &out->counters);
    stack_usage(config->stack, &out->usage);
    if (config->dev)
        out->dev = config->dev->counters;
    if (config->server) {
        http_server_stats(config->server, &out->http);
        out->http_memory_cap = http_server_memory_cap(config->server);
    }
}

static int answer(void *context, const struct http_call *call, struct http_made *made)
{
    struct metrics *metrics = context;

    (void)call;
    for (size_t i = 0; i < METRICS_SCRAPES; i++) {
        struct metrics_scrape *scrape = &metrics->scrape[i];
        if (scrape->taken)
            continue;
        *scrape = (struct metrics_scrape){
            .source = {.read = read_some, .close = close_it}, .metrics = metrics, .taken = true};
        take_figures(&metrics->config, &scrape->figures);
        *made = (struct http_made){.type = content_type, .source = &scrape->source};
        return 0;
    }
    return 503;
}

void metrics_init(struct metrics *metrics, const struct metrics_config *config,
                  struct http_handler *handler)
{
    *metrics = (struct metrics){.config = *config};
    *handler =
        (struct http_handler){.path = ".tapio/metrics", .context = metrics, .answer = answer};
}
