/*
 * os_files.c - opening strangers' paths.
 *
 * A path comes from the wire. What keeps it inside the root is not a check of its text (that is a
 * race, and a symbolic link defeats it) but the kernel: openat2() with RESOLVE_BENEATH refuses each
 * step that would leave the root, `..`, absolute paths and links included, and
 * RESOLVE_NO_MAGICLINKS refuses the links of /proc that lead anywhere. Both answer -EXDEV or
 * -ELOOP.
 *
 * What is found may be a FIFO or a device. O_NONBLOCK keeps the opening from waiting, O_NOCTTY from
 * acquiring a terminal, and fstat() tells the kind before anybody gets a handle: what is neither a
 * regular file nor a directory is closed again, with -EACCES, and never read.
 *
 * A folder is listed in steps, with no more than a handle to remember where it was; see
 * files_list().
 *
 * Left out on purpose: mmap. A file that shrinks while it is sent would be a SIGBUS; with pread()
 * it is a short count.
 */
#include "os/os_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* While somebody renames directories above it, the kernel cannot tell whether `..` stayed beneath
 * the root, and answers EAGAIN (openat2(2)). */
enum { OPEN_TRIES = 16 };

static int open_beneath(int root, const char *path, uint64_t flags)
{
    struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    for (int tries = 0; tries < OPEN_TRIES; tries++) {
        long fd = syscall(SYS_openat2, root, path, &how, sizeof how);
        if (fd >= 0)
            return (int)fd;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
    }
    return -EAGAIN;
}

static struct file_info info_of(const struct stat *st)
{
    return (struct file_info){
        .kind = S_ISREG(st->st_mode)   ? FILE_REGULAR
                : S_ISDIR(st->st_mode) ? FILE_DIRECTORY
                                       : FILE_OTHER,
        .size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0,
        .mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
        .inode = st->st_ino,
    };
}

static int files_info(void *context, int file, struct file_info *info)
{
    struct stat st;

    (void)context;
    if (fstat(file, &st) < 0)
        return -errno;
    *info = info_of(&st);
    return 0;
}

static int files_open(void *context, const char *path, struct file_info *info)
{
    const struct os_files *files = context;

    int file = open_beneath(files->root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (file < 0)
        return file;
    int err = files_info(context, file, info);
    if (!err && info->kind == FILE_OTHER)
        err = -EACCES;
    if (err) {
        close(file);
        return err;
    }
    return file;
}

static int64_t files_read(void *context, int file, uint64_t offset, void *octets, size_t len)
{
    (void)context;
    if (offset > INT64_MAX)
        return -EINVAL;
    for (;;) {
        ssize_t n = pread(file, octets, len, (off_t)offset);
        if (n >= 0)
            return n;
        if (errno != EINTR)
            return -errno;
    }
}

static void files_close(void *context, int file)
{
    (void)context;
    close(file);
}

/* What a name in a directory is. A link is what it leads to, if it stays inside the root; else it
 * is nothing that could be served. */
static int entry_info(const struct os_files *files, int dir, const char *path, const char *name,
                      struct file_info *info)
{
    struct stat st;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (S_ISLNK(st.st_mode)) {
        char whole[PATH_MAX];
        int len = snprintf(whole, sizeof whole, "%s/%s", path, name);
        int file = len < 0 || (size_t)len >= sizeof whole
                       ? -ENAMETOOLONG
                       : open_beneath(files->root, whole, O_PATH);
        if (file >= 0) {
            int err = fstat(file, &st) < 0 ? -errno : 0;
            close(file);
            if (err)
                return err;
        }
    }
    *info = info_of(&st);
    return 0;
}

static bool is_of_every_folder(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* A folder may hold millions of names, and each is looked up: what the kernel puts into a small
 * buffer is one step. A record is a header and its name with a NUL, rounded up to 8 octets, so none
 * is below 24. readdir() would read ahead, and remember where it was in memory of its own. */
static int files_list(void *context, int dir, const char *path,
                      void (*entry)(void *cookie, const char *name, const struct file_info *info),
                      void *cookie)
{
    enum { NAMES = 64, RECORD_MIN = 24 };
    const struct os_files *files = context;
    char records[NAMES * RECORD_MIN];
    ssize_t len;
    int names = 0;

    do
        len = getdents64(dir, records, sizeof records);
    while (len < 0 && errno == EINTR);
    if (len < 0)
        return -errno;
    for (ssize_t at = 0; at < len; names++) {
        const char *name = records + at + offsetof(struct dirent64, d_name);
        unsigned short record_len;
        struct file_info info;
        memcpy(&record_len, records + at + offsetof(struct dirent64, d_reclen), sizeof record_len);
        at += record_len;
        if (!is_of_every_folder(name) && !entry_info(files, dir, path, name, &info))
            entry(cookie, name, &info); /* else it is gone since */
    }
    return names;
}

int os_files_open(struct os_files *files, const char *path)
{
    files->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (files->root < 0)
        return -errno;
    int probe = open_beneath(files->root, ".", O_RDONLY | O_DIRECTORY);
    if (probe < 0) {
        os_files_close(files);
        return probe;
    }
    close(probe);
    return 0;
}

void os_files_close(struct os_files *files)
{
    if (files->root >= 0)
        close(files->root);
    files->root = -1;
}

struct files_ops os_files_ops(struct os_files *files)
{
    return (struct files_ops){
        .context = files,
        .open = files_open,
        .info = files_info,
        .read = files_read,
        .close = files_close,
        .list = files_list,
    };
}
