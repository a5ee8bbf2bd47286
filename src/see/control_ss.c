/*
 * control_ss.c - the verb `ss`: what is alive in the stack, one line each.
 *
 * First a line about the stack, then one for each listener, connection and so on, in the order of
 * stack_snapshot(). All that is known is told; who asks leaves out what he does not want to see.
 * What can be asked for by name (a connection's number, a port, a state) is sought here, so that
 * one of 100,000 does not cost 100,000 lines.
 */
#include <errno.h>

#include "see/causes.h"
#include "see/control.h"

enum { SCHEMA = 1, PIECES = 64 };

struct ss {
    struct snapshot_cursor at;
    struct causes causes;
    bool told_stack;
    int64_t conn, port; /* -1: any */
    int state;          /* -1: any */
};

static const char *const fields[] = {"conn", "port", "state", NULL};

static bool begin(struct control_call *call, const struct control_request *request, instant now,
                  struct text *why)
{
    struct ss *ss = call->state;
    const char *state = NULL;

    (void)now;
    ss->conn = ss->port = ss->state = -1;
    if (!control_take_number(request, "conn", 1, UINT32_MAX, &ss->conn, why) ||
        !control_take_number(request, "port", 0, UINT16_MAX, &ss->port, why) ||
        !control_take_text(request, "state", &state, why))
        return false;
    for (int i = 0; state && i < TCP_STATE_COUNT; i++)
        if (strcmp(state, tcp_state_name((enum tcp_state)i)) == 0)
            ss->state = i;
    if (state && ss->state < 0) {
        text_add(why, "state: no such one; they are named as in RFC 9293, such as ESTABLISHED");
        return false;
    }
    if (!causes_init(&ss->causes, call->context->stack, call->context->memory)) {
        text_add(why, "there is no memory for it now");
        return false;
    }
    return true;
}

static void end(struct control_call *call, instant now)
{
    struct ss *ss = call->state;

    (void)now;
    causes_fini(&ss->causes, call->context->memory);
}

/* --- lines -------------------------------------------------------------------------------- */

static void tell_stack(const struct control_context *context, struct text *line)
{
    struct stack_usage usage;
    struct json j = control_line(line, "ss", SCHEMA, "stack");

    stack_usage(context->stack, &usage);
    json_add_string(&j, "device", context->device);
    json_add_i64(&j, "pid", context->pid);
    json_add_i64(&j, "mtu_octets", stack_config(context->stack)->mtu);
    json_add_u64(&j, "connections", usage.connections);
    json_add_u64(&j, "half_open", usage.half_open);
    json_add_u64(&j, "time_wait", usage.time_wait);
    json_add_u64(&j, "orphans", usage.orphans);
    json_add_u64(&j, "listeners", usage.listeners);
    json_add_u64(&j, "sockets", usage.sockets);
    json_add_u64(&j, "memory_cap_octets", stack_memory_cap(context->stack));
    json_close(&j, '}');
}

static const char *protocol_of(enum snapshot_kind kind)
{
    return kind == SNAPSHOT_UDP ? "udp" : kind == SNAPSHOT_PING ? "icmp" : "tcp";
}

static void tell_flags(struct json *j, const struct stack_snapshot *one)
{
    json_open_member(j, "flags", '[');
#define TAPIO_X(name)                                                                              \
    if (one->name)                                                                                 \
        json_add_element(j, #name);
    TAPIO_SNAPSHOT_FLAG_LIST(TAPIO_X)
#undef TAPIO_X
    json_close(j, ']');
}

static void tell_timers(struct json *j, const struct stack_snapshot *one)
{
    json_open_member(j, "timers", '[');
    for (int i = 0; i < TIMER_KIND_COUNT; i++) {
        if (one->timer_ns[i] < 0)
            continue;
        json_open(j, '{');
        json_add_string(j, "timer", timer_kind_name((enum timer_kind)i));
        json_add_i64(j, "in_us", one->timer_ns[i] / 1000);
        json_close(j, '}');
    }
    json_close(j, ']');
}

/* Why its cwnd last changed, other than by growing as acknowledgements came. */
static void tell_cause(struct json *j, const struct ss *ss, const struct stack_snapshot *one,
                       instant now)
{
    const struct cause *cause = causes_find(&ss->causes, one->id);

    if (!cause)
        return;
    json_open_member(j, "cwnd_change", '{');
    json_add_string(j, "cause", cause->why);
    json_add_i64(j, "ago_ms", (now.ns - cause->when.ns) / 1000000);
    json_add_u64(j, "cwnd_octets", cause->cwnd);
    if (cause->ssthresh != UINT32_MAX)
        json_add_u64(j, "ssthresh_octets", cause->ssthresh);
    json_close(j, '}');
}

static void tell_one(const struct ss *ss, const struct stack_snapshot *one, instant now,
                     struct text *line)
{
    struct json j = control_line(line, "ss", SCHEMA, snapshot_kind_name(one->kind));

    json_add_string(&j, "protocol", protocol_of(one->kind));
    json_add_string(&j, "state", tcp_state_name(one->state));
    json_add_ip(&j, "local_addr", one->local.addr);
    json_add_u64(&j, "local_port", one->local.port);
    json_add_ip(&j, "remote_addr", one->remote.addr);
    json_add_u64(&j, "remote_port", one->remote.port);
    if (one->id)
        json_add_u64(&j, "conn", one->id);
    if (one->error)
        json_add_i64(&j, "errno", one->error);
    if (one->congestion_control)
        json_add_string(&j, "congestion_control", one->congestion_control);
    if (one->phase)
        json_add_string(&j, "phase", one->phase);
    if (one->limit != LIMIT_NONE) {
        json_add_string(&j, "limited_by", snapshot_limit_key(one->limit));
        json_add_string(&j, "limited_because", snapshot_limit_sentence(one->limit));
    }
    tell_cause(&j, ss, one, now);
#define TAPIO_X(name)                                                                              \
    if (one->name != SNAPSHOT_UNKNOWN)                                                             \
        json_add_u64(&j, #name, one->name);
    TAPIO_SNAPSHOT_NUMBER_LIST(TAPIO_X)
#undef TAPIO_X
    tell_flags(&j, one);
    tell_timers(&j, one);
    json_close(&j, '}');
}

/* --- the reply ---------------------------------------------------------------------------- */

static bool is_wanted(const struct ss *ss, const struct stack_snapshot *one)
{
    return (ss->conn < 0 || one->id == ss->conn) &&
           (ss->port < 0 || one->local.port == ss->port || one->remote.port == ss->port) &&
           (ss->state < 0 || (one->kind != SNAPSHOT_UDP && one->kind != SNAPSHOT_PING &&
                              (int)one->state == ss->state));
}

static enum control_progress more(struct control_call *call, struct text *line, instant now)
{
    struct ss *ss = call->state;
    struct stack_snapshot one = {.size = sizeof(one)};

    if (!ss->told_stack) {
        ss->told_stack = true;
        tell_stack(call->context, line);
        return CONTROL_MORE;
    }
    for (int i = 0; i < PIECES; i++) {
        int n = stack_snapshot(call->context->stack, &ss->at, &one);
        if (n == 0)
            return CONTROL_DONE;
        if (n == -EAGAIN)
            break;
        if (is_wanted(ss, &one)) {
            tell_one(ss, &one, now, line);
            break;
        }
    }
    return CONTROL_MORE;
}

const struct control_verb control_ss = {
    .name = "ss",
    .schema = SCHEMA,
    .fields = fields,
    .state = sizeof(struct ss),
    .ring = CONTROL_RING,
    .begin = begin,
    .more = more,
    .end = end,
};
