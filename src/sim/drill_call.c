/*
 * drill_call.c - a call of a script: made, waited for, and its result compared.
 *
 * There are no threads. A blocking call is the call that does not block, tried again after each
 * poll until it no longer says "not yet"; the moment of that poll is when it returned. A call on a
 * descriptor in blocking mode whose line has no `...` simply waits: the script stands still
 * meanwhile, as it would with packetdrill.
 */
#include "sim/drill_call.h"

#include <errno.h>

static const struct drill_call_kind kinds[] = {
    {"socket", 3, 3, drill_do_socket, NULL, true},
    {"bind", 3, 3, drill_do_bind, NULL, false},
    {"listen", 2, 2, drill_do_listen, NULL, false},
    {"accept", 3, 3, drill_do_accept, NULL, true},
    {"connect", 3, 3, drill_do_connect, NULL, false},
    {"close", 1, 1, drill_do_close, NULL, false},
    {"shutdown", 2, 2, drill_do_shutdown, NULL, false},
    {"fcntl", 2, 3, drill_do_fcntl, NULL, false},
    {"ioctl", 2, 3, drill_do_ioctl, drill_check_ioctl, false},
    {"read", 3, 3, drill_do_read, NULL, false},
    {"recv", 4, 4, drill_do_read, NULL, false},
    {"recvfrom", 6, 6, drill_do_read, NULL, false},
    {"readv", 3, 3, drill_do_read, NULL, false},
    {"recvmsg", 3, 3, drill_do_recvmsg, drill_check_recvmsg, false},
    {"write", 3, 3, drill_do_write, NULL, false},
    {"send", 4, 4, drill_do_write, NULL, false},
    {"sendto", 6, 6, drill_do_write, NULL, false},
    {"writev", 3, 3, drill_do_write, NULL, false},
    {"sendmsg", 3, 3, drill_do_sendmsg, NULL, false},
    {"setsockopt", 5, 5, drill_do_setsockopt, NULL, false},
    {"getsockopt", 5, 5, drill_do_getsockopt, drill_check_getsockopt, false},
    {"poll", 3, 3, drill_do_poll, drill_check_poll, false},
    {"epoll_create", 1, 1, drill_do_epoll_create, NULL, true},
    {"epoll_ctl", 4, 4, drill_do_epoll_ctl, NULL, false},
    {"epoll_wait", 4, 4, drill_do_epoll_wait, drill_check_epoll_wait, false},
};

const struct drill_call_kind *drill_call_kind(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    }
    return NULL;
}

/* --- arguments ---------------------------------------------------------------------------- */

int drill_value_int(struct drill_run *run, const struct drill_op *op,
                    const struct drill_value *value, int64_t *out)
{
    const char *unknown;

    if (drill_integer(value, out, &unknown))
        return 0;
    return drill_fail(run, op_line(op), "%s(): %s%s", op->call->name,
                      unknown ? "no such symbol: " : "a number was expected here",
                      unknown ? unknown : "");
}

int drill_arg(struct drill_run *run, const struct drill_op *op, uint32_t at, int64_t *out)
{
    return drill_value_int(run, op, &op->call->args[at], out);
}

const struct drill_value *drill_member(const struct drill_value *value, const char *name)
{
    for (uint32_t i = 0; value->kind == DRILL_STRUCT && i < value->count; i++) {
        if (value->items[i].name && strcmp(value->items[i].name, name) == 0)
            return &value->items[i];
    }
    return NULL;
}

struct drill_fd *drill_fd_find(struct drill_run *run, int64_t script)
{
    for (uint32_t i = 0; i < run->fd_count; i++) {
        if (run->fds[i].script == script)
            return &run->fds[i];
    }
    return NULL;
}

struct drill_fd *drill_arg_fd(struct drill_run *run, const struct drill_op *op, uint32_t at,
                              enum drill_fd_kind kind)
{
    int64_t script;

    if (drill_arg(run, op, at, &script))
        return NULL;
    struct drill_fd *fd = drill_fd_find(run, script);
    if (!fd)
        drill_fail(run, op_line(op), "%s(): descriptor %lld is not open in this script",
                   op->call->name, (long long)script);
    else if (fd->kind != kind)
        drill_fail(run, op_line(op), "%s(): descriptor %lld is %s", op->call->name,
                   (long long)script, kind == DRILL_FD_EPOLL ? "no epoll set" : "no socket");
    return fd && fd->kind == kind ? fd : NULL;
}

int drill_fd_add(struct drill_run *run, const struct drill_op *op, int live,
                 enum drill_fd_kind kind, bool nonblocking, struct drill_conn *conn)
{
    if (op->call->result < 0 || op->call->result_any)
        return 0; /* the script expects none: judged by its result */
    if (drill_fd_find(run, op->call->result))
        return drill_fail(run, op_line(op), "%s(): descriptor %lld is open already", op->call->name,
                          (long long)op->call->result);
    if (run->fd_count == DRILL_FDS)
        return drill_fail(run, op_line(op), "more than %d descriptors", DRILL_FDS);
    run->fds[run->fd_count++] = (struct drill_fd){.script = (int)op->call->result,
                                                  .live = live,
                                                  .kind = kind,
                                                  .nonblocking = nonblocking,
                                                  .conn = conn};
    return 0;
}

bool drill_may_wait(const struct drill_fd *fd, int flags)
{
    return !fd->nonblocking && !(flags & MSG_DONTWAIT);
}

/* --- judging ------------------------------------------------------------------------------ */

static void add_result(struct text *out, int64_t result, const char *errno_name)
{
    text_add_i64(out, result);
    if (errno_name) {
        text_add_char(out, ' ');
        text_add(out, errno_name);
    }
}

static int judge_result(struct drill_run *run, const struct drill_op *op)
{
    const struct drill_call *call = op->call;
    int64_t came = op->result < 0 ? -1 : op->result;
    const char *error = op->result < 0 ? drill_errno_name((int)-op->result) : NULL;
    bool equal = call->result_any || came == call->result;
    char buffer[160];
    struct text text = text_of(buffer, sizeof(buffer));

    if (drill_call_kind(call->name)->makes_fd && call->result >= 0 && came >= 0)
        equal = true;
    if (equal && call->errno_name)
        equal = error && strcmp(error, call->errno_name) == 0;
    if (!equal && call->errno_name && error) {
        int want, have; /* EWOULDBLOCK is EAGAIN */
        equal = came == call->result && drill_errno(call->errno_name, &want) &&
                drill_errno(error, &have) && want == have;
    }
    if (equal)
        return 0;
    text_add(&text, "expected ");
    add_result(&text, call->result, call->errno_name);
    text_add(&text, ", returned ");
    add_result(&text, came, error);
    drill_fail(run, op_line(op), "%s(): %s", call->name, buffer);
    drill_explain(run, op->event, NULL);
    return -1;
}

static int judge_time(struct drill_run *run, const struct drill_op *op)
{
    int64_t off = instant_since(op->ended, op->due);
    int64_t tolerance = drill_tolerance(run, instant_since(op->due, op->scheduled));
    char due[32], ended[32];
    struct text a = text_of(due, sizeof(due)), b = text_of(ended, sizeof(ended));

    if (!op->event->time.blocking || (off < 0 ? -off : off) <= tolerance)
        return 0;
    text_add_seconds(&a, drill_script_ns(run, op->due));
    text_add_seconds(&b, drill_script_ns(run, op->ended));
    drill_fail(run, op_line(op),
               "%s() returned too %s: expected at %s s, returned at %s s (tolerance %lld us)",
               op->call->name, off < 0 ? "early" : "late", due, ended,
               (long long)(tolerance / NS_PER_US));
    drill_explain(run, op->event, NULL);
    return -1;
}

static int judge(struct drill_run *run, const struct drill_op *op)
{
    const struct drill_call_kind *kind = drill_call_kind(op->call->name);
    int err;

    drill_record_call(run, op);
    err = judge_result(run, op);
    if (!err && kind->check && op->result >= 0 && kind->check(run, op)) {
        drill_explain(run, op->event, NULL);
        err = -1;
    }
    if (!err)
        err = judge_time(run, op);
    return err;
}

/* --- making and waiting ------------------------------------------------------------------- */

void drill_call_free(struct drill_run *run, struct drill_op *op)
{
    memory_release(run->memory, op->octets, op->octets_len);
    *op = (struct drill_op){0};
}

/* One attempt; notes the moment when it is done. */
static void attempt(struct drill_run *run, struct drill_op *op)
{
    enum drill_progress progress = op->attempt(run, op);

    op->started = true;
    if (progress == DRILL_AGAIN && instant_before(run->now, op->deadline))
        return;
    op->done = true; /* done, broken, or out of time: then op->result says so already */
    op->ended = run->now;
}

/* What the blocking call has returned is judged at once: what comes after may follow from it. */
void drill_call_again(struct drill_run *run)
{
    struct drill_op *op = &run->op;

    if (!op->waiting || op->done || run->stopped)
        return;
    attempt(run, op);
    if (!op->done || op->here)
        return;
    if (!run->stopped)
        judge(run, op);
    drill_call_free(run, op);
}

int drill_call_settle(struct drill_run *run, instant limit)
{
    while (run->op.waiting && drill_step(run, limit))
        continue;
    if (run->op.waiting && instant_before(run->now, limit))
        run->now = limit;
    return run->stopped ? -1 : 0;
}

/* A line without `...` whose call waits all the same: so do we, as long as something may happen. */
static int wait_here(struct drill_run *run, struct drill_op *op)
{
    struct drill_op other = run->op;

    op->waiting = op->here = true;
    run->op = *op;
    while (!run->op.done && drill_step(run, INSTANT_NEVER))
        continue;
    *op = run->op;
    run->op = other;
    if (op->done)
        return run->stopped ? -1 : 0;
    if (run->stopped)
        return -1;
    drill_fail(run, op_line(op),
               "%s() would block for ever: the descriptor is in blocking mode and nothing is "
               "planned (a blocking call is written start...end)",
               op->call->name);
    drill_explain(run, op->event, NULL);
    return -1;
}

static int start(struct drill_run *run, struct drill_op *op)
{
    bool busy = run->op.waiting;

    attempt(run, op);
    if (run->stopped)
        return -1;
    if (!op->done && op->event->time.blocking) {
        if (busy)
            return drill_fail(run, op_line(op),
                              "%s() blocks while another call still blocks: one at a time",
                              op->call->name);
        op->waiting = true;
        run->op = *op;
        *op = (struct drill_op){0};
    } else if (!op->done && wait_here(run, op)) {
        return -1;
    }
    int err = op->call ? judge(run, op) : 0;
    drill_poll(run);
    return err || run->stopped ? -1 : 0;
}

int drill_call(struct drill_run *run, const struct drill_event *event)
{
    const struct drill_call *call = &event->call;
    const struct drill_call_kind *kind = drill_call_kind(call->name);
    struct drill_op op = {.event = event,
                          .call = call,
                          .scheduled = run->scheduled,
                          .due = run->scheduled,
                          .deadline = INSTANT_NEVER};

    if (!kind || call->arg_count < kind->args_min || call->arg_count > kind->args_max)
        return drill_fail(run, event->place.line, "%s(): no such call, or not so many arguments",
                          call->name);
    if (event->time.blocking)
        op.due = instant_add(op.due, event->time.end_ns - event->time.start_ns);
    if (run->op.waiting && drill_call_settle(run, instant_add(run->now, NS_PER_S)))
        return -1;
    op.attempt = kind->attempt;
    int err = start(run, &op);
    drill_call_free(run, &op);
    return err;
}
