/*
 * drill_call_open.c - calls that make, name, join and end sockets.
 *
 * Addresses are never the script's: bind() is to local_ip:bind_port, connect() to
 * remote_ip:connect_port. What a call means for the connection under test is noted here: socket()
 * makes a new one, listen() and connect() say what it waits for, accept() gives the newest child
 * that has answered a SYN its socket.
 */
#include <errno.h>

#include "sim/drill_call.h"

enum { TYPE_MASK = 0xf };

enum drill_progress drill_do_socket(struct drill_run *run, struct drill_op *op)
{
    int64_t domain = run->set.family == DRILL_V4 ? AF_INET : AF_INET6, type, protocol;

    if (op->call->args[0].kind != DRILL_ELLIPSIS && drill_arg(run, op, 0, &domain))
        return DRILL_BROKEN;
    if (drill_arg(run, op, 1, &type) || drill_arg(run, op, 2, &protocol))
        return DRILL_BROKEN;
    int live = sock_socket(run->stack, (int)domain, (int)type, (int)protocol);
    if (live >= 0) {
        struct drill_conn *conn = drill_conn_new(run, DRILL_FRESH);
        if (!conn || drill_fd_add(run, op, live, DRILL_FD_SOCKET, type & SOCK_NONBLOCK, conn))
            return DRILL_BROKEN;
        conn->sock = live;
    }
    return drill_returned(op, live);
}

enum drill_progress drill_do_bind(struct drill_run *run, struct drill_op *op)
{
    struct drill_fd *fd = drill_arg_fd(run, op, 0, DRILL_FD_SOCKET);
    struct endpoint local = {run->set.local.addr, run->set.bind_port};

    if (!fd)
        return DRILL_BROKEN;
    return drill_returned(op, sock_bind(run->stack, fd->live, local));
}

enum drill_progress drill_do_listen(struct drill_run *run, struct drill_op *op)
{
    struct drill_fd *fd = drill_arg_fd(run, op, 0, DRILL_FD_SOCKET);
    int64_t backlog;

    if (!fd || drill_arg(run, op, 1, &backlog))
        return DRILL_BROKEN;
    int err = sock_listen(run->stack, fd->live, (int)backlog);
    if (!err && fd->conn)
        fd->conn->stage = DRILL_LISTENING;
    return drill_returned(op, err);
}

enum drill_progress drill_do_accept(struct drill_run *run, struct drill_op *op)
{
    struct drill_fd *fd = drill_arg_fd(run, op, 0, DRILL_FD_SOCKET);
    struct endpoint remote;

    if (!fd)
        return DRILL_BROKEN;
    int live = sock_accept(run->stack, fd->live, &remote, NULL);
    if (live >= 0) {
        struct drill_conn *conn = run->conns;
        while (conn && (conn->sock >= 0 || !endpoint_equal(conn->remote, remote)))
            conn = conn->next;
        if (conn) {
            conn->sock = live;
            conn->stage = DRILL_OPEN;
        }
        if (drill_fd_add(run, op, live, DRILL_FD_SOCKET, false, conn))
            return DRILL_BROKEN;
    }
    drill_returned(op, live);
    return live == -EAGAIN && !drill_may_wait(fd, 0) ? DRILL_DONE
           : live == -EAGAIN                         ? DRILL_AGAIN
                                                     : DRILL_DONE;
}

/* The connection begins anew: its ports and numbers are not known. */
static void forget(struct drill_conn *conn, enum drill_stage stage, struct endpoint remote)
{
    conn->stage = stage;
    conn->local = (struct endpoint){0};
    conn->remote = remote;
    conn->peer_isn = conn->script_isn = conn->live_isn = 0;
    conn->ts_count = 0;
    conn->ts_shifted = false;
}

/* connect() has returned once and the caller sleeps: is it over? */
static enum drill_progress connect_again(struct drill_run *run, struct drill_op *op,
                                         struct drill_fd *fd)
{
    int error = 0, events = sock_poll(run->stack, fd->live);
    socklen_t len = sizeof(error);

    op->result = -EINPROGRESS;
    if (!(events & (POLLOUT | POLLERR | POLLHUP)))
        return DRILL_AGAIN;
    int err = sock_getsockopt(run->stack, fd->live, SOL_SOCKET, SO_ERROR, &error, &len);
    op->result = err ? err : -error;
    return DRILL_DONE;
}

enum drill_progress drill_do_connect(struct drill_run *run, struct drill_op *op)
{
    struct drill_fd *fd = drill_arg_fd(run, op, 0, DRILL_FD_SOCKET);
    struct endpoint remote = {run->set.remote.addr, run->set.connect_port};
    int64_t family = -1;

    if (!fd)
        return DRILL_BROKEN;
    if (op->call->args[1].kind != DRILL_ELLIPSIS && op->call->args[1].kind != DRILL_STRUCT &&
        drill_arg(run, op, 1, &family))
        return DRILL_BROKEN;
    if (family == AF_UNSPEC) {
        int err = sock_disconnect(run->stack, fd->live);
        if (!err && fd->conn)
            forget(fd->conn, DRILL_FRESH, (struct endpoint){0});
        return drill_returned(op, err);
    }
    if (op->started)
        return connect_again(run, op, fd);
    op->result = sock_connect(run->stack, fd->live, remote, NULL);
    if (op->result != -EINPROGRESS)
        return DRILL_DONE;
    if (fd->conn)
        forget(fd->conn, DRILL_CONNECTING, remote);
    return drill_may_wait(fd, 0) ? DRILL_AGAIN : DRILL_DONE;
}

/* SO_LINGER with a time: close() of a blocking socket waits for what is on its way. Tells the
 * sending side to end, on the first attempt, and whether there is something to wait for. */
static bool lingers(struct drill_run *run, struct drill_op *op, const struct drill_fd *fd)
{
    struct linger linger = {0};
    struct sock_info info;
    socklen_t len = sizeof(linger);

    if (fd->kind != DRILL_FD_SOCKET || !drill_may_wait(fd, 0) ||
        sock_getsockopt(run->stack, fd->live, SOL_SOCKET, SO_LINGER, &linger, &len) ||
        !linger.l_onoff || linger.l_linger <= 0 || sock_info(run->stack, fd->live, &info) ||
        info.receive_queued > 0)
        return false;
    if (!op->started) {
        op->deadline = instant_add(run->now, linger.l_linger * NS_PER_S);
        if (sock_shutdown(run->stack, fd->live, SHUT_WR) || sock_info(run->stack, fd->live, &info))
            return false;
    }
    return instant_before(run->now, op->deadline) &&
           (info.send_queued > 0 || info.facts.state == TCPS_FIN_WAIT_1 ||
            info.facts.state == TCPS_CLOSING || info.facts.state == TCPS_LAST_ACK);
}

enum drill_progress drill_do_close(struct drill_run *run, struct drill_op *op)
{
    int64_t script;

    if (drill_arg(run, op, 0, &script))
        return DRILL_BROKEN;
    struct drill_fd *fd = drill_fd_find(run, script);
    if (!fd) {
        drill_fail(run, op_line(op), "close(): descriptor %lld is not open in this script",
                   (long long)script);
        return DRILL_BROKEN;
    }
    op->result = 0;
    if (lingers(run, op, fd))
        return DRILL_AGAIN;
    int err = sock_close(run->stack, fd->live);
    if (fd->conn && fd->conn->sock == fd->live)
        fd->conn->sock = -1;
    *fd = run->fds[--run->fd_count];
    return drill_returned(op, err);
}

enum drill_progress drill_do_shutdown(struct drill_run *run, struct drill_op *op)
{
    struct drill_fd *fd = drill_arg_fd(run, op, 0, DRILL_FD_SOCKET);
    int64_t how;

    if (!fd || drill_arg(run, op, 1, &how))
        return DRILL_BROKEN;
    return drill_returned(op, sock_shutdown(run->stack, fd->live, (int)how));
}

enum drill_progress drill_do_fcntl(struct drill_run *run, struct drill_op *op)
{
    struct drill_fd *fd = drill_arg_fd(run, op, 0, DRILL_FD_SOCKET);
    int64_t command, argument = 0;

    if (!fd || drill_arg(run, op, 1, &command) ||
        (op->call->arg_count > 2 && drill_arg(run, op, 2, &argument)))
        return DRILL_BROKEN;
    int result = sock_fcntl(run->stack, fd->live, (int)command, (int)argument);
    if (result >= 0 && command == F_SETFL)
        fd->nonblocking = argument & O_NONBLOCK;
    return drill_returned(op, result);
}

enum drill_progress drill_do_ioctl(struct drill_run *run, struct drill_op *op)
{
    struct drill_fd *fd = drill_arg_fd(run, op, 0, DRILL_FD_SOCKET);
    int64_t request, expected = 0;
    const struct drill_value *third = op->call->arg_count > 2 ? &op->call->args[2] : NULL;

    if (!fd || drill_arg(run, op, 1, &request))
        return DRILL_BROKEN;
    if (third && (third->kind != DRILL_LIST || third->count != 1)) {
        drill_fail(run, op_line(op), "ioctl(): the value is written [n]");
        return DRILL_BROKEN;
    }
    if (third && drill_value_int(run, op, &third->items[0], &expected))
        return DRILL_BROKEN;
    int value = request == FIONBIO ? (int)expected : 0;
    int result = sock_ioctl(run->stack, fd->live, (unsigned long)request, &value);
    if (result >= 0 && request == FIONBIO)
        fd->nonblocking = value;
    op->extra[0] = value;
    op->extra[1] = expected;
    return drill_returned(op, result);
}

int drill_check_ioctl(struct drill_run *run, const struct drill_op *op)
{
    if (op->call->arg_count < 3 || op->call->args[2].kind != DRILL_LIST ||
        op->extra[0] == op->extra[1])
        return 0;
    return drill_fail(run, op_line(op), "ioctl(): expected [%lld], came [%lld]",
                      (long long)op->extra[1], (long long)op->extra[0]);
}
