/*
 * test_posix_fd.c - face two beside other things: the loops of others, a loop of one's own, fork().
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dev/pipe.h"
#include "posix/posix.h"
#include "support/proves.h"
#include "support/twins.h"

static struct twins twins;

static void given_twins(void)
{
    twins_begin(&twins);
}

static void end_of_twins(void)
{
    twins_end(&twins);
}

/* What the kernel says of a descriptor within so long. */
static bool is_readable(int fd, int ms)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};
    int some = poll(&pollfd, 1, ms);

    MUST(some >= 0);
    return some > 0;
}

enum { SOON = 5000, AT_ONCE = 0 };

/* --- for the loops of others -------------------------------------------------------------- */

START_TEST(the_kernels_epoll_is_told_what_was_asked_for)
{
    struct epoll_event event = {.events = EPOLLIN}, told;
    int s = twins_connect(TWINS_ECHO), theirs = epoll_create1(EPOLL_CLOEXEC);
    char octet;

    ck_assert_int_eq(tapio_fd_arm(s, POLLIN), -1); /* tapio_fd() comes first */
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(tapio_fd(s), s);
    ck_assert_int_eq(tapio_fd(s), s);
    ck_assert_int_eq(epoll_ctl(theirs, EPOLL_CTL_ADD, s, &event), 0);
    ck_assert_int_eq(tapio_send(s, "x", 1, 0), 1);
    struct pollfd fd = {.fd = s, .events = POLLIN};
    ck_assert_int_eq(tapio_poll(&fd, 1, SOON), 1);
    ck_assert_int_eq(epoll_wait(theirs, &told, 1, AT_ONCE), 0); /* not armed */
    ck_assert_int_eq(tapio_fd_arm(s, POLLIN), 0);
    ck_assert_int_eq(epoll_wait(theirs, &told, 1, AT_ONCE), 1); /* it held already */
    ck_assert_int_eq(tapio_recv(s, &octet, 1, MSG_DONTWAIT), 1);
    ck_assert_int_eq(epoll_wait(theirs, &told, 1, AT_ONCE), 1); /* until it is armed again */
    ck_assert_int_eq(tapio_fd_arm(s, POLLIN), 0);
    ck_assert_int_eq(epoll_wait(theirs, &told, 1, AT_ONCE), 0);
    ck_assert_int_eq(tapio_send(s, "y", 1, 0), 1);
    ck_assert_int_eq(epoll_wait(theirs, &told, 1, SOON), 1); /* and then it came */
    ck_assert_int_eq(tapio_fd_arm(s, 0), 0);
    ck_assert_int_eq(epoll_wait(theirs, &told, 1, AT_ONCE), 0);
    ck_assert_int_eq(tapio_close(s), 0);
    ck_assert_int_lt(fcntl(s, F_GETFD), 0);
    close(theirs);
}
END_TEST

START_TEST(an_armed_descriptor_tells_room_and_the_end)
{
    static char much[1 << 16];
    int listener = twins_listen(80, 4), call = twins_call(&twins, 80);
    int s = tapio_accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    size_t sent = 0;

    ck_assert_int_eq(tapio_fd(s), s);
    for (int idle = 0; idle < 50;) { /* until both queues are full, and stay so */
        ssize_t n = tapio_send(s, much, sizeof much, 0);
        sent += n > 0 ? (size_t)n : 0;
        idle = n > 0 ? 0 : idle + 1;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    ck_assert_int_eq(tapio_fd_arm(s, POLLOUT), 0);
    ck_assert(!is_readable(s, AT_ONCE));
    while (sent > 0) {
        size_t piece = sent < sizeof much ? sent : sizeof much;
        twins_hear(&twins, call, much, piece);
        sent -= piece;
    }
    ck_assert(is_readable(s, SOON));
    ck_assert_int_eq(tapio_fd_arm(s, POLLIN), 0);
    ck_assert(!is_readable(s, AT_ONCE));
    twins_hang_up(&twins, call);
    ck_assert(is_readable(s, SOON));
    ck_assert_int_eq(tapio_read(s, much, 1), 0);
    ck_assert_int_eq(tapio_close(s) | tapio_close(listener), 0);
}
END_TEST

START_TEST(a_set_can_be_waited_for_by_the_kernel)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 77}, told;
    int s = twins_connect(TWINS_ECHO), set = tapio_epoll_create1(0);

    ck_assert_int_eq(tapio_epoll_ctl(set, EPOLL_CTL_ADD, s, &event), 0);
    ck_assert_int_eq(tapio_fd(set), set);
    ck_assert_int_eq(tapio_fd_arm(set, POLLIN), 0);
    ck_assert(!is_readable(set, AT_ONCE));
    ck_assert_int_eq(tapio_send(s, "x", 1, 0), 1);
    ck_assert(is_readable(set, SOON));
    ck_assert_int_eq(tapio_epoll_wait(set, &told, 1, AT_ONCE), 1);
    ck_assert_uint_eq(told.data.u64, 77);
    ck_assert_int_eq(tapio_close(set) | tapio_close(s), 0);
}
END_TEST

/* --- fork --------------------------------------------------------------------------------- */

/* Every call that could touch the parent's sockets; the first that is not EPERM, or 0. */
static int first_allowed_in_child(int s)
{
    char octet = 0;
    struct pollfd fd = {.fd = s, .events = POLLIN};
    struct epoll_event event;
    struct stack *stack = twins.ours;
    long results[] = {
        tapio_socket(AF_INET, SOCK_STREAM, 0),
        tapio_send(s, &octet, 1, 0),
        tapio_recv(s, &octet, 1, 0),
        tapio_close(s),
        tapio_shutdown(s, SHUT_RDWR),
        tapio_poll(&fd, 1, 1000),
        tapio_select(0, NULL, NULL, NULL, NULL),
        tapio_epoll_wait(s, &event, 1, 1000),
        tapio_fd(s),
        tapio_attach(stack),
        tapio_start(twins.our_dev),
        tapio_lock() ? 0 : -1,
    };

    tapio_detach();
    for (size_t i = 0; i < ARRAY_LEN(results); i++)
        if (results[i] != -1)
            return (int)i + 1;
    errno = 0;
    return tapio_close(s) == -1 && errno == EPERM ? 0 : 99;
}

START_TEST(a_child_has_no_stack)
{
    int s = twins_connect(TWINS_ECHO), status;
    char octet;

    for (int i = 0; i < 20; i++) { /* at some moments the lock is held by the polling thread */
        ck_assert_int_eq(tapio_send(s, "x", 1, 0), 1);
        pid_t child = fork();
        if (child == 0) {
            alarm(10);
            _exit(first_allowed_in_child(s));
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
        ck_assert_int_eq(tapio_recv(s, &octet, 1, 0), 1); /* the parent's goes on */
    }
    ck_assert_int_eq(tapio_close(s), 0);
    PROVES("F05");
}
END_TEST

START_TEST(no_descriptor_of_ours_goes_through_exec)
{
    int s = twins_connect(TWINS_ECHO), set = tapio_epoll_create1(0), eventful = twins_connect(7);
    int ours = 0;

    ck_assert_int_eq(tapio_fd(eventful), eventful);
    for (int fd = 3; fd < 64; fd++) {
        if (fd != s && fd != set && fd != eventful && fd != tapio_turn_fd() && fd != posix.reserve)
            continue;
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        ours++;
    }
    ck_assert_int_eq(ours, 5);
    ck_assert_int_eq(tapio_close(s) | tapio_close(set) | tapio_close(eventful), 0);
    PROVES("F05");
}
END_TEST

/* --- a loop of one's own ------------------------------------------------------------------ */

static struct {
    struct stack *ours, *peer;
    struct dev *ends[2];
    atomic_bool over;
    atomic_int served;
} own;

static int64_t mono_ns(void *context)
{
    struct timespec t;

    (void)context;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int some_octets(void *context, void *octets, size_t len)
{
    memset(octets, *(int *)context, len);
    return 0;
}

static const struct env own_env[2] = {
    {.context = &(int){1}, .mono_ns = mono_ns, .random = some_octets},
    {.context = &(int){2}, .mono_ns = mono_ns, .random = some_octets},
};

static struct stack *make_stack(const char *prefix, const struct env *env)
{
    struct stack_config config;

    stack_config_init(&config);
    MUST(ip_prefix_parse(prefix, &config.addr[0]) == 0);
    config.addr_count = 1;
    struct stack *stack = stack_new(&config, env);
    MUST(stack);
    return stack;
}

/* Both stacks in one thread, over a wire in memory, which the lock protects. */
static void *own_loop(void *argument)
{
    bool sleeps = false;

    while (!atomic_load(&own.over)) {
        struct stack *stack = tapio_turn_begin();
        instant now = {mono_ns(NULL)}, deadline = stack_deadline(own.peer);
        short events;
        MUST(stack_receive(stack, own.ends[0], now) >= 0);
        bool more = tapio_turn_serve(now);
        MUST(stack_send(stack, own.ends[0], now) == 0);
        MUST(stack_receive(own.peer, own.ends[1], now) >= 0);
        for (int s; (s = sock_next_ready(own.peer, &events)) >= 0;)
            if (sock_app(own.peer, s))
                sock_app(own.peer, s)->ready(sock_app(own.peer, s), s, events, now);
        MUST(stack_send(own.peer, own.ends[1], now) == 0);
        sleeps = !more && instant_is_never(dev_deadline(own.ends[0])) &&
                 instant_is_never(dev_deadline(own.ends[1]));
        deadline = instant_min(tapio_turn_end(sleeps), deadline);
        atomic_fetch_add(&own.served, 1);
        struct pollfd fd = {.fd = tapio_turn_fd(), .events = POLLIN};
        int64_t ms = instant_is_never(deadline) ? 1000 : (deadline.ns - now.ns) / NS_PER_MS + 1;
        if (sleeps)
            poll(&fd, 1, ms < 0 ? 0 : ms > 1000 ? 1000 : (int)ms);
    }
    return argument;
}

START_TEST(a_program_may_turn_the_stack_itself)
{
    struct memory memory = {.env = &own_env[1]};
    struct pipe_config pipe = {.mtu = 1500, .capacity = 1 << 20};
    struct service *echo;
    struct service_config config = {.kind = SERVICE_ECHO,
                                    .env = &own_env[1],
                                    .local = {.port = TWINS_ECHO},
                                    .backlog = 4,
                                    .connections = 4};
    pthread_t thread;
    char octet = 0;

    MUST(pipe_new(&memory, &pipe, own.ends) == 0);
    own.ours = make_stack("10.0.0.1/24", &own_env[0]);
    config.stack = own.peer = make_stack("10.0.0.2/24", &own_env[1]);
    MUST(service_new(&config, &echo) == 0);
    ck_assert_int_eq(tapio_attach(own.ours), 0);
    MUST(pthread_create(&thread, NULL, own_loop, NULL) == 0);
    int s = twins_connect(TWINS_ECHO);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(tapio_send(s, "z", 1, 0), 1);
        ck_assert_int_eq(tapio_recv(s, &octet, 1, 0), 1);
    }
    struct stack *stack = tapio_lock(); /* and face one beside it */
    struct stack_counters counters;
    stack_counters(stack, &counters);
    tapio_unlock();
    ck_assert_uint_gt(counters.received, 100);
    ck_assert_int_eq(tapio_close(s), 0);
    atomic_store(&own.over, true);
    pthread_join(thread, NULL);
    tapio_detach();
    service_free(echo);
    stack_free(own.ours);
    stack_free(own.peer);
    dev_close(own.ends[0]);
    dev_close(own.ends[1]);
}
END_TEST

static Suite *posix_fd_suite(void)
{
    Suite *suite = suite_create("posix_fd");
    TCase *c = tcase_create("beside other things"), *own_turn = tcase_create("a loop of one's own");

    tcase_add_checked_fixture(c, given_twins, end_of_twins);
    tcase_add_test(c, the_kernels_epoll_is_told_what_was_asked_for);
    tcase_add_test(c, an_armed_descriptor_tells_room_and_the_end);
    tcase_add_test(c, a_set_can_be_waited_for_by_the_kernel);
    tcase_add_test(c, a_child_has_no_stack);
    tcase_add_test(c, no_descriptor_of_ours_goes_through_exec);
    suite_add_tcase(suite, c);
    tcase_add_test(own_turn, a_program_may_turn_the_stack_itself);
    suite_add_tcase(suite, own_turn);
    return suite;
}

int main(void)
{
    return run_suite(posix_fd_suite(), "posix_fd");
}
