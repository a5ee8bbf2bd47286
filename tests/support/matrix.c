/*
 * matrix.c - see matrix.h.
 *
 * Every selector and every expectation is a set of bits, read by one function from a list of names;
 * so a row matches by six tests of a bit, and agrees by six more.
 */
#include "support/matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 150, COLUMNS = 14, LINE = 1024 };

static const char *const state_names[] = {
    "CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RCVD-P", "SYN-RCVD-A", "ESTABLISHED", "FIN-WAIT-1",
    "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",   "TIME-WAIT",  NULL};
static const char *const seq_names[] = {"below", "overlap", "next", "inside",
                                        "edge",  "beyond",  NULL};
static const char *const ack_names[] = {"ancient", "old", "una", "new", "future", NULL};
static const char *const wnd_names[] = {"open", "zero", NULL};
static const char *const text_names[] = {"none", "some", NULL};
static const char *const reply_names[] = {"-", "ack", "rst", "rstack", "synack", "other", NULL};
static const char *const una_names[] = {"=", "ack", "other", NULL};
static const char *const swnd_names[] = {"=", "seg", "other", NULL};
static const char flag_letters[] = "FSRPAU";
static const char wake_letters[] = "rwae";

static struct matrix_row rows[ROWS];
static int row_count;
static char problem[LINE + 128];

const char *matrix_state_name(enum matrix_state state)
{
    return state_names[state];
}

struct matrix_cell matrix_cell_of(enum matrix_state state, int number)
{
    struct matrix_cell cell = {.state = state};

    cell.flags = (uint8_t)(number % MATRIX_FLAGS);
    number /= MATRIX_FLAGS;
    cell.seq = (enum matrix_seq)(number % SEQ_COUNT);
    number /= SEQ_COUNT;
    cell.ack = (enum matrix_ack)(number % ACK_COUNT);
    number /= ACK_COUNT;
    cell.zero = number & 1;
    cell.text = number & 2;
    return cell;
}

/* --- reading ------------------------------------------------------------------------------ */

/* The bit of a name in a list, or 0. */
static unsigned bit_of(const char *const *names, const char *name, size_t len)
{
    for (unsigned i = 0; names[i]; i++) {
        if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
            return 1u << i;
    }
    return 0;
}

static unsigned all_of(const char *const *names)
{
    unsigned count = 0;

    while (names[count])
        count++;
    return (1u << count) - 1;
}

/* Groups of states that have a name of their own. */
static unsigned group_of(const char *name, size_t len)
{
    if (len == 4 && memcmp(name, "SYNC", 4) == 0)
        return (1u << MATRIX_STATES) - (1u << MATRIX_ESTABLISHED);
    if (len == 8 && memcmp(name, "SYN-RCVD", 8) == 0)
        return 1u << MATRIX_SYN_RCVD_P | 1u << MATRIX_SYN_RCVD_A;
    return 0;
}

/* "a|b", "!a|b" or "*" as a set; false for a word that is not there. */
static bool read_set(const char *const *names, const char *text, unsigned *out)
{
    bool others = *text == '!';

    *out = 0;
    if (strcmp(text, "*") == 0) {
        *out = all_of(names);
        return true;
    }
    for (text += others; *text; text += *text == '|') {
        size_t len = strcspn(text, "|");
        unsigned bits = bit_of(names, text, len);
        if (!bits && names == state_names)
            bits = group_of(text, len);
        if (!bits)
            return false;
        *out |= bits;
        text += len;
    }
    if (others)
        *out ^= all_of(names);
    return *out != 0;
}

/* The same for an expectation, where "?" is the empty set. */
static bool read_want(const char *const *names, const char *text, unsigned *out)
{
    *out = 0;
    return strcmp(text, "?") == 0 || read_set(names, text, out);
}

static bool read_flags(const char *text, struct matrix_row *row)
{
    if (strcmp(text, "*") == 0)
        return true;
    for (; *text; text++) {
        const char *upper = strchr(flag_letters, *text);
        const char *lower = strchr("fsrpau", *text);
        if (upper)
            row->set |= (uint8_t)(1 << (upper - flag_letters));
        else if (lower)
            row->clear |= (uint8_t)(1 << (lower - "fsrpau"));
        else
            return false;
    }
    return (row->set & row->clear) == 0;
}

static bool read_octets(const char *text, unsigned *out)
{
    *out = 0;
    if (strcmp(text, "?") == 0)
        return true;
    do {
        char *end;
        long number = strtol(text, &end, 10);
        if (end == text || number < 0 || number > MATRIX_TEXT || (*end && *end != '|'))
            return false;
        *out |= 1u << number;
        text = end;
    } while (*text++ == '|');
    return true;
}

/* Sets of letters, joined by "|": a set of sets. */
static bool read_wake(const char *text, unsigned *out)
{
    unsigned one = 0;

    *out = 0;
    if (strcmp(text, "?") == 0)
        return true;
    for (;; text++) {
        const char *letter = *text ? strchr(wake_letters, *text) : NULL;
        if (letter) {
            one |= 1u << (letter - wake_letters);
        } else if (*text == '|' || !*text) {
            *out |= 1u << one;
            one = 0;
            if (!*text)
                return true;
        } else if (*text != '-') {
            return false;
        }
    }
}

static const char *bad(int line, const char *column, const char *text)
{
    snprintf(problem, sizeof problem, "line %d: '%s' is no %s", line, text, column);
    return problem;
}

static const char *read_row(char **column, int line)
{
    struct matrix_row *row = &rows[row_count];

    *row = (struct matrix_row){.line = line, .clause = column[12], .sentence = column[13]};
    if (!read_set(state_names, column[0], &row->states))
        return bad(line, "state", column[0]);
    if (!read_flags(column[1], row))
        return bad(line, "set of flags", column[1]);
    if (!read_set(seq_names, column[2], &row->seq))
        return bad(line, "place of SEG.SEQ", column[2]);
    if (!read_set(ack_names, column[3], &row->ack))
        return bad(line, "place of SEG.ACK", column[3]);
    if (!read_set(wnd_names, column[4], &row->wnd))
        return bad(line, "window", column[4]);
    if (!read_set(text_names, column[5], &row->text))
        return bad(line, "amount of text", column[5]);
    row->stays = strcmp(column[6], "=") == 0;
    if (!row->stays && !read_want(state_names, column[6], &row->want.next))
        return bad(line, "next state", column[6]);
    if (!read_want(reply_names, column[7], &row->want.reply))
        return bad(line, "reply", column[7]);
    if (!read_octets(column[8], &row->want.octets))
        return bad(line, "number of octets", column[8]);
    if (!read_want(una_names, column[9], &row->want.una))
        return bad(line, "SND.UNA", column[9]);
    if (!read_want(swnd_names, column[10], &row->want.wnd))
        return bad(line, "SND.WND", column[10]);
    if (!read_wake(column[11], &row->want.wake))
        return bad(line, "wake-up", column[11]);
    row_count++;
    return NULL;
}

/* The line as columns; they live as long as the program. */
static const char *read_line(const char *text, int line)
{
    static char store[ROWS][LINE];
    char *column[COLUMNS], *at;

    if (row_count == ROWS)
        return bad(line, "row any more: there may be 150", text);
    at = store[row_count];
    snprintf(at, LINE, "%s", text);
    at[strcspn(at, "\n")] = '\0';
    for (int i = 0; i < COLUMNS; i++) {
        column[i] = at;
        size_t len = strcspn(at, "\t");
        if (!at[len] && i + 1 < COLUMNS)
            return bad(line, "row of 14 columns", text);
        at += len;
        *at++ = '\0';
    }
    return read_row(column, line);
}

const char *matrix_load(const char *path)
{
    char text[LINE];
    const char *wrong = NULL;
    FILE *in = fopen(path, "re");

    row_count = 0;
    if (!in)
        return bad(0, "file that can be read", path);
    for (int line = 1; !wrong && fgets(text, sizeof text, in); line++) {
        if (*text != '#' && *text != '\n')
            wrong = read_line(text, line);
    }
    fclose(in);
    return wrong;
}

int matrix_rows(void)
{
    return row_count;
}

struct matrix_row *matrix_row(int number)
{
    return &rows[number];
}

/* --- matching ----------------------------------------------------------------------------- */

struct matrix_row *matrix_find(const struct matrix_cell *cell)
{
    for (int i = 0; i < row_count; i++) {
        const struct matrix_row *row = &rows[i];
        if (row->states >> cell->state & 1 && (cell->flags & row->set) == row->set &&
            (cell->flags & row->clear) == 0 && row->seq >> cell->seq & 1 &&
            row->ack >> cell->ack & 1 && row->wnd >> cell->zero & 1 && row->text >> cell->text & 1)
            return &rows[i];
    }
    return NULL;
}

/* --- saying ------------------------------------------------------------------------------- */

static void append(char *out, size_t room, const char *word)
{
    size_t used = strlen(out);

    snprintf(out + used, room - used, "%s%s", used ? " or " : "", word);
}

static void names_text(unsigned set, const char *const *names, char *out, size_t room)
{
    *out = '\0';
    for (unsigned i = 0; names[i]; i++) {
        if (set >> i & 1)
            append(out, room, names[i]);
    }
}

static void numbers_text(unsigned set, char *out, size_t room)
{
    *out = '\0';
    for (unsigned i = 0; i < 32; i++) {
        char number[8];
        snprintf(number, sizeof number, "%u", i);
        if (set >> i & 1)
            append(out, room, number);
    }
}

static void wakes_text(unsigned set, char *out, size_t room)
{
    *out = '\0';
    for (unsigned i = 0; i < 16; i++) {
        char word[8], *at = word;
        for (unsigned letter = 0; letter < 4; letter++) {
            if (i >> letter & 1)
                *at++ = wake_letters[letter];
        }
        *at = '\0';
        if (set >> i & 1)
            append(out, room, i ? word : "-");
    }
}

static const char *differ(const char *what, const char *wanted, const char *got)
{
    snprintf(problem, sizeof problem, "%s should be %s, and is %s", what, wanted, got);
    return problem;
}

static const char *differ_by_name(const char *what, unsigned want, unsigned got,
                                  const char *const *names)
{
    char wanted[200], gotten[200];

    if (!want || got & want)
        return NULL;
    names_text(want, names, wanted, sizeof wanted);
    names_text(got, names, gotten, sizeof gotten);
    return differ(what, wanted, gotten);
}

const char *matrix_compare(const struct matrix_row *row, const struct matrix_cell *cell,
                           const struct matrix_outcome *got)
{
    const struct matrix_outcome *want = &row->want;
    char wanted[200], gotten[200];
    const char *wrong = differ_by_name(
        "the next state", row->stays ? 1u << cell->state : want->next, got->next, state_names);

    if (!wrong)
        wrong = differ_by_name("the reply", want->reply, got->reply, reply_names);
    if (!wrong && want->octets && !(got->octets & want->octets)) {
        numbers_text(want->octets, wanted, sizeof wanted);
        numbers_text(got->octets, gotten, sizeof gotten);
        return differ("the number of octets delivered", wanted, gotten);
    }
    if (!wrong && got->una)
        wrong = differ_by_name("SND.UNA", want->una, got->una, una_names);
    if (!wrong && got->wnd)
        wrong = differ_by_name("SND.WND", want->wnd, got->wnd, swnd_names);
    if (!wrong && want->wake && !(got->wake & want->wake)) {
        wakes_text(want->wake, wanted, sizeof wanted);
        wakes_text(got->wake, gotten, sizeof gotten);
        return differ("the user's wake-up", wanted, gotten);
    }
    return wrong;
}

const char *matrix_cell_text(const struct matrix_cell *cell)
{
    static const char *const long_names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG"};
    static char text[200];
    char flags[32] = "";

    for (unsigned i = 0; i < 6; i++) {
        size_t used = strlen(flags);
        if (cell->flags >> i & 1)
            snprintf(flags + used, sizeof flags - used, "%s%s", used ? "," : "", long_names[i]);
    }
    snprintf(text, sizeof text, "%s%s gets <SEQ=%s><ACK=%s><CTL=%s>%s", state_names[cell->state],
             cell->zero ? " with a zero window" : "", seq_names[cell->seq], ack_names[cell->ack],
             *flags ? flags : "none", cell->text ? " with text" : "");
    return text;
}
