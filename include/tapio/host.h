/*
 * tapio/host.h - what a stack needs of a Linux machine: clocks, randomness, a TAP.
 *
 * A stack takes all of them from whoever makes it, and a program may have its own. These are those
 * that `tapio serve` uses.
 */
#ifndef TAPIO_HOST_H
#define TAPIO_HOST_H

#include <tapio/tapio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* CLOCK_MONOTONIC, the wall clock, getrandom() and malloc(). 0, or a negative errno when there is
 * no randomness yet: keys that could be guessed are worse than no stack. */
TAPIO_API TAPIO_NODISCARD int host_env(struct env *out);

/* The TAP interface `name` ("tap0") as a device. One that is there is attached to and stays as it
 * is; else it is made, goes away with its device, and the kernel's side gets the address `kernel`.
 * 0, or a negative errno and in `why` a line for people that ends with what to do. */
TAPIO_API TAPIO_NODISCARD int host_tap(const char *name, struct ip_prefix kernel, struct dev **out,
                                       char *why, size_t room);

#ifdef __cplusplus
}
#endif
#endif
