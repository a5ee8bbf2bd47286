/*
 * field_tcp_options.c - the options of a TCP header (RFC 9293, 3.2, and those who came later).
 *
 * A kind that is known has a form: how long it is, and the table of what is in it. One with another
 * length is shown as octets, with what is wrong. A length that cannot be ends the list, for nobody
 * knows where the next option begins (MUST-7 is about exactly that).
 */
#include "see/field_table.h"

/* clang-format off */
static const struct field_word kinds[] = {
    {0, "End of Option List", "What is behind it is padding."},
    {1, "No-Operation", "Padding, so that the next option begins where it likes to."},
    {2, "Maximum Segment Size", "The largest text that the sender of this takes in one segment."},
    {3, "Window Scale", "The windows of the sender of this are to be shifted left, but in a SYN."},
    {4, "SACK Permitted", "The sender of this understands SACK."},
    {5, "SACK", "What the sender of this has, beyond the acknowledgment number."},
    {6, "Echo", "Obsolete (RFC 6247)."}, {7, "Echo Reply", "Obsolete (RFC 6247)."},
    {8, "Timestamps", "The sender's clock, and the peer's clock as it last came."},
    {14, "Alternate Checksum Request", "Obsolete (RFC 6247)."},
    {19, "MD5 Signature", "A digest by a shared key (RFC 2385)."},
    {27, "Quick-Start Response", NULL},
    {28, "User Timeout", "How long the sender waits for an acknowledgment before it gives up (RFC 5482)."},
    {29, "Authentication", "A code by a shared key (RFC 5925)."},
    {30, "Multipath TCP", "One connection over several paths (RFC 8684)."},
    {34, "Fast Open Cookie", "Text may come with the SYN (RFC 7413)."},
    {69, "Encryption Negotiation", NULL},
    {172, "Accurate ECN 0", "Octets that came with each mark (RFC 9768)."},
    {174, "Accurate ECN 1", "Octets that came with each mark (RFC 9768)."},
    {253, "Experiment 1", "Which one its first two octets say (RFC 6994)."},
    {254, "Experiment 2", "Which one its first two octets say (RFC 6994)."},
    {0},
};

static void say_scale(struct walk *w, const struct field *f, struct text *out)
{
    (void)w;
    if (f->number > 14) {
        text_add(out, "More than 14 counts as 14.");
    } else {
        text_add(out, "Windows are multiplied by ");
        text_add_u64(out, UINT64_C(1) << f->number);
        text_add_char(out, '.');
    }
}

/* How far a block is beyond the acknowledgment number, or that it tells of a duplicate. */
static void say_left(struct walk *w, const struct field *f, struct text *out)
{
    int32_t beyond = (int32_t)((uint32_t)f->number - number_at(w, w->layer->start + 8, 4));

    if (beyond < 0) {
        text_add(out, "Below the acknowledgment number: a D-SACK, these octets came twice (RFC 2883).");
    } else {
        text_add_u64(out, (uint32_t)beyond);
        text_add(out, " beyond the acknowledgment number: what is between is missing.");
    }
}

static void say_right(struct walk *w, const struct field *f, struct text *out)
{
    uint32_t left = number_at(w, f->bit / 8 - 4, 4);

    (void)w;
    text_add(out, "A block of ");
    text_add_u64(out, (uint32_t)f->number - left);
    text_add(out, " octets.");
}

#define CLAUSE "RFC 9293, 3.2"
static const struct field_row
    kind = {"tcp.option_kind", "Kind", NULL, 0, 0, SHOW_DECIMAL, kinds, "An option that we do not know.", CLAUSE, NULL},
    length = {"tcp.option_len", "Length", "Len", 0, 0, SHOW_DECIMAL, NULL, "Octets of the option, kind and length included.", CLAUSE, NULL},
    data = {"tcp.options.data", "Data", NULL, 0, 0, SHOW_OCTETS, NULL, "", CLAUSE, NULL},
    padding = {"tcp.options.padding", "Padding", NULL, 0, 0, SHOW_OCTETS, NULL, "Up to a whole word; zeros.", CLAUSE, NULL},
    left = {"tcp.options.sack_le", "Left Edge", NULL, 0, 0, SHOW_DECIMAL, NULL, NULL, "RFC 2018, 3", say_left},
    right = {"tcp.options.sack_re", "Right Edge", NULL, 0, 0, SHOW_DECIMAL, NULL, NULL, "RFC 2018, 3", say_right};

/* Bits are counted from the option's first octet. */
static const struct field_row mss[] = {
    {"tcp.options.mss_val", "Maximum Segment Size", "MSS", 16, 16, SHOW_DECIMAL, NULL, "Octets of text.", "RFC 9293, 3.7.1", NULL},
};
static const struct field_row scale[] = {
    {"tcp.options.wscale.shift", "shift.cnt", "shift", 16, 8, SHOW_DECIMAL, NULL, NULL, "RFC 7323, 2.2", say_scale},
};
static const struct field_row timestamps[] = {
    {"tcp.options.timestamp.tsval", "TS Value", "TSval", 16, 32, SHOW_DECIMAL, NULL, "The sender's clock.", "RFC 7323, 3.2", NULL},
    {"tcp.options.timestamp.tsecr", "TS Echo Reply", "TSecr", 48, 32, SHOW_DECIMAL, NULL,
     "The clock of the peer, as it came last: what has passed since is the round trip.", "RFC 7323, 3.2", NULL},
};
static const struct field_row user_timeout[] = {
    {"tcp.options.user_to_granularity", "Granularity", "G", 16, 1, SHOW_FLAG, NULL, "Set: minutes, else seconds.", "RFC 5482, 3", NULL},
    {"tcp.options.user_to_val", "User Timeout", NULL, 17, 15, SHOW_DECIMAL, NULL, "", "RFC 5482, 3", NULL},
};
static const struct field_row digest[] = {
    {"tcp.options.md5.digest", "MD5 digest", NULL, 16, 128, SHOW_OCTETS, NULL, "Of the segment and the key.", "RFC 2385, 2.0", NULL},
};
static const struct field_row subtype[] = {
    {"tcp.options.mptcp.subtype", "Subtype", "Sub", 16, 4, SHOW_DECIMAL, NULL, "Which message of Multipath TCP.", "RFC 8684, 3", NULL},
};
static const struct field_row experiment[] = {
    {"tcp.options.experimental.exid", "ExID", NULL, 16, 16, SHOW_HEX, NULL, "Whose experiment it is.", "RFC 6994, 3", NULL},
};
static const struct field_row cookie = {"tcp.options.tfo.cookie", "Cookie", NULL, 0, 0, SHOW_OCTETS, NULL,
    "Proof that this address asked before.", "RFC 7413, 4.1.1", NULL};

#define TABLE(rows) rows, ARRAY_LEN(rows)
/* `least` and `most` octets; the rows, and how many octets of the option they cover. */
static const struct form {
    const struct field_row *rows;
    size_t count;
    uint8_t kind, least, most, covers;
    const char *wrong;
} forms[] = {
    {TABLE(mss), 2, 4, 4, 4, "an MSS option has 4 octets"},
    {TABLE(scale), 3, 3, 3, 3, "a window scale option has 3 octets"},
    {NULL, 0, 4, 2, 2, 2, "a SACK-permitted option has 2 octets"},
    {NULL, 0, 5, 10, 34, 2, "a SACK option has 2 octets and 8 for each of up to 4 blocks"},
    {TABLE(timestamps), 8, 10, 10, 10, "a timestamps option has 10 octets"},
    {TABLE(digest), 19, 18, 18, 18, "an MD5 option has 18 octets"},
    {TABLE(user_timeout), 28, 4, 4, 4, "a user timeout option has 4 octets"},
    {TABLE(subtype), 30, 3, 40, 2, "a Multipath TCP option has at least 3 octets"},
    {NULL, 0, 34, 2, 18, 2, "a cookie has up to 16 octets"},
    {TABLE(experiment), 253, 4, 40, 4, "an experiment has at least 4 octets"},
    {TABLE(experiment), 254, 4, 40, 4, "an experiment has at least 4 octets"},
};
/* clang-format on */

enum { END = 0, NO_OPERATION = 1, SACK = 5, MULTIPATH = 30, COOKIE = 34 };

static const struct form *form_of(uint32_t number)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (forms[i].kind == number)
            return &forms[i];
    }
    return NULL;
}

static bool read_blocks(struct walk *w, uint32_t at, uint32_t stop)
{
    for (; at < stop; at += 8) {
        if (!row_read(w, &left, at, 4, stop) || !row_read(w, &right, at + 4, 4, stop))
            return false;
    }
    return true;
}

/* Everything of the option but its kind and its length. */
static bool read_option(struct walk *w, const struct form *form, uint32_t at, uint32_t stop)
{
    uint32_t len = stop - at;
    bool fits = form && len >= form->least && len <= form->most;

    if (fits && form->kind == SACK && (len - 2) % 8 != 0)
        fits = false;
    if (form && !fits)
        flaw(w, at + 1, at + 2, form->wrong, CLAUSE);
    if (form && form->kind == SACK)
        return read_blocks(w, at + 2, stop) || !fits; /* what is behind it is still an option */
    if (!fits)
        return len == 2 || row_read(w, &data, at + 2, len - 2, stop);
    if (form->kind == COOKIE)
        return len == 2 || row_read(w, &cookie, at + 2, len - 2, stop);
    if (form->rows && !rows_read(w, form->rows, form->count, at, stop))
        return false;
    uint32_t rest = at + form->covers;
    if (form->kind == MULTIPATH)
        rest++; /* the other half of the subtype's octet stays out of the picture */
    return rest >= stop || row_read(w, &data, rest, stop - rest, stop);
}

/* What is there of an option that is cut off. */
static void read_front(struct walk *w, const struct form *form, uint32_t len, uint32_t at,
                       uint32_t end)
{
    bool known = form && len >= form->least && len <= form->most;

    if (form && form->kind == SACK)
        (void)read_blocks(w, at + 2, end);
    else if (!known || !form->rows || rows_read(w, form->rows, form->count, at, end))
        row_read_some(w, &data, at + 2, end);
}

static void read_padding(struct walk *w, uint32_t at, uint32_t end)
{
    for (uint32_t i = at; i < end; i++) {
        if (number_at(w, i, 1) == 0)
            continue;
        flaw(w, i, end, "octets behind the end of the options", "RFC 9293, 3.1, MUST-69");
        break;
    }
    row_read_some(w, &padding, at, end);
}

void walk_tcp_options(struct walk *w, uint32_t at, uint32_t end)
{
    while (at < end) {
        if (!row_read(w, &kind, at, 1, end))
            return;
        uint32_t number = number_at(w, at, 1);
        if (number == END) {
            read_padding(w, at + 1, end);
            return;
        }
        if (number == NO_OPERATION) {
            at++;
            continue;
        }
        if (!row_read(w, &length, at + 1, 1, end))
            return;
        uint32_t len = number_at(w, at + 1, 1);
        if (len < 2) {
            flaw(w, at + 1, at + 2, "an option has at least 2 octets", CLAUSE);
            return;
        }
        if (len > end - at) {
            flaw(w, at + 1, at + 2, "the option goes on behind the header", CLAUSE);
            read_front(w, form_of(number), len, at, end);
            return;
        }
        if (!read_option(w, form_of(number), at, at + len))
            return;
        at += len;
    }
}
