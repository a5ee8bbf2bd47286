/* http_client.c - see http_client.h. */
#include "support/http_client.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/http_body.h"
#include "support/holds.h"

struct stack *stack;
struct http_server *server;
struct fake_files files;
struct http_server_config config;
instant now;
int64_t wall_s;
uint64_t memory_used;
int64_t memory_fail_at;
bool memory_fail_on;
int asked;

static struct files_ops ops;
static struct env env;

static int64_t wall_ns(void *context)
{
    (void)context;
    return wall_s * NS_PER_S + 999999999;
}

static void *counted_alloc(void *context, size_t len)
{
    (void)context;
    if (memory_fail_at == 0 || (memory_fail_at < 0 && memory_fail_on)) {
        memory_fail_at = -1;
        return NULL;
    }
    if (memory_fail_at > 0)
        memory_fail_at--;
    memory_used += len;
    return malloc(len);
}

static void counted_release(void *context, void *octets, size_t len)
{
    (void)context;
    memory_used -= len;
    free(octets);
}

static int no_random(void *context, void *octets, size_t len)
{
    (void)context;
    memset(octets, 7, len);
    return 0;
}

void http_client_begin(void)
{
    stack = fake_stack_new();
    memset(&files, 0, sizeof(files));
    ops = fake_files_ops(&files);
    env = (struct env){.wall_ns = wall_ns,
                       .random = no_random,
                       .alloc = counted_alloc,
                       .release = counted_release};
    now = (instant){1000 * NS_PER_S};
    wall_s = 784111777;
    memory_used = 0;
    memory_fail_at = -1;
    memory_fail_on = false;
    server = NULL;
    http_server_config_init(&config);
    config.stack = stack;
    config.env = &env;
    config.local.port = 80;
    config.connections = 64;
    config.files = &ops;
}

void http_client_start(void)
{
    ck_assert_int_eq(http_server_new(&config, now, &server), 0);
}

void http_client_end(void)
{
    http_server_free(server, now);
    ck_assert_int_eq(fake_misuse(stack), 0);
    ck_assert_int_eq(fake_open(stack), 0);
    ck_assert_int_eq(files.open, 0);
    ck_assert_uint_eq(memory_used, 0);
    fake_stack_free(stack);
}

void run(void)
{
    HOLDS(fake_run_all(stack, now, 100000) < 100000);
}

void wait_ns(int64_t ns)
{
    const instant end = instant_add(now, ns);

    while (instant_before(now, end)) {
        now = instant_min(instant_add(now, 50 * NS_PER_MS), end);
        if (!instant_before(now, http_server_deadline(server)))
            http_server_advance(server, now);
        run();
    }
}

int connect_client(void)
{
    int listener = fake_listener(stack, 80);

    ck_assert_int_ge(listener, 0);
    return fake_connect(stack, listener);
}

void say(int client, const char *text)
{
    fake_push_text(stack, client, text);
}

/* The end of the head at the beginning of what was sent, behind its empty line; 0 if not there. */
static size_t head_end(struct bytes sent)
{
    const void *end = sent.len ? memmem(sent.at, sent.len, "\r\n\r\n", 4) : NULL;

    return end ? (size_t)((const uint8_t *)end - sent.at) + 4 : 0;
}

/* What every head has in common. */
static void check_head(const struct reply *r)
{
    /* HTTP-version SP 3DIGIT SP (RFC 9112, 4) */
    HOLDS(memcmp(r->head, "HTTP/1.1 ", 9) == 0);
    HOLDS(r->head[12] == ' ');
    /* either frames the content, or both are missing: there is none, or the end closes it */
    HOLDS(!field(r, "Content-Length") || !field(r, "Transfer-Encoding"));
    if (r->status == 100) /* an interim response has no fields of ours */
        return;
    HOLDS(strcmp(field(r, "Server"), "tapio") == 0);
    for (const char *c = r->head; *c; c++) {
        HOLDS((*c >= 0x20 && *c < 0x7f) || *c == '\r' || *c == '\n');
        HOLDS(*c != '\n' || c[-1] == '\r');
    }
    if (r->status == 503)
        HOLDS(field(r, "Retry-After"));
    else
        HOLDS(field(r, "Date"));
}

/* Takes chunks apart, to `body`. The octets of the whole framing; 0 when its end is not there. */
static size_t unchunk(struct bytes in, char *body, size_t *body_len)
{
    struct http_body decoder;
    enum http_progress progress = HTTP_MORE;
    size_t at = 0;

    http_body_init(&decoder, HTTP_BODY_CHUNKED, 0);
    *body_len = 0;
    while (progress == HTTP_MORE) {
        struct bytes content;
        size_t used;
        progress = http_body_take(&decoder, bytes_skip(in, at), &used, &content);
        HOLDS(progress != HTTP_FAILED);
        memcpy(body + *body_len, content.at, content.len);
        *body_len += content.len;
        at += used;
        if (progress == HTTP_MORE && at == in.len)
            return 0;
    }
    return at;
}

/* The content behind a head: its framing's octets, or SIZE_MAX when they are not all there. */
static size_t take_content(int client, bool to_head, struct reply *r, struct bytes rest, char *body)
{
    if (to_head || r->status == 100 || r->status == 204 || r->status == 304) {
        HOLDS(!field(r, "Transfer-Encoding"));
        HOLDS(r->status != 204 || !field(r, "Content-Length"));
        return 0;
    }
    if (field(r, "Transfer-Encoding")) {
        size_t all = unchunk(rest, body, &r->body_len);
        return all ? all : SIZE_MAX;
    }
    if (!field(r, "Content-Length")) {
        HOLDS(strcmp(field(r, "Connection"), "close") == 0);
        r->body_len = rest.len;
        memcpy(body, rest.at, rest.len);
        return fake_is_shut(stack, client) ? rest.len : SIZE_MAX;
    }
    r->body_len = (size_t)strtoull(field(r, "Content-Length"), NULL, 10);
    if (rest.len < r->body_len)
        return SIZE_MAX;
    memcpy(body, rest.at, r->body_len);
    return r->body_len;
}

bool next_reply(int client, bool to_head, struct reply *out)
{
    static char *copy;
    const struct bytes sent = fake_sent(stack, client);
    const size_t head = head_end(sent);

    if (!head)
        return false;
    free(copy);
    copy = calloc(1, sent.len + 2);
    HOLDS(copy);
    memcpy(copy, sent.at, head);
    *out = (struct reply){.head = copy, .status = atoi(copy + 9), .body = copy + head + 1};
    check_head(out);
    size_t content = take_content(client, to_head, out, bytes_skip(sent, head), copy + head + 1);
    if (content == SIZE_MAX)
        return false;
    fake_take(stack, client, NULL, head + content);
    return true;
}

const char *field(const struct reply *reply, const char *name)
{
    static char value[4096];
    const size_t len = strlen(name);

    for (const char *line = strstr(reply->head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, len) != 0 || line[2 + len] != ':')
            continue;
        const char *end = strstr(line + 2, "\r\n");
        HOLDS(line[3 + len] == ' ' && (size_t)(end - line) < sizeof(value));
        const size_t value_len = (size_t)(end - (line + 4 + len));
        memcpy(value, line + 4 + len, value_len);
        value[value_len] = '\0';
        return value;
    }
    return NULL;
}

size_t stray(int client)
{
    return fake_sent(stack, client).len;
}

struct reply ask(const char *text)
{
    struct reply reply = {0};

    asked = connect_client();
    run();
    say(asked, text);
    run();
    if (!next_reply(asked, strncmp(text, "HEAD ", 5) == 0, &reply))
        ck_abort_msg("no reply to: %s", text);
    ck_assert_uint_eq(stray(asked), 0);
    return reply;
}
