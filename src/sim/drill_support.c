/*
 * drill_support.c - which calls we can make, and with which arguments.
 *
 * What a script asks of a socket is known from its text alone, so this is asked before it runs.
 * Options and flags are listed by name: what is not on a list is missing, and the script a skip.
 */
#include <netinet/in.h>

#include "sim/drill_call.h"

static const char *const socket_options[] = {
    "SO_REUSEADDR",  "SO_KEEPALIVE",      "SO_LINGER",
    "SO_SNDBUF",     "SO_RCVBUF",         "SO_RCVTIMEO",
    "SO_SNDTIMEO",   "SO_PRIORITY",       "SO_MARK",
    "SO_ERROR",      "SO_TYPE",           "SO_DOMAIN",
    "SO_PROTOCOL",   "SO_ACCEPTCONN",     "TCP_NODELAY",
    "TCP_MAXSEG",    "TCP_CORK",          "TCP_KEEPIDLE",
    "TCP_KEEPINTVL", "TCP_KEEPCNT",       "TCP_USER_TIMEOUT",
    "TCP_LINGER2",   "TCP_SYNCNT",        "TCP_DEFER_ACCEPT",
    "TCP_QUICKACK",  "TCP_WINDOW_CLAMP",  "TCP_NOTSENT_LOWAT",
    "TCP_INQ",       "TCP_INFO",          "IP_TOS",
    "IP_TTL",        "IP_MTU_DISCOVER",   "IPV6_V6ONLY",
    "IPV6_TCLASS",   "IPV6_UNICAST_HOPS", "IPV6_MTU_DISCOVER",
};

static const char *const message_flags[] = {
    "MSG_PEEK", "MSG_DONTWAIT", "MSG_NOSIGNAL", "MSG_TRUNC",
    "MSG_MORE", "MSG_WAITALL",  "MSG_CTRUNC",
};

static bool is_in(const char *word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], word) == 0)
            return true;
    }
    return false;
}

static const char *say(char text[DRILL_REASON], const char *name, const char *what)
{
    struct text out = text_of(text, DRILL_REASON);

    text_add(&out, name);
    text_add(&out, "(");
    text_add(&out, what);
    text_add(&out, ")");
    return text;
}

// NOLINTBEGIN(misc-no-recursion): the parser lets values be at most DRILL_DEPTH_MAX deep

/* The first word of a value that we have no meaning for, or NULL. */
static const char *strange_word(const struct drill_value *value)
{
    int64_t number;

    if (value->kind == DRILL_WORD) {
        if (strncmp(value->text, "MSG_", 4) == 0)
            return is_in(value->text, message_flags, ARRAY_LEN(message_flags)) ? NULL : value->text;
        return drill_symbol(value->text, &number) ? NULL : value->text;
    }
    if (value->kind != DRILL_OR && value->kind != DRILL_LIST && value->kind != DRILL_STRUCT)
        return NULL;
    for (uint32_t i = 0; i < value->count; i++) {
        const char *word = strange_word(&value->items[i]);
        if (word)
            return word;
    }
    return NULL;
}

// NOLINTEND(misc-no-recursion)

static const char *option_trouble(const struct drill_call *call, char text[DRILL_REASON])
{
    const struct drill_value *option = call->arg_count > 2 ? &call->args[2] : NULL;

    if (!option || option->kind != DRILL_WORD ||
        is_in(option->text, socket_options, ARRAY_LEN(socket_options)))
        return NULL;
    return say(text, call->name, option->text);
}

static const char *socket_trouble(const struct drill_call *call, char text[DRILL_REASON])
{
    const char *unknown;
    int64_t type, protocol;

    if (call->arg_count != 3 || !drill_integer(&call->args[1], &type, &unknown) ||
        !drill_integer(&call->args[2], &protocol, &unknown))
        return NULL;
    if ((type & 0xf) != SOCK_STREAM)
        return say(text, call->name, (type & 0xf) == SOCK_DGRAM ? "SOCK_DGRAM" : "SOCK_RAW");
    return protocol == IPPROTO_TCP || protocol == 0 ? NULL : say(text, call->name, "protocol");
}

/* Control messages: of those that recvmsg() gives, one. */
static const char *message_trouble(const struct drill_call *call, char text[DRILL_REASON])
{
    const struct drill_value *control =
        call->arg_count > 1 ? drill_member(&call->args[1], "msg_control") : NULL;
    int64_t type;
    const char *unknown;

    if (!control || control->kind != DRILL_LIST || control->count == 0)
        return NULL;
    const struct drill_value *member = drill_member(&control->items[0], "cmsg_type");
    int64_t inq;
    if (control->count == 1 && member && drill_integer(member, &type, &unknown) &&
        drill_symbol("TCP_CM_INQ", &inq) && type == inq)
        return NULL;
    return say(text, call->name, "msg_control");
}

const char *drill_call_trouble(const struct drill_call *call, char text[DRILL_REASON])
{
    const char *trouble = NULL;

    if (!drill_call_kind(call->name))
        return say(text, call->name, "");
    if (strcmp(call->name, "socket") == 0)
        trouble = socket_trouble(call, text);
    else if (strstr(call->name, "sockopt"))
        trouble = option_trouble(call, text);
    else if (strstr(call->name, "msg"))
        trouble = message_trouble(call, text);
    for (uint32_t i = 0; i < call->arg_count && !trouble; i++) {
        const char *word = strange_word(&call->args[i]);
        if (word)
            trouble = say(text, call->name, word);
    }
    return trouble;
}
