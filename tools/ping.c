/*
 * ping.c - `tapio ping`: asks a host whether it is there, from a stack of our own.
 *
 * What it prints is what ping(8) prints, as far as the stack knows it, so that eyes and scripts
 * find their way. The work is in src/apps/ping.c.
 */
#include "apps/ping.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "names.h"
#include "rig.h"
#include "verbs.h"

enum { IP_AND_ICMP = 28, IP6_AND_ICMP = 48 }; /* octets in front of an echo's data */

struct ping_verb {
    struct options options;
    uint64_t count; /* 0: until Ctrl-C */
    uint64_t size;
    int64_t interval_ns, timeout_ns;
    const char *name; /* as it was given; NULL: an address */
    struct ip_addr host;
    char host_text[IP_ADDR_TEXT];

    struct rig rig;
    struct names names;
    struct ping ping;
    struct os_machine machine;
    instant start;
    bool begun; /* there is an address, and the first echo may go */
};

static int take_count(void *context, const char *text, struct refusal *refusal)
{
    struct ping_verb *verb = context;

    if (!number_parse(text, 1, UINT32_MAX, &verb->count))
        return refuse(refusal, EXIT_USAGE, "-c %s: not a number of echoes from 1", text);
    return 0;
}

static int take_interval(void *context, const char *text, struct refusal *refusal)
{
    return seconds_take("-i", text, &((struct ping_verb *)context)->interval_ns, refusal);
}

static int take_size(void *context, const char *text, struct refusal *refusal)
{
    struct ping_verb *verb = context;

    if (!number_parse(text, PING_SIZE_MIN, PING_SIZE_MAX, &verb->size))
        return refuse(refusal, EXIT_USAGE, "-s %s: not a number of octets from %d to %d", text,
                      PING_SIZE_MIN, PING_SIZE_MAX);
    return 0;
}

static int take_timeout(void *context, const char *text, struct refusal *refusal)
{
    return seconds_take("-W", text, &((struct ping_verb *)context)->timeout_ns, refusal);
}

/* clang-format off */
static const struct option_row rows[] = {
    {"count",    'c', "N",    "echoes to send (default: until Ctrl-C)",               take_count},
    {"interval", 'i', "SECS", "between two of them (default 1)",                      take_interval},
    {"size",     's', "SIZE", "octets of data in each (default 56)",                  take_size},
    {"timeout",  'W', "SECS", "after this an echo counts as lost (default 2)",        take_timeout},
};
/* clang-format on */

static const struct option_verb verb_row = {
    .name = "ping",
    .arguments = "HOST",
    .help =
        "Sends ICMP echoes to HOST, an address (IPv6 with --dev tun:NAME) or a name (/etc/hosts, "
        "--dns), from a stack of its own.\n"
        "Exits 0 if any was answered, else 1.",
    .operands = 1,
    .rows = rows,
    .row_count = ARRAY_LEN(rows),
};

static int check_host(struct ping_verb *verb, const char *text, struct refusal *refusal)
{
    if (!ip_is_v4(verb->host) && verb->options.config.link == STACK_LINK_ETHERNET)
        return refuse(refusal, EXIT_FAILURE, "ping %s: IPv6 over Ethernet is not built in yet",
                      text);
    const char *why = options_no_peer(&verb->options, verb->host);
    if (why)
        return refuse(refusal, EXIT_USAGE, "ping %s: %s", text, why);
    ip_addr_format(verb->host, verb->host_text);
    return 0;
}

static int take_host(struct ping_verb *verb, const char *text, struct refusal *refusal)
{
    struct dns_name name;

    if (ip_addr_parse(text, &verb->host) == 0)
        return check_host(verb, text, refusal);
    verb->name = text;
    if (dns_name_from_text(text, &name))
        return refuse(refusal, EXIT_USAGE, "ping '%s': neither an address nor a name", text);
    return 0;
}

/* --- talking ------------------------------------------------------------------------------ */

/* A time as ping prints it: "0.123 ms", "12.3 ms". */
static const char *format_ms(int64_t ns, char out[32])
{
    int64_t us = ns / NS_PER_US;

    if (us < 1000)
        snprintf(out, 32, "0.%03" PRId64, us);
    else if (us < 100000)
        snprintf(out, 32, "%" PRId64 ".%" PRId64, us / 1000, us % 1000 / 100);
    else
        snprintf(out, 32, "%" PRId64, us / 1000);
    return out;
}

static void print_result(struct ping_verb *verb, const struct ping_result *result)
{
    FILE *out = rig_out(&verb->rig);
    char time[32];

    switch (result->outcome) {
    case PING_REPLY:
        fprintf(out, "%u bytes from %s: icmp_seq=%u time=%s ms%s\n", result->len + 8,
                verb->host_text, result->seq, format_ms(result->rtt_ns, time),
                result->damaged ? " (the data came back changed)" : "");
        break;
    case PING_DUPLICATE:
        fprintf(out, "%u bytes from %s: icmp_seq=%u (DUP!)\n", result->len + 8, verb->host_text,
                result->seq);
        break;
    case PING_LOST:
        fprintf(out, "no answer from %s: icmp_seq=%u\n", verb->host_text, result->seq);
        break;
    case PING_ERROR:
        fprintf(out, "%s: icmp_seq=%u %s\n", verb->host_text, result->seq,
                strerror(-result->error));
        break;
    }
    if (fflush(out)) /* nobody reads on: `tapio ping HOST | head -1` */
        os_loop_end(&verb->rig.loop, EXIT_FAILURE);
}

static void print_statistics(struct ping_verb *verb)
{
    const struct ping_stats *stats = &verb->ping.stats;
    FILE *out = rig_out(&verb->rig);
    char min[32], avg[32], max[32];
    uint32_t missing = stats->sent - stats->replies;

    fprintf(out, "\n--- %s ping statistics ---\n", verb->host_text);
    fprintf(out, "%u packets transmitted, %u received,", stats->sent, stats->replies);
    if (stats->duplicates)
        fprintf(out, " +%u duplicates,", stats->duplicates);
    if (stats->errors)
        fprintf(out, " +%u errors,", stats->errors);
    fprintf(out, " %" PRIu64 "%% packet loss, time %" PRId64 "ms\n",
            stats->sent ? (uint64_t)missing * 100 / stats->sent : 0,
            instant_since(os_now(), verb->start) / NS_PER_MS);
    if (stats->replies)
        fprintf(out, "rtt min/avg/max = %s/%s/%s ms\n", format_ms(stats->rtt_min_ns, min),
                format_ms(stats->rtt_sum_ns / stats->replies, avg),
                format_ms(stats->rtt_max_ns, max));
}

/* --- running ------------------------------------------------------------------------------ */

static instant deadline(struct os_machine *machine)
{
    const struct ping_verb *verb = CONTAINER_OF(machine, struct ping_verb, machine);

    return verb->begun ? ping_deadline(&verb->ping) : INSTANT_NEVER;
}

static void advance(struct os_machine *machine, instant now)
{
    struct ping_verb *verb = CONTAINER_OF(machine, struct ping_verb, machine);
    struct ping_result result;

    if (!verb->begun)
        return;
    while (ping_next(&verb->ping, now, &result))
        print_result(verb, &result);
    if (ping_is_done(&verb->ping))
        os_loop_end(&verb->rig.loop, EXIT_SUCCESS);
}

/* The host is known: the first echo goes. */
static int begin(struct ping_verb *verb, struct refusal *refusal)
{
    char from[IP_ADDR_TEXT];
    struct rig *rig = &verb->rig;
    struct ping_config config = {
        .stack = rig->stack,
        .host = verb->host,
        .count = (uint32_t)verb->count,
        .interval_ns = verb->interval_ns,
        .timeout_ns = verb->timeout_ns,
        .size = (uint32_t)verb->size,
    };

    if (!ip_is_v4(verb->host) && verb->size + IP6_AND_ICMP > rig->config.mtu)
        return refuse(refusal, EXIT_FAILURE,
                      "-s %" PRIu64
                      ": more than the MTU of %u holds, and fragments of IPv6 are not "
                      "built in yet; at most %u",
                      verb->size, rig->config.mtu, rig->config.mtu - IP6_AND_ICMP);
    int err = rig->env.env.random(rig->env.env.context, &config.token, sizeof config.token);
    verb->start = os_now();
    if (!err)
        err = ping_init(&verb->ping, &config, verb->start);
    if (err == -ENETUNREACH)
        return refuse(refusal, EXIT_FAILURE,
                      "ping %s: beyond the link, and no route leads there; set --gateway",
                      verb->host_text);
    if (err)
        return refuse(refusal, EXIT_FAILURE, "ping %s: %s", verb->host_text, strerror(-err));
    verb->begun = true;
    fprintf(rig_out(rig), "PING %s%s%s%s from %s %s: %" PRIu64 "(%" PRIu64 ") bytes of data.\n",
            verb->name ? verb->name : "", verb->name ? " (" : "", verb->host_text,
            verb->name ? ")" : "", ip_addr_format(rig->config.addr[0].addr, from),
            rig->options->device, verb->size, verb->size + IP_AND_ICMP);
    fflush(rig_out(rig));
    return 0;
}

/* What the name has turned out to mean. */
static int take_answer(struct ping_verb *verb, int err, struct refusal *refusal)
{
    if (err)
        return refuse(refusal, EXIT_FAILURE, "ping: '%s' %s", verb->name,
                      names_why(&verb->names, err));
    int status = check_host(verb, verb->name, refusal);
    return status ? status : begin(verb, refusal);
}

static void found(struct names *names, int err, struct ip_addr addr, instant now)
{
    struct ping_verb *verb = CONTAINER_OF(names, struct ping_verb, names);
    struct refusal refusal;

    (void)now;
    verb->host = addr;
    int status = take_answer(verb, err, &refusal);
    if (status)
        os_loop_end(&verb->rig.loop, say_refusal(&refusal));
}

static int open_ping(struct ping_verb *verb, struct refusal *refusal)
{
    struct rig *rig = &verb->rig;

    verb->names.found = found;
    verb->machine = (struct os_machine){.deadline = deadline, .advance = advance};
    os_loop_add_machine(&rig->loop, &verb->machine);
    int status = names_open(&verb->names, rig, refusal);
    if (status)
        return status;
    if (!verb->name)
        return begin(verb, refusal);
    int err = names_find(&verb->names, verb->name, &verb->host, os_now());
    return err == -EINPROGRESS ? 0 : take_answer(verb, err, refusal);
}

static int run(struct ping_verb *verb)
{
    struct rig *rig = &verb->rig;

    ready_fd_tell(rig->options->ready_fd, "ready");
    int status = rig_run(rig);
    if (!verb->begun)
        return status ? status : EXIT_FAILURE;
    print_statistics(verb);
    if (status == EXIT_SUCCESS && verb->ping.stats.replies == 0)
        status = EXIT_FAILURE;
    ping_fini(&verb->ping);
    return status;
}

int verb_ping(int argc, char **argv)
{
    static struct ping_verb verb; /* not on the stack: it holds buffers */
    struct refusal refusal;
    enum options_wish wish;
    int first;

    verb = (struct ping_verb){.size = 56, .interval_ns = NS_PER_S, .timeout_ns = 2 * NS_PER_S};
    int status = options_read(&verb.options, &verb_row, &verb, argc, argv, &wish, &first, &refusal);
    if (!status && options_grant(&verb_row, wish))
        return EXIT_SUCCESS;
    if (!status)
        status = take_host(&verb, argv[first], &refusal);
    if (!status)
        status = rig_open(&verb.rig, &verb.options, &refusal);
    if (status)
        return say_refusal(&refusal);
    status = open_ping(&verb, &refusal);
    status = status ? say_refusal(&refusal) : run(&verb);
    names_close(&verb.names);
    rig_close(&verb.rig);
    return status;
}
