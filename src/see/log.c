/*
 * log.c - see log.h.
 *
 * Two questions for each event: which topic and level is it, and what does it say? topic_of() and
 * level_of() answer the first, the table say[] the second. Lines are built only when wanted.
 *
 * All texts in events are of the stack's own making. What a stranger chose enters as a number, an
 * address or through text_add_escaped(), never raw. Left out on purpose: rotation, colours and wall
 * time, which belong to whoever owns the sink.
 */
#include "see/log.h"

#include <errno.h>
#include <tapio/tapio.h>

#include "see/summary.h"

enum { LINE_ROOM = 512 };

static const char *const topics[LOG_TOPIC_COUNT] = {
#define TAPIO_X(id, name) [LOG_TOPIC_##id] = name,
    LOG_TOPIC_LIST(TAPIO_X)
#undef TAPIO_X
};

static const char *const levels[LOG_LEVEL_COUNT] = {
#define TAPIO_X(id, name) [LOG_LEVEL_##id] = name,
    LOG_LEVEL_LIST(TAPIO_X)
#undef TAPIO_X
};

/* --- which topic, which level ------------------------------------------------------------- */

/* The drop's name begins with its layer: "tcp.rx_csum". */
static enum log_topic topic_of_drop(enum drop drop)
{
    static const struct {
        const char *prefix;
        enum log_topic topic;
    } layers[] = {
        {"dev.", LOG_TOPIC_DEV}, {"eth.", LOG_TOPIC_ETH},  {"arp.", LOG_TOPIC_ARP},
        {"ip", LOG_TOPIC_IP},    {"icmp", LOG_TOPIC_ICMP}, {"udp.", LOG_TOPIC_UDP},
        {"tcp.", LOG_TOPIC_TCP},
    };
    const char *name = drop_name(drop);

    for (size_t i = 0; i < ARRAY_LEN(layers); i++) {
        if (strncmp(name, layers[i].prefix, strlen(layers[i].prefix)) == 0)
            return layers[i].topic;
    }
    return LOG_TOPIC_DEV;
}

static enum log_topic topic_of_kind(enum summary_kind kind)
{
    switch (kind) {
    case SUMMARY_OTHER:
        return LOG_TOPIC_ETH;
    case SUMMARY_ARP:
        return LOG_TOPIC_ARP;
    case SUMMARY_IP:
        return LOG_TOPIC_IP;
    case SUMMARY_ICMP:
        return LOG_TOPIC_ICMP;
    case SUMMARY_UDP:
        return LOG_TOPIC_UDP;
    case SUMMARY_TCP:
        return LOG_TOPIC_TCP;
    }
    return LOG_TOPIC_ETH;
}

/* For all events but packets, whose topic is in their octets. */
static enum log_topic topic_of(const struct event *event)
{
    switch (event->type) {
    case EVENT_DROP:
        return topic_of_drop(event->drop.drop);
    case EVENT_NEIGHBOUR:
        return LOG_TOPIC_ARP;
    case EVENT_NOTE:
    case EVENT_UNSENT:
        return event->conn ? LOG_TOPIC_TCP : LOG_TOPIC_DEV;
    case EVENT_STATE:
    case EVENT_TIMER_SET:
    case EVENT_TIMER_FIRED:
    case EVENT_RETRANSMIT:
    case EVENT_CWND:
    case EVENT_CWND_STEP:
    case EVENT_STALL:
    case EVENT_RESUME:
    case EVENT_HELD:
    case EVENT_RESET:
    case EVENT_PACKET:
        break;
    }
    return LOG_TOPIC_TCP;
}

/* What comes with every packet, and what any stranger can cause, is for debugging only. */
static enum log_level level_of(enum event_type type)
{
    switch (type) {
    case EVENT_STATE:
    case EVENT_RETRANSMIT:
    case EVENT_CWND:
    case EVENT_NEIGHBOUR:
    case EVENT_NOTE:
        return LOG_LEVEL_INFO;
    case EVENT_PACKET:
    case EVENT_DROP:
    case EVENT_TIMER_SET:
    case EVENT_TIMER_FIRED:
    case EVENT_CWND_STEP:
    case EVENT_STALL:
    case EVENT_RESUME:
    case EVENT_HELD:
    case EVENT_RESET:
    case EVENT_UNSENT:
        break;
    }
    return LOG_LEVEL_DEBUG;
}

/* --- what it says ------------------------------------------------------------------------- */

static void add_number(struct text *out, const char *name, uint64_t value)
{
    text_add(out, name);
    text_add_u64(out, value);
}

static void say_state(struct text *out, const struct event *event, const struct log *log)
{
    (void)log;
    text_add(out, tcp_state_name(event->state.from));
    text_add(out, " -> ");
    text_add(out, tcp_state_name(event->state.to));
    text_add(out, ": ");
    text_add(out, event->state.cause);
}

static void say_drop(struct text *out, const struct event *event, const struct log *log)
{
    (void)log;
    add_number(out, "packet=", event->drop.packet);
    if (event->drop.protocol) {
        text_add(out, " of ");
        text_add_endpoint(out, event->drop.from);
        text_add(out, " > ");
        text_add_endpoint(out, event->drop.to);
    }
    text_add(out, " dropped ");
    text_add(out, drop_name(event->drop.drop));
    text_add(out, ": ");
    text_add(out, drop_sentence(event->drop.drop));
}

static void say_timer(struct text *out, const struct event *event, const struct log *log)
{
    text_add(out, "timer ");
    text_add(out, timer_kind_name(event->timer.kind));
    if (event->type == EVENT_TIMER_FIRED) {
        text_add(out, " fired");
    } else if (instant_is_never(event->timer.deadline)) {
        text_add(out, " stopped");
    } else {
        text_add(out, " set for ");
        text_add_seconds(out, instant_since(event->timer.deadline, log->start));
    }
}

static void say_retransmit(struct text *out, const struct event *event, const struct log *log)
{
    (void)log;
    add_number(out, "retransmit seq=", event->retransmit.seq);
    add_number(out, " len=", event->retransmit.len);
    add_number(out, " count=", event->retransmit.count);
    text_add(out, " why=");
    text_add(out, why_key(event->retransmit.trigger));
    text_add(out, ": ");
    text_add(out, why_sentence(event->retransmit.trigger));
}

static void say_cwnd(struct text *out, const struct event *event, const struct log *log)
{
    (void)log;
    add_number(out, "cwnd=", event->cwnd.cwnd);
    if (event->cwnd.ssthresh == UINT32_MAX)
        text_add(out, " ssthresh=inf");
    else
        add_number(out, " ssthresh=", event->cwnd.ssthresh);
    text_add(out, ": ");
    text_add(out, event->cwnd.cause);
}

static void say_held(struct text *out, const struct event *event, const struct log *log)
{
    (void)log;
    text_add(out, event_type_name(event->type));
    text_add(out, " by=");
    text_add(out, held_key(event->held.by));
    add_number(out, " unsent=", event->held.unsent);
    add_number(out, " window=", event->held.window);
    text_add(out, ": ");
    text_add(out, held_sentence(event->held.by));
}

static void say_reset(struct text *out, const struct event *event, const struct log *log)
{
    (void)log;
    text_add(out, event->reset.sent ? "reset sent, " : "reset received, ");
    text_add_endpoint(out, event->reset.local);
    text_add(out, event->reset.sent ? " > " : " < ");
    text_add_endpoint(out, event->reset.remote);
    text_add(out, " why=");
    text_add(out, why_key(event->reset.why));
    text_add(out, ": ");
    text_add(out, why_sentence(event->reset.why));
}

static void say_unsent(struct text *out, const struct event *event, const struct log *log)
{
    (void)log;
    text_add(out, "not sent: ");
    text_add(out, event->note.text);
}

static void say_neighbour(struct text *out, const struct event *event, const struct log *log)
{
    (void)log;
    text_add_ip(out, event->neighbour.addr);
    text_add(out, ": ");
    text_add(out, event->neighbour.state);
}

static void say_note(struct text *out, const struct event *event, const struct log *log)
{
    (void)log;
    text_add(out, event->note.text);
    if (event->note.value != 0) {
        text_add(out, " (");
        text_add_i64(out, event->note.value);
        text_add_char(out, ')');
    }
}

typedef void say(struct text *out, const struct event *event, const struct log *log);

static say *const sayings[EVENT_TYPE_COUNT] = {
    [EVENT_PACKET] = NULL, /* packet_line() */
    [EVENT_STATE] = say_state,
    [EVENT_DROP] = say_drop,
    [EVENT_TIMER_SET] = say_timer,
    [EVENT_TIMER_FIRED] = say_timer,
    [EVENT_RETRANSMIT] = say_retransmit,
    [EVENT_CWND] = say_cwnd,
    [EVENT_CWND_STEP] = say_cwnd,
    [EVENT_STALL] = say_held,
    [EVENT_RESUME] = say_held,
    [EVENT_HELD] = say_held,
    [EVENT_RESET] = say_reset,
    [EVENT_UNSENT] = say_unsent,
    [EVENT_NEIGHBOUR] = say_neighbour,
    [EVENT_NOTE] = say_note,
};

/* --- lines -------------------------------------------------------------------------------- */

static void line_begin(const struct log *log, struct text *line, enum log_topic topic,
                       uint32_t conn, instant when)
{
    text_add_seconds(line, instant_since(when, log->start));
    text_add_char(line, ' ');
    text_add(line, topics[topic]);
    text_add_char(line, ' ');
    if (conn) {
        add_number(line, "conn=", conn);
        text_add_char(line, ' ');
    }
}

/* Writes the line with its end. After half a line a new one starts, so that two never mix. */
static void line_end(struct log *log, const struct text *line)
{
    char newline = '\n';
    struct iovec iov[3];
    int n = 0;
    size_t len = 0;

    if (log->torn)
        iov[n++] = (struct iovec){&newline, 1};
    iov[n++] = (struct iovec){line->at, line->len};
    iov[n++] = (struct iovec){&newline, 1};
    for (int i = 0; i < n; i++)
        len += iov[i].iov_len;

    int taken = log->out->write(log->out, iov, n);
    if (taken > 0)
        log->torn = (size_t)taken < len;
    if (taken >= 0 && (size_t)taken == len)
        log->lines++;
    else
        log->lost++;
}

static size_t first_octets(const struct iovec *iov, int iovcnt, uint8_t *out, size_t room)
{
    struct writer w = writer_of(out, room);

    for (int i = 0; i < iovcnt && w.left > 0; i++)
        write_bytes(&w, iov[i].iov_base, size_min(iov[i].iov_len, w.left));
    return room - w.left;
}

/* "packet=7 in 10.9.0.1:40000 > 10.9.0.2:80 [S] seq 1 win 64240 len 0 why=syn-received" */
static void packet_line(struct log *log, const struct event *event)
{
    uint8_t headers[SUMMARY_HEADERS];
    char what_buffer[LINE_ROOM], buffer[LINE_ROOM];
    struct text what = text_of(what_buffer, sizeof(what_buffer));
    struct text line = text_of(buffer, sizeof(buffer));

    size_t len = first_octets(event->packet.iov, event->packet.iovcnt, headers, sizeof(headers));
    enum log_topic topic =
        topic_of_kind(summary_add(&what, bytes_of(headers, len), event->packet.ethernet));
    if (!log_wants(log, topic, LOG_LEVEL_DEBUG))
        return;

    line_begin(log, &line, topic, event->conn, event->when);
    add_number(&line, "packet=", event->packet.id);
    text_add(&line, event->packet.fate == PACKET_OUT ? " out " : " in ");
    text_add(&line, what.at);
    if (event->packet.facts) {
        text_add(&line, " state=");
        text_add(&line, tcp_state_name(event->packet.facts->state));
    }
    if (event->packet.fate == PACKET_DROPPED) {
        text_add(&line, " drop=");
        text_add(&line, drop_name(event->packet.drop));
    } else {
        text_add(&line, " why=");
        text_add(&line, why_key(event->packet.why));
    }
    line_end(log, &line);
}

static bool anybody_debugs(const struct log *log)
{
    for (size_t i = 0; i < LOG_TOPIC_COUNT; i++) {
        if (log_wants(log, (enum log_topic)i, LOG_LEVEL_DEBUG))
            return true;
    }
    return false;
}

static void on_event(struct event_sink *sink, const struct event *event)
{
    struct log *log = CONTAINER_OF(sink, struct log, sink);
    char buffer[LINE_ROOM];
    struct text line = text_of(buffer, sizeof(buffer));

    if (event->type == EVENT_PACKET) {
        if (anybody_debugs(log))
            packet_line(log, event);
        return;
    }
    enum log_topic topic = topic_of(event);
    if (!log_wants(log, topic, level_of(event->type)))
        return;
    line_begin(log, &line, topic, event->conn, event->when);
    sayings[event->type](&line, event, log);
    line_end(log, &line);
}

void log_init(struct log *log, struct octet_sink *out, instant start)
{
    *log = (struct log){.sink = {.event = on_event}, .out = out, .start = start};
    for (size_t i = 0; i < LOG_TOPIC_COUNT; i++)
        log->level[i] = LOG_LEVEL_WARN;
}

void log_line(struct log *log, enum log_topic topic, enum log_level level, struct bytes text,
              instant now)
{
    char buffer[LINE_ROOM];
    struct text line = text_of(buffer, sizeof(buffer));

    if (!log_wants(log, topic, level))
        return;
    line_begin(log, &line, topic, 0, now);
    text_add_escaped(&line, text);
    line_end(log, &line);
}

/* --- --log -------------------------------------------------------------------------------- */

static int find(const char *const *names, size_t count, struct bytes name)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal(name, bytes_of(names[i], strlen(names[i]))))
            return (int)i;
    }
    return -1;
}

static int refuse(struct text *why, const char *what, struct bytes item, const char *remedy,
                  const char *const *names, size_t count)
{
    text_add(why, what);
    text_add(why, " '");
    text_add_escaped(why, bytes_first(item, 32));
    text_add(why, "'; ");
    text_add(why, remedy);
    for (size_t i = 0; i < count; i++) {
        text_add_char(why, ' ');
        text_add(why, names[i]);
    }
    return -EINVAL;
}

/* One "topic=level". */
static int parse_item(enum log_level level[LOG_TOPIC_COUNT], struct bytes item, struct text *why)
{
    const uint8_t *equals = item.len ? memchr(item.at, '=', item.len) : NULL;

    if (!equals)
        return refuse(why, "no '=' in", item, "say topic=level, for example tcp=debug", NULL, 0);
    struct bytes topic_name = bytes_first(item, (size_t)(equals - item.at));
    struct bytes level_name = bytes_skip(item, topic_name.len + 1);

    int found = find(levels, LOG_LEVEL_COUNT, level_name);
    if (found < 0)
        return refuse(why, "no level", level_name, "the levels are", levels, LOG_LEVEL_COUNT);
    if (bytes_equal(topic_name, bytes_of("all", 3))) {
        for (size_t i = 0; i < LOG_TOPIC_COUNT; i++)
            level[i] = (enum log_level)found;
        return 0;
    }
    int topic = find(topics, LOG_TOPIC_COUNT, topic_name);
    if (topic < 0)
        return refuse(why, "no topic", topic_name, "the topics are all", topics, LOG_TOPIC_COUNT);
    level[topic] = (enum log_level)found;
    return 0;
}

int log_parse(struct log *log, const char *spec, char why[LOG_WHY])
{
    enum log_level level[LOG_TOPIC_COUNT];
    struct bytes rest = bytes_of(spec, strlen(spec));
    struct text text = text_of(why, LOG_WHY);

    memcpy(level, log->level, sizeof(level));
    for (;;) {
        const uint8_t *comma = rest.len ? memchr(rest.at, ',', rest.len) : NULL;
        struct bytes item = comma ? bytes_first(rest, (size_t)(comma - rest.at)) : rest;
        int err = parse_item(level, item, &text);
        if (err)
            return err;
        if (!comma)
            break;
        rest = bytes_skip(rest, item.len + 1);
    }
    memcpy(log->level, level, sizeof(level));
    return 0;
}
