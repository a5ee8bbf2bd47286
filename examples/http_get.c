/*
 * http_get.c - fetches a page as the textbooks do, with nothing but socket calls.
 *
 *     cc http_get.c $(pkg-config --cflags --libs tapio) && sudo ./a.out tap0 10.9.0.1 8000 /
 *
 * The request asks the server to close when it is done, so the page ends where the stream does.
 * `tapio get` is the client that does it properly.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tapio/host.h>
#include <tapio/socket.h>

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static int connect_to(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    int error = tapio_getaddrinfo(host, port, &hints, &found);

    if (error)
        fail(host, tapio_gai_strerror(error));
    int s = tapio_socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    if (s < 0 || tapio_connect(s, found->ai_addr, found->ai_addrlen))
        fail(host, strerror(errno));
    tapio_freeaddrinfo(found);
    return s;
}

static void ask(int s, const char *host, const char *path)
{
    char request[1024];
    int len = snprintf(request, sizeof request,
                       "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host);

    if (len >= (int)sizeof request)
        fail(path, "too long");
    for (int sent = 0; sent < len;) { /* a short count is normal */
        ssize_t n = tapio_write(s, request + sent, (size_t)(len - sent));
        if (n < 0)
            fail("write", strerror(errno));
        sent += (int)n;
    }
}

int main(int argc, char **argv)
{
    char answer[16384];
    char why[HOST_WHY];
    struct dev *dev;
    ssize_t n;

    if (argc != 5)
        fail("usage", "http_get TAP HOST PORT PATH");
    struct stack *stack = host_stack(argv[1], "10.9.0.2/24", "10.9.0.1/24", &dev, why, sizeof why);
    if (!stack)
        fail("no stack", why);
    if (tapio_attach(stack) || tapio_start(dev))
        fail("cannot start the stack", strerror(errno));
    int s = connect_to(argv[2], argv[3]);
    ask(s, argv[2], argv[4]);
    while ((n = tapio_read(s, answer, sizeof answer)) > 0)
        fwrite(answer, 1, (size_t)n, stdout);
    if (n < 0)
        fail("read", strerror(errno));
    tapio_close(s);
    tapio_detach();
    stack_free(stack);
    dev_close(dev);
    return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
