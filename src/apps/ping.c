/*
 * ping.c - echo requests to a host, and what came of each.
 *
 * Echoes that wait are slots of a window, by sequence number; the slot says when the echo left, so
 * the reply need not be believed about that. A reply counts when it carries our token, a number
 * that waits, and then only once; the rest of its data must be the pattern that was sent. A slot
 * that is needed again for a newer echo gives its old one up as lost, so the window bounds
 * everything.
 *
 * Data of an echo: token (8 octets), sequence number (4), then 12, 13, 14, ... like most pings.
 */
#include "apps/ping.h"

#include <errno.h>
#include <netinet/in.h>

#include "base/addr.h"
#include "base/bytes.h"

static void ready(struct sock_app *app, int s, short events, instant now)
{
    struct ping *ping = CONTAINER_OF(app, struct ping, app);

    (void)s;
    (void)events;
    (void)now;
    ping->readable = true; /* ping_next() reads */
}

static uint8_t filler(size_t at)
{
    return (uint8_t)at;
}

int ping_init(struct ping *ping, const struct ping_config *config, instant now)
{
    struct endpoint host = {.addr = config->host};

    if (config->size < PING_SIZE_MIN || config->size > PING_SIZE_MAX || config->interval_ns <= 0 ||
        config->timeout_ns <= 0)
        return -EINVAL;
    memset(ping, 0, sizeof(*ping));
    ping->config = *config;
    ping->next = now;
    ping->app.ready = ready;
    ping->stats.rtt_min_ns = INT64_MAX;
    int s = ip_is_v4(config->host)
                ? sock_socket(config->stack, AF_INET, SOCK_DGRAM, IPPROTO_ICMP)
                : sock_socket(config->stack, AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);
    if (s < 0)
        return s;
    int err = sock_connect(config->stack, s, host, NULL);
    if (err) {
        sock_close(config->stack, s);
        return err;
    }
    ping->socket = s;
    sock_set_app(config->stack, s, &ping->app);
    return 0;
}

void ping_fini(struct ping *ping)
{
    sock_close(ping->config.stack, ping->socket);
}

static struct ping_echo *slot_of(struct ping *ping, uint32_t seq)
{
    return &ping->window[seq % PING_WINDOW];
}

static bool may_send(const struct ping *ping)
{
    return !ping->stopped && (!ping->config.count || ping->seq < ping->config.count);
}

/* --- sending ------------------------------------------------------------------------------ */

static struct ping_result give_up(struct ping *ping, struct ping_echo *echo)
{
    echo->waiting = false;
    ping->stats.lost++;
    return (struct ping_result){.outcome = PING_LOST, .seq = echo->seq};
}

/* Sends the next echo. True when there is a result already: it failed. */
static bool send_echo(struct ping *ping, instant now, struct ping_result *out)
{
    const uint32_t seq = ++ping->seq;
    struct writer w = writer_of(ping->data, ping->config.size);

    write_be32(&w, (uint32_t)(ping->config.token >> 32));
    write_be32(&w, (uint32_t)ping->config.token);
    write_be32(&w, seq);
    assert(!w.overrun);
    for (size_t i = PING_SIZE_MIN; i < ping->config.size; i++)
        ping->data[i] = filler(i);

    ping->stats.sent++;
    /* A machine that slept does not catch up with a burst. */
    ping->next = instant_add(now, ping->config.interval_ns);
    ssize_t n = sock_send(ping->config.stack, ping->socket, ping->data, ping->config.size, 0, NULL);
    if (n < 0) {
        ping->stats.errors++;
        *out = (struct ping_result){.outcome = PING_ERROR, .seq = seq, .error = (int)n};
        return true;
    }
    *slot_of(ping, seq) = (struct ping_echo){.seq = seq, .waiting = true, .sent = now};
    return false;
}

/* --- receiving ---------------------------------------------------------------------------- */

/* True when the data is a reply to one of our echoes. */
static bool judge_reply(struct ping *ping, struct bytes data, instant now, struct ping_result *out)
{
    struct reader r = reader_of(data);
    uint64_t token = (uint64_t)read_be32(&r) << 32;
    token |= read_be32(&r);
    uint32_t seq = read_be32(&r);

    if (r.overrun || token != ping->config.token || seq == 0 || seq > ping->seq)
        return false;
    *out = (struct ping_result){.seq = seq, .len = (uint32_t)data.len};
    out->damaged = data.len != ping->config.size;
    for (size_t i = PING_SIZE_MIN; i < data.len; i++)
        out->damaged |= data.at[i] != filler(i);

    struct ping_echo *echo = slot_of(ping, seq);
    if (echo->seq != seq || !echo->waiting) {
        out->outcome = PING_DUPLICATE;
        ping->stats.duplicates++;
        return true;
    }
    echo->waiting = false;
    out->outcome = PING_REPLY;
    out->rtt_ns = instant_since(now, echo->sent);
    ping->stats.replies++;
    ping->stats.rtt_sum_ns += out->rtt_ns;
    if (out->rtt_ns < ping->stats.rtt_min_ns)
        ping->stats.rtt_min_ns = out->rtt_ns;
    if (out->rtt_ns > ping->stats.rtt_max_ns)
        ping->stats.rtt_max_ns = out->rtt_ns;
    return true;
}

/* Reads until a reply to us, an error, or the end of what there is. */
static bool read_replies(struct ping *ping, instant now, struct ping_result *out)
{
    while (ping->readable) {
        ssize_t n =
            sock_recv(ping->config.stack, ping->socket, ping->data, sizeof(ping->data), 0, NULL);
        if (n >= 0) {
            if (judge_reply(ping, bytes_of(ping->data, (size_t)n), now, out))
                return true;
        } else if (n == -EAGAIN) {
            ping->readable = false;
        } else {
            /* What the network says of an echo. Of which one it does not say; the newest is likely.
             */
            slot_of(ping, ping->seq)->waiting = false;
            ping->stats.errors++;
            *out = (struct ping_result){.outcome = PING_ERROR, .seq = ping->seq, .error = (int)n};
            return true;
        }
    }
    return false;
}

/* --- both --------------------------------------------------------------------------------- */

static bool expire_one(struct ping *ping, instant now, struct ping_result *out)
{
    for (size_t i = 0; i < PING_WINDOW; i++) {
        struct ping_echo *echo = &ping->window[i];
        if (echo->waiting && instant_since(now, echo->sent) >= ping->config.timeout_ns) {
            *out = give_up(ping, echo);
            return true;
        }
    }
    return false;
}

bool ping_next(struct ping *ping, instant now, struct ping_result *out)
{
    if (read_replies(ping, now, out) || expire_one(ping, now, out))
        return true;
    if (!may_send(ping) || instant_before(now, ping->next))
        return false;
    struct ping_echo *oldest = slot_of(ping, ping->seq + 1);
    if (oldest->waiting) {
        *out = give_up(ping, oldest);
        return true;
    }
    return send_echo(ping, now, out);
}

instant ping_deadline(const struct ping *ping)
{
    instant deadline = may_send(ping) ? ping->next : INSTANT_NEVER;

    for (size_t i = 0; i < PING_WINDOW; i++)
        if (ping->window[i].waiting)
            deadline =
                instant_min(deadline, instant_add(ping->window[i].sent, ping->config.timeout_ns));
    return deadline;
}

void ping_stop(struct ping *ping)
{
    ping->stopped = true;
}

bool ping_is_done(const struct ping *ping)
{
    if (may_send(ping))
        return false;
    for (size_t i = 0; i < PING_WINDOW; i++)
        if (ping->window[i].waiting)
            return false;
    return true;
}
