/*
 * exec_check.c - programs that no preloaded library reaches.
 *
 * A program is ours only if the dynamic linker of our own C library loads it, and if it then calls
 * the C library for its network. What does not, would run, and use the kernel's network without a
 * word: so it is looked at first.
 *
 *     no PT_INTERP                  static: there is no dynamic linker
 *     another machine or class      our library is no library to it
 *     another linker (musl's)       our library wants the GNU C library
 *     set-user-ID, capabilities     the dynamic linker does not listen to LD_PRELOAD
 *     .note.go.buildid              Go makes system calls itself, even where it is linked to libc
 *
 * Files are read with the caller's own calls and nothing is kept. What cannot be read is not
 * refused, nor is what is no ELF file: exec() has the last word.
 */
#include "exec_check.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/base.h"

enum { SCRIPTS = 4, LINE = 256, HEADERS = 64, SECTIONS = 256, NAMES = 65536 };

bool exec_find(const char *file, char out[EXEC_PATH])
{
    const char *path = getenv("PATH");

    if (strchr(file, '/'))
        return snprintf(out, EXEC_PATH, "%s", file) < EXEC_PATH;
    for (path = path ? path : "/usr/local/bin:/usr/bin:/bin"; path; path = strchr(path, ':')) {
        path += *path == ':';
        int len = (int)strcspn(path, ":");
        int n = snprintf(out, EXEC_PATH, "%.*s%s%s", len, path, len ? "/" : "", file);
        struct stat st;
        if (n < EXEC_PATH && access(out, X_OK) == 0 && stat(out, &st) == 0 && S_ISREG(st.st_mode))
            return true;
    }
    return false;
}

static bool read_at(int fd, void *out, size_t len, uint64_t at)
{
    return at <= INT64_MAX && pread(fd, out, len, (off_t)at) == (ssize_t)len;
}

/* --- ELF ---------------------------------------------------------------------------------- */

static const char *check_linker(int fd, const Elf64_Phdr *interp)
{
    char name[LINE] = "";

    if (interp->p_filesz >= sizeof name || !read_at(fd, name, interp->p_filesz, interp->p_offset))
        return NULL;
    return strstr(name, "musl") ? "it is made for another C library than ours (musl)" : NULL;
}

static const char *check_segments(int fd, const Elf64_Ehdr *header)
{
    Elf64_Phdr segment;

    for (unsigned i = 0; i < header->e_phnum && i < HEADERS; i++) {
        if (!read_at(fd, &segment, sizeof segment, header->e_phoff + i * sizeof segment))
            return NULL;
        if (segment.p_type == PT_INTERP)
            return check_linker(fd, &segment);
    }
    return "it is linked statically, so no library of ours gets in";
}

/* Go leaves its build id in a section of its own. */
static bool is_go(int fd, const Elf64_Ehdr *header)
{
    static const char go[] = ".note.go.buildid";
    Elf64_Shdr names, section;
    char name[sizeof go];

    if (header->e_shentsize != sizeof section ||
        !read_at(fd, &names, sizeof names,
                 header->e_shoff + (uint64_t)header->e_shstrndx * sizeof names))
        return false;
    for (unsigned i = 0; i < header->e_shnum && i < SECTIONS; i++)
        if (read_at(fd, &section, sizeof section, header->e_shoff + i * sizeof section) &&
            read_at(fd, name, sizeof name, names.sh_offset + section.sh_name) &&
            memcmp(name, go, sizeof go) == 0)
            return true;
    return false;
}

static bool is_privileged(int fd)
{
    struct stat st;

    if (fstat(fd, &st))
        return false;
    if (st.st_mode & S_ISUID && st.st_uid != geteuid())
        return true;
    if (st.st_mode & S_ISGID && st.st_gid != getegid())
        return true;
    return geteuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

static const char *check_elf(int fd)
{
    Elf64_Ehdr header, own;

    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    bool known = self >= 0 && read_at(self, &own, sizeof own, 0);
    if (self >= 0)
        close(self);
    if (!read_at(fd, &header, sizeof header, 0))
        return NULL;
    if (known &&
        (header.e_machine != own.e_machine || header.e_ident[EI_CLASS] != own.e_ident[EI_CLASS]))
        return "it is made for another kind of processor than our library";
    if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
        return NULL;
    const char *why = check_segments(fd, &header);
    if (!why && is_go(fd, &header))
        why = "it is a Go program, which makes system calls itself, past every library";
    if (!why && is_privileged(fd))
        why = "it runs with privileges of its own, and libraries from outside are kept away";
    return why;
}

/* --- scripts ------------------------------------------------------------------------------ */

/* "#! /bin/sh -e" becomes "/bin/sh". */
static bool read_interpreter(const char *line, char out[EXEC_PATH])
{
    line += 2;
    line += strspn(line, " \t");
    size_t len = strcspn(line, " \t\n");

    if (len == 0)
        return false;
    snprintf(out, EXEC_PATH, "%.*s", (int)len, line);
    return true;
}

const char *exec_refuses(const char *path)
{
    char next[EXEC_PATH];

    for (int i = 0; i < SCRIPTS; i++) {
        char line[LINE] = "";
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return NULL;
        ssize_t n = pread(fd, line, sizeof line - 1, 0);
        bool script = n > 2 && memcmp(line, "#!", 2) == 0;
        const char *why = n >= SELFMAG && memcmp(line, ELFMAG, SELFMAG) == 0 ? check_elf(fd) : NULL;
        close(fd);
        if (!script)
            return why;
        if (!read_interpreter(line, next))
            return NULL;
        path = next;
    }
    return NULL;
}
