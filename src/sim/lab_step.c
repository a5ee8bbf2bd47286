/*
 * lab_step.c - the programs of a plan: calls with their arguments.
 */
#include <string.h>

#include "sim/lab_parser.h"
#include "sim/lab_words.h"

int lab_parse_program(struct lab_parser *p, int host)
{
    struct lab_plan *plan = p->plan;

    if (plan->programs == LAB_PROGRAMS || p->scene < 0)
        return lab_wrong(p, "a program is of a scene, and there are few", NULL);
    if (host < 0)
        return lab_wrong(p, "no such host", NULL);
    p->program = plan->programs++;
    p->repeat = -1;
    plan->program[p->program] =
        (struct lab_program){.scene = p->scene, .host = host, .first = plan->steps};
    return 0;
}

/* The number of the socket that programs of this host call so. */
static int slot_of(struct lab_parser *p, const char *name)
{
    char(*slots)[LAB_WORD] = p->plan->slot[p->plan->program[p->program].host];

    for (int i = 0; i < LAB_SLOTS; i++) {
        if (!slots[i][0])
            return lab_copy_word(slots[i], name) ? i : -1;
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

static bool take_argument(struct lab_parser *p, struct lab_step *step, char kind, int *slots,
                          int *numbers)
{
    char word[LAB_LINE];

    if (!lab_next_word(&p->rest, word, sizeof word))
        return false;
    switch (kind) {
    case 's':
        return (*((*slots)++ ? &step->slot2 : &step->slot) = slot_of(p, word)) >= 0;
    case 'n':
    case 'p':
        return lab_number(word, &step->number[*numbers]) &&
               step->number[(*numbers)++] <= (kind == 'p' ? UINT16_MAX : INT32_MAX);
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
        return lab_copy_word(step->word, word);
    }
}

int lab_parse_step(struct lab_parser *p, const char *word)
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
        return lab_wrong(p, "too many steps", NULL);
    struct lab_step *step = &plan->step[plan->steps];
    *step = (struct lab_step){.quiet = word[0] == '@', .slot = -1, .slot2 = -1};
    word += step->quiet;
    while (call < LAB_CALLS && strcmp(word, calls[call].word) != 0)
        call++;
    if (call == LAB_CALLS || p->program < 0)
        return lab_wrong(p, "no such statement", word);
    step->call = (enum lab_call)call;
    for (const char *kind = calls[call].arguments; *kind; kind++)
        if (!take_argument(p, step, *kind, &slots, &numbers))
            return lab_wrong(p, "an argument is missing or wrong", word);
    bool names_host = strchr(calls[call].arguments, 'w') && step->call != LAB_CALL_OPTION &&
                      step->call != LAB_CALL_SLEEP;
    if (names_host && lab_host_find(plan, step->word) < 0)
        return lab_wrong(p, "no such host", step->word);
    if (step->call == LAB_CALL_SLEEP && !lab_time(step->word, &step->number[0]))
        return lab_wrong(p, "no time", step->word);
    if (step->call == LAB_CALL_REPEAT)
        p->repeat = plan->steps;
    if (step->call == LAB_CALL_END) {
        if (p->repeat < 0)
            return lab_wrong(p, "nothing is repeated here", NULL);
        step->back = p->repeat + 1 - plan->program[p->program].first;
        p->repeat = -1;
    }
    plan->steps++;
    plan->program[p->program].count++;
    return 0;
}
