/* fake_files.c - see fake_files.h. */
#include "support/fake_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

uint8_t fake_file_octet(uint64_t offset)
{
    return (uint8_t)(offset * 31 + (offset >> 8) * 7 + (offset >> 16));
}

struct fake_file *fake_file(struct fake_files *files, const char *name)
{
    for (size_t i = 0; i < FAKE_FILES; i++)
        if (files->file[i].name && strcmp(files->file[i].name, name) == 0)
            return &files->file[i];
    return NULL;
}

static void check_name(const char *name)
{
    assert(name[0] && name[0] != '/');
    for (const char *at = name; at; at = strchr(at, '/')) {
        at += *at == '/';
        assert(strncmp(at, "..", 2) != 0 || (at[2] && at[2] != '/'));
    }
}

static struct file_info info_of(const struct fake_files *files, const struct fake_file *f)
{
    return (struct file_info){.kind = f->kind,
                              .size = f->size,
                              .mtime_ns = f->mtime_ns,
                              .inode = (uint64_t)(f - files->file),
                              .serial = f->serial};
}

/* The handle of a file is its place in the table. Those of folders come behind: each opening has a
 * place of its own in the listing. */
static const struct fake_file *file_of(const struct fake_files *files, int handle)
{
    const struct fake_file *f =
        handle < FAKE_FILES ? &files->file[handle] : files->folder[handle - FAKE_FILES].file;

    assert(f);
    return f;
}

static int fake_info(void *context, int handle, struct file_info *info)
{
    *info = info_of(context, file_of(context, handle));
    return 0;
}

static int open_folder(struct fake_files *files, const struct fake_file *f)
{
    int i = 0;

    while (i < FAKE_FOLDERS && files->folder[i].file)
        i++;
    if (i == FAKE_FOLDERS)
        return -EMFILE;
    files->folder[i] = (struct fake_folder){.file = f};
    return FAKE_FILES + i;
}

static int fake_open_file(void *context, const char *path, struct file_info *info)
{
    struct fake_files *files = context;
    struct fake_file *f = fake_file(files, path);

    check_name(path);
    files->opened++;
    if (!f)
        return -ENOENT;
    if (f->open_error)
        return f->open_error;
    int handle = f->kind == FILE_DIRECTORY ? open_folder(files, f) : (int)(f - files->file);
    if (handle < 0)
        return handle;
    files->open++;
    *info = info_of(files, f);
    return handle;
}

static int64_t fake_read(void *context, int handle, uint64_t offset, void *octets, size_t len)
{
    struct fake_files *files = context;
    const struct fake_file *f = file_of(files, handle);
    const uint64_t size = f->cut ? f->cut_size : f->size;
    uint8_t *out = octets;

    assert(f->kind == FILE_REGULAR && len > 0);
    files->read++;
    if (f->read_error && offset >= f->read_error_at)
        return f->read_error;
    if (offset >= size)
        return 0;
    len = (uint64_t)len < size - offset ? len : (size_t)(size - offset);
    if (f->read_error && len > f->read_error_at - offset)
        len = (size_t)(f->read_error_at - offset);
    for (size_t i = 0; !f->hollow && i < len; i++)
        out[i] = fake_file_octet(offset + i);
    files->octets += len;
    return (int64_t)len;
}

static void fake_close(void *context, int handle)
{
    struct fake_files *files = context;

    file_of(files, handle);
    if (handle >= FAKE_FILES)
        files->folder[handle - FAKE_FILES].file = NULL;
    assert(files->open > 0);
    files->open--;
}

/* The name of a file within the folder; NULL when it is not directly in it. */
static const char *name_in(const char *folder, const char *path)
{
    size_t len = strlen(folder);

    if (!path || strcmp(path, ".") == 0)
        return NULL;
    if (strcmp(folder, ".") != 0) {
        if (strncmp(path, folder, len) != 0 || path[len] != '/')
            return NULL;
        path += len + 1;
    }
    return strchr(path, '/') ? NULL : path;
}

static int fake_list(void *context, int dir, const char *path,
                     void (*entry)(void *cookie, const char *name, const struct file_info *info),
                     void *cookie)
{
    struct fake_files *files = context;
    const struct fake_file *f = file_of(files, dir);
    int told = 0;

    files->listed++;
    if (f->kind != FILE_DIRECTORY)
        return -ENOTDIR;
    assert(strcmp(path, f->name) == 0);
    struct fake_folder *folder = &files->folder[dir - FAKE_FILES];
    for (; told < FAKE_STEP && folder->place < FAKE_FILES + f->crowd_count; folder->place++) {
        const struct fake_file *next =
            folder->place < FAKE_FILES ? &files->file[folder->place] : NULL;
        if (next && !name_in(f->name, next->name))
            continue;
        if (f->list_error && folder->told >= f->list_error_at)
            break;
        char made_up[300];
        struct file_info info = {.kind = FILE_REGULAR, .inode = folder->place};
        if (next)
            info = info_of(files, next);
        else
            snprintf(made_up, sizeof(made_up), "%s%07u", f->crowd, folder->place - FAKE_FILES);
        entry(cookie, next ? name_in(f->name, next->name) : made_up, &info);
        folder->told++;
        told++;
    }
    if (told == 0 && f->list_error && folder->told >= f->list_error_at)
        return f->list_error;
    return told;
}

struct files_ops fake_files_ops(struct fake_files *files)
{
    return (struct files_ops){
        .context = files,
        .open = fake_open_file,
        .info = fake_info,
        .read = fake_read,
        .close = fake_close,
        .list = fake_list,
    };
}
