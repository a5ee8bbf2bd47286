/*
 * lab_pick.c - which of the things that happen: "segment client S #1", and the marks that name
 * them.
 */
#include <string.h>

#include "sim/lab_parser.h"
#include "sim/lab_words.h"
#include "tcp/tcp_wire.h"

static bool parse_flags(const char *word, uint8_t *out)
{
    static const struct {
        char letter;
        uint8_t flag;
    } letters[] = {{'S', TCP_SYN}, {'A', TCP_ACK}, {'F', TCP_FIN}, {'R', TCP_RST}};
    uint8_t flags = 0;

    for (const char *at = word; *at; at++) {
        size_t i = 0;
        while (i < ARRAY_LEN(letters) && letters[i].letter != *at)
            i++;
        if (i == ARRAY_LEN(letters))
            return false;
        flags |= letters[i].flag;
    }
    *out = flags ? flags : *out;
    return flags != 0;
}

static bool pick_value(struct lab_parser *p, struct lab_pick *pick, const char *word)
{
    const char *equals = strchr(word, '=');

    if (!equals)
        return false;
    size_t len = (size_t)(equals - word);
    const char *value = equals + 1;
    if (len == 5 && strncmp(word, "scene", len) == 0)
        return (pick->scene = lab_scene_find(p->plan, value)) >= 0;
    if (len == 5 && strncmp(word, "after", len) == 0)
        return (pick->after = lab_mark_find(p->plan, value)) >= 0 &&
               !p->plan->mark[pick->after].counts;
    if (len == 3 && strncmp(word, "why", len) == 0)
        return lab_copy_word(pick->why, value);
    if (len == 3 && strncmp(word, "got", len) == 0)
        return lab_copy_word(pick->got, value);
    return len == 4 && strncmp(word, "port", len) == 0 && lab_number(value, &pick->port);
}

static bool pick_word(struct lab_parser *p, struct lab_pick *pick, const char *word)
{
    static const struct {
        const char *word;
        size_t at;
        enum lab_want want;
    } wants[] = {
        {"text", offsetof(struct lab_pick, text), LAB_YES},
        {"bare", offsetof(struct lab_pick, text), LAB_NO},
        {"lost", offsetof(struct lab_pick, lost), LAB_YES},
        {"again", offsetof(struct lab_pick, again), LAB_YES},
        {"first", offsetof(struct lab_pick, again), LAB_NO},
        {"waits", offsetof(struct lab_pick, waits), LAB_YES},
    };
    static const char *const protocols[] = {"", "tcp", "udp", "arp", "icmp"};
    int64_t number;

    for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
        if (strcmp(word, wants[i].word) == 0) {
            *(enum lab_want *)(void *)((char *)pick + wants[i].at) = wants[i].want;
            return true;
        }
    }
    for (size_t i = 1; i < ARRAY_LEN(protocols); i++) {
        if (strcmp(word, protocols[i]) == 0) {
            pick->protocol = (enum lab_protocol)i;
            return true;
        }
    }
    if (strcmp(word, "last") == 0) {
        pick->nth = -1;
        return true;
    }
    if (word[0] == '#') {
        bool good = lab_number(word + 1, &number) && number > 0 && number < 1000000;
        pick->nth = good ? (int)number : 0;
        return good;
    }
    if (pick->kind == LAB_SEGMENT && parse_flags(word, &pick->flags))
        return pick->has_flags = true;
    if (strchr(word, '='))
        return pick_value(p, pick, word);
    return pick->kind != LAB_SEGMENT && !pick->word[0] && lab_copy_word(pick->word, word);
}

/* "segment client S #1" */
int lab_parse_pick(struct lab_parser *p, struct lab_pick *pick, bool has_kind)
{
    static const char *const kinds[] = {"segment", "call", "state", "event"};
    char word[LAB_LINE];

    *pick = (struct lab_pick){.kind = LAB_SEGMENT, .host = -1, .scene = -1, .after = -1};
    if (has_kind) {
        size_t kind = 0;
        if (!lab_next_word(&p->rest, word, sizeof word))
            return lab_wrong(p, "what is picked is missing", NULL);
        while (kind < ARRAY_LEN(kinds) && strcmp(word, kinds[kind]) != 0)
            kind++;
        if (kind == ARRAY_LEN(kinds))
            return lab_wrong(p, "neither segment, call, state nor event", word);
        pick->kind = (enum lab_kind)kind;
    }
    if (!lab_next_word(&p->rest, word, sizeof word))
        return lab_wrong(p, "a host, or 'any', is missing", NULL);
    pick->host = lab_host_find(p->plan, word);
    if (pick->host < 0 && strcmp(word, "any") != 0)
        return lab_wrong(p, "no such host", word);
    while (p->rest.len > 0)
        if (!lab_next_word(&p->rest, word, sizeof word) || !pick_word(p, pick, word))
            return lab_wrong(p, "no such condition", word);
    return 0;
}

int lab_parse_mark(struct lab_parser *p, bool counts)
{
    struct lab_plan *plan = p->plan;

    if (plan->marks == LAB_MARKS)
        return lab_wrong(p, "too many marks", NULL);
    struct lab_mark *mark = &plan->mark[plan->marks];
    *mark = (struct lab_mark){.counts = counts};
    if (!lab_next_word(&p->rest, mark->name, sizeof mark->name))
        return lab_wrong(p, "a name is missing", NULL);
    if (lab_mark_find(plan, mark->name) >= 0)
        return lab_wrong(p, "this name is taken", mark->name);
    int err = lab_parse_pick(p, &mark->pick, true);
    if (err)
        return err;
    if (counts && mark->pick.nth)
        return lab_wrong(p, "a count is of all", mark->name);
    if (!counts && !mark->pick.nth)
        mark->pick.nth = 1;
    plan->marks++;
    return 0;
}
