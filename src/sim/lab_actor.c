/*
 * lab_actor.c - programs: socket calls one after the other, as blocking sockets would make them.
 *
 * A call that cannot be finished yet is tried again whenever its host is polled, which is whenever
 * something has come or a timer has fired: nothing else can change what it says. That it waits is
 * an item, and that it returns is another.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "base/instant.h"
#include "sim/lab_doing.h"

static const char *const names[] = {
#define TAPIO_X(id, word, arguments) word,
    LAB_STEP_LIST(TAPIO_X)
#undef TAPIO_X
};

/* --- telling ------------------------------------------------------------------------------ */

static void add_number(struct text *t, const char *before, int64_t value)
{
    text_add(t, before);
    text_add_i64(t, value);
}

/* What a call has changed was told while it ran; the call comes before it. */
static struct lab_item *put_first(struct lab_doing *d, struct lab_item *item)
{
    struct lab_item *first = item, moved = *item;

    while (first - d->world->result->item > d->before && first[-1].kind != LAB_CALL)
        first--;
    memmove(first + 1, first, (size_t)((char *)item - (char *)first));
    *first = moved;
    return first;
}

/* As a manual writes it: "connect(3, server:80)". */
static struct lab_item *tell(struct lab_doing *d, const char *name, int slot, const char *rest)
{
    struct lab_item *item = lab_add(d->world, LAB_CALL, d->st->number);

    if (!item)
        return NULL;
    struct text word = text_of(item->word, sizeof item->word);
    struct text t = text_of(item->text, sizeof item->text);
    text_add(&word, name);
    text_add(&t, name);
    add_number(&t, "(", d->st->shown[slot]);
    text_add(&t, rest);
    text_add_char(&t, ')');
    item->began = d->actor->waiting ? d->actor->began : d->world->now;
    item->quiet = d->step->quiet;
    return put_first(d, item);
}

void lab_tell_result(struct lab_doing *d, const char *name, int slot, const char *rest,
                     int64_t result)
{
    struct lab_item *item = tell(d, name, slot, rest);

    if (item) {
        struct text t = {.at = item->text, .len = strlen(item->text), .room = sizeof item->text};
        item->result = result;
        if (result >= 0)
            add_number(&t, " = ", result);
        else
            text_add(&t, result == -ECONNREFUSED    ? " = ECONNREFUSED"
                         : result == -EADDRINUSE    ? " = EADDRINUSE"
                         : result == -EADDRNOTAVAIL ? " = EADDRNOTAVAIL"
                         : result == -ETIMEDOUT     ? " = ETIMEDOUT"
                         : result == -ECONNRESET    ? " = ECONNRESET"
                         : result == -EPIPE         ? " = EPIPE"
                                                    : " = error");
    }
}

int lab_wait(struct lab_doing *d, const char *name, int slot, const char *rest)
{
    if (d->actor->waiting)
        return LAB_WAITS;
    struct lab_item *item = tell(d, name, slot, rest);
    if (item)
        item->waits = true;
    d->actor->waiting = true;
    d->actor->began = d->world->now;
    return LAB_WAITS;
}

void lab_add_peer(struct text *t, const char *host, int64_t port)
{
    text_add(t, ", ");
    text_add(t, host);
    add_number(t, ":", port);
}

/* --- the calls ---------------------------------------------------------------------------- */

bool lab_open_socket(struct lab_doing *d, int slot, int type)
{
    struct lab_station *st = d->st;

    if (st->s[slot] >= 0)
        return true; /* bound before */
    int s = sock_socket(st->stack, AF_INET, type, 0);
    if (s < 0) {
        lab_problem(d->world, "no socket", names[d->step->call]);
        return false;
    }
    st->s[slot] = s;
    st->shown[slot] = st->next_shown++;
    struct lab_item *item = lab_add(d->world, LAB_CALL, st->number);
    if (item) {
        struct text word = text_of(item->word, sizeof item->word);
        struct text t = text_of(item->text, sizeof item->text);
        text_add(&word, "socket");
        text_add(&t, type == SOCK_STREAM ? "socket(SOCK_STREAM) = " : "socket(SOCK_DGRAM) = ");
        text_add_i64(&t, st->shown[slot]);
        item->result = st->shown[slot];
        item->quiet = d->step->quiet;
    }
    return true;
}

static int bind_socket(struct lab_doing *d, int64_t port)
{
    char rest[LAB_WORD];
    struct text t = text_of(rest, sizeof rest);
    int slot = d->step->slot;
    int err = sock_bind(d->st->stack, d->st->s[slot], (struct endpoint){.port = (uint16_t)port});

    add_number(&t, ", :", port);
    lab_tell_result(d, "bind", slot, rest, err);
    return err;
}

static int do_listen(struct lab_doing *d)
{
    char rest[LAB_WORD];
    struct text t = text_of(rest, sizeof rest);
    int slot = d->step->slot;

    if (!lab_open_socket(d, slot, SOCK_STREAM) || bind_socket(d, d->step->number[0]))
        return LAB_RETURNED;
    add_number(&t, ", ", d->step->number[1]);
    lab_tell_result(d, "listen", slot, rest,
                    sock_listen(d->st->stack, d->st->s[slot], (int)d->step->number[1]));
    return LAB_RETURNED;
}

static int do_accept(struct lab_doing *d)
{
    struct lab_station *st = d->st;
    int slot = d->step->slot, s = -EAGAIN;
    struct endpoint from;

    if (st->s[slot] >= 0) /* another program may still have to make it */
        s = sock_accept(st->stack, st->s[slot], &from, NULL);
    if (s == -EAGAIN)
        return st->s[slot] >= 0 ? lab_wait(d, "accept", slot, "") : LAB_WAITS;
    if (s >= 0) {
        st->s[d->step->slot2] = s;
        st->shown[d->step->slot2] = st->next_shown++;
        s = st->shown[d->step->slot2];
    }
    lab_tell_result(d, "accept", slot, "", s);
    return LAB_RETURNED;
}

static int do_connect(struct lab_doing *d)
{
    char rest[LAB_LINE];
    struct text t = text_of(rest, sizeof rest);
    const struct lab_step *step = d->step;
    struct endpoint to = {lab_address(lab_host_find(d->world->plan, step->word)),
                          (uint16_t)step->number[0]};

    if (!lab_open_socket(d, step->slot, SOCK_STREAM))
        return LAB_RETURNED;
    lab_add_peer(&t, step->word, step->number[0]);
    int err = sock_connect(d->st->stack, d->st->s[step->slot], to, NULL);
    if (err == -EINPROGRESS || err == -EALREADY)
        return lab_wait(d, "connect", step->slot, rest);
    lab_tell_result(d, "connect", step->slot, rest, err);
    return LAB_RETURNED;
}

static int do_write(struct lab_doing *d)
{
    char rest[LAB_LINE];
    struct text t = text_of(rest, sizeof rest);
    const struct lab_step *step = d->step;
    int64_t len = step->text[0] ? (int64_t)strlen(step->text) : step->number[1];

    add_number(&t, ", ", len);
    while (d->actor->done < len) {
        size_t want = size_min((size_t)(len - d->actor->done), LAB_CHUNK);
        const void *octets = step->text[0] ? (const void *)(step->text + d->actor->done)
                                           : (const void *)memset(d->world->chunk, 'x', want);
        ssize_t n = sock_send(d->st->stack, d->st->s[step->slot], octets, want, 0, NULL);
        if (n == -EAGAIN)
            return lab_wait(d, "write", step->slot, rest);
        if (n < 0) {
            lab_tell_result(d, "write", step->slot, rest, n);
            return LAB_RETURNED;
        }
        d->actor->done += n;
    }
    lab_tell_result(d, "write", step->slot, rest, len);
    return LAB_RETURNED;
}

/* Once; or, as many programs do, until so many octets or the end have come, which is one item. */
static int do_read(struct lab_doing *d)
{
    char rest[LAB_LINE];
    struct text t = text_of(rest, sizeof rest);
    const struct lab_step *step = d->step;
    bool once = step->call == LAB_CALL_READ;
    int64_t most = step->call == LAB_CALL_READ_ALL ? INT64_MAX : step->number[0];

    if (once)
        add_number(&t, ", ", most);
    else
        text_add(&t, ", ...");
    while (d->actor->done < most) {
        size_t room =
            (size_t)(most - d->actor->done < LAB_CHUNK ? most - d->actor->done : LAB_CHUNK);
        ssize_t n = sock_recv(d->st->stack, d->st->s[step->slot], d->world->chunk, room, 0, NULL);
        if (n == -EAGAIN)
            return lab_wait(d, "read", step->slot, rest);
        if (n < 0) {
            lab_tell_result(d, "read", step->slot, rest, n);
            return LAB_RETURNED;
        }
        d->actor->done += n;
        if (n == 0 || once)
            break;
    }
    lab_tell_result(d, "read", step->slot, rest, d->actor->done);
    return LAB_RETURNED;
}

static int do_end(struct lab_doing *d)
{
    int slot = d->step->slot;

    if (d->step->call == LAB_CALL_SHUTDOWN) {
        lab_tell_result(d, "shutdown", slot, ", SHUT_WR",
                        sock_shutdown(d->st->stack, d->st->s[slot], SHUT_WR));
        return LAB_RETURNED;
    }
    lab_tell_result(d, "close", slot, "", sock_close(d->st->stack, d->st->s[slot]));
    d->st->s[slot] = -1;
    return LAB_RETURNED;
}

static int do_option(struct lab_doing *d)
{
    static const struct {
        const char *word, *shown;
        int level, option;
    } options[] = {{"nodelay", ", TCP_NODELAY, ", IPPROTO_TCP, TCP_NODELAY},
                   {"rcvbuf", ", SO_RCVBUF, ", SOL_SOCKET, SO_RCVBUF},
                   {"sndbuf", ", SO_SNDBUF, ", SOL_SOCKET, SO_SNDBUF},
                   {"reuseaddr", ", SO_REUSEADDR, ", SOL_SOCKET, SO_REUSEADDR}};
    char rest[LAB_LINE];
    struct text t = text_of(rest, sizeof rest);
    int value = (int)d->step->number[0], slot = d->step->slot;

    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (strcmp(options[i].word, d->step->word) != 0)
            continue;
        if (!lab_open_socket(d, slot, SOCK_STREAM))
            return LAB_RETURNED;
        text_add(&t, options[i].shown);
        text_add_i64(&t, value);
        lab_tell_result(d, "setsockopt", slot, rest,
                        sock_setsockopt(d->st->stack, d->st->s[slot], options[i].level,
                                        options[i].option, &value, sizeof value));
        return LAB_RETURNED;
    }
    lab_problem(d->world, "no such option", d->step->word);
    return LAB_RETURNED;
}

/* --- going on ----------------------------------------------------------------------------- */

static int do_sleep(struct lab_doing *d)
{
    struct lab_actor *actor = d->actor;

    if (!actor->waiting) {
        actor->waiting = true;
        actor->until = instant_add(d->world->now, d->step->number[0]);
    }
    return instant_before(d->world->now, actor->until) ? LAB_WAITS : LAB_RETURNED;
}

static int do_repeat(struct lab_doing *d)
{
    if (d->step->call == LAB_CALL_REPEAT)
        d->actor->repeats = (int)d->step->number[0];
    else if (--d->actor->repeats > 0)
        d->actor->at = d->step->back - 1;
    return LAB_RETURNED;
}

static int do_bind(struct lab_doing *d)
{
    if (lab_open_socket(d, d->step->slot, SOCK_STREAM))
        bind_socket(d, d->step->number[0]);
    return LAB_RETURNED;
}

static int do_udp(struct lab_doing *d)
{
    if (lab_open_socket(d, d->step->slot, SOCK_DGRAM) && d->step->number[0] > 0)
        bind_socket(d, d->step->number[0]);
    return LAB_RETURNED;
}

static int try_step(struct lab_doing *d)
{
    static int (*const tries[])(struct lab_doing * d) = {
        [LAB_CALL_LISTEN] = do_listen,     [LAB_CALL_ACCEPT] = do_accept,
        [LAB_CALL_CONNECT] = do_connect,   [LAB_CALL_BIND] = do_bind,
        [LAB_CALL_WRITE] = do_write,       [LAB_CALL_READ] = do_read,
        [LAB_CALL_READ_ALL] = do_read,     [LAB_CALL_READ_SUM] = do_read,
        [LAB_CALL_SHUTDOWN] = do_end,      [LAB_CALL_CLOSE] = do_end,
        [LAB_CALL_OPTION] = do_option,     [LAB_CALL_UDP] = do_udp,
        [LAB_CALL_SENDTO] = lab_do_sendto, [LAB_CALL_RECVFROM] = lab_do_recvfrom,
        [LAB_CALL_REPLY] = lab_do_reply,   [LAB_CALL_ASK] = lab_do_ask,
        [LAB_CALL_ANSWER] = lab_do_answer, [LAB_CALL_SLEEP] = do_sleep,
        [LAB_CALL_REPEAT] = do_repeat,     [LAB_CALL_END] = do_repeat,
    };
    static_assert(ARRAY_LEN(tries) == LAB_CALLS, "each call has a function");
    return tries[d->step->call](d);
}

instant lab_act(struct lab_world *world, int host)
{
    struct lab_station *st = &world->station[host];
    instant again = INSTANT_NEVER;

    for (int i = 0; i < world->actors; i++) {
        struct lab_actor *actor = &world->actor[i];
        if (actor->program->host != host)
            continue;
        while (actor->at < actor->program->count && !world->result->problem[0]) {
            struct lab_doing d = {.world = world,
                                  .st = st,
                                  .actor = actor,
                                  .step = &world->plan->step[actor->program->first + actor->at],
                                  .before = world->result->count};
            if (try_step(&d) == LAB_WAITS)
                break;
            actor->at++;
            actor->waiting = false;
            actor->done = 0;
            if (world->result->count == LAB_ITEMS)
                lab_problem(world, "a program does not end", NULL);
        }
        if (actor->at < actor->program->count && instant_before(world->now, actor->until))
            again = instant_min(again, actor->until);
    }
    return again;
}
