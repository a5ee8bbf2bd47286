/*
 * drill_command.c - shell lines: the sysctls that they set, and nothing else.
 *
 * No shell is run. A line is read for its settings, and so is every script that it names; whatever
 * else it does makes the script a skip. The cleanup command is not looked at: the stack that it
 * would tidy up is gone.
 */
#include <errno.h>

#include "sim/drill_run.h"
#include "sim/drill_sysctl.h"

enum { NESTING_MAX = 8 };

struct reading {
    struct drill_run *run;
    struct stack_values *values;
    uint32_t line;
    int nesting;
    int64_t slept_ns;
    bool failed;
};

static void read_text(struct reading *r, const char *text);

static void read_script(struct reading *r, const struct drill_sysctl *seen)
{
    struct drill_files *files = r->run->config->files;
    struct bytes octets;
    int err = files ? files->read(files, seen->name, &octets) : -ENOENT;

    if (!err && r->nesting == NESTING_MAX)
        err = -ELOOP;
    if (err) {
        drill_skip(r->run, DRILL_SKIP_SHELL, r->line, "%s: %s", seen->name,
                   err == -ENOENT ? "there is no such file" : drill_errno_name(-err));
        r->failed = true;
        return;
    }
    char *text = memory_alloc(r->run->memory, octets.len + 1);
    if (!text) {
        drill_fail(r->run, r->line, "no memory");
        r->failed = true;
        return;
    }
    if (octets.len)
        memcpy(text, octets.at, octets.len);
    r->nesting++;
    read_text(r, text);
    r->nesting--;
    memory_release(r->run->memory, text, octets.len + 1);
}

static void see(void *context, const struct drill_sysctl *seen)
{
    struct reading *r = context;

    if (r->failed)
        return;
    switch (seen->kind) {
    case DRILL_SYSCTL_SET:
        if (drill_knob(r->values, seen->name, seen->value) == 0)
            return;
        drill_skip(r->run, DRILL_SKIP_SYSCTL, r->line, "%s=%s", seen->name, seen->value);
        r->failed = true;
        return;
    case DRILL_SYSCTL_SCRIPT:
        read_script(r, seen);
        return;
    case DRILL_SYSCTL_SLEEP:
        r->slept_ns += seen->sleep_ns;
        return;
    case DRILL_SYSCTL_UNKNOWN:
        drill_skip(r->run, DRILL_SKIP_SHELL, r->line, "%.*s", (int)seen->text.len,
                   (const char *)seen->text.at);
        r->failed = true;
        return;
    }
}

static void read_text(struct reading *r, const char *text)
{
    drill_sysctl_read(text, see, r);
}

int drill_command(struct drill_run *run, const char *command, uint32_t line,
                  struct stack_values *values, int64_t *slept_ns)
{
    struct reading r = {.run = run, .values = values, .line = line};

    read_text(&r, command);
    if (slept_ns)
        *slept_ns = r.slept_ns;
    return r.failed ? -1 : 0;
}
