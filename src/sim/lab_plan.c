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
#include "sim/lab_parser.h"
#include "sim/lab_words.h"

int lab_wrong(struct lab_parser *p, const char *what, const char *word)
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

bool lab_copy_word(char out[LAB_WORD], const char *word)
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

bool lab_time(const char *word, int64_t *ns)
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

/* --- scenes ------------------------------------------------------------------------------- */

static int parse_host(struct lab_parser *p)
{
    struct lab_plan *plan = p->plan;
    struct lab_host *host = &plan->host[plan->hosts];
    char side[LAB_WORD];

    if (plan->hosts == LAB_HOSTS || plan->scenes > 0)
        return lab_wrong(p, "hosts come first, and are few", NULL);
    if (!lab_next_word(&p->rest, host->name, sizeof host->name) ||
        !lab_next_word(&p->rest, side, sizeof side))
        return lab_wrong(p, "a name and a side are missing", NULL);
    host->right = strcmp(side, "right") == 0;
    if (!host->right && strcmp(side, "left") != 0)
        return lab_wrong(p, "neither left nor right", side);
    plan->hosts++;
    return 0;
}

static int parse_scene(struct lab_parser *p)
{
    struct lab_plan *plan = p->plan;

    if (plan->scenes == LAB_SCENES)
        return lab_wrong(p, "too many scenes", NULL);
    struct lab_scene *scene = &plan->scene[plan->scenes];
    *scene = p->common;
    if (!lab_next_word(&p->rest, scene->name, sizeof scene->name))
        return lab_wrong(p, "a name is missing", NULL);
    p->scene = plan->scenes++;
    p->program = -1;
    return 0;
}

static struct lab_scene *scene_of(struct lab_parser *p)
{
    return p->scene < 0 ? &p->common : &p->plan->scene[p->scene];
}

/* The host that a line names first, if it does; -1: all. */
static int maybe_host(struct lab_parser *p)
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

static int parse_wire(struct lab_parser *p)
{
    int host = maybe_host(p);
    struct impair_config in = {0}, out = {0};
    char spec[LAB_LINE], why[LAB_LINE];

    if (!lab_next_word(&p->rest, spec, sizeof spec) ||
        impair_parse(spec, &in, &out, why, sizeof why))
        return lab_wrong(p, "no such wire", NULL);
    for (int i = 0; i < LAB_HOSTS; i++)
        if (host < 0 || i == host)
            scene_of(p)->wire[i] = (struct lab_wire){.given = true, .config = out};
    return 0;
}

static int parse_mtu(struct lab_parser *p)
{
    int host = maybe_host(p);
    char word[LAB_WORD];
    int64_t mtu;

    if (!lab_next_word(&p->rest, word, sizeof word) || !lab_number(word, &mtu) || mtu < 68 ||
        mtu > 65535)
        return lab_wrong(p, "no such MTU", NULL);
    for (int i = 0; i < LAB_HOSTS; i++)
        if (host < 0 || i == host)
            scene_of(p)->mtu[i] = (uint32_t)mtu;
    return 0;
}

static int parse_set(struct lab_parser *p)
{
    struct lab_plan *plan = p->plan;
    struct stack_values trial;

    if (plan->sets == LAB_SETS)
        return lab_wrong(p, "too many values are set", NULL);
    struct lab_set *set = &plan->set[plan->sets];
    set->scene = p->scene;
    set->host = maybe_host(p);
    values_default(&trial);
    if (!lab_next_word(&p->rest, set->key, sizeof set->key) ||
        !lab_next_word(&p->rest, set->value, sizeof set->value) ||
        values_set(&trial, set->key, set->value))
        return lab_wrong(p, "no such value", set->key);
    plan->sets++;
    return 0;
}

static int parse_drop(struct lab_parser *p)
{
    struct lab_plan *plan = p->plan;

    if (plan->drops == LAB_DROPS)
        return lab_wrong(p, "too many drops", NULL);
    struct lab_drop *drop = &plan->drop[plan->drops];
    drop->scene = p->scene;
    int err = lab_parse_pick(p, &drop->pick, false);
    if (err)
        return err;
    if (drop->pick.host < 0 || drop->pick.nth < 0 || drop->pick.why[0] || drop->pick.got[0] ||
        drop->pick.after >= 0 || drop->pick.lost || drop->pick.again)
        return lab_wrong(p, "that cannot be known when it is sent", NULL);
    plan->drops++;
    return 0;
}

/* --- lines -------------------------------------------------------------------------------- */

static int parse_expect(struct lab_parser *p)
{
    struct lab_plan *plan = p->plan;

    if (plan->expects == LAB_EXPECTS || p->rest.len >= LAB_LINE)
        return lab_wrong(p, "too many expectations, or too long a one", NULL);
    struct lab_expect *expect = &plan->expect[plan->expects++];
    *expect = (struct lab_expect){.line = p->line};
    memcpy(expect->text, p->rest.at, p->rest.len);
    p->rest.len = 0;
    return 0;
}

static int parse_program(struct lab_parser *p)
{
    return lab_parse_program(p, maybe_host(p));
}

static int parse_simple(struct lab_parser *p, const char *statement)
{
    char word[LAB_WORD] = "";
    int64_t number;
    bool good = lab_next_word(&p->rest, word, sizeof word);

    if (strcmp(statement, "capture") == 0)
        return (p->plan->capture = lab_host_find(p->plan, word)) < 0
                   ? lab_wrong(p, "no such host", word)
                   : 0;
    if (strcmp(statement, "link") == 0) {
        scene_of(p)->ethernet = strcmp(word, "ethernet") == 0;
        return scene_of(p)->ethernet || strcmp(word, "ip") == 0 ? 0 : lab_wrong(p, "no link", word);
    }
    if (strcmp(statement, "limit") == 0)
        return good && lab_time(word, &scene_of(p)->limit_ns) ? 0 : lab_wrong(p, "no time", word);
    if (!good || !lab_number(word, &number))
        return lab_wrong(p, "no seed", word);
    p->plan->seed = (uint64_t)number;
    return 0;
}

static int parse_line(struct lab_parser *p)
{
    static const struct {
        const char *word;
        int (*parse)(struct lab_parser *p);
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
        err = lab_parse_mark(p, word[0] == 'c');
    if (err == -ENOENT)
        err = lab_parse_step(p, word);
    return !err && p->rest.len > 0 ? lab_wrong(p, "this is too much for", word) : err;
}

int lab_plan_read(struct lab_plan *plan, const char *text, struct text *why)
{
    struct lab_parser p = {.plan = plan, .why = why, .scene = -1, .program = -1, .repeat = -1};
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
        err = lab_wrong(&p, "two hosts and a scene are the least", NULL);
    return err;
}
