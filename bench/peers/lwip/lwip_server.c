/*
 * lwip_server.c - lwIP as a contestant of scripts/bench: the services of `tapio serve` over its raw
 * API and a TAP. One thread and one epoll, as ours.
 *
 *     lwip_server --dev tapN --addr 10.9.N.2/24 [--offload on|off]
 *
 * Prints "ready" and serves until it is killed. The interface's other end (up, and an address) is
 * the caller's to make, before or after.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "lwip/init.h"
#include "lwip/pbuf.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"
#include "services.h"
#include "tap_netif.h"

enum { BATCH = 64 }; /* frames between two looks at the timers */

struct arguments {
    const char *dev;
    ip4_addr_t addr, mask;
    bool offload;
};

/* --- what lwIP asks of its platform ------------------------------------------------------- */

u32_t sys_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u32_t)(t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

uint32_t peer_random(void)
{
    uint32_t n = 0;
    (void)!getrandom(&n, sizeof(n), 0);
    return n;
}

/* Words of 32 bits into sums of 64, which cannot run over: a shape that compilers make wide. */
uint16_t peer_checksum(const void *octets, int len)
{
    const uint8_t *at = octets;
    uint64_t sum = 0;

    for (; len >= 4; len -= 4, at += 4) {
        uint32_t word;
        memcpy(&word, at, 4);
        sum += word;
    }
    uint8_t rest[4] = {0};
    memcpy(rest, at, (size_t)len);
    uint32_t word;
    memcpy(&word, rest, 4);
    sum += word;
    sum = (sum >> 32) + (sum & UINT32_MAX);
    sum = (sum >> 32) + (sum & UINT32_MAX);
    sum = (sum >> 16) + (sum & UINT16_MAX);
    sum = (sum >> 16) + (sum & UINT16_MAX);
    return (uint16_t)sum;
}

/* --- the command line --------------------------------------------------------------------- */

static void usage(void)
{
    fprintf(stderr, "usage: lwip_server --dev TAP --addr ADDR/BITS [--offload on|off]\n");
    exit(2);
}

static void parse_addr(const char *text, struct arguments *out)
{
    char addr[INET_ADDRSTRLEN] = "";
    const char *slash = strchr(text, '/');
    char *end = NULL;
    long bits = slash ? strtol(slash + 1, &end, 10) : 0;

    if (!slash || (size_t)(slash - text) >= sizeof(addr) || *end || bits < 1 || bits > 32)
        usage();
    memcpy(addr, text, (size_t)(slash - text));
    if (inet_pton(AF_INET, addr, &out->addr.addr) != 1)
        usage();
    out->mask.addr = htonl(UINT32_MAX << (32 - bits));
}

static struct arguments parse_arguments(int argc, char **argv)
{
    struct arguments out = {0};
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc)
            usage();
        if (strcmp(argv[i], "--dev") == 0)
            out.dev = argv[i + 1];
        else if (strcmp(argv[i], "--addr") == 0)
            parse_addr(argv[i + 1], &out);
        else if (strcmp(argv[i], "--offload") == 0 && strcmp(argv[i + 1], "on") == 0)
            out.offload = true;
        else if (strcmp(argv[i], "--offload") == 0 && strcmp(argv[i + 1], "off") == 0)
            out.offload = false;
        else
            usage();
    }
    if (!out.dev || !out.addr.addr)
        usage();
    return out;
}

/* --- the loop ----------------------------------------------------------------------------- */

static void serve(struct netif *netif, const struct tap *tap)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, tap->fd, &event) < 0) {
        perror("lwip_server: epoll");
        exit(1);
    }
    for (;;) {
        bool idle = tap_receive(netif, BATCH);
        PBUF_CHECK_FREE_OOSEQ();
        sys_check_timeouts();
        if (!idle)
            continue;
        u32_t sleep_ms = sys_timeouts_sleeptime();
        (void)epoll_wait(epoll, &event, 1, sleep_ms < 1000 ? (int)sleep_ms : 1000);
    }
}

int main(int argc, char **argv)
{
    static struct netif netif;
    static struct tap tap;
    struct arguments args = parse_arguments(argc, argv);
    ip4_addr_t nowhere = {0};

    tap_open(&tap, args.dev, args.offload);
    lwip_init();
    if (!netif_add(&netif, &args.addr, &args.mask, &nowhere, &tap, tap_netif_init,
                   ethernet_input)) {
        fprintf(stderr, "lwip_server: lwIP does not take the interface\n");
        return 1;
    }
    netif_set_default(&netif);
    netif_set_link_up(&netif);
    netif_set_up(&netif);
    services_start();
    printf("ready\n");
    fflush(stdout);
    serve(&netif, &tap);
    return 0;
}
