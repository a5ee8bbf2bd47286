/*
 * test_access_log.c - lines of the access log: what they say, and that a line stays a line whatever
 * a stranger sends.
 *
 * Lines are taken apart strictly: JSON by a library, common and combined by a reader that knows one
 * form of each and undoes the escapes.
 */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>

#include "base/addr.h"
#include "base/instant.h"
#include "see/page/access_log.h"
#include "support/memory_sink.h"
#include "support/proves.h"

#define ISO "2026-11-29T13:00:00.123456Z"

static const int64_t when_ns = INT64_C(1795957200123456789); /* 29 November 2026, 13:00:00 UTC */

static uint8_t head[65536];
static size_t head_len;
static struct http_request request;
static struct http_parser parser;
static struct sock_info info;
static struct http_access access_;
static struct http_farewell farewell;
static char line[ACCESS_LINE + 1];

static void setup(void)
{
    head_len = 0;
    request = (struct http_request){0};
    info = (struct sock_info){.facts = {.id = 7, .cwnd = 14600, .ssthresh = UINT32_MAX},
                              .snd_mss = 1460};
    info.facts.remote = (struct endpoint){ip_from_v4(0x0a090001), 40000};
    info.facts.local = (struct endpoint){ip_from_v4(0x0a090002), 80};
    access_ = (struct http_access){.status = 200,
                                   .content = 1234,
                                   .whole = true,
                                   .nth = 1,
                                   .begun_ns = when_ns,
                                   .duration_ns = 1500000,
                                   .info = &info};
    farewell = (struct http_farewell){.why = "the peer closed it",
                                      .requests = 3,
                                      .content = 4321,
                                      .begun_ns = when_ns,
                                      .duration_ns = 2500000,
                                      .info = &info};
}

/* The request as the server's parser reads it, as far as that goes. */
static void given(const char *text)
{
    head_len = strlen(text);
    memcpy(head, text, head_len);
    http_parser_init(&parser);
    (void)!http_parse(&parser, bytes_of(head, head_len)); /* it may fail */
    access_.request = &parser.request;
    access_.head = bytes_of(head, head_len);
}

static struct http_slice put(const void *octets, size_t len)
{
    struct http_slice slice = {(uint16_t)head_len, (uint16_t)len};

    ck_assert_uint_le(head_len + len, UINT16_MAX);
    if (len)
        memcpy(head + head_len, octets, len);
    head_len += len;
    return slice;
}

/* A request of any octets, even those that no parser lets through, in a buffer that ends with them.
 */
static void given_octets(struct bytes method, struct bytes target, struct bytes host,
                         struct bytes referer, struct bytes agent)
{
    static const char referer_name[] = "Referer", agent_name[] = "uSER-aGENT";

    request.method_name = put(method.at, method.len);
    request.target = put(target.at, target.len);
    put(" HTTP/1.1\r\n", 11);
    request.host = put(host.at, host.len);
    request.fields[0].name = put(referer_name, sizeof referer_name - 1);
    request.fields[0].value = put(referer.at, referer.len);
    request.fields[1].name = put(agent_name, sizeof agent_name - 1);
    request.fields[1].value = put(agent.at, agent.len);
    request.field_count = 2;
    access_.request = &request;
    access_.head = bytes_of(head, head_len);
}

/* What is true of every line. */
static const char *checked(const struct text *t)
{
    ck_assert(!t->cut);
    ck_assert_uint_le(t->len, ACCESS_LINE);
    ck_assert_uint_gt(t->len, 0);
    for (size_t i = 0; i + 1 < t->len; i++)
        ck_assert_msg(line[i] >= ' ' && line[i] <= '~', "octet %02x at %zu", (uint8_t)line[i], i);
    ck_assert_int_eq(line[t->len - 1], '\n');
    return line;
}

static const char *rendered(enum access_format format)
{
    struct text t = text_of(line, sizeof line);

    access_log_request(&t, format, &access_);
    return checked(&t);
}

/* --- readers that are strict ------------------------------------------------------------------ */

struct combined {
    char client[64], time[64], request[ACCESS_LINE], referer[ACCESS_LINE], agent[ACCESS_LINE];
    size_t request_len, referer_len, agent_len;
    int status;
    char octets[32];
};

static const char *expect(const char *at, const char *text)
{
    ck_assert_msg(strncmp(at, text, strlen(text)) == 0, "no '%s' at: %s", text, at);
    return at + strlen(text);
}

static unsigned hex_of(char c)
{
    ck_assert((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'));
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'A') + 10;
}

/* A string in quotes, its escapes undone. */
static const char *read_quoted(const char *at, char *out, size_t *len)
{
    *len = 0;
    at = expect(at, "\"");
    while (*at != '"') {
        ck_assert(*at != '\0' && *at != '\n');
        if (*at == '\\') {
            ck_assert_int_eq(at[1], 'x');
            out[(*len)++] = (char)(hex_of(at[2]) << 4 | hex_of(at[3]));
            at += 4;
        } else {
            out[(*len)++] = *at++;
        }
    }
    out[*len] = '\0';
    return at + 1;
}

static const char *read_word(const char *at, char end, char *out, size_t room)
{
    size_t len = 0;

    while (*at != end) {
        ck_assert(*at != '\0' && len + 1 < room);
        out[len++] = *at++;
    }
    out[len] = '\0';
    return at + 1;
}

static const struct combined *read_combined(const char *at)
{
    static struct combined c;

    at = read_word(at, ' ', c.client, sizeof c.client);
    at = expect(at, "- - [");
    at = read_word(at, ']', c.time, sizeof c.time);
    at = read_quoted(expect(at, " "), c.request, &c.request_len);
    at = expect(at, " ");
    for (int i = 0; i < 3; i++)
        ck_assert(isdigit((unsigned char)at[i]));
    c.status = atoi(at);
    at = read_word(expect(at + 3, " "), ' ', c.octets, sizeof c.octets);
    at = read_quoted(at, c.referer, &c.referer_len);
    at = read_quoted(expect(at, " "), c.agent, &c.agent_len);
    ck_assert_str_eq(at, "\n");
    return &c;
}

static json_t *read_json(const char *text)
{
    json_error_t error;
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

    ck_assert_msg(json_is_object(object), "%s: %s", error.text, text);
    return object;
}

/* JSON's string as the octets that it stands for; how many. */
static size_t octets_of(json_t *object, const char *key, uint8_t *out)
{
    json_t *value = json_object_get(object, key);
    size_t n = 0;

    ck_assert_msg(json_is_string(value), "%s", key);
    const uint8_t *at = (const uint8_t *)json_string_value(value);
    for (size_t i = 0; i < json_string_length(value); i++) {
        if (at[i] < 0x80) {
            out[n++] = at[i];
        } else { /* U+0080 to U+00FF, in UTF-8 */
            ck_assert(at[i] == 0xc2 || at[i] == 0xc3);
            out[n++] = (uint8_t)((at[i] & 3) << 6 | (at[i + 1] & 0x3f));
            i++;
        }
    }
    return n;
}

/* --- common and combined ---------------------------------------------------------------------- */

START_TEST(common_is_the_format_of_old)
{
    given("GET /x HTTP/1.1\r\nHost: a\r\nReferer: http://r/\r\nUser-Agent: u/1\r\n\r\n");
    ck_assert_str_eq(rendered(ACCESS_COMMON), "10.9.0.1 - - [29/Nov/2026:13:00:00 +0000] "
                                              "\"GET /x HTTP/1.1\" 200 1234\n");
    access_.content = 0;
    access_.status = 304;
    info.facts.remote.addr = (struct ip_addr){{0xfe, 0x80, [15] = 1}};
    ck_assert_str_eq(rendered(ACCESS_COMMON), "fe80::1 - - [29/Nov/2026:13:00:00 +0000] "
                                              "\"GET /x HTTP/1.1\" 304 -\n");
}
END_TEST

START_TEST(combined_adds_referer_and_user_agent)
{
    given("GET /x HTTP/1.0\r\nreferer: http://r/\r\nUSER-AGENT: u/1 (x; y)\r\n\r\n");
    ck_assert_str_eq(rendered(ACCESS_COMBINED), "10.9.0.1 - - [29/Nov/2026:13:00:00 +0000] "
                                                "\"GET /x HTTP/1.0\" 200 1234 \"http://r/\" "
                                                "\"u/1 (x; y)\"\n");
    given("GET /x HTTP/1.0\r\nReferer:\r\n\r\n");
    ck_assert_str_eq(rendered(ACCESS_COMBINED), "10.9.0.1 - - [29/Nov/2026:13:00:00 +0000] "
                                                "\"GET /x HTTP/1.0\" 200 1234 \"-\" \"-\"\n");
}
END_TEST

/* What was sent, and what the line says of it. */
static const struct {
    const char *sent, *request;
} half_read[] = {
    {"", "-"},
    {"G\x01", "-"},
    {"GET", "-"},
    {"GET /never-ending", "-"},
    {"GET  /two HTTP/1.1\r\n", "-"},
    {"GET /x\r\n", "-"},
    {"GET /x FTP/1.1\r\n", "GET /x"},
    {"GET /x HTTP/1.1", "GET /x HTTP/1.1"},
    {"GET /x HTTP/9.9\r\n\r\n", "GET /x HTTP/9.9"},
    {"GET /x HTTP/1.", "GET /x"},
    {"GET /x HTTP/1.1\r\nbad field\r\n\r\n", "GET /x HTTP/1.1"},
    {"BREW /pot HTTP/1.1\r\n\r\n", "BREW /pot HTTP/1.1"},
};

START_TEST(a_request_is_told_as_far_as_it_was_understood)
{
    access_.status = 400;
    given(half_read[_i].sent);
    ck_assert_str_eq(read_combined(rendered(ACCESS_COMBINED))->request, half_read[_i].request);
}
END_TEST

START_TEST(a_request_that_could_not_be_read_has_no_parts)
{
    access_.status = 400;
    access_.content = 77;
    ck_assert_str_eq(rendered(ACCESS_COMMON),
                     "10.9.0.1 - - [29/Nov/2026:13:00:00 +0000] \"-\" 400 77\n");
    json_t *object = read_json(rendered(ACCESS_JSON));
    ck_assert(json_is_null(json_object_get(object, "method")));
    ck_assert(json_is_null(json_object_get(object, "target")));
    ck_assert(json_is_null(json_object_get(object, "version")));
    json_decref(object);
}
END_TEST

static const struct {
    int64_t ns;
    const char *common, *json;
} times[] = {
    {0, "01/Jan/1970:00:00:00 +0000", "1970-01-01T00:00:00.000000Z"},
    {-1, "31/Dec/1969:23:59:59 +0000", "1969-12-31T23:59:59.999999Z"},
    {-NS_PER_S, "31/Dec/1969:23:59:59 +0000", "1969-12-31T23:59:59.000000Z"},
    {INT64_C(951782400) * NS_PER_S, "29/Feb/2000:00:00:00 +0000", "2000-02-29T00:00:00.000000Z"},
    {INT64_C(1704067199999999999), "31/Dec/2023:23:59:59 +0000", "2023-12-31T23:59:59.999999Z"},
    {INT64_C(1795957200123456789), "29/Nov/2026:13:00:00 +0000", ISO},
    {INT64_MAX, "11/Apr/2262:23:47:16 +0000", "2262-04-11T23:47:16.854775Z"},
};

START_TEST(times_are_utc_in_both_forms)
{
    access_.begun_ns = times[_i].ns;
    ck_assert_str_eq(read_combined(rendered(ACCESS_COMBINED))->time, times[_i].common);
    json_t *object = read_json(rendered(ACCESS_JSON));
    ck_assert_str_eq(json_string_value(json_object_get(object, "time")), times[_i].json);
    json_decref(object);
}
END_TEST

/* --- JSON --------------------------------------------------------------------------------- */

START_TEST(json_of_a_request_has_all_that_is_known)
{
    given("GET /x?y HTTP/1.1\r\nHost: a:81\r\nReferer: http://r/\r\nUser-Agent: u/1\r\n\r\n");
    info.facts.srtt_us = 412;
    info.facts.ssthresh = 7300;
    info.retransmits = 2;
    access_.nth = 3;
    access_.whole = false;
    ck_assert_str_eq(rendered(ACCESS_JSON),
                     "{\"type\":\"request\",\"time\":\"" ISO "\",\"conn\":7,\"nth\":3,"
                     "\"client\":\"10.9.0.1:40000\",\"server\":\"10.9.0.2:80\",\"method\":\"GET\","
                     "\"target\":\"/x?y\",\"version\":\"HTTP/1.1\",\"status\":200,\"octets\":1234,"
                     "\"whole\":false,\"duration_us\":1500,\"referer\":\"http://r/\","
                     "\"user_agent\":\"u/1\",\"host\":\"a:81\",\"srtt_us\":412,"
                     "\"cwnd_octets\":14600,\"ssthresh_octets\":7300,\"retransmits\":2,"
                     "\"mss_octets\":1460}\n");
}
END_TEST

START_TEST(json_has_null_for_what_is_not_known)
{
    static const char *const unknown[] = {"referer", "user_agent", "host", "srtt_us",
                                          "ssthresh_octets"};

    given("GET /x HTTP/1.0\r\n\r\n");
    json_t *object = read_json(rendered(ACCESS_JSON));
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        ck_assert_msg(json_is_null(json_object_get(object, unknown[i])), "%s", unknown[i]);
    json_decref(object);
}
END_TEST

START_TEST(json_tells_the_end_of_a_connection_and_the_others_do_not)
{
    struct text t = text_of(line, sizeof line);

    info.facts.srtt_us = 412;
    info.octets_acked = 5000;
    info.octets_received = 300;
    access_log_connection(&t, ACCESS_COMMON, &farewell);
    access_log_connection(&t, ACCESS_COMBINED, &farewell);
    ck_assert_uint_eq(t.len, 0);
    access_log_connection(&t, ACCESS_JSON, &farewell);
    ck_assert_str_eq(checked(&t), "{\"type\":\"connection\",\"time\":\"" ISO "\",\"conn\":7,"
                                  "\"client\":\"10.9.0.1:40000\",\"server\":\"10.9.0.2:80\","
                                  "\"why\":\"the peer closed it\",\"requests\":3,\"octets\":4321,"
                                  "\"duration_us\":2500,\"srtt_us\":412,\"cwnd_octets\":14600,"
                                  "\"ssthresh_octets\":null,\"retransmits\":0,\"mss_octets\":1460,"
                                  "\"acked_octets\":5000,\"received_octets\":300}\n");
}
END_TEST

/* --- strangers ------------------------------------------------------------------------------ */

START_TEST(any_octet_comes_back_as_it_was_and_the_line_stays_one)
{
    static uint8_t got[ACCESS_LINE];
    const uint8_t in[3] = {'a', (uint8_t)_i, 'b'};
    const struct bytes b = bytes_of(in, sizeof in);

    given_octets(b, b, b, b, b);
    const struct combined *c = read_combined(rendered(ACCESS_COMBINED));
    ck_assert_uint_eq(c->request_len, 3 + 1 + 3 + 9);
    ck_assert_mem_eq(c->request, in, 3);
    ck_assert_mem_eq(c->request + 4, in, 3);
    ck_assert_uint_eq(c->referer_len, 3);
    ck_assert_mem_eq(c->referer, in, 3);
    ck_assert_uint_eq(c->agent_len, 3);
    ck_assert_mem_eq(c->agent, in, 3);
    json_t *object = read_json(rendered(ACCESS_JSON));
    static const char *const keys[] = {"method", "target", "host", "referer", "user_agent"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        ck_assert_uint_eq(octets_of(object, keys[i], got), 3);
        ck_assert_mem_eq(got, in, 3);
    }
    json_decref(object);
    PROVES("W16");
}
END_TEST

/* Octets of the referer: of the line's 3072, what fits without a mark and with it. */
static const struct {
    size_t sent;
    uint8_t octet;
    bool json;
    size_t kept; /* in front of the mark, when there is one */
    bool cut;
} lengths[] = {
    {3072, 'x', false, 3072, false}, {3073, 'x', false, 3069, true}, {768, '"', false, 768, false},
    {769, '"', false, 767, true},    {3072, 'x', true, 3072, false}, {3073, 'x', true, 3069, true},
    {1536, '"', true, 1536, false},  {1537, '"', true, 1534, true},  {512, 0x1b, true, 512, false},
    {513, 0x1b, true, 511, true},
};

START_TEST(a_long_field_is_cut_with_a_mark)
{
    static uint8_t in[4096], got[ACCESS_LINE];
    const struct bytes none = {0};

    memset(in, lengths[_i].octet, sizeof in);
    given_octets(bytes_of("GET", 3), bytes_of("/", 1), none, bytes_of(in, lengths[_i].sent), none);
    size_t len;
    const uint8_t *is = got;
    if (lengths[_i].json) {
        json_t *object = read_json(rendered(ACCESS_JSON));
        len = octets_of(object, "referer", got);
        json_decref(object);
    } else {
        const struct combined *c = read_combined(rendered(ACCESS_COMBINED));
        len = c->referer_len;
        is = (const uint8_t *)c->referer;
    }
    ck_assert_uint_eq(len, lengths[_i].kept + (lengths[_i].cut ? 3 : 0));
    ck_assert_mem_eq(is, in, lengths[_i].kept);
    if (lengths[_i].cut)
        ck_assert_mem_eq(is + lengths[_i].kept, "...", 3);
}
END_TEST

START_TEST(the_longest_target_that_is_served_is_told_whole)
{
    static char text[HTTP_TARGET_MAX + 64], expected[HTTP_TARGET_MAX + 64];

    memset(text, 'x', sizeof text);
    memcpy(text, "GET /", 5);
    strcpy(text + 4 + HTTP_TARGET_MAX, " HTTP/1.1\r\nHost: a\r\n\r\n");
    snprintf(expected, sizeof expected, "%.*s", 4 + HTTP_TARGET_MAX + 9, text);
    given(text);
    ck_assert_str_eq(read_combined(rendered(ACCESS_COMBINED))->request, expected);
}
END_TEST

START_TEST(a_line_of_the_longest_of_everything_is_within_its_bound)
{
    static uint8_t in[12000];
    const struct bytes b = bytes_of(in, sizeof in);
    static const uint8_t octets[] = {'x', '"', '\\', '\n', 0xff, 0};

    memset(&info, 0xff, sizeof info);
    info.facts.ssthresh = UINT32_MAX - 1;
    info.facts.srtt_us = INT64_MAX;
    memset(&info.facts.local.addr, 0xee, sizeof info.facts.local.addr);
    memset(&info.facts.remote.addr, 0xee, sizeof info.facts.remote.addr);
    access_.content = access_.nth = UINT64_MAX;
    access_.duration_ns = INT64_MIN;
    access_.begun_ns = INT64_MIN;
    access_.status = INT32_MIN;
    memset(in, octets[_i], sizeof in);
    given_octets(b, b, b, b, b);
    access_.status = 999;
    read_combined(rendered(ACCESS_COMBINED));
    json_t *object = read_json(rendered(ACCESS_JSON));
    static const char *const keys[] = {"method", "target", "host", "referer", "user_agent"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const json_t *value = json_object_get(object, keys[i]);
        ck_assert(json_is_string(value));
        ck_assert_str_eq(json_string_value(value) + json_string_length(value) - 3, "...");
    }
    json_decref(object);
    struct text t = text_of(line, sizeof line);
    farewell.requests = farewell.content = UINT64_MAX;
    farewell.duration_ns = INT64_MIN;
    access_log_connection(&t, ACCESS_JSON, &farewell);
    json_decref(read_json(checked(&t)));
    PROVES("W16");
}
END_TEST

/* --- the log of a server ---------------------------------------------------------------------- */

START_TEST(each_line_is_one_write)
{
    static struct access_log log;
    static struct memory_sink sink;

    memory_sink_init(&sink);
    access_log_init(&log, ACCESS_COMMON, &sink.sink);
    given("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    log.ops.answered(log.ops.context, &access_);
    log.ops.closed(log.ops.context, &farewell);
    ck_assert_int_eq(sink.calls, 1);
    log.ops.answered(log.ops.context, &access_);
    ck_assert_int_eq(sink.calls, 2);
    const char *one = rendered(ACCESS_COMMON);
    size_t len = strlen(one);
    ck_assert_uint_eq(sink.len, 2 * len);
    ck_assert_mem_eq(sink.at, one, len);
    ck_assert_mem_eq(sink.at + len, one, len);
    access_log_init(&log, ACCESS_JSON, &sink.sink);
    log.ops.answered(log.ops.context, &access_);
    log.ops.closed(log.ops.context, &farewell);
    ck_assert_int_eq(sink.calls, 4);
    sink.fail_at = 0;
    sink.error = -28;
    log.ops.answered(log.ops.context, &access_); /* which is the sink's affair */
    ck_assert_int_eq(sink.calls, 5);
}
END_TEST

START_TEST(formats_are_known_by_their_names)
{
    enum access_format format = ACCESS_COMMON;

    ck_assert(access_format_parse("json", &format) && format == ACCESS_JSON);
    ck_assert(access_format_parse("common", &format) && format == ACCESS_COMMON);
    ck_assert(access_format_parse("combined", &format) && format == ACCESS_COMBINED);
    ck_assert(!access_format_parse("", &format) && !access_format_parse("JSON", &format));
    ck_assert(!access_format_parse("combine", &format) && format == ACCESS_COMBINED);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("access_log");
    TCase *c = tcase_create("common and combined");
    tcase_add_checked_fixture(c, setup, NULL);
    tcase_add_test(c, common_is_the_format_of_old);
    tcase_add_test(c, combined_adds_referer_and_user_agent);
    tcase_add_loop_test(c, a_request_is_told_as_far_as_it_was_understood, 0, ARRAY_LEN(half_read));
    tcase_add_test(c, a_request_that_could_not_be_read_has_no_parts);
    tcase_add_loop_test(c, times_are_utc_in_both_forms, 0, ARRAY_LEN(times));
    suite_add_tcase(s, c);
    c = tcase_create("json");
    tcase_add_checked_fixture(c, setup, NULL);
    tcase_add_test(c, json_of_a_request_has_all_that_is_known);
    tcase_add_test(c, json_has_null_for_what_is_not_known);
    tcase_add_test(c, json_tells_the_end_of_a_connection_and_the_others_do_not);
    suite_add_tcase(s, c);
    c = tcase_create("strangers");
    tcase_add_checked_fixture(c, setup, NULL);
    tcase_add_loop_test(c, any_octet_comes_back_as_it_was_and_the_line_stays_one, 0, 256);
    tcase_add_loop_test(c, a_long_field_is_cut_with_a_mark, 0, ARRAY_LEN(lengths));
    tcase_add_test(c, the_longest_target_that_is_served_is_told_whole);
    tcase_add_loop_test(c, a_line_of_the_longest_of_everything_is_within_its_bound, 0, 6);
    suite_add_tcase(s, c);
    c = tcase_create("a server's log");
    tcase_add_checked_fixture(c, setup, NULL);
    tcase_add_test(c, each_line_is_one_write);
    tcase_add_test(c, formats_are_known_by_their_names);
    suite_add_tcase(s, c);
    return run_suite(s, "access_log");
}
