/*
 * serve.c - `tapio serve`: a web server, and the three small services of old, on addresses of our
 * own.
 *
 * Starting is careful and in the order of privilege: the command line, the folder and the access
 * log, then log, capture and device (rig.c), then the sockets. `ready` is printed when all of them
 * listen: whoever reads it may connect.
 *
 * Ending is polite. After the first signal nothing new is accepted, every connection gets its FIN
 * when its answer is out, and DRAIN is how long peers have to finish; what is left then is reset. A
 * second signal says that now is late enough. TIME-WAIT is not waited for: it protects a later
 * connection between the same ports, and the next run begins with other sequence numbers.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/addr.h"
#include "drain.h"
#include "os/os_control.h"
#include "serve.h"
#include "verbs.h"

#define DRAIN      (5 * NS_PER_S)
#define DRAIN_LOOK (10 * NS_PER_MS) /* how often it is asked whether all are gone */

enum { BUSY_POLL_MAX = 1000000 };

static const char *const port_names[PORT_COUNT] = {"port", "echo", "discard", "chargen"};

/* --- the command line --------------------------------------------------------------------- */

static int take_port(struct serve *serve, enum service_port which, const char *text,
                     struct refusal *refusal)
{
    uint64_t port;

    if (!number_parse(text, 1, 65535, &port))
        return refuse(refusal, EXIT_USAGE, "--%s %s: not a port from 1 to 65535", port_names[which],
                      text);
    serve->port[which] = (uint16_t)port;
    return 0;
}

static int take_http(void *context, const char *text, struct refusal *refusal)
{
    return take_port(context, PORT_HTTP, text, refusal);
}

static int take_echo(void *context, const char *text, struct refusal *refusal)
{
    return take_port(context, PORT_ECHO, text, refusal);
}

static int take_discard(void *context, const char *text, struct refusal *refusal)
{
    return take_port(context, PORT_DISCARD, text, refusal);
}

static int take_chargen(void *context, const char *text, struct refusal *refusal)
{
    return take_port(context, PORT_CHARGEN, text, refusal);
}

static int take_access_log(void *context, const char *text, struct refusal *refusal)
{
    struct serve *serve = context;
    return serve_log_take_path(&serve->log, text, refusal);
}

static int take_allow_control(void *context, const char *text, struct refusal *refusal)
{
    struct serve *serve = context;

    (void)text;
    (void)refusal;
    serve->options.allow_control = true;
    return 0;
}

static int take_no_live(void *context, const char *text, struct refusal *refusal)
{
    struct serve *serve = context;

    (void)text;
    (void)refusal;
    serve->no_live = true;
    return 0;
}

static int take_log_format(void *context, const char *text, struct refusal *refusal)
{
    struct serve *serve = context;
    return serve_log_take_format(&serve->log, text, refusal);
}

static int take_busy_poll(void *context, const char *text, struct refusal *refusal)
{
    struct serve *serve = context;
    uint64_t us;

    if (!number_parse(text, 0, BUSY_POLL_MAX, &us))
        return refuse(refusal, EXIT_USAGE, "--busy-poll %s: not a number of microseconds up to %d",
                      text, BUSY_POLL_MAX);
    serve->busy_poll_ns = (int64_t)us * NS_PER_US;
    return 0;
}

/* clang-format off */
static const struct option_row rows[] = {
    {"root",    0, "DIR",  "the folder whose files are served (default: a built-in page)", serve_take_root},
    {"port",    0, "PORT", "where the web server listens (default 80)",                    take_http},
    {"index",   0, "NAME", "the file that stands for its folder (default index.html)",     serve_take_index},
    {"no-listing", 0, NULL, "a folder without such a file is not listed, but 404",         serve_take_no_listing},
    {"mime-types", 0, "FILE", "types of files, as in /etc/mime.types; before our own",     serve_take_mime_types},
    {"header",  0, "NAME: VALUE", "add a field to every response, repeatable",             serve_take_header},
    {"per-client", 0, "N", "connections that one address may have (default 16384)",        serve_take_per_client},
    {"echo",    0, "PORT", "send back what comes (RFC 862)",                               take_echo},
    {"discard", 0, "PORT", "take what comes and say nothing (RFC 863)",                    take_discard},
    {"chargen", 0, "PORT", "send a pattern without end (RFC 864)",                         take_chargen},
    {"access-log", 0, "FILE|-", "a line for each request; SIGHUP opens the file anew",     take_access_log},
    {"allow-control", 0, NULL, "the live page, /.tapio/, and top may change loss, delay, rate",  take_allow_control},
    {"no-live", 0, NULL,   "there is no live page",                                        take_no_live},
    {"busy-poll", 0, "USEC", "ask the device without sleeping for so long after a frame",  take_busy_poll},
    {"log-format", 0, "FORMAT", "common, combined or json (default combined)",             take_log_format},
};
/* clang-format on */

static const struct option_verb verb = {
    .name = "serve",
    .arguments = "",
    .help =
        "Serves files over HTTP on a TCP/IP stack of its own behind a TAP device, until SIGINT or\n"
        "SIGTERM. Prints one line, 'ready http://ADDR:PORT/ ...', once it answers.",
    .rows = rows,
    .row_count = ARRAY_LEN(rows),
};

static int check_ports(const struct serve *serve, struct refusal *refusal)
{
    for (size_t i = 0; i < PORT_COUNT; i++)
        for (size_t j = i + 1; j < PORT_COUNT; j++)
            if (serve->port[i] && serve->port[i] == serve->port[j])
                return refuse(refusal, EXIT_USAGE, "--%s %d: --%s has this port; choose another",
                              port_names[j], serve->port[j], port_names[i]);
    return 0;
}

/* --- ending ------------------------------------------------------------------------------- */

static instant drain_deadline(struct os_machine *machine)
{
    struct serve *serve = CONTAINER_OF(machine, struct serve, drain);
    return serve->stopping ? instant_min(serve->stop_at, serve->look_at) : INSTANT_NEVER;
}

static void drain_advance(struct os_machine *machine, instant now)
{
    struct serve *serve = CONTAINER_OF(machine, struct serve, drain);

    if (!serve->stopping || instant_before(now, drain_deadline(machine)))
        return;
    serve->look_at = instant_add(now, DRAIN_LOOK);
    if (!instant_before(now, serve->stop_at) || drain_is_done(serve->rig.stack))
        os_loop_end(&serve->rig.loop, EXIT_SUCCESS);
}

static void close_datagrams(struct serve *serve)
{
    for (size_t i = 0; i < PORT_COUNT; i++) {
        service_udp_free(serve->datagrams[i]);
        serve->datagrams[i] = NULL;
    }
}

static void stop(struct rig *rig, instant now)
{
    struct serve *serve = CONTAINER_OF(rig, struct serve, rig);

    if (serve->stopping) {
        serve->stop_at = now; /* a second signal */
        return;
    }
    serve->stopping = true;
    serve->stop_at = instant_add(now, DRAIN);
    serve->look_at = now;
    http_server_stop(serve->http, now);
    for (size_t i = 0; i < PORT_COUNT; i++)
        if (serve->services[i])
            service_stop(serve->services[i]);
    close_datagrams(serve);
}

/* --- starting ----------------------------------------------------------------------------- */

/* Each file that is being sent holds a descriptor: take as many as we may have. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int open_service(struct serve *serve, enum service_port which, enum service_kind kind,
                        struct refusal *refusal)
{
    if (!serve->port[which])
        return 0;
    struct service_config config = {
        .kind = kind,
        .stack = serve->rig.stack,
        .env = &serve->rig.env.env,
        .local.port = serve->port[which],
        .backlog = SERVE_BACKLOG,
        .connections = (uint32_t)serve->rig.config.values.tcp_connections,
    };
    struct service_udp_config udp = {.kind = kind,
                                     .stack = serve->rig.stack,
                                     .env = &serve->rig.env.env,
                                     .local.port = serve->port[which]};
    memcpy(udp.ports, serve->port + PORT_ECHO, sizeof *serve->port * (PORT_COUNT - PORT_ECHO));
    int err = service_new(&config, &serve->services[which]);
    if (!err)
        err = service_udp_new(&udp, &serve->datagrams[which]);
    if (err)
        return refuse(refusal, EXIT_FAILURE, "--%s %d: %s", port_names[which], serve->port[which],
                      strerror(-err));
    return 0;
}

static int open_servers(struct serve *serve, struct refusal *refusal)
{
    int status = serve_http_open(serve, refusal);
    if (!status)
        status = open_service(serve, PORT_ECHO, SERVICE_ECHO, refusal);
    if (!status)
        status = open_service(serve, PORT_DISCARD, SERVICE_DISCARD, refusal);
    if (!status)
        status = open_service(serve, PORT_CHARGEN, SERVICE_CHARGEN, refusal);
    if (status)
        return status;
    serve->drain = (struct os_machine){.deadline = drain_deadline, .advance = drain_advance};
    serve->rig.loop.busy_poll_ns = serve->busy_poll_ns;
    os_loop_add_machine(&serve->rig.loop, &serve->drain);
    serve->rig.stop = stop;
    return 0;
}

/* One line that scripts wait for. `memory` is the most that the caps allow: the promise that
 * nothing from the wire, and nobody who looks in, can make it grow beyond. */
static void tell_ready(const struct serve *serve)
{
    const struct rig *rig = &serve->rig;
    char line[400], at[ENDPOINT_TEXT], mac[MAC_ADDR_TEXT];
    struct endpoint http = {rig->config.addr[0].addr, (uint16_t)serve->port[PORT_HTTP]};
    bool ethernet = rig->config.link == STACK_LINK_ETHERNET;
    uint64_t memory = stack_memory_cap(rig->stack) + serve_http_memory_cap(serve);

    if (rig->control)
        memory += OS_CONTROL_CLIENTS * control_memory_cap();
    if (serve->log.open)
        memory += sizeof serve->log;
    int len = snprintf(
        line, sizeof line, "ready http://%s/ dev=%s %s mtu=%u %s%s offload=%s memory=%" PRIu64 "MB",
        endpoint_format(http, at), rig->options->device, rig_device_state(rig), rig->config.mtu,
        ethernet ? "mac=" : "link=ip", ethernet ? mac_addr_format(rig->config.mac, mac) : "",
        rig->tap->csum_offload ? "on" : "off", (memory + 999999) / 1000000);
    for (size_t i = PORT_ECHO; i < PORT_COUNT; i++)
        if (serve->port[i])
            len += snprintf(line + len, sizeof line - (size_t)len, " %s=%d", port_names[i],
                            serve->port[i]);
    fprintf(rig_out(rig), "%s\n", line);
    fflush(rig_out(rig));
    ready_fd_tell(rig->options->ready_fd, line);
}

/* Resets what is left, and sends that. */
static void close_servers(struct serve *serve)
{
    close_datagrams(serve);
    for (size_t i = 0; i < PORT_COUNT; i++)
        if (serve->services[i])
            service_free(serve->services[i]);
    serve_http_close(serve);
    drain_reset(serve->rig.stack, serve->rig.dev, os_now());
}

static int run(struct serve *serve)
{
    struct refusal refusal;

    int status = serve_log_join(&serve->log, &serve->rig, &refusal);
    if (!status)
        status = open_servers(serve, &refusal);
    if (status) {
        status = say_refusal(&refusal);
    } else {
        /* The first turn announces our address, and shows whether the device works. */
        os_loop_turn(&serve->rig.loop, os_now());
        if (!serve->rig.loop.ended)
            tell_ready(serve);
        status = rig_run(&serve->rig);
    }
    close_servers(serve);
    return status;
}

int verb_serve(int argc, char **argv)
{
    static struct serve serve; /* not on the stack: it holds buffers */
    struct refusal refusal;
    enum options_wish wish;
    int first;

    serve = (struct serve){
        .files.root = -1,
        .port[PORT_HTTP] = 80,
        .index = "index.html",
        .listing = true,
        .log.format = ACCESS_COMBINED,
    };
    int status = options_read(&serve.options, &verb, &serve, argc, argv, &wish, &first, &refusal);
    if (!status && options_grant(&verb, wish))
        return EXIT_SUCCESS;
    serve.options.dhcp_patient = serve.options.control_always = true;
    if (!status)
        status = check_ports(&serve, &refusal);
    if (!status)
        status = serve_log_check(&serve.log, &refusal);
    if (!status)
        status = serve_http_prepare(&serve, &refusal);
    if (!status)
        status = serve_log_open(&serve.log, &serve.options, &refusal);
    if (!status) {
        raise_descriptor_limit();
        status = rig_open(&serve.rig, &serve.options, &refusal);
    }
    if (status) {
        serve_log_close(&serve.log);
        serve_http_release(&serve);
        return say_refusal(&refusal);
    }
    status = run(&serve);
    serve_log_close(&serve.log);
    rig_close(&serve.rig);
    serve_http_release(&serve);
    return status;
}
