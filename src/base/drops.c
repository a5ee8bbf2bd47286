/*
 * drops.c - the names of drops and counters, from the lists in tapio/drops.h and tapio/tapio.h.
 */
#include <tapio/drops.h>
#include <tapio/tapio.h>

#include "base/base.h"

static const struct {
    const char *name;
    const char *sentence;
} drops[DROP_COUNT] = {[DROP_NONE] = {"none", "not dropped"},
#define TAPIO_X(id, name, sentence) [DROP_##id] = {name, sentence},
                       TAPIO_DROP_LIST(TAPIO_X)
#undef TAPIO_X
};

static const char *const counters[COUNTER_COUNT] = {
#define TAPIO_X(id, name) [COUNTER_##id] = name,
    TAPIO_COUNTER_LIST(TAPIO_X)
#undef TAPIO_X
};

const char *drop_name(enum drop drop)
{
    assert(drop < ARRAY_LEN(drops));
    return drops[drop].name;
}

const char *drop_sentence(enum drop drop)
{
    assert(drop < ARRAY_LEN(drops));
    return drops[drop].sentence;
}

const char *counter_name(enum counter counter)
{
    assert(counter < ARRAY_LEN(counters));
    return counters[counter];
}
