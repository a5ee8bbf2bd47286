/*
 * os_env.c - clocks and randomness.
 *
 * Keys and initial sequence numbers hang on the randomness (RFC 9293, 3.4.1), so it fails closed:
 * getrandom() is asked not to block, an answer that is short or late is an error, and nothing else
 * (time, a process id, rand()) ever stands in for it. A kernel that is still gathering entropy says
 * EAGAIN, and the program that asked too early is told so instead of hanging.
 */
#include "os/os_env.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* What the kernel gives in one piece, whatever signals arrive (getrandom(2)). */
enum { RANDOM_PIECE = 256 };

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t = {0};
    int err = clock_gettime(clock, &t);
    assert(!err); /* both clocks have been there since Linux 2.6 */
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

instant os_now(void)
{
    return (instant){clock_ns(CLOCK_MONOTONIC)};
}

static int64_t mono_ns(void *context)
{
    (void)context;
    return clock_ns(CLOCK_MONOTONIC);
}

static int64_t wall_ns(void *context)
{
    (void)context;
    return clock_ns(CLOCK_REALTIME);
}

static void seeded_octets(struct prng *prng, uint8_t *out, size_t len)
{
    while (len) {
        uint64_t number = prng_next(prng);
        size_t n = size_min(len, sizeof number);
        memcpy(out, &number, n);
        out += n;
        len -= n;
    }
}

int os_random(os_getrandom *source, void *octets, size_t len)
{
    uint8_t *out = octets;

    while (len) {
        size_t piece = size_min(len, RANDOM_PIECE);
        ssize_t n = source(out, piece, GRND_NONBLOCK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if ((size_t)n != piece)
            return -EIO;
        out += piece;
        len -= piece;
    }
    return 0;
}

static int random_octets(void *context, void *octets, size_t len)
{
    struct os_env *e = context;

    if (!e->seeded)
        return os_random(e->getrandom, octets, len);
    seeded_octets(&e->prng, octets, len);
    return 0;
}

int os_env_init(struct os_env *e, os_getrandom *source)
{
    uint8_t probe[32];

    *e = (struct os_env){
        .env = {.context = e, .mono_ns = mono_ns, .wall_ns = wall_ns, .random = random_octets},
        .getrandom = source ? source : getrandom,
    };
    return random_octets(e, probe, sizeof probe);
}

void os_env_seed(struct os_env *e, uint64_t seed)
{
    e->seeded = true;
    prng_seed(&e->prng, seed);
}
