/*
 * get.c - `tapio get`: fetches URLs with our own client over a stack of our own.
 *
 * Content goes to stdout, or to the file of -o, talk to stderr. The file is opened when the head of
 * a good response is there, so that a failure before that leaves it as it was; after that it holds
 * what came, and whatever is missing is told with its reason, so that -C - can go on. A status of
 * 400 and more is a failure: its page is shown on stdout, but never written to the file.
 *
 * While the reader of standard output sleeps, nothing is read from the connection, so the server
 * waits, and the loop still hears Ctrl-C. After the last URL the stack stays until the peers have
 * seen our FINs, at most DRAIN.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "drain.h"
#include "get_verb.h"
#include "verbs.h"

#define DRAIN      (2 * NS_PER_S)
#define DRAIN_LOOK (2 * NS_PER_MS)  /* how often it is asked whether all are gone */
#define SINK_LOOK  (10 * NS_PER_MS) /* how often it is asked whether a pipe has room again */

enum { GET_URLS = 64 };

/* --- the command line --------------------------------------------------------------------- */

static int take_verbose(void *context, const char *text, struct refusal *refusal)
{
    (void)text, (void)refusal;
    ((struct get_verb *)context)->verbose++;
    return 0;
}

static int take_output(void *context, const char *text, struct refusal *refusal)
{
    if (!*text)
        return refuse(refusal, EXIT_USAGE, "-o needs the name of a file");
    ((struct get_verb *)context)->sink.path = strcmp(text, "-") == 0 ? NULL : text;
    return 0;
}

static int take_head(void *context, const char *text, struct refusal *refusal)
{
    (void)text, (void)refusal;
    ((struct get_verb *)context)->request.head = true;
    return 0;
}

/* "A-B" or "A-" */
static int take_range(void *context, const char *text, struct refusal *refusal)
{
    struct http_client_request *request = &((struct get_verb *)context)->request;
    char first[24] = "";
    const char *dash = strchr(text, '-');

    if (dash && (size_t)(dash - text) < sizeof first)
        memcpy(first, text, (size_t)(dash - text));
    request->range = true;
    request->last = UINT64_MAX;
    if (!dash || !number_parse(first, 0, INT64_MAX, &request->first) ||
        (dash[1] && !number_parse(dash + 1, request->first, INT64_MAX, &request->last)))
        return refuse(refusal, EXIT_USAGE,
                      "-r %s: not a range of octets, such as 0-99, or 100- for all from there on",
                      text);
    return 0;
}

static int take_resume(void *context, const char *text, struct refusal *refusal)
{
    if (strcmp(text, "-") != 0)
        return refuse(refusal, EXIT_USAGE, "-C %s: only - is known: go on where the file ends",
                      text);
    ((struct get_verb *)context)->resume = true;
    return 0;
}

static int take_connect_timeout(void *context, const char *text, struct refusal *refusal)
{
    struct get_verb *get = context;
    return seconds_take("--connect-timeout", text, &get->config.connect_ns, refusal);
}

static int take_timeout(void *context, const char *text, struct refusal *refusal)
{
    struct get_verb *get = context;
    return seconds_take("--timeout", text, &get->config.stall_ns, refusal);
}

static int take_redirects(void *context, const char *text, struct refusal *refusal)
{
    uint64_t number;

    if (!number_parse(text, 0, 1000, &number))
        return refuse(refusal, EXIT_USAGE, "--max-redirs %s: not a number from 0 to 1000", text);
    ((struct get_verb *)context)->config.redirects = (unsigned)number;
    return 0;
}

/* clang-format off */
static const struct option_row rows[] = {
    {"verbose",         'v', NULL,   "tell each step with its packets; twice: those of the content too", take_verbose},
    {"output",          'o', "FILE", "write the content to FILE (default: standard output)",     take_output},
    {"head",            'I', NULL,   "ask for the head only (HEAD), and print it",                take_head},
    {"range",           'r', "A-B",  "only octets A to B; A- is all from A on",                   take_range},
    {"continue-at",     'C', "-",    "go on where FILE ends",                                     take_resume},
    {"connect-timeout", 0,   "SECS", "for a connection to be made (default 30)",                  take_connect_timeout},
    {"timeout",         0,   "SECS", "for anything to come, later (default 30)",                  take_timeout},
    {"max-redirs",      0,   "N",    "redirects that are followed (default 10)",                  take_redirects},
};
/* clang-format on */

static const struct option_verb verb_row = {
    .name = "get",
    .arguments = "URL ...",
    .help = "Fetches each URL by HTTP from a stack of its own; -v tells what happens between a URL "
            "and\n"
            "its page. Exits 0 when all came whole, else 1.",
    .operands = 1,
    .more_operands = GET_URLS - 1,
    .rows = rows,
    .row_count = ARRAY_LEN(rows),
};

static int check_url(const struct get_verb *get, const char *text, struct url *url,
                     struct refusal *refusal)
{
    const char *why;

    int err = url_parse(bytes_of(text, strlen(text)), url, &why);
    if (err)
        return refuse(refusal, EXIT_USAGE, "get '%.200s': %s", text, why);
    if (url->is_address && !ip_is_v4(url->addr) && get->options.config.link == STACK_LINK_ETHERNET)
        return refuse(refusal, EXIT_FAILURE,
                      "get %.200s: IPv6 over Ethernet is not built in yet; --dev tun:NAME has it",
                      text);
    why = url->is_address ? options_no_peer(&get->options, url->addr) : NULL;
    return why ? refuse(refusal, EXIT_USAGE, "get %.200s: %s", text, why) : 0;
}

static int check(struct get_verb *get, struct refusal *refusal)
{
    static struct url url;
    struct stat st;
    int status = 0;

    if (get->sink.path && get->count > 1)
        return refuse(refusal, EXIT_USAGE, "-o %s: takes one URL; fetch them one by one",
                      get->sink.path);
    if (get->options.capture && strcmp(get->options.capture, "-") == 0 && !get->sink.path)
        return refuse(refusal, EXIT_USAGE,
                      "--capture - wants standard output, and so does the page; use -o FILE");
    if (get->resume && (!get->sink.path || get->request.range || get->request.head))
        return refuse(refusal, EXIT_USAGE, "-C needs -o FILE, and neither -r nor -I beside it");
    for (int i = 0; i < get->count && !status; i++)
        status = check_url(get, get->urls[i], &url, refusal);
    if (!status && get->resume && stat(get->sink.path, &st) == 0 && st.st_size > 0) {
        get->request.range = true;
        get->request.first = (uint64_t)st.st_size;
        get->request.last = UINT64_MAX;
    }
    get->resume = get->sink.append = get->resume && get->request.range;
    return status;
}

/* --- running ------------------------------------------------------------------------------ */

static void failed(struct get_verb *get, int status)
{
    if (get->status == EXIT_SUCCESS)
        get->status = status;
}

static void fetch_next(struct get_verb *get, instant now)
{
    static struct url url;
    struct refusal refusal;

    if (get->at == get->count) {
        http_client_fini(&get->client, now);
        get->closing = true;
        get->close_at = instant_add(now, DRAIN);
        get->look_at = now;
        return;
    }
    int err = check_url(get, get->urls[get->at], &url, &refusal);
    assert(!err); /* check() has seen it */
    if (url.is_address)
        get_show_say(&get->show, "%s: %s is an address, so there is nothing to look up",
                     get->urls[get->at], url.host);
    else
        get_show_say(&get->show, "%s: looking up %s", get->urls[get->at], url.host);
    http_client_fetch(&get->client, &url, &get->request, now);
}

/* Is there nothing behind what the file of -C holds? The server says so with 416 and the length of
 * the whole. */
static bool has_all(const struct get_verb *get, const struct http_client_event *event)
{
    struct http_range range;
    struct bytes value;

    return get->resume && event->reply->status == 416 &&
           http_reply_field(event->reply, event->head, "content-range", &value) &&
           http_range_parse(value, &range) && !range.satisfied &&
           range.length == get->request.first;
}

static void take_reply(struct get_verb *get, const struct http_client_event *event)
{
    struct text reason = text_of(get->reason, sizeof get->reason);

    text_add_escaped(&reason, http_slice_of(event->head, event->reply->reason));
    get->had_all = has_all(get, event);
    if (event->interim || !get->request.head)
        return;
    fwrite(event->head.at, 1, event->head.len, stdout);
    fflush(stdout);
}

static void take_end(struct get_verb *get, const struct http_client_event *event, instant now)
{
    const bool done = event->result->outcome == HTTP_CLIENT_DONE;
    const int status = event->result->status;
    int err = 0;

    if (done && status < 300 && get->sink.path && !get->request.head && get->sink.fd < 0)
        err = get_sink_open(&get->sink, status); /* an empty page is a file, too */
    if (!err)
        err = get_sink_close(&get->sink);
    if (err && done) {
        get_say_sink_refused(get, get->urls[get->at], err);
        failed(get, err == -EACCES ? EXIT_PERMISSION : EXIT_FAILURE);
    } else if (!done || (status >= 400 && !get->had_all)) {
        failed(get, get_explain(get, event));
    }
    get->sink.written = 0;
    get->waits = false;
    get->at++;
    fetch_next(get, now);
}

static void on_event(void *context, const struct http_client_event *event, instant now)
{
    struct get_verb *get = context;

    get_show_event(&get->show, event, now);
    if (event->type == HTTP_CLIENT_REPLY)
        take_reply(get, event);
    else if (event->type == HTTP_CLIENT_FINISHED)
        take_end(get, event, now);
}

static int on_content(void *context, struct bytes octets, instant now)
{
    struct get_verb *get = context;

    int err = get->sink.fd < 0 ? get_sink_open(&get->sink, get->client.result.status) : 0;
    if (err)
        return err;
    int taken = get_sink_write(&get->sink, octets);
    if (taken < 0)
        return taken;
    get->waits = (size_t)taken < octets.len;
    get->look_at = instant_add(now, SINK_LOOK);
    get_show_content(&get->show, (size_t)taken, now);
    return taken;
}

static int resolve(void *context, const char *host, struct ip_addr *out)
{
    struct get_verb *get = context;
    return names_find(&get->names, host, out, os_now());
}

static void found(struct names *names, int err, struct ip_addr addr, instant now)
{
    http_client_resolved(&CONTAINER_OF(names, struct get_verb, names)->client, err, addr, now);
}

static instant deadline(struct os_machine *machine)
{
    const struct get_verb *get = CONTAINER_OF(machine, struct get_verb, machine);

    if (get->closing)
        return instant_min(get->close_at, get->look_at);
    return instant_min(http_client_deadline(&get->client),
                       get->waits ? get->look_at : INSTANT_NEVER);
}

static void advance(struct os_machine *machine, instant now)
{
    struct get_verb *get = CONTAINER_OF(machine, struct get_verb, machine);

    if (get->waits && !instant_before(now, get->look_at)) {
        get->waits = false;
        http_client_resume(&get->client, now);
    }
    http_client_advance(&get->client, now);
    if (!get->closing || instant_before(now, instant_min(get->close_at, get->look_at)))
        return;
    get->look_at = instant_add(now, DRAIN_LOOK);
    if (!instant_before(now, get->close_at) || drain_is_done(get->rig.stack))
        os_loop_end(&get->rig.loop, get->status);
}

static void stop(struct rig *rig, instant now)
{
    struct get_verb *get = CONTAINER_OF(rig, struct get_verb, rig);

    (void)now;
    if (!get->closing)
        say("get %.160s: interrupted; %" PRIu64 " octets came", get->urls[get->at],
            get->sink.written);
    os_loop_end(&rig->loop, EXIT_FAILURE);
}

static int run(struct get_verb *get)
{
    struct rig *rig = &get->rig;
    struct refusal refusal;
    const instant now = os_now();

    get->names.found = found;
    int status = names_open(&get->names, rig, &refusal);
    if (status)
        return say_refusal(&refusal);
    get->config.stack = rig->stack;
    get->config.ops = (struct http_client_ops){get, resolve, on_event, on_content};
    http_client_init(&get->client, &get->config);
    get_show_begin(&get->show, get->verbose, rig->stack, now);
    rig->stop = stop;
    get->machine = (struct os_machine){.deadline = deadline, .advance = advance};
    os_loop_add_machine(&rig->loop, &get->machine);
    ready_fd_tell(rig->options->ready_fd, "ready");
    stack_advance(rig->stack, now);
    fetch_next(get, now);
    status = rig_run(rig);
    int err = get_sink_close(&get->sink);
    (void)err; /* it has been said why this is the end */
    http_client_fini(&get->client, os_now());
    names_close(&get->names);
    drain_reset(rig->stack, rig->dev, os_now());
    get_show_end(&get->show);
    return status;
}

int verb_get(int argc, char **argv)
{
    static struct get_verb get; /* not on the stack: it holds buffers */
    struct refusal refusal;
    enum options_wish wish;
    int first;

    http_client_config_init(&get.config);
    get.sink.fd = -1;
    int status = options_read(&get.options, &verb_row, &get, argc, argv, &wish, &first, &refusal);
    if (!status && options_grant(&verb_row, wish))
        return EXIT_SUCCESS;
    if (!status) {
        get.urls = argv + first;
        get.count = argc - first;
        status = check(&get, &refusal);
    }
    if (!status)
        status = rig_open(&get.rig, &get.options, &refusal);
    if (status)
        return say_refusal(&refusal);
    status = run(&get);
    rig_close(&get.rig);
    return status;
}
