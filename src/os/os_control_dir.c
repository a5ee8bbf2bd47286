/*
 * os_control_dir.c - see os_control_dir.h.
 *
 * A folder counts when it is ours, a folder and no link to one, and nobody else may look into it:
 * /tmp is everybody's, and so is the name of our folder there. A socket gets its name only when it
 * listens already (os_control.c), so one that refuses is dead and not being born. Names that do not
 * look like a socket of ours are left alone.
 */
#include "os/os_control_dir.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { DIRS = 3 };

/* The candidates, in their order; an empty one is none. */
static void name_dirs(char out[DIRS][OS_CONTROL_PATH])
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    int len = 0;

    memset(out, 0, DIRS * sizeof out[0]);
    if (runtime && runtime[0] == '/')
        len = snprintf(out[0], sizeof out[0], "%s/tapio", runtime);
    if (len >= (int)sizeof out[0])
        out[0][0] = '\0';
    snprintf(out[1], sizeof out[1], "/run/tapio");
    if (strcmp(out[0], out[1]) == 0)
        out[0][0] = '\0'; /* else each socket there would be found twice */
    snprintf(out[2], sizeof out[2], "/tmp/tapio-%u", (unsigned)geteuid());
}

static int check_dir(const char *dir)
{
    struct stat st;

    if (lstat(dir, &st) != 0)
        return -errno;
    if (!S_ISDIR(st.st_mode))
        return -ENOTDIR;
    return st.st_uid == geteuid() && (st.st_mode & 077) == 0 ? 0 : -EPERM;
}

int os_control_place(const char *device, char out[OS_CONTROL_PATH])
{
    char dirs[DIRS][OS_CONTROL_PATH];
    int err = -ENOENT;

    name_dirs(dirs);
    for (int i = 0; i < DIRS; i++) {
        if (!dirs[i][0])
            continue;
        err = mkdir(dirs[i], 0700) != 0 && errno != EEXIST ? -errno : check_dir(dirs[i]);
        if (err)
            continue;
        int len = snprintf(out, OS_CONTROL_PATH, "%s/%ld-%s.sock", dirs[i], (long)getpid(), device);
        if (len < OS_CONTROL_PATH)
            return 0;
        err = -ENAMETOOLONG;
    }
    return err;
}

void os_control_leave(const char *path)
{
    char dir[OS_CONTROL_PATH];

    snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(path, '/') - path), path);
    rmdir(dir); /* which only an empty one lets happen */
}

int os_control_connect(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof to.sun_path)
        return -ENAMETOOLONG;
    memcpy(to.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    int err = -errno;
    close(fd);
    return err;
}

/* "PID-DEVICE.sock", or what is left of one that was never finished, ".PID-DEVICE.sock"? */
static bool is_ours(const char *name)
{
    const char *at = name + (name[0] == '.');
    size_t digits = strspn(at, "0123456789");
    size_t len = strlen(at);

    return digits > 0 && at[digits] == '-' && len > strlen(".sock") &&
           strcmp(at + len - strlen(".sock"), ".sock") == 0;
}

/* Is the process gone that began to make this one? */
static bool is_abandoned(const char *name)
{
    char proc[40];

    snprintf(proc, sizeof proc, "/proc/%ld", strtol(name + 1, NULL, 10));
    return access(proc, F_OK) != 0;
}

static void look_at(const char *dir, const char *name, struct os_control_found *out)
{
    char path[2 * OS_CONTROL_PATH];
    struct stat st;

    if (!is_ours(name))
        return;
    int len = snprintf(path, sizeof path, "%s/%s", dir, name);
    if (len >= OS_CONTROL_PATH || lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    if (name[0] == '.') {
        if (is_abandoned(name))
            unlink(path);
        return;
    }
    int fd = os_control_connect(path);
    if (fd == -ECONNREFUSED)
        unlink(path);
    if (fd >= 0)
        close(fd);
    /* -EAGAIN: it listens, and many wait. */
    if ((fd >= 0 || fd == -EAGAIN) && out->count < OS_CONTROL_FOUND)
        memcpy(out->path[out->count++], path, (size_t)len + 1);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

void os_control_search(struct os_control_found *out)
{
    char dirs[DIRS][OS_CONTROL_PATH];

    out->count = 0;
    name_dirs(dirs);
    for (int i = 0; i < DIRS; i++) {
        int before = out->count;
        DIR *dir = dirs[i][0] && check_dir(dirs[i]) == 0 ? opendir(dirs[i]) : NULL;
        struct dirent *entry;
        if (!dir)
            continue;
        for (int n = 0; n < OS_CONTROL_LOOKED && (entry = readdir(dir)); n++)
            look_at(dirs[i], entry->d_name, out);
        closedir(dir);
        rmdir(dirs[i]); /* if nothing is left in it */
        qsort(out->path[before], (size_t)(out->count - before), sizeof out->path[0], by_name);
    }
}
