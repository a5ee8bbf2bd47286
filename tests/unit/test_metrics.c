/*
 * test_metrics.c - the metrics page: its form, by a reader that is strict about it, and that its
 * figures are those of the stack.
 *
 * http_source_wake() is the server's; here it is this file's (the linker's --wrap), which counts.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "see/counters.h"
#include "see/page/metrics.h"
#include "support/peer.h"
#include "support/proves.h"

enum { SAMPLES = 512, FAMILIES = 128, PAGE = 65536, NAME = 128, VALUE = 32 };

static struct peer *p;
static struct metrics metrics;
static struct http_handler handler;
static struct dev dev;
static int wakes;

void __wrap_http_source_wake(struct http_source *source);
void __wrap_http_source_wake(struct http_source *source)
{
    ck_assert_ptr_nonnull(source);
    wakes++;
}

static void setup(void)
{
    p = peer_new();
    dev = (struct dev){.counters = {.rx_frames = 11, .rx_octets = 1100, .lost = 1}};
    wakes = 0;
    struct metrics_config config = {.stack = p->stack,
                                    .dev = &dev,
                                    .version = "1.2.3",
                                    .started_ns = INT64_C(1795957200123456789)};
    metrics_init(&metrics, &config, &handler);
}

static void teardown(void)
{
    peer_drop(p);
}

/* --- a scrape ------------------------------------------------------------------------------- */

static char page[PAGE];
static size_t page_len;

static int ask(struct http_made *made)
{
    struct http_call call = {.now = p->now};

    *made = (struct http_made){0};
    return handler.answer(handler.context, &call, made);
}

/* The page, read in pieces of `room` octets. */
static void scrape_by(size_t room)
{
    struct http_made made;
    int n;

    ck_assert_int_eq(ask(&made), 0);
    ck_assert_str_eq(made.type, "text/plain; version=0.0.4; charset=utf-8");
    ck_assert_ptr_nonnull(made.source);
    page_len = 0;
    for (int calls = 0; calls < PAGE; calls++) {
        uint8_t *exact = malloc(room);
        ck_assert_ptr_nonnull(exact);
        n = made.source->read(made.source, exact, room, p->now);
        ck_assert_int_le(n, (int)room);
        ck_assert(n >= 0 || n == -EAGAIN);
        if (n > 0) {
            ck_assert_uint_lt(page_len + (size_t)n, PAGE);
            memcpy(page + page_len, exact, (size_t)n);
            page_len += (size_t)n;
        }
        free(exact);
        if (n == 0)
            break;
    }
    ck_assert_int_eq(n, 0);
    page[page_len] = '\0';
    ck_assert_uint_eq(strlen(page), page_len);
    made.source->close(made.source);
}

/* --- a strict reader of the text format 0.0.4 ------------------------------------------------- */

static struct {
    char name[NAME]; /* with its labels */
    char value[VALUE];
} samples[SAMPLES];
static int sample_count;

static struct {
    char name[NAME];
    bool counter;
} families[FAMILIES];
static int family_count;

static const char *rest_of(const char *line, const char *start)
{
    ck_assert_msg(strncmp(line, start, strlen(start)) == 0, "no '%s' in: %.80s", start, line);
    return line + strlen(start);
}

/* [a-zA-Z_:][a-zA-Z0-9_:]* and what ends it. */
static const char *read_name(const char *at, const char *ends, char out[NAME])
{
    size_t len = 0;

    ck_assert(isalpha((unsigned char)*at) || *at == '_');
    while (isalnum((unsigned char)*at) || *at == '_') {
        ck_assert(len + 1 < NAME);
        out[len++] = *at++;
    }
    out[len] = '\0';
    ck_assert_msg(strchr(ends, *at) && *at, "'%c' behind %s", *at, out);
    return at;
}

static const char *read_help(const char *line)
{
    char name[NAME];

    const char *at = read_name(rest_of(line, "# HELP "), " ", name);
    for (int i = 0; i < family_count; i++)
        ck_assert_msg(strcmp(families[i].name, name) != 0, "%s is there twice", name);
    ck_assert_int_lt(family_count, FAMILIES);
    strcpy(families[family_count].name, name);
    ck_assert(isupper((unsigned char)at[1]) || isdigit((unsigned char)at[1]));
    at = strchr(at, '\n');
    ck_assert_int_eq(at[-1], '.');
    return at + 1;
}

static const char *read_type(const char *line)
{
    char name[NAME], type[NAME];

    const char *at = read_name(rest_of(line, "# TYPE "), " ", name);
    at = read_name(at + 1, "\n", type);
    ck_assert_str_eq(name, families[family_count].name);
    ck_assert(strcmp(type, "counter") == 0 || strcmp(type, "gauge") == 0);
    families[family_count].counter = type[0] == 'c';
    size_t len = strlen(name);
    bool total = len > 6 && strcmp(name + len - 6, "_total") == 0;
    ck_assert_msg(total == families[family_count].counter, "%s is a %s", name, type);
    family_count++;
    return at + 1;
}

/* {label="value"}, of one label. */
static const char *read_label(const char *at)
{
    char label[NAME];

    if (*at != '{')
        return at;
    at = rest_of(read_name(at + 1, "=", label), "=\"");
    while (*at != '"') {
        ck_assert(*at >= ' ' && *at <= '~' && *at != '\\');
        at++;
    }
    return rest_of(at, "\"}");
}

static const char *read_sample(const char *line)
{
    char name[NAME], *end;

    const char *labels = read_name(line, " {", name);
    ck_assert_str_eq(name, families[family_count - 1].name);
    const char *at = read_label(labels);
    ck_assert_int_lt(sample_count, SAMPLES);
    snprintf(samples[sample_count].name, NAME, "%.*s", (int)(at - line), line);
    for (int i = 0; i < sample_count; i++)
        ck_assert_msg(strcmp(samples[i].name, samples[sample_count].name) != 0, "%s is there twice",
                      samples[i].name);
    ck_assert_int_eq(*at++, ' ');
    ck_assert(isdigit((unsigned char)*at));
    (void)strtold(at, &end);
    ck_assert_int_eq(*end, '\n');
    snprintf(samples[sample_count++].value, VALUE, "%.*s", (int)(end - at), at);
    return end + 1;
}

static void read_page(void)
{
    const char *at = page;

    sample_count = family_count = 0;
    ck_assert_uint_gt(page_len, 0);
    ck_assert_int_eq(page[page_len - 1], '\n');
    while (*at) {
        at = read_type(read_help(at));
        int before = sample_count;
        while (*at && *at != '#')
            at = read_sample(at);
        ck_assert_int_gt(sample_count, before);
    }
}

/* How many samples a family has. */
static int samples_of(const char *name)
{
    size_t len = strlen(name);
    int count = 0;

    for (int i = 0; i < sample_count; i++)
        count += strncmp(samples[i].name, name, len) == 0 &&
                 (samples[i].name[len] == '{' || samples[i].name[len] == '\0');
    return count;
}

static void scrape(void)
{
    scrape_by(4096);
    read_page();
}

static const char *text_of_sample(const char *name)
{
    for (int i = 0; i < sample_count; i++)
        if (strcmp(samples[i].name, name) == 0)
            return samples[i].value;
    return NULL;
}

static uint64_t value_of(const char *name)
{
    const char *text = text_of_sample(name);

    ck_assert_msg(text != NULL, "no %s", name);
    return strtoull(text, NULL, 10);
}

static uint64_t labelled(const char *name, const char *label, const char *is)
{
    char full[NAME];

    snprintf(full, sizeof full, "%s{%s=\"%s\"}", name, label, is);
    return value_of(full);
}

/* --- the form ------------------------------------------------------------------------------- */

START_TEST(the_page_is_well_formed_and_names_nothing_twice)
{
    ck_assert_str_eq(handler.path, ".tapio/metrics");
    ck_assert(!handler.takes_post);
    scrape();
    ck_assert_int_gt(family_count, 60);
    ck_assert_int_eq(wakes, 0);
    ck_assert_uint_eq(labelled("tapio_info", "version", "1.2.3"), 1);
    ck_assert_str_eq(text_of_sample("process_start_time_seconds"), "1795957200.123456");
}
END_TEST

static const size_t rooms[] = {1, 2, 7, 64, 639, 640, 641, 65000};

START_TEST(the_page_is_the_same_in_pieces_of_any_size)
{
    static char whole[PAGE];

    scrape_by(4096);
    memcpy(whole, page, page_len + 1);
    scrape_by(rooms[_i]);
    ck_assert_str_eq(page, whole);
}
END_TEST

/* --- the figures ---------------------------------------------------------------------------- */

START_TEST(every_counter_of_the_stack_is_there)
{
    struct stack_counters counters;
    char name[NAME];
    uint64_t sum = 0;

    int s = peer_establish_passive(p);
    PEER_SEND(p, .flags = ".", .seq = 1, .ack = 1, .len = 10, .bad_checksum = true);
    peer_app_send(p, s, 1000);
    peer_skip(p);
    peer_wait(p, 3000); /* it is sent again */
    stack_counters(p->stack, &counters);
    ck_assert_uint_gt(counters.events[COUNTER_TCP_RETRANSMITS], 0);
    ck_assert_uint_gt(counters.drops[DROP_TCP_CHECKSUM], 0);
    scrape();
    ck_assert_int_eq(samples_of("tapio_drops_total"), DROP_COUNT - 1);
    for (int i = 1; i < DROP_COUNT; i++) {
        uint64_t drops = labelled("tapio_drops_total", "reason", drop_name((enum drop)i));
        ck_assert_uint_eq(drops, counters.drops[i]);
        sum += drops;
    }
    for (int i = 0; i < COUNTER_COUNT; i++) {
        snprintf(name, sizeof name, "tapio_%s_total", counter_name((enum counter)i));
        for (char *at = name; *at; at++)
            *at = *at == '.' ? '_' : *at;
        ck_assert_uint_eq(value_of(name), counters.events[i]);
    }
    ck_assert_uint_eq(value_of("tapio_frames_sent_total"), counters.sent);
    ck_assert_uint_gt(value_of("tapio_frames_received_total"), 0);
    ck_assert_uint_eq(value_of("tapio_frames_received_total"),
                      value_of("tapio_frames_consumed_total") + value_of("tapio_frames_held") +
                          sum);
}
END_TEST

START_TEST(a_connection_is_counted_under_its_state)
{
    enum tcp_state state = (enum tcp_state)_i;

    peer_drive(p, state, state == TCPS_SYN_SENT);
    scrape();
    for (int i = 0; i < TCP_STATE_COUNT; i++) {
        uint64_t expected = (enum tcp_state)i == state;
        if (i == TCPS_LISTEN && state == TCPS_SYN_RECEIVED)
            expected = 1; /* the listener, which waits for the third step */
        ck_assert_uint_eq(labelled("tapio_connections", "state", tcp_state_name((enum tcp_state)i)),
                          expected);
    }
}
END_TEST

START_TEST(usage_is_that_of_the_stack)
{
    struct stack_usage usage;

    int s = peer_establish_passive(p);
    peer_listen(p, 8);
    peer_send(p, "P.", 1, 1, 700);
    peer_app_send(p, s, 5000);
    stack_usage(p->stack, &usage);
    ck_assert_uint_gt(usage.frames, 0);
    ck_assert_uint_gt(usage.send_chunks, 0);
    scrape();
    ck_assert_uint_eq(value_of("tapio_frame_buffers"), usage.frames);
    ck_assert_uint_eq(value_of("tapio_send_chunks"), usage.send_chunks);
    ck_assert_uint_eq(value_of("tapio_sending_connections"), usage.senders);
    ck_assert_uint_eq(value_of("tapio_listeners"), 1);
    ck_assert_uint_eq(value_of("tapio_sockets"), 2);
    ck_assert_uint_eq(value_of("tapio_timers"), usage.timers);
    ck_assert_uint_eq(value_of("tapio_memory_used_bytes"), p->memory);
    ck_assert_uint_eq(labelled("tapio_memory_cap_bytes", "of", "stack"),
                      stack_memory_cap(p->stack));
    ck_assert_uint_le(p->memory, stack_memory_cap(p->stack));
}
END_TEST

/* --- a device, a server ----------------------------------------------------------------------- */

START_TEST(a_device_has_its_figures_and_none_has_none)
{
    scrape();
    ck_assert_uint_eq(value_of("tapio_device_received_frames_total"), 11);
    ck_assert_uint_eq(value_of("tapio_device_received_bytes_total"), 1100);
    ck_assert_uint_eq(value_of("tapio_device_lost"), 1);
    metrics.config.dev = NULL;
    scrape();
    ck_assert_ptr_null(text_of_sample("tapio_device_lost"));
    ck_assert_ptr_null(strstr(page, "tapio_device"));
    ck_assert_ptr_null(strstr(page, "tapio_http"));
}
END_TEST

static int64_t wall(void *context)
{
    (void)context;
    return 0;
}

static int no_random(void *context, void *octets, size_t len)
{
    (void)context;
    memset(octets, 7, len);
    return 0;
}

START_TEST(a_server_has_its_figures)
{
    const struct env env = {.wall_ns = wall, .random = no_random};
    struct http_server_config config;
    struct http_server *server;
    short events;
    int s;

    http_server_config_init(&config);
    config.stack = p->stack;
    config.env = &env;
    config.local.port = PEER_STACK_PORT;
    ck_assert_int_eq(http_server_new(&config, p->now, &server), 0);
    metrics.config.server = server;
    peer_flow_new(p);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    peer_send(p, ".", 1, 1, 0);
    while ((s = sock_next_ready(p->stack, &events)) >= 0)
        sock_app(p->stack, s)->ready(sock_app(p->stack, s), s, events, p->now);
    scrape();
    ck_assert_uint_eq(value_of("tapio_http_connections"), 1);
    ck_assert_uint_eq(value_of("tapio_http_connections_accepted_total"), 1);
    ck_assert_uint_eq(value_of("tapio_http_requests_total"), 0);
    static const char get[] = "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n";
    PEER_SEND(p, .flags = "P.", .seq = 1, .ack = 1, .len = sizeof(get) - 1, .text = get);
    while ((s = sock_next_ready(p->stack, &events)) >= 0)
        sock_app(p->stack, s)->ready(sock_app(p->stack, s), s, events, p->now);
    scrape();
    ck_assert_uint_eq(value_of("tapio_http_requests_total"), 1);
    ck_assert_uint_eq(labelled("tapio_http_responses_total", "class", "2xx"), 1);
    ck_assert_uint_eq(labelled("tapio_http_responses_total", "class", "4xx"), 0);
    ck_assert_uint_eq(value_of("tapio_http_response_bytes_total"), 40);
    ck_assert_uint_eq(labelled("tapio_memory_cap_bytes", "of", "server"),
                      http_server_memory_cap(server));
    http_server_free(server, (instant){0});
}
END_TEST

/* --- bounds --------------------------------------------------------------------------------- */

START_TEST(a_long_walk_is_made_in_pieces)
{
    struct http_made made;
    uint8_t out[256];

    for (int i = 0; i < 600; i++) {
        int s = sock_socket(p->stack, AF_INET, SOCK_DGRAM, 0);
        ck_assert_int_eq(sock_bind(p->stack, s, (struct endpoint){.port = 0}), 0);
    }
    peer_listen(p, 8);
    ck_assert_int_eq(ask(&made), 0);
    ck_assert_int_eq(made.source->read(made.source, out, sizeof out, p->now), -EAGAIN);
    ck_assert_int_eq(wakes, 1);
    ck_assert_int_eq(made.source->read(made.source, out, sizeof out, p->now), -EAGAIN);
    ck_assert_int_eq(wakes, 2);
    ck_assert_int_eq(made.source->read(made.source, out, sizeof out, p->now), sizeof out);
    ck_assert_int_eq(wakes, 2);
    made.source->close(made.source);
    scrape();
    ck_assert_uint_eq(labelled("tapio_connections", "state", "LISTEN"), 1);
    ck_assert_uint_eq(labelled("tapio_connections", "state", "CLOSED"), 0); /* UDP is none */
}
END_TEST

START_TEST(four_scrapes_go_on_at_a_time)
{
    struct http_made made[METRICS_SCRAPES], more;
    uint8_t out[256];

    for (int i = 0; i < METRICS_SCRAPES; i++)
        ck_assert_int_eq(ask(&made[i]), 0);
    ck_assert_int_eq(ask(&more), 503);
    made[2].source->close(made[2].source);
    ck_assert_int_eq(ask(&more), 0);
    ck_assert_ptr_eq(more.source, made[2].source);
    ck_assert_int_eq(more.source->read(more.source, out, sizeof out, p->now), sizeof out);
    ck_assert_int_eq(ask(&more), 503);
}
END_TEST

START_TEST(a_scrape_is_of_the_moment_when_it_began)
{
    struct http_made made;
    uint8_t first[4096];
    struct stack_counters counters;

    ck_assert_int_eq(ask(&made), 0);
    stack_counters(p->stack, &counters);
    peer_establish_passive(p);
    int n = made.source->read(made.source, first, sizeof first - 1, p->now);
    ck_assert_int_gt(n, 0);
    first[n] = '\0';
    char expected[NAME];
    snprintf(expected, sizeof expected, "tapio_frames_received_total %llu\n",
             (unsigned long long)counters.received);
    ck_assert_ptr_nonnull(strstr((char *)first, expected));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("metrics");
    TCase *c = tcase_create("form");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, the_page_is_well_formed_and_names_nothing_twice);
    tcase_add_loop_test(c, the_page_is_the_same_in_pieces_of_any_size, 0, ARRAY_LEN(rooms));
    suite_add_tcase(s, c);
    c = tcase_create("figures");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, every_counter_of_the_stack_is_there);
    tcase_add_loop_test(c, a_connection_is_counted_under_its_state, TCPS_LISTEN, TCP_STATE_COUNT);
    tcase_add_test(c, usage_is_that_of_the_stack);
    tcase_add_test(c, a_device_has_its_figures_and_none_has_none);
    tcase_add_test(c, a_server_has_its_figures);
    suite_add_tcase(s, c);
    c = tcase_create("bounds");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, a_long_walk_is_made_in_pieces);
    tcase_add_test(c, four_scrapes_go_on_at_a_time);
    tcase_add_test(c, a_scrape_is_of_the_moment_when_it_began);
    suite_add_tcase(s, c);
    return run_suite(s, "metrics");
}
