/*
 * tap_explain.c - why a TAP could not be opened, in one line that ends with what to do.
 *
 * An errno alone sends people to a search engine: EBUSY does not say who, EINVAL does not say that
 * tap0 is somebody's bridge. Who has a TAP can be found in /proc/PID/fdinfo, where the kernel names
 * the interface behind each descriptor of /dev/net/tun ("iff:" and the name). It shows the programs
 * of our own user, or all to root. Another network namespace may have the same name, so only
 * programs of ours count.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dev/tap.h"

/* Does the file, an fdinfo, name the interface? */
static bool names_interface(const char *path, const char *name)
{
    FILE *in = fopen(path, "re");
    char line[128];
    bool found = false;

    if (!in)
        return false;
    while (!found && fgets(line, sizeof(line), in)) {
        line[strcspn(line, "\n")] = '\0';
        found = strncmp(line, "iff:\t", 5) == 0 && strcmp(line + 5, name) == 0;
    }
    fclose(in);
    return found;
}

static bool is_in_our_network(const char *pid)
{
    char path[64];
    struct stat theirs, ours;

    snprintf(path, sizeof(path), "/proc/%.20s/ns/net", pid);
    return stat(path, &theirs) == 0 && stat("/proc/self/ns/net", &ours) == 0 &&
           theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

static bool process_has(const char *pid, const char *name)
{
    char path[300];
    bool found = false;

    snprintf(path, sizeof(path), "/proc/%.20s/fdinfo", pid);
    DIR *descriptors = opendir(path);
    if (!descriptors)
        return false;
    for (struct dirent *d; !found && (d = readdir(descriptors));) {
        snprintf(path, sizeof(path), "/proc/%.20s/fdinfo/%.20s", pid, d->d_name);
        found = d->d_name[0] != '.' && names_interface(path, name);
    }
    closedir(descriptors);
    return found;
}

/* "python3 (pid 4711)", or what one can say without knowing. */
static void find_user(const char *name, char *out, size_t room)
{
    DIR *processes = opendir("/proc");

    snprintf(out, room, "another program");
    if (!processes)
        return;
    for (struct dirent *d; (d = readdir(processes));) {
        if (d->d_name[0] < '1' || d->d_name[0] > '9' || !is_in_our_network(d->d_name) ||
            !process_has(d->d_name, name))
            continue;
        char path[64];
        char command[32] = "";
        snprintf(path, sizeof(path), "/proc/%.20s/comm", d->d_name);
        FILE *in = fopen(path, "re");
        if (in && fgets(command, sizeof(command), in))
            command[strcspn(command, "\n")] = '\0';
        if (in)
            fclose(in);
        snprintf(out, room, "%s (pid %.20s)", command[0] ? command : "a program", d->d_name);
        break;
    }
    closedir(processes);
}

const char *tap_explain(int err, const char *name, bool tun, bool by_option, char *out, size_t room)
{
    const char *mode = tun ? "tun" : "tap";
    char another[32] = "another name";
    char user[80];

    if (by_option)
        snprintf(another, sizeof another, "another with --dev %s:NAME", mode);

    switch (-err) {
    case EPERM:
        snprintf(
            out, room,
            "no permission to use %s: run as root or in 'unshare -rn', or let root make it for "
            "you: ip tuntap add dev %s mode %s user $USER",
            name, name, mode);
        break;
    case EACCES:
        snprintf(out, room,
                 "/dev/net/tun may not be opened: let root allow it: chmod 666 /dev/net/tun");
        break;
    case ENOENT:
        snprintf(out, room,
                 "there is no /dev/net/tun: let root run 'modprobe tun', or give the container the "
                 "device (--device /dev/net/tun)");
        break;
    case ENODEV:
    case ENXIO:
        snprintf(out, room, "no driver behind /dev/net/tun: let root run 'modprobe tun'");
        break;
    case EBUSY:
        find_user(name, user, sizeof(user));
        snprintf(out, room, "%s is in use by %s; stop it, or take %s", name, user, another);
        break;
    case EINVAL:
        if (tap_name_is_possible(name))
            snprintf(out, room,
                     "%s exists but is not a %s that can be joined (another kind of interface, or "
                     "one with several queues); take %s",
                     name, tun ? "TUN" : "TAP", another);
        else
            snprintf(out, room,
                     "'%.40s' cannot be the name of an interface: it must have 1 to 15 letters and "
                     "neither '/' nor ':' nor a space; take %s",
                     name, another);
        break;
    default:
        snprintf(out, room, "cannot open %s: %s", name, strerror(-err));
        break;
    }
    return out;
}
