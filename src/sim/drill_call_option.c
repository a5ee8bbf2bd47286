/*
 * drill_call_option.c - setsockopt() and getsockopt().
 *
 * A value is [n] (an int), "text", {onoff=n, linger=n} or an address; the length is passed as the
 * script gives it, right or wrong.
 */
#include <errno.h>

#include "sim/drill_call.h"

enum { VALUE_ROOM = 256 };

/* The value's octets as C lays them out; `len` is what they take. */
static int lay_out(struct drill_run *run, const struct drill_op *op,
                   const struct drill_value *value, uint8_t out[VALUE_ROOM], size_t *len)
{
    int64_t number;

    memset(out, 0, VALUE_ROOM);
    if (value->kind == DRILL_STRING) {
        *len = size_min((size_t)value->integer, VALUE_ROOM);
        memcpy(out, value->text, *len);
        return 0;
    }
    if (value->kind == DRILL_ADDRESS) {
        *len = sizeof(value->address);
        memcpy(out, &value->address, *len);
        return 0;
    }
    const struct drill_value *onoff = drill_member(value, "onoff");
    const struct drill_value *seconds = drill_member(value, "linger");
    if (onoff && seconds) {
        struct linger linger;
        int64_t on, for_s;
        if (drill_value_int(run, op, onoff, &on) || drill_value_int(run, op, seconds, &for_s))
            return -1;
        linger = (struct linger){(int)on, (int)for_s};
        *len = sizeof(linger);
        memcpy(out, &linger, *len);
        return 0;
    }
    const struct drill_value *one =
        value->kind == DRILL_LIST && value->count == 1 ? &value->items[0] : value;
    if (drill_value_int(run, op, one, &number))
        return -1;
    int as_int = (int)number;
    *len = sizeof(as_int);
    memcpy(out, &as_int, *len);
    return 0;
}

enum drill_progress drill_do_setsockopt(struct drill_run *run, struct drill_op *op)
{
    struct drill_fd *fd = drill_arg_fd(run, op, 0, DRILL_FD_SOCKET);
    int64_t level, option, len;
    uint8_t value[VALUE_ROOM];
    size_t laid_out;

    if (!fd || drill_arg(run, op, 1, &level) || drill_arg(run, op, 2, &option) ||
        lay_out(run, op, &op->call->args[3], value, &laid_out) || drill_arg(run, op, 4, &len))
        return DRILL_BROKEN;
    if (len < 0 || len > VALUE_ROOM) {
        op->result = -EINVAL;
        return DRILL_DONE;
    }
    return drill_returned(
        op, sock_setsockopt(run->stack, fd->live, (int)level, (int)option, value, (socklen_t)len));
}

/* [n], the length that goes in and that comes out. */
static int read_len(struct drill_run *run, const struct drill_op *op, int64_t *out)
{
    const struct drill_value *value = &op->call->args[4];

    if (value->kind == DRILL_LIST && value->count == 1)
        return drill_value_int(run, op, &value->items[0], out);
    return drill_fail(run, op_line(op), "getsockopt(): the length is written [n]");
}

enum drill_progress drill_do_getsockopt(struct drill_run *run, struct drill_op *op)
{
    struct drill_fd *fd = drill_arg_fd(run, op, 0, DRILL_FD_SOCKET);
    int64_t level, option, in = 0;

    if (!fd || drill_arg(run, op, 1, &level) || drill_arg(run, op, 2, &option) ||
        read_len(run, op, &in))
        return DRILL_BROKEN;
    if (in < 0 || in > VALUE_ROOM) {
        drill_fail(run, op_line(op), "getsockopt(): a length of at most %d", VALUE_ROOM);
        return DRILL_BROKEN;
    }
    if (!op->octets) {
        op->octets_len = VALUE_ROOM;
        op->octets = memory_alloc(run->memory, op->octets_len);
        if (!op->octets) {
            drill_fail(run, op_line(op), "no memory");
            return DRILL_BROKEN;
        }
    }
    socklen_t len = (socklen_t)in;
    int err = sock_getsockopt(run->stack, fd->live, (int)level, (int)option, op->octets, &len);
    op->count = len;
    return drill_returned(op, err);
}

int drill_check_getsockopt(struct drill_run *run, const struct drill_op *op)
{
    const struct drill_value *value = &op->call->args[3];
    uint8_t expected[VALUE_ROOM];
    size_t laid_out;
    int64_t len = 0;
    int want, came;

    if (read_len(run, op, &len))
        return -1;
    if ((int64_t)op->count != len)
        return drill_fail(run, op_line(op), "getsockopt(): length: expected [%lld], came [%zu]",
                          (long long)len, op->count);
    if (value->kind == DRILL_ELLIPSIS ||
        (value->kind == DRILL_LIST && value->count && value->items[0].kind == DRILL_ELLIPSIS))
        return 0;
    if (lay_out(run, op, value, expected, &laid_out))
        return -1;
    size_t compared = size_min(op->count, value->kind == DRILL_STRING ? op->count : laid_out);
    if (memcmp(expected, op->octets, compared) == 0)
        return 0;
    memcpy(&want, expected, sizeof(want));
    memcpy(&came, op->octets, sizeof(came));
    if (value->kind == DRILL_LIST)
        return drill_fail(run, op_line(op), "getsockopt(): expected [%d], came [%d]", want, came);
    return drill_fail(run, op_line(op), "getsockopt(): the value is another");
}
