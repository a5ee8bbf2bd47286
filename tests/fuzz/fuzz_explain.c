/*
 * fuzz_explain.c - captures: any octets as packets, one after the other, and as a file.
 *
 * The input is a sequence of packets, each with a first octet that chooses its link and whether it
 * is cut off or discarded, and two that say how long it is. Properties: fields lie within their
 * packet and their layers are in order; every rendering fits its buffer, is printable, and JSON is
 * balanced; the tracker's table stays whole. The input as a file has comments that lie within
 * bounds, however it is cut in pieces.
 */
#include <stdlib.h>
#include <string.h>

#include "see/comments.h"
#include "see/explain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PACKETS_MAX = 32, PACKET_MAX = 2048, RENDERED = 3 };

static struct dissection d;
static struct track track;
static struct track_verdict verdict;
static struct comments comments;
static char room[EXPLAIN_ROOM];

static void check_fields(void)
{
    uint32_t next = 0;

    assert(d.layer_count <= FIELDS_LAYERS && d.field_count <= FIELDS_MAX);
    for (uint32_t i = 0; i < d.layer_count; i++) {
        const struct layer *l = &d.layer[i];
        assert(l->first == next);
        next += l->count;
        assert(l->start + l->len <= d.whole);
    }
    assert(next == d.field_count);
    for (uint32_t i = 0; i < d.field_count; i++) {
        const struct field *f = &d.field[i];
        assert(f->bit + f->bits <= d.packet.len * 8);
        assert(f->raw.len == 0 || f->raw.at == d.packet.at + f->bit / 8);
        assert(f->raw.len <= d.packet.len);
    }
}

static void check_printable(const struct text *out, bool escapes)
{
    assert(!out->cut && out->len > 0 && out->at[out->len - 1] == '\n');
    for (size_t i = 0; i < out->len; i++) {
        char c = out->at[i];
        assert((c >= 0x20 && c < 0x7f) || c == '\n' || (escapes && c == '\033'));
    }
}

/* Brackets outside of strings close in order, and the object is one line. */
static void check_json(const struct text *out)
{
    char open[16];
    size_t depth = 0;
    bool string = false;

    assert(!out->cut && out->at[out->len - 1] == '\n');
    for (size_t i = 0; i + 1 < out->len; i++) {
        char c = out->at[i];
        assert((uint8_t)c >= 0x20);
        if (string && c == '\\') {
            i++;
        } else if (c == '"') {
            string = !string;
        } else if (!string && (c == '{' || c == '[')) {
            assert(depth < sizeof(open));
            open[depth++] = c;
        } else if (!string && (c == '}' || c == ']')) {
            assert(depth > 0 && open[--depth] == (c == '}' ? '{' : '['));
        }
    }
    assert(depth == 0 && !string);
}

static void check_track(void)
{
    uint32_t count = 0;

    for (uint16_t i = track.newest; i != TRACK_CONNS; i = track.conn[i].older) {
        const struct track_conn *c = &track.conn[i];
        assert(c->id > 0 && c->id <= track.ids);
        assert(c->side[0].hole_count <= TRACK_HOLES && c->side[1].hole_count <= TRACK_HOLES);
        count++;
    }
    assert(count == track.used);
}

static void render(struct bytes comment, bool ethernet)
{
    struct explained e = {.number = 1,
                          .when_ns = INT64_MAX,
                          .since_ns = INT64_MIN,
                          .d = &d,
                          .track = &verdict,
                          .comment = comment,
                          .ethernet = ethernet};

    struct text out = text_of(room, sizeof(room));
    explain_text(&out, &e, (struct explain_style){.colour = true});
    check_printable(&out, true);
    out = text_of(room, sizeof(room));
    explain_brief(&out, &e, (struct explain_style){0});
    check_printable(&out, false);
    out = text_of(room, sizeof(room));
    explain_json(&out, &e);
    check_json(&out);
}

static void explain_one(struct reader *r, int *renders)
{
    uint8_t how = read_u8(r);
    size_t len = read_be16(r) % PACKET_MAX;
    struct bytes given = read_bytes(r, size_min(len, r->rest.len));
    uint8_t *octets = malloc(given.len ? given.len : 1); /* exactly its size */
    if (!octets)
        return;
    if (given.len)
        memcpy(octets, given.at, given.len);

    enum fields_link link = (enum fields_link)((how & 15) % (FIELDS_SLL2 + 1));
    uint32_t whole = (uint32_t)given.len + (how & 16 ? 40 : 0);
    fields_read(&d, bytes_of(octets, given.len), how == 0xff ? UINT32_MAX : whole, link);
    check_fields();
    track_packet(&track, &d, how & 32, &verdict);
    check_track();
    if (how & 64 && (*renders)-- > 0)
        render(bytes_first(given, EXPLAIN_COMMENT), link == FIELDS_ETHERNET);
    free(octets);
}

static void read_as_file(const uint8_t *data, size_t size)
{
    size_t piece = size > 0 ? data[0] % 61 + 1u : 1;
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        return;
    if (size)
        memcpy(copy, data, size);
    comments_init(&comments);
    for (size_t at = 0; at < size; at += piece)
        comments_feed(&comments, copy + at, size_min(piece, size - at));
    for (uint32_t i = 0; i < COMMENTS_AHEAD; i++) {
        assert(comments.ring[i].len <= COMMENT_MAX);
        assert(comments.ring[i].number <= comments.packets);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct hash_key key = {7, 9};
    struct reader r = reader_of(bytes_of(data, size));

    int renders = RENDERED; /* which cost the most */

    track_init(&track, key);
    for (int i = 0; i < PACKETS_MAX && r.rest.len > 0; i++)
        explain_one(&r, &renders);
    read_as_file(data, size);
    return 0;
}
