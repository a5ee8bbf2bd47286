/*
 * services.h - what every contestant of scripts/bench answers, over POSIX's socket calls.
 *
 * TCP: 7 echo, 9 discard, 19 chargen, 80 HTTP (GET / and /100: 100 octets; /10k: 10,240; keep-alive
 * unless the request says `Connection: close`). UDP: 9 discard.
 *
 * One text for two sets of calls: compiled as it is it runs on the kernel's sockets, with
 * SERVICES_OVER_TAPIO on ours. What is compared is then what is beneath, and nothing else.
 */
#ifndef BENCH_SERVICES_H
#define BENCH_SERVICES_H

#include <stdbool.h>

/* Listens everywhere. The descriptor of the set that services_turn() waits for; exits on failure.
 */
int services_open(void);

/* Serves what is ready, after waiting for at most `timeout_ms` (negative: for ever). Was there
 * anything? */
bool services_turn(int epoll, int timeout_ms);

/* As many descriptors as we may have. */
void services_raise_limit(void);

#endif
