/*
 * os_control.c - see os_control.h.
 *
 * Who may come in. The socket's mode is 0600 and its folder's 0700, and the kernel says who is at
 * the other end (SO_PEERCRED), as seen in our user namespace: we ourselves or root. Anybody else
 * hears so in one line.
 *
 * What it costs. The descriptors are in an epoll set of their own, so the loop polls one more and
 * no matter how many clients. Requests are read when the loop has looked at its watches; replies
 * are made and written in settled(), when the stack has sent all it could: there the loop neither
 * changes nor delays anything. Each client has one piece of reply and one sendmsg() in a turn.
 *
 * When all places are taken, the one gives way that has been silent for longest and asked nothing;
 * a reader who has not taken a line for PATIENCE, too. If there is none, the new one is turned
 * away.
 *
 * Without descriptors accept() fails for ever and the listener stays ready; so it rests a while.
 */
#include "os/os_control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/os_env.h"

enum {
    BACKLOG = 128,
    ACCEPTED = 32,         /* clients that one turn lets in */
    TRIES = 10,            /* to make a socket in a folder that goes away */
    SEND_BUFFER = 1048576, /* wanted of the kernel, so that a burst has room beside the ring */
    TALK = 300,
    LISTENER = OS_CONTROL_CLIENTS, /* in the epoll set, where clients are numbered from 0 */
};

#define PATIENCE (10 * NS_PER_S)
#define REST     (1 * NS_PER_S)

/* --- the socket --------------------------------------------------------------------------- */

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    assert(strlen(path) < sizeof addr.sun_path);
    memcpy(addr.sun_path, path, strlen(path) + 1);
    return addr;
}

/* What the umask took away comes back. Whoever owns the folder may have put a link there by now: we
 * would change what it leads to. */
static bool set_mode(const char *path)
{
    struct stat st;

    return fchmodat(AT_FDCWD, path, 0600, AT_SYMLINK_NOFOLLOW) == 0 ||
           (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == 0600);
}

static int listen_at(const char *path)
{
    struct sockaddr_un addr = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -errno;
    /* The mode of the socket is that of the file, but for the umask: no moment at which it is not.
     */
    if (fchmod(fd, 0600) == 0 && bind(fd, (struct sockaddr *)&addr, sizeof addr) == 0) {
        if (set_mode(path) && listen(fd, BACKLOG) == 0)
            return fd;
        int err = -errno;
        close(fd);
        unlink(path);
        return err;
    }
    int err = -errno;
    close(fd);
    return err;
}

/* At a path that somebody chose: what is there stays, unless it is a socket that nobody hears. */
static int listen_at_path(const char *path)
{
    struct stat st;

    if (strlen(path) >= OS_CONTROL_PATH)
        return -ENAMETOOLONG;
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
        int fd = os_control_connect(path);
        if (fd == -ECONNREFUSED)
            unlink(path);
        if (fd >= 0)
            close(fd);
    }
    return listen_at(path);
}

/* In our folder it gets its name when it listens: who finds it there finds it alive. */
static int listen_young(const char *device, char path[OS_CONTROL_PATH])
{
    char young[OS_CONTROL_PATH + 1];

    int err = os_control_place(device, path);
    if (err)
        return err;
    size_t folder = (size_t)(strrchr(path, '/') - path) + 1;
    int len = snprintf(young, sizeof young, "%.*s.%s", (int)folder, path, path + folder);
    if (len >= OS_CONTROL_PATH)
        return -ENAMETOOLONG;
    unlink(young);
    int fd = listen_at(young);
    if (fd < 0 || rename(young, path) == 0)
        return fd;
    err = -errno;
    close(fd);
    unlink(young);
    return err;
}

/* The folder may go while we make our socket in it, with somebody else who ends. */
static int listen_at_place(const char *device, char path[OS_CONTROL_PATH])
{
    struct os_control_found found;
    int fd = -ENOENT;

    os_control_search(&found); /* dead ones of others go */
    for (int i = 0; i < TRIES && fd == -ENOENT; i++)
        fd = listen_young(device, path);
    return fd;
}

/* --- clients ------------------------------------------------------------------------------ */

static void watch_for(struct os_control *control, struct os_control_client *c)
{
    uint32_t wanted =
        (os_session_room(&c->session) > 0 ? EPOLLIN : 0u) | (c->blocked ? EPOLLOUT : 0u);
    struct epoll_event event = {.events = wanted, .data.u32 = (uint32_t)(c - control->client)};

    if (wanted == c->asked)
        return;
    c->asked = wanted;
    epoll_ctl(control->epoll, EPOLL_CTL_MOD, c->fd, &event);
}

static void hang_up(struct os_control *control, struct os_control_client *c, instant now)
{
    os_session_fini(&c->session, now);
    close(c->fd); /* which takes it out of the epoll set */
    c->fd = -1;
    c->more = c->blocked = false;
    control->clients--;
}

/* Says one line to who is not let in. */
static void turn_away(int fd, const char *why)
{
    char buffer[TALK];
    struct text line = text_of(buffer, sizeof buffer);
    struct json j = control_line(&line, "", CONTROL_SCHEMA, "error");

    json_add_string(&j, "error", why);
    json_close(&j, '}');
    text_add_char(&line, '\n');
    ssize_t n = send(fd, line.at, line.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)n; /* he may have gone */
    close(fd);
}

static bool is_welcome(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

/* A place for a new client; NULL when all are taken by somebody who is being answered. */
static struct os_control_client *free_place(struct os_control *control, instant now)
{
    struct os_control_client *oldest = NULL;

    for (int i = 0; i < OS_CONTROL_CLIENTS; i++) {
        struct os_control_client *c = &control->client[i];
        if (c->fd < 0)
            return c;
        if (os_session_is_busy(&c->session) &&
            ((c->session.call.verb && c->session.call.verb->octets) ||
             instant_since(now, c->heard) < PATIENCE))
            continue;
        if (!oldest || instant_before(c->heard, oldest->heard))
            oldest = c;
    }
    if (oldest)
        hang_up(control, oldest, now);
    return oldest;
}

static void welcome(struct os_control *control, int fd, instant now)
{
    if (!is_welcome(fd)) {
        turn_away(fd, "this stack belongs to another user");
        return;
    }
    struct os_control_client *c = free_place(control, now);
    struct epoll_event event = {.events = EPOLLIN};
    if (!c) {
        turn_away(fd, "too many clients are being answered; try again later");
        return;
    }
    event.data.u32 = (uint32_t)(c - control->client);
    if (epoll_ctl(control->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        turn_away(fd, "there is no memory for it now");
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){SEND_BUFFER}, sizeof(int));
    c->fd = fd;
    c->asked = EPOLLIN;
    c->heard = now;
    c->blocked = c->more = false;
    os_session_init(&c->session, &control->context);
    control->clients++;
}

static void watch_listener(struct os_control *control, bool on)
{
    struct epoll_event event = {.events = on ? EPOLLIN : 0, .data.u32 = LISTENER};

    epoll_ctl(control->epoll, EPOLL_CTL_MOD, control->listener, &event);
}

static void accept_some(struct os_control *control, instant now)
{
    for (int i = 0; i < ACCEPTED; i++) {
        int fd = accept4(control->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            welcome(control, fd, now);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            control->resume_at = instant_add(now, REST);
            watch_listener(control, false);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

/* --- octets ------------------------------------------------------------------------------- */

/* What it has said, as much as its session takes now. */
static void hear(struct os_control *control, struct os_control_client *c, instant now)
{
    uint8_t octets[CONTROL_REQUEST];
    size_t room = os_session_room(&c->session);

    if (room == 0)
        return;
    ssize_t n = read(c->fd, octets, room);
    if (n > 0)
        os_session_input(&c->session, bytes_of(octets, (size_t)n), now);
    else if (n == 0)
        os_session_input_ended(&c->session);
    else if (errno == EAGAIN || errno == EINTR)
        return;
    else
        hang_up(control, c, now);
    c->heard = now;
    c->more = c->fd >= 0;
    control->more |= c->more;
}

/* Writes what the ring holds, as far as the client takes it. False: the client is gone. */
static bool flush(struct os_control_client *c, instant now)
{
    struct octet_ring *ring = &c->session.ring;

    c->blocked = false;
    while (ring->len > 0 && !c->blocked) {
        struct iovec iov[2];
        struct msghdr msg = {.msg_iov = iov};
        msg.msg_iovlen = (size_t)octet_ring_peek(ring, iov);
        ssize_t n = sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            octet_ring_take(ring, (size_t)n);
            c->heard = now;
        } else if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS) {
            return false;
        } else {
            c->blocked = true;
        }
    }
    return true;
}

static void serve(struct os_control *control, struct os_control_client *c, instant now)
{
    os_session_turn(&c->session, now);
    if ((!c->blocked && !flush(c, now)) || os_session_is_over(&c->session)) {
        hang_up(control, c, now);
        return;
    }
    c->more = !c->blocked && os_session_wants_turn(&c->session);
    control->more |= c->more;
    watch_for(control, c);
}

/* --- the loop ----------------------------------------------------------------------------- */

static void ready(struct os_watch *watch, instant now)
{
    struct os_control *control = CONTAINER_OF(watch, struct os_control, watch);
    struct epoll_event events[OS_CONTROL_CLIENTS + 1];
    int count = epoll_wait(control->epoll, events, ARRAY_LEN(events), 0);

    for (int i = 0; i < count; i++) {
        uint32_t which = events[i].data.u32;
        if (which == LISTENER)
            continue;
        struct os_control_client *c = &control->client[which];
        if (c->fd < 0)
            continue;
        if (events[i].events & (EPOLLHUP | EPOLLERR)) {
            hang_up(control, c, now); /* both ways are closed: nobody hears a reply */
            continue;
        }
        if (events[i].events & EPOLLIN)
            hear(control, c, now);
        if (events[i].events & EPOLLOUT) {
            c->blocked = false;
            c->more = control->more = true;
        }
    }
    for (int i = 0; i < count; i++) /* last, for they may take the place of one of those */
        if (events[i].data.u32 == LISTENER)
            accept_some(control, now);
}

static instant deadline(struct os_machine *machine)
{
    struct os_control *control = CONTAINER_OF(machine, struct os_control, machine);

    static const instant at_once = {0};
    instant next = control->more ? at_once : control->resume_at;

    for (int i = 0; i < OS_CONTROL_CLIENTS && control->clients > 0; i++) {
        const struct os_control_client *c = &control->client[i];
        if (c->fd >= 0 && !c->blocked)
            next = instant_min(next, os_session_deadline(&c->session));
    }
    return next;
}

static void settled(struct os_machine *machine, instant now)
{
    struct os_control *control = CONTAINER_OF(machine, struct os_control, machine);

    if (!instant_is_never(control->resume_at) && !instant_before(now, control->resume_at)) {
        control->resume_at = INSTANT_NEVER;
        watch_listener(control, true);
    }
    control->more = false; /* also when the last of them has hung up in the middle */
    if (control->clients == 0)
        return;
    for (int i = 0; i < OS_CONTROL_CLIENTS; i++) {
        struct os_control_client *c = &control->client[i];
        bool tells = c->session.ring.len > 0 || c->session.call.verb;
        if (c->fd >= 0 && (c->more || (tells && !c->blocked)))
            serve(control, c, now);
    }
}

static int add_all(struct os_control *control, struct os_loop *loop)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = LISTENER};
    struct stat st;

    if (lstat(control->path, &st) != 0)
        return -errno;
    control->path_dev = st.st_dev;
    control->path_ino = st.st_ino;
    control->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (control->epoll < 0 ||
        epoll_ctl(control->epoll, EPOLL_CTL_ADD, control->listener, &event) != 0)
        return -errno;
    control->watch = (struct os_watch){.fd = control->epoll, .ready = ready};
    control->machine = (struct os_machine){.deadline = deadline, .settled = settled};
    os_loop_add_watch(loop, &control->watch);
    os_loop_add_machine(loop, &control->machine);
    return 0;
}

int os_control_open(struct os_control *control, const char *path,
                    const struct control_context *context, struct os_loop *loop)
{
    control->context = *context;
    control->epoll = -1;
    control->clients = 0;
    control->more = false;
    control->resume_at = INSTANT_NEVER;
    for (int i = 0; i < OS_CONTROL_CLIENTS; i++)
        control->client[i].fd = -1;
    control->listener =
        path ? listen_at_path(path) : listen_at_place(context->device, control->path);
    if (control->listener < 0)
        return control->listener;
    control->in_place = !path;
    if (path)
        snprintf(control->path, sizeof control->path, "%s", path);
    int err = add_all(control, loop);
    if (err)
        os_control_close(control);
    return err;
}

/* The stack ends: what would have gone on has its last words, as far as they fit, and all are hung
 * up on. */
static void dismiss(struct os_control *control, struct os_control_client *c, instant now)
{
    const struct control_verb *verb = c->session.call.verb;

    if (verb && (verb->octets || verb->lasting)) {
        os_session_input_ended(&c->session);
        os_session_turn(&c->session, now);
        flush(c, now);
    }
    hang_up(control, c, now);
}

void os_control_close(struct os_control *control)
{
    struct stat st;

    if (control->listener < 0)
        return;
    for (int i = 0; i < OS_CONTROL_CLIENTS; i++)
        if (control->client[i].fd >= 0)
            dismiss(control, &control->client[i], os_now());
    if (lstat(control->path, &st) == 0 && st.st_dev == control->path_dev &&
        st.st_ino == control->path_ino)
        unlink(control->path);
    if (control->in_place)
        os_control_leave(control->path);
    close(control->listener);
    if (control->epoll >= 0)
        close(control->epoll);
    control->listener = control->epoll = -1;
}
