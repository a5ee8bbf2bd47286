/*
 * drill_files.c - see drill_files.h.
 */
#include "drill_files.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

/* To its end, which the size of a pipe does not tell: 0 with *octets for the caller to free. */
static int read_to_end(int fd, uint8_t **octets, size_t *len)
{
    size_t room = 0;

    for (;;) {
        if (*len == room) {
            room = room ? room * 2 : 4096;
            uint8_t *more = realloc(*octets, room);
            if (!more)
                return -ENOMEM;
            *octets = more;
        }
        ssize_t n = read(fd, *octets + *len, room - *len);
        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return -errno;
        *len += n > 0 ? (size_t)n : 0;
        if (*len > DRILL_SCRIPT_MAX)
            return -EFBIG;
    }
}

int read_whole_file(const char *path, bool or_pipe, struct bytes *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | (or_pipe ? 0 : O_NONBLOCK));
    uint8_t *octets = NULL;
    struct stat st;
    size_t len = 0;

    if (fd < 0)
        return -errno;
    int err = fstat(fd, &st) ? -errno : 0;
    if (!err && S_ISDIR(st.st_mode))
        err = -EISDIR;
    if (!err && !S_ISREG(st.st_mode) && !or_pipe)
        err = -EINVAL; /* nobody may be writing to it */
    if (!err)
        err = read_to_end(fd, &octets, &len);
    close(fd);
    if (err) {
        free(octets);
        return err;
    }
    *out = (struct bytes){octets, len};
    return 0;
}

/* --- the list ----------------------------------------------------------------------------- */

static int add_path(struct script_list *list, const char *path, struct refusal *refusal)
{
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 64;
        char **more = realloc(list->paths, room * sizeof(*more));
        if (!more)
            return refuse(refusal, EXIT_FAILURE, "no memory for the list of scripts");
        list->paths = more;
        list->room = room;
    }
    list->paths[list->count] = strdup(path);
    if (!list->paths[list->count])
        return refuse(refusal, EXIT_FAILURE, "no memory for the list of scripts");
    list->count++;
    return 0;
}

static bool is_script(const char *name)
{
    size_t len = strlen(name);

    return len > 4 && strcmp(name + len - 4, ".pkt") == 0;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* Every script below a folder, in the order of names; what begins with a dot is nobody's. */
static int add_folder(struct script_list *list, const char *path, struct refusal *refusal)
{
    char *copy = strdup(path);
    char *roots[] = {copy, NULL};
    FTS *tree = copy ? fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name) : NULL;
    int status = tree ? 0 : refuse(refusal, EXIT_FAILURE, "%s: %s", path, strerror(errno));

    for (FTSENT *entry; !status && (entry = fts_read(tree));) {
        if (entry->fts_info == FTS_DNR && entry->fts_level == 0)
            status = refuse(refusal, EXIT_FAILURE, "%s: %s", path, strerror(entry->fts_errno));
        else if (entry->fts_level > 0 && entry->fts_name[0] == '.')
            fts_set(tree, entry, FTS_SKIP);
        else if (entry->fts_info == FTS_F && is_script(entry->fts_name))
            status = add_path(list, entry->fts_path, refusal);
    }
    if (tree)
        fts_close(tree);
    free(copy);
    return status;
}

int script_list_add(struct script_list *list, const char *path, struct refusal *refusal)
{
    struct stat st;
    size_t before = list->count;

    if (!*path || stat(path, &st) != 0)
        return refuse(refusal, EXIT_FAILURE, "%s: %s", *path ? path : "''",
                      strerror(*path ? errno : ENOENT));
    if (!S_ISDIR(st.st_mode))
        return add_path(list, path, refusal);
    int status = add_folder(list, path, refusal);
    if (!status && list->count == before)
        return refuse(refusal, EXIT_FAILURE, "%s: no script (*.pkt) in this directory", path);
    return status;
}

void script_list_free(struct script_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->paths[i]);
    free(list->paths);
    *list = (struct script_list){0};
}

/* --- what scripts name -------------------------------------------------------------------- */

static void forget(struct script_files *f)
{
    union { /* it was ours before it became const */
        const uint8_t *borrowed;
        void *ours;
    } at = {.borrowed = f->last.at};

    free(at.ours);
    f->last = (struct bytes){0};
}

static int read_beside(struct drill_files *files, const char *name, struct bytes *out)
{
    struct script_files *f = CONTAINER_OF(files, struct script_files, files);
    const char *slash = strrchr(f->script, '/');
    char path[4096];
    int len = name[0] == '/' || !slash ? snprintf(path, sizeof(path), "%s", name)
                                       : snprintf(path, sizeof(path), "%.*s/%s",
                                                  (int)(slash - f->script), f->script, name);

    forget(f);
    if (len < 0 || (size_t)len >= sizeof(path))
        return -ENAMETOOLONG;
    int err = read_whole_file(path, false, &f->last);
    *out = f->last;
    return err;
}

void script_files_init(struct script_files *files, const char *script)
{
    *files = (struct script_files){.files = {read_beside}, .script = script};
}

void script_files_fini(struct script_files *files)
{
    forget(files);
}
