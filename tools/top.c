/*
 * top.c - `tapio top`: watch a running stack, as the live page does, on a terminal or as lines.
 *
 * The theory of operation is in top_model.h. Here lines are read from the control socket and given
 * to the model, keys to what the watcher has chosen, and a screen is drawn when there is something
 * new to see, but not more often than a person can read. What the keys ask of the wire goes over a
 * second connection, for the first one is being answered without end; neither is waited for.
 *
 * The stack is never slowed: when we do not read, it drops samples. It may end while we watch: then
 * the terminal is given back, and one line says what has happened.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/instant.h"
#include "options.h"
#include "os/os_env.h"
#include "os/os_signals.h"
#include "top_feed.h"
#include "top_keys.h"
#include "top_plain.h"
#include "top_screen.h"
#include "verbs.h"

enum { DRAW_MS = 200, PLAIN_MS = 1000, LOOK_MS = 250, SILENT_S = 3 };

struct top_verb {
    struct options options;
    const char *control;
    bool json;
    uint64_t count;      /* samples to show; 0: without end */
    int64_t interval_ns; /* 0: not given */

    struct top_model model;
    struct top_choice choice;
    struct top_feed feed, wire;
    bool ended_well, fresh; /* the stack has said that it ends; there is a moment to be shown */
    bool quit, silent;      /* enough was seen; nothing has come for a while */
    uint64_t shown;         /* samples */
    uint64_t last;          /* the number of the one that was shown last */
    instant heard, drawn;   /* when a line came last, and the screen was drawn */
    struct grid grid;
};

/* --- the command line ----------------------------------------------------------------------- */

static int take_control(void *context, const char *text, struct refusal *refusal)
{
    return control_path_take(&((struct top_verb *)context)->control, text, refusal);
}

static int take_json(void *context, const char *text, struct refusal *refusal)
{
    (void)text, (void)refusal;
    ((struct top_verb *)context)->json = true;
    return 0;
}

static int take_count(void *context, const char *text, struct refusal *refusal)
{
    if (number_parse(text, 1, UINT64_C(1) << 53, &((struct top_verb *)context)->count))
        return 0;
    return refuse(refusal, EXIT_USAGE, "--count %s: not a number of samples, from 1 on", text);
}

static int take_interval(void *context, const char *text, struct refusal *refusal)
{
    return seconds_take("interval", text, &((struct top_verb *)context)->interval_ns, refusal);
}

/* clang-format off */
static const struct option_row rows[] = {
    {"control",  0,   "PATH",    "the stack's socket (default: that of the only one that runs)", take_control},
    {"interval", 'i', "SECONDS", "how often something is shown (default 1, on a terminal 0.2)",  take_interval},
    {"count",    'c', "N",       "end after so many samples (default: none)",                    take_count},
    {"json",     0,   NULL,      "the stack's own lines as they come, one JSON object each",     take_json},
};
/* clang-format on */

static const struct option_verb verb = {
    .name = "top",
    .arguments = "",
    .help =
        "Watches a running stack: connections and what limits each, the state diagram, the last\n"
        "segments, their octets, cwnd over time; ? tells the keys. Where standard output is no\n"
        "terminal it prints lines.",
    .rows = rows,
    .row_count = ARRAY_LEN(rows),
    .alone = true,
};

/* --- the stack ------------------------------------------------------------------------------ */

static json_t *request_of(const struct top_verb *top)
{
    json_t *request =
        json_pack("{s:i, s:s, s:b}", "schema", 1, "verb", "watch", "headers", !top->json);

    if (top->json && top->count)
        json_object_set_new(request, "count", json_integer((json_int_t)top->count));
    return request;
}

static int open_feed(struct top_verb *top, struct refusal *refusal)
{
    const int status = top_feed_open(&top->feed, top->control, refusal);

    if (status)
        return status;
    /* Who turns us away has said why and hung up: that can still be read. */
    if (!top_feed_ask(&top->feed, request_of(top)) && errno != EPIPE && errno != ECONNRESET)
        return refuse(refusal, EXIT_FAILURE, "%s: %s", top->feed.client.path, strerror(errno));
    top->heard = os_now();
    return 0;
}

/* What the stack says it will not do. */
static int refused(const struct top_verb *top, const json_t *line, struct refusal *refusal)
{
    const char *why = control_text(line, "error");
    const bool is_old = why && strcmp(why, "no such verb here") == 0;

    return refuse(refusal, EXIT_FAILURE, "%s: %s", top->feed.client.path,
                  is_old ? "that stack is too old to be watched; restart it with this version"
                  : why  ? why
                         : "refused");
}

/* Takes all lines that have come. */
static int take_lines(struct top_verb *top, struct refusal *refusal)
{
    int got;

    top_feed_read(&top->feed);
    while ((got = top_feed_next(&top->feed)) > 0) {
        top->heard = os_now();
        if (top->json)
            fwrite(top->feed.line, 1, top->feed.line_len, stdout);
        switch (top_read(&top->model, top->feed.object)) {
        case TOP_LINE_SAMPLE:
            top->fresh = true;
            break;
        case TOP_LINE_ERROR:
            return refused(top, top->feed.object, refusal);
        case TOP_LINE_END:
            top->ended_well = true;
            break;
        case TOP_LINE_NONE:
            break;
        }
    }
    if (got < 0)
        return refuse(refusal, EXIT_FAILURE, "%s: that is no stack that can be watched",
                      top->feed.client.path);
    return 0;
}

/* How it is told that there is nothing more to see. */
static int tell_end(const struct top_verb *top, struct refusal *refusal)
{
    if (top->ended_well && top->json && top->count)
        return 0;
    if (!top->ended_well)
        return refuse(refusal, EXIT_FAILURE,
                      "%s: the stack is gone; it was killed, or has not said that it ends",
                      top->feed.client.path);
    say("%s: the stack has ended", top->feed.client.path);
    return 0;
}

static bool is_over(const struct top_verb *top)
{
    return top->feed.ended || top->ended_well;
}

/* --- the wire ------------------------------------------------------------------------------- */

static void set_wire(struct top_verb *top, const char *spec)
{
    struct refusal refusal;
    json_t *request = json_pack("{s:i, s:s, s:s}", "schema", 1, "verb", "wire", "set", spec);

    if (top->wire.client.fd >= 0 && top->wire.ended)
        top_feed_close(&top->wire);
    if (top->wire.client.fd < 0 && top_feed_open(&top->wire, top->feed.client.path, &refusal)) {
        snprintf(top->choice.note, sizeof top->choice.note, "%.150s", refusal.text);
        json_decref(request);
        return;
    }
    snprintf(top->choice.note, sizeof top->choice.note, "wire: %s", spec);
    if (!top_feed_ask(&top->wire, request))
        snprintf(top->choice.note, sizeof top->choice.note, "the stack takes no requests now");
}

static void hear_wire(struct top_verb *top)
{
    top_feed_read(&top->wire);
    while (top_feed_next(&top->wire) > 0) {
        const char *error = control_text(top->wire.object, "error");
        if (error)
            snprintf(top->choice.note, sizeof top->choice.note, "%.150s", error);
    }
}

/* --- on a terminal -------------------------------------------------------------------------- */

static void draw(struct top_verb *top, instant now)
{
    int height, width;

    top_screen_size(&height, &width);
    grid_clear(&top->grid, height, width, top_screen_is_utf8());
    top_draw(&top->grid, &top->model, &top->choice);
    top_screen_show(&top->grid);
    top->drawn = now;
}

/* A stack that is stopped says nothing at all; one that has nothing to do says so. */
static void note_silence(struct top_verb *top, instant now)
{
    const int64_t silent_ns = instant_since(now, top->heard);
    const bool is_silent = silent_ns > SILENT_S * NS_PER_S;

    if (top->silent && !is_silent)
        top->choice.note[0] = '\0';
    top->silent = is_silent;
    if (is_silent)
        snprintf(top->choice.note, sizeof top->choice.note,
                 "the stack has said nothing for %lld s; is it stopped (kill -CONT)?",
                 (long long)(silent_ns / NS_PER_S));
}

static void hear_keys(struct top_verb *top)
{
    char room[64];
    int key;

    while ((key = top_screen_key()) >= 0) {
        struct text spec = text_of(room, sizeof room);
        const enum top_wish wish = top_press(&top->choice, &top->model, key, &spec);
        top->quit |= wish == TOP_WISH_QUIT;
        if (wish == TOP_WISH_REDRAW)
            top_screen_redraw();
        if (wish == TOP_WISH_WIRE)
            set_wire(top, spec.at);
    }
}

/* A resized window is a reason to draw, too, and comes without a word but an interrupted call. */
static bool has_resized(const struct top_verb *top)
{
    int height, width;

    top_screen_size(&height, &width);
    return (height != top->grid.rows || width != top->grid.cols) && height <= GRID_ROWS &&
           width <= GRID_COLS;
}

static int turn(struct top_verb *top, int signals, int hangups, struct refusal *refusal)
{
    struct pollfd fds[] = {
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = top->feed.client.fd, .events = POLLIN},
        {.fd = signals, .events = POLLIN},
        {.fd = hangups, .events = POLLIN},
        {.fd = top->wire.ended ? -1 : top->wire.client.fd, .events = POLLIN},
    };
    const int64_t interval_ns = top->interval_ns ? top->interval_ns : DRAW_MS * NS_PER_MS;
    int status = 0;

    if (poll(fds, ARRAY_LEN(fds), LOOK_MS) < 0)
        memset(fds, 0, sizeof fds); /* a signal */
    if ((fds[2].revents && os_signals_read(signals)) ||
        (fds[3].revents && os_signals_read(hangups)) || (fds[0].revents & (POLLHUP | POLLERR)))
        top->quit = true;
    if (fds[1].revents)
        status = take_lines(top, refusal);
    if (fds[4].revents)
        hear_wire(top);
    hear_keys(top);
    const instant now = os_now();
    note_silence(top, now);
    const bool is_due = top->fresh && instant_since(now, top->drawn) >= interval_ns;
    if (is_due)
        top->shown++;
    if (is_due || fds[0].revents || has_resized(top) ||
        instant_since(now, top->drawn) > LOOK_MS * NS_PER_MS)
        draw(top, now);
    if (is_due)
        top->fresh = false;
    top->quit |= top->count && top->shown >= top->count;
    return status;
}

static int run_screen(struct top_verb *top, struct refusal *refusal)
{
    struct os_hangup hangup = {.fd = -1};
    const int signals = os_signals_open();

    if (signals < 0 || os_signals_open_hangup(&hangup) < 0)
        return refuse(refusal, EXIT_FAILURE, "cannot wait for signals: %s", strerror(-signals));
    int status = top_screen_open(refusal);
    if (!status) {
        draw(top, os_now());
        while (!status && !top->quit && !is_over(top))
            status = turn(top, signals, hangup.fd, refusal);
        top_screen_close();
    }
    os_signals_close_hangup(&hangup);
    os_signals_close(signals);
    return status || top->quit ? status : tell_end(top, refusal);
}

/* --- as lines ------------------------------------------------------------------------------- */

static void print_moment(struct top_verb *top)
{
    static char room[TOP_PLAIN_ROOM];
    struct text text = text_of(room, sizeof room);

    top_plain(&text, &top->model, top->model.moments - 1, top->last);
    fputs(text.at, stdout);
    fflush(stdout);
    top->last = top->model.moments - 1;
    top->fresh = false;
    top->shown++;
    top->quit |= top->count && top->shown >= top->count;
}

static int run_plain(struct top_verb *top, struct refusal *refusal)
{
    const int64_t interval_ns = top->interval_ns ? top->interval_ns : PLAIN_MS * NS_PER_MS;
    instant next = os_now();
    int status = 0;

    while (!status && !top->quit && !is_over(top) && !ferror(stdout)) {
        struct pollfd fds[] = {{.fd = top->feed.client.fd, .events = POLLIN},
                               {.fd = STDOUT_FILENO, .events = 0}}; /* a reader that has gone */
        if (poll(fds, ARRAY_LEN(fds), LOOK_MS) < 0)
            continue;
        if (fds[1].revents & POLLERR)
            return 0;
        if (fds[0].revents)
            status = take_lines(top, refusal);
        const instant now = os_now();
        if (top->json) {
            fflush(stdout);
        } else if (!status && top->fresh && !instant_before(now, next)) {
            print_moment(top);
            next = instant_add(next, interval_ns);
            if (instant_before(next, now))
                next = now; /* we were held up: what was missed is not made up for */
        }
    }
    return status || top->quit || ferror(stdout) ? status : tell_end(top, refusal);
}

/* --- the verb ------------------------------------------------------------------------------- */

static int run(struct top_verb *top, struct refusal *refusal)
{
    bool as_screen = !top->json && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
    const char *why = NULL;

    int status = open_feed(top, refusal);
    if (!status && !top_model_init(&top->model))
        status = refuse(refusal, EXIT_FAILURE, "top: there is no memory for what would be seen");
    if (!status && as_screen && !top_screen_fits(&why)) {
        as_screen = false;
        say("top: %s; it prints lines", why);
    }
    if (!status)
        status = as_screen ? run_screen(top, refusal) : run_plain(top, refusal);
    top_feed_close(&top->feed);
    if (top->wire.client.fd >= 0)
        top_feed_close(&top->wire);
    top_model_fini(&top->model);
    return status;
}

int verb_top(int argc, char **argv)
{
    static struct top_verb top; /* not on the stack: it holds a screen */
    struct refusal refusal;
    enum options_wish wish;
    int first;

    top.feed.client.fd = top.wire.client.fd = -1;
    int status = options_read(&top.options, &verb, &top, argc, argv, &wish, &first, &refusal);
    if (!status && options_grant(&verb, wish))
        return EXIT_SUCCESS;
    if (!status && top.json && top.interval_ns)
        status = refuse(&refusal, EXIT_USAGE,
                        "--interval does not go with --json, which prints all lines as they come");
    if (!status)
        status = run(&top, &refusal);
    return status ? say_refusal(&refusal) : EXIT_SUCCESS;
}
