/*
 * drill_live.c - the stack of a script: made, polled, and listened to.
 *
 * Each packet in and each call is a poll of its own, in the order of DESIGN 4a: take the packet,
 * fire timers, let the waiting call react, pay what is owed. Time stands still in between and jumps
 * to the next deadline when the timeline lets it. What the stack sends waits in a queue until a
 * line of the script asks for it.
 */
#include "sim/drill_run.h"

#include <errno.h>

enum {
    POLLS_AT_ONCE = 10000, /* at one moment of time; more is a stack that spins */
    POLLS_MAX = 2000000,   /* of one script; more is a wait that does not end */
};

static int seeded_random(void *context, void *octets, size_t len)
{
    struct drill_run *run = context;
    struct writer w = writer_of(octets, len);

    while (w.left > 0)
        write_u8(&w, (uint8_t)prng_next(&run->prng));
    return 0;
}

static void *run_alloc(void *context, size_t len)
{
    return memory_alloc(((struct drill_run *)context)->memory, len);
}

static void run_release(void *context, void *octets, size_t len)
{
    memory_release(((struct drill_run *)context)->memory, octets, len);
}

static int64_t run_clock(void *context)
{
    return ((struct drill_run *)context)->now.ns;
}

/* The stack sends: keep it for the line that will ask. */
static int keep(struct frame_sink *sink, const struct frame_meta *meta, const struct iovec *iov,
                int iovcnt, instant now)
{
    struct drill_run *run = CONTAINER_OF(sink, struct drill_run, sink);
    size_t len = 0;

    (void)meta;
    for (int i = 0; i < iovcnt; i++)
        len += iov[i].iov_len;
    struct drill_live *live = memory_alloc(run->memory, sizeof(*live) + len);
    if (!live) {
        run->sink_failed = true;
        return 0;
    }
    live->len = (uint32_t)len;
    live->when = now;
    live->why = WHY_NONE;
    struct writer w = writer_of(live->octets, len);
    for (int i = 0; i < iovcnt; i++)
        write_bytes(&w, iov[i].iov_base, iov[i].iov_len);
    *run->tail = live;
    run->tail = &live->next;
    drill_record_out(run, live);
    return 0;
}

struct drill_live *drill_live_take(struct drill_run *run)
{
    struct drill_live *live = run->head;

    if (!live)
        return NULL;
    run->head = live->next;
    if (!run->head)
        run->tail = &run->head;
    live->next = NULL;
    return live;
}

void drill_live_free(struct drill_run *run, struct drill_live *live)
{
    if (live)
        memory_release(run->memory, live, sizeof(*live) + live->len);
}

/* Small pools: a script has few connections, and thousands of scripts have one stack each. */
static void stay_small(struct stack_values *values)
{
    values->tcp_connections = 64;
    values->tcp_listeners = 16;
    values->sock_sockets = 64;
    values->stack_replies = 64;
    values->see_ring = 64;
    values->arp_entries = 4;
}

int drill_stack_open(struct drill_run *run)
{
    struct stack_config config;

    prng_seed(&run->prng, 1);
    run->env = (struct env){
        .context = run, .mono_ns = run_clock, .wall_ns = run_clock, .random = seeded_random};
    if (run->memory->env && run->memory->env->alloc) { /* else calloc, whose pages cost nothing */
        run->env.alloc = run_alloc;
        run->env.release = run_release;
    }
    stack_config_init(&config);
    config.link = STACK_LINK_IP;
    config.mtu = run->set.mtu;
    config.addr[0] = run->set.local;
    config.addr_count = 1;
    config.values = run->set.values;
    stay_small(&config.values);
    const char *wrong = stack_config_check(&config);
    if (wrong)
        return drill_fail(run, 0, "the stack cannot be set up like this: %s", wrong);
    run->stack = stack_new(&config, &run->env);
    if (!run->stack)
        return drill_fail(run, 0, "no memory for a stack");
    run->sink.send = keep;
    run->tail = &run->head;
    run->begin = run->now = DRILL_BEGIN;
    stack_advance(run->stack, run->now);
    drill_watch_init(run);
    stack_listen(run->stack, &run->watch.sink);
    if (run->config->watch)
        stack_listen(run->stack, run->config->watch);
    return 0;
}

void drill_stack_close(struct drill_run *run)
{
    struct drill_live *live;

    while ((live = drill_live_take(run)))
        drill_live_free(run, live);
    if (!run->stack)
        return;
    if (run->config->watch)
        stack_unlisten(run->stack, run->config->watch);
    stack_unlisten(run->stack, &run->watch.sink);
    stack_free(run->stack);
    run->stack = NULL;
}

/* The second half of a poll: applications, then debts. */
static void react(struct drill_run *run)
{
    short events;

    stack_advance(run->stack, run->now);
    while (sock_next_ready(run->stack, &events) >= 0)
        continue; /* nobody is told by the list: whoever waits is asked again */
    drill_call_again(run);
    if (stack_output_ip(run->stack, &run->sink, run->now))
        run->sink_failed = true;
    if (run->sink_failed)
        drill_fail(run, 0, "no memory for what the stack sends");
}

void drill_poll(struct drill_run *run)
{
    react(run);
}

void drill_hand_over(struct drill_run *run, size_t len, uint16_t segment)
{
    struct frame_meta meta = {0};

    if (segment) {
        meta.gso_size = segment;
        meta.gso_type =
            ip_is_v4(run->set.local.addr) ? (uint8_t)FRAME_GSO_TCPV4 : (uint8_t)FRAME_GSO_TCPV6;
    }
    drill_record_in(run, len);
    stack_input_ip(run->stack, bytes_of(run->packet, len), &meta, run->now);
    react(run);
}

/* What happens next by itself: a timer of the stack, or the time limit of the waiting call. */
static instant next_deadline(const struct drill_run *run)
{
    instant next = stack_deadline(run->stack);

    if (run->op.waiting && !run->op.done)
        next = instant_min(next, run->op.deadline);
    return next;
}

bool drill_step(struct drill_run *run, instant limit)
{
    instant next = next_deadline(run);

    if (instant_is_never(next) || instant_before(limit, next) || run->stopped)
        return false;
    for (int polls = 0;; polls++) {
        if (++run->polls > POLLS_MAX) {
            drill_fail(run, run->event ? run->event->place.line : 0,
                       "this wait does not end: %d timers have run out meanwhile", POLLS_MAX);
            return false;
        }
        if (instant_before(run->now, next))
            run->now = next;
        react(run);
        next = next_deadline(run);
        if (instant_before(run->now, next))
            return true;
        if (polls == POLLS_AT_ONCE) {
            drill_fail(run, run->event ? run->event->place.line : 0,
                       "the stack's deadline stands still: it asks to be polled at once, for ever");
            return false;
        }
    }
}

void drill_pass_time(struct drill_run *run, instant until)
{
    /* A timer that is due together with an event goes off with that event's poll, after it: on a
     * machine timers are late and never early. */
    while (instant_before(next_deadline(run), until) && drill_step(run, until))
        continue;
    if (instant_before(run->now, until))
        run->now = until;
}
