/*
 * drill_show.c - packets in the script's own syntax, for reports.
 *
 * What is printed here could be pasted into a script: flags, numbers and options by packetdrill's
 * names, options of an unknown kind by their number.
 */
#include "sim/drill_wire.h"

void drill_show_flags(struct text *out, uint16_t flags)
{
    static const struct {
        uint16_t bit;
        char letter;
    } letters[] = {{DRILL_SYN, 'S'}, {DRILL_FIN, 'F'}, {DRILL_RST, 'R'},
                   {DRILL_PSH, 'P'}, {DRILL_URG, 'U'}, {DRILL_ECE, 'E'},
                   {DRILL_CWR, 'W'}, {DRILL_AE, 'A'},  {DRILL_ACK, '.'}};

    if (!flags)
        text_add_char(out, '-');
    for (size_t i = 0; i < ARRAY_LEN(letters); i++) {
        if (flags & letters[i].bit)
            text_add_char(out, letters[i].letter);
    }
}

static void show_octets(struct text *out, const struct drill_tcp_option *option)
{
    if (option->octet_count)
        text_add_char(out, ' ');
    for (int i = 0; i < option->octet_count; i++)
        text_add_hex(out, option->octets[i], 2);
}

static void show_number(struct text *out, const char *name, uint64_t value)
{
    text_add(out, name);
    text_add_u64(out, value);
}

void drill_show_option(struct text *out, const struct drill_tcp_option *option)
{
    switch (option->kind) {
    case DRILL_OPT_EOL:
        text_add(out, "eol");
        return;
    case DRILL_OPT_NOP:
        text_add(out, "nop");
        return;
    case DRILL_OPT_MSS:
        show_number(out, "mss ", option->value);
        return;
    case DRILL_OPT_WSCALE:
        show_number(out, "wscale ", option->value);
        return;
    case DRILL_OPT_SACKOK:
        text_add(out, "sackOK");
        return;
    case DRILL_OPT_SACK:
        text_add(out, "sack");
        for (int i = 0; i < option->blocks; i++) {
            show_number(out, " ", option->block[i].left);
            show_number(out, ":", option->block[i].right);
        }
        return;
    case DRILL_OPT_TS:
        show_number(out, "TS val ", option->value);
        show_number(out, " ecr ", option->ecr);
        return;
    case DRILL_OPT_MD5:
        text_add(out, "md5");
        break;
    case DRILL_OPT_FO:
        text_add(out, "FO");
        break;
    case DRILL_OPT_FOEXP:
        text_add(out, "FOEXP");
        break;
    case DRILL_OPT_ACCECN:
    case DRILL_OPT_UNKNOWN:
        show_number(out, "kind ", option->value);
        break;
    }
    show_octets(out, option);
}

void drill_show_options(struct text *out, const struct drill_tcp *tcp)
{
    if (tcp->list == DRILL_OPTIONS_ANY)
        text_add(out, "<...>");
    if (tcp->list != DRILL_OPTIONS_LIST)
        return;
    text_add_char(out, '<');
    for (int i = 0; i < tcp->option_count; i++) {
        if (i)
            text_add_char(out, ',');
        drill_show_option(out, &tcp->options[i]);
    }
    text_add_char(out, '>');
}

void drill_show_tcp(struct text *out, const struct drill_tcp *tcp, bool window)
{
    drill_show_flags(out, tcp->flags);
    show_number(out, " ", tcp->seq);
    show_number(out, ":", (uint64_t)tcp->seq + tcp->len);
    show_number(out, "(", tcp->len);
    text_add_char(out, ')');
    if (tcp->flags & DRILL_ACK)
        show_number(out, " ack ", tcp->ack);
    if (tcp->has_win || window)
        show_number(out, " win ", tcp->win);
    if (tcp->urg)
        show_number(out, " urg ", tcp->urg);
    if (tcp->list != DRILL_OPTIONS_NONE)
        text_add_char(out, ' ');
    drill_show_options(out, tcp);
}
