/*
 * test_live_page.c - the server's side of the live page: who is refused, and what is answered.
 *
 * http_source_wake() is the server's; here it is this file's (the linker's --wrap), which counts.
 */
#include <jansson.h>
#include <string.h>

#include "http/http_parse.h"
#include "see/live.h"
#include "see/page/live_page.h"
#include "support/peer.h"
#include "support/proves.h"

static struct peer *p;
static struct memory memory;
static int wakes;

void __wrap_http_source_wake(struct http_source *source);
void __wrap_http_source_wake(struct http_source *source)
{
    ck_assert_ptr_nonnull(source);
    wakes++;
}

static void wire(void *context, struct control_wire out[CONTROL_WIRES])
{
    (void)context;
    out[CONTROL_WIRE_IN] = (struct control_wire){.loss_ppm = 10000, .lost = 3};
    out[CONTROL_WIRE_OUT] = (struct control_wire){.delay_us = 20000, .rate_bps = 1000000};
}

static char changed[300];

static int change_wire(void *context, const char *spec, char *why, size_t room)
{
    (void)context;
    (void)why;
    (void)room;
    if (strchr(spec, '!'))
        return -EINVAL;
    strcpy(changed, spec);
    return 0;
}

static const struct control_ops ops = {.wire = wire, .change_wire = change_wire};
static int64_t number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_integer(value), "%s is no number", key);
    return json_integer_value(value);
}

/* --- the page ------------------------------------------------------------------------------- */

static struct live_page *page;
static struct http_handler handlers[LIVE_PAGE_HANDLERS];

static void given_a_page(void)
{
    p = peer_new();
    memory = (struct memory){0};
    wakes = 0;
    changed[0] = '\0';
    const struct live_page_config page_config = {
        .stack = p->stack, .memory = &memory, .device = "tap0", .ops = &ops, .may_change = true};
    ck_assert_int_eq(live_page_new(&page_config, p->now, &page), 0);
    live_page_handlers(page, handlers);
}

static void free_page(void)
{
    live_page_free(page);
    ck_assert_uint_eq(memory.octets, 0);
    peer_drop(p);
}

static const struct http_handler *handler_of(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(handlers); i++)
        if (strcmp(handlers[i].path, path) == 0)
            return &handlers[i];
    ck_abort_msg("nobody answers %s", path);
}

/* What the handler says to a request with that head. */
static int ask(const char *path, const char *head, const char *content, struct http_made *made)
{
    static struct http_parser parser;
    const struct bytes octets = bytes_of(head, strlen(head));

    http_parser_init(&parser);
    ck_assert_int_eq(http_parse(&parser, octets), HTTP_COMPLETE);
    struct http_call call = {.request = &parser.request,
                             .head = octets,
                             .query = http_slice_of(octets, parser.request.query),
                             .content = bytes_of(content, strlen(content)),
                             .conn = 77,
                             .now = p->now};
    const struct http_handler *handler = handler_of(path);
    *made = (struct http_made){0};
    return handler->answer(handler->context, &call, made);
}

static const struct {
    const char *fields, *content;
    int status;
} posts[] = {
    {"Host: 10.9.0.2\r\nOrigin: http://10.9.0.2\r\n", "loss=1%", 204},
    {"Host: 10.9.0.2:8080\r\nOrigin: http://10.9.0.2:8080\r\n", "loss=1%", 204},
    {"Host: [fd00:9::2]:80\r\nOrigin: http://[fd00:9::2]:80\r\n", "loss=1%", 204},
    {"Host: [fd00:9::2]\r\nOrigin: http://[fd00:9::2]\r\n", "loss=1%", 204},
    {"Host: localhost:9080\r\nOrigin: http://localhost:9080\r\n", "loss=1%", 204},
    {"Host: 127.0.0.1\r\nOrigin: HTTP://127.0.0.1\r\n", "loss=1%", 204},
    {"Host: 10.9.0.2\r\n", "loss=1%", 403},
    {"Host: 10.9.0.2\r\nOrigin: null\r\n", "loss=1%", 403},
    {"Host: 10.9.0.2\r\nOrigin: http://10.9.0.3\r\n", "loss=1%", 403},
    {"Host: 10.9.0.2\r\nOrigin: http://10.9.0.2:80\r\n", "loss=1%", 403},
    {"Host: 10.9.0.2\r\nOrigin: https://10.9.0.2\r\n", "loss=1%", 403},
    {"Host: 10.9.0.2\r\nOrigin: http://10.9.0.2.evil\r\n", "loss=1%", 403},
    {"Host: 10.9.0.2\r\nOrigin: http://10.9.0.2\r\nOrigin: http://10.9.0.2\r\n", "loss=1%", 403},
    {"Host: evil\r\nOrigin: http://evil\r\n", "loss=1%", 421},
    {"Host: 10.9.0.2.evil\r\nOrigin: http://10.9.0.2.evil\r\n", "loss=1%", 421},
    {"Host: localhost.evil\r\nOrigin: http://localhost.evil\r\n", "loss=1%", 421},
    {"Host: 10.9.0.2\r\nOrigin: http://10.9.0.2\r\n", "", 400},
    {"Host: 10.9.0.2\r\nOrigin: http://10.9.0.2\r\n", "loss=!", 400},
};

START_TEST(control_is_for_this_page_and_by_an_address)
{
    struct http_made made;
    char head[400];

    snprintf(head, sizeof head, "POST /.tapio/control HTTP/1.1\r\n%sContent-Length: %zu\r\n\r\n",
             posts[_i].fields, strlen(posts[_i].content));
    ck_assert_int_eq(ask(".tapio/control", head, posts[_i].content, &made), posts[_i].status);
    ck_assert_str_eq(changed, posts[_i].status == 204 ? "loss=1%" : "");
}
END_TEST

START_TEST(events_come_in_any_pieces_and_end_with_an_empty_line)
{
    struct http_made made;
    char all[LIVE_LINE];
    size_t len = 0;
    int n;

    ck_assert_int_eq(
        ask(".tapio/events", "GET /.tapio/events HTTP/1.1\r\nHost: 10.9.0.2\r\n\r\n", "", &made),
        0);
    ck_assert_str_eq(made.type, "text/event-stream; charset=utf-8");
    peer_wait(p, LIVE_TICK_MS);
    live_page_advance(page, p->now);
    ck_assert_int_eq(wakes, 1);
    ck_assert_int_eq(live_page_deadline(page).ns, 0); /* at once: who was woken has his turn */
    live_page_advance(page, p->now);
    ck_assert_int_gt(live_page_deadline(page).ns, p->now.ns);
    while ((n = made.source->read(made.source, (uint8_t *)all + len, 7, p->now)) > 0)
        len += (size_t)n;
    ck_assert_int_eq(n, -EAGAIN);
    all[len] = '\0';
    ck_assert(strncmp(all, "data: {\"type\":\"hello\"", 21) == 0);
    ck_assert_ptr_nonnull(strstr(all, "}\n\ndata: {\"missed\":0,\"type\":\"sample\""));
    ck_assert_str_eq(all + len - 3, "}\n\n");
    made.source->close(made.source);
}
END_TEST

START_TEST(events_are_for_so_many_and_no_more_and_not_by_a_name)
{
    static const char by_address[] = "GET /.tapio/events HTTP/1.1\r\nHost: 10.9.0.2\r\n\r\n";
    struct http_made made[LIVE_PAGE_READERS + 1];

    for (int i = 0; i < LIVE_PAGE_READERS; i++)
        ck_assert_int_eq(ask(".tapio/events", by_address, "", &made[i]), 0);
    ck_assert_int_eq(ask(".tapio/events", by_address, "", &made[LIVE_PAGE_READERS]), 503);
    made[3].source->close(made[3].source);
    ck_assert_int_eq(ask(".tapio/events", by_address, "", &made[3]), 0);
    for (int i = 0; i < LIVE_PAGE_READERS; i++)
        made[i].source->close(made[i].source);
    ck_assert_int_eq(
        ask(".tapio/events", "GET /.tapio/events HTTP/1.1\r\nHost: evil\r\n\r\n", "", &made[0]),
        421);
}
END_TEST

/* All of a reply. */
static json_t *read_reply(struct http_made *made)
{
    static char all[131072];
    size_t len = 0;
    int n;

    while ((n = made->source->read(made->source, (uint8_t *)all + len, 1000, p->now)) > 0)
        len += (size_t)n;
    ck_assert_int_eq(n, 0);
    made->source->close(made->source);
    all[len] = '\0';
    json_t *object = json_loads(all, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(object != NULL, "no JSON: %s", all);
    return object;
}

START_TEST(words_are_all_the_keys_that_there_are)
{
    struct http_made made;

    ck_assert_int_eq(
        ask(".tapio/words", "GET /.tapio/words HTTP/1.1\r\nHost: x\r\n\r\n", "", &made), 0);
    json_t *all = read_reply(&made);
    ck_assert_uint_eq(json_object_size(json_object_get(all, "why")), WHY_COUNT);
    ck_assert_uint_eq(json_object_size(json_object_get(all, "drops")), DROP_COUNT - 1);
    ck_assert(json_is_true(json_object_get(all, "control")));
    json_decref(all);
}
END_TEST

START_TEST(packet_says_its_fields_and_why)
{
    struct http_made stream, made;
    char head[100];

    ck_assert_int_eq(
        ask(".tapio/events", "GET /.tapio/events HTTP/1.1\r\nHost: 10.9.0.2\r\n\r\n", "", &stream),
        0);
    peer_establish_passive(p);
    int found = 0;
    for (int id = 1; id < 20; id++) {
        snprintf(head, sizeof head, "GET /.tapio/packet?%d HTTP/1.1\r\nHost: 10.9.0.2\r\n\r\n", id);
        int status = ask(".tapio/packet", head, "", &made);
        if (status == 404)
            continue;
        ck_assert_int_eq(status, 0);
        json_t *packet = read_reply(&made);
        ck_assert_int_eq(number(packet, "id"), id);
        ck_assert_ptr_nonnull(json_object_get(packet, "because"));
        ck_assert_uint_ge(json_array_size(json_object_get(packet, "layers")), 2);
        json_decref(packet);
        found++;
    }
    ck_assert_int_ge(found, 3);
    ck_assert_int_eq(
        ask(".tapio/packet", "GET /.tapio/packet?1x HTTP/1.1\r\nHost: 10.9.0.2\r\n\r\n", "", &made),
        400);
    stream.source->close(stream.source);
}
END_TEST

START_TEST(file_is_packed_for_who_takes_that)
{
    struct http_made made;

    ck_assert_int_eq(ask(".tapio/live.js", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "", &made), 0);
    ck_assert_ptr_null(made.coding);
    size_t plain = made.content.len;
    ck_assert_int_eq(ask(".tapio/live.js",
                         "GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip, br\r\n\r\n", "",
                         &made),
                     0);
    ck_assert_str_eq(made.coding, "gzip");
    ck_assert_uint_lt(made.content.len, plain / 2);
    ck_assert_uint_eq(made.content.at[0], 0x1f);
    ck_assert(made.varies);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("live page");
    TCase *c = tcase_create("the page");
    tcase_add_checked_fixture(c, given_a_page, free_page);
    tcase_add_loop_test(c, control_is_for_this_page_and_by_an_address, 0, ARRAY_LEN(posts));
    tcase_add_test(c, events_come_in_any_pieces_and_end_with_an_empty_line);
    tcase_add_test(c, events_are_for_so_many_and_no_more_and_not_by_a_name);
    tcase_add_test(c, words_are_all_the_keys_that_there_are);
    tcase_add_test(c, packet_says_its_fields_and_why);
    tcase_add_test(c, file_is_packed_for_who_takes_that);
    suite_add_tcase(s, c);

    return run_suite(s, "live_page");
}
