/*
 * main.c - runs all cases on the kernel's sockets or on ours.
 *
 *     behaviour kernel|ours [PART OF A NAME]
 *
 * The peer, 10.9.0.1, is the kernel in the network that the program was started in. The side under
 * test is 10.9.0.2: our stack at the other end of a TAP, or the kernel again in a second network
 * at the other end of a veth pair, into which the thread steps to make each socket under test. So
 * both runs have the same addresses in the same roles and a wire in between. It wants to be root in
 * a network of its own: tests/e2e/behaviour.sh.
 *
 * A case that hangs ends the run, and its name is the last line; a case that is missing is a
 * difference.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <tapio/host.h>

#include "behaviour.h"

enum { CASE_SECONDS = 8 }; /* the longest takes two */

const struct calls *us;
static struct a_case *first_case, **last_case = &first_case;
static const char *filter = "";
static atomic_uint cases_run;
static int here = -1, there = -1; /* the two networks */

void case_add(struct a_case *it)
{
    *last_case = it;
    last_case = &it->next;
}

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    exit(EXIT_FAILURE);
}

int kernel_socket_there(int domain, int type, int protocol)
{
    must(!setns(there, CLONE_NEWNET), "setns");
    int s = socket(domain, type, protocol);
    int error = errno;
    must(!setns(here, CLONE_NEWNET), "setns");
    errno = error;
    return s;
}

static int this_network(void)
{
    return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

static void kernel_begin(void)
{
    char pair[200];

    here = this_network();
    must(here >= 0 && !unshare(CLONE_NEWNET), "a second network");
    there = this_network();
    snprintf(pair, sizeof pair,
             "ip link add p0 type veth peer name s0 netns /proc/%d/fd/%d && "
             "ip addr add " PEER_ADDR "/24 dev p0 && ip link set p0 up",
             (int)getpid(), there);
    must(!setns(here, CLONE_NEWNET) && !system(pair), "a veth pair");
    must(!setns(there, CLONE_NEWNET) &&
             !system("ip link set lo up && ip addr add " OUR_ADDR "/24 dev s0 && "
                     "ip link set s0 up") &&
             !setns(here, CLONE_NEWNET),
         "the other end");
}

static struct stack *ours_begin(struct dev **dev)
{
    static struct env env;
    struct stack_config config;
    struct ip_prefix kernel;
    char why[300] = "no memory, or no randomness";

    stack_config_init(&config);
    config.addr_count = 1;
    if (ip_prefix_parse(OUR_ADDR "/24", &config.addr[0]) ||
        ip_prefix_parse(PEER_ADDR "/24", &kernel) || host_env(&env) ||
        host_tap("tap0", kernel, dev, why, sizeof why)) {
        fprintf(stderr, "%s\n", why);
        exit(EXIT_FAILURE);
    }
    struct stack *stack = stack_new(&config, &env);
    must(stack && !tapio_attach(stack) && !tapio_start(*dev), "the stack");
    return stack;
}

/* Ends the program when the cases do not go on. */
static void *watch(void *unused)
{
    unsigned seen = 0, still = 0;

    (void)unused;
    for (;;) {
        sleep(1);
        unsigned now = atomic_load(&cases_run);
        still = now == seen ? still + 1 : 0;
        seen = now;
        if (still >= CASE_SECONDS) {
            fprintf(stderr, "a case hangs\n");
            _exit(EXIT_FAILURE);
        }
    }
}

bool case_begin(const char *group, const char *name)
{
    char full[100];

    snprintf(full, sizeof full, "%s%s%s", group, *group ? "/" : "", name);
    if (!strstr(full, filter))
        return false;
    atomic_fetch_add(&cases_run, 1);
    printf("case %s\n", full);
    fflush(stdout);
    return true;
}

void case_end(void)
{
    fflush(stdout);
}

int main(int argc, char **argv)
{
    bool is_kernel = argc > 1 && !strcmp(argv[1], "kernel");
    struct stack *stack = NULL;
    struct dev *dev = NULL;
    pthread_t watcher;

    if (argc < 2 || (!is_kernel && strcmp(argv[1], "ours"))) {
        fprintf(stderr, "usage: behaviour kernel|ours [PART OF A NAME]\n");
        return EXIT_FAILURE;
    }
    if (argc > 2)
        filter = argv[2];
    signal(SIGPIPE, SIG_IGN);
    us = is_kernel ? &kernel_calls : &our_calls;
    if (is_kernel)
        kernel_begin();
    else
        stack = ours_begin(&dev);
    must(!pthread_create(&watcher, NULL, watch, NULL), "a thread");
    for (struct a_case *it = first_case; it; it = it->next)
        if (case_begin("", it->name)) {
            it->run();
            case_end();
        }
    run_options();
    run_states();
    printf("end\n");
    if (stack) {
        tapio_detach();
        stack_free(stack);
        dev_close(dev);
    }
    return EXIT_SUCCESS;
}
