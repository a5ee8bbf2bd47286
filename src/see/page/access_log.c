/*
 * access_log.c - see access_log.h.
 *
 * Everything in a line but numbers comes from a stranger, and whoever reads logs trusts them: so no
 * octet gets into a line but through quote() or the writer of JSON, and each string has a room of
 * its own, counted in octets of the line, escapes and all. The rooms and all that is around them
 * fit into a line, so a line cannot be cut in the wrong place.
 *
 * The request line is written from its parts, as far as they were understood: a request whose
 * method or target was not is "-". The version is looked up in the head again, because a request
 * may have failed just there.
 *
 * Left out: the user of common and combined (nobody logs in here), time zones, and formats of one's
 * own: json has everything, for programs that make other lines of it.
 */
#include "see/page/access_log.h"

#include "base/instant.h"
#include "base/json.h"
#include "http/http_date.h"
#include "http/http_octets.h"

/* Octets that a string may take in a line, its mark included. */
enum {
    METHOD_ROOM = 64,
    TARGET_ROOM = HTTP_TARGET_MAX,
    HOST_ROOM = 512,
    REFERER_ROOM = 3072,
    AGENT_ROOM = 3072,
    WHY_ROOM = 128,
    REST_ROOM = 1024, /* all that is no string: names, addresses, numbers */
};
static_assert(METHOD_ROOM + TARGET_ROOM + HOST_ROOM + REFERER_ROOM + AGENT_ROOM + WHY_ROOM +
                      REST_ROOM <=
                  ACCESS_LINE,
              "a line is never cut");

static const char cut_mark[] = "...";
enum { MARK_LEN = sizeof cut_mark - 1 };

bool access_format_parse(const char *name, enum access_format *out)
{
    static const char *const names[] = {"common", "combined", "json"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum access_format)i;
            return true;
        }
    }
    return false;
}

/* --- strings ------------------------------------------------------------------------------ */

static bool is_plain(uint8_t octet)
{
    return octet >= ' ' && octet <= '~' && octet != '"' && octet != '\\';
}

/* Octets of the line for one of a string: \xHH in common and combined, \" or \u00HH in JSON. */
static size_t cost_of(uint8_t octet, bool json)
{
    if (is_plain(octet))
        return 1;
    if (!json)
        return 4;
    return octet == '"' || octet == '\\' ? 2 : 6;
}

/* How many octets of `in` fit into `room`: all of them, or as many as leave room for the mark. */
static size_t fitting(struct bytes in, size_t room, bool json)
{
    size_t used = 0, with_mark = 0;

    for (size_t i = 0; i < in.len; i++) {
        used += cost_of(in.at[i], json);
        if (used <= room - MARK_LEN)
            with_mark = i + 1;
        if (used > room)
            return with_mark;
    }
    return in.len;
}

/* For common and combined, without the quotes around it. */
static void quote(struct text *line, struct bytes in, size_t room)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = fitting(in, room, false);

    for (size_t i = 0; i < len; i++) {
        uint8_t octet = in.at[i];
        if (is_plain(octet)) {
            text_add_char(line, (char)octet);
            continue;
        }
        text_add(line, "\\x");
        text_add_char(line, digits[octet >> 4]);
        text_add_char(line, digits[octet & 0xf]);
    }
    if (len < in.len)
        text_add(line, cut_mark);
}

/* A member of JSON; null when there is nothing. */
static void add_string(struct json *j, const char *key, struct bytes in, size_t room)
{
    uint8_t copy[TARGET_ROOM];
    size_t len = fitting(in, room, true);

    assert(room <= sizeof copy);
    if (in.len == 0) {
        json_add_null(j, key);
    } else if (len == in.len) {
        json_add_octets(j, key, in);
    } else {
        memcpy(copy, in.at, len);
        memcpy(copy + len, cut_mark, MARK_LEN);
        json_add_octets(j, key, bytes_of(copy, len + MARK_LEN));
    }
}

/* --- what a request says -------------------------------------------------------------------- */

/* What was understood of a request; what was not is empty. */
struct said {
    struct bytes method, target, version, host, referer, agent;
};

static bool is_version(struct bytes b)
{
    static const char form[] = "HTTP/d.d";

    if (b.len != sizeof form - 1)
        return false;
    for (size_t i = 0; i < b.len; i++) {
        if (form[i] == 'd' ? !http_is_digit(b.at[i]) : b.at[i] != (uint8_t)form[i])
            return false;
    }
    return true;
}

static struct said said_by(const struct http_access *a)
{
    const struct http_request *r = a->request;
    struct said said = {0};

    if (!r)
        return said;
    said.method = http_slice_of(a->head, r->method_name);
    said.target = http_slice_of(a->head, r->target);
    said.host = http_slice_of(a->head, r->host);
    struct bytes behind = bytes_skip(a->head, (size_t)r->target.at + r->target.len + 1);
    if (said.target.len > 0 && is_version(bytes_first(behind, strlen("HTTP/d.d"))))
        said.version = bytes_first(behind, strlen("HTTP/d.d"));
    for (size_t i = 0; i < r->field_count; i++) {
        struct bytes name = http_slice_of(a->head, r->fields[i].name);
        struct bytes value = http_slice_of(a->head, r->fields[i].value);
        if (said.referer.len == 0 && http_equals(name, "referer"))
            said.referer = value;
        else if (said.agent.len == 0 && http_equals(name, "user-agent"))
            said.agent = value;
    }
    return said;
}

/* --- times -------------------------------------------------------------------------------- */

/* The parts of a date as HTTP writes them: "Sun, 06 Nov 1994 08:49:37 GMT". */
enum { DAY_AT = 5, MONTH_AT = 8, YEAR_AT = 12, TIME_AT = 17, TIME_LEN = 8 };

static void add_part(struct text *line, const char *date, size_t at, size_t len)
{
    for (size_t i = at; i < at + len; i++)
        text_add_char(line, date[i]);
}

/* "29/Nov/2026:13:00:00 +0000" */
static void add_common_time(struct text *line, int64_t ns)
{
    char date[HTTP_DATE_LEN];

    http_date_format(http_seconds_of(ns), date);
    add_part(line, date, DAY_AT, 2);
    text_add_char(line, '/');
    add_part(line, date, MONTH_AT, 3);
    text_add_char(line, '/');
    add_part(line, date, YEAR_AT, 4);
    text_add_char(line, ':');
    add_part(line, date, TIME_AT, TIME_LEN);
    text_add(line, " +0000");
}

/* "2026-11-29T13:00:00.123456Z" (RFC 3339) */
static void add_json_time(struct json *j, int64_t ns)
{
    char out[32];
    struct text time = text_of(out, sizeof out);

    http_date_add_iso(&time, ns, 6);
    json_add_string(j, "time", out);
}

/* --- common and combined -------------------------------------------------------------------- */

static void add_request_line(struct text *line, const struct said *said)
{
    if (said->method.len == 0 || said->target.len == 0) {
        text_add_char(line, '-');
        return;
    }
    quote(line, said->method, METHOD_ROOM);
    text_add_char(line, ' ');
    quote(line, said->target, TARGET_ROOM);
    if (said->version.len == 0)
        return;
    text_add_char(line, ' ');
    quote(line, said->version, METHOD_ROOM);
}

static void add_quoted(struct text *line, struct bytes in, size_t room)
{
    text_add(line, " \"");
    quote(line, in.len ? in : bytes_of("-", 1), room);
    text_add_char(line, '"');
}

static void add_common(struct text *line, const struct http_access *a, const struct said *said)
{
    text_add_ip(line, a->info->facts.remote.addr);
    text_add(line, " - - [");
    add_common_time(line, a->begun_ns);
    text_add(line, "] \"");
    add_request_line(line, said);
    text_add(line, "\" ");
    text_add_i64(line, a->status);
    text_add_char(line, ' ');
    if (a->content > 0)
        text_add_u64(line, a->content);
    else
        text_add_char(line, '-');
}

/* --- JSON --------------------------------------------------------------------------------- */

static void add_endpoint(struct json *j, const char *key, struct endpoint end)
{
    char out[ENDPOINT_TEXT];
    json_add_string(j, key, endpoint_format(end, out));
}

static struct json begin_object(struct text *line, const char *type, int64_t begun_ns,
                                const struct sock_info *info)
{
    struct json j = json_of(line);

    json_open(&j, '{');
    json_add_string(&j, "type", type);
    add_json_time(&j, begun_ns);
    json_add_u64(&j, "conn", info->facts.id);
    return j;
}

static void add_ends(struct json *j, const struct sock_info *info)
{
    add_endpoint(j, "client", info->facts.remote);
    add_endpoint(j, "server", info->facts.local);
}

static void add_figures(struct json *j, const struct sock_info *info)
{
    if (info->facts.srtt_us > 0)
        json_add_i64(j, "srtt_us", info->facts.srtt_us);
    else
        json_add_null(j, "srtt_us");
    json_add_u64(j, "cwnd_octets", info->facts.cwnd);
    if (info->facts.ssthresh != UINT32_MAX)
        json_add_u64(j, "ssthresh_octets", info->facts.ssthresh);
    else
        json_add_null(j, "ssthresh_octets"); /* before the first loss */
    json_add_u64(j, "retransmits", info->retransmits);
    json_add_u64(j, "mss_octets", info->snd_mss);
}

static void add_json_request(struct text *line, const struct http_access *a,
                             const struct said *said)
{
    struct json j = begin_object(line, "request", a->begun_ns, a->info);

    json_add_u64(&j, "nth", a->nth);
    add_ends(&j, a->info);
    add_string(&j, "method", said->method, METHOD_ROOM);
    add_string(&j, "target", said->target, TARGET_ROOM);
    add_string(&j, "version", said->version, METHOD_ROOM);
    json_add_i64(&j, "status", a->status);
    json_add_u64(&j, "octets", a->content);
    json_add_bool(&j, "whole", a->whole);
    json_add_i64(&j, "duration_us", a->duration_ns / NS_PER_US);
    add_string(&j, "referer", said->referer, REFERER_ROOM);
    add_string(&j, "user_agent", said->agent, AGENT_ROOM);
    add_string(&j, "host", said->host, HOST_ROOM);
    add_figures(&j, a->info);
    json_close(&j, '}');
}

/* --- lines -------------------------------------------------------------------------------- */

static void end_line(struct text *line)
{
    text_add_char(line, '\n');
    assert(!line->cut); /* the rooms say so */
}

void access_log_request(struct text *line, enum access_format format, const struct http_access *a)
{
    const struct said said = said_by(a);

    if (format == ACCESS_JSON)
        add_json_request(line, a, &said);
    else
        add_common(line, a, &said);
    if (format == ACCESS_COMBINED) {
        add_quoted(line, said.referer, REFERER_ROOM);
        add_quoted(line, said.agent, AGENT_ROOM);
    }
    end_line(line);
}

void access_log_connection(struct text *line, enum access_format format,
                           const struct http_farewell *f)
{
    if (format != ACCESS_JSON)
        return;
    struct json j = begin_object(line, "connection", f->begun_ns, f->info);
    add_ends(&j, f->info);
    add_string(&j, "why", bytes_of(f->why, strlen(f->why)), WHY_ROOM);
    json_add_u64(&j, "requests", f->requests);
    json_add_u64(&j, "octets", f->content);
    json_add_i64(&j, "duration_us", f->duration_ns / NS_PER_US);
    add_figures(&j, f->info);
    json_add_u64(&j, "acked_octets", f->info->octets_acked);
    json_add_u64(&j, "received_octets", f->info->octets_received);
    json_close(&j, '}');
    end_line(line);
}

static void write_line(struct access_log *log, const struct text *line)
{
    struct iovec iov = {line->at, line->len};

    if (line->len > 0)
        log->out->write(log->out, &iov, 1);
}

static void answered(void *context, const struct http_access *a)
{
    struct access_log *log = context;
    struct text line = text_of(log->line, sizeof log->line);

    access_log_request(&line, log->format, a);
    write_line(log, &line);
}

static void closed(void *context, const struct http_farewell *f)
{
    struct access_log *log = context;
    struct text line = text_of(log->line, sizeof log->line);

    access_log_connection(&line, log->format, f);
    write_line(log, &line);
}

void access_log_init(struct access_log *log, enum access_format format, struct octet_sink *out)
{
    log->ops = (struct http_access_ops){.context = log, .answered = answered, .closed = closed};
    log->format = format;
    log->out = out;
}
