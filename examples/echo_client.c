/*
 * echo_client.c - sends its standard input to a host over a stack of its own, prints what comes.
 *
 *     cc echo_client.c $(pkg-config --cflags --libs tapio) && sudo ./a.out tap0 10.9.0.1 7 <file
 *
 * It writes when there is room and reads when there is text: neither side waits for the other.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tapio/host.h>
#include <tapio/socket.h>
#include <unistd.h>

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static int connect_to(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *found;
    int s = -1, error = tapio_getaddrinfo(host, port, &hints, &found);

    if (error)
        fail(host, tapio_gai_strerror(error));
    for (struct addrinfo *to = found; to && s < 0; to = to->ai_next) {
        s = tapio_socket(to->ai_family, to->ai_socktype, to->ai_protocol);
        if (s >= 0 && tapio_connect(s, to->ai_addr, to->ai_addrlen))
            s = (perror(host), tapio_close(s), -1);
    }
    tapio_freeaddrinfo(found);
    return s;
}

static void talk(int s)
{
    char out[16384], in[16384];
    ssize_t waiting = 0, sent = 0;

    for (bool ends = false;;) {
        if (sent == waiting && !ends) { /* the next piece, or the end */
            sent = 0;
            waiting = read(STDIN_FILENO, out, sizeof out);
            if ((ends = waiting <= 0) && tapio_shutdown(s, SHUT_WR))
                return;
        }
        struct pollfd fd = {.fd = s, .events = ends ? POLLIN : POLLIN | POLLOUT};
        tapio_poll(&fd, 1, -1);
        if (fd.revents & POLLIN) {
            ssize_t n = tapio_recv(s, in, sizeof in, MSG_DONTWAIT);
            if (n <= 0 || fwrite(in, 1, (size_t)n, stdout) != (size_t)n)
                return;
        }
        if (fd.revents & POLLOUT && !ends) {
            ssize_t n = tapio_send(s, out + sent, (size_t)(waiting - sent), MSG_DONTWAIT);
            if (n < 0)
                fail("send", strerror(errno));
            sent += n;
        }
    }
}

int main(int argc, char **argv)
{
    char why[HOST_WHY];
    struct dev *dev;

    if (argc != 4)
        fail("usage", "echo_client TAP HOST PORT");
    struct stack *stack = host_stack(argv[1], "10.9.0.2/24", "10.9.0.1/24", &dev, why, sizeof why);
    if (!stack)
        fail("no stack", why);
    if (tapio_attach(stack) || tapio_start(dev))
        fail("cannot start the stack", strerror(errno));
    int s = connect_to(argv[2], argv[3]);
    if (s >= 0)
        talk(s);
    tapio_detach();
    stack_free(stack);
    dev_close(dev);
    return s >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
