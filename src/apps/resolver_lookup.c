/*
 * resolver_lookup.c - one question, asked of one server after the other.
 *
 * Each try has a socket of its own that is connected to the server, so it has a port that nobody
 * can guess and hears nobody else, and an identifier drawn at random (RFC 5452, 9). What comes and
 * is not the answer to this very question is counted and passed over; so many of them mean that
 * somebody is guessing, and TCP is harder to guess.
 *
 *     over UDP   an answer that was cut short     the same server over TCP
 *                FORMERR or NOTIMP to EDNS        the same server without EDNS (RFC 6891, 6.2.2)
 *                silence, refusal, nonsense       the next server
 *     over TCP   the same, but there is no cut    the next server
 *
 * Every server is asked twice (config.attempts), each time with twice the patience. An answer is
 * walked from the name that was asked for, CNAME by CNAME; where it ends in a name without records,
 * that name is asked for, in all at most RESOLVER_LINKS times.
 */
#include <errno.h>
#include <netinet/in.h>

#include "apps/resolver_inside.h"
#include "base/addr.h"

static void try_server(struct lookup *lookup, instant now);

/* --- sending ------------------------------------------------------------------------------ */

void lookup_stop(struct lookup *lookup)
{
    struct resolver *r = lookup->resolver;

    if (lookup->s >= 0)
        sock_close(r->config.stack, lookup->s);
    lookup->s = -1;
    if (lookup->stream)
        memory_release(&r->memory, lookup->stream, DNS_TCP_MAX + 2);
    lookup->stream = NULL;
    lookup->stream_len = 0;
}

static void fail(struct lookup *lookup, int error, instant now)
{
    struct resolver_answer answer = {.fact = {.error = error, .canonical = lookup->alias},
                                     .server = lookup->resolver->config.server[lookup->server],
                                     .tcp = lookup->tcp};

    lookup_done(lookup, &answer, now);
}

static void next_server(struct lookup *lookup, instant now)
{
    struct resolver *r = lookup->resolver;

    lookup_stop(lookup);
    if (++lookup->tries >= r->config.attempts * r->config.server_count) {
        fail(lookup, -EAGAIN, now);
        return;
    }
    lookup->server = (uint8_t)((lookup->server + 1) % r->config.server_count);
    lookup->tcp = r->config.tcp;
    lookup->edns = lookup->tries < r->config.server_count; /* it may be why nobody answers */
    try_server(lookup, now);
}

/* The question itself; over TCP with its length in front (RFC 1035, 4.2.2). 0 or a negative errno:
 * it fits into any socket's buffer. */
static int send_query(struct lookup *lookup)
{
    uint8_t octets[2 + DNS_HEADER + DNS_NAME_MAX + 4 + 11];
    struct writer w = writer_of(octets + 2, sizeof octets - 2);

    dns_query_emit(&w, lookup->id, &lookup->alias, lookup->type,
                   lookup->edns ? DNS_EDNS_PAYLOAD : 0);
    size_t len = (size_t)(w.at - octets - 2);
    put_be16(octets, (uint16_t)len);
    const uint8_t *from = lookup->tcp ? octets : octets + 2;
    len += lookup->tcp ? 2 : 0;
    ssize_t n = sock_send(lookup->resolver->config.stack, lookup->s, from, len, 0, NULL);
    if (n < 0)
        return (int)n;
    lookup->resolver->counters.queries++;
    lookup->sent = true;
    return (size_t)n == len ? 0 : -EAGAIN;
}

static int open_socket(struct lookup *lookup)
{
    struct resolver *r = lookup->resolver;
    struct ip_addr server = r->config.server[lookup->server];
    int type = lookup->tcp ? SOCK_STREAM : SOCK_DGRAM;

    lookup->s = sock_socket(r->config.stack, ip_is_v4(server) ? AF_INET : AF_INET6, type, 0);
    if (lookup->s < 0)
        return lookup->s;
    sock_set_app(r->config.stack, lookup->s, &lookup->app);
    int err = sock_connect(r->config.stack, lookup->s, (struct endpoint){server, DNS_PORT}, NULL);
    return err == -EINPROGRESS ? 0 : err;
}

/* With another identifier and another port than before. */
static void try_server(struct lookup *lookup, instant now)
{
    struct resolver *r = lookup->resolver;
    int64_t patience = r->config.timeout_ns << (lookup->tries / r->config.server_count);

    lookup_stop(lookup);
    lookup->deadline = instant_add(now, patience);
    lookup->mismatches = 0;
    lookup->sent = false;
    if (r->config.env->random(r->config.env->context, &lookup->id, sizeof lookup->id) != 0) {
        fail(lookup, -EIO, now);
        return;
    }
    if (lookup->tcp) {
        lookup->stream = memory_alloc(&r->memory, DNS_TCP_MAX + 2);
        if (!lookup->stream) {
            fail(lookup, -ENOBUFS, now);
            return;
        }
    }
    int err = open_socket(lookup);
    if (err == 0 && !lookup->tcp)
        err = send_query(lookup);
    if (err) /* as if it were silent, but there is nothing to wait for */
        lookup->deadline = now;
}

void lookup_timeout(struct lookup *lookup, instant now)
{
    next_server(lookup, now);
}

static void over_tcp(struct lookup *lookup, instant now)
{
    lookup->tcp = true;
    try_server(lookup, now);
}

/* --- an answer ---------------------------------------------------------------------------- */

/* One walk over the answers: the records of that name that were asked for, or the name that it is
 * an alias for. What belongs to another name is passed over. */
static bool collect(const struct dns_message *message, const struct lookup *lookup,
                    struct dns_fact *fact, struct dns_name *next)
{
    struct dns_message walk = *message;
    struct dns_record record;
    bool is_answer, found = false;

    next->len = 0;
    while (dns_record_next(&walk, &record, &is_answer) && is_answer) {
        if (record.class != DNS_CLASS_IN || !dns_name_equal(&record.name, &lookup->alias))
            continue;
        if (record.type == lookup->type) {
            found = true;
            fact->ttl = u32_min(fact->ttl, record.ttl);
            if (fact->count < DNS_ADDRS &&
                (record.type == DNS_TYPE_A || record.type == DNS_TYPE_AAAA))
                fact->addr[fact->count++] = record.addr;
        } else if (record.type == DNS_TYPE_CNAME && next->len == 0) {
            *next = record.target;
            fact->ttl = u32_min(fact->ttl, record.ttl);
        }
    }
    return found;
}

/* How long a denial is good: what the zone's SOA says (RFC 2308, 5); without one, not at all. */
static uint32_t denial_ttl(const struct dns_message *message)
{
    struct dns_message walk = *message;
    struct dns_record record;
    bool is_answer;

    while (dns_record_next(&walk, &record, &is_answer)) {
        if (!is_answer && record.type == DNS_TYPE_SOA && record.class == DNS_CLASS_IN)
            return u32_min(record.ttl, record.minimum);
    }
    return 0;
}

/* Whole, before anything of it is believed. */
static enum dns_flaw check_records(const struct dns_message *message)
{
    struct dns_message walk = *message;
    struct dns_record record;
    bool is_answer;

    while (dns_record_next(&walk, &record, &is_answer))
        ;
    return walk.flaw;
}

/* NOERROR or NXDOMAIN to our question. */
static void take_answer(struct lookup *lookup, const struct dns_message *message, instant now)
{
    struct resolver_answer answer = {.fact = {.ttl = lookup->ttl},
                                     .message = message->whole,
                                     .server = lookup->resolver->config.server[lookup->server],
                                     .tcp = lookup->tcp};
    struct dns_name next;
    bool found;

    uint8_t links = lookup->links;
    while (!(found = collect(message, lookup, &answer.fact, &next)) && next.len > 0) {
        if (++lookup->links > RESOLVER_LINKS) {
            fail(lookup, -ELOOP, now);
            return;
        }
        lookup->alias = next;
    }
    uint32_t denial = denial_ttl(message);
    if (!found && message->header.rcode == DNS_RCODE_OK && denial == 0 && lookup->links > links) {
        lookup->ttl = answer.fact.ttl; /* the chain goes on elsewhere */
        try_server(lookup, now);
        return;
    }
    answer.fact.canonical = lookup->alias;
    if (!found) {
        answer.fact.error = message->header.rcode == DNS_RCODE_OK ? -ENODATA : -ENOENT;
        answer.fact.ttl = u32_min(answer.fact.ttl, denial);
    }
    lookup_done(lookup, &answer, now);
}

static bool is_ours(const struct lookup *lookup, const struct dns_message *message)
{
    const struct dns_question *question = &message->question;

    return message->header.id == lookup->id && question->type == lookup->type &&
           question->class == DNS_CLASS_IN && dns_name_equal(&question->name, &lookup->alias);
}

/* A server that does not know EDNS may answer with the header alone. */
static bool is_bare_refusal(const struct lookup *lookup, const struct dns_message *message)
{
    const struct dns_header *h = &message->header;

    return message->whole.len >= DNS_HEADER && h->response && h->id == lookup->id &&
           h->questions == 0 && h->rcode == DNS_RCODE_FORMERR;
}

static void take_refusal(struct lookup *lookup, uint8_t rcode, instant now)
{
    if (lookup->edns && (rcode == DNS_RCODE_FORMERR || rcode == DNS_RCODE_NOTIMP)) {
        lookup->edns = false;
        try_server(lookup, now);
    } else {
        next_server(lookup, now);
    }
}

static bool pass_over(struct lookup *lookup, instant now)
{
    lookup->resolver->counters.mismatches++;
    if (lookup->tcp || ++lookup->mismatches < RESOLVER_MISMATCHES)
        return true;
    over_tcp(lookup, now);
    return false;
}

/* True: it was not for us, and the socket is still waited for. Else the lookup may be gone. */
static bool hear(struct lookup *lookup, struct bytes octets, instant now)
{
    struct resolver_counters *counters = &lookup->resolver->counters;
    struct dns_message message;
    enum dns_flaw flaw = dns_message_parse(octets, &message);

    counters->flawed[flaw]++;
    if (flaw == DNS_BAD_HEADER && is_bare_refusal(lookup, &message)) {
        take_refusal(lookup, DNS_RCODE_FORMERR, now);
        return false;
    }
    if (flaw != DNS_FINE || !is_ours(lookup, &message))
        return pass_over(lookup, now);
    if (message.header.truncated && !lookup->tcp) {
        over_tcp(lookup, now);
        return false;
    }
    flaw = check_records(&message);
    if (flaw != DNS_FINE) {
        counters->flawed[flaw]++;
        next_server(lookup, now);
    } else if (message.header.rcode == DNS_RCODE_OK || message.header.rcode == DNS_RCODE_NXDOMAIN) {
        take_answer(lookup, &message, now);
    } else {
        take_refusal(lookup, message.header.rcode, now);
    }
    return false;
}

/* --- the sockets -------------------------------------------------------------------------- */

static void udp_ready(struct lookup *lookup, instant now)
{
    struct stack *stack = lookup->resolver->config.stack;
    uint8_t octets[DNS_RECEIVE];

    for (;;) { /* a socket's queue has a cap */
        ssize_t n = sock_recv(stack, lookup->s, octets, sizeof octets, 0, NULL);
        if (n == -EAGAIN)
            return;
        if (n < 0) {
            next_server(lookup, now);
            return;
        }
        if (!hear(lookup, bytes_of(octets, (size_t)n), now))
            return;
    }
}

/* The length that the server says, and the message as far as it has come. */
static void tcp_ready(struct lookup *lookup, instant now)
{
    struct stack *stack = lookup->resolver->config.stack;
    ssize_t n = 0;

    if (!lookup->sent)
        n = send_query(lookup);
    while (n >= 0) {
        uint32_t want = 2;
        if (lookup->stream_len >= 2)
            want += (uint32_t)lookup->stream[0] << 8 | lookup->stream[1];
        if (lookup->stream_len >= 2 && lookup->stream_len == want) {
            if (hear(lookup, bytes_of(lookup->stream + 2, want - 2), now))
                next_server(lookup, now);
            return;
        }
        n = sock_recv(stack, lookup->s, lookup->stream + lookup->stream_len,
                      want - lookup->stream_len, 0, NULL);
        if (n == 0) /* it has nothing more to say */
            n = -EPIPE;
        if (n > 0)
            lookup->stream_len += (uint32_t)n;
    }
    if (n != -EAGAIN)
        next_server(lookup, now);
}

static void ready(struct sock_app *app, int s, short events, instant now)
{
    struct lookup *lookup = CONTAINER_OF(app, struct lookup, app);

    (void)events;
    if (s != lookup->s)
        return;
    if (lookup->tcp)
        tcp_ready(lookup, now);
    else
        udp_ready(lookup, now);
}

void lookup_begin(struct lookup *lookup, instant now)
{
    struct resolver *r = lookup->resolver;

    lookup->app.ready = ready;
    lookup->s = -1;
    lookup->alias = lookup->name;
    lookup->ttl = UINT32_MAX;
    lookup->server = r->first;
    lookup->tcp = r->config.tcp;
    lookup->edns = true;
    try_server(lookup, now);
}
