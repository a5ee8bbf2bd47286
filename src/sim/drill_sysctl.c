/*
 * drill_sysctl.c - see drill_sysctl.h.
 *
 * A command is first taken apart (drill_shell.c) and then looked up by its first word. All of a
 * command is known or none: its settings are handed out only when nothing in it was strange.
 * What stands behind `||` is left out, since the commands that we know succeed.
 */
#include "sim/drill_sysctl.h"

#include <string.h>

#include "base/bytes.h"
#include "base/instant.h"
#include "sim/drill_shell.h"

static const char PROC[] = "/proc/sys/";

enum { NAME_MAX_LEN = 256, VALUE_MAX = 1024 };

struct reading {
    struct drill_shell_command command;
    drill_sysctl_see *see;
    void *context;
};

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool ends_with(const char *text, const char *suffix)
{
    size_t len = strlen(text), suffix_len = strlen(suffix);
    return len >= suffix_len && strcmp(text + len - suffix_len, suffix) == 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void hand_out(const struct reading *r, struct drill_sysctl seen)
{
    seen.line = r->command.line;
    seen.text = r->command.text;
    r->see(r->context, &seen);
}

/* --- settings ----------------------------------------------------------------------------- */

/* net/ipv4/x and /proc/sys/net/ipv4/x are net.ipv4.x. */
static bool read_name(struct bytes in, char out[NAME_MAX_LEN])
{
    size_t prefix = strlen(PROC);
    if (in.len >= prefix && memcmp(in.at, PROC, prefix) == 0)
        in = bytes_skip(in, prefix);
    if (in.len == 0 || in.len >= NAME_MAX_LEN)
        return false;
    for (size_t i = 0; i < in.len; i++) {
        char c = (char)in.at[i];
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                        (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.' || c == '/';
        if (!is_plain)
            return false;
        out[i] = (char)(c == '/' ? '.' : c);
    }
    out[in.len] = '\0';
    return true;
}

/* Appends a word to a value: one blank between words, none at the ends. */
static bool add_to_value(const char *word, char out[VALUE_MAX])
{
    size_t len = strlen(out);
    bool blank = len > 0;

    for (; *word; word++) {
        if (*word == ' ' || *word == '\t' || *word == '\n') {
            blank = len > 0;
            continue;
        }
        if (len + 2 >= VALUE_MAX)
            return false;
        if (blank)
            out[len++] = ' ';
        blank = false;
        out[len++] = *word;
    }
    out[len] = '\0';
    return true;
}

/* name=value; false: it is none. Without `see` it is only checked. */
static bool take_setting(const struct reading *r, const char *word, bool see)
{
    char name[NAME_MAX_LEN];
    char value[VALUE_MAX] = "";
    const char *sign = strchr(word, '=');

    if (!sign || !read_name(bytes_of(word, (size_t)(sign - word)), name) ||
        !add_to_value(sign + 1, value))
        return false;
    if (see)
        hand_out(r, (struct drill_sysctl){.kind = DRILL_SYSCTL_SET, .name = name, .value = value});
    return true;
}

/* Does the output go where nobody sees it? */
static bool is_quiet(const struct drill_shell_command *c)
{
    return !c->target || strcmp(c->target, "/dev/null") == 0;
}

/* sysctl [-qwnei..] (name=value | name)* */
static bool read_sysctl(const struct reading *r)
{
    const struct drill_shell_command *c = &r->command;
    char name[NAME_MAX_LEN];

    if (!is_quiet(c) || c->count < 2)
        return false;
    for (int see = 0; see <= 1; see++) {
        for (uint32_t i = 1; i < c->count; i++) {
            const char *word = c->words[i];
            if (c->expands[i])
                return false;
            if (word[0] == '-') {
                if (word[1] == '-' || word[strspn(word + 1, "qwneiNhabodTx") + 1])
                    return false; /* -p reads a file, -f another */
                continue;
            }
            if (strchr(word, '=') ? !take_setting(r, word, see)
                                  : !read_name(bytes_of(word, strlen(word)), name))
                return false;
        }
    }
    return true;
}

/* set_sysctls.py /proc/sys/net/ipv4/x=1 .., its words from number `from` on. */
static bool read_set_sysctls(const struct reading *r, uint32_t from)
{
    const struct drill_shell_command *c = &r->command;

    if (!is_quiet(c))
        return false;
    for (int see = 0; see <= 1; see++)
        for (uint32_t i = from; i < c->count; i++)
            if (c->expands[i] || !take_setting(r, c->words[i], see))
                return false;
    return true;
}

/* echo .. > /proc/sys/name, or for people. */
static bool read_echo(const struct reading *r)
{
    const struct drill_shell_command *c = &r->command;
    char name[NAME_MAX_LEN];
    char value[VALUE_MAX] = "";

    if (is_quiet(c))
        return true;
    if (!starts_with(c->target, PROC) || !read_name(bytes_of(c->target, strlen(c->target)), name))
        return false;
    for (uint32_t i = 1; i < c->count; i++) {
        if (i == 1 && (strcmp(c->words[i], "-n") == 0 || strcmp(c->words[i], "-e") == 0))
            continue;
        if (c->expands[i] || !add_to_value(c->words[i], value))
            return false;
    }
    hand_out(r, (struct drill_sysctl){.kind = DRILL_SYSCTL_SET, .name = name, .value = value});
    return true;
}

/* --- the rest ----------------------------------------------------------------------------- */

/* "1", "0.25", ".5", "2s" */
static bool read_seconds(const char *text, int64_t *out)
{
    static const int64_t seconds_max = 1000000;
    int64_t whole = 0, nanos = 0;
    const char *at = text;

    for (; *at >= '0' && *at <= '9'; at++) {
        whole = whole * 10 + (*at - '0');
        if (whole > seconds_max)
            return false;
    }
    if (*at == '.') {
        at++;
        for (int64_t worth = NS_PER_S / 10; *at >= '0' && *at <= '9'; at++, worth /= 10)
            nanos += (*at - '0') * worth;
    }
    if (*at == 's')
        at++;
    *out = whole * NS_PER_S + nanos;
    return at > text && *at == '\0';
}

static bool read_sleep(const struct reading *r)
{
    int64_t ns;
    if (r->command.count != 2 || !is_quiet(&r->command) || !read_seconds(r->command.words[1], &ns))
        return false;
    hand_out(r, (struct drill_sysctl){.kind = DRILL_SYSCTL_SLEEP, .sleep_ns = ns});
    return true;
}

/* A script, its name the word number `at` and the last one. */
static bool read_script(const struct reading *r, uint32_t at)
{
    const struct drill_shell_command *c = &r->command;
    if (at + 1 != c->count || !is_quiet(c) || c->expands[at] || !ends_with(c->words[at], ".sh"))
        return false;
    hand_out(r, (struct drill_sysctl){.kind = DRILL_SYSCTL_SCRIPT, .name = c->words[at]});
    return true;
}

/* NAME=value, and nothing behind it. */
static bool is_assignment(const char *word)
{
    size_t len = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return len > 0 && word[len] == '=' && !(word[0] >= '0' && word[0] <= '9');
}

static bool is_assignments(const struct drill_shell_command *c, uint32_t from)
{
    for (uint32_t i = from; i < c->count; i++)
        if (!is_assignment(c->words[i]) || starts_with(c->words[i], "PATH="))
            return false;
    return true;
}

/* tc qdisc replace dev tun0 root pfifo: the wire of a simulation is plain anyway. */
static bool is_plain_queue(const struct drill_shell_command *c)
{
    if (c->count < 4 || strcmp(c->words[1], "qdisc") != 0)
        return false;
    for (uint32_t i = 2; i < c->count; i++)
        if (strcmp(c->words[i], "pfifo") == 0)
            return true;
    return false;
}

static bool is_without_effect(const struct drill_shell_command *c)
{
    static const char *const words[] = {"true", ":", "set", "nstat", "cat"};
    const char *first = c->words[0];

    if (strstr(first, "sysctl_restore"))
        return c->count == 1;
    if (!is_quiet(c))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(first, words[i]) == 0)
            return true;
    if (strcmp(first, "export") == 0)
        return is_assignments(c, 1);
    if (strcmp(first, "ip") == 0)
        return c->count >= 3 && strcmp(c->words[1], "tcp_metrics") == 0 &&
               strcmp(c->words[2], "flush") == 0;
    if (strcmp(first, "tc") == 0)
        return is_plain_queue(c);
    return is_assignments(c, 0);
}

static bool is_interpreter(const char *word, const char *const names[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(base_name(word), names[i]) == 0)
            return true;
    return false;
}

/* All of the command, or false and nothing of it. */
static bool read_command(const struct reading *r)
{
    static const char *const shells[] = {"sh", "bash", "source", "."};
    static const char *const pythons[] = {"python", "python3"};
    const struct drill_shell_command *c = &r->command;
    const char *first = c->count ? c->words[0] : "";

    if (c->is_strange || c->count == 0)
        return false;
    if (is_without_effect(c))
        return true;
    if (c->expands[0])
        return false;
    if (strcmp(base_name(first), "sysctl") == 0)
        return read_sysctl(r);
    if (strcmp(base_name(first), "set_sysctls.py") == 0)
        return read_set_sysctls(r, 1);
    if (strcmp(first, "echo") == 0)
        return read_echo(r);
    if (strcmp(first, "sleep") == 0)
        return read_sleep(r);
    if (c->count >= 2 && is_interpreter(first, shells, ARRAY_LEN(shells)))
        return strstr(c->words[1], "sysctl_restore") ? c->count == 2 : read_script(r, 1);
    if (c->count >= 2 && is_interpreter(first, pythons, ARRAY_LEN(pythons)))
        return strcmp(base_name(c->words[1]), "set_sysctls.py") == 0 && read_set_sysctls(r, 2);
    return read_script(r, 0);
}

void drill_sysctl_read(const char *text, drill_sysctl_see *see, void *context)
{
    struct drill_shell shell;
    struct reading r = {.see = see, .context = context};
    bool is_alternative = false;

    drill_shell_init(&shell, text);
    while (drill_shell_next(&shell, &r.command)) {
        if (!is_alternative && !read_command(&r))
            hand_out(&r, (struct drill_sysctl){.kind = DRILL_SYSCTL_UNKNOWN});
        is_alternative = r.command.end == DRILL_SHELL_OR;
    }
}
