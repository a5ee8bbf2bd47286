/*
 * http_accept.c - which content codings a client takes.
 *
 * Whoever is in doubt gets a file as it is, which everybody can read: a coding that is forbidden in
 * one place and listed in another is forbidden, and so is one with a weight that is none. Weights
 * other than 0 say what the client would rather have; we have an order of our own.
 */
#include "http/http_accept.h"

#include "http/http_octets.h"
#include "http/http_request.h"

const struct http_coding_info http_codings[HTTP_CODINGS] = {
    [HTTP_BROTLI] = {"br", ".br"},
    [HTTP_GZIP] = {"gzip", ".gz"},
};

/* HTTP_CODINGS for a name that we have nothing in. */
static unsigned coding_of(struct bytes name)
{
    unsigned i = 0;

    if (http_equals(name, "x-gzip"))
        return HTTP_GZIP;
    while (i < HTTP_CODINGS && !http_equals(name, http_codings[i].name))
        i++;
    return i;
}

/* qvalue = "0" [ "." 0*3DIGIT ] / "1" [ "." 0*3"0" ] (RFC 9110, 12.4.2), in thousandths; 0 for
 * what is malformed. */
static unsigned weight_of(struct bytes qvalue)
{
    unsigned weight = 0, digit = 1000;

    if (qvalue.len == 0 || qvalue.len > 5 || (qvalue.len > 1 && qvalue.at[1] != '.'))
        return 0;
    for (size_t i = 0; i < qvalue.len; i++) {
        if (i == 1)
            continue;
        if (!http_is_digit(qvalue.at[i]))
            return 0;
        weight += digit * (unsigned)(qvalue.at[i] - '0');
        digit /= 10;
    }
    return weight <= 1000 ? weight : 0;
}

/* What stands behind a name: nothing, which weighs 1, or [ OWS ";" OWS "q=" qvalue ]. */
static unsigned weight_behind(struct bytes b)
{
    b = http_trim(b);
    if (b.len == 0)
        return 1000;
    if (b.at[0] != ';')
        return 0;
    b = http_trim(bytes_skip(b, 1));
    return http_equals(bytes_first(b, 2), "q=") ? weight_of(bytes_skip(b, 2)) : 0;
}

/* What was said of a coding, or of all that were not named. */
struct wish {
    bool named, forbidden;
    unsigned weight; /* the highest */
};

static void note(struct wish *wish, unsigned weight)
{
    wish->named = true;
    wish->forbidden |= weight == 0;
    if (weight > wish->weight)
        wish->weight = weight;
}

/* Reads the field; `wishes` has one more, for "*". */
static void read_wishes(const struct http_request *request, struct bytes head,
                        struct wish wishes[HTTP_CODINGS + 1])
{
    struct bytes list, member;
    size_t at = 0;

    while (http_request_next(request, head, "accept-encoding", &at, &list))
        while (http_next_member(&list, &member)) {
            size_t len = 0;
            while (len < member.len && http_octet_is(member.at[len], HTTP_TCHAR))
                len++;
            const struct bytes name = bytes_first(member, len);
            const unsigned coding = coding_of(name);
            if (coding < HTTP_CODINGS || http_equals(name, "*"))
                note(&wishes[coding], weight_behind(bytes_skip(member, len)));
        }
}

size_t http_codings_accepted(const struct http_request *request, struct bytes head,
                             enum http_coding order[HTTP_CODINGS])
{
    struct wish wishes[HTTP_CODINGS + 1] = {0};
    size_t count = 0;

    if (!request->accepts)
        return 0;
    read_wishes(request, head, wishes);
    for (unsigned i = 0; i < HTTP_CODINGS; i++) {
        if (!wishes[i].named)
            wishes[i] = wishes[HTTP_CODINGS];
        if (!wishes[i].named || wishes[i].forbidden)
            continue;
        size_t place = count++;
        for (; place > 0 && wishes[order[place - 1]].weight < wishes[i].weight; place--)
            order[place] = order[place - 1];
        order[place] = (enum http_coding)i;
    }
    return count;
}
