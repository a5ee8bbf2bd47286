/*
 * flows.c - see flows.h.
 *
 * Hosts 0 to n-1 send, n to 2n-1 receive. The octets are all alike and are not looked at: what is
 * measured here is how many come, and sim.c and swarm.c see to it that they are the right ones.
 *
 * Figures are whole numbers, for there is no floating point here: rates in octets a second, shares
 * in parts in a million.
 */
#include "sim/flows.h"

#include <errno.h>
#include <netinet/in.h>
#include <tapio/sock.h>

#include "base/instant.h"
#include "sim/net.h"
#include "stack/stack.h"

enum {
    PORT = 5001,
    START_MS = 100,
    CHUNK = 65536,
    MILLION = 1000000,
    SHARES = 4000, /* the square of a thousand of them, in millionths, fits in 64 bits */
};

struct flows;

struct flow_end {
    struct net_app app;
    struct flows *flows;
    uint32_t number; /* of the flow */
    bool sends;
    int listener, s; /* -1: none */
    uint64_t octets; /* sent or read */
};

struct flows {
    const struct flows_config *config;
    struct memory *memory;
    struct net net;
    struct flow_end *ends; /* 2n */
    int64_t *starts;       /* n */
    uint64_t *skipped;     /* n: octets before skip_ns */
    int64_t *ended;        /* n: when the last octet came; 0: it has not */
    uint32_t complete;
    uint8_t *chunk;
    const char *problem;
};

void flows_config_init(struct flows_config *config)
{
    *config = (struct flows_config){.flows = 1, .time_ns = 10 * NS_PER_S, .mtu = 1500};
    config->there.rate = config->back.rate = 100000000;
    config->there.delay_ns = config->back.delay_ns = 10 * NS_PER_MS;
    config->there.queue_frames = config->back.queue_frames = 100;
    values_default(&config->values);
    config->values.tcp_connections = 16;
    config->values.tcp_time_wait = 16;
    config->values.tcp_syn_cache = 16;
    config->values.sock_sockets = 16;
    config->values.see_ring = 64;
}

void flows_fit_buffers(struct flows_config *config)
{
    const struct impair_config *there = &config->there;
    struct stack_values *v = &config->values;
    uint64_t round_trip_us =
        (uint64_t)(there->delay_ns + config->back.delay_ns) / (uint64_t)NS_PER_US;
    uint64_t pipe = there->rate / 8 * round_trip_us / MILLION;
    uint64_t queue = there->queue_frames ? (uint64_t)there->queue_frames * config->mtu
                                         : there->queue + there->rate / 80;
    uint64_t need = 4 * (pipe + queue);

    if (need > INT32_MAX / 2)
        need = INT32_MAX / 2;
    if (v->tcp_wmem < (int64_t)need)
        v->tcp_wmem = (int64_t)need;
    if (v->tcp_rmem < (int64_t)need)
        v->tcp_rmem = (int64_t)need;
    while (v->tcp_window_scale < 14 && (INT64_C(65535) << v->tcp_window_scale) < v->tcp_rmem)
        v->tcp_window_scale++;
    if (v->tcp_reorder_memory < (int64_t)need)
        v->tcp_reorder_memory = (int64_t)need;
    if (v->mem_frames < 4 * (int64_t)need)
        v->mem_frames = 4 * (int64_t)need;
    if (v->mem_send < 2 * (int64_t)need)
        v->mem_send = 2 * (int64_t)need;
}

/* --- the applications ----------------------------------------------------------------------- */

static void fail(struct flow_end *end, const char *what)
{
    if (!end->flows->problem)
        end->flows->problem = what;
}

static void start_sender(struct flow_end *end, struct stack *stack)
{
    struct flows *f = end->flows;
    struct endpoint to = {.addr = f->net.host[f->config->flows + end->number].addr, .port = PORT};

    end->s = sock_socket(stack, f->config->ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    if (end->s < 0 || sock_connect(stack, end->s, to, NULL) != -EINPROGRESS)
        fail(end, "a sender could not begin");
}

static void write_all(struct flow_end *end, struct stack *stack)
{
    const struct flows_config *config = end->flows->config;

    while (config->octets == 0 || end->octets < config->octets) {
        size_t want = CHUNK;
        if (config->octets && config->octets - end->octets < want)
            want = (size_t)(config->octets - end->octets);
        ssize_t n = sock_send(stack, end->s, end->flows->chunk, want, 0, NULL);
        if (n == -EAGAIN)
            return;
        if (n < 0) {
            fail(end, "a sender's connection broke");
            return;
        }
        end->octets += (uint64_t)n;
    }
}

static void read_all(struct flow_end *end, struct stack *stack)
{
    struct flows *f = end->flows;
    ssize_t n;

    while ((n = sock_recv(stack, end->s, f->chunk, CHUNK, 0, NULL)) > 0)
        end->octets += (uint64_t)n;
    if (n != -EAGAIN)
        fail(end, n == 0 ? "a stream ended early" : "a receiver's connection broke");
    if (f->config->octets && end->octets == f->config->octets && f->ended[end->number] == 0) {
        f->ended[end->number] = f->net.now.ns;
        f->complete++;
    }
}

static instant poll_end(struct net_app *app, struct stack *stack, instant now)
{
    struct flow_end *end = CONTAINER_OF(app, struct flow_end, app);
    int64_t start = end->flows->starts[end->number];
    short events;

    if (end->sends && end->s < 0 && !end->flows->problem) {
        if (now.ns < start)
            return (instant){start};
        start_sender(end, stack);
    }
    for (int s; (s = sock_next_ready(stack, &events)) >= 0;) {
        if (s == end->listener)
            end->s = sock_accept(stack, s, NULL, NULL);
        else if (s != end->s)
            continue;
        else if (events & POLLERR)
            fail(end, "a connection broke");
        else if (end->sends)
            write_all(end, stack);
        else
            read_all(end, stack);
    }
    return INSTANT_NEVER;
}

/* --- making ------------------------------------------------------------------------------- */

static int make_hosts(struct flows *f)
{
    const struct flows_config *config = f->config;
    uint32_t n = config->flows;

    assert(n > 0);
    for (uint32_t i = 0; i < 2 * n; i++) {
        struct flow_end *end = &f->ends[i];
        *end = (struct flow_end){.app = {.poll = poll_end},
                                 .flows = f,
                                 .number = i % n,
                                 .sends = i < n,
                                 .listener = -1,
                                 .s = -1};
        struct net_host_config host = {.app = &end->app,
                                       .values = config->values,
                                       .mtu = config->mtu,
                                       .ipv6 = config->ipv6,
                                       .big_frames = config->big_frames};
        int err = net_add_host(&f->net, &host);
        if (err < 0)
            return err;
        struct stack *stack = f->net.host[i].stack;
        if (end->sends)
            continue;
        end->listener = sock_socket(stack, config->ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
        if (end->listener < 0 || sock_bind(stack, end->listener, (struct endpoint){.port = PORT}) ||
            sock_listen(stack, end->listener, 1))
            return -EINVAL;
    }
    return 0;
}

static int make_network(struct flows *f)
{
    const struct flows_config *config = f->config;
    const struct impair_config fast[2] = {{0}, {0}};
    const struct impair_config bottleneck[2] = {config->there, config->back};
    uint32_t n = config->flows;
    int err = make_hosts(f);

    if (err)
        return err;
    uint32_t left = net_add_router(&f->net), right = net_add_router(&f->net);
    net_join(&f->net, left, right, bottleneck, config->mtu); /* wires 0 and 1 */
    for (uint32_t i = 0; i < n; i++) {
        net_join(&f->net, i, left, fast, config->mtu);
        net_join(&f->net, n + i, right, fast, config->mtu);
        f->starts[i] = (int64_t)prng_below(&f->net.prng, START_MS * (uint64_t)NS_PER_MS);
    }
    if (config->watch)
        stack_listen(f->net.host[0].stack, config->watch);
    return net_start(&f->net);
}

static void *alloc_array(struct flows *f, size_t size, bool *missing)
{
    void *array = memory_alloc(f->memory, size * f->config->flows);

    *missing |= array == NULL;
    return array;
}

static int make(struct flows *f)
{
    bool missing = false;
    uint32_t n = f->config->flows;

    f->ends = alloc_array(f, 2 * sizeof(*f->ends), &missing);
    f->starts = alloc_array(f, sizeof(*f->starts), &missing);
    f->skipped = alloc_array(f, sizeof(*f->skipped), &missing);
    f->ended = alloc_array(f, sizeof(*f->ended), &missing);
    f->chunk = memory_alloc(f->memory, CHUNK);
    if (missing || !f->chunk)
        return -ENOMEM;
    int err = net_init(&f->net, f->memory, f->config->seed, 2 * n, 2, 1 + 2 * n);
    return err ? err : make_network(f);
}

static void end(struct flows *f)
{
    uint32_t n = f->config->flows;

    if (f->net.host && net_fini(&f->net) > 0 && !f->problem)
        f->problem = "a stack has not given back all its memory";
    memory_release(f->memory, f->ends, 2 * n * sizeof(*f->ends));
    memory_release(f->memory, f->starts, n * sizeof(*f->starts));
    memory_release(f->memory, f->skipped, n * sizeof(*f->skipped));
    memory_release(f->memory, f->ended, n * sizeof(*f->ended));
    memory_release(f->memory, f->chunk, CHUNK);
}

/* --- the run and its figures ---------------------------------------------------------------- */

static void run(struct flows *f)
{
    const struct flows_config *config = f->config;
    instant end = {config->time_ns};
    uint32_t n = config->flows;

    while (!f->problem && f->complete < n && net_step(&f->net, (instant){config->skip_ns}))
        ;
    for (uint32_t i = 0; i < n; i++)
        f->skipped[i] = f->ends[n + i].octets;
    while (!f->problem && f->complete < n && net_step(&f->net, end))
        ;
}

static uint64_t rate_of(uint64_t octets, int64_t ns)
{
    return ns > 0 ? octets * 1000 / ((uint64_t)ns / (uint64_t)NS_PER_MS + (ns < NS_PER_MS)) : 0;
}

static void take_flow(struct flows *f, uint32_t i, struct flow_figures *out)
{
    const struct flow_end *receiver = &f->ends[f->config->flows + i];
    struct stack *stack = f->net.host[i].stack;
    int64_t last = f->ended[i] ? f->ended[i] : f->net.now.ns;
    struct stack_counters c;
    struct sock_info info;

    *out = (struct flow_figures){.octets = receiver->octets - f->skipped[i],
                                 .counted_ns = last - f->config->skip_ns,
                                 .complete = f->ended[i] != 0};
    stack_counters(stack, &c);
    out->retransmits = c.events[COUNTER_TCP_RETRANSMITS];
    out->timeouts = c.events[COUNTER_TCP_TIMEOUTS];
    if (f->ends[i].s >= 0 && sock_info(stack, f->ends[i].s, &info) == 0) {
        out->snd_mss = info.snd_mss;
        out->cwnd = info.facts.cwnd;
        out->srtt_us = info.facts.srtt_us;
    }
}

/* Jain's index of the rates x: (sum x)^2 / (n * sum x^2). Only their proportions count, so each is
 * taken as a share of the largest. */
static uint32_t fairness_of(const struct flow_figures *figures, uint32_t n)
{
    uint64_t most = 1, sum = 0, squares = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint64_t rate = rate_of(figures[i].octets, figures[i].counted_ns);
        most = rate > most ? rate : most;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint64_t x = rate_of(figures[i].octets, figures[i].counted_ns) * SHARES / most;
        sum += x;
        squares += x * x;
    }
    return squares ? (uint32_t)(sum * sum * MILLION / (squares * n)) : 0;
}

static void take_figures(struct flows *f, struct flow_figures *figures, struct flows_result *result)
{
    const struct flows_config *config = f->config;
    uint64_t octets = 0;
    uint32_t mss = 0;

    for (uint32_t i = 0; i < config->flows; i++) {
        take_flow(f, i, &figures[i]);
        octets += figures[i].octets;
        mss = u32_max(mss, figures[i].snd_mss);
    }
    result->fairness = fairness_of(figures, config->flows);
    result->goodput = rate_of(octets, f->net.now.ns - config->skip_ns);
    result->capacity = config->there.rate / 8 * mss / config->mtu;
    result->took_ns = f->net.now.ns;
    result->packets = net_sent(&f->net);
    result->steps = f->net.steps;
    result->there = f->net.wire[0].bad.counters;
    result->back = f->net.wire[1].bad.counters;
}

int flows_run(const struct flows_config *config, struct memory *memory,
              struct flow_figures *figures, struct flows_result *result)
{
    struct flows f = {.config = config, .memory = memory};

    assert(config->flows > 0 && config->flows <= FLOWS_MAX);
    *result = (struct flows_result){0};
    int err = make(&f);
    if (!err) {
        run(&f);
        take_figures(&f, figures, result);
    }
    end(&f);
    result->problem = f.problem;
    return err;
}
