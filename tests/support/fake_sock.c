/*
 * fake_sock.c - see fake_sock.h.
 *
 * It has a struct stack of its own, so it cannot be linked with the real one. Errors of the test
 * itself (a socket that never was, no memory) end the process.
 */
#include "support/fake_sock.h"

#include "base/frame.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

struct buffer {
    uint8_t *octets;
    size_t begin, end, room;
};

struct fake {
    int type;
    bool listening, accepted, closed, reset, shut, peer_ended, listed, wants_room, counts, abort_it;
    int listener; /* that it waits at, or -1 */
    int error;
    struct endpoint local;
    struct ip_addr remote; /* the peer's, of an accepted one */
    struct sock_app *app;
    struct buffer in, out;
    size_t counted; /* sent and not taken, when `counts` */
    size_t room;
    uint64_t sent, taken;
    bool asked;   /* to connect */
    bool touched; /* the peer did something */
};

struct stack {
    struct fake *fakes;
    int count, room_for;
    int *list; /* of those whose readiness may have changed */
    int list_len, list_room;
    size_t room, step;
    int misuse;
    int connect_first, connect_then;
    struct memory memory;
    struct frame_pool frames;
};

static void buffer_add(struct buffer *b, const void *octets, size_t len)
{
    if (b->end + len > b->room) {
        b->room = (b->end + len) * 2;
        b->octets = realloc(b->octets, b->room);
        assert(b->octets);
    }
    if (len)
        memcpy(b->octets + b->end, octets, len);
    b->end += len;
}

static size_t buffer_take(struct buffer *b, void *out, size_t len, bool peek)
{
    size_t n = b->end - b->begin < len ? b->end - b->begin : len;

    if (out && n)
        memcpy(out, b->octets + b->begin, n);
    if (!peek)
        b->begin += n;
    if (b->begin == b->end)
        b->begin = b->end = 0;
    return n;
}

static struct fake *at(struct stack *stack, int s)
{
    assert(s >= 0 && s < stack->count);
    return &stack->fakes[s];
}

/* For the calls of sock.h. */
static struct fake *open_at(struct stack *stack, int s)
{
    if (s < 0 || s >= stack->count || stack->fakes[s].closed) {
        stack->misuse++;
        return NULL;
    }
    return &stack->fakes[s];
}

static void list_add(struct stack *stack, int s)
{
    struct fake *f = at(stack, s);

    f->touched = true;
    if (f->listed || f->closed)
        return;
    f->listed = true;
    if (stack->list_len == stack->list_room) {
        stack->list_room = stack->list_room * 2 + 16;
        stack->list = realloc(stack->list, (size_t)stack->list_room * sizeof(int));
        assert(stack->list);
    }
    stack->list[stack->list_len++] = s;
}

static int fake_new(struct stack *stack, int type)
{
    if (stack->count == stack->room_for) {
        stack->room_for = stack->room_for * 2 + 16;
        stack->fakes = realloc(stack->fakes, (size_t)stack->room_for * sizeof(struct fake));
        assert(stack->fakes);
    }
    stack->fakes[stack->count] = (struct fake){.type = type, .listener = -1, .room = stack->room};
    return stack->count++;
}

static size_t queued(const struct fake *f)
{
    return f->counts ? f->counted : f->out.end - f->out.begin;
}

/* --- the test's side ---------------------------------------------------------------------- */

struct stack *fake_stack_new(void)
{
    struct stack *stack = calloc(1, sizeof(*stack));

    assert(stack);
    stack->room = SIZE_MAX;
    stack->step = SIZE_MAX;
    if (frame_pool_init(&stack->frames, &stack->memory, 1 << 20))
        abort();
    return stack;
}

void fake_stack_free(struct stack *stack)
{
    for (int s = 0; s < stack->count; s++) {
        free(stack->fakes[s].in.octets);
        free(stack->fakes[s].out.octets);
    }
    free(stack->fakes);
    free(stack->list);
    assert(stack->frames.out == 0);
    frame_pool_fini(&stack->frames);
    free(stack);
}

/* The first of the list; -1 when it has no owner any more, or none yet. */
static int list_take_first(struct stack *stack)
{
    int s = stack->list[0];
    struct fake *f = &stack->fakes[s];

    memmove(stack->list, stack->list + 1, (size_t)--stack->list_len * sizeof(int));
    f->listed = false;
    return f->closed || f->listener >= 0 ? -1 : s;
}

int fake_run(struct stack *stack, instant now)
{
    int calls = 0;

    for (int left = stack->list_len; left; left--) {
        int s = list_take_first(stack);
        struct sock_app *app = s < 0 ? NULL : sock_app(stack, s);
        if (app) {
            app->ready(app, s, (short)sock_poll(stack, s), now);
            calls++;
        }
    }
    return calls;
}

int fake_run_all(struct stack *stack, instant now, int rounds)
{
    for (int i = 0; i < rounds; i++)
        if (!fake_run(stack, now) && !stack->list_len)
            return i;
    return rounds;
}

int fake_listener(struct stack *stack, uint16_t port)
{
    for (int s = 0; s < stack->count; s++)
        if (stack->fakes[s].listening && !stack->fakes[s].closed &&
            stack->fakes[s].local.port == port)
            return s;
    return -1;
}

int fake_connect(struct stack *stack, int listener)
{
    int s = fake_new(stack, SOCK_STREAM);

    at(stack, s)->listener = listener;
    list_add(stack, listener);
    return s;
}

void fake_set_remote(struct stack *stack, int client, struct ip_addr addr)
{
    at(stack, client)->remote = addr;
}

void fake_set_connect(struct stack *stack, int first, int then)
{
    stack->connect_first = first;
    stack->connect_then = then;
}

int fake_newest(struct stack *stack)
{
    return stack->count - 1;
}

int fake_backlog(struct stack *stack, int listener)
{
    int n = 0;

    for (int s = 0; s < stack->count; s++)
        n += stack->fakes[s].listener == listener;
    return n;
}

void fake_push(struct stack *stack, int s, const void *octets, size_t len)
{
    struct fake *f = at(stack, s);

    if (f->type == SOCK_DGRAM) {
        buffer_add(&f->in, &len, sizeof(len));
    }
    buffer_add(&f->in, octets, len);
    list_add(stack, s);
}

void fake_push_text(struct stack *stack, int s, const char *text)
{
    fake_push(stack, s, text, strlen(text));
}

void fake_push_end(struct stack *stack, int s)
{
    at(stack, s)->peer_ended = true;
    list_add(stack, s);
}

void fake_fail(struct stack *stack, int s, int err)
{
    at(stack, s)->error = err;
    list_add(stack, s);
}

size_t fake_take(struct stack *stack, int s, void *out, size_t len)
{
    struct fake *f = at(stack, s);
    size_t n;

    if (f->counts) {
        n = f->counted < len ? f->counted : len;
        f->counted -= n;
    } else if (f->type == SOCK_DGRAM) {
        size_t whole = 0;
        if (!buffer_take(&f->out, &whole, sizeof(whole), false))
            return 0;
        assert(whole <= len);
        n = buffer_take(&f->out, out, whole, false);
    } else {
        n = buffer_take(&f->out, out, len, false);
    }
    f->taken += n;
    if (n && f->wants_room) {
        f->wants_room = false;
        list_add(stack, s);
    }
    return n;
}

struct bytes fake_sent(struct stack *stack, int s)
{
    const struct fake *f = at(stack, s);
    const uint8_t *octets = f->out.octets ? f->out.octets + f->out.begin : NULL;

    return (struct bytes){octets, f->out.end - f->out.begin};
}

void fake_set_room(struct stack *stack, int s, size_t room)
{
    at(stack, s)->room = room;
}

void fake_set_room_of_all(struct stack *stack, size_t room)
{
    stack->room = room;
}

void fake_set_step(struct stack *stack, size_t octets)
{
    stack->step = octets;
}

void fake_only_count(struct stack *stack, int s)
{
    at(stack, s)->counts = true;
}

bool fake_is_shut(struct stack *stack, int s)
{
    const struct fake *f = at(stack, s);
    return f->shut || (f->closed && !f->reset);
}

bool fake_is_closed(struct stack *stack, int s)
{
    return at(stack, s)->closed;
}

bool fake_is_reset(struct stack *stack, int s)
{
    return at(stack, s)->reset;
}

size_t fake_unread(struct stack *stack, int s)
{
    return at(stack, s)->in.end - at(stack, s)->in.begin;
}

uint64_t fake_sent_total(struct stack *stack, int s)
{
    return at(stack, s)->sent;
}

int fake_open(struct stack *stack)
{
    int n = 0;

    for (int s = 0; s < stack->count; s++)
        n += !stack->fakes[s].closed && stack->fakes[s].listener < 0;
    return n;
}

int fake_misuse(struct stack *stack)
{
    return stack->misuse;
}

/* --- sock.h ------------------------------------------------------------------------------- */

int sock_socket(struct stack *stack, int domain, int type, int protocol)
{
    if (domain != AF_INET && domain != AF_INET6)
        return -EAFNOSUPPORT;
    int icmp = domain == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
    if (type != SOCK_STREAM && !(type == SOCK_DGRAM && protocol == icmp))
        return -EPROTONOSUPPORT;
    return fake_new(stack, type);
}

int sock_bind(struct stack *stack, int s, struct endpoint local)
{
    struct fake *f = open_at(stack, s);

    if (!f)
        return -EBADF;
    if (fake_listener(stack, local.port) >= 0)
        return -EADDRINUSE;
    f->local = local;
    return 0;
}

int sock_listen(struct stack *stack, int s, int backlog)
{
    struct fake *f = open_at(stack, s);

    if (!f || backlog < 1)
        return f ? -EINVAL : -EBADF;
    f->listening = true;
    return 0;
}

int sock_accept(struct stack *stack, int s, struct endpoint *remote, struct waiter *waiter)
{
    struct fake *f = open_at(stack, s);

    assert(!waiter);
    if (!f)
        return -EBADF;
    for (int c = 0; c < stack->count; c++) {
        struct fake *peer = &stack->fakes[c];
        if (peer->listener != s)
            continue;
        peer->listener = -1;
        peer->accepted = true;
        peer->app = f->app;
        if (remote)
            *remote = (struct endpoint){peer->remote, (uint16_t)(40000 + c)};
        return c;
    }
    return -EAGAIN;
}

int sock_connect(struct stack *stack, int s, struct endpoint remote, struct waiter *waiter)
{
    struct fake *f = open_at(stack, s);

    (void)remote;
    assert(!waiter);
    if (!f)
        return -EBADF;
    const bool again = f->asked;
    f->asked = true;
    if (again && !f->touched)
        return -EALREADY;
    return again ? stack->connect_then : stack->connect_first;
}

ssize_t sock_send(struct stack *stack, int s, const void *octets, size_t len, int flags,
                  struct waiter *waiter)
{
    struct fake *f = open_at(stack, s);

    assert(!waiter && (flags & ~MSG_MORE) == 0);
    if (!f)
        return -EBADF;
    if (f->error) {
        int err = f->error;
        f->error = 0;
        f->shut = true;
        f->peer_ended = true;
        return err;
    }
    if (f->shut)
        return -EPIPE;
    if (f->type == SOCK_DGRAM) {
        buffer_add(&f->out, &len, sizeof(len));
        buffer_add(&f->out, octets, len);
        return (ssize_t)len;
    }
    size_t room = queued(f) < f->room ? f->room - queued(f) : 0;
    if (!room) {
        f->wants_room = true;
        return -EAGAIN;
    }
    len = len < room ? len : room;
    len = len < stack->step ? len : stack->step;
    if (f->counts)
        f->counted += len;
    else
        buffer_add(&f->out, octets, len);
    f->sent += len;
    return (ssize_t)len;
}

struct frame *stack_frame(struct stack *stack, size_t room)
{
    return frame_get(&stack->frames, room);
}

ssize_t sock_send_frame(struct stack *stack, int s, struct frame *frame, const void *octets,
                        size_t len)
{
    assert(frame->home == &stack->frames);
    return sock_send(stack, s, octets, len, 0, NULL);
}

ssize_t sock_recv(struct stack *stack, int s, void *octets, size_t len, int flags,
                  struct waiter *waiter)
{
    struct fake *f = open_at(stack, s);

    assert(!waiter && (flags & ~(MSG_PEEK | MSG_TRUNC)) == 0);
    assert(octets || flags & MSG_TRUNC);
    if (!f)
        return -EBADF;
    if (f->error) {
        int err = f->error;
        f->error = 0;
        f->shut = true;
        f->peer_ended = true;
        return err;
    }
    if (f->type == SOCK_DGRAM) {
        size_t whole = 0;
        if (!buffer_take(&f->in, &whole, sizeof(whole), false))
            return -EAGAIN;
        assert(whole <= len);
        return (ssize_t)buffer_take(&f->in, octets, whole, false);
    }
    assert(len > 0);
    if (f->in.begin == f->in.end)
        return f->peer_ended ? 0 : -EAGAIN;
    return (ssize_t)buffer_take(&f->in, flags & MSG_TRUNC ? NULL : octets,
                                len < stack->step ? len : stack->step, flags & MSG_PEEK);
}

int sock_shutdown(struct stack *stack, int s, int how)
{
    struct fake *f = open_at(stack, s);

    assert(how == SHUT_WR);
    if (!f)
        return -EBADF;
    f->shut = true;
    return 0;
}

int sock_close(struct stack *stack, int s)
{
    struct fake *f = open_at(stack, s);

    if (!f)
        return -EBADF;
    f->reset = f->abort_it || (f->type == SOCK_STREAM && f->in.begin != f->in.end);
    f->closed = true;
    return 0;
}

int sock_setsockopt(struct stack *stack, int s, int level, int option, const void *value,
                    socklen_t len)
{
    struct fake *f = open_at(stack, s);

    if (!f)
        return -EBADF;
    if (level == SOL_SOCKET && option == SO_LINGER && len == sizeof(struct linger)) {
        const struct linger *linger = value;
        f->abort_it = linger->l_onoff && !linger->l_linger;
    } else if (!(level == SOL_SOCKET && option == SO_REUSEADDR) &&
               !(level == IPPROTO_TCP && option == TCP_NODELAY)) {
        stack->misuse++;
        return -ENOPROTOOPT;
    }
    return 0;
}

int sock_poll(struct stack *stack, int s)
{
    const struct fake *f = open_at(stack, s);

    if (!f)
        return -EBADF;
    int events = 0;
    if (f->in.begin != f->in.end || f->peer_ended || (f->listening && fake_backlog(stack, s)))
        events |= POLLIN;
    if (queued(f) < f->room)
        events |= POLLOUT;
    if (f->error)
        events |= POLLERR | POLLHUP;
    return events;
}

int sock_next_ready(struct stack *stack, short *events)
{
    while (stack->list_len) {
        int s = list_take_first(stack);
        if (s < 0)
            continue;
        *events = (short)sock_poll(stack, s);
        return s;
    }
    return -EAGAIN;
}

void sock_again(struct stack *stack, int s)
{
    if (open_at(stack, s))
        list_add(stack, s);
}

void sock_set_app(struct stack *stack, int s, struct sock_app *app)
{
    struct fake *f = open_at(stack, s);

    if (f)
        f->app = app;
}

struct sock_app *sock_app(struct stack *stack, int s)
{
    struct fake *f = open_at(stack, s);
    return f ? f->app : NULL;
}

int sock_next_of(struct stack *stack, const struct sock_app *app, int after)
{
    for (int s = after + 1; s < stack->count; s++) {
        const struct fake *f = &stack->fakes[s];
        if (!f->closed && f->listener < 0 && f->app == app)
            return s;
    }
    return -ENOENT;
}

int sock_info(struct stack *stack, int s, struct sock_info *out)
{
    const struct fake *f = open_at(stack, s);

    if (!f)
        return -EBADF;
    memset(out, 0, sizeof(*out));
    out->send_queued = (uint32_t)queued(f);
    out->receive_queued = (uint32_t)(f->in.end - f->in.begin);
    out->octets_acked = f->taken;
    out->error = -f->error;
    out->facts.remote = (struct endpoint){f->remote, (uint16_t)(40000 + s)};
    return 0;
}
