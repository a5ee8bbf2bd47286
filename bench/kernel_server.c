/*
 * kernel_server.c - the yardstick of scripts/bench: the services of services.h over the kernel's
 * own TCP, a bare epoll loop.
 *
 *     kernel_server      prints "ready" and serves until it is killed
 */
#include <stdio.h>

#include "services.h"

int main(void)
{
    services_raise_limit();
    int epoll = services_open();
    printf("ready\n");
    fflush(stdout);
    for (;;)
        services_turn(epoll, -1);
}
