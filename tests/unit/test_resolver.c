/*
 * test_resolver.c - names to addresses, against name servers that the test plays packet by packet.
 *
 * The stack has a link of bare IPv4 packets. Over UDP the test reads each question and answers it
 * as it likes, forged or not; over TCP a second stack listens at port 53, so that answers come in
 * whatever pieces the test writes.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>

#include "apps/resolver.h"
#include "base/addr.h"
#include "base/base.h"
#include "base/checksum.h"
#include "ip/ip_family.h"
#include "support/proves.h"
#include "support/small_env.h"

enum { ASKED = 64 };

/* A question that has left. */
struct asked {
    struct endpoint server;
    uint16_t port, id, type;
    struct dns_name name;
    bool edns;
    uint16_t payload;
};

static struct {
    struct small_env memory;
    struct stack *stack, *tcp_server; /* one address for each of three servers */
    struct frame_sink sink, back;
    struct resolver_config config;
    struct resolver *resolver;
    instant now;
    uint64_t random;
    struct asked asked[ASKED];
    int count;
    int listener, accepted; /* the TCP server's sockets */
} t;

#define US     ip_from_v4(0xc0000201)
#define SERVER ip_from_v4(0xc0000235)

static int draw(void *context, void *octets, size_t len)
{
    (void)context;
    for (size_t i = 0; i < len; i++) {
        t.random = t.random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        ((uint8_t *)octets)[i] = (uint8_t)(t.random >> 56);
    }
    return 0;
}

/* --- the link ----------------------------------------------------------------------------- */

static void hear_question(struct ip_addr server, struct bytes udp)
{
    struct reader r = reader_of(udp);
    struct asked *asked = &t.asked[t.count++];

    ck_assert_int_lt(t.count, ASKED);
    *asked = (struct asked){.server = {.addr = server}};
    asked->port = read_be16(&r);
    asked->server.port = read_be16(&r);
    read_be32(&r); /* length, checksum */
    ck_assert_uint_eq(asked->server.port, DNS_PORT);
    asked->id = read_be16(&r);
    ck_assert_uint_eq(read_be16(&r), 0x0100); /* RD, and nothing else */
    ck_assert_uint_eq(read_be16(&r), 1);
    ck_assert_uint_eq(read_be32(&r), 0);
    asked->edns = read_be16(&r);
    while (!r.overrun) {
        uint8_t len = read_u8(&r);
        asked->name.octet[asked->name.len++] = len;
        read_into(&r, asked->name.octet + asked->name.len, len);
        asked->name.len = (uint8_t)(asked->name.len + len);
        if (len == 0)
            break;
    }
    asked->type = read_be16(&r);
    ck_assert_uint_eq(read_be16(&r), DNS_CLASS_IN);
    if (asked->edns) {
        ck_assert_uint_eq(read_u8(&r), 0);
        ck_assert_uint_eq(read_be16(&r), DNS_TYPE_OPT);
        asked->payload = read_be16(&r);
        ck_assert_uint_eq(read_be32(&r), 0);
        ck_assert_uint_eq(read_be16(&r), 0);
    }
    ck_assert(!r.overrun && r.rest.len == 0);
}

static int from_us(struct frame_sink *sink, const struct frame_meta *meta, const struct iovec *iov,
                   int iovcnt, instant now)
{
    uint8_t octets[2048];
    size_t len = 0;

    (void)sink, (void)meta, (void)now;
    for (int i = 0; i < iovcnt; i++) {
        ck_assert_uint_le(len + iov[i].iov_len, sizeof octets);
        memcpy(octets + len, iov[i].iov_base, iov[i].iov_len);
        len += iov[i].iov_len;
    }
    struct ip_packet ip = ip_packet_of_ours(bytes_of(octets, len));
    if (ip.protocol == IP_PROTOCOL_UDP)
        hear_question(ip.dst, ip.payload);
    else if (ip.protocol == IP_PROTOCOL_TCP)
        stack_input_ip(t.tcp_server, bytes_of(octets, len), NULL, t.now);
    return 0;
}

static int from_server(struct frame_sink *sink, const struct frame_meta *meta,
                       const struct iovec *iov, int iovcnt, instant now)
{
    uint8_t octets[2048];
    size_t len = 0;

    (void)sink, (void)meta, (void)now;
    for (int i = 0; i < iovcnt; i++) {
        memcpy(octets + len, iov[i].iov_base, iov[i].iov_len);
        len += iov[i].iov_len;
    }
    stack_input_ip(t.stack, bytes_of(octets, len), NULL, t.now);
    return 0;
}

static void turn(void)
{
    int s;
    short events;

    for (int i = 0; i < 20; i++) {
        stack_advance(t.stack, t.now);
        stack_advance(t.tcp_server, t.now);
        while ((s = sock_next_ready(t.stack, &events)) >= 0) {
            struct sock_app *app = sock_app(t.stack, s);
            if (app)
                app->ready(app, s, events, t.now);
        }
        if (t.resolver)
            resolver_advance(t.resolver, t.now);
        while (sock_next_ready(t.tcp_server, &events) >= 0)
            ;
        ck_assert_int_eq(stack_output_ip(t.stack, &t.sink, t.now), 0);
        ck_assert_int_eq(stack_output_ip(t.tcp_server, &t.back, t.now), 0);
    }
}

/* From deadline to deadline. */
static void wait_ms(int64_t ms)
{
    instant end = instant_add(t.now, ms * NS_PER_MS);

    for (;;) {
        turn();
        instant next = instant_min(resolver_deadline(t.resolver), stack_deadline(t.stack));
        next = instant_min(next, stack_deadline(t.tcp_server));
        if (!instant_before(next, end))
            break;
        if (instant_before(t.now, next))
            t.now = next;
    }
    t.now = end;
    turn();
}

static struct stack *new_stack(struct ip_addr addr, struct ip_addr second)
{
    struct stack_config config;

    stack_config_init(&config);
    config.link = STACK_LINK_IP;
    config.addr[0] = (struct ip_prefix){addr, 24};
    config.addr[1] = (struct ip_prefix){second, 24};
    config.addr_count = ip_is_unspecified(second) ? 1 : 2;
    struct stack *stack = stack_new(&config, &t.memory.env);
    ck_assert_ptr_nonnull(stack);
    stack_advance(stack, t.now);
    return stack;
}

static struct ip_addr server_of(int i)
{
    return ip_from_v4(0xc0000235 + (uint32_t)i);
}

static void given(int servers)
{
    memset(&t, 0, sizeof t);
    t.random = 1;
    t.now.ns = 3600 * NS_PER_S;
    t.sink.send = from_us;
    t.back.send = from_server;
    t.accepted = -1;
    small_env_init(&t.memory);
    t.memory.env.random = draw;
    t.stack = new_stack(US, (struct ip_addr){{0}});
    t.tcp_server = new_stack(server_of(0), server_of(1));
    t.listener = sock_socket(t.tcp_server, AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(sock_bind(t.tcp_server, t.listener, (struct endpoint){.port = DNS_PORT}), 0);
    ck_assert_int_eq(sock_listen(t.tcp_server, t.listener, 8), 0);
    resolver_config_init(&t.config);
    t.config.stack = t.stack;
    t.config.env = &t.memory.env;
    t.config.server_count = (uint32_t)servers;
    for (int i = 0; i < servers; i++)
        t.config.server[i] = server_of(i);
}

static void begin(void)
{
    ck_assert_int_eq(resolver_new(&t.config, &t.resolver), 0);
}

static void finish(void)
{
    resolver_free(t.resolver);
    stack_free(t.stack);
    stack_free(t.tcp_server);
    ck_assert_uint_eq(t.memory.out, 0);
}

/* --- asking ------------------------------------------------------------------------------- */

struct wish {
    struct resolver_query query;
    struct resolver_answer answer; /* without its message */
    int count;
};

static void done(struct resolver_query *query, const struct resolver_answer *answer, instant now)
{
    struct wish *wish = CONTAINER_OF(query, struct wish, query);

    (void)now;
    wish->answer = *answer;
    wish->count++;
}

static void ask(struct wish *wish, const char *name, uint16_t type)
{
    *wish = (struct wish){.query = {.done = done}};
    ck_assert_int_eq(resolver_ask(t.resolver, &wish->query, name, type, t.now), 0);
    ck_assert_int_eq(wish->count, 0);
    turn();
}

/* --- answering ---------------------------------------------------------------------------- */

struct reply {
    uint8_t octet[1500];
    struct writer w;
    uint16_t answers;
};

/* To the last question; change what is to be forged in `asked` before. */
static void reply_begin(struct reply *m, const struct asked *asked, uint16_t flags)
{
    m->w = writer_of(m->octet, sizeof m->octet);
    m->answers = 0;
    write_be16(&m->w, asked->id);
    write_be16(&m->w, flags);
    write_be16(&m->w, 1);
    write_zeros(&m->w, 6);
    write_bytes(&m->w, asked->name.octet, asked->name.len);
    write_be16(&m->w, asked->type);
    write_be16(&m->w, DNS_CLASS_IN);
}

static struct dns_name name_of(const char *text)
{
    struct dns_name name;

    ck_assert_int_eq(dns_name_from_text(text, &name), 0);
    return name;
}

static void reply_add(struct reply *m, const char *owner, uint16_t type, uint32_t ttl,
                      const void *data, size_t len)
{
    struct dns_name name = name_of(owner);

    write_bytes(&m->w, name.octet, name.len);
    write_be16(&m->w, type);
    write_be16(&m->w, DNS_CLASS_IN);
    write_be32(&m->w, ttl);
    write_be16(&m->w, (uint16_t)len);
    write_bytes(&m->w, data, len);
    put_be16(m->octet + 6, ++m->answers);
}

static void reply_a(struct reply *m, const char *owner, uint32_t ttl, uint32_t addr)
{
    uint8_t data[4] = {(uint8_t)(addr >> 24), (uint8_t)(addr >> 16), (uint8_t)(addr >> 8),
                       (uint8_t)addr};
    reply_add(m, owner, DNS_TYPE_A, ttl, data, sizeof data);
}

static void reply_cname(struct reply *m, const char *owner, const char *target)
{
    struct dns_name name = name_of(target);

    reply_add(m, owner, DNS_TYPE_CNAME, 300, name.octet, name.len);
}

/* In the authority section: how long a denial is good. */
static void reply_soa(struct reply *m, uint32_t minimum)
{
    uint8_t data[22] = {0, 0};
    struct dns_name root = name_of(".");

    data[18] = (uint8_t)(minimum >> 24), data[19] = (uint8_t)(minimum >> 16);
    data[20] = (uint8_t)(minimum >> 8), data[21] = (uint8_t)minimum;
    write_bytes(&m->w, root.octet, root.len);
    write_be16(&m->w, DNS_TYPE_SOA);
    write_be16(&m->w, DNS_CLASS_IN);
    write_be32(&m->w, 86400);
    write_be16(&m->w, sizeof data);
    write_bytes(&m->w, data, sizeof data);
    put_be16(m->octet + 8, 1);
}

static struct bytes octets_of(const struct reply *m)
{
    return bytes_of(m->octet, (size_t)(m->w.at - m->octet));
}

static void say_from(struct endpoint from, uint16_t to_port, struct bytes message)
{
    uint8_t octets[1600];
    struct writer w = writer_of(octets, sizeof octets);
    struct ip_out ip = {.src = from.addr, .dst = US, .protocol = IP_PROTOCOL_UDP, .ttl = 60};
    struct checksum sum = {0};

    ip_family_of(US)->emit(&w, &ip, 8 + message.len);
    uint8_t *udp = w.at;
    write_be16(&w, from.port);
    write_be16(&w, to_port);
    write_be16(&w, (uint16_t)(8 + message.len));
    write_be16(&w, 0);
    write_bytes(&w, message.at, message.len);
    checksum_add_pseudo(&sum, ip.src, ip.dst, IP_PROTOCOL_UDP, (uint32_t)(8 + message.len));
    checksum_add(&sum, bytes_of(udp, 8 + message.len));
    put_be16(udp + 6, checksum_finish(sum));
    stack_input_ip(t.stack, bytes_of(octets, (size_t)(w.at - octets)), NULL, t.now);
    turn();
}

static void say(const struct asked *asked, const struct reply *m)
{
    say_from(asked->server, asked->port, octets_of(m));
}

/* The last question, answered with one address. */
static void answer_a(const struct asked *asked, uint32_t ttl, uint32_t addr)
{
    char text[DNS_NAME_TEXT];
    struct reply m;

    dns_name_to_text(&asked->name, text);
    reply_begin(&m, asked, 0x8180);
    reply_a(&m, text, ttl, addr);
    say(asked, &m);
}

static void answer_rcode(const struct asked *asked, uint8_t rcode)
{
    struct reply m;

    reply_begin(&m, asked, 0x8180 | rcode);
    say(asked, &m);
}

static void expect_addr(const struct wish *wish, uint32_t addr)
{
    ck_assert_int_eq(wish->count, 1);
    ck_assert_int_eq(wish->answer.fact.error, 0);
    ck_assert_uint_eq(wish->answer.fact.count, 1);
    ck_assert(ip_equal(wish->answer.fact.addr[0], ip_from_v4(addr)));
}

static void expect_error(const struct wish *wish, int error)
{
    ck_assert_int_eq(wish->count, 1);
    ck_assert_int_eq(wish->answer.fact.error, error);
}

/* --- a question and its answer ------------------------------------------------------------ */

START_TEST(a_name_becomes_an_address)
{
    struct wish wish;

    given(1);
    begin();
    ask(&wish, "www.Example.com", DNS_TYPE_A);
    ck_assert_int_eq(t.count, 1);
    struct dns_name name = name_of("www.example.com");
    ck_assert(dns_name_equal(&t.asked[0].name, &name));
    ck_assert(ip_equal(t.asked[0].server.addr, server_of(0)));
    ck_assert_uint_eq(t.asked[0].payload, 1232);

    struct reply m; /* the owner in another case */
    reply_begin(&m, &t.asked[0], 0x8180);
    reply_a(&m, "WWW.eXAMPLE.com", 60, 0x01020304);
    say(&t.asked[0], &m);
    expect_addr(&wish, 0x01020304);
    ck_assert(!wish.answer.tcp && !wish.answer.from_cache);
    finish();
    PROVES("RFC1035-4.1.1-a", "RFC1035-2.3.4-a", "RFC6891-6.2-a");
}
END_TEST

START_TEST(only_the_answer_to_this_very_question_is_believed)
{
    struct wish wish;
    struct asked forged;
    struct reply m;

    given(2);
    begin();
    ask(&wish, "example.com", DNS_TYPE_A);
    const struct asked *asked = &t.asked[0];
    for (int i = 0; i < 7; i++) {
        forged = *asked;
        uint16_t flags = 0x8180;
        if (i == 0)
            forged.id ^= 1;
        if (i == 1)
            forged.server.port = 54;
        if (i == 2)
            forged.server.addr = server_of(1);
        if (i == 3)
            forged.port ^= 1;
        if (i == 4)
            forged.name = name_of("example.net");
        if (i == 5)
            forged.type = DNS_TYPE_AAAA;
        if (i == 6)
            flags = 0x0100; /* a question */
        reply_begin(&m, &forged, flags);
        reply_a(&m, "example.com", 60, 0x06060606);
        say(&forged, &m);
        ck_assert_int_eq(wish.count, 0);
    }
    reply_begin(&m, asked, 0x8180);
    m.octet[DNS_HEADER + 13 + 3] = 3; /* another class */
    reply_a(&m, "example.com", 60, 0x06060606);
    say(asked, &m);
    ck_assert_int_eq(wish.count, 0);
    ck_assert_uint_eq(resolver_counters(t.resolver).mismatches, 5); /* the others never came here */
    answer_a(asked, 60, 0x01020304);
    expect_addr(&wish, 0x01020304);
    ck_assert_int_eq(t.count, 1);
    finish();
    PROVES("RFC5452-9.1-a", "RFC1035-4.1.1-a", "S04");
}
END_TEST

START_TEST(ports_and_identifiers_cannot_be_foreseen)
{
    enum { COUNT = 1000 };
    static uint16_t ports[COUNT], ids[COUNT];
    uint64_t port_sum = 0, id_sum = 0;
    int port_steps = 0, id_steps = 0;

    given(1);
    t.config.cached = 0;
    begin();
    for (int i = 0; i < COUNT; i++) {
        struct wish wish;
        t.count = 0;
        ask(&wish, "example.com", DNS_TYPE_A);
        ports[i] = t.asked[0].port, ids[i] = t.asked[0].id;
        answer_a(&t.asked[0], 60, 1);
        port_sum += ports[i], id_sum += ids[i];
        if (i > 0) {
            ck_assert(ports[i] != ports[i - 1] || ids[i] != ids[i - 1]);
            port_steps += abs(ports[i] - ports[i - 1]) < 64;
            id_steps += abs(ids[i] - ids[i - 1]) < 64;
        }
    }
    ck_assert_int_lt(port_steps, 60); /* of 16,384 ports; evenly drawn it is 8 */
    ck_assert_int_lt(id_steps, 20);
    ck_assert_uint_lt(port_sum / COUNT, 59000);
    ck_assert_uint_gt(port_sum / COUNT, 55000);
    ck_assert_uint_lt(id_sum / COUNT, 37000);
    ck_assert_uint_gt(id_sum / COUNT, 28000);
    finish();
    PROVES("RFC5452-9.2-a");
}
END_TEST

START_TEST(equal_questions_share_one_query)
{
    struct wish one, two, other;

    given(1);
    begin();
    ask(&one, "example.com", DNS_TYPE_A);
    ask(&two, "EXAMPLE.com", DNS_TYPE_A);
    ask(&other, "example.com", DNS_TYPE_AAAA);
    ck_assert_int_eq(t.count, 2);
    answer_a(&t.asked[0], 60, 7);
    expect_addr(&one, 7);
    expect_addr(&two, 7);
    ck_assert_int_eq(other.count, 0);
    answer_rcode(&t.asked[1], DNS_RCODE_OK);
    expect_error(&other, -ENODATA);
    finish();
    PROVES("RFC5452-9.2-b");
}
END_TEST

START_TEST(who_is_forgotten_is_not_called)
{
    struct wish one, two;

    given(1);
    begin();
    ask(&one, "example.com", DNS_TYPE_A);
    ask(&two, "example.com", DNS_TYPE_A);
    resolver_forget(&one.query);
    answer_a(&t.asked[0], 60, 7);
    ck_assert_int_eq(one.count, 0);
    expect_addr(&two, 7);
    finish();
}
END_TEST

START_TEST(what_is_no_name_is_refused)
{
    struct wish wish = {.query = {.done = done}};
    char text[300];

    given(1);
    begin();
    memset(text, 'a', 64);
    text[64] = 0;
    ck_assert_int_eq(resolver_ask(t.resolver, &wish.query, text, DNS_TYPE_A, t.now), -EINVAL);
    ck_assert_int_eq(resolver_ask(t.resolver, &wish.query, "", DNS_TYPE_A, t.now), -EINVAL);
    turn();
    ck_assert_int_eq(t.count, 0);
    finish();
    PROVES("RFC1035-2.3.4-a");
}
END_TEST

/* --- without a server --------------------------------------------------------------------- */

START_TEST(localhost_and_addresses_ask_nobody)
{
    struct wish wish;

    given(1);
    begin();
    ask(&wish, "localhost", DNS_TYPE_A);
    expect_addr(&wish, 0x7f000001);
    ask(&wish, "www.LocalHost.", DNS_TYPE_AAAA);
    ck_assert(wish.count == 1 && wish.answer.fact.count == 1);
    ck_assert(ip_equal(wish.answer.fact.addr[0], (struct ip_addr){{[15] = 1}}));
    ask(&wish, "localhost", DNS_TYPE_MX);
    expect_error(&wish, -ENODATA);
    ask(&wish, "192.0.2.9", DNS_TYPE_A);
    expect_addr(&wish, 0xc0000209);
    ask(&wish, "192.0.2.9", DNS_TYPE_AAAA);
    expect_error(&wish, -ENODATA);
    ask(&wish, "2001:db8::1", DNS_TYPE_AAAA);
    ck_assert(wish.count == 1 && wish.answer.fact.addr[0].octet[0] == 0x20);
    ck_assert_int_eq(t.count, 0);
    ask(&wish, "notlocalhost", DNS_TYPE_A); /* which is a name like others */
    ck_assert_int_eq(t.count, 1);
    finish();
    PROVES("RFC6761-6.3-a");
}
END_TEST

/* --- aliases ------------------------------------------------------------------------------ */

START_TEST(a_chain_of_aliases_is_followed)
{
    struct wish wish;
    struct reply m;

    given(1);
    begin();
    ask(&wish, "a.example", DNS_TYPE_A);
    reply_begin(&m, &t.asked[0], 0x8180);
    reply_a(&m, "evil.example", 60, 0x06060606); /* nobody asked for it */
    reply_cname(&m, "b.example", "c.example");   /* in whatever order */
    reply_a(&m, "c.example", 60, 0x01020304);
    reply_cname(&m, "a.example", "b.example");
    say(&t.asked[0], &m);
    expect_addr(&wish, 0x01020304);
    struct dns_name canonical = name_of("c.example");
    ck_assert(dns_name_equal(&wish.answer.fact.canonical, &canonical));
    ck_assert_uint_eq(wish.answer.fact.ttl, 60);
    finish();
    PROVES("RFC1034-3.6.2-a", "S06");
}
END_TEST

START_TEST(an_alias_without_its_address_is_asked_for)
{
    struct wish wish;
    struct reply m;

    given(1);
    begin();
    ask(&wish, "a.example", DNS_TYPE_A);
    reply_begin(&m, &t.asked[0], 0x8180);
    reply_cname(&m, "a.example", "b.example");
    say(&t.asked[0], &m);
    ck_assert_int_eq(t.count, 2);
    struct dns_name next = name_of("b.example");
    ck_assert(dns_name_equal(&t.asked[1].name, &next));
    answer_a(&t.asked[1], 60, 5);
    expect_addr(&wish, 5);
    finish();
    PROVES("RFC1034-3.6.2-a");
}
END_TEST

START_TEST(aliases_without_end_are_given_up)
{
    struct wish wish;
    struct reply m;

    given(1);
    begin();
    ask(&wish, "a.example", DNS_TYPE_A); /* within one message */
    reply_begin(&m, &t.asked[0], 0x8180);
    reply_cname(&m, "a.example", "b.example");
    reply_cname(&m, "b.example", "a.example");
    say(&t.asked[0], &m);
    expect_error(&wish, -ELOOP);

    t.count = 0;
    ask(&wish, "l0.example", DNS_TYPE_A); /* message by message: 16 links, and no 17th */
    for (int i = 0; i < 17; i++) {
        char from[16], to[16];
        snprintf(from, sizeof from, "l%d.example", i);
        snprintf(to, sizeof to, "l%d.example", i + 1);
        ck_assert_int_eq(wish.count, 0);
        ck_assert_int_eq(t.count, i + 1);
        reply_begin(&m, &t.asked[i], 0x8180);
        reply_cname(&m, from, to);
        say(&t.asked[i], &m);
    }
    expect_error(&wish, -ELOOP);
    finish();
    PROVES("RFC1034-3.6.2-a", "S06");
}
END_TEST

/* --- silence, refusal, nonsense ----------------------------------------------------------- */

START_TEST(a_silent_server_is_followed_by_the_next)
{
    struct wish wish;

    given(2);
    begin();
    ask(&wish, "example.com", DNS_TYPE_A);
    wait_ms(4999);
    ck_assert_int_eq(t.count, 1);
    wait_ms(2);
    ck_assert_int_eq(t.count, 2);
    ck_assert(ip_equal(t.asked[1].server.addr, server_of(1)));
    ck_assert(t.asked[1].id != t.asked[0].id || t.asked[1].port != t.asked[0].port);
    answer_a(&t.asked[1], 1, 9);
    expect_addr(&wish, 9);
    wait_ms(2000);
    ask(&wish, "example.com", DNS_TYPE_A); /* who answered is asked first now */
    ck_assert(ip_equal(t.asked[2].server.addr, server_of(1)));
    finish();
    PROVES("RFC1035-7.2-a");
}
END_TEST

START_TEST(when_all_are_silent_it_ends_after_a_second_longer_round)
{
    struct wish wish;

    given(2);
    begin();
    ask(&wish, "example.com", DNS_TYPE_A);
    wait_ms(5000 + 5000 + 10000 + 9999);
    ck_assert_int_eq(wish.count, 0);
    ck_assert_int_eq(t.count, 4);
    ck_assert(t.asked[0].edns && t.asked[1].edns);
    ck_assert(!t.asked[2].edns && !t.asked[3].edns); /* perhaps that was why */
    wait_ms(2);
    expect_error(&wish, -EAGAIN);
    ck_assert_int_eq(t.count, 4);
    finish();
    PROVES("RFC1035-7.2-a", "RFC6891-6.2-a");
}
END_TEST

START_TEST(a_server_is_asked_as_often_as_the_config_says)
{
    struct wish wish;

    given(1);
    t.config.attempts = 0;
    ck_assert_int_eq(resolver_new(&t.config, &t.resolver), -EINVAL);
    t.config.attempts = RESOLVER_ATTEMPTS + 1;
    ck_assert_int_eq(resolver_new(&t.config, &t.resolver), -EINVAL);
    t.config.attempts = 3;
    begin();
    ask(&wish, "example.com", DNS_TYPE_A);
    wait_ms(5000 + 10000 + 19999);
    ck_assert_int_eq(wish.count, 0);
    ck_assert_int_eq(t.count, 3);
    wait_ms(2);
    expect_error(&wish, -EAGAIN);
    ck_assert_int_eq(t.count, 3);
    finish();
}
END_TEST

START_TEST(a_server_that_fails_is_followed_by_the_next_at_once)
{
    struct wish wish;

    given(2);
    begin();
    ask(&wish, "example.com", DNS_TYPE_A);
    answer_rcode(&t.asked[0], DNS_RCODE_SERVFAIL);
    ck_assert_int_eq(t.count, 2);
    answer_rcode(&t.asked[1], DNS_RCODE_REFUSED);
    ck_assert_int_eq(t.count, 3);
    ck_assert(ip_equal(t.asked[2].server.addr, server_of(0)));
    answer_a(&t.asked[2], 60, 3);
    expect_addr(&wish, 3);
    finish();
    PROVES("RFC1035-7.2-a");
}
END_TEST

START_TEST(who_does_not_know_edns_is_asked_without)
{
    struct wish wish;

    given(1);
    begin();
    ask(&wish, "example.com", DNS_TYPE_A);
    if (_i == 0) { /* the header alone */
        uint8_t header[DNS_HEADER] = {(uint8_t)(t.asked[0].id >> 8), (uint8_t)t.asked[0].id, 0x81,
                                      0x81};
        say_from(t.asked[0].server, t.asked[0].port, bytes_of(header, sizeof header));
    } else {
        answer_rcode(&t.asked[0], _i == 1 ? DNS_RCODE_FORMERR : DNS_RCODE_NOTIMP);
    }
    ck_assert_int_eq(t.count, 2);
    ck_assert(!t.asked[1].edns);
    answer_a(&t.asked[1], 60, 4);
    expect_addr(&wish, 4);
    finish();
    PROVES("RFC6891-6.2-a");
}
END_TEST

START_TEST(an_answer_whose_records_are_flawed_is_not_believed)
{
    struct wish wish;
    struct reply m;

    given(2);
    begin();
    ask(&wish, "example.com", DNS_TYPE_A);
    reply_begin(&m, &t.asked[0], 0x8180);
    reply_a(&m, "example.com", 60, 1);
    reply_add(&m, "example.com", DNS_TYPE_A, 60, "\1\2\3", 3);
    say(&t.asked[0], &m);
    ck_assert_int_eq(wish.count, 0);
    ck_assert_uint_eq(resolver_counters(t.resolver).flawed[DNS_BAD_RECORD], 1);
    ck_assert_int_eq(t.count, 2);
    answer_a(&t.asked[1], 60, 2);
    expect_addr(&wish, 2);
    finish();
    PROVES("RFC1035-4.1.3-a", "S03");
}
END_TEST

/* --- what is remembered ------------------------------------------------------------------- */

START_TEST(an_answer_is_good_for_its_time_to_live)
{
    struct wish wish;

    given(1);
    begin();
    ask(&wish, "example.com", DNS_TYPE_A);
    answer_a(&t.asked[0], 60, 8);
    wait_ms(59000);
    ask(&wish, "EXAMPLE.com", DNS_TYPE_A);
    expect_addr(&wish, 8);
    ck_assert(wish.answer.from_cache);
    ck_assert_uint_eq(wish.answer.fact.ttl, 1);
    ck_assert_int_eq(t.count, 1);
    wait_ms(2000);
    ask(&wish, "example.com", DNS_TYPE_A);
    ck_assert_int_eq(t.count, 2);
    answer_a(&t.asked[1], 7 * 86400, 8);
    wait_ms(86399 * 1000);
    ask(&wish, "example.com", DNS_TYPE_A);
    ck_assert_int_eq(t.count, 2);
    wait_ms(2000); /* a week is too long to be believed */
    ask(&wish, "example.com", DNS_TYPE_A);
    ck_assert_int_eq(t.count, 3);
    answer_a(&t.asked[2], 0x80000000u, 8); /* (RFC 2181, 8) */
    ask(&wish, "example.com", DNS_TYPE_A);
    ck_assert_int_eq(t.count, 4);
    finish();
    PROVES("RFC1035-3.2.1-a", "S06");
}
END_TEST

START_TEST(a_denial_is_good_for_as_long_as_the_zone_says)
{
    struct wish wish;
    struct reply m;

    given(1);
    begin();
    ask(&wish, "example.com", DNS_TYPE_A);
    reply_begin(&m, &t.asked[0], 0x8180 | DNS_RCODE_NXDOMAIN);
    reply_soa(&m, 30);
    say(&t.asked[0], &m);
    expect_error(&wish, -ENOENT);
    wait_ms(29000);
    ask(&wish, "example.com", DNS_TYPE_A);
    expect_error(&wish, -ENOENT);
    ck_assert_int_eq(t.count, 1);
    wait_ms(2000);
    ask(&wish, "example.com", DNS_TYPE_A);
    ck_assert_int_eq(t.count, 2);
    answer_rcode(&t.asked[1], DNS_RCODE_NXDOMAIN); /* without an SOA it is not kept */
    ask(&wish, "example.com", DNS_TYPE_A);
    ck_assert_int_eq(t.count, 3);
    finish();
    PROVES("RFC1035-3.2.1-a");
}
END_TEST

START_TEST(the_cache_has_a_cap_and_forgets_what_nobody_asks_for)
{
    struct wish wish;

    given(1);
    t.config.cached = 3;
    begin();
    static const char *const order[] = {"a", "b", "c", "a", "d"}; /* b gives way */
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        int before = t.count;
        ask(&wish, order[i], DNS_TYPE_A);
        ck_assert_int_eq(t.count, before + (i != 3));
        if (t.count > before)
            answer_a(&t.asked[before], 60, 1);
    }
    int before = t.count;
    ask(&wish, "a", DNS_TYPE_A);
    ask(&wish, "c", DNS_TYPE_A);
    ask(&wish, "d", DNS_TYPE_A);
    ck_assert_int_eq(t.count, before);
    ask(&wish, "b", DNS_TYPE_A);
    ck_assert_int_eq(t.count, before + 1);
    finish();
    PROVES("S06");
}
END_TEST

/* --- the search list ---------------------------------------------------------------------- */

static void expect_asked(int i, const char *text)
{
    struct dns_name name = name_of(text);

    ck_assert_int_eq(t.count, i + 1);
    ck_assert(dns_name_equal(&t.asked[i].name, &name));
}

START_TEST(a_name_without_dots_is_looked_for_in_the_search_list_first)
{
    struct wish wish;

    given(1);
    t.config.search[0] = name_of("one.example");
    t.config.search[1] = name_of("two.example");
    t.config.search_count = 2;
    begin();
    ask(&wish, "www", DNS_TYPE_A);
    expect_asked(0, "www.one.example");
    answer_rcode(&t.asked[0], DNS_RCODE_NXDOMAIN);
    expect_asked(1, "www.two.example");
    answer_rcode(&t.asked[1], DNS_RCODE_OK);
    expect_asked(2, "www");
    answer_rcode(&t.asked[2], DNS_RCODE_NXDOMAIN);
    expect_error(&wish, -ENODATA); /* one of them was there */

    t.count = 0;
    ask(&wish, "www.three", DNS_TYPE_A);
    expect_asked(0, "www.three");
    answer_rcode(&t.asked[0], DNS_RCODE_NXDOMAIN);
    expect_asked(1, "www.three.one.example");
    answer_a(&t.asked[1], 60, 6);
    expect_addr(&wish, 6);

    t.count = 0;
    ask(&wish, "www.four.", DNS_TYPE_A); /* and no other */
    expect_asked(0, "www.four");
    answer_rcode(&t.asked[0], DNS_RCODE_NXDOMAIN);
    expect_error(&wish, -ENOENT);
    ck_assert_int_eq(t.count, 1);

    t.count = 0;
    ask(&wish, "www", DNS_TYPE_A);
    wish.query.last = 1; /* meanwhile something has been found there */
    answer_rcode(&t.asked[0], DNS_RCODE_NXDOMAIN);
    expect_asked(1, "www.two.example");
    answer_rcode(&t.asked[1], DNS_RCODE_OK);
    expect_error(&wish, -ENODATA);
    ck_assert_int_eq(t.count, 2);
    finish();
}
END_TEST

/* --- TCP ---------------------------------------------------------------------------------- */

/* Who has connected, with the question that came: its length in front. */
static struct asked tcp_question(void)
{
    uint8_t octets[600];
    struct endpoint from;
    struct reader r;
    int on = 1;

    t.accepted = sock_accept(t.tcp_server, t.listener, &from, NULL);
    ck_assert_int_ge(t.accepted, 0);
    ck_assert_int_eq(
        sock_setsockopt(t.tcp_server, t.accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    ssize_t n = sock_recv(t.tcp_server, t.accepted, octets, sizeof octets, 0, NULL);
    ck_assert_int_gt(n, 2);
    r = reader_of(bytes_of(octets, (size_t)n));
    ck_assert_int_eq(read_be16(&r), n - 2);
    struct asked asked = {.id = read_be16(&r)};
    read_bytes(&r, 10);
    struct dns_message message; /* as a response it can be parsed */
    octets[4] |= 0x80;
    octets[12] = octets[13] = 0; /* without the OPT record's count */
    ck_assert_int_eq(dns_message_parse(bytes_of(octets + 2, (size_t)n - 2), &message), DNS_FINE);
    asked.name = message.question.name;
    asked.type = message.question.type;
    return asked;
}

static void tcp_write(const void *octets, size_t len)
{
    ck_assert_int_eq(sock_send(t.tcp_server, t.accepted, octets, len, 0, NULL), (ssize_t)len);
    turn();
}

/* Until the resolver has connected by TCP, because the answer over UDP was cut short. */
static struct asked given_truncation(struct wish *wish)
{
    struct reply m;

    ask(wish, "example.com", DNS_TYPE_A);
    reply_begin(&m, &t.asked[0], 0x8380);
    reply_a(&m, "example.com", 60, 0x06060606); /* not to be used */
    say(&t.asked[0], &m);
    ck_assert_int_eq(wish->count, 0);
    return tcp_question();
}

START_TEST(an_answer_that_was_cut_short_is_asked_for_over_tcp)
{
    struct wish wish;
    struct reply m;
    uint8_t len[2];

    given(1);
    begin();
    struct asked asked = given_truncation(&wish);
    reply_begin(&m, &asked, 0x8180);
    reply_a(&m, "example.com", 60, 0x01020304);
    struct bytes message = octets_of(&m);
    put_be16(len, (uint16_t)message.len);
    if (_i == 0) { /* octet by octet */
        tcp_write(len, 1);
        tcp_write(len + 1, 1);
        for (size_t i = 0; i < message.len; i++) {
            ck_assert_int_eq(wish.count, 0);
            tcp_write(message.at + i, 1);
        }
    } else {
        tcp_write(len, 2);
        tcp_write(message.at, message.len);
    }
    expect_addr(&wish, 0x01020304);
    ck_assert(wish.answer.tcp);
    wait_ms(1);
    uint8_t octet;
    ck_assert_int_eq(sock_recv(t.tcp_server, t.accepted, &octet, 1, 0, NULL),
                     0); /* it has closed */
    finish();
    PROVES("RFC1035-4.2.1-a", "RFC1035-4.2.2-a", "S05");
}
END_TEST

enum { NOTHING_COMES, HALF_COMES, LENGTH_LIES, ANOTHERS_ANSWER, THE_END, WAYS };

START_TEST(a_tcp_server_has_five_seconds_in_all)
{
    struct wish wish;
    struct reply m;

    given(2);
    begin();
    struct asked asked = given_truncation(&wish);
    reply_begin(&m, &asked, 0x8180);
    reply_a(&m, "example.com", 60, 0x01020304);
    struct bytes message = octets_of(&m);
    if (_i == HALF_COMES) /* one octet in a second */
        for (int i = 0; i < 4; i++) {
            tcp_write("\1", 1);
            wait_ms(1000);
            ck_assert_int_eq(t.count, 1);
        }
    if (_i == LENGTH_LIES)
        tcp_write("\377\377", 2), tcp_write(message.at, message.len);
    if (_i == ANOTHERS_ANSWER) {
        m.octet[0] ^= 1;
        uint8_t len[2] = {0, (uint8_t)message.len};
        tcp_write(len, 2);
        tcp_write(message.at, message.len);
    }
    if (_i == THE_END) {
        ck_assert_int_eq(sock_close(t.tcp_server, t.accepted), 0);
        turn();
    }
    if (_i >= ANOTHERS_ANSWER) { /* at once */
        ck_assert_int_eq(t.count, 2);
    } else {
        ck_assert_int_eq(t.count, 1);
        wait_ms(5001);
        ck_assert_int_eq(t.count, 2);
    }
    ck_assert(ip_equal(t.asked[1].server.addr, server_of(1)));
    answer_a(&t.asked[1], 60, 2);
    expect_addr(&wish, 2);
    finish();
    PROVES("S05");
}
END_TEST

START_TEST(who_is_guessed_at_asks_over_tcp)
{
    struct wish wish;
    struct reply m;

    given(1);
    begin();
    ask(&wish, "example.com", DNS_TYPE_A);
    struct asked forged = t.asked[0];
    for (int i = 0; i < 32; i++) {
        ck_assert_int_eq(sock_accept(t.tcp_server, t.listener, NULL, NULL), -EAGAIN);
        forged.id++;
        reply_begin(&m, &forged, 0x8180);
        reply_a(&m, "example.com", 60, 0x06060606);
        say(&forged, &m);
    }
    struct asked asked = tcp_question();
    ck_assert_uint_ne(asked.id, t.asked[0].id);
    ck_assert_int_eq(wish.count, 0);
    finish();
    PROVES("S04");
}
END_TEST

START_TEST(everything_is_given_back_in_the_middle_of_it)
{
    struct wish one, two;

    given(1);
    begin();
    given_truncation(&one);
    ask(&two, "example.net", DNS_TYPE_A);
    finish();
    ck_assert_int_eq(one.count + two.count, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("resolver");

    TCase *c = tcase_create("a question and its answer");
    tcase_add_test(c, a_name_becomes_an_address);
    tcase_add_test(c, only_the_answer_to_this_very_question_is_believed);
    tcase_add_test(c, ports_and_identifiers_cannot_be_foreseen);
    tcase_add_test(c, equal_questions_share_one_query);
    tcase_add_test(c, who_is_forgotten_is_not_called);
    tcase_add_test(c, what_is_no_name_is_refused);
    tcase_add_test(c, localhost_and_addresses_ask_nobody);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 1034, 3.6.2: aliases");
    tcase_add_test(c, a_chain_of_aliases_is_followed);
    tcase_add_test(c, an_alias_without_its_address_is_asked_for);
    tcase_add_test(c, aliases_without_end_are_given_up);
    suite_add_tcase(s, c);

    c = tcase_create("silence, refusal, nonsense");
    tcase_add_test(c, a_silent_server_is_followed_by_the_next);
    tcase_add_test(c, when_all_are_silent_it_ends_after_a_second_longer_round);
    tcase_add_test(c, a_server_is_asked_as_often_as_the_config_says);
    tcase_add_test(c, a_server_that_fails_is_followed_by_the_next_at_once);
    tcase_add_loop_test(c, who_does_not_know_edns_is_asked_without, 0, 3);
    tcase_add_test(c, an_answer_whose_records_are_flawed_is_not_believed);
    suite_add_tcase(s, c);

    c = tcase_create("what is remembered, and what is meant");
    tcase_add_test(c, an_answer_is_good_for_its_time_to_live);
    tcase_add_test(c, a_denial_is_good_for_as_long_as_the_zone_says);
    tcase_add_test(c, the_cache_has_a_cap_and_forgets_what_nobody_asks_for);
    tcase_add_test(c, a_name_without_dots_is_looked_for_in_the_search_list_first);
    suite_add_tcase(s, c);

    c = tcase_create("RFC 1035, 4.2.2: TCP");
    tcase_add_loop_test(c, an_answer_that_was_cut_short_is_asked_for_over_tcp, 0, 2);
    tcase_add_loop_test(c, a_tcp_server_has_five_seconds_in_all, 0, WAYS);
    tcase_add_test(c, who_is_guessed_at_asks_over_tcp);
    tcase_add_test(c, everything_is_given_back_in_the_middle_of_it);
    suite_add_tcase(s, c);
    return run_suite(s, "resolver");
}
