/*
 * http_conditions.c - entity tags and the conditional fields, in their one order.
 *
 * A tag is made of what a file system knows of a file without reading it: its length, when it was
 * last written, and which file it is, so that one that was moved into another's place has another
 * tag. It is called strong; what it cannot see is a change that keeps the length, within one tick
 * of the file system's clock, of a file that was sent between the two writes.
 *
 * Lists of tags come from strangers. A list is read to its end before it counts: what is malformed
 * anywhere matches nothing, so that nobody is told 304 by half of a list, and If-Match fails as it
 * does for any tag that is not ours. Several lines are one list (RFC 9110, 5.3), each of them with
 * whole tags; "*" is alone or it is malformed.
 *
 * The order of the conditions is that of RFC 9110, 13.2.2:
 *
 *     1  If-Match              false: 412
 *     2  If-Unmodified-Since   only without 1; false: 412
 *     3  If-None-Match         false: 304 for GET and HEAD, else 412
 *     4  If-Modified-Since     only without 3, for GET and HEAD; false: 304
 *     5  If-Range              http_if_range(), once Range is looked at
 */
#include "http/http_conditions.h"

#include "base/text.h"
#include "http/http_octets.h"
#include "http/http_request.h"

/* --- entity tags -------------------------------------------------------------------------- */

void http_etag_of(char out[HTTP_ETAG_ROOM], uint64_t inode, uint64_t size, int64_t mtime_ns,
                  const char *coding)
{
    struct text text = text_of(out, HTTP_ETAG_ROOM);

    text_add_char(&text, '"');
    text_add_hex(&text, size, 1);
    text_add_char(&text, '-');
    text_add_hex(&text, (uint64_t)mtime_ns, 1);
    text_add_char(&text, '-');
    text_add_hex(&text, inode, 1);
    if (coding) { /* other octets, so another tag (RFC 9110, 8.8.1 and 8.8.3.3) */
        text_add_char(&text, '-');
        text_add(&text, coding);
    }
    text_add_char(&text, '"');
    assert(!text.cut);
}

struct tag {
    struct bytes opaque; /* with its quotes */
    bool weak;
};

/* What can be seen but the quote, and octets above 127. */
static bool is_etagc(uint8_t octet)
{
    return octet > 0x20 && octet != '"' && octet != 0x7f;
}

/* entity-tag = [ %s"W/" ] DQUOTE *etagc DQUOTE */
static bool take_tag(struct bytes *rest, struct tag *tag)
{
    struct bytes b = *rest;
    size_t len = 1;

    tag->weak = b.len >= 2 && b.at[0] == 'W' && b.at[1] == '/';
    if (tag->weak)
        b = bytes_skip(b, 2);
    if (b.len == 0 || b.at[0] != '"')
        return false;
    while (len < b.len && is_etagc(b.at[len]))
        len++;
    if (len == b.len || b.at[len] != '"')
        return false;
    tag->opaque = bytes_first(b, len + 1);
    *rest = bytes_skip(b, len + 1);
    return true;
}

/* The tag of `is`, which is strong; empty when it has none, as no tag in a list can be. */
static struct bytes tag_of(const struct http_validators *is)
{
    return bytes_of(is->etag, strlen(is->etag));
}

/* --- lists of them ------------------------------------------------------------------------ */

/* #entity-tag, empty members and all (RFC 9110, 5.6.1.2). False when it is malformed; `*found` is
 * set when `ours` is in it. */
static bool read_tags(struct bytes list, struct bytes ours, bool strong, bool *found)
{
    struct tag tag;

    for (list = http_trim(list); list.len > 0; list = http_trim(bytes_skip(list, 1))) {
        if (list.at[0] == ',')
            continue;
        if (!take_tag(&list, &tag))
            return false;
        *found |= bytes_equal(tag.opaque, ours) && !(strong && tag.weak);
        list = http_trim(list);
        if (list.len > 0 && list.at[0] != ',')
            return false;
    }
    return true;
}

enum match {
    NOT_ASKED,
    MATCHES,
    MATCHES_NOT, /* or malformed */
};

/* The field called `name`: does it hold our tag? */
static enum match match(const struct http_request *request, struct bytes head, const char *name,
                        bool strong, const struct http_validators *is)
{
    const struct bytes ours = tag_of(is);
    bool well_formed = true, found = false, asterisk = false;
    size_t at = 0, lines = 0;
    struct bytes value;

    for (; http_request_next(request, head, name, &at, &value); lines++) {
        if (http_equals(value, "*"))
            asterisk = true;
        else
            well_formed &= read_tags(value, ours, strong, &found);
    }
    if (lines == 0)
        return NOT_ASKED;
    if (asterisk) /* whatever is there matches, and we are asked of what is there */
        return lines == 1 ? MATCHES : MATCHES_NOT;
    return well_formed && found ? MATCHES : MATCHES_NOT;
}

/* --- conditions --------------------------------------------------------------------------- */

/* HTTP_NO_DATE unless the field is there once and holds a date. */
static int64_t date_in(const struct http_request *request, struct bytes head, const char *name,
                       int64_t now_s)
{
    struct bytes value;

    if (http_request_find(request, head, name, &value) != 1)
        return HTTP_NO_DATE;
    return http_date_parse(value, now_s);
}

int http_conditions(const struct http_request *request, struct bytes head,
                    const struct http_validators *is, int64_t now_s)
{
    const bool reads = request->method == HTTP_GET || request->method == HTTP_HEAD;
    const bool dated = is->modified_s != HTTP_NO_DATE;
    int64_t since;

    if (!request->conditional)
        return 0;
    /* These select no representation (RFC 9110, 13.2.1). */
    if (request->method == HTTP_CONNECT || request->method == HTTP_OPTIONS ||
        request->method == HTTP_TRACE)
        return 0;

    /* First and second: lost updates. */
    const enum match if_match = match(request, head, "if-match", true, is);
    if (if_match == MATCHES_NOT)
        return 412;
    if (if_match == NOT_ASKED && dated) {
        since = date_in(request, head, "if-unmodified-since", now_s);
        if (since != HTTP_NO_DATE && is->modified_s > since)
            return 412;
    }

    /* Third and fourth: what a cache has already. */
    const enum match if_none_match = match(request, head, "if-none-match", false, is);
    if (if_none_match == MATCHES)
        return reads ? 304 : 412;
    if (if_none_match == NOT_ASKED && reads && dated) {
        since = date_in(request, head, "if-modified-since", now_s);
        if (since != HTTP_NO_DATE && is->modified_s <= since)
            return 304;
    }
    return 0;
}

/*
 * A date has to be strong in the sense of RFC 9110, 8.8.2.2. An origin server may say so when it
 * knows that the file did not change twice in the second that the date names; it cannot see that
 * from the time of the last change. What it can see is whether that second is over: until then the
 * file may change again and keep its date, so the date is not believed. From then on any change
 * brings another date. That leaves one who fetched a part within that second, before the last
 * change in it; but such a client knows from the Date of what it got that its date is weak, and
 * must not send it (13.1.5). Both rules are one: Date is at least a second after Last-Modified.
 */
bool http_if_range(const struct http_request *request, struct bytes head,
                   const struct http_validators *is, int64_t now_s)
{
    struct bytes value;
    struct tag tag;

    if (!request->conditional)
        return true;
    const size_t count = http_request_find(request, head, "if-range", &value);
    if (count != 1)
        return count == 0;
    if (take_tag(&value, &tag))
        return value.len == 0 && !tag.weak && bytes_equal(tag.opaque, tag_of(is));
    const int64_t date = http_date_parse(value, now_s);
    return date != HTTP_NO_DATE && date == is->modified_s && now_s > is->modified_s;
}
