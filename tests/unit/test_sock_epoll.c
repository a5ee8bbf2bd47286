/*
 * test_sock_epoll.c - waiting for many sockets: poll() and epoll sets.
 *
 * poll(2), epoll(7), epoll_ctl(2) and epoll_wait(2) are the reference, and Linux where they are
 * silent: what counts as an edge.
 */
#include "base/base.h"
#include "support/peer.h"
#include "support/proves.h"

static int set_new(struct peer *p)
{
    int set = sock_epoll_create(p->stack, 0);

    ck_assert_int_ge(set, 0);
    return peer_own(p, set);
}

static int control(struct peer *p, int set, int operation, int s, uint32_t events)
{
    struct epoll_event event = {.events = events,
                                .data = {.u64 = 0x1122334455667788u + (uint32_t)s}};

    return sock_epoll_ctl(p->stack, set, operation, s, &event);
}

/* What the set says about `s`, alone, at once; 0: nothing at all. */
static uint32_t told(struct peer *p, int set, int s)
{
    struct epoll_event events[4];
    int n = sock_epoll_wait(p->stack, set, events, 4, 0, NULL);

    ck_assert_int_ge(n, 0);
    ck_assert_int_le(n, 1);
    if (n == 0)
        return 0;
    ck_assert_uint_eq(events[0].data.u64, 0x1122334455667788u + (uint32_t)s);
    return events[0].events;
}

static void fill(struct peer *p, int s)
{
    static const uint8_t text[1000];

    while (sock_send(p->stack, s, text, sizeof(text), 0, NULL) > 0)
        continue;
}

/* The peer takes all that the stack has to say, step by step. */
static void drain(struct peer *p)
{
    while (peer_skip(p))
        peer_send(p, ".", peer_rcv_nxt(p), peer_snd_nxt(p), 0);
}

/* --- errors ------------------------------------------------------------------------------- */

START_TEST(epoll_ctl_says_what_is_wrong)
{
    struct peer *p = peer_new();
    int set = set_new(p), other = set_new(p), s = peer_socket(p);

    ck_assert_int_eq(sock_epoll_ctl(p->stack, set, EPOLL_CTL_ADD, s, NULL), -EFAULT);
    ck_assert_int_eq(control(p, set + 1, EPOLL_CTL_ADD, s, EPOLLIN), -EBADF);
    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, -1, EPOLLIN), -EBADF);
    ck_assert_int_eq(control(p, s, EPOLL_CTL_ADD, s, EPOLLIN), -EINVAL);
    ck_assert_int_eq(control(p, s, EPOLL_CTL_ADD, set, EPOLLIN), -EINVAL);
    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, set, EPOLLIN), -EINVAL);
    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, other, EPOLLIN), -EPERM);
    ck_assert_int_eq(control(p, set, EPOLL_CTL_MOD, s, EPOLLIN), -ENOENT);
    ck_assert_int_eq(control(p, set, EPOLL_CTL_DEL, s, EPOLLIN), -ENOENT);
    ck_assert_int_eq(control(p, set, 99, s, EPOLLIN), -EINVAL);
    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, s, EPOLLIN), 0);
    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, s, EPOLLIN), -EEXIST);
    ck_assert_int_eq(control(p, other, EPOLL_CTL_ADD, s, EPOLLIN), 0);
    ck_assert_int_eq(sock_epoll_ctl(p->stack, set, EPOLL_CTL_DEL, s, NULL), 0);
    ck_assert_int_eq(sock_epoll_create(p->stack, 1), -EINVAL);
    peer_free(p);
    PROVES("F09");
}
END_TEST

START_TEST(epoll_wait_says_what_is_wrong)
{
    struct peer *p = peer_new();
    int set = set_new(p), s = peer_socket(p);
    struct epoll_event event;

    ck_assert_int_eq(sock_epoll_wait(p->stack, set, &event, 0, 0, NULL), -EINVAL);
    ck_assert_int_eq(sock_epoll_wait(p->stack, set, &event, -1, 0, NULL), -EINVAL);
    ck_assert_int_eq(sock_epoll_wait(p->stack, set, NULL, 1, 0, NULL), -EFAULT);
    ck_assert_int_eq(sock_epoll_wait(p->stack, s, &event, 1, 0, NULL), -EINVAL);
    ck_assert_int_eq(sock_epoll_wait(p->stack, -1, &event, 1, 0, NULL), -EBADF);
    ck_assert_int_eq(sock_epoll_wait(p->stack, set, &event, 1, 0, NULL), 0);
    ck_assert_int_eq(sock_epoll_wait(p->stack, set, &event, 1, -1, NULL), 0);
    peer_free(p);
}
END_TEST

START_TEST(an_epoll_set_is_no_socket)
{
    struct peer *p = peer_new();
    int set = set_new(p);
    char octet;

    ck_assert_int_eq(sock_send(p->stack, set, "x", 1, 0, NULL), -EBADF);
    ck_assert_int_eq(sock_recv(p->stack, set, &octet, 1, 0, NULL), -EBADF);
    ck_assert_int_eq(sock_listen(p->stack, set, 1), -EBADF);
    ck_assert_int_eq(peer_set(p, set, SOL_SOCKET, SO_REUSEADDR, 1), -EBADF);
    ck_assert_int_eq(sock_poll(p->stack, set), 0);
    peer_free(p);
}
END_TEST

START_TEST(sets_and_items_have_a_cap)
{
    struct stack_config config;
    peer_config(&config);
    config.values.sock_epoll_sets = 1;
    config.values.sock_epoll_items = 1;
    struct peer *p = peer_new_with(&config, 0);
    int set = set_new(p), a = peer_socket(p), b = peer_socket(p);

    ck_assert_int_eq(sock_epoll_create(p->stack, 0), -ENFILE);
    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, a, EPOLLIN), 0);
    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, b, EPOLLIN), -ENOSPC);
    peer_close(p, a); /* it leaves the set by being closed */
    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, b, EPOLLIN), 0);
    peer_free(p);
}
END_TEST

/* --- level -------------------------------------------------------------------------------- */

START_TEST(by_level_a_socket_is_told_as_long_as_there_is_text)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), set = set_new(p);

    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, s, EPOLLIN), 0);
    ck_assert_uint_eq(told(p, set, s), 0);
    peer_send(p, "P.", 1, 1, 10);
    ck_assert_int_eq(sock_poll(p->stack, set), POLLIN);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(told(p, set, s), EPOLLIN);
    peer_app_read(p, s, 4);
    ck_assert_uint_eq(told(p, set, s), EPOLLIN);
    peer_app_read(p, s, 6);
    ck_assert_uint_eq(told(p, set, s), 0);
    ck_assert_int_eq(sock_poll(p->stack, set), 0);
    peer_free(p);
}
END_TEST

START_TEST(a_set_is_not_readable_for_what_no_longer_holds)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), set = set_new(p);

    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, s, EPOLLIN), 0);
    peer_send(p, "P.", 1, 1, 10);
    ck_assert_uint_eq(told(p, set, s), EPOLLIN);
    peer_app_read(p, s, 10);
    ck_assert_int_eq(sock_poll(p->stack, set), 0);
    peer_send(p, "P.", 11, 1, 10);
    ck_assert_int_eq(sock_poll(p->stack, set), POLLIN);
    ck_assert_uint_eq(told(p, set, s), EPOLLIN);
    peer_free(p);
}
END_TEST

START_TEST(what_holds_when_a_socket_is_added_is_told)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), set = set_new(p);

    peer_send(p, "P.", 1, 1, 10);
    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, s, EPOLLIN | EPOLLOUT), 0);
    ck_assert_uint_eq(told(p, set, s), EPOLLIN | EPOLLOUT);
    ck_assert_int_eq(control(p, set, EPOLL_CTL_MOD, s, EPOLLOUT), 0);
    ck_assert_uint_eq(told(p, set, s), EPOLLOUT);
    ck_assert_int_eq(control(p, set, EPOLL_CTL_DEL, s, 0), 0);
    ck_assert_uint_eq(told(p, set, s), 0);
    peer_free(p);
}
END_TEST

START_TEST(the_end_of_the_peers_stream_is_told_in_its_kinds)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), set = set_new(p);

    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, s, EPOLLRDHUP), 0);
    peer_send(p, "P.", 1, 1, 10);
    ck_assert_uint_eq(told(p, set, s), 0);
    peer_send(p, "F.", 11, 1, 0);
    ck_assert_uint_eq(told(p, set, s), EPOLLRDHUP);
    peer_shutdown(p, s, SHUT_WR);
    ck_assert_uint_eq(told(p, set, s), EPOLLRDHUP | EPOLLHUP); /* asked for or not */
    peer_free(p);
}
END_TEST

START_TEST(a_reset_is_told_though_nobody_asked)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), set = set_new(p);

    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, s, 0), 0);
    ck_assert_uint_eq(told(p, set, s), 0);
    peer_send(p, "R", 1, 0, 0);
    ck_assert_uint_eq(told(p, set, s), EPOLLERR | EPOLLHUP);
    ck_assert_int_eq(peer_so_error(p, s), ECONNRESET);
    ck_assert_uint_eq(told(p, set, s), EPOLLHUP);
    peer_free(p);
}
END_TEST

START_TEST(a_listener_and_a_connect_are_told)
{
    struct peer *p = peer_new();
    int listener = peer_listen(p, 4), set = set_new(p);

    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, listener, EPOLLIN | EPOLLET), 0);
    peer_flow_new(p);
    peer_syn(p);
    peer_expect(p, "S.", 0, 1, 0);
    ck_assert_uint_eq(told(p, set, listener), 0);
    peer_send(p, ".", 1, 1, 0);
    ck_assert_uint_eq(told(p, set, listener), EPOLLIN);
    ck_assert_uint_eq(told(p, set, listener), 0);
    peer_accept(p, listener);
    ck_assert_int_eq(control(p, set, EPOLL_CTL_DEL, listener, 0), 0);

    int s = peer_socket(p);
    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, s, EPOLLOUT | EPOLLET), 0);
    ck_assert_uint_eq(told(p, set, s), EPOLLOUT | EPOLLHUP); /* not yet connected */
    ck_assert_int_eq(sock_connect(p->stack, s, peer_endpoint(PEER_ADDR, 80), NULL), -EINPROGRESS);
    peer_expect(p, "S", 0, 0, 0);
    ck_assert_uint_eq(told(p, set, s), 0);
    peer_send(p, "S.", 0, 1, 0);
    ck_assert_uint_eq(told(p, set, s), EPOLLOUT);
    peer_free(p);
}
END_TEST

START_TEST(many_sockets_take_turns)
{
    struct peer *p = peer_new();
    int socks[6], set = set_new(p), seen[6] = {0};
    struct epoll_event events[2];

    for (int i = 0; i < 6; i++) {
        socks[i] = peer_establish_passive(p);
        ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, socks[i], EPOLLIN), 0);
        peer_send(p, "P.", 1, 1, 10);
        peer_skip(p);
    }
    for (int turn = 0; turn < 6; turn++) {
        ck_assert_int_eq(sock_epoll_wait(p->stack, set, events, 2, 0, NULL), 2);
        for (int e = 0; e < 2; e++) {
            for (int i = 0; i < 6; i++)
                seen[i] += events[e].data.u64 == 0x1122334455667788u + (uint32_t)socks[i];
        }
    }
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(seen[i], 2);
    peer_free(p);
}
END_TEST

/* --- edge --------------------------------------------------------------------------------- */

START_TEST(by_edge_more_text_is_told_though_some_is_unread)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), set = set_new(p);

    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, s, EPOLLIN | EPOLLET), 0);
    ck_assert_uint_eq(told(p, set, s), 0);
    peer_send(p, "P.", 1, 1, 10);
    ck_assert_uint_eq(told(p, set, s), EPOLLIN);
    ck_assert_uint_eq(told(p, set, s), 0);
    peer_app_read(p, s, 4); /* reading is no news */
    ck_assert_uint_eq(told(p, set, s), 0);
    peer_send(p, "P.", 11, 1, 10);
    ck_assert_uint_eq(told(p, set, s), EPOLLIN);
    ck_assert_uint_eq(told(p, set, s), 0);
    peer_send(p, "F.", 21, 1, 0);
    ck_assert_uint_eq(told(p, set, s), EPOLLIN);
    ck_assert_uint_eq(told(p, set, s), 0);
    peer_free(p);
}
END_TEST

START_TEST(by_edge_what_was_not_asked_for_is_no_news)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), set = set_new(p);

    peer_send(p, "P.", 1, 1, 10);
    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, s, EPOLLIN | EPOLLET), 0);
    ck_assert_uint_eq(told(p, set, s), EPOLLIN);
    fill(p, s);
    peer_poll(p);
    drain(p); /* there is room again */
    ck_assert_uint_eq(told(p, set, s), 0);
    ck_assert_int_eq(control(p, set, EPOLL_CTL_MOD, s, EPOLLIN | EPOLLET), 0); /* asks anew */
    ck_assert_uint_eq(told(p, set, s), EPOLLIN);
    peer_free(p);
}
END_TEST

START_TEST(by_edge_room_is_told_after_there_was_none)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), set = set_new(p);

    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, s, EPOLLOUT | EPOLLET), 0);
    ck_assert_uint_eq(told(p, set, s), EPOLLOUT);
    peer_app_send(p, s, 10);
    peer_expect(p, "P.", 1, 1, 10);
    peer_send(p, ".", 1, 11, 0); /* there was room all the time */
    ck_assert_uint_eq(told(p, set, s), 0);
    fill(p, s);
    peer_poll(p);
    ck_assert_uint_eq(told(p, set, s), 0);
    drain(p);
    ck_assert_uint_eq(told(p, set, s), EPOLLOUT);
    ck_assert_uint_eq(told(p, set, s), 0);
    peer_free(p);
}
END_TEST

START_TEST(an_edge_tells_all_that_holds)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), set = set_new(p);

    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, s, EPOLLIN | EPOLLOUT | EPOLLET), 0);
    ck_assert_uint_eq(told(p, set, s), EPOLLOUT);
    peer_send(p, "P.", 1, 1, 10);
    ck_assert_uint_eq(told(p, set, s), EPOLLIN | EPOLLOUT);
    ck_assert_uint_eq(told(p, set, s), 0);
    peer_free(p);
}
END_TEST

START_TEST(oneshot_tells_once_until_it_is_asked_again)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), set = set_new(p);

    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, s, EPOLLIN | EPOLLONESHOT), 0);
    peer_send(p, "P.", 1, 1, 10);
    ck_assert_uint_eq(told(p, set, s), EPOLLIN);
    ck_assert_uint_eq(told(p, set, s), 0);
    peer_send(p, "P.", 11, 1, 10);
    ck_assert_uint_eq(told(p, set, s), 0);
    ck_assert_int_eq(control(p, set, EPOLL_CTL_MOD, s, EPOLLIN | EPOLLONESHOT), 0);
    ck_assert_uint_eq(told(p, set, s), EPOLLIN);
    peer_send(p, "R", 21, 0, 0);
    ck_assert_uint_eq(told(p, set, s), 0); /* an error neither */
    peer_free(p);
}
END_TEST

START_TEST(two_sets_and_the_ready_list_hear_of_the_same_news)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), one = set_new(p), two = set_new(p);
    short events;

    while (sock_next_ready(p->stack, &events) >= 0)
        continue;
    ck_assert_int_eq(control(p, one, EPOLL_CTL_ADD, s, EPOLLIN | EPOLLET), 0);
    ck_assert_int_eq(control(p, two, EPOLL_CTL_ADD, s, EPOLLIN | EPOLLET), 0);
    for (uint32_t i = 0; i < 2; i++) {
        peer_send(p, "P.", 1 + i, 1, 1);
        if (i == 1) /* whoever comes first */
            ck_assert_int_eq(sock_next_ready(p->stack, &events), s);
        ck_assert_uint_eq(told(p, one, s), EPOLLIN);
        ck_assert_uint_eq(told(p, two, s), EPOLLIN);
        if (i == 0)
            ck_assert_int_eq(sock_next_ready(p->stack, &events), s);
        ck_assert_int_eq(sock_next_ready(p->stack, &events), -EAGAIN);
    }
    sock_again(p->stack, s); /* no news for a set */
    ck_assert_uint_eq(told(p, one, s), 0);
    ck_assert_int_eq(sock_next_ready(p->stack, &events), s);
    peer_close(p, two);
    peer_send(p, "P.", 3, 1, 1);
    ck_assert_uint_eq(told(p, one, s), EPOLLIN);
    peer_free(p);
}
END_TEST

START_TEST(a_socket_that_was_closed_is_in_no_set)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), set = set_new(p);

    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, s, EPOLLIN), 0);
    peer_send(p, "P.", 1, 1, 1);
    ck_assert_int_eq(sock_poll(p->stack, set), POLLIN);
    peer_close(p, s);
    ck_assert_int_eq(sock_poll(p->stack, set), 0);
    ck_assert_uint_eq(told(p, set, s), 0);
    ck_assert_int_eq(control(p, set, EPOLL_CTL_DEL, s, 0), -EBADF);
    ck_assert_uint_eq(peer_usage(p).epoll_items, 0);
    peer_free(p);
}
END_TEST

/* --- waiting ------------------------------------------------------------------------------ */

struct script {
    struct waiter waiter;
    struct peer *p;
    int s, turns;
    int64_t deadline_ms;
    bool speaks;
};

/* A waiter that lets the time pass, a hundred milliseconds at a turn. */
static int pass(struct waiter *waiter, struct stack *stack, int s, short events, instant deadline)
{
    struct script *script = (struct script *)(void *)waiter;

    (void)stack, (void)events;
    ck_assert_int_eq(s, script->s);
    script->deadline_ms =
        deadline.ns == INT64_MAX ? -1 : (deadline.ns - script->p->began_ns) / 1000000;
    if (script->turns-- == 0) {
        if (!script->speaks)
            return -EINTR;
        peer_send(script->p, "P.", 1, 1, 10);
    }
    peer_wait(script->p, 100);
    return script->p->now.ns >= deadline.ns ? -EAGAIN : 0;
}

START_TEST(epoll_wait_waits_for_an_event_a_time_or_a_signal)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), set = set_new(p);
    struct script script = {.waiter = {.wait = pass}, .p = p, .s = set, .turns = 1000};
    struct epoll_event event;

    ck_assert_int_eq(control(p, set, EPOLL_CTL_ADD, s, EPOLLIN), 0);
    int64_t begin = peer_time(p);
    ck_assert_int_eq(sock_epoll_wait(p->stack, set, &event, 1, 1000, &script.waiter), 0);
    ck_assert_int_eq(script.deadline_ms, begin + 1000);
    ck_assert_int_eq(peer_time(p), begin + 1000);
    script.turns = 3;
    ck_assert_int_eq(sock_epoll_wait(p->stack, set, &event, 1, -1, &script.waiter), -EINTR);
    ck_assert_int_eq(script.deadline_ms, -1);
    script.turns = 3;
    script.speaks = true;
    ck_assert_int_eq(sock_epoll_wait(p->stack, set, &event, 1, -1, &script.waiter), 1);
    ck_assert_uint_eq(event.events, EPOLLIN);
    peer_free(p);
}
END_TEST

START_TEST(poll_waits_for_an_event_a_time_or_a_signal)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), other = peer_listen(p, 1);
    struct script script = {.waiter = {.wait = pass}, .p = p, .s = -1, .turns = 1000};
    struct sock_pollfd fds[2] = {{.s = s, .events = POLLIN}, {.s = other, .events = POLLIN}};

    int64_t begin = peer_time(p);
    ck_assert_int_eq(sock_poll_many(p->stack, fds, 2, 500, &script.waiter), 0);
    ck_assert_int_eq(peer_time(p), begin + 500);
    script.turns = 2;
    ck_assert_int_eq(sock_poll_many(p->stack, fds, 2, -1, &script.waiter), -EINTR);
    script.turns = 2;
    script.speaks = true;
    ck_assert_int_eq(sock_poll_many(p->stack, fds, 2, -1, &script.waiter), 1);
    ck_assert_int_eq(fds[0].revents, POLLIN);
    ck_assert_int_eq(fds[1].revents, 0);
    peer_free(p);
    PROVES("POSIX-poll");
}
END_TEST

START_TEST(poll_says_what_holds_of_what_was_asked)
{
    struct peer *p = peer_new();
    int s = peer_establish_passive(p), fresh = peer_socket(p);
    struct sock_pollfd fds[5] = {{.s = s, .events = POLLIN | POLLOUT},
                                 {.s = -1, .events = POLLIN, .revents = 99},
                                 {.s = 4711, .events = POLLIN},
                                 {.s = fresh, .events = 0},
                                 {.s = s, .events = POLLIN | POLLRDNORM | POLLWRNORM}};

    ck_assert_int_eq(sock_poll_many(p->stack, fds, 5, 0, NULL), 4);
    ck_assert_int_eq(fds[0].revents, POLLOUT);
    ck_assert_int_eq(fds[1].revents, 0);
    ck_assert_int_eq(fds[2].revents, POLLNVAL);
    ck_assert_int_eq(fds[3].revents, POLLHUP);
    ck_assert_int_eq(fds[4].revents, POLLWRNORM);
    peer_send(p, "PF.", 1, 1, 3);
    fds[0].events = POLLIN | POLLRDHUP;
    ck_assert_int_eq(sock_poll_many(p->stack, fds, 1, 0, NULL), 1);
    ck_assert_int_eq(fds[0].revents, POLLIN | POLLRDHUP);
    ck_assert_int_eq(sock_poll_many(p->stack, NULL, 1, 0, NULL), -EFAULT);
    ck_assert_int_eq(sock_poll_many(p->stack, NULL, 0, 0, NULL), 0);
    peer_free(p);
    PROVES("POSIX-poll");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sock_epoll");

    TCase *c = tcase_create("epoll_create(2), epoll_ctl(2), epoll_wait(2): errors");
    tcase_add_test(c, epoll_ctl_says_what_is_wrong);
    tcase_add_test(c, epoll_wait_says_what_is_wrong);
    tcase_add_test(c, an_epoll_set_is_no_socket);
    tcase_add_test(c, sets_and_items_have_a_cap);
    suite_add_tcase(s, c);

    c = tcase_create("epoll(7): level");
    tcase_add_test(c, by_level_a_socket_is_told_as_long_as_there_is_text);
    tcase_add_test(c, a_set_is_not_readable_for_what_no_longer_holds);
    tcase_add_test(c, what_holds_when_a_socket_is_added_is_told);
    tcase_add_test(c, the_end_of_the_peers_stream_is_told_in_its_kinds);
    tcase_add_test(c, a_reset_is_told_though_nobody_asked);
    tcase_add_test(c, a_listener_and_a_connect_are_told);
    tcase_add_test(c, many_sockets_take_turns);
    suite_add_tcase(s, c);

    c = tcase_create("epoll(7): edge");
    tcase_add_test(c, by_edge_more_text_is_told_though_some_is_unread);
    tcase_add_test(c, by_edge_what_was_not_asked_for_is_no_news);
    tcase_add_test(c, by_edge_room_is_told_after_there_was_none);
    tcase_add_test(c, an_edge_tells_all_that_holds);
    tcase_add_test(c, oneshot_tells_once_until_it_is_asked_again);
    tcase_add_test(c, two_sets_and_the_ready_list_hear_of_the_same_news);
    tcase_add_test(c, a_socket_that_was_closed_is_in_no_set);
    suite_add_tcase(s, c);

    c = tcase_create("poll(2), epoll_wait(2): waiting");
    tcase_add_test(c, epoll_wait_waits_for_an_event_a_time_or_a_signal);
    tcase_add_test(c, poll_waits_for_an_event_a_time_or_a_signal);
    tcase_add_test(c, poll_says_what_holds_of_what_was_asked);
    suite_add_tcase(s, c);
    return run_suite(s, "sock_epoll");
}
