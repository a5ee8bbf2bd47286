/*
 * drill_call_text.c - calls that move octets: read and write, recv and send, and their kin.
 *
 * What is written is zeros and what is read is never looked at, so one buffer serves every form: a
 * scattered list is laid out in it piece by piece. A blocking write returns when all of it has been
 * taken, a blocking read with something, or with all of it when it says MSG_WAITALL.
 */
#include <errno.h>

#include "sim/drill_call.h"

enum { BUFFER_MAX = 64 << 20, PIECES = 64 };

/* What a call asks for, whatever its form. */
struct request {
    struct drill_fd *fd;
    int flags;
    size_t len;
    bool null; /* the script's buffer is a null pointer */
    struct iovec iov[PIECES];
    int iovcnt;
    bool scattered;
};

/* [{..., n}, {..., n}] */
static int read_list(struct drill_run *run, struct drill_op *op, const struct drill_value *list,
                     struct request *out)
{
    if (list->kind != DRILL_LIST || list->count > PIECES)
        return drill_fail(run, op_line(op), "%s(): expected a list of {..., n}", op->call->name);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct drill_value *piece = &list->items[i];
        int64_t len;
        if (piece->kind != DRILL_STRUCT || piece->count != 2)
            return drill_fail(run, op_line(op), "%s(): expected {..., n}", op->call->name);
        if (drill_value_int(run, op, &piece->items[1], &len))
            return -1;
        out->iov[i].iov_len = (size_t)len;
        out->len += (size_t)len;
    }
    out->iovcnt = (int)list->count;
    out->scattered = true;
    return 0;
}

static int read_buffer(struct drill_run *run, struct drill_op *op, struct request *out)
{
    const struct drill_value *buffer = &op->call->args[1];
    int64_t len, pointer;

    if (buffer->kind != DRILL_ELLIPSIS && buffer->kind != DRILL_STRING) {
        if (drill_value_int(run, op, buffer, &pointer))
            return -1;
        if (pointer)
            return drill_fail(run, op_line(op), "%s(): a buffer is ... or 0", op->call->name);
        out->null = true;
    }
    if (drill_arg(run, op, 2, &len))
        return -1;
    out->len = (size_t)len;
    out->iov[0].iov_len = out->len;
    out->iovcnt = 1;
    return 0;
}

/* Reads the arguments and makes the buffer, once. */
static int prepare(struct drill_run *run, struct drill_op *op, struct request *out)
{
    const struct drill_call *call = op->call;
    size_t name_len = strlen(call->name);
    int64_t flags = 0, count;
    int err;

    *out = (struct request){.fd = drill_arg_fd(run, op, 0, DRILL_FD_SOCKET)};
    if (!out->fd)
        return -1;
    if (call->name[name_len - 1] == 'v' && strcmp(call->name, "recv") != 0) { /* readv, writev */
        err = read_list(run, op, &call->args[1], out);
        if (!err)
            err = drill_arg(run, op, 2, &count);
        if (!err && count != out->iovcnt)
            err = drill_fail(run, op_line(op), "%s(): the list has %d pieces", call->name,
                             out->iovcnt);
    } else if (strstr(call->name, "msg")) {
        const struct drill_value *iov = drill_member(&call->args[1], "msg_iov");
        err = iov ? read_list(run, op, iov, out)
                  : drill_fail(run, op_line(op), "%s(): no msg_iov", call->name);
        if (!err)
            err = drill_arg(run, op, 2, &flags);
    } else {
        err = read_buffer(run, op, out);
        if (!err && call->arg_count > 3)
            err = drill_arg(run, op, 3, &flags);
    }
    if (err)
        return -1;
    out->flags = (int)flags;
    if (out->len > BUFFER_MAX)
        return drill_fail(run, op_line(op), "%s(): more than %d octets", call->name, BUFFER_MAX);
    if (!op->octets && !out->null) {
        op->octets_len = out->len + 1;
        op->octets = memory_alloc(run->memory, op->octets_len);
        if (!op->octets)
            return drill_fail(run, op_line(op), "no memory");
    }
    for (size_t i = 0, at = 0; i < (size_t)out->iovcnt && !out->null; i++) {
        out->iov[i].iov_base = op->octets + at;
        at += out->iov[i].iov_len;
    }
    return 0;
}

/* SO_RCVTIMEO or SO_SNDTIMEO: how long the call may wait. */
static void set_deadline(struct drill_run *run, struct drill_op *op, const struct drill_fd *fd,
                         int option)
{
    struct timeval limit = {0};
    socklen_t len = sizeof(limit);

    if (op->started || sock_getsockopt(run->stack, fd->live, SOL_SOCKET, option, &limit, &len) != 0)
        return;
    if (limit.tv_sec || limit.tv_usec)
        op->deadline = instant_add(run->now, limit.tv_sec * NS_PER_S + limit.tv_usec * NS_PER_US);
}

/* One attempt has moved `n` octets (or failed): is the call over? */
static enum drill_progress account(struct drill_op *op, ssize_t n, const struct request *request,
                                   bool all)
{
    bool wait = drill_may_wait(request->fd, request->flags);

    if (n > 0)
        op->count += (size_t)n;
    op->result = op->count ? (int64_t)op->count : n;
    if (n == -EAGAIN)
        return wait && !(op->count && !all) ? DRILL_AGAIN : DRILL_DONE;
    if (n <= 0 || !wait || !all || op->count >= request->len)
        return DRILL_DONE;
    return DRILL_AGAIN;
}

static ssize_t read_once(struct drill_run *run, const struct request *r, const struct drill_op *op,
                         int flags)
{
    const char *name = op->call->name;
    uint8_t *at = r->null ? NULL : op->octets + op->count;
    size_t len = r->len - op->count;
    int live = r->fd->live;

    if (strcmp(name, "readv") == 0 && !op->count)
        return sock_readv(run->stack, live, r->iov, r->iovcnt, NULL);
    if (strcmp(name, "read") == 0 || strcmp(name, "readv") == 0)
        return sock_read(run->stack, live, at, len, NULL);
    if (strcmp(name, "recvfrom") == 0)
        return sock_recvfrom(run->stack, live, at, len, flags, NULL, NULL);
    return sock_recv(run->stack, live, at, len, flags, NULL);
}

enum drill_progress drill_do_read(struct drill_run *run, struct drill_op *op)
{
    struct request r;

    if (prepare(run, op, &r))
        return DRILL_BROKEN;
    bool all = r.flags & MSG_WAITALL && !(r.flags & MSG_PEEK);
    set_deadline(run, op, r.fd, SO_RCVTIMEO);
    enum drill_progress progress;
    size_t before;
    do { /* behind the last text there may be the end, which ends MSG_WAITALL */
        before = op->count;
        progress = account(op, read_once(run, &r, op, r.flags & ~MSG_WAITALL), &r, all);
    } while (progress == DRILL_AGAIN && op->count > before);
    return progress;
}

static ssize_t write_once(struct drill_run *run, const struct request *r, const struct drill_op *op)
{
    const char *name = op->call->name;
    uint8_t *at = r->null ? NULL : op->octets + op->count;
    size_t len = r->len - op->count;
    int live = r->fd->live;

    if (strcmp(name, "writev") == 0 && !op->count)
        return sock_writev(run->stack, live, r->iov, r->iovcnt, NULL);
    if (strcmp(name, "sendmsg") == 0 && !op->count)
        return sock_sendmsg(run->stack, live,
                            &(struct sock_msg){.iov = r->iov, .iovcnt = r->iovcnt}, r->flags, NULL);
    if (strcmp(name, "sendto") == 0)
        return sock_sendto(run->stack, live, at, len, r->flags, NULL, NULL);
    if (strcmp(name, "write") == 0 || strcmp(name, "writev") == 0)
        return sock_write(run->stack, live, at, len, NULL);
    return sock_send(run->stack, live, at, len, r->flags, NULL);
}

enum drill_progress drill_do_write(struct drill_run *run, struct drill_op *op)
{
    struct request r;
    enum drill_progress progress;

    if (prepare(run, op, &r))
        return DRILL_BROKEN;
    set_deadline(run, op, r.fd, SO_SNDTIMEO);
    size_t before;
    do { /* as long as it takes something: a blocking write is one call to its caller */
        before = op->count;
        progress = account(op, write_once(run, &r, op), &r, true);
    } while (progress == DRILL_AGAIN && op->count > before);
    return progress;
}

enum drill_progress drill_do_sendmsg(struct drill_run *run, struct drill_op *op)
{
    return drill_do_write(run, op);
}

/* --- recvmsg ------------------------------------------------------------------------------ */

enum { CONTROL_ROOM = 256 };

enum drill_progress drill_do_recvmsg(struct drill_run *run, struct drill_op *op)
{
    struct request r;
    uint8_t control[CONTROL_ROOM];
    struct sock_msg msg;

    if (prepare(run, op, &r))
        return DRILL_BROKEN;
    set_deadline(run, op, r.fd, SO_RCVTIMEO);
    msg = (struct sock_msg){
        .iov = r.iov, .iovcnt = r.iovcnt, .control = control, .control_len = sizeof(control)};
    ssize_t n = sock_recvmsg(run->stack, r.fd->live, &msg, r.flags & ~MSG_WAITALL, NULL);
    op->extra[0] = n >= 0 ? msg.flags : 0;
    op->extra[1] = -1; /* TCP_INQ: none */
    struct reader in = reader_of(bytes_of(control, n >= 0 ? msg.control_len : 0));
    struct cmsghdr head;
    int inq;
    if (in.rest.len >= CMSG_LEN(sizeof(inq))) {
        read_into(&in, &head, sizeof(head));
        read_into(&in, &inq, sizeof(inq));
        op->extra[1] = inq;
        op->extra[2] = head.cmsg_level;
        op->extra[3] = head.cmsg_type;
    }
    return account(op, n, &r, false);
}

/* {cmsg_level=L, cmsg_type=T, cmsg_data=N} */
static int check_control(struct drill_run *run, const struct drill_op *op,
                         const struct drill_value *list)
{
    static const char *const names[] = {"cmsg_data", "cmsg_level", "cmsg_type"};

    if (list->kind != DRILL_LIST || list->count == 0)
        return op->extra[1] < 0 ? 0
                                : drill_fail(run, op_line(op),
                                             "recvmsg(): expected no control "
                                             "message, and one came");
    if (op->extra[1] < 0)
        return drill_fail(run, op_line(op), "recvmsg(): expected a control message, and none came");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct drill_value *member = drill_member(&list->items[0], names[i]);
        int64_t expected;
        if (!member || member->kind == DRILL_ELLIPSIS)
            continue;
        if (drill_value_int(run, op, member, &expected))
            return -1;
        if (expected != op->extra[1 + i])
            return drill_fail(run, op_line(op), "recvmsg(): %s: expected %lld, came %lld", names[i],
                              (long long)expected, (long long)op->extra[1 + i]);
    }
    return 0;
}

int drill_check_recvmsg(struct drill_run *run, const struct drill_op *op)
{
    const struct drill_value *flags = drill_member(&op->call->args[1], "msg_flags");
    const struct drill_value *control = drill_member(&op->call->args[1], "msg_control");
    int64_t expected = 0;

    if (flags && flags->kind != DRILL_ELLIPSIS && drill_value_int(run, op, flags, &expected))
        return -1;
    if (flags && flags->kind != DRILL_ELLIPSIS && expected != op->extra[0])
        return drill_fail(run, op_line(op), "recvmsg(): msg_flags: expected 0x%llx, came 0x%llx",
                          (unsigned long long)expected, (unsigned long long)op->extra[0]);
    return control && control->kind != DRILL_ELLIPSIS ? check_control(run, op, control) : 0;
}
