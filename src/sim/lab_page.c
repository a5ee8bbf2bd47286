/*
 * lab_page.c - the text of a lab, with the pictures at their places.
 *
 * A text is lines. After the head (`title:`, `about:`) come paragraphs, which end at an empty line,
 * and lines that begin with a sign of their own:
 *
 *     # Heading
 *     @show FROM..TO [fold raw ports noted -calls +events from=HOST]    a ladder, and below it
 *     * MARK: a sentence for it                                         its notes
 *     @peel MARK                                                        a frame, layer by layer
 *     @bars HOST every=20ms FROM..TO                                    cwnd over time
 *     $ command                                                         to repeat it by hand
 *     ? question                                                        both are asked first,
 *     ! answer                                                          then both answered
 *
 * A line that begins with blanks goes on with the one before it.
 */
#include <string.h>

#include "base/instant.h"
#include "sim/lab.h"
#include "sim/lab_draw.h"
#include "sim/lab_value.h"
#include "sim/lab_words.h"

enum { PARAGRAPH = 4096, ANSWERS = 4 };

struct page {
    const struct lab *lab;
    struct lab_paper *paper;
    const char *rest; /* of the text */
    struct bytes line;
    bool more; /* `line` is one that has not been used */
    int number;
    struct text *why;
    char source[PARAGRAPH], filled[PARAGRAPH];
    char answer[ANSWERS][PARAGRAPH];
    int questions, answers;
    struct lab_ladder ladder;
};

static bool wrong(struct page *p, const char *what, const char *whom)
{
    struct text *why = p->why;
    char buffer[2 * LAB_LINE];
    struct text reason = text_of(buffer, sizeof buffer);

    text_add(&reason, p->lab->source->name);
    text_add(&reason, p->paper->language == LAB_KOREAN ? ".ko.txt:" : ".en.txt:");
    text_add_i64(&reason, p->number);
    text_add(&reason, ": ");
    text_add(&reason, what);
    if (whom && *whom) {
        text_add(&reason, ": ");
        text_add(&reason, whom);
    }
    *why = text_of(why->at, why->room);
    text_add(why, buffer);
    return false;
}

static bool next(struct page *p)
{
    p->more = lab_next_line(&p->rest, &p->line);
    p->number += p->more;
    return p->more;
}

static bool is_sign(struct bytes line)
{
    return line.len > 0 && line.at[0] && strchr("#@*$?!", line.at[0]);
}

/* The current line, without its sign, and those that go on with it; filled in. For a paragraph all
 * lines up to an empty one or a sign. */
static bool gather(struct page *p, bool paragraph)
{
    struct text source = text_of(p->source, sizeof p->source);
    struct text filled = text_of(p->filled, sizeof p->filled);
    char reason[2 * LAB_LINE];
    struct text why = text_of(reason, sizeof reason);
    struct bytes line = p->line;

    do {
        if (source.len > 0)
            text_add_char(&source, ' ');
        line = lab_trim(line);
        for (size_t i = 0; i < line.len; i++)
            text_add_char(&source, (char)line.at[i]);
        if (!next(p))
            break;
        line = p->line;
    } while (line.len > 0 && (paragraph ? !is_sign(line) : line.at[0] == ' '));
    if (source.cut)
        return wrong(p, "a paragraph is too long", NULL);
    return lab_fill(p->lab, text_bytes(&source), &filled, &why) || wrong(p, reason, NULL);
}

/* --- pictures ----------------------------------------------------------------------------- */

static bool find_item(struct page *p, const char *name, int *out)
{
    int mark = lab_mark_find(p->lab->plan, name);

    if (mark < 0 || p->lab->plan->mark[mark].counts)
        return wrong(p, "no such mark", name);
    *out = lab_find(p->lab->plan, &p->lab->result, mark);
    return *out >= 0 || wrong(p, "this has not happened", name);
}

/* "FROM..TO", or a scene for all of it. */
static bool take_span(struct page *p, const char *word, int *first, int *last)
{
    const struct lab_result *result = &p->lab->result;
    const char *dots = strstr(word, "..");
    char from[LAB_WORD];

    if (!dots) {
        int scene = lab_scene_find(p->lab->plan, word);
        if (scene < 0)
            return wrong(p, "neither FROM..TO nor a scene", word);
        for (*first = 0; *first < result->count && result->item[*first].scene < scene; ++*first)
            ;
        for (*last = *first; *last + 1 < result->count && result->item[*last + 1].scene == scene;
             ++*last)
            ;
        return *first < result->count || wrong(p, "nothing has happened in", word);
    }
    size_t len = size_min((size_t)(dots - word), sizeof from - 1);
    memcpy(from, word, len);
    from[len] = '\0';
    if (!find_item(p, from, first) || !find_item(p, dots + 2, last))
        return false;
    return *first <= *last || wrong(p, "it ends before it begins", word);
}

static bool take_show_word(struct page *p, const char *word)
{
    static const char *const kinds[] = {"segments", "calls", "states", "events"};
    struct lab_ladder *l = &p->ladder;
    bool on = word[0] == '+';

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if ((on || word[0] == '-') && strcmp(word + 1, kinds[i]) == 0) {
            l->kinds[i] = on;
            return true;
        }
    }
    if (strncmp(word, "from=", 5) == 0)
        return (l->host = lab_host_find(p->lab->plan, word + 5)) >= 0;
    l->fold |= strcmp(word, "fold") == 0;
    l->raw |= strcmp(word, "raw") == 0;
    l->ports |= strcmp(word, "ports") == 0;
    l->noted_only |= strcmp(word, "noted") == 0;
    return strcmp(word, "fold") == 0 || strcmp(word, "raw") == 0 || strcmp(word, "ports") == 0 ||
           strcmp(word, "noted") == 0;
}

/* "* MARK: sentence" */
static bool take_note(struct page *p)
{
    struct lab_ladder *l = &p->ladder;
    const uint8_t *colon = memchr(p->line.at, ':', p->line.len);
    char name[LAB_WORD] = "";

    if (!colon || l->notes == LAB_NOTES)
        return wrong(p, "a note without a mark, or too many", NULL);
    struct bytes mark = lab_trim(bytes_of(p->line.at + 1, (size_t)(colon - p->line.at) - 1));
    if (mark.len >= sizeof name)
        return wrong(p, "no such mark", NULL);
    memcpy(name, mark.at, mark.len);
    name[mark.len] = '\0';
    struct lab_note *note = &l->note[l->notes];
    if (!find_item(p, name, &note->item))
        return false;
    if (note->item < l->first || note->item > l->last)
        return wrong(p, "this is not shown here", name);
    for (int i = 0; i < l->notes; i++)
        if (l->note[i].item == note->item)
            return wrong(p, "two notes for the same thing", name);
    p->line = bytes_skip(p->line, (size_t)(colon + 1 - p->line.at));
    if (!gather(p, false))
        return false;
    struct text t = text_of(note->text, sizeof note->text);
    text_add(&t, p->filled);
    l->notes++;
    return !t.cut || wrong(p, "a note is too long", name);
}

static bool show(struct page *p, struct bytes arguments)
{
    struct lab_ladder *l = &p->ladder;
    char word[LAB_LINE] = "";

    *l = (struct lab_ladder){.kinds = {true, true, true, false}, .host = -1};
    if (!lab_next_word(&arguments, word, sizeof word))
        return wrong(p, "what is shown is missing", NULL);
    if (!take_span(p, word, &l->first, &l->last))
        return false;
    while (arguments.len > 0)
        if (!lab_next_word(&arguments, word, sizeof word) || !take_show_word(p, word))
            return wrong(p, "no such word", word);
    next(p);
    while (p->more && p->line.len > 0 && p->line.at[0] == '*')
        if (!take_note(p))
            return false;
    lab_draw_ladder(p->paper, p->lab->plan, &p->lab->result, l);
    return true;
}

static bool bars(struct page *p, struct bytes arguments)
{
    struct lab_bars b = {.every_ns = 0};
    char word[LAB_LINE] = "";
    int64_t ms;
    int last;

    if (!lab_next_word(&arguments, word, sizeof word) ||
        (b.host = lab_host_find(p->lab->plan, word)) < 0)
        return wrong(p, "no such host", word);
    if (!lab_next_word(&arguments, word, sizeof word) || strncmp(word, "every=", 6) != 0 ||
        !lab_number(word + 6, &ms) || ms < 1)
        return wrong(p, "no such time", word);
    b.every_ns = ms * NS_PER_MS;
    if (!lab_next_word(&arguments, word, sizeof word) || !take_span(p, word, &b.first, &last))
        return wrong(p, "no such span", word);
    b.last = last;
    lab_draw_bars(p->paper, &p->lab->result, &b);
    next(p);
    return true;
}

static bool picture(struct page *p)
{
    struct bytes line = p->line;
    char name[LAB_LINE] = "";
    int item = 0;

    if (lab_take(&line, "@show "))
        return show(p, line);
    if (lab_take(&line, "@bars "))
        return bars(p, line);
    if (!lab_take(&line, "@peel ") || !lab_next_word(&line, name, sizeof name))
        return wrong(p, "no such picture", NULL);
    if (!find_item(p, name, &item))
        return false;
    if (p->lab->result.item[item].kind != LAB_SEGMENT)
        return wrong(p, "this is no segment", name);
    lab_draw_frame(p->paper, &p->lab->result.item[item].frame);
    next(p);
    return true;
}

/* --- the rest ----------------------------------------------------------------------------- */

static void blank(struct page *p)
{
    p->paper->line(p->paper, "");
}

static bool fold_filled(struct page *p, const char *first, const char *rest, enum lab_style style)
{
    lab_fold(p->paper, bytes_of(p->filled, strlen(p->filled)), first, rest, style);
    return true;
}

static bool command(struct page *p)
{
    char buffer[LAB_PRINT];
    struct text t = text_of(buffer, sizeof buffer);

    text_add(&t, "    ");
    for (size_t i = 0; i < p->line.len; i++)
        text_add_char(&t, (char)p->line.at[i]);
    lab_print(p->paper, buffer, LAB_CALLED);
    next(p);
    return true;
}

static void say_heading(struct page *p, const char *key)
{
    char buffer[LAB_LINE];
    struct text t = text_of(buffer, sizeof buffer);

    lab_say(p->paper, &t, key);
    lab_print(p->paper, buffer, LAB_BOLD);
}

static void add_ordinal(struct text *t, int number)
{
    text_add_char(t, ' ');
    text_add_i64(t, number);
    text_add(t, ". ");
}

static bool question(struct page *p)
{
    char front[16];
    struct text t = text_of(front, sizeof front);
    bool asks = p->line.at[0] == '?';

    p->line = bytes_skip(p->line, 1);
    if (!gather(p, false))
        return false;
    if (!asks) {
        if (p->answers == ANSWERS)
            return wrong(p, "too many answers", NULL);
        memcpy(p->answer[p->answers++], p->filled, sizeof p->filled);
        return true;
    }
    if (p->questions == 0) {
        blank(p);
        say_heading(p, "questions");
    }
    add_ordinal(&t, ++p->questions);
    return fold_filled(p, front, "    ", LAB_PLAIN);
}

static bool element(struct page *p)
{
    switch (p->line.at[0]) {
    case '#':
        p->line = bytes_skip(p->line, 1);
        return gather(p, false) && fold_filled(p, "", "", LAB_BOLD);
    case '@':
        return picture(p);
    case '$':
        return command(p);
    case '?':
    case '!':
        return question(p);
    case '*':
        return wrong(p, "a note that belongs to no ladder", NULL);
    default:
        return gather(p, true) && fold_filled(p, "", "", LAB_PLAIN);
    }
}

static void print_answers(struct page *p)
{
    blank(p);
    if (p->paper->pause)
        p->paper->pause(p->paper);
    say_heading(p, "answers");
    for (int i = 0; i < p->answers; i++) {
        char front[16];
        struct text t = text_of(front, sizeof front);
        add_ordinal(&t, i + 1);
        lab_fold(p->paper, bytes_of(p->answer[i], strlen(p->answer[i])), front, "    ", LAB_PLAIN);
    }
}

static void print_captured(struct page *p, const char *captured)
{
    char buffer[LAB_PRINT];
    struct text t = text_of(buffer, sizeof buffer);

    blank(p);
    lab_say(p->paper, &t, "captured");
    text_add_char(&t, ' ');
    text_add(&t, captured);
    p->paper->line(p->paper, buffer);
}

static bool print(struct page *p, const char *captured)
{
    const struct lab_source *source = p->lab->source;
    struct bytes title = lab_head(source->text[p->paper->language], "title");
    bool head = true, gap = false;

    char buffer[LAB_PRINT];
    struct text legend = text_of(buffer, sizeof buffer);

    lab_fold(p->paper, title, "", "", LAB_BOLD);
    lab_say(p->paper, &legend, "legend");
    lab_fold(p->paper, text_bytes(&legend), "", "", LAB_DIM);
    next(p);
    while (p->more) {
        if (head || p->line.len == 0) {
            head = head && p->line.len > 0;
            gap = true; /* many empty lines are one */
            next(p);
            continue;
        }
        if (gap && p->line.at[0] != '?' && p->line.at[0] != '!')
            blank(p);
        gap = false;
        if (!element(p))
            return false;
    }
    if (p->questions != p->answers || p->questions < 1)
        return wrong(p, "each question has an answer, and there is one at least", NULL);
    if (captured)
        print_captured(p, captured);
    print_answers(p);
    return true;
}

bool lab_page_print(const struct lab *lab, struct lab_paper *paper, const char *captured,
                    struct text *why)
{
    struct page *p = memory_alloc(lab->memory, sizeof *p);

    if (!p) {
        text_add(why, "no memory");
        return false;
    }
    p->lab = lab;
    p->paper = paper;
    p->rest = lab->source->text[paper->language];
    p->why = why;
    bool good = print(p, captured);
    memory_release(lab->memory, p, sizeof *p);
    return good;
}
