/*
 * drill_call.h - what the files of the calls share. Private to src/sim/drill_call*.c.
 *
 * Each call has an attempt(), which makes the call once without waiting, and may have a check(),
 * which compares what the call has put out once its result is as expected.
 */
#ifndef TAPIO_SIM_DRILL_CALL_H
#define TAPIO_SIM_DRILL_CALL_H

#include "sim/drill_run.h"

typedef enum drill_progress drill_attempt(struct drill_run *run, struct drill_op *op);

struct drill_call_kind {
    const char *name;
    uint32_t args_min, args_max;
    drill_attempt *attempt;
    int (*check)(struct drill_run *run, const struct drill_op *op);
    bool makes_fd; /* any result >= 0 will do where the script has one */
};

const struct drill_call_kind *drill_call_kind(const char *name);

/* --- arguments: -1, or DRILL_BROKEN, after drill_fail() -------------------------------------- */

int drill_arg(struct drill_run *run, const struct drill_op *op, uint32_t at, int64_t *out);
int drill_value_int(struct drill_run *run, const struct drill_op *op,
                    const struct drill_value *value, int64_t *out);
/* NULL: no such descriptor, or not one of that kind. */
struct drill_fd *drill_arg_fd(struct drill_run *run, const struct drill_op *op, uint32_t at,
                              enum drill_fd_kind kind);
struct drill_fd *drill_fd_find(struct drill_run *run, int64_t script);
NODISCARD int drill_fd_add(struct drill_run *run, const struct drill_op *op, int live,
                           enum drill_fd_kind kind, bool nonblocking, struct drill_conn *conn);
/* The member of a struct by its name, or NULL. */
const struct drill_value *drill_member(const struct drill_value *value, const char *name);

static inline uint32_t op_line(const struct drill_op *op)
{
    return op->event->place.line;
}

/* What a call without waiting has returned: done, unless it says "not yet". */
static inline enum drill_progress drill_returned(struct drill_op *op, int64_t result)
{
    op->result = result;
    return result == -11 /* EAGAIN */ ? DRILL_AGAIN : DRILL_DONE;
}

/* May the call wait, or does its descriptor or flag forbid it? */
bool drill_may_wait(const struct drill_fd *fd, int flags);

drill_attempt drill_do_socket, drill_do_bind, drill_do_listen, drill_do_accept, drill_do_connect,
    drill_do_close, drill_do_shutdown, drill_do_fcntl, drill_do_ioctl;
drill_attempt drill_do_read, drill_do_write, drill_do_recvmsg, drill_do_sendmsg;
drill_attempt drill_do_setsockopt, drill_do_getsockopt;
drill_attempt drill_do_poll, drill_do_epoll_create, drill_do_epoll_ctl, drill_do_epoll_wait;
int drill_check_ioctl(struct drill_run *run, const struct drill_op *op);
int drill_check_recvmsg(struct drill_run *run, const struct drill_op *op);
int drill_check_getsockopt(struct drill_run *run, const struct drill_op *op);
int drill_check_poll(struct drill_run *run, const struct drill_op *op);
int drill_check_epoll_wait(struct drill_run *run, const struct drill_op *op);

#endif
