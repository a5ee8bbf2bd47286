/*
 * fuzz_drill_run.c - scripts that are played, whatever they say.
 *
 * A script may have been written by anybody, and plays any segment and any call against a stack.
 * Asserted of every one: it ends, with an outcome; a failure and a skip have a reason of one line;
 * it gives back all memory; and a second run says the same.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/drill.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct drill_result first, second;
static size_t held;

static void *take(void *context, size_t len)
{
    (void)context;
    held += len;
    return calloc(1, len);
}

static void give_back(void *context, void *octets, size_t len)
{
    (void)context;
    held -= len;
    free(octets);
}

static void run(const uint8_t *data, size_t size, struct drill_result *result)
{
    struct env env = {.alloc = take, .release = give_back};
    struct memory memory = {.env = &env};
    struct drill_config config = {.path = "fuzz.pkt", .text = {data, size}};

    assert(drill(&config, &memory, result) == 0);
    assert(held == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096)
        return 0;
    run(data, size, &first);
    assert(first.outcome == DRILL_PASSED || first.reason[0]);
    assert(!strchr(first.reason, '\n'));
    run(data, size, &second);
    assert(first.outcome == second.outcome && first.line == second.line);
    assert(strcmp(first.reason, second.reason) == 0 && strcmp(first.report, second.report) == 0);
    assert(first.virtual_ns == second.virtual_ns);
    return 0;
}
