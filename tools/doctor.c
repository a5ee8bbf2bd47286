/*
 * doctor.c - `tapio doctor`: what is missing on this machine, and the exact fix.
 *
 * Nothing is assumed from version numbers or groups: each check does what `tapio serve` would do,
 * in a child process and, where that is allowed, in a network namespace that vanishes with it. So
 * the answer is right in containers, too, and nothing is left behind.
 *
 * A TAP is not needed with passt on the other end of a socket, so that is looked for, too.
 *
 * There are two ways to a TAP: with CAP_NET_ADMIN over the network that we are in, or as an
 * ordinary user in a user namespace of one's own. One of them is enough.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "dev/tap.h"
#include "options.h"
#include "os/os_env.h"
#include "os/os_files.h"
#include "os/os_namespace.h"
#include "talk.h"
#include "verbs.h"

enum outcome {
    FINE,
    ABSENT,        /* needed, and not there */
    NOT_PERMITTED, /* needed, there, and not for us */
    WISH,          /* not there, but serve can do without */
};

struct finding {
    const char *check;
    enum outcome outcome;
    char what[300];
    char fix[300];
};

enum { FINDINGS = 16 };

struct doctor {
    bool json;
    struct finding findings[FINDINGS];
    int count;
};

static struct finding *add(struct doctor *doctor, const char *check)
{
    assert(doctor->count < FINDINGS);
    struct finding *f = &doctor->findings[doctor->count++];
    *f = (struct finding){.check = check};
    return f;
}

static void set(struct finding *f, enum outcome outcome, const char *what, const char *fix)
{
    f->outcome = outcome;
    snprintf(f->what, sizeof f->what, "%s", what);
    snprintf(f->fix, sizeof f->fix, "%s", fix);
}

/* --- a try in a child --------------------------------------------------------------------- */

enum place {
    HERE,           /* the network that we are in */
    NETWORK_OF_OWN, /* a namespace made with our privileges */
    USER_OF_OWN,    /* a user namespace, and a network in it */
};

struct trial {
    int err;      /* what failed, or 0 */
    bool entered; /* the namespace could be had */
    bool offload; /* the kernel grants checksum offload */
};

static struct trial try_here(enum place place, bool make_tap)
{
    struct trial trial = {0};
    const char *doing;
    char name[OS_LINK_NAME];
    struct dev *dev;

    if (place != HERE)
        trial.err = os_namespace_enter(place == USER_OF_OWN, &doing);
    trial.entered = trial.err == 0;
    if (trial.err || !make_tap)
        return trial;
    snprintf(name, sizeof name, "tapio%u", (unsigned)getpid() % 1000000000u);
    struct tap_config config = {.name = name, .offload = true};
    trial.err = tap_open(&config, &dev);
    if (trial.err)
        return trial;
    trial.offload = dev->csum_offload;
    dev_close(dev);
    return trial;
}

/* try_here() in a child, so that this process stays where it is. */
static struct trial try_in_child(enum place place, bool make_tap)
{
    struct trial trial = {.err = -EAGAIN};
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return trial;
    pid_t child = fork();
    if (child == 0) {
        trial = try_here(place, make_tap);
        ssize_t n = write(ends[1], &trial, sizeof trial);
        _exit(n == (ssize_t)sizeof trial ? 0 : 1);
    }
    close(ends[1]);
    if (child > 0) {
        struct trial answer;
        if (read(ends[0], &answer, sizeof answer) == (ssize_t)sizeof answer)
            trial = answer;
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(ends[0]);
    return trial;
}

static bool has_net_admin(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};

    return syscall(SYS_capget, &header, data) == 0 && (data[0].effective & 1u << CAP_NET_ADMIN);
}

/* --- the checks --------------------------------------------------------------------------- */

static void check_kernel(struct doctor *doctor)
{
    struct finding *f = add(doctor, "kernel");
    struct utsname kernel = {0};
    struct os_files files;
    char what[200];

    uname(&kernel);
    snprintf(what, sizeof what, "%s %s, with openat2()", kernel.sysname, kernel.release);
    int err = os_files_open(&files, "/");
    if (err) {
        snprintf(what, sizeof what, "files cannot be opened safely: openat2() says %s",
                 strerror(-err));
        set(f, ABSENT, what, "use Linux 5.6 or newer, and a sandbox that knows openat2()");
        return;
    }
    os_files_close(&files);
    set(f, FINE, what, "");
}

static void check_randomness(struct doctor *doctor)
{
    struct finding *f = add(doctor, "randomness");
    struct os_env env;

    int err = os_env_init(&env, NULL);
    if (err)
        set(f, ABSENT, "getrandom() has none", "wait until the machine has booted, then try again");
    else
        set(f, FINE, "getrandom() answers", "");
}

static enum outcome check_tun(struct doctor *doctor)
{
    struct finding *f = add(doctor, "tun-device");
    char what[200];

    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd >= 0) {
        close(fd);
        set(f, FINE, "/dev/net/tun can be opened", "");
        return FINE;
    }
    snprintf(what, sizeof what, "/dev/net/tun cannot be opened: %s", strerror(errno));
    if (errno == EACCES || errno == EPERM)
        set(f, NOT_PERMITTED, what, "run as root, or as root run 'chmod 666 /dev/net/tun'");
    else
        set(f, ABSENT, what,
            "as root run 'modprobe tun'; a container needs '--device /dev/net/tun'");
    return f->outcome;
}

static bool check_namespaces(struct doctor *doctor)
{
    struct finding *f = add(doctor, "namespaces");
    char what[200];

    struct trial trial = try_in_child(USER_OF_OWN, false);
    if (trial.entered) {
        set(f, FINE, "an ordinary user can have a network of its own ('unshare -rn')", "");
        return true;
    }
    snprintf(what, sizeof what, "no user namespace with a network of its own: %s",
             strerror(-trial.err));
    set(f, WISH, what,
        "as root run 'sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000'");
    return false;
}

/* Can a TAP be made, and how? */
static void check_tap(struct doctor *doctor, enum outcome tun, bool namespaces)
{
    struct finding *f = add(doctor, "tap");
    struct trial trial = {.err = -EPERM};
    char what[300];

    if (tun != FINE) {
        set(f, tun, "no TAP without /dev/net/tun", "see tun-device");
        return;
    }
    if (has_net_admin()) {
        trial = try_in_child(NETWORK_OF_OWN, true);
        if (!trial.entered)
            trial = try_in_child(HERE, true);
        if (!trial.err)
            set(f, FINE, "'tapio serve' can make a TAP here", "");
    }
    if (trial.err && namespaces) {
        trial = try_in_child(USER_OF_OWN, true);
        if (!trial.err)
            set(f, FINE, "a TAP can be made without being root: 'unshare -rn tapio serve'", "");
    }
    if (trial.err) {
        tap_explain(trial.err, "tap0", false, true, what, sizeof what);
        char *remedy = strstr(what, ": ");
        if (remedy)
            *remedy = '\0';
        set(f, trial.err == -EPERM || trial.err == -EACCES ? NOT_PERMITTED : ABSENT, what,
            remedy ? remedy + 2 : "run as root");
        return;
    }
    f = add(doctor, "offload");
    if (trial.offload)
        set(f, FINE, "the kernel grants checksum offload", "");
    else
        set(f, WISH, "the kernel grants no checksum offload", "none is needed: it is slower so");
}

static bool is_in_path(const char *program)
{
    char path[4096], file[4400];
    const char *folders = getenv("PATH");

    snprintf(path, sizeof path, "%s:/usr/sbin:/sbin", folders ? folders : "/usr/bin:/bin");
    for (char *rest = path, *folder; (folder = strsep(&rest, ":"));) {
        snprintf(file, sizeof file, "%s/%s", folder, program);
        if (access(file, X_OK) == 0)
            return true;
    }
    return false;
}

static void check_program(struct doctor *doctor, const char *program, const char *use,
                          const char *package)
{
    struct finding *f = add(doctor, program);

    f->outcome = is_in_path(program) ? FINE : WISH;
    snprintf(f->what, sizeof f->what, "%s %s", program, use);
    if (f->outcome != FINE)
        snprintf(f->fix, sizeof f->fix, "as root run 'apt-get install %s'", package);
}

/* Without a TAP there is another way, which needs neither root nor /dev/net/tun. */
static void check_passt(struct doctor *doctor)
{
    struct finding *f = add(doctor, "passt");

    if (is_in_path("passt"))
        set(f, FINE, "'scripts/demo --no-tap' and '--dev stream:PATH' work without a TAP", "");
    else
        set(f, WISH, "passt would let '--dev stream:PATH' work without a TAP",
            "as root run 'apt-get install passt'");
}

/* A queue of the usual 1,000 frames overflows when more than one large window is under way. */
static void check_queue(struct doctor *doctor)
{
    struct os_link link;
    struct finding *f;

    if (os_link_info("tap0", &link) || !link.exists)
        return;
    f = add(doctor, "txqueuelen");
    f->outcome = link.txqueuelen > 1000 ? FINE : WISH;
    snprintf(f->what, sizeof f->what, "tap0 is there and queues %u frames", link.txqueuelen);
    if (f->outcome != FINE)
        snprintf(f->fix, sizeof f->fix, "as root run 'ip link set tap0 txqueuelen %d'",
                 OS_LINK_TXQUEUELEN);
}

/* --- the report --------------------------------------------------------------------------- */

static void print_json_string(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < ' ' || c == 0x7f)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void print_json(const struct finding *f)
{
    static const char *const words[] = {"ok", "missing", "not-permitted", "optional"};

    printf("{\"schema\":1,\"verb\":\"doctor\",\"check\":\"%s\",\"state\":\"%s\",\"what\":",
           f->check, words[f->outcome]);
    print_json_string(f->what);
    printf(",\"fix\":");
    print_json_string(f->fix);
    printf("}\n");
}

static void print_line(const struct finding *f, bool color)
{
    const char *on = !color               ? ""
                     : f->outcome == FINE ? "\033[32m"
                     : f->outcome == WISH ? "\033[33m"
                                          : "\033[31m";
    const char *off = color ? "\033[0m" : "";

    if (f->outcome == FINE)
        printf("%sok%s      %s: %s\n", on, off, f->check, f->what);
    else
        printf("%smissing%s %s%s: %s: %s\n", on, off, f->check,
               f->outcome == WISH ? " (optional)" : "", f->what, f->fix);
}

static int report(const struct doctor *doctor)
{
    const char *no_color = getenv("NO_COLOR");
    bool color = isatty(STDOUT_FILENO) && !(no_color && *no_color);
    int status = EXIT_SUCCESS;

    for (int i = 0; i < doctor->count; i++) {
        const struct finding *f = &doctor->findings[i];
        if (doctor->json)
            print_json(f);
        else
            print_line(f, color);
        if (f->outcome == ABSENT)
            status = EXIT_FAILURE;
        else if (f->outcome == NOT_PERMITTED && status == EXIT_SUCCESS)
            status = EXIT_PERMISSION;
    }
    if (status != EXIT_SUCCESS)
        say("'tapio serve' cannot run here yet: what is missing has its fix beside it");
    return status;
}

static int take_json(void *context, const char *text, struct refusal *refusal)
{
    struct doctor *doctor = context;

    (void)text;
    (void)refusal;
    doctor->json = true;
    return 0;
}

static const struct option_row rows[] = {
    {"json", 0, NULL, "one JSON object a line", take_json},
};

static const struct option_verb verb = {
    .name = "doctor",
    .arguments = "",
    .help = "Tries what 'tapio serve' needs, and says what is missing and how to get it.\n"
            "Exits 0 if serve can run, 77 if only a permission is missing, else 1.",
    .rows = rows,
    .row_count = ARRAY_LEN(rows),
    .alone = true,
};

int verb_doctor(int argc, char **argv)
{
    struct doctor doctor = {0};
    struct options options;
    struct refusal refusal;
    enum options_wish wish;
    int first;

    int status = options_read(&options, &verb, &doctor, argc, argv, &wish, &first, &refusal);
    if (status)
        return say_refusal(&refusal);
    if (wish == OPTIONS_HELP) {
        options_print_help(&verb, stdout);
        return EXIT_SUCCESS;
    }
    check_kernel(&doctor);
    check_randomness(&doctor);
    enum outcome tun = check_tun(&doctor);
    bool namespaces = check_namespaces(&doctor);
    check_tap(&doctor, tun, namespaces);
    check_passt(&doctor);
    check_queue(&doctor);
    check_program(&doctor, "unshare", "gives an ordinary user a network of its own", "util-linux");
    check_program(&doctor, "curl", "fetches the pages of scripts/demo", "curl");
    check_program(&doctor, "tshark", "shows captures with their comments", "tshark");
    return report(&doctor);
}
