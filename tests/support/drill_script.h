/*
 * drill_script.h - scripts in tests: parsed from a buffer that ends where they end.
 */
#ifndef TAPIO_TESTS_DRILL_SCRIPT_H
#define TAPIO_TESTS_DRILL_SCRIPT_H

#include <errno.h>
#include <stdio.h>

#include "sim/drill_ast.h"
#include "support/exact.h"

/* What a passive connection needs, in two lines. */
#define SETUP                                                                                      \
    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3   +0 bind(3, ..., ...) = 0   +0 listen(3, 8) = "  \
    "0\n+0 < S 0:0(0) win 30000 <mss 1000>   +0 > S. 0:0(0) ack 1 <...>   +.1 < . 1:1(0) ack 1 "   \
    "win 30000   +0 accept(3, ..., ...) = 4\n"

static struct memory script_memory;
static struct drill_script script;
static struct drill_problem script_problem;

static inline int script_try(const char *text)
{
    struct bytes exact = exact_copy(text, strlen(text));
    int err = drill_parse(&script_memory, "test.pkt", exact, NULL, 0, &script, &script_problem);
    exact_free(exact);
    return err;
}

static inline void script_given(const char *text)
{
    int err = script_try(text);
    ck_assert_msg(err == 0, "line %u: %s, in: %s", script_problem.line, script_problem.text, text);
}

/* One event, behind one that is always right. */
static inline const struct drill_event *script_event(const char *text)
{
    char whole[4096];
    snprintf(whole, sizeof(whole), "0 `true`\n%s", text);
    script_given(whole);
    ck_assert_uint_eq(script.event_count, 2);
    return &script.events[1];
}

static inline void script_refused(const char *text, uint32_t line, const char *says)
{
    int err = script_try(text);
    ck_assert_msg(err == -EINVAL, "%d for: %s", err, text);
    ck_assert_msg(strstr(script_problem.text, says) != NULL, "'%s' is not in '%s', for: %s", says,
                  script_problem.text, text);
    ck_assert_msg(script_problem.line == line, "line %u: %s, for: %s", script_problem.line,
                  script_problem.text, text);
    ck_assert_ptr_null(script.arena);
    ck_assert_ptr_null(strchr(script_problem.text, '\n'));
}

static inline void script_done(void)
{
    drill_script_free(&script);
}

#endif
