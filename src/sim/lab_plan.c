/*
 * lab_plan.c - see lab_plan.h.
 *
 * A plan is written by us and compiled in, but it is read as strictly as if it were not: whoever
 * writes a lab is told the line and the word that cannot be. Which marks exist is known only at the
 * end of the plan, so expectations are kept as text and read when the lab has run.
 */
#include "sim/lab_plan.h"

#include <errno.h>
#include <string.h>

#include "base/instant.h"
#include "sim/lab_words.h"
#include "tcp/tcp_wire.h"

struct parser {
    struct lab_plan *plan;
    struct text *why;
    int line;
    struct bytes rest; /* of the line */
    int scene;         /* -1: before the first */
    int program;       /* -1: none is open */
    int repeat;        /* the step, or -1 */
    struct lab_scene common;
};

static int wrong(struct parser *p, const char *what, const char *word)
{
    if (p->why->len == 0) {
        text_add(p->why, "line ");
        text_add_i64(p->why, p->line);
        text_add(p->why, ": ");
        text_add(p->why, what);
        if (word) {
            text_add(p->why, ": ");
            text_add(p->why, word);
        }
    }
    return -EINVAL;
}

static bool copy_word(char out[LAB_WORD], const char *word)
{
    size_t len = strlen(word);

    if (len >= LAB_WORD)
        return false;
    memcpy(out, word, len + 1);
    return true;
}

bool lab_number(const char *text, int64_t *out)
{
    int64_t value = 0;

    if (!*text || strlen(text) > 15)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (*text - '0');
    }
    *out = value;
    return true;
}

int lab_mark_find(const struct lab_plan *plan, const char *name)
{
    for (int i = 0; i < plan->marks; i++)
        if (strcmp(plan->mark[i].name, name) == 0)
            return i;
    return -1;
}

int lab_host_find(const struct lab_plan *plan, const char *name)
{
    for (int i = 0; i < plan->hosts; i++)
        if (strcmp(plan->host[i].name, name) == 0)
            return i;
    return -1;
}

int lab_scene_find(const struct lab_plan *plan, const char *name)
{
    for (int i = 0; i < plan->scenes; i++)
        if (strcmp(plan->scene[i].name, name) == 0)
            return i;
    return -1;
}

/* "10ms", "2s", "150us" */
static bool parse_time(const char *word, int64_t *ns)
{
    static const struct {
        const char *unit;
        int64_t ns;
    } units[] = {{"us", NS_PER_US}, {"ms", NS_PER_MS}, {"s", NS_PER_S}};
    char number[LAB_WORD];
    size_t digits = strspn(word, "0123456789");

    memcpy(number, word, digits);
    number[digits] = '\0';
    if (!lab_number(number, ns))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (strcmp(word + digits, units[i].unit) == 0) {
            *ns *= units[i].ns;
            return *ns <= 3600 * NS_PER_S;
        }
    }
    return false;
}

/* --- what is picked ----------------------------------------------------------------------- */

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

static bool pick_value(struct parser *p, struct lab_pick *pick, const char *word)
{
    const char *equals = strchr(word, '=');

    if (!equals)
        return false;
    size_t len = (size_t)(equals - word);
    const char *value = equals + 1;
    if (len == 5 && strncmp(word, "scene", len) == 0)
        return (pick->scene = lab_scene_find(p->plan, value)) >= 0;
    if (len == 5 && strncmp(word, "after", len) == 0)
        return (pick->after = lab_mark_find(p->plan, value)) >= 0;
    if (len == 3 && strncmp(word, "why", len) == 0)
        return copy_word(pick->why, value);
    if (len == 3 && strncmp(word, "got", len) == 0)
        return copy_word(pick->got, value);
    return len == 4 && strncmp(word, "port", len) == 0 && lab_number(value, &pick->port);
}

static bool pick_word(struct parser *p, struct lab_pick *pick, const char *word)
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
    return pick->kind != LAB_SEGMENT && !pick->word[0] && copy_word(pick->word, word);
}

/* "segment client S #1" */
static int parse_pick(struct parser *p, struct lab_pick *pick, bool has_kind)
{
    static const char *const kinds[] = {"segment", "call", "state", "event"};
    char word[LAB_LINE];

    *pick = (struct lab_pick){.kind = LAB_SEGMENT, .host = -1, .scene = -1, .after = -1};
    if (has_kind) {
        size_t kind = 0;
        if (!lab_next_word(&p->rest, word, sizeof word))
            return wrong(p, "what is picked is missing", NULL);
        while (kind < ARRAY_LEN(kinds) && strcmp(word, kinds[kind]) != 0)
            kind++;
        if (kind == ARRAY_LEN(kinds))
            return wrong(p, "neither segment, call, state nor event", word);
        pick->kind = (enum lab_kind)kind;
    }
    if (!lab_next_word(&p->rest, word, sizeof word))
        return wrong(p, "a host, or 'any', is missing", NULL);
    pick->host = lab_host_find(p->plan, word);
    if (pick->host < 0 && strcmp(word, "any") != 0)
        return wrong(p, "no such host", word);
    while (p->rest.len > 0)
        if (!lab_next_word(&p->rest, word, sizeof word) || !pick_word(p, pick, word))
            return wrong(p, "no such condition", word);
    return 0;
}

static int parse_mark(struct parser *p, bool counts)
{
    struct lab_plan *plan = p->plan;

    if (plan->marks == LAB_MARKS)
        return wrong(p, "too many marks", NULL);
    struct lab_mark *mark = &plan->mark[plan->marks];
    *mark = (struct lab_mark){.counts = counts};
    if (!lab_next_word(&p->rest, mark->name, sizeof mark->name))
        return wrong(p, "a name is missing", NULL);
    if (lab_mark_find(plan, mark->name) >= 0)
        return wrong(p, "this name is taken", mark->name);
    int err = parse_pick(p, &mark->pick, true);
    if (err)
        return err;
    if (counts && mark->pick.nth)
        return wrong(p, "a count is of all", mark->name);
    if (!counts && !mark->pick.nth)
        mark->pick.nth = 1;
    plan->marks++;
    return 0;
}

/* --- scenes ------------------------------------------------------------------------------- */

static int parse_host(struct parser *p)
{
    struct lab_plan *plan = p->plan;
    struct lab_host *host = &plan->host[plan->hosts];
    char side[LAB_WORD];

    if (plan->hosts == LAB_HOSTS || plan->scenes > 0)
        return wrong(p, "hosts come first, and are few", NULL);
    if (!lab_next_word(&p->rest, host->name, sizeof host->name) ||
        !lab_next_word(&p->rest, side, sizeof side))
        return wrong(p, "a name and a side are missing", NULL);
    host->right = strcmp(side, "right") == 0;
    if (!host->right && strcmp(side, "left") != 0)
        return wrong(p, "neither left nor right", side);
    plan->hosts++;
    return 0;
}

static int parse_scene(struct parser *p)
{
    struct lab_plan *plan = p->plan;

    if (plan->scenes == LAB_SCENES)
        return wrong(p, "too many scenes", NULL);
    struct lab_scene *scene = &plan->scene[plan->scenes];
    *scene = p->common;
    if (!lab_next_word(&p->rest, scene->name, sizeof scene->name))
        return wrong(p, "a name is missing", NULL);
    p->scene = plan->scenes++;
    p->program = -1;
    return 0;
}

static struct lab_scene *scene_of(struct parser *p)
{
    return p->scene < 0 ? &p->common : &p->plan->scene[p->scene];
}

/* The host that a line names first, if it does; -1: all. */
static int maybe_host(struct parser *p)
{
    struct bytes before = p->rest;
    char word[LAB_LINE];
    int host = -1;

    if (lab_next_word(&p->rest, word, sizeof word))
        host = lab_host_find(p->plan, word);
    if (host < 0)
        p->rest = before;
    return host;
}

static int parse_wire(struct parser *p)
{
    int host = maybe_host(p);
    struct impair_config in = {0}, out = {0};
    char spec[LAB_LINE], why[LAB_LINE];

    if (!lab_next_word(&p->rest, spec, sizeof spec) ||
        impair_parse(spec, &in, &out, why, sizeof why))
        return wrong(p, "no such wire", NULL);
    for (int i = 0; i < LAB_HOSTS; i++)
        if (host < 0 || i == host)
            scene_of(p)->wire[i] = (struct lab_wire){.given = true, .config = out};
    return 0;
}

static int parse_mtu(struct parser *p)
{
    int host = maybe_host(p);
    char word[LAB_WORD];
    int64_t mtu;

    if (!lab_next_word(&p->rest, word, sizeof word) || !lab_number(word, &mtu) || mtu < 68 ||
        mtu > 65535)
        return wrong(p, "no such MTU", NULL);
    for (int i = 0; i < LAB_HOSTS; i++)
        if (host < 0 || i == host)
            scene_of(p)->mtu[i] = (uint32_t)mtu;
    return 0;
}

static int parse_set(struct parser *p)
{
    struct lab_plan *plan = p->plan;
    struct stack_values trial;

    if (plan->sets == LAB_SETS)
        return wrong(p, "too many values are set", NULL);
    struct lab_set *set = &plan->set[plan->sets];
    set->scene = p->scene;
    set->host = maybe_host(p);
    values_default(&trial);
    if (!lab_next_word(&p->rest, set->key, sizeof set->key) ||
        !lab_next_word(&p->rest, set->value, sizeof set->value) ||
        values_set(&trial, set->key, set->value))
        return wrong(p, "no such value", set->key);
    plan->sets++;
    return 0;
}

static int parse_drop(struct parser *p)
{
    struct lab_plan *plan = p->plan;

    if (plan->drops == LAB_DROPS)
        return wrong(p, "too many drops", NULL);
    struct lab_drop *drop = &plan->drop[plan->drops];
    drop->scene = p->scene;
    int err = parse_pick(p, &drop->pick, false);
    if (err)
        return err;
    if (drop->pick.host < 0 || drop->pick.nth < 0 || drop->pick.why[0] || drop->pick.got[0] ||
        drop->pick.after >= 0 || drop->pick.lost || drop->pick.again)
        return wrong(p, "that cannot be known when it is sent", NULL);
    plan->drops++;
    return 0;
}

/* --- programs ----------------------------------------------------------------------------- */

static int parse_program(struct parser *p)
{
    struct lab_plan *plan = p->plan;

    if (plan->programs == LAB_PROGRAMS || p->scene < 0)
        return wrong(p, "a program is of a scene, and there are few", NULL);
    int host = maybe_host(p);
    if (host < 0)
        return wrong(p, "no such host", NULL);
    p->program = plan->programs++;
    p->repeat = -1;
    plan->program[p->program] =
        (struct lab_program){.scene = p->scene, .host = host, .first = plan->steps};
    return 0;
}

/* The number of the socket that programs of this host call so. */
static int slot_of(struct parser *p, const char *name)
{
    char(*slots)[LAB_WORD] = p->plan->slot[p->plan->program[p->program].host];

    for (int i = 0; i < LAB_SLOTS; i++) {
        if (!slots[i][0])
            return copy_word(slots[i], name) ? i : -1;
        if (strcmp(slots[i], name) == 0)
            return i;
    }
    return -1;
}

/* \r and \n become what they mean. */
static void unescape(char *text)
{
    char *to = text;

    for (; *text; text++) {
        if (text[0] == '\\' && (text[1] == 'r' || text[1] == 'n'))
            *to++ = *++text == 'r' ? '\r' : '\n';
        else
            *to++ = *text;
    }
    *to = '\0';
}

static bool take_argument(struct parser *p, struct lab_step *step, char kind, int *slots,
                          int *numbers)
{
    char word[LAB_LINE];

    if (!lab_next_word(&p->rest, word, sizeof word))
        return false;
    switch (kind) {
    case 's':
        return (*((*slots)++ ? &step->slot2 : &step->slot) = slot_of(p, word)) >= 0;
    case 'n':
        return lab_number(word, &step->number[(*numbers)++]);
    case 't':
        memcpy(step->text, word, sizeof word);
        if (lab_number(word, &step->number[1]))
            step->text[0] = '\0';
        else
            unescape(step->text);
        return true;
    default:
        if (step->word[0]) { /* the second one: a name of DNS */
            memcpy(step->text, word, sizeof word);
            return true;
        }
        return copy_word(step->word, word);
    }
}

static int parse_step(struct parser *p, const char *word)
{
    static const struct {
        const char *word, *arguments;
    } calls[] = {
#define TAPIO_X(id, word, arguments) {word, arguments},
        LAB_STEP_LIST(TAPIO_X)
#undef TAPIO_X
    };
    struct lab_plan *plan = p->plan;
    int slots = 0, numbers = 0;
    size_t call = 0;

    if (plan->steps == LAB_STEPS)
        return wrong(p, "too many steps", NULL);
    struct lab_step *step = &plan->step[plan->steps];
    *step = (struct lab_step){.quiet = word[0] == '@', .slot = -1, .slot2 = -1};
    word += step->quiet;
    while (call < LAB_CALLS && strcmp(word, calls[call].word) != 0)
        call++;
    if (call == LAB_CALLS || p->program < 0)
        return wrong(p, "no such statement", word);
    step->call = (enum lab_call)call;
    for (const char *kind = calls[call].arguments; *kind; kind++)
        if (!take_argument(p, step, *kind, &slots, &numbers))
            return wrong(p, "an argument is missing or wrong", word);
    bool names_host = strchr(calls[call].arguments, 'w') && step->call != LAB_CALL_OPTION &&
                      step->call != LAB_CALL_SLEEP;
    if (names_host && lab_host_find(plan, step->word) < 0)
        return wrong(p, "no such host", step->word);
    if (step->call == LAB_CALL_SLEEP && !parse_time(step->word, &step->number[0]))
        return wrong(p, "no time", step->word);
    if (step->call == LAB_CALL_REPEAT)
        p->repeat = plan->steps;
    if (step->call == LAB_CALL_END) {
        if (p->repeat < 0)
            return wrong(p, "nothing is repeated here", NULL);
        step->back = p->repeat + 1 - plan->program[p->program].first;
        p->repeat = -1;
    }
    plan->steps++;
    plan->program[p->program].count++;
    return 0;
}

/* --- lines -------------------------------------------------------------------------------- */

static int parse_expect(struct parser *p)
{
    struct lab_plan *plan = p->plan;

    if (plan->expects == LAB_EXPECTS || p->rest.len >= LAB_LINE)
        return wrong(p, "too many expectations, or too long a one", NULL);
    struct lab_expect *expect = &plan->expect[plan->expects++];
    *expect = (struct lab_expect){.line = p->line};
    memcpy(expect->text, p->rest.at, p->rest.len);
    p->rest.len = 0;
    return 0;
}

static int parse_simple(struct parser *p, const char *statement)
{
    char word[LAB_WORD] = "";
    int64_t number;
    bool good = lab_next_word(&p->rest, word, sizeof word);

    if (strcmp(statement, "capture") == 0)
        return (p->plan->capture = lab_host_find(p->plan, word)) < 0
                   ? wrong(p, "no such host", word)
                   : 0;
    if (strcmp(statement, "link") == 0) {
        scene_of(p)->ethernet = strcmp(word, "ethernet") == 0;
        return scene_of(p)->ethernet || strcmp(word, "ip") == 0 ? 0 : wrong(p, "no link", word);
    }
    if (strcmp(statement, "limit") == 0)
        return good && parse_time(word, &scene_of(p)->limit_ns) ? 0 : wrong(p, "no time", word);
    if (!good || !lab_number(word, &number))
        return wrong(p, "no seed", word);
    p->plan->seed = (uint64_t)number;
    return 0;
}

static int parse_line(struct parser *p)
{
    static const struct {
        const char *word;
        int (*parse)(struct parser *p);
    } statements[] = {{"host", parse_host},       {"scene", parse_scene},  {"wire", parse_wire},
                      {"mtu", parse_mtu},         {"set", parse_set},      {"drop", parse_drop},
                      {"program", parse_program}, {"expect", parse_expect}};
    static const char *const simple[] = {"capture", "link", "limit", "seed"};
    char word[LAB_LINE];

    if (!lab_next_word(&p->rest, word, sizeof word) || word[0] == '#')
        return 0;
    int err = -ENOENT;
    for (size_t i = 0; i < ARRAY_LEN(statements); i++)
        if (strcmp(word, statements[i].word) == 0)
            err = statements[i].parse(p);
    for (size_t i = 0; i < ARRAY_LEN(simple); i++)
        if (strcmp(word, simple[i]) == 0)
            err = parse_simple(p, word);
    if (strcmp(word, "mark") == 0 || strcmp(word, "count") == 0)
        err = parse_mark(p, word[0] == 'c');
    if (err == -ENOENT)
        err = parse_step(p, word);
    return !err && p->rest.len > 0 ? wrong(p, "this is too much for", word) : err;
}

int lab_plan_read(struct lab_plan *plan, const char *text, struct text *why)
{
    struct parser p = {.plan = plan, .why = why, .scene = -1, .program = -1, .repeat = -1};
    int err = 0;

    *plan = (struct lab_plan){.seed = 1};
    p.common = (struct lab_scene){.limit_ns = 300 * NS_PER_S};
    for (int i = 0; i < LAB_HOSTS; i++)
        p.common.mtu[i] = 1500;
    while (!err && lab_next_line(&text, &p.rest)) {
        p.line++;
        err = parse_line(&p);
    }
    if (!err && (plan->hosts < 2 || plan->scenes < 1))
        err = wrong(&p, "two hosts and a scene are the least", NULL);
    return err;
}
