/*
 * test_os_control.c - the control socket itself: where it is, who is let in, and what clients who
 * behave badly cost the loop.
 *
 * Real sockets in a folder of their own; the loop is turned by hand.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/frame.h"
#include "os/os_control.h"
#include "os/os_env.h"
#include "support/proves.h"

static const char ask_ss[] = "{\"schema\":1,\"verb\":\"ss\"}\n";
static const char ask_capture[] = "{\"schema\":1,\"verb\":\"capture\"}\n";

static char folder[64];
static struct os_env env;
static struct memory memory;
static struct stack *stack;
static struct os_loop loop;
static struct os_control control;
static struct control_context context;
static struct dev dev;
static int dev_descriptor;

static const char *link_to; /* a link to this takes the place of what bind() makes */

int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
    int err = (int)syscall(SYS_bind, fd, addr, len);

    if (!err && link_to) {
        const struct sockaddr_un *un = (const struct sockaddr_un *)addr;
        ck_assert_int_eq(unlink(un->sun_path), 0);
        ck_assert_int_eq(symlink(link_to, un->sun_path), 0);
    }
    return err;
}

static int no_receive(struct dev *d, struct frame_pool *pool, struct frame **batch, int max,
                      instant now)
{
    (void)d, (void)pool, (void)batch, (void)max, (void)now;
    return 0;
}

static int no_send(struct dev *d, const struct frame_meta *meta, const struct iovec *iov,
                   int iovcnt, instant now)
{
    (void)d, (void)meta, (void)iov, (void)iovcnt, (void)now;
    return 0;
}

static void no_flush(struct dev *d, instant now)
{
    (void)d, (void)now;
}

static instant no_deadline(const struct dev *d)
{
    (void)d;
    return INSTANT_NEVER;
}

static int the_fd(const struct dev *d)
{
    (void)d;
    return dev_descriptor;
}

static const struct dev_ops ops = {.receive = no_receive,
                                   .send = no_send,
                                   .flush = no_flush,
                                   .deadline = no_deadline,
                                   .fd = the_fd};

static void given_a_loop(void)
{
    struct stack_config config;

    snprintf(folder, sizeof folder, "/tmp/tapio-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("XDG_RUNTIME_DIR", folder, 1);
    dev = (struct dev){.ops = &ops, .name = "fake", .mtu = 1500};
    dev_descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    ck_assert_int_eq(os_env_init(&env, NULL), 0);
    stack_config_init(&config);
    config.addr_count = 1;
    ck_assert_int_eq(ip_prefix_parse("10.9.0.2/24", &config.addr[0]), 0);
    ck_assert_int_eq(mac_addr_parse("02:00:5e:10:00:02", &config.mac), 0);
    stack = stack_new(&config, &env.env);
    ck_assert_ptr_nonnull(stack);
    os_loop_init(&loop, stack, &dev);
    memory = (struct memory){.env = &env.env};
    context = (struct control_context){.stack = stack,
                                       .memory = &memory,
                                       .env = &env.env,
                                       .device = "tap0",
                                       .os = "Linux",
                                       .pid = getpid()};
}

static void remove_all(void)
{
    char path[400];

    stack_free(stack);
    close(dev_descriptor);
    snprintf(path, sizeof path, "rm -rf %s", folder);
    ck_assert_int_eq(system(path), 0);
}

static void open_control(void)
{
    ck_assert_int_eq(os_control_open(&control, NULL, &context, &loop), 0);
}

/* Some turns of the loop, none of which may sleep for long. */
static void turn(int times)
{
    for (int i = 0; i < times; i++) {
        os_loop_turn(&loop, os_now());
        loop.crowded = OS_LOOP_CROWDED; /* it looks at the watches each time */
        os_loop_wait(&loop, true);
    }
}

static int client(void)
{
    int fd = os_control_connect(control.path);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static void tell(int fd, const char *text)
{
    ck_assert_int_eq((int)send(fd, text, strlen(text), MSG_NOSIGNAL), (int)strlen(text));
}

static char heard[65536];

/* What the client reads without waiting, as a string; its length, or -1 at the end. */
static ssize_t hear(int fd)
{
    ssize_t len = 0, n;

    while ((n = recv(fd, heard + len, sizeof heard - 1 - (size_t)len, MSG_DONTWAIT)) > 0)
        len += n;
    heard[len] = '\0';
    return len == 0 && n == 0 ? -1 : len;
}

static bool is_answered(int fd)
{
    tell(fd, ask_ss);
    turn(4);
    hear(fd);
    return strstr(heard, "\"type\":\"end\"") != NULL;
}

/* --- the socket's place ------------------------------------------------------------------- */

START_TEST(the_socket_is_ours_alone_and_goes_when_closed)
{
    struct stat st;
    char expected[OS_CONTROL_PATH];

    open_control();
    snprintf(expected, sizeof expected, "%s/tapio/%d-tap0.sock", folder, (int)getpid());
    ck_assert_str_eq(control.path, expected);
    ck_assert_int_eq(lstat(control.path, &st), 0);
    ck_assert(S_ISSOCK(st.st_mode));
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    *strrchr(expected, '/') = '\0';
    ck_assert_int_eq(lstat(expected, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0700);
    os_control_close(&control);
    ck_assert_int_ne(lstat(control.path, &st), 0);
    ck_assert_int_ne(lstat(expected, &st), 0); /* nor is a folder left behind */
    os_control_close(&control);                /* twice does no harm */
}
END_TEST

/* Does it pass over the folder below ours? What it makes instead goes again. */
static bool is_passed_over(void)
{
    char path[OS_CONTROL_PATH];

    if (os_control_place("tap0", path) != 0)
        return true;
    os_control_leave(path);
    return path[0] == '/' && strncmp(path, folder, strlen(folder)) != 0;
}

START_TEST(a_folder_that_others_may_enter_is_passed_over)
{
    char dir[OS_CONTROL_PATH];

    snprintf(dir, sizeof dir, "%s/tapio", folder);
    ck_assert_int_eq(mkdir(dir, 0755), 0);
    chmod(dir, 0755);
    ck_assert(is_passed_over());
    ck_assert_int_eq(rmdir(dir), 0);
    ck_assert_int_eq(symlink(folder, dir), 0); /* a link is no folder of ours */
    ck_assert(is_passed_over());
    ck_assert_int_eq(unlink(dir), 0);
    ck_assert(!is_passed_over());
    setenv("XDG_RUNTIME_DIR", "relative", 1);
    ck_assert(is_passed_over());
}
END_TEST

/* Those of our folder. */
static int found_here(void)
{
    static struct os_control_found found;
    int count = 0;

    os_control_search(&found);
    for (int i = 0; i < found.count; i++)
        count += strncmp(found.path[i], folder, strlen(folder)) == 0;
    return count;
}

static void make_file(const char *name, bool socket_of_nobody)
{
    char path[2 * OS_CONTROL_PATH];
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    snprintf(path, sizeof path, "%s/tapio/%s", folder, name);
    if (!socket_of_nobody) {
        close(open(path, O_CREAT | O_WRONLY, 0600));
        return;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    memcpy(addr.sun_path, path, strlen(path) + 1);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    close(fd);
}

static bool exists(const char *name)
{
    char path[2 * OS_CONTROL_PATH];

    snprintf(path, sizeof path, "%s/tapio/%s", folder, name);
    return access(path, F_OK) == 0;
}

START_TEST(dead_sockets_are_removed_and_nothing_else_is)
{
    open_control();
    make_file("1-tap9.sock", true);
    make_file("999999999-tap9.sock", true);
    make_file(".999999999-tap9.sock", true); /* never finished, and its process is gone */
    make_file(".1-tap9.sock", true);         /* its process lives: it may be about to */
    make_file("other.sock", true);
    make_file("2-file.sock", false);
    ck_assert_int_eq(found_here(), 1);
    ck_assert(!exists("1-tap9.sock") && !exists("999999999-tap9.sock"));
    ck_assert(!exists(".999999999-tap9.sock") && exists(".1-tap9.sock"));
    ck_assert(exists("other.sock") && exists("2-file.sock"));
    os_control_close(&control);
    ck_assert_int_eq(found_here(), 0);
    PROVES("F10");
}
END_TEST

START_TEST(at_a_chosen_path_only_a_dead_socket_gives_way)
{
    char path[OS_CONTROL_PATH];
    struct os_control second = {0};
    struct stat st;

    snprintf(path, sizeof path, "%s/tapio", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    make_file("mine", true);
    snprintf(path, sizeof path, "%s/tapio/mine", folder);
    ck_assert_int_eq(os_control_open(&control, path, &context, &loop), 0);
    ck_assert_int_eq(lstat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(os_control_open(&second, path, &context, &loop), -EADDRINUSE);
    ck_assert(exists("mine"));
    os_control_close(&control);
    loop.watches = NULL, loop.machines = NULL, loop.watch_count = 0;
    make_file("file", false);
    snprintf(path, sizeof path, "%s/tapio/file", folder);
    ck_assert_int_eq(os_control_open(&second, path, &context, &loop), -EADDRINUSE);
    ck_assert(exists("file"));
    snprintf(path, sizeof path, "%s/nowhere/mine", folder);
    ck_assert_int_eq(os_control_open(&second, path, &context, &loop), -ENOENT);
}
END_TEST

START_TEST(a_link_in_its_place_leads_to_nothing_that_changes)
{
    char path[128], victim[128];
    struct stat st;

    snprintf(path, sizeof path, "%s/chosen", folder);
    snprintf(victim, sizeof victim, "%s/victim", folder);
    close(open(victim, O_CREAT | O_WRONLY, 0600));
    ck_assert_int_eq(chmod(victim, 0644), 0);
    link_to = victim;
    ck_assert_int_ne(os_control_open(&control, path, &context, &loop), 0);
    link_to = NULL;
    ck_assert_int_eq(stat(victim, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0644);
    ck_assert_int_eq(os_control_open(&control, path, &context, &loop), 0);
    os_control_close(&control);
}
END_TEST

START_TEST(a_path_that_became_anothers_is_left_alone)
{
    struct stat st;

    open_control();
    ck_assert_int_eq(unlink(control.path), 0);
    close(open(control.path, O_CREAT | O_WRONLY, 0600));
    os_control_close(&control);
    ck_assert_int_eq(lstat(control.path, &st), 0);
}
END_TEST

/* --- clients ------------------------------------------------------------------------------ */

START_TEST(a_client_is_answered_as_often_as_it_asks)
{
    open_control();
    int fd = client();
    for (int i = 0; i < 3; i++)
        ck_assert(is_answered(fd));
    close(fd);
    turn(2);
    ck_assert_int_eq(control.clients, 0);
    os_control_close(&control);
}
END_TEST

START_TEST(no_descriptor_of_ours_outlives_an_exec)
{
    open_control();
    int fd = client();
    turn(2);
    ck_assert_int_eq(control.clients, 1);
    const int ours[] = {control.listener, control.epoll, control.client[0].fd, fd};
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        ck_assert(fcntl(ours[i], F_GETFD) & FD_CLOEXEC);
    close(fd);
    os_control_close(&control);
    PROVES("F05");
}
END_TEST

START_TEST(a_client_that_closes_its_half_is_answered_and_hung_up_on)
{
    open_control();
    int fd = client();
    tell(fd, ask_ss);
    shutdown(fd, SHUT_WR);
    turn(6);
    ck_assert_int_gt((int)hear(fd), 0);
    ck_assert_int_eq((int)hear(fd), -1);
    ck_assert_int_eq(control.clients, 0);
    close(fd);
    os_control_close(&control);
}
END_TEST

START_TEST(silent_clients_give_way_to_new_ones)
{
    int fds[100];

    open_control();
    for (int i = 0; i < 100; i++) {
        fds[i] = client();
        turn(1);
        ck_assert_int_le(control.clients, OS_CONTROL_CLIENTS);
    }
    ck_assert(is_answered(fds[99]));
    ck_assert_int_eq((int)hear(fds[0]), -1); /* the one that was silent for longest */
    for (int i = 0; i < 100; i++)
        close(fds[i]);
    turn(8);
    ck_assert_int_eq(control.clients, 0);
    os_control_close(&control);
}
END_TEST

START_TEST(when_all_are_being_answered_a_new_one_is_turned_away)
{
    int fds[OS_CONTROL_CLIENTS];

    open_control();
    for (int i = 0; i < OS_CONTROL_CLIENTS; i++) {
        fds[i] = client();
        tell(fds[i], ask_capture);
        turn(3);
    }
    int late = client();
    turn(2);
    ck_assert_int_gt((int)hear(late), 0);
    ck_assert_ptr_nonnull(strstr(heard, "too many clients"));
    ck_assert_int_eq((int)hear(late), -1);
    close(late);
    for (int i = 0; i < OS_CONTROL_CLIENTS; i++)
        close(fds[i]);
    turn(8);
    ck_assert_int_eq(control.clients, 0);
    os_control_close(&control);
}
END_TEST

START_TEST(a_client_that_never_reads_does_not_keep_the_loop_awake)
{
    open_control();
    int fd = client();
    for (int i = 0; i < 100000 && !control.client[0].blocked; i++) {
        ssize_t n = send(fd, ask_ss, strlen(ask_ss), MSG_NOSIGNAL | MSG_DONTWAIT);
        ck_assert(n > 0 || errno == EAGAIN);
        turn(1);
    }
    ck_assert(control.client[0].blocked);
    turn(20);
    ck_assert(!control.more);
    ck_assert_int_gt(instant_since(control.machine.deadline(&control.machine), os_now()), NS_PER_S);
    int other = client();
    turn(2);
    ck_assert(is_answered(other));
    close(fd);
    close(other);
    turn(4);
    ck_assert_int_eq(control.clients, 0);
    os_control_close(&control);
    PROVES("F06");
}
END_TEST

START_TEST(a_client_that_leaves_while_it_is_answered_lets_the_loop_sleep)
{
    open_control();
    int fd = client();
    tell(fd, ask_ss);
    turn(2);
    os_loop_turn(&loop, os_now()); /* the answer has begun, and more of it waits for a turn */
    ck_assert(control.more);
    close(fd);
    os_loop_wait(&loop, false);
    turn(4);
    ck_assert_int_eq(control.clients, 0);
    ck_assert(!control.more);
    ck_assert(instant_is_never(control.machine.deadline(&control.machine)));
    os_control_close(&control);
    PROVES("F06");
}
END_TEST

START_TEST(rude_clients_do_no_harm)
{
    static const char *const rude[] = {"GET / HTTP/1.0\r\n\r\n", "\n\n\n", "{", "\xff\xfe\x00\n",
                                       ""};
    char huge[8192];

    open_control();
    memset(huge, 'x', sizeof huge);
    for (size_t i = 0; i <= ARRAY_LEN(rude); i++) {
        int fd = client();
        if (i < ARRAY_LEN(rude))
            tell(fd, rude[i]);
        else
            ck_assert_int_gt((int)send(fd, huge, sizeof huge, MSG_NOSIGNAL), 0);
        turn(i % 2 ? 4 : 0); /* gone before it was heard, or after */
        close(fd);
        turn(4);
        ck_assert_int_eq(control.clients, 0);
    }
    int fd = client();
    ck_assert(is_answered(fd));
    close(fd);
    os_control_close(&control);
}
END_TEST

START_TEST(closing_hangs_up_on_all)
{
    open_control();
    int idle = client(), busy = client();
    tell(busy, ask_capture);
    turn(3);
    ck_assert_int_eq(control.clients, 2);
    os_control_close(&control);
    ck_assert_int_eq((int)hear(idle), -1);
    ssize_t len = hear(busy); /* header and statistics */
    ck_assert_int_gt((int)len, 200);
    ck_assert_mem_eq(heard, "\n\r\r\n", 4);
    ck_assert_ptr_nonnull(memmem(heard, (size_t)len, "consumed=0 sent=", 16));
    ck_assert_int_eq((int)hear(busy), -1);
    close(idle);
    close(busy);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("os_control");
    TCase *c = tcase_create("its place");
    tcase_add_checked_fixture(c, given_a_loop, remove_all);
    tcase_add_test(c, the_socket_is_ours_alone_and_goes_when_closed);
    tcase_add_test(c, a_folder_that_others_may_enter_is_passed_over);
    tcase_add_test(c, dead_sockets_are_removed_and_nothing_else_is);
    tcase_add_test(c, at_a_chosen_path_only_a_dead_socket_gives_way);
    tcase_add_test(c, a_path_that_became_anothers_is_left_alone);
    tcase_add_test(c, a_link_in_its_place_leads_to_nothing_that_changes);
    suite_add_tcase(s, c);
    c = tcase_create("clients");
    tcase_add_checked_fixture(c, given_a_loop, remove_all);
    tcase_set_timeout(c, 30);
    tcase_add_test(c, a_client_is_answered_as_often_as_it_asks);
    tcase_add_test(c, no_descriptor_of_ours_outlives_an_exec);
    tcase_add_test(c, a_client_that_closes_its_half_is_answered_and_hung_up_on);
    tcase_add_test(c, silent_clients_give_way_to_new_ones);
    tcase_add_test(c, when_all_are_being_answered_a_new_one_is_turned_away);
    tcase_add_test(c, a_client_that_never_reads_does_not_keep_the_loop_awake);
    tcase_add_test(c, a_client_that_leaves_while_it_is_answered_lets_the_loop_sleep);
    tcase_add_test(c, rude_clients_do_no_harm);
    tcase_add_test(c, closing_hangs_up_on_all);
    suite_add_tcase(s, c);
    return run_suite(s, "os_control");
}
