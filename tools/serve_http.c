/*
 * serve_http.c - the web server of `tapio serve`: its options, its folder, and what is plugged into
 * it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/os_env.h"
#include "serve.h"
#include "verbs.h"

/* --- the command line --------------------------------------------------------------------- */

int serve_take_root(void *context, const char *text, struct refusal *refusal)
{
    struct serve *serve = context;

    if (!*text)
        return refuse(refusal, EXIT_USAGE, "--root needs the name of a folder");
    serve->root = text;
    return 0;
}

int serve_take_header(void *context, const char *text, struct refusal *refusal)
{
    struct serve *serve = context;
    const char *wrong = http_extra_add(&serve->extra, text);

    if (wrong)
        return refuse(refusal, EXIT_USAGE, "--header '%s': %s", text, wrong);
    return 0;
}

int serve_take_index(void *context, const char *text, struct refusal *refusal)
{
    struct serve *serve = context;

    if (!*text || strchr(text, '/') || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return refuse(refusal, EXIT_USAGE,
                      "--index '%s': not the name of a file; give one without a slash", text);
    serve->index = text;
    return 0;
}

int serve_take_mime_types(void *context, const char *text, struct refusal *refusal)
{
    struct serve *serve = context;

    (void)refusal;
    serve->mime_types = text;
    return 0;
}

int serve_take_no_listing(void *context, const char *text, struct refusal *refusal)
{
    struct serve *serve = context;

    (void)text;
    (void)refusal;
    serve->listing = false;
    return 0;
}

int serve_take_per_client(void *context, const char *text, struct refusal *refusal)
{
    struct serve *serve = context;
    uint64_t connections;

    if (!number_parse(text, 1, UINT32_MAX, &connections))
        return refuse(refusal, EXIT_USAGE, "--per-client %s: not a number of connections from 1",
                      text);
    serve->per_client = (uint32_t)connections;
    return 0;
}

/* --- its folder and its types ---------------------------------------------------------------- */

static int open_root(struct serve *serve, struct refusal *refusal)
{
    int err = serve->root ? os_files_open(&serve->files, serve->root) : 0;

    if (err == -ENOSYS)
        return refuse(refusal, EXIT_FAILURE,
                      "--root %s: this kernel has no openat2(), so files cannot be served safely; "
                      "use Linux 5.6 or newer",
                      serve->root);
    if (err)
        return refuse(refusal, EXIT_FAILURE, "--root %s: %s; name a folder that can be read",
                      serve->root, strerror(-err));
    serve->files_ops = os_files_ops(&serve->files);
    return 0;
}

int serve_http_prepare(struct serve *serve, struct refusal *refusal)
{
    int status = open_root(serve, refusal);

    if (!status && serve->mime_types)
        status = serve_mime_read(&serve->memory, serve->mime_types, &serve->types, refusal);
    return status;
}

void serve_http_release(struct serve *serve)
{
    http_mime_free(&serve->memory, serve->types);
    os_files_close(&serve->files);
}

/* --- files that are remembered ---------------------------------------------------------------- */

static void file_changed(struct os_changes *changes, int mark)
{
    struct serve *serve = CONTAINER_OF(changes, struct serve, changes);
    os_files_cache_changed(&serve->cache, mark);
}

/* Where nobody can be asked to tell of changes, each file is opened for each request. */
static void open_cache(struct serve *serve)
{
    struct os_files_cache_config config;

    if (!serve->root || os_changes_open(&serve->changes, file_changed))
        return;
    os_files_cache_config_init(&config);
    config.inner = serve->files_ops;
    config.marks = os_changes_marks(&serve->changes);
    config.loop = &serve->rig.loop;
    config.env = &serve->rig.env.env;
    if (os_files_cache_init(&serve->cache, &config)) {
        os_changes_close(&serve->changes);
        return;
    }
    serve->files_ops = os_files_cache_ops(&serve->cache);
    serve->remembers = true;
    os_loop_add_watch(&serve->rig.loop, &serve->changes.watch);
}

static void close_cache(struct serve *serve)
{
    if (!serve->remembers)
        return;
    os_files_cache_fini(&serve->cache);
    os_changes_close(&serve->changes);
    serve->remembers = false;
}

/* --- the server ------------------------------------------------------------------------------ */

static instant http_deadline(struct os_machine *machine)
{
    struct serve *serve = CONTAINER_OF(machine, struct serve, http_machine);
    const instant http = http_server_deadline(serve->http);

    return serve->live ? instant_min(http, live_page_deadline(serve->live)) : http;
}

static void http_advance(struct os_machine *machine, instant now)
{
    struct serve *serve = CONTAINER_OF(machine, struct serve, http_machine);
    http_server_advance(serve->http, now);
    if (serve->live)
        live_page_advance(serve->live, now);
}

/* The metrics, as a page of the server; its figures come into it once it is there. */
static void plug_in_metrics(struct serve *serve)
{
    const struct env *env = &serve->rig.env.env;
    const struct metrics_config config = {
        .stack = serve->rig.stack,
        .dev = serve->rig.tap,
        .version = TAPIO_VERSION,
        .started_ns = env->wall_ns(env->context),
    };

    metrics_init(&serve->metrics, &config, &serve->handlers[0]);
}

/* The live page; 0 or -ENOMEM. */
static int plug_in_live(struct serve *serve)
{
    struct rig *rig = &serve->rig;
    const struct live_page_config config = {
        .stack = rig->stack,
        .memory = &rig->memory,
        .device = rig->options->device,
        .ops = rig_has_wire(rig) ? &serve->wire : NULL,
        .may_change = rig->options->allow_control,
    };

    if (serve->no_live)
        return 0;
    serve->wire = rig_wire_ops(rig);
    int err = live_page_new(&config, os_now(), &serve->live);
    if (!err)
        live_page_handlers(serve->live, serve->handlers + 1);
    return err;
}

int serve_http_open(struct serve *serve, struct refusal *refusal)
{
    struct http_server_config config;

    open_cache(serve);
    plug_in_metrics(serve);
    if (plug_in_live(serve))
        return refuse(refusal, EXIT_FAILURE,
                      "not enough memory for the live page: --no-live does without");
    http_server_config_init(&config);
    config.stack = serve->rig.stack;
    config.env = &serve->rig.env.env;
    config.local.port = serve->port[PORT_HTTP];
    config.backlog = SERVE_BACKLOG;
    config.files = serve->root ? &serve->files_ops : NULL;
    config.handlers = serve->handlers;
    config.handler_count = serve->live ? ARRAY_LEN(serve->handlers) : 1;
    config.index = serve->index;
    config.listing = serve->listing;
    config.mime_types = serve->types;
    config.extra = bytes_of(serve->extra.text, serve->extra.len);
    config.access = serve->log.lines.ops;
    if (serve->per_client)
        config.per_client = serve->per_client;
    int err = http_server_new(&config, os_now(), &serve->http);
    if (err)
        return refuse(refusal, EXIT_FAILURE, "--port %d: %s", serve->port[PORT_HTTP],
                      strerror(-err));
    serve->metrics.config.server = serve->http;
    serve->http_machine = (struct os_machine){.deadline = http_deadline, .advance = http_advance};
    os_loop_add_machine(&serve->rig.loop, &serve->http_machine);
    return 0;
}

uint64_t serve_http_memory_cap(const struct serve *serve)
{
    return http_server_memory_cap(serve->http) + (serve->live ? live_page_memory_cap() : 0) +
           (serve->remembers ? os_files_cache_memory_cap(&serve->cache) : 0);
}

void serve_http_close(struct serve *serve)
{
    if (serve->http)
        http_server_free(serve->http, os_now());
    live_page_free(serve->live);
    serve->live = NULL;
    close_cache(serve);
}
