/*
 * options_shared.c - options that several verbs take in the same words: how each is read, and what
 * it then does.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/instant.h"
#include "options.h"

int seconds_take(const char *option, const char *text, int64_t *ns, struct refusal *refusal)
{
    if (!seconds_parse(text, ns) || *ns < NS_PER_MS)
        return refuse(refusal, EXIT_USAGE, "%s %s: not a number of seconds from 0.001 to 86400",
                      option, text);
    return 0;
}

int seed_take(uint64_t *seed, const char *text, struct refusal *refusal)
{
    if (number_parse(text, 0, UINT64_MAX, seed))
        return 0;
    return refuse(refusal, EXIT_USAGE, "--seed %s: not a number from 0 to %" PRIu64, text,
                  UINT64_MAX);
}

/* --- values ------------------------------------------------------------------------------- */

int offload_take(enum offload *offload, const char *text, struct refusal *refusal)
{
    bool on = strcmp(text, "on") == 0;

    if (!on && strcmp(text, "off") != 0)
        return refuse(refusal, EXIT_USAGE, "--offload %s: on or off", text);
    *offload = on ? OFFLOAD_ON : OFFLOAD_OFF;
    return 0;
}

int value_take(const char *text, struct stack_values *values, struct refusal *refusal)
{
    char key[64];
    struct value_info info;
    const char *near = NULL;
    const char *value = strchr(text, '=');

    if (!value)
        return refuse(refusal, EXIT_USAGE,
                      "--set %s: write KEY=VALUE, or --set help for a list of keys", text);
    if ((size_t)(value - text) >= sizeof key)
        return refuse(refusal, EXIT_USAGE, "--set %s: no such value; --set help lists them", text);
    memcpy(key, text, (size_t)(value - text));
    key[value - text] = '\0';

    int err = values_set(values, key, value + 1);
    if (!err)
        return 0;
    for (size_t i = 0; values_describe(i, &info); i++) {
        if (strcmp(info.key, key) == 0)
            return refuse(refusal, EXIT_USAGE, "--set %s: %s, and it goes from %s to %s", text,
                          err == -ERANGE ? "out of range" : "not a value that it can have",
                          info.min, info.max);
        if (word_is_near(key, info.key) &&
            (!near || word_distance(key, info.key) < word_distance(key, near)))
            near = info.key;
    }
    if (near)
        return refuse(refusal, EXIT_USAGE, "--set %s: no such value; did you mean %s?", text, near);
    return refuse(refusal, EXIT_USAGE, "--set %s: no such value; --set help lists them", text);
}

int profile_take(const char **profile, const char *text, struct refusal *refusal)
{
    struct stack_values trial;

    values_default(&trial);
    if (values_profile(&trial, text))
        return refuse(refusal, EXIT_USAGE, "--profile %s: default, rfc, linux or freebsd", text);
    *profile = text;
    return 0;
}

/* --- a bad wire --------------------------------------------------------------------------- */

int impairs_take(struct impairs *impairs, const char *text, struct refusal *refusal)
{
    struct impair_config in = {0}, out = {0};
    char why[200];

    if (impair_parse(text, &in, &out, why, sizeof why))
        return refuse(refusal, EXIT_USAGE, "--impair %s: %s", text, why);
    if (impairs->count == OPTIONS_IMPAIRS)
        return refuse(refusal, EXIT_USAGE, "--impair %s: at most %d of them", text,
                      OPTIONS_IMPAIRS);
    impairs->spec[impairs->count++] = text;
    return 0;
}

void impairs_apply(const struct impairs *impairs, struct impair_config *in,
                   struct impair_config *out)
{
    char why[200];

    for (int i = 0; i < impairs->count; i++) {
        int err = impair_parse(impairs->spec[i], in, out, why, sizeof why);
        assert(!err); /* impairs_take() has tried it */
    }
}

/* --- whoever started us ------------------------------------------------------------------- */

int ready_fd_take(int *ready_fd, const char *text, struct refusal *refusal)
{
    uint64_t fd;

    if (!number_parse(text, 0, INT32_MAX, &fd))
        return refuse(refusal, EXIT_USAGE, "--ready-fd %s: not the number of a descriptor", text);
    *ready_fd = (int)fd;
    return 0;
}

int ready_fd_check(int fd, struct refusal *refusal)
{
    if (fd >= 0 && fcntl(fd, F_GETFD) < 0)
        return refuse(refusal, EXIT_USAGE, "--ready-fd %d: not open; redirect it, as in %d>ready",
                      fd, fd);
    return 0;
}

void ready_fd_tell(int fd, const char *line)
{
    if (fd < 0)
        return;
    dprintf(fd, "%s\n", line);
    if (fd > STDERR_FILENO)
        close(fd);
}
