/*
 * drill_call_wait.c - poll() and epoll: readiness, with a time limit that is a deadline here.
 */
#include <errno.h>

#include "sim/drill_call.h"

enum { ASKED_MAX = 64, EVENTS_MAX = 64 };

/* The call's time limit in milliseconds; negative: none. Sets the deadline on the first attempt. */
static void set_limit(struct drill_run *run, struct drill_op *op, int64_t ms)
{
    if (!op->started && ms >= 0)
        op->deadline = instant_add(run->now, ms * NS_PER_MS);
}

/* Nothing is ready: 0, now or when the limit is reached. */
static enum drill_progress nothing_yet(struct drill_run *run, struct drill_op *op)
{
    op->result = 0;
    return instant_before(run->now, op->deadline) ? DRILL_AGAIN : DRILL_DONE;
}

/* --- poll --------------------------------------------------------------------------------- */

static int read_asked(struct drill_run *run, const struct drill_op *op,
                      struct sock_pollfd asked[ASKED_MAX], int64_t expected[ASKED_MAX])
{
    const struct drill_value *list = &op->call->args[0];

    if (list->kind != DRILL_LIST || list->count > ASKED_MAX)
        return drill_fail(run, op_line(op), "poll(): expected a list of {fd=, events=, revents=}");
    for (uint32_t i = 0; i < list->count; i++) {
        const struct drill_value *number = drill_member(&list->items[i], "fd");
        const struct drill_value *events = drill_member(&list->items[i], "events");
        const struct drill_value *revents = drill_member(&list->items[i], "revents");
        int64_t script, wanted = 0;
        if (!number)
            return drill_fail(run, op_line(op), "poll(): no fd=");
        expected[i] = 0;
        if (drill_value_int(run, op, number, &script) ||
            (events && drill_value_int(run, op, events, &wanted)) ||
            (revents && drill_value_int(run, op, revents, &expected[i])))
            return -1;
        const struct drill_fd *fd = drill_fd_find(run, script);
        if (!fd && script >= 0)
            return drill_fail(run, op_line(op),
                              "poll(): descriptor %lld is not open in this script",
                              (long long)script);
        asked[i] = (struct sock_pollfd){.s = fd ? fd->live : -1, .events = (short)wanted};
    }
    return 0;
}

enum drill_progress drill_do_poll(struct drill_run *run, struct drill_op *op)
{
    struct sock_pollfd asked[ASKED_MAX];
    int64_t expected[ASKED_MAX], count, ms;

    if (read_asked(run, op, asked, expected) || drill_arg(run, op, 1, &count) ||
        drill_arg(run, op, 2, &ms))
        return DRILL_BROKEN;
    if (count != op->call->args[0].count) {
        drill_fail(run, op_line(op), "poll(): the list has %u entries", op->call->args[0].count);
        return DRILL_BROKEN;
    }
    set_limit(run, op, ms);
    int ready = sock_poll_many(run->stack, asked, (size_t)count, 0, NULL);
    if (!op->octets) {
        op->octets_len = sizeof(asked);
        op->octets = memory_alloc(run->memory, op->octets_len);
        if (!op->octets) {
            drill_fail(run, op_line(op), "no memory");
            return DRILL_BROKEN;
        }
    }
    memcpy(op->octets, asked, (size_t)count * sizeof(*asked));
    if (ready == 0)
        return nothing_yet(run, op);
    op->result = ready;
    return DRILL_DONE;
}

int drill_check_poll(struct drill_run *run, const struct drill_op *op)
{
    struct sock_pollfd asked[ASKED_MAX], came[ASKED_MAX];
    int64_t expected[ASKED_MAX] = {0};

    if (read_asked(run, op, asked, expected))
        return -1;
    memcpy(came, op->octets, sizeof(came));
    for (uint32_t i = 0; i < op->call->args[0].count; i++) {
        if (came[i].revents != (short)expected[i])
            return drill_fail(run, op_line(op),
                              "poll(): revents of entry %u: expected 0x%llx, came 0x%x", i + 1,
                              (unsigned long long)expected[i], (unsigned)came[i].revents);
    }
    return 0;
}

/* --- epoll -------------------------------------------------------------------------------- */

enum drill_progress drill_do_epoll_create(struct drill_run *run, struct drill_op *op)
{
    int64_t size;

    if (drill_arg(run, op, 0, &size))
        return DRILL_BROKEN;
    int live = size > 0 ? sock_epoll_create(run->stack, 0) : -EINVAL;
    if (live >= 0 && drill_fd_add(run, op, live, DRILL_FD_EPOLL, false, NULL))
        return DRILL_BROKEN;
    return drill_returned(op, live);
}

/* {events=E, fd=n | ptr=n | u32=n | u64=n}; the data is kept as the script has it. */
static int read_event(struct drill_run *run, const struct drill_op *op,
                      const struct drill_value *value, struct epoll_event *out, bool *narrow)
{
    const struct drill_value *events = drill_member(value, "events");
    static const char *const names[] = {"fd", "u32", "ptr", "u64"};
    int64_t number = 0;

    *out = (struct epoll_event){0};
    *narrow = false;
    if (value->kind == DRILL_INTEGER) /* a null pointer */
        return 0;
    if (!events)
        return drill_fail(run, op_line(op), "%s(): expected {events=, fd=}", op->call->name);
    if (drill_value_int(run, op, events, &number))
        return -1;
    out->events = (uint32_t)number;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct drill_value *data = drill_member(value, names[i]);
        if (!data)
            continue;
        if (drill_value_int(run, op, data, &number))
            return -1;
        *narrow = i < 2;
        out->data.u64 = *narrow ? (uint32_t)number : (uint64_t)number;
    }
    return 0;
}

enum drill_progress drill_do_epoll_ctl(struct drill_run *run, struct drill_op *op)
{
    struct drill_fd *set = drill_arg_fd(run, op, 0, DRILL_FD_EPOLL);
    struct drill_fd *fd = drill_arg_fd(run, op, 2, DRILL_FD_SOCKET);
    struct epoll_event event;
    int64_t operation;
    bool narrow;

    if (!set || !fd || drill_arg(run, op, 1, &operation) ||
        read_event(run, op, &op->call->args[3], &event, &narrow))
        return DRILL_BROKEN;
    const struct drill_value *member = drill_member(&op->call->args[3], "fd");
    int64_t named, meant;
    if (member && (drill_value_int(run, op, member, &named) || drill_arg(run, op, 2, &meant)))
        return DRILL_BROKEN;
    if (member && named != meant) {
        drill_fail(run, op_line(op), "epoll_ctl(): fd=%lld is not the third argument, %lld",
                   (long long)named, (long long)meant);
        return DRILL_BROKEN;
    }
    return drill_returned(op,
                          sock_epoll_ctl(run->stack, set->live, (int)operation, fd->live, &event));
}

enum drill_progress drill_do_epoll_wait(struct drill_run *run, struct drill_op *op)
{
    struct drill_fd *set = drill_arg_fd(run, op, 0, DRILL_FD_EPOLL);
    struct epoll_event events[EVENTS_MAX];
    int64_t most, ms;

    if (!set || drill_arg(run, op, 2, &most) || drill_arg(run, op, 3, &ms))
        return DRILL_BROKEN;
    set_limit(run, op, ms);
    int ready = sock_epoll_wait(run->stack, set->live, events,
                                most > EVENTS_MAX ? EVENTS_MAX : (int)most, 0, NULL);
    if (ready == 0)
        return nothing_yet(run, op);
    if (ready > 0) {
        op->extra[0] = events[0].events;
        memcpy(&op->extra[1], &events[0].data.u64, sizeof(op->extra[1]));
    }
    op->result = ready;
    return DRILL_DONE;
}

int drill_check_epoll_wait(struct drill_run *run, const struct drill_op *op)
{
    struct epoll_event expected;
    bool narrow;

    if (read_event(run, op, &op->call->args[1], &expected, &narrow))
        return -1;
    if (op->result == 0)
        return 0;
    if (op->extra[0] != expected.events)
        return drill_fail(run, op_line(op), "epoll_wait(): events: expected 0x%x, came 0x%llx",
                          expected.events, (unsigned long long)op->extra[0]);
    uint64_t data = narrow ? (uint32_t)op->extra[1] : (uint64_t)op->extra[1];
    if (data != expected.data.u64)
        return drill_fail(run, op_line(op), "epoll_wait(): data: expected %llu, came %llu",
                          (unsigned long long)expected.data.u64, (unsigned long long)data);
    return 0;
}
