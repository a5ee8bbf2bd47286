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

static const unsigned ALL = (1u << HTTP_CODINGS) - 1;

/* The bit of a name; 0 for one that we have nothing in. */
static unsigned coding_of(struct bytes name)
{
    if (http_equals(name, "x-gzip"))
        return 1u << HTTP_GZIP;
    for (unsigned i = 0; i < HTTP_CODINGS; i++)
        if (http_equals(name, http_codings[i].name))
            return 1u << i;
    return 0;
}

/* qvalue = "0" [ "." 0*3DIGIT ] / "1" [ "." 0*3"0" ] (RFC 9110, 12.4.2), and not 0. */
static bool is_above_0(struct bytes qvalue)
{
    if (qvalue.len == 0 || qvalue.len > 5 || (qvalue.at[0] != '0' && qvalue.at[0] != '1') ||
        (qvalue.len > 1 && qvalue.at[1] != '.'))
        return false;
    const bool is_one = qvalue.at[0] == '1';
    bool above = is_one;
    for (size_t i = 2; i < qvalue.len; i++) {
        if (!http_is_digit(qvalue.at[i]) || (is_one && qvalue.at[i] != '0'))
            return false;
        above |= qvalue.at[i] != '0';
    }
    return above;
}

/* What stands behind a name: nothing, or [ OWS ";" OWS "q=" qvalue ] with one above 0. */
static bool lets(struct bytes weight)
{
    weight = http_trim(weight);
    if (weight.len == 0)
        return true;
    if (weight.at[0] != ';')
        return false;
    weight = http_trim(bytes_skip(weight, 1));
    return http_equals(bytes_first(weight, 2), "q=") && is_above_0(bytes_skip(weight, 2));
}

unsigned http_codings_accepted(const struct http_request *request, struct bytes head)
{
    unsigned listed = 0, forbidden = 0;
    bool asterisk = false, asterisk_forbidden = false;
    size_t at = 0;
    struct bytes list, member;

    while (http_request_next(request, head, "accept-encoding", &at, &list))
        while (http_next_member(&list, &member)) {
            size_t len = 0;
            while (len < member.len && http_octet_is(member.at[len], HTTP_TCHAR))
                len++;
            const struct bytes name = bytes_first(member, len);
            const bool taken = lets(bytes_skip(member, len));
            const unsigned coding = coding_of(name);
            listed |= coding;
            if (!taken)
                forbidden |= coding;
            if (http_equals(name, "*")) {
                asterisk = true;
                asterisk_forbidden |= !taken;
            }
        }
    if (asterisk && !asterisk_forbidden)
        listed |= ALL; /* but for those that were forbidden by name */
    return listed & ~forbidden;
}
