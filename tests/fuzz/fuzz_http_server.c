/*
 * fuzz_http_server.c - a web server and a peer that says anything, at any pace.
 *
 * The input is a program for the peer: say some octets, take some, wait, close, reset. At the end
 * everything is given back, and what was sent is a sequence of whole responses with, at most, the
 * beginning of one more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "http/http_body.h"
#include "http/http_server.h"
#include "support/counted.h"
#include "support/fake_files.h"
#include "support/fake_sock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static int64_t wall_ns(void *context)
{
    (void)context;
    return 784111777 * NS_PER_S;
}

static int no_random(void *context, void *octets, size_t len)
{
    (void)context;
    memset(octets, 7, len);
    return 0;
}

static const struct env env = {
    .wall_ns = wall_ns, .random = no_random, .alloc = counted_alloc, .release = counted_release};

/* A page that is made on the way, and repeats what was posted to it. */
static int answer(void *context, const struct http_call *call, struct http_made *made)
{
    static uint8_t kept[HTTP_KEPT_MAX];

    (void)context;
    HOLDS(call->content.len <= sizeof(kept));
    HOLDS(call->request->method == HTTP_POST || !call->content.len);
    if (call->content.len)
        memcpy(kept, call->content.at, call->content.len);
    made->type = "text/plain";
    made->content = bytes_of(kept, call->content.len);
    return call->query.len ? 204 : 0;
}

static const struct http_handler handlers[] = {{".tapio/x", true, NULL, answer}};

/* Behind the chunks of a content, or nothing when their end was not sent. */
static struct bytes skip_chunks(struct bytes sent)
{
    struct http_body body;
    enum http_progress progress = HTTP_MORE;

    http_body_init(&body, HTTP_BODY_CHUNKED, 0);
    while (progress == HTTP_MORE && sent.len) {
        struct bytes content;
        size_t taken;
        progress = http_body_take(&body, sent, &taken, &content);
        HOLDS(progress != HTTP_FAILED);
        sent = bytes_skip(sent, taken);
    }
    return sent;
}

static bool says(struct bytes head, const char *text)
{
    return memmem(head.at, head.len, text, strlen(text));
}

/* Heads, each with the content that it announces or, behind the last, less. HEAD is not told from
 * GET here, so its input is kept from being said. */
static void check_sent(struct bytes sent)
{
    while (sent.len) {
        HOLDS(memcmp(sent.at, "HTTP/1.1 ", size_min(sent.len, 9)) == 0);
        const uint8_t *end = memmem(sent.at, sent.len, "\r\n\r\n", 4);
        if (!end)
            return;
        struct bytes head = bytes_of(sent.at, (size_t)(end - sent.at) + 2);
        sent = bytes_skip(sent, head.len + 2);
        const char *field = memmem(head.at, head.len, "Content-Length: ", 16);
        if (field)
            sent = bytes_skip(sent, (size_t)strtoull(field + 16, NULL, 10));
        else if (says(head, "Transfer-Encoding: chunked\r\n"))
            sent = skip_chunks(sent);
        else if (!says(head, " 100 ") && !says(head, " 204 ") && !says(head, " 304 "))
            return; /* the end of the connection is that of the content */
    }
}

static bool has_head(struct bytes said)
{
    return said.len && memmem(said.at, said.len, "HEAD", 4);
}

static void step_peer(struct stack *stack, int c, uint8_t what, struct reader *r, instant *now)
{
    struct bytes said;

    switch (what & 7) {
    case 0:
    case 1:
    case 2: /* a few octets, or many */
        said = read_bytes(r, size_min(what >> 3, r->rest.len));
        fake_push(stack, c, said.at, said.len);
        break;
    case 3:
        said = read_bytes(r, r->rest.len);
        fake_push(stack, c, said.at, said.len);
        break;
    case 4:
        fake_set_room(stack, c, fake_sent(stack, c).len + (size_t)(what >> 3) * 50);
        sock_again(stack, c);
        break;
    case 5:
        *now = instant_add(*now, (int64_t)(what >> 3) * NS_PER_S / 2);
        break;
    case 6:
        if (what >> 3 == 31)
            fake_fail(stack, c, -ECONNRESET);
        else if (what >> 3 == 30)
            fake_push_end(stack, c);
        break;
    case 7:
        fake_set_step(stack, (size_t)(what >> 3) + 1);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fake_files files;
    struct reader r = reader_of(bytes_of(data, size_min(size, 100000)));
    struct stack *stack = fake_stack_new();
    struct http_server *server;
    struct http_server_config config;
    instant now = {NS_PER_S};

    if (has_head(r.rest)) {
        fake_stack_free(stack);
        return 0;
    }
    files =
        (struct fake_files){.file = {
                                {.name = ".", .kind = FILE_DIRECTORY},
                                {.name = "index.html", .kind = FILE_REGULAR, .size = 3000},
                                {.name = "d", .kind = FILE_DIRECTORY},
                                {.name = "d/a", .kind = FILE_REGULAR, .size = 100},
                                {.name = "index.html.gz", .kind = FILE_REGULAR, .size = 200},
                                {.name = "f", .kind = FILE_OTHER},
                                {.name = "x", .kind = FILE_REGULAR, .size = 9, .read_error = -EIO},
                            }};
    struct files_ops ops = fake_files_ops(&files);
    http_server_config_init(&config);
    config.stack = stack;
    config.env = &env;
    config.local.port = 80;
    config.connections = 4;
    config.files = &ops;
    config.handlers = handlers;
    config.handler_count = 1;
    HOLDS(http_server_new(&config, now, &server) == 0);
    int c = fake_connect(stack, fake_listener(stack, 80));
    fake_run_all(stack, now, 1000);
    while (r.rest.len && !fake_is_closed(stack, c)) {
        step_peer(stack, c, read_u8(&r), &r, &now);
        HOLDS(fake_run_all(stack, now, 100000) < 100000);
        http_server_advance(server, now);
        HOLDS(fake_run_all(stack, now, 100000) < 100000);
        HOLDS(memory_used <= http_server_memory_cap(server));
    }
    check_sent(fake_sent(stack, c));
    http_server_free(server, now);
    HOLDS(memory_used == 0 && files.open == 0 && fake_misuse(stack) == 0 && fake_open(stack) == 0);
    fake_stack_free(stack);
    return 0;
}
