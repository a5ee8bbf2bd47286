/*
 * why.c - `tapio why drop|rst|stall|retransmit [CONN]`: what a running stack did, in sentences,
 * also after the fact.
 *
 * The stack makes the sentences (see/why.h), newest first; here they are set: what happened, and
 * below it why. --json prints its own lines, of which docs/control.md tells.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "control_client.h"
#include "options.h"
#include "verbs.h"

struct why_verb {
    struct options options;
    const char *control;
    bool json;
    const char *about;
    uint64_t conn; /* 0: any */
};

/* --- the command line --------------------------------------------------------------------- */

static int take_control(void *context, const char *text, struct refusal *refusal)
{
    return control_path_take(&((struct why_verb *)context)->control, text, refusal);
}

static int take_json(void *context, const char *text, struct refusal *refusal)
{
    (void)text, (void)refusal;
    ((struct why_verb *)context)->json = true;
    return 0;
}

/* clang-format off */
static const struct option_row rows[] = {
    {"control", 0, "PATH", "the stack's socket (default: that of the only one that runs)", take_control},
    {"json",    0, NULL,   "the stack's own lines, one JSON object each",                  take_json},
};

static const struct {
    const char *word, *about;
} subjects[] = {
    {"drop",       "drop"},       {"drops",           "drop"},
    {"rst",        "rst"},        {"reset",           "rst"},
    {"stall",      "stall"},      {"stalls",          "stall"},
    {"retransmit", "retransmit"}, {"retransmission",  "retransmit"},
};
/* clang-format on */

static const struct option_verb verb = {
    .name = "why",
    .arguments = "drop|rst|stall|retransmit [CONN]",
    .help =
        "Tells why a running stack has dropped a packet, why a connection was reset, has stalled\n"
        "or has sent something again: the newest first, and also of connections that are gone.\n"
        "CONN is the number of a connection, as in captures and in 'tapio ss -i'.",
    .rows = rows,
    .row_count = ARRAY_LEN(rows),
    .operands = 1,
    .more_operands = 1,
    .alone = true,
};

static int take_operands(struct why_verb *why, char **words, int count, struct refusal *refusal)
{
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++)
        if (strcmp(words[0], subjects[i].word) == 0)
            why->about = subjects[i].about;
    if (!why->about)
        return refuse(refusal, EXIT_USAGE,
                      "why %s: there are 'why drop', 'why rst', 'why stall' and 'why retransmit'",
                      words[0]);
    if (count > 1 && !number_parse(words[1], 1, UINT32_MAX, &why->conn))
        return refuse(refusal, EXIT_USAGE,
                      "why %s %s: not the number of a connection; 'tapio ss -i' shows them as id:N",
                      words[0], words[1]);
    return 0;
}

/* --- what is shown ------------------------------------------------------------------------ */

/* A sentence as a line of its own, below what it explains. */
static void show_below(const char *head, const char *sentence)
{
    if (sentence)
        printf("    %s%s\n", head, sentence);
}

static void show(const json_t *line)
{
    const char *type = control_text(line, "type"), *text = control_text(line, "text");

    if (strcmp(type, "total") == 0) {
        printf("since the start: %s %" PRIu64 ": %s\n", control_text(line, "drop"),
               control_number(line, "packets", 0), control_text(line, "because"));
        return;
    }
    if (text && *text)
        printf("%s\n", text);
    show_below("", control_text(line, "because"));
    show_below("it ended: ", control_text(line, "ended"));
}

static json_t *request_of(const struct why_verb *why)
{
    json_t *request = json_pack("{s:i, s:s, s:s}", "schema", 1, "verb", "why", "about", why->about);

    if (why->conn)
        json_object_set_new(request, "conn", json_integer((json_int_t)why->conn));
    return request;
}

static int run(struct why_verb *why, struct refusal *refusal)
{
    struct control_client client;
    int status = control_client_open(&client, why->control, refusal);

    if (!status)
        status = control_client_ask(&client, request_of(why), refusal);
    while (!status && !ferror(stdout)) {
        status = control_client_next(&client, refusal);
        if (status > 0)
            break;
        if (why->json)
            fputs(client.line, stdout);
        else if (status == 0)
            show(client.object);
    }
    control_client_close(&client);
    return status > 0 ? status : 0;
}

int verb_why(int argc, char **argv)
{
    static struct why_verb why; /* not on the stack: the options hold a config */
    struct refusal refusal;
    enum options_wish wish;
    int first;

    why = (struct why_verb){0};
    int status = options_read(&why.options, &verb, &why, argc, argv, &wish, &first, &refusal);
    if (!status && options_grant(&verb, wish))
        return EXIT_SUCCESS;
    if (!status)
        status = take_operands(&why, argv + first, argc - first, &refusal);
    if (!status)
        status = run(&why, &refusal);
    return status ? say_refusal(&refusal) : EXIT_SUCCESS;
}
