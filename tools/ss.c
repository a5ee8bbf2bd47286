/*
 * ss.c - `tapio ss`: what is alive in a running stack, in the words of ss(8).
 *
 * As ss does, it shows by default what has somebody at its other end, with -l what waits for
 * somebody, with -a both. --json prints the stack's own lines, of which docs/control.md tells.
 * --stacks asks nobody: it lists the sockets that somebody listens at, for programs that let
 * choose.
 */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "control_client.h"
#include "options.h"
#include "ss_show.h"
#include "verbs.h"

struct ss_verb {
    struct options options;
    const char *control;
    bool json, stacks, tcp, udp, listening, all, no_head;
    struct ss_style style;
    const char *state; /* as the stack calls it */
    uint64_t port, conn;
    bool port_given;
};

/* --- the command line --------------------------------------------------------------------- */

static int take_control(void *context, const char *text, struct refusal *refusal)
{
    return control_path_take(&((struct ss_verb *)context)->control, text, refusal);
}

#define FLAG(name, field)                                                                          \
    static int take_##name(void *context, const char *text, struct refusal *refusal)               \
    {                                                                                              \
        (void)text, (void)refusal;                                                                 \
        ((struct ss_verb *)context)->field = true;                                                 \
        return 0;                                                                                  \
    }
FLAG(json, json)
FLAG(stacks, stacks)
FLAG(tcp, tcp)
FLAG(udp, udp)
FLAG(listening, listening)
FLAG(all, all)
FLAG(info, style.details)
FLAG(timers, style.timers)
FLAG(no_head, no_head)

static int take_numeric(void *context, const char *text, struct refusal *refusal)
{
    (void)context, (void)text, (void)refusal; /* everything is: there for fingers that type -tin */
    return 0;
}

/* ss's words, and those of the RFC. */
static int take_state(void *context, const char *text, struct refusal *refusal)
{
    static const char *const words[][2] = {{"estab", "ESTABLISHED"},
                                           {"syn-recv", "SYN-RECEIVED"},
                                           {"unconn", "CLOSED"},
                                           {"listening", "LISTEN"}};
    struct ss_verb *ss = context;

    ss->state = NULL;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasecmp(text, words[i][0]) == 0)
            ss->state = words[i][1];
    for (int i = 0; i < TCP_STATE_COUNT; i++)
        if (strcasecmp(text, tcp_state_name((enum tcp_state)i)) == 0)
            ss->state = tcp_state_name((enum tcp_state)i);
    if (ss->state)
        return 0;
    return refuse(
        refusal, EXIT_USAGE,
        "--state %s: no such state; there are established, syn-sent, syn-recv, "
        "fin-wait-1, fin-wait-2, time-wait, close-wait, last-ack, closing, listen, closed",
        text);
}

static int take_port(void *context, const char *text, struct refusal *refusal)
{
    struct ss_verb *ss = context;

    ss->port_given = true;
    if (number_parse(text, 0, 65535, &ss->port))
        return 0;
    return refuse(refusal, EXIT_USAGE, "--port %s: not a port from 0 to 65535", text);
}

static int take_conn(void *context, const char *text, struct refusal *refusal)
{
    if (number_parse(text, 1, UINT32_MAX, &((struct ss_verb *)context)->conn))
        return 0;
    return refuse(refusal, EXIT_USAGE, "--conn %s: not the number of a connection", text);
}

/* clang-format off */
static const struct option_row rows[] = {
    {"control",   0,   "PATH", "the stack's socket (default: that of the only one that runs)", take_control},
    {"json",      0,   NULL,   "the stack's own lines, one JSON object each",                  take_json},
    {"stacks",    0,   NULL,   "instead of all that: the sockets of the stacks that run, one a line",   take_stacks},
    {"tcp",       't', NULL,   "TCP",                                                          take_tcp},
    {"udp",       'u', NULL,   "UDP and ICMP (without -t and -u: all)",                        take_udp},
    {"listening", 'l', NULL,   "what waits for somebody, instead of what has somebody",        take_listening},
    {"all",       'a', NULL,   "both, and what has ended",                                     take_all},
    {"info",      'i', NULL,   "all that TCP knows: windows, round trips, what limits it now", take_info},
    {"options",   'o', NULL,   "timers, as ss calls it",                                       take_timers},
    {"numeric",   'n', NULL,   "no names of ports: it never prints any",                       take_numeric},
    {"no-header", 'H', NULL,   "no line of titles",                                            take_no_head},
    {"state",     0,   "STATE","those in this state of TCP alone",                             take_state},
    {"port",      0,   "N",    "those with this port at either end alone",                     take_port},
    {"conn",      0,   "N",    "the connection of this number alone (id: with -i)",            take_conn},
};
/* clang-format on */

static const struct option_verb verb = {
    .name = "ss",
    .arguments = "",
    .help = "Shows what is alive in a running stack, in the words of ss(8).",
    .rows = rows,
    .row_count = ARRAY_LEN(rows),
    .alone = true,
};

/* --- what is shown ------------------------------------------------------------------------ */

static bool is_any(const char *word, const char *const words[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

/* ss's sets of states. */
static bool is_shown(const struct ss_verb *ss, const json_t *one)
{
    static const char *const waiting[] = {"LISTEN", "CLOSED"};
    static const char *const fleeting[] = {"LISTEN", "CLOSED", "TIME-WAIT", "SYN-RECEIVED"};
    const char *protocol = control_text(one, "protocol"), *state = control_text(one, "state");

    if (!protocol || !state)
        return false;
    bool is_tcp = strcmp(protocol, "tcp") == 0;
    if ((ss->tcp || ss->udp) && !(is_tcp ? ss->tcp : ss->udp))
        return false;
    if (ss->all || ss->state || ss->conn)
        return true;
    return ss->listening ? is_any(state, waiting, ARRAY_LEN(waiting))
                         : !is_any(state, fleeting, ARRAY_LEN(fleeting));
}

static json_t *request_of(const struct ss_verb *ss)
{
    json_t *request = json_pack("{s:i, s:s}", "schema", 1, "verb", "ss");

    if (ss->state)
        json_object_set_new(request, "state", json_string(ss->state));
    if (ss->port_given)
        json_object_set_new(request, "port", json_integer((json_int_t)ss->port));
    if (ss->conn)
        json_object_set_new(request, "conn", json_integer((json_int_t)ss->conn));
    return request;
}

/* Their names are PID-DEVICE.sock: os_control_search() finds no others. */
static int list_stacks(bool as_json)
{
    static struct os_control_found found; /* not on the stack: 64 paths */

    os_control_search(&found);
    for (int i = 0; i < found.count; i++) {
        const char *name = strrchr(found.path[i], '/') + 1;
        char *device;
        long pid = strtol(name, &device, 10);
        size_t len = strlen(device) - strlen("-") - strlen(".sock");
        json_t *line = !as_json ? NULL
                                : json_pack("{s:i, s:s, s:s, s:s, s:I, s:s%}", "schema", 1, "verb",
                                            "ss", "type", "socket", "path", found.path[i], "pid",
                                            (json_int_t)pid, "device", device + 1, len);
        if (line)
            json_dumpf(line, stdout, JSON_COMPACT);
        puts(line ? "" : found.path[i]);
        json_decref(line);
    }
    return 0;
}

static int run(struct ss_verb *ss, struct refusal *refusal)
{
    struct control_client client;

    if (ss->stacks)
        return list_stacks(ss->json);
    int status = control_client_open(&client, ss->control, refusal);

    if (!status)
        status = control_client_ask(&client, request_of(ss), refusal);
    ss->style.protocol = !ss->tcp || ss->udp;
    bool head = !ss->json && !ss->no_head;
    while (!status && !ferror(stdout)) {
        status = control_client_next(&client, refusal);
        if (status > 0)
            break;
        bool is_frame = status < 0 || strcmp(control_text(client.object, "type"), "stack") == 0;
        if (head)
            ss_show_head(&ss->style, stdout);
        head = false;
        if (ss->json && (is_frame || is_shown(ss, client.object)))
            fputs(client.line, stdout);
        else if (!is_frame && is_shown(ss, client.object))
            ss_show(client.object, &ss->style, stdout);
    }
    control_client_close(&client);
    return status > 0 ? status : 0;
}

int verb_ss(int argc, char **argv)
{
    static struct ss_verb ss; /* not on the stack: the options hold a config */
    struct refusal refusal;
    enum options_wish wish;
    int first;

    ss = (struct ss_verb){0};
    int status = options_read(&ss.options, &verb, &ss, argc, argv, &wish, &first, &refusal);
    if (!status && options_grant(&verb, wish))
        return EXIT_SUCCESS;
    if (!status)
        status = run(&ss, &refusal);
    return status ? say_refusal(&refusal) : EXIT_SUCCESS;
}
