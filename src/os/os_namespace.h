/*
 * os_namespace.h - a network of one's own, without being root.
 */
#ifndef TAPIO_OS_NAMESPACE_H
#define TAPIO_OS_NAMESPACE_H

#include "base/base.h"

/* Moves this process, which must have one thread, into a new network namespace and brings its
 * loopback interface up. With `user`, into a new user namespace first, where it is root over that
 * network and nothing else. A negative errno, with the failed step in *doing ("make a user
 * namespace"); the process may then be half way and should end. */
NODISCARD int os_namespace_enter(bool user, const char **doing);

#endif
