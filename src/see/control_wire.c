/*
 * control_wire.c - the verb `wire`: the impairments of the stack's wire, told and changed.
 *
 * Who may come to the control socket may also end the process, trace it and read its memory: he is
 * its own user, or root. So there is no further permission to ask for: what is there can be
 * changed. What is not there cannot be added to a running device, and the answer says which options
 * would have made it. The page is another matter: whoever reaches our address can ask it, so it
 * changes nothing without --allow-control.
 */
#include "see/control.h"

enum { SCHEMA = 1 };

static const char *const fields[] = {"set", NULL};

static bool begin(struct control_call *call, const struct control_request *request, instant now,
                  struct text *why)
{
    const struct control_ops *ops = call->context->wire;
    const char *spec = NULL;
    char reason[200];

    (void)now;
    if (!control_take_text(request, "set", &spec, why))
        return false;
    if (!ops) {
        text_add(why, "this stack's wire cannot be changed; start it with --allow-control, or with "
                      "--impair");
        return false;
    }
    if (!spec || ops->change_wire(ops->context, spec, reason, sizeof(reason)) == 0)
        return true;
    text_add(why, "set: ");
    text_add_escaped(why, bytes_of(reason, strlen(reason)));
    return false;
}

static enum control_progress more(struct control_call *call, struct text *line, instant now)
{
    const struct control_ops *ops = call->context->wire;
    struct control_wire wire[CONTROL_WIRES];
    struct json j = control_line(line, "wire", SCHEMA, "wire");

    (void)now;
    ops->wire(ops->context, wire);
    json_open_member(&j, "wire", '['); /* in, and out */
    for (int i = 0; i < CONTROL_WIRES; i++) {
        json_open(&j, '{');
        json_add_u64(&j, "loss_ppm", wire[i].loss_ppm);
        json_add_i64(&j, "delay_us", wire[i].delay_us);
        json_add_u64(&j, "rate_bps", wire[i].rate_bps);
        json_add_u64(&j, "lost", wire[i].lost);
        json_add_u64(&j, "rate_dropped", wire[i].rate_dropped);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    json_close(&j, '}');
    return CONTROL_DONE;
}

const struct control_verb control_wire = {
    .name = "wire",
    .schema = SCHEMA,
    .fields = fields,
    .state = sizeof(char),
    .ring = CONTROL_RING,
    .begin = begin,
    .more = more,
};
