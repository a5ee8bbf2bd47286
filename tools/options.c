/*
 * options.c - from words to rows of a table, and no further.
 *
 * One table holds the stack options (options_stack.c); a verb brings a table of its own, and
 * getopt_long() gets both. The same tables print the help, so it cannot be out of date.
 */
#include "options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/instant.h"

/* --- numbers ------------------------------------------------------------------------------ */

bool number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
            return false;
    }
    *out = value;
    return value >= min && value <= max;
}

bool seconds_parse(const char *text, int64_t *ns)
{
    int64_t unit = NS_PER_S;
    int64_t value = 0;
    bool digits = false, point = false;

    for (; *text; text++) {
        if (*text == '.' && !point) {
            point = true;
            continue;
        }
        if (*text < '0' || *text > '9' || value > 86400 * NS_PER_S || unit == 1)
            return false;
        digits = true;
        if (point) {
            unit /= 10;
            value += (*text - '0') * unit;
        } else {
            value = value * 10 + (*text - '0') * unit;
        }
    }
    *ns = value;
    return digits && value <= 86400 * NS_PER_S;
}

/* --- reading ------------------------------------------------------------------------------ */

enum { HELP_CODE = 1000, LONG_OPTIONS = STACK_OPTIONS + OPTIONS_VERB + 2 };

/* getopt_long()'s view of both tables; an option's code is its index, stack options first. */
static void fill_getopt(const struct option_verb *verb, struct option longs[LONG_OPTIONS],
                        char letters[2 * OPTIONS_VERB + 5])
{
    size_t count = 0;

    assert(verb->row_count <= OPTIONS_VERB);
    if (verb->command)
        *letters++ = '+';
    *letters++ = ':';
    *letters++ = 'h';
    for (size_t i = 0; i < STACK_OPTIONS && !verb->alone; i++)
        longs[count++] = (struct option){
            .name = stack_option_rows[i].name,
            .has_arg = stack_option_rows[i].argument ? required_argument : no_argument,
            .val = HELP_CODE + 1 + (int)i};
    for (size_t i = 0; i < verb->row_count; i++) {
        const struct option_row *row = &verb->rows[i];
        longs[count++] = (struct option){.name = row->name,
                                         .has_arg = row->argument ? required_argument : no_argument,
                                         .val = HELP_CODE + 1 + (int)(STACK_OPTIONS + i)};
        if (row->letter) {
            *letters++ = row->letter;
            if (row->argument)
                *letters++ = ':';
        }
    }
    longs[count++] = (struct option){.name = "help", .val = HELP_CODE};
    longs[count] = (struct option){0};
    *letters = '\0';
}

static const struct option_row *find_row(const struct option_verb *verb, int code, bool *own)
{
    *own = true;
    if (code > HELP_CODE) {
        size_t index = (size_t)(code - HELP_CODE - 1);
        *own = index >= STACK_OPTIONS;
        return *own ? &verb->rows[index - STACK_OPTIONS] : &stack_option_rows[index];
    }
    for (size_t i = 0; i < verb->row_count; i++)
        if (verb->rows[i].letter == code)
            return &verb->rows[i];
    return NULL;
}

static int refuse_unknown(const struct option_verb *verb, const struct option *longs,
                          const char *typed, struct refusal *refusal)
{
    char name[64];

    if (strncmp(typed, "--", 2) == 0) {
        snprintf(name, sizeof name, "%.*s", (int)strcspn(typed + 2, "="), typed + 2);
        for (; longs->name; longs++)
            if (strcmp(longs->name, name) == 0)
                return refuse(refusal, EXIT_USAGE, "--%s takes no argument", name);
            else if (word_is_near(name, longs->name))
                return refuse(refusal, EXIT_USAGE, "%s: no such option of %s; did you mean --%s?",
                              typed, verb->name, longs->name);
    }
    return refuse(refusal, EXIT_USAGE, "%s: no such option; 'tapio %s --help' lists them", typed,
                  verb->name);
}

static void options_init(struct options *o)
{
    *o = (struct options){.device = "tap0", .ready_fd = -1};
    stack_config_init(&o->config);
    int err = ip_prefix_parse("10.9.0.1/24", &o->host);
    int err6 = ip_prefix_parse("fd00:9::1/64", &o->host6);
    assert(!err && !err6);
}

static int check_operands(const struct option_verb *verb, int count, char **operands,
                          struct refusal *refusal)
{
    int most = verb->operands + verb->more_operands;

    if (count > most)
        return refuse(refusal, EXIT_USAGE, "%s: unexpected; try 'tapio %s --help'", operands[most],
                      verb->name);
    if (count < verb->operands)
        return refuse(refusal, EXIT_USAGE, "%s needs %s; try 'tapio %s --help'", verb->name,
                      verb->arguments, verb->name);
    return 0;
}

int options_read(struct options *o, const struct option_verb *verb, void *context, int argc,
                 char **argv, enum options_wish *wish, int *first, struct refusal *refusal)
{
    struct option longs[LONG_OPTIONS];
    char letters[2 * OPTIONS_VERB + 5];
    int code;

    options_init(o);
    fill_getopt(verb, longs, letters);
    *wish = OPTIONS_RUN;
    opterr = 0;
    optind = 0; /* start afresh (getopt(3), glibc) */
    while ((code = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        bool own;
        char letter[3] = {'-', (char)optopt, '\0'};
        const char *typed = optopt > 0 && optopt < HELP_CODE ? letter : argv[optind - 1];
        if (code == HELP_CODE || code == 'h') {
            *wish = OPTIONS_HELP;
            return 0;
        }
        if (code == ':')
            return refuse(refusal, EXIT_USAGE, "%s needs an argument; try 'tapio %s --help'", typed,
                          verb->name);
        const struct option_row *row = code == '?' ? NULL : find_row(verb, code, &own);
        if (!row)
            return refuse_unknown(verb, longs, typed, refusal);
        int status = row->take(own ? context : o, optarg, refusal);
        if (status)
            return status;
        if (o->set_count && strcmp(o->set[o->set_count - 1], "help") == 0) {
            *wish = OPTIONS_VALUES;
            return 0;
        }
    }
    *first = optind;
    if (o->config.addr_count == 0 && !o->dhcp) {
        o->config.addr_count = 1;
        int err = ip_prefix_parse("10.9.0.2/24", &o->config.addr[0]);
        assert(!err);
    }
    int status = check_operands(verb, argc - optind, argv + optind, refusal);
    return status || verb->alone ? status : stack_options_check(o, refusal);
}

/* --- help --------------------------------------------------------------------------------- */

static void print_rows(const struct option_row *rows, size_t count, FILE *out)
{
    for (size_t i = 0; i < count; i++) {
        char left[48];
        const char *argument = rows[i].argument ? rows[i].argument : "";
        const char *space = rows[i].argument ? " " : "";
        if (rows[i].letter)
            snprintf(left, sizeof left, "-%c, --%s%s%s", rows[i].letter, rows[i].name, space,
                     argument);
        else
            snprintf(left, sizeof left, "--%s%s%s", rows[i].name, space, argument);
        fprintf(out, "  %-26s %s\n", left, rows[i].help);
    }
}

void options_print_help(const struct option_verb *verb, FILE *out)
{
    fprintf(out, "usage: tapio %s%s%s%s%s\n%s\n", verb->name, verb->alone ? "" : " [stack options]",
            verb->row_count ? " [options]" : "", *verb->arguments ? " " : "", verb->arguments,
            verb->help);
    fprintf(out, "\noptions:\n");
    print_rows(verb->rows, verb->row_count, out);
    fprintf(out, "  %-26s %s\n", "-h, --help", "print this");
    if (verb->alone)
        return;
    fprintf(out, "\nstack options:\n");
    print_rows(stack_option_rows, STACK_OPTIONS, out);
}

void options_print_values(FILE *out)
{
    struct value_info info;

    fprintf(out, "%-22s %-10s %-10s %-10s %s\n", "KEY", "DEFAULT", "LEAST", "MOST", "WHAT");
    for (size_t i = 0; values_describe(i, &info); i++)
        fprintf(out, "%-22s %-10s %-10s %-10s %s\n", info.key, info.initial, info.min, info.max,
                info.what);
}

bool options_grant(const struct option_verb *verb, enum options_wish wish)
{
    if (wish == OPTIONS_HELP)
        options_print_help(verb, stdout);
    if (wish == OPTIONS_VALUES)
        options_print_values(stdout);
    return wish != OPTIONS_RUN;
}
