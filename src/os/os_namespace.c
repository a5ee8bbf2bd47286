/*
 * os_namespace.c - what `unshare -Urn` does, and the loopback interface up.
 *
 * An ordinary user may map exactly one user id, its own, and must give up setgroups() before it may
 * map a group (user_namespaces(7)). The maps can be written once, so a failure here is final.
 */
#include "os/os_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/os_link.h"

static int write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = write(fd, text, strlen(text));
    int err = n < 0 ? -errno : 0;
    close(fd);
    return err;
}

static int write_map(const char *path, unsigned outside)
{
    char map[32];
    snprintf(map, sizeof map, "0 %u 1", outside);
    return write_file(path, map);
}

int os_namespace_enter(bool user, const char **doing)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();

    *doing = user ? "make a user and a network namespace" : "make a network namespace";
    if (unshare(CLONE_NEWNET | (user ? CLONE_NEWUSER : 0)) < 0)
        return -errno;
    if (user) {
        *doing = "map users into the namespace";
        int err = write_file("/proc/self/setgroups", "deny");
        if (err && err != -ENOENT) /* kernels before 3.19 have no such file and no such rule */
            return err;
        err = write_map("/proc/self/uid_map", uid);
        if (!err)
            err = write_map("/proc/self/gid_map", gid);
        if (err)
            return err;
    }
    *doing = "bring up the loopback interface of the namespace";
    return os_link_raise("lo");
}
