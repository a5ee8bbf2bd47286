/*
 * comments.c - see comments.h.
 *
 * The file comes in pieces of any size, so this is a machine that wants some octets at a time: the
 * head of a block, what is in front of a packet's octets, the head of an option, a comment; all
 * else it skips. How many octets of the block are left is counted down, and nothing is wanted
 * beyond.
 */
#include "see/comments.h"

enum {
    SECTION = 0x0a0d0d0a,
    INTERFACE = 1,
    OLD_PACKET = 2,
    SIMPLE_PACKET = 3,
    PACKET = 6,

    OPTION_END = 0,
    OPTION_COMMENT = 1,

    BLOCK_MIN = 12,
    BLOCK_MAX = 1 << 24, /* longer ones libpcap refuses, too */
    PACKET_FIXED = 20,   /* of a packet block, in front of the packet */
    PACKET_KEPT = 12,    /* where the length of what was kept is in them */
    TAIL = 4,            /* the length, once more */
    LINK = 2,            /* octets of a link type */
    LINK_RAW = 101,
    LINK_RAW_TO_LIBPCAP = 12,
};

static void lose(struct comments *c)
{
    c->phase = COMMENTS_LOST;
}

static void want(struct comments *c, enum comments_phase phase, uint32_t octets)
{
    c->phase = phase;
    c->want = octets;
    c->have = 0;
}

/* Skips, and goes on with the head of a block or of an option. */
static void skip(struct comments *c, uint32_t octets, enum comments_phase after)
{
    c->phase = COMMENTS_SKIP;
    c->after = after;
    c->skip = octets;
}

void comments_init(struct comments *c)
{
    memset(c, 0, sizeof(*c));
    want(c, COMMENTS_HEAD, 8);
}

static uint32_t number(const struct comments *c, uint32_t at, uint32_t octets)
{
    uint32_t value = 0;

    for (uint32_t i = 0; i < octets; i++)
        value = value << 8 | c->head[at + (c->big_endian ? i : octets - 1 - i)];
    return value;
}

static void next_block(struct comments *c)
{
    skip(c, c->block, COMMENTS_HEAD);
    c->block = 0;
}

static void begin_body(struct comments *c)
{
    uint32_t len = number(c, 4, 4);

    if (len < BLOCK_MIN || len % 4 != 0 || len > BLOCK_MAX) {
        lose(c);
        return;
    }
    c->block = len - 8;
    if (c->type == SIMPLE_PACKET)
        c->packets++;
    if ((c->type == PACKET || c->type == OLD_PACKET) && c->block >= PACKET_FIXED + TAIL)
        want(c, COMMENTS_PACKET, PACKET_FIXED);
    else if (c->type == PACKET || c->type == OLD_PACKET)
        lose(c);
    else if (c->type == INTERFACE && c->block >= LINK + TAIL)
        want(c, COMMENTS_LINK, LINK);
    else
        next_block(c);
}

/* The type of a section header is the same in either byte order; its length is not. */
static void on_head(struct comments *c)
{
    bool section = memcmp(c->head, "\x0a\x0d\x0d\x0a", 4) == 0;

    if (!section && !c->begun) {
        lose(c);
    } else if (section) {
        c->begun = true;
        c->type = SECTION;
        c->phase = COMMENTS_SECTION;
        c->want = 12; /* behind the 8 that we have */
    } else {
        c->type = number(c, 0, 4);
        begin_body(c);
    }
}

static void on_section(struct comments *c)
{
    if (memcmp(c->head + 8, "\x1a\x2b\x3c\x4d", 4) == 0)
        c->big_endian = true;
    else if (memcmp(c->head + 8, "\x4d\x3c\x2b\x1a", 4) == 0)
        c->big_endian = false;
    else {
        lose(c);
        return;
    }
    uint32_t len = number(c, 4, 4);
    if (len < 28 || len % 4 != 0 || len > BLOCK_MAX) {
        lose(c);
        return;
    }
    c->block = len - 12;
    next_block(c);
}

static void next_option(struct comments *c)
{
    if (c->block >= 4 + TAIL)
        want(c, COMMENTS_OPTION, 4);
    else
        next_block(c);
}

static void on_packet(struct comments *c)
{
    uint32_t kept = number(c, PACKET_KEPT, 4);

    c->packets++;
    c->block -= PACKET_FIXED;
    if (kept > c->block - TAIL) {
        lose(c);
        return;
    }
    uint32_t padded = kept + (-kept & 3);
    if (padded + TAIL > c->block) {
        lose(c);
        return;
    }
    c->block -= padded;
    skip(c, padded, COMMENTS_OPTION);
}

static struct comment *slot_for_packet(struct comments *c)
{
    struct comment *last = &c->ring[(c->next + COMMENTS_AHEAD - 1) % COMMENTS_AHEAD];

    if (last->number == c->packets)
        return last; /* its second comment */
    struct comment *slot = &c->ring[c->next];
    c->next = (c->next + 1) % COMMENTS_AHEAD;
    slot->number = c->packets;
    slot->len = 0;
    return slot;
}

static void add_text(struct comments *c, struct bytes text)
{
    struct comment *slot = slot_for_packet(c);

    text = bytes_first(text, COMMENT_MAX - slot->len);
    if (text.len > 0)
        memcpy(slot->octets + slot->len, text.at, text.len);
    slot->len += (uint32_t)text.len;
}

static void on_option(struct comments *c)
{
    uint32_t code = number(c, 0, 2), len = number(c, 2, 2), padded = len + (-len & 3);

    c->block -= 4;
    if (code == OPTION_END || padded + TAIL > c->block) {
        next_block(c);
        return;
    }
    c->block -= padded;
    if (code != OPTION_COMMENT) {
        skip(c, padded, COMMENTS_OPTION);
        return;
    }
    if (slot_for_packet(c)->len > 0)
        add_text(c, bytes_of("; ", 2));
    c->phase = COMMENTS_TEXT;
    c->text = len;
    c->padding = padded - len;
}

static void on_wanted(struct comments *c)
{
    if (c->phase == COMMENTS_LINK) {
        c->block -= LINK;
        next_block(c);
        return;
    }

    if (c->phase == COMMENTS_HEAD)
        on_head(c);
    else if (c->phase == COMMENTS_SECTION)
        on_section(c);
    else if (c->phase == COMMENTS_PACKET)
        on_packet(c);
    else
        on_option(c);
}

static void after_skip(struct comments *c)
{
    if (c->after == COMMENTS_HEAD)
        want(c, COMMENTS_HEAD, 8);
    else
        next_option(c);
}

/* No link type but RAW has this low octet, so the high one need not be waited for. */
static void mend_link(const struct comments *c, uint8_t *octets, uint32_t count)
{
    uint32_t low = c->big_endian ? 1 : 0;

    if (low >= c->have && low < c->have + count && octets[low - c->have] == LINK_RAW)
        octets[low - c->have] = LINK_RAW_TO_LIBPCAP;
}

/* Takes some of the octets at hand; returns how many. */
static uint32_t feed_some(struct comments *c, uint8_t *octets, size_t count)
{
    uint32_t len;

    if (c->phase == COMMENTS_SKIP) {
        len = (uint32_t)size_min(count, c->skip);
        c->skip -= len;
    } else if (c->phase == COMMENTS_TEXT) {
        len = (uint32_t)size_min(count, c->text);
        add_text(c, bytes_of(octets, len));
        c->text -= len;
    } else {
        len = (uint32_t)size_min(count, c->want - c->have);
        if (c->phase == COMMENTS_LINK)
            mend_link(c, octets, len);
        memcpy(c->head + c->have, octets, len);
        c->have += len;
        if (c->have == c->want)
            on_wanted(c);
    }
    return len;
}

void comments_feed(struct comments *c, uint8_t *octets, size_t count)
{
    while (c->phase != COMMENTS_LOST) {
        if (c->phase == COMMENTS_SKIP && c->skip == 0) {
            after_skip(c);
        } else if (c->phase == COMMENTS_TEXT && c->text == 0) {
            skip(c, c->padding, COMMENTS_OPTION);
        } else if (count > 0) {
            uint32_t len = feed_some(c, octets, count);
            octets += len;
            count -= len;
        } else {
            return;
        }
    }
}

struct bytes comments_take(const struct comments *c, uint64_t number)
{
    for (uint32_t i = 0; i < COMMENTS_AHEAD; i++) {
        if (c->ring[i].number == number)
            return bytes_of(c->ring[i].octets, c->ring[i].len);
    }
    return (struct bytes){0};
}
