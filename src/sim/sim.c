/*
 * sim.c - see sim.h.
 *
 * The wire is a pipe with an impairment around the client's end. Time stands still while there are
 * frames to run and jumps to the next deadline when there are none, so a virtual hour costs what
 * happens in it. Each stream's octet at a position follows from the position and a key, so the
 * reader needs no copy of what was written.
 */
#include "sim/sim.h"

#include <errno.h>
#include <netinet/in.h>
#include <tapio/sock.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/instant.h"
#include "base/prng.h"
#include "dev/pipe.h"

enum { SERVER_PORT = 7, CHUNK = 8192, POLLS_MAX = 20000000 };

/* One end of one connection. */
struct end {
    int s;            /* -1: not open (yet, or any more) */
    uint32_t to_send; /* octets of its own stream */
    uint32_t sent, received;
    uint32_t expected; /* octets of the peer's stream */
    uint32_t out_key, in_key;
    instant paused; /* reads nothing before */
    bool shut, finished;
    bool refused; /* connect() failed: the peer will never see it */
};

struct side {
    struct sim *sim;
    struct stack *stack;
    struct dev *dev;
    struct env env;
    struct prng randomness;
    int listener;
    struct end *ends;
    uint32_t finished;
};

struct sim {
    const struct sim_config *config;
    struct memory *memory;
    struct prng prng;
    instant now;
    struct side side[2];
    struct sim_result *result;
};

void sim_config_init(struct sim_config *config)
{
    *config = (struct sim_config){
        .connections = 4, .octets = 262144, .limit_ns = 3600 * NS_PER_S, .mtu = 1500};
    values_default(&config->values);
    config->values.tcp_connections = 1024;
    config->values.sock_sockets = 1024;
    config->values.see_ring = 64;
    /* Three questions lost in a row would end an opening connection, and rightly; what is under
     * test here is TCP. */
    config->values.arp_tries = 16;
    /* A burst of losses is counted in packets, so who sends one in two minutes may lose many in a
     * row; that R2 gives up then is right, too, and not what is under test. */
    config->values.tcp_retries = 64;
}

static void problem(struct sim *sim, const char *what)
{
    if (!sim->result->problem)
        sim->result->problem = what;
}

/* --- streams ------------------------------------------------------------------------------------
 */

static uint8_t stream_octet(uint32_t key, uint32_t at)
{
    uint32_t x = (at + key) * UINT32_C(2654435761);

    return (uint8_t)(x >> 24 ^ x >> 11);
}

static void send_some(struct sim *sim, struct side *side, struct end *end)
{
    uint8_t octets[CHUNK];

    while (end->sent < end->to_send) {
        uint32_t want = 1 + (uint32_t)prng_below(&sim->prng, CHUNK);
        uint32_t len = u32_min(want, end->to_send - end->sent);
        for (uint32_t i = 0; i < len; i++)
            octets[i] = stream_octet(end->out_key, end->sent + i);
        ssize_t n = sock_send(side->stack, end->s, octets, len, 0, NULL);
        if (n == -EAGAIN)
            return;
        if (n < 0) {
            problem(sim, "a send failed");
            end->sent = end->to_send;
            return;
        }
        end->sent += (uint32_t)n;
    }
    if (!end->shut) {
        end->shut = true;
        if (sock_shutdown(side->stack, end->s, SHUT_WR))
            problem(sim, "shutdown() failed");
    }
}

static void finish(struct side *side, struct end *end)
{
    sock_close(side->stack, end->s);
    end->s = -1;
    end->finished = true;
    side->finished++;
}

static void receive_some(struct sim *sim, struct side *side, struct end *end)
{
    uint8_t octets[CHUNK];

    while (!instant_before(sim->now, end->paused)) {
        ssize_t n = sock_recv(side->stack, end->s, octets,
                              1 + (size_t)prng_below(&sim->prng, CHUNK), 0, NULL);
        if (n == -EAGAIN)
            return;
        if (n < 0) {
            problem(sim, "a connection broke");
            finish(side, end);
            return;
        }
        if (n == 0) {
            if (end->received != end->expected)
                problem(sim, "the stream ended early");
            else if (end->shut)
                finish(side, end);
            return;
        }
        for (uint32_t i = 0; i < (uint32_t)n; i++) {
            if (octets[i] != stream_octet(end->in_key, end->received + i))
                problem(sim, "an octet is wrong");
        }
        end->received += (uint32_t)n;
        sim->result->verified += (uint64_t)n;
        if (prng_chance(&sim->prng, UINT32_MAX / 64)) /* a slow reader: the window closes */
            end->paused = instant_add(sim->now, (int64_t)prng_below(&sim->prng, 3 * NS_PER_S));
    }
}

/* --- connections -------------------------------------------------------------------------- */

static struct end *end_of(struct sim *sim, struct side *side, int s)
{
    for (uint32_t i = 0; i < sim->config->connections; i++) {
        if (side->ends[i].s == s)
            return &side->ends[i];
    }
    return NULL;
}

/* The first four octets of the client's stream would tell which connection it is; its port does
 * too. */
static void accept_some(struct sim *sim)
{
    struct side *server = &sim->side[SIM_SERVER];
    struct side *client = &sim->side[SIM_CLIENT];
    struct endpoint remote;

    for (int s; (s = sock_accept(server->stack, server->listener, &remote, NULL)) >= 0;) {
        for (uint32_t i = 0; i < sim->config->connections; i++) {
            struct endpoint name;
            if (client->ends[i].s >= 0 &&
                sock_getsockname(client->stack, client->ends[i].s, &name) == 0 &&
                name.port == remote.port)
                server->ends[i].s = s;
        }
    }
}

static int open_connections(struct sim *sim)
{
    struct side *client = &sim->side[SIM_CLIENT];
    struct side *server = &sim->side[SIM_SERVER];
    struct endpoint to = {.addr = stack_config(server->stack)->addr[0].addr, .port = SERVER_PORT};

    int family = sim->config->ipv6 ? AF_INET6 : AF_INET;
    server->listener = sock_socket(server->stack, family, SOCK_STREAM, 0);
    if (server->listener < 0 ||
        sock_bind(server->stack, server->listener, (struct endpoint){.port = SERVER_PORT}) ||
        sock_listen(server->stack, server->listener, (int)sim->config->connections))
        return -EINVAL;
    for (uint32_t i = 0; i < sim->config->connections; i++) {
        struct end *a = &client->ends[i], *b = &server->ends[i];
        *a = (struct end){.s = sock_socket(client->stack, family, SOCK_STREAM, 0)};
        *b = (struct end){.s = -1};
        a->to_send = b->expected = (uint32_t)prng_below(&sim->prng, sim->config->octets + 1ul);
        b->to_send = a->expected = (uint32_t)prng_below(&sim->prng, sim->config->octets + 1ul);
        a->out_key = b->in_key = (uint32_t)prng_next(&sim->prng);
        b->out_key = a->in_key = (uint32_t)prng_next(&sim->prng);
        if (a->s < 0 || sock_connect(client->stack, a->s, to, NULL) != -EINPROGRESS)
            return -EINVAL;
    }
    return 0;
}

static void serve(struct sim *sim, enum sim_side which)
{
    struct side *side = &sim->side[which];
    short events;

    for (int s; (s = sock_next_ready(side->stack, &events)) >= 0;) {
        if (which == SIM_SERVER && s == side->listener) {
            accept_some(sim);
            continue;
        }
        struct end *end = end_of(sim, side, s);
        if (!end)
            continue;
        if (events & POLLOUT && !(events & POLLERR))
            send_some(sim, side, end);
        if (events & (POLLIN | POLLERR))
            receive_some(sim, side, end);
    }
}

/* Readers whose pause is over. Returns when the next one's will be. */
static instant resume_readers(struct sim *sim, enum sim_side which)
{
    struct side *side = &sim->side[which];
    instant next = INSTANT_NEVER;

    for (uint32_t i = 0; i < sim->config->connections; i++) {
        struct end *end = &side->ends[i];
        if (end->s < 0 || end->paused.ns == 0)
            continue;
        if (!instant_before(sim->now, end->paused)) {
            end->paused = (instant){0};
            sock_again(side->stack, end->s);
        } else {
            next = instant_min(next, end->paused);
        }
    }
    return next;
}

/* --- the run -------------------------------------------------------------------------------------
 */

static bool is_conserved(const struct stack *stack)
{
    struct stack_counters c;
    uint64_t dropped = 0;

    stack_counters(stack, &c);
    for (int i = 0; i < DROP_COUNT; i++)
        dropped += c.drops[i];
    return c.received == c.consumed + c.held + dropped;
}

static bool is_empty(const struct stack *stack)
{
    struct stack_usage u;

    stack_usage(stack, &u);
    return u.connections == 0 && u.frames == 0 && u.send_chunks == 0 && u.islands == 0 &&
           u.senders == 0 && u.ranges == 0 && u.timers == 0 && u.sockets == 0 && u.listeners == 0;
}

/* One poll of one side; true when frames were run. */
static bool poll_side(struct sim *sim, enum sim_side which)
{
    struct side *side = &sim->side[which];
    int frames = stack_receive(side->stack, side->dev, sim->now);

    serve(sim, which);
    if (stack_send(side->stack, side->dev, sim->now) == -ENETDOWN || frames < 0)
        problem(sim, "the wire is gone");
    if (!is_conserved(side->stack))
        problem(sim, "a frame was lost without a name");
    return frames > 0;
}

static bool all_finished(struct sim *sim)
{
    struct side *client = &sim->side[SIM_CLIENT];
    struct side *server = &sim->side[SIM_SERVER];

    if (client->finished < sim->config->connections || server->finished < sim->config->connections)
        return false;
    if (server->listener >= 0) {
        sock_close(server->stack, server->listener);
        server->listener = -1;
    }
    return is_empty(client->stack) && is_empty(server->stack);
}

static void run(struct sim *sim)
{
    while (!sim->result->problem && !all_finished(sim)) {
        bool busy = false;
        instant next = INSTANT_NEVER;

        for (int i = 0; i < 2; i++) {
            instant reader = resume_readers(sim, (enum sim_side)i);
            busy |= poll_side(sim, (enum sim_side)i);
            next = instant_min(next, reader);
            next = instant_min(next, stack_deadline(sim->side[i].stack));
            next = instant_min(next, dev_deadline(sim->side[i].dev));
        }
        if (++sim->result->polls > POLLS_MAX || sim->now.ns > sim->config->limit_ns)
            problem(sim, "it does not end");
        if (busy || all_finished(sim)) /* without ARP the last timer may be TIME-WAIT's */
            continue;
        if (instant_is_never(next))
            problem(sim, "nothing is planned, and something is missing");
        else if (instant_before(sim->now, next))
            sim->now = next;
        else
            sim->now = instant_add(sim->now, NS_PER_US);
    }
}

/* --- making and ending -------------------------------------------------------------------- */

static int seeded_random(void *context, void *octets, size_t len)
{
    struct side *side = context;
    struct writer w = writer_of(octets, len);

    while (w.left > 0)
        write_u8(&w, (uint8_t)prng_next(&side->randomness));
    return 0;
}

static void *side_alloc(void *context, size_t len)
{
    return memory_alloc(((struct side *)context)->sim->memory, len);
}

static void side_release(void *context, void *octets, size_t len)
{
    memory_release(((struct side *)context)->sim->memory, octets, len);
}

/* 10.0.0.1 and 10.0.0.2, or fd00::1 and fd00::2. */
static struct ip_prefix address_of(const struct sim_config *config, enum sim_side which)
{
    uint8_t last = which == SIM_CLIENT ? 1 : 2;

    if (config->ipv6)
        return (struct ip_prefix){{{0xfd, [15] = last}}, 64};
    return (struct ip_prefix){ip_from_v4(0x0a000000u | last), 24};
}

static int make_side(struct sim *sim, enum sim_side which)
{
    const struct sim_config *config = sim->config;
    struct side *side = &sim->side[which];
    struct stack_config stack;

    stack_config_init(&stack);
    stack.values = config->values;
    stack.mtu = config->mtu;
    stack.link = config->link;
    stack.addr[0] = address_of(config, which);
    stack.addr_count = 1;
    prng_seed(&side->randomness, prng_next(&sim->prng));
    side->sim = sim;
    side->env = (struct env){
        .context = side, .random = seeded_random, .alloc = side_alloc, .release = side_release};
    side->listener = -1;
    side->ends = memory_alloc(sim->memory, config->connections * sizeof(*side->ends));
    side->stack = side->ends ? stack_new(&stack, &side->env) : NULL;
    if (!side->stack)
        return -ENOMEM;
    if (config->watch[which])
        stack_listen(side->stack, config->watch[which]);
    return 0;
}

static int make_wire(struct sim *sim)
{
    const struct sim_config *config = sim->config;
    struct pipe_config pipe = {.mtu = config->mtu,
                               .capacity = 4 << 20,
                               .ip_only = config->link == STACK_LINK_IP,
                               .csum_offload = config->csum_offload};
    struct impair_config in = config->to_client, out = config->to_server;
    struct dev *ends[2];
    int err = pipe_new(sim->memory, &pipe, ends);

    if (err)
        return err;
    in.seed = prng_next(&sim->prng);
    out.seed = prng_next(&sim->prng);
    sim->side[SIM_CLIENT].dev = ends[0];
    sim->side[SIM_SERVER].dev = ends[1];
    return impair_new(sim->memory, ends[0], &in, &out, &sim->side[SIM_CLIENT].dev);
}

static void take_result(struct sim *sim)
{
    sim->result->took_ns = sim->now.ns;
    for (int i = 0; i < 2; i++)
        stack_counters(sim->side[i].stack, &sim->result->counters[i]);
    for (int i = 0; i < 2; i++)
        sim->result->wire[i] =
            impair_counters(sim->side[SIM_CLIENT].dev, i == 0 ? IMPAIR_IN : IMPAIR_OUT);
}

int sim_run(const struct sim_config *config, struct memory *memory, struct sim_result *result)
{
    struct sim sim = {.config = config, .memory = memory, .result = result};

    *result = (struct sim_result){0};
    prng_seed(&sim.prng, config->seed);
    int err = make_wire(&sim);
    if (!err)
        err = make_side(&sim, SIM_CLIENT);
    if (!err)
        err = make_side(&sim, SIM_SERVER);
    if (!err)
        err = open_connections(&sim);
    if (!err) {
        run(&sim);
        take_result(&sim);
    }
    for (int i = 0; i < 2; i++) {
        struct side *side = &sim.side[i];
        stack_free(side->stack);
        if (side->dev)
            dev_close(side->dev);
        if (side->ends)
            memory_release(memory, side->ends, config->connections * sizeof(*side->ends));
    }
    return err;
}
