/*
 * cc.h - what lwIP asks of its platform. It finds the rest (integer types, byte order, packing) by
 * itself on a system with a C library.
 *
 * The checksum is the one piece of a port that pays to replace: lwIP's own takes 32 bits at a time.
 */
#ifndef PEER_LWIP_CC_H
#define PEER_LWIP_CC_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* No checks of its own work, as NDEBUG would have it elsewhere. */
#define LWIP_NOASSERT 1
#define LWIP_PLATFORM_DIAG(x)                                                                      \
    do {                                                                                           \
        printf x;                                                                                  \
    } while (0)
#define LWIP_PLATFORM_ASSERT(x)                                                                    \
    do {                                                                                           \
        fprintf(stderr, "lwip: %s\n", x);                                                          \
        abort();                                                                                   \
    } while (0)

/* The C library's names stay its own; lwIP's are one instruction. */
#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS 1
#define lwip_htons(x)                         __builtin_bswap16(x)
#define lwip_htonl(x)                         __builtin_bswap32(x)

#define LWIP_RAND() peer_random()
#define LWIP_CHKSUM peer_checksum

uint32_t peer_random(void);

/* The sum of the octets, not complemented, in the octets' own order. */
uint16_t peer_checksum(const void *octets, int len);

#endif
