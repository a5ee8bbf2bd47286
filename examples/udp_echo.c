/*
 * udp_echo.c - sends each datagram back to whoever sent it, from a stack of its own.
 *
 *     cc udp_echo.c $(pkg-config --cflags --libs tapio) && sudo ./a.out tap0 9 &
 *     echo hello | nc -u -w 1 10.9.0.2 7
 *
 * One socket serves all: recvmsg() says who has sent a datagram and to which of our addresses, and
 * sendmsg() answers from there. It ends after as many datagrams as its second argument says.
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

static int open_socket(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(7)};
    int on = 1, s = tapio_socket(AF_INET, SOCK_DGRAM, 0);

    if (s < 0 || tapio_setsockopt(s, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) ||
        tapio_bind(s, (struct sockaddr *)&any, sizeof any))
        fail("a socket at port 7", strerror(errno));
    return s;
}

/* What came goes back: the name is the sender's, and the control message that says where it arrived
 * says where the answer leaves from. */
static void echo(int s)
{
    char data[2048];
    union {
        struct cmsghdr align;
        char octets[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control;
    struct sockaddr_in from;
    struct iovec iov = {data, sizeof data};
    struct msghdr msg = {.msg_name = &from,
                         .msg_namelen = sizeof from,
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof control};
    ssize_t n = tapio_recvmsg(s, &msg, 0);

    if (n < 0)
        fail("recvmsg", strerror(errno));
    if (msg.msg_flags & MSG_TRUNC)
        return; /* more than we have room for: half an echo is none */
    iov.iov_len = (size_t)n;
    if (tapio_sendmsg(s, &msg, 0) != n)
        perror("sendmsg");
}

int main(int argc, char **argv)
{
    char why[HOST_WHY];
    struct dev *dev;

    if (argc != 3)
        fail("usage", "udp_echo TAP COUNT");
    struct stack *stack = host_stack(argv[1], "10.9.0.2/24", "10.9.0.1/24", &dev, why, sizeof why);
    if (!stack)
        fail("no stack", why);
    if (tapio_attach(stack) || tapio_start(dev))
        fail("cannot start the stack", strerror(errno));
    int s = open_socket();
    puts("ready");
    fflush(stdout);
    for (long left = strtol(argv[2], NULL, 10); left > 0; left--)
        echo(s);
    tapio_detach();
    stack_free(stack);
    dev_close(dev);
    return EXIT_SUCCESS;
}
