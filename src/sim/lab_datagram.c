/*
 * lab_datagram.c - calls of programs that send and take datagrams, those of DNS among them.
 */
#include <errno.h>
#include <string.h>

#include "apps/dns_wire.h"
#include "base/addr.h"
#include "sim/lab_doing.h"

static int send_datagram(struct lab_doing *d, struct endpoint to, const char *whom, int64_t port,
                         struct bytes data)
{
    char rest[LAB_LINE];
    struct text t = text_of(rest, sizeof rest);
    int slot = d->step->slot;

    if (!lab_open_socket(d, slot, SOCK_DGRAM))
        return LAB_RETURNED;
    text_add(&t, ", ");
    text_add_u64(&t, data.len);
    lab_add_peer(&t, whom, port);
    ssize_t n =
        sock_sendto(d->st->stack, d->st->s[slot], data.at, data.len, MSG_DONTWAIT, &to, NULL);
    if (n == -EAGAIN)
        return lab_wait(d, "sendto", slot, rest);
    lab_tell_result(d, "sendto", slot, rest, n);
    return LAB_RETURNED;
}

static struct bytes data_of(struct lab_doing *d)
{
    const struct lab_step *step = d->step;
    size_t len = step->text[0] ? strlen(step->text) : (size_t)step->number[1];

    len = size_min(len, LAB_CHUNK);
    if (step->text[0])
        return bytes_of(step->text, len);
    memset(d->world->chunk, 'x', len);
    return bytes_of(d->world->chunk, len);
}

int lab_do_sendto(struct lab_doing *d)
{
    const struct lab_step *step = d->step;
    struct endpoint to = {lab_address(lab_host_find(d->world->plan, step->word)),
                          (uint16_t)step->number[0]};
    return send_datagram(d, to, step->word, step->number[0], data_of(d));
}

static const char *name_of(struct lab_doing *d, struct endpoint whom)
{
    for (int i = 0; i < d->world->plan->hosts; i++)
        if (ip_equal(lab_address(i), whom.addr))
            return d->world->plan->host[i].name;
    return "?";
}

int lab_do_recvfrom(struct lab_doing *d)
{
    struct lab_station *st = d->st;
    int slot = d->step->slot;

    ssize_t n = sock_recvfrom(st->stack, st->s[slot], st->last, sizeof st->last, MSG_TRUNC,
                              &st->from[slot], NULL);
    if (n == -EAGAIN)
        return lab_wait(d, "recvfrom", slot, "");
    st->last_len = n < 0 ? 0 : size_min((size_t)n, sizeof st->last);
    lab_tell_result(d, "recvfrom", slot, "", n);
    return LAB_RETURNED;
}

int lab_do_reply(struct lab_doing *d)
{
    struct endpoint to = d->st->from[d->step->slot];
    return send_datagram(d, to, name_of(d, to), to.port, data_of(d));
}

int lab_do_ask(struct lab_doing *d)
{
    uint8_t query[300];
    struct writer w = writer_of(query, sizeof query);
    struct dns_name name;
    struct endpoint to = {lab_address(lab_host_find(d->world->plan, d->step->word)), 53};

    if (dns_name_from_text(d->step->text, &name)) {
        lab_problem(d->world, "no name", d->step->text);
        return LAB_RETURNED;
    }
    dns_query_emit(&w, (uint16_t)prng_next(&d->st->randomness), &name, 1, 0);
    return send_datagram(d, to, d->step->word, 53, bytes_of(query, sizeof query - w.left));
}

/* The query comes back with its answer behind it: one A record, its name a pointer to the
 * question's.
 */
int lab_do_answer(struct lab_doing *d)
{
    uint8_t message[300];
    struct writer w = writer_of(message, sizeof message);
    struct lab_station *st = d->st;
    struct endpoint to = st->from[d->step->slot];
    struct reader r = reader_of(bytes_of(st->last, st->last_len));

    write_be16(&w, read_be16(&r));
    write_be16(&w, 0x8180); /* a response, recursion was desired and is available */
    write_be16(&w, 1);
    write_be16(&w, 1); /* one answer */
    write_zeros(&w, 4);
    read_bytes(&r, 10);
    write_bytes(&w, r.rest.at, r.rest.len);
    write_be16(&w, 0xc00c); /* the name in the question */
    write_be16(&w, 1);      /* A */
    write_be16(&w, 1);      /* IN */
    write_be32(&w, 300);
    write_be16(&w, 4);
    write_be32(&w, 0x0a000001u + (uint32_t)lab_host_find(d->world->plan, d->step->word));
    if (w.overrun || r.overrun) {
        lab_problem(d->world, "no query to answer", NULL);
        return LAB_RETURNED;
    }
    return send_datagram(d, to, name_of(d, to), to.port,
                         bytes_of(message, sizeof message - w.left));
}
