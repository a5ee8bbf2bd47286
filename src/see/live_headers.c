/*
 * live_headers.c - the headers of packets that were told of, for a reader who takes packets apart
 * himself and keeps them longer than we do.
 *
 *     {"type":"headers","of":[[id,octets of the whole packet,begins with Ethernet,"hexadecimal"]]}
 *
 * He is told in the order of the packets, as many in a line as fit. Who is further behind than one
 * sample's packets for each line that he may be behind misses those in between, as he misses
 * samples.
 */
#include "see/live_inside.h"

#include "base/json.h"

enum {
    HEADERS_ROOM = 2 * LIVE_HEADERS + 64,
    HEADERS_BEHIND = LIVE_BEHIND * (LIVE_PLAIN + LIVE_NOTABLE)
};

static void tell_one(struct json *j, const struct live_packet *p)
{
    char hex[2 * LIVE_HEADERS + 1];
    struct text text = text_of(hex, sizeof(hex));

    for (uint32_t i = 0; i < p->kept; i++)
        text_add_hex(&text, p->headers[i], 2);
    json_open(j, '[');
    json_add_element_u64(j, p->id);
    json_add_element_u64(j, p->len);
    json_add_element_u64(j, p->ethernet);
    json_add_element(j, hex);
    json_close(j, ']');
}

uint64_t live_headers_from(const struct live *live)
{
    return live->packets_told;
}

bool live_tell_headers(const struct live *live, uint64_t *from, struct text *line)
{
    struct json j = json_of(line);

    if (*from >= live->packets_told)
        return false;
    if (live->packets_told - *from > HEADERS_BEHIND)
        *from = live->packets_told - HEADERS_BEHIND;
    json_open(&j, '{');
    json_add_string(&j, "type", "headers");
    json_open_member(&j, "of", '[');
    for (; *from < live->packets_told && line->room - line->len > HEADERS_ROOM; ++*from)
        tell_one(&j, &live->packet[*from % LIVE_PACKETS]);
    json_close(&j, ']');
    json_close(&j, '}');
    return true;
}
