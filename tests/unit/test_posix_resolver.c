/*
 * test_posix_resolver.c - face two: names by name servers, for threads that wait.
 *
 * The peer of support/twins.h has a name server at its port 53, so these tests live in real time;
 * they wait for events, and only for a time to pass where the server is to be silent.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "posix/posix.h"
#include "support/name_server.h"
#include "support/proves.h"
#include "support/twins.h"

static const struct name_row zone[] = {
    {"both.example", "2001:db8::9 192.0.2.9 10.0.0.2", NULL, NAME_TOLD},
    {"v4.example", "192.0.2.4", NULL, NAME_TOLD},
    {"v6.example", "2001:db8::6", NULL, NAME_TOLD},
    {"none.example", NULL, NULL, NAME_TOLD},
    {"alias.example", "192.0.2.4", "v4.example", NAME_TOLD},
    {"mute.example", NULL, NULL, NAME_MUTE},
    {"failing.example", NULL, NULL, NAME_FAILS},
    {"half.example", "192.0.2.5", NULL, NAME_FAILS_V6},
    {"half-empty.example", NULL, NULL, NAME_FAILS_V6},
    {"half-empty.example.example", "192.0.2.66", NULL, NAME_TOLD},
    {"circle.example", NULL, NULL, NAME_IN_CIRCLE},
    {"first.example", "2001:db8::8", NULL, NAME_TOLD},
    {"first.example.example", "192.0.2.8", NULL, NAME_TOLD},
    {"late.example", "192.0.2.7", NULL, NAME_MUTE_ONCE},
    {"late.example.example", "2001:db8::7 192.0.2.8", NULL, NAME_TOLD},
    {"echo.example", "10.0.0.2", NULL, NAME_TOLD},
};

static struct twins twins;
static struct name_server server;

static void given_a_server(void)
{
    twins_begin(&twins);
    name_server_begin(&server, twins_lock(&twins), zone, ARRAY_LEN(zone));
    twins_unlock(&twins);
    MUST(tapio_resolv_conf("nameserver 10.0.0.2\nsearch lost.example example\n"
                           "options timeout:1 attempts:1\n") == 0);
}

static void end_of_the_server(void)
{
    MUST(tapio_resolv_conf(NULL) == 0);
    twins_lock(&twins);
    name_server_end(&server);
    twins_unlock(&twins);
    twins_end(&twins);
}

/* "10.0.0.2 2001:db8::9", or the error as "EAI -3". */
static const char *look_up(const char *name, int family, int flags)
{
    static char text[512];
    struct addrinfo hints = {.ai_family = family, .ai_flags = flags, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list;
    size_t len = 0;

    int err = tapio_getaddrinfo(name, "80", &hints, &list);
    if (err) {
        snprintf(text, sizeof text, "EAI %d", err);
        return text;
    }
    if (flags & AI_CANONNAME)
        len = (size_t)snprintf(text, sizeof text, "%s: ", list->ai_canonname);
    for (const struct addrinfo *info = list; info; info = info->ai_next) {
        char addr[INET6_ADDRSTRLEN];
        const struct sockaddr_in *in = (const void *)info->ai_addr;
        const struct sockaddr_in6 *in6 = (const void *)info->ai_addr;
        bool v6 = info->ai_family == AF_INET6;
        inet_ntop(info->ai_family, v6 ? (const void *)&in6->sin6_addr : &in->sin_addr, addr,
                  sizeof addr);
        len +=
            (size_t)snprintf(text + len, sizeof text - len, "%s%s", info == list ? "" : " ", addr);
        MUST(len < sizeof text);
    }
    tapio_freeaddrinfo(list);
    return text;
}

#define EAI(number) "EAI " #number

/* The stack has 10.0.0.1/24 and no gateway: what is on the link comes first, and IPv6 last. */
static const struct {
    const char *name;
    int family, flags;
    const char *says;
    int asked_v4, asked_v6;
} rows[] = {
    {"both.example", AF_UNSPEC, 0, "10.0.0.2 2001:db8::9 192.0.2.9", 1, 1},
    {"both.example", AF_INET, 0, "10.0.0.2 192.0.2.9", 1, 0},
    {"both.example", AF_INET6, 0, "2001:db8::9", 0, 1},
    {"BOTH.example.", AF_INET6, 0, "2001:db8::9", 0, 1},
    {"v4.example.", AF_UNSPEC, 0, "192.0.2.4", 1, 1},
    {"v6.example.", AF_UNSPEC, 0, "2001:db8::6", 1, 1},
    {"v4.example", AF_INET6, 0, EAI(-2), 0, 3}, /* and in the domains of the search list */
    {"none.example.", AF_UNSPEC, 0, EAI(-2), 1, 1},
    {"nobody.example.", AF_UNSPEC, 0, EAI(-2), 1, 1},
    {"nobody.example.", AF_INET, 0, EAI(-2), 1, 0},
    {"v4", AF_INET, 0, "192.0.2.4", 2, 0}, /* one label: the search list first */
    {"no..name", AF_UNSPEC, 0, EAI(-2), 0, 0},
    /* AI_CANONNAME */
    {"alias.example.", AF_UNSPEC, AI_CANONNAME, "v4.example: 192.0.2.4", 1, 2},
    {"v4", AF_INET, AI_CANONNAME, "v4.example: 192.0.2.4", 2, 0},
    {"v4.example", AF_INET, AI_CANONNAME, "v4.example: 192.0.2.4", 1, 0},
    {"10.0.0.2", AF_INET, AI_CANONNAME, "10.0.0.2: 10.0.0.2", 0, 0},
    /* AI_V4MAPPED, AI_ALL */
    {"v4.example.", AF_INET6, AI_V4MAPPED, "::ffff:192.0.2.4", 1, 1},
    {"both.example", AF_INET6, AI_V4MAPPED, "2001:db8::9", 0, 1},
    {"both.example", AF_INET6, AI_ALL, "2001:db8::9", 0, 1},
    {"both.example", AF_INET6, AI_V4MAPPED | AI_ALL, "::ffff:10.0.0.2 2001:db8::9 ::ffff:192.0.2.9",
     1, 1},
    {"both.example", AF_INET, AI_V4MAPPED | AI_ALL, "10.0.0.2 192.0.2.9", 1, 0},
    {"nobody.example.", AF_INET6, AI_V4MAPPED, EAI(-2), 1, 1},
    /* AI_ADDRCONFIG: the stack has IPv4 alone */
    {"both.example", AF_UNSPEC, AI_ADDRCONFIG, "10.0.0.2 192.0.2.9", 1, 0},
    {"both.example", AF_INET, AI_ADDRCONFIG, "10.0.0.2 192.0.2.9", 1, 0},
    {"both.example", AF_INET6, AI_ADDRCONFIG, EAI(-2), 0, 0},
    {"both.example", AF_INET6, AI_ADDRCONFIG | AI_V4MAPPED, "::ffff:10.0.0.2 ::ffff:192.0.2.9", 1,
     0},
    {"v6.example.", AF_UNSPEC, AI_ADDRCONFIG, EAI(-2), 1, 0},
    /* what cannot be told */
    {"failing.example", AF_INET, 0, EAI(-3), 1, 0},
    {"half.example", AF_UNSPEC, 0, "192.0.2.5", 1, 1},
    {"half-empty.example.", AF_UNSPEC, 0, EAI(-3), 1, 1},
    {"circle.example", AF_INET, 0, EAI(-4), 1, 0},
    {"both.example", AF_INET, AI_NUMERICHOST, EAI(-2), 0, 0},
    {"localhost", AF_INET, 0, "127.0.0.1", 0, 0},
};

START_TEST(a_name_is_told_as_the_hints_ask)
{
    ck_assert_str_eq(look_up(rows[_i].name, rows[_i].family, rows[_i].flags), rows[_i].says);
    ck_assert_int_eq(atomic_load(&server.asked_v4), rows[_i].asked_v4);
    ck_assert_int_eq(atomic_load(&server.asked_v6), rows[_i].asked_v6);
    PROVES("RFC6724-6-a");
}
END_TEST

/* The name itself has nothing for A, and nobody knows about AAAA; another one would have an answer.
 */
START_TEST(a_server_that_fails_ends_the_search)
{
    ck_assert_str_eq(look_up("half-empty.example", AF_UNSPEC, 0), EAI(-3));
}
END_TEST

/* AAAA goes on to the next name of the search list while A still waits for the first one's; and the
 * other way round, A has nothing after AAAA has been answered. */
START_TEST(both_families_are_of_one_host)
{
    ck_assert_int_eq(tapio_resolv_conf("nameserver 10.0.0.2\nsearch example\noptions timeout:1\n"),
                     0);
    ck_assert_str_eq(look_up("late.example", AF_UNSPEC, AI_CANONNAME), "late.example: 192.0.2.7");
    ck_assert_int_eq(atomic_load(&server.asked_v4), 2);
    ck_assert_int_eq(atomic_load(&server.asked_v6), 2);
    ck_assert_str_eq(look_up("first.example", AF_UNSPEC, AI_CANONNAME),
                     "first.example: 2001:db8::8");
    ck_assert_int_eq(atomic_load(&server.asked_v4), 3);
    ck_assert_int_eq(atomic_load(&server.asked_v6), 3);
}
END_TEST

/* --- waiting ---------------------------------------------------------------------------------- */

struct asker {
    pthread_t thread;
    const char *name;
    int result, error;
};

static void *asker_thread(void *argument)
{
    struct asker *a = argument;
    struct addrinfo *list = NULL;

    errno = 0;
    a->result = tapio_getaddrinfo(a->name, "80", NULL, &list);
    a->error = errno;
    tapio_freeaddrinfo(list);
    return NULL;
}

/* It waits, and its questions have come to the server. */
static void ask(struct asker *a, const char *name)
{
    const struct timespec moment = {.tv_nsec = 200000};
    bool waits = false;

    *a = (struct asker){.name = name};
    MUST(pthread_create(&a->thread, NULL, asker_thread, a) == 0);
    for (int i = 0; !waits; i++) {
        MUST(i < 50000);
        nanosleep(&moment, NULL);
        posix_take();
        waits = posix.waiting > 0;
        posix_give();
        waits = waits && atomic_load(&server.asked_v4) > 0 && atomic_load(&server.asked_v6) > 0;
    }
}

static void ends(struct asker *a, int result, int error)
{
    pthread_join(a->thread, NULL);
    ck_assert_int_eq(a->result, result);
    if (result == EAI_SYSTEM)
        ck_assert_int_eq(a->error, error);
}

static void patiently(void)
{
    ck_assert_int_eq(tapio_resolv_conf("nameserver 10.0.0.2\noptions timeout:30 attempts:5\n"), 0);
}

static int64_t now_ms(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

START_TEST(silence_ends_with_again)
{
    ck_assert_str_eq(look_up("v4.example.", AF_INET, 0), "192.0.2.4"); /* ARP is done with */
    int64_t begin = now_ms(CLOCK_MONOTONIC), used = now_ms(CLOCK_PROCESS_CPUTIME_ID);
    ck_assert_str_eq(look_up("mute.example.", AF_INET, 0), "EAI -3");
    ck_assert_int_ge(now_ms(CLOCK_MONOTONIC) - begin, 1000);
    ck_assert_int_lt(now_ms(CLOCK_MONOTONIC) - begin, 15000);
    ck_assert_int_lt(now_ms(CLOCK_PROCESS_CPUTIME_ID) - used, 300);    /* and everybody slept */
    ck_assert_int_eq(tapio_resolv_conf("nameserver 192.0.2.99\n"), 0); /* no way there */
    ck_assert_str_eq(look_up("v4.example.", AF_INET, 0), "EAI -3");
}
END_TEST

START_TEST(detaching_ends_a_question)
{
    struct stack_usage usage;
    struct asker a;

    patiently();
    ask(&a, "mute.example");
    tapio_detach();
    ends(&a, EAI_SYSTEM, ENETDOWN);
    stack_usage(twins.ours, &usage);
    ck_assert_uint_eq(usage.sockets, 0);
    ck_assert_str_eq(look_up("v4.example.", AF_INET, 0), "EAI -11");
    ck_assert_int_eq(errno, ENETDOWN);
    ck_assert_str_eq(look_up("10.0.0.2", AF_INET, 0), "10.0.0.2");
    ck_assert_int_eq(tapio_attach(twins.ours), 0);
    ck_assert_int_eq(tapio_start(twins.our_dev), 0);
    ck_assert_str_eq(look_up("v4.example.", AF_INET, 0), "192.0.2.4");
}
END_TEST

START_TEST(a_lost_device_ends_a_question)
{
    struct asker a;

    patiently();
    ask(&a, "mute.example");
    twins_cut(&twins);
    ends(&a, EAI_SYSTEM, ENETDOWN);
}
END_TEST

START_TEST(other_servers_end_a_question)
{
    struct asker a;

    patiently();
    ask(&a, "mute.example");
    ck_assert_int_eq(tapio_resolv_conf("search example\n"), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(tapio_resolv_conf(""), -1);
    patiently();
    ends(&a, EAI_AGAIN, 0);
    ck_assert_str_eq(look_up("v4.example.", AF_INET, 0), "192.0.2.4");
}
END_TEST

static atomic_int handled;

static void handle(int number)
{
    (void)number;
    atomic_fetch_add(&handled, 1);
}

START_TEST(a_signal_does_not_end_a_question)
{
    struct sigaction action = {.sa_handler = handle}; /* without SA_RESTART */
    const struct timespec moment = {.tv_nsec = 200000};
    struct asker a;

    sigaction(SIGUSR1, &action, NULL);
    ck_assert_int_eq(tapio_resolv_conf("nameserver 10.0.0.2\noptions timeout:1\n"), 0);
    ask(&a, "late.example");
    for (int i = 0; i < 5; i++) {
        pthread_kill(a.thread, SIGUSR1);
        while (atomic_load(&handled) <= i)
            nanosleep(&moment, NULL);
    }
    ends(&a, 0, 0);
}
END_TEST

START_TEST(others_run_on_while_one_asks)
{
    char octet = 0;
    struct asker a;

    patiently();
    int lowest = twins_connect(TWINS_DISCARD);
    ck_assert_int_eq(tapio_close(lowest), 0);
    ask(&a, "mute.example");
    int s = twins_connect(TWINS_ECHO);
    ck_assert_int_eq(s, lowest); /* the resolver's sockets have no numbers */
    ck_assert_int_eq(tapio_send(s, "x", 1, 0), 1);
    ck_assert_int_eq(tapio_recv(s, &octet, 1, 0), 1);
    ck_assert_int_eq(octet, 'x');
    ck_assert_str_eq(look_up("v4.example.", AF_INET, 0), "192.0.2.4");
    ck_assert_int_eq(tapio_close(s), 0);
    patiently();
    ends(&a, EAI_AGAIN, 0);
}
END_TEST

/* Equal questions share an answer, and nobody is forgotten. */
START_TEST(many_ask_at_once)
{
    enum { MANY = 40 };
    static struct asker askers[MANY];
    static const char *const texts[] = {"both.example", "v4.example", "alias.example"};

    /* there is one try, and only so many packets wait for ARP */
    ck_assert_str_eq(look_up("v4.example.", AF_INET, 0), "192.0.2.4");
    for (int i = 0; i < MANY; i++) {
        askers[i] = (struct asker){.name = texts[i % 3]};
        MUST(pthread_create(&askers[i].thread, NULL, asker_thread, &askers[i]) == 0);
    }
    for (int i = 0; i < MANY; i++)
        ends(&askers[i], 0, 0);
}
END_TEST

static int hook(void *context, const char *name, int family, struct ip_addr *out, int max)
{
    (void)context, (void)family, (void)max;
    return strcmp(name, "v4.example") == 0 && ip_addr_parse("192.0.2.77", out) == 0;
}

START_TEST(a_resolver_of_ones_own_is_asked_instead)
{
    tapio_set_resolver(hook, NULL);
    ck_assert_str_eq(look_up("v4.example", AF_INET, 0), "192.0.2.77");
    ck_assert_str_eq(look_up("both.example", AF_INET, 0), "EAI -2");
    ck_assert_int_eq(atomic_load(&server.asked_v4), 0);
    tapio_set_resolver(NULL, NULL);
    ck_assert_str_eq(look_up("v4.example", AF_INET, 0), "192.0.2.4");
}
END_TEST

START_TEST(a_child_has_no_resolver)
{
    ck_assert_str_eq(look_up("v4.example", AF_INET, 0), "192.0.2.4");
    pid_t child = fork();
    if (child == 0) {
        const char *says = look_up("v4.example", AF_INET, 0);
        bool fine = strcmp(says, "EAI -11") == 0 && errno == EPERM;
        fine = fine && tapio_resolv_conf(NULL) == -1 && errno == EPERM;
        _exit(fine ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

static Suite *posix_resolver_suite(void)
{
    Suite *suite = suite_create("posix_resolver");
    TCase *c = tcase_create("answers"), *waiting = tcase_create("waiting");

    tcase_add_checked_fixture(c, given_a_server, end_of_the_server);
    tcase_set_timeout(c, 20);
    tcase_add_loop_test(c, a_name_is_told_as_the_hints_ask, 0, ARRAY_LEN(rows));
    tcase_add_test(c, a_server_that_fails_ends_the_search);
    tcase_add_test(c, both_families_are_of_one_host);
    tcase_add_test(c, a_resolver_of_ones_own_is_asked_instead);
    suite_add_tcase(suite, c);
    tcase_add_checked_fixture(waiting, given_a_server, end_of_the_server);
    tcase_set_timeout(waiting, 20);
    tcase_add_test(waiting, silence_ends_with_again);
    tcase_add_test(waiting, detaching_ends_a_question);
    tcase_add_test(waiting, a_lost_device_ends_a_question);
    tcase_add_test(waiting, other_servers_end_a_question);
    tcase_add_test(waiting, a_signal_does_not_end_a_question);
    tcase_add_test(waiting, others_run_on_while_one_asks);
    tcase_add_test(waiting, many_ask_at_once);
    tcase_add_test(waiting, a_child_has_no_resolver);
    suite_add_tcase(suite, waiting);
    return suite;
}

int main(void)
{
    return run_suite(posix_resolver_suite(), "posix_resolver");
}
