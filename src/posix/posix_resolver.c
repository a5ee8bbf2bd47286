/*
 * posix_resolver.c - threads that ask for names, and the one resolver that the polling thread
 * turns.
 *
 * The resolver (apps/resolver.h) is made when somebody asks a server for the first time, and goes
 * with the stack, or when the program names other servers. Its sockets are face one's alone: they
 * have a struct sock_app and no descriptor, so the program never sees them.
 *
 *     the thread that asks        queues a query for each type, kicks the polling thread, sleeps
 *     the thread that polls       resolver_advance() once a turn; its sockets with all others
 *     done()                      keeps the answer, and wakes the asker behind the last one
 *
 * A question lives on the stack of who asks, linked into the resolver, so whoever leaves early
 * takes it out again. A signal's handler does not end the wait: getaddrinfo() has no EINTR.
 *
 * Files are read without the lock. Left out: looking whether /etc/resolv.conf has changed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "apps/resolver.h"
#include "posix/posix.h"
#include "posix/posix_hosts.h"
#include "stack/stack.h"

struct question {
    struct resolver_query query;
    struct ask *ask;
    struct dns_fact fact;
    bool open; /* without an answer yet */
};

/* A call that waits. */
struct ask {
    struct list node; /* in names.asks */
    struct posix_call *call;
    struct question questions[2];
    int count;
    bool given_up; /* the resolver is gone */
};

/* Belongs to whoever holds the lock. */
static struct {
    struct resolver *resolver; /* NULL: none has been needed yet */
    struct list asks;
    struct resolver_config config; /* of tapio_resolv_conf(), */
    bool configured;               /* if it has been called */
} names = {.asks = {&names.asks, &names.asks}};

/* --- the polling thread ----------------------------------------------------------------------- */

void posix_resolver_turn(instant now)
{
    if (names.resolver)
        resolver_advance(names.resolver, now);
}

instant posix_resolver_deadline(void)
{
    return names.resolver ? resolver_deadline(names.resolver) : INSTANT_NEVER;
}

static bool is_open(const struct ask *ask)
{
    return ask->questions[0].open || ask->questions[1].open;
}

/* A name of the search list has been found, or its server fails: whoever looks for a later one,
 * because this one had nothing of its type, would find another host. */
static void give_up_later(struct ask *ask, uint8_t candidate)
{
    for (int i = 0; i < ask->count; i++) {
        struct question *question = &ask->questions[i];
        if (question->query.candidate <= candidate) {
            question->query.last = candidate;
            continue;
        }
        resolver_forget(&question->query);
        question->open = false;
        question->fact = (struct dns_fact){.error = -ENODATA};
    }
}

static void done(struct resolver_query *query, const struct resolver_answer *answer, instant now)
{
    struct question *question = CONTAINER_OF(query, struct question, query);

    (void)now;
    question->fact = answer->fact;
    question->open = false;
    if (question->fact.error != -ENOENT && question->fact.error != -ENODATA)
        give_up_later(question->ask, query->candidate);
    if (!is_open(question->ask))
        posix_wake(question->ask->call);
}

/* --- the resolver ----------------------------------------------------------------------------- */

void posix_resolver_stop(void)
{
    struct list *node;

    if (names.resolver)
        resolver_free(names.resolver);
    names.resolver = NULL;
    while ((node = list_take(&names.asks))) {
        struct ask *ask = CONTAINER_OF(node, struct ask, node);
        ask->given_up = true;
        posix_wake(ask->call);
    }
}

/* Without the lock: from the file, unless it is not needed. */
static void read_config(struct resolver_config *config)
{
    posix_take();
    bool needed = !names.resolver && !names.configured;
    posix_give();
    resolver_config_init(config);
    FILE *file = needed ? fopen("/etc/resolv.conf", "re") : NULL;
    if (!file)
        return;
    posix_resolv_conf_read(file, config);
    fclose(file);
}

/* Under the lock: there is one now, or why not. */
static int make_resolver(struct stack *stack, struct resolver_config *config)
{
    if (names.resolver)
        return 0;
    if (names.configured)
        *config = names.config;
    if (config->server_count == 0)
        return EAI_AGAIN;
    config->stack = stack;
    config->env = &stack->env;
    return resolver_new(config, &names.resolver) ? EAI_MEMORY : 0;
}

int tapio_resolv_conf(const char *text)
{
    struct resolver_config config;

    if (atomic_load(&posix.forked))
        return posix_fail(EPERM);
    resolver_config_init(&config);
    if (text && *text) {
        FILE *file = fmemopen((char *)(uintptr_t)text, strlen(text), "r");
        if (!file)
            return posix_fail(ENOMEM);
        posix_resolv_conf_read(file, &config);
        fclose(file);
    }
    if (text && config.server_count == 0)
        return posix_fail(EINVAL);
    posix_take();
    posix_resolver_stop();
    names.config = config;
    names.configured = text != NULL;
    posix_give();
    return 0;
}

/* --- asking ----------------------------------------------------------------------------------- */

static void begin(struct ask *ask, const char *name, int family)
{
    static const uint16_t types[] = {DNS_TYPE_AAAA, DNS_TYPE_A}; /* the order of glibc's answers */
    static const int families[] = {AF_INET6, AF_INET};
    instant now = posix_now(ask->call->stack);

    list_init(&ask->node);
    list_append(&names.asks, &ask->node);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct question *question = &ask->questions[ask->count];
        if (family != AF_UNSPEC && family != families[i])
            continue;
        *question = (struct question){.query.done = done, .ask = ask};
        list_init(&question->query.node);
        ask->count++;
        question->open = resolver_ask(names.resolver, &question->query, name, types[i], now) == 0;
        if (!question->open)
            question->fact.error = -ENOENT; /* it is no name, so it is nobody's */
    }
}

/* Until every answer is there. 0, or why not. */
static int wait_for_answers(struct ask *ask)
{
    struct posix_call *call = ask->call;
    int err = 0;

    while (is_open(ask) && !ask->given_up && (!err || err == -EINTR)) {
        call->interrupted = false;
        err = call->waiter.wait(&call->waiter, call->stack, -1, 0, INSTANT_NEVER);
    }
    for (int i = 0; i < ask->count; i++)
        resolver_forget(&ask->questions[i].query);
    list_remove(&ask->node);
    if (!is_open(ask))
        return 0;
    if (ask->given_up && posix.stack == call->stack)
        return EAI_AGAIN; /* there are other servers now */
    return EAI_SYSTEM;
}

/* What an answer without an address means. */
static int meaning_of(int error)
{
    switch (error) {
    case 0:
    case -ENOENT:
    case -ENODATA:
        return EAI_NONAME;
    case -EAGAIN:
        return EAI_AGAIN;
    case -ENOBUFS:
        return EAI_MEMORY;
    default:
        return EAI_FAIL;
    }
}

/* An address of either family is an answer, even when the other question has failed; but "there is
 * none" is believed only when both say so. */
static int collect(const struct ask *ask, struct posix_found *found)
{
    int err = EAI_NONAME;

    for (int i = 0; i < ask->count; i++) {
        const struct dns_fact *fact = &ask->questions[i].fact;
        if (err == EAI_NONAME)
            err = meaning_of(fact->error);
        if (fact->error)
            continue;
        if (found->count == 0 && fact->count > 0)
            dns_name_to_text(&fact->canonical, found->name);
        for (uint32_t a = 0; a < fact->count; a++)
            found->addr[found->count++] = fact->addr[a];
    }
    return found->count > 0 ? 0 : err;
}

int posix_resolve(const char *name, int family, struct posix_found *found)
{
    struct resolver_config config;
    struct posix_call call;
    struct ask ask = {.call = &call};

    if (atomic_load(&posix.forked)) {
        errno = EPERM;
        return EAI_SYSTEM;
    }
    read_config(&config);
    if (!posix_begin(&call))
        return EAI_SYSTEM;
    int err = make_resolver(call.stack, &config);
    if (!err) {
        begin(&ask, name, family);
        err = wait_for_answers(&ask);
    }
    if (!err)
        err = collect(&ask, found);
    posix_end(&call, 0);
    if (err == EAI_SYSTEM)
        errno = ENETDOWN;
    return err;
}
