/*
 * name_server.c - see name_server.h.
 */
#include "support/name_server.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/dns_wire.h"
#include "base/addr.h"

#define MUST(condition) ((condition) ? (void)0 : abort())

enum { TTL = 0 /* nothing is remembered: each question comes here */ };

struct question {
    uint16_t id, type;
    struct dns_name name;
    struct bytes octets; /* as it came */
};

static struct question question_of(struct bytes in)
{
    struct reader r = reader_of(in);
    struct question q = {.id = read_be16(&r)};

    read_bytes(&r, DNS_HEADER - 2);
    q.octets = r.rest;
    for (uint8_t len = 1; len > 0 && !r.overrun;) {
        len = read_u8(&r);
        q.name.octet[q.name.len++] = len;
        read_into(&r, q.name.octet + q.name.len, len);
        q.name.len = (uint8_t)(q.name.len + len);
    }
    q.type = read_be16(&r);
    read_be16(&r);
    MUST(!r.overrun);
    q.octets.len -= r.rest.len;
    return q;
}

static void write_name(struct writer *w, const char *text)
{
    struct dns_name name;

    MUST(dns_name_from_text(text, &name) == 0);
    write_bytes(w, name.octet, name.len);
}

static void write_record(struct writer *w, const char *owner, uint16_t type)
{
    write_name(w, owner);
    write_be16(w, type);
    write_be16(w, DNS_CLASS_IN);
    write_be32(w, TTL);
}

static void write_alias(struct writer *w, const char *owner, const char *target)
{
    struct dns_name name;

    MUST(dns_name_from_text(target, &name) == 0);
    write_record(w, owner, DNS_TYPE_CNAME);
    write_be16(w, name.len);
    write_bytes(w, name.octet, name.len);
}

/* The addresses of the type that is asked for; how many. */
static uint16_t write_addrs(struct writer *w, const struct name_row *row, uint16_t type)
{
    const char *owner = row->alias ? row->alias : row->name;
    char word[64];
    uint16_t count = 0;
    int used;

    for (const char *at = row->addrs ? row->addrs : ""; sscanf(at, "%63s%n", word, &used) == 1;
         at += used) {
        struct ip_addr addr;
        MUST(ip_addr_parse(word, &addr) == 0);
        if (type != (ip_is_v4(addr) ? DNS_TYPE_A : DNS_TYPE_AAAA))
            continue;
        uint16_t len = ip_is_v4(addr) ? 4 : 16;
        write_record(w, owner, type);
        write_be16(w, len);
        write_bytes(w, addr.octet + 16 - len, len);
        count++;
    }
    return count;
}

static size_t answer(const struct name_row *row, const struct question *q, uint8_t out[1400])
{
    struct writer w = writer_of(out, 1400);
    bool fails = row && (row->manner == NAME_FAILS ||
                         (row->manner == NAME_FAILS_V6 && q->type == DNS_TYPE_AAAA));
    uint16_t rcode = fails ? DNS_RCODE_SERVFAIL : row ? DNS_RCODE_OK : DNS_RCODE_NXDOMAIN;
    uint16_t count = 0;

    write_be16(&w, q->id);
    write_be16(&w, (uint16_t)(0x8180 | rcode));
    write_be16(&w, 1);
    uint8_t *answers = w.at;
    write_be32(&w, 0);
    write_be16(&w, 0);
    write_bytes(&w, q->octets.at, q->octets.len);
    if (row && !fails) {
        const char *alias = row->manner == NAME_IN_CIRCLE ? row->name : row->alias;
        if (alias)
            write_alias(&w, row->name, alias);
        count = (uint16_t)((alias ? 1 : 0) + write_addrs(&w, row, q->type));
    }
    MUST(!w.overrun);
    put_be16(answers, count);
    return (size_t)(w.at - out);
}

static void serve(struct name_server *server, struct bytes in, const struct endpoint *from)
{
    struct question q = question_of(in);
    const struct name_row *row = NULL;
    uint8_t out[1400];

    atomic_fetch_add(q.type == DNS_TYPE_A ? &server->asked_v4 : &server->asked_v6, 1);
    for (int i = 0; i < server->rows && !row; i++) {
        struct dns_name name;
        MUST(dns_name_from_text(server->zone[i].name, &name) == 0);
        if (dns_name_equal(&name, &q.name))
            row = &server->zone[i];
    }
    bool first = q.type == DNS_TYPE_A && atomic_load(&server->asked_v4) == 1;
    if (row && (row->manner == NAME_MUTE || (row->manner == NAME_MUTE_ONCE && first)))
        return;
    size_t len = answer(row, &q, out);
    ssize_t sent = sock_sendto(server->stack, server->s, out, len, 0, from, NULL);
    MUST(sent == (ssize_t)len);
}

static void ready(struct sock_app *app, int s, short events, instant now)
{
    struct name_server *server = CONTAINER_OF(app, struct name_server, app);
    uint8_t octets[1500];
    struct endpoint from;
    ssize_t n;

    (void)events, (void)now;
    while ((n = sock_recvfrom(server->stack, s, octets, sizeof octets, 0, &from, NULL)) >= 0)
        serve(server, bytes_of(octets, (size_t)n), &from);
}

void name_server_begin(struct name_server *server, struct stack *stack, const struct name_row *zone,
                       int rows)
{
    *server =
        (struct name_server){.app = {.ready = ready}, .stack = stack, .zone = zone, .rows = rows};
    server->s = sock_socket(stack, AF_INET, SOCK_DGRAM, 0);
    MUST(server->s >= 0);
    MUST(sock_bind(stack, server->s, (struct endpoint){.port = DNS_PORT}) == 0);
    sock_set_app(stack, server->s, &server->app);
}

void name_server_end(struct name_server *server)
{
    MUST(sock_close(server->stack, server->s) == 0);
}
