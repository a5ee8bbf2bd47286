/*
 * shim_start.c - the stack of this process, from the first Internet socket to exit().
 *
 * The options come from the environment, where `tapio exec` has left them after checking them. Not
 * told otherwise, a process takes the first of tap0, tap1, ... that is not there yet, and is at
 * 10.9.N.2 behind a kernel at 10.9.N.1. Two that begin at once may see the same one free: the
 * second finds it busy, and goes on to the next.
 *
 * Such addresses have many short lives, and a peer may still hold a connection that the process
 * before us had from the port that we choose now. It answers our SYN with an ACK of that one, we
 * answer with a reset, and the next SYN finds the way free (RFC 9293, 3.5.1). But a Linux in
 * TIME-WAIT does not believe a reset whose timestamp is not in order (against RFC 7323, 5.2), and
 * ours knows nothing of the old one's: so resets have none here.
 *
 * A stack that cannot be made is said once, in the line that the tool's verbs would say; the
 * program sees errno, now and whenever it asks again.
 *
 * At exit() a kernel goes on to send what a program has left. We cannot: so the process stays until
 * everything has been acknowledged, for ENDING at most. Peers that do not close their side are
 * given CLOSING from there on, and then reset. Threads that wait at our sockets are not told: they
 * would act on it, while the process ends under them; so the stack's memory stays, too. A process
 * that is killed leaves nothing behind: the interface goes with its descriptor. Only the name of
 * its control socket stays in its folder, until somebody looks for stacks, or makes one: both
 * remove it.
 */
#include "shim.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "drain.h"
#include "exec_verb.h"
#include "posix/posix.h"
#include "rig.h"
#include "shim_loop.h"

#define ENDING  (5 * NS_PER_S)
#define CLOSING (200 * NS_PER_MS)

enum { DEVICES = 256, OPTIONS_ROOM = 16384 };

static struct {
    pthread_mutex_t lock;
    atomic_bool started, tried;
    int error; /* why not */
    bool gateway_given;
    pid_t pid;
    struct exec_verb verb;
    struct rig rig;
    struct shim_loop loop;
    char words[OPTIONS_ROOM]; /* what the options point into */
} own = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool shim_is_started(void)
{
    return atomic_load_explicit(&own.started, memory_order_acquire);
}

/* --- options ------------------------------------------------------------------------------ */

static int read_options(struct refusal *refusal)
{
    static char verb[] = "exec", program[] = "-";
    const char *packed = getenv(EXEC_OPTIONS);
    char *argv[EXEC_WORDS + 3] = {verb}, *at = own.words;
    enum options_wish wish;
    int argc = 1, first;

    snprintf(own.words, sizeof own.words, "%s", packed ? packed : "");
    while (argc <= EXEC_WORDS && (at = strchr(at, EXEC_MARK))) {
        *at++ = '\0';
        argv[argc++] = at;
    }
    argv[argc++] = program;
    const int index = optind, says = opterr, letter = optopt; /* the program's, not ours */
    char *const argument = optarg;
    int status = exec_options_read(&own.verb, argc, argv, &wish, &first, refusal);
    optind = index;
    opterr = says;
    optopt = letter;
    optarg = argument;
    struct options *o = &own.verb.options;
    o->config.values.tcp_ts_in_resets = 0; /* see above */
    if (o->ready_fd >= 0 && real()->fcntl(o->ready_fd, F_GETFD, NULL) < 0)
        o->ready_fd = -1; /* the first process of several has told */
    return status;
}

/* --- the rig ------------------------------------------------------------------------------ */

/* The options of device N. */
static void choose(struct options *o, int n)
{
    char text[32];
    int err = 0;

    snprintf(o->device, sizeof o->device, "%s%d", o->config.link == STACK_LINK_IP ? "tun" : "tap",
             n);
    if (o->addr_given || o->dhcp)
        return;
    snprintf(text, sizeof text, "10.9.%d.2/24", n);
    err |= ip_prefix_parse(text, &o->config.addr[0]);
    snprintf(text, sizeof text, "10.9.%d.1/24", n);
    if (!o->host_given)
        err |= ip_prefix_parse(text, &o->host);
    if (!own.gateway_given && prefix_contains(o->config.addr[0], o->host.addr))
        o->config.gateway = o->host.addr; /* whatever the kernel knows the way to */
    assert(!err);
}

static bool is_there(const char *device)
{
    struct os_link link;

    return os_link_info(device, &link) == 0 && link.exists;
}

static int open_next(struct refusal *refusal)
{
    struct options *o = &own.verb.options;
    int status = EXIT_FAILURE;

    own.gateway_given = !ip_is_unspecified(o->config.gateway);
    for (int n = 0; n < DEVICES; n++) {
        choose(o, n);
        if (is_there(o->device))
            continue;
        status = rig_open(&own.rig, o, refusal);
        if (!status && own.rig.created)
            return 0;
        if (!status) /* somebody has made it between our look and our hand */
            rig_close(&own.rig);
        else if (!is_there(o->device))
            return status; /* not because another was quicker */
    }
    return status ? status
                  : refuse(refusal, EXIT_FAILURE,
                           "tap0 to tap%d are all taken: name a device by --dev tap:NAME",
                           DEVICES - 1);
}

static int open_rig(struct refusal *refusal)
{
    if (own.verb.options.device_given)
        return rig_open(&own.rig, &own.verb.options, refusal);
    return open_next(refusal);
}

static void ask_servers(void)
{
    char text[IP_ADDR_TEXT], line[IP_ADDR_TEXT + 16];

    if (ip_is_unspecified(own.rig.dns))
        return;
    snprintf(line, sizeof line, "nameserver %s\n", ip_addr_format(own.rig.dns, text));
    int err = tapio_resolv_conf(line);
    (void)err; /* without memory it asks those of /etc/resolv.conf */
}

static void tell_ready(void)
{
    char line[120], addr[IP_ADDR_TEXT];

    snprintf(line, sizeof line, "ready dev=%s addr=%s pid=%d", own.rig.options->device,
             ip_addr_format(own.rig.config.addr[0].addr, addr), (int)getpid());
    ready_fd_tell(own.rig.options->ready_fd, line);
}

/* --- hidden descriptors ----------------------------------------------------------------------- */

/* Calls `take` with each descriptor that is open. */
static void each_open(void (*take)(int fd))
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        long fd = entry->d_name[0] == '.' ? -1 : strtol(entry->d_name, NULL, 10);
        if (fd >= 0 && fd < SHIM_FDS && fd != dirfd(dir))
            take((int)fd);
    }
    if (dir)
        closedir(dir);
}

static unsigned char were_open[SHIM_FDS / 8];

static void note_open(int fd)
{
    were_open[fd / 8] |= (unsigned char)(1u << fd % 8);
}

static void hide_new(int fd)
{
    if (!(were_open[fd / 8] & 1u << fd % 8) && shim_kind(fd) == SHIM_KERNEL)
        shim_set_kind(fd, SHIM_HIDDEN);
}

/* A bell of src/posix, one for each thread that has waited. */
static void hide_bell(int fd, bool there)
{
    if (fd < SHIM_FDS)
        shim_set_kind(fd, there ? SHIM_HIDDEN : SHIM_KERNEL);
}

/* --- beginning and end ---------------------------------------------------------------------- */

static int error_of(int status)
{
    return status == EXIT_PERMISSION ? EPERM : ENETDOWN;
}

static int start(struct refusal *refusal)
{
    each_open(note_open);
    int status = read_options(refusal);
    if (!status)
        status = open_rig(refusal);
    if (status)
        return status;
    if (tapio_attach(own.rig.stack)) {
        rig_close(&own.rig);
        return refuse(refusal, EXIT_FAILURE, "cannot join the stack: %s", strerror(errno));
    }
    ask_servers();
    shim_loop_init(&own.loop, &own.rig.loop);
    if (posix_start(own.rig.dev, &own.loop.company)) {
        int error = errno;
        tapio_detach();
        rig_close(&own.rig);
        return refuse(refusal, EXIT_FAILURE, "no thread for the stack: %s", strerror(error));
    }
    each_open(hide_new);
    posix_bell_told = hide_bell;
    tell_ready();
    return 0;
}

bool shim_start(void)
{
    struct refusal refusal = {0};

    if (shim_is_started())
        return true;
    pthread_mutex_lock(&own.lock);
    if (!own.tried) {
        own.tried = true;
        own.pid = getpid();
        int status = start(&refusal);
        if (status) {
            say_refusal(&refusal);
            own.error = error_of(status);
        }
        atomic_store_explicit(&own.started, status == 0, memory_order_release);
    }
    pthread_mutex_unlock(&own.lock);
    errno = own.error;
    return shim_is_started();
}

static void wait_for_peers(void)
{
    instant begin = os_now(), sent_at = INSTANT_NEVER;

    for (int64_t pause = 100 * NS_PER_US;; pause += pause < 5 * NS_PER_MS ? pause : 0) {
        struct stack *stack = tapio_lock();
        if (!stack)
            return;
        bool done = posix.down || drain_is_done(stack), sent = drain_is_sent(stack);
        tapio_unlock();
        instant now = os_now();
        if (sent && instant_is_never(sent_at))
            sent_at = now;
        if (done || instant_since(now, begin) >= ENDING ||
            (sent && instant_since(now, sent_at) >= CLOSING))
            return;
        nanosleep(&(struct timespec){.tv_nsec = pause}, NULL);
    }
}

static __attribute__((destructor)) void end(void)
{
    if (!shim_is_started() || own.pid != getpid())
        return;
    for (int fd = 0; fd < SHIM_FDS; fd++)
        if (shim_kind(fd) == SHIM_SOCKET)
            shim_set_kind(fd, SHIM_KERNEL);
    posix_close_all();
    wait_for_peers();
    posix_stop();
    struct stack *stack = tapio_lock();
    if (stack) {
        drain_reset(stack, own.rig.dev, os_now());
        tapio_unlock();
    }
    rig_close(&own.rig);
}
