/*
 * foreign_loop.c - a socket of tapio in the kernel's epoll, beside the standard input.
 *
 *     cc foreign_loop.c $(pkg-config --cflags --libs tapio) && sudo ./a.out tap0 10.9.0.1 2000
 *
 * A small nc. Any loop that waits for descriptors (libuv, GLib, select) can do the same: tapio_fd()
 * makes a socket's number one that the kernel can wait for, and tapio_fd_arm() says for what.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <tapio/host.h>
#include <tapio/socket.h>
#include <unistd.h>

static void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

/* What the peer has sent, until there is no more; false at its end. */
static bool show(int s)
{
    char text[4096];
    ssize_t n;

    while ((n = tapio_recv(s, text, sizeof text, MSG_DONTWAIT)) > 0)
        if (write(STDOUT_FILENO, text, (size_t)n) != n)
            return false;
    return n < 0 && tapio_fd_arm(s, POLLIN) == 0; /* EAGAIN: tell us when there is more */
}

/* A line or a piece of the input; false at its end. */
static bool say(int s)
{
    char text[4096];
    ssize_t n = read(STDIN_FILENO, text, sizeof text);

    if (n > 0)
        return tapio_send(s, text, (size_t)n, MSG_NOSIGNAL) == n; /* waits for room */
    tapio_shutdown(s, SHUT_WR);
    return false;
}

int main(int argc, char **argv)
{
    struct sockaddr_in peer = {.sin_family = AF_INET};
    struct epoll_event event = {.events = EPOLLIN}, ready;
    char why[HOST_WHY];
    struct dev *dev;

    if (argc != 4 || inet_pton(AF_INET, argv[2], &peer.sin_addr) != 1)
        return fputs("usage: foreign_loop TAP ADDRESS PORT\n", stderr), 2;
    peer.sin_port = htons((uint16_t)strtol(argv[3], NULL, 10));
    struct stack *stack = host_stack(argv[1], "10.9.0.2/24", "10.9.0.1/24", &dev, why, sizeof why);
    if (!stack)
        return fprintf(stderr, "%s\n", why), EXIT_FAILURE;
    if (tapio_attach(stack) || tapio_start(dev))
        fail("cannot start the stack");
    int s = tapio_socket(AF_INET, SOCK_STREAM, 0), loop = epoll_create1(EPOLL_CLOEXEC);
    if (s < 0 || tapio_connect(s, (struct sockaddr *)&peer, sizeof peer))
        fail(argv[2]);

    if (tapio_fd(s) != s || tapio_fd_arm(s, POLLIN))
        fail("tapio_fd");
    event.data.fd = s;
    if (loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, s, &event))
        fail("epoll");
    event.data.fd = STDIN_FILENO;
    if (epoll_ctl(loop, EPOLL_CTL_ADD, STDIN_FILENO, &event))
        fail("the input is no pipe and no terminal");
    for (bool more = true; more && epoll_wait(loop, &ready, 1, -1) == 1;)
        if (ready.data.fd == s)
            more = show(s);
        else if (!say(s))
            epoll_ctl(loop, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
    tapio_close(s);
    tapio_detach();
    stack_free(stack);
    dev_close(dev);
    return EXIT_SUCCESS;
}
