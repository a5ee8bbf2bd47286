/*
 * echo_server.c - the echo service (RFC 862) on a TAP, written as for the kernel's sockets.
 *
 *     cc echo_server.c $(pkg-config --cflags --libs tapio) -pthread && sudo ./a.out tap0
 *     nc 10.9.0.2 7
 *
 * A thread for each connection, and blocking calls: one thread of the library's own polls the
 * stack. It serves until it is killed, or as many connections as the second argument says.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <tapio/host.h>
#include <tapio/socket.h>

static void *echo(void *argument)
{
    int s = (int)(intptr_t)argument;
    char text[16384];
    ssize_t len;

    while ((len = tapio_read(s, text, sizeof text)) > 0)
        for (ssize_t sent = 0, n; sent < len; sent += n)
            if ((n = tapio_send(s, text + sent, (size_t)(len - sent), MSG_NOSIGNAL)) < 0)
                break;
    tapio_close(s);
    return NULL;
}

static int listen_at(uint16_t port)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    int s = tapio_socket(AF_INET, SOCK_STREAM, 0);

    if (s < 0 || tapio_bind(s, (struct sockaddr *)&any, sizeof any) || tapio_listen(s, 128)) {
        perror("cannot listen");
        exit(EXIT_FAILURE);
    }
    return s;
}

int main(int argc, char **argv)
{
    long connections = argc > 2 ? strtol(argv[2], NULL, 10) : -1;
    const char *tap = argc > 1 ? argv[1] : "tap0";
    char why[HOST_WHY];
    struct dev *dev;
    struct stack *stack = host_stack(tap, "10.9.0.2/24", "10.9.0.1/24", &dev, why, sizeof why);
    if (!stack)
        return fprintf(stderr, "%s\n", why), EXIT_FAILURE;
    if (tapio_attach(stack) || tapio_start(dev))
        return perror("cannot start the stack"), EXIT_FAILURE;
    int listener = listen_at(7);
    pthread_t last = pthread_self();

    puts("ready 10.9.0.2:7");
    fflush(stdout);
    for (int s; connections-- != 0 && (s = tapio_accept(listener, NULL, NULL)) >= 0;) {
        if (pthread_create(&last, NULL, echo, (void *)(intptr_t)s))
            tapio_close(s);
        else if (connections)
            pthread_detach(last);
    }
    if (!pthread_equal(last, pthread_self()))
        pthread_join(last, NULL);
    tapio_detach();
    stack_free(stack);
    dev_close(dev);
    return EXIT_SUCCESS;
}
