/*
 * tapio/host.h - what a stack needs of a Linux machine: clocks, randomness, a TAP, or all three.
 *
 * A stack takes all of them from whoever makes it, and a program may have its own. These are those
 * that `tapio serve` uses. In one call, for the sockets of tapio/socket.h:
 *
 *     char why[HOST_WHY];
 *     struct dev *dev;
 *     struct stack *stack =
 *         host_stack("tap0", "10.9.0.2/24", "10.9.0.1/24", &dev, why, sizeof why);
 *     if (!stack)
 *         errx(1, "%s", why);
 *     if (tapio_attach(stack) || tapio_start(dev))
 *         err(1, "tapio");
 */
#ifndef TAPIO_HOST_H
#define TAPIO_HOST_H

#include <tapio/tapio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { HOST_WHY = 300 }; /* octets that the longest of the lines below fits into */

/* CLOCK_MONOTONIC, the wall clock, getrandom() and malloc(). 0, or a negative errno when there is
 * no randomness yet: keys that could be guessed are worse than no stack. */
TAPIO_API TAPIO_NODISCARD int host_env(struct env *out);

/* The TAP interface `name` ("tap0") as a device. One that is there is attached to and stays as it
 * is; else it is made, goes away with its device, and the kernel's side gets the address `kernel`.
 * 0, or a negative errno and in `why` a line for people that ends with what to do. */
TAPIO_API TAPIO_NODISCARD int host_tap(const char *name, struct ip_prefix kernel, struct dev **out,
                                       char *why, size_t room);

/* Both of them, and a stack on the TAP at `addr` ("10.9.0.2/24"); `kernel` ("10.9.0.1/24") is the
 * other side, as above, and the way to whatever is not on the link (unless net.ipv4.ip_forward is
 * on, the kernel drops that without a word). All else is as stack_config_init() has it; for other
 * choices make the stack by stack_new(). The caller ends it by stack_free() and dev_close(), in
 * that order. NULL, and in `why` a line for people. */
TAPIO_API TAPIO_NODISCARD struct stack *host_stack(const char *tap, const char *addr,
                                                   const char *kernel, struct dev **dev, char *why,
                                                   size_t room);

#ifdef __cplusplus
}
#endif
#endif
