/*
 * explain.c - `tapio explain FILE`: a capture, from whomever, packet by packet.
 *
 * Every packet of the file is read and followed, so that what is said of a connection is right; the
 * filter and -n choose what is shown. All that there is to say is made under src/see.
 */
#include "see/explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explain_file.h"
#include "options.h"
#include "os/os_env.h"
#include "verbs.h"

enum { WORDS_MAX = 64, FILTER_MAX = 4096 };

struct explain_verb {
    uint64_t from, to; /* numbers of packets that are shown */
    bool numbered, json, brief;
    const char *filter_option;
    char filter[FILTER_MAX];

    struct explain_style style;
    struct os_env env;
    struct explain_file file;
    struct dissection dissection;
    struct track track;
    struct track_verdict verdict;
    int64_t first_ns;
    uint64_t shown;
    char room[EXPLAIN_ROOM];
};

/* --- the command line --------------------------------------------------------------------- */

/* "7" or "7..12" */
static int take_numbers(void *context, const char *text, struct refusal *refusal)
{
    struct explain_verb *verb = context;
    const char *dots = strstr(text, "..");
    char from[24];

    snprintf(from, sizeof from, "%.*s", dots ? (int)(dots - text) : (int)strlen(text), text);
    verb->numbered = true;
    if (!number_parse(from, 1, UINT32_MAX, &verb->from) ||
        !number_parse(dots ? dots + 2 : from, verb->from, UINT32_MAX, &verb->to))
        return refuse(refusal, EXIT_USAGE,
                      "-n %s: not a number of a packet from 1, nor a range like 3..7", text);
    return 0;
}

static int take_filter(void *context, const char *text, struct refusal *refusal)
{
    (void)refusal;
    ((struct explain_verb *)context)->filter_option = text;
    return 0;
}

static int take_json(void *context, const char *text, struct refusal *refusal)
{
    (void)text, (void)refusal;
    ((struct explain_verb *)context)->json = true;
    return 0;
}

static int take_brief(void *context, const char *text, struct refusal *refusal)
{
    (void)text, (void)refusal;
    ((struct explain_verb *)context)->brief = true;
    return 0;
}

/* clang-format off */
static const struct option_row rows[] = {
    {"number", 'n', "N",    "packet N of the file alone, or those of a range: 3..7",      take_numbers},
    {"filter", 0,   "EXPR", "those that an expression of libpcap's chooses: 'tcp port 80'", take_filter},
    {"brief",  0,   NULL,   "a line for each packet, and one for its connection",          take_brief},
    {"json",   0,   NULL,   "a line of JSON for each packet",                              take_json},
};
/* clang-format on */

static const struct option_verb verb_row = {
    .name = "explain",
    .arguments = "FILE [EXPR]",
    .help =
        "Shows each packet of a capture, pcap or pcapng, as the RFCs draw it: a picture of each\n"
        "header, its fields with what they mean and where that is written down, and what the\n"
        "packet does to its connection. FILE may be - for standard input; EXPR chooses packets\n"
        "in libpcap's filter language. Colours on a terminal, unless NO_COLOR is set.",
    .operands = 1,
    .more_operands = WORDS_MAX,
    .rows = rows,
    .row_count = ARRAY_LEN(rows),
    .alone = true,
};

/* The filter may be several words of the command line, as tcpdump's may. */
static int join_filter(struct explain_verb *verb, int count, char **words, struct refusal *refusal)
{
    size_t len = 0;

    if (count > 0 && verb->filter_option)
        return refuse(refusal, EXIT_USAGE,
                      "explain %s: there is a filter already, by --filter; one is enough",
                      words[0]);
    for (int i = 0; i < count || (i == 0 && verb->filter_option); i++) {
        const char *word = verb->filter_option ? verb->filter_option : words[i];
        if (len + strlen(word) + 2 > sizeof verb->filter)
            return refuse(refusal, EXIT_USAGE, "explain: the filter is longer than %d octets",
                          FILTER_MAX - 2);
        len += (size_t)snprintf(verb->filter + len, sizeof verb->filter - len, "%s%s",
                                i > 0 ? " " : "", word);
    }
    return 0;
}

static int check(const struct explain_verb *verb, struct refusal *refusal)
{
    return verb->json && verb->brief
               ? refuse(refusal, EXIT_USAGE, "explain: --json and --brief: choose one of them")
               : 0;
}

/* --- packets ------------------------------------------------------------------------------ */

/* A capture of ours says of each packet what became of it, in front of the sentence. */
static bool is_discarded(struct bytes comment)
{
    static const char word[] = " drop=";
    const uint8_t *end = comment.len > 0 ? memchr(comment.at, '|', comment.len) : NULL;

    return end && memmem(comment.at, (size_t)(end - comment.at), word, strlen(word)) != NULL;
}

static bool show(struct explain_verb *verb, const struct explain_packet *packet)
{
    struct text out = text_of(verb->room, sizeof verb->room);
    struct explained e = {
        .number = verb->file.packets,
        .when_ns = packet->when_ns,
        .since_ns = (int64_t)((uint64_t)packet->when_ns - (uint64_t)verb->first_ns),
        .d = &verb->dissection,
        .track = &verb->verdict,
        .comment = packet->comment,
        .ethernet = verb->file.link == FIELDS_ETHERNET,
    };

    if (verb->json)
        explain_json(&out, &e);
    else if (verb->brief)
        explain_brief(&out, &e, verb->style);
    else
        explain_text(&out, &e, verb->style);
    assert(!out.cut);
    verb->shown++;
    return fwrite(out.at, 1, out.len, stdout) == out.len;
}

static int explain_all(struct explain_verb *verb, struct refusal *refusal)
{
    struct explain_packet packet;
    int got = 0;

    while (!(verb->numbered && verb->file.packets >= verb->to) &&
           (got = explain_file_next(&verb->file, &packet, refusal)) > 0) {
        if (verb->file.packets == 1)
            verb->first_ns = packet.when_ns;
        fields_read(&verb->dissection, packet.octets, packet.whole, verb->file.link);
        track_packet(&verb->track, &verb->dissection, is_discarded(packet.comment), &verb->verdict);
        bool chosen = !verb->numbered || verb->file.packets >= verb->from;
        if (chosen && packet.selected && !show(verb, &packet))
            return 0; /* nobody reads any more, or the disk is full: finish_stdout() tells */
    }
    if (got < 0) {
        fflush(stdout);
        return refusal->status;
    }
    if (verb->numbered && verb->file.packets < verb->from)
        return refuse(refusal, EXIT_FAILURE,
                      "explain %s: there is no packet %llu: the file has %llu", verb->file.path,
                      (unsigned long long)verb->from, (unsigned long long)verb->file.packets);
    return 0;
}

int verb_explain(int argc, char **argv)
{
    static struct explain_verb verb;
    struct options options;
    struct refusal refusal;
    enum options_wish wish;
    struct hash_key key;
    int first;

    int status = options_read(&options, &verb_row, &verb, argc, argv, &wish, &first, &refusal);
    if (!status && options_grant(&verb_row, wish))
        return EXIT_SUCCESS;
    if (!status)
        status = join_filter(&verb, argc - first - 1, argv + first + 1, &refusal);
    if (!status)
        status = check(&verb, &refusal);
    if (status)
        return say_refusal(&refusal);

    const char *no_color = getenv("NO_COLOR");
    verb.style.colour = isatty(STDOUT_FILENO) && !(no_color && *no_color);
    int err = os_env_init(&verb.env, NULL);
    if (!err)
        err = verb.env.env.random(verb.env.env.context, &key, sizeof key);
    if (err) {
        say("explain: no random numbers: %s", strerror(-err));
        return EXIT_FAILURE;
    }
    track_init(&verb.track, key);
    status =
        explain_file_open(&verb.file, argv[first], *verb.filter ? verb.filter : NULL, &refusal);
    if (!status)
        status = explain_all(&verb, &refusal);
    if (status)
        say_refusal(&refusal);
    explain_file_close(&verb.file);
    return status;
}
