/*
 * fuzz_control.c - any octets from a client of the control socket, read as slowly as one likes.
 *
 * The first octet says into what pieces the input is cut, the second how much the client reads each
 * time. What is answered are whole lines of JSON, or a capture; in the end nothing is left.
 */
#include <jansson.h>
#include <stdlib.h>
#include <tapio/sock.h>

#include "os/os_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT = 1 << 20 };

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static int64_t no_time(void *context)
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

static int64_t allocated; /* by sessions */

static void *counted_alloc(void *context, size_t len)
{
    (void)context;
    allocated++;
    return malloc(len);
}

static void counted_release(void *context, void *octets, size_t len)
{
    (void)context;
    (void)len;
    allocated--;
    free(octets);
}

/* With something in it: a listener, a UDP socket. */
static struct stack *a_stack(const struct env *env)
{
    struct stack_config config;

    stack_config_init(&config);
    config.addr_count = 1;
    HOLDS(ip_prefix_parse("10.9.0.2/24", &config.addr[0]) == 0);
    struct stack *stack = stack_new(&config, env);
    HOLDS(stack);
    int s = sock_socket(stack, 2, 1, 0), u = sock_socket(stack, 2, 2, 0);
    HOLDS(sock_bind(stack, s, (struct endpoint){.port = 80}) == 0);
    HOLDS(sock_listen(stack, s, 5) == 0);
    HOLDS(sock_bind(stack, u, (struct endpoint){.port = 53}) == 0);
    return stack;
}

static char out[OUT];
static size_t out_len;

static void read_some(struct os_session *s, size_t most)
{
    struct iovec iov[2];
    int count = octet_ring_peek(&s->ring, iov);

    for (int i = 0; i < count && most > 0; i++) {
        size_t len = size_min(iov[i].iov_len, most);
        if (out_len + len <= OUT) {
            memcpy(out + out_len, iov[i].iov_base, len);
            out_len += len;
        }
        most -= len;
        octet_ring_take(&s->ring, len);
    }
}

/* Until nothing happens by itself: bounded by what can be asked in one input. */
static void run(struct os_session *s, size_t each)
{
    for (int i = 0; i < 1 << 20; i++) {
        bool wanted = os_session_wants_turn(s);
        os_session_turn(s, (instant){0});
        read_some(s, each);
        if (!wanted && s->ring.len == 0 && !os_session_wants_turn(s))
            return;
    }
    HOLDS(false);
}

/* Lines of JSON, until a capture begins. */
static void check_reply(void)
{
    for (size_t at = 0; at < out_len && out_len < OUT;) {
        if (out[at] == 0x0a) /* a section header: the rest is pcapng */
            return;
        char *end = memchr(out + at, '\n', out_len - at);
        HOLDS(end);
        size_t len = (size_t)(end - out) - at;
        json_t *object = json_loadb(out + at, len, JSON_REJECT_DUPLICATES, NULL);
        HOLDS(object);
        HOLDS(json_is_integer(json_object_get(object, "schema")));
        HOLDS(json_is_string(json_object_get(object, "type")));
        json_decref(object);
        at += len + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stack *stack;
    static const struct env stack_env = {
        .mono_ns = no_time, .wall_ns = no_time, .random = no_random};
    static const struct env env = {.mono_ns = no_time,
                                   .wall_ns = no_time,
                                   .random = no_random,
                                   .alloc = counted_alloc,
                                   .release = counted_release};
    struct memory memory = {.env = &env};
    struct control_context context = {
        .memory = &memory, .env = &env, .device = "tap0", .os = "Linux", .pid = 1};
    static struct os_session session;

    if (size < 2)
        return 0;
    if (!stack)
        stack = a_stack(&stack_env);
    context.stack = stack;
    size_t piece = data[0] + 1u, each = data[1] * 64u + 1u;
    struct bytes rest = bytes_of(data + 2, size - 2);

    out_len = 0;
    os_session_init(&session, &context);
    while (rest.len > 0 && !session.ending) {
        size_t n = size_min(size_min(piece, rest.len), os_session_room(&session));
        os_session_input(&session, bytes_first(rest, n), (instant){0});
        rest = bytes_skip(rest, n);
        run(&session, each);
        HOLDS(n > 0 || session.ending);
    }
    os_session_input_ended(&session);
    run(&session, each);
    HOLDS(os_session_is_over(&session));
    check_reply();
    os_session_fini(&session, (instant){0});
    HOLDS(allocated == 0);
    return 0;
}
